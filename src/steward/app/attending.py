"""What a person may do with incidents: acknowledge, resolve, mute, unmute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

from steward.app.errors import Forbidden, Invalid
from steward.app.exits import exits
from steward.app.filing import incident_event, told
from steward.app.queries import find_incident, shown_incident
from steward.app.views import Json
from steward.domain.incidents import PERSON_MAY_CLOSE, Incident
from steward.domain.journal import Kind
from steward.domain.people import Principal, Right
from steward.ports import Clock, Store, Writes

MUTE_MAX_S = 90 * 86400.0


@dataclass(frozen=True, slots=True)
class Attending:
    """Incident commands of one principal. All raise Unknown, and Invalid with what can be done instead."""

    store: Store
    clock: Clock
    by: Principal

    @property
    def actor(self) -> str:
        """Who acts, as recorded in the history."""
        return self.by.actor

    def acknowledge(self, incident_id: int) -> Json:
        """Say that somebody looks after it. Idempotent."""

        def act(incident: Incident) -> Incident:
            if incident.state == "acknowledged":
                return incident
            return replace(incident, state="acknowledged", acknowledged_by=self.actor)

        return self._change(incident_id, Kind.INCIDENT_ACKNOWLEDGED, "", act)

    def resolve(self, incident_id: int, reason: str = "") -> Json:
        """Close one that a person may accept as it is; the others close when their cause goes."""
        at = self.clock.now().at

        def act(incident: Incident) -> Incident:
            if incident.cause not in PERSON_MAY_CLOSE:
                raise Invalid(f"the cause of incident {incident.id} stands", _ways(incident))
            return replace(
                incident,
                state="resolved",
                resolved_at=at,
                resolved_by=self.actor,
                resolution=reason or "accepted as it is",
            )

        return self._change(incident_id, Kind.INCIDENT_RESOLVED, reason, act)

    def mute(self, incident_id: int, for_s: float) -> Json:
        """Send nothing about it for that many seconds (at most 90 days)."""
        if not 0 < for_s <= MUTE_MAX_S:
            raise Invalid("a mute lasts more than nothing and at most 90 days", "For example: --for 1h")
        until = self.clock.now().at + timedelta(seconds=for_s)

        def act(incident: Incident) -> Incident:
            return replace(incident, muted_until=until, muted_by=self.actor)

        return self._change(incident_id, Kind.INCIDENT_MUTED, f"until {until.isoformat()}", act)

    def unmute(self, incident_id: int) -> Json:
        """Let it be heard again. Idempotent."""

        def act(incident: Incident) -> Incident:
            return replace(incident, muted_until=None, muted_by="")

        return self._change(incident_id, Kind.INCIDENT_UNMUTED, "", act)

    def _change(self, incident_id: int, kind: Kind, why: str, act: Callable[[Incident], Incident]) -> Json:
        with told(self.store) as tx:
            before = find_incident(tx, incident_id, self.by)
            if not self.by.may(Right.ATTEND, before.organisation_id):
                raise Forbidden(Right.ATTEND, self.actor)
            if before.state == "resolved":
                raise Invalid(
                    f"incident {incident_id} is resolved already ({before.resolution or 'no reason given'})",
                    "See what is open: steward incident list",
                )
            after = act(before)
            if after != before:
                after = tx.save_incident(replace(after, look=_newest_look(tx, after)))
                tx.append([incident_event(kind, after, self.clock.now().at, self.actor, why)])
            return shown_incident(tx, after)


def _newest_look(tx: Writes, incident: Incident) -> int:
    """The newest look there is: what looks that began before have to say is late news."""
    looks = tx.looks(incident.organisation_id, 1) if incident.organisation_id else []
    return max([incident.look, *(look.id for look in looks)])


def _ways(incident: Incident) -> str:
    ways = [way["command"] or way["text"] for way in exits(incident, None, None)]
    return "It closes by itself when the cause goes. Ways out: " + "; ".join(ways)
