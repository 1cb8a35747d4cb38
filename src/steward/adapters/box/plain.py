"""No box: a process group of its own. For what is trusted, on machines where there can be no box."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from steward.adapters.box.launching import HOME_NAMES, launched, surroundings
from steward.adapters.box.process import Process
from steward.ports.box import BoxOrder
from steward.ports.errors import Permanent


class NoBox:
    """Runs commands as this very user, in a process group that is killed whole.

    It hides nothing: not the files, not the network. Time and output are bounded, memory and processes are not.
    """

    def available(self) -> str | None:
        """Always there."""
        return None

    def start(self, order: BoxOrder) -> Process:
        """Start a command. Raises Permanent where it is to have a tunnel: that needs a loopback of its own."""
        if order.network is not None:
            raise Permanent("a tunnel needs a box", "Install bubblewrap: apt-get install bubblewrap")
        popen = subprocess.Popen(
            launched(order, sys.executable, SCRIPT, limits={"FSIZE": order.file_bytes, "CORE": 0}),
            cwd=order.cwd,
            env=surroundings(order, dict.fromkeys(HOME_NAMES, str(order.cwd))),
            stdin=subprocess.DEVNULL if order.stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

        def killing() -> None:
            with suppress(ProcessLookupError):
                os.killpg(popen.pid, signal.SIGKILL)

        def ended(_errors: bytes) -> None:
            # Children that outlived it are of its group, unless they left it.
            killing()

        return Process(popen, order, killing=killing, measured=lambda: None, ended=ended)


SCRIPT: Final = Path(__file__).with_name("inside.py")
