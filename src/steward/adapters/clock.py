"""The system's clock. The only place in Steward that asks the operating system for the time, or waits."""

from __future__ import annotations

import threading
import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from steward.domain.instant import Instant

BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class SystemClock:
    """Wall clock in UTC, a steady clock that runs on while the machine sleeps, and a wait that can be ended.

    Where the machine names no boot, the steady clock is worth something within this process only, and the
    boot is named after the process.
    """

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._boot, self._steady = _steady()

    def now(self) -> Instant:
        """This moment."""
        at = datetime.now(UTC)  # noqa: TID251 - this is the clock
        return Instant(at, self._boot, time.clock_gettime(self._steady))

    def wait(self, timeout_s: float) -> bool:
        """Wait; True as soon as `stop` was called, else False after `timeout_s` seconds."""
        return self._stopped.wait(timeout_s)

    def stop(self) -> None:
        """End every wait, present and future."""
        self._stopped.set()


def _steady() -> tuple[str, int]:
    """The name of this boot, and the clock that counts from it."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    if boottime is not None and BOOT_ID.is_file():
        return BOOT_ID.read_text().strip(), boottime
    return f"process-{uuid.uuid4()}", time.CLOCK_MONOTONIC
