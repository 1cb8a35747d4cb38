"""People and programs that use Steward: users, roles, rights, and what proves who one is. Values only.

A right says what may be done; a role is a set of rights; a grant gives a role everywhere or in one
organisation. Whoever acts is a `Principal`: every command and query of the application is given one.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from steward.domain.lifecycle import Who

NAME: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,38}[a-z0-9])?")
"""How a user may be called: what goes unquoted into addresses, logs and command lines."""


class Right(StrEnum):
    """One thing that may be allowed. Faces name the right that a route or command needs."""

    READ = "read"
    WRITE = "write"
    APPROVE = "approve"
    ATTEND = "attend"
    LOOK = "look"
    DECIDE = "decide"
    FREEZE = "freeze"
    WEBHOOKS = "webhooks"
    USERS = "users"
    AUDIT = "audit"
    METRICS = "metrics"
    OWN = "own"

    @property
    def meaning(self) -> str:
        """What it allows, in words."""
        return _MEANINGS[self]


_MEANINGS: Final = {
    Right.READ: "see projects, incidents, events and the state of the looks",
    Right.WRITE: "order, cancel, archive, reopen, relink and hand over projects; say how far Steward goes",
    Right.APPROVE: "approve and confirm what an order would create",
    Right.ATTEND: "acknowledge, mute and resolve incidents",
    Right.LOOK: "have Steward look at GitHub now",
    Right.DECIDE: "release or reject losses that the mass-loss guard holds; let automation go on",
    Right.FREEZE: "stop all automation",
    Right.WEBHOOKS: "register, ping and sweep webhooks; see deliveries",
    Right.USERS: "add users, give roles, send sign-in links, end any session or token",
    Right.AUDIT: "read the audit log",
    Right.METRICS: "read the metrics",
    Right.OWN: "manage one's own tokens, sessions and language",
}


class Role(StrEnum):
    """A set of rights, each role holding those of the one before it."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ADMIN = "admin"

    @property
    def rights(self) -> frozenset[Right]:
        """What it allows."""
        return _RIGHTS[self]


_VIEWER: Final = frozenset({Right.READ, Right.OWN})
_OPERATOR: Final = _VIEWER | {Right.WRITE, Right.ATTEND, Right.LOOK, Right.FREEZE}
_APPROVER: Final = _OPERATOR | {Right.APPROVE, Right.DECIDE}
_RIGHTS: Final = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.APPROVER: _APPROVER,
    Role.ADMIN: frozenset(Right),
}

INSTALLATION_WIDE: Final = frozenset({Right.USERS, Right.AUDIT, Right.METRICS, Right.WEBHOOKS})
"""Rights that mean nothing within one organisation: only a grant for everywhere gives them."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A role, everywhere (`organisation_id` None) or in one organisation (our id)."""

    role: Role
    organisation_id: int | None = None


@dataclass(frozen=True, slots=True)
class User:
    """A person who may sign in. `name` is unique, see NAME; `disabled_at` ends every session and token."""

    id: int
    name: str
    created_at: datetime
    grants: tuple[Grant, ...] = ()
    full_name: str = ""
    lang: str | None = None
    disabled_at: datetime | None = None


class PassKind(StrEnum):
    """What a pass is. A `chat` connects a Telegram account; a `form` lets one value be given on the web."""

    LINK = "link"
    CHAT = "chat"
    FORM = "form"
    SESSION = "session"
    TOKEN = "token"  # noqa: S105 - the name of a kind


ONCE: Final = frozenset({PassKind.LINK, PassKind.CHAT, PassKind.FORM})
"""The kinds that can be used once."""


