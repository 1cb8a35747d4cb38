"""git over HTTP for the repositories of one localhub: who may read or write which, and what a push causes.

The rules are those of the REST interface (access.py), told in git's way: a stranger is asked for a name and
password (the token) before being told that there is nothing, an archived repository refuses pushes, and a
former name leads to the present one. The protocol itself is githttp.py's.

Beside it the `download_url` of a file is served, under the same rules.
"""

import functools
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route as WebRoute

from localhub import githistory, githttp, prereceive, pushes
from localhub.gitstore import GitRepo
from localhub.registry import Repo
from localhub.tokens import ANONYMOUS, Caller
from localhub.wire import Call, Problem, not_found

if TYPE_CHECKING:
    from localhub.core import Core

_CHALLENGE = {"WWW-Authenticate": 'Basic realm="GitHub"'}


@dataclass(frozen=True)
class _Admitted:
    """A caller who may do what was asked, and what it is to be done with."""

    caller: Caller
    repo: Repo
    git: GitRepo
    lock: threading.RLock


def routes(core: "Core") -> list[WebRoute]:
    """The addresses that git uses, `/{owner}/{repo}[.git]/` and what follows in its protocol; and `raw` files."""
    calls = (("GET", "info/refs"), ("POST", githttp.FETCH), ("POST", githttp.PUSH))
    served = [
        WebRoute(f"/{{owner}}/{{repo}}/{path}", _endpoint(core, path), methods=[method])
        for method, path in calls
    ]
    raw = functools.partial(_raw, core)
    return [*served, WebRoute("/{owner}/{repo}/raw/{rest:path}", raw, methods=["GET"])]


def _endpoint(core: "Core", path: str) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        asked = githttp.call_of(request.method, path, request.query_params)
        if asked is None:
            return PlainTextResponse("Please upgrade your git client.\n", 403)  # the old "dumb" protocol
        query = f"?{request.url.query}" if request.url.query else ""
        admitted = await run_in_threadpool(
            _admit, core, request, f".git/{path}{query}", "contents" if asked.writes else None
        )
        if isinstance(admitted, Response):
            return admitted
        return await githttp.answer(
            request,
            admitted.git,
            asked,
            user=admitted.caller.login,
            lock=admitted.lock,
            ruled=functools.partial(prereceive.environment, core, admitted.caller, admitted.repo),
            pushed=functools.partial(pushes.follow, core, admitted.caller, admitted.repo),
        )

    return serve


def _raw(core: "Core", request: Request) -> Response:
    """`GET /{owner}/{repo}/raw/{ref}/{path}`: the bytes of a file; a ref may hold slashes."""
    rest = request.path_params["rest"]
    admitted = _admit(core, request, f"/raw/{rest}", None)
    if isinstance(admitted, Response):
        return admitted
    parts = rest.split("/")
    for cut in range(1, len(parts)):
        commit = admitted.git.resolve("/".join(parts[:cut]))
        found = None if commit is None else githistory.entry(admitted.git, commit, "/".join(parts[cut:]))
        if found is not None and found.kind == "blob":
            return Response(githistory.blob(admitted.git, found.sha), media_type="application/octet-stream")
    return PlainTextResponse(f"{not_found()}\n", 404)


def _admit(core: "Core", request: Request, tail: str, write: str | None) -> _Admitted | Response:
    """The caller and the repository, or the answer that refuses them.

    `tail` is what follows the repository's name in the address, for leading on from a former name.
    """
    site = str(request.base_url).rstrip("/")
    try:
        call = Call(
            core=core,
            caller=ANONYMOUS,
            method=request.method,
            path=request.url.path,
            base=site,
            site=site,
            params=request.path_params,
            query=dict(request.query_params),
            headers=request.headers,
            body=b"",
        )
        call.caller = core.tokens.caller(request.headers.get("authorization"))
        repo = call.repo(write=write)
        return _Admitted(call.caller, repo, core.git(repo), core.lock(repo.id))
    except Problem as problem:
        return _refusal(core, request, tail, problem)


def _refusal(core: "Core", request: Request, tail: str, problem: Problem) -> Response:
    if problem.status in {301, 307}:
        repo, _ = core.registry.repo_by_name(request.path_params["owner"], request.path_params["repo"])
        if repo is not None:
            site = str(request.base_url).rstrip("/")
            return RedirectResponse(f"{site}/{repo.full_name}{tail}", problem.status)
    anonymous = "authorization" not in request.headers
    if problem.status == 401 or (anonymous and problem.status in {403, 404}):
        return PlainTextResponse("Authentication is required.\n", 401, _CHALLENGE)
    words = "Repository not found." if problem.status == 404 else str(problem)
    return PlainTextResponse(f"{words}\n", problem.status)
