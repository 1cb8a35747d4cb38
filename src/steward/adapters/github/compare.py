"""What lies between two commits, as GitHub compares them, within the bounds that it sets.

Source of the rules: GitHub's REST reference, "Compare two commits": commits come in pages, oldest first, files with
the first page alone, never more than 300.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

import msgspec

from steward.adapters.github.answer import Answer
from steward.adapters.github.desk import PAGE, ReadDesk, decode, moment, words
from steward.domain.hands import Commit, Compared

PAGES_READ: Final = 10
"""A thousand commits; what is larger is not read whole."""
FILES_MAX: Final = 300
_GONE: Final = frozenset({404, 409, 422})
_AHEAD: Final = frozenset({"ahead", "identical"})
_KINDS: Final = {"added": "A", "copied": "A", "removed": "D", "renamed": "R"}
_TOO_LARGE: Final = ("too long", "too large")


class _Account(msgspec.Struct):
    login: str | None = None
    type: str | None = None


class _Person(msgspec.Struct):
    name: str | None = None
    date: str | None = None


class _Text(msgspec.Struct):
    message: str | None = None
    author: _Person | None = None
    committer: _Person | None = None


class _Parent(msgspec.Struct):
    sha: str


class _Commit(msgspec.Struct):
    sha: str
    commit: _Text = msgspec.field(default_factory=_Text)
    author: _Account | None = None
    parents: list[_Parent] = []


class _File(msgspec.Struct):
    filename: str
    status: str = ""
    previous_filename: str | None = None


class _Page(msgspec.Struct):
    status: str
    commits: list[_Commit] = []
    files: list[_File] | None = None
    total_commits: int | None = None


def compare(desk: ReadDesk, repo_id: int, base: str, head: str) -> Compared:
    """What `head` has and `base` lacks. Forced and not whole where one of them is not there any more."""
    answer = _page(desk, repo_id, base, head, 1)
    if isinstance(answer, Compared):
        return answer
    page = decode(answer, _Page)
    commits, number = list(page.commits), 1
    while (following := _next(answer)) == number + 1 and number < PAGES_READ:
        number = following
        told = _page(desk, repo_id, base, head, number)
        if isinstance(told, Compared):
            return told
        answer = told
        commits += decode(answer, _Page).commits
    files = page.files or []
    unread = _next(answer) is not None or len(commits) < (page.total_commits or 0)
    listed, complete = _ordered(tuple(_commit(one) for one in commits), head)
    whole = complete and not unread and len(files) < FILES_MAX
    return Compared(page.status not in _AHEAD, listed, _files(files), whole)


def _page(desk: ReadDesk, repo_id: int, base: str, head: str, number: int) -> Answer | Compared:
    tail = f"/compare/{quote(base, safe='')}...{quote(head, safe='')}"
    what = f"compare {base[:12]} with {head[:12]}"
    answer, grant = desk.get(repo_id, tail, {"per_page": str(PAGE), "page": str(number)})
    if answer.status in _GONE:
        desk.repo(repo_id)  # the commits are gone, not the repository
        large = any(word in words(answer) for word in _TOO_LARGE)
        return Compared(forced=not large, whole=False)
    if answer.status != 200:
        raise desk.refusal(answer, grant, what)
    return answer


def _next(answer: Answer) -> int | None:
    try:
        return answer.links().next
    except ValueError:
        return 0  # there is more, but nobody can tell where


def _ordered(commits: tuple[Commit, ...], head: str) -> tuple[tuple[Commit, ...], bool]:
    """The same with the head last, which their dates alone do not promise; and whether it is among them."""
    last = [one for one in commits if one.sha == head]
    if not commits or len(head) != len(commits[0].sha):
        return commits, True  # nothing between, or the head is named by its branch
    return tuple(one for one in commits if one.sha != head) + tuple(last), bool(last)


def _commit(one: _Commit) -> Commit:
    author, account = one.commit.author or _Person(), one.author or _Account()
    dated = one.commit.committer or author
    return Commit(
        sha=one.sha,
        parents=tuple(parent.sha for parent in one.parents),
        message=one.commit.message or "",
        author=author.name or "",
        login=account.login or "",
        account=account.type or "User",
        at=moment(dated.date or author.date),
    )


def _files(files: Sequence[_File]) -> dict[str, str]:
    """Paths with their kind; of a renamed file the old path too, which is gone."""
    found: dict[str, str] = {}
    for one in files:
        if one.status == "renamed" and one.previous_filename:
            found.setdefault(one.previous_filename, "D")
        if one.status != "unchanged":
            found[one.filename] = _KINDS.get(one.status, "M")
    return found
