"""What several handlers share: a repository as this caller is shown it, and the scope of settings."""

from typing import Any

from localhub import render
from localhub.registry import Repo
from localhub.wire import Call


def repo(call: Call, one: Repo) -> dict[str, Any]:
    """The short form, as in lists."""
    return render.repo(one, call.base, call.site, permissions(call, one))


def full_repo(call: Call, one: Repo) -> dict[str, Any]:
    """The long form, as at a repository's own address."""
    return render.full_repo(one, call.base, call.site, permissions(call, one))


def permissions(call: Call, one: Repo) -> dict[str, bool] | None:
    """The caller's rights; GitHub leaves them out for one who is not known."""
    if call.caller.kind == "anonymous":
        return None
    access = call.core.access
    return render.permissions(
        write=access.may_write(call.caller, one, "contents"),
        admin=access.may_write(call.caller, one, "administration"),
    )


def settings_scope(call: Call, right: str, *, write: bool) -> str:
    """The scope of the records that the path is about; an organisation's need the right to be read too."""
    if "org" in call.params:
        owner = call.org()
        call.core.access.require_org_admin(call.caller, owner, right)
        return f"org:{owner.id}"
    return call.repo(write=right if write else None).scope
