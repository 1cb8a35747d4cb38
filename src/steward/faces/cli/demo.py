"""The sample organisation: localhub as a child process, so that a newcomer sees Steward at work at once.

The child is spoken to over HTTP only. It ends with us, also when we are killed (on Linux). Its state and its
token stay in the state directory, so that a second start finds all as it was.
"""

from __future__ import annotations

import ctypes
import os
import re
import secrets
import signal
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
READY: Final = re.compile(r"localhub: (http://\S+)")
STOP_TIMEOUT_S: Final = 10
PR_SET_PDEATHSIG: Final = 1


@contextmanager
def serving(state_dir: Path, port: int) -> Iterator[Running]:
    """Serve the sample organisation for the length of the block. Raises Permanent if it does not start."""
    _require_free(port)
    data_dir = state_dir / "localhub"
    data_dir.mkdir(parents=True, exist_ok=True)
    token = _token(state_dir / "localhub-token")
    log = state_dir / "localhub.log"
    command = [sys.executable, "-m", "localhub", "serve", "--host", HOST, "--port", str(port)]
    command += ["--org", LOGIN, "--sample", "--data-dir", str(data_dir)]
    with log.open("a") as errors:
        child = subprocess.Popen(
            command,
            env=os.environ | {"LOCALHUB_TOKEN": token, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            # A session of its own, so that Ctrl-C reaches us alone and we end it in order.
            start_new_session=True,
            preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no thread runs yet
        )
    try:
        url = _await_ready(child, log)
        yield Running(os.getpid(), url, sample=True, login=LOGIN, token=token, data_dir=str(data_dir))
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


def _token(file: Path) -> str:
    """The token of the sample organisation, made once."""
    if not file.exists():
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as stream:
            stream.write(f"demo_{secrets.token_hex(16)}\n")
    return file.read_text().strip()


def _die_with_parent() -> None:
    """Have the kernel end the child when its parent dies, however that happens."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _await_ready(child: subprocess.Popen[str], log: Path) -> str:
    """The address in the child's ready line. What it prints later is read and dropped."""
    assert child.stdout is not None
    for line in child.stdout:
        if found := READY.search(line):
            threading.Thread(target=_drain, args=(child.stdout,), daemon=True).start()
            return found[1]
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
