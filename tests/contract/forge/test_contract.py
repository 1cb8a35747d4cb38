"""What every forge must do alike: the fake, the client over HTTP to localhub, and the client on scripted answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

import pytest

from localhub.testing import Hub
from steward.adapters.github import Token, connect
from steward.domain.repository import Found, Listing, NotFound, PageMark, Repo
from steward.ports import ForgeRead, NoSuchOrganisation
from steward.testing.clock import FakeClock
from steward.testing.forge import FakeForge
from tests.contract.forge.scripted import Scripted, entry


class Place(Protocol):
    """A server with one organisation, `acme`, that a test may change."""

    forge: ForgeRead

    def create(self, name: str, visibility: str = "private") -> int: ...
    def rename(self, repo_id: int, name: str) -> None: ...
    def delete(self, repo_id: int) -> None: ...
    def archive(self, repo_id: int) -> None: ...
    def transfer(self, repo_id: int, login: str) -> None: ...
    def rename_organisation(self, name: str) -> None: ...
    def another_token(self) -> None: ...


class FakePlace:
    """FakeForge, with pages of a hundred."""

    def __init__(self) -> None:
        self.fake = FakeForge(FakeClock())
        self.fake.add_organisation("acme")
        self.forge: ForgeRead = self.fake

    def create(self, name: str, visibility: str = "private") -> int:
        return self.fake.create("acme", name, visibility=visibility).id

    def rename(self, repo_id: int, name: str) -> None:
        self.fake.rename(repo_id, name)

    def delete(self, repo_id: int) -> None:
        self.fake.delete(repo_id)

    def archive(self, repo_id: int) -> None:
        self.fake.archive(repo_id)

    def transfer(self, repo_id: int, login: str) -> None:
        self.fake.transfer(repo_id, login)

    def rename_organisation(self, name: str) -> None:
        self.fake.rename_organisation("acme", name)

    def another_token(self) -> None:
        self.fake.rotate_token()


class HubPlace:
    """localhub, over a real connection."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.client = connect(hub.url, credential=Token(hub.token), clock=FakeClock())
        self.forge: ForgeRead = self.client

    def create(self, name: str, visibility: str = "private") -> int:
        return self.hub.create(name, visibility=visibility)

    def rename(self, repo_id: int, name: str) -> None:
        self.hub.rename(repo_id, name)

    def delete(self, repo_id: int) -> None:
        self.hub.delete(repo_id)

    def archive(self, repo_id: int) -> None:
        self.hub.archive(repo_id)

    def transfer(self, repo_id: int, login: str) -> None:
        self.hub.transfer(repo_id, login)

    def rename_organisation(self, name: str) -> None:
        self.hub.org_rename("acme", name)

    def another_token(self) -> None:
        self.client.close()
        token = self.hub.add_token("ghp_another")
        self.client = connect(self.hub.url, credential=Token(token), clock=FakeClock())
        self.forge = self.client


class ScriptedPlace:
    """Scripted answers, in today's shape."""

    def __init__(self) -> None:
        self.server = Scripted(0)
        self.client = self.server.client()
        self.forge: ForgeRead = self.client
        self.last_id = 0

    def create(self, name: str, visibility: str = "private") -> int:
        self.last_id += 1
        self.server.repos.append(entry(self.last_id, name=name, visibility=visibility))
        return self.last_id

    def _edit(self, repo_id: int, **facts: object) -> None:
        for repo in self.server.repos:
            if repo["id"] == repo_id:
                repo.update(facts)

    def rename(self, repo_id: int, name: str) -> None:
        self._edit(repo_id, name=name)

    def delete(self, repo_id: int) -> None:
        self.server.repos = [repo for repo in self.server.repos if repo["id"] != repo_id]

    def archive(self, repo_id: int) -> None:
        self._edit(repo_id, archived=True)

    def transfer(self, repo_id: int, login: str) -> None:
        moved = next(repo for repo in self.server.repos if repo["id"] == repo_id)
        self.delete(repo_id)
        moved = {**moved, "owner": {"id": 99, "login": login}}
        away = Scripted(0, login, 99)
        away.repos = [moved]
        path = f"/repositories/{repo_id}"
        self.server.intercepts.append(lambda r: away.answer(r) if r.url.path == path else None)

    def rename_organisation(self, name: str) -> None:
        self.server.login = name
        for repo in self.server.repos:
            repo["owner"]["login"] = name

    def another_token(self) -> None:
        self.client.close()
        self.client = self.server.client(Token("ghp_another"))
        self.forge = self.client


