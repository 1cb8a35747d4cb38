"""Users, passes, audit lines and kept answers: rows into domain values and back; see `rows`."""

from __future__ import annotations

from typing import Any

from steward.adapters.store.rows import Fields
from steward.adapters.store.values import (
    clean,
    json_text,
    json_value,
    maybe,
    readable,
    stamp,
    stamp_or_none,
    time_from,
)
from steward.domain.people import AuditLine, Grant, Pass, PassKind, Right, Role, User
from steward.ports import Answer

USER_WIDTH = 7
"""How many columns a user takes; a pass's follow where both are read."""


def user_row(user: User) -> dict[str, Any]:
    """A user's columns but the id."""
    return {
        "name": user.name,
        "created_at": stamp(user.created_at),
        "grants": json_text([[grant.role.value, grant.organisation_id] for grant in user.grants]),
        "full_name": clean(user.full_name),
        "lang": user.lang,
        "disabled_at": stamp_or_none(user.disabled_at),
    }


def user_from(row: Fields) -> User:
    """Read a row of `users`."""
    key, name, created, grants, full_name, lang, disabled = row[:USER_WIDTH]
    with readable("the user", name):
        given = tuple(Grant(Role(role), organisation_id) for role, organisation_id in json_value(grants))
        return User(key, name, time_from(created), given, full_name, lang, maybe(time_from, disabled))


def pass_row(made: Pass) -> dict[str, Any]:
    """A pass's columns but the id."""
    return {
        "kind": made.kind.value,
        "user_id": made.user_id,
        "digest": made.digest,
        "created_at": stamp(made.created_at),
        "expires_at": stamp(made.expires_at),
        "note": clean(made.note),
        "rights": None if made.rights is None else json_text(sorted(right.value for right in made.rights)),
        "organisation_id": made.organisation_id,
        "used_at": stamp_or_none(made.used_at),
        "ended_at": stamp_or_none(made.ended_at),
        "made_by": clean(made.made_by),
    }


def pass_from(row: Fields) -> Pass:
    """Read a row of `passes`. A right that a newer Steward knows is left out: it allows less, not more."""
    key, kind, user_id, digest, created, expires, note, rights, organisation_id, used, ended, by = row[:12]
    known = {right.value for right in Right}
    with readable("the pass", key):
        narrowed = None
        if rights is not None:
            narrowed = frozenset(Right(name) for name in json_value(rights) if name in known)
        return Pass(
            key,
            PassKind(kind),
            user_id,
            digest,
            time_from(created),
            time_from(expires),
            note,
            narrowed,
            organisation_id,
            maybe(time_from, used),
            maybe(time_from, ended),
            by,
        )


def audit_row(line: AuditLine) -> tuple[Any, ...]:
    """An audit line's columns but the id, in order."""
    words = (line.actor, line.action, line.outcome, line.right, line.target, line.reason, line.request)
    return stamp(line.at), *map(clean, words), clean(line.address)


def audit_from(row: Fields) -> AuditLine:
    """Read a row of `audit`."""
    key, at, actor, action, outcome, right, target, reason, request, address = row
    with readable("the audit line", key):
        return AuditLine(time_from(at), actor, action, outcome, right, target, reason, request, address, key)


def answer_from(row: Fields) -> Answer:
    """Read a row of `answers`."""
    key, actor, fingerprint, at, status, body = row
    with readable("the kept answer", key):
        return Answer(key, actor, fingerprint, time_from(at), status, body)
