"""The loop that makes briefs: with a model within its allowance, with the plain dialog, and when either is late."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from steward.adapters.store.store import SqlStore
from steward.app.errors import Forbidden
from steward.app.folding import BACKOFF_S, QUIET, REST, Folding
from steward.app.service import folding
from steward.domain.brief import ITEMS_MAX, Brief
from steward.domain.people import Role
from steward.domain.spending import Allowance, Usage
from steward.ports import Permanent, RateLimited, Transient
from steward.ports.mind import Folded, Heard
from steward.testing.engine import Crashed
from steward.testing.mind import ScriptedMind
from tests.app.talks_kit import CHAT, Talking

USAGE = Usage("scripted:mind", 100, 20, 0.25, "computed")
BRIEF = Brief("Глина", "Магазин керамики", "Жители", ("Каталог",))


@pytest.fixture
def talking(store: SqlStore, tmp_path: Path) -> Talking:
    return Talking(store, tmp_path / "work")


def begun(talking: Talking, text: str = "Хочу магазин керамики") -> int:
    """A talk in which something was said that no brief has yet."""
    talk_id: int = talking.by().open("tg:77:1", chat_id=CHAT)["id"]
    talking.by().say(talk_id, "tg:77:1", text)
    return talk_id


def test_several_messages_in_a_row_are_made_sense_of_at_once(talking: Talking) -> None:
    mind = ScriptedMind([Folded(BRIEF, ("Сколько посетителей?",), USAGE)])
    talking.modelled(mind)
    talk_id = begun(talking)
    talking.fold(0.7)
    talking.by().say(talk_id, "tg:77:2", "С доставкой", forwarded=True)
    talking.fold(0.7)
    assert mind.heard == []
    talking.fold()
    [heard] = mind.heard
    assert [(row.text, row.forwarded) for row in heard.said] == [
        ("Хочу магазин керамики", False),
        ("С доставкой", True),
    ]
    assert (heard.lang, heard.template.title, heard.brief) == ("ru", "starter", Brief())
    shown = talking.by().show(talk_id)
    assert (shown["brief"]["title"], shown["waiting"]) == ("Глина", 0)
    assert shown["asked"] == [
        {"name": "Сколько посетителей?", "words": "Сколько посетителей?", "choices": []}
    ]
    [call] = talking.calls()
    assert (call.user, call.talk_id, call.usage, call.outcome) == ("anna", talk_id, USAGE, "ok")


def test_folding_again_changes_nothing(talking: Talking) -> None:
    talk_id = begun(talking)
    talking.fold()
    before = talking.by().show(talk_id), talking.card(talk_id)
    for _ in range(3):
        talking.fold()
    assert (talking.by().show(talk_id), talking.card(talk_id)) == before


def test_what_a_model_answers_is_kept_within_bounds(talking: Talking) -> None:
    hostile = Brief(
        title="x" * 500,
        goal="Магазин\x00\u202e",
        features=tuple(str(number) for number in range(90)),
        template="https://evil.example/t.git",
        answers={"accent": "purple", "rm": "-rf", "title": "Другое"},
    )
    talking.modelled(ScriptedMind([Folded(hostile, ("1?", "2?", "3?" * 900))]))
    talk_id = begun(talking)
    talking.fold()
    [talk] = talking.talks()
    assert (len(talk.brief.title), talk.brief.goal) == (120, "Магазин")
    assert len(talk.brief.features) == ITEMS_MAX
    assert talk.brief.template == "starter"
    assert dict(talk.brief.answers) == {"title": "Другое"}
    assert talk.asked == ("1?", "2?")
    assert talking.by().show(talk_id)["lacks"] == []


def test_what_is_said_while_the_model_thinks_is_heard_next(talking: Talking) -> None:
    def answer(heard: Heard) -> Folded:
        if len(mind.heard) == 1:
            talking.by().say(talk_id, "tg:77:2", "С доставкой")
        return Folded(replace(heard.brief, title=f"{len(mind.heard)}", goal=heard.said[-1].text))

    mind = ScriptedMind(answer)
    talking.modelled(mind)
    talk_id = begun(talking)
    talking.fold()
    shown = talking.by().show(talk_id)
    assert (shown["brief"]["title"], shown["waiting"]) == ("1", 1)
    talking.fold()
    assert [row.text for row in mind.heard[1].said] == ["С доставкой"]
    assert mind.heard[1].brief.title == "1"
    assert talking.by().show(talk_id)["waiting"] == 0


@pytest.mark.parametrize("what", ["corrected", "edited", "dropped"])
def test_an_answer_to_what_stands_no_more_is_not_kept(talking: Talking, what: str) -> None:
    def answer(heard: Heard) -> Folded:
        if len(mind.heard) == 1:
            talks = talking.by()
            version = talks.show(talk_id)["version"]
            if what == "corrected":
                talks.correct("tg:77:1", "Хочу магазин чая")
            elif what == "edited":
                talks.edit(talk_id, version, {"title": "Рукой"})
            else:
                talks.drop(talk_id, version)
        return Folded(
            replace(heard.brief, title=heard.brief.title or "Глина", goal=heard.said[0].text), (), USAGE
        )

    mind = ScriptedMind(answer)
    talking.modelled(mind)
    talk_id = begun(talking)
    talking.fold()
    assert talking.by().show(talk_id)["brief"]["goal"] == ""
    assert [(call.outcome, call.usage) for call in talking.calls()] == [("late", USAGE)]
    talking.fold()
    brief = talking.by().show(talk_id)["brief"]
    wanted = {"corrected": ("Глина", "Хочу магазин чая"), "edited": ("Рукой", "Хочу магазин керамики")}
    assert (brief["title"], brief["goal"]) == wanted.get(what, ("", ""))
    assert len(mind.heard) == (1 if what == "dropped" else 2)


def test_a_model_that_does_not_answer_is_asked_again_and_then_the_plain_dialog_goes_on(
    talking: Talking,
) -> None:
    mind = ScriptedMind([Transient("no answer")] * (len(BACKOFF_S) + 1))
    talking.modelled(mind)
    talk_id = begun(talking)
    talking.fold()
    shown = talking.by().show(talk_id)
    assert (shown["waiting"], shown["problem"], shown["brief"]["goal"]) == (1, "unreachable", "")
    assert talking.card(talk_id).data["note"] == "unreachable"
    for tries, seconds in enumerate(BACKOFF_S, 1):
        talking.fold(seconds - 0.1)
        assert len(mind.heard) == tries
        talking.fold(0.2)
        assert len(mind.heard) == tries + 1
    shown = talking.by().show(talk_id)
    assert (shown["waiting"], shown["brief"]["goal"]) == (0, "Хочу магазин керамики")
    assert [one["name"] for one in shown["asked"]] == ["users"]
    assert {call.outcome for call in talking.calls()} == {"unreachable"}
    talking.by().say(talk_id, "tg:77:2", "Жители")
    talking.fold()
    assert len(mind.heard) == len(BACKOFF_S) + 1
    assert talking.by().show(talk_id)["brief"]["users"] == "Жители"
    mind.then(Folded(BRIEF))
    talking.by().say(talk_id, "tg:77:3", "Ещё")
    talking.fold(REST.total_seconds())
    assert talking.by().show(talk_id)["brief"]["title"] == "Глина"
    assert talking.by().show(talk_id)["problem"] == ""


def test_a_model_that_asks_to_wait_for_long_rests_at_once(talking: Talking) -> None:
    later = talking.clock.now().at + timedelta(hours=1)
    talking.modelled(mind := ScriptedMind([RateLimited("too many", later)]))
    talk_id = begun(talking)
    talking.fold()
    assert talking.by().show(talk_id)["brief"]["goal"] == "Хочу магазин керамики"
    assert [call.outcome for call in talking.calls()] == ["limited"]
    talking.by().say(talk_id, "tg:77:2", "Жители")
    talking.fold(1800)
    assert len(mind.heard) == 1
    assert talking.by().show(talk_id)["waiting"] == 0


def test_what_a_model_refuses_for_good_the_plain_dialog_takes(talking: Talking) -> None:
    talking.modelled(ScriptedMind([Permanent("no", "Change the key.")]))
    talk_id = begun(talking)
    talking.fold()
    shown = talking.by().show(talk_id)
    assert (shown["brief"]["goal"], shown["problem"]) == ("Хочу магазин керамики", "refused")
    assert talking.card(talk_id).data["note"] == "refused"


def test_a_model_that_cannot_be_made_ends_no_loop(talking: Talking) -> None:
    def make() -> ScriptedMind:
        raise Permanent("no such package", "Install it.")

    talking.app = replace(talking.app, mind=make)
    talking.folding = Folding(talking.app)
    talk_id = begun(talking)
    talking.fold()
    assert talking.by().show(talk_id)["brief"]["goal"] == "Хочу магазин керамики"


@pytest.mark.parametrize(
    ("allowance", "limit"),
    [
        (Allowance(person_day_calls=1), "calls"),
        (Allowance(person_day_usd=0.2), "person"),
        (Allowance(project_usd=0.2), "project"),
    ],
)
def test_beyond_the_allowance_the_plain_dialog_goes_on_and_says_so(
    talking: Talking, allowance: Allowance, limit: str
) -> None:
    mind = ScriptedMind([Folded(BRIEF, (), USAGE)])
    talking.modelled(mind, allowance)
    talk_id = begun(talking)
    talking.fold()
    talking.by().say(talk_id, "tg:77:2", "С блогом")
    talking.fold()
    shown = talking.by().show(talk_id)
    assert (shown["waiting"], shown["problem"], len(mind.heard)) == (0, limit, 1)
    assert talking.card(talk_id).data["note"] == limit
    if limit != "project":
        mind.then(Folded(replace(BRIEF, title="Завтра")))
        talking.by().say(talk_id, "tg:77:3", "И форумом")
        talking.fold(86_400)
        assert talking.by().show(talk_id)["brief"]["title"] == "Завтра"


def test_each_talk_is_folded_by_one_loop_and_the_running_steward_has_them_all(talking: Talking) -> None:
    ids = [talking.by().open(f"web:{number}")["id"] for number in range(6)]
    for talk_id in ids:
        talking.by().say(talk_id, "k", "A shop")
    talking.clock.advance(QUIET.total_seconds() + 1)
    Folding(talking.app, share=1, of=3).tick()
    done = [talk_id for talk_id in ids if talking.by().show(talk_id)["waiting"] == 0]
    assert done == [talk_id for talk_id in ids if talk_id % 3 == 1]
    loops = folding(talking.app, talking.driven.lease)
    assert [name for name, _ in loops] == ["fold:1", "fold:2", "fold:3"]
    for _, tick in loops:
        tick()
    assert all(talking.by().show(talk_id)["waiting"] == 0 for talk_id in ids)


@pytest.mark.parametrize("after", [False, True])
def test_killed_as_the_brief_is_kept_it_is_made_once(talking: Talking, after: bool) -> None:
    mind = ScriptedMind(lambda heard: Folded(replace(BRIEF, features=(*heard.brief.features, "one"))))
    talking.modelled(mind)
    talk_id = begun(talking)
    talking.gate.die(1, after=after)
    with pytest.raises(Crashed):
        talking.fold()
    talking.fold()
    assert talking.by().show(talk_id)["brief"]["features"] == ["one"]
    assert len(mind.heard) == (1 if after else 2)


def test_what_was_spent_is_told_to_whom_it_concerns(talking: Talking) -> None:
    talking.modelled(ScriptedMind([Folded(BRIEF, (), USAGE), Folded(BRIEF, (), Usage("scripted:mind"))]))
    talk_id = begun(talking)
    talking.fold()
    talking.by().say(talk_id, "tg:77:2", "С блогом")
    talking.fold()
    spending = talking.app.spending(talking.by().by)
    mine = spending.mine()
    assert (mine["user"], mine["day"]) == ("anna", {"calls": 2, "usd": 0.25, "unknown": 1})
    assert mine["limits"]["person_day_calls"] == 200
    with pytest.raises(Forbidden):
        spending.people()
    talking.add("root", Role.ADMIN)
    [line] = talking.app.spending(talking.by("root").by).people()
    assert (line["user"], line["month"]["usd"]) == ("anna", 0.25)
    done = talking.by().order(talk_id, talking.by().show(talk_id)["version"])
    assert spending.project(done["project"])["usd"] == 0.25
    costs = talking.app.works(talking.by().by).costs(done["project"])
    assert costs["talks"] == {"calls": 2, "usd": 0.25, "unknown": 1}
