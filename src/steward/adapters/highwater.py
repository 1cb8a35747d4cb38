"""The high-water mark as a small file in the state directory, replaced whole."""

from __future__ import annotations

import json
import os
from pathlib import Path

from steward.domain.restored import HighWater, high_water_from, high_water_json
from steward.ports import StoreUnavailable


class HighWaterFile:
    """`high-water.json`. The contract is `ports.alive.HighWaterMark`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> HighWater:
        """What was kept last; an empty one where there is no file, or none of ours."""
        try:
            return high_water_from(json.loads(self._path.read_text()))
        except (OSError, ValueError):
            return HighWater({})

    def write(self, mark: HighWater) -> None:
        """Replace the file. Raises StoreUnavailable."""
        partial = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            with partial.open("w") as file:
                json.dump(high_water_json(mark), file)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(self._path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise StoreUnavailable(f"{self._path} cannot be written ({error.strerror})") from error
