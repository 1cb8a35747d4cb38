"""The client over a real connection to localhub with its fault switches, as a token and as an App."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from localhub.clock import SystemClock
from localhub.testing import Hub
from steward.adapters.github import App, GitHubRead, Token, connect
from steward.domain.instant import Instant
from steward.domain.repository import Access, Blocked, Found, NotFound
from steward.ports.errors import Incomplete, NoSuchOrganisation, RateLimited, Unauthorised, Unreachable
from steward.testing.clock import FakeClock
from tests.contract.forge.test_app import key, pem

LISTINGS = r"^/(orgs|organizations)/[^/]+/repos$"


class TrueClock(FakeClock):
    """The present moment, as localhub has it: an App's claims are checked against it."""

    def now(self) -> Instant:
        return Instant(SystemClock().now(), "boot", 0.0)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with Hub(orgs=["acme"], repos=230) as made:
        yield made


@pytest.fixture
def forge(hub: Hub) -> Iterator[GitHubRead]:
    with connect(hub.url, credential=Token(hub.token), clock=FakeClock()) as made:
        made.organisation("acme", None)
        yield made


def test_230_repositories_are_three_requests(hub: Hub, forge: GitHubRead) -> None:
    hub.clear_requests()
    listing = forge.listing("acme", None, [], "")
    assert list(listing.repos) == hub.ids()
    assert len(hub.requests()) == listing.cost.requests == 3
    assert listing.server_at is not None
    assert (
        abs((listing.server_at - datetime.now(UTC)).total_seconds()) < 5
    )  # the server's clock is the machine's
    budget = forge.budget()
    assert budget.limit is not None
    assert budget.remaining == budget.limit - 4


def test_fault_35_a_limit_ends_the_look_until_its_time(hub: Hub, forge: GitHubRead) -> None:
    hub.fault("secondary_limit", page=2, path=LISTINGS)
    with pytest.raises(RateLimited) as caught:
        forge.listing("acme", None, [], "")
    assert caught.value.retry_at is not None
    hub.clear_requests()
    with pytest.raises(RateLimited):
        forge.repository(hub.ids()[0], urgent=True)
    assert hub.requests() == []


FAULTS = [
    ("fault_01", "status", {"code": 403, "page": 3}, "page 3 answered 403"),
    ("fault_02", "status", {"code": 404, "page": 2}, "page 2 answered 404"),
    ("fault_04", "empty_page", {"page": 2}, "page 2 of 3 holds 0 entries"),
    ("fault_06", "html", {"page": 2}, "page 2 is not JSON but text/html"),
    ("fault_07", "error_object", {"page": 2}, "page 2 is not a list but an object saying 'Server Error'"),
    ("fault_08", "null_entries", {"page": 2}, "page 2 cannot be used whole: an entry is null"),
    ("fault_09", "short_page", {"page": 2, "keep": 7}, "page 2 of 3 holds 7 entries"),
    ("fault_10", "endless_paging", {}, "page 3 of 4 holds 30 entries"),
    ("drop", "drop", {"page": 2, "after_bytes": 50}, "broke"),
]


@pytest.mark.parametrize(("kind", "facts", "reason"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_a_listing_that_is_not_whole_is_incomplete(
    hub: Hub, forge: GitHubRead, kind: str, facts: dict[str, object], reason: str
) -> None:
    where = {} if kind in {"empty_page", "error_object", "null_entries", "short_page"} else {"path": LISTINGS}
    hub.fault(kind, **where, **facts)
    with pytest.raises(Incomplete) as caught:
        forge.listing("acme", None, [], "")
    assert reason in caught.value.reason
    truth = set(hub.ids())
    assert set(caught.value.seen) <= truth
    hub.clear_faults()
    assert set(forge.listing("acme", None, [], "").repos) == truth


def test_fault_03_a_revoked_token_is_refused(hub: Hub, forge: GitHubRead) -> None:
    first = forge.listing("acme", None, [], "")
    hub.revoke_token(hub.token)
    with pytest.raises(Unauthorised):
        forge.listing("acme", first.owner_id, [], "")
    with pytest.raises(Unauthorised):
        forge.repository(hub.ids()[0])


def test_fault_05_a_lost_link_loses_nothing(hub: Hub, forge: GitHubRead) -> None:
    hub.fault("lost_link")
    assert list(forge.listing("acme", None, [], "").repos) == hub.ids()


def test_fault_11_a_deletion_between_pages_hides_at_most_what_slipped(hub: Hub, forge: GitHubRead) -> None:
    doomed = hub.ids()[5]
    hub.fault("after_page", page=1, action="delete", repo=doomed)
    listed = set(forge.listing("acme", None, [], "").repos)
    missing = set(hub.ids()) - listed
    assert len(missing) <= 1
    assert all(isinstance(forge.repository(repo_id)[0], Found) for repo_id in missing)


def test_fault_22_and_fault_23_are_told_apart_by_id(hub: Hub, forge: GitHubRead) -> None:
    blocked, flaky, *_ = hub.ids()
    hub.fault("blocked", repo=blocked)
    hub.fault("not_found", repo=flaky, times=1)
    assert isinstance(forge.repository(blocked)[0], Blocked)
    assert isinstance(forge.repository(flaky)[0], NotFound)
    assert isinstance(forge.repository(flaky)[0], Found)


def test_fault_36_a_server_without_limits(hub: Hub, forge: GitHubRead) -> None:
    hub.fault("no_rate_headers")
    with connect(f"{hub.url}/api/v3", credential=Token(hub.token), clock=FakeClock()) as enterprise:
        assert len(enterprise.listing("acme", None, [], "").repos) == 230
        assert enterprise.budget().limit is None


def test_fault_39_an_uninstalled_app_leaves_no_organisation(hub: Hub, forge: GitHubRead) -> None:
    owner_id = forge.organisation("acme", None).id
    hub.fault("app_uninstalled", org="acme")
    with pytest.raises(NoSuchOrganisation):
        forge.listing("acme", owner_id, [], "")


def test_a_connection_that_drops_by_id_is_unreachable(hub: Hub, forge: GitHubRead) -> None:
    hub.fault("drop", path="^/repositories/")
    with pytest.raises(Unreachable):
        forge.repository(hub.ids()[0])


def test_fault_19_an_app_with_a_selection_says_so(tmp_path: Path) -> None:
    public = (
        key()
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    key_file = tmp_path / "app.pem"
    key_file.write_bytes(public)
    with (
        Hub(orgs=["acme"], repos=5, app_id=11, app_key=key_file) as hub,
        connect(hub.url, credential=App("11", pem()), clock=TrueClock()) as forge,
    ):
        whole = forge.listing("acme", None, [], "")
        assert list(whole.repos) == hub.ids()
        assert forge.access("acme") is Access.ALL
        hub.select_repositories(hub.ids()[:2])
        assert forge.access("acme") is Access.SELECTED
        marks = [page.mark for page in whole.pages]
        listed = forge.listing("acme", whole.owner_id, marks, whole.credential)
        assert set(hub.ids()[:2]) <= set(listed.repos)
