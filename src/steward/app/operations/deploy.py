"""Deploy and rollback: the verified commit, and nothing else, put live and proven to live."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

from steward.app.filing import told
from steward.app.operations.context import Failed, Run, TipMoved, project_by_id
from steward.app.operations.hands import must_be_known
from steward.app.operations.supply import supply
from steward.app.operations.writing import default_branch
from steward.domain.journal import Event, Kind
from steward.domain.life import Look, proven
from steward.domain.operations import Fault, Operation, OperationState, Work
from steward.domain.spec import STARTER, Release
from steward.domain.status import Status
from steward.ports import Reads, Transient
from steward.ports.building import Deployed, DeployOrder
from steward.ports.engine import Stepped, again

LOOKS_MAX = 120
"""How often a release that should live is looked at before it is called dead."""


def last_verified(view: Reads, project_id: str) -> Operation | None:
    """The newest verification that passed, or an adoption into a status that is verified."""
    return next((found for found in view.operations(project_id) if _has_verified(found)), None)


def _has_verified(found: Operation) -> bool:
    if found.state is not OperationState.SUCCEEDED:
        return False
    if found.kind is Work.ADOPT:
        return found.facts.get("entry") in (Status.VERIFIED, Status.ACTIVE)
    return found.kind is Work.VERIFY and "rejected" not in found.result


def bind_release(run: Run) -> None:
    """Only the verified commit is deployed, and only while it is the tip of the default branch."""
    with run.store.reading() as view:
        verified = last_verified(view, run.project.id)
    if verified is None:
        raise Failed(Fault.INPUT, "no commit was verified", "Resolve to an earlier status, then start again.")
    commit, row = str(verified.result["commit"]), run.repository()
    tip = run.tools.forge().tip(row.repo.id, default_branch(row))
    if tip is None:
        raise Failed(Fault.INFRASTRUCTURE, f"{row.repo.full_name} has no branch {default_branch(row)}")
    must_be_known(run, row, default_branch(row), tip)
    if tip != commit:
        raise TipMoved(commit, tip)
    run.keep(commit=commit)


def choose_release(run: Run) -> None:
    """The release to go back to: the one that was named, else the last good one before what is live."""
    if "commit" in run.facts:
        return
    with run.store.reading() as view:
        releases = view.releases(run.project.id)
    live = next((one for one in releases if one.state == "live"), None)
    wanted = run.facts.get("release")
    fitting = [
        one
        for one in releases
        if one is not live and (one.number == wanted if wanted else one.state == "superseded")
    ]
    if not fitting:
        raise Failed(Fault.INPUT, "there is no earlier release to go back to", "See the project's releases.")
    run.keep(commit=fitting[0].commit, number=fitting[0].number)
    run.say(f"Going back to release {fitting[0].number}, {fitting[0].commit[:12]}")


def put(run: Run, commit: str) -> Deployed:
    """Deploy that commit."""
    spec, row = run.spec(), run.repository()
    variables, secrets = supply(run, spec)
    shutil.rmtree(run.folder, ignore_errors=True)
    tree = run.folder / "tree"
    tree.parent.mkdir(parents=True, mode=0o700)
    address, token = run.tools.forge().git_address(row.repo.id)
    run.tools.workshop.export(row.repo.id, address, token, commit, tree)
    run.must_go_on()
    order = DeployOrder(
        project_id=run.project.id,
        slug=run.project.slug,
        commit=commit,
        tree=tree,
        variables=variables,
        secrets=secrets,
        proof=spec.proof,
        # What is made of our own template may run where there is no box.
        trusted=spec.template.source == STARTER,
    )
    ended = run.tools.deployer.deploy(order, run.say, run.stopped)
    shutil.rmtree(run.folder, ignore_errors=True)
    return ended


def unless_stopped(run: Run, ended: Deployed) -> None:
    """Raise where the playbook was broken off: Superseded where it was to be, else Transient."""
    if ended.outcome == "cancelled" or run.stopped():
        run.must_go_on()
        raise Transient("the playbook was broken off")


def run_playbook(run: Run) -> None:
    """Put the commit where people reach it."""
    commit = str(run.facts["commit"])
    ended = put(run, commit)
    unless_stopped(run, ended)
    if ended.outcome != "ok":
        _failed_release(run, ended.reason)
        raise Failed(
            Fault.INFRASTRUCTURE,
            f"the deployment ended as {ended.outcome}"
            + (f" in «{ended.failed_task}»" if ended.failed_task else "")
            + f": {ended.reason}",
            f"See its log: steward project logs {run.project.slug}; then retry.",
            commit=commit,
            tail=ended.tail[-2000:],
        )
    run.keep(url=ended.url, looks=[])


def prove_life(run: Run) -> Stepped | None:
    """Ansible ok is not live: the proof of life must hold for that commit."""
    commit, url = str(run.facts["commit"]), str(run.facts["url"])
    proof = run.spec().proof
    sign = run.tools.probe.look(url, proof, commit, 10.0)
    now = run.clock.now().at
    looks: list[Any] = [*run.facts.get("looks", ()), [now.isoformat(), sign.alive, sign.up_s]][-LOOKS_MAX:]
    count = int(run.facts.get("looked", 0)) + 1
    run.keep(looks=looks, looked=count)
    seen = [Look(type(now).fromisoformat(at), alive, up_s) for at, alive, up_s in looks]
    if proven(seen, proof.kind):
        run.say(f"It lives at {url}, at commit {commit[:12]}")
        return None
    if count < LOOKS_MAX:
        return again(min(run.tools.poll_s, 1.0))
    _failed_release(run, sign.detail)
    _restore(run)
    raise Failed(
        Fault.PRODUCT,
        f"{url} does not live for {commit[:12]}: {sign.detail}",
        "The release before it serves again, where there was one. Mend the project, or retry.",
        commit=commit,
        url=url,
    )


def _restore(run: Run) -> None:
    """Put the release that was live back in its place."""
    with run.store.reading() as view:
        live = next((one for one in view.releases(run.project.id) if one.state == "live"), None)
    if live is not None and live.commit != run.facts["commit"]:
        run.say(f"Rolling back to release {live.number}")
        ended = put(run, live.commit)
        run.say(f"The rollback ended as {ended.outcome} {ended.reason}")


def _failed_release(run: Run, why: str) -> None:
    """Keep that this commit was tried."""
    at, commit, why = run.clock.now().at, str(run.facts["commit"]), run.redact(why)
    with told(run.store) as tx:
        known = next((one for one in tx.releases(run.project.id) if one.commit == commit), None)
        if known is None or known.state == "failed":
            made = Release(run.project.id, 0, commit, "", "failed", at, run.operation.id)
            tx.save_release(known or made)
        data = {"number": known.number if known else 0, "commit": commit, "url": ""}
        tx.append([_event(run, Kind.RELEASE_FAILED, why, data)])


def record_release(run: Run) -> None:
    """What serves now."""
    commit, url, at = str(run.facts["commit"]), str(run.facts["url"]), run.clock.now().at
    if run.facts.get("recorded"):
        return
    kind = run.spec().proof.kind
    with told(run.store) as tx:
        known = next((one for one in tx.releases(run.project.id) if one.commit == commit), None)
        made = Release(
            project_id=run.project.id,
            number=known.number if known else 0,
            commit=commit,
            url=url,
            state="live",
            made_at=known.made_at if known else at,
            operation_id=run.operation.id,
            proof=kind,
            health="healthy",
            checked_at=at,
        )
        saved = tx.save_release(made)
        project = project_by_id(tx, run.project.id)
        assert project is not None
        live = {
            "url": url,
            "commit": commit,
            "since": at.isoformat(),
            "health": "healthy",
            "release": saved.number,
        }
        tx.save_project(replace(project, live=live), at)
        back = run.operation.kind is Work.ROLLBACK
        told_as = Kind.RELEASE_ROLLED_BACK if back else Kind.RELEASE_LIVE
        tx.append([_event(run, told_as, "", {"number": saved.number, "commit": commit, "url": url})])
        run.keep_in(tx, recorded=True, number=saved.number)


def _event(run: Run, kind: Kind, why: str, data: dict[str, Any]) -> Event:
    actor = f"operation:{run.operation.kind}"
    return Event(kind, run.clock.now().at, actor, run.project.id, run.operation.organisation_id, why, data)