@pytest.fixture(params=["fake", "localhub", "scripted"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "fake":
        yield FakePlace()
    elif request.param == "scripted":
        made = ScriptedPlace()
        yield made
        made.client.close()
    else:
        with Hub(orgs=["acme"]) as hub:
            over_http = HubPlace(hub)
            yield over_http
            over_http.client.close()


def look(place: Place, before: Listing | None = None) -> Listing:
    if before is None:
        return place.forge.listing("acme", None, [], "")
    marks = [page.mark for page in before.pages]
    return place.forge.listing("acme", before.owner_id, marks, before.credential)


def same_but(one: Repo, other: Repo, **facts: object) -> None:
    """The same repository, but for these facts, its address and its digest."""
    changed = replace(one, digest=other.digest, html_url=other.html_url, pushed_at=other.pushed_at, **facts)  # type: ignore[arg-type] # the facts are the test's
    assert other == changed
    assert one.digest != other.digest


def test_a_listing_shows_every_repository_once(place: Place) -> None:
    ids = [place.create(f"repo-{number}") for number in range(3)]
    listing = look(place)
    assert list(listing.repos) == sorted(ids) == ids
    assert [listing.repos[number].name for number in ids] == ["repo-0", "repo-1", "repo-2"]
    assert {repo.owner_id for repo in listing.repos.values()} == {listing.owner_id}
    assert listing.login == "acme"
    assert [page.entries for page in listing.pages] == [{n: r.digest for n, r in listing.repos.items()}]
    assert listing.pages[0].mark == PageMark(1, listing.pages[0].mark.etag, 3, has_next=False)
    assert (listing.cost.requests, listing.cost.not_modified, listing.cost.points) == (1, 0, 1)
    assert listing.credential


def test_an_empty_organisation_is_whole(place: Place) -> None:
    listing = look(place)
    assert (len(listing.repos), len(listing.pages), listing.pages[0].mark.count) == (0, 1, 0)


def test_an_unchanged_listing_is_not_sent_again(place: Place) -> None:
    for number in range(105):
        place.create(f"repo-{number}")
    first = look(place)
    assert [page.mark.count for page in first.pages] == [100, 5]
    assert (first.pages[0].mark.has_next, first.pages[0].mark.last) == (True, 2)
    assert (first.pages[1].mark.has_next, first.pages[1].mark.last) == (False, None)
    again = look(place, first)
    assert [page.entries for page in again.pages] == [None, None]
    assert [page.mark for page in again.pages] == [page.mark for page in first.pages]
    assert (len(again.repos), again.owner_id, again.login) == (0, first.owner_id, "")
    assert (again.cost.requests, again.cost.not_modified, again.cost.points) == (2, 2, 0)


def test_only_the_page_that_changed_is_sent_again(place: Place) -> None:
    ids = [place.create(f"repo-{number}") for number in range(105)]
    first = look(place)
    place.archive(ids[103])
    again = look(place, first)
    assert [page.entries is None for page in again.pages] == [True, False]
    assert set(again.repos) == set(ids[100:])
    same_but(first.repos[ids[103]], again.repos[ids[103]], archived=True)
    assert again.repos[ids[102]] == first.repos[ids[102]]


def test_fault_37_validators_of_another_credential_are_not_used(place: Place) -> None:
    place.create("shop")
    first = look(place)
    place.another_token()
    again = look(place, first)
    assert again.credential != first.credential
    assert (again.cost.not_modified, again.cost.points) == (0, 1)
    assert dict(again.repos) == dict(first.repos)


def test_fault_13_a_rename_keeps_the_id(place: Place) -> None:
    repo_id = place.create("shop")
    before = look(place).repos[repo_id]
    place.rename(repo_id, "store")
    after = look(place).repos[repo_id]
    same_but(before, after, name="store")
    assert place.forge.repository(repo_id)[0] == Found(after)


def test_reads_by_id_show_what_the_listing_shows(place: Place) -> None:
    for number, visibility in enumerate(["private", "public", "internal"]):
        place.create(f"repo-{number}", visibility)
    for repo_id, repo in look(place).repos.items():
        sighting, cost = place.forge.repository(repo_id)
        assert sighting == Found(repo)
        assert (cost.requests, cost.points) == (1, 1)


def test_a_deleted_repository_is_neither_listed_nor_found(place: Place) -> None:
    kept, gone = place.create("kept"), place.create("gone")
    first = look(place)
    place.delete(gone)
    assert set(look(place, first).repos) == {kept}
    assert place.forge.repository(gone)[0] == NotFound()


def test_fault_16_a_repository_made_again_has_another_id(place: Place) -> None:
    gone = place.create("shop")
    place.delete(gone)
    again = place.create("shop")
    assert again > gone
    assert set(look(place).repos) == {again}
    assert place.forge.repository(gone)[0] == NotFound()


def test_fault_17_a_transferred_repository_shows_its_new_owner_by_id(place: Place) -> None:
    kept, moved = place.create("kept"), place.create("moved")
    owner_id = look(place).owner_id
    place.transfer(moved, "elsewhere")
    assert set(look(place).repos) == {kept}
    sighting, _ = place.forge.repository(moved)
    assert isinstance(sighting, Found)
    assert sighting.repo.owner_login == "elsewhere"
    assert sighting.repo.owner_id != owner_id


def test_fault_45_a_renamed_organisation_answers_by_id(place: Place) -> None:
    repo_id = place.create("shop")
    first = look(place)
    place.rename_organisation("newco")
    again = look(place, first)
    assert (again.owner_id, again.login) == (first.owner_id, "newco")
    same_but(first.repos[repo_id], again.repos[repo_id], owner_login="newco")
    assert place.forge.organisation("acme", first.owner_id).login == "newco"


def test_fault_39_an_organisation_that_does_not_exist(place: Place) -> None:
    for owner_id in (None, 987_654_321):
        with pytest.raises(NoSuchOrganisation):
            place.forge.listing("nowhere", owner_id, [], "")
        with pytest.raises(NoSuchOrganisation):
            place.forge.organisation("nowhere", owner_id)


def test_the_organisation_is_found_by_name_in_any_case(place: Place) -> None:
    place.create("shop")
    owner_id = look(place).owner_id
    assert place.forge.organisation("ACME", None).id == owner_id
    assert place.forge.listing("ACME", None, [], "").login == "acme"
