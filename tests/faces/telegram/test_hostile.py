"""Whatever others wrote, a card is valid and no longer than Telegram takes it. Generated."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steward.adapters.store import open_store
from steward.adapters.templates import CopierTemplates
from steward.app.filing import told
from steward.app.queries import find_project, the_project
from steward.domain.chats import TEXT_MAX, Chat, ChatKind, Post, Rendered
from steward.domain.incidents import Cause, Incident, Severity
from steward.domain.people import local
from steward.domain.spec import STARTER, Estimate, Proof, Spec, TemplateRef
from steward.faces.telegram.cards import render
from steward.faces.telegram.markup import Page, bold, code, cut, esc, is_public, link, prose, units
from steward.faces.words import LANGUAGES
from steward.testing.showcase import NOW, furnish
from steward.testing.world import World
from tests.faces.telegram.cases import TALK, Case
from tests.faces.telegram.cases import given as as_it_is
from tests.faces.telegram.test_cards import obeys
from tests.telegram.markup import parsed

EVIL = st.sampled_from(
    [
        "<b>",
        "</b>",
        "</code>",
        "&lt;",
        "&#0;",
        '"><a href=',
        "\u202e",
        "\u0000",
        "\n\n\n",
        "😀" * 300,
        "@acme",
        "a" * 900,
    ]
)
TEXT = st.lists(st.one_of(EVIL, st.text(max_size=40)), max_size=30).map("".join)
MANY = st.lists(TEXT, max_size=30)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return furnish(open_store("sqlite://"), CopierTemplates(tmp_path_factory.mktemp("templates")))


def holds(shown: Rendered | None) -> None:
    """Valid, bounded, and nothing in it that steers."""
    assert shown is not None
    obeys(shown)
    text, _entities = parsed(shown.text)
    assert units(text) <= TEXT_MAX - 100
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\x00]", text)


@given(texts=st.lists(TEXT, min_size=1, max_size=8), rows=MANY)
def test_a_page_of_anything_is_valid_and_bounded(texts: list[str], rows: list[str]) -> None:
    page = Page().lines(bold("title"))
    for text in texts:
        page.lines(bold(text), prose(text), code(text), link(text, f"https://acme.example/{text}"))
    page.listed(bold("head"), map(esc, rows))
    holds(Rendered(page.text()))


@given(text=TEXT, limit=st.integers(2, 500))
def test_a_text_is_cut_to_its_length_and_never_within_a_character(text: str, limit: int) -> None:
    short = cut(text, limit)
    assert units(short) <= limit
    assert short == text or (short.endswith("…") and text.startswith(short[:-1].rstrip()))
    short.encode()


@given(text=TEXT)
def test_what_is_escaped_says_the_same(text: str) -> None:
    assert html.unescape(esc(text, 10_000)) == " ".join(re.sub(CONTROL, "", text).split())


CONTROL = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"


@settings(max_examples=40)
@given(goal=TEXT, title=TEXT, features=MANY, asked=st.lists(TEXT, max_size=3), choices=MANY)
def test_any_brief_is_shown(
    world: World, goal: str, title: str, features: list[str], asked: Any, choices: Any
) -> None:
    brief = {**TALK["brief"], "goal": goal, "title": title, "features": features, "out_of_scope": features}
    put = [{"name": "x", "words": words, "choices": choices} for words in asked]
    for lang in LANGUAGES:
        holds(Case("brief", "any", talk={**TALK, "brief": brief, "asked": put}).rendered(world, lang))


@settings(max_examples=25)
@given(title=TEXT, brief=TEXT, criteria=MANY, answers=st.dictionaries(TEXT, TEXT, max_size=20), basis=MANY)
def test_any_spec_and_project_is_shown(
    world: World, title: str, brief: str, criteria: list[str], answers: dict[str, str], basis: list[str]
) -> None:
    at = world.clock.now().at
    clean = [re.sub("[\x00\ud800-\udfff]", "", one) for one in (title, brief)]
    with told(world.store) as tx:
        project = the_project(find_project(tx, "parcel-tracker", local("test")))
        tx.save_project(replace(project, title=clean[0]), at)
        newest = tx.spec(project.id)
        number = newest.version + 1 if newest else 1
        ref, env = TemplateRef(STARTER), {name[:50]: "user_secret" for name in answers}
        spec = Spec(
            project.id, number, ref, answers, clean[1], tuple(criteria), env, Proof(), "user:anna", at
        )
        tx.add_spec(spec)
        tx.save_estimate(Estimate(project.id, number, 1.0, 0.5, 2.0, 3.0, 1.0, tuple(basis), at))
    for lang in LANGUAGES:
        for kind in ("estimate", "project", "sure"):
            data = {"project": project.id, "spec": number, "version": project.version + 1, "again": True}
            holds(Case(kind, "any", as_it_is(**data)).rendered(world, lang))


@settings(max_examples=40)
@given(
    title=TEXT,
    cause=st.sampled_from(list(Cause)),
    evidence=st.dictionaries(TEXT, st.one_of(TEXT, MANY), max_size=6),
)
def test_any_incident_is_shown(world: World, title: str, cause: Cause, evidence: dict[str, Any]) -> None:
    home = world.organisation().id
    clean = re.sub("[\x00\ud800-\udfff]", "", title)
    with told(world.store) as tx:
        known = tx.latest_incidents({"hostile"}).get("hostile")
        made = Incident(
            known.id if known else 0, "hostile", cause, Severity.ERROR, clean, NOW, NOW, home, None
        )
        saved = tx.save_incident(replace(made, evidence=evidence))
    for lang in LANGUAGES:
        holds(Case("incident", "any", lambda _world: {"incident": saved.id}).rendered(world, lang))


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://steward.acme.example/x", True),
        ("http://127.0.0.1:8321", False),
        ("http://localhost:8321", False),
        ("http://10.0.0.7/", False),
        ("http://[::1]:80/", False),
        ("http://steward/", False),
        ("http://steward.local/", False),
        ("https://anna:secret@acme.example/", False),
        ("javascript:alert(1)", False),
        ("", False),
    ],
)
def test_only_addresses_of_the_open_web_become_buttons(url: str, public: bool) -> None:
    assert is_public(url) is public


def test_an_unknown_kind_shows_nothing(world: World) -> None:
    chat = Chat(1, ChatKind.PRIVATE, "anna", datetime(2026, 1, 1, tzinfo=UTC))
    assert render(world.app, chat, Post(1, "x", "no such kind", NOW)) is None
