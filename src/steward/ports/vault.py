"""The vault: keeps values of projects encrypted, and gives them to operations alone. No face ever reads one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from steward.domain.vault import Kept, Place, Waiver
from steward.ports.store import Reads, Writes


class Vault(Protocol):
    """Values of projects at rest. Every method that needs the master key raises Permanent where it is lost, or is
    not the one that the values were kept under; a row that was swapped, cut or changed raises Damaged.
    """

    def keep(self, tx: Writes, kept: Kept, value: str) -> Kept:
        """Encrypt and store a value in the caller's transaction; what there was of that name is replaced."""
        ...

    def drop(self, tx: Writes, project_id: str, name: str) -> bool:
        """Forget a value; whether there was one."""
        ...

    def kept(self, view: Reads, project_id: str) -> list[Kept]:
        """What is kept for a project, by name; never with the values."""
        ...

    def values(
        self, view: Reads, project_id: str, place: Place, names: Collection[str] | None = None
    ) -> dict[str, str]:
        """The values for a place, decrypted, for an operation. Its use is written down by the caller (`used`)."""
        ...

    def all_values(self, view: Reads, project_id: str) -> list[str]:
        """Every value that is kept as a secret for a project, to be taken out of texts."""
        ...

    def used(self, tx: Writes, project_id: str, names: Iterable[str], used_for: str, by: str) -> None:
        """Write uses down."""
        ...

    def waivers(self, view: Reads, project_id: str) -> list[Waiver]: ...

    def waive(self, tx: Writes, waiver: Waiver) -> None: ...

    def unwaive(self, tx: Writes, project_id: str, name: str) -> bool: ...


class Damaged(Exception):
    """A kept value cannot be what was kept: swapped, cut or changed. `name` says which; nothing of it is shown."""

    def __init__(self, project_id: str, name: str) -> None:
        super().__init__(f"the kept value {name} of project {project_id} is damaged")
        self.project_id = project_id
        self.name = name


Values = Mapping[str, str]
"""Names to values in clear. Never stored, logged or shown."""