@dataclass(frozen=True, slots=True)
class Pass:
    """What proves who one is: a browser's session, an API token, or a link or code that can be used once.

    Only the SHA-256 `digest` of its secret is kept. A token may be narrowed to `rights` and to one
    organisation; None narrows nothing. `used_at` is the last use (of a link, the only one). `ended_at` is
    when somebody ended it. `note` is a token's name, where a session was opened from, or what a form is for.
    """

    id: int
    kind: PassKind
    user_id: int
    digest: str
    created_at: datetime
    expires_at: datetime
    note: str = ""
    rights: frozenset[Right] | None = None
    organisation_id: int | None = None
    used_at: datetime | None = None
    ended_at: datetime | None = None
    made_by: str = ""

    def valid(self, at: datetime) -> bool:
        """Whether it proves anything at that moment."""
        spent = self.kind in ONCE and self.used_at is not None
        return self.ended_at is None and not spent and at < self.expires_at


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One act or refusal. `outcome` is "done", "refused" or "failed"; `action` a route or a command.

    `target` names what it was about, `request` is the correlation id, `address` where it came from.
    """

    at: datetime
    actor: str
    action: str
    outcome: str
    right: str = ""
    target: str = ""
    reason: str = ""
    request: str = ""
    address: str = ""
    id: int = 0


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever acts. `actor` is what the history records: "local:anna", "user:anna", "token:ci of anna".

    `rights` maps an organisation (our id; None: everywhere) to what may be done there.
    """

    actor: str
    rights: Mapping[int | None, frozenset[Right]] = field(default_factory=lambda: MappingProxyType({}))
    user: User | None = None
    by: Pass | None = None

    def may(self, right: Right, organisation_id: int | None = None) -> bool:
        """Whether that is allowed in that organisation (None: everywhere)."""
        everywhere = self.rights.get(None, frozenset())
        return right in everywhere or (
            organisation_id is not None and right in self.rights.get(organisation_id, frozenset())
        )

    def may_somewhere(self, right: Right) -> bool:
        """Whether that is allowed in any organisation at all."""
        return any(right in rights for rights in self.rights.values())

    def organisations(self, right: Right) -> frozenset[int] | None:
        """The organisations in which that is allowed; None: in all, those to come too."""
        if self.may(right):
            return None
        return frozenset(key for key, rights in self.rights.items() if key is not None and right in rights)

    def who(self, organisation_id: int | None = None) -> frozenset[Who]:
        """What the lifecycle's table may take this one for, in that organisation."""
        found = {Who.PERSON: Right.WRITE, Who.APPROVER: Right.APPROVE}
        return frozenset(who for who, right in found.items() if self.may(right, organisation_id))


def local(actor: str) -> Principal:
    """Whoever can read the database on this machine: an admin, as `local:<user>` or a loop of our own."""
    return Principal(actor, MappingProxyType({None: frozenset(Right)}))


def rights_of(grants: Iterable[Grant]) -> dict[int | None, frozenset[Right]]:
    """What these grants allow, by organisation."""
    rights: dict[int | None, frozenset[Right]] = {}
    for grant in grants:
        allowed = grant.role.rights
        if grant.organisation_id is not None:
            allowed -= INSTALLATION_WIDE
        rights[grant.organisation_id] = rights.get(grant.organisation_id, frozenset()) | allowed
    return rights


def principal(user: User, by: Pass) -> Principal:
    """Whoever shows that pass: the user, narrowed to what the pass allows."""
    rights = rights_of(user.grants)
    if by.organisation_id is not None:
        here = rights.get(None, frozenset()) - INSTALLATION_WIDE
        rights = {by.organisation_id: here | rights.get(by.organisation_id, frozenset())}
    if by.rights is not None:
        rights = {key: allowed & by.rights for key, allowed in rights.items()}
    actor = f"token:{by.note} of {user.name}" if by.kind is PassKind.TOKEN else f"user:{user.name}"
    return Principal(actor, MappingProxyType(rights), user, by)


def meanings(rights: Collection[Right]) -> list[dict[str, Any]]:
    """Rights with what they allow, in the order of their definition, for faces."""
    return [{"right": right.value, "meaning": right.meaning} for right in Right if right in rights]
