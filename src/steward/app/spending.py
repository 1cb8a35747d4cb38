"""What calls of the model on behalf of people cost, and whether another one may be made."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from steward.app.errors import Forbidden
from steward.app.queries import find_project, the_project
from steward.app.views import Json, stamp
from steward.domain.people import Principal, Right
from steward.domain.spending import Allowance, MindCall, Over, over
from steward.domain.talks import Talk
from steward.ports import Clock, Reads, Store

DAY: Final = timedelta(days=1)
"""The day of a limit is the last 24 hours: nobody gains by waiting for midnight."""
LINES: Final = 50


def calls_of(view: Reads, talk: Talk) -> list[MindCall]:
    """The calls for one talk, newest first."""
    return [call for call in view.mind_calls(user=talk.user, since=talk.opened_at) if call.talk_id == talk.id]


def reached(view: Reads, allowed: Allowance, talk: Talk, at: datetime) -> Over | None:
    """The limit that another call for that talk would pass; None where it may be made."""
    usd, calls = view.mind_spent(user=talk.user, since=at - DAY)
    if talk.project_id is not None:
        project_usd = view.mind_spent(project_id=talk.project_id)[0]
    else:
        project_usd = sum(call.usage.cost_usd or 0.0 for call in calls_of(view, talk))
    return over(allowed, person_day_usd=usd, project_usd=project_usd, calls=calls)


@dataclass(frozen=True, slots=True)
class Spending:
    """What one principal may be shown of it."""

    store: Store
    clock: Clock
    by: Principal
    allowance: Allowance

    def mine(self) -> Json:
        """One's own calls of the last day, with the limits; the newest calls as lines."""
        name = self.by.user.name if self.by.user else self.by.actor
        at = self.clock.now().at
        with self.store.reading() as view:
            today = view.mind_calls(user=name, since=at - DAY)
            newest = view.mind_calls(user=name, since=at - 30 * DAY)[:LINES]
        return {
            "user": name,
            "day": totals(today),
            "limits": limits_view(self.allowance),
            "calls": [call_view(call) for call in newest],
        }

    def people(self) -> list[Json]:
        """Everybody's calls of the last 30 days, a line for each person, dearest first. Needs the right `users`."""
        if not self.by.may(Right.USERS):
            raise Forbidden(Right.USERS, self.by.actor)
        at = self.clock.now().at
        with self.store.reading() as view:
            calls = view.mind_calls(since=at - 30 * DAY)
        lines = [
            {
                "user": name,
                "day": totals(call for call in calls if call.user == name and call.at >= at - DAY),
                "month": totals(call for call in calls if call.user == name),
            }
            for name in sorted({call.user for call in calls})
        ]
        return sorted(lines, key=lambda line: -float(line["month"]["usd"]))

    def project(self, reference: str) -> Json:
        """The calls of the talks about one project, in all; the newest as lines. Raises Unknown."""
        with self.store.reading() as view:
            project = the_project(find_project(view, reference, self.by))
            calls = view.mind_calls(project_id=project.id)
        return {
            "project": project.id,
            **totals(calls),
            "limit_usd": self.allowance.project_usd or None,
            "calls": [call_view(call) for call in calls[:LINES]],
        }


def totals(calls: Iterable[MindCall]) -> Json:
    """How many calls there were, what they cost, and of how many nobody knows."""
    made = list(calls)
    return {
        "calls": len(made),
        "usd": round(sum(call.usage.cost_usd or 0.0 for call in made), 4),
        "unknown": sum(call.usage.cost_usd is None for call in made),
    }


def limits_view(allowed: Allowance) -> Json:
    """The limits; None where there is none."""
    return {
        "person_day_usd": allowed.person_day_usd or None,
        "person_day_calls": allowed.person_day_calls or None,
        "project_usd": allowed.project_usd or None,
    }


def call_view(call: MindCall) -> Json:
    """One call."""
    return {
        "at": stamp(call.at),
        "user": call.user,
        "talk": call.talk_id,
        "project": call.project_id,
        "model": call.usage.model,
        "input_tokens": call.usage.input_tokens,
        "output_tokens": call.usage.output_tokens,
        "cost_usd": call.usage.cost_usd,
        "outcome": call.outcome,
    }
