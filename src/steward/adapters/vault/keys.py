"""The master key: from outside (a setting or the file it names), else a file of this installation's own.

The first key is the current one; further ones are earlier ones, which open what was kept or backed up under them. A
file holds one key per line, and lines of comment that begin with "#".
"""

from __future__ import annotations

import base64
import binascii
import logging
import os
from pathlib import Path
from typing import Final

from steward.adapters.vault.cipher import KEY_BYTES, key_id, new_key
from steward.ports import Permanent

log = logging.getLogger(__name__)

OTHERS: Final = 0o007
"""The bits of a file's mode that let everybody on the machine at it."""
FORM: Final = (
    f"It is {KEY_BYTES} random bytes in base64url, 43 letters. Restore the key from your copy of it."
)
HEAD: Final = """\
# The master key of Steward's secrets. Without it they cannot be read: keep a copy of this file in a safe place,
# apart from the backups of the database. The first line is the current key, others are earlier ones.
"""


def parsed(text: str, where: str) -> list[bytes]:
    """The keys that a text holds, the current one first. Raises Permanent, naming where it comes from."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    words = " ".join(lines).replace(",", " ").split()
    if not words:
        raise Permanent(f"there is no master key in {where}", FORM)
    return [_key(word, where) for word in words]


def _key(word: str, where: str) -> bytes:
    try:
        key = base64.b64decode(word.rstrip("=") + "=", altchars=b"-_", validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != KEY_BYTES:
        raise Permanent(f"the master key in {where} is malformed", FORM)
    return key


def written(key: bytes) -> str:
    """A key as it stands in a file or a setting."""
    return base64.urlsafe_b64encode(key).decode().rstrip("=")


class MasterKeys:
    """The master keys of one installation. `fixed` is the setting's own text, `named` the file it names.

    What was read is kept; `again` reads anew, for a key that another process has put there meanwhile.
    """

    def __init__(self, own: Path, *, fixed: str | None = None, named: Path | None = None) -> None:
        self._own = own
        self._fixed = fixed
        self._named = named
        self._known: list[bytes] | None = None

    @property
    def is_own(self) -> bool:
        """Whether the key is a file of this installation's own."""
        return self._fixed is None and self._named is None

    @property
    def where(self) -> str:
        """Where the key is, for people."""
        if self._fixed is not None:
            return "STEWARD_VAULT_KEY"
        return str(self._named or self._own)

    def all(self, *, again: bool = False) -> list[bytes]:
        """The keys, the current one first; [] where this installation has made none yet. Raises Permanent."""
        if self._known is None or again:
            self._known = self._read() or None
        return self._known or []

    def _read(self) -> list[bytes]:
        if self._fixed is not None:
            return parsed(self._fixed, self.where)
        path = self._named or self._own
        try:
            if path.stat().st_mode & OTHERS:
                raise Permanent(
                    f"everybody on this machine can get at the master key in {path}",
                    f"Run: chmod 600 {path}",
                )
            text = path.read_text()
        except FileNotFoundError:
            if self._named is None:
                return []
            raise Permanent(
                f"the master key {path} is not there", "Put it there, or unset the setting."
            ) from None
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise Permanent(
                f"the master key in {path} cannot be read ({why})", "Give this user the right to."
            ) from None
        return parsed(text, str(path))

    def make(self) -> list[bytes]:
        """The keys; a new one, in a file of our own, where there is none. Raises Permanent."""
        if known := self.all(again=True):
            return known
        try:
            self._own.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            partial = self._written([new_key()])
            try:
                # Of two processes that make one at once the first wins, and both use that.
                os.link(partial, self._own)
                _sync(self._own.parent)
                log.warning(
                    "made the master key of the secrets in %s: keep a copy of it in a safe place, then say so: "
                    "steward secret key --backed-up",
                    self._own,
                )
            except FileExistsError:
                pass
            finally:
                partial.unlink(missing_ok=True)
        except OSError as error:
            raise Permanent(
                f"the master key {self._own} cannot be made ({error.strerror})",
                "Give this user the right to write there.",
            ) from None
        return self.all(again=True)

    def renew(self) -> str:
        """Put a new key before those in our own file; its id. Raises Permanent."""
        if not self.is_own:
            raise Permanent(
                f"the master key comes from {self.where}, which Steward does not write to",
                "Put a new key there before the present one, then rotate again.",
            )
        fresh = new_key()
        keys = [fresh, *self.make()]
        try:
            self._written(keys).replace(self._own)
            _sync(self._own.parent)
        except OSError as error:
            raise Permanent(
                f"the master key {self._own} cannot be written ({error.strerror})", "The present one stays."
            ) from None
        self._known = keys
        return key_id(fresh)

    def _written(self, keys: list[bytes]) -> Path:
        """A file beside ours with these keys, on the disk."""
        partial = self._own.with_name(f".{self._own.name}.{os.getpid()}")
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(HEAD + "".join(f"{written(key)}\n" for key in keys))
            file.flush()
            os.fsync(file.fileno())
        return partial


def _sync(folder: Path) -> None:
    """Have a folder's entries on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
