"""Design, implement and revert: work in a throw-away clone, a branch of our own, a pull request, a merge.

The remote is the memory: what counts is pushed before it is remembered, and the intent is remembered before the
push, so that a commit of ours is known again after a crash and a person's is never overwritten.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from steward.app.operations.asking import ask_agent, branch_of, must_have_worked
from steward.app.operations.context import Failed, Foreign, Run
from steward.app.operations.hands import (
    has_made,
    means_to_merge,
    means_to_push,
    must_be_known,
    sealed_message,
    still_wanted,
)
from steward.domain.agents import Role
from steward.domain.hands import guarded
from steward.domain.operations import Fault, Work
from steward.domain.repository import Repository
from steward.domain.spec import ADOPTED
from steward.domain.verdict import Colour, Rule, Verdict, verdict
from steward.ports.building import Blocked, ForgeWrite, MovedOn, Pull
from steward.ports.engine import Stepped, again

IMPLEMENTATION: Final = "IMPLEMENTATION.md"
ROUNDS_MAX: Final = 2
"""How often one fault is sent back before a person must decide."""
BLOCKED_MAX: Final = 10
"""How often a merge is tried anew that the server's rules forbid: they may lag behind the checks."""
TITLES: Final = {
    Work.DESIGN: "Design",
    Work.IMPLEMENT: "Implementation",
    Work.REVERT: "Take back an abandoned update",
}
ROLES: Final = {Work.DESIGN: Role.ARCHITECT, Work.IMPLEMENT: Role.DEVELOPER}
AUTHOR: Final = "Steward <steward@localhost>"
MADE: Final = ("head", "intent", "rendered", "scaffold", "worked", "reworking", "pull", "pull_url", "rebased")
"""Facts of work that is begun anew."""


def default_branch(row: Repository) -> str:
    """Where the work is merged to."""
    return row.repo.default_branch or "main"


def find_base(run: Run) -> None:
    """The commit that the work begins at. A branch of ours that somebody took away is begun anew."""
    row = run.repository()
    if "onto" in run.facts:
        _rebase(run, row, str(run.facts["onto"]))
        return
    if "base" in run.facts and not _is_taken_away(run, row):
        return
    _begin(run, row)


def _begin(run: Run, row: Repository) -> None:
    """At the tip of the default branch, if that is accounted for."""
    run.forget(*MADE, "remote")
    base = run.tools.forge().tip(row.repo.id, default_branch(row))
    if base is None:
        raise Failed(Fault.INFRASTRUCTURE, f"{row.repo.full_name} has no branch {default_branch(row)}")
    must_be_known(run, row, default_branch(row), base)
    run.keep(base=base, head=base)
    run.say(f"The work begins at {base[:12]}")


def _rebase(run: Run, row: Repository, onto: str) -> None:
    """Put our work on top of a person's; where the two do not go together, it is done anew on theirs."""
    base, head = str(run.facts.get("base", onto)), str(run.facts.get("head", onto))
    intent = run.facts.get("rebased")
    if intent is None:
        address, token = run.tools.forge().git_address(row.repo.id)
        moved = (
            run.tools.workshop.rebase(row.repo.id, address, token, base, head, onto) if head != base else onto
        )
        if moved is None:
            run.say(f"The work does not go on top of {onto[:12]}; it is done anew there")
            run.forget(*MADE, "onto")
            run.keep(base=onto, head=onto)
            return
        run.keep(rebased=moved)
        intent = moved
    if intent != onto:
        _push(run, row, str(intent))
    run.keep(base=onto, head=intent, scaffold=onto)
    run.forget("onto", "rebased")
    run.say(f"The work stands on {onto[:12]} now")


def _is_taken_away(run: Run, row: Repository) -> bool:
    """Whether the branch is gone with work of ours that is not merged."""
    pushed = run.facts.get("head") != run.facts["base"]
    if not pushed or "merged" in run.facts or run.tools.forge().tip(row.repo.id, branch_of(run)):
        return False
    number = run.facts.get("pull")
    return number is None or run.tools.forge().pull(row.repo.id, int(number)).state != "merged"


def render_template(run: Run) -> None:
    """The structure: the template, rendered with the answers, on the branch. Again for each new spec."""
    if run.facts.get("rendered"):
        return
    spec = run.spec()
    if spec.template.source == ADOPTED:
        run.keep(rendered=True, scaffold=run.facts["head"])
        run.say("The project was adopted: there is no template to render")
        return
    if not _adopted(run):
        row = run.repository()
        clone = _clone(run, row)
        conflicts = run.tools.templates.render(spec.template, spec.answers, clone, previous=_is_update(run))
        if conflicts:
            raise Failed(
                Fault.PERSON,
                "the template's new version conflicts with the project in " + ", ".join(conflicts[:10]),
                "Put those files in order on the default branch, then retry.",
            )
        message = f"Render the template {spec.template.source}"
        if run.tools.workshop.commit_all(clone, message, AUTHOR) is None:
            run.say("The template changes nothing")
        else:
            head = run.tools.workshop.take(row.repo.id, clone, branch_of(run))
            _push(run, row, head or "")
    run.keep(rendered=True, scaffold=run.facts["head"])


