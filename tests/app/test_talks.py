"""Talks as people hold them: said once, corrected, answered, set by hand, ordered; stale and foreign ones refused."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from steward.adapters.store import open_store
from steward.adapters.store.store import SqlStore
from steward.adapters.templates import CopierTemplates
from steward.app.errors import Forbidden, Invalid, Stale, Unknown
from steward.app.policy import Policy
from steward.domain.chats import Chat, ChatKind
from steward.domain.lifecycle import Refused
from steward.domain.operations import Work
from steward.domain.people import Grant, Role, User
from steward.domain.status import Status
from steward.domain.talks import MESSAGES_MAX, SAID_MAX, Said
from steward.testing.engine import Crashed
from tests.app.talks_kit import CHAT, Talking


@pytest.fixture
def talking(store: SqlStore, tmp_path: Path) -> Talking:
    return Talking(store, tmp_path / "work")


def test_a_talk_becomes_a_draft_with_its_spec_which_is_estimated(talking: Talking) -> None:
    shown = talking.told("Хочу магазин керамики с доставкой")
    assert shown["brief"]["title"] == "Магазин керамики с доставкой"
    assert [one["name"] for one in shown["asked"]] == ["users"]
    talks = talking.by()
    talks.say(shown["id"], "tg:77:2", "Жители города")
    talking.fold()
    talks.say(shown["id"], "tg:77:3", "каталог, корзина, оплата")
    talking.fold()
    talks.skip(shown["id"], talks.show(shown["id"])["version"])
    talking.fold()
    shown = talks.show(shown["id"])
    assert shown["asked"][0]["choices"] == ["indigo", "teal"]
    talks.pick(shown["id"], shown["version"], 1)
    talking.fold()
    shown = talks.show(shown["id"])
    done = talks.order(shown["id"], shown["version"])
    assert (done["state"], done["asked"]) == ("done", [])
    project = talking.driven.project("magazin-keramiki-s-dostavkoy")
    assert (project.id, project.title) == (done["project"], "Магазин керамики с доставкой")
    with talking.store.reading() as view:
        spec = view.spec(project.id)
    assert spec is not None
    assert spec.answers == {
        "title": "Магазин керамики с доставкой",
        "features": "каталог\nкорзина\nоплата",
        "accent": "teal",
    }
    assert spec.criteria == ("каталог", "корзина", "оплата")
    assert "Для кого: Жители города" in spec.brief
    assert spec.made_by == "user:anna"
    talking.driven.drive()
    assert talking.driven.project(project.slug).status is Status.ESTIMATED


def test_what_arrives_twice_is_said_once(talking: Talking) -> None:
    first = talking.told()
    assert talking.told()["id"] == first["id"]
    assert [row.text for row in talking.rows(first["id"])] == ["Хочу магазин керамики"]
    assert talking.by().show(first["id"])["version"] == first["version"]
    talking.by().say(first["id"], "tg:77:2", "Для всех")
    talking.fold()
    talking.by().order(first["id"], talking.by().show(first["id"])["version"])
    again = talking.by().open("tg:77:2", chat_id=CHAT)
    assert (again["id"], again["state"]) == (first["id"], "done")
    assert talking.by().say(first["id"], "tg:77:2", "Для всех")["state"] == "done"
    assert len(talking.talks()) == 1


def test_an_open_talk_in_the_chat_is_gone_on_with_and_a_new_one_follows_its_end(talking: Talking) -> None:
    first = talking.told()
    talks = talking.by()
    assert talks.open("tg:77:9", chat_id=CHAT)["id"] == first["id"]
    assert talks.open("web:a")["id"] != first["id"]
    talks.drop(first["id"], first["version"])
    assert talks.open("tg:77:10", chat_id=CHAT)["id"] not in (first["id"], talks.open("web:a")["id"])
    assert [one["state"] for one in talks.list()].count("open") == 2


def test_a_talk_belongs_to_its_user_and_takes_the_right_to_order(talking: Talking) -> None:
    shown = talking.told()
    talking.add("boris", Role.ADMIN)
    talking.add("vera", Role.VIEWER)
    boris = talking.by("boris")
    acts: list[Callable[[], Any]] = [
        lambda: boris.show(shown["id"]),
        lambda: boris.say(shown["id"], "k", "mine now"),
        lambda: boris.order(shown["id"], shown["version"]),
        lambda: boris.edit(shown["id"], shown["version"], {"title": "Mine"}),
        lambda: boris.drop(shown["id"], shown["version"]),
        lambda: boris.open("tg:77:1"),
        lambda: talking.by("anna").show(shown["id"] + 1),
    ]
    for act in acts:
        with pytest.raises(Unknown):
            act()
    assert boris.correct("tg:77:1", "mine now") is None
    assert boris.list() == []
    with pytest.raises(Forbidden):
        talking.by("vera").open("web:v")
    talking.people["anna"] = replace(talking.people["anna"], grants=(Grant(Role.VIEWER),))
    with pytest.raises(Forbidden):
        talking.by().say(shown["id"], "k", "More")
    assert talking.rows(shown["id"])[0].text == "Хочу магазин керамики"
    assert talking.by("boris").by.user != User(0, "anna", talking.clock.now().at)


@pytest.mark.parametrize("text", ["", "  \n", "x" * (SAID_MAX + 1), "ключ API: ghp_" + "a1B2" * 9])
def test_what_cannot_be_said_is_refused_and_nothing_of_it_is_kept(talking: Talking, text: str) -> None:
    shown = talking.told()
    with pytest.raises(Invalid) as refused:
        talking.by().say(shown["id"], "tg:77:2", text)
    assert refused.value.advice
    with pytest.raises(Invalid):
        talking.by().correct("tg:77:1", text)
    assert len(talking.rows(shown["id"])) == 1
    assert talking.by().show(shown["id"])["version"] == shown["version"]


def test_a_secret_is_refused_by_its_name_alone(talking: Talking) -> None:
    shown = talking.told()
    with pytest.raises(Invalid, match="holds a secret") as refused:
        talking.by().say(shown["id"], "tg:77:2", "DB_PASSWORD=hunter22")
    assert [one["name"] for one in refused.value.problems] == ["DB_PASSWORD"]
    assert "hunter22" not in f"{refused.value} {refused.value.advice} {refused.value.problems}"
    with pytest.raises(Invalid, match="holds a secret"):
        talking.by().edit(shown["id"], shown["version"], {"goal": "password: hunter22"})


def test_a_talk_has_an_end_of_messages(talking: Talking) -> None:
    shown = talking.told()
    at = talking.clock.now().at
    with talking.store.writing() as tx:
        for number in range(MESSAGES_MAX - 1):
            tx.say(Said(shown["id"], f"k{number}", at, "x", folded=True))
    with pytest.raises(Invalid, match="at most 200 messages"):
        talking.by().say(shown["id"], "tg:77:2", "one more")


def test_a_corrected_message_makes_the_brief_anew_and_what_was_set_by_hand_stays(talking: Talking) -> None:
    shown = talking.told("Хочу магазин керамики")
    talks = talking.by()
    talks.say(shown["id"], "tg:77:2", "Жители города")
    talking.fold()
    talks.edit(
        shown["id"], talks.show(shown["id"])["version"], {"title": "Глина", "answers": {"accent": "teal"}}
    )
    corrected = talks.correct("tg:77:1", "Хочу магазин чая")
    assert corrected is not None
    assert corrected["waiting"] == 2
    talking.fold()
    brief = talks.show(shown["id"])["brief"]
    assert (brief["goal"], brief["title"], brief["users"]) == ("Хочу магазин чая", "Глина", "Жители города")
    assert brief["answers"] == {"accent": "teal"}
    version = talks.show(shown["id"])["version"]
    assert (talks.correct("tg:77:1", "Хочу магазин чая") or {})["version"] == version
    assert talks.correct("tg:77:99", "anything") is None
    talks.drop(shown["id"], version)
    assert talks.correct("tg:77:1", "Хочу бота") is None


def test_parts_are_set_by_hand_within_their_bounds(talking: Talking) -> None:
    shown = talking.told()
    talks = talking.by()
    parts = {
        "title": "Глина",
        "features": ["Каталог", " Корзина  и\tоплата "],
        "out_of_scope": "Блог\n\nФорум",
    }
    after = talks.edit(shown["id"], shown["version"], parts)
    assert after["brief"]["features"] == ["Каталог", "Корзина и оплата"]
    assert after["brief"]["out_of_scope"] == ["Блог", "Форум"]
    assert talks.edit(shown["id"], shown["version"], parts)["version"] == after["version"]
    with pytest.raises(Stale):
        talks.edit(shown["id"], shown["version"], {"title": "Другое"})
    wrong: list[dict[str, Any]] = [
        {"nothing": "x"},
        {"title": "x" * 121},
        {"template": "https://evil.example/t.git"},
        {"features": ["x"] * 31},
        {"features": ["x" * 501]},
        {"answers": "x"},
    ]
    for one in wrong:
        with pytest.raises(Invalid) as refused:
            talks.edit(shown["id"], after["version"], one)
        assert refused.value.problems
    assert [row.text for row in talking.rows(shown["id"]) if not row.answers.startswith("set:")] == [
        "Хочу магазин керамики"
    ]


def test_an_answer_is_taken_away_by_an_empty_one(talking: Talking) -> None:
    shown = talking.told()
    talks = talking.by()
    shown = talks.edit(shown["id"], shown["version"], {"answers": {"accent": "teal"}})
    assert shown["brief"]["answers"] == {"accent": "teal"}
    shown = talks.edit(shown["id"], shown["version"], {"answers": {"accent": ""}})
    assert shown["brief"]["answers"] == {}


def test_a_choice_of_an_old_card_changes_nothing(talking: Talking) -> None:
    shown = talking.told()
    talks = talking.by()
    for _ in range(3):
        talks.skip(shown["id"], talks.show(shown["id"])["version"])
        talking.fold()
    shown = talks.show(shown["id"])
    with pytest.raises(Invalid, match="no such choice"):
        talks.pick(shown["id"], shown["version"], 2)
    picked = talks.pick(shown["id"], shown["version"], 0)
    assert talks.pick(shown["id"], shown["version"], 1) == picked
    talking.fold()
    with pytest.raises(Stale):
        talks.pick(shown["id"], picked["version"], 0)
    assert talks.show(shown["id"])["brief"]["answers"] == {"accent": "indigo"}
    with pytest.raises(Stale):
        talks.skip(shown["id"], 1)


def test_a_talk_that_was_given_up_is_over(talking: Talking) -> None:
    shown = talking.told()
    talks = talking.by()
    with pytest.raises(Stale):
        talks.drop(shown["id"], shown["version"] - 1)
    dropped = talks.drop(shown["id"], shown["version"])
    assert talks.drop(shown["id"], shown["version"]) == dropped
    with pytest.raises(Stale):
        talks.order(shown["id"], shown["version"])
    with pytest.raises(Invalid, match="is over"):
        talks.order(shown["id"], dropped["version"])
    with pytest.raises(Invalid, match="is over"):
        talks.say(shown["id"], "tg:77:2", "And more")
    assert talking.driven.projects() == []


def test_nothing_is_ordered_that_the_template_refuses_and_nothing_has_ended(talking: Talking) -> None:
    shown = talking.told()
    talks = talking.by()
    shown = talks.edit(shown["id"], shown["version"], {"answers": {"accent": "purple"}})
    with pytest.raises(Invalid, match="do not fit") as refused:
        talks.order(shown["id"], shown["version"])
    assert [one["name"] for one in refused.value.problems] == ["accent"]
    assert talks.show(shown["id"]) == shown
    assert talking.driven.projects() == []
    assert talking.driven.kinds() == ["organisation.connected"]


def test_nothing_is_ordered_before_all_that_was_said_is_in_the_brief(talking: Talking) -> None:
    talks = talking.by()
    shown = talks.open("web:1")
    with pytest.raises(Invalid, match="no title and no goal") as refused:
        talks.order(shown["id"], shown["version"])
    assert [one["name"] for one in refused.value.problems] == ["title", "goal"]
    shown = talks.say(shown["id"], "web:2", "A shop")
    assert shown["waiting"] == 1
    with pytest.raises(Invalid, match="not all that was said"):
        talks.order(shown["id"], shown["version"])
    with pytest.raises(Invalid, match="ends otherwise"):
        talks.ask(shown["id"], shown["version"])


def test_ordered_again_it_is_shown_as_it_was_ordered(talking: Talking) -> None:
    shown = talking.told()
    talks = talking.by()
    done = talks.order(shown["id"], shown["version"])
    assert talks.order(shown["id"], shown["version"]) == done
    assert len(talking.driven.projects()) == 1
    assert [one.kind for one in talking.driven.operations("magazin-keramiki")] == [Work.SPECIFY]


def test_who_may_not_approve_orders_a_draft_that_waits(talking: Talking) -> None:
    talking.people["anna"] = replace(talking.people["anna"], grants=(Grant(Role.OPERATOR),))
    shown = talking.told()
    talking.by().order(shown["id"], shown["version"])
    talking.driven.drive()
    project = talking.driven.project("magazin-keramiki")
    assert project.status is Status.DRAFT
    assert talking.driven.operations(project.slug) == []


def test_four_eyes_leave_the_approval_to_others(store: SqlStore, tmp_path: Path) -> None:
    talking = Talking(store, tmp_path / "work", policy=Policy(four_eyes=True))
    shown = talking.told()
    talking.by().order(shown["id"], shown["version"])
    assert talking.driven.operations("magazin-keramiki") == []
    talking.driven.building("local:boris").approve("magazin-keramiki")
    talking.driven.drive()
    assert talking.driven.project("magazin-keramiki").status is Status.ESTIMATED


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Щит & Ёлка", "schit-elka"),
        ("  --Shop-- ", "shop"),
        ("商店", "draft-1"),
        ("Очень длинное название магазина керамики и чая", "ochen-dlinnoe-nazvanie-magazina-keramiki"),
    ],
)
def test_a_slug_is_made_of_the_title(talking: Talking, title: str, slug: str) -> None:
    shown = talking.told()
    shown = talking.by().edit(shown["id"], shown["version"], {"title": title})
    talking.by().order(shown["id"], shown["version"])
    assert [one.slug for one in talking.driven.projects()] == [slug]


def test_a_slug_that_is_taken_gets_a_number(talking: Talking) -> None:
    for number in (1, 2, 3):
        shown = talking.told(key=f"tg:77:{number}")
        talking.by().order(shown["id"], shown["version"])
    slugs = {one.slug for one in talking.driven.projects()}
    assert slugs == {"magazin-keramiki", "magazin-keramiki-2", "magazin-keramiki-3"}


def test_where_there_are_several_organisations_it_asks_in_which(talking: Talking) -> None:
    talking.second()
    shown = talking.told()
    talks = talking.by()
    with pytest.raises(Invalid, match="several organisations") as refused:
        talks.order(shown["id"], shown["version"])
    assert refused.value.problems[0]["allowed"] == ["acme", "globex"]
    for _ in range(4):
        talks.skip(shown["id"], talks.show(shown["id"])["version"])
        talking.fold()
    shown = talks.show(shown["id"])
    assert shown["asked"][0] == {
        "name": "organisation",
        "words": "In which organisation is it to be?",
        "choices": ["acme", "globex"],
    }
    shown = talks.pick(shown["id"], shown["version"], 1)
    assert shown["organisation"] == "globex"
    assert "organisation" not in [one["name"] for one in shown["asked"]]
    talks.order(shown["id"], shown["version"])
    [project] = talking.driven.projects()
    with talking.store.reading() as view:
        assert view.organisation(project.organisation_id).login == "globex"


def test_in_a_group_it_is_ordered_where_the_group_follows(talking: Talking) -> None:
    globex = talking.second()
    at = talking.clock.now().at
    talking.chat(Chat(-5, ChatKind.GROUP, "anna", at, organisation_id=globex))
    talks = talking.by()
    shown = talks.open("tg:-5:1", chat_id=-5, thread_id=3)
    talks.say(shown["id"], "tg:-5:1", "A shop")
    talking.fold()
    shown = talks.show(shown["id"])
    assert shown["thread"] == 3
    talks.order(shown["id"], shown["version"])
    assert talking.driven.projects()[0].organisation_id == globex


def test_a_draft_that_was_founded_early_is_what_is_ordered(talking: Talking) -> None:
    shown = talking.told()
    talks = talking.by()
    with talking.store.writing() as tx:
        talk = tx.talk(shown["id"])
        assert talk is not None
        first = talks.found_draft(tx, talk)
    shown = talks.edit(shown["id"], talks.show(shown["id"])["version"], {"title": "Глина"})
    assert shown["project"] == first.id
    with talking.store.writing() as tx:
        talk = tx.talk(shown["id"])
        assert talk is not None
        assert talks.found_draft(tx, talk).id == first.id
    assert talks.order(shown["id"], shown["version"])["project"] == first.id
    assert [(one.id, one.title) for one in talking.driven.projects()] == [(first.id, "Глина")]


def test_an_update_of_what_is_live_begins_from_a_talk(talking: Talking) -> None:
    talks = talking.by()
    talking.driven.order()
    with pytest.raises(Refused, match="nothing of this project is"):
        talks.open("tg:77:1", purpose="update", project="shop", chat_id=CHAT)
    with pytest.raises(Invalid, match="update is of a project"):
        talks.open("tg:77:1", purpose="update", chat_id=CHAT)
    talking.driven.drive()
    shown = talking.told("Добавь оплату", purpose="update", project="shop")
    assert (shown["lacks"], shown["asked"]) == ([], [])
    assert talks.open("tg:77:2", chat_id=CHAT)["id"] != shown["id"]
    assert talking.card(shown["id"]).kind == "update"
    with pytest.raises(Invalid, match="ends otherwise"):
        talks.order(shown["id"], shown["version"])
    done = talks.ask(shown["id"], shown["version"])
    assert talks.ask(shown["id"], shown["version"]) == done
    assert [(one.text, one.asked_by) for one in talking.driven.updates()] == [("Добавь оплату", "user:anna")]
    assert talking.driven.project().status is Status.MAINTENANCE


def test_the_card_is_wanted_with_each_change_and_moves_down_when_the_person_speaks(talking: Talking) -> None:
    shown = talking.told()
    card = talking.card(shown["id"])
    assert (card.kind, dict(card.data), card.urgent) == ("brief", {"talk": shown["id"]}, True)
    talking.shown(card, 500)
    talks = talking.by()
    shown = talks.edit(shown["id"], shown["version"], {"title": "Глина"})
    assert (talking.card(shown["id"]).message_id, talking.card(shown["id"]).state) == (500, "wanted")
    talks.say(shown["id"], "tg:77:2", "Ещё блог")
    assert (talking.card(shown["id"]).message_id, talking.card(shown["id"]).old_id) == (None, 500)
    before = talking.card(shown["id"])
    talks.say(shown["id"], "tg:77:2", "Ещё блог")
    assert talking.card(shown["id"]) == before
    web = talks.open("web:1")
    with talking.store.reading() as view:
        assert view.posts_about([f"talk:{web['id']}"]) == []


def test_it_tells_which_live_project_is_meant(talking: Talking) -> None:
    talks = talking.by()
    assert talks.which("добавь оплату") == []
    talking.driven.live("shop")
    assert [(one["slug"], one["sure"]) for one in talks.which("добавь оплату")] == [("shop", False)]
    talking.driven.live("keramika")
    assert {one["slug"] for one in talks.which("добавь оплату")} == {"shop", "keramika"}
    assert [(one["slug"], one["sure"]) for one in talks.which("в керамике нужна оплата")] == [
        ("keramika", True)
    ]
    talking.add("vera", Role.VIEWER)
    assert talking.by("vera").which("shop") == []


def whole_talk(talking: Talking) -> None:
    """All that a face does from a first message to the order, each step as it would be done again after a kill."""
    talks = talking.by()
    talk_id = talks.open("tg:77:1", chat_id=CHAT)["id"]
    talks.say(talk_id, "tg:77:1", "Хочу магазин керамики")
    talking.fold()
    talks.say(talk_id, "tg:77:2", "Жители")
    talking.fold()
    shown = talks.show(talk_id)
    if shown["state"] == "open":
        talks.order(talk_id, shown["version"])


@pytest.mark.parametrize("after", [False, True])
def test_killed_between_any_two_steps_nothing_is_lost_or_doubled(tmp_path: Path, after: bool) -> None:
    deaths = 0
    for effect in range(1, 40):
        with closing(open_store("sqlite://")) as store:
            talking = Talking(store, tmp_path / str(effect))
            talking.gate.die(effect, after=after)
            with suppress(Crashed):
                whole_talk(talking)
                break
            deaths += 1
            whole_talk(talking)
            [talk] = talking.talks()
            assert [row.text for row in talking.rows(talk.id)] == ["Хочу магазин керамики", "Жители"]
            assert (talk.brief.goal, talk.brief.users) == ("Хочу магазин керамики", "Жители")
            assert [one.id for one in talking.driven.projects()] == [talk.project_id]
            assert len(talking.driven.operations("magazin-keramiki")) == 1
    assert deaths == 6


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """What these come to, done at the same moment."""
    ready = Barrier(len(acts))

    def run(act: Callable[[], Any]) -> Any:
        ready.wait()
        return act()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [done.result() for done in [pool.submit(run, act) for act in acts]]


def test_two_who_press_at_once_order_one_project(talking: Talking) -> None:
    shown = talking.told()
    order = partial(talking.by().order, shown["id"], shown["version"])
    first, second = at_once(order, order)
    assert first == second
    assert [one.id for one in talking.driven.projects()] == [first["project"]]


def test_what_is_said_at_once_is_all_kept(talking: Talking) -> None:
    shown = talking.told()
    say = talking.by().say
    at_once(
        *(partial(say, shown["id"], f"tg:77:{2 + number % 4}", f"Раз {number % 4}") for number in range(8))
    )
    assert sorted(row.text for row in talking.rows(shown["id"])) == [
        *(f"Раз {number}" for number in range(4)),
        "Хочу магазин керамики",
    ]


def test_a_message_that_opens_a_talk_twice_at_once_opens_one(talking: Talking) -> None:
    def begin() -> Any:
        talk_id = talking.by().open("tg:77:1", chat_id=CHAT)["id"]
        return talking.by().say(talk_id, "tg:77:1", "Хочу магазин")["id"]

    assert len(set(at_once(begin, begin, begin))) == 1
    assert len(talking.talks()) == 1


def test_the_built_in_template_is_talked_about_to_the_end(talking: Talking, tmp_path: Path) -> None:
    talking.furnish(CopierTemplates(tmp_path / "templates"))
    shown = talking.told("Сайт мастерской керамики. Запись на занятия.")
    talks, answers = (
        talking.by(),
        ["Взрослые", "Расписание: когда занятия\nЗапись: оставить заявку", "нет", "teal", "ru"],
    )
    for number, answer in enumerate(answers):
        assert shown["asked"], f"it asks until all is answered, not only {number} times"
        talks.say(shown["id"], f"tg:77:{2 + number}", answer)
        talking.fold()
        shown = talks.show(shown["id"])
    assert (shown["asked"], shown["lacks"]) == ([], [])
    done = talks.order(shown["id"], shown["version"])
    with talking.store.reading() as view:
        spec = view.spec(done["project"])
    assert spec is not None
    assert dict(spec.answers) == {
        "title": "Сайт мастерской керамики",
        "tagline": "Сайт мастерской керамики.",
        "features": "Расписание: когда занятия\nЗапись: оставить заявку",
        "accent": "teal",
        "language": "ru",
    }
