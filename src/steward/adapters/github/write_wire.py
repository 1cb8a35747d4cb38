"""What the writing client sends, and through which doors: a list of changes, outside of which nothing leaves.

Nothing here removes anything, and no address of a repository itself is among the doors: it cannot be deleted,
renamed, archived, handed over or published from here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal, TypeVar

import httpx
import msgspec

from steward.adapters.github import facts
from steward.adapters.github.answer import Answer
from steward.adapters.github.credentials import Source
from steward.adapters.github.wire import Grant, Tally, Wire
from steward.domain.repository import Repo
from steward.ports.errors import NoSuchOrganisation, Permanent, Unauthorised, Unreachable

T = TypeVar("T")
Method = Literal["POST", "PATCH", "PUT"]

_DOORS: Final = (
    ("POST", re.compile(r"/(orgs/[^/]+|organizations/\d+)/repos")),
    ("POST", re.compile(r"/repositories/\d+/(rulesets|labels|pulls)")),
    ("PUT", re.compile(r"/repositories/\d+/rulesets/\d+")),
    ("PATCH", re.compile(r"/repositories/\d+/labels/.+")),
    ("PUT", re.compile(r"/repositories/\d+/pulls/\d+/merge")),
)
_LED_ON: Final = frozenset({301, 307, 308})
PAGE: Final = 100
PAGES_MAX: Final = 50
WORDS_MAX: Final = 300
RIGHTS_ADVICE: Final = (
    "The builder's credential needs the scope repo, or as an App or fine-grained token: Administration, Contents,"
    " Pull requests and Issues to read and write, Actions, Checks and Commit statuses to read"
)


class _Error(msgspec.Struct):
    message: str = ""
    field: str = ""
    code: str = ""


class _Said(msgspec.Struct):
    message: str = ""
    errors: list[msgspec.Raw] = []


class WriteWire(Wire):
    """A wire that can also make what operations need."""

    def change(self, method: Method, url: httpx.URL, grant: Grant, body: Mapping[str, Any]) -> Answer:
        """Send a change, once; it follows one redirect within the server, to another of the same doors."""
        answer = self._change(method, url, grant, body)
        if answer.status in _LED_ON and (target := self._redirect(answer)) is not None:
            answer = self._change(method, target, grant, body)
        return answer

    def _change(self, method: Method, url: httpx.URL, grant: Grant, body: Mapping[str, Any]) -> Answer:
        path = url.path.removeprefix(self.base.path.rstrip("/"))
        if not any(method == door and shape.fullmatch(path) for door, shape in _DOORS):
            raise ValueError(f"{method} {path} is no change that is made here")
        headers = {"Content-Type": "application/json"}
        content = msgspec.json.encode(body)
        return self._send(method, url, grant, Tally(), headers=headers, urgent=True, content=content)


class Desk:
    """One server's repositories by id: asks, decodes, and puts refusals into words."""

    def __init__(self, wire: WriteWire, source: Source) -> None:
        self.wire = wire
        self._source = source
        self._owners: dict[int, tuple[str, int]] = {}

    def grant_at(self, login: str) -> Grant:
        """The grant for an organisation."""
        return self._source.grant(login, None)

    def grant(self, repo_id: int) -> Grant:
        """The grant for the organisation that holds the repository."""
        if repo_id not in self._owners:
            self.repo(repo_id)
        return self._source.grant(*self._owners[repo_id])

    def repo(self, repo_id: int) -> Repo:
        """The repository as it is now. Raises Permanent where it does not answer."""
        known = self._owners.pop(repo_id, None)
        grants = iter([self._source.grant(*known)]) if known else self._source.grants()
        refused: Unauthorised | None = None
        for grant in grants:
            if isinstance(grant, Unauthorised):
                refused = grant
                continue
            answer = self.wire.get(self.at(repo_id), grant, Tally(), urgent=True)
            if answer.status == 200:
                return self.kept(read_repo(answer))
            if answer.status not in {403, 404}:
                raise self.refusal(answer, grant, f"read repository {repo_id}")
        raise refused or Permanent(
            f"repository {repo_id} does not answer: deleted, or hidden from the builder's credential",
            "Restore it, or give the credential access to it",
        )

    def kept(self, repo: Repo) -> Repo:
        """The same, its owner remembered."""
        self._owners[repo.id] = (repo.owner_login, repo.owner_id)
        return repo

    def at(self, repo_id: int, tail: str = "", params: Mapping[str, str] | None = None) -> httpx.URL:
        """An address under the repository's; GitHub leads former names on to such addresses."""
        return self.wire.address(f"/repositories/{repo_id}{tail}", params)

    def ask(
        self, repo_id: int, tail: str, kind: type[T], what: str, params: Mapping[str, str] | None = None
    ) -> T:
        """What an address answers with 200. Raises as `refusal` says."""
        answer, grant = self._get(repo_id, tail, params)
        if answer.status != 200:
            raise self.refusal(answer, grant, what)
        return decode(answer, kind)

    def find(
        self,
        repo_id: int,
        tail: str,
        kind: type[T],
        what: str,
        params: Mapping[str, str] | None = None,
        *,
        absent: frozenset[int] = frozenset({404}),
    ) -> T | None:
        """The same; None at one of the statuses `absent`, as long as the repository itself answers."""
        answer, grant = self._get(repo_id, tail, params)
        if answer.status in absent:
            self.repo(repo_id)
            return None
        if answer.status != 200:
            raise self.refusal(answer, grant, what)
        return decode(answer, kind)

    def _get(self, repo_id: int, tail: str, params: Mapping[str, str] | None) -> tuple[Answer, Grant]:
        grant = self.grant(repo_id)
        return self.wire.get(self.at(repo_id, tail, params), grant, Tally(), urgent=True), grant

    def change(
        self, method: Method, repo_id: int, tail: str, body: Mapping[str, Any]
    ) -> tuple[Answer, Grant]:
        """Send a change; its answer may be any."""
        grant = self.grant(repo_id)
        return self.wire.change(method, self.at(repo_id, tail), grant, body), grant

    def refusal(self, answer: Answer, grant: Grant, what: str) -> Exception:
        """The error that an answer comes to; `what` is what was to be done, as in "merge it"."""
        told = words(answer)
        if answer.status == 401:
            self._source.refused(grant)
            return Unauthorised("GitHub refused the builder's credential (401)", RIGHTS_ADVICE)
        if answer.status == 403:
            if "archived" in told:
                return Permanent(f"GitHub does not let us {what}: {told}", "Take it out of the archive first")
            return Unauthorised(f"the builder's credential may not {what} (403): {told}", RIGHTS_ADVICE)
        if answer.status in {404, 410, 451}:
            reason = f"GitHub does not let us {what} ({answer.status}): {told}"
            return Permanent(reason, "It is gone, or hidden from the builder's credential")
        if answer.status in {400, 422}:
            return Permanent(f"GitHub does not let us {what} ({answer.status}): {told}", "")
        return Unreachable(f"GitHub answered {answer.status} when asked to {what}")


