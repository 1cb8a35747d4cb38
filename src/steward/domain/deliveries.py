"""Webhooks in, as values: the hooks that GitHub has of us, deliveries, and what each of them names.

A delivery carries no facts into the record. It says only what is to be looked at now: a repository by its
id, or the whole organisation. So one that is lost, doubled or late does no harm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from types import MappingProxyType
from typing import Any, Final

from steward.domain.hands import Sender

EVENTS: Final = MappingProxyType(
    {
        "repository": "one was created, renamed, transferred, archived, published, edited or deleted",
        "push": "commits arrived on its default branch",
        "public": "a private repository became public",
        "organization": "the organisation was renamed or deleted",
        "meta": "the webhook itself was deleted",
    }
)
"""The events that a hook of ours subscribes to, with what each tells. `ping` comes unasked."""

WHOLE: Final = MappingProxyType(
    {
        "organization": frozenset({"renamed", "deleted"}),
        "installation": frozenset({"created", "deleted", "suspend", "unsuspend", "new_permissions_accepted"}),
        "installation_repositories": frozenset({"added", "removed"}),
        "installation_target": frozenset({"renamed"}),
    }
)
"""Event -> the actions after which the whole organisation is looked at. An App gets the last three unasked."""

SINGLE: Final = frozenset({"repository", "push", "public"})
"""Events after which the repository that they name is looked at."""

GONE: Final = ("repository", "deleted")
"""Positive evidence that a repository was deleted: better than a 404, see `belief`."""

LISTED: Final = timedelta(days=3)
"""How long GitHub keeps deliveries to be listed. Source: GitHub's "Viewing webhook deliveries"."""
BODIES_KEPT: Final = timedelta(days=3)
ROWS_KEPT: Final = timedelta(days=30)

FAILURES: Final = 3
"""So many deliveries in a row that GitHub could not make are a failing hook."""
PING_WAIT: Final = timedelta(minutes=2)
"""A ping that has not arrived after this long does not arrive."""

ID_MAX: Final = 2**63 - 1


class State(StrEnum):
    """What became of a delivery."""

    PENDING = "pending"
    DONE = "done"
    IGNORED = "ignored"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook of an organisation that leads to us. `id` is GitHub's; `organisation_id` is ours.

    `checked_at` is when GitHub was last asked how it stands (None: ask soon), `swept_at` until when its
    deliveries are known, `swept_to` the id of the newest of them. `failure` is what is wrong with it, in words.
    """

    id: int
    organisation_id: int
    url: str
    events: tuple[str, ...]
    active: bool
    registered_at: datetime
    checked_at: datetime | None = None
    pinged_at: datetime | None = None
    swept_at: datetime | None = None
    swept_to: int = 0
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery. Its key is (`hook_id`, `guid`): `hook_id` is GitHub's number of the hook, or, where it
    names none, that of the App as a negative number.

    `body` and `headers` are as they came, empty in lists and once they are no longer kept. `organisation_id`
    is ours, `owner_id` and `repository_id` are GitHub's. `look` is the look that it led to, `error` why it was
    ignored or failed, `source` "webhook" or "sweep" (missed, and found in GitHub's list of deliveries).
    """

    hook_id: int
    guid: str
    event: str
    received_at: datetime
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    state: str = State.PENDING
    attempts: int = 0
    error: str = ""
    action: str = ""
    ref: str = ""
    after: str = ""
    sender: Sender | None = None
    organisation_id: int | None = None
    owner_id: int | None = None
    repository_id: int | None = None
    next_at: datetime | None = None
    done_at: datetime | None = None
    look: int | None = None
    source: str = "webhook"
    id: int = 0

    @property
    def whole(self) -> bool:
        """Whether it asks for a look at the whole organisation."""
        return self.action in WHOLE.get(self.event, ())

    @property
    def gone(self) -> bool:
        """Whether it is positive evidence that its repository was deleted."""
        return (self.event, self.action) == GONE


@dataclass(frozen=True, slots=True)
class Subject:
    """What a delivery names: GitHub's ids of owner, repository and hook (None: it names none); of a push its ref,
    where that is now, and who pushed.
    """

    action: str = ""
    owner_id: int | None = None
    repository_id: int | None = None
    hook_id: int | None = None
    ref: str = ""
    after: str = ""
    sender: Sender | None = None


