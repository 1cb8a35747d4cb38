"""Follows the history, and has chats show what is news there: cards, gates, estimates, releases, incidents.

Posts are wanted in the transaction that says how far the history was followed, so that a repeat after a crash
doubles nothing. What it costs grows with the events and the chats that are told, not with all that there is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from steward.app.parts import Parts
from steward.app.policy import Policy
from steward.app.posting import want
from steward.app.queries import the_project
from steward.domain.chats import Chat, ChatKind, Post
from steward.domain.following import ASKED, About, Subject, decides, hears, subjects
from steward.domain.incidents import Severity, is_muted
from steward.domain.operations import Operation
from steward.domain.people import Principal, rights_of
from steward.domain.project import Management, Project
from steward.domain.status import Status
from steward.ports import Lease, Writes

FOLLOW_S: Final = 0.5
BATCH: Final = 200
PROGRESS_S: Final = 20.0
"""How often the cards of what runs are drawn anew, if it went on."""
QUESTIONS: Final = (About.GATE, "sure", "pause", "rollback")
"""The kinds of posts that ask a person something about a project of a certain version."""
GATES_BACK: Final = 16
"""Versions of a project whose questions are looked for, to be drawn as settled."""
SPECS_BACK: Final = 4

Far = tuple[int, str, int, str]


@dataclass(slots=True)
class Following:
    """The loop. A chat is told of what happens from the moment on at which it was connected."""

    parts: Parts
    lease: Lease | None = None
    _far: dict[str, Far] = field(default_factory=dict)
    _looked_at: datetime | None = None

    def tick(self) -> float:
        """Follow the next events; return the seconds until the next tick."""
        store = self.parts.store
        with store.reading() as view:
            behind = view.followed() != view.last_position()
        if behind:
            with store.writing(self.lease) as tx:
                if self._follow(tx) == BATCH:
                    return 0.0
        self._progress()
        return FOLLOW_S

    def _follow(self, tx: Writes) -> int:
        """Want what the next events are news of; return how many they are."""
        chats = [chat for chat in tx.chats() if chat.blocked_at is None]
        if not chats:
            # Nobody to tell: whoever comes later begins at then.
            tx.follow_to(tx.last_position())
            return 0
        events = tx.events(after=tx.followed(), limit=BATCH)
        hall = Hall(tx, chats, self.parts.policy, self.parts.clock.now().at, self.parts.templates is not None)
        for subject in subjects(events):
            hall.tell(subject)
        tx.follow_to(events[-1].position if events else tx.last_position())
        return len(events)

    def _progress(self) -> None:
        """Have the cards of running operations drawn anew where they went on: steps are no events."""
        now, store = self.parts.clock.now().at, self.parts.store
        if self._looked_at is not None and 0 <= (now - self._looked_at).total_seconds() < PROGRESS_S:
            return
        self._looked_at = now
        with store.reading() as view:
            running = {one.project_id: _far(one) for one in view.open_operations()}
            gone_on = [key for key, far in running.items() if self._far.get(key) != far]
            shown = view.posts_about([card_key(key) for key in gone_on]) if gone_on else []
        if shown:
            with store.writing(self.lease) as tx:
                for post in tx.posts_about([post.key for post in shown]):
                    _again(tx, post, now)
        self._far = running


def _far(operation: Operation) -> Far:
    progress = operation.progress
    return operation.attempt, str(operation.state), progress.number, progress.text


def card_key(project_id: str) -> str:
    """The key of a project's one living card in a chat."""
    return f"{About.PROJECT}:{project_id}"


def _again(tx: Writes, post: Post, at: datetime) -> None:
    """Have a post drawn anew as it is."""
    want(tx, Post(post.chat_id, post.key, post.kind, at, post.data, thread_id=post.thread_id))


