"""What the fake adds to the contract: faults by script, lag, and credentials that see less."""

from __future__ import annotations

import pytest

from steward.domain.repository import Access, Blocked, Found, Listing, NotFound, Unclear
from steward.ports.errors import Incomplete, NoSuchOrganisation, Unreachable
from steward.testing.clock import FakeClock
from steward.testing.forge import Broken, FakeForge, Stale


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def forge(clock: FakeClock) -> FakeForge:
    made = FakeForge(clock, page_size=2)
    made.add_organisation("acme")
    for name in ("a", "b", "c"):
        made.create("acme", name, visibility="public" if name == "a" else "private")
    return made


def ids(forge: FakeForge) -> list[int]:
    return list(look(forge).repos)


def look(forge: FakeForge) -> Listing:
    return forge.listing("acme", None, [], "")


def test_scripted_listings_are_used_up_in_order(forge: FakeForge) -> None:
    first, second, third = ids(forge)
    forge.script_listings("acme", Unreachable("down"), Stale(frozenset({second})), None, Broken(1))
    with pytest.raises(Unreachable):
        look(forge)
    assert ids(forge) == [first, third]
    assert ids(forge) == [first, second, third]
    with pytest.raises(Incomplete) as caught:
        look(forge)
    assert set(caught.value.seen) == {first, second}
    assert caught.value.cost.requests == 2
    assert ids(forge) == [first, second, third]


def test_scripted_reads_are_used_up_in_order(forge: FakeForge) -> None:
    one = ids(forge)[0]
    forge.script_reads(one, NotFound(), Unreachable("down"), Blocked("dmca"), None, Unclear("odd"))
    assert forge.repository(one)[0] == NotFound()
    with pytest.raises(Unreachable):
        forge.repository(one)
    assert forge.repository(one)[0] == Blocked("dmca")
    assert isinstance(forge.repository(one)[0], Found)
    forge.clear_faults()
    assert isinstance(forge.repository(one)[0], Found)


def test_a_credential_without_the_private_scope_sees_what_is_public(forge: FakeForge) -> None:
    public, private, _ = ids(forge)
    assert forge.organisation("acme", None).private_repos == 2
    forge.sees_private = False
    assert ids(forge) == [public]
    assert forge.repository(private)[0] == NotFound()
    assert forge.readable(public)
    assert not forge.readable(private)
    assert forge.organisation("acme", None).private_repos is None
    assert forge.organisation("acme", None).public_repos == 1


def test_a_selection_hides_the_rest_and_is_told(forge: FakeForge) -> None:
    public, private, other = ids(forge)
    forge.select("acme", [other])
    assert ids(forge) == [other]
    assert forge.access("acme") is Access.SELECTED
    assert isinstance(forge.repository(public)[0], Found)
    assert forge.repository(private)[0] == NotFound()
    forge.select("acme", None)
    assert forge.access("acme") is Access.ALL
    assert len(ids(forge)) == 3


def test_an_app_that_is_not_reachable_there_any_more(forge: FakeForge) -> None:
    private = ids(forge)[1]
    forge.set_reachable("acme", reachable=False)
    with pytest.raises(NoSuchOrganisation):
        look(forge)
    assert forge.repository(private)[0] == NotFound()


def test_lag_after_creation_ends(forge: FakeForge, clock: FakeClock) -> None:
    clock.advance(60)
    forge.listing_lag_s, forge.reading_lag_s = 30, 10
    young = forge.create("acme", "young").id
    assert young not in ids(forge)
    assert forge.repository(young)[0] == NotFound()
    clock.advance(10)
    assert isinstance(forge.repository(young)[0], Found)
    assert young not in ids(forge)
    clock.advance(20)
    assert young in ids(forge)


def test_names_are_taken_in_any_case_and_come_free(forge: FakeForge) -> None:
    first, second, _ = ids(forge)
    with pytest.raises(ValueError, match="taken"):
        forge.create("acme", "A")
    with pytest.raises(ValueError, match="taken"):
        forge.rename(second, "A")
    forge.rename(first, "A")
    forge.delete(first)
    again = forge.create("acme", "a")
    assert again.id > second
    with pytest.raises(ValueError, match="taken"):
        forge.restore(first)
    forge.delete(again.id)
    assert forge.restore(first).id == first
    assert ids(forge)[0] == first


def test_equal_facts_have_equal_digests(forge: FakeForge, clock: FakeClock) -> None:
    repo = look(forge).repos[ids(forge)[0]]
    assert forge.edit(repo.id, archived=True).digest != repo.digest
    assert forge.edit(repo.id, archived=False) == repo
    clock.advance(1)
    assert forge.touch(repo.id).digest != repo.digest
    assert 0 <= repo.digest < 2**63


def test_two_fakes_told_the_same_are_the_same() -> None:
    def make() -> Listing:
        made = FakeForge(FakeClock(), page_size=2)
        made.add_organisation("acme")
        for number in range(5):
            made.create("acme", f"repo-{number}")
        return look(made)

    assert make() == make()
