"""Revert: what an abandoned update had merged is taken back, so that the default branch is what is live."""

from __future__ import annotations

from steward.app.operations.context import Failed, Run
from steward.app.operations.writing import branch_of, default_branch
from steward.domain.operations import Fault, Work
from steward.ports.building import MovedOn


def find_merged(run: Run) -> None:
    """The merges of that update, newest first, and the tip they are taken back on."""
    if "base" in run.facts:
        return
    with run.store.reading() as view:
        done = view.operations(run.project.id)
    merged = [
        str(one.facts["merged"])
        for one in done
        if one.update == run.operation.update
        and one.kind in (Work.DESIGN, Work.IMPLEMENT)
        and "merged" in one.facts
    ]
    checks: list[str] = next((one.facts["checks"] for one in done if "checks" in one.facts), [])
    row = run.repository()
    base = run.tools.forge().tip(row.repo.id, default_branch(row))
    if base is None:
        raise Failed(Fault.INFRASTRUCTURE, f"{row.repo.full_name} has no branch {default_branch(row)}")
    run.keep(base=base, head=base, merges=merged, checks=checks)
    run.say(f"{len(merged)} merges are taken back")


def push_branch(run: Run) -> None:
    """One commit that takes them back, on a branch of ours."""
    row, forge = run.repository(), run.tools.forge()
    intent = run.facts.get("intent")
    if intent and forge.tip(row.repo.id, branch_of(run)) == intent:
        run.keep(head=intent)
        return
    address, token = forge.git_address(row.repo.id)
    base, merges = str(run.facts["base"]), [str(sha) for sha in run.facts["merges"]]
    head = run.tools.workshop.revert(row.repo.id, address, token, base, merges)
    run.keep(intent=head)
    run.must_go_on()
    try:
        run.tools.workshop.push(row.repo.id, address, token, head, branch_of(run), None)
    except MovedOn as moved:
        raise Failed(
            Fault.PERSON, f"{branch_of(run)} is somebody else's: {moved}", "Delete it, then retry."
        ) from None
    run.keep(head=head)
