"""The rule on the default branch, and labels.

Our ruleset is known by its name. What a person made stricter in it stays; only what we ask for is set right.

Source of the shapes: GitHub's REST reference, "Rules" and "Labels".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import msgspec

from steward.adapters.github.answer import Answer
from steward.adapters.github.desk import PAGE, PAGES_MAX, decode, words
from steward.adapters.github.wire import Grant, Tally
from steward.adapters.github.write_wire import Desk, Method
from steward.ports.building import Ensured
from steward.ports.errors import Unreachable

RULESET: Final = "steward"
_REFUSED_RIGHT: Final = ("not accessible", "must have admin", "archived")
_PULLS: Final[Mapping[str, Any]] = {
    "dismiss_stale_reviews_on_push": False,
    "require_code_owner_review": False,
    "require_last_push_approval": False,
    "required_approving_review_count": 0,
    "required_review_thread_resolution": False,
}


class _Short(msgspec.Struct):
    id: int
    name: str = ""
    source_type: str = "Repository"
    target: str = "branch"


class _Rule(msgspec.Struct, omit_defaults=True):
    type: str
    parameters: dict[str, Any] | None = None


class _Refs(msgspec.Struct):
    include: list[str] = []
    exclude: list[str] = []


class _Conditions(msgspec.Struct):
    ref_name: _Refs = msgspec.field(default_factory=_Refs)


class _Ruleset(msgspec.Struct):
    id: int
    enforcement: str = ""
    conditions: _Conditions | None = None
    rules: list[_Rule] = []
    bypass_actors: list[dict[str, Any]] | None = None


class _Label(msgspec.Struct):
    name: str
    color: str = ""


def ensure_branch_rule(desk: Desk, repo_id: int, required_checks: Sequence[str]) -> Ensured:
    """Our ruleset as asked; nothing where the plan has no rulesets."""
    answer, grant = _list(desk, repo_id)
    if answer.status == 403 and (why := _no_plan(answer)):
        return Ensured(made=False, detail=why)
    if answer.status != 200:
        raise desk.refusal(answer, grant, "read its rulesets")
    ours = [one for one in _decoded(answer) if (one.name, one.target) == (RULESET, "branch")]
    if not ours:
        return _put(desk, "POST", repo_id, "/rulesets", _wanted(required_checks, None))
    tail = f"/rulesets/{ours[0].id}"
    found = desk.ask(repo_id, tail, _Ruleset, "read its ruleset")
    if _is_as_asked(found, required_checks):
        return Ensured(made=False)
    return _put(desk, "PUT", repo_id, tail, _wanted(required_checks, found))


def _list(desk: Desk, repo_id: int) -> tuple[Answer, Grant]:
    grant = desk.grant(repo_id)
    params = {"includes_parents": "false", "per_page": str(PAGE)}
    return desk.wire.get(desk.at(repo_id, "/rulesets", params), grant, Tally(), urgent=True), grant


def _decoded(answer: Answer) -> list[_Short]:
    return [one for one in decode(answer, list[_Short]) if one.source_type == "Repository"]


def _put(desk: Desk, method: Method, repo_id: int, tail: str, body: Mapping[str, Any]) -> Ensured:
    answer, grant = desk.change(method, repo_id, tail, body)
    if answer.status in {200, 201}:
        return Ensured(made=True)
    if answer.status == 403 and (why := _no_plan(answer)):
        return Ensured(made=False, detail=why)
    raise desk.refusal(answer, grant, "set the rule of its default branch")


def _no_plan(answer: Answer) -> str:
    """Why there are no rulesets; nothing where the credential is what lacks."""
    said = words(answer)
    if any(word in said.lower() for word in _REFUSED_RIGHT):
        return ""
    return f"GitHub offers no rulesets for this repository: {said}"


def _is_as_asked(found: _Ruleset, required_checks: Sequence[str]) -> bool:
    refs = found.conditions.ref_name if found.conditions else _Refs()
    kinds = {rule.type for rule in found.rules}
    whole = {"pull_request", "non_fast_forward", "deletion"} <= kinds
    reached = bool({"~DEFAULT_BRANCH", "~ALL"} & set(refs.include)) and not refs.exclude
    return found.enforcement == "active" and reached and whole and _contexts(found) == set(required_checks)


def _contexts(found: _Ruleset) -> set[str]:
    return {one["context"] for rule in found.rules for one in _checks_of(rule)}


def _checks_of(rule: _Rule) -> list[dict[str, Any]]:
    """The required checks of a rule, each of which has a context."""
    listed = (
        (rule.parameters or {}).get("required_status_checks")
        if rule.type == "required_status_checks"
        else None
    )
    entries = listed if isinstance(listed, list) else []
    return [one for one in entries if isinstance(one, dict) and isinstance(one.get("context"), str)]


def _wanted(required_checks: Sequence[str], found: _Ruleset | None) -> dict[str, Any]:
    """The whole ruleset: ours over what is there."""
    kept = {rule.type: rule for rule in found.rules} if found else {}
    known = {one["context"]: one for rule in kept.values() for one in _checks_of(rule)}
    before = kept.pop("required_status_checks", None)
    kept.setdefault("pull_request", _Rule("pull_request", dict(_PULLS)))
    kept.setdefault("non_fast_forward", _Rule("non_fast_forward"))
    kept.setdefault("deletion", _Rule("deletion"))
    if required_checks:
        checks = [known.get(name, {"context": name}) for name in sorted(set(required_checks))]
        strict = bool(before and (before.parameters or {}).get("strict_required_status_checks_policy"))
        parameters = {"required_status_checks": checks, "strict_required_status_checks_policy": strict}
        kept["required_status_checks"] = _Rule("required_status_checks", parameters)
    body: dict[str, Any] = {
        "name": RULESET,
        "target": "branch",
        "enforcement": "active",
        "conditions": {"ref_name": {"include": ["~DEFAULT_BRANCH"], "exclude": []}},
        "rules": list(kept.values()),
    }
    if found is not None and found.bypass_actors is not None:
        body["bypass_actors"] = found.bypass_actors
    return body


def ensure_labels(desk: Desk, repo_id: int, labels: Mapping[str, str]) -> Ensured:
    """Each label by name, whatever its case, with its colour; others are left alone."""
    there = {one.name.lower(): one for one in _labels(desk, repo_id)}
    changed = []
    for name, colour in labels.items():
        found = there.get(name.lower())
        wanted = colour.lower().removeprefix("#")
        if found is None:
            answer, grant = desk.change("POST", repo_id, "/labels", {"name": name, "color": wanted})
            if answer.status == 422 and ("already_exists" in words(answer) or "in use" in words(answer)):
                continue  # somebody was quicker; its colour is looked at the next time
        elif found.color.lower() != wanted:
            tail = f"/labels/{quote(found.name, safe='')}"
            answer, grant = desk.change("PATCH", repo_id, tail, {"color": wanted})
        else:
            continue
        if answer.status not in {200, 201}:
            raise desk.refusal(answer, grant, f"make the label {name}")
        changed.append(name)
    return Ensured(bool(changed), ", ".join(changed))


def _labels(desk: Desk, repo_id: int) -> list[_Label]:
    found: list[_Label] = []
    for number in range(1, PAGES_MAX + 1):
        params = {"per_page": str(PAGE), "page": str(number)}
        page = desk.ask(repo_id, "/labels", list[_Label], "read its labels", params)
        found += page
        if len(page) < PAGE:
            return found
    raise Unreachable(f"repository {repo_id} has more than {PAGES_MAX * PAGE} labels")
