"""Templates out of git: addresses, tags, and a cache of single commits.

Every git here runs without the settings, hooks, proxies and credentials of the machine and its user, asks nobody
for a password, and speaks only the protocols that it is allowed to.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from steward.adapters.templates import process
from steward.ports.errors import Permanent, Transient

ADDRESS_MAX: Final = 500
PACK_BYTES_MAX: Final = 200_000_000
"""What one fetch may write to disk."""

_TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+/-]{0,199}")
_GONE: Final = re.compile(
    r"not found|does not (appear|exist)|could not read (Username|from remote)|Authentication failed|"
    r"returned error: 40[0-9]|not a git repository",
    re.IGNORECASE,
)
_TROUBLE: Final = re.compile(
    r"Could not resolve|Failed to connect|Couldn't connect|refused|timed out|Timeout|early EOF|RPC failed|"
    r"returned error: (429|5[0-9][0-9])|unexpected disconnect|Connection reset|Empty reply|Operation too slow|SSL",
    re.IGNORECASE,
)
_SETTINGS: Final[Mapping[str, str]] = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.quotePath": "false",
    "credential.helper": "",
    "http.proxy": "",
    "http.lowSpeedLimit": "1000",
    "http.lowSpeedTime": "30",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "safe.directory": "*",
    "submodule.recurse": "false",
    "transfer.fsckObjects": "true",
    "user.name": "Steward",
    "user.email": "steward@localhost",
    "init.defaultBranch": "main",
    "advice.detachedHead": "false",
}


def environment(protocols: str, home: Path, more: tuple[tuple[str, str], ...] = ()) -> dict[str, str]:
    """The whole environment that a git runs in. `more` are further settings; a name may come twice."""
    settings = [*_SETTINGS.items(), *more]
    env = {
        "PATH": process.PATH,
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "false",
        "GIT_ALLOW_PROTOCOL": protocols,
        "GIT_CONFIG_COUNT": str(len(settings)),
    }
    for number, (name, value) in enumerate(settings):
        env[f"GIT_CONFIG_KEY_{number}"] = name
        env[f"GIT_CONFIG_VALUE_{number}"] = value
    return env


class GitFailed(Exception):
    """git ended with an error; `said` is what it wrote."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


