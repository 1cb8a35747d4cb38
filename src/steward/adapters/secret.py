"""One secret of this installation: from the settings, from a file they name, or from one of our own.

A secret is read anew each time, so that one that another process makes is known at once.
"""

from __future__ import annotations

import os
from pathlib import Path
from secrets import token_urlsafe

from steward.ports import Permanent

BYTES = 32


class SecretFile:
    """A secret in a file that is its owner's alone; `fixed` or the `named` file take its place."""

    def __init__(self, own: Path, *, fixed: str | None = None, named: Path | None = None) -> None:
        self._own = own
        self._fixed = fixed
        self._named = named

    def read(self) -> str | None:
        """The secret as it is now; None if there is none. Raises Permanent where a file cannot be read."""
        if self._fixed is not None:
            return self._fixed
        path = self._named or self._own
        try:
            return path.read_text().strip() or None
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise Permanent(
                f"the secret in {path} cannot be read: {error}", "Give this user the right to."
            ) from None

    def make(self) -> str:
        """The secret; a new one, kept in a file of ours, where there is none. Raises Permanent."""
        if (known := self.read()) is not None:
            return known
        if self._named is not None:
            raise Permanent(f"there is no secret in {self._named}", "Put one into it, or unset that setting.")
        secret = token_urlsafe(BYTES)
        partial = self._own.with_name(f".{self._own.name}.{os.getpid()}")
        try:
            self._own.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            partial.unlink(missing_ok=True)
            with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
                file.write(secret + "\n")
                file.flush()
                os.fsync(file.fileno())
            # Of two processes that make one at once the first wins, and both use that.
            os.link(partial, self._own)
        except FileExistsError:
            return self.read() or secret
        except OSError as error:
            raise Permanent(
                f"the secret {self._own} cannot be made: {error}", "Give this user the right to write there."
            ) from None
        finally:
            partial.unlink(missing_ok=True)
        return secret
