"""Provision: a repository of our own, once, however often this is begun anew."""

from __future__ import annotations

from dataclasses import replace
from secrets import token_hex
from typing import Final

from steward.app.accounts import begin_watch, wants
from steward.app.filing import told
from steward.app.operations.context import Failed, Run, project_by_id
from steward.app.operations.writing import default_branch
from steward.domain.operations import Fault
from steward.domain.repository import Presence, Repository
from steward.ports import Writes
from steward.ports.building import NameTaken

LABELS: Final = {
    "steward": "4b45d6",
    "steward: design": "2563eb",
    "steward: implementation": "0e7490",
    "steward: revert": "b45309",
}
"""What pull requests of ours are told apart by."""


def reserve_name(run: Run) -> None:
    """Name and marker are recorded before anything is asked of GitHub, so that what appears is known again."""
    with told(run.store) as tx:
        project = project_by_id(tx, run.project.id)
        assert project is not None
        if project.marker is None:
            marker = f"[steward:{token_hex(8)}]"
            run.project = tx.save_project(
                replace(project, expects=project.slug, marker=marker), run.clock.now().at
            )
    run.say(f"The name {run.project.expects or run.project.slug} is reserved")


def create_repository(run: Run) -> None:
    """The repository is there, with README and marker."""
    project, forge = run.project, run.tools.forge()
    with run.store.reading() as view:
        login = view.organisation(project.organisation_id).login
    run.must_go_on()
    try:
        repo, made = forge.ensure_repository(
            login,
            project.expects or project.slug,
            marker=project.marker or "",
            description=project.title or project.slug,
            visibility=run.tools.visibility,
        )
    except NameTaken as taken:
        raise Failed(
            Fault.INPUT,
            f"the name {taken.full_name} belongs to a repository that is not ours",
            "Rename that repository, or archive this project and order it under another name.",
            full_name=taken.full_name,
        ) from None
    run.keep(repository_id=repo.id, full_name=repo.full_name)
    run.say(f"{repo.full_name} {'was created' if made else 'is there already, and is ours'}")
    with told(run.store) as tx:
        _record(run, tx, Repository(repo, project.organisation_id, project.id))


def _record(run: Run, tx: Writes, row: Repository) -> None:
    """Record it unless a look did so before us."""
    at = run.clock.now().at
    looks = tx.looks(row.organisation_id, 1)
    known = next(iter(tx.tracked([row.repo.id])), None)
    if known is None or known.repository.project_id is None:
        tx.save_repositories([replace(row, look=looks[0].id if looks else 0)], at)
        # The pages of the last look do not tell of it: unless they are read anew, its loss would not be seen.
        home = tx.organisation(row.organisation_id)
        tx.save_organisation(replace(home, revision=home.revision + 1))
    elif known.repository.project_id != run.project.id:
        raise Failed(
            Fault.INFRASTRUCTURE,
            f"{row.repo.full_name} is recorded as another project's",
            "Archive that project, then retry.",
        )
    project = project_by_id(tx, run.project.id)
    assert project is not None
    if project.repository_id != row.repo.id:
        run.project = tx.save_project(replace(project, repository_id=row.repo.id), at)


def record_repository(run: Run) -> None:
    """Its id is recorded, it is seen, and it holds nothing but what we put there."""
    row = run.repository()
    if row.presence is not Presence.SEEN:
        raise Failed(Fault.INFRASTRUCTURE, f"{row.repo.full_name} is {row.presence.value}")
    # Read before it is looked into: what comes later is not taken for known.
    tip = run.tools.forge().tip(row.repo.id, default_branch(row))
    bare = run.facts.get("bare") or run.tools.forge().is_bare(row.repo.id)
    if not bare:
        raise Failed(
            Fault.PERSON,
            f"{row.repo.full_name} holds more than its README already",
            "Somebody has pushed to it. Take that out again and retry, or archive this project.",
        )
    if run.facts.get("bare"):
        return
    with told(run.store) as tx:
        begin_watch(tx, row, run.project.id, tip, run.clock.now().at, by="operation:provision")
        run.keep_in(tx, bare=True)


def set_branch_rule(run: Run) -> None:
    """The default branch takes pull requests only, and the template's checks must pass."""
    checks = [str(name) for name in run.facts.get("checks", ())]
    run.must_go_on()
    repo_id = run.repository().repo.id
    done = run.tools.forge().ensure_branch_rule(repo_id, checks)
    if not done.detail:
        with told(run.store) as tx:
            wants(tx, repo_id, rule=True)
    run.say(done.detail or "The rule of the default branch is set")


def set_labels(run: Run) -> None:
    """Pull requests of ours can be told apart."""
    run.must_go_on()
    run.tools.forge().ensure_labels(run.repository().repo.id, LABELS)


def check_webhook(run: Run) -> None:
    """Say whether pushes will be heard of at once. A hook that is missing stops nothing: looks find all."""
    with run.store.reading() as view:
        hooks = view.hooks(run.project.organisation_id)
    run.say(
        "The organisation's webhook tells of pushes"
        if hooks
        else "No webhook: looks at the interval find pushes"
    )
