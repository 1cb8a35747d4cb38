"""The admin interface, `/_localhub/...`: what GitHub has no API for, and what only a stand-in can have.

Any personal token of this localhub that may administrate an organisation may use it. Faults answer 404 unless
localhub was started with them.
"""

from dataclasses import asdict

from localhub import declared, faults, render
from localhub.faultset import FaultSet, Off
from localhub.registry import BadName, NameTaken
from localhub.rest.shapes import full_repo
from localhub.tokens import DEFAULT_SCOPES
from localhub.wire import Answer, Call, Handler, Problem, Route, not_found


def _guarded(handler: Handler) -> Handler:
    def guarded(call: Call) -> Answer:
        if call.caller.kind == "anonymous":
            raise Problem(401, "Requires authentication")
        if call.caller.kind != "user" or "admin:org" not in call.caller.scopes:
            raise Problem(403, "This needs a personal token with the scope admin:org")
        return handler(call)

    return guarded


def index(call: Call) -> Answer:
    """`GET /_localhub`: the organisations, how checks are run, and what is served: a line per method and path."""
    from localhub.rest import TABLE

    logins = [owner.login for owner in call.core.registry.organisations()]
    actions = call.core.actions
    running = {"workers": actions.workers, "queued": actions.queued(), "boxed": actions.box.bwrap is not None}
    routes = [f"{one.method} {one.path}" for one in TABLE]
    checks = {"declared_in": declared.PATH, **running}
    return Answer(body={"organisations": logins, "checks": checks, "routes": routes})


def list_faults(call: Call) -> Answer:
    """`GET /_localhub/faults`: those that are on, and all kinds that there are."""
    on = _faults_or_404(call)
    return Answer(body={"faults": [one.shape() for one in on.all()], "kinds": faults.kinds()})


def set_fault(call: Call) -> Answer:
    """`POST /_localhub/faults`: `{"kind": ..., parameters}`; 422 says what is wrong with it."""
    on = _faults_or_404(call)
    try:
        return Answer(201, on.add(call.json()).shape())
    except ValueError as error:
        raise Problem(422, f"This is not a fault that localhub knows: {error}") from error


def clear_faults(call: Call) -> Answer:
    """`DELETE /_localhub/faults` and `.../{fault_id}`."""
    on = _faults_or_404(call)
    if "fault_id" not in call.params:
        return Answer(body={"cleared": on.clear()})
    if not on.clear(call.number("fault_id")):
        raise not_found()
    return Answer(body={"cleared": 1})


def _faults_or_404(call: Call) -> FaultSet:
    if not call.core.faults.enabled:
        raise Problem(404, str(Off()))
    return call.core.faults


def add_token(call: Call) -> Answer:
    """`POST /_localhub/token`: add `token` for `login` with `scopes`, and end the token named by `revoke`."""
    asked = call.json()
    scopes = asked.get("scopes", list(DEFAULT_SCOPES))
    if not isinstance(scopes, list) or not all(isinstance(one, str) for one in scopes):
        raise Problem(422, "scopes must be a list of texts")
    login = str(asked.get("login") or call.caller.login)
    revoked = bool(asked.get("revoke")) and call.core.tokens.revoke(str(asked["revoke"]))
    if asked.get("token"):
        call.core.tokens.add(str(asked["token"]), login=login, scopes=scopes)
    return Answer(201, {"login": login, "scopes": scopes, "revoked": revoked})


def rename_org(call: Call) -> Answer:
    """`POST /_localhub/orgs/{org}/rename`: `{"login": ...}`."""
    owner = call.org()
    try:
        renamed = call.core.rename_org(call.caller, owner, call.text("login", resource="Organization"))
    except (NameTaken, BadName) as error:
        raise Problem(422, str(error)) from error
    return Answer(body=render.short_org(renamed, call.base, call.site))


def deleted_repos(call: Call) -> Answer:
    """`GET /_localhub/repos/deleted`: what can be restored, latest first."""
    found = call.core.registry.deleted()
    return Answer(
        body=[{"id": one.id, "full_name": one.full_name, "deleted_at": one.deleted_at} for one in found]
    )


def restore_repo(call: Call) -> Answer:
    """`POST /_localhub/repos/{repository_id}/restore`: 422 when its name was used again, or it is too late."""
    repo = call.core.registry.repo_by_id(call.number("repository_id"), deleted=True)
    if repo is None or repo.deleted_at is None:
        raise Problem(404, "There is no deleted repository with this id")
    try:
        return Answer(body=full_repo(call, call.core.restore_repo(call.caller, repo)))
    except (NameTaken, BadName) as error:
        raise Problem(422, f"{repo.full_name} cannot be restored: {error}") from error


def log(call: Call) -> Answer:
    """`GET /_localhub/log`: the latest requests, oldest first; `limit` of them (1,000)."""
    text = call.query.get("limit", "")
    lines = list(call.core.log)[-(int(text) if text.isascii() and text.isdigit() else 1_000) :]
    return Answer(body=[asdict(one) for one in lines])


ROUTES = [
    Route(method, f"/_localhub{path}", _guarded(handler))
    for method, path, handler in (
        ("GET", "", index),
        ("GET", "/faults", list_faults),
        ("POST", "/faults", set_fault),
        ("DELETE", "/faults", clear_faults),
        ("DELETE", "/faults/{fault_id}", clear_faults),
        ("POST", "/token", add_token),
        ("POST", "/orgs/{org}/rename", rename_org),
        ("GET", "/repos/deleted", deleted_repos),
        ("POST", "/repos/{repository_id}/restore", restore_repo),
        ("GET", "/log", log),
    )
]
