"""What a face may ask. Each call is one consistent view; nothing is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from steward.app.building_views import operation_view, update_view
from steward.app.errors import Unknown
from steward.app.offering import offered
from steward.app.views import (
    ALIVE,
    Json,
    alive_view,
    event_view,
    incident_view,
    look_view,
    option_view,
    organisation_view,
    project_view,
    score_view,
    stamp,
)
from steward.domain.incidents import Incident
from steward.domain.journal import Event
from steward.domain.lifecycle import allowed
from steward.domain.operations import Operation, OperationState
from steward.domain.people import Principal, Right
from steward.domain.project import Organisation, Project, Tracked
from steward.domain.repository import Presence
from steward.ports import ProjectQuery, Reads, Store

BUDGET = "github.budget"
"""The setting that keeps the rate limit as the last look was told."""


def find_project(view: Reads, reference: str, by: Principal) -> Tracked | Project:
    """The project that a person means, if they may see it. Raises Unknown with names that resemble it."""
    found = view.project(reference)
    if found is None or not by.may(Right.READ, the_project(found).organisation_id):
        near = view.near_slugs(reference, 3) if by.may(Right.READ) else []
        raise Unknown("project", reference, near)
    return found


def the_project(found: Tracked | Project) -> Project:
    """The project itself, with or without a repository."""
    if isinstance(found, Project):
        return found
    assert found.project is not None, "a project is never found by a repository that left it"
    return found.project


def readable_organisations(view: Reads, by: Principal) -> list[Organisation]:
    """The organisations that this principal may see, by login."""
    return [o for o in view.organisations() if by.may(Right.READ, o.id)]


def find_organisation(view: Reads, login: str, by: Principal) -> Organisation:
    """An organisation by its present or an earlier name. Raises Unknown."""
    known = readable_organisations(view, by)
    for organisation in known:
        if login.lower() in {name.lower() for name in (organisation.login, *organisation.aliases)}:
            return organisation
    raise Unknown("organisation", login, [organisation.login for organisation in known][:3])


class Queries:
    """What one principal may be shown."""

    def __init__(self, store: Store, by: Principal, *, builds: bool = False) -> None:
        self._store = store
        self._by = by
        self._builds = builds
        self._scope = by.organisations(Right.READ)

    def projects(self, query: ProjectQuery) -> list[Json]:
        """The projects that match, by slug."""
        query = self._within(query)
        with self._store.reading() as view:
            organisations = {o.id: o for o in view.organisations()}
            found = view.projects(query)
            ids = [project.id for project, _ in found]
            running, scores = view.current_operations(ids), view.scores(ids)
            holds = view.standing_holds(ids)
            return [
                {
                    **project_view(
                        project,
                        repository,
                        organisations.get(project.organisation_id),
                        holds=holds.get(project.id, ()),
                    ),
                    "operation": operation_view(running.get(project.id)),
                    "readiness": score_view(scores.get(project.id)),
                }
                for project, repository in found
            ]

    def _within(self, query: ProjectQuery) -> ProjectQuery:
        """The query, narrowed to the organisations that may be seen."""
        if self._scope is None:
            return query
        asked = set(query.organisation_ids) or self._scope
        # An id that is none: where nothing may be seen, nothing is found.
        return replace(query, organisation_ids=sorted(self._scope & asked) or [0])

    def project(self, reference: str) -> Json:
        """One project with its last 20 events, its incidents and what the lifecycle allows."""
        with self._store.reading() as view:
            found = find_project(view, reference, self._by)
            project = the_project(found)
            shown = one_project(view, found)
            newest = view.last_position() + 1
            events = view.events(before=newest, project_id=project.id, limit=20)
            incidents = view.incidents(project_id=project.id)
            shown["actions"] = [
                option_view(option)
                for option in allowed(
                    project.position,
                    self._by.who(project.organisation_id),
                    offered(view, project, builds=self._builds),
                )
                if option.asked_by_people
            ]
            shown["incidents"] = shown_incidents(view, incidents)
            shown["history"] = shown_events(view, events)
            return shown

    def history(self, reference: str, limit: int = 100) -> list[Json]:
        """The newest events of one project, oldest first."""
        with self._store.reading() as view:
            project = the_project(find_project(view, reference, self._by))
            newest = view.last_position() + 1
            events = view.events(before=newest, project_id=project.id, limit=limit)
            return shown_events(view, events)

    def incidents(
        self,
        states: Collection[str] = (),
        limit: int | None = None,
        after: tuple[str, int] | None = None,
    ) -> list[Json]:
        """Incidents, worst first, then newest; all states unless some are named.

        The list goes on after the incident `after`, by severity and id.
        """
        with self._store.reading() as view:
            found = view.incidents(states=states, organisation_ids=self._scope, limit=limit, after=after)
            return shown_incidents(view, found)

    def incident(self, incident_id: int) -> Json:
        """One incident. Raises Unknown."""
        with self._store.reading() as view:
            return shown_incident(view, find_incident(view, incident_id, self._by))

    def events(
        self, after: int = 0, before: int | None = None, project: str | None = None, limit: int = 100
    ) -> list[Json]:
        """Events by position, oldest first; with `before`, the newest ones below it."""
        with self._store.reading() as view:
            project_id = the_project(find_project(view, project, self._by)).id if project else None
            events = view.events(
                after=after,
                before=before,
                project_id=project_id,
                organisation_ids=self._scope,
                limit=limit,
            )
            return shown_events(view, events)

    def last_position(self) -> int:
        """The position of the newest event."""
        with self._store.reading() as view:
            return view.last_position()

    def pulse(self) -> list[Json]:
        """Every organisation: its state, and when it was last looked at whole; little enough for every page."""
        with self._store.reading() as view:
            return [
                {**organisation_view(home), "looked_at": _looked_at(view, home)}
                for home in readable_organisations(view, self._by)
            ]

    def sync_status(self) -> Json:
        """Every organisation: its state, its last looks, what is being confirmed and what is held."""
        with self._store.reading() as view:
            organisations = [self._organisation(view, o) for o in readable_organisations(view, self._by)]
            outbox = view.outbox_counts()
            budget, alive = view.setting(BUDGET), alive_view(view.setting(ALIVE))
        return {
            "running": self._store.holder("heartbeat"),
            "organisations": organisations,
            "outbox": outbox,
            "budget": budget,
            "alive": alive,
        }

    def _organisation(self, view: Reads, organisation: Organisation) -> Json:
        looks = view.looks(organisation.id, 20)
        counts: Counter[str] = Counter()
        for (_, presence), number in view.presence_counts(organisation.id).items():
            counts[presence] += number
        held = view.held(organisation.id)
        whole = next((look for look in looks if look.kind == "full" and look.outcome == "whole"), None)
        return {
            **organisation_view(organisation),
            "repositories": {presence.value: counts[presence] for presence in Presence},
            "held": [tracked.repository.repo.full_name for tracked in held],
            "last_look": look_view(looks[0] if looks else None),
            "last_whole_look": look_view(whole),
        }


def _looked_at(view: Reads, home: Organisation) -> str | None:
    look = view.look(home.last_whole_look)
    return stamp(look.finished_at) if look is not None else None


def find_incident(view: Reads, incident_id: int, by: Principal) -> Incident:
    """One incident by its number, if this principal may see it. Raises Unknown."""
    incident = view.incident(incident_id)
    if incident is None or not by.may(Right.READ, incident.organisation_id):
        scope = by.organisations(Right.READ)
        states = ["open", "acknowledged"]
        near = [str(i.id) for i in view.incidents(states=states, organisation_ids=scope, limit=3)]
        raise Unknown("incident", str(incident_id), near)
    return incident


def one_project(view: Reads, found: Tracked | Project) -> Json:
    """One project as `project_view` shows it, with its repository's names."""
    project = the_project(found)
    repository = None if isinstance(found, Project) else found.repository
    names = view.names(repository.repo.id) if repository else []
    home, holds = view.organisation(project.organisation_id), view.holds(project.id)
    shown = project_view(project, repository, home, names, holds)
    shown["operation"] = operation_view(shown_operation(view, project.id))
    shown["update"] = update_view(view.open_update(project.id))
    shown["readiness"] = score_view(view.scores([project.id]).get(project.id))
    return shown


