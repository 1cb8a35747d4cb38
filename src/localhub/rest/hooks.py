"""Webhooks of organisations and repositories: make, change, remove, ping, and look at their deliveries."""

import sqlite3
from typing import Any

import httpx
import msgspec

from localhub import hooks
from localhub.store import Record
from localhub.wire import Answer, Call, Problem, Route, invalid, not_found

_MAX_DELIVERIES = 100


def list_hooks(call: Call) -> Answer:
    """`GET .../hooks`."""
    found = call.core.webhooks.hooks(_scope(call))
    return call.paged([hooks.shape(call.core, one, call.base) for one in found])


def create(call: Call) -> Answer:
    """`POST .../hooks`: a hook for `events` (`push` alone when not given), pinged at once."""
    scope = _scope(call)
    asked = call.json()
    if asked.get("name", "web") != "web":
        raise invalid("Hook", "name", "name must be web", "invalid")
    config = _config(asked)
    if "url" not in config:
        raise invalid("Hook", "url", "url is missing", "missing_field")
    wanted = _events(asked, ["push"])
    for other in call.core.webhooks.hooks(scope):
        if other.data["url"] == config["url"] and other.data["events"] == wanted:
            raise Problem(
                422,
                "Validation Failed",
                errors=[{"resource": "Hook", "code": "custom", "message": "Hook already exists"}],
            )
    made = hooks.add(
        call.core,
        scope,
        config["url"],
        config.get("secret"),
        wanted,
        active=bool(asked.get("active", True)),
        insecure_ssl=str(config.get("insecure_ssl", "0")),
    )
    hooks.ping(call.core, call.caller, made)
    shape = hooks.shape(call.core, made, call.base)
    return Answer(201, shape, {"Location": shape["url"]})


def show(call: Call) -> Answer:
    """`GET .../hooks/{hook_id}`."""
    return Answer(body=hooks.shape(call.core, _hook(call), call.base))


def change(call: Call) -> Answer:
    """`PATCH .../hooks/{hook_id}`: `config`, `events`, `add_events`, `remove_events`, `active`."""
    hook = _hook(call)
    asked = call.json()
    wanted = _events(asked, hook.data["events"])
    wanted = wanted + [one for one in asked.get("add_events") or [] if one not in wanted]
    data = {
        **hook.data,
        **_config(asked),
        "events": [one for one in wanted if one not in (asked.get("remove_events") or [])],
        "active": bool(asked.get("active", hook.data["active"])),
        "updated_at": call.core.now(),
    }
    changed = Record(hook.id, hook.scope, hook.key, data)
    call.core.store.change("hook", changed)
    return Answer(body=hooks.shape(call.core, changed, call.base))


def remove(call: Call) -> Answer:
    """`DELETE .../hooks/{hook_id}`, with its deliveries."""
    hook = _hook(call)
    with call.core.store.transaction():
        call.core.store.remove("hook", hook.id)
        call.core.store.run("DELETE FROM delivery WHERE hook_id = ?", hook.id)
    return Answer(204)


def ping(call: Call) -> Answer:
    """`POST .../hooks/{hook_id}/pings`."""
    hooks.ping(call.core, call.caller, _hook(call))
    return Answer(204)


def deliveries(call: Call) -> Answer:
    """`GET .../hooks/{hook_id}/deliveries`: those made, latest first, paged with `cursor`."""
    hook = _hook(call)
    size = min(_MAX_DELIVERIES, call.page().size)
    before = call.query.get("cursor", "").removeprefix("v1_")
    limit = int(before) if before.isascii() and before.isdigit() and len(before) < 18 else 1 << 60
    terms = {"success": " AND status_code < 400", "failure": " AND status_code >= 400"}
    chosen = terms.get(call.query.get("status", ""), "")
    sql = f"SELECT * FROM delivery WHERE hook_id = ? AND id < ? AND delivered_at IS NOT NULL{chosen}"  # noqa: S608 # one of the two above
    sql += " ORDER BY id DESC LIMIT ?"
    rows = call.core.store.rows(sql, hook.id, limit, size + 1)
    headers = {}
    if len(rows) > size:
        url = f"{call.base}{call.path}?per_page={size}&cursor=v1_{rows[size - 1]['id']}"
        headers["Link"] = f'<{url}>; rel="next"'
    return Answer(body=[_short(row) for row in rows[:size]], headers=headers)


