"""GitHubWatch: `ports.watching.ForgeWatch` over HTTP: where branches stand, what lies between commits, settings.

It sends GET alone. The client that builds answers the same questions, with its own credential.

Source of the shapes: GitHub's REST reference, "Git references", "Compare two commits", "Rules", "Branches".
"""

from __future__ import annotations

from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import httpx
import msgspec

from steward.adapters.github import compare
from steward.adapters.github.app import source_of
from steward.adapters.github.credentials import Credential, Source
from steward.adapters.github.desk import PAGE, PAGES_MAX, ReadDesk, T, decode, site
from steward.adapters.github.limits import Meter
from steward.adapters.github.wire import Wire
from steward.domain.hands import Compared
from steward.ports.errors import Unreachable
from steward.ports.outside import Clock
from steward.ports.watching import Heads, Shown

THREADS: Final = 4
_ABSENT: Final = frozenset({404, 409})
"""A branch that is not there, and a repository without any commit."""
_HIDDEN: Final = frozenset({403, 404})
_PROTECTS: Final = frozenset({"non_fast_forward", "deletion", "pull_request"})
_ADVICE: Final = (
    "The observer's credential needs the scope repo, or as an App or fine-grained token: Metadata, Contents and"
    " Pull requests to read"
)


class _Target(msgspec.Struct):
    sha: str


class _Ref(msgspec.Struct):
    object: _Target
    ref: str = ""


class _Side(msgspec.Struct):
    sha: str


class _Pull(msgspec.Struct):
    head: _Side
    merged_at: str | None = None
    merge_commit_sha: str | None = None


class _Entry(msgspec.Struct):
    type: str = ""


class _Settings(msgspec.Struct):
    default_branch: str | None = None
    visibility: str | None = None
    private: bool | None = None
    archived: bool | None = None
    homepage: str | None = None


class _Rule(msgspec.Struct):
    type: str = ""


class _Branch(msgspec.Struct):
    protected: bool | None = None


