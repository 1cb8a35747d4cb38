"""The database, as the application needs it: one consistent view to read, one transaction to write."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from steward.domain.incidents import Incident
from steward.domain.instant import Instant
from steward.domain.journal import Event, Notice, Outgoing
from steward.domain.lifecycle import Move
from steward.domain.project import Look, Organisation, Project, Tracked
from steward.domain.repository import PageMark, Repository
from steward.ports.access import AccessReads, AccessWrites
from steward.ports.attention import AttentionReads
from steward.ports.board import BoardReads
from steward.ports.chats import ChatReads, ChatWrites
from steward.ports.hands import HandReads, HandWrites
from steward.ports.inbox import InboxReads, InboxWrites
from steward.ports.measures import MeasureReads
from steward.ports.readiness import ReadinessReads
from steward.ports.records import RecordReads, RecordWrites
from steward.ports.vault import VaultReads, VaultWrites


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to run the loops. `token` grows with each holder; an older one cannot write any more."""

    name: str
    token: int
    holder: str


@dataclass(frozen=True, slots=True)
class Expected:
    """A repository that provisioning has asked for and that is not recorded yet."""

    project: Project
    name: str
    marker: str


@dataclass(frozen=True, slots=True)
class LookRequest:
    """A look that another process asks the holder of the lease for. `look` is set when it was served."""

    id: int
    organisation_id: int
    asked_by: str
    asked_at: datetime
    look: int | None = None


@dataclass(frozen=True, slots=True)
class NameRecord:
    """One name that a repository has borne. `until` is None for the present one."""

    repository_id: int
    full_name: str
    since: datetime
    until: datetime | None = None


class Reads(
    AccessReads,
    AttentionReads,
    BoardReads,
    ChatReads,
    HandReads,
    InboxReads,
    MeasureReads,
    ReadinessReads,
    RecordReads,
    VaultReads,
    Protocol,
):
    """What can be read in one consistent view."""

    def organisations(self) -> list[Organisation]:
        """All, by login."""
        ...

    def organisation(self, organisation_id: int) -> Organisation: ...

    def digests(self, organisation_id: int) -> dict[int, int | None]:
        """Every recorded repository of it: id -> digest, None where its presence is not `seen`.

        The hot path: one pass over (id, digest), nothing else.
        """
        ...

    def tracked(self, repo_ids: Collection[int]) -> list[Tracked]:
        """The recorded repositories with these ids, of whatever organisation, with their projects."""
        ...

    def absences(self, organisation_id: int, limit: int) -> list[Tracked]:
        """Repositories `absent` whose loss is not concluded and not held, least recently read first."""
        ...

    def unseen(self, organisation_id: int, presences: Collection[str], limit: int) -> list[Tracked]:
        """Repositories in one of these presences, not concluded as lost, by id."""
        ...

    def held(self, organisation_id: int) -> list[Tracked]:
        """Repositories whose loss the mass-loss guard holds, by id."""
        ...

    def presence_counts(self, organisation_id: int) -> dict[tuple[str, str], int]:
        """How many repositories per (visibility, presence), those concluded as lost left out."""
        ...

    def lost_since(self, organisation_id: int, limit: int) -> list[Instant]:
        """The moments at which losses still standing were concluded, newest first, at most `limit`."""
        ...

    def canaries(self, organisation_id: int, visibility: str, limit: int) -> list[int]:
        """Ids of `seen` repositories of that visibility, lowest first."""
        ...

    def marks(self, organisation_id: int) -> list[PageMark]:
        """Page marks of the last applied look, by number."""
        ...

    def page_entries(self, organisation_id: int, numbers: Collection[int]) -> dict[int, dict[int, int]]:
        """Page number -> (id -> digest), as stored with the marks."""
        ...

    def expected(self, organisation_id: int) -> list[Expected]:
        """Projects that wait for a repository with their name and marker."""
        ...

    def namesakes(self, organisation_id: int, names: Collection[str]) -> dict[str, list[Tracked]]:
        """Lower-case name -> recorded repositories of the organisation that bear it or once bore it."""
        ...

    def names(self, repository_id: int) -> list[NameRecord]:
        """Every name it has borne, oldest first."""
        ...

    def slugs_like(self, bases: Collection[str]) -> set[str]:
        """Taken slugs that equal a base or are it with a suffix `-<something>` (more may be returned)."""
        ...

    def project(self, reference: str) -> Tracked | Project | None:
        """Find a project by id, slug, present name or full name, or an earlier name of its repository.

        Tracked where it has a repository, else the bare Project.
        """
        ...

    def slugs(self, project_ids: Collection[str]) -> dict[str, str]:
        """Project id -> slug, of those that exist."""
        ...

    def status_counts(self) -> dict[str, int]:
        """How many projects are in each status."""
        ...

    def near_slugs(self, reference: str, limit: int) -> list[str]:
        """Slugs that resemble a mistyped one, best first."""
        ...

    def events(
        self,
        *,
        after: int = 0,
        before: int | None = None,
        project_id: str | None = None,
        organisation_ids: Collection[int] | None = None,
        kinds: Collection[str] = (),
        actors: Collection[str] = (),
        since: datetime | None = None,
        until: datetime | None = None,
        wide: bool = False,
        limit: int = 100,
    ) -> list[Event]:
        """Published events by position, oldest first; with `before`, the newest ones below it.

        Of these organisations, kinds, actors and times alone, where they are given; an actor that ends in
        ":" means all that begin so. `wide`: those of no project.
        """
        ...

    def last_position(self) -> int:
        """The position of the newest published event; 0 if none."""
        ...

    def incidents(
        self,
        *,
        states: Collection[str] = (),
        project_id: str | None = None,
        organisation_ids: Collection[int] | None = None,
        limit: int | None = None,
        after: tuple[str, int] | None = None,
    ) -> list[Incident]:
        """By severity (worst first), then newest first; of these organisations alone, where they are given.

        The list goes on after the incident `after`, by severity and id.
        """
        ...

    def incident(self, incident_id: int) -> Incident | None: ...

    def latest_incidents(self, keys: Collection[str]) -> dict[str, Incident]:
        """Per key the newest incident with it, resolved or not."""
        ...

    def muted_expired(self, at: datetime) -> list[Incident]:
        """Unresolved incidents whose mute ended at or before `at`."""
        ...

    def looks(self, organisation_id: int, limit: int) -> list[Look]:
        """Newest first."""
        ...

    def look_requests(self) -> list[LookRequest]:
        """Those not served yet, oldest first."""
        ...

    def look_request(self, request_id: int) -> LookRequest | None: ...

    def look(self, look_id: int) -> Look | None: ...

    def outbox_due(self, at: datetime, limit: int) -> list[Outgoing]:
        """Rows that may be tried now, oldest first: not sent, not given up, and `next_at` passed.

        One that is `sending` and due again was claimed by a process that died.
        """
        ...

    def outbox_counts(self) -> dict[str, int]:
        """How many rows per state."""
        ...

    def outbox(self, states: Collection[str], limit: int) -> list[Outgoing]:
        """Rows in these states, newest first."""
        ...

    def setting(self, name: str) -> Any | None:
        """A stored JSON value (never a secret), or None."""
        ...


