"""A GitHub of one organisation behind httpx.MockTransport, that answers as it is told; and a recorded one."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from steward.adapters.github import Credential, GitHubRead, Token, connect
from steward.testing.clock import FakeClock

BASE = "https://api.github.com"
TOKEN = "ghp_thisIsTheSecretOfTheTests0123456789"
Rewrite = Callable[[httpx.Response], httpx.Response]
Intercept = Callable[[httpx.Request], httpx.Response | None]


def entry(number: int, owner_id: int = 7, login: str = "acme", **more: Any) -> dict[str, Any]:
    """A repository as today's API shows it in a listing."""
    name = f"repo-{number}"
    return {
        "id": number,
        "node_id": f"R_{number}",
        "name": name,
        "full_name": f"{login}/{name}",
        "owner": {"login": login, "id": owner_id, "type": "Organization"},
        "private": True,
        "visibility": "private",
        "html_url": f"https://github.com/{login}/{name}",
        "description": f"number {number}",
        "fork": False,
        "archived": False,
        "disabled": False,
        "topics": ["a", "b"],
        "default_branch": "main",
        "created_at": "2026-01-01T00:00:00Z",
        "pushed_at": "2026-01-02T00:00:00Z",
        "permissions": {"admin": True},
        **more,
    }


def told(status: int, body: object, **headers: str) -> httpx.Response:
    """A JSON answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers={"content-type": "application/json", **named}, json=body)


def html(status: int = 200) -> httpx.Response:
    """A web page."""
    return httpx.Response(status, headers={"content-type": "text/html"}, content=b"<html>Hello</html>")


class Scripted:
    """Lists `repos` in pages; `rewrites` change a page's answer, `intercepts` answer first.

    It keeps GitHub's ways: ETags over token and body, 304 without Link, links by the organisation's id, no
    `last` on the last page. `extra` headers go with every answer.
    """

    def __init__(self, count: int = 0, login: str = "acme", owner_id: int = 7) -> None:
        self.login = login
        self.owner_id = owner_id
        self.repos = [entry(number, owner_id, login) for number in range(1, count + 1)]
        self.rewrites: dict[int, Rewrite] = {}
        self.intercepts: list[Intercept] = []
        self.extra: dict[str, str] = {}
        self.requests: list[httpx.Request] = []
        self.clock = FakeClock()
        self._lock = threading.Lock()

    def client(self, credential: Credential | None = None, **options: Any) -> GitHubRead:
        """A client of this server."""
        transport = httpx.MockTransport(self.answer)
        return connect(
            options.pop("url", BASE),
            credential=credential or Token(TOKEN),
            clock=self.clock,
            transport=transport,
            **options,
        )

    def pages_asked(self) -> list[int]:
        """The page numbers of the requests so far, sorted."""
        return sorted(int(request.url.params.get("page", "1")) for request in self.requests)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """One request; may come from several threads."""
        with self._lock:
            self.requests.append(request)
            for intercept in self.intercepts:
                response = intercept(request)
                if response is not None:
                    return response
            response = self._true_answer(request)
            response.headers.update(self.extra)
            return response

    def _true_answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v3").lower()
        roots = {f"/orgs/{self.login}", f"/organizations/{self.owner_id}"}
        if path in roots:
            return told(200, {"id": self.owner_id, "login": self.login, "public_repos": 3})
        if path.removesuffix("/repos") in roots:
            return self._page(request)
        if path.startswith("/repositories/"):
            for repo in self.repos:
                if str(repo["id"]) == path.rpartition("/")[2]:
                    return told(200, {**repo, "network_count": 0, "organization": repo["owner"]})
        return told(404, {"message": "Not Found", "documentation_url": "https://docs.github.com/rest"})

    def _page(self, request: httpx.Request) -> httpx.Response:
        number, size = int(request.url.params.get("page", "1")), int(request.url.params.get("per_page", "30"))
        body = json.dumps(self.repos[(number - 1) * size : number * size]).encode()
        headers = {"content-type": "application/json; charset=utf-8"}
        if link := self._link(request, number, max(1, -(-len(self.repos) // size))):
            headers["link"] = link
        response = httpx.Response(200, headers=headers, content=body)
        if rewrite := self.rewrites.get(number):
            response = rewrite(response)
        return self._conditional(request, response)

    def _conditional(self, request: httpx.Request, response: httpx.Response) -> httpx.Response:
        if response.status_code != 200:
            return response
        seen = request.headers["authorization"].encode() + response.content
        etag = f'W/"{hashlib.sha256(seen).hexdigest()[:32]}"'
        if request.headers.get("if-none-match") == etag:
            return httpx.Response(304, headers={"etag": etag})
        response.headers["etag"] = etag
        return response

    def _link(self, request: httpx.Request, number: int, last: int) -> str:
        root = f"{request.url.scheme}://{request.url.netloc.decode()}"
        address = f"{root}/organizations/{self.owner_id}/repos"
        kept = request.url.params.remove("page")
        wanted: dict[str, int] = {}
        if number > 1:
            wanted |= {"prev": number - 1, "first": 1}
        if number < last:
            wanted |= {"next": number + 1, "last": last}
        return ", ".join(f'<{address}?{kept.set("page", n)}>; rel="{rel}"' for rel, n in wanted.items())


def on_page(number: int, response: Callable[[], httpx.Response]) -> Intercept:
    """Answer that page of a listing so, in place of the true answer."""

    def intercept(request: httpx.Request) -> httpx.Response | None:
        is_listing = request.url.path.endswith("/repos")
        return response() if is_listing and request.url.params.get("page", "1") == str(number) else None

    return intercept


def with_entries(change: Callable[[list[Any]], object]) -> Rewrite:
    """Change the list that a page holds; its links stay."""

    def rewrite(response: httpx.Response) -> httpx.Response:
        kept = {name: response.headers[name] for name in ("content-type", "link") if name in response.headers}
        return httpx.Response(200, headers=kept, json=change(response.json()))

    return rewrite


def without_link(response: httpx.Response) -> httpx.Response:
    """Lose the Link header."""
    response.headers.pop("link", None)
    return response


def recorded_organisation() -> list[dict[str, Any]]:
    """Recorded answers, one per page: `headers` and `body`.

    Of the file that STEWARD_TEST_RECORDED_ORG names; where that is unset, generated in the same old shape.
    """
    path = os.environ.get("STEWARD_TEST_RECORDED_ORG")
    if path:
        with gzip.open(Path(path), "rt", encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]
    source = Scripted(2_204, "jenkinsci", 107_424)
    for repo in source.repos:
        del repo["visibility"], repo["topics"]
        repo["private"] = False
    pages = []
    for number in range(1, 24):
        url = f"{BASE}/organizations/107424/repos?per_page=100&page={number}"
        response = source.answer(httpx.Request("GET", url, headers={"authorization": "Bearer x"}))
        headers = {"ETag": response.headers["etag"], "Link": response.headers["link"]}
        pages.append({"headers": headers, "body": response.json()})
    return pages
