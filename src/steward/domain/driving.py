"""What a project does next by itself: which operation follows in the road, if nothing stands against it. Pure."""

from __future__ import annotations

from typing import Final

from steward.domain.operations import Operation, OperationState, Work
from steward.domain.project import Management, Project
from steward.domain.status import Status

NEXT: Final[dict[Status, Work]] = {
    Status.INITIALIZED: Work.DESIGN,
    Status.DESIGNED: Work.IMPLEMENT,
    Status.IMPLEMENTED: Work.VERIFY,
    Status.VERIFIED: Work.DEPLOY,
}
"""The settled statuses that do not wait for a person, each with the operation that leads on."""


def next_work(project: Project, last: Operation | None, *, frozen: bool, deploys: bool) -> Work | None:
    """The operation to start now, or None.

    `last` is the newest operation of the road. What a person cancelled or what failed stays where it is until a
    person says so; a project that Steward has not built yet is not driven on by itself. `deploys`: policy lets a
    verified commit go live without a person's word.
    """
    if frozen or project.management is not Management.DRIVE:
        return None
    if last is None or last.state is not OperationState.SUCCEEDED:
        return None
    work = NEXT.get(project.status)
    if work is Work.DEPLOY and not deploys:
        return None
    return work
