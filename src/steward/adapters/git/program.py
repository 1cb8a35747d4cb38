"""Runs the program git, in an environment of its own, and puts its failures into words.

Neither the machine's settings nor the user's reach it, no hook, helper or prompt; it speaks http and https alone,
follows no redirect, and gets its credential through the environment of the child, never in an argument or a file.
"""

from __future__ import annotations

import base64
import os
import resource
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final
from urllib.parse import urlsplit

from steward.ports.errors import Permanent, Transient, Unauthorised, Unreachable

CONFIG: Final[Mapping[str, str]] = {
    "core.hooksPath": os.devnull,
    "core.fsmonitor": "false",
    "core.quotePath": "false",
    "core.pager": "cat",
    "core.editor": "false",
    "core.sshCommand": "false",
    "credential.helper": "",
    "protocol.allow": "never",
    "protocol.http.allow": "always",
    "protocol.https.allow": "always",
    "http.followRedirects": "false",  # a header with the token must not follow one
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "60",
    "submodule.recurse": "false",
    "fetch.recurseSubmodules": "false",
    "push.recurseSubmodules": "no",
    "commit.gpgSign": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "safe.directory": "*",
    "advice.detachedHead": "false",
}
"""Given to every call, above whatever a repository's own file says."""

PASSED_ON: Final = (
    "PATH",
    "TMPDIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
)
"""All that the child sees of our own environment."""

WORDS_MAX: Final = 300
_REFUSED: Final = (
    "Authentication failed",
    "could not read Username",
    "could not read Password",
    " 401",
    " 403",
)
_ABSENT: Final = ("not found", "returned error: 404")


