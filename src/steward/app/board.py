"""Many projects at once, as a board, as a table, and as the numbers beside every page.

Only what is shown is read: counts in one grouped query, a window of cards per phase, one page of a table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from steward.app.building_views import operation_view
from steward.app.filters import Filter
from steward.app.policy import Policy
from steward.app.queries import readable_organisations, shown_incidents
from steward.app.views import Json, incident_view, option_view, project_view, score_view
from steward.domain.gates import GATES, RESTING, STALE_AFTER_S, gate, is_stale, waits_for
from steward.domain.hands import Hold
from steward.domain.incidents import Group, Incident, Severity
from steward.domain.people import Principal, Right
from steward.domain.project import Management, Organisation, Project
from steward.domain.repository import Presence
from steward.domain.rules import Rules
from steward.domain.status import Phase, Status, Trigger
from steward.ports import Clock, Found, IncidentQuery, ProjectQuery, Reads, Store, Tally

OWNERS_MAX: Final = 200
PER_PHASE: Final = 8
TROUBLED: Final = 6
UNRESOLVED: Final = (Group.NEEDS, Group.ACKNOWLEDGED, Group.MUTED)


@dataclass(frozen=True, slots=True)
class Board:
    """What one principal may be shown of many projects. `rules` say how many reads confirm a loss."""

    store: Store
    clock: Clock
    by: Principal
    rules: Rules = field(default=Rules())
    policy: Policy = field(default=Policy())

    def board(self, wanted: Filter, per_phase: int = PER_PHASE, troubled: int = TROUBLED) -> Json:
        """Per phase how many, and the first cards; what is in trouble, worst first; what is hidden.

        A board has no pages: `more` says how many the table of the same filter holds beyond the cards.
        """
        at = self.clock.now().at
        with self.store.reading() as view:
            query = wanted.query(view, self.by, at)
            tallies = self._tallies(view, wanted, query)
            shown = [tally for tally in tallies if _is_shown(tally, query)]
            windows = view.windows(query, per_phase) if shown else {}
            count, worst = view.troubled(query, troubled) if shown else (0, [])
            cards = self._cards(view, [*worst, *(pair for found in windows.values() for pair in found)])
            return {
                "count": sum(tally.number for tally in shown),
                "phases": [_column(phase, shown, windows.get(phase, []), cards) for phase in Phase],
                "troubled": {
                    "count": count,
                    "cards": [cards[project.id] for project, _ in worst],
                    "more": count - len(worst),
                },
                "incidents": self._organisation_incidents(view, query),
                "hidden": _hidden(tallies, shown),
            }

    def table(self, wanted: Filter) -> Json:
        """One page of rows, sorted; `next` is the cursor of the one after it, None at the end. Raises Invalid."""
        at = self.clock.now().at
        wanted = wanted if wanted.sort else replace(wanted, sort="slug")
        with self.store.reading() as view:
            query = wanted.query(view, self.by, at)
            tallies = self._tallies(view, wanted, query)
            shown = [tally for tally in tallies if _is_shown(tally, query)]
            found = view.projects(replace(query, limit=wanted.limit + 1))
            rows = found[: wanted.limit]
            cards = self._cards(view, rows)
            return {
                "count": sum(tally.number for tally in shown),
                "phases": [{"phase": phase.value, **_counts(phase, shown)} for phase in Phase],
                "rows": [cards[project.id] for project, _ in rows],
                "sort": wanted.sort,
                "next": self._cursor(view, wanted, rows[-1][0]) if len(found) > len(rows) else None,
                "hidden": _hidden(tallies, shown),
            }

    def _cursor(self, view: Reads, wanted: Filter, last: Project) -> str:
        score = view.scores([last.id]).get(last.id) if wanted.order[0] == "readiness" else None
        return wanted.cursor(last, None if score is None else score.percent)

    def counts(self) -> Json:
        """The numbers beside every page: projects, what waits for whoever asks, what is stale, incidents."""
        at = self.clock.now().at
        with self.store.reading() as view:
            homes = readable_organisations(view, self.by)
            query = Filter().query(view, self.by, at)
            tallies = view.tallies(query, at - timedelta(seconds=STALE_AFTER_S))
            scope = self.by.organisations(Right.READ)
            incidents = view.attention_counts(scope, at)
        mine = {home.id: waits_for(self.by.who(home.id)) for home in homes}
        return {
            "projects": sum(tally.number for tally in tallies),
            "waiting": sum(t.number for t in tallies if t.status in mine.get(t.organisation_id, ())),
            "stale": sum(tally.aged for tally in tallies if tally.status not in RESTING),
            "incidents": _incident_counts(incidents),
            "frozen": [home.login for home in homes if home.frozen is not None],
        }

    def choices(self) -> Json:
        """What can be filtered by besides the codes of the lifecycle: owners and organisations."""
        with self.store.reading() as view:
            homes = readable_organisations(view, self.by)
            return {
                "owners": view.owners(self.by.organisations(Right.READ), OWNERS_MAX),
                "organisations": [home.login for home in homes],
            }

    def _tallies(self, view: Reads, wanted: Filter, query: ProjectQuery) -> list[Tally]:
        """Counts of what matches, with what is left out unless it is named."""
        aged_before = self.clock.now().at - timedelta(seconds=STALE_AFTER_S)
        whole = query
        if not wanted.status and wanted.stale_s is None:
            whole = replace(whole, statuses=())
        if not wanted.management:
            whole = replace(whole, management=())
        return view.tallies(whole, aged_before)

    def _cards(self, view: Reads, found: Iterable[Found]) -> dict[str, Json]:
        """Project id -> its card."""
        pairs = {project.id: (project, repository) for project, repository in found}
        homes = {organisation.id: organisation for organisation in view.organisations()}
        worst = view.worst_incidents(list(pairs))
        running, scores = view.current_operations(list(pairs)), view.scores(list(pairs))
        holds = view.standing_holds(list(pairs))
        return {
            key: {
                **self._card(
                    view, pair, homes.get(pair[0].organisation_id), worst.get(key), holds.get(key, ())
                ),
                "operation": operation_view(running.get(key)),
                "readiness": score_view(scores.get(key)),
            }
            for key, pair in pairs.items()
        }

    def _card(
        self,
        view: Reads,
        pair: Found,
        home: Organisation | None,
        incident: Incident | None,
        holds: Sequence[Hold],
    ) -> Json:
        project, repository = pair
        confirming = (
            repository is not None and repository.presence is Presence.ABSENT and repository.lost_at is None
        )
        return {
            **project_view(project, repository, home, holds=holds),
            "confirming": {"absences": repository.absences, "needed": self.rules.confirmations}
            if confirming and repository is not None
            else None,
            "incident": incident_view(incident, project.slug, home) if incident else None,
            "gate": self._gate(view, project),
            "stale": is_stale(project.position, project.entered_at, self.clock.now().at),
        }

    def _gate(self, view: Reads, project: Project) -> Json | None:
        """The word that the project waits for, and what stands against this principal's giving it."""
        option = gate(project, self.by.who(project.organisation_id))
        if option is None:
            return None
        shown = {**option_view(option), "askers": sorted(GATES[project.status].askers)}
        if (
            self.policy.four_eyes
            and option.trigger in (Trigger.APPROVED, Trigger.CONFIRMED)
            and view.orderer(project.id) == self.by.actor
        ):
            shown |= {
                "refused": "who ordered a project does not approve it; ask another approver",
                "reason": "role",
            }
        return shown

    def _organisation_incidents(self, view: Reads, query: ProjectQuery) -> list[Json]:
        """What is wrong with whole organisations: it belongs to no card."""
        wide = IncidentQuery(
            self.clock.now().at, UNRESOLVED, query.organisation_ids or None, wide=True, limit=TROUBLED
        )
        return shown_incidents(view, view.attention(wide))