def names(event: str, payload: Mapping[str, Any]) -> Subject:
    """What a delivery of that event names. Total: what is missing or of another shape names nothing."""
    repository = _object(payload, "repository")
    owners = (
        _object(payload, "organization"),
        _object(repository, "owner"),
        _object(_object(payload, "installation"), "account"),
        _object(payload, "account"),
    )
    return Subject(
        action=_text(payload, "action"),
        owner_id=next((number for owner in owners if (number := _id(owner)) is not None), None),
        repository_id=_id(repository),
        hook_id=_id(payload, "hook_id") if event in ("ping", "meta") else None,
        ref=_text(payload, "ref") if event == "push" else "",
        after=_text(payload, "after") if event == "push" else "",
        sender=_sender(payload) if event == "push" else None,
    )


def _sender(payload: Mapping[str, Any]) -> Sender | None:
    """Who GitHub says pushed. It names who moved a branch that was seen to have moved, and proves nothing else."""
    told = _object(payload, "sender")
    number = _id(told)
    if number is None:
        return None
    return Sender(number, _text(told, "login"), _text(told, "type"), _text(payload, "before"))


def _object(payload: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = payload.get(name)
    return found if isinstance(found, Mapping) else {}


def _text(payload: Mapping[str, Any], name: str) -> str:
    found = payload.get(name)
    return found[:255] if isinstance(found, str) else ""


def _id(payload: Mapping[str, Any], name: str = "id") -> int | None:
    found = payload.get(name)
    if not isinstance(found, int) or isinstance(found, bool):
        return None
    return found if 0 < found <= ID_MAX else None


def wanted(event: str, subject: Subject) -> str:
    """Why nothing is to be looked at for this delivery; "" if something is."""
    if event == "ping":
        return "a ping; there is nothing to look at"
    if event == "meta":
        return "the webhook was deleted on GitHub" if subject.action == "deleted" else "of no consequence"
    if event in WHOLE:
        return "" if subject.action in WHOLE[event] else "of no consequence"
    if event not in SINGLE:
        return "an event that Steward does not use"
    return "" if subject.repository_id is not None else "it names no repository"


def on_branch(ref: str, branch: str | None) -> bool:
    """Whether a push to that ref is one to the branch: the very same name, not one that begins like it.

    A ref that was not told may be any.
    """
    return not ref or branch is None or ref == f"refs/heads/{branch}"


@dataclass(frozen=True, slots=True)
class Told:
    """A hook as GitHub lists it."""

    id: int
    url: str
    events: tuple[str, ...]
    active: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery as GitHub lists it: `status_code` is what we answered, 0 where nothing answered."""

    id: int
    guid: str
    event: str
    action: str
    status_code: int
    delivered_at: datetime
    repository_id: int | None = None

    @property
    def failed(self) -> bool:
        """Whether GitHub could not deliver it."""
        return not 200 <= self.status_code < 400


def lacking(events: Sequence[str]) -> list[str]:
    """The events that we need and a hook with these does not send."""
    return [] if "*" in events else [event for event in EVENTS if event not in events]


def trouble(told: Told | None, sent: Sequence[Sent]) -> str:
    """What is wrong with a hook, from how GitHub lists it and its deliveries, newest first; "" if nothing."""
    if told is None:
        return "GitHub does not have the webhook any more"
    if not told.active:
        return "the webhook is switched off on GitHub"
    if missing := lacking(told.events):
        return f"the webhook lacks events: {', '.join(missing)}"
    failed = list(takewhile(lambda one: one.failed, sent))
    if len(failed) >= FAILURES or (failed and failed[0].event == "ping"):
        return (
            f"GitHub cannot deliver; the last {len(failed)} failed, the newest with {failed[0].status_code}"
        )
    return ""


@dataclass(frozen=True, slots=True)
class Health:
    """How a hook does. `state` is "ok", "waiting" (nothing has arrived yet) or "failing"; `reason` says why.

    `last_at` is when the newest delivery arrived here, `missing` the events that it does not send.
    """

    state: str
    reason: str = ""
    last_at: datetime | None = None
    missing: tuple[str, ...] = ()


def health(hook: Hook, last_at: datetime | None, now: datetime) -> Health:
    """How a hook does, from its record and when its newest delivery arrived (None: none did)."""
    missing = tuple(lacking(hook.events))
    if hook.failure:
        return Health("failing", hook.failure, last_at, missing)
    asked = hook.pinged_at or hook.registered_at
    if last_at is None or last_at < hook.registered_at:
        if now - asked > PING_WAIT:
            return Health("failing", "no delivery has arrived, though it was pinged", last_at, missing)
        return Health("waiting", "no delivery has arrived yet", last_at, missing)
    return Health("ok", "", last_at, missing)
