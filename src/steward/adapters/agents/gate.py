"""The one way from a box to a model: a server outside that adds the key, and lets through nothing else.

The program in the box speaks plain HTTP to a loopback of its own; what it says comes out of a unix socket here.
Only the calls that a model is used by go on, to the one address that is configured, and none that would have its
vendor reach out in turn. The key is put in here, so that
nobody in the box ever holds it; answers are passed on as they come.
"""

from __future__ import annotations

import http.server
import socketserver
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import httpx

from steward.adapters.agents.metering import Meter
from steward.adapters.agents.reaching import reaching
from steward.ports.box import TUNNEL_PORT, Tunnel
from steward.ports.errors import Permanent

INSIDE: Final = f"http://127.0.0.1:{TUNNEL_PORT}"
PLACEHOLDER: Final = "kept-outside"
BODY_MAX: Final = 64_000_000
NOTES_MAX: Final = 200
LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})
NOT_PASSED: Final = frozenset(
    [
        "host",
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "expect",
        "content-length",
        "accept-encoding",
        "x-api-key",
        "authorization",
        "x-goog-api-key",
        "api-key",
        "cookie",
        "set-cookie",
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
    ]
)
ANTHROPIC, OPENAI, GOOGLE = "anthropic", "openai", "google"
CALLS: Final[dict[str, tuple[str, ...]]] = {
    ANTHROPIC: ("/v1/messages", "/v1/messages/count_tokens", "/v1/models"),
    OPENAI: ("/responses", "/chat/completions", "/models"),
    GOOGLE: ("/v1beta/models", "/v1/models"),
}


@dataclass(frozen=True)
class ModelAccess:
    """How a model is reached. `kind`: whose protocol it speaks, "anthropic", "openai" or "google".

    `base_url` is what that vendor's clients are given: for openai it ends in /v1. `key` is asked for with each
    call and may answer None where the server wants none.
    """

    kind: str
    base_url: str
    key: Callable[[], str | None]

    def header(self) -> dict[str, str]:
        """The header that bears the key."""
        key = self.key()
        if not key:
            return {}
        if self.kind == ANTHROPIC:
            return {"x-api-key": key}
        return {"x-goog-api-key": key} if self.kind == GOOGLE else {"authorization": f"Bearer {key}"}


