"""Incidents as people work through them: in groups, in pages, and each with its history and who was told."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from steward.app.errors import Invalid
from steward.app.queries import find_incident, shown_events, shown_incident, shown_incidents
from steward.app.views import Json, stamp
from steward.domain.incidents import PERSON_MAY_CLOSE, Group, Incident, group
from steward.domain.journal import Event, Outgoing, Topic
from steward.domain.people import Principal, Right
from steward.ports import Clock, IncidentQuery, Reads, Store

LIMIT: Final = 50
HISTORY_MAX: Final = 60
NOTICES_MAX: Final = 60
BEFORE_S: Final = 900.0
"""How far before an incident opened its history begins, where its evidence names no moment."""
UNRESOLVED: Final = (Group.NEEDS, Group.ACKNOWLEDGED, Group.MUTED)


@dataclass(frozen=True, slots=True)
class Attention:
    """Incidents as one principal may see them."""

    store: Store
    clock: Clock
    by: Principal

    def inbox(self, groups: tuple[Group, ...] = UNRESOLVED, limit: int = LIMIT) -> Json:
        """The first incidents of each group, worst first: `{groups: [{group, count, incidents, next}], counts}`.

        `count` is None for what is resolved: that only grows.
        """
        at = self.clock.now().at
        with self.store.reading() as view:
            counts = self._counts(view, at)
            return {
                "groups": [
                    {"group": one.value, "count": counts.get(one), **self._page(view, one, at, limit, "")}
                    for one in groups
                ],
                "counts": {one.value: counts[one] for one in UNRESOLVED},
            }

    def page(self, wanted: Group, after: str = "", limit: int = LIMIT) -> Json:
        """One page of one group: `incidents`, and the cursor `next`, None at the end. Raises Invalid."""
        with self.store.reading() as view:
            return self._page(view, wanted, self.clock.now().at, limit, after)

    def incident(self, incident_id: int) -> Json:
        """One incident with its `group`, whether a person may resolve it, `history`, and `notices`. Raises Unknown.

        `resolvable` {may, why}: a cause that stands closes its incident itself, when it goes.
        """
        with self.store.reading() as view:
            incident = find_incident(view, incident_id, self.by)
            return {
                **shown_incident(view, incident),
                "group": group(incident, self.clock.now().at).value,
                "resolvable": _resolvable(incident),
                "history": shown_events(view, _history(view, incident)),
                "notices": [_notice(one) for one in view.incident_notices(incident.id, NOTICES_MAX)],
            }

    def _counts(self, view: Reads, at: datetime) -> dict[Group, int]:
        counts = dict.fromkeys(UNRESOLVED, 0)
        for (one, _severity), number in view.attention_counts(self.by.organisations(Right.READ), at).items():
            counts[one] += number
        return counts

    def _page(self, view: Reads, wanted: Group, at: datetime, limit: int, after: str) -> Json:
        scope = self.by.organisations(Right.READ)
        query = IncidentQuery(at, [wanted], scope, limit=limit + 1, after=_read_cursor(after))
        found = view.attention(query)
        shown = found[:limit]
        more = len(found) > limit
        return {"incidents": shown_incidents(view, shown), "next": _cursor(shown[-1]) if more else None}


def _cursor(last: Incident) -> str:
    packed = json.dumps([last.severity, last.id], separators=(",", ":"))
    return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def _read_cursor(text: str) -> tuple[str, int] | None:
    if not text:
        return None
    try:
        severity, key = json.loads(base64.urlsafe_b64decode(text + "==="))
    except (ValueError, TypeError, binascii.Error) as error:
        raise Invalid("the page's cursor cannot be read", "Start from the first page.") from error
    if not isinstance(severity, str) or not isinstance(key, int):
        raise Invalid("the page's cursor cannot be read", "Start from the first page.")
    return severity, key


def _resolvable(incident: Incident) -> Json:
    if incident.state == "resolved":
        return {"may": False, "why": "it is resolved already"}
    if incident.cause in PERSON_MAY_CLOSE:
        return {"may": True, "why": None}
    return {"may": False, "why": "its cause stands; it closes by itself when that goes"}


def _history(view: Reads, incident: Incident) -> list[Event]:
    """What happened to what it is about while it lasted, newest first: other incidents' events left out."""
    since = _began(incident.evidence) or incident.first_at - timedelta(seconds=BEFORE_S)
    until = incident.resolved_at
    newest = view.last_position() + 1
    narrowed: dict[str, Any] = {"before": newest, "since": since, "until": until, "limit": HISTORY_MAX}
    if incident.project_id is not None:
        found = view.events(project_id=incident.project_id, **narrowed)
    else:
        homes = None if incident.organisation_id is None else [incident.organisation_id]
        found = view.events(wide=True, organisation_ids=homes, **narrowed)
    others = Topic.INCIDENTS.kinds
    own = (
        event
        for event in found
        if event.kind not in others or event.data.get("incident_id", incident.id) == incident.id
    )
    return list(own)[::-1]


def _began(evidence: Mapping[str, Any]) -> datetime | None:
    """When what led to it was first seen, where the evidence says so."""
    text = evidence.get("first_absent_at")
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None else None


def _notice(outgoing: Outgoing) -> Json:
    """Who was told of it, and whether that went through."""
    return {
        "at": stamp(outgoing.notice.at),
        "channel": outgoing.channel,
        "about": outgoing.notice.key.split(":")[2] if outgoing.notice.key.count(":") > 1 else "",
        "state": outgoing.state,
        "attempts": outgoing.attempts,
        "error": outgoing.error or None,
        "next_at": stamp(outgoing.next_at),
    }