class Watching:
    """What the clients that watch and build have in common: the connection, and every question of the port."""

    def __init__(self, wire: Wire, desk: ReadDesk) -> None:
        self._connection = wire
        self._reads = desk

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the connections."""
        self._connection.close()

    @property
    def server(self) -> str:
        """The API address, without a trailing slash."""
        return str(self._connection.base)

    def heads(self, repo_id: int, default_branch: str, prefix: str) -> Heads:
        """The tip of the default branch, and of those that begin with `prefix`."""
        return Heads(_tip(self._reads, repo_id, default_branch), _matching(self._reads, repo_id, prefix))

    def compare(self, repo_id: int, base: str, head: str) -> Compared:
        """What `head` has and `base` lacks."""
        return compare.compare(self._reads, repo_id, base, head)

    def merged_as(self, repo_id: int, pull: int) -> tuple[str, str] | None:
        """The head that a pull request was merged with, and as what."""
        found = self._reads.find(repo_id, f"/pulls/{pull:d}", _Pull, f"read pull request {pull}")
        if found is None or found.merged_at is None or not found.merge_commit_sha:
            return None
        return found.head.sha, found.merge_commit_sha

    def has_file(self, repo_id: int, path: str, ref: str) -> bool:
        """Whether a file (or a link) is there at a commit; a directory is none."""
        if not _clean(path):
            return False
        tail = f"/contents/{quote(path)}"
        found = self._reads.find(repo_id, tail, msgspec.Raw, f"look for {path}", {"ref": ref}, absent=_ABSENT)
        if found is None or bytes(found).lstrip().startswith(b"["):
            return False
        try:
            return msgspec.json.decode(found, type=_Entry).type in {"file", "symlink"}
        except msgspec.DecodeError:
            raise Unreachable(f"{path} of repository {repo_id} came in another shape") from None

    def shown(self, repo_id: int, default_branch: str) -> Shown:
        """The settings that are watched."""
        told = self._reads.ask(repo_id, "", _Settings, "read its settings")
        visibility = told.visibility
        if visibility is None and told.private is not None:
            visibility = "private" if told.private else "public"
        rule = _rule(self._reads, repo_id, default_branch)
        return Shown(told.default_branch, visibility, told.archived, rule, told.homepage or "")

    def source(self, repo_id: int) -> tuple[str, str]:
        """Where git finds it by its present name, and the token of whoever asks."""
        repo = self._reads.repo(repo_id)
        token = self._reads.grant(repo_id).token
        path = f"{quote(repo.owner_login, safe='')}/{quote(repo.name, safe='')}.git"
        return f"{site(self._connection.base)}/{path}", token


class GitHubWatch(Watching):
    """The watching side of one server. Safe to use from several threads; close it, or use it in a `with`."""

    def __init__(self, wire: Wire, source: Source) -> None:
        desk = ReadDesk(wire, source, who="the observer's credential", advice=_ADVICE, urgent=False)
        super().__init__(wire, desk)


def connect_watch(
    url: str,
    *,
    credential: Credential,
    clock: Clock,
    budget_reserve: float = 0.1,
    transport: httpx.BaseTransport | None = None,
) -> GitHubWatch:
    """Make a watching client for one server, without a request. Raises BadSettings.

    `budget_reserve` is the part of the rate limit (0 to 1) that it leaves to urgent reads.
    """
    wire = Wire(url, clock, threads=THREADS, transport=transport)
    return GitHubWatch(wire, source_of(credential, wire, clock, lambda: Meter(clock, budget_reserve)))


def _clean(path: str) -> bool:
    """Whether a path stays where it is put once it is a part of an address."""
    return all(part not in {"", ".", ".."} for part in path.split("/"))


def _tip(desk: ReadDesk, repo_id: int, branch: str) -> str | None:
    if not _clean(branch):
        desk.repo(repo_id)
        return None
    tail = f"/git/ref/heads/{quote(branch)}"
    found = desk.find(repo_id, tail, _Ref, f"read the branch {branch}", absent=_ABSENT)
    return None if found is None else found.object.sha


def _matching(desk: ReadDesk, repo_id: int, prefix: str) -> dict[str, str]:
    """Branches whose name begins so, on as many pages as the server says that there are."""
    found: dict[str, str] = {}
    number: int | None = 1
    while number is not None:
        if number > PAGES_MAX:
            raise Unreachable(f"repository {repo_id} has more than {PAGES_MAX} pages of branches of ours")
        params = {"per_page": str(PAGE), "page": str(number)}
        answer, grant = desk.get(repo_id, f"/git/matching-refs/heads/{quote(prefix)}", params)
        if answer.status in _ABSENT:
            desk.repo(repo_id)
            return found
        if answer.status != 200:
            raise desk.refusal(answer, grant, f"list its branches {prefix}")
        for one in decode(answer, list[_Ref]):
            name = one.ref.removeprefix("refs/heads/")
            if name != one.ref and name.startswith(prefix):
                found[name] = one.object.sha
        number = _following(answer.links().next, number) if answer.header("link") else None
    return found


def _following(told: int | None, number: int) -> int | None:
    return told if told is not None and told > number else None


def _rule(desk: ReadDesk, repo_id: int, branch: str) -> bool | None:
    """Whether rulesets, else the older protection, guard a branch; None where we may not see it."""
    quoted = quote(branch)
    what = "read the rules of its default branch"
    rules = _seen(desk, repo_id, f"/rules/branches/{quoted}", list[_Rule], what)
    if rules is not None and any(one.type in _PROTECTS for one in rules):
        return True
    found = _seen(desk, repo_id, f"/branches/{quoted}", _Branch, "read its default branch")
    # Rulesets make a branch protected too, whatever they ask for: only without any is it the older protection.
    if found is not None and found.protected and not rules:
        return True
    return None if rules is None else False


def _seen(desk: ReadDesk, repo_id: int, tail: str, kind: type[T], what: str) -> T | None:
    """What a repository that has just answered shows there; None where it is hidden or not there."""
    answer, grant = desk.get(repo_id, tail, {"per_page": str(PAGE)})
    if answer.status in _HIDDEN:
        return None
    if answer.status != 200:
        raise desk.refusal(answer, grant, what)
    return decode(answer, kind)
