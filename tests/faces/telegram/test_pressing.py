"""Buttons: rights are asked anew at each press, a stale one explains, twice is once, and every press is answered."""

from __future__ import annotations

import pytest

from steward.domain.chats import Press
from steward.domain.status import Status
from tests.faces.telegram.bench import Bench
from tests.telegram.people import Person


@pytest.fixture
def anna(desk: Bench) -> Person:
    return desk.person("Anna")


def estimated(desk: Bench) -> str:
    """A project with an estimate that waits for a word."""
    desk.world.order_past_deaths("shop", confirm=False)
    return desk.world.project().id


def live(desk: Bench) -> str:
    """A project that is live."""
    desk.world.live("shop")
    return desk.world.project().id


def card(desk: Bench, person: Person, slug: str = "shop") -> int:
    """The status card of a project, in somebody's chat."""
    person.writes(f"/project {slug}")
    desk.settle()
    return desk.last(person).message_id


def button(room: str, verb: str, ref: object, version: int = 0, arg: str = "") -> str:
    """What a button carries."""
    return Press(room, verb, str(ref), version, arg).pack()


def presses(desk: Bench, person: Person, data: str) -> str:
    """Press a button that stood in a chat at some time; what it was answered with."""
    person.presses(data, stale=True)
    desk.settle()
    assert len(person.notices()[-1].text.encode("utf-16-le")) <= 400
    return person.notices()[-1].text


def test_a_confirmation_is_asked_for_twice(desk: Bench, anna: Person) -> None:
    project, version = estimated(desk), desk.world.project().version
    presses(desk, anna, button("p", "confirm", project, version))
    assert desk.world.project().status is Status.ESTIMATED
    assert presses(desk, anna, button("p", "sure", project, version)).startswith("Confirmed")
    assert desk.world.project().status is Status.PROVISIONING


def test_a_stale_button_explains_and_the_card_is_drawn_again(desk: Bench, anna: Person) -> None:
    project, version = estimated(desk), desk.world.project().version
    card(desk, anna)
    desk.world.building().amend("shop", "with plates")
    assert "out of date" in presses(desk, anna, button("p", "confirm", project, version))
    assert "out of date" in presses(desk, anna, button("p", "sure", project, version))
    assert anna.notices()[-1].alert
    assert desk.world.project().status is Status.DRAFT


def test_two_press_at_once_and_one_acts(desk: Bench, anna: Person) -> None:
    bob = desk.person("Bob", "approver")
    project, version = estimated(desk), desk.world.project().version
    for person in (anna, bob):
        person.presses(button("p", "sure", project, version), stale=True)
    desk.settle()
    assert anna.notices()[-1].text.startswith("Confirmed")
    assert "out of date" in bob.notices()[-1].text
    assert len(desk.world.operations()) == 2


def test_the_rights_of_the_presser_count(desk: Bench) -> None:
    bob = desk.person("Bob", "operator")
    project, version = estimated(desk), desk.world.project().version
    presses(desk, bob, button("p", "sure", project, version))
    presses(desk, bob, button("p", "confirm", project, version))
    presses(desk, bob, button("p", "back", project, version))
    assert all(notice.alert for notice in bob.notices())
    assert desk.world.project().status is Status.ESTIMATED


def test_in_a_group_it_is_the_presser_who_acts(desk: Bench, anna: Person) -> None:
    eva = desk.person("Eva", "viewer")
    group = desk.server.group("Team", anna, eva)
    group.adds_bot(anna)
    anna.writes("/follow", in_group=group)
    project, version = estimated(desk), desk.world.project().version
    desk.settle()
    data = button("p", "sure", project, version)
    eva.presses(data, in_group=group, stale=True)
    desk.settle()
    assert desk.world.project().status is Status.ESTIMATED
    assert eva.notices()[-1].alert
    anna.presses(data, in_group=group, stale=True)
    desk.settle()
    assert desk.world.project().status is Status.PROVISIONING
    assert any(event.actor == "user:anna" for event in desk.world.events())


def test_change_asks_for_words_and_the_next_message_has_it_estimated_anew(desk: Bench, anna: Person) -> None:
    project, version = estimated(desk), desk.world.project().version
    presses(desk, anna, button("p", "change", project, version))
    assert any("different" in message.text for message in anna.sees())
    anna.writes("It must sell plates, too")
    desk.settle()
    with desk.app.store.reading() as view:
        spec = view.spec(project)
    assert spec is not None
    assert spec.version == 2
    assert spec.brief.endswith("It must sell plates, too")
    desk.world.drive()
    assert desk.world.project().status is Status.ESTIMATED
    assert desk.talks("anna") == []


