"""Runs git on one bare repository: create it, commit into it, read and move its refs.

It does not read history (githistory.py), merge (gitmerge.py), speak HTTP (githttp.py), or lock: a caller
that reads a ref and then moves it names the old value, and git refuses when that is no longer true.

Every call to git runs in an environment of its own, so that the machine's and the user's settings, hooks and
credentials never reach a repository served from here.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

ZERO_SHA = "0" * 40
"""What git and GitHub write for "no commit" where a ref is created or deleted."""

_HEX_SHA = re.compile(r"[0-9a-fA-F]{4,40}")

_CONFIG = {
    "safe.directory": "*",  # the data directory may be mounted from another owner
    "gc.auto": "0",  # no background process may outlive a test or hold a directory
    "receive.autogc": "false",
    "receive.hideRefs": "refs/pull",  # written by pull requests alone, as on GitHub
    "uploadpack.allowFilter": "true",  # partial clones, as on GitHub
    "uploadpack.allowAnySHA1InWant": "true",  # fetching a commit by its id, as on GitHub
    "http.receivepack": "true",
    "core.quotePath": "false",
}


_OLDEST_GIT = (2, 38)
"""The first git with `merge-tree --write-tree`."""


class GitMissing(RuntimeError):
    """There is no git to run here, or one that is too old; the message says what to do."""


class GitError(RuntimeError):
    """git refused or failed; the message holds what it printed."""


class Moved(GitError):
    """A ref no longer has the value that the caller had read."""


@dataclass(frozen=True)
class Person:
    """Who wrote a commit."""

    name: str
    email: str


@dataclass(frozen=True)
class NewCommit:
    """One commit to make.

    `files` maps a path to its new content, or to None to delete it; a path in `executables` gets mode 755.
    `at` is in seconds since the epoch, UTC. `parent` names a branch or a commit to start from when the branch
    is not to be continued from its own tip.
    """

    message: str
    files: Mapping[str, bytes | None]
    author: Person
    at: int
    branch: str = "main"
    parent: str | None = None
    executables: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class RefMove:
    """One ref that has moved; ZERO_SHA stands for "was not there" and "is no more"."""

    ref: str
    before: str
    after: str


def require_git() -> None:
    """Raise GitMissing unless a git that can do all that is asked of it is on PATH."""
    needed = ".".join(map(str, _OLDEST_GIT))
    try:
        said = _run(["git", "version"]).stdout.decode("ascii", "replace").strip()
    except FileNotFoundError as error:
        raise GitMissing(f"git is not on PATH: install git {needed} or newer") from error
    found = re.search(r"(\d+)\.(\d+)", said)
    if found is None or (int(found[1]), int(found[2])) < _OLDEST_GIT:
        raise GitMissing(f"{said} is too old: install git {needed} or newer")


def git_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The whole environment in which git runs here; `extra` is laid over it."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": os.devnull,
        "LC_ALL": "C",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_CONFIG_COUNT": str(len(_CONFIG)),
    }
    for number, (key, value) in enumerate(_CONFIG.items()):
        environment[f"GIT_CONFIG_KEY_{number}"] = key
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    return environment | dict(extra or {})


@dataclass(frozen=True)
class GitRepo:
    """A bare repository at `path`, which may not exist yet."""

    path: Path

    def exists(self) -> bool:
        """Whether the repository is on disk."""
        return (self.path / "HEAD").is_file()

    def create(self, default_branch: str = "main", commits: Sequence[NewCommit] = ()) -> list[str]:
        """Make the repository with these commits; return their ids, oldest first.

        It is built beside its place and moved there whole, so that a kill in the middle leaves nothing half
        made. Raises GitError when it exists already.
        """
        if self.exists():
            raise GitError(f"{self.path} exists already")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".new-", dir=self.path.parent))
        try:
            branch = f"--initial-branch={default_branch}"
            _check(_run(["git", "init", "--quiet", "--bare", "--template=", branch, str(draft)]))
            ids = GitRepo(draft).commit(commits) if commits else []
            draft.chmod(0o755)
            draft.rename(self.path)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        return ids

    def copy_to(self, target: Path) -> "GitRepo":
        """Copy the repository whole, with all refs; `target` must not exist."""
        shutil.copytree(self.path, target)
        return GitRepo(target)

    def remove(self) -> None:
        """Remove the repository from disk; nothing happens when it is not there."""
        shutil.rmtree(self.path, ignore_errors=True)

    def try_git(
        self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run git here and return what came of it, whatever its exit code."""
        return _run(["git", f"--git-dir={self.path}", *args], stdin=stdin, env=env)

    def git(self, *args: str, stdin: bytes | None = None, env: Mapping[str, str] | None = None) -> bytes:
        """Run git here and return its output; raises GitError on a non-zero exit code."""
        return _check(self.try_git(*args, stdin=stdin, env=env))

    def commit(self, commits: Sequence[NewCommit]) -> list[str]:
        """Make these commits in one `git fast-import`; return their ids in the same order.

        Raises Moved when a branch has gone on from the given parent in the meantime, GitError otherwise; the
        branch then stands where it was.
        """
        script = _fast_import_script(commits, self.heads())
        done = self.try_git("fast-import", "--quiet", "--date-format=raw", stdin=script)
        if done.returncode and b"Not updating refs/" in done.stderr:
            raise Moved(_said(done))
        ids = _check(done).decode("ascii").split()
        if len(ids) != len(commits):
            raise GitError(f"git fast-import made {len(ids)} of {len(commits)} commits: {_said(done)}")
        return ids

    def refs(self, *prefixes: str) -> dict[str, str]:
        """Full ref name to object id, under the prefixes (all refs when none is given), by name."""
        out = self.git("for-each-ref", "--format=%(objectname) %(refname)", *prefixes).decode(
            "utf-8", "replace"
        )
        pairs = (line.split(" ", 1) for line in out.splitlines())
        return {name: sha for sha, name in pairs}

    def heads(self) -> dict[str, str]:
        """Branch name to commit id."""
        return {name.removeprefix("refs/heads/"): sha for name, sha in self.refs("refs/heads").items()}

    def ref(self, name: str) -> str | None:
        """The object id of one full ref name (`refs/heads/main`), or None."""
        if not valid_ref(name):
            return None
        done = self.try_git("rev-parse", "--verify", "--quiet", "--end-of-options", name)
        return done.stdout.decode("ascii").strip() or None

    def resolve(self, name: str) -> str | None:
        """The commit that a branch, a tag, a ref or a (shortened) id stands for; None when nothing does.

        A branch is preferred to a tag of the same name, and both to an id, as in GitHub's `ref` parameters.
        """
        if not name or name.startswith("-") or "\n" in name or "\0" in name:
            return None
        tries = [f"refs/heads/{name}", f"refs/tags/{name}"]
        if name.startswith(("heads/", "tags/", "pull/")):
            tries.append(f"refs/{name}")
        if name == "HEAD" or name.startswith("refs/") or _HEX_SHA.fullmatch(name):
            tries.append(name)
        asked = "".join(f"{one}^{{commit}}\n" for one in tries).encode()
        for line in (
            self.git("cat-file", "--batch-check", stdin=asked).decode("utf-8", "replace").splitlines()
        ):
            words = line.split(" ")
            if len(words) == 3 and words[1] == "commit":
                return words[0]
        return None

    def kind(self, sha: str) -> str | None:
        """`commit`, `tag`, `tree` or `blob`; None when there is no such object."""
        if not re.fullmatch(r"[0-9a-f]{40}", sha):
            return None
        out = self.git("cat-file", "--batch-check", stdin=f"{sha}\n".encode()).decode("ascii").split()
        return out[1] if len(out) == 3 else None

    def set_ref(self, name: str, new: str, old: str) -> None:
        """Move a ref from `old` to `new`; ZERO_SHA as `old` creates it, as `new` deletes it.

        Raises Moved when the ref does not stand at `old`.
        """
        move = ["-d", name, old] if new == ZERO_SHA else [name, new, old]
        done = self.try_git("update-ref", *move)
        if done.returncode:
            raise Moved(_said(done))

    def check_out(self, commit: str, target: Path) -> None:
        """Write the files of a commit into a directory, without a `.git`. Raises GitError."""
        with tempfile.TemporaryDirectory() as passing:
            index = {"GIT_INDEX_FILE": f"{passing}/index"}
            self.git("read-tree", commit, env=index)
            self.git(f"--work-tree={target}", "checkout-index", "--all", "--force", env=index)

    def head_branch(self) -> str:
        """The branch that HEAD names, whether or not it has a commit."""
        return self.git("symbolic-ref", "--short", "HEAD").decode("utf-8", "replace").strip()

    def set_head_branch(self, branch: str) -> None:
        """Point HEAD at a branch, so that a clone checks it out."""
        self.git("symbolic-ref", "HEAD", f"refs/heads/{branch}")

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `older` is `newer` or lies in its history."""
        return self.try_git("merge-base", "--is-ancestor", older, newer).returncode == 0


def moves(before: Mapping[str, str], after: Mapping[str, str]) -> list[RefMove]:
    """The refs that differ between two listings, by name."""
    return [
        RefMove(name, before.get(name, ZERO_SHA), after.get(name, ZERO_SHA))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def valid_ref(name: str) -> bool:
    """Whether a full ref name (`refs/heads/x`) is one that git accepts (git-check-ref-format(1))."""
    bad = re.search(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|\.$|/$", name)
    parts = name.split("/")
    dotted = any(part.startswith(".") or part.endswith(".lock") for part in parts)
    return name.startswith("refs/") and len(parts) >= 3 and bad is None and not dotted


def valid_path(path: str) -> bool:
    """Whether a file may have this path in a repository: relative, no empty, dot or `.git` component."""
    parts = path.split("/")
    return all(part not in {"", ".", ".."} and part.lower() != ".git" for part in parts) and "\0" not in path


def _fast_import_script(commits: Iterable[NewCommit], tips: Mapping[str, str]) -> bytes:
    """The input of git-fast-import(1) for these commits, each asking back for its id."""
    marks = dict(tips)
    script: list[bytes] = []
    for number, commit in enumerate(commits, start=1):
        stamp = f"{_plain(commit.author.name)} <{_plain(commit.author.email)}> {commit.at} +0000\n"
        start = commit.parent or commit.branch
        parent = marks.get(start, commit.parent)
        script.append(f"commit refs/heads/{commit.branch}\nmark :{number}\n".encode())
        script.append(f"author {stamp}committer {stamp}".encode())
        script.append(_data(commit.message.encode()))
        if parent:
            script.append(f"from {parent}\n".encode())
        for path, content in commit.files.items():
            script.append(_change(path, content, executable=path in commit.executables))
        script.append(f"\nget-mark :{number}\n".encode())
        marks[commit.branch] = f":{number}"
    script.append(b"done\n")
    return b"".join(script)


def _change(path: str, content: bytes | None, *, executable: bool) -> bytes:
    if not valid_path(path):
        raise GitError(f"{path!r} cannot be a path in a repository")
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    if content is None:
        return f'D "{escaped}"\n'.encode()
    mode = "100755" if executable else "100644"
    return f'M {mode} inline "{escaped}"\n'.encode() + _data(content)


def _data(content: bytes) -> bytes:
    return b"data %d\n%b\n" % (len(content), content)


def _plain(text: str) -> str:
    """A name or address without the characters that end it in a commit."""
    return re.sub(r"[<>\n\0]", "", text).strip()


def _run(
    command: Sequence[str], *, stdin: bytes | None = None, env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        command, input=stdin or b"", capture_output=True, check=False, env=git_environment(env)
    )


def _check(done: "subprocess.CompletedProcess[bytes]") -> bytes:
    if done.returncode:
        raise GitError(_said(done))
    return done.stdout


def _said(done: "subprocess.CompletedProcess[bytes]") -> str:
    return done.stderr.decode("utf-8", "replace").strip() or f"git ended with code {done.returncode}"
