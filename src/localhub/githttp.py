"""git's smart HTTP protocol for one bare repository, through the program `git http-backend` (a CGI program).

A request's body is spooled to a file on disk and an answer to a fetch is streamed, so that a pack of any size
passes without being held in memory. A push runs under the repository's lock and its refs are compared before
and after, so that whoever listens learns exactly what moved.

It does not decide who may read or write, nor which repository a name means: gitserver.py does. The old
"dumb" protocol is refused, as GitHub refuses it.

Sources: git-http-backend(1), gitprotocol-http(5).
"""

import gzip
import io
import os
import re
import subprocess
import tempfile
import threading
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from localhub.gitstore import ZERO_SHA, GitRepo, RefMove, git_environment, moves

FETCH = "git-upload-pack"
PUSH = "git-receive-pack"
_CHUNK_BYTES = 65_536
_COMMAND = re.compile(r"([0-9a-fA-F]{40}) ([0-9a-fA-F]{40}) (\S+)")


@dataclass(frozen=True)
class GitCall:
    """One smart HTTP request: what it asks of which part of the protocol."""

    method: str
    path: str
    service: str

    @property
    def writes(self) -> bool:
        """Whether this call belongs to a push."""
        return self.service == PUSH


def call_of(method: str, path: str, query: Mapping[str, str]) -> GitCall | None:
    """The call that a request makes; None when it is none of the three that the protocol has.

    `path` is what follows the repository's name: `info/refs`, `git-upload-pack` or `git-receive-pack`.
    """
    if method == "GET" and path == "info/refs" and query.get("service") in {FETCH, PUSH}:
        return GitCall(method, path, query["service"])
    if method == "POST" and path in {FETCH, PUSH}:
        return GitCall(method, path, path)
    return None


async def answer(
    request: Request,
    repo: GitRepo,
    call: GitCall,
    *,
    user: str,
    lock: threading.RLock,
    ruled: Callable[[Path, list[RefMove]], Mapping[str, str]],
    pushed: Callable[[list[RefMove]], object],
) -> Response:
    """Hand the request to git and its answer back.

    `user` is who pushes, empty for a stranger. For a push, `ruled` is given an empty directory and the changes that
    are asked for, and answers what git's environment needs for refusing what is forbidden of them; `pushed` is called
    with the refs that moved, in order of their names. Both are called while `lock` is held, `pushed` before the
    client learns that the push is over.
    """
    environment = _cgi_environment(request, repo.path, call, user)
    with tempfile.TemporaryFile() as body:
        async for chunk in request.stream():
            body.write(chunk)
        body.seek(0)
        if call.writes and call.method == "POST":
            return await run_in_threadpool(_push, repo, environment, body, lock, ruled, pushed)
        process = await run_in_threadpool(_start, environment, body)
    return await _Streamed.begin(process)


