"""One repository: read, change, delete, transfer, topics, and making one from a template."""

from typing import Any

from localhub.registry import BadName, NameTaken, NewRepo, Repo
from localhub.render import MERGE_DEFAULTS, REPO_DEFAULTS
from localhub.rest.orgs import bad_name, visibility_of
from localhub.rest.shapes import full_repo
from localhub.wire import Answer, Call, Problem, Route, invalid, not_found

_SETTABLE = frozenset(
    [
        "homepage",
        "has_issues",
        "has_projects",
        "has_wiki",
        "has_downloads",
        "has_discussions",
        "is_template",
        "allow_forking",
        "web_commit_signoff_required",
    ]
) | frozenset(MERGE_DEFAULTS)
_MAX_TOPICS = 20


def show(call: Call) -> Answer:
    """`GET /repos/{owner}/{repo}` and `GET /repositories/{repository_id}`."""
    return Answer(body=full_repo(call, call.repo()))


def change(call: Call) -> Answer:
    """`PATCH`: name, description, visibility, default branch, archived, and switches.

    An archived repository takes nothing but `archived: false`.
    """
    asked = call.json()
    repo = call.repo(write="administration", archived=asked.get("archived") is False)
    core, caller = call.core, call.caller
    visibility = visibility_of(asked, repo.visibility)
    edits = _edits(call, repo, asked)  # may make the git repository, which no transaction waits for
    with core.store.transaction():
        if isinstance(asked.get("archived"), bool):
            repo = core.set_archived(caller, repo, archived=asked["archived"])
        repo = core.edit_repo(caller, repo, edits)
        repo = core.set_visibility(caller, repo, visibility)
        name = asked.get("name")
        if name is not None and name != repo.name:
            try:
                repo = core.rename_repo(caller, repo, str(name))
            except (NameTaken, BadName) as error:
                raise bad_name(error) from error
    return Answer(body=full_repo(call, repo))


def _edits(call: Call, repo: Repo, asked: dict[str, Any]) -> dict[str, Any]:
    edits = {name: value for name, value in asked.items() if name in _SETTABLE}
    if "description" in asked:
        edits["description"] = asked["description"]
    branch = asked.get("default_branch")
    if branch is not None and branch != repo.default_branch:
        if branch not in call.core.git(repo).heads():
            raise invalid("Repository", "default_branch", f"The branch {branch} was not found", "invalid")
        edits["default_branch"] = branch
    return edits


def delete(call: Call) -> Answer:
    """`DELETE`: needs the scope `delete_repo`, or the App's right to administrate."""
    repo = call.repo(write="administration", archived=True)
    right = "administration" if call.caller.kind == "installation" else "delete"
    if not call.core.access.may_write(call.caller, repo, right):
        raise Problem(403, "Must have admin rights to Repository.")
    call.core.delete_repo(call.caller, repo)
    return Answer(204)


def transfer(call: Call) -> Answer:
    """`POST .../transfer`: to `new_owner`, who is made here when there is none of that login."""
    repo = call.repo(write="administration", archived=True)
    login = call.text("new_owner", resource="Repository")
    try:
        moved = call.core.transfer_repo(call.caller, repo, login, call.json().get("new_name"))
    except (NameTaken, BadName) as error:
        raise bad_name(error) from error
    return Answer(202, full_repo(call, moved))


def topics(call: Call) -> Answer:
    """`GET .../topics`."""
    return Answer(body={"names": call.repo().extras().get("topics", REPO_DEFAULTS["topics"])})


def set_topics(call: Call) -> Answer:
    """`PUT .../topics`: all of them, in lower case."""
    repo = call.repo(write="administration")
    names = call.json().get("names")
    if (
        not isinstance(names, list)
        or not all(isinstance(one, str) for one in names)
        or len(names) > _MAX_TOPICS
    ):
        raise invalid(
            "Repository", "names", f"names must be a list of at most {_MAX_TOPICS} topics", "invalid"
        )
    changed = call.core.edit_repo(call.caller, repo, {"topics": [one.lower() for one in names]})
    return Answer(body={"names": changed.extras()["topics"]})


def generate(call: Call) -> Answer:
    """`POST .../generate`: a new repository whose one commit holds the template's files."""
    template = call.repo()
    if not template.extras().get("is_template"):
        raise not_found()
    asked = call.json()
    login = asked.get("owner") or template.owner
    owner = call.core.registry.owner(str(login))
    if owner is None or not owner.served:
        raise invalid("Repository", "owner", f"there is no organisation {login} here", "invalid")
    call.core.access.require_org_admin(call.caller, owner, "administration")
    wanted = NewRepo(
        name=call.text("name", resource="Repository"),
        visibility="private" if asked.get("private") else "public",
        description=asked.get("description"),
        default_branch=template.default_branch,
        pushed_at=call.core.now(),
    )
    try:
        made = call.core.generate_repo(call.caller, template, owner, wanted)
    except (NameTaken, BadName) as error:
        raise bad_name(error) from error
    return Answer(201, full_repo(call, made))


_REPO = "/repos/{owner}/{repo}"
ROUTES = [
    Route("GET", _REPO, show),
    Route("PATCH", _REPO, change),
    Route("DELETE", _REPO, delete),
    Route("POST", f"{_REPO}/transfer", transfer),
    Route("GET", f"{_REPO}/topics", topics),
    Route("PUT", f"{_REPO}/topics", set_topics),
    Route("POST", f"{_REPO}/generate", generate),
]
