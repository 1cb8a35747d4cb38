"""Free text: it begins talks, goes into the one that is open, asks how things are; secrets are cut out first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.faces.building_kit import vault
from tests.faces.telegram.bench import BOARD, Bench
from tests.telegram.people import Person
from tests.telegram.state import Fault

TOKEN = "ghp_" + "a1B2c3D4e5" * 4


@pytest.fixture
def anna(desk: Bench) -> Person:
    return desk.person("Anna")


def said(desk: Bench, name: str = "anna") -> list[list[str]]:
    """What was said in each of somebody's talks, the oldest talk first."""
    return [[row["text"] for row in talk["said"]] for talk in reversed(desk.talks(name))]


def live(desk: Bench, slug: str = "shop", title: str = "Corner shop") -> str:
    """A project that is live."""
    building = desk.world.building()
    building.draft(slug, title=title, wish=desk.world.wish())
    building.approve(slug)
    desk.world.drive()
    building.confirm(slug)
    desk.world.drive()
    return desk.world.project(slug).id


def test_a_free_text_begins_a_talk_and_what_follows_goes_into_it(desk: Bench, anna: Person) -> None:
    anna.writes("A shop for hand-made cups")
    anna.writes("Customers pay by card", forwarded_from="Bob")
    desk.settle()
    (talk,) = desk.talks("anna")
    assert [(row["text"], row["forwarded"]) for row in talk["said"]] == [
        ("A shop for hand-made cups", False),
        ("Customers pay by card", True),
    ]
    assert "hand-made cups" in desk.last(anna).text


def test_an_edited_message_changes_what_was_said(desk: Bench, anna: Person) -> None:
    message = anna.writes("A shop for cups")
    desk.settle()
    anna.edits(message, "A shop for plates")
    desk.settle()
    assert said(desk) == [["A shop for plates"]]
    assert "plates" in desk.last(anna).text


def test_new_begins_a_talk_with_its_words(desk: Bench, anna: Person) -> None:
    anna.writes("/new A shop for cups")
    anna.writes("/new and plates")
    desk.settle()
    assert said(desk) == [["A shop for cups", "and plates"]]
    assert any("/cancel" in message.text for message in anna.sees())


def test_new_alone_asks_what_is_wanted(desk: Bench, anna: Person) -> None:
    anna.writes("/new")
    desk.settle()
    assert said(desk) == [[]]
    assert "own words" in desk.last(anna).text


def test_cancel_puts_the_talk_away(desk: Bench, anna: Person) -> None:
    anna.writes("A shop for cups")
    anna.writes("/cancel")
    anna.writes("/cancel")
    desk.settle()
    assert [talk["state"] for talk in desk.talks("anna")] == ["dropped"]


def test_a_viewer_is_told_what_it_takes(desk: Bench) -> None:
    bob = desk.person("Bob", "viewer")
    bob.writes("A shop for cups")
    desk.settle()
    assert "right to" in desk.last(bob).text


def test_a_wish_for_a_live_project_that_is_named_is_a_change_of_it(desk: Bench, anna: Person) -> None:
    project = live(desk)
    anna.writes("add card payments to the corner shop")
    desk.settle()
    (talk,) = desk.talks("anna")
    assert (talk["purpose"], talk["project"]) == ("update", project)


def test_a_change_that_names_nothing_asks_which_project_is_meant(desk: Bench, anna: Person) -> None:
    project = live(desk)
    anna.writes("add card payments")
    desk.settle()
    assert desk.talks("anna") == []
    button = next(label for row in desk.last(anna).labels for label in row if "Corner shop" in label)
    anna.presses(button)
    desk.settle()
    (talk,) = desk.talks("anna")
    assert (talk["purpose"], talk["project"]) == ("update", project)
    assert said(desk) == [["add card payments"]]


def test_it_may_be_something_new_after_all(desk: Bench, anna: Person) -> None:
    live(desk)
    anna.writes("add card payments")
    desk.settle()
    button = next(label for row in desk.last(anna).labels for label in row if "new" in label)
    anna.presses(button)
    desk.settle()
    (talk,) = desk.talks("anna")
    assert (talk["purpose"], talk["project"]) == ("new", None)


@pytest.mark.parametrize(
    "text",
    ["What is the corner shop doing now?", "что сейчас делает corner shop?", "Is the corner shop well?"],
)
def test_a_question_about_a_project_is_answered_from_its_progress(
    desk: Bench, anna: Person, text: str
) -> None:
    live(desk)
    anna.writes(text)
    desk.settle()
    assert desk.talks("anna") == []
    assert "Nothing runs now" in desk.last(anna).text


