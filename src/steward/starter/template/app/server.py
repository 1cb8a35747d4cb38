"""The HTTP side: which address answers what, and the headers that every answer bears."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import AF_INET, AF_INET6
from typing import Any
from urllib.parse import urlsplit

from app.page import Content, missing_page, page

ROOT = Path(__file__).resolve().parent.parent
STATIC = Path(__file__).resolve().parent / "static"
TYPES = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


@dataclass(frozen=True)
class Answer:
    """What an address answers. `cache_s`: for how many seconds it may be kept."""

    body: bytes
    kind: str = "text/html; charset=utf-8"
    status: HTTPStatus = HTTPStatus.OK
    cache_s: int = 0


def commit() -> str:
    """The commit that runs: from the file RELEASE, else from the environment, else "unknown"."""
    try:
        found = (ROOT / "RELEASE").read_text(encoding="utf-8").strip()
    except OSError:
        found = ""
    return found or os.environ.get("STEWARD_COMMIT", "").strip() or "unknown"


def answers(content: Content, running: str, started_at: datetime) -> dict[str, Answer]:
    """Everything that can be asked for, by its path: what is not in here does not exist."""
    version = json.dumps({"commit": running, "started_at": started_at.isoformat(timespec="seconds")})
    found = {
        "/": Answer(page(content, running).encode()),
        "/up": Answer(b"ok", "text/plain; charset=utf-8"),
        "/version": Answer(version.encode(), "application/json"),
    }
    for file in sorted(STATIC.iterdir()):
        if file.suffix in TYPES:
            found[f"/static/{file.name}"] = Answer(file.read_bytes(), TYPES[file.suffix], cache_s=300)
    return found


class Handler(BaseHTTPRequestHandler):
    """Answers one request from the table of its server."""

    server: Server
    timeout = 5
    """Seconds that a connection may say nothing."""

    def do_GET(self) -> None:
        """Answer with headers and body."""
        self._answer(self._find())

    def do_HEAD(self) -> None:
        """Answer with the headers alone."""
        self._answer(self._find(), body=False)

    def _find(self) -> Answer:
        try:
            path = urlsplit(self.path).path if self.path.startswith("/") else ""
        except ValueError:
            path = ""
        return self.server.table.get(path, self.server.missing)

    def _answer(self, answer: Answer, body: bool = True) -> None:
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        kept = f"public, max-age={answer.cache_s}" if answer.cache_s else "no-store"
        self.send_header("Cache-Control", kept)
        self.end_headers()
        if body:
            self.wfile.write(answer.body)

    def end_headers(self) -> None:
        """Every answer bears the same protection, errors too."""
        for name, value in HEADERS.items():
            self.send_header(name, value)
        super().end_headers()

    def _refuse(self) -> None:
        self.send_response(HTTPStatus.METHOD_NOT_ALLOWED)
        self.send_header("Allow", "GET, HEAD")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _refuse

    def version_string(self) -> str:
        """What the Server header says."""
        return "app"

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of requests, bad ones too: a proxy in front keeps the log of them."""


class Server(ThreadingHTTPServer):
    """A server with its table of answers. Closing it waits for the requests under way."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, address: tuple[str, int], content: Content) -> None:
        self.address_family = AF_INET6 if ":" in address[0] else AF_INET
        self.table = answers(content, commit(), datetime.now(UTC))
        self.missing = Answer(missing_page(content).encode(), status=HTTPStatus.NOT_FOUND)
        super().__init__(address, Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell of a failure on the error stream; a visitor who left is none."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def make_server(host: str, port: int, content: Path = ROOT / "content.json") -> Server:
    """A server that listens, and serves as soon as it is told to; port 0 takes any free one.

    Raises OSError where it cannot listen, ValueError where content.json is not as it must be.
    """
    return Server((host, port), Content.read(content))
