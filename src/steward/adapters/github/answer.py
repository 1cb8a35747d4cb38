"""One answer of a server, as plain values, and what its headers say. It sends nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import httpx
import msgspec


@dataclass(frozen=True, slots=True)
class Links:
    """What a Link header says of the pages around one. `told`: the header was there at all.

    `next` and `last` are page numbers; `template` is the address of any other page of the same listing.
    """

    told: bool = False
    next: int | None = None
    last: int | None = None
    template: httpx.URL | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and the decoded body of the request to `url`."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: httpx.URL

    def header(self, name: str) -> str | None:
        """The value of a header, whatever its case."""
        return self.headers.get(name)

    @property
    def is_json(self) -> bool:
        """Whether the server calls it JSON."""
        kind = (self.header("content-type") or "").partition(";")[0].strip().lower()
        return kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json"))

    def links(self) -> Links:
        """Read the Link header. Raises ValueError where it names a page that is no number."""
        header = self.header("link")
        if not header:
            return Links()
        addresses = {}
        for link in httpx.Response(200, headers={"link": header}).links.values():
            if link.get("rel") in {"first", "prev", "next", "last"}:
                addresses[link["rel"]] = _join(self.url, link["url"])
        pages = {rel: _page(addresses[rel]) for rel in ("next", "last") if rel in addresses}
        template = addresses.get("next") or next(iter(addresses.values()), None)
        return Links(bool(addresses), pages.get("next"), pages.get("last"), template)

    def problem(self) -> Problem | None:
        """The error object that GitHub's API sends with a status of 400 or more; None if it is not that."""
        if not self.is_json:
            return None
        try:
            return msgspec.json.decode(self.body, type=Problem)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None


class Block(msgspec.Struct):
    """Why a repository answers 451."""

    reason: str = ""


class Problem(msgspec.Struct):
    """An error object of GitHub's API."""

    message: str = ""
    block: Block | None = None


def same_origin(one: httpx.URL, other: httpx.URL) -> bool:
    """Whether two addresses are of one scheme, host and port: where a secret may go."""
    return _origin(one) == _origin(other)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def _join(base: httpx.URL, address: str) -> httpx.URL:
    try:
        return base.join(address)
    except httpx.InvalidURL:
        raise ValueError("its Link header holds an address that is none") from None


def _page(url: httpx.URL) -> int:
    text = url.params.get("page", "")
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise ValueError(f"its Link header names a page that is no number: {text[:20]!r}")
    return int(text)
