"""What faces are shown of building, as JSON values: operations, specs, estimates, releases, updates, costs."""

from __future__ import annotations

from collections.abc import Sequence

from steward.app.views import Json, stamp
from steward.domain.operations import STEPS, Operation
from steward.domain.spec import Estimate, Question, Release, Spec, Template, Update
from steward.ports.records import AgentRun, LogLine


def operation_view(operation: Operation | None) -> Json | None:
    """One operation: what it is, how far it is, what it came to."""
    if operation is None:
        return None
    failure = operation.failure
    return {
        "id": operation.id,
        "kind": operation.kind.value,
        "state": operation.state.value,
        "attempt": operation.attempt,
        "progress": {
            "step": operation.progress.step or None,
            "number": operation.progress.number,
            "total": operation.progress.total or len(STEPS[operation.kind]),
            "text": operation.progress.text,
        },
        "steps": list(STEPS[operation.kind]),
        "asked_by": operation.asked_by,
        "update": operation.update,
        "created_at": stamp(operation.created_at),
        "started_at": stamp(operation.started_at),
        "finished_at": stamp(operation.finished_at),
        "result": dict(operation.result),
        "pull": operation.facts.get("pull_url"),
        "failure": {
            "step": failure.step,
            "fault": failure.fault.value,
            "reason": failure.reason,
            "advice": failure.advice,
            "evidence": dict(failure.evidence),
        }
        if failure
        else None,
    }


def log_view(line: LogLine) -> Json:
    """One line of an operation's log."""
    return {
        "number": line.number,
        "attempt": line.attempt,
        "at": stamp(line.at),
        "step": line.step,
        "text": line.text,
    }


def spec_view(spec: Spec, estimate: Estimate | None) -> Json:
    """One version of a spec, with its estimate where there is one."""
    return {
        "version": spec.version,
        "template": {
            "source": spec.template.source,
            "tag": spec.template.tag or None,
            "commit": spec.template.commit or None,
        },
        "answers": dict(spec.answers),
        "brief": spec.brief,
        "criteria": list(spec.criteria),
        "environment": dict(spec.environment),
        "proof": spec.proof.kind,
        "made_by": spec.made_by,
        "made_at": stamp(spec.made_at),
        "estimate": estimate_view(estimate),
    }


def estimate_view(estimate: Estimate | None) -> Json | None:
    """An estimate, with what it stands on."""
    if estimate is None:
        return None
    return {
        "effort_hours": estimate.effort_hours,
        "low_hours": estimate.low_hours,
        "high_hours": estimate.high_hours,
        "cost_usd": estimate.cost_usd,
        "duration_days": estimate.duration_days,
        "basis": list(estimate.basis),
        "made_at": stamp(estimate.made_at),
    }


def release_view(release: Release) -> Json:
    """One release."""
    return {
        "number": release.number,
        "commit": release.commit,
        "url": release.url or None,
        "state": release.state,
        "proof": release.proof,
        "health": release.health,
        "made_at": stamp(release.made_at),
        "checked_at": stamp(release.checked_at),
        "operation": release.operation_id,
    }


def update_view(update: Update | None) -> Json | None:
    """One update."""
    if update is None:
        return None
    return {
        "number": update.number,
        "text": update.text,
        "state": update.state,
        "asked_by": update.asked_by,
        "asked_at": stamp(update.asked_at),
        "ended_at": stamp(update.ended_at),
        "spec_version": update.spec_version,
    }


def costs_view(runs: Sequence[AgentRun], spent_usd: float, budget_usd: float | None) -> Json:
    """What agents cost so far; a budget of 0 is none."""
    return {
        "spent_usd": round(spent_usd, 4),
        "budget_usd": budget_usd or None,
        "runs": len(runs),
        "unknown": sum(run.cost_usd is None for run in runs),
    }


def template_view(template: Template) -> Json:
    """A template, with the questions that a person may answer."""
    return {
        "source": template.ref.source,
        "tag": template.ref.tag or None,
        "title": template.title,
        "description": template.description,
        "checks": list(template.checks),
        "questions": [_question(one) for one in template.questions if not one.computed],
    }


def _question(question: Question) -> Json:
    return {
        "name": question.name,
        "kind": question.kind.value,
        "help": question.help,
        "default": question.default,
        "choices": list(question.choices),
        "multiselect": question.multiselect or question.several,
        "secret": question.secret,
        "multiline": question.multiline,
        "required": question.required,
    }
