"""The bodies of webhooks, in GitHub's shapes. Sending them is webhooks.py's business."""

from collections.abc import Mapping
from typing import Any

from localhub import render
from localhub.clock import moment_of
from localhub.registry import Owner, Repo
from localhub.tokens import Caller


def payload(
    action: str | None,
    sender: Caller,
    owner: Owner | None,
    repo: Repo | None,
    more: Mapping[str, Any],
    site: str,
) -> dict[str, Any]:
    """The whole body of an event; `more` is what is particular to it.

    Without an action (push, create, delete, status) the times of the repository come as GitHub sends them with a
    push: `created_at` and `pushed_at` as seconds since the epoch.
    """
    body: dict[str, Any] = {} if action is None else {"action": action}
    body |= more
    if repo is not None:
        body["repository"] = render.repo(repo, site, site, None)
        if action is None and "ref" in more and "before" in more:
            body["repository"] |= _push_times(repo)
    if owner is not None and owner.type == "Organization":
        body["organization"] = render.short_org(owner, site, site)
    body["sender"] = user(sender, site)
    if sender.installation_id is not None:
        number = sender.installation_id
        body["installation"] = {
            "id": number,
            "node_id": render.node_id("IntegrationInstallation", number),
        }
    return body


def user(caller: Caller, site: str) -> dict[str, Any]:
    """The one who did it."""
    return render.owner(caller.login, caller.user_id, caller.type, site, site)


def former_owner(owner: Owner, site: str) -> dict[str, Any]:
    """The owner before a transfer, as its `changes` tell of it."""
    if owner.type == "Organization":
        return {"organization": render.short_org(owner, site, site)}
    return {"user": render.owner(owner.login, owner.id, owner.type, site, site)}


def _push_times(repo: Repo) -> dict[str, int]:
    pushed = repo.pushed_at or repo.created_at
    return {
        "created_at": int(moment_of(repo.created_at).timestamp()),
        "pushed_at": int(moment_of(pushed).timestamp()),
    }