@dataclass(frozen=True, slots=True)
class Done:
    """How a call ended: its exit code and what it printed."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """The output as one stripped line or lines."""
        return self.out.decode("utf-8", "backslashreplace").strip()


@dataclass(frozen=True, slots=True)
class Access:
    """Where to clone from and push to, and the token to give there. Raises Permanent for another kind of address."""

    address: str
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.address)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise Permanent(
                "the address to clone from is neither http nor https, or holds a user name",
                "It is derived from STEWARD_GITHUB_URL: correct that",
            )

    def config(self) -> dict[str, str]:
        """The header for that server alone."""
        parts = urlsplit(self.address)
        pair = base64.b64encode(f"x-access-token:{self.token}".encode()).decode("ascii")
        return {f"http.{parts.scheme}://{parts.netloc}/.extraHeader": f"Authorization: Basic {pair}"}


@dataclass(frozen=True, slots=True)
class Git:
    """The program. Calls longer than `timeout_s` are killed, with whatever they have started.

    `memory_bytes` limits the address space of each call where it is set: for data that may have been made to
    exhaust it. (Linux alone; elsewhere it has no effect.)
    """

    timeout_s: float = 900.0
    memory_bytes: int | None = None

    def run(
        self,
        repo: Path | None,
        *args: str,
        config: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | IO[bytes] | None = None,
        cwd: Path | None = None,
    ) -> Done:
        """Run git on the repository whose directory (not its work tree) is `repo`; any exit code is an answer."""
        with ExitStack() as closing:
            process = self._start(repo, args, config, env, stdin, cwd)
            closing.callback(_end, process)
            try:
                out, err = process.communicate(
                    stdin if isinstance(stdin, bytes) else None, timeout=self.timeout_s
                )
            except subprocess.TimeoutExpired:
                raise Transient(f"git {args[0]} took longer than {self.timeout_s:.0f} s") from None
        return Done(process.returncode, out, err.decode("utf-8", "replace"))

    def check(
        self,
        repo: Path | None,
        *args: str,
        config: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes | IO[bytes] | None = None,
        cwd: Path | None = None,
    ) -> Done:
        """The same; any exit code but 0 is Permanent."""
        done = self.run(repo, *args, config=config, env=env, stdin=stdin, cwd=cwd)
        if done.code:
            raise Permanent(
                f"git {args[0]} failed: {explained(done.err)}", "Look at the disk and the repository"
            )
        return done

    def watched(
        self,
        repo: Path,
        *args: str,
        config: Mapping[str, str],
        watch: Callable[[], None],
        every_s: float = 0.1,
    ) -> Done:
        """The same as `run`, with `watch` called again and again meanwhile; what it raises ends the call."""
        with ExitStack() as closing:
            process = self._start(repo, args, config, None, None, None)
            closing.callback(_end, process)
            while True:
                try:
                    out, err = process.communicate(timeout=every_s)
                except subprocess.TimeoutExpired:
                    watch()
                else:
                    return Done(process.returncode, out, err.decode("utf-8", "replace"))

    def first(
        self,
        repo: Path,
        *args: str,
        most: int,
        config: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> tuple[bytes, bool]:
        """The first `most` bytes that a call prints, and whether they are all of it, as of a call that succeeded.

        One that prints more, or takes too long, is ended; what it printed until then is kept.
        """
        with ExitStack() as closing:
            process = self._start(repo, args, config, env, None, None, subprocess.DEVNULL)
            closing.callback(_end, process)
            alarm = threading.Timer(self.timeout_s, process.kill)
            alarm.start()
            closing.callback(alarm.cancel)
            assert process.stdout is not None
            out = process.stdout.read(most + 1)
            return out[:most], len(out) <= most and process.wait() == 0

    def pipe(
        self,
        source: Path,
        giving: Sequence[str],
        revisions: str,
        target: Path,
        taking: Sequence[str],
    ) -> tuple[Done, Done]:
        """Run git on one repository and give its output to git on another: `revisions` go into the first."""
        with ExitStack() as closing:
            giver = self._start(source, giving, None, None, revisions.encode(), None)
            closing.callback(_end, giver)
            taker = self._start(target, taking, None, None, giver.stdout, None)
            closing.callback(_end, taker)
            assert giver.stdin is not None
            assert giver.stdout is not None
            assert giver.stderr is not None
            giver.stdout.close()
            with suppress(BrokenPipeError):  # it ended early, and says why
                giver.stdin.write(revisions.encode())
                giver.stdin.close()
            try:
                out, err = taker.communicate(timeout=self.timeout_s)
                said = giver.stderr.read()
                giver.wait(self.timeout_s)
            except subprocess.TimeoutExpired:
                raise Transient(f"git {giving[0]} took longer than {self.timeout_s:.0f} s") from None
        gave = Done(giver.returncode, b"", said.decode("utf-8", "replace"))
        return gave, Done(taker.returncode, out, err.decode("utf-8", "replace"))

    def _start(
        self,
        repo: Path | None,
        args: Sequence[str],
        config: Mapping[str, str] | None,
        env: Mapping[str, str] | None,
        stdin: bytes | IO[bytes] | None,
        cwd: Path | None,
        stderr: int = subprocess.PIPE,
    ) -> subprocess.Popen[bytes]:
        where = [] if repo is None else [f"--git-dir={repo}"]
        if stdin is None:
            stdin_of: int | IO[bytes] = subprocess.DEVNULL
        else:
            stdin_of = subprocess.PIPE if isinstance(stdin, bytes) else stdin
        try:
            process = subprocess.Popen(
                ["git", *where, *args],
                env=environment(config) | dict(env or {}),
                cwd=cwd or (repo if repo is not None and repo.is_dir() else Path("/")),
                stdin=stdin_of,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        except FileNotFoundError:
            raise Permanent("git cannot be run on this machine", "Install git 2.39 or newer") from None
        if self.memory_bytes is not None and hasattr(resource, "prlimit"):
            with suppress(ProcessLookupError):  # it ended already
                resource.prlimit(process.pid, resource.RLIMIT_AS, (self.memory_bytes, self.memory_bytes))
        return process


def environment(config: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment of a call; `config` is laid over what every call is given."""
    found = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    found |= {
        "HOME": os.devnull,
        "XDG_CONFIG_HOME": os.devnull,
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "SSH_ASKPASS": "false",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_NO_LAZY_FETCH": "1",
        "GIT_OPTIONAL_LOCKS": "0",
    }
    given = {**CONFIG, **(config or {})}
    found["GIT_CONFIG_COUNT"] = str(len(given))
    for number, (key, value) in enumerate(given.items()):
        found[f"GIT_CONFIG_KEY_{number}"] = key
        found[f"GIT_CONFIG_VALUE_{number}"] = value
    return found


def _end(process: subprocess.Popen[bytes]) -> None:
    """Leave no process of this call alive, and no pipe open."""
    if process.poll() is None:
        with suppress(ProcessLookupError):  # it ended by itself just now
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None and not pipe.closed:
            with suppress(BrokenPipeError):  # what was not written any more is of no use
                pipe.close()


def explained(err: str) -> str:
    """The line of git's errors that says most, of bounded length."""
    lines = [line.strip() for line in err.splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(("fatal:", "error:", "remote: error:", "!"))]
    words = (telling or lines or ["it said nothing"])[0]
    return "".join(filter(str.isprintable, words))[:WORDS_MAX]


def transport_failure(done: Done, access: Access, what: str) -> Exception:
    """What a failed fetch or push comes to: refused, not there, or worth another try."""
    host = urlsplit(access.address).hostname
    words = explained(done.err)
    if any(word in done.err for word in _REFUSED):
        return Unauthorised(
            f"{host} refused the builder's credential when git was to {what}",
            "It needs the right to write contents, and workflows where those are changed",
        )
    if any(word in done.err for word in _ABSENT):
        return Permanent(
            f"{host} holds no such repository for git to {what}: {words}", "Is it gone or hidden?"
        )
    return Unreachable(f"git could not {what} at {host}: {words}")