def test_an_answer_to_the_card_of_a_project_is_about_that_project(desk: Bench, anna: Person) -> None:
    project = live(desk)
    live(desk, "blog", "Travel notes")
    anna.writes("/project shop")
    desk.settle()
    shown = desk.last(anna)
    anna.writes("how is it going?", reply_to=shown.message_id)
    desk.settle()
    assert "Nothing runs now" in desk.last(anna).text
    anna.writes("Sell plates, too", reply_to=shown.message_id)
    desk.settle()
    assert [talk["project"] for talk in desk.talks("anna")] == [project]


# Secrets -----------------------------------------------------------------------------------------------------


def kept(desk: Bench) -> str:
    """All that the database keeps of talks and posts."""
    with desk.app.store.reading() as view:
        talks = [(talk, view.said(talk.id)) for talk in view.talks()]
        return repr((talks, view.posts()))


def test_a_secret_is_deleted_and_the_rest_is_said_without_it(desk: Bench, anna: Person) -> None:
    message = anna.writes(f"A shop that posts to GitHub with {TOKEN} every day")
    desk.settle()
    assert message.deleted
    assert said(desk) == [["A shop that posts to GitHub with ‹GITHUB_TOKEN› every day"]]
    assert TOKEN not in kept(desk)
    assert any("deleted" in shown.text for shown in anna.sees())


def test_a_secret_alone_opens_no_talk(desk: Bench, anna: Person) -> None:
    message = anna.writes(TOKEN)
    desk.settle()
    assert message.deleted
    assert desk.talks("anna") == []


def test_a_secret_in_an_edit_and_in_a_caption_is_cut_out_too(desk: Bench, anna: Person) -> None:
    message = anna.writes("A shop for cups")
    photo = anna.sends("photo", caption=f"the key is {TOKEN}, and it is blue")
    desk.settle()
    anna.edits(message, f"A shop for cups, key {TOKEN}, and plates")
    desk.settle()
    assert message.deleted
    assert photo.deleted
    assert TOKEN not in kept(desk)


def test_a_secret_in_a_command_is_cut_out_too(desk: Bench, anna: Person) -> None:
    message = anna.writes(f"/new a shop with {TOKEN} in it")
    desk.settle()
    assert message.deleted
    assert TOKEN not in kept(desk)
    assert said(desk) == [["a shop with ‹GITHUB_TOKEN› in it"]]


def test_a_secret_that_cannot_be_deleted_is_said_to_be_there_still(desk: Bench, anna: Person) -> None:
    desk.server.faults.append(Fault("400", "deleteMessage", text="message can't be deleted"))
    message = anna.writes(TOKEN)
    desk.settle()
    assert not message.deleted
    assert "delete" in desk.last(anna).text
    assert "yourself" in desk.last(anna).text


def test_a_secret_is_given_through_a_form_of_its_own(desk: Bench, anna: Person, tmp_path: Path) -> None:
    desk.app = replace(desk.world.app, vault=vault(tmp_path, desk.world))
    desk.begin()
    anna.writes("A shop for cups")
    desk.settle()
    anna.writes(f"password: {TOKEN}")
    desk.settle()
    assert "deleted" in anna.sees()[-2].text
    (address,) = [button["url"] for row in desk.last(anna).buttons for button in row]
    assert address.startswith(f"{BOARD}/give?form=stf_")
    shown = desk.app.forms(desk.by("anna")).peek(address.partition("=")[2])
    assert shown["user"] == "anna"


def test_a_question_that_names_nothing_shows_all_there_is(desk: Bench, anna: Person) -> None:
    anna.writes("what is it doing now?")
    desk.settle()
    assert desk.talks("anna") == []
    assert desk.last(anna).text != ""


# What is no text ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind", ["sticker", "voice", "photo", "document", "location", "poll", "video", "dice"]
)
def test_what_is_no_text_gets_a_helpful_answer(desk: Bench, anna: Person, kind: str) -> None:
    before = len(anna.sees())
    anna.sends(kind)
    desk.settle()
    assert len(anna.sees()) == before + 1
    assert desk.talks("anna") == []


def test_pictures_that_are_sent_together_are_answered_once(desk: Bench, anna: Person) -> None:
    before = len(anna.sees())
    for _ in range(4):
        anna.sends("photo", album="77")
    desk.settle()
    assert len(anna.sees()) == before + 1


def test_words_beneath_a_picture_are_said(desk: Bench, anna: Person) -> None:
    anna.sends("photo", caption="A shop like this one")
    desk.settle()
    assert said(desk) == [["A shop like this one"]]
    assert any("words beneath" in message.text for message in anna.sees())


def test_a_giant_text_is_refused_with_advice(desk: Bench, anna: Person) -> None:
    anna.writes("a shop " * 2000)
    desk.settle()
    assert "too long" in desk.last(anna).text
    assert desk.talks("anna") == []
