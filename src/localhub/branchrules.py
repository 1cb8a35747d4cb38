"""The rules of branches (rulesets): which apply, and what they refuse.

Enforced are `creation`, `update`, `deletion`, `non_fast_forward`, `pull_request` (that there is one) and
`required_status_checks`, unless whoever acts may bypass the ruleset. All other rules, and what `pull_request` says
of reviews, are kept and told but refuse nothing, as localhub has no reviews. A branch that is being created needs
no pull request: there is nothing yet that one could be opened against.

Source of the rules and words: GitHub's "Available rules for rulesets", and what its servers answer.
"""

import fnmatch
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from localhub import checks
from localhub.gitstore import ZERO_SHA, GitRepo, RefMove
from localhub.pulls import Pull, sides
from localhub.registry import Repo
from localhub.store import Record
from localhub.tokens import Caller
from localhub.wire import Problem

if TYPE_CHECKING:
    from localhub.core import Core

_GOOD = frozenset({"success", "neutral", "skipped"})
_HEADS = "refs/heads/"
_FORCED = "Cannot force-push to this branch"


@dataclass(frozen=True)
class Rule:
    """One active rule of a branch, and the ruleset that it is of."""

    ruleset: Record
    type: str
    parameters: Mapping[str, Any]


def rulesets(core: "Core", repo: Repo, *, parents: bool = True) -> list[Record]:
    """The rulesets of a repository, after those of its organisation unless `parents` is False."""
    above = core.store.records("ruleset", f"org:{repo.owner_id}") if parents else []
    return above + core.store.records("ruleset", repo.scope)


def active(
    core: "Core", repo: Repo, branch: str, *, parents: bool = True
) -> list[tuple[Record, dict[str, Any]]]:
    """The active rules of a branch as they were written, each with its ruleset."""
    return [
        (one, rule)
        for one in rulesets(core, repo, parents=parents)
        if one.data["enforcement"] == "active" and _applies(one, repo, branch)
        for rule in one.data["rules"]
    ]


def may_bypass(core: "Core", caller: Caller, repo: Repo, ruleset: Record) -> str:
    """`always`, `pull_requests_only` or `never`: whether a caller is one of the actors that a ruleset lets by."""
    modes = {
        str(one.get("bypass_mode", "always"))
        for one in ruleset.data["bypass_actors"]
        if _is_actor(core, caller, repo, one)
    }
    if modes & {"always", "exempt"}:
        return "always"
    return "pull_requests_only" if modes else "never"


def _is_actor(core: "Core", caller: Caller, repo: Repo, actor: Mapping[str, Any]) -> bool:
    """Every user here who may write to a repository has its admin role, and with it every other."""
    kind, number = actor.get("actor_type"), actor.get("actor_id")
    if caller.kind == "installation":
        return kind == "Integration" and number == caller.user_id
    if caller.kind != "user":
        return False
    if kind == "OrganizationAdmin":
        return "admin:org" in caller.scopes
    if kind == "RepositoryRole":
        return core.access.may_write(caller, repo, "administration")
    return kind == "User" and number == caller.user_id


def refused(core: "Core", caller: Caller, repo: Repo, git: GitRepo, move: RefMove) -> list[str]:
    """What forbids this direct change of a ref, in GitHub's words; its new commit must be there.

    A new commit that is not made yet is written as an empty text: it follows the old one, and no check of it ran.
    """
    found = without_history(core, caller, repo, move)
    both = ZERO_SHA not in {move.before, move.after} and move.after
    if both and must_follow(core, caller, repo, move.ref) and not git.is_ancestor(move.before, move.after):
        found.append(_FORCED)
    return found


def without_history(core: "Core", caller: Caller, repo: Repo, move: RefMove) -> list[str]:
    """What forbids this direct change of a ref, whatever its commits are."""
    found: list[str] = []
    for rule in _rules(core, caller, repo, move.ref):
        found += _direct(core, repo, rule, move)
    return list(dict.fromkeys(found))


def must_follow(core: "Core", caller: Caller, repo: Repo, ref: str) -> bool:
    """Whether a ref may only move to what comes after it."""
    return any(rule.type == "non_fast_forward" for rule in _rules(core, caller, repo, ref))


def unmergeable(core: "Core", caller: Caller, repo: Repo, git: GitRepo, pull: Pull) -> list[str]:
    """What forbids merging a pull request, in GitHub's words."""
    found: list[str] = []
    base, head = sides(git, pull)
    for rule in _rules(core, caller, repo, _HEADS + pull.base_ref, merging=True):
        if rule.type == "update":
            found.append("Cannot update this protected ref.")
        if rule.type == "required_status_checks":
            found += _missing(core, repo, head, rule.parameters)
            strict = rule.parameters.get("strict_required_status_checks_policy") is True
            if strict and not git.is_ancestor(base, head):
                found.append("The head branch is not up to date with the base branch.")
    return list(dict.fromkeys(found))


