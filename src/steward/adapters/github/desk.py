"""One server's repositories by id, for the clients that watch and build: reads, decoding, refusals in words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TypeVar

import httpx
import msgspec

from steward.adapters.github import facts
from steward.adapters.github.answer import Answer
from steward.adapters.github.credentials import Source
from steward.adapters.github.wire import Grant, Tally, Wire
from steward.domain.repository import Repo
from steward.ports.errors import Permanent, Unauthorised, Unreachable

T = TypeVar("T")
PAGE: Final = 100
PAGES_MAX: Final = 50
WORDS_MAX: Final = 300


class _Error(msgspec.Struct):
    message: str = ""
    field: str = ""
    code: str = ""


class _Said(msgspec.Struct):
    message: str = ""
    errors: list[msgspec.Raw] = []


class ReadDesk:
    """One server's repositories by id, read only: asks, decodes, and puts refusals into words.

    `who` names the credential in those words, `advice` says what it needs. Reads that are not `urgent` leave the
    reserve of the rate limit alone.
    """

    def __init__(self, wire: Wire, source: Source, *, who: str, advice: str, urgent: bool) -> None:
        self._reading = wire
        self._source = source
        self._who = who
        self._advice = advice
        self._urgent = urgent
        self._owners: dict[int, tuple[str, int]] = {}

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
            answer = self._reading.get(self.at(repo_id), grant, Tally(), urgent=self._urgent)
            if answer.status == 200:
                return self.kept(read_repo(answer))
            if answer.status not in {403, 404}:
                raise self.refusal(answer, grant, f"read repository {repo_id}")
        raise refused or Permanent(
            f"repository {repo_id} does not answer: deleted, or hidden from {self._who}",
            "Restore it, or give the credential access to it",
        )

    def kept(self, repo: Repo) -> Repo:
        """The same, its owner remembered."""
        self._owners[repo.id] = (repo.owner_login, repo.owner_id)
        return repo

    def at(self, repo_id: int, tail: str = "", params: Mapping[str, str] | None = None) -> httpx.URL:
        """An address under the repository's; GitHub leads former names on to such addresses."""
        return self._reading.address(f"/repositories/{repo_id}{tail}", params)

    def ask(
        self, repo_id: int, tail: str, kind: type[T], what: str, params: Mapping[str, str] | None = None
    ) -> T:
        """What an address answers with 200. Raises as `refusal` says."""
        answer, grant = self.get(repo_id, tail, params)
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
        answer, grant = self.get(repo_id, tail, params)
        if answer.status in absent:
            self.repo(repo_id)
            return None
        if answer.status != 200:
            raise self.refusal(answer, grant, what)
        return decode(answer, kind)

    def get(self, repo_id: int, tail: str, params: Mapping[str, str] | None = None) -> tuple[Answer, Grant]:
        """What an address answers, whatever that is, and the grant that asked."""
        grant = self.grant(repo_id)
        url = self.at(repo_id, tail, params)
        return self._reading.get(url, grant, Tally(), urgent=self._urgent), grant

    def refusal(self, answer: Answer, grant: Grant, what: str) -> Exception:
        """The error that an answer comes to; `what` is what was to be done, as in "merge it"."""
        told = words(answer)
        if answer.status == 401:
            self._source.refused(grant)
            return Unauthorised(f"GitHub refused {self._who} (401)", self._advice)
        if answer.status == 403:
            if "archived" in told:
                return Permanent(f"GitHub does not let us {what}: {told}", "Take it out of the archive first")
            return Unauthorised(f"{self._who} may not {what} (403): {told}", self._advice)
        if answer.status in {404, 410, 451}:
            reason = f"GitHub does not let us {what} ({answer.status}): {told}"
            return Permanent(reason, f"It is gone, or hidden from {self._who}")
        if answer.status in {400, 422}:
            return Permanent(f"GitHub does not let us {what} ({answer.status}): {told}", "")
        return Unreachable(f"GitHub answered {answer.status} when asked to {what}")


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


def moment(text: str | None) -> datetime | None:
    """A moment as GitHub writes it; None for what is none."""
    try:
        at = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at


def site(api: httpx.URL) -> str:
    """The web address of a server by its API's: of github.com, of a tenant of ghe.com, of an Enterprise Server,
    and of localhub, which answers with and without `/api/v3`. It is derived, never taken from an answer, for the
    token goes there.
    """
    path = api.path.rstrip("/").removesuffix("/api/v3")
    host = api.host
    if host == "api.github.com" or (host.startswith("api.") and host.endswith(".ghe.com")):
        host = host.removeprefix("api.")
    return str(api.copy_with(host=host, path=path or "/")).rstrip("/")
