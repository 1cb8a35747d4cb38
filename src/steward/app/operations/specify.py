"""Specify: is the spec one that its template can be rendered from, and what will it take?"""

from __future__ import annotations

from steward.app.filing import told
from steward.app.operations.context import Failed, Run
from steward.domain.answers import check_answers
from steward.domain.estimating import estimate
from steward.domain.journal import Event, Kind
from steward.domain.operations import Fault
from steward.domain.spec import Spec, Template


def _template(run: Run) -> tuple[Spec, Template]:
    spec = run.spec()
    return spec, run.tools.templates.read(spec.template)


def read_template(run: Run) -> None:
    """The template can be had, at the commit that the spec names."""
    spec, template = _template(run)
    run.say(f"The template {template.title} was read")
    run.keep(spec_version=spec.version, checks=list(template.checks), template=spec.template.source)


def check(run: Run) -> None:
    """Every answer fits its question."""
    spec, template = _template(run)
    checked = check_answers(template, spec.answers)
    if checked.problems:
        words = [f"{one.name or 'the answers'}: {one.words}" for one in checked.problems]
        raise Failed(
            Fault.INPUT,
            "the answers do not fit the template: " + "; ".join(words),
            f"Revise them: steward project revise {run.project.slug}",
        )


def make_estimate(run: Run) -> None:
    """An estimate of that spec, with what it stands on."""
    if "estimated" in run.facts:
        return
    spec, template = _template(run)
    at = run.clock.now().at
    with run.store.reading() as view:
        history = view.built(spec.template.source)
    made = estimate(spec, template, history, run.tools.rates, at)
    with told(run.store) as tx:
        tx.save_estimate(made)
        data = {"version": spec.version, "hours": made.effort_hours, "usd": made.cost_usd}
        actor = f"operation:{run.operation.kind}"
        home = run.operation.organisation_id
        tx.append([Event(Kind.ESTIMATE_MADE, at, actor, run.project.id, home, "", data)])
        run.keep_in(tx, estimated=made.effort_hours)
    run.say(f"Estimated: {made.effort_hours:g} hours")
