"""What a deployment is given out of the vault, and what is made for it where nobody is to be asked."""

from __future__ import annotations

from collections.abc import Mapping

from steward.app.filing import told
from steward.app.keeping import generated
from steward.app.operations.context import Failed, Run
from steward.domain.journal import Event, Kind
from steward.domain.needs import Origin, Sort
from steward.domain.operations import Fault
from steward.domain.spec import Spec
from steward.domain.vault import Kept, Place, lacking, ungenerated
from steward.ports import Reads

Values = Mapping[str, str]


def generate_lacking(run: Run, spec: Spec) -> None:
    """Make the values that the spec has generated, each once, in one transaction with its event."""
    vault = run.tools.vault
    if vault is None or Origin.GENERATED_SECRET not in spec.environment.values():
        return
    with run.store.reading() as view:
        if not _ungenerated(run, view, spec):
            return
    run.must_go_on()
    actor = f"operation:{run.operation.kind}"
    with told(run.store) as tx:
        at, names = run.clock.now().at, _ungenerated(run, tx, spec)
        for name in names:
            kept = Kept(run.project.id, name, Sort.SECRET, frozenset({Place.RUN}), at, actor, generated=True)
            vault.keep(tx, kept, generated())
        data = {"names": list(names), "sort": "secret", "generated": True}
        home = run.operation.organisation_id
        tx.append([Event(Kind.SECRET_SET, at, actor, run.project.id, home, "", data)])
    run.say(f"Generated {', '.join(names)}; nobody has seen the values")


def _ungenerated(run: Run, view: Reads, spec: Spec) -> tuple[str, ...]:
    vault = run.tools.vault
    assert vault is not None, "the caller has seen to it"
    return ungenerated(
        spec.environment, vault.kept(view, run.project.id), vault.waivers(view, run.project.id)
    )


def supply(run: Run, spec: Spec) -> tuple[Values, Values]:
    """The variables and the secrets that the program is run with. Raises Failed where one is lacking.

    Their use is written down before they are given away.
    """
    generate_lacking(run, spec)
    vault, project_id = run.tools.vault, run.project.id
    with run.store.reading() as view:
        kept = [value.kept for value in view.vault_values(project_id)]
        lacked = lacking(spec.environment, kept, view.vault_waivers(project_id))
        if lacked:
            raise Failed(
                Fault.INPUT,
                f"the program needs what is not set: {', '.join(lacked)}",
                "Set it, then retry: "
                + "; ".join(f"steward secret set {run.project.slug} {name}" for name in lacked[:5]),
                lacking=list(lacked),
            )
        if vault is None or not kept:
            return {}, {}
        values = vault.values(view, project_id, Place.RUN)
    run.learn_secrets()
    secret = {one.name for one in kept if one.sort is Sort.SECRET}
    with told(run.store) as tx:
        vault.used(tx, project_id, values, f"{run.operation.kind}", f"operation:{run.operation.id}")
    return (
        {name: value for name, value in values.items() if name not in secret},
        {name: value for name, value in values.items() if name in secret},
    )