class Hall:
    """The chats, and what is told in each of one batch of events."""

    def __init__(self, tx: Writes, chats: Iterable[Chat], policy: Policy, at: datetime, builds: bool) -> None:
        self._tx, self._policy, self._at, self._builds = tx, policy, at, builds
        self._chats = {chat.id: chat for chat in chats}
        self._people: dict[str, Principal | None] = {}

    def tell(self, subject: Subject) -> None:
        """Want the posts about it, in the chats that it concerns, as things stand now."""
        if subject.about is About.INCIDENT:
            self._incident(subject)
            return
        found = self._tx.project(subject.ref)
        if found is None:
            return
        project = the_project(found)
        tell = {
            About.PROJECT: self._card,
            About.GATE: self._gate,
            About.ESTIMATE: self._estimate,
            About.LIVE: self._live,
        }
        tell[subject.about](subject, project)

    def _card(self, subject: Subject, project: Project) -> None:
        """The living card, and the questions of before, which are drawn as they stand now."""
        key = card_key(project.id)
        there = {post.chat_id for post in self._tx.posts_about([key])}
        for chat in self._concerned(project, subject.at, there):
            self._want(chat, key, About.PROJECT, project=project.id)
        newest = self._tx.spec(project.id)
        asked = range(project.version - GATES_BACK + 1, project.version + 1)
        earlier = [f"{kind}:{project.id}:{version}" for kind in QUESTIONS for version in asked]
        if newest is not None:
            earlier += [f"estimate:{project.id}:{newest.version - back}" for back in range(SPECS_BACK)]
        for post in self._tx.posts_about(earlier):
            if post.chat_id in self._chats:
                _again(self._tx, post, self._at)

    def _gate(self, subject: Subject, project: Project) -> None:
        if project.status != subject.detail or not self._is_asked(project):
            return
        key = f"gate:{project.id}:{project.version}"
        data: dict[str, Any] = {
            "project": project.id,
            "version": project.version,
            "status": project.status.value,
        }
        for chat in self._deciding(subject, project):
            self._want(chat, key, About.GATE, **data)

    def _is_asked(self, project: Project) -> bool:
        """Whether it waits for a person indeed: nothing runs, and the road does not lead on by itself."""
        if project.status not in ASKED or not self._builds:
            return False
        if project.status is Status.VERIFIED and not self._policy.deploy_asks:
            return False
        return self._tx.open_operation(project.id) is None

    def _estimate(self, subject: Subject, project: Project) -> None:
        newest = self._tx.spec(project.id)
        if project.status is not Status.ESTIMATED or newest is None:
            return
        key = f"estimate:{project.id}:{newest.version}"
        for chat in self._deciding(subject, project):
            self._want(chat, key, About.ESTIMATE, project=project.id, spec=newest.version)

    def _live(self, subject: Subject, project: Project) -> None:
        if project.live is None or str(project.live.get("release")) != subject.detail:
            return
        there = {post.chat_id for post in self._tx.posts_about([card_key(project.id)])}
        for chat in self._concerned(project, subject.at, there):
            key = f"live:{project.id}:{subject.detail}"
            self._want(chat, key, About.LIVE, project=project.id, release=int(subject.detail))

    def _incident(self, subject: Subject) -> None:
        incident = self._tx.incident(int(subject.ref))
        if incident is None or incident.severity == Severity.INFO:
            return
        key, urgent = f"incident:{incident.id}", incident.severity == Severity.CRITICAL
        there = {post.chat_id for post in self._tx.posts_about([key])}
        opens = subject.fresh and incident.state == "open" and not is_muted(incident, self._at)
        for chat, by in self._from(subject.at):
            if hears(chat, by, incident.organisation_id) and (chat.id in there or opens):
                self._want(chat, key, About.INCIDENT, urgent=urgent, incident=incident.id)

    def _from(self, at: datetime) -> Iterable[tuple[Chat, Principal]]:
        """The chats that were connected by then, each with whoever reads there."""
        for chat in self._chats.values():
            by = self._person(chat.user)
            if by is not None and chat.joined_at <= at:
                yield chat, by

    def _person(self, name: str) -> Principal | None:
        if name not in self._people:
            user = self._tx.user(name)
            gone = user is None or user.disabled_at is not None
            self._people[name] = (
                None
                if gone or user is None
                else Principal(f"user:{name}", MappingProxyType(rights_of(user.grants)), user)
            )
        return self._people[name]

    def _concerned(self, project: Project, at: datetime, there: set[int]) -> Iterable[Chat]:
        """Chats that show it already, those of whoever ordered it, and groups that follow what is driven there."""
        orderer, talk = self._tx.orderer(project.id), self._tx.talk_about(project.id)
        for chat, by in self._from(at):
            if not hears(chat, by, project.organisation_id):
                continue
            own = chat.kind is ChatKind.PRIVATE and by.actor == orderer
            talked = talk is not None and talk.chat_id == chat.id
            follows = chat.kind is ChatKind.GROUP and project.management is Management.DRIVE
            if chat.id in there or own or talked or follows:
                yield chat

    def _deciding(self, subject: Subject, project: Project) -> Iterable[Chat]:
        """Chats of those who may give the word, groups that follow it, and whoever ordered it, to know who must."""
        home, orderer = project.organisation_id, self._tx.orderer(project.id)
        for chat, by in self._from(subject.at):
            if not hears(chat, by, home):
                continue
            # Whoever presses in a group is somebody of their own: its connector's rights say nothing of that.
            if chat.kind is ChatKind.GROUP or by.actor == orderer or decides(by, home, project.status):
                yield chat

    def _want(self, chat: Chat, key: str, about: About, *, urgent: bool = False, **data: Any) -> None:
        post = Post(chat.id, key, about.value, self._at, data, thread_id=chat.thread_id, urgent=urgent)
        want(self._tx, post)
