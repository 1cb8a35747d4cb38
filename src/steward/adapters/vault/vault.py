"""Keeps values of projects, over the store's rows; the contract is `ports.vault.Vault`.

Data keys are kept decrypted in memory only, by what is stored of them, so that a rotation elsewhere is seen at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace
from datetime import UTC
from hashlib import sha256
from typing import Final

from steward.adapters.vault.cipher import (
    COST,
    Unfit,
    bound_key,
    bound_value,
    decrypt,
    derived,
    encrypt,
    key_id,
    lock,
    new_key,
    unlock,
)
from steward.adapters.vault.keys import MasterKeys
from steward.domain.needs import Sort
from steward.domain.vault import Kept, Place, Use, Waiver
from steward.ports import Clock, Permanent, Reads, Writes
from steward.ports.vault import Damaged, SealedValue, WrappedKey

CACHE_MAX: Final = 2_000
"""Data keys, and redactors, that are kept in memory."""
Redact = Callable[[str], str]


class KeptVault:
    """Values at rest. `masking` makes what takes the given values out of a text; `cost` is how dear the passphrase
    of an export is to try, as an exponent of 2. Threads may share it.
    """

    def __init__(
        self,
        keys: MasterKeys,
        clock: Clock,
        masking: Callable[[Iterable[str]], Redact],
        cost: int = COST,
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._masking = masking
        self._cost = cost
        self._lock = threading.Lock()
        self._data_keys: dict[tuple[str, int, str, bytes], bytes] = {}
        self._redactors: dict[str, tuple[bytes, Redact]] = {}

    # The master key ------------------------------------------------------------------------------------

    def begin(self, view: Reads) -> None:
        """Make the master key where there is none and nothing is kept yet."""
        self._current(view)

    def master(self) -> tuple[str, str]:
        """The current key's id, and where it is."""
        keys = self._keys.all()
        return (key_id(keys[0]) if keys else "", self._keys.where)

    def is_own_file(self) -> bool:
        """Whether this installation made the key."""
        return self._keys.is_own

    def seal_key(self) -> bytes:
        """The key that merges are sealed with."""
        return self.seal_keys()[0]

    def seal_keys(self) -> list[bytes]:
        """The same of every master key that is known."""
        keys = self._keys.all()
        if not keys:
            raise Permanent(f"there is no master key in {self._keys.where} yet", "Start Steward: steward up")
        return [derived(key, "seal") for key in keys]

    def renew_master(self) -> str:
        """Put a new master key before the present ones."""
        return self._keys.renew()

    def _current(self, view: Reads) -> tuple[str, bytes]:
        """The master key for what is kept from now on: only where everything that is kept can be read with it."""
        used = view.vault_masters()
        # Read anew: what is kept under a key that was taken away meanwhile is lost with this process.
        if not self._keys.all(again=True) and not used:
            self._keys.make()
        for master_id in used:
            self._master(master_id)
        current = self._keys.all()[0]
        return key_id(current), current

    def _master(self, master_id: str) -> bytes:
        """The master key of that id. Raises Permanent."""
        for again in (False, True):
            for key in self._keys.all(again=again):
                if key_id(key) == master_id:
                    return key
        found = ", ".join(key_id(key) for key in self._keys.all())
        if not found:
            raise Permanent(
                f"the master key {master_id} that the secrets were kept under is lost: {self._keys.where} is not there",
                "Restore it from your copy. If there is none: steward secret forget-all, then set the secrets anew.",
            )
        raise Permanent(
            f"the master key is not the one these secrets were kept under (id {master_id}); "
            f"{self._keys.where} holds {found}",
            "Put the right key there. If it is lost: steward secret forget-all, then set the secrets anew.",
        )

    # Data keys -----------------------------------------------------------------------------------------

    def _opened(self, row: WrappedKey) -> bytes:
        """A data key in clear."""
        at = (row.project_id, row.version, row.master_id, sha256(row.wrapped).digest())
        with self._lock:
            known = self._data_keys.get(at)
        if known is not None:
            return known
        master = self._master(row.master_id)
        try:
            key = decrypt(master, row.wrapped, bound_key(row.project_id, row.version, row.master_id))
        except Unfit:
            raise Damaged(row.project_id, "") from None
        with self._lock:
            if len(self._data_keys) >= CACHE_MAX:
                self._data_keys.clear()
            self._data_keys[at] = key
        return key

    def _wrap(self, tx: Writes, project_id: str, version: int, key: bytes) -> WrappedKey:
        master_id, master = self._current(tx)
        wrapped = encrypt(master, key, bound_key(project_id, version, master_id))
        row = WrappedKey(project_id, version, master_id, wrapped)
        tx.save_vault_key(row)
        return row

    def _data_key(self, tx: Writes, project_id: str) -> tuple[int, bytes]:
        """The project's data key to write with, made where there is none."""
        self._current(tx)
        row = tx.vault_key(project_id)
        if row is not None:
            return row.version, self._opened(row)
        if tx.vault_values(project_id):
            raise Damaged(project_id, "")
        key = new_key()
        return self._wrap(tx, project_id, 1, key).version, key

    def rotate(self, tx: Writes, project_id: str) -> int:
        """A new data key, and every value encrypted anew with it."""
        row = tx.vault_key(project_id)
        if row is None:
            return 0
        values = [(value, self._clear(row, value)) for value in tx.vault_values(project_id)]
        key, version = new_key(), row.version + 1
        self._wrap(tx, project_id, version, key)
        for value, clear in values:
            self._seal(tx, value.kept, version, key, clear)
        return len(values)

    def forget(self, tx: Writes, project_id: str) -> list[str]:
        """Drop everything, readable or not."""
        names = [kept.name for kept in self.kept(tx, project_id)]
        for name in names:
            tx.drop_vault_value(project_id, name)
        tx.drop_vault_key(project_id)
        return names

    def rewrap(self, tx: Writes, project_id: str) -> bool:
        """The data key under the current master key."""
        row = tx.vault_key(project_id)
        if row is None or row.master_id == self._current(tx)[0]:
            return False
        self._wrap(tx, project_id, row.version, self._opened(row))
        return True

    # Values --------------------------------------------------------------------------------------------

    def keep(self, tx: Writes, kept: Kept, value: str) -> Kept:
        """Encrypt and store a value."""
        version, key = self._data_key(tx, kept.project_id)
        before = next((one for one in self.kept(tx, kept.project_id) if one.name == kept.name), None)
        clear = value.encode()
        made = replace(
            kept,
            set_at=kept.set_at.astimezone(UTC),
            length=len(clear) if kept.sort is Sort.VARIABLE else 0,
            sent_at=None,
            version=before.version + 1 if before else 1,
        )
        self._seal(tx, made, version, key, clear)
        return made

    def _seal(self, tx: Writes, kept: Kept, key_version: int, key: bytes, clear: bytes) -> None:
        cipher = encrypt(key, clear, bound_value(kept, key_version))
        tx.save_vault_value(SealedValue(kept, key_version, cipher))

    def _clear(self, row: WrappedKey | None, value: SealedValue) -> bytes:
        kept = value.kept
        if row is None or row.project_id != kept.project_id or row.version != value.key_version:
            raise Damaged(kept.project_id, kept.name)
        try:
            return decrypt(self._opened(row), value.cipher, bound_value(kept, value.key_version))
        except Unfit:
            raise Damaged(kept.project_id, kept.name) from None

    def drop(self, tx: Writes, project_id: str, name: str) -> bool:
        """Forget a value."""
        return tx.drop_vault_value(project_id, name)

    def kept(self, view: Reads, project_id: str) -> list[Kept]:
        """What is kept, never with the values."""
        return [value.kept for value in view.vault_values(project_id)]

    def sent(self, tx: Writes, kept: Kept) -> bool:
        """When a value was sent."""
        for value in tx.vault_values(kept.project_id):
            if value.kept.name == kept.name and value.kept.version == kept.version:
                tx.save_vault_value(replace(value, kept=replace(value.kept, sent_at=kept.sent_at)))
                return True
        return False

    def values(
        self, view: Reads, project_id: str, place: Place, names: Collection[str] | None = None
    ) -> dict[str, str]:
        """The values for a place, decrypted."""
        row = view.vault_key(project_id)
        return {
            value.kept.name: self._clear(row, value).decode()
            for value in view.vault_values(project_id)
            if place in value.kept.places and (names is None or value.kept.name in names)
        }

    def all_values(self, view: Reads, project_id: str) -> list[str]:
        """Every secret of a project."""
        return [text for kept, text in self.contents(view, project_id) if kept.sort is Sort.SECRET]

    def contents(self, view: Reads, project_id: str) -> list[tuple[Kept, str]]:
        """Everything that is kept, decrypted."""
        row = view.vault_key(project_id)
        return [(value.kept, self._clear(row, value).decode()) for value in view.vault_values(project_id)]

    def redactor(self, view: Reads, project_id: str) -> Redact:
        """What takes a project's secrets out of a text; made once for what is kept."""
        row, sealed = view.vault_key(project_id), view.vault_values(project_id)
        secret = [value for value in sealed if value.kept.sort is Sort.SECRET]
        state = sha256(b"".join(sha256(value.cipher).digest() for value in secret)).digest()
        with self._lock:
            known = self._redactors.get(project_id)
        if known is not None and known[0] == state:
            return known[1]
        made, whole = self._masking_of(row, secret)
        if whole:
            with self._lock:
                if len(self._redactors) >= CACHE_MAX:
                    self._redactors.clear()
                self._redactors[project_id] = (state, made)
        return made

    def _masking_of(self, row: WrappedKey | None, secret: Iterable[SealedValue]) -> tuple[Redact, bool]:
        texts, whole = [], True
        for value in secret:
            try:
                texts.append(self._clear(row, value).decode())
            except Permanent:
                whole = False
        return self._masking(texts), whole

    # Uses, waivers, files ------------------------------------------------------------------------------

    def used(self, tx: Writes, project_id: str, names: Iterable[str], used_for: str, by: str) -> None:
        """Write uses down."""
        at = self._clock.now().at
        tx.add_vault_uses([Use(project_id, name, used_for, by, at) for name in sorted(names)])

    def waivers(self, view: Reads, project_id: str) -> list[Waiver]:
        """What a project does without."""
        return view.vault_waivers(project_id)

    def waive(self, tx: Writes, waiver: Waiver) -> None:
        """Do without a name."""
        tx.save_vault_waiver(waiver)

    def unwaive(self, tx: Writes, project_id: str, name: str) -> bool:
        """Need it again."""
        return tx.drop_vault_waiver(project_id, name)

    def lock(self, data: bytes, passphrase: str) -> bytes:
        """A file under a passphrase."""
        return lock(data, passphrase, self._cost)

    def unlock(self, data: bytes, passphrase: str) -> bytes:
        """What is in it."""
        return unlock(data, passphrase)