def _is_update(run: Run) -> bool:
    return run.operation.update is not None


def _clone(run: Run, row: Repository) -> Any:
    """A fresh throw-away clone of the head so far."""
    shutil.rmtree(run.folder, ignore_errors=True)
    run.folder.mkdir(parents=True, mode=0o700)
    clone = run.folder / "clone"
    address, token = run.tools.forge().git_address(row.repo.id)
    head = str(run.facts["head"])
    run.tools.workshop.clone(row.repo.id, address, token, head, clone, branch_of(run))
    return clone


def _adopted(run: Run, **done: Any) -> bool:
    """Whether the branch is at what an earlier try meant to push already."""
    intent = run.facts.get("intent")
    if not intent or intent == run.facts.get("head"):
        return False
    if run.tools.forge().tip(run.repository().repo.id, branch_of(run)) != intent:
        return False
    run.keep(head=intent, remote=intent, **done)
    return True


def _push(run: Run, row: Repository, head: str, clone: Path | None = None, **done: Any) -> None:
    """Push to the branch: the intent first, then the effect, then what was seen.

    Where it may not be pushed any more, what an agent did in `clone` is kept as a patch.
    """
    expected = _remote(run)
    run.keep(intent=head)
    entry = means_to_push(run, row, branch_of(run), expected, head)
    if clone is not None:
        still_wanted(run, row, clone, str(run.facts["head"]))
    else:
        run.must_go_on()
    address, token = run.tools.forge().git_address(row.repo.id)
    try:
        run.tools.workshop.push(row.repo.id, address, token, head, branch_of(run), expected)
    except MovedOn as moved:
        raise Foreign(branch_of(run), moved.found) from None
    has_made(run, entry, head)
    run.keep(head=head, remote=head, **done)


def _remote(run: Run) -> str | None:
    """Where our branch stands on the forge, as far as we have put it there; None: nowhere yet."""
    if "remote" in run.facts:
        return str(run.facts["remote"])
    before = run.facts["head"]
    return None if before == run.facts["base"] else str(before)


def run_agent(run: Run) -> None:
    """The architect's or the developer's part; what is believed of it is what git shows."""
    if run.facts.get("worked"):
        return
    _have_worked(run, worked=True)


def _have_worked(run: Run, **done: Any) -> None:
    """Have the agent work and its work pushed; `done` is remembered together with that, or a crash between the
    two would set the agent to work that is done already.
    """
    row = run.repository()
    if not _adopted(run, **done):
        clone = _clone(run, row)
        result = ask_agent(run, ROLES[run.operation.kind], clone, str(run.facts["head"]))
        must_have_worked(run, result)
        head = run.tools.workshop.take(row.repo.id, clone, branch_of(run))
        if head is None or head == run.facts["head"]:
            raise Failed(Fault.PRODUCT, "the agent says that it is done, and has changed nothing", "Retry.")
        _inspect(run, row, head)
        _push(run, row, head, clone, **done)
    shutil.rmtree(run.folder, ignore_errors=True)


def _inspect(run: Run, row: Repository, head: str) -> None:
    """Look at what was changed, in our own copy: nothing of the clone is run."""
    start = str(run.facts.get("scaffold") or run.facts["base"])
    changed = run.tools.workshop.diff(row.repo.id, start, head)
    touched = sorted(path for path in changed.files if guarded(path))
    if touched:
        raise Failed(
            Fault.PERSON,
            "the agent changed what only a person may: " + ", ".join(touched[:10]),
            "Make that change yourself on the default branch if it is wanted, then retry.",
            paths=touched[:50],
        )
    whole = run.tools.workshop.diff(row.repo.id, str(run.facts["base"]), head)
    if run.operation.kind is Work.DESIGN and IMPLEMENTATION not in whole.files:
        raise Failed(Fault.PRODUCT, f"the architect left {IMPLEMENTATION} as it was", "Retry.")
    run.say(f"{len(changed.files)} files changed, {changed.added} lines added, {changed.removed} removed")


def open_pull(run: Run) -> None:
    """The pull request of the branch."""
    row = run.repository()
    run.must_go_on()
    title = TITLES[run.operation.kind]
    if run.operation.update is not None:
        title = f"{title} of update {run.operation.update}"
    pull = run.tools.forge().ensure_pull(
        row.repo.id,
        head=branch_of(run),
        base=default_branch(row),
        title=title,
        body=f"Made by Steward for {run.project.slug}; operation {run.operation.id}.",
    )
    means_to_merge(run, row, default_branch(row), str(run.facts["head"]), pull.number)
    run.keep(pull=pull.number, pull_url=pull.url)
    run.say(f"Pull request #{pull.number}")


