"""Operations, specs, estimates, releases, updates and agents' runs: rows into values and back; see `rows`."""

from __future__ import annotations

from typing import Any

from steward.adapters.store.rows import Fields
from steward.adapters.store.values import (
    clean,
    json_text,
    json_value,
    maybe,
    readable,
    stamp,
    stamp_or_none,
    time_from,
)
from steward.domain.operations import Failure, Fault, Operation, OperationState, Progress, Work
from steward.domain.spec import Estimate, Proof, Release, Spec, TemplateRef, Update
from steward.ports.records import AgentRun, LogLine


def operation_row(operation: Operation) -> dict[str, Any]:
    """An operation's columns but the key, in order."""
    return {
        "operation_id": operation.id,
        "project_id": operation.project_id,
        "organisation_id": operation.organisation_id,
        "kind": str(operation.kind),
        "state": str(operation.state),
        "asked_by": clean(operation.asked_by),
        "created_at": stamp(operation.created_at),
        "attempt": operation.attempt,
        "progress": json_text(_progress(operation.progress)),
        "facts": json_text(operation.facts),
        "result": json_text(operation.result),
        "failure": None if operation.failure is None else json_text(_failure(operation.failure)),
        "update_number": operation.update,
        "started_at": stamp_or_none(operation.started_at),
        "finished_at": stamp_or_none(operation.finished_at),
        "wait_until": stamp_or_none(operation.wait_until),
        "version": operation.version,
    }


def _progress(progress: Progress) -> list[Any]:
    return [progress.step, progress.number, progress.total, progress.text]


def _failure(failure: Failure) -> dict[str, Any]:
    return {
        "step": failure.step,
        "fault": str(failure.fault),
        "reason": failure.reason,
        "advice": failure.advice,
        "evidence": dict(failure.evidence),
    }


def _failure_from(text: str) -> Failure:
    value = json_value(text)
    return Failure(value["step"], Fault(value["fault"]), value["reason"], value["advice"], value["evidence"])


def operation_from(row: Fields) -> Operation:
    """Read a row of `operations`."""
    _key, name, project_id, organisation_id, kind, state, asked_by, created, attempt, *rest = row
    progress, facts, result, failure, update, started, finished, wait_until, version = rest
    with readable("the operation", name):
        return Operation(
            name,
            project_id,
            organisation_id,
            Work(kind),
            OperationState(state),
            asked_by,
            time_from(created),
            attempt,
            Progress(*json_value(progress)),
            json_value(facts),
            json_value(result),
            maybe(_failure_from, failure),
            update,
            maybe(time_from, started),
            maybe(time_from, finished),
            maybe(time_from, wait_until),
            version,
        )


def log_from(row: Fields) -> LogLine:
    """Read a row of `operation_log`."""
    operation, number, attempt, at, step, text = row
    with readable("the log of the operation in row", operation):
        return LogLine(number, attempt, time_from(at), step, text)


def spec_row(spec: Spec) -> tuple[Any, ...]:
    """A spec's columns, in order."""
    proof = spec.proof
    return (
        spec.project_id,
        spec.version,
        clean(spec.template.source),
        clean(spec.template.tag),
        clean(spec.template.commit),
        json_text(spec.answers),
        clean(spec.brief),
        json_text(list(spec.criteria)),
        json_text(spec.environment),
        json_text({"kind": proof.kind, "path": proof.path, "version_path": proof.version_path}),
        clean(spec.made_by),
        stamp(spec.made_at),
    )


def spec_from(row: Fields) -> Spec:
    """Read a row of `specs`."""
    project_id, version, source, tag, commit, answers, brief, criteria, environment, proof, by, at = row
    with readable(f"version {version} of the spec of the project", project_id):
        return Spec(
            project_id,
            version,
            TemplateRef(source, tag, commit),
            json_value(answers),
            brief,
            tuple(json_value(criteria)),
            json_value(environment),
            Proof(**json_value(proof)),
            by,
            time_from(at),
        )


def estimate_row(estimate: Estimate) -> tuple[Any, ...]:
    """An estimate's columns, in order."""
    return (
        estimate.project_id,
        estimate.spec_version,
        float(estimate.effort_hours),
        float(estimate.low_hours),
        float(estimate.high_hours),
        float(estimate.cost_usd),
        float(estimate.duration_days),
        json_text(list(estimate.basis)),
        stamp(estimate.made_at),
    )


def estimate_from(row: Fields) -> Estimate:
    """Read a row of `estimates`."""
    project_id, version, effort, low, high, cost, days, basis, made_at = row
    with readable(f"the estimate of version {version} of the project", project_id):
        lines = tuple(json_value(basis))
        return Estimate(project_id, version, effort, low, high, cost, days, lines, time_from(made_at))


def release_row(release: Release, first_live_at: str | None) -> tuple[Any, ...]:
    """A release's columns, in order."""
    return (
        release.project_id,
        release.number,
        clean(release.commit),
        clean(release.url),
        clean(release.state),
        stamp(release.made_at),
        clean(release.operation_id),
        clean(release.proof),
        clean(release.health),
        stamp_or_none(release.checked_at),
        first_live_at,
    )


def release_from(row: Fields) -> Release:
    """Read a row of `releases`."""
    project_id, number, sha, url, state, made_at, operation_id, proof, health, checked_at, _first = row
    with readable(f"release {number} of the project", project_id):
        made, checked = time_from(made_at), maybe(time_from, checked_at)
        return Release(project_id, number, sha, url, state, made, operation_id, proof, health, checked)


def update_row(update: Update) -> tuple[Any, ...]:
    """An update's columns, in order."""
    return (
        update.project_id,
        update.number,
        clean(update.text),
        clean(update.state),
        clean(update.asked_by),
        stamp(update.asked_at),
        update.spec_version,
        stamp_or_none(update.ended_at),
    )


def update_from(row: Fields) -> Update:
    """Read a row of `updates`."""
    project_id, number, text, state, asked_by, asked_at, spec_version, ended_at = row
    with readable(f"update {number} of the project", project_id):
        asked, ended = time_from(asked_at), maybe(time_from, ended_at)
        return Update(project_id, number, text, state, asked_by, asked, spec_version, ended)


def run_row(run: AgentRun) -> tuple[Any, ...]:
    """The columns of an agent's run, in order."""
    return (
        run.run_id,
        run.project_id,
        clean(run.operation_id),
        clean(run.role),
        clean(run.agent),
        clean(run.outcome),
        stamp(run.started_at),
        stamp(run.finished_at),
        None if run.cost_usd is None else float(run.cost_usd),
        clean(run.cost_source),
    )


def run_from(row: Fields) -> AgentRun:
    """Read a row of `agent_runs`."""
    run_id, project_id, operation_id, role, agent, outcome, started, finished, cost, source = row
    with readable("the agent's run", run_id):
        began, ended = time_from(started), time_from(finished)
        return AgentRun(run_id, project_id, operation_id, role, agent, outcome, began, ended, cost, source)
