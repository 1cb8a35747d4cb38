"""What a person may do in talks: say, correct, answer, set by hand, order, ask for an update, or give it up.

Each call is one transaction. What is said is stored as it was said; the brief follows from it (`app.folding`), so a
message that arrives twice, or is handled again after a kill, changes nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, TypeAlias

from steward.app.building import Building
from steward.app.describing import Wish
from steward.app.errors import Forbidden, Invalid, Stale, Unknown
from steward.app.filing import told
from steward.app.parts import Parts
from steward.app.talking import SET, asked_of, talk_view, want_card
from steward.app.talking_by_hand import read_parts, set_parts
from steward.app.talking_ends import ask_update, found_draft, order_draft
from steward.app.talking_meant import meant_projects
from steward.app.views import Json
from steward.domain.brief import LINE_MAX, Brief
from steward.domain.dialog import MORE, SKIP, is_ours
from steward.domain.lifecycle import Refused
from steward.domain.pasted import secrets_in
from steward.domain.people import Principal, Right
from steward.domain.project import Project
from steward.domain.talks import MESSAGES_MAX, SAID_MAX, Purpose, Said, Talk, TalkState
from steward.ports import Conflict, Reads, Writes

Jsons: TypeAlias = list[Json]
TRIES: Final = 5
"""How often a change is tried anew that met another one of the same talk."""
RECENT: Final = 10
"""Talks of a person in which a message is looked for that arrived again."""


@dataclass(frozen=True, slots=True)
class Talks:
    """The talks of one principal. Each call may raise Forbidden, Unknown, Invalid, Stale; a talk of others is Unknown.

    `version` is the talk's as it was shown to whoever asks: where it has changed since, Stale is raised.
    """

    parts: Parts
    by: Principal
    commands: Building

    @property
    def me(self) -> str:
        """Whose talks these are: the user's name, or who acts on this machine."""
        return self.by.user.name if self.by.user else self.by.actor

    def open(
        self,
        key: str,
        *,
        purpose: str = Purpose.NEW,
        project: str | None = None,
        chat_id: int | None = None,
        thread_id: int = 0,
    ) -> Json:
        """Begin a talk, once per key. In a chat, one that is open there for the same is gone on with.

        An update names its `project`, of which something is live. Raises Refused.
        """
        wanted = Purpose(purpose)

        def act(tx: Writes) -> Talk:
            known = self._known(tx, key, chat_id)
            if known is not None:
                return known
            project_id = None if wanted is Purpose.NEW else self._live(tx, project).id
            going = None if chat_id is None else tx.open_talk(self.me, chat_id)
            if (
                going is not None
                and going.purpose is wanted
                and (wanted is Purpose.NEW or going.project_id == project_id)
            ):
                return going
            at = self._now
            brief = Brief(template=self.parts.talk_templates[0])
            made = Talk(
                0, key, self.me, at, at, wanted, TalkState.OPEN, brief, (), project_id, chat_id, thread_id
            )
            talk = tx.add_talk(made)
            want_card(tx, talk, at, down=True)
            return talk

        return self._change(act)

    def say(self, talk_id: int, key: str, text: str, *, forwarded: bool = False, answers: str = "") -> Json:
        """Say something, once per key. `answers` names the question that it answers; none: the dialog's last.

        Raises Invalid for a message that is empty, too long, one too many, or holds a secret.
        """
        text = _sayable(text)
        if answers.startswith((SKIP, SET)):
            raise Invalid("no question has that name", "Answer one that is asked.")

        def act(tx: Writes) -> Talk:
            talk = self._own(tx, talk_id)
            rows = tx.said(talk.id)
            if any(row.key == key for row in rows):
                return talk
            _must_be_open(talk)
            if len(rows) >= MESSAGES_MAX:
                raise Invalid(
                    f"a talk has at most {MESSAGES_MAX} messages",
                    "Order what there is, or begin another talk.",
                )
            last = next((name for name in reversed(talk.asked) if is_ours(name)), "")
            named = (answers or last)[:LINE_MAX]
            tx.say(Said(talk.id, key, self._now, text, forwarded, named))
            return self._changed(tx, talk, down=True)

        return self._change(act)

    def correct(self, key: str, text: str) -> Json | None:
        """What was said by that key reads so now; the brief is made anew from all. None: no open talk has it."""
        text = _sayable(text)
        with self.parts.store.reading() as view:
            talk_id = self._holding(view, key)
        if talk_id is None:
            return None

        def act(tx: Writes) -> Talk:
            talk = self._own(tx, talk_id)
            _must_be_open(talk)
            rows = tx.said(talk.id)
            if all(row.text == text for row in rows if row.key == key):
                return talk
            for row in rows:
                if row.key == key:
                    tx.say(replace(row, text=text, folded=False, edited_at=self._now))
                elif not row.answers.startswith(SET):
                    tx.say(replace(row, folded=False))
            return self._changed(tx, talk, brief=Brief(template=talk.brief.template), asked=())

        return self._change(act)

    def pick(self, talk_id: int, version: int, index: int) -> Json:
        """Answer with a choice: its place among the choices of all that is asked, from 0, in their order."""
        key = f"pick:{version}"
        self.show(talk_id)  # So that the template is known before anything is locked.

        def act(tx: Writes) -> Talk:
            talk = self._own(tx, talk_id)
            rows = tx.said(talk.id)
            if any(row.key == key for row in rows):
                return talk
            _fresh(talk, version)
            asked = asked_of(tx, talk, self.parts, self.by, rows)
            choices = [(one.name, choice) for one in asked for choice in one.choices]
            if not 0 <= index < len(choices):
                raise Invalid("there is no such choice", "Choose one of those that are shown.")
            name, choice = choices[index]
            if is_ours(name) and name in ("organisation", "template"):
                return self._set(tx, talk, {name: choice})
            tx.say(Said(talk.id, key, self._now, choice, answers=name))
            return self._changed(tx, talk)

        return self._change(act)

    def skip(self, talk_id: int, version: int) -> Json:
        """Leave out what is asked; it is not asked again."""

        def act(tx: Writes) -> Talk:
            talk = self._own(tx, talk_id)
            if any(row.key == f"skip:{version}:0" for row in tx.said(talk.id)):
                return talk
            _fresh(talk, version)
            asked = [name for name in talk.asked if name != MORE]
            if not asked:
                raise Invalid("nothing is asked", "Say what you want, or order it.")
            for place, name in enumerate(asked):
                tx.say(Said(talk.id, f"skip:{version}:{place}", self._now, "", answers=SKIP + name))
            return self._changed(tx, talk)

        return self._change(act)

    def edit(self, talk_id: int, version: int, parts: Mapping[str, Any]) -> Json:
        """Set parts of the brief by hand; they stand until somebody says otherwise.

        Texts: title, goal, users. Lists, or texts with a line for each: features, out_of_scope, questions. Besides:
        answers (a mapping; "" takes one away), template, organisation.
        """
        given = read_parts(parts, self.parts.talk_templates)
        for text in given.values():
            _no_secret(text)

        def act(tx: Writes) -> Talk:
            talk = self._own(tx, talk_id)
            known = {
                row.answers.removeprefix(SET): row.text for row in tx.said(talk.id) if row.key.startswith(SET)
            }
            if talk.state is TalkState.OPEN and given.items() <= known.items() and talk.version != version:
                return talk
            _fresh(talk, version)
            return self._set(tx, talk, given)

        return self._change(act)

    def drop(self, talk_id: int, version: int) -> Json:
        """Give the talk up; what it had become, a draft or nothing, stays."""

        def act(tx: Writes) -> Talk:
            talk = self._own(tx, talk_id)
            if talk.state is TalkState.DROPPED:
                return talk
            _fresh(talk, version)
            return self._changed(tx, talk, state=TalkState.DROPPED, asked=())

        return self._change(act)

    def order(self, talk_id: int, version: int) -> Json:
        """Have the brief ordered: a draft with its spec, and the talk's end; approved where this principal may.

        Ordered again, it is shown as it was ordered. Raises Invalid with the problems in words (nothing has ended
        then), Refused, Undriven.
        """
        return self._end(talk_id, version, Purpose.NEW)

    def ask(self, talk_id: int, version: int) -> Json:
        """Ask for the update that was talked about, which ends the talk. Raises Invalid, Refused, Undriven."""
        return self._end(talk_id, version, Purpose.UPDATE)

    def found_draft(self, tx: Writes, talk: Talk) -> Project:
        """The draft of a talk that goes on, made where there is none yet: values are kept for it, say."""
        return found_draft(tx, talk, self.commands)

    def show(self, talk_id: int) -> Json:
        """One talk."""
        with self.parts.store.reading() as view:
            return talk_view(view, self._own(view, talk_id), self.parts, self.by)

    def about(self, project_id: str) -> int | None:
        """The number of one's newest talk about a project; None where there is none."""
        with self.parts.store.reading() as view:
            talk = view.talk_about(project_id)
        return talk.id if talk is not None and talk.user == self.me else None

    def which(self, text: str) -> Jsons:
        """The live projects that a text may mean, best first: `{project, slug, title, score, sure}`.

        `sure` is one that stands clearly out. Where none is meant by its name, all are proposed, up to eight.
        """
        return meant_projects(self.parts.store, self.by, text)

    def list(self, limit: int = 50) -> Jsons:
        """One's talks, newest change first."""
        with self.parts.store.reading() as view:
            return [talk_view(view, talk, self.parts, self.by) for talk in view.talks(self.me, limit=limit)]

    @property
    def _now(self) -> datetime:
        return self.parts.clock.now().at

    def _change(self, act: Callable[[Writes], Talk]) -> Json:
        """Do that in one transaction, anew where somebody else changed the talk in the meantime."""
        if not self.by.may_somewhere(Right.WRITE):
            raise Forbidden(Right.WRITE, self.by.actor)
        for left in range(TRIES, -1, -1):
            try:
                with told(self.parts.store) as tx:
                    talk_id = act(tx).id
                return self.show(talk_id)
            except Conflict:
                if not left:
                    raise
        raise AssertionError("the last try returns or raises")

    def _end(self, talk_id: int, version: int, purpose: Purpose) -> Json:
        with self.parts.store.reading() as view:
            talk = self._own(view, talk_id)
        if talk.purpose is not purpose:
            raise Invalid("this talk ends otherwise", "Order what is new; ask for an update of what is live.")
        if talk.state is TalkState.DONE:
            return self.show(talk_id)
        self.commands.driven()
        template = None
        if purpose is Purpose.NEW:
            # Read before anything is locked: it may have to be fetched.
            template = self.commands.read_template(Wish(template=talk.brief.template))

        def act(tx: Writes) -> Talk:
            talk = self._own(tx, talk_id)
            if talk.state is TalkState.DONE:
                return talk
            _fresh(talk, version)
            if template is None:
                project = ask_update(tx, talk, self.commands)
            else:
                project = order_draft(tx, talk, template, self.commands)
            return self._changed(tx, talk, state=TalkState.DONE, asked=(), project_id=project.id)

        return self._change(act)

    def _own(self, view: Reads, talk_id: int) -> Talk:
        talk = view.talk(talk_id)
        if talk is None or talk.user != self.me:
            raise Unknown("talk", str(talk_id))
        return talk

    def _known(self, tx: Writes, key: str, chat_id: int | None) -> Talk | None:
        """The talk that was opened by that key, or in which that message was said already."""
        talk = tx.talk_by_key(key)
        if talk is not None:
            return self._own(tx, talk.id)
        if chat_id is None:
            return None
        recent = (one for one in tx.talks(self.me, limit=RECENT) if one.chat_id == chat_id)
        return next((one for one in recent if any(row.key == key for row in tx.said(one.id))), None)

    def _holding(self, view: Reads, key: str) -> int | None:
        """The open talk in which something was said by that key."""
        going = view.talks(self.me, [TalkState.OPEN.value])
        return next((one.id for one in going if any(row.key == key for row in view.said(one.id))), None)

    def _live(self, tx: Writes, reference: str | None) -> Project:
        if reference is None:
            raise Invalid("an update is of a project", "Say which one.")
        _, project = self.commands.found(tx, reference, Right.WRITE)
        if project.live is None:
            raise Refused("edge", "an update changes what is live; nothing of this project is")
        return project

    def _set(self, tx: Writes, talk: Talk, given: Mapping[str, str]) -> Talk:
        return self._changed(tx, talk, **set_parts(tx, talk, given, self.parts, self._now))

    def _changed(self, tx: Writes, talk: Talk, *, down: bool = False, **what: Any) -> Talk:
        at = self._now
        saved = tx.save_talk(replace(talk, changed_at=at, **what))
        want_card(tx, saved, at, down=down)
        return saved


def _fresh(talk: Talk, version: int) -> None:
    if talk.version != version:
        raise Stale(f"the talk {talk.id}", version, talk.version)
    _must_be_open(talk)


def _must_be_open(talk: Talk) -> None:
    if talk.state is not TalkState.OPEN:
        raise Invalid("this talk is over", "Begin another one.")


def _sayable(text: str) -> str:
    """A message as it is kept. Raises Invalid."""
    text = text.replace("\0", "").encode("utf-8", "replace").decode().strip()
    if not text:
        raise Invalid("nothing was said", "Say what you want, in words.")
    if len(text) > SAID_MAX:
        raise Invalid(f"a message has at most {SAID_MAX} characters", "Say it in several.")
    _no_secret(text)
    return text


def _no_secret(text: str) -> None:
    """Raise Invalid for a text that holds one: the last fence; faces take them out before."""
    names: Sequence[str] = list(dict.fromkeys(one.name for one in secrets_in(text)))
    if names:
        problems = [{"name": name, "words": "a secret", "allowed": []} for name in names]
        raise Invalid("the text holds a secret", "Give it on the web page that is made for that.", problems)