def no_organisation(login: str) -> NoSuchOrganisation:
    """404 where repositories are made."""
    return NoSuchOrganisation(
        f"no organisation answers as {login} (404)",
        "Check its name, and that the builder's credential may make repositories there",
    )


def read_repo(answer: Answer) -> Repo:
    """The facts of a repository. Raises Unreachable where the answer holds none."""
    try:
        return facts.to_repo(facts.read_one(answer.body))
    except facts.Malformed as error:
        raise Unreachable(f"{answer.url.path} answered {answer.status}, but {error}") from None


def decode(answer: Answer, kind: type[T]) -> T:
    """An answer's body. Raises Unreachable where it is of another shape; the body is never quoted."""
    if not answer.is_json:
        raise Unreachable(f"{answer.url.path} answered {answer.status} without JSON")
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreachable(f"{answer.url.path} answered with JSON of another shape") from None


def words(answer: Answer) -> str:
    """What an error object says, in one line of bounded length."""
    try:
        said = decode(answer, _Said)
    except Unreachable:
        return "no words"
    parts = [said.message]
    for raw in said.errors:
        try:
            error: _Error | str = msgspec.json.decode(raw, type=_Error | str)
        except msgspec.DecodeError:
            continue
        parts.append(
            error if isinstance(error, str) else error.message or f"{error.field} {error.code}".strip()
        )
    told = " ".join("; ".join(filter(None, parts)).split())
    return "".join(filter(str.isprintable, told))[:WORDS_MAX] or "no words"
