"""What talks end in: a draft with its spec, or an update that is asked for; each in the caller's transaction."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace

from steward.app.building import Building
from steward.app.describing import TEXT_MAX, Wish
from steward.app.errors import Invalid
from steward.app.talking import by_hand, homes_of, lacks_of, lang_of, waiting
from steward.domain.brief import words_of
from steward.domain.dialog import answers_of
from steward.domain.latin import latin
from steward.domain.lifecycle import Refused
from steward.domain.people import Right
from steward.domain.project import Project, free_slug, slug_from
from steward.domain.spec import Template
from steward.domain.status import Status
from steward.domain.talks import Talk
from steward.ports import Reads, Writes

SLUG_MAX = 40
"""Characters of a slug that is made of a title: it is to be said aloud."""


def order_draft(tx: Writes, talk: Talk, template: Template, commands: Building) -> Project:
    """The draft with the spec that the brief comes to, approved where its principal may. Raises Invalid."""
    _must_be_whole(tx, talk)
    project = _draft(tx, talk, commands)
    words = words_of(talk.brief, lang_of(tx, talk))
    wish = Wish(
        template=talk.brief.template,
        answers=answers_of(talk.brief, template),
        brief=words if len(words) <= TEXT_MAX else f"{words[: TEXT_MAX - 1]}…",
        criteria=talk.brief.features,
    )
    commands.store_spec(tx, project, template, wish)
    with suppress(Refused):  # Somebody else approves it: this one may not, or only not what they ordered.
        commands.have_specified(tx, project.id, template)
    return project


def ask_update(tx: Writes, talk: Talk, commands: Building) -> Project:
    """The update of what is live, as the talk says it. Raises Invalid, Refused, Undriven."""
    _must_be_whole(tx, talk)
    words = words_of(talk.brief, lang_of(tx, talk))
    text = words if len(words) <= TEXT_MAX else f"{words[: TEXT_MAX - 1]}…"
    return commands.place_update(tx, talk.project_id or "", text.strip())


def found_draft(tx: Writes, talk: Talk, commands: Building) -> Project:
    """The talk's draft, made where there is none; the talk goes on."""
    if talk.project_id is not None:
        return commands.found(tx, talk.project_id, Right.WRITE)[1]
    project = _draft(tx, talk, commands)
    tx.save_talk(replace(talk, changed_at=commands.clock.now().at, project_id=project.id))
    return project


def slug_of(title: str, talk_id: int) -> str:
    """A slug of a title's words, in Latin letters; of one without any, of the talk's number."""
    words = latin(title)
    if not re.search(r"[a-z0-9]", words):
        return f"draft-{talk_id}"
    slug = slug_from(words, talk_id)
    if len(slug) > SLUG_MAX:
        slug = slug[: SLUG_MAX + 1].rpartition("-")[0] or slug[:SLUG_MAX]
    return slug.strip("-")


def _must_be_whole(tx: Reads, talk: Talk) -> None:
    if waiting(tx.said(talk.id)):
        raise Invalid("not all that was said is in the brief yet", "Wait until the brief is shown anew.")
    lacks = lacks_of(talk)
    if lacks:
        problems = [{"name": name, "words": "this is not said yet", "allowed": []} for name in lacks]
        raise Invalid(f"the brief has no {' and no '.join(lacks)} yet", "Say what is to be built.", problems)


def _draft(tx: Writes, talk: Talk, commands: Building) -> Project:
    title = talk.brief.title
    if talk.project_id is None:
        wanted = slug_of(title, talk.id)
        slug = free_slug(wanted, tx.slugs_like({wanted}))
        return commands.place(tx, slug, _home(tx, talk, commands), title)
    _, project = commands.found(tx, talk.project_id, Right.WRITE)
    if project.status is not Status.DRAFT:
        raise Refused(
            "edge", f"a spec is given to a draft or an update, not to a project that is {project.status}"
        )
    if title and project.title != title:
        project = tx.save_project(replace(project, title=title), commands.clock.now().at)
    return project


def _home(tx: Reads, talk: Talk, commands: Building) -> str | None:
    """The organisation that was chosen, that the chat follows, or the only one; None leaves the refusal to others."""
    chosen = by_hand(tx.said(talk.id)).get("organisation")
    if chosen:
        return chosen
    chat = None if talk.chat_id is None else tx.chat(talk.chat_id)
    if chat is not None and chat.organisation_id is not None:
        return tx.organisation(chat.organisation_id).login
    homes = homes_of(tx, commands.by)
    if len(homes) > 1:
        problem = {"name": "organisation", "words": "in which organisation it is to be", "allowed": homes}
        raise Invalid("several organisations are connected", f"Choose one: {', '.join(homes)}", [problem])
    return homes[0] if homes else None