def problem(status: int, violations: Iterable[str]) -> Problem:
    """The answer that says what was violated."""
    return Problem(
        status, "Repository rule violations found\n\n" + "".join(f"{one}\n\n" for one in violations)
    )


def told(repo: Repo, ref: str, violations: Iterable[str], site: str) -> str:
    """What git shows of a refused push, before each line `remote: `."""
    lines = [
        f"error: GH013: Repository rule violations found for {ref}.",
        f"Review all repository rules at {site}/{repo.full_name}/rules?ref={quote(ref, safe='')}",
        "",
        *(f"- {one}" for one in violations),
        "",
    ]
    return "\n".join(lines)


def told_forced(repo: Repo, ref: str, site: str) -> str:
    """What git shows where a ref may only move forward and does not."""
    return told(repo, ref, [_FORCED], site)


def _rules(core: "Core", caller: Caller, repo: Repo, ref: str, *, merging: bool = False) -> Iterator[Rule]:
    """The rules that bind a caller at a ref."""
    if not ref.startswith(_HEADS):
        return
    free = {"always", "pull_requests_only"} if merging else {"always"}
    for ruleset, rule in active(core, repo, ref.removeprefix(_HEADS)):
        if may_bypass(core, caller, repo, ruleset) not in free:
            yield Rule(ruleset, str(rule["type"]), rule.get("parameters") or {})


def _direct(core: "Core", repo: Repo, rule: Rule, move: RefMove) -> list[str]:
    """What one rule has against a change of a ref that is no merge."""
    if move.after == ZERO_SHA:
        return ["Cannot delete this branch"] if rule.type == "deletion" else []
    new = move.before == ZERO_SHA
    if new and rule.type == "creation":
        return ["Cannot create ref due to creations being restricted."]
    if not new and rule.type == "update":
        return ["Cannot update this protected ref."]
    if not new and rule.type == "pull_request":
        return ["Changes must be made through a pull request."]
    if rule.type == "required_status_checks" and not (
        new and rule.parameters.get("do_not_enforce_on_create") is True
    ):
        return _missing(core, repo, move.after, rule.parameters)
    return []


def _missing(core: "Core", repo: Repo, sha: str, parameters: Mapping[str, Any]) -> list[str]:
    """What is said of the required checks that a commit lacks; nothing where it has all."""
    required = parameters.get("required_status_checks") or []
    states = {one["context"]: _state(core, repo, sha, one) for one in required}
    bad = {context: state for context, state in states.items() if state != "successful"}
    if not bad:
        return []
    if len(bad) == 1:
        ((context, state),) = bad.items()
        return [f'Required status check "{context}" is {state}.']
    counted = Counter(bad.values())
    if len(counted) == 1:
        return [f"{len(bad)} of {len(states)} required status checks are {next(iter(counted))}."]
    parts = " and ".join(f"{number} {state}" for state, number in sorted(counted.items()))
    return [f"{len(bad)} of {len(states)} required status checks have not succeeded: {parts}."]


def _state(core: "Core", repo: Repo, sha: str, required: Mapping[str, Any]) -> str:
    """`successful`, `failing`, `in progress`, `pending`, or `expected` where nobody has reported it."""
    context, app_id = required["context"], required.get("integration_id")
    runs = [one for one in checks.runs(core, repo) if one.head_sha == sha and one.name == context]
    found = {_of_run(one) for one in checks.latest(runs) if app_id in {None, one.app_id}}
    _, latest = checks.combined(checks.statuses(core, repo, sha))
    found |= {
        {"success": "successful", "pending": "pending"}.get(one.state, "failing")
        for one in latest
        if one.context == context and app_id in {None, one.creator.id}
    }
    return next(
        (one for one in ("failing", "pending", "in progress", "successful") if one in found), "expected"
    )


def _of_run(run: checks.Run) -> str:
    if run.status != "completed":
        return "in progress"
    return "successful" if run.conclusion in _GOOD else "failing"


def _applies(one: Record, repo: Repo, branch: str) -> bool:
    """Whether a ruleset is about a branch of a repository."""
    conditions = one.data["conditions"]
    ids = conditions.get("repository_id")
    if ids is not None and repo.id not in (ids.get("repository_ids") or []):
        return False
    whose = conditions.get("repository_name")
    if whose is not None and not _within(whose, {repo.name}, set()):
        return False
    names = conditions.get("ref_name") or {"include": ["~ALL"]}
    default = {"~DEFAULT_BRANCH"} if branch == repo.default_branch else set[str]()
    return one.data["target"] == "branch" and _within(names, {_HEADS + branch}, default)


def _within(names: Mapping[str, Any], texts: set[str], words: set[str]) -> bool:
    """Whether one of the texts is included and not excluded; `words` are the special names that hold."""

    def matches(pattern: str) -> bool:
        return (
            pattern in words or pattern == "~ALL" or any(fnmatch.fnmatchcase(one, pattern) for one in texts)
        )

    included, excluded = (map(str, names.get(one) or []) for one in ("include", "exclude"))
    return any(map(matches, included)) and not any(map(matches, excluded))
