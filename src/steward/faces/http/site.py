"""What the routes of one server share, and how they get it out of a request."""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from steward.app.application import Application
from steward.app.attending import Attending
from steward.app.building import Building
from steward.app.deciding import Deciding
from steward.app.queries import Queries
from steward.app.receiving import Receiver
from steward.app.works import Works
from steward.domain.people import Principal, User
from steward.faces.http.limits import Guesses
from steward.faces.http.meters import Meters
from steward.faces.words import LANGUAGES, speak

if TYPE_CHECKING:
    from steward.faces.http.failures import Failure
    from steward.faces.http.live import Live
    from steward.faces.telegram.door import Door

COOKIE: Final = "steward"
"""The cookie that holds a browser's session."""
LANG_COOKIE: Final = "steward-lang"
THEME_COOKIE: Final = "steward-theme"
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})

ErrorPage = Callable[[Request, "Failure"], Response]


@dataclass(frozen=True)
class Site:
    """One server: the application behind it, and what its settings say.

    `public_url` is the address that others reach it at ("" where none is set); `sample` tells that it runs
    on the sample organisation; `hooks_apart` that webhooks have a listener of their own. `ready` names what
    else must hold for this process to be ready; `metrics_public` opens the metrics to anybody. `telegram` is where
    updates of the bot go that are delivered (None: none are).
    """

    app: Application
    live: Live
    public_url: str = ""
    sample: bool = False
    hooks_apart: bool = False
    names: frozenset[str] = field(default_factory=frozenset)
    error_page: ErrorPage | None = None
    guesses: Guesses = field(default_factory=Guesses)
    ready: Callable[[], Mapping[str, bool]] = dict
    metrics_public: bool = False
    telegram: Door | None = None

    @cached_property
    def receiver(self) -> Receiver:
        """What takes webhooks in; it runs as long as the server does."""
        return Receiver(self.app)

    @cached_property
    def meters(self) -> Meters:
        """The numbers of this server."""
        return Meters(self.app.measures(), lambda: self.live.streams)

    def knows(self, host: str) -> bool:
        """Whether a Host header names this server: a loopback name, an address, or the public name.

        Any other name may be an attacker's that was made to point here (DNS rebinding).
        """
        name = urlsplit(f"//{host}").hostname or ""
        if name in LOOPBACK or name in self.names:
            return True
        if self.public_url and name == urlsplit(self.public_url).hostname:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def site(request: HTTPConnection) -> Site:
    """The server that the request came to."""
    found: Site = request.app.state.site
    return found


def address_of(request: HTTPConnection) -> str:
    """Where a request comes from; behind a proxy that is trusted, as that one tells."""
    return request.client.host if request.client else ""


def principal_of(request: HTTPConnection) -> Principal:
    """Whoever asks; the guard has put them there."""
    by: Principal = request.state.by
    return by


def signed_in(request: HTTPConnection) -> Principal | None:
    """Whoever asks, on a page that is shown to anybody."""
    found: Principal | None = getattr(request.state, "by", None)
    return found


def speak_to(request: HTTPConnection, user: User | None = None) -> None:
    """Use the language that was chosen, else the user's, else the browser's first that we speak."""
    chosen = request.cookies.get(LANG_COOKIE)
    if chosen not in LANGUAGES and user is not None:
        chosen = user.lang
    if chosen not in LANGUAGES:
        wanted = [part.strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")]
        chosen = next((lang for lang in wanted if lang in LANGUAGES), None)
    speak(chosen or "en")


def csrf_token(session_secret: str) -> str:
    """What a form of that session must carry: derived, so that nothing is kept, and of no use elsewhere."""
    return hashlib.sha256(b"steward csrf\0" + session_secret.encode()).hexdigest()[:43]


def queries(request: Request) -> Queries:
    """What whoever asks may be shown."""
    return site(request).app.queries(principal_of(request))


def commands(request: Request, expecting: int | None = None) -> Building:
    """What whoever asks may ask of projects."""
    return site(request).app.commands(principal_of(request), expecting)


def works(request: Request) -> Works:
    """What whoever asks may be shown of building."""
    return site(request).app.works(principal_of(request))


def deciding(request: Request) -> Deciding:
    """What whoever asks may decide of organisations."""
    return site(request).app.deciding(principal_of(request))


def attending(request: Request) -> Attending:
    """What whoever asks may do with incidents."""
    return site(request).app.attending(principal_of(request))


def context(request: Request, **values: Any) -> dict[str, Any]:
    """What a template is given besides its own values."""
    return {"request": request, "site": site(request), "by": signed_in(request), **values}
