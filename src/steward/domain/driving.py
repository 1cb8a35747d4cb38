"""What a project does next by itself: which operation follows in the road, if nothing stands against it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from steward.domain.operations import Operation, OperationState, Work
from steward.domain.project import Management, Project
from steward.domain.spec import Update
from steward.domain.status import Status

NEXT: Final[dict[Status, Work]] = {
    Status.INITIALIZED: Work.DESIGN,
    Status.DESIGNED: Work.IMPLEMENT,
    Status.IMPLEMENTED: Work.VERIFY,
    Status.VERIFIED: Work.DEPLOY,
}
"""The settled statuses that do not wait for a person, each with the operation that leads on."""


def next_work(project: Project, last: Operation | None, *, held: bool, deploys: bool) -> Work | None:
    """The operation to start now, or None.

    `last` is the newest operation of the road. What a person cancelled or what failed stays where it is until a
    person says so; a project that Steward has not built yet is not driven on by itself. `deploys`: policy lets a
    verified commit go live without a person's word. `held`: the organisation is frozen, or a hold stands.
    """
    if held or project.management is not Management.DRIVE:
        return None
    if last is None or last.state is not OperationState.SUCCEEDED:
        return None
    work = NEXT.get(project.status)
    if work is Work.DEPLOY and not deploys:
        return None
    return work


def opens(project: Project, operations: Sequence[Operation], line: Sequence[Update], *, held: bool) -> bool:
    """Whether the next update in line may be opened now: nothing runs, and the branch is what is live.

    `operations` are the project's, newest first; `line` are all its updates.
    """
    if held or project.management is not Management.DRIVE or project.live is None:
        return False
    if project.status is not Status.ACTIVE or any(update.state == "open" for update in line):
        return False
    return not untaken(operations) and not any(one.is_open for one in operations)


def untaken(operations: Sequence[Operation]) -> Operation | None:
    """The taking back of an abandoned update that did not succeed so far: its work is on the default branch."""
    newest = next((one for one in operations if one.kind is not Work.ROLLBACK), None)
    if newest is None or newest.kind is not Work.REVERT or newest.state is OperationState.SUCCEEDED:
        return None
    return newest


def beside(operations: Sequence[Operation]) -> Operation | None:
    """The newest operation, if it is one beside the road (a rollback, a taking back) that did not succeed."""
    newest = operations[0] if operations else None
    if newest is not None and newest.kind is Work.ROLLBACK and newest.state is not OperationState.SUCCEEDED:
        return newest
    return untaken(operations)