def delivery(call: Call) -> Answer:
    """`GET .../hooks/{hook_id}/deliveries/{delivery_id}`: with request and response."""
    hook = _hook(call)
    row = _delivery(call, hook)
    request_headers = msgspec.json.decode(row["request_headers"] or "{}")
    response_headers = msgspec.json.decode(row["response_headers"] or "{}")
    return Answer(
        body=_short(row)
        | {
            "url": hook.data["url"],
            "request": {"headers": request_headers, "payload": msgspec.json.decode(row["payload"])},
            "response": {"headers": response_headers, "payload": row["response_body"]},
        }
    )


def redeliver(call: Call) -> Answer:
    """`POST .../deliveries/{delivery_id}/attempts`: once more, under the same GUID."""
    row = _delivery(call, _hook(call))
    call.core.webhooks.redeliver(row["id"])
    return Answer(202, {})


def _short(row: sqlite3.Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "guid": row["guid"],
        "delivered_at": row["delivered_at"],
        "redelivery": bool(row["redelivery"]),
        "duration": row["duration_s"],
        "status": row["status"],
        "status_code": row["status_code"],
        "event": row["event"],
        "action": row["action"],
        "installation_id": None,
        "repository_id": row["repository_id"],
        "throttled_at": None,
    }


def _scope(call: Call) -> str:
    """Whose hooks the path is about; the caller may administrate it."""
    if "org" in call.params:
        owner = call.org()
        call.core.access.require_org_admin(call.caller, owner, "organization_hooks")
        return f"org:{owner.id}"
    return call.repo(write="administration", archived=True).scope


def _hook(call: Call) -> Record:
    found = call.core.store.by_id("hook", _scope(call), call.number("hook_id"))
    if found is None:
        raise not_found()
    return found


def _delivery(call: Call, hook: Record) -> sqlite3.Row:
    sql = "SELECT * FROM delivery WHERE id = ? AND hook_id = ? AND delivered_at IS NOT NULL"
    row = call.core.store.row(sql, call.number("delivery_id"), hook.id)
    if row is None:
        raise not_found()
    return row


def _config(asked: dict[str, Any]) -> dict[str, Any]:
    """The settings in a body that localhub keeps. Raises Problem 422."""
    config = asked.get("config") or {}
    if not isinstance(config, dict):
        raise invalid("Hook", "config", "config must be an object", "invalid")
    if config.get("content_type", "json") != "json":
        raise invalid(
            "Hook", "content_type", "localhub sends JSON alone: content_type must be json", "invalid"
        )
    if "url" in config:
        try:
            url = httpx.URL(str(config["url"]))
        except httpx.InvalidURL as error:
            raise invalid("Hook", "url", f"url is invalid: {error}", "invalid") from error
        if url.scheme not in {"http", "https"} or not url.host:
            raise invalid("Hook", "url", "url must begin with http:// or https://", "invalid")
    return {name: config[name] for name in ("url", "secret", "insecure_ssl") if name in config}


def _events(asked: dict[str, Any], default: list[str]) -> list[str]:
    wanted = asked.get("events", default)
    if not isinstance(wanted, list) or not wanted or not all(isinstance(one, str) for one in wanted):
        raise invalid("Hook", "events", "events must be a list of names of events, or of '*'", "invalid")
    return list(wanted)


ROUTES = [
    Route(method, f"{where}/hooks{path}", handler)
    for where in ("/orgs/{org}", "/repos/{owner}/{repo}")
    for method, path, handler in (
        ("GET", "", list_hooks),
        ("POST", "", create),
        ("GET", "/{hook_id}", show),
        ("PATCH", "/{hook_id}", change),
        ("DELETE", "/{hook_id}", remove),
        ("POST", "/{hook_id}/pings", ping),
        ("GET", "/{hook_id}/deliveries", deliveries),
        ("GET", "/{hook_id}/deliveries/{delivery_id}", delivery),
        ("POST", "/{hook_id}/deliveries/{delivery_id}/attempts", redeliver),
    )
]
