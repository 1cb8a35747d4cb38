"""What happened, in the past tense. Events are only ever added."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final


class Kind(StrEnum):
    """The kinds of event that Steward itself writes. A kind from elsewhere is kept as plain text."""

    PROJECT_ORDERED = "project.ordered"
    PROJECT_MOVED = "project.moved"
    PROJECT_CHANGED = "project.changed"
    PROJECT_RELINKED = "project.relinked"
    REPOSITORY_BORN = "repository.born"
    REPOSITORY_RENAMED = "repository.renamed"
    REPOSITORY_CHANGED = "repository.changed"
    REPOSITORY_PUSHED = "repository.pushed"
    REPOSITORY_ABSENT = "repository.absent"
    REPOSITORY_LOST = "repository.lost"
    REPOSITORY_SEEN_AGAIN = "repository.seen_again"
    REPOSITORY_INACCESSIBLE = "repository.inaccessible"
    REPOSITORY_BLOCKED = "repository.blocked"
    REPOSITORY_MOVED_HERE = "repository.moved_here"
    ORGANISATION_CONNECTED = "organisation.connected"
    ORGANISATION_IMPORTED = "organisation.imported"
    ORGANISATION_RENAMED = "organisation.renamed"
    ORGANISATION_STATE = "organisation.state"
    ORGANISATION_FROZEN = "organisation.frozen"
    ORGANISATION_UNFROZEN = "organisation.unfrozen"
    LOSS_HELD = "loss.held"
    LOSS_RELEASED = "loss.released"
    LOSS_REJECTED = "loss.rejected"
    WEBHOOK_REGISTERED = "webhook.registered"
    OPERATION_QUEUED = "operation.queued"
    OPERATION_STARTED = "operation.started"
    OPERATION_WAITING = "operation.waiting"
    OPERATION_SUCCEEDED = "operation.succeeded"
    OPERATION_FAILED = "operation.failed"
    OPERATION_CANCELLED = "operation.cancelled"
    SPEC_STORED = "spec.stored"
    ESTIMATE_MADE = "estimate.made"
    RELEASE_LIVE = "release.live"
    RELEASE_FAILED = "release.failed"
    RELEASE_ROLLED_BACK = "release.rolled_back"
    UPDATE_REQUESTED = "update.requested"
    UPDATE_SHIPPED = "update.shipped"
    UPDATE_ABANDONED = "update.abandoned"
    PROJECT_HEALTH = "project.health"
    HOLD_PLACED = "hold.placed"
    HOLD_LIFTED = "hold.lifted"
    CHANGE_FOREIGN = "change.foreign"
    PATCH_KEPT = "patch.kept"
    SETTING_DRIFTED = "setting.drifted"
    SETTING_MENDED = "setting.mended"
    PROJECT_SCANNED = "project.scanned"
    SECRET_SET = "secret.set"  # noqa: S105 - the name of an event
    SECRET_UNSET = "secret.unset"  # noqa: S105 - the name of an event
    SECRET_SENT = "secret.sent"  # noqa: S105 - the name of an event
    SECRET_WAIVED = "secret.waived"  # noqa: S105 - the name of an event
    RULE_WAIVED = "rule.waived"
    RULE_UNWAIVED = "rule.unwaived"
    SECRETS_ROTATED = "secrets.rotated"
    INSTALLATION_RESTORED = "installation.restored"
    INSTALLATION_ACCEPTED = "installation.accepted"
    POST_FAILED = "post.failed"
    INCIDENT_OPENED = "incident.opened"
    INCIDENT_ACKNOWLEDGED = "incident.acknowledged"
    INCIDENT_RESOLVED = "incident.resolved"
    INCIDENT_MUTED = "incident.muted"
    INCIDENT_UNMUTED = "incident.unmuted"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. `actor` is "heartbeat", "local:<user>", ...; `why` is a reason in words.

    `data` holds JSON values only (from, to, trigger, evidence, ...). `id` and `position` are 0 until
    stored and published; readers order by `position`.
    """

    kind: str
    at: datetime
    actor: str
    project_id: str | None = None
    organisation_id: int | None = None
    why: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)
    id: int = 0
    position: int = 0


@dataclass(frozen=True, slots=True)
class Notice:
    """A message to people, to leave through the outbox at least once. `key` makes it one.

    `severity` is that of the incident it tells of, or "info".
    """

    key: str
    at: datetime
    title: str
    body: str
    severity: str = "info"
    incident_id: int | None = None
    project_id: str | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One outbox row: a notice on its way through one channel.

    `state` is "pending", "sending", "uncertain" (the answer to a send was lost; it repeats), "sent" or
    "failed" (given up after the last attempt). `key` is the notice's, with the channel.
    """

    key: str
    channel: str
    notice: Notice
    state: str = "pending"
    attempts: int = 0
    next_at: datetime | None = None
    error: str = ""


PEOPLE: Final = ("user:", "token:", "local:")
"""How the actors begin that are people, or programs of theirs."""


class Topic(StrEnum):
    """What a timeline can be narrowed to. `people` is what people did, whatever it was about."""

    STATUS = "status"
    BUILDING = "building"
    GITHUB = "github"
    PEOPLE = "people"
    INCIDENTS = "incidents"

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds that belong to it; none for `people`, which goes by the actor."""
        prefixes = _TOPICS.get(self, ())
        return tuple(kind for kind in Kind if kind.value.startswith(prefixes))

    @property
    def actors(self) -> tuple[str, ...]:
        """How the actors begin that belong to it; none where it goes by the kind."""
        return PEOPLE if self is Topic.PEOPLE else ()


_TOPICS: Final = {
    Topic.STATUS: ("project.",),
    Topic.BUILDING: ("operation.", "spec.", "estimate.", "release.", "update.", "patch."),
    Topic.GITHUB: ("repository.", "organisation.", "change.", "setting.", "hold."),
    Topic.INCIDENTS: ("incident.", "loss."),
}
