"""Organisations: read one by login or id, change its facts, make a repository in it."""

from dataclasses import replace
from typing import Any

import msgspec

from localhub import render
from localhub.registry import VISIBILITIES, BadName, NameTaken, NewRepo, Owner
from localhub.rest.shapes import full_repo
from localhub.wire import Answer, Call, Route, invalid

_FACTS = ["name", "company", "blog", "location", "email", "description", "billing_email", "twitter_username"]
_REPO_FIELDS = [
    "homepage",
    "has_issues",
    "has_projects",
    "has_wiki",
    "has_downloads",
    "is_template",
    "allow_squash_merge",
    "allow_merge_commit",
    "allow_rebase_merge",
    "allow_auto_merge",
    "delete_branch_on_merge",
]


def show(call: Call) -> Answer:
    """`GET /orgs/{org}` and `GET /organizations/{organization_id}`."""
    return Answer(body=_shape(call, call.org()))


def _shape(call: Call, owner: Owner) -> dict[str, Any]:
    view = call.core.access.view(call.caller)
    where, values = replace(view, only=None).where(owner.id)

    def count() -> dict[str, int]:
        sql = f"SELECT visibility, count(*) FROM repo WHERE {where} GROUP BY visibility"  # noqa: S608 # made by View
        return {row[0]: row[1] for row in call.core.store.rows(sql, *values)}

    counts = call.core.remembered(("counts", where, tuple(values)), count)
    return render.org(owner, call.base, call.site, counts, member=view.private)


def change(call: Call) -> Answer:
    """`PATCH /orgs/{org}`: its facts. Its login is changed at `/_localhub/orgs/{org}/rename`."""
    owner = call.org()
    call.core.access.require_org_admin(call.caller, owner, "organization_administration")
    facts = {name: value for name, value in call.json().items() if name in _FACTS}
    return Answer(
        body=_shape(call, call.core.registry.change_owner(replace(owner, extra=owner.extra | facts)))
    )


def create_repo(call: Call) -> Answer:
    """`POST /orgs/{org}/repos`: 422 for a name that is taken or that GitHub does not accept."""
    owner = call.org()
    call.core.access.require_org_admin(call.caller, owner, "administration")
    asked = call.json()
    wanted = NewRepo(
        name=call.text("name", resource="Repository"),
        visibility=visibility_of(asked, "private" if asked.get("private") else "public"),
        description=asked.get("description"),
        seed="readme" if asked.get("auto_init") else "empty",
        extra=msgspec.json.encode({name: asked[name] for name in _REPO_FIELDS if name in asked}).decode(),
    )
    if asked.get("auto_init"):
        wanted = replace(wanted, pushed_at=call.core.now())
    try:
        repo = call.core.create_repo(call.caller, owner, wanted)
    except (NameTaken, BadName) as error:
        raise bad_name(error) from error
    return Answer(201, full_repo(call, repo), {"Location": f"{call.base}/repos/{repo.full_name}"})


def visibility_of(asked: dict[str, Any], default: str) -> str:
    """The visibility that a body asks for by `visibility` or `private`. Raises Problem 422."""
    wanted = asked.get("visibility")
    if wanted is None:
        private = asked.get("private")
        return default if private is None else ("private" if private else "public")
    if wanted not in VISIBILITIES:
        raise invalid(
            "Repository", "visibility", f"visibility must be one of {', '.join(VISIBILITIES)}", "invalid"
        )
    return str(wanted)


def bad_name(error: Exception) -> Exception:
    """422 for a name, in GitHub's words."""
    words = "Repository creation failed."
    problem = invalid("Repository", "name", str(error))
    problem.body["message"] = words
    return problem


ROUTES = [
    Route("GET", "/orgs/{org}", show),
    Route("PATCH", "/orgs/{org}", change),
    Route("GET", "/organizations/{organization_id}", show),
    Route("POST", "/orgs/{org}/repos", create_repo),
]
