"""Design, implement and revert: work in a throw-away clone, a branch of our own, a pull request, a merge.

The remote is the memory: what counts is pushed before it is remembered, and the intent is remembered before the
push, so that a commit of ours is known again after a crash and a person's is never overwritten.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from steward.app.operations.asking import ask_agent, branch_of, must_have_worked
from steward.app.operations.context import Failed, Run
from steward.domain.agents import Role
from steward.domain.operations import Fault, Work
from steward.domain.repository import Repository
from steward.domain.spec import ADOPTED
from steward.domain.verdict import Colour, Rule, Verdict, verdict
from steward.ports.building import Blocked, ForgeWrite, MovedOn, Pull
from steward.ports.engine import Stepped, again

IMPLEMENTATION: Final = "IMPLEMENTATION.md"
GUARDED: Final = (
    ".github/",
    "CODEOWNERS",
    "deploy/",
    ".localhub/",
    "deploy.toml",
    "compose.yaml",
    "compose.yml",
    "docker-compose",
)
"""What an agent may not change by itself: how the work is checked and put live.

A compose file is run by Docker on a host of ours, which is as much as being root there.
"""
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


def default_branch(row: Repository) -> str:
    """Where the work is merged to."""
    return row.repo.default_branch or "main"


def find_base(run: Run) -> None:
    """The commit that the work begins at. A branch of ours that somebody took away is begun anew."""
    row = run.repository()
    if "base" in run.facts and not _is_taken_away(run, row):
        return
    run.forget("head", "intent", "rendered", "scaffold", "worked", "reworking", "pull", "pull_url")
    base = run.tools.forge().tip(row.repo.id, default_branch(row))
    if base is None:
        raise Failed(Fault.INFRASTRUCTURE, f"{row.repo.full_name} has no branch {default_branch(row)}")
    run.keep(base=base, head=base)
    run.say(f"The work begins at {base[:12]}")


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
    run.keep(head=intent, **done)
    return True


def _push(run: Run, row: Repository, head: str, **done: Any) -> None:
    """Push to the branch: the intent first, then the effect, then what was seen."""
    before = run.facts["head"]
    expected = None if before == run.facts["base"] else str(before)
    run.keep(intent=head)
    run.must_go_on()
    address, token = run.tools.forge().git_address(row.repo.id)
    try:
        run.tools.workshop.push(row.repo.id, address, token, head, branch_of(run), expected)
    except MovedOn as moved:
        raise Failed(
            Fault.PERSON,
            f"somebody else has pushed to {branch_of(run)}: {moved}",
            "The branch is theirs now. Finish the work there, or delete the branch and retry.",
            branch=branch_of(run),
            found=moved.found,
        ) from None
    run.keep(head=head, **done)


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
        _push(run, row, head, **done)
    shutil.rmtree(run.folder, ignore_errors=True)


def _inspect(run: Run, row: Repository, head: str) -> None:
    """Look at what was changed, in our own copy: nothing of the clone is run."""
    start = str(run.facts.get("scaffold") or run.facts["base"])
    changed = run.tools.workshop.diff(row.repo.id, start, head)
    touched = sorted(path for path in changed.files if path.startswith(GUARDED) or "CODEOWNERS" in path)
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
    run.keep(rework=[run.tools.redact(reason) for reason in found.reasons], rounds=rounds + 1, reworking=True)
    _rework(run)


def _rework(run: Run) -> None:
    """The round that was counted already: begun anew after a crash, it is not counted again."""
    _have_worked(run, reworking=False)


def merge(run: Run) -> Stepped | None:
    """Merge, if the head is still the one that was checked; a merge of ours is known again."""
    row, forge, head = run.repository(), run.tools.forge(), str(run.facts["head"])
    run.must_go_on()
    try:
        merged = forge.merge(row.repo.id, int(run.facts["pull"]), sha=head, title=_merge_title(run))
    except Blocked as blocked:
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
    except MovedOn as moved:
        found = forge.pull(row.repo.id, int(run.facts["pull"]))
        if found.state == "merged":
            run.say("A person has finished and merged the pull request")
            return _see_merged(run, forge, row, found)
        raise Failed(
            Fault.PERSON,
            f"the pull request is not what was checked any more: {moved}",
            "Somebody has pushed to our branch; finish it there, or delete the branch and retry.",
        ) from None
    return _see_merged(run, forge, row, merged)


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
