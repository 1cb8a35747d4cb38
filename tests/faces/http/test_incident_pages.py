"""Pages of incidents, activity, the lifecycle and the looks, as a browser without a script sends them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from steward.domain.people import Role
from steward.faces.web.explaining import facts
from steward.testing.world import ANYONE
from tests.faces.http.kit import Served, Visitor, served


@pytest.fixture
def site() -> Iterator[Served]:
    """An organisation of five, two of them lost and one archived on GitHub, told one day."""
    with served() as made:
        world = made.world
        repos = {name: world.forge.create("acme", name) for name in ("shop", "blog", "bot", "api", "docs")}
        world.beat()
        world.clock.advance(600)
        world.forge.delete(repos["shop"].id)
        world.forge.archive(repos["bot"].id)
        world.settle()
        world.forge.delete(repos["blog"].id)
        world.clock.advance(7200)
        world.settle()
        world.store.publish()
        yield made


def number(site: Served, cause: str) -> int:
    """The incident with that cause."""
    return int(next(i["id"] for i in site.world.incidents() if i["cause"] == cause))


def group(site: Served, incident: int) -> str:
    """The group that an incident is in."""
    return str(site.world.app.attention(ANYONE).incident(incident)["group"])


def sent(visitor: Visitor, path: str, **data: Any) -> Any:
    """Send a form, and follow to the page that it leads to."""
    answer = visitor.post(path, data)
    return visitor.get(answer.headers["location"]) if answer.status_code == 303 else answer


def test_the_inbox_shows_the_worst_first_and_one_beside_it(site: Served) -> None:
    page = site.visitor().get("/incidents").text
    assert "Needs you" in page
    assert re.search(r'aria-current="true"', page)
    assert page.count('class="inbox-row"') == 3
    assert "No incident has been resolved yet." in site.visitor().get("/incidents?state=resolved").text


def test_an_incident_shows_its_evidence_and_its_exits(site: Served) -> None:
    missing = number(site, "missing")
    page = site.visitor().get(f"/incidents/{missing}").text
    for text in (
        "Id on GitHub",
        "404 by id",
        "3 times in a row",
        "Our access",
        "First absent",
        "Relink…",
        "Archive…",
    ):
        assert text in page
    assert "Its cause stands" in page
    assert f"/incidents/{missing}/resolve" not in page
    accepted = site.visitor().get(f"/incidents/{number(site, 'archived_on_github')}").text
    assert "/resolve" in accepted


@pytest.mark.parametrize(
    ("vouched", "claimed"), [("", True), ("delivery:1234", False), ("person:anna", False)]
)
def test_our_access_is_claimed_only_where_a_404_had_to_be_believed(vouched: str, *, claimed: bool) -> None:
    now = "2026-11-25T12:00:00.000Z"
    told = {"evidence": {"absences": 3, "vouched": vouched}, "count": 1, "first_at": now, "last_at": now}
    names = [fact.name for fact in facts(told)]
    assert "404 by id" in names
    assert ("Our access" in names) is claimed


def test_people_work_through_an_incident(site: Served) -> None:
    missing, visitor = number(site, "missing"), site.visitor(Role.OPERATOR)
    path = f"/incidents/{missing}"
    assert "looks after it" in sent(visitor, f"{path}/acknowledge").text
    assert group(site, missing) == "acknowledged"
    assert "Unmute" in sent(visitor, f"{path}/mute", length="8h").text
    assert group(site, missing) == "muted"
    assert sent(visitor, f"{path}/unmute").status_code == 200
    assert group(site, missing) == "acknowledged"
    refused = sent(visitor, f"{path}/resolve")
    assert (refused.status_code, group(site, missing)) == (422, "acknowledged")
    wrong = sent(visitor, f"{path}/mute", length="99y")
    assert (wrong.status_code, group(site, missing)) == (422, "acknowledged")
    archived = number(site, "archived_on_github")
    assert "on purpose" in sent(visitor, f"/incidents/{archived}/resolve", reason="on purpose").text
    assert group(site, archived) == "resolved"


def test_who_may_only_look_is_offered_nothing_and_refused(site: Served) -> None:
    missing, viewer = number(site, "missing"), site.visitor(Role.VIEWER)
    page = viewer.get(f"/incidents/{missing}").text
    assert "/acknowledge" not in page
    assert "Relink…" not in page
    for act in ("acknowledge", "mute", "unmute", "resolve"):
        assert viewer.post(f"/incidents/{missing}/{act}").status_code == 403
    assert group(site, missing) == "needs"
    assert viewer.client.post(f"/incidents/{missing}/acknowledge").status_code == 403


def test_what_is_not_there_is_told(site: Served) -> None:
    visitor = site.visitor()
    assert visitor.get("/incidents/999").status_code == 404
    assert visitor.get("/incidents?state=lost").status_code == 422
    assert visitor.get("/incidents?state=needs&after=%26").status_code == 422
    assert visitor.get("/activity?topic=weather").status_code == 422
    assert visitor.get("/activity?project=nothing").status_code == 404
    assert visitor.get("/sync/held/nobody").status_code == 404


def test_a_long_group_has_pages(site: Served) -> None:
    missing = number(site, "missing")
    with site.world.store.writing() as tx:
        kept = tx.incident(missing)
        assert kept is not None
        for place in range(60):
            tx.save_incident(
                type(kept)(0, f"k{place}", "missing", "error", "x", kept.first_at, kept.first_at, 1)
            )
    visitor = site.visitor()
    page = visitor.get("/incidents").text
    assert "/incidents?state=needs" in page
    first = visitor.get("/incidents?state=needs").text
    following = re.search(r'href="(/incidents\?state=needs&amp;after=[^"]+)"', first)
    assert following is not None
    rest = visitor.get(following[1].replace("&amp;", "&")).text
    assert set(re.findall(r'id="row-(\d+)"', first)).isdisjoint(re.findall(r'id="row-(\d+)"', rest))


def test_the_lifecycle_counts_what_stands_where(site: Served) -> None:
    page = site.visitor(Role.VIEWER).get("/lifecycle").text
    assert 'aria-label="Missing: 2 projects"' in page
    assert 'id="time-discovered"' in page
    assert "heartbeat: repository gone" in page


def test_activity_is_narrowed_and_paged(site: Served) -> None:
    visitor = site.visitor(Role.VIEWER)
    page = visitor.get("/activity?project=shop&topic=github").text
    assert "acme/shop is gone" in page
    assert "acme/blog" not in page
    paged = visitor.get("/activity?limit=5").text
    older = re.search(r'href="(/activity\?before=\d+[^"]*)"', paged)
    assert older is not None
    assert "Newer" in visitor.get(older[1].replace("&amp;", "&")).text
    assert "Nothing of this kind" in visitor.get("/activity?actor=user:nobody").text


# Looks --------------------------------------------------------------------------------------------------


def lose_all(site: Served) -> None:
    """Let too many repositories vanish at once."""
    made = [site.world.forge.create("acme", name) for name in ("x1", "x2", "x3", "x4")]
    site.world.beat()
    site.world.clock.advance(7200)
    for repo in made:
        site.world.forge.delete(repo.id)
    site.world.settle()
    site.world.store.publish()


def test_a_mass_loss_is_released_or_rejected_as_it_was_shown(site: Served) -> None:
    lose_all(site)
    approver = site.visitor(Role.APPROVER)
    page = approver.get("/sync/held/acme").text
    count = site.world.app.holding(ANYONE).held("acme")["count"]
    assert f"Release {count} losses" in page
    assert (
        site.visitor(Role.OPERATOR)
        .post("/sync/held/acme", {"decision": "release", "count": count})
        .status_code
        == 403
    )
    other = approver.post("/sync/held/acme", {"decision": "release", "count": count + 1})
    assert other.status_code == 422
    assert "has changed" in other.text
    assert approver.post("/sync/held/acme", {"decision": "perhaps", "count": count}).status_code == 422
    assert site.world.app.holding(ANYONE).held("acme")["count"] == count
    assert approver.post("/sync/held/acme", {"decision": "reject", "count": count}).status_code == 303
    assert site.world.app.holding(ANYONE).held("acme")["count"] == 0
    assert "Nothing is held" in approver.get("/sync/held/acme").text


def test_the_page_of_looks_tells_how_they_go(site: Served) -> None:
    page = site.visitor(Role.VIEWER).get("/sync").text
    assert "5 repositories, on watch" in page
    assert "/sync/look" not in page.partition("<main")[2]
    assert "/sync/look" in site.visitor(Role.OPERATOR).get("/sync").text.partition("<main")[2]


def test_a_plan_is_asked_for_and_writes_nothing(site: Served) -> None:
    site.world.forge.create("acme", "fresh")
    operator = site.visitor(Role.OPERATOR)
    assert "Ask GitHub" in operator.get("/sync/plan").text
    before = site.world.events()
    page = operator.post("/sync/plan").text
    assert "acme/fresh" in page
    assert site.world.events() == before
    assert site.visitor(Role.VIEWER).get("/sync/plan").status_code == 403


def test_a_look_is_asked_for_and_leads_back(site: Served) -> None:
    operator = site.visitor(Role.OPERATOR)
    here = {"referer": "http://127.0.0.1/activity?topic=github"}
    answer = operator.client.post("/sync/look", data={"csrf": operator.csrf}, headers=here)
    assert (answer.status_code, answer.headers["location"]) == (303, "/activity?topic=github")
    with site.world.store.reading() as view:
        assert [one.asked_by for one in view.look_requests()] == ["user:operator"]
    elsewhere = {"referer": "http://evil.test//x"}
    answer = operator.client.post("/sync/look", data={"csrf": operator.csrf}, headers=elsewhere)
    assert answer.headers["location"] == "/sync"


@pytest.mark.parametrize("path", ["/incidents", "/lifecycle", "/activity", "/sync", "/sync/plan"])
def test_every_page_is_said_in_russian(site: Served, path: str) -> None:
    page = site.visitor().get(path, headers={"accept-language": "ru"})
    assert page.status_code == 200
    assert '<html lang="ru"' in page.text
