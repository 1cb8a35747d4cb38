"""Which guards a person's word would find proven now, so that faces offer what can be had, and say why not."""

from __future__ import annotations

from steward.app.supplying import lacks
from steward.app.surveying import facts_of
from steward.domain.guards import Guard
from steward.domain.project import Management, Project, standing
from steward.domain.setup import examine
from steward.domain.status import OPERATION_OF, Status
from steward.ports import Reads


def offered(view: Reads, project: Project, *, builds: bool) -> frozenset[Guard]:
    """What the record proves, and what the word itself would bring. `builds`: this Steward drives projects."""
    facts = set(standing(project))
    if project.status in (Status.DISCOVERED, Status.SETUP_REQUIRED):
        found = examine(facts_of(view, project, view.scan(project.id)))
        facts |= found.proofs(found.proposed)
    if not builds:
        return frozenset(facts)
    frozen = view.organisation(project.organisation_id).frozen is not None
    running = view.open_operation(project.id)
    if view.open_update(project.id) is not None:
        facts.add(Guard.UPDATE_OPEN)
    if not frozen and project.management is Management.DRIVE:
        facts.add(Guard.NOT_HELD)
    if running is None:
        facts |= _brought(project)
    if project.status is Status.VERIFIED and lacks(view, project.id):
        facts.discard(Guard.SECRETS_PRESENT)
    if project.status in OPERATION_OF:
        facts.add(Guard.OPERATION_STOPPED)
    return frozenset(facts)


def _brought(project: Project) -> set[Guard]:
    """What the words that a person may give there bring along."""
    brought = {
        Status.DRAFT: {Guard.BRIEF_APPROVED, Guard.SPEC_VALID, Guard.ESTIMATE_MADE},
        Status.ESTIMATED: {Guard.NAME_FREE, Guard.BUDGET_SET},
        Status.VERIFIED: {Guard.SAME_COMMIT, Guard.SECRETS_PRESENT},
        Status.ACTIVE: {Guard.UPDATE_DESCRIBED},
        Status.MAINTENANCE: {Guard.UPDATE_DESCRIBED, Guard.SPEC_STORED},
        Status.ERROR: {Guard.CAUSE_GONE},
    }
    return brought.get(project.status, set())