@dataclass(frozen=True, slots=True)
class Git:
    """git, as it is run here. `protocols` as GIT_ALLOW_PROTOCOL takes them ("https:http")."""

    protocols: str
    home: Path
    timeout_s: float = 120.0

    def run(self, *arguments: str, cwd: Path, bytes_max: int = 0) -> bytes:
        """What git writes. Raises GitFailed, and Transient where it takes too long.

        With `bytes_max` no file that it writes may be larger.
        """
        argv = ["git", *arguments]
        if bytes_max:
            argv = ["sh", "-c", 'ulimit -f "$0" && exec "$@"', str(bytes_max // 512), *argv]
        env = environment(self.protocols, self.home)
        try:
            done = process.run(argv, cwd=cwd, env=env, timeout_s=self.timeout_s)
        except subprocess.TimeoutExpired:
            raise Transient(f"git {arguments[0]} took longer than {self.timeout_s:.0f} seconds") from None
        if done.returncode != 0:
            raise GitFailed(done.stderr.decode(errors="replace").strip())
        return done.stdout


def check_address(source: str, *, files: bool) -> None:
    """Refuse what is no address of a public git repository. Raises Permanent.

    `files`: addresses of this machine's own files are allowed too.
    """
    advice = 'Name the built-in template "starter", or an address such as https://github.com/owner/template'
    shown = source[:80]
    try:
        parts = urlsplit(source)
        host, user = parts.hostname, "@" in parts.netloc
    except ValueError:
        raise Permanent("this is no address of a template", advice) from None
    if user:
        raise Permanent("the template's address holds a user or password, which projects would keep", advice)
    fits = (
        re.fullmatch(r"[!-~]+", source) and len(source) <= ADDRESS_MAX and not (parts.query or parts.fragment)
    )
    known = (parts.scheme in {"https", "http"} and host) or (
        files and parts.scheme == "file" and not host and parts.path.startswith("/")
    )
    if not (fits and known):
        raise Permanent(f'"{shown}" is no address of a template', advice)


def same_address(one: str, other: str) -> bool:
    """Whether two addresses name one repository, however they are written."""
    return _plain(one) == _plain(other)


def _plain(address: str) -> str:
    found = address.removeprefix("git+")
    for alias, server in (("gh:", "https://github.com/"), ("gl:", "https://gitlab.com/")):
        if found.startswith(alias):
            found = server + found.removeprefix(alias).lstrip("/")
    return found.rstrip("/").removesuffix(".git").rstrip("/")


def spellings(address: str) -> tuple[str, ...]:
    """The ways in which git may be asked for an address by what renders templates, longest first."""
    plain = _plain(address)
    return tuple(sorted({address, plain, f"{plain}.git", f"{plain}/"}, key=len, reverse=True))


class Cache:
    """Commits of templates on this disk: one bare repository per address, one reference per commit."""

    def __init__(self, folder: Path, git: Git) -> None:
        self._folder = folder
        self._git = git

    def pin(self, source: str, tag: str, commit: str) -> tuple[Path, str]:
        """The repository that holds the tag's commit, and the commit.

        With `commit` that one is meant: it is not asked for again where it lies here already. Raises Permanent: no
        such repository or tag, too large, a tag that was moved; Transient: the server does not answer.
        """
        if not _TAG.fullmatch(tag) or ".." in tag or tag.endswith((".lock", "/", ".")):
            raise Permanent(
                f'"{tag[:80]}" is no tag' if tag else "the template has no tag",
                f"Name a released version of {source}, such as v1.0.0",
            )
        with self._locked(source) as repository:
            if commit and self._has(repository, commit):
                return repository, commit
            found = self._resolve(repository, source, tag)
            if commit and found != commit:
                raise Permanent(
                    f"the tag {tag} of {source} is at {found[:12]} now, and was at {commit[:12]}",
                    "A tag that moves cannot be trusted: name a new tag in a new spec",
                )
            if not self._has(repository, found):
                self._fetch(repository, source, tag, found)
            return repository, found

    def _has(self, repository: Path, commit: str) -> bool:
        try:
            self._git.run("rev-parse", "--verify", "--quiet", f"refs/pins/{commit}", cwd=repository)
        except GitFailed:
            return False
        return True

    def _resolve(self, repository: Path, source: str, tag: str) -> str:
        try:
            listed = self._git.run("ls-remote", "--tags", "--", source, cwd=repository).decode(
                errors="replace"
            )
        except GitFailed as failed:
            raise _said(failed, source) from None
        tags: dict[str, str] = {}
        for line in listed.splitlines():
            commit, _, name = line.partition("\t")
            # An annotated tag comes twice: the tag itself, then with ^{} the commit that it names.
            tags[name.removeprefix("refs/tags/").removesuffix("^{}")] = commit
        if tag not in tags:
            latest = ", ".join(list(tags)[-5:])
            has = f"It has: {latest}" if latest else "It has no tags: release one"
            raise Permanent(f"there is no tag {tag} in {source}", has)
        return tags[tag]

    def _fetch(self, repository: Path, source: str, tag: str, commit: str) -> None:
        fetch = ("fetch", "--quiet", "--depth", "1", "--no-tags", "--", source, f"refs/tags/{tag}")
        try:
            self._git.run(*fetch, cwd=repository, bytes_max=PACK_BYTES_MAX)
            found = self._git.run("rev-parse", "FETCH_HEAD^{commit}", cwd=repository).decode().strip()
            if found != commit:
                raise Transient(f"the tag {tag} of {source} moved while it was fetched")
            self._git.run("update-ref", f"refs/pins/{commit}", commit, cwd=repository)
        except GitFailed as failed:
            raise _said(failed, source) from None

    @contextmanager
    def _locked(self, source: str) -> Iterator[Path]:
        """The repository for an address, for this process and thread alone."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(_plain(source).encode()).hexdigest()[:32]
        repository = self._folder / f"{name}.git"
        with (self._folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (repository / "HEAD").is_file():
                self._git.run("init", "--quiet", "--bare", "--", str(repository), cwd=self._folder)
            yield repository


def _said(failed: GitFailed, source: str) -> Transient | Permanent:
    """What a failed conversation with a server means."""
    said = failed.said
    if "signal 25" in said or "File size limit" in said or "File too large" in said:
        return Permanent(
            f"the template at {source} is larger than {PACK_BYTES_MAX // 1_000_000} MB",
            "Take large files out of it",
        )
    if _TROUBLE.search(said):
        return Transient(f"{source} does not answer: {_last(said)}")
    if _GONE.search(said):
        return Permanent(
            f"no template can be read at {source}",
            "Check the address, and that it can be read without signing in",
        )
    return Permanent(f"git cannot read {source}: {_last(said)}", "Check the address")


def _last(said: str) -> str:
    """The last line of what git wrote, shortened."""
    return (said.splitlines() or ["no reason given"])[-1][:200]
