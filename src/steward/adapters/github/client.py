"""GitHubRead: `ports.ForgeRead` over HTTP, for github.com, GitHub Enterprise Server and localhub.

It reads only: no method here changes anything on the server. It believes nothing either; whether a 404 means
that a repository is gone is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Self
from urllib.parse import quote

import httpx
import msgspec

from steward.adapters.github import facts
from steward.adapters.github.answer import Answer
from steward.adapters.github.app import source_of
from steward.adapters.github.credentials import Credential, Source
from steward.adapters.github.limits import Meter
from steward.adapters.github.listing import ORDER, REFUSED_ADVICE, Task, read_listing
from steward.adapters.github.wire import Grant, Tally, Wire
from steward.domain.credentials import CredentialKind, Declared
from steward.domain.repository import (
    Access,
    Blocked,
    Budget,
    Cost,
    Forbidden,
    Found,
    Listing,
    NotFound,
    OrganisationFacts,
    PageMark,
    Sighting,
    Unclear,
)
from steward.ports.errors import NoSuchOrganisation, Unauthorised, Unreachable
from steward.ports.outside import Clock


class _Organisation(msgspec.Struct):
    id: int
    login: str
    public_repos: int | None = None
    total_private_repos: int | None = None


def connect(
    url: str,
    *,
    credential: Credential,
    clock: Clock,
    budget_reserve: float = 0.1,
    page_cap: int = 2000,
    threads: int = 8,
    transport: httpx.BaseTransport | None = None,
) -> GitHubRead:
    """Make a client for one server, without a request.

    `url` is the address of the API; `budget_reserve` the part of the rate limit (0 to 1) that is kept for
    urgent reads; `page_cap` the most pages of a listing; `threads` the most requests at once; `transport`
    takes the network's place in tests. Raises BadSettings.
    """
    wire = Wire(url, clock, threads=threads, transport=transport)

    source = source_of(credential, wire, clock, lambda: Meter(clock, budget_reserve))
    return GitHubRead(wire, source, page_cap=page_cap, threads=threads)


class GitHubRead:
    """A GitHub server, read only. Safe to use from several threads; close it, or use it in a `with`."""

    def __init__(self, wire: Wire, source: Source, *, page_cap: int, threads: int) -> None:
        self._wire = wire
        self._source = source
        self._page_cap = page_cap
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="github")
        self._meters: dict[str, Meter] = {}

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
        """End the threads and the connections."""
        self._pool.shutdown(cancel_futures=True)
        self._wire.close()

    @property
    def server(self) -> str:
        """The API address, without a trailing slash."""
        return str(self._wire.base)

    def listing(
        self, login: str, owner_id: int | None, marks: Sequence[PageMark], credential: str
    ) -> Listing:
        """List every repository, whole or not at all, at one request per hundred.

        By `owner_id` where known, so that a renamed organisation is still found. Marks of another credential
        lend their numbers, not their validators. Raises Incomplete, Unauthorised, NoSuchOrganisation,
        RateLimited, Unreachable, and Permanent where the address is not an API's.
        """
        grant = self._grant(login, owner_id)
        if credential != grant.key:
            marks = [replace(mark, etag="") for mark in marks]
        path = f"{_organisation_path(login, owner_id)}/repos"
        task = Task(
            wire=self._wire,
            grant=grant,
            pool=self._pool,
            url=self._wire.address(path, ORDER),
            login=login,
            owner_id=owner_id or None,
            marks={mark.number: mark for mark in marks},
            page_cap=self._page_cap,
        )
        try:
            return read_listing(task)
        except Unauthorised:
            self._source.refused(grant)
            raise

    def repository(self, repo_id: int, *, urgent: bool = False) -> tuple[Sighting, Cost]:
        """Read one by id. NotFound only if every grant that there is answers 404.

        Raises Unauthorised, RateLimited, Unreachable, and Permanent where the address is not an API's.
        """
        tally = Tally()
        best: Sighting | None = None
        refusal: Unauthorised | None = None
        for grant in self._source.grants():
            if isinstance(grant, Unauthorised):
                refusal = grant
                continue
            self._meters[grant.key] = grant.meter
            sighting = self._read(repo_id, grant, tally, urgent=urgent)
            if isinstance(sighting, Found):
                return sighting, tally.cost
            if best is None or isinstance(best, NotFound):
                best = sighting
        if refusal is not None and (best is None or isinstance(best, NotFound)):
            raise refusal
        assert best is not None, "a source has at least one grant, or says why not"
        return best, tally.cost

    def organisation(self, login: str, owner_id: int | None) -> OrganisationFacts:
        """Read the organisation itself. Raises NoSuchOrganisation, Unauthorised, RateLimited, Unreachable."""
        answer = self._organisation(login, owner_id)
        try:
            found = msgspec.json.decode(answer.body, type=_Organisation)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Unreachable(f"{login} answered with JSON that is no organisation") from None
        return OrganisationFacts(found.id, found.login, found.public_repos, found.total_private_repos)

    def declared(self, login: str, owner_id: int | None = None) -> Declared:
        """An App's permissions there; the scopes of a classic token, which come with each answer.

        A fine-grained token tells nothing. Raises NoSuchOrganisation, Unauthorised, RateLimited, Unreachable.
        """
        said = self._source.declared(login, owner_id or None)
        if said is not None:
            return said
        scopes = self._organisation(login, owner_id).header("x-oauth-scopes")
        if scopes is not None:
            rights = (scope.strip() for scope in scopes.split(","))
            return Declared(CredentialKind.CLASSIC, frozenset(filter(None, rights)))
        fine = self._grant(login, owner_id).token.startswith("github_pat_")
        return Declared(CredentialKind.FINE_GRAINED if fine else CredentialKind.TOKEN)

    def _organisation(self, login: str, owner_id: int | None) -> Answer:
        grant = self._grant(login, owner_id)
        url = self._wire.address(_organisation_path(login, owner_id))
        answer = self._wire.get(url, grant, Tally())
        if answer.status == 401:
            raise self._unauthorised(grant)
        if answer.status == 404:
            raise NoSuchOrganisation(
                f"no organisation answers as {login} (404)",
                "Check its name in STEWARD_GITHUB_ORGS, and whether it was renamed or deleted",
            )
        if answer.status == 403:
            raise Unauthorised(f"the credential may not read {login} (403)", REFUSED_ADVICE)
        if answer.status != 200 or not answer.is_json:
            raise Unreachable(f"{login} answered {answer.status}, which tells nothing of it")
        return answer

    def access(self, login: str, owner_id: int | None = None) -> Access:
        """What the credential is known to be able to list there; for an App, asked of the server anew."""
        return self._source.access(login, owner_id)

    def budget(self) -> Budget:
        """The limits as last told; of several installations, those that are nearest to their end."""
        budgets = [meter.budget() for meter in self._meters.values()]
        return min(budgets, key=_left, default=Budget())

    def _grant(self, login: str, owner_id: int | None) -> Grant:
        grant = self._source.grant(login, owner_id or None)
        self._meters[grant.key] = grant.meter
        return grant

    def _read(self, repo_id: int, grant: Grant, tally: Tally, *, urgent: bool) -> Sighting:
        url = self._wire.address(f"/repositories/{repo_id}")
        answer = self._wire.get(url, grant, tally, urgent=urgent)
        if answer.status == 401:
            raise self._unauthorised(grant)
        if answer.status == 200 and answer.is_json:
            return _sight(repo_id, answer)
        # Only the API's own error object counts: a proxy or a captive portal says 404 as well.
        problem = answer.problem()
        if problem is None:
            return Unclear(f"answered {answer.status} without GitHub's error object")
        if answer.status == 404:
            return NotFound()
        if answer.status == 403:
            return Forbidden()
        if answer.status == 451:
            return Blocked(problem.block.reason if problem.block else "")
        return Unclear(f"answered {answer.status}")

    def _unauthorised(self, grant: Grant) -> Unauthorised:
        self._source.refused(grant)
        return Unauthorised("GitHub refused the credential (401)", REFUSED_ADVICE)


def _organisation_path(login: str, owner_id: int | None) -> str:
    return f"/organizations/{owner_id}" if owner_id else f"/orgs/{quote(login, safe='')}"


def _sight(repo_id: int, answer: Answer) -> Sighting:
    try:
        repo = facts.to_repo(facts.read_one(answer.body))
    except facts.Malformed as error:
        return Unclear(f"answered 200, but {error}")
    return Found(repo) if repo.id == repo_id else Unclear(f"answered 200 with repository {repo.id}")


def _left(budget: Budget) -> float:
    if budget.limit is None or budget.remaining is None:
        return 1.0
    return budget.remaining / max(budget.limit, 1)
