"""What the examples about a localhub share: a receiver of webhooks, a recorded organisation, app tokens."""

import gzip
import json
import os
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import httpx


@dataclass(frozen=True)
class Received:
    """One delivery that arrived."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> str:
        return self.headers["x-github-event"]

    @property
    def guid(self) -> str:
        return self.headers["x-github-delivery"]

    @property
    def payload(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


@dataclass
class Receiver:
    """An HTTP server that keeps what is posted to it and answers `status`."""

    status: int = 202
    got: list[Received] = field(default_factory=list)

    def __enter__(self) -> Self:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                headers = {name.lower(): value for name, value in self.headers.items()}
                receiver.got.append(Received(headers, body))
                self.send_response(receiver.status)
                self.send_header("content-length", "4")
                self.end_headers()
                self.wfile.write(b"seen")

            def log_message(self, *_: object) -> None:
                """Nothing is written to the terminal."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def events(self) -> list[str]:
        """`event` or `event.action` of all that arrived, in order."""
        told = [(one.event, one.payload.get("action")) for one in self.got]
        return [event if action is None else f"{event}.{action}" for event, action in told]

    def last(self, event: str) -> Received:
        return [one for one in self.got if one.event == event][-1]


def names(answer: httpx.Response) -> list[str]:
    """The names in a list of repositories."""
    return [one["name"] for one in answer.json()]


def back(*, days: float = 0, seconds: float = 0) -> str:
    """A moment in the past, as GitHub writes it."""
    moment = datetime.now(UTC) - timedelta(days=days, seconds=seconds)  # against a real server
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def recorded_organisation(directory: Path) -> tuple[Path, str, int]:
    """A recorded organisation, its login, and how many repositories it has.

    That in STEWARD_TEST_RECORDED_ORG where this is set; else a small one that is written here, in the same form
    and with fields that localhub does not know.
    """
    named = os.environ.get("STEWARD_TEST_RECORDED_ORG")
    if named:
        path = Path(named)
    else:
        path = directory / "recorded.jsonl.gz"
        with gzip.open(path, "wt") as lines:
            for page in (range(100), range(100, 200), range(200, 207)):
                body = [_recorded_repo(number) for number in page]
                lines.write(json.dumps({"url": "/x", "status": 200, "headers": {}, "body": body}) + "\n")
    repos = recorded_repos(path)
    return path, repos[0]["owner"]["login"], len(repos)


def recorded_repos(path: Path) -> list[dict[str, Any]]:
    """The repositories of a recorded organisation, in order."""
    with gzip.open(path, "rt") as lines:
        return [one for line in lines for one in json.loads(line)["body"]]


def _recorded_repo(number: int) -> dict[str, Any]:
    at = (datetime(2011, 3, 1, tzinfo=UTC) + timedelta(days=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
    owner = {"login": "Olden", "id": 4_711, "type": "Organization", "url": "https://api.example/users/olden"}
    return {
        "id": 9_000 + number * 3,
        "node_id": f"old-{number}",
        "name": f"Part-{number}",
        "full_name": f"Olden/Part-{number}",
        "private": False,
        "owner": owner,
        "url": f"https://api.example/repos/olden/part-{number}",
        "description": None,
        "fork": number % 5 == 0,
        "created_at": at,
        "updated_at": at,
        "pushed_at": None if number == 3 else at,
        "archived": number == 7,
        "default_branch": "trunk" if number == 1 else "main",
        "stargazers_count": number,
        "license": {"key": "mit", "spdx_id": "MIT"},
        "a_field_of_tomorrow": {"kept": [number]},
    }
