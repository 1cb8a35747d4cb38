"""Starts the process that runs a playbook, listens to it, and ends it with everything below it."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from steward.adapters.deploy import hand
from steward.adapters.deploy.local import python_environment
from steward.adapters.deploy.redaction import Redactor
from steward.adapters.deploy.release import bubblewrap, offspring
from steward.ports import Clock
from steward.ports.building import Deployed
from steward.ports.engine import StopAsked

ROUND_S: Final = 0.2
ASK_S: Final = 0.5
TAIL_LINES: Final = 40
LINE_MAX: Final = 500
ENDING_ROUNDS: Final = 200
TIMED_OUT: Final = 254
"""What ansible-runner ends with when a run took too long."""


@dataclass(slots=True)
class Heard:
    """What a run told so far."""

    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    failed: dict[str, str] = field(default_factory=dict)
    end: dict[str, Any] = field(default_factory=dict)


class Player:
    """Runs playbooks. `said` is told each step as a sentence, without secrets."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def play(
        self,
        job: Mapping[str, Any],
        *,
        redact: Redactor,
        said: Callable[[str], None],
        stop: StopAsked,
    ) -> Deployed:
        """Run one to its end, its time-out or a stop. Nothing of it is alive when this returns."""
        folder = Path(str(job["folder"]))
        with (folder / "stderr").open("w+") as errors:
            process = subprocess.Popen(
                self._command(folder),
                env=environment(folder, local=bool(job["local"])),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=folder,
                start_new_session=True,
            )
            heard = Heard()
            try:
                broken = self._listen(process, job, heard, redact, said, stop)
            finally:
                _end(process)
            errors.seek(0)
            last = redact(errors.read()[-4000:])
        return _outcome(heard, broken, last, float(job["timeout_s"]))

    def _command(self, folder: Path) -> list[str]:
        # The folder is named for whoever looks at the list of processes; the job itself comes over the input.
        run = [sys.executable, "-m", "steward.adapters.deploy.play", str(folder)]
        program = bubblewrap()
        if program is None:
            return run
        # A namespace of processes: when its first one ends, the kernel ends all of them.
        box = [program, "--dev-bind", "/", "/", "--unshare-pid", "--proc", "/proc", "--die-with-parent", "--"]
        return box + run

    def _listen(
        self,
        process: subprocess.Popen[bytes],
        job: Mapping[str, Any],
        heard: Heard,
        redact: Redactor,
        said: Callable[[str], None],
        stop: StopAsked,
    ) -> str:
        """Feed and hear the process until it ends; "cancelled" or "timeout" where it is to be broken off."""
        assert process.stdin is not None
        assert process.stdout is not None
        rest, held = json.dumps(dict(job)).encode(), b""
        started = asked = self._clock.now().tick_s
        os.set_blocking(process.stdin.fileno(), False)
        with selectors.DefaultSelector() as ready:
            ready.register(process.stdin, selectors.EVENT_WRITE)
            ready.register(process.stdout, selectors.EVENT_READ)
            while True:
                now = self._clock.now().tick_s
                if now - started > float(job["timeout_s"]):
                    return "timeout"
                if now - asked >= ASK_S:
                    asked = now
                    if stop():
                        return "cancelled"
                for key, _events in ready.select(ROUND_S):
                    if key.fileobj is process.stdin:
                        rest = _feed(process, rest)
                        if not rest:
                            ready.unregister(process.stdin)
                            process.stdin.close()
                        continue
                    data = os.read(process.stdout.fileno(), 65536)
                    if not data:
                        return ""
                    *lines, held = (held + data).split(b"\n")
                    for line in lines:
                        _take(line, heard, redact, said)


def _feed(process: subprocess.Popen[bytes], rest: bytes) -> bytes:
    assert process.stdin is not None
    try:
        return rest[os.write(process.stdin.fileno(), rest[:65536]) :]
    except BlockingIOError:
        return rest
    except BrokenPipeError:
        return b""


def _take(line: bytes, heard: Heard, redact: Redactor, said: Callable[[str], None]) -> None:
    """One line of what the process told. What is no JSON was printed by something else, and is kept as it is."""
    try:
        told = json.loads(line)
    except ValueError:
        told = {"line": line.decode(errors="replace")}
    if "said" in told:
        said(redact(told["said"])[:LINE_MAX])
    if "line" in told:
        heard.tail.extend(part[:LINE_MAX] for part in redact(told["line"]).splitlines() if part.strip())
    if "failed" in told and not heard.failed:
        heard.failed = {key: redact(text)[:LINE_MAX] for key, text in told["failed"].items()}
    if "end" in told:
        heard.end = told["end"]


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill whatever is left: the namespace by its first process, and all that descends from it."""
    below = offspring(process.pid)
    for pid in [process.pid, *below] if process.poll() is None else below:
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    # The kernel takes a moment to end what was killed; a namespace's first process goes last of all.
    for _round in range(ENDING_ROUNDS):
        if not any(_lives(pid) for pid in below):
            break
        hand.pause()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def _lives(pid: int) -> bool:
    """Whether a process is there and has not ended yet."""
    try:
        return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (OSError, IndexError):
        return False


def _outcome(heard: Heard, broken: str, errors: str, timeout_s: float) -> Deployed:
    tail = "\n".join(heard.tail)
    task, reason = heard.failed.get("task", ""), heard.failed.get("reason", "")
    if broken == "cancelled":
        return Deployed("cancelled", reason="it was asked to stop", tail=tail)
    if broken == "timeout" or heard.end.get("rc") == TIMED_OUT:
        return Deployed("timeout", reason=f"it took longer than {timeout_s:g} s", tail=tail)
    if heard.end.get("status") == "successful":
        return Deployed("ok", tail=tail)
    if heard.end.get("dark"):
        return Deployed("unreachable", failed_task=task, reason=reason, tail=tail)
    if not heard.end and not reason:
        last = next((line for line in reversed(errors.splitlines()) if line.strip()), "it said nothing")
        return Deployed("failed", reason=f"Ansible ended by itself: {last[:LINE_MAX]}", tail=tail or errors)
    return Deployed("failed", failed_task=task, reason=reason or "Ansible gave no reason", tail=tail)


def environment(folder: Path, *, local: bool) -> dict[str, str]:
    """The whole environment of a run: nothing of this process's own."""
    utf8 = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"
    env = {
        **python_environment(),
        "HOME": str(folder),
        "LANG": utf8,
        "LC_ALL": utf8,
        "TMPDIR": str(folder / "tmp"),
        "ANSIBLE_HOME": str(folder / "ansible"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_COLLECTIONS_PATH": str(folder / "none"),
        "ANSIBLE_VAULT_PASSWORD_FILE": str(folder / "vault-password"),
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(folder / "c"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_NOCOWS": "1",
        "ANSIBLE_PIPELINING": "1",
        "ANSIBLE_HOST_KEY_CHECKING": "1",
        "ANSIBLE_RETRY_FILES_ENABLED": "0",
        "ANSIBLE_DEPRECATION_WARNINGS": "0",
        "ANSIBLE_DIFF_ALWAYS": "0",
        "ANSIBLE_TIMEOUT": "15",
    }
    return {**env, "ANSIBLE_REMOTE_TEMP": str(folder / "tmp")} if local else env
