"""Verify: one commit, its checks, and the tester's word on it."""

from __future__ import annotations

import shutil

from steward.app.operations.asking import ask_agent, branch_of
from steward.app.operations.context import Failed, Run, Sent
from steward.app.operations.hands import must_be_known
from steward.app.operations.writing import default_branch, look_at_checks
from steward.domain.agents import Outcome, Role
from steward.domain.operations import Fault
from steward.domain.verdict import Colour
from steward.ports import Transient
from steward.ports.engine import Stepped, again


def bind_commit(run: Run) -> None:
    """The tip of the default branch is what is verified, and nothing else."""
    row = run.repository()
    commit = run.tools.forge().tip(row.repo.id, default_branch(row))
    if commit is None:
        raise Failed(Fault.INFRASTRUCTURE, f"{row.repo.full_name} has no branch {default_branch(row)}")
    must_be_known(run, row, default_branch(row), commit)
    if commit != run.facts.get("commit"):
        # What was found out of another commit says nothing of this one.
        run.forget("since", "approved", "reasons", "checks_verdict")
        run.keep(commit=commit, head=commit, base=commit)
    run.say(f"Verifying {commit[:12]}")


def await_checks(run: Run) -> Stepped | None:
    """The checks of that commit. None at all is never green: a person may waive them, with a reason."""
    commit = str(run.facts["commit"])
    names = [str(name) for name in run.facts.get("checks", ())]
    found = look_at_checks(run, commit, "since", names)
    reasons = "; ".join(found.reasons)
    if found.colour is Colour.GREEN:
        run.keep(checks_verdict="green")
        run.say("The checks are green")
        return None
    if found.colour is Colour.PENDING:
        return again(run.tools.poll_s)
    if found.colour is Colour.NONE:
        if waived := run.facts.get("waived"):
            run.keep(checks_verdict="waived")
            run.say(f"There are no checks; a person waived them: {waived}")
            return None
        raise Failed(
            Fault.PERSON,
            f"nothing has checked {commit[:12]}",
            "Add checks to the repository, or retry with a reason to do without them.",
            commit=commit,
            colour=found.colour.value,
        )
    if found.colour is Colour.RED and not found.infrastructure:
        raise Sent(found.reasons)
    raise Failed(
        Fault.INFRASTRUCTURE,
        f"the checks of {commit[:12]} are {found.colour}: {reasons}",
        "Look at the checks on GitHub; run them again there, then retry.",
        commit=commit,
        colour=found.colour.value,
    )


def run_tester(run: Run) -> None:
    """The tester's verdict on that commit, with its reasons; its clone is thrown away."""
    if "approved" in run.facts:
        return
    row, commit = run.repository(), str(run.facts["commit"])
    shutil.rmtree(run.folder, ignore_errors=True)
    run.folder.mkdir(parents=True, mode=0o700)
    clone = run.folder / "clone"
    address, token = run.tools.forge().git_address(row.repo.id)
    run.tools.workshop.clone(row.repo.id, address, token, commit, clone, branch_of(run))
    result = ask_agent(run, Role.TESTER, clone, commit)
    shutil.rmtree(run.folder, ignore_errors=True)
    if result.outcome is Outcome.PROVIDER_ERROR:
        raise Transient(f"the tester's model did not serve: {result.reason}")
    approved = result.verdict.get("approved")
    if result.outcome not in (Outcome.COMPLETED, Outcome.NO_CHANGE) or not isinstance(approved, bool):
        raise Failed(
            Fault.INFRASTRUCTURE,
            f"the tester gave no verdict ({result.outcome}): {result.reason or result.tail[-300:]}",
            "Retry; see its log for what it did.",
        )
    reasons = [run.tools.redact(str(reason)) for reason in result.verdict.get("reasons") or ()]
    run.keep(approved=approved, reasons=reasons)


def judge(run: Run) -> None:
    """Both halves must hold; what the tester refuses goes back to the developer."""
    if not run.facts.get("approved"):
        raise Sent(
            tuple(str(reason) for reason in run.facts.get("reasons") or ("the tester does not approve",))
        )
    run.say("The tester approves")
