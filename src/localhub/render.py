"""GitHub's JSON shapes for owners and repositories. It reads nothing but what it is given.

Required fields follow GitHub's OpenAPI description (`minimal-repository`, `full-repository`,
`organization-full`). Addresses always name this server and the present owner, also in a recorded organisation;
other fields of a recorded answer are given back as they were.
"""

import base64
from collections.abc import Mapping
from typing import Any

import msgspec

from localhub.registry import Owner, Repo
from localhub.tokens import APP_EVENTS, APP_PERMISSIONS

_URLS = (
    ("url", ""),
    ("archive_url", "/{archive_format}{/ref}"),
    ("assignees_url", "/assignees{/user}"),
    ("blobs_url", "/git/blobs{/sha}"),
    ("branches_url", "/branches{/branch}"),
    ("collaborators_url", "/collaborators{/collaborator}"),
    ("comments_url", "/comments{/number}"),
    ("commits_url", "/commits{/sha}"),
    ("compare_url", "/compare/{base}...{head}"),
    ("contents_url", "/contents/{+path}"),
    ("contributors_url", "/contributors"),
    ("deployments_url", "/deployments"),
    ("downloads_url", "/downloads"),
    ("events_url", "/events"),
    ("forks_url", "/forks"),
    ("git_commits_url", "/git/commits{/sha}"),
    ("git_refs_url", "/git/refs{/sha}"),
    ("git_tags_url", "/git/tags{/sha}"),
    ("hooks_url", "/hooks"),
    ("issue_comment_url", "/issues/comments{/number}"),
    ("issue_events_url", "/issues/events{/number}"),
    ("issues_url", "/issues{/number}"),
    ("keys_url", "/keys{/key_id}"),
    ("labels_url", "/labels{/name}"),
    ("languages_url", "/languages"),
    ("merges_url", "/merges"),
    ("milestones_url", "/milestones{/number}"),
    ("notifications_url", "/notifications{?since,all,participating}"),
    ("pulls_url", "/pulls{/number}"),
    ("releases_url", "/releases{/id}"),
    ("stargazers_url", "/stargazers"),
    ("statuses_url", "/statuses/{sha}"),
    ("subscribers_url", "/subscribers"),
    ("subscription_url", "/subscription"),
    ("tags_url", "/tags"),
    ("teams_url", "/teams"),
    ("trees_url", "/git/trees{/sha}"),
)
_OWNER_URLS = (
    ("followers_url", "/followers"),
    ("following_url", "/following{/other_user}"),
    ("gists_url", "/gists{/gist_id}"),
    ("starred_url", "/starred{/owner}{/repo}"),
    ("subscriptions_url", "/subscriptions"),
    ("organizations_url", "/orgs"),
    ("repos_url", "/repos"),
    ("events_url", "/events{/privacy}"),
    ("received_events_url", "/received_events"),
)
REPO_DEFAULTS: Mapping[str, Any] = {
    "fork": False,
    "homepage": None,
    "size": 0,
    "stargazers_count": 0,
    "watchers_count": 0,
    "language": None,
    "has_issues": True,
    "has_projects": True,
    "has_downloads": True,
    "has_wiki": False,
    "has_pages": False,
    "has_discussions": False,
    "forks_count": 0,
    "mirror_url": None,
    "disabled": False,
    "open_issues_count": 0,
    "license": None,
    "allow_forking": True,
    "is_template": False,
    "web_commit_signoff_required": False,
    "topics": [],
    "custom_properties": {},
    "forks": 0,
    "open_issues": 0,
    "watchers": 0,
}
"""Fields of a repository that its `extra` may set, and what they are otherwise."""
MERGE_DEFAULTS: Mapping[str, Any] = {
    "allow_rebase_merge": True,
    "allow_squash_merge": True,
    "allow_merge_commit": True,
    "allow_auto_merge": False,
    "delete_branch_on_merge": False,
    "allow_update_branch": False,
}
ACTIONS_APP_ID = 15_368
"""GitHub Actions, the app that reports the checks which localhub runs; its id is github.com's."""
GOVERNED = frozenset(
    [name for name, _ in _URLS]
    + [
        "id",
        "node_id",
        "name",
        "full_name",
        "private",
        "owner",
        "html_url",
        "description",
        "archived",
        "visibility",
    ]
    + [
        "default_branch",
        "created_at",
        "updated_at",
        "pushed_at",
        "git_url",
        "ssh_url",
        "clone_url",
        "svn_url",
        "permissions",
    ]
)
"""Fields that are never taken from `extra`."""


def node_id(kind: str, number: int) -> str:
    """A global id in the older of GitHub's two forms."""
    return base64.b64encode(f"0{len(kind)}:{kind}{number}".encode()).decode()


