"""Folders that hold secrets for the time of one run: 0700, deleted at its end, swept up after a kill."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from steward.adapters.deploy.files import is_seized, locked, seize
from steward.ports import Permanent


class PrivateFolders:
    """Private folders below one of this installation's own, in the folder for temporary files."""

    def __init__(self, state_dir: Path) -> None:
        # The name is short, because sockets live below it and their paths may not be long.
        mark = hashlib.sha256(os.fsencode(state_dir.absolute())).hexdigest()[:12]
        self.root = Path(tempfile.gettempdir()) / f"steward-{mark}"

    @contextmanager
    def one(self) -> Iterator[Path]:
        """A new folder. It is gone when this ends, however it ends."""
        self._ensure()
        with locked(self.root / ".lock"):
            self._sweep()
            folder = Path(tempfile.mkdtemp(prefix="run-", dir=self.root))
            lock = seize(folder / ".lock")
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            if lock is not None:
                os.close(lock)

    def sweep(self) -> int:
        """Delete the folders of runs that were killed; how many there were."""
        if not self.root.is_dir():
            return 0
        with locked(self.root / ".lock"):
            return self._sweep()

    def _sweep(self) -> int:
        left = [folder for folder in self.root.glob("run-*") if not is_seized(folder / ".lock")]
        for folder in left:
            shutil.rmtree(folder, ignore_errors=True)
        return len(left)

    def _ensure(self) -> None:
        self.root.mkdir(mode=0o700, exist_ok=True)
        info = self.root.lstat()
        if info.st_uid != os.getuid() or info.st_mode & 0o077 or self.root.is_symlink():
            raise Permanent(
                f"{self.root} is not this user's alone", "Remove it, and see who else uses that folder."
            )
