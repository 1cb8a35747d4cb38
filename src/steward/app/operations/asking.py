"""Asks agents: within the budget, with what they may know, and what is believed of how a run ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from steward.app.filing import told
from steward.app.operations.context import Failed, Run
from steward.app.operations.hands import keep_unpushed
from steward.domain.agents import Limits, Outcome, Role, RunEvent, RunEventKind, RunResult, RunSpec
from steward.domain.instructions import instructions
from steward.domain.operations import THEIRS, Fault
from steward.ports import Transient
from steward.ports.records import AgentRun


def branch_of(run: Run) -> str:
    """The branch of an operation; nobody else has reason to use that name."""
    return f"steward/{run.operation.kind}-{run.operation.id[:8]}"


def ask_agent(run: Run, role: Role, clone: Any, base: str) -> RunResult:
    """Have an agent work in a clone, within the budget; its costs are kept whatever comes of it."""
    if (agent := run.tools.agents.get(role)) is None:
        raise Failed(
            Fault.INFRASTRUCTURE, f"no agent is configured to be {role}", "Configure one, then retry."
        )
    limits = _within_budget(run)
    # Every run has a name of its own, tried again or not: what each has cost is counted.
    run.keep(runs=int(run.facts.get("runs", 0)) + 1)
    told_of = contract(run, role, base)
    wanted = RunSpec(
        run_id=f"{run.operation.id}-{run.operation.attempt}-{role}-{run.facts['runs']}",
        role=role,
        clone=clone,
        base_sha=base,
        branch=branch_of(run),
        instructions=instructions(role, told_of),
        contract=told_of,
        environment={"GIT_AUTHOR_NAME": f"Steward {role}", "GIT_AUTHOR_EMAIL": "steward@localhost"},
        limits=limits,
        model=run.tools.model,
        network=run.tools.network,
    )
    run.say(f"The {role} ({agent.name}) is at work")
    run.must_go_on()
    began = run.clock.now().at
    result = agent.run(wanted, lambda event: _hear(run, event), run.stopped)
    done = AgentRun(
        run_id=wanted.run_id,
        project_id=run.project.id,
        operation_id=run.operation.id,
        role=role.value,
        agent=agent.name,
        outcome=result.outcome.value,
        started_at=began,
        finished_at=run.clock.now().at,
        cost_usd=result.cost_usd,
        cost_source=result.cost_source,
    )
    with told(run.store) as tx:
        tx.save_agent_run(done)
    if result.outcome is Outcome.CANCELLED or run.stopped():
        if role is not Role.TESTER:
            keep_unpushed(run, run.repository(), clone, base)
        run.must_go_on()
        raise Transient(f"the run of the {role} was broken off")
    return result


def _within_budget(run: Run) -> Limits:
    """The limits of one run: what is left of the project's budget is the most that it may cost. Raises Failed."""
    limits = run.tools.limits
    with run.store.reading() as view:
        budget, spent = view.budget_usd(run.project.id), view.spent_usd(run.project.id)
    if budget is not None and 0 < budget <= spent:
        raise Failed(
            Fault.BUDGET,
            f"the budget of {budget:.2f} USD is spent",
            "Give the project a larger budget, then retry.",
            spent_usd=round(spent, 2),
            budget_usd=budget,
        )
    if budget:
        limits = replace(limits, usd=min(limits.usd or budget, budget - spent))
    return limits


def _hear(run: Run, event: RunEvent) -> None:
    if event.kind is not RunEventKind.USAGE and event.text:
        run.say(event.text)


def contract(run: Run, role: Role, base: str) -> Mapping[str, Any]:
    """What is asked of an agent, in the form that programs read."""
    spec = run.spec()
    update = None
    if run.operation.update is not None and not run.facts.get(THEIRS):
        with run.store.reading() as view:
            found = next((u for u in view.updates(run.project.id) if u.number == run.operation.update), None)
        update = {"number": found.number, "text": found.text} if found else None
    return {
        "project": {"slug": run.project.slug, "title": run.project.title},
        "role": role.value,
        "branch": branch_of(run),
        "base_sha": base,
        "spec": {
            "version": spec.version,
            "template": spec.template.source,
            "answers": dict(spec.answers),
            "brief": spec.brief,
            "criteria": list(spec.criteria),
            "environment": dict(spec.environment),
        },
        "update": update,
        "rework": list(run.facts.get("rework", ())),
    }


def must_have_worked(run: Run, result: RunResult) -> None:
    """Sort out how a run ended. What the agent says of success is not among it."""
    outcome, reason = result.outcome, result.reason or result.tail[-500:]
    if outcome in (Outcome.COMPLETED, Outcome.NO_CHANGE):
        return
    if outcome is Outcome.PROVIDER_ERROR:
        raise Transient(f"the agent's model did not serve: {reason}")
    faults = {Outcome.LIMIT: Fault.BUDGET, Outcome.REFUSED: Fault.PERSON}
    advice = {
        Outcome.LIMIT: "Give the project a larger budget, or a smaller task, then retry.",
        Outcome.REFUSED: "Configure an agent that can do this, or change the spec, then retry.",
    }
    raise Failed(
        faults.get(outcome, Fault.INFRASTRUCTURE),
        f"the agent's run ended as {outcome}: {reason}",
        advice.get(outcome, f"See its log: steward project logs {run.project.slug}; then retry."),
    )
