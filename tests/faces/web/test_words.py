"""What pages say of one project: its road, what may be asked, the line that matters, times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from steward.domain.lifecycle import TABLE
from steward.domain.status import Status, Trigger
from steward.faces.web import asking, cards, rail, timeline, times
from steward.faces.web.actions import own_path
from steward.faces.web.render import initials
from steward.faces.words import speaking

NOW = datetime(2026, 3, 17, 12, 0, tzinfo=UTC)


def ago(seconds: float) -> str:
    return (NOW - timedelta(seconds=seconds)).isoformat()


def project(status: str, interrupted: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    return {"slug": "shop", "status": status, "interrupted": list(interrupted), "actions": [], **more}


def moves(*steps: tuple[str, float]) -> list[dict[str, Any]]:
    return [{"at": ago(seconds), "data": {"to": status}} for status, seconds in steps]


def states(steps: list[rail.Step]) -> dict[str, str]:
    return {step.status: step.state for step in steps}


def test_the_road_of_an_order_shows_every_status_and_how_long_each_took() -> None:
    history = moves(("draft", 100_000), ("estimated", 10_000), ("provisioning", 9_000), ("initialized", 60))
    steps = rail.road(project("initialized"), history, NOW)
    assert [step.status for step in steps] == list(rail.ORDERED)
    assert [(step.state, step.lasted_s) for step in steps[:5]] == [
        ("done", 90_000),
        ("done", 1_000),
        ("done", 8_940),
        ("current", 60),
        ("ahead", None),
    ]


def test_the_road_of_an_import_skips_what_it_never_was() -> None:
    steps = rail.road(project("active"), moves(("discovered", 500), ("active", 100)), NOW)
    assert [step.status for step in steps] == list(rail.FOUND)
    assert states(steps)["discovered"] == "done"
    assert states(steps)["designing"] == "skipped"
    assert states(steps)["active"] == "current"


def test_an_interrupted_project_stands_where_it_was_interrupted() -> None:
    history = moves(("draft", 900), ("implementing", 500), ("error", 100), ("missing", 50))
    steps = rail.road(project("missing", ("implementing", "error")), history, NOW)
    assert states(steps)["implementing"] == "interrupted"
    assert states(steps)["implemented"] == "ahead"


@pytest.mark.parametrize("status", Status)
def test_every_status_has_a_road_and_words_for_what_comes_next(status: Status) -> None:
    interrupted = ("active",) if status in (Status.ERROR, Status.MISSING, Status.ARCHIVED) else ()
    steps = rail.road(project(status, interrupted), [], NOW)
    assert [step.state in ("current", "interrupted") for step in steps].count(True) == 1
    assert asking.next_words(status)
    with speaking("ru"):
        assert asking.next_words(status).isascii() is False


def test_what_people_may_ask_for_has_a_name_and_says_what_it_does() -> None:
    asked = {row.trigger for row in TABLE if any(who in ("person", "approver") for who in row.askers)}
    for trigger in asked - {Trigger.ORDERED}:
        assert trigger in asking.LABELS
        assert asking.effect(trigger) or trigger in (Trigger.TAKEN_IN, Trigger.RETURNED)


def test_the_word_that_a_project_waits_for_comes_first_and_a_refusal_says_why() -> None:
    actions = [
        {"trigger": "archived", "to": "archived", "refused": None, "reason": None},
        {
            "trigger": "approved",
            "to": "estimated",
            "refused": "an update must be open",
            "reason": "guard",
        },
        {"trigger": "cancelled", "to": "archived", "refused": "only for: person", "reason": "role"},
    ]
    first, *others = asking.asks(project("draft", actions=actions))
    assert (first.name, first.gate, first.refused) == ("Approve", True, "an update must be open")
    assert first.href == "/projects/shop/ask/approved"
    assert [(other.name, other.grave, other.role) for other in others] == [
        ("Archive", True, False),
        ("Cancel", True, True),
    ]


def test_what_has_a_form_of_its_own_brings_its_proof() -> None:
    back = {"trigger": "returned", "to": "what it interrupted", "refused": "not seen", "reason": "guard"}
    (ask,) = asking.asks(project("missing", ("active",), actions=[back]))
    assert (ask.href, ask.refused, ask.gate) == ("/projects/shop/relink", "", True)


def card(**more: Any) -> dict[str, Any]:
    repository = {"state": "seen", "held": False, "full_name": "acme/shop"}
    facts: dict[str, Any] = {
        "repository": repository,
        "confirming": None,
        "incident": None,
        "holds": [],
        "gate": None,
    }
    return {**project("active"), "title": "A shop", **facts, **more}


FROZEN = {"kind": "organisation_frozen", "by": "guard", "reason": "", "since": ago(1)}
INCIDENT = {
    "title": "shop: its repository acme/shop is gone from GitHub",
    "cause": "missing",
    "project": "shop",
    "organisation": "acme",
}


@pytest.mark.parametrize(
    ("more", "note"),
    [
        ({}, "A shop"),
        ({"title": ""}, "acme/shop"),
        ({"title": "", "repository": None}, "no repository yet"),
        (
            {"gate": {"trigger": "approved", "askers": ["approver"], "reason": "role"}},
            "waits for: approver",
        ),
        ({"gate": {"trigger": "approved", "askers": ["approver"], "reason": None}}, "your turn: approve"),
        ({"holds": [FROZEN]}, "paused: the organisation is frozen"),
        ({"holds": [FROZEN], "incident": INCIDENT}, "its repository acme/shop is gone from GitHub"),
        (
            {"incident": INCIDENT, "confirming": {"absences": 1, "needed": 3}},
            "absent, being confirmed (1 of 3)",
        ),
        (
            {"repository": {"state": "absent", "held": True}, "confirming": {"absences": 3, "needed": 3}},
            "its loss is held until a person decides",
        ),
        ({"repository": {"state": "inaccessible", "held": False}}, "Inaccessible"),
    ],
)
def test_a_card_says_what_matters_most(more: dict[str, Any], note: str) -> None:
    assert cards.note(card(**more)) == note


def test_a_paused_project_does_not_look_busy() -> None:
    assert cards.is_paused({**card(holds=[FROZEN]), "status": "implementing"})
    assert not cards.is_paused({**card(holds=[FROZEN]), "status": "active"})
    assert not cards.is_paused({**card(), "status": "implementing"})


def test_an_incident_is_said_in_russian_or_named_by_its_cause() -> None:
    with speaking("ru"):
        assert cards.incident_title(INCIDENT) == "репозитория acme/shop больше нет на GitHub"
        assert cards.incident_title({**INCIDENT, "title": "shop: something new"}) == "Пропал"


@pytest.mark.parametrize(
    ("seconds", "short", "fine"),
    [
        (-5, "0 s", "0 s"),
        (59, "59 s", "59 s"),
        (3599, "59 min", "59 min"),
        (3 * 3600 + 120, "3 h", "3 h 2 min"),
        (7200, "2 h", "2 h"),
        (28 * 3600, "28 h", "1 d 4 h"),
        (48 * 3600, "2 d", "2 d"),
    ],
)
def test_lengths_of_time(seconds: float, short: str, fine: str) -> None:
    assert (times.lasted(seconds), times.lasted_finely(seconds)) == (short, fine)


def test_days_are_the_readers_own() -> None:
    moscow = NOW.astimezone(times.zone("Europe/Moscow"))
    events = [{"at": ago(seconds)} for seconds in (60, 14 * 3600, 16 * 3600, 40 * 3600, 400 * 86400)]
    groups = timeline.by_day(events, moscow)
    assert [(title, len(group)) for title, group in groups] == [
        ("Today", 2),
        ("Yesterday", 1),
        ("15 Mar", 1),
        ("10 Feb 2025", 1),
    ]
    assert times.zone("Nowhere/At-All").utcoffset(NOW) == timedelta(0)


@pytest.mark.parametrize(
    ("name", "letters"), [("Anna Karlova", "AK"), ("anna", "AN"), ('O"Neil, <b>', "ON"), ("—", "?")]
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ("/projects?view=table", "/projects?view=table"),
        ("//evil.example/x", "/"),
        ("/\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("projects", "/"),
        ("/a\nSet-Cookie: x", "/"),
        ("", "/"),
    ],
)
def test_one_is_led_back_to_this_server_alone(wanted: str, path: str) -> None:
    assert own_path(wanted) == path
