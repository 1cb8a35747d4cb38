"""Makes and describes webhooks; sending is webhooks.py's, and the REST interface rest/hooks.py's."""

from collections.abc import Sequence
from typing import Any

from localhub import events
from localhub.core import Core
from localhub.store import Record
from localhub.tokens import Caller

_NEVER_USED = {"code": None, "status": "unused", "message": None}


def add(
    core: Core,
    scope: str,
    url: str,
    secret: str | None,
    wanted: Sequence[str],
    *,
    active: bool = True,
    insecure_ssl: str = "0",
) -> Record:
    """Add a hook to an organisation (`org:ID`) or a repository (`repo:ID`)."""
    now = core.now()
    data: dict[str, Any] = {
        "url": url,
        "secret": secret,
        "insecure_ssl": insecure_ssl,
        "events": list(wanted),
        "active": active,
        "created_at": now,
        "updated_at": now,
        "last_response": _NEVER_USED,
    }
    return core.store.add("hook", scope, None, data)


def ensure(core: Core, scope: str, url: str, secret: str | None) -> Record:
    """The hook to this address for all events, made once; its secret is made to be this one."""
    for hook in core.store.records("hook", scope):
        if hook.data["url"] == url:
            hook.data["secret"] = secret
            core.store.change("hook", hook)
            return hook
    return add(core, scope, url, secret, ["*"])


def ping(core: Core, sender: Caller, hook: Record) -> None:
    """Queue the event `ping`, which GitHub sends when a hook is made and when asked."""
    kind, _, number = hook.scope.partition(":")
    repo = core.registry.repo_by_id(int(number)) if kind == "repo" else None
    owner = core.registry.owner_by_id(repo.owner_id if repo is not None else int(number))
    more = {
        "zen": "A ping is an answer in itself.",
        "hook_id": hook.id,
        "hook": shape(core, hook, core.public_url),
    }
    core.webhooks.ping(hook, events.payload(None, sender, owner, repo, more, core.public_url))


def shape(core: Core, hook: Record, base: str) -> dict[str, Any]:
    """A hook as GitHub shows it: the secret is never told."""
    kind, _, number = hook.scope.partition(":")
    url = f"{base}{_place(core, kind, int(number))}/hooks/{hook.id}"
    config = {
        "url": hook.data["url"],
        "content_type": "json",
        "insecure_ssl": hook.data["insecure_ssl"],
    }
    if hook.data["secret"]:
        config["secret"] = "********"  # noqa: S105 # what GitHub shows in its place
    shown = {
        "type": "Organization" if kind == "org" else "Repository",
        "id": hook.id,
        "name": "web",
        "active": hook.data["active"],
        "events": hook.data["events"],
        "config": config,
        "created_at": hook.data["created_at"],
        "updated_at": hook.data["updated_at"],
        "url": url,
        "ping_url": f"{url}/pings",
        "deliveries_url": f"{url}/deliveries",
    }
    if kind == "repo":
        shown |= {"test_url": f"{url}/test", "last_response": hook.data["last_response"]}
    return shown


def _place(core: Core, kind: str, number: int) -> str:
    if kind == "repo":
        repo = core.registry.repo_by_id(number, deleted=True)
        return f"/repos/{repo.full_name}" if repo is not None else f"/repositories/{number}"
    owner = core.registry.owner_by_id(number)
    return f"/orgs/{owner.login}" if owner is not None else f"/organizations/{number}"
