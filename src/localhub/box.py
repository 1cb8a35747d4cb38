"""Runs one command of a check on a checkout, and ends it with everything that it started.

Where bubblewrap (`bwrap`) works, the command runs in a box: namespaces of its own and so no network, a read-only
`/usr`, the Python that runs localhub, an empty `/tmp`, and the checkout as the only place that can be written to
and is seen again. The box ends with the thread that began it, so that a killed localhub leaves nothing behind.
Elsewhere the command runs as any program does, in a process group that is killed at the end; a process that left
its group, or outlives a killed localhub, is then not reached.
"""

import os
import selectors
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

KEPT_BYTES = 60_000
"""So much of the end of the output is kept; GitHub takes 65,535 characters."""

_INSIDE = "/checkout"
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC = (
    "alternatives",
    "group",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "passwd",
    "ssl/certs",
)
_LOOK_S = 0.1
_PROBE_TIMEOUT_S = 10.0
_READ_BYTES = 65_536
_GONE_TIMEOUT_S = 5.0


@dataclass(frozen=True)
class Ended:
    """How a command ended. `code` is None when it could not be started, timed out or was stopped.

    `tail` is the end of what it wrote to both outputs, at most KEPT_BYTES, and `cut` says that there was more.
    """

    code: int | None
    tail: str
    took_s: float
    timed_out: bool = False
    stopped: bool = False
    cut: bool = False


@dataclass(frozen=True)
class Box:
    """The way in which commands are run here; `bwrap` is None where it is without a box."""

    bwrap: str | None

    def command(self, words: Sequence[str], checkout: Path) -> list[str]:
        """The whole command that runs these words on the checkout, in the environment that it is started with."""
        if self.bwrap is None:
            return list(words)
        flags = ["--unshare-all", "--die-with-parent", "--new-session", *_mounts()]
        flags += ["--bind", str(checkout), _INSIDE, "--chdir", _INSIDE]
        return [self.bwrap, *flags, "--", *words]

    def environment(self, home: Path, extra: Mapping[str, str]) -> dict[str, str]:
        """The whole environment of a check; `home` is used where there is no box, which has a `/tmp` of its own."""
        where = "/tmp" if self.bwrap else str(home)  # noqa: S108 # the box's own
        return {"PATH": _path(), "HOME": where, "LANG": "C.UTF-8", "CI": "true", **extra}


def find() -> Box:
    """A box where bubblewrap is there and may make namespaces; else one that runs commands plainly."""
    bwrap = shutil.which("bwrap")
    if bwrap is not None:
        probe = Box(bwrap).command(["true"], Path("/"))
        try:
            done = subprocess.run(
                probe, env={"PATH": _path()}, capture_output=True, check=False, timeout=_PROBE_TIMEOUT_S
            )
        except (OSError, subprocess.TimeoutExpired):
            return Box(None)
        if done.returncode == 0:
            return Box(bwrap)
    return Box(None)


def run(
    box: Box,
    words: Sequence[str],
    checkout: Path,
    environment: Mapping[str, str],
    timeout_s: float,
    stop: threading.Event,
) -> Ended:
    """Run a command to its end, for `timeout_s` at most or until `stop` is set; nothing of it is left running."""
    begun = monotonic()
    try:
        process = subprocess.Popen(
            box.command(words, checkout),
            cwd=checkout,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        return Ended(None, f"{words[0]} cannot be started: {error.strerror or error}", monotonic() - begun)
    output = _Tail(process)
    try:
        reason = _watch(process, output, begun + timeout_s, stop)
    finally:
        _end(process)
        output.drain(_GONE_TIMEOUT_S if box.bwrap else _LOOK_S)
    code = process.returncode if reason is None else None
    return Ended(
        code,
        output.text(),
        monotonic() - begun,
        timed_out=reason == "timed out",
        stopped=reason == "stopped",
        cut=output.cut,
    )


def _watch(
    process: "subprocess.Popen[bytes]", output: "_Tail", deadline: float, stop: threading.Event
) -> str | None:
    """Read until the process ends (None), its time is over, or it is to stop."""
    while True:
        if stop.is_set():
            return "stopped"
        left_s = deadline - monotonic()
        if left_s <= 0:
            return "timed out"
        if output.open:
            output.read(min(left_s, _LOOK_S))
            ended = process.poll() is not None
        else:
            ended = _ends(process, min(left_s, _LOOK_S))
        if ended:
            return None


def _ends(process: "subprocess.Popen[bytes]", wait_s: float) -> bool:
    try:
        process.wait(wait_s)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill the process and its group; a box's namespace ends with it."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # all gone already
        process.kill()
    process.wait()


class _Tail:
    """The end of what a process writes."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        assert process.stdout is not None
        self._pipe = process.stdout
        os.set_blocking(self._pipe.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._pipe, selectors.EVENT_READ)
        self.open = True
        self._kept: deque[bytes] = deque()
        self._size = 0
        self.cut = False

    def read(self, wait_s: float) -> bool:
        """Take what is there within `wait_s`; False when there was nothing, or the pipe is at its end."""
        if not self.open or not self._selector.select(wait_s):
            return False
        data = os.read(self._pipe.fileno(), _READ_BYTES)
        if not data:
            self.open = False
            return False
        self._kept.append(data)
        self._size += len(data)
        while self._size - len(self._kept[0]) >= KEPT_BYTES:
            self._size -= len(self._kept.popleft())
            self.cut = True
        return True

    def drain(self, wait_s: float) -> None:
        """Take what is left in the pipe and close it, for so long at most as somebody holds it."""
        deadline = monotonic() + wait_s
        while self.open and (left_s := deadline - monotonic()) > 0:
            self.read(left_s)
        self._selector.close()
        self._pipe.close()

    def text(self) -> str:
        """What was kept, as text."""
        data = b"".join(self._kept)
        self.cut = self.cut or len(data) > KEPT_BYTES
        return data[-KEPT_BYTES:].decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")


def _path() -> str:
    """The Python that runs localhub comes first, then the system's programs."""
    own = [f"{sys.prefix}/bin", f"{sys.base_prefix}/bin"]
    return ":".join(dict.fromkeys([*own, "/usr/local/bin", "/usr/bin", "/bin"]))


def _mounts() -> list[str]:
    """bubblewrap's options for what is seen inside but the checkout."""
    flags = ["--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]  # noqa: S108 # the box's own
    for place in map(Path, _SYSTEM):
        if place.is_symlink():
            flags += ["--symlink", str(place.readlink()), str(place)]
        elif place.is_dir():
            flags += ["--ro-bind", str(place), str(place)]
    for name in _ETC:
        flags += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    for path in _python():
        flags += ["--ro-bind", path, path]
    return flags


def _python() -> list[str]:
    """The directories that hold this Python, outside `/usr`: its prefixes, and each place that its links lead to."""
    places = [Path(sys.base_prefix), Path(sys.prefix)]
    link = Path(sys.executable)
    while link.is_symlink():
        link = Path(os.path.normpath(link.parent / link.readlink()))
        places.append(link.parent)
    kept: list[str] = []
    for place in dict.fromkeys(places):
        covered = any(place.is_relative_to(other) for other in ("/usr", *kept))
        holds_home = Path.home().is_relative_to(
            place
        )  # a link that lies loose in it is not worth showing it all
        if place.is_dir() and not covered and not holds_home:
            kept.append(str(place))
    return kept
