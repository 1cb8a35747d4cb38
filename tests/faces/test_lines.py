"""Events as lines for people."""

from __future__ import annotations

import re
from typing import Any

import pytest

from steward.domain.guards import Guard
from steward.domain.journal import Kind, Topic
from steward.faces.lines import WORDS, guard_words, line, moment
from steward.faces.words import speaking


def event(kind: str, why: str = "", actor: str = "heartbeat", **data: Any) -> dict[str, Any]:
    return {
        "position": 1,
        "at": "2026-11-24T12:00:00.000Z",
        "kind": kind,
        "actor": actor,
        "project": "shop",
        "organisation": "acme",
        "why": why,
        "data": data,
    }


def moved(old: str | None, new: str, why: str = "") -> dict[str, Any]:
    return event("project.moved", why) | {"data": {"from": old, "to": new}}


def test_every_kind_of_event_has_words() -> None:
    assert set(WORDS) == set(Kind)


@pytest.mark.parametrize(
    ("given", "what", "tone"),
    [
        (moved("active", "missing"), "Active → Missing", "bad"),
        (moved(None, "draft"), "Draft", ""),
        (event("repository.renamed", full_name="acme/a", now="acme/b"), "acme/a is now acme/b", ""),
        (
            event("repository.absent", full_name="acme/a", absences=1, needed=3),
            "acme/a is absent, being confirmed (1 of 3)",
            "care",
        ),
        (
            event("repository.lost", full_name="acme/a", cause="transferred"),
            "acme/a is gone (Transferred)",
            "bad",
        ),
        (
            event("repository.changed", changes={"archived": [False, True], "topics": [[], ["x", "y"]]}),
            "changed: archived: no → yes, topics: - → x, y",
            "",
        ),
        (
            event(
                "incident.opened", incident_id=7, cause="missing", severity="warning", title="shop is gone"
            ),
            "incident 7, warning: shop is gone",
            "bad",
        ),
        (
            event("incident.resolved", incident_id=7, cause="archived_on_github"),
            "resolved: incident 7: Archived on GitHub",
            "good",
        ),
        (event("organisation.state", **{"from": "new", "to": "ok"}), "Ok", "good"),
        (event("loss.held", count=1), "1 loss is held until a person decides", "bad"),
        (event("operation.queued", work="design"), "Design: queued", ""),
        (event("operation.started", work="deploy", attempt=1), "Deploy: started", ""),
        (event("operation.started", work="deploy", attempt=2), "Deploy: started, attempt 2", ""),
        (event("operation.waiting", work="verify"), "Verify: waiting", "care"),
        (event("operation.failed", work="deploy"), "Deploy: failed", "bad"),
        (
            event("operation.failed", work="deploy", step="prove_life"),
            "Deploy: failed at the step «prove life»",
            "bad",
        ),
        (event("estimate.made", hours=8, usd=2.5), "estimate: 8 h of work, 2.5 USD", ""),
        (event("release.live", number=3, commit="c0ffee0" * 5), "release 3 is live (c0ffee0)", "good"),
        (event("update.requested", number=4, text="a cart"), "update 4: a cart", ""),
        (event("project.health", to="down"), "health: down", "bad"),
        (event("project.health", to="healthy"), "health: healthy", "good"),
        (
            event(
                "hold.placed",
                reason="foreign",
                evidence={"who": ["boris"], "branch": "main", "commit_count": 1},
            ),
            "held: boris pushed 1 commit to main",
            "care",
        ),
        (event("hold.lifted", reason="foreign", exit="hand_over"), "no longer held: hand over", "good"),
        (
            event("change.foreign", evidence={"who": ["a", "b"], "branch": "main", "kind": "forced"}),
            "a and b forced main to another commit",
            "care",
        ),
        (event("patch.kept", patch=3), "the unpushed work was kept as the patch 3", ""),
        (
            event("setting.drifted", setting="visibility", wanted="private", shown="public"),
            "changed on GitHub: visibility: private → public",
            "care",
        ),
        (event("setting.mended", setting="rule", wanted=True), "set right on GitHub: rule: yes", "good"),
        (event("something.else", x=1), "something.else", ""),
    ],
)
def test_what_a_line_says(given: dict[str, Any], what: str, tone: str) -> None:
    told = line(given)
    assert (told.what, told.tone, told.about) == (what, tone, "shop")
    assert told.time == moment(given["at"])


def test_a_line_says_why_and_which_person() -> None:
    assert line(event("project.moved", why="over", actor="local:ann", to="archived")).why == "over; local:ann"
    assert line(event("project.moved", why="new on GitHub", to="discovered")).why == "new on GitHub"


def test_a_first_look_is_called_so_once() -> None:
    told = line(event("organisation.imported", "first look", repositories=2))
    assert (told.what, told.why) == ("first look: 2 repositories came in, on watch", "")


def test_what_happens_in_building_is_a_topic_of_its_own() -> None:
    groups = {kind.partition(".")[0] for kind in Topic.BUILDING.kinds}
    assert groups == {"operation", "spec", "estimate", "release", "update", "patch"}
    assert Kind.PROJECT_HEALTH in Topic.STATUS.kinds


def test_a_line_in_russian() -> None:
    with speaking("ru"):
        told = line(moved(None, "discovered", "new on GitHub"))
        opened = line(event("incident.opened", incident_id=7, cause="missing", severity="error", title="x"))
    assert (told.what, told.why) == ("Обнаружен", "новый на GitHub")
    assert opened.what == "инцидент 7, ошибка: Пропал"


def test_the_words_of_every_guard_are_found_in_a_refusal() -> None:
    refused = "; ".join(guard.words for guard in Guard)
    assert guard_words(refused) == refused
    with speaking("ru"):
        told = guard_words(refused)
    assert re.search("[a-z]{4}", told.replace("IMPLEMENTATION.md", "").replace("README.md", "")) is None


def test_an_event_of_an_organisation_is_about_it() -> None:
    given = event("organisation.frozen") | {"project": None}
    assert line(given).about == "acme"
