"""FakeForge: GitHub in memory, for simulations. It answers as `ports.ForgeRead` and can be made to fail.

Deterministic and quick: no socket, no thread, no clock but the one given. It shows what the port shows, not
HTTP; how answers become these values is the adapter's to get right, and the contract suite runs on both.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import TypedDict, Unpack

from steward.domain.credentials import CredentialKind, Declared
from steward.domain.repository import (
    Access,
    Budget,
    Cost,
    Found,
    Listing,
    NotFound,
    OrganisationFacts,
    PageMark,
    PageRead,
    Repo,
    Sighting,
)
from steward.ports.errors import Incomplete, NoSuchOrganisation
from steward.ports.outside import Clock


class Facts(TypedDict, total=False):
    """The facts of a repository that a caller may set."""

    visibility: str
    default_branch: str | None
    description: str | None
    archived: bool
    disabled: bool
    fork: bool
    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stale:
    """A listing that says it is whole but leaves these live repositories out."""

    missing: frozenset[int]


@dataclass(frozen=True, slots=True)
class Broken:
    """A listing that breaks off after `pages` pages: Incomplete, with what those pages showed as `seen`."""

    pages: int


ListingFault = Exception | Stale | Broken | None
"""What becomes of one listing; None lets the true one through."""

ReadFault = Sighting | Exception | None
"""What becomes of one read by id; None lets the true answer through."""


@dataclass(slots=True)
class _Account:
    """An owner of repositories. `reachable`: our credential is accepted there."""

    id: int
    login: str
    reachable: bool = True
    selection: frozenset[int] | None = None
    pages: list[list[Repo]] | None = None


class FakeForge:
    """A GitHub server with any number of organisations. Ids are never used twice.

    Mutating methods take effect at once and raise KeyError for what is not there, ValueError where GitHub
    would answer 422 (a name that is taken). Attributes to set at any time: `sees_private` (the credential
    has the private scope), `declared_access` (what `access` answers where no selection is set),
    `declared_now` (what `declared` answers), `skew_s` (the server's clock minus ours), `listing_lag_s` and `reading_lag_s` (how long after its
    creation a repository is not shown yet), `budget_now`.
    """

    def __init__(self, clock: Clock, *, server: str = "http://forge.test", page_size: int = 100) -> None:
        self._clock = clock
        self._server = server
        self._page_size = page_size
        self._accounts: dict[int, _Account] = {}
        self._live: dict[int, Repo] = {}
        self._deleted: dict[int, Repo] = {}
        self._last_id = 1_000
        self._token = 1
        self._listing_script: dict[int, deque[ListingFault]] = {}
        self._read_script: dict[int, deque[ReadFault]] = {}
        self.sees_private = True
        self.declared_access = Access.ALL
        self.declared_now = Declared(CredentialKind.CLASSIC, frozenset({"repo", "admin:org_hook"}))
        self.skew_s = 0.0
        self.listing_lag_s = 0.0
        self.reading_lag_s = 0.0
        self.budget_now = Budget()
        self.requests = 0

    # -- the world ------------------------------------------------------------------------------------

    def add_organisation(self, login: str) -> int:
        """Make an organisation; return its id. Raises ValueError if the login is taken."""
        if any(a.login.lower() == login.lower() for a in self._accounts.values()):
            raise ValueError(f"login {login!r} is taken")
        account = _Account(self._next_id(), login)
        self._accounts[account.id] = account
        return account.id

    def rename_organisation(self, login: str, new_login: str) -> None:
        """Give it another name; its id and its repositories' ids stay. Raises ValueError if it is taken."""
        account = self._account(login)
        if any(a.login.lower() == new_login.lower() for a in self._accounts.values() if a is not account):
            raise ValueError(f"login {new_login!r} is taken")
        account.login = new_login
        for repo in self._owned(account.id):
            self._store(replace(repo, owner_login=new_login))

    def create(self, login: str, name: str, **facts: Unpack[Facts]) -> Repo:
        """Make a repository, private unless told otherwise. Raises ValueError if the name is taken."""
        account = self._account(login)
        self._require_free(account.id, name)
        number, at = self._next_id(), self.server_now()
        base = Repo(
            id=number,
            name=name,
            owner_id=account.id,
            owner_login=account.login,
            digest=0,
            node_id=f"R_{number}",
            default_branch="main",
            created_at=at,
            pushed_at=at,
        )
        return self._store(replace(base, **facts))

    def edit(self, repo_id: int, **facts: Unpack[Facts]) -> Repo:
        """Change facts: archive, publish, describe."""
        return self._store(replace(self._live[repo_id], **facts))

    def rename(self, repo_id: int, name: str) -> Repo:
        """Give it another name. Raises ValueError if the name is taken."""
        repo = self._live[repo_id]
        self._require_free(repo.owner_id, name, but=repo_id)
        return self._store(replace(repo, name=name))

    def archive(self, repo_id: int, *, archived: bool = True) -> Repo:
        """Archive it, or take it out of the archive."""
        return self.edit(repo_id, archived=archived)

    def touch(self, repo_id: int) -> Repo:
        """Push something: `pushed_at` becomes the server's time, in whole seconds."""
        return self._store(replace(self._live[repo_id], pushed_at=self.server_now().replace(microsecond=0)))

    def transfer(self, repo_id: int, login: str, name: str | None = None) -> Repo:
        """Give it to another account, which is made if there is none by that login."""
        repo = self._live[repo_id]
        try:
            owner = self._account(login)
        except KeyError:
            owner = self._accounts[self.add_organisation(login)]
        self._require_free(owner.id, name or repo.name)
        self._forget_pages(repo.owner_id)
        moved = replace(repo, owner_id=owner.id, owner_login=owner.login, name=name or repo.name)
        return self._store(moved)

    def delete(self, repo_id: int) -> None:
        """Delete it; `restore` brings it back."""
        repo = self._live.pop(repo_id)
        self._deleted[repo_id] = repo
        self._forget_pages(repo.owner_id)

    def restore(self, repo_id: int) -> Repo:
        """Bring a deleted one back, with the same id. Raises ValueError if its name is taken by now."""
        repo = self._deleted[repo_id]
        self._require_free(repo.owner_id, repo.name)
        del self._deleted[repo_id]
        return self._store(replace(repo, owner_login=self._accounts[repo.owner_id].login))

    def live(self, login: str) -> dict[int, Repo]:
        """The truth: every repository of the organisation, whatever our credential may see."""
        return {repo.id: repo for repo in self._owned(self._account(login).id)}

    def readable(self, repo_id: int) -> bool:
        """Whether it lives, wherever, and our credential may read it (lag and faults left aside)."""
        repo = self._live.get(repo_id)
        return repo is not None and self._may_read(repo)

    # -- the credential -------------------------------------------------------------------------------

    def rotate_token(self) -> None:
        """Replace the credential by another with the same rights: validators of the old one do not match."""
        self._token += 1

    def select(self, login: str, repo_ids: Collection[int] | None) -> None:
        """Limit the credential to these repositories of the organisation; None lifts the limit."""
        self._account(login).selection = None if repo_ids is None else frozenset(repo_ids)

    def set_reachable(self, login: str, *, reachable: bool) -> None:
        """False: our App was uninstalled there; listing it answers NoSuchOrganisation."""
        self._account(login).reachable = reachable

    # -- faults ---------------------------------------------------------------------------------------

    def script_listings(self, login: str, *faults: ListingFault) -> None:
        """What becomes of the next listings of the organisation, one each, after those told before."""
        self._listing_script.setdefault(self._account(login).id, deque()).extend(faults)

    def script_reads(self, repo_id: int, *faults: ReadFault) -> None:
        """What becomes of the next reads of that id, one each, after those told before."""
        self._read_script.setdefault(repo_id, deque()).extend(faults)

    def clear_faults(self) -> None:
        """Forget every fault that is still to come."""
        self._listing_script.clear()
        self._read_script.clear()

    # -- ForgeRead ------------------------------------------------------------------------------------

    @property
    def server(self) -> str:
        """The address that it pretends to have."""
        return self._server

    def listing(
        self, login: str, owner_id: int | None, marks: Sequence[PageMark], credential: str
    ) -> Listing:
        """List as the port says; a scripted fault is used up first."""
        account = self._find(login, owner_id)
        script = self._listing_script.get(account.id)
        fault = script.popleft() if script else None
        if isinstance(fault, Exception):
            self.requests += 1
            raise fault
        pages = self._pages(account, fault.missing if isinstance(fault, Stale) else frozenset())
        if isinstance(fault, Broken):
            seen = {repo.id: repo for page in pages[: fault.pages] for repo in page}
            self.requests += fault.pages + 1
            raise Incomplete(
                f"page {fault.pages + 1} answered 502", seen, Cost(fault.pages + 1, 0, fault.pages + 1)
            )
        known = {mark.number: mark for mark in marks} if credential == self._credential() else {}
        return self._listing(account, pages, known)

    def _listing(
        self, account: _Account, pages: Sequence[Sequence[Repo]], known: dict[int, PageMark]
    ) -> Listing:
        reads: list[PageRead] = []
        repos: dict[int, Repo] = {}
        last = len(pages)
        for number, page in enumerate(pages, start=1):
            etag = f'"{hash((self._token, *[repo.digest for repo in page])):x}"'
            mark = known.get(number)
            if mark is not None and mark.etag == etag:
                reads.append(PageRead(mark, None))
                continue
            named_last = last if number < last else None
            fresh = PageMark(number, etag, len(page), has_next=number < last, last=named_last)
            reads.append(PageRead(fresh, {repo.id: repo.digest for repo in page}))
            repos.update((repo.id, repo) for repo in page)
        unchanged = sum(read.entries is None for read in reads)
        self.requests += last
        return Listing(
            owner_id=account.id,
            login=account.login if repos else "",
            pages=tuple(reads),
            repos=repos,
            credential=self._credential(),
            server_at=self.server_now(),
            cost=Cost(last, unchanged, last - unchanged),
        )

    def repository(self, repo_id: int, *, urgent: bool = False) -> tuple[Sighting, Cost]:  # noqa: ARG002 # the port's; nothing is ever short here
        """Read one as the port says; a scripted fault is used up first."""
        self.requests += 1
        script = self._read_script.get(repo_id)
        fault = script.popleft() if script else None
        if isinstance(fault, Exception):
            raise fault
        cost = Cost(requests=1, points=1)
        if fault is not None:
            return fault, cost
        repo = self._live.get(repo_id)
        if repo is None or not self._may_read(repo) or self._lags(repo, self.reading_lag_s):
            return NotFound(), cost
        return Found(repo), cost

    def organisation(self, login: str, owner_id: int | None) -> OrganisationFacts:
        """Id, name and counts; the private count only where private repositories are visible."""
        self.requests += 1
        account = self._find(login, owner_id)
        owned = self._owned(account.id)
        public = sum(repo.visibility == "public" for repo in owned)
        private = len(owned) - public if self.sees_private else None
        return OrganisationFacts(account.id, account.login, public, private)

    def access(self, login: str, owner_id: int | None = None) -> Access:
        """SELECTED where a selection is set, else `declared_access`."""
        return self.declared_access if self._find(login, owner_id).selection is None else Access.SELECTED

    def declared(self, login: str, owner_id: int | None = None) -> Declared:
        """`declared_now`, as it was set."""
        self._find(login, owner_id)
        return self.declared_now

    def budget(self) -> Budget:
        """`budget_now`, as it was set."""
        return self.budget_now

    # -- inside ---------------------------------------------------------------------------------------

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def server_now(self) -> datetime:
        """Its time."""
        return self._clock.now().at + timedelta(seconds=self.skew_s)

    def _credential(self) -> str:
        return f"fake-{self._token}"

    def _account(self, login: str) -> _Account:
        wanted = login.lower()
        for account in self._accounts.values():
            if account.login.lower() == wanted:
                return account
        raise KeyError(login)

    def _find(self, login: str, owner_id: int | None) -> _Account:
        """The organisation as a request would reach it."""
        try:
            account = self._accounts[owner_id] if owner_id else self._account(login)
        except KeyError:
            account = None
        if account is None or not account.reachable:
            raise NoSuchOrganisation(f"{login} does not answer", "Check its name, or install the App again.")
        return account

    def _owned(self, owner_id: int) -> list[Repo]:
        return sorted((r for r in self._live.values() if r.owner_id == owner_id), key=lambda repo: repo.id)

    def _require_free(self, owner_id: int, name: str, but: int = 0) -> None:
        wanted = name.lower()
        for repo in self._live.values():
            if repo.owner_id == owner_id and repo.id != but and repo.name.lower() == wanted:
                raise ValueError(f"name {name!r} is taken")

    def _store(self, repo: Repo) -> Repo:
        """Keep it with its derived facts: address and digest."""
        repo = replace(repo, html_url=f"{self._server}/{repo.owner_login}/{repo.name}", digest=0)
        text = repr(repo).encode()
        repo = replace(repo, digest=int.from_bytes(blake2b(text, digest_size=8).digest(), "big") >> 1)
        self._live[repo.id] = repo
        self._forget_pages(repo.owner_id)
        return repo

    def _forget_pages(self, owner_id: int) -> None:
        self._accounts[owner_id].pages = None

    def _may_read(self, repo: Repo) -> bool:
        """GitHub shows public repositories to everybody, even outside of an App's selection."""
        if repo.visibility == "public":
            return True
        account = self._accounts[repo.owner_id]
        chosen = account.selection is None or repo.id in account.selection
        return account.reachable and self.sees_private and chosen

    def _lags(self, repo: Repo, lag_s: float) -> bool:
        if not lag_s or repo.created_at is None:
            return False
        return (self.server_now() - repo.created_at).total_seconds() < lag_s

    def _pages(self, account: _Account, missing: frozenset[int]) -> list[list[Repo]]:
        """The listing's pages as our credential gets them, in order of creation; at least one."""
        selection = account.selection
        simple = self.sees_private and selection is None and not missing and not self.listing_lag_s
        if simple and account.pages is not None:
            return account.pages
        shown = [
            repo
            for repo in self._owned(account.id)
            if repo.id not in missing
            and (self.sees_private or repo.visibility == "public")
            and (selection is None or repo.id in selection)
            and not self._lags(repo, self.listing_lag_s)
        ]
        size = self._page_size
        pages = [shown[start : start + size] for start in range(0, len(shown), size)] or [[]]
        if simple:
            account.pages = pages
        return pages