def look_at_checks(run: Run, sha: str, since_key: str, names: Sequence[str]) -> Verdict:
    """What the checks of a commit come to now. Since when it is waited for is remembered."""
    now = run.clock.now().at
    since = run.facts.get(since_key)
    if since is None:
        run.keep(**{since_key: now.isoformat()})
        since = now.isoformat()
    found = run.tools.forge().checks(run.repository().repo.id, sha)
    rule: Rule = replace(run.tools.rule, required=tuple(names))
    return verdict(found, rule, now, type(now).fromisoformat(since))


def await_checks(run: Run) -> Stepped | None:
    """Wait for the checks of the pull request; a fault of the product goes back to the developer, twice at most."""
    if run.facts.get("reworking"):
        _rework(run)
        return again(run.tools.poll_s)
    names = [str(name) for name in run.facts.get("checks", ())]
    if not names:
        run.say("The template has no checks; nothing is waited for")
        return None
    head = str(run.facts["head"])
    found = look_at_checks(run, head, f"since:{head[:12]}", names)
    if found.colour is Colour.GREEN:
        run.say("The checks are green")
        return None
    if found.colour is Colour.PENDING:
        return again(run.tools.poll_s)
    _judge_red(run, found, head)
    return again(run.tools.poll_s)


def _judge_red(run: Run, found: Verdict, head: str) -> None:
    reasons = "; ".join(found.reasons)
    if found.colour is not Colour.RED or found.infrastructure:
        raise Failed(
            Fault.INFRASTRUCTURE,
            f"the checks of {head[:12]} are {found.colour}: {reasons}",
            "Look at the checks on GitHub; run them again there, then retry.",
            commit=head,
            colour=found.colour.value,
        )
    rounds = int(run.facts.get("rounds", 0))
    if run.operation.kind not in ROLES or rounds >= ROUNDS_MAX:
        raise Failed(
            Fault.PRODUCT, f"the checks of {head[:12]} are red: {reasons}", "Retry, or change the spec."
        )
    run.say(f"The checks are red, back to the {ROLES[run.operation.kind]}: {reasons}")
    run.keep(rework=[run.redact(reason) for reason in found.reasons], rounds=rounds + 1, reworking=True)
    _rework(run)


def _rework(run: Run) -> None:
    """The round that was counted already: begun anew after a crash, it is not counted again."""
    _have_worked(run, reworking=False)


def merge(run: Run) -> Stepped | None:
    """Merge, if the head is still the one that was checked; a merge of ours is known again."""
    row, forge, head = run.repository(), run.tools.forge(), str(run.facts["head"])
    number, branch = int(run.facts["pull"]), default_branch(row)
    entry = means_to_merge(run, row, branch, head, number)
    tip = forge.tip(row.repo.id, branch)
    if tip is not None and tip != run.facts.get("base"):
        must_be_known(run, row, branch, tip)
    run.must_go_on()
    message = sealed_message(run, row, head)
    try:
        merged = forge.merge(row.repo.id, number, sha=head, title=_merge_title(run), message=message)
    except Blocked as blocked:
        return _blocked(run, blocked)
    except MovedOn as moved:
        found = forge.pull(row.repo.id, number)
        if found.state == "merged":
            run.say("A person has finished and merged the pull request")
            return _see_merged(run, forge, row, found)
        raise Foreign(branch_of(run), moved.found) from None
    if merged.merge_sha is not None:
        has_made(run, entry, merged.merge_sha)
    return _see_merged(run, forge, row, merged)


def _blocked(run: Run, blocked: Blocked) -> Stepped:
    """The rules of the branch may lag behind the checks: try again for a while, then call a person."""
    tries = int(run.facts.get("blocked", 0)) + 1
    if tries > BLOCKED_MAX:
        raise Failed(
            Fault.PERSON,
            f"the rules of the branch forbid the merge: {blocked.reason}",
            "Approve or merge the pull request on GitHub, then retry.",
            url=run.facts.get("pull_url"),
        ) from None
    run.keep(blocked=tries)
    return again(run.tools.poll_s)


def _merge_title(run: Run) -> str:
    return f"{TITLES[run.operation.kind]} ({run.project.slug}, #{run.facts['pull']})"


def _see_merged(run: Run, forge: ForgeWrite, row: Repository, merged: Pull) -> Stepped | None:
    """Close only on what is seen: the merge commit on the default branch of the remote."""
    tip = forge.tip(row.repo.id, default_branch(row))
    if merged.merge_sha is None or tip is None:
        return again(run.tools.poll_s)
    run.keep(merged=merged.merge_sha, tip=tip)
    run.say(f"Merged as {merged.merge_sha[:12]}")
    if run.operation.kind is Work.DESIGN and forge.file_at(row.repo.id, IMPLEMENTATION, tip) is None:
        raise Failed(Fault.PRODUCT, f"{IMPLEMENTATION} is not on the default branch", "Retry.")
    return None