def owner(login: str, owner_id: int, kind: str, base: str, site: str) -> dict[str, Any]:
    """GitHub's `simple-user`, which is also the short form of an organisation."""
    url = f"{base}/users/{login}"
    return {
        "login": login,
        "id": owner_id,
        "node_id": node_id(kind, owner_id),
        "avatar_url": f"{site}/avatars/u/{owner_id}",
        "gravatar_id": "",
        "url": url,
        "html_url": f"{site}/{login}",
        **{name: url + rest for name, rest in _OWNER_URLS},
        "type": kind,
        "site_admin": False,
    }


def repo(one: Repo, base: str, site: str, permissions: Mapping[str, bool] | None) -> dict[str, Any]:
    """GitHub's `minimal-repository`: what lists and webhooks hold."""
    url = f"{base}/repos/{one.owner}/{one.name}"
    page = f"{site}/{one.owner}/{one.name}"
    host = site.partition("://")[2]
    shape: dict[str, Any] = {
        "id": one.id,
        "node_id": node_id("Repository", one.id),
        "name": one.name,
        "full_name": one.full_name,
        "private": one.private,
        "owner": owner(one.owner, one.owner_id, one.owner_type, base, site),
        "html_url": page,
        "description": one.description,
        **{name: url + rest for name, rest in _URLS},
        "git_url": f"git://{host}/{one.owner}/{one.name}.git",
        "ssh_url": f"git@{host}:{one.owner}/{one.name}.git",
        "clone_url": f"{page}.git",
        "svn_url": page,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "pushed_at": one.pushed_at,
        **REPO_DEFAULTS,
        "archived": one.archived,
        "visibility": one.visibility,
        "default_branch": one.default_branch,
    }
    if permissions is not None:
        shape["permissions"] = permissions
    if one.extra != "{}":
        shape |= msgspec.json.decode(one.extra)
    return shape


def full_repo(one: Repo, base: str, site: str, permissions: Mapping[str, bool] | None) -> dict[str, Any]:
    """GitHub's `full-repository`: what a repository's own address answers."""
    shape: dict[str, Any] = {**MERGE_DEFAULTS, **repo(one, base, site, permissions)}
    shape |= {
        "temp_clone_token": "",
        "network_count": shape["forks_count"],
        "subscribers_count": shape["watchers_count"],
    }
    if one.owner_type == "Organization":
        shape["organization"] = shape["owner"]
    return shape


def permissions(*, write: bool, admin: bool) -> dict[str, bool]:
    """The caller's rights in a repository, as GitHub names them."""
    return {"admin": admin, "maintain": admin, "push": write, "triage": write, "pull": True}


def short_org(one: Owner, base: str, site: str) -> dict[str, Any]:
    """GitHub's `organization-simple`, as webhooks hold it."""
    url = f"{base}/orgs/{one.login}"
    return {
        "login": one.login,
        "id": one.id,
        "node_id": node_id("Organization", one.id),
        "url": url,
        "repos_url": f"{url}/repos",
        "events_url": f"{url}/events",
        "hooks_url": f"{url}/hooks",
        "issues_url": f"{url}/issues",
        "members_url": f"{url}/members{{/member}}",
        "public_members_url": f"{url}/public_members{{/member}}",
        "avatar_url": f"{site}/avatars/u/{one.id}",
        "description": one.extra.get("description"),
    }


def org(one: Owner, base: str, site: str, counts: Mapping[str, int], *, member: bool) -> dict[str, Any]:
    """GitHub's `organization-full`; counts of what is private are for members only."""
    private = sum(number for kind, number in counts.items() if kind != "public")
    shape = short_org(one, base, site) | {
        "name": one.login,
        "blog": "",
        "is_verified": False,
        "has_organization_projects": True,
        "has_repository_projects": True,
        "public_gists": 0,
        "followers": 0,
        "following": 0,
        "html_url": f"{site}/{one.login}",
        "type": one.type,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "archived_at": None,
        "public_repos": counts.get("public", 0),
    }
    if member:
        shape |= {
            "total_private_repos": private,
            "owned_private_repos": private,
            "private_gists": 0,
            "disk_usage": 0,
            "collaborators": 0,
            "billing_email": None,
            "plan": {"name": "localhub", "space": 976_562_499, "private_repos": 999_999, "filled_seats": 1},
            "default_repository_permission": "read",
            "members_can_create_repositories": True,
            "two_factor_requirement_enabled": False,
        }
    return shape | one.extra


def app(app_id: int, base: str, site: str) -> dict[str, Any]:
    """GitHub's `integration`: an App. localhub knows no more of one than its id, but for GitHub Actions."""
    actions = app_id == ACTIONS_APP_ID
    slug = "github-actions" if actions else f"app-{app_id}"
    return {
        "id": app_id,
        "slug": slug,
        "node_id": node_id("Integration", app_id),
        "owner": owner("localhub", 0, "User", base, site),
        "name": "GitHub Actions" if actions else slug,
        "description": None,
        "external_url": site,
        "html_url": f"{site}/apps/{slug}",
        "created_at": "2024-01-01T00:00:00Z",
        "updated_at": "2024-01-01T00:00:00Z",
        "permissions": APP_PERMISSIONS,
        "events": list(APP_EVENTS),
    }
