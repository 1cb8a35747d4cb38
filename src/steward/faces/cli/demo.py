"""The sample organisation: localhub as a child process, so that a newcomer sees Steward at work at once.

The child is spoken to over HTTP only, and ends with us, also when we are killed. Its state and its token stay
in the state directory, so that a second start finds all as it was.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from steward.faces.cli.runtime import Running
from steward.faces.words import _
from steward.ports.errors import Permanent

LOGIN: Final = "acme"
HOST: Final = "127.0.0.1"
READY: Final = "localhub: http"
PLACE: Final = "localhub.json"
STOP_TIMEOUT_S: Final = 10


@contextmanager
def serving(state_dir: Path, port: int) -> Iterator[Running]:
    """Serve the sample organisation for the length of the block. Raises Permanent if it does not start."""
    _require_free(port)
    data_dir = state_dir / "localhub"
    data_dir.mkdir(parents=True, exist_ok=True)
    log = state_dir / "localhub.log"
    command = [sys.executable, "-m", "localhub", "serve", "--host", HOST, "--port", str(port)]
    command += ["--org", LOGIN, "--sample", "--data-dir", str(data_dir), "--end-with-parent"]
    with log.open("a") as errors:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            # A session of its own, so that Ctrl-C reaches us alone and we end it in order.
            start_new_session=True,
        )
    try:
        _await_ready(child, log)
        place = json.loads((data_dir / PLACE).read_text())
        yield Running(
            os.getpid(), place["url"], sample=True, login=LOGIN, token=place["token"], data_dir=str(data_dir)
        )
    finally:
        _end(child)


def _require_free(port: int) -> None:
    if port == 0:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            raise Permanent(
                _("port {port}, that of the sample organisation, is taken", port=port),
                _("Set STEWARD_DEMO_PORT to a free port, or to 0 for any"),
            ) from None


def _await_ready(child: subprocess.Popen[str], log: Path) -> None:
    """Wait for the child's ready line. What it prints later is read and dropped."""
    assert child.stdout is not None
    for line in child.stdout:
        if line.startswith(READY):
            threading.Thread(target=_drain, args=(child.stdout,), daemon=True).start()
            return
    child.wait()
    last = log.read_text().strip().splitlines()[-1:]
    raise Permanent(
        _("the sample organisation did not start: {reason}", reason=last[0] if last else child.returncode),
        _("See {log}", log=log),
    )


def _drain(stream: IO[str]) -> None:
    for _line in stream:
        pass


def _end(child: subprocess.Popen[str]) -> None:
    child.terminate()
    try:
        child.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    if child.stdout is not None:
        child.stdout.close()
