"""Boxes of bubblewrap: every namespace of its own, a root that holds programs and nothing else, killed as one."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from steward.adapters.box.launching import launched, surroundings
from steward.adapters.box.process import PATIENCE_S, Process
from steward.ports.box import BoxOrder, Why
from steward.ports.errors import Permanent

INSTALL: Final = "Install bubblewrap: apt-get install bubblewrap (or: dnf install bubblewrap)."
FORBIDDEN: Final = (
    "Allow user namespaces: sysctl -w kernel.unprivileged_userns_clone=1 user.max_user_namespaces=15000"
    " kernel.apparmor_restrict_unprivileged_userns=0; a container needs"
    " --security-opt seccomp=unconfined --security-opt systempaths=unconfined."
)
SCRIPT: Final = Path(__file__).with_name("inside.py")
HOME: Final = "/home/agent"
USER: Final = "1000"
SHARED: Final = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
"""Beside /usr: today links into it."""

CONFIGURATION: Final = (
    "/etc/alternatives",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/mime.types",
    # Certificates, and not the private keys that lie beside them.
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/etc/ca-certificates",
    "/etc/pki/ca-trust/extracted",
    "/etc/pki/tls/certs",
    "/etc/crypto-policies",
)
STUBS: Final = {
    "/etc/passwd": f"agent:x:{USER}:{USER}:agent:{HOME}:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "/etc/group": f"agent:x:{USER}:\nnogroup:x:65534:\n",
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
}


class Bubblewrap:
    """Boxes as `ports.box.Box`. `program` is the bubblewrap to use; by default the one that is on PATH."""

    def __init__(self, program: str | None = None) -> None:
        self._program = program or "bwrap"
        self._proven = False
        self._nesting: list[str] | None = None

    def available(self) -> str | None:
        """Why there can be no box here, with what to do; found out by building one, until one stood."""
        if self._proven:
            return None
        if shutil.which(self._program) is None:
            return f"There is no bubblewrap on this machine. {INSTALL}"
        running = self._started(BoxOrder(argv=("true",), cwd=Path("/"), wall_s=PATIENCE_S))
        try:
            end = running.end()
        except Permanent as error:
            return str(error)
        self._proven = end.why is Why.EXITED and end.exit_code == 0
        return None if self._proven else "A box was built, but nothing runs in it."

    def start(self, order: BoxOrder) -> Process:
        """Start a command. Raises Permanent where there can be no box."""
        if (reason := self.available()) is not None:
            raise Permanent("there can be no box on this machine", reason)
        return self._started(order)

    def _started(self, order: BoxOrder) -> Process:
        stubs = [(path, _pipe(text)) for path, text in STUBS.items()]
        status, told = os.pipe()
        handed = [descriptor for _, descriptor in stubs]
        try:
            popen = subprocess.Popen(
                [
                    *(self._program, *self._walls(order, stubs), "--json-status-fd", str(told), "--"),
                    *launched(order, PYTHON, SCRIPT, _limits(order)),
                ],
                cwd="/",
                env=surroundings(order, {"HOME": HOME, "USER": "agent"}),
                pass_fds=[told, *handed],
                stdin=subprocess.DEVNULL if order.stdin is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError:
            os.close(status)
            raise
        finally:
            for descriptor in (told, *handed):
                os.close(descriptor)
        space = _Space(popen, status)
        return Process(popen, order, killing=space.kill, measured=space.measured, ended=space.ended)

    def _walls(self, order: BoxOrder, stubs: list[tuple[str, int]]) -> list[str]:
        """What bubblewrap is told to build. Later mounts lie over earlier ones."""
        size = str(order.memory_bytes)
        return [
            *("--unshare-all", "--unshare-user", *self._no_nesting(), "--die-with-parent", "--new-session"),
            *("--uid", USER, "--gid", USER, "--hostname", "box"),
            *("--ro-bind", "/usr", "/usr", *_shared()),
            *(word for path in CONFIGURATION for word in ("--ro-bind-try", path, path)),
            *(word for path, descriptor in stubs for word in ("--file", str(descriptor), path)),
            *("--proc", "/proc", "--dev", "/dev", "--size", size, "--tmpfs", "/dev/shm"),  # noqa: S108 - its own
            *("--size", size, "--tmpfs", "/tmp", "--size", size, "--tmpfs", HOME),  # noqa: S108 - its own
            *_bound("--ro-bind", (*PYTHON_PLACES, SCRIPT, *order.readable)),
            *_bound("--ro-bind", (order.network.socket,) if order.network is not None else ()),
            *_bound("--bind", order.writable),
            # Whatever else there is was made of memory that no bound counts.
            *("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", str(order.cwd)),
        ]

    def _no_nesting(self) -> list[str]:
        """Nobody inside makes namespaces of their own, where this bubblewrap can say so (0.8 and later)."""
        if self._nesting is None:
            told = subprocess.run([self._program, "--help"], capture_output=True, text=True, check=False)
            self._nesting = ["--disable-userns"] if "--disable-userns" in told.stdout + told.stderr else []
        return self._nesting


class _Space:
    """The process namespace of one box, known by its first process. Killing that one ends all at once."""

    def __init__(self, popen: subprocess.Popen[bytes], status: int) -> None:
        self._popen = popen
        self._status = status
        self._told = b""
        self._first: int | None = None
        self._handle: int | None = None
        while b"\n" not in self._told and self._more():
            pass
        for word in self._words():
            if pid := word.get("child-pid"):
                # Until bubblewrap has ended it has not been reaped, so the number is still its own.
                with suppress(ProcessLookupError):
                    self._handle = os.pidfd_open(pid)
                    self._first = pid

    def kill(self) -> None:
        """End everything in it, and wait for that."""
        if self._handle is not None:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            # A first process has ended only when every other one of its namespace has.
            select.select([self._handle], [], [], PATIENCE_S)
        try:
            self._popen.wait(PATIENCE_S if self._handle is not None else 0)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()

    def measured(self) -> tuple[int, int] | None:
        """Memory in bytes and the number of processes, as the box's own /proc counts them; None once it is gone."""
        if self._first is None:
            return None
        inside = Path(f"/proc/{self._first}/root/proc")
        memory = processes = 0
        try:
            for process in inside.iterdir():
                if process.name.isdecimal():
                    processes += 1
                    with suppress(OSError):
                        memory += int((process / "statm").read_bytes().split()[1]) * PAGE
        except OSError:
            return None
        return memory, processes

    def ended(self, errors: bytes) -> None:
        """Let go of it. Raises Permanent where the box was never built; `errors` is what was said last."""
        if self._handle is not None:
            # Nothing of it may be alive by now, even if bubblewrap itself was killed by somebody else.
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            select.select([self._handle], [], [], PATIENCE_S)
            os.close(self._handle)
        while self._more():
            pass
        os.close(self._status)
        ran = any("exit-code" in word for word in self._words())
        text = errors.decode(errors="replace").strip()
        if not ran and text.startswith("bwrap:"):
            refused = any(
                word in text.lower() for word in ("permission", "permitted", "namespace", "no space")
            )
            raise Permanent(f"no box could be built ({text})", FORBIDDEN if refused else INSTALL)

    def _more(self) -> bool:
        """Read on; False at the end of it."""
        ready, _, _ = select.select([self._status], [], [], PATIENCE_S)
        chunk = os.read(self._status, 4096) if ready else b""
        self._told += chunk
        return bool(chunk)

    def _words(self) -> Iterator[dict[str, int]]:
        for line in self._told.splitlines():
            with suppress(ValueError):
                yield json.loads(line)


