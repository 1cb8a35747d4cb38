"""The root of the API, the user, the server's facts, and the rate limit."""

from typing import Any

from localhub import render
from localhub.registry import Owner
from localhub.wire import Answer, Call, Problem, Route

VERSION = "3.17.0"
"""The release of GitHub Enterprise Server whose interface this follows."""


def root(call: Call) -> Answer:
    """`GET /`: where things are."""
    base = call.base
    return Answer(
        body={
            "current_user_url": f"{base}/user",
            "organization_url": f"{base}/orgs/{{org}}",
            "organization_repositories_url": f"{base}/orgs/{{org}}/repos{{?type,page,per_page,sort}}",
            "rate_limit_url": f"{base}/rate_limit",
            "repository_url": f"{base}/repos/{{owner}}/{{repo}}",
        }
    )


def user(call: Call) -> Answer:
    """`GET /user`: the user of a personal token."""
    if call.caller.kind == "anonymous":
        raise Problem(401, "Requires authentication")
    if call.caller.kind != "user":
        raise Problem(403, "Resource not accessible by integration")
    owner = call.core.registry.owner_by_id(call.caller.user_id)
    if owner is None:
        raise Problem(401, "Bad credentials")
    return Answer(body=_profile(call, owner))


def user_by_login(call: Call) -> Answer:
    """`GET /users/{username}`: anybody, organisations included."""
    owner = call.core.registry.owner(call.params["username"])
    if owner is None:
        raise Problem(404, "Not Found")
    return Answer(body=_profile(call, owner))


def _profile(call: Call, owner: Owner) -> dict[str, Any]:
    """GitHub's `public-user`."""
    unknown = dict.fromkeys(("company", "location", "email", "hireable", "bio"))
    none_of = dict.fromkeys(("public_repos", "public_gists", "followers", "following"), 0)
    times = {"created_at": owner.created_at, "updated_at": owner.updated_at}
    shape = render.owner(owner.login, owner.id, owner.type, call.base, call.site)
    return shape | {"name": owner.login, "blog": ""} | unknown | none_of | times


def meta(call: Call) -> Answer:
    """`GET /meta`: what kind of server this is."""
    return Answer(
        body={
            "verifiable_password_authentication": False,
            "installed_version": VERSION,
            "hooks": ["127.0.0.0/8"],
            "web": [call.site],
            "api": [call.base],
            "git": [call.site],
            "localhub": True,
        }
    )


def rate_limit(call: Call) -> Answer:
    """`GET /rate_limit`: costs nothing."""
    facts = call.core.limits.window(call.caller.key).facts()
    search = {**facts, "limit": 30, "used": 0, "remaining": 30, "resource": "search"}
    return Answer(body={"resources": {"core": facts, "search": search}, "rate": facts})


ROUTES = [
    Route("GET", "/", root),
    Route("GET", "/user", user),
    Route("GET", "/users/{username}", user_by_login),
    Route("GET", "/meta", meta),
    Route("GET", "/rate_limit", rate_limit),
]
