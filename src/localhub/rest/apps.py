"""The GitHub App: itself, its installations, and their tokens.

Every served organisation has one installation of the app that localhub was started with.
"""

from typing import Any

from localhub import render
from localhub.store import Record
from localhub.tokens import APP_EVENTS, APP_PERMISSIONS
from localhub.wire import Answer, Call, Problem, Route, invalid, not_found


def app(call: Call) -> Answer:
    """`GET /app`: the app that a JSON web token was made for."""
    _require_app(call)
    shape = render.app(call.caller.user_id, call.base, call.site)
    return Answer(body=shape | {"installations_count": len(_all(call))})


def installations(call: Call) -> Answer:
    """`GET /app/installations`."""
    _require_app(call)
    return call.paged([_shape(call, one) for one in _all(call)])


def installation(call: Call) -> Answer:
    """`GET /app/installations/{installation_id}`."""
    _require_app(call)
    return Answer(body=_shape(call, _one(call)))


def org_installation(call: Call) -> Answer:
    """`GET /orgs/{org}/installation`."""
    _require_app(call)
    found = call.core.store.by_key("installation", "app", str(call.org().id))
    if found is None:
        raise not_found()
    return Answer(body=_shape(call, found))


def access_token(call: Call) -> Answer:
    """`POST /app/installations/{installation_id}/access_tokens`: an hour's token.

    It may be narrowed to `repositories` (names) or `repository_ids`, and in its `permissions`.
    """
    _require_app(call)
    found = _one(call)
    asked = call.json()
    chosen = _chosen(call, found, asked)
    permissions = {**APP_PERMISSIONS, **_narrowed(asked.get("permissions"))}
    if asked.get("permissions") is not None:
        permissions = {name: permissions[name] for name in {"metadata", *asked["permissions"]}}
    token, expires_at = call.core.tokens.add_installation_token(found.id, chosen, permissions)
    limited = chosen is not None or found.data["selection"] == "selected"
    body: dict[str, Any] = {
        "token": token,
        "expires_at": expires_at,
        "permissions": permissions,
        "repository_selection": "selected" if limited else "all",
    }
    return Answer(201, body)


def _narrowed(asked: object) -> dict[str, str]:
    if asked is None:
        return {}
    if not isinstance(asked, dict) or not asked.keys() <= APP_PERMISSIONS.keys():
        raise invalid("Installation", "permissions", "the app was not given these permissions", "invalid")
    return {str(name): str(level) for name, level in asked.items()}


def _chosen(call: Call, found: Record, asked: dict[str, Any]) -> list[int] | None:
    owner = call.core.registry.owner_by_id(found.data["owner_id"])
    wanted = asked.get("repository_ids")
    if asked.get("repositories") is not None and owner is not None:
        repos = [call.core.registry.repo_by_name(owner.login, str(name))[0] for name in asked["repositories"]]
        wanted = [0 if one is None else one.id for one in repos]
    if wanted is None:
        return None
    known = call.core.registry.repos_by_id(wanted)
    if any(number not in known or known[number].owner_id != found.data["owner_id"] for number in wanted):
        words = "There is at least one repository that does not exist or is not accessible to the parent"
        raise Problem(422, f"{words} installation.")
    return list(known)


def _shape(call: Call, one: Record) -> dict[str, Any]:
    owner = call.core.registry.owner_by_id(one.data["owner_id"])
    if owner is None:
        raise not_found()
    return {
        "id": one.id,
        "account": render.owner(owner.login, owner.id, owner.type, call.base, call.site),
        "repository_selection": one.data["selection"],
        "access_tokens_url": f"{call.base}/app/installations/{one.id}/access_tokens",
        "repositories_url": f"{call.base}/installation/repositories",
        "html_url": f"{call.site}/organizations/{owner.login}/settings/installations/{one.id}",
        "app_id": call.caller.user_id,
        "app_slug": f"app-{call.caller.user_id}",
        "target_id": owner.id,
        "target_type": owner.type,
        "permissions": APP_PERMISSIONS,
        "events": list(APP_EVENTS),
        "created_at": owner.created_at,
        "updated_at": owner.created_at,
        "single_file_name": None,
        "suspended_by": None,
        "suspended_at": None,
    }


def _all(call: Call) -> list[Record]:
    hidden = call.core.access.view(call.caller).hidden_owners
    found = call.core.store.records("installation", "app")
    return [one for one in found if one.data["owner_id"] not in hidden]


def _one(call: Call) -> Record:
    number = call.number("installation_id")
    found = next((one for one in _all(call) if one.id == number), None)
    if found is None:
        raise not_found()
    return found


def _require_app(call: Call) -> None:
    if call.caller.kind != "app":
        raise Problem(401, "A JSON web token could not be decoded")


ROUTES = [
    Route("GET", "/app", app),
    Route("GET", "/app/installations", installations),
    Route("GET", "/app/installations/{installation_id}", installation),
    Route("POST", "/app/installations/{installation_id}/access_tokens", access_token),
    Route("GET", "/orgs/{org}/installation", org_installation),
]
