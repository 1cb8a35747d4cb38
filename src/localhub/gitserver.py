"""git over HTTP for the repositories of one localhub: who may read or write which, and what a push causes.

The rules are those of the REST interface (access.py), told in git's way: a stranger is asked for a name and
password (the token) before being told that there is nothing, an archived repository refuses pushes, and a
former name leads to the present one. The protocol itself is githttp.py's.
"""

import functools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route as WebRoute

from localhub import githttp, pushes
from localhub.githttp import GitCall
from localhub.gitstore import GitRepo, RefMove
from localhub.registry import Repo
from localhub.tokens import Caller
from localhub.wire import Call, Problem

if TYPE_CHECKING:
    from localhub.core import Core

_CHALLENGE = {"WWW-Authenticate": 'Basic realm="GitHub"'}


def routes(core: "Core") -> list[WebRoute]:
    """The addresses that git uses: `/{owner}/{repo}[.git]/` and what follows in its protocol."""
    return [
        WebRoute(f"/{{owner}}/{{repo}}/{path}", _endpoint(core, path), methods=[method])
        for method, path in (("GET", "info/refs"), ("POST", githttp.FETCH), ("POST", githttp.PUSH))
    ]


def _endpoint(core: "Core", path: str) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        asked = githttp.call_of(request.method, path, request.query_params)
        if asked is None:
            return PlainTextResponse("Please upgrade your git client.\n", 403)  # the old "dumb" protocol
        admitted = await run_in_threadpool(_admit, core, request, asked)
        if isinstance(admitted, Response):
            return admitted
        caller, repo, git = admitted
        pushed = functools.partial(_pushed, core, caller, repo)
        lock = core.lock(repo.id)
        return await githttp.answer(request, git, asked, user=caller.login, lock=lock, pushed=pushed)

    return serve


def _admit(core: "Core", request: Request, asked: GitCall) -> tuple[Caller, Repo, GitRepo] | Response:
    """The caller and the repository, or the answer that refuses them."""
    site = str(request.base_url).rstrip("/")
    anonymous = "authorization" not in request.headers
    try:
        caller = core.tokens.caller(request.headers.get("authorization"))
        call = Call(
            core=core,
            caller=caller,
            method=request.method,
            path=request.url.path,
            base=site,
            site=site,
            params=request.path_params,
            query=dict(request.query_params),
            headers=request.headers,
            body=b"",
        )
        repo = call.repo(write="contents" if asked.writes else None)
        return caller, repo, core.git(repo)
    except Problem as problem:
        return _refusal(core, request, asked, problem, anonymous=anonymous)


def _refusal(
    core: "Core", request: Request, asked: GitCall, problem: Problem, *, anonymous: bool
) -> Response:
    if problem.status in {301, 307}:
        owner, name = request.path_params["owner"], request.path_params["repo"]
        repo, _ = core.registry.repo_by_name(owner, name)
        if repo is not None:
            query = f"?{request.url.query}" if request.url.query else ""
            place = f"{str(request.base_url).rstrip('/')}/{repo.full_name}.git/{asked.path}{query}"
            return RedirectResponse(place, problem.status)
    if problem.status == 401 or (anonymous and problem.status in {403, 404}):
        return PlainTextResponse("Authentication is required.\n", 401, _CHALLENGE)
    words = "Repository not found." if problem.status == 404 else str(problem)
    return PlainTextResponse(f"{words}\n", problem.status)


def _pushed(core: "Core", caller: Caller, repo: Repo, moved: list[RefMove]) -> None:
    """Note the push on the repository as it is now: it may have been renamed or deleted meanwhile."""
    now = core.registry.repo_by_id(repo.id)
    if now is not None:
        pushes.follow(core, caller, now, moved)
