"""Hands off, within operations: the ledger before and after each effect, and the question whose a commit is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from steward.app.filing import told
from steward.app.operations.context import Foreign, Run, Superseded
from steward.domain.hands import Entry, EntryKind, reaches
from steward.domain.journal import Event, Kind
from steward.domain.repository import Repository
from steward.domain.seals import seal
from steward.ports import Permanent, Transient
from steward.ports.hands import PATCH_MAX, Patch


def must_be_known(run: Run, row: Repository, branch: str, tip: str) -> None:
    """Raise Foreign unless that commit of a branch is accounted for. Asked before anything is built on it or deployed."""
    if run.tools.eyes is None:
        return
    with run.store.reading() as view:
        watch = view.watches([row.repo.id]).get(row.repo.id)
        entries = view.ledger(row.repo.id, branch)
    if watch is None or not reaches(entries, watch.tips.get(branch), tip):
        raise Foreign(branch, tip)


def means_to_push(run: Run, row: Repository, branch: str, before: str | None, after: str) -> Entry:
    """The intent of a push, written before it."""
    entry = Entry(
        repository_id=row.repo.id,
        branch=branch,
        kind=EntryKind.PUSH,
        before=before,
        after=after,
        at=run.clock.now().at,
        by=f"operation:{run.operation.kind}",
        made=False,
        head=after,
        operation_id=run.operation.id,
    )
    with told(run.store) as tx:
        return tx.enter(entry)


def means_to_merge(run: Run, row: Repository, branch: str, head: str, pull: int) -> Entry:
    """The intent of a merge: written as the pull request is opened, and found again at each later try."""
    with told(run.store) as tx:
        for known in tx.ledger(row.repo.id, branch):
            if known.kind is EntryKind.MERGE and (known.pull, known.head) == (pull, head):
                return known
        return tx.enter(
            Entry(
                repository_id=row.repo.id,
                branch=branch,
                kind=EntryKind.MERGE,
                before=None,
                after=None,
                at=run.clock.now().at,
                by=f"operation:{run.operation.kind}",
                made=False,
                head=head,
                pull=pull,
                operation_id=run.operation.id,
            )
        )


def has_made(run: Run, entry: Entry, after: str) -> None:
    """The effect was seen: the entry says so."""
    with told(run.store) as tx:
        tx.enter(replace(entry, after=after, made=True))


def sealed_message(run: Run, row: Repository, head: str) -> str:
    """What a merge of ours says of itself, so that it is known again without the ledger."""
    eyes = run.tools.eyes
    return seal(eyes.seal_key(), row.repo.id, head) if eyes is not None and eyes.seal_key is not None else ""


def keep_unpushed(run: Run, row: Repository, clone: Path, base: str) -> None:
    """Keep as a patch what an agent had done as it was stopped. Whatever hinders that, the stop goes on."""
    if run.tools.fenced():
        return
    try:
        text, cut = run.tools.workshop.unpushed(row.repo.id, clone, base, PATCH_MAX)
    except (Permanent, Transient) as error:
        run.say(f"The unpushed work could not be kept: {error.reason}")
        return
    if not text:
        return
    at, operation = run.clock.now().at, run.operation
    why = "the run was stopped"
    patch = Patch(run.project.id, operation.id, operation.attempt, base, run.tools.redact(text), at, why, cut)
    with told(run.store) as tx:
        kept = tx.keep_patch(patch)
        data = {"patch": kept.id, "operation": operation.id, "size": len(text), "cut": cut}
        actor = f"operation:{operation.kind}"
        event = Event(Kind.PATCH_KEPT, at, actor, run.project.id, operation.organisation_id, why, data)
        tx.append([event])


def still_wanted(run: Run, row: Repository, clone: Path, base: str) -> None:
    """Raise Superseded where the attempt is over, with what was done kept as a patch."""
    try:
        run.must_go_on()
    except Superseded:
        keep_unpushed(run, row, clone, base)
        raise
