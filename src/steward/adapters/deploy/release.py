"""One release of a site as a process: boxed by bubblewrap where it is there, its output kept short and clean.

Standard library only: the keeper lives on this.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import re
import shutil
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Final

from steward.adapters.deploy.files import read_json
from steward.adapters.deploy.redaction import Redactor

HOST: Final = "127.0.0.1"
TAIL_LINES: Final = 40
LINE_MAX: Final = 2000
LOG_BYTES_MAX: Final = 1024 * 1024
GRACE_S: Final = 5.0
PR_SET_PDEATHSIG: Final = 1
SYSTEM: Final = (
    "/etc/ssl",
    "/etc/ca-certificates",
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/etc/nsswitch.conf",
    "/etc/mime.types",
)


class Release:
    """A release that runs, ran, or is about to. `stamp` tells which state of its environment file it read."""

    def __init__(self, site: Path, commit: str, order: int) -> None:
        self.site = site
        self.commit = commit
        self.order = order
        self.port = 0
        self.stamp: list[int] = []
        self.started = 0.0
        self.ready = 0.0
        self.code: int | None = None
        self.restarts = 0
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self._process is not None and self.code is None

    def told(self) -> dict[str, Any]:
        """What the status file says of it. `since` is on the clock that runs since boot."""
        return {
            "alive": self.alive,
            "code": self.code,
            "commit": self.commit,
            "order": self.order,
            "port": self.port,
            "restarts": self.restarts,
            "since": self.started,
            "stamp": self.stamp,
            "tail": [] if self.alive else list(self.tail),
        }

    async def start(self) -> None:
        """Start its process on a spare port. A fault is told as one that ended at once."""
        path = env_file(self.site, self.commit)
        facts = read_json(path)
        self.code, self.port, self.started = None, spare_port(), time.clock_gettime(_steady())
        self.ready = time.monotonic()
        clean = Redactor(facts.get("secrets", {}).values())
        try:
            info = path.stat()
            self.stamp = [info.st_ino, info.st_mtime_ns]
            self._process = await self._spawn(facts)
        except (OSError, KeyError, ValueError) as error:
            self.code = 127
            self.tail.append(clean(f"it cannot be started: {error!r}"))
            return
        self._reading = asyncio.create_task(self._read(self._process, clean))

    async def _spawn(self, facts: Mapping[str, Any]) -> asyncio.subprocess.Process:
        tree = self.site / "releases" / self.commit
        command = [str(word) for word in facts["command"]]
        boxed = bool(facts.get("boxed", True))
        env = environment(facts, self.port, self.commit)
        return await asyncio.create_subprocess_exec(
            *(box(tree, command) if boxed else command),
            cwd=tree,
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            # One thread, and nothing but a system call: what makes this unsafe elsewhere is not here.
            preexec_fn=die_with_parent,
            limit=LINE_MAX * 8,
        )

    async def _read(self, process: asyncio.subprocess.Process, clean: Redactor) -> None:
        """Keep what it prints, without secrets; notice its end."""
        assert process.stdout is not None
        log = self.site / "site.log"
        held = ""
        while chunk := await process.stdout.read(LINE_MAX * 4):
            held += chunk.decode(errors="replace")
            # What is not a whole line yet waits, so that a secret is not met in two halves.
            *lines, held = held.split("\n")
            if len(held) > LINE_MAX * 4:
                lines, held = [*lines, held], ""
            self._keep(log, [clean(line)[:LINE_MAX] for line in lines])
        self._keep(log, [clean(held)[:LINE_MAX]] if held else [])
        self.code = await process.wait()

    def _keep(self, log: Path, lines: Sequence[str]) -> None:
        self.tail.extend(lines)
        try:
            if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
                log.replace(log.with_suffix(".log.1"))
            descriptor = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.writelines(f"{self.commit[:12]} {line}\n" for line in lines)
        except OSError:
            # A full disk, or a site that is being removed: serving matters more than its log.
            return

    async def stop(self) -> None:
        """End it: asked first, then killed with all it started."""
        process = self._process
        if process is None:
            return
        if self.code is None:
            for pid in offspring(process.pid) or [process.pid]:
                _signal(pid, signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(process.wait()), GRACE_S)
            for pid in [process.pid, *offspring(process.pid)]:
                _signal(pid, signal.SIGKILL)
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        if self._reading is not None:
            await asyncio.wait([self._reading], timeout=GRACE_S)


def env_file(site: Path, commit: str) -> Path:
    """What a release runs with: its command, its variables and its secrets. Mode 0600."""
    return site / "env" / f"{commit}.json"


def environment(facts: Mapping[str, Any], port: int, commit: str) -> dict[str, str]:
    """The whole environment of a release: what its contract names, and what any program needs."""
    paths = [f"{sys.base_prefix}/bin", "/usr/local/bin", "/usr/bin", "/bin"]
    return {
        "LANG": "C.UTF-8",
        "HOME": "/tmp" if facts.get("boxed", True) else "/",  # noqa: S108 - the box's own
        "PATH": ":".join(dict.fromkeys(paths)),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
        **facts.get("variables", {}),
        **facts.get("secrets", {}),
        "RELEASE": commit,
        str(facts.get("port_variable", "PORT")): str(port),
        str(facts.get("host_variable", "HOST")): HOST,
    }


@cache
def bubblewrap() -> str | None:
    """The program bwrap, if it is there and may be used on this machine."""
    program = shutil.which("bwrap")
    if program is None:
        return None
    words = [program, *_ALONE, "--ro-bind", "/", "/", "--proc", "/proc", "true"]
    try:
        pid = os.posix_spawnp(
            program,
            words,
            dict(os.environ),
            file_actions=[(os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)],
        )
        _pid, state = os.waitpid(pid, 0)
    except OSError:
        return None
    return program if os.waitstatus_to_exitcode(state) == 0 else None


_ALONE: Final = ("--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--cap-drop", "ALL")


def box(tree: Path, command: Sequence[str]) -> list[str]:
    """The command line that runs a command in a box: a small read-only root, the tree read-only, no privilege.

    The network is the machine's, because a site must listen; the environment is passed on, never in the
    command line.
    """
    program = bubblewrap()
    if program is None:
        raise ValueError("bubblewrap is not there, and this project's code is not trusted to run without")
    words = [program, *_ALONE, "--uid", "65534", "--gid", "65534", "--unshare-cgroup-try"]
    words += ["--new-session", "--die-with-parent", "--ro-bind", "/usr", "/usr"]
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        path = Path("/", name)
        if path.is_symlink():
            words += ["--symlink", f"usr/{name}", f"/{name}"]
        elif path.is_dir():
            words += ["--ro-bind", f"/{name}", f"/{name}"]
    for path_name in SYSTEM:
        words += ["--ro-bind-try", path_name, path_name]
    if not sys.base_prefix.startswith("/usr"):
        words += ["--ro-bind", sys.base_prefix, sys.base_prefix]
    words += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108 - the box's own
    words += ["--ro-bind", str(tree), "/app", "--chdir", "/app", "--", *command]
    return words


def spare_port() -> int:
    """A port of the loopback that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def die_with_parent() -> None:
    """Have the kernel end this process when the one that started it ends (Linux; elsewhere nothing)."""
    if sys.platform == "linux":
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


_LIBC = ctypes.CDLL(None)


def offspring(pid: int) -> list[int]:
    """Every process below one, the nearest first (where /proc says so)."""
    found: list[int] = []
    rest = [pid]
    while rest:
        folder = Path("/proc", str(rest.pop(0)), "task")
        try:
            lists = [(thread / "children").read_text() for thread in folder.iterdir()]
        except OSError:
            continue
        children = [int(child) for text in lists for child in re.findall(r"\d+", text)]
        found += children
        rest += children
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return


def _steady() -> int:
    return getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