class ModelGate:
    """A gate for one run. `usd`: once that much was spent, it lets nothing through any more."""

    def __init__(self, access: ModelAccess, folder: Path, usd: float | None = None) -> None:
        if access.kind not in CALLS:
            raise Permanent(f"no model speaks {access.kind!r}", f"Use one of: {', '.join(CALLS)}.")
        self._socket = folder / "model.sock"
        self.access = access
        self.meter = Meter()
        self._usd = usd
        self._notes: deque[str] = deque(maxlen=NOTES_MAX)
        self.trouble = ""
        """What the model answered last, where that was an error."""
        url = httpx.URL(access.base_url.rstrip("/"))
        self.upstream = httpx.Client(
            timeout=httpx.Timeout(30.0, read=600.0),
            trust_env=url.host not in LOOPBACK,
            follow_redirects=False,
        )
        self._server = _Server(str(self._socket), self)

    def __enter__(self) -> Self:
        threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="model-gate", daemon=True
        ).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self.upstream.close()

    @property
    def tunnel(self) -> Tunnel:
        """The way in."""
        return Tunnel(self._socket)

    @property
    def environment(self) -> dict[str, str]:
        """What programs are told inside: where the model is, and a key that is none."""
        return {
            "ANTHROPIC_BASE_URL": INSIDE,
            "ANTHROPIC_API_KEY": PLACEHOLDER,
            "OPENAI_BASE_URL": INSIDE,
            "OPENAI_API_KEY": PLACEHOLDER,
            "GOOGLE_GEMINI_BASE_URL": INSIDE,
            "GEMINI_API_KEY": PLACEHOLDER,
        }

    @property
    def usage(self) -> dict[str, int]:
        """Numbers of tokens that went through so far."""
        return self.meter.usage()

    @property
    def spent_usd(self) -> float | None:
        """What they cost; None where a model is not on the price list."""
        return self.meter.spent_usd()

    def notes(self) -> Iterator[str]:
        """What was refused since this was asked last."""
        while self._notes:
            yield self._notes.popleft()

    def note(self, text: str) -> None:
        """Keep what was refused."""
        self._notes.append(text)

    def refusal(self, method: str, target: str, body: bytes) -> str | None:
        """Why a call may not go on; None where it may."""
        path = target.partition("?")[0]
        known = any(path == call or path.startswith(f"{call}/") for call in CALLS[self.access.kind])
        if method not in {"GET", "POST"} or not known or ".." in path or "%" in path or "//" in path:
            return f"refused: {method} {target[:200]}"
        if self._usd is not None and (self.spent_usd or 0.0) >= self._usd:
            return f"refused: the budget of {self._usd:.2f} dollars is spent"
        what = reaching(body)
        return f"refused: {what}" if what is not None else None


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: str, gate: ModelGate) -> None:
        self.gate = gate
        super().__init__(path, _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """A program that is killed in the middle of a call is nothing to tell of."""


class _Handler(http.server.BaseHTTPRequestHandler):
    """One connection out of the box."""

    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 900

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        """Say nothing: what matters is noted."""

    def address_string(self) -> str:
        """A unix socket has no address."""
        return "box"

    def handle_one_call(self) -> None:
        """Let a call through, or refuse it."""
        gate = self.server.gate
        body = self._body()
        reason = "refused: too long a call" if body is None else gate.refusal(self.command, self.path, body)
        if body is None or reason is not None:
            self._refuse(HTTPStatus.FORBIDDEN, reason or "")
            return
        headers = {name: value for name, value in self.headers.items() if name.lower() not in NOT_PASSED}
        headers |= {"accept-encoding": "identity", **gate.access.header()}
        url = gate.access.base_url.rstrip("/") + self.path
        try:
            with gate.upstream.stream(self.command, url, headers=headers, content=body) as answer:
                gate.trouble = f"it answers {answer.status_code}" if answer.is_error else ""
                self._pass(answer, body)
        except httpx.HTTPError as error:
            gate.trouble = f"it cannot be reached: {type(error).__name__}"
            self._refuse(HTTPStatus.BAD_GATEWAY, f"the model: {gate.trouble}")

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_OPTIONS = do_CONNECT = handle_one_call  # noqa: N815 - names of the base class

    def _body(self) -> bytes | None:
        """What was sent; None where it is too long."""
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return self._chunks()
        length = self.headers.get("content-length") or "0"
        if not length.isdecimal() or int(length) > BODY_MAX:
            self.close_connection = True
            return None
        return self.rfile.read(int(length))

    def _chunks(self) -> bytes | None:
        whole = b""
        while True:
            try:
                size = int(self.rfile.readline(64).partition(b";")[0], 16)
            except ValueError:
                size = BODY_MAX + 1
            if size + len(whole) > BODY_MAX:
                self.close_connection = True
                return None
            whole += self.rfile.read(size)
            self.rfile.readline(64)
            if size == 0:
                return whole

    def _pass(self, answer: httpx.Response, asked: bytes) -> None:
        """Hand the answer on, piece by piece as it comes."""
        self.send_response_only(answer.status_code)
        for name, value in answer.headers.multi_items():
            if name.lower() not in NOT_PASSED:
                self.send_header(name, value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        with self.server.gate.meter.answer(asked) as counted:
            for piece in answer.iter_raw():
                counted(piece)
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        self.server.gate.note(reason)
        text = (
            f'{{"type":"error","error":{{"type":"permission_error","message":"{status.phrase}"}}}}'.encode()
        )
        self.send_response_only(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)
