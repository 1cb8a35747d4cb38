"""What is rendered for the golden files: every kind of post, each in the states that people meet."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from steward.app.policy import Policy
from steward.domain.chats import Chat, ChatKind, Post, Rendered
from steward.domain.people import Principal, rights_of
from steward.faces.telegram.cards import render
from steward.faces.telegram.cards_talk import talk_page
from steward.faces.telegram.desk import Desk
from steward.faces.words import speaking
from steward.testing.showcase import NOW
from steward.testing.world import World

Json = dict[str, Any]
PUBLIC: Final = "https://steward.acme.example"
NONE: Final[Mapping[str, Any]] = MappingProxyType({})
GOLDEN: Final = Path(__file__).parent / "golden"


@dataclass(frozen=True, slots=True)
class Case:
    """One post of one kind. `data` is given the world; `talk` stands for the view of a talk."""

    kind: str
    name: str
    data: Callable[[World], Mapping[str, Any]] = lambda _world: NONE
    user: str = "anna"
    talk: Json | None = None
    public_url: str = PUBLIC
    chat: Mapping[str, Any] = field(default_factory=dict)
    post: Mapping[str, Any] = field(default_factory=dict)
    policy: Policy = field(default=Policy(budget_usd=60.0))

    @property
    def id(self) -> str:
        """The name of its file."""
        return f"{self.kind}-{self.name}"

    def rendered(self, world: World, lang: str) -> Rendered | None:
        """What it says in that language."""
        known: Json = {"lang": lang, "zone": "Europe/Moscow", **self.chat}
        chat = Chat(100, known.pop("kind", ChatKind.PRIVATE), self.user, NOW - timedelta(days=1), **known)
        post = Post(100, f"{self.kind}:1", self.kind, NOW, dict(self.data(world)), **self.post)
        app = replace(world.app, policy=self.policy)
        if self.talk is None:
            return render(app, chat, post, self.public_url)
        with world.store.reading() as view:
            user = view.user(self.user)
        assert user is not None
        by = Principal(f"user:{user.name}", rights_of(user.grants), user)
        with speaking(lang):
            return talk_page(Desk(app, chat, post, by, self.public_url), self.talk)


def readable(shown: Rendered | None, world: World) -> str:
    """A card as a golden file has it: its text, then its buttons, a row a line; ids of projects by their slugs."""
    if shown is None:
        return "(nothing)\n"
    rows = ["  ".join(f"[{b.text}]({b.url or b.data})" for b in row) for row in shown.buttons]
    text = "\n".join([shown.text, *(["", "---", *rows] if rows else [])]) + "\n"
    for project in world.projects():
        text = text.replace(project.id, f"<{project.slug}>")
    return text


def _project(world: World, slug: str) -> Any:
    return next(one for one in world.projects() if one.slug == slug)


def _of(slug: str, world: World, **more: Any) -> Json:
    project = _project(world, slug)
    return {"project": project.id, **more}


def _as_of(slug: str, world: World, **more: Any) -> Json:
    project = _project(world, slug)
    return {"project": project.id, "version": project.version, **more}


def _incident(cause: str, world: World) -> Json:
    return {"incident": next(one["id"] for one in world.incidents() if one["cause"] == cause)}


def of(slug: str, **more: Any) -> Callable[[World], Json]:
    """The data of a post about a project."""
    return lambda world: _of(slug, world, **more)


def as_of(slug: str, **more: Any) -> Callable[[World], Json]:
    """The same, for the version that it is of now."""
    return lambda world: _as_of(slug, world, **more)


def about(cause: str) -> Callable[[World], Json]:
    """The data of a post about an incident of that cause."""
    return partial(_incident, cause)


def given(**data: Any) -> Callable[[World], Json]:
    """Data as it is."""
    return lambda _world: data


def talked(key: str) -> Callable[[World], Json]:
    """The data of a post about a talk of the furnished installation."""

    def found(world: World) -> Json:
        with world.store.reading() as view:
            talk = view.talk_by_key(f"showcase:{key}")
        assert talk is not None
        return {"talk": talk.id}

    return found


BRIEF: Final[Json] = {
    "title": "Book a dentist",
    "goal": "Patients book a visit themselves, at night too.\nNobody calls the reception any more.",
    "users": "Patients of a small clinic; two people at the reception.",
    "features": ["Choose a doctor and a free hour", "A reminder a day before", "Cancel by one tap <3"],
    "out_of_scope": ["Payments"],
    "questions": ["How many doctors are there?", "Which language is the site in?"],
    "template": "starter",
    "answers": {"accent": "teal"},
}
EMPTY: Final[Json] = {
    "title": "",
    "goal": "",
    "users": "",
    "features": [],
    "out_of_scope": [],
    "questions": [],
    "template": "starter",
    "answers": {},
}
TALK: Final[Json] = {
    "id": 7,
    "purpose": "new",
    "state": "open",
    "version": 12,
    "brief": BRIEF,
    "asked": [],
    "lacks": [],
    "waiting": 0,
    "project": None,
    "chat": 100,
}
COLOUR: Final[Json] = {
    "name": "accent",
    "words": "Which colour suits it?",
    "choices": ["indigo", "teal", "rose"],
}
DOCTORS: Final[Json] = {"name": "", "words": "How many doctors are there?", "choices": []}
GROUP: Final[Json] = {"kind": ChatKind.GROUP}
HOME: Final[Json] = {
    "name": "organisation",
    "words": "In which organisation is it to be?",
    "choices": ["acme", "northwind"],
}
LOCAL: Final = "http://127.0.0.1:8321"

CHAT: Final = (
    Case("said", "linked", given(text_key="linked", values={"name": "anna"})),
    Case("said", "refused", given(text_key="refused", values={"reason": "Name another file.", "advice": ""})),
    Case("said", "unknown", given(text_key="unknown_command", values={"near": "/projects"})),
    Case("said", "too_long", given(text_key="too_long", values={"limit": 10_000})),
    Case("said", "hostile", given(text_key="ordered", values={"title": "<b>x</b> & 'y'"})),
    Case("said", "again", given(text_key="linked", values={"name": "anna"}, again=True)),
    Case("said", "stranger", given(text_key="stranger"), user="nobody"),
    Case("help", "private"),
    Case("help", "group", chat=GROUP),
    Case("lang", "now"),
    Case("mute", "off"),
    Case("mute", "on", chat={"muted_until": NOW + timedelta(hours=1), "quiet": "22:00-08:00"}),
    Case("form", "public", given(url="/give/stf_abc")),
    Case("form", "local", given(url="/give/stf_abc"), public_url=LOCAL),
)
TALKS: Final = (
    Case("brief", "empty", talk={**TALK, "brief": EMPTY, "lacks": ["title", "goal"], "version": 1}),
    Case("brief", "asking", talk={**TALK, "asked": [COLOUR, DOCTORS]}),
    Case("brief", "choosing", talk={**TALK, "asked": [COLOUR, HOME]}),
    Case("brief", "thinking", talk={**TALK, "waiting": 2}),
    Case("brief", "ready", given(note="calls"), talk={**TALK, "brief": {**BRIEF, "questions": []}}),
    Case("brief", "local", talk=TALK, public_url=LOCAL),
    Case("brief", "dropped", talk={**TALK, "state": "dropped"}),
    Case("brief", "problem", talk={**TALK, "problem": "unreachable"}),
    Case("brief", "ordered", talk={**TALK, "state": "done", "project": "loyalty-bot"}),
    Case("brief", "dialog", talked("3")),
    Case("brief", "russian", talked("6")),
    Case("brief", "of-another", talked("1")),
    Case("update", "dialog", talked("4")),
    Case(
        "update",
        "ready",
        talk={
            **TALK,
            "purpose": "update",
            "project": "shop-front",
            "brief": {**EMPTY, "title": "Payments", "goal": "Pay by card at once."},
        },
    ),
    Case(
        "which",
        "two",
        lambda world: {
            "text_key": "which_update",
            "talk": 7,
            "projects": [_project(world, slug).id for slug in ("shop-front", "wholesale", "price-list")],
        },
    ),
)
PROJECTS: Final = (
    Case("project", "implementing", of("event-tickets")),
    Case("project", "implementing-viewer", of("event-tickets"), user="vera"),
    Case("project", "live", of("shop-front")),
    Case("project", "live-group", of("shop-front"), chat=GROUP),
    Case("project", "error", of("delivery-map")),
    Case("project", "held", of("theatre-seats")),
    Case("project", "paused", of("school-portal")),
    Case("project", "draft", of("loyalty-bot")),
    Case("project", "estimated", of("parcel-tracker")),
    Case("project", "estimated-own", of("parcel-tracker"), policy=Policy(four_eyes=True)),
    Case("project", "maintenance", of("wholesale")),
    Case("project", "waiting", of("menu-editor")),
    Case("project", "verified", of("price-watch")),
    Case("project", "missing", of("partner-api")),
    Case("project", "hostile", of("legacy-landing")),
    Case("project", "local", of("shop-front"), public_url=LOCAL),
    Case("project", "unseen", of("shop-front"), user="guest"),
    Case("gate", "draft", as_of("loyalty-bot", status="draft")),
    Case("gate", "draft-viewer", as_of("loyalty-bot", status="draft"), user="vera"),
    Case("gate", "update", as_of("wholesale", status="maintenance")),
    Case("gate", "deploy", as_of("price-watch", status="verified")),
    Case("gate", "settled", as_of("event-tickets", status="draft"), post={"message_id": 5}),
    Case("gate", "settled-unseen", as_of("event-tickets", status="draft")),
    Case("live", "serves", of("shop-front", release=2)),
    Case("live", "superseded", of("shop-front", release=1)),
    Case("rollback", "asks", as_of("shop-front")),
    Case("rollback", "stale", of("shop-front", version=1)),
    Case("pause", "asks", as_of("event-tickets")),
    Case("pause", "paused", as_of("school-portal")),
    Case("pause", "stale", of("event-tickets", version=1)),
    Case("now", "running", of("event-tickets")),
    Case("now", "waiting", of("menu-editor")),
    Case("now", "queued", of("fleet-telemetry")),
    Case("now", "failed", of("delivery-map")),
    Case("now", "rests", of("shop-front")),
)
SPECS: Final = (
    Case("estimate", "open", of("parcel-tracker", spec=1)),
    Case("estimate", "viewer", of("parcel-tracker", spec=1), user="vera"),
    Case("estimate", "own", of("parcel-tracker", spec=1), policy=Policy(four_eyes=True)),
    Case("estimate", "changed", of("loyalty-bot", spec=2)),
    Case("estimate", "old", of("loyalty-bot", spec=1)),
    Case("estimate", "settled", of("event-tickets", spec=1)),
    Case("sure", "asks", as_of("parcel-tracker")),
    Case("sure", "no-limit", as_of("parcel-tracker"), policy=Policy()),
    Case("sure", "stale", of("parcel-tracker", version=1)),
    Case("sure", "said", of("event-tickets", version=1)),
)
INCIDENTS: Final = (
    *(
        Case("incident", cause, about(cause))
        for cause in (
            "missing",
            "transferred",
            "inaccessible",
            "blocked",
            "mass_loss",
            "archived_on_github",
            "look_failed",
            "foreign_change",
        )
    ),
    Case("incident", "viewer", about("missing"), user="vera"),
    Case("incident", "local", about("missing"), public_url=LOCAL),
)
LISTS: Final = (
    Case("projects", "first"),
    Case("projects", "second", given(page=2)),
    Case("projects", "found", given(q="shop")),
    Case("projects", "none", given(q="nothing like it")),
    Case("waiting", "some"),
    Case("waiting", "none", user="vera"),
    Case("incidents", "some"),
    Case("incidents", "unseen", user="guest"),
    Case("status", "admin"),
    Case("status", "viewer", user="vera"),
)
CASES: Final = (*CHAT, *TALKS, *PROJECTS, *SPECS, *INCIDENTS, *LISTS)