def shown_operation(view: Reads, project_id: str) -> Operation | None:
    """What runs for a project now; where nothing does, the last one if it did not succeed."""
    newest = next(iter(view.operations(project_id, limit=1)), None)
    if newest is None or newest.state is OperationState.SUCCEEDED:
        return None
    return newest


def shown_incident(view: Reads, incident: Incident) -> Json:
    """One incident, with the names of what its ids mean."""
    return shown_incidents(view, [incident])[0]


def shown_incidents(view: Reads, incidents: Sequence[Incident]) -> list[Json]:
    """Incidents, with the names of what their ids mean."""
    if not incidents:
        return []
    slugs = _slugs(view, [incident.project_id for incident in incidents])
    homes = {organisation.id: organisation for organisation in view.organisations()}
    return [
        incident_view(i, slugs.get(i.project_id or ""), homes.get(i.organisation_id or 0)) for i in incidents
    ]


def shown_events(view: Reads, events: Sequence[Event]) -> list[Json]:
    """Events, with the names of what their ids mean."""
    slugs = _slugs(view, [event.project_id for event in events])
    logins = {organisation.id: organisation.login for organisation in view.organisations()}
    return [event_view(event, slugs, logins) for event in events]


def _slugs(view: Reads, project_ids: Iterable[str | None]) -> dict[str, str]:
    wanted = {project_id for project_id in project_ids if project_id}
    return view.slugs(wanted) if wanted else {}
