"""Labels of repositories, and rulesets of repositories and organisations.

Rulesets are kept and told, also per branch; nothing is refused on their account.
"""

import fnmatch
import re
from typing import Any

from localhub import render
from localhub.registry import Repo
from localhub.rest.shapes import settings_scope
from localhub.store import Record, Taken
from localhub.wire import Answer, Call, Route, invalid, not_found

_COLOUR = re.compile(r"[0-9a-fA-F]{6}")
_ENFORCEMENTS = ("active", "disabled", "evaluate")


def list_labels(call: Call) -> Answer:
    """`GET .../labels`; a new repository has none here."""
    repo = call.repo()
    return call.paged([_label(call, repo, one) for one in call.core.store.records("label", repo.scope)])


def add_label(call: Call) -> Answer:
    """`POST .../labels`: names are compared without regard to case."""
    repo = call.repo(write="issues")
    data = _label_data(call, {"color": "ededed", "description": None})
    try:
        made = call.core.store.add("label", repo.scope, data["name"].lower(), data)
    except Taken as error:
        raise invalid("Label", "name", "name is in use", "already_exists") from error
    return Answer(201, _label(call, repo, made))


def show_label(call: Call) -> Answer:
    """`GET .../labels/{name}`."""
    repo = call.repo()
    return Answer(body=_label(call, repo, _one_label(call, repo)))


def change_label(call: Call) -> Answer:
    """`PATCH .../labels/{name}`: `new_name`, `color`, `description`."""
    repo = call.repo(write="issues")
    kept = _one_label(call, repo)
    data = _label_data(call, kept.data)
    changed = Record(kept.id, kept.scope, data["name"].lower(), data)
    try:
        call.core.store.change("label", changed)
    except Taken as error:
        raise invalid("Label", "name", "name is in use", "already_exists") from error
    return Answer(body=_label(call, repo, changed))


def remove_label(call: Call) -> Answer:
    """`DELETE .../labels/{name}`."""
    call.core.store.remove("label", _one_label(call, call.repo(write="issues")).id)
    return Answer(204)


def _label_data(call: Call, before: dict[str, Any]) -> dict[str, Any]:
    asked = call.json()
    name = asked.get("new_name") or before.get("name") or call.text("name", resource="Label")
    colour = str(asked.get("color", before["color"])).removeprefix("#")
    if not _COLOUR.fullmatch(colour):
        raise invalid("Label", "color", "color must be six hexadecimal digits", "invalid")
    return {"name": name, "color": colour, "description": asked.get("description", before["description"])}


def _one_label(call: Call, repo: Repo) -> Record:
    found = call.core.store.by_key("label", repo.scope, call.params["name"].lower())
    if found is None:
        raise not_found()
    return found


def _label(call: Call, repo: Repo, one: Record) -> dict[str, Any]:
    url = f"{call.base}/repos/{repo.full_name}/labels/{one.data['name']}"
    return {
        "id": one.id,
        "node_id": render.node_id("Label", one.id),
        "url": url,
        "default": False,
        **one.data,
    }


def list_rulesets(call: Call) -> Answer:
    """`GET .../rulesets`: for a repository those of its organisation too, unless `includes_parents=false`."""
    found = _rulesets(call, settings_scope(call, "administration", write=False))
    return call.paged([_short_ruleset(call, one) for one in found])


def _rulesets(call: Call, scope: str) -> list[Record]:
    found = call.core.store.records("ruleset", scope)
    if scope.startswith("repo:") and call.query.get("includes_parents") != "false":
        found = call.core.store.records("ruleset", f"org:{call.repo().owner_id}") + found
    return found


def add_ruleset(call: Call) -> Answer:
    """`POST .../rulesets`."""
    scope = settings_scope(call, "administration", write=True)
    defaults = {"target": "branch", "conditions": {}, "rules": [], "bypass_actors": []}
    now = call.core.now()
    data = _ruleset_data(call, defaults) | {"created_at": now, "updated_at": now}
    return Answer(201, _ruleset(call, call.core.store.add("ruleset", scope, None, data)))


def show_ruleset(call: Call) -> Answer:
    """`GET .../rulesets/{ruleset_id}`."""
    number = call.number("ruleset_id")
    found = [
        one
        for one in _rulesets(call, settings_scope(call, "administration", write=False))
        if one.id == number
    ]
    if not found:
        raise not_found()
    return Answer(body=_ruleset(call, found[0]))