class Writes(AccessWrites, ChatWrites, HandWrites, InboxWrites, RecordWrites, VaultWrites, Reads, Protocol):
    """One transaction. It commits when its block ends, and leaves nothing behind if the block raises."""

    def add_organisation(self, login: str, server: str) -> Organisation: ...

    def save_organisation(self, organisation: Organisation) -> None:
        """Store every field but `id`."""
        ...

    def begin_look(self, look: Look) -> int:
        """Store a running look; return its id, larger than every earlier one."""
        ...

    def finish_look(self, look: Look) -> None:
        """Store its end. The look's id says which."""
        ...

    def interrupt_looks(self, at: datetime) -> int:
        """End every running look as interrupted, for the holder of the lease that begins; return how many."""
        ...

    def save_repositories(self, repositories: Iterable[Repository], at: datetime) -> int:
        """Insert or update by id, in one set-based statement, and keep the history of names.

        A row whose stored `look` is newer than the given one is left as it is (the fence). Returns how
        many rows were written. Two repositories that swap names do not collide.
        """
        ...

    def add_projects(self, projects: Iterable[Project]) -> None:
        """Insert, set-based. Raises Conflict if a slug is taken."""
        ...

    def move(self, project: Project, move: Move, at: datetime) -> Project:
        """Compare-and-set from `move.before` and `project.version`; return the project as it is now.

        Raises Conflict if status, stack or version differ in the database.
        """
        ...

    def save_project(self, project: Project, at: datetime) -> Project:
        """Compare-and-set on `version` of every facet but status and stack. Raises Conflict."""
        ...

    def append(self, events: Iterable[Event]) -> None: ...

    def enqueue(self, notices: Iterable[Notice], channels: Sequence[str]) -> None:
        """One outbox row per notice and channel; a key that is there already is left as it is."""
        ...

    def save_incident(self, incident: Incident) -> Incident:
        """Insert (id 0) or update; return it with its id."""
        ...

    def save_marks(
        self, organisation_id: int, pages: Mapping[int, tuple[PageMark, Mapping[int, int]]], total: int
    ) -> None:
        """Replace the marks and entries of these pages; drop those with a number above `total`."""
        ...

    def ask_look(self, organisation_id: int, asked_by: str, at: datetime) -> int: ...

    def serve_look_requests(self, ids: Collection[int], look: int) -> None: ...

    def save_outgoing(self, outgoing: Outgoing) -> None:
        """Store state, attempts, next_at and error of a row, by key."""
        ...

    def set_setting(self, name: str, value: Any) -> None: ...

    def prune(self, looks_before: datetime) -> int:
        """Delete looks that changed nothing and outbox rows sent before then; return how many."""
        ...


class Store(Protocol):
    """The database. Methods may raise StoreUnavailable; opening it, SchemaMismatch."""

    def reading(self) -> AbstractContextManager[Reads]:
        """A consistent read-only view."""
        ...

    def writing(self, lease: Lease | None = None) -> AbstractContextManager[Writes]:
        """A write transaction (on SQLite BEGIN IMMEDIATE). With a lease, LeaseLost if it is not current."""
        ...

    def acquire(self, name: str, holder: str) -> Lease | None:
        """Take a lease without waiting; None if another process holds it. Kept until released or death."""
        ...

    def release(self, lease: Lease) -> None: ...

    def holder(self, name: str) -> str | None:
        """Who holds it now, as it named itself; None if nobody."""
        ...

    def publish(self) -> int:
        """Give committed events their positions, in order, under a lock; return how many."""
        ...

    def close(self) -> None: ...