def _is_shown(tally: Tally, query: ProjectQuery) -> bool:
    return tally.status in query.statuses and tally.management in query.management


def _hidden(tallies: Sequence[Tally], shown: Sequence[Tally]) -> Json:
    """What matches and is left out since nothing names it."""
    left_out = [tally for tally in tallies if tally not in shown]
    ignored = [tally for tally in left_out if tally.management == Management.IGNORE]
    archived = [tally for tally in left_out if tally.management != Management.IGNORE]
    return {
        "archived": sum(tally.number for tally in archived),
        "ignored": sum(tally.number for tally in ignored),
    }


def _counts(phase: Phase, shown: Iterable[Tally]) -> Json:
    statuses: Counter[str] = Counter()
    for tally in shown:
        if tally.phase == phase:
            statuses[tally.status] += tally.number
    in_order = [{"status": status.value, "count": statuses[status]} for status in Status if statuses[status]]
    return {"count": sum(statuses.values()), "statuses": in_order}


def _column(phase: Phase, shown: Iterable[Tally], window: Sequence[Found], cards: dict[str, Json]) -> Json:
    counts = _counts(phase, shown)
    own = [cards[project.id] for project, _ in window]
    return {"phase": phase.value, **counts, "cards": own, "more": counts["count"] - len(own)}


def _incident_counts(counted: Mapping[tuple[Group, str], int]) -> Json:
    """Not resolved; of these, what nobody looks after yet and is not muted; the worst severity of those."""
    needy = [severity for group, severity in counted if group is Group.NEEDS]
    order = list(map(str, Severity))
    return {
        "unresolved": sum(counted.values()),
        "open": sum(number for (group, _), number in counted.items() if group is Group.NEEDS),
        # A severity of a newer Steward is worse than all that are known here.
        "worst": max(needy, key=lambda s: order.index(s) if s in order else len(order), default=None),
    }
