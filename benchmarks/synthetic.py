"""Organisations of any size, as GitHub would send them: pages of 100 full-grown JSON entries."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import httpx

PAGE = 100
BASE = "http://forge.example"
"""The address of a server that is only pretended."""
OWNER = {
    "login": "acme",
    "id": 7,
    "node_id": "O_7",
    "type": "Organization",
    "site_admin": False,
    **{
        f"{kind}_url": f"https://api.example/users/acme/{kind}"
        for kind in ("repos", "events", "orgs", "gists")
    },
}
LINKS = ("forks", "keys", "teams", "hooks", "branches", "tags", "blobs", "trees", "issues", "pulls", "labels")


def entry(number: int) -> dict[str, object]:
    """One repository, with about as many fields as GitHub's own answers have (4 to 5 kB each)."""
    name = f"service-{number:06d}"
    url = f"https://api.example/repos/acme/{name}"
    return {
        "id": 1_000_000 + number,
        "node_id": f"R_{number:012d}",
        "name": name,
        "full_name": f"acme/{name}",
        "private": number % 3 != 0,
        "visibility": "public" if number % 3 == 0 else "private",
        "owner": OWNER,
        "html_url": f"https://forge.example/acme/{name}",
        "description": f"Service number {number}, which does what its name says and little else",
        "fork": False,
        "url": url,
        **{f"{link}_url": f"{url}/{link}{{/number}}" for link in LINKS},
        **{f"extra_{i}_url": f"{url}/extra/{i}" for i in range(25)},
        "created_at": f"2024-{number % 12 + 1:02d}-{number % 28 + 1:02d}T10:00:00Z",
        "updated_at": "2026-01-01T10:00:00Z",
        "pushed_at": f"2025-{number % 12 + 1:02d}-{number % 28 + 1:02d}T12:30:00Z",
        "size": number % 5000,
        "stargazers_count": number % 17,
        "language": "Python",
        "archived": number % 50 == 0,
        "disabled": False,
        "topics": ["service", f"team-{number % 9}"],
        "default_branch": "main",
        "permissions": {"admin": False, "push": True, "pull": True},
    }


def page(number: int, count: int) -> bytes:
    """The body of page `number` (from 1) of an organisation of `count` repositories."""
    start = (number - 1) * PAGE
    return json.dumps([entry(i) for i in range(start, min(start + PAGE, count))]).encode()


def pages(count: int) -> Iterator[bytes]:
    """Every page, one at a time."""
    for number in range(1, -(-count // PAGE) + 1):
        yield page(number, count)


class Server(httpx.BaseTransport):
    """Answers the listing of one organisation without a socket; pages are made when asked for, or kept."""

    def __init__(self, count: int, *, keep: bool, base: str = BASE) -> None:
        self._base = base
        self._count = count
        self._last = -(-count // PAGE)
        self._kept = {n: page(n, count) for n in range(1, self._last + 1)} if keep else None
        self.requests = 0
        self.not_modified = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """One page with its Link and ETag, or 304."""
        self.requests += 1
        number = int(request.url.params.get("page", "1"))
        etag = f'W/"{hashlib.md5(str((number, self._count)).encode(), usedforsecurity=False).hexdigest()}"'
        headers = {
            "etag": etag,
            "content-type": "application/json; charset=utf-8",
            "link": self._link(number),
        }
        headers |= {
            "x-ratelimit-limit": "5000",
            "x-ratelimit-remaining": "4000",
            "x-ratelimit-reset": "4102444800",
        }
        headers |= {"date": "Thu, 01 Jan 2026 00:00:00 GMT"}
        if request.headers.get("if-none-match") == etag:
            self.not_modified += 1
            return httpx.Response(304, headers=headers)
        body = self._kept[number] if self._kept else page(number, self._count)
        return httpx.Response(200, headers=headers, content=body)

    def _link(self, number: int) -> str:
        base = f"{self._base}/organizations/7/repos?per_page=100&sort=created&direction=asc&type=all&page="
        links = []
        if number < self._last:
            links += [f'<{base}{number + 1}>; rel="next"', f'<{base}{self._last}>; rel="last"']
        if number > 1:
            links += [f'<{base}{number - 1}>; rel="prev"', f'<{base}1>; rel="first"']
        return ", ".join(links)
