"""Reads a whole listing: page by page, in parallel where the last page is known, and judges whether it is whole.

A listing comes out only if every page came and agreed with the others; everything else is an exception. It
says nothing of repositories that are not in it: that is the application's to believe or not.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime

import httpx

from steward.adapters.github.answer import Answer, Links
from steward.adapters.github.facts import Malformed, PageFacts, Repos, read_page
from steward.adapters.github.limits import server_time
from steward.adapters.github.wire import Grant, Tally, Wire
from steward.domain.repository import Listing, PageMark, PageRead
from steward.ports.errors import (
    Incomplete,
    NoSuchOrganisation,
    Permanent,
    RateLimited,
    Transient,
    Unauthorised,
    Unreachable,
)

PER_PAGE = 100
"""The most that GitHub gives."""

ORDER = {"per_page": str(PER_PAGE), "sort": "created", "direction": "asc", "type": "all"}
"""By creation, oldest first: nothing but a deletion moves entries that were listed already."""

REFUSED_ADVICE = (
    "Set another token (STEWARD_GITHUB_TOKEN), or check the GitHub App's id, key and installation"
)


@dataclass(frozen=True, slots=True)
class Task:
    """What to list, with whom, and what is remembered of it. `url` is the address of the listing."""

    wire: Wire
    grant: Grant
    pool: Executor
    url: httpx.URL
    login: str
    owner_id: int | None
    marks: Mapping[int, PageMark]
    page_cap: int


@dataclass(frozen=True, slots=True)
class _Page:
    """A page as it came. `links` are those of this very answer, not remembered ones."""

    mark: PageMark
    links: Links
    entries: Mapping[int, int] | None = None

    @property
    def may_go_on(self) -> bool:
        """Whether its own answer, or the memory of an unchanged page, leaves a further page possible.

        From the second page on GitHub's header names the first page even where there is no next one; a
        page without any header has lost it, or is the first and only one.
        """
        if self.links.next is not None:
            return True
        if self.links.told and self.mark.number > 1:
            return False
        return self.mark.has_next or self.mark.count >= PER_PAGE


def read_listing(task: Task) -> Listing:
    """Read it, twice if it changed while it was read.

    Raises Incomplete (with what was seen), Unauthorised, NoSuchOrganisation, RateLimited, Unreachable.
    """
    tally = Tally()
    seen: dict[int, bytes] = {}
    flaw: str | None = None
    for _ in range(2):
        sweep = _Sweep(task, tally, seen)
        sweep.read()
        flaw = sweep.flaw()
        if flaw is None:
            return sweep.listing()
        seen = sweep.seen
    raise Incomplete(f"the listing does not agree with itself, twice: {flaw}", Repos(seen), tally.cost)


class _Sweep:
    """One passage over the pages. `seen` collects facts, those of an earlier passage included."""

    def __init__(self, task: Task, tally: Tally, seen: Mapping[int, bytes]) -> None:
        self._task = task
        self._tally = tally
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._pages: dict[int, _Page] = {}
        self._facts: dict[int, bytes] = {}
        self._owners: dict[int, str] = {}
        self._template = ""
        self._server_at: datetime | None = None
        self._earlier = seen

    @property
    def seen(self) -> dict[int, bytes]:
        """The facts that came, now or in an earlier passage."""
        return {**self._earlier, **self._facts}

    def read(self) -> None:
        """Fetch page after page until there is none left to expect."""
        wanted: Iterable[int] = [1]
        while wanted:
            self._fetch(list(wanted))
            wanted = self._expected()

    def _expected(self) -> Iterable[int]:
        """The numbers to fetch next, by all that is known of the end; none where the end is reached."""
        top = max(self._pages)
        tail = self._pages[top]
        named = max((page.links.last or 0 for page in self._pages.values()), default=0)
        if any(page.entries is None for page in self._pages.values()):
            # What an unchanged page once said of the last one may be long past; the marks end where the
            # last applied look did.
            named = max(named, *self._task.marks)
        if (tail.mark.count == 0 and top > 1) or self._doubled():
            return ()
        if named > top:
            return self._capped(top + 1, named)
        # A page that the last look knew and that this one ends before: a lost header looks the same.
        shrunk = not tail.links.told and (top + 1) in self._task.marks
        return self._capped(top + 1, top + 1) if tail.may_go_on or shrunk else ()

    def _capped(self, start: int, end: int) -> range:
        cap = self._task.page_cap
        if end > cap:
            raise self._incomplete(
                f"the listing goes on beyond the cap of {cap} pages of {PER_PAGE} (page_cap);"
                f" the server speaks of {end}"
            )
        return range(start, end + 1)

    # -- fetching -------------------------------------------------------------------------------------

    def _fetch(self, numbers: list[int]) -> None:
        """Fetch these pages, at once where they are several; the worst that happened is raised."""
        errors: list[Transient | Permanent] = []
        if len(numbers) == 1:
            self._fetch_one(numbers[0], errors)
        else:
            futures = [self._task.pool.submit(self._fetch_one, number, errors) for number in numbers]
            for future in futures:
                future.result()
        if errors:
            raise self._worst(errors)

    def _fetch_one(self, number: int, errors: list[Transient | Permanent]) -> None:
        if self._stop.is_set():
            return
        try:
            self._take(number, self._ask(number))
        except (Transient, Permanent) as error:
            self._stop.set()
            errors.append(error)

    def _ask(self, number: int) -> Answer:
        task = self._task
        mark = task.marks.get(number)
        url = _with_page(self._template or str(task.url), number) if number > 1 else task.url
        return task.wire.get(url, task.grant, self._tally, etag=mark.etag if mark else "")

    def _worst(self, errors: list[Transient | Permanent]) -> Transient | Permanent:
        """What a person must see first; a page lost in the middle keeps what the others showed."""
        for kind in (Permanent, RateLimited):
            for error in errors:
                if isinstance(error, kind):
                    return error
        error = errors[0]
        if isinstance(error, Unreachable) and not self._pages:
            return error
        return self._incomplete(str(error))

    def _incomplete(self, reason: str) -> Incomplete:
        return Incomplete(reason, Repos(self.seen), self._tally.cost)

    def _take(self, number: int, answer: Answer) -> None:
        """Keep what a page says. Raises where it is not a page."""
        mark = self._task.marks.get(number)
        if answer.status == 304 and mark is not None and mark.etag:
            links = _links(number, answer)
            if links.told:
                mark = replace(mark, has_next=links.next is not None, last=links.last)
            self._keep(_Page(mark, links), None, answer)
            return
        if answer.status != 200:
            raise self._refusal(number, answer)
        if not answer.is_json:
            kind = answer.header("content-type") or "no content type"
            raise Transient(f"page {number} is not JSON but {kind}")
        try:
            content = read_page(answer.body)
        except Malformed as error:
            raise Transient(f"page {number} is {error}") from None
        links = _links(number, answer)
        fresh = PageMark(
            number,
            _validator(answer),
            len(content.facts) + len(content.flaws),
            has_next=links.next is not None,
            last=links.last,
        )
        self._keep(_Page(fresh, links, content.digests), content, answer)
        self._check_owners(number, content)
        if content.flaws:
            more = f" (and {len(content.flaws) - 1} more)" if len(content.flaws) > 1 else ""
            raise Transient(f"page {number} cannot be used whole: {content.flaws[0]}{more}")

    def _keep(self, page: _Page, content: PageFacts | None, answer: Answer) -> None:
        with self._lock:
            self._pages[page.mark.number] = page
            if self._server_at is None:
                self._server_at = server_time(answer)
            self._template = self._template or page.links.template or ""
            if content is not None:
                self._facts.update(content.facts)

    def _check_owners(self, number: int, content: PageFacts) -> None:
        with self._lock:
            self._owners.update(sorted(content.owners))
            expected = self._task.owner_id or next(iter(self._owners), None)
        for owner_id, login in sorted(content.owners):
            if owner_id != expected:
                raise Transient(
                    f"page {number} holds a repository of another owner, {login} (id {owner_id}, not {expected})"
                )

    def _refusal(self, number: int, answer: Answer) -> Transient | Permanent:
        """What a status that is no page means."""
        login, status = self._task.login, answer.status
        if status == 401:
            return Unauthorised("GitHub refused the credential (401)", REFUSED_ADVICE)
        if number == 1 and status == 404:
            return NoSuchOrganisation(
                f"no organisation answers as {login} (404)",
                "Check its name in STEWARD_GITHUB_ORGS, whether it was renamed, whether the App is still"
                " installed there, and whether the token may see it",
            )
        if number == 1 and status == 403:
            problem = answer.problem()
            said = f": {problem.message[:120]}" if problem else ""
            return Unauthorised(
                f"the credential may not list {login} (403{said})",
                "Give the token the right to read the organisation's repositories; where it asks for single"
                " sign-on, authorise the token for it",
            )
        return Transient(f"page {number} answered {status}")

    # -- judging --------------------------------------------------------------------------------------

    def flaw(self) -> str | None:
        """What the pages disagree about; None if the listing is whole."""
        end = max((n for n, page in self._pages.items() if page.mark.count), default=1)
        for number in range(1, max(self._pages) + 1):
            flaw = self._page_flaw(self._pages[number], end)
            if flaw is not None:
                return flaw
        doubled = self._doubled()
        return f"{doubled} entries are on two pages" if doubled else None

    def _doubled(self) -> int:
        """How many entries came twice: the list moved while it was read, or the server gives one page anew."""
        sent = sum(len(page.entries) for page in self._pages.values() if page.entries is not None)
        return sent - len(self._facts)

    def _page_flaw(self, page: _Page, end: int) -> str | None:
        number, count, links = page.mark.number, page.mark.count, page.links
        if (number < end and count != PER_PAGE) or count > PER_PAGE:
            return f"page {number} of {end} holds {count} entries, not {PER_PAGE}"
        if not links.told:
            return None
        if number < end and links.next is None:
            return f"page {number} says that no page follows, and yet page {end} does"
        if number >= end and links.next is not None:
            return f"page {number} says that page {links.next} follows, and that is empty"
        if number <= end and links.last not in {None, end}:
            return f"page {number} says that page {links.last} is the last, and it is page {end}"
        return None

    def listing(self) -> Listing:
        """The whole, once `flaw` has found nothing. An empty page that was asked for by doubt stays in it."""
        ordered = [self._pages[number] for number in sorted(self._pages)]
        full = next((p.mark.number for p in reversed(ordered) if p.mark.count), 1)
        doubted = ordered[full - 1].mark.count == PER_PAGE and not ordered[full - 1].links.told
        kept = ordered[: full + 1] if doubted else ordered[:full]
        owner_id, login = next(iter(self._owners.items()), (self._task.owner_id or 0, ""))
        in_order = {number: self._facts[number] for page in kept for number in page.entries or ()}
        return Listing(
            owner_id=owner_id,
            login=login,
            pages=tuple(PageRead(page.mark, page.entries) for page in kept),
            repos=Repos(in_order),
            credential=self._task.grant.key,
            server_at=self._server_at,
            cost=self._tally.cost,
        )


def _with_page(template: str, number: int) -> httpx.URL:
    """The address of another page of the same listing. Raises Transient where the template is no address."""
    try:
        address, _, query = template.partition("?")
        kept = [one for one in query.split("&") if one and not one.startswith("page=")]
        return httpx.URL(f"{address}?{'&'.join([*kept, f'page={number}'])}")
    except httpx.InvalidURL:
        raise Transient("its Link header holds an address that is none") from None


def _links(number: int, answer: Answer) -> Links:
    """The page's links. Raises where they lead astray: a guess would lose repositories."""
    try:
        links = answer.links()
    except ValueError as error:
        raise Transient(f"page {number} cannot be followed: {error}") from None
    if links.next is not None and links.next != number + 1:
        raise Transient(f"page {number} says that page {links.next} follows")
    if links.last is not None and links.last < number and links.next is not None:
        raise Transient(f"page {number} says that page {links.last} is the last, and that one follows")
    return links


def _validator(answer: Answer) -> str:
    """The ETag, if it can be sent back."""
    etag = answer.header("etag") or ""
    return etag if etag.isascii() and etag.isprintable() else ""
