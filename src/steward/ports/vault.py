"""The vault: keeps values of projects encrypted, and gives them to operations alone. No face ever reads one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from steward.domain.vault import Kept, Place, Use, Waiver
from steward.ports.errors import Permanent

if TYPE_CHECKING:
    # The store's port is made of the parts below: at run time it imports this module.
    from steward.ports.store import Reads, Writes


@dataclass(frozen=True, slots=True)
class SealedValue:
    """A kept value as the database has it: what may be known of it, and its ciphertext.

    `key_version` is that of the project's data key that it was encrypted with.
    """

    kept: Kept
    key_version: int
    cipher: bytes


@dataclass(frozen=True, slots=True)
class WrappedKey:
    """The data key of a project, encrypted under the master key of that id. `version` counts the rotations."""

    project_id: str
    version: int
    master_id: str
    wrapped: bytes


class VaultReads(Protocol):
    """What can be read of the vault's rows: never a value in clear."""

    def vault_values(self, project_id: str) -> list[SealedValue]:
        """Those of a project, by name."""
        ...

    def vault_key(self, project_id: str) -> WrappedKey | None: ...

    def vault_masters(self) -> dict[str, int]:
        """Ids of the master keys that data keys are wrapped under, each with how many."""
        ...

    def vault_projects(self) -> list[str]:
        """Ids of the projects that have a data key, sorted."""
        ...

    def vault_waivers(self, project_id: str) -> list[Waiver]:
        """By name."""
        ...

    def vault_uses(self, project_id: str, limit: int = 50) -> list[Use]:
        """Newest first."""
        ...


class VaultWrites(Protocol):
    """What can be written of the vault's rows, within one transaction."""

    def save_vault_value(self, value: SealedValue) -> None:
        """Insert or replace, by project and name."""
        ...

    def drop_vault_value(self, project_id: str, name: str) -> bool: ...

    def save_vault_key(self, key: WrappedKey) -> None:
        """Insert or replace, by project."""
        ...

    def save_vault_waiver(self, waiver: Waiver) -> None:
        """Insert or replace, by project and name."""
        ...

    def drop_vault_waiver(self, project_id: str, name: str) -> bool: ...

    def add_vault_uses(self, uses: Iterable[Use]) -> None: ...


class Vault(Protocol):
    """Values of projects at rest. Every method that needs the master key raises Permanent where it is lost, or is
    not the one that the values were kept under; a row that was swapped, cut or changed raises Damaged.
    """

    def keep(self, tx: Writes, kept: Kept, value: str) -> Kept:
        """Encrypt and store a value in the caller's transaction; what there was of that name is replaced.

        Returned as it is kept: `version` is one more than what there was, `length` is set, nothing is sent yet.
        """
        ...

    def drop(self, tx: Writes, project_id: str, name: str) -> bool:
        """Forget a value; whether there was one."""
        ...

    def kept(self, view: Reads, project_id: str) -> list[Kept]:
        """What is kept for a project, by name; never with the values."""
        ...

    def sent(self, tx: Writes, kept: Kept) -> bool:
        """Write down when a value was sent (`kept.sent_at`), unless it was changed since; whether it was written."""
        ...

    def values(
        self, view: Reads, project_id: str, place: Place, names: Collection[str] | None = None
    ) -> dict[str, str]:
        """The values for a place, decrypted, for an operation. Its use is written down by the caller (`used`)."""
        ...

    def all_values(self, view: Reads, project_id: str) -> list[str]:
        """Every value that is kept as a secret for a project, to be taken out of texts."""
        ...

    def redactor(self, view: Reads, project_id: str) -> Callable[[str], str]:
        """What takes every secret of a project out of a text, in all its usual forms.

        Raises nothing: a value that cannot be opened can be given to nobody either.
        """
        ...

    def contents(self, view: Reads, project_id: str) -> list[tuple[Kept, str]]:
        """Everything that is kept for a project, decrypted, for an export under a passphrase alone."""
        ...

    def used(self, tx: Writes, project_id: str, names: Iterable[str], used_for: str, by: str) -> None:
        """Write uses down."""
        ...

    def waivers(self, view: Reads, project_id: str) -> list[Waiver]: ...

    def waive(self, tx: Writes, waiver: Waiver) -> None: ...

    def unwaive(self, tx: Writes, project_id: str, name: str) -> bool: ...

    def rotate(self, tx: Writes, project_id: str) -> int:
        """Give a project a new data key and encrypt its values anew with it; how many there are."""
        ...

    def rewrap(self, tx: Writes, project_id: str) -> bool:
        """Wrap a project's data key under the current master key; whether it was under another one."""
        ...

    def renew_master(self) -> str:
        """Put a new master key before the present ones, which stay; its id. Raises Permanent where the key is
        not a file of this installation's own.
        """
        ...

    def begin(self, view: Reads) -> None:
        """Make the master key where there is none and nothing is kept yet. Raises Permanent: lost, not the one."""
        ...

    def master(self) -> tuple[str, str]:
        """The id of the current master key, "" where there is none yet; and where it comes from, in words."""
        ...

    def is_own_file(self) -> bool:
        """Whether the master key is a file that this installation made, which nobody else has a copy of."""
        ...

    def seal_key(self) -> bytes:
        """The key that merges are sealed with, made from the current master key."""
        ...

    def seal_keys(self) -> list[bytes]:
        """Every key that a seal of ours may have been made with: the current one first, then earlier ones'."""
        ...

    def lock(self, data: bytes, passphrase: str) -> bytes:
        """Encrypt a file under a passphrase."""
        ...

    def unlock(self, data: bytes, passphrase: str) -> bytes:
        """What `lock` was given. Raises Permanent: no such file, cut or changed, another passphrase."""
        ...


class Damaged(Permanent):
    """A kept value cannot be what was kept: swapped, cut or changed. `name` says which, "" the project's data key;
    nothing of it is shown.
    """

    def __init__(self, project_id: str, name: str) -> None:
        what = f"the kept value {name}" if name else "the data key"
        super().__init__(
            f"{what} of project {project_id} is damaged",
            "Set it anew (steward secret set), or restore the database from a backup.",
        )
        self.project_id = project_id
        self.name = name


Values = Mapping[str, str]
"""Names to values in clear. Never stored, logged or shown."""
