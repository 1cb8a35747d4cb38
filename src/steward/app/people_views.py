"""People, what proves who they are, and the audit log, as JSON values. No secret and no digest is among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from steward.app.views import Json, stamp
from steward.domain.people import AuditLine, Grant, Pass, PassKind, Principal, Right, User

Logins = Mapping[int | None, str]
"""The organisations' logins by our ids."""


def user_view(user: User, passes: Sequence[Pass], logins: Logins, at: datetime) -> Json:
    """One user, with their grants and how many sessions and tokens are theirs now."""
    own = [one for one in passes if one.user_id == user.id]
    running = [one.kind for one in own if one.valid(at)]
    used = [one.used_at for one in own if one.used_at is not None]
    return {
        "name": user.name,
        "full_name": user.full_name,
        "lang": user.lang,
        "created_at": stamp(user.created_at),
        "disabled_at": stamp(user.disabled_at),
        "grants": [grant_view(grant, logins) for grant in user.grants],
        "seen_at": stamp(max(used, default=None)),
        "sessions": running.count(PassKind.SESSION),
        "tokens": running.count(PassKind.TOKEN),
        "links": running.count(PassKind.LINK),
    }


def grant_view(grant: Grant, logins: Logins) -> Json:
    """One grant; `organisation` is None where it holds everywhere."""
    place = grant.organisation_id
    return {
        "role": grant.role.value,
        "organisation": None if place is None else logins.get(place, f"#{place}"),
    }


def pass_view(made: Pass, user: str, logins: Logins, at: datetime) -> Json:
    """One session, token or link, of the user with that name. `rights` None: all that the user has."""
    place = made.organisation_id
    return {
        "id": made.id,
        "kind": made.kind.value,
        "user": user,
        "note": made.note,
        "created_at": stamp(made.created_at),
        "expires_at": stamp(made.expires_at),
        "used_at": stamp(made.used_at),
        "ended_at": stamp(made.ended_at),
        "state": _state(made, at),
        "rights": None if made.rights is None else in_order(made.rights),
        "organisation": None if place is None else logins.get(place, f"#{place}"),
        "made_by": made.made_by,
    }


def _state(made: Pass, at: datetime) -> str:
    if made.ended_at is not None:
        return "ended"
    if made.valid(at):
        return "valid"
    return "expired" if at >= made.expires_at else "used"


def audit_view(line: AuditLine) -> Json:
    """One line of the audit log."""
    return {
        "id": line.id,
        "at": stamp(line.at),
        "actor": line.actor,
        "action": line.action,
        "outcome": line.outcome,
        "right": line.right or None,
        "target": line.target or None,
        "reason": line.reason or None,
        "request": line.request or None,
        "address": line.address or None,
    }


def principal_view(by: Principal, logins: Logins) -> Json:
    """Whoever asks, and what they may do: everywhere, and in single organisations."""
    user = by.user
    return {
        "actor": by.actor,
        "user": user.name if user else None,
        "full_name": user.full_name if user else "",
        "lang": user.lang if user else None,
        "grants": [grant_view(grant, logins) for grant in user.grants] if user else [],
        "rights": in_order(by.rights.get(None, frozenset())),
        "organisations": {
            logins.get(place, f"#{place}"): in_order(rights)
            for place, rights in by.rights.items()
            if place is not None
        },
        "pass": by.by.kind.value if by.by else None,
    }


def in_order(rights: frozenset[Right]) -> list[str]:
    """Rights by name, in the order of their definition."""
    return [right.value for right in Right if right in rights]
