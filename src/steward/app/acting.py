"""What every command shares: who acts, what they may, and how it is written into the history.

Rights are checked here, beneath every face, in the transaction that acts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from steward.app.errors import Forbidden, Stale
from steward.app.policy import Policy
from steward.app.queries import find_project, the_project
from steward.app.reconcile import move_event
from steward.domain.consequences import Step
from steward.domain.guards import Guard
from steward.domain.journal import Event, Kind
from steward.domain.lifecycle import Who, advance
from steward.domain.people import Principal, Right
from steward.domain.project import Project, Tracked, standing
from steward.domain.reports import Seen
from steward.domain.status import Status, Trigger
from steward.ports import Clock, Reads, Store, Writes
from steward.ports.building import Templates
from steward.ports.vault import Vault


@dataclass(frozen=True, slots=True)
class Acts:
    """Commands of one principal. `expecting`: the version that a changed project must still have.

    `templates`: what projects are made of; None where this installation drives none. `vault` keeps their values;
    None where nothing can be kept. `scans`: repositories are scanned for what they need before they are driven.
    """

    store: Store
    clock: Clock
    by: Principal
    channels: Sequence[str]
    policy: Policy = field(default=Policy())
    expecting: int | None = None
    templates: Templates | None = None
    vault: Vault | None = None
    scans: bool = False

    @property
    def actor(self) -> str:
        """Who acts, as recorded in the history."""
        return self.by.actor

    def allow(self, view: Reads, right: Right, organisation_id: int) -> None:
        """Raise Forbidden unless that is allowed in that organisation."""
        if not self.by.may(right, organisation_id):
            raise Forbidden(right, self.actor, view.organisation(organisation_id).login)

    def found(self, tx: Reads, reference: str, right: Right) -> tuple[Tracked | Project, Project]:
        """The project that is meant, if this principal may do that to it. Raises Unknown, Forbidden, Stale.

        One that may not even be seen is unknown, so that its name is not given away.
        """
        found = find_project(tx, reference, self.by)
        project = the_project(found)
        self.allow(tx, right, project.organisation_id)
        if self.expecting is not None and project.version != self.expecting:
            raise Stale(f"the project {project.slug}", self.expecting, project.version)
        return found, project

    def seen(self, tx: Writes, organisation_id: int) -> Seen:
        """Now, as the newest look knows it: news from looks that began before is late."""
        looks = tx.looks(organisation_id, 1)
        return Seen(organisation_id, looks[0].id if looks else 0, self.clock.now())

    def event(
        self, kind: Kind, seen: Seen, project: Project | None = None, why: str = "", **data: object
    ) -> Event:
        """An event of what this principal did."""
        project_id = project.id if project else None
        return Event(kind, seen.at, self.actor, project_id, seen.organisation_id, why, data)

    def move(
        self,
        tx: Writes,
        project: Project,
        trigger: Trigger,
        proofs: frozenset[Guard],
        why: str,
        seen: Seen,
        who: Who = Who.PERSON,
        choice: Status | None = None,
    ) -> Project:
        """Make a move along the table, with its event. Raises Refused, Conflict."""
        move = advance(project.position, trigger, who, standing(project) | proofs, choice)
        moved = tx.move(project, move, seen.at)
        step = Step(trigger, proofs, why, who)
        tx.append([move_event(project.id, move, step, seen, self.actor)])
        return moved