def _limits(order: BoxOrder) -> dict[str, int]:
    """Bounds that each process is under by itself; all of them together are watched from outside."""
    return {"DATA": order.memory_bytes, "NPROC": order.processes_max, "FSIZE": order.file_bytes, "CORE": 0}


def _pipe(text: str) -> int:
    """The reading end of a pipe that holds a short text."""
    reading, writing = os.pipe()
    os.write(writing, text.encode())
    os.close(writing)
    return reading


def _shared() -> Iterator[str]:
    for name in SHARED:
        path = Path(name)
        if path.is_symlink():
            yield from ("--symlink", str(path.readlink()), name)
        elif path.is_dir():
            yield from ("--ro-bind", name, name)


def _bound(how: str, paths: tuple[Path, ...]) -> Iterator[str]:
    for path in paths:
        yield from (how, str(path), str(path))


def _python() -> tuple[str, tuple[Path, ...]]:
    """The interpreter that runs this, and the folders it lives in that are not in /usr anyway."""
    program = Path(sys.executable).resolve()
    places = {Path(sys.prefix).resolve(), Path(sys.base_prefix).resolve(), Path(sys.prefix), program.parent}
    return str(program), tuple(sorted(place for place in places if not place.is_relative_to("/usr")))


PYTHON, PYTHON_PLACES = _python()
PAGE: Final = os.sysconf("SC_PAGE_SIZE")