class _Streamed(Response):
    """A CGI program's answer, passed on as it comes; the program is ended with the answer."""

    def __init__(self, process: "subprocess.Popen[bytes]", output: IO[bytes], head: "_Head") -> None:
        super().__init__(status_code=head.status, headers=head.headers)
        del self.headers["content-length"]  # set for the empty body that this was built with
        self._process = process
        self._output = output

    @classmethod
    async def begin(cls, process: "subprocess.Popen[bytes]") -> Response:
        """Read the head of the answer, which decides the status."""
        output = process.stdout
        if output is None:
            raise RuntimeError("git http-backend was started without a pipe for its output")
        head = await run_in_threadpool(_read_head, output)
        return cls(process, output, head)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 # ASGI's shape
        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._end_with_client, receive)
                await self._pass_on(send)
                tasks.cancel_scope.cancel()
        finally:
            self._output.close()
            self._process.terminate()
            self._process.wait()

    async def _pass_on(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        while chunk := await run_in_threadpool(self._output.read, _CHUNK_BYTES):
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _end_with_client(self, receive: Receive) -> None:
        """End the program when the client goes away; what is sent to nobody raises no error."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self._process.terminate()


@dataclass(frozen=True)
class _Head:
    status: int
    headers: dict[str, str]


def _cgi_environment(request: Request, path: Path, call: GitCall, user: str) -> dict[str, str]:
    """The CGI variables that git http-backend reads (RFC 3875, git-http-backend(1))."""
    variables = {
        "GIT_PROJECT_ROOT": str(path.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{path.name}/{call.path}",
        "REQUEST_METHOD": call.method,
        "QUERY_STRING": request.url.query,
        "CONTENT_TYPE": request.headers.get("content-type", ""),
        "REMOTE_USER": user,
        "REMOTE_ADDR": request.client.host if request.client else "",
        "GIT_PROTOCOL": request.headers.get("git-protocol", ""),
        "HTTP_CONTENT_ENCODING": request.headers.get("content-encoding", ""),
    }
    # A body sent in chunks has no length; git then reads to the end of the file.
    length = request.headers.get("content-length")
    if length is not None:
        variables["CONTENT_LENGTH"] = length
    return git_environment({name: value for name, value in variables.items() if value})


def _start(environment: Mapping[str, str], body: IO[bytes]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        ["git", "http-backend"],
        env=environment,
        bufsize=0,  # each read gives what git has written so far
        stdin=body,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # git tells a fetching client of its errors in the stream itself
    )


def _push(
    repo: GitRepo,
    environment: Mapping[str, str],
    body: IO[bytes],
    lock: threading.RLock,
    ruled: Callable[[Path, list[RefMove]], Mapping[str, str]],
    pushed: Callable[[list[RefMove]], object],
) -> Response:
    asked = commands(body, zipped=environment.get("HTTP_CONTENT_ENCODING") in {"gzip", "x-gzip"})
    with lock, tempfile.TemporaryDirectory() as place:
        before = repo.refs("refs/heads", "refs/tags")
        # Where a command names an old value that is not true, git refuses it whatever the rules say.
        meant = [RefMove(one.ref, before.get(one.ref, ZERO_SHA), one.after) for one in asked]
        whole = {**environment, **ruled(Path(place), meant)}
        done = subprocess.run(
            ["git", "http-backend"], env=whole, stdin=body, capture_output=True, check=False
        )
        moved = moves(before, repo.refs("refs/heads", "refs/tags"))
        if moved:
            pushed(moved)
    if not done.stdout:
        said = done.stderr.decode("utf-8", "replace")
        return PlainTextResponse(f"git http-backend failed: {said}", status_code=500)
    output = io.BytesIO(done.stdout)
    head = _read_head(output)
    return Response(output.read(), head.status, head.headers)


def commands(body: IO[bytes], *, zipped: bool) -> list[RefMove]:
    """The changes of refs that a push asks for (gitprotocol-pack(5)); `body` is left at its begin.

    What is not written as the protocol says is left for git to refuse.
    """
    found: list[RefMove] = []
    source: IO[bytes] = gzip.GzipFile(fileobj=body) if zipped else body  # type: ignore[assignment] # it reads the same
    try:
        while (length := int(source.read(4) or b"0", 16)) > 4:
            line = source.read(length - 4).split(b"\0", 1)[0].decode("utf-8", "replace").rstrip("\n")
            if match := _COMMAND.fullmatch(line):
                found.append(RefMove(match[3], match[1].lower(), match[2].lower()))
    except (ValueError, OSError, EOFError, zlib.error):
        pass
    finally:
        body.seek(0)
        os.lseek(body.fileno(), 0, os.SEEK_SET)  # the program reads the file itself, past this buffer
    return found


def _read_head(output: IO[bytes]) -> _Head:
    """The header lines of a CGI answer, up to the empty line; 500 when there are none."""
    status, headers = 200, dict[str, str]()
    if not (line := output.readline().strip()):
        return _Head(500, {"content-type": "text/plain"})
    while line:
        name, _, value = line.decode("latin-1").partition(":")
        if name.lower() == "status":
            status = int(value.split()[0])
        else:
            headers[name.strip().lower()] = value.strip()
        line = output.readline().strip()
    return _Head(status, headers)
