"""Labels of repositories, and rulesets of repositories and organisations.

Rulesets are kept and told, also per branch; what they refuse is in branchrules.py.
"""

import re
from collections.abc import Callable
from typing import Any

from localhub import branchrules, render
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
    if not scope.startswith("repo:"):
        return call.core.store.records("ruleset", scope)
    return branchrules.rulesets(call.core, call.repo(), parents=_parents(call))


def _parents(call: Call) -> bool:
    return call.query.get("includes_parents") != "false"


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
    found = branchrules.active(call.core, repo, call.params["branch"], parents=_parents(call))
    return call.paged([{**rule, **_source(call, one), "ruleset_id": one.id} for one, rule in found])


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
    for name, words, is_good in _FORMS:
        if not is_good(data[name]):
            raise invalid("Ruleset", name, f"{name} must be {words}", "invalid")
    return data


def _objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _are_rules(value: Any) -> bool:
    return _objects(value) and all(isinstance(one.get("type"), str) and _is_rule(one) for one in value)


def _is_rule(rule: dict[str, Any]) -> bool:
    parameters = rule.get("parameters") or {}
    if not isinstance(parameters, dict):
        return False
    required = parameters.get("required_status_checks", [])
    return _objects(required) and all(isinstance(one.get("context"), str) for one in required)


def _are_conditions(value: Any) -> bool:
    if not isinstance(value, dict) or not all(isinstance(one, dict) for one in value.values()):
        return False
    lists = [one.get(name) for one in value.values() for name in ("include", "exclude", "repository_ids")]
    return all(one is None or isinstance(one, list) for one in lists)


_FORMS: tuple[tuple[str, str, Callable[[Any], bool]], ...] = (
    ("rules", "a list of objects with a type, and lists of objects with a context", _are_rules),
    ("conditions", "objects that hold lists", _are_conditions),
    ("bypass_actors", "a list of objects", _objects),
)


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
    can = "never"
    if "org" not in call.params:
        can = branchrules.may_bypass(call.core, call.caller, call.repo(), one)
    return {**_short_ruleset(call, one), **more, "current_user_can_bypass": can}


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
