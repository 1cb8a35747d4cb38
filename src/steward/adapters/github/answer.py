"""One answer of a server, as plain values, and what its headers say. It sends nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import msgspec

_LINK = re.compile(r'<([^<>]*)>\s*;\s*rel="?(first|prev|next|last)\b')
"""One link of RFC 8288 as GitHub writes it: `<address>; rel="next"`."""


@dataclass(frozen=True, slots=True)
class Links:
    """What a Link header says of the pages around one. `told`: the header was there at all.

    `next` and `last` are page numbers; `template` is the address of some page of the same listing.
    """

    told: bool = False
    next: int | None = None
    last: int | None = None
    template: str | None = None


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
        addresses = {rel: address for address, rel in _LINK.findall(self.header("link") or "")}
        if not addresses:
            return Links()
        pages = {rel: _page(addresses[rel]) for rel in ("next", "last") if rel in addresses}
        template = addresses.get("next") or next(iter(addresses.values()))
        return Links(True, pages.get("next"), pages.get("last"), urljoin(str(self.url), template))

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


def _page(address: str) -> int:
    try:
        text = parse_qs(urlsplit(address).query).get("page", [""])[-1]
    except ValueError:
        text = ""
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) > 0):
        raise ValueError(f"its Link header names a page that is no number: {text[:20]!r}")
    return int(text)
