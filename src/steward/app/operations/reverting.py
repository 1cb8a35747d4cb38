"""Revert: what an abandoned update had merged is taken back, so that the default branch is what is live."""

from __future__ import annotations

from steward.app.operations import deploy, writing
from steward.app.operations.asking import branch_of
from steward.app.operations.context import Failed, Foreign, Run
from steward.app.operations.hands import has_made, means_to_push, must_be_known
from steward.app.operations.writing import default_branch
from steward.domain.operations import Fault, Operation, Work
from steward.ports.building import MovedOn
from steward.ports.engine import Stepped


def leaves_work(operation: Operation) -> bool:
    """Whether an operation of an update may have left something to be taken back: a merge, or a release."""
    return "pull" in operation.facts or (operation.kind is Work.DEPLOY and "commit" in operation.facts)


def _of_update(run: Run) -> list[Operation]:
    with run.store.reading() as view:
        done = view.operations(run.project.id)
    return [one for one in done if one.update == run.operation.update and one.id != run.operation.id]


def find_merged(run: Run) -> None:
    """The merges of that update, newest first, and the tip they are taken back on.

    A merge that was made as the update was abandoned is not recorded; the pull request knows.
    """
    if "base" in run.facts:
        return
    done, forge, row = _of_update(run), run.tools.forge(), run.repository()
    merged: list[str] = []
    for one in done:
        if one.kind not in (Work.DESIGN, Work.IMPLEMENT) or "pull" not in one.facts:
            continue
        sha = one.facts.get("merged") or forge.pull(row.repo.id, int(one.facts["pull"])).merge_sha
        merged += [str(sha)] if sha else []
    checks: list[str] = next((one.facts["checks"] for one in done if "checks" in one.facts), [])
    base = forge.tip(row.repo.id, default_branch(row))
    if base is None:
        raise Failed(Fault.INFRASTRUCTURE, f"{row.repo.full_name} has no branch {default_branch(row)}")
    must_be_known(run, row, default_branch(row), base)
    run.keep(base=base, head=base, merges=merged, checks=checks)
    run.say(f"{len(merged)} merges are taken back")


def restore_release(run: Run) -> None:
    """Put the live release back where a deployment of the update may have touched it."""
    touched = any(one.kind is Work.DEPLOY and "commit" in one.facts for one in _of_update(run))
    with run.store.reading() as view:
        live = next((one for one in view.releases(run.project.id) if one.state == "live"), None)
    if not touched or live is None:
        return
    run.say(f"Release {live.number} is put back")
    ended = deploy.put(run, live.commit)
    deploy.unless_stopped(run, ended)
    if ended.outcome != "ok":
        raise Failed(
            Fault.INFRASTRUCTURE,
            f"putting release {live.number} back ended as {ended.outcome}: {ended.reason}",
            f"See its log: steward project logs {run.project.slug}; then retry.",
        )


def push_branch(run: Run) -> None:
    """One commit that takes them back, on a branch of ours."""
    if not run.facts["merges"]:
        return
    row, forge = run.repository(), run.tools.forge()
    intent = run.facts.get("intent")
    if intent and forge.tip(row.repo.id, branch_of(run)) == intent:
        run.keep(head=intent)
        return
    address, token = forge.git_address(row.repo.id)
    base, merges = str(run.facts["base"]), [str(sha) for sha in run.facts["merges"]]
    head = run.tools.workshop.revert(row.repo.id, address, token, base, merges)
    run.keep(intent=head)
    entry = means_to_push(run, row, branch_of(run), None, head)
    run.must_go_on()
    try:
        run.tools.workshop.push(row.repo.id, address, token, head, branch_of(run), None)
    except MovedOn as moved:
        raise Foreign(branch_of(run), moved.found) from None
    has_made(run, entry, head)
    run.keep(head=head, remote=head)


def open_pull(run: Run) -> None:
    """The pull request that takes them back, where there is something to take back."""
    if run.facts["merges"]:
        writing.open_pull(run)


def await_checks(run: Run) -> Stepped | None:
    """Its checks."""
    return writing.await_checks(run) if run.facts["merges"] else None


def merge(run: Run) -> Stepped | None:
    """Its merge."""
    return writing.merge(run) if run.facts["merges"] else None