def change_ruleset(call: Call) -> Answer:
    """`PUT .../rulesets/{ruleset_id}`: what is not named stays."""
    kept = _own_ruleset(call)
    data = _ruleset_data(call, kept.data) | {"updated_at": call.core.now()}
    changed = Record(kept.id, kept.scope, kept.key, data)
    call.core.store.change("ruleset", changed)
    return Answer(body=_ruleset(call, changed))


def remove_ruleset(call: Call) -> Answer:
    """`DELETE .../rulesets/{ruleset_id}`."""
    call.core.store.remove("ruleset", _own_ruleset(call).id)
    return Answer(204)


def branch_rules(call: Call) -> Answer:
    """`GET .../rules/branches/{branch}`: the active rules that apply to a branch."""
    repo = call.repo()
    rules = [
        {**rule, **_source(call, one), "ruleset_id": one.id}
        for one in _rulesets(call, repo.scope)
        if one.data["enforcement"] == "active" and _applies(one, repo, call.params["branch"])
        for rule in one.data["rules"]
    ]
    return call.paged(rules)


def _applies(one: Record, repo: Repo, branch: str) -> bool:
    names = one.data["conditions"].get("ref_name") or {"include": ["~ALL"]}

    def matches(pattern: str) -> bool:
        if pattern == "~DEFAULT_BRANCH":
            return branch == repo.default_branch
        return pattern == "~ALL" or fnmatch.fnmatchcase(f"refs/heads/{branch}", pattern)

    included = any(matches(one) for one in names.get("include", []))
    return one.data["target"] == "branch" and included and not any(map(matches, names.get("exclude", [])))


def _own_ruleset(call: Call) -> Record:
    scope = settings_scope(call, "administration", write=True)
    found = call.core.store.by_id("ruleset", scope, call.number("ruleset_id"))
    if found is None:
        raise not_found()
    return found


def _ruleset_data(call: Call, before: dict[str, Any]) -> dict[str, Any]:
    asked = call.json()
    names = ("name", "target", "enforcement", "conditions", "rules", "bypass_actors")
    data = before | {name: asked[name] for name in names if asked.get(name) is not None}
    if not isinstance(data.get("name"), str):
        raise invalid("Ruleset", "name", "name is missing", "missing_field")
    if data.get("enforcement") not in _ENFORCEMENTS:
        words = f"enforcement must be one of {', '.join(_ENFORCEMENTS)}"
        raise invalid("Ruleset", "enforcement", words, "invalid")
    rules = data["rules"]
    if not isinstance(rules, list) or not all(isinstance(one, dict) and "type" in one for one in rules):
        raise invalid("Ruleset", "rules", "rules must be a list of objects with a type", "invalid")
    return data


def _source(call: Call, one: Record) -> dict[str, Any]:
    kind, _, number = one.scope.partition(":")
    if kind == "repo":
        repo = call.core.registry.repo_by_id(int(number))
        return {
            "ruleset_source_type": "Repository",
            "ruleset_source": "" if repo is None else repo.full_name,
        }
    owner = call.core.registry.owner_by_id(int(number))
    return {"ruleset_source_type": "Organization", "ruleset_source": "" if owner is None else owner.login}


def _short_ruleset(call: Call, one: Record) -> dict[str, Any]:
    source = _source(call, one)
    kept = {name: one.data[name] for name in ("name", "target", "enforcement", "created_at", "updated_at")}
    about = {"source_type": source["ruleset_source_type"], "source": source["ruleset_source"]}
    return {"id": one.id, "node_id": render.node_id("RepositoryRuleset", one.id), **kept, **about}


def _ruleset(call: Call, one: Record) -> dict[str, Any]:
    more = {name: one.data[name] for name in ("conditions", "rules", "bypass_actors")}
    return {**_short_ruleset(call, one), **more, "current_user_can_bypass": "never"}


_REPO = "/repos/{owner}/{repo}"
ROUTES = [
    *(
        Route(method, f"{where}/rulesets{path}", handler)
        for where in ("/orgs/{org}", _REPO)
        for method, path, handler in (
            ("GET", "", list_rulesets),
            ("POST", "", add_ruleset),
            ("GET", "/{ruleset_id}", show_ruleset),
            ("PUT", "/{ruleset_id}", change_ruleset),
            ("DELETE", "/{ruleset_id}", remove_ruleset),
        )
    ),
    Route("GET", f"{_REPO}/rules/branches/{{branch:path}}", branch_rules),
    Route("GET", f"{_REPO}/labels", list_labels),
    Route("POST", f"{_REPO}/labels", add_label),
    Route("GET", f"{_REPO}/labels/{{name}}", show_label),
    Route("PATCH", f"{_REPO}/labels/{{name}}", change_label),
    Route("DELETE", f"{_REPO}/labels/{{name}}", remove_label),
]