def test_what_was_asked_can_be_called_off(desk: Bench, anna: Person) -> None:
    project, version = estimated(desk), desk.world.project().version
    presses(desk, anna, button("p", "change", project, version))
    anna.writes("/cancel")
    anna.writes("A shop for plates")
    desk.settle()
    assert desk.world.project().version == version
    assert len(desk.talks("anna")) == 1


def test_reject_puts_it_away(desk: Bench, anna: Person) -> None:
    project, version = estimated(desk), desk.world.project().version
    assert "reopened" in presses(desk, anna, button("p", "reject", project, version))
    assert desk.world.project().status is Status.ARCHIVED


def test_pause_asks_first_and_resume_goes_on(desk: Bench, anna: Person) -> None:
    project, version = live(desk), desk.world.project().version
    presses(desk, anna, button("p", "pause", project, version))
    with desk.app.store.reading() as view:
        assert view.holds(project) == []
    presses(desk, anna, button("p", "pause", project, version, "yes"))
    with desk.app.store.reading() as view:
        assert len(view.holds(project)) == 1
    version = desk.world.project().version
    assert presses(desk, anna, button("p", "resume", project, version)) == "It goes on."
    with desk.app.store.reading() as view:
        assert view.holds(project) == []


def test_update_asks_what_is_to_change(desk: Bench, anna: Person) -> None:
    project = live(desk)
    presses(desk, anna, button("p", "update", project, desk.world.project().version))
    anna.writes("Sell plates, too")
    desk.settle()
    (talk,) = desk.talks("anna")
    assert (talk["purpose"], talk["project"], talk["said"][0]["text"]) == (
        "update",
        project,
        "Sell plates, too",
    )


def test_what_it_is_doing_now_is_shown(desk: Bench, anna: Person) -> None:
    project = live(desk)
    presses(desk, anna, button("p", "now", project, 1))
    assert "Nothing runs now" in desk.last(anna).text


@pytest.mark.parametrize(
    "data", ["", "x", "p:approve", "p:fly:1:1", "p:approve:nothing:1", "i:ack:zzz:1", "t:order:99:1", "t:pick:1:1:x",
             "c:lang:1:0:xx", "c:page:1:0:x", "i:mute:1:1:x", "p:approve:1:1:cancelled", "🙂:🙂:🙂:1"]
)  # fmt: skip
def test_what_no_button_of_ours_carries_is_answered_politely(desk: Bench, anna: Person, data: str) -> None:
    anna.writes("/help")
    desk.settle()
    assert presses(desk, anna, data or "?") != ""
    assert anna.notices()[-1].alert


def test_the_talk_of_somebody_else_is_theirs(desk: Bench, anna: Person) -> None:
    bob = desk.person("Bob")
    anna.writes("A shop for cups")
    bob.writes("/help")
    desk.settle()
    (talk,) = desk.talks("anna")
    assert "Only the person" in presses(desk, bob, button("t", "drop", talk["id"], talk["version"]))
    assert desk.talks("anna")[0]["state"] == "open"


def test_a_brief_is_ordered_by_its_button(desk: Bench, anna: Person) -> None:
    anna.writes("A shop for cups. People browse cups and order them by mail.")
    desk.settle()
    for text in ("Customers", "Cups are listed", "No returns", "-"):
        (talk,) = desk.talks("anna")
        if not talk["lacks"] and not talk["asked"]:
            break
        anna.writes(text)
        desk.settle()
    (talk,) = desk.talks("anna")
    data = button("t", "order", talk["id"], talk["version"])
    assert "Ordered" in presses(desk, anna, data)
    (talk,) = desk.talks("anna")
    assert talk["state"] == "done"
    assert "Ordered" in presses(desk, anna, data)
    assert len(desk.world.projects()) == 1


def test_the_language_of_the_chat_and_of_its_user_changes(desk: Bench, anna: Person) -> None:
    anna.writes("/lang")
    desk.settle()
    anna.presses("Русский")
    desk.settle()
    user = desk.by("anna").user
    assert user is not None
    assert user.lang == "ru"
    anna.writes("/help")
    desk.settle()
    assert "проект" in desk.last(anna).text


def test_an_incident_is_acknowledged_and_muted_by_its_buttons(desk: Bench, anna: Person) -> None:
    desk.app.callers.bot_works("poller")
    desk.settle()
    (incident,) = desk.world.incidents("open")
    anna.writes("/incidents")
    desk.settle()
    assert presses(desk, anna, button("i", "ack", incident["id"], 1)).startswith("Acknowledged")
    assert presses(desk, anna, button("i", "ack", incident["id"], 1)).startswith("Somebody")
    assert presses(desk, anna, button("i", "mute", incident["id"], 1, "3600")) == "Muted."
    assert desk.world.incidents("acknowledged")[0]["muted_until"] is not None
    desk.app.callers.bot_works()
    assert "resolved" in presses(desk, anna, button("i", "ack", incident["id"], 1))
