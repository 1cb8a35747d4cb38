"""The static files of the pages: read once, served under an address that names their content.

The address holds a digest of all of them, so that a browser keeps what it has for good and asks anew after an
upgrade; addresses inside the style sheets stay relative. The icons are put together into one sprite here, so
that the vendored files stay as they were published.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from steward.faces.http.guard import GuardedRoute, public

router = APIRouter(route_class=GuardedRoute)

TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
}
ICONS: Final = "icons.svg"
"""The sprite of all vendored icons; `icons.svg#name` is one."""
_FOREVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}
_BRIEFLY: Final = {"Cache-Control": "no-cache"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file as it is sent. `zipped` is empty where zipping gains nothing."""

    media_type: str
    body: bytes
    zipped: bytes


@cache
def assets() -> dict[str, Asset]:
    """All static files by their path below `static/`."""
    root = resources.files("steward.faces.web") / "static"
    found = {path: file.read_bytes() for path, file in _files(root, "")}
    icons = {path: body.decode() for path, body in found.items() if path.startswith("vendor/lucide/")}
    found[ICONS] = _sprite(icons).encode()
    return {path: _asset(path, body) for path, body in found.items() if path not in icons}


@cache
def digest() -> str:
    """What names the present content of all of them."""
    whole = hashlib.sha256()
    for path, asset in sorted(assets().items()):
        whole.update(path.encode() + b"\0" + asset.body)
    return whole.hexdigest()[:12]


def address(path: str) -> str:
    """Where a page finds one. Raises KeyError for one that is not there."""
    assert path.partition("#")[0] in assets(), f"there is no static file '{path}'"
    return f"/static/{digest()}/{path}"


def icon_names() -> frozenset[str]:
    """The icons that the sprite holds."""
    return frozenset(re.findall(r'<symbol id="([a-z0-9-]+)"', assets()[ICONS].body.decode()))


def _files(folder: Traversable, prefix: str) -> list[tuple[str, Traversable]]:
    found = []
    for entry in folder.iterdir():
        path = f"{prefix}{entry.name}"
        if entry.is_dir():
            found += _files(entry, f"{path}/")
        elif path.rpartition(".")[2] in TYPES:
            found.append((path, entry))
    return found


def _sprite(icons: dict[str, str]) -> str:
    """One symbol per Lucide icon: what is inside its `<svg>`, drawn with the attributes all of them share."""
    drawn = []
    for path, text in sorted(icons.items()):
        name = path.rpartition("/")[2].removesuffix(".svg")
        inside = re.sub(r"\s*\n\s*", "", text.partition("<svg")[2].partition(">")[2].rpartition("</svg>")[0])
        drawn.append(
            f'<symbol id="{name}" viewBox="0 0 24 24"><g fill="none" stroke="currentColor" '
            f'stroke-width="2" stroke-linecap="round" stroke-linejoin="round">{inside}</g></symbol>'
        )
    return f'<svg xmlns="http://www.w3.org/2000/svg">{"".join(drawn)}</svg>\n'


def _asset(path: str, body: bytes) -> Asset:
    kind = path.rpartition(".")[2]
    zipped = b"" if kind == "woff2" else gzip.compress(body, mtime=0)
    return Asset(TYPES[kind], body, zipped if len(zipped) < len(body) else b"")


@router.get("/static/{version}/{path:path}", include_in_schema=False)
@public
def static(request: Request, version: str, path: str) -> Response:
    """One static file. A page from before an upgrade gets the present one, to be asked for again."""
    asset = assets().get(path)
    if asset is None:
        raise HTTPException(404)
    headers = dict(_FOREVER if version == digest() else _BRIEFLY)
    body = asset.body
    if asset.zipped:
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            body = asset.zipped
    return Response(body, media_type=asset.media_type, headers=headers)


@router.get("/favicon.ico", include_in_schema=False)
@public
def favicon() -> Response:
    """The sign of Steward, at the address that browsers ask by themselves."""
    asset = assets()["favicon.svg"]
    return Response(
        asset.body, media_type=asset.media_type, headers={"Cache-Control": "public, max-age=86400"}
    )
