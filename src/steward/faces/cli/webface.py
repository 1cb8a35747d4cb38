"""The web face of a process of the command line: its listeners, its addresses, and how one signs in.

The listeners are bound before anything else is started, so that a taken port stops nothing half-way.
"""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final

from steward.app.application import Application
from steward.app.errors import Invalid
from steward.faces.cli.session import Session, os_user
from steward.faces.http import app as http
from steward.faces.http import health, hooks
from steward.faces.http.live import Live
from steward.faces.http.server import address_of, bind, serving
from steward.faces.http.site import Site
from steward.faces.telegram import hooks as telegram_hooks
from steward.faces.web.render import error_page
from steward.faces.words import _, said
from steward.ports import Permanent
from steward.settings import Loaded

if TYPE_CHECKING:
    from steward.faces.telegram.door import Door

INBOUND: Final = (hooks.router, telegram_hooks.router)
APART: Final = (*INBOUND, health.live_router)
"""What the listener of webhooks serves, where they have one of their own."""


class WebFace:
    """The listeners of one process. `address` is where this machine reaches the web face, `board` where people do."""

    def __init__(self, loaded: Loaded, closing: ExitStack) -> None:
        """Bind. Raises Permanent where an address cannot be had."""
        web = loaded.settings.web
        self._loaded = loaded
        self._bound = bind(web.host, web.port)
        closing.callback(self._bound.close)
        self._apart = None
        if web.hooks_host is not None or web.hooks_port is not None:
            port = web.port if web.hooks_port is None else web.hooks_port
            self._apart = bind(web.hooks_host or web.host, port, "STEWARD_WEB_HOOKS_PORT")
            closing.callback(self._apart.close)
        self.door = self._door()
        self.address = address_of(self._bound)
        self.board = web.public_url or self.address
        self.hooks = address_of(self._apart) if self._apart else self.address

    def _door(self) -> Door | None:
        """Where Telegram's deliveries come in; None where messages are fetched, or there is no bot."""
        from steward.faces.telegram.door import Door

        token = self._loaded.telegram.token
        if token is None or self._loaded.settings.telegram.updates != "webhook":
            return None
        return Door(token.get_secret_value())

    @contextmanager
    def serving(
        self, app: Application, ended: Callable[[], None], ready: Callable[[], Mapping[str, bool]]
    ) -> Iterator[None]:
        """Serve for the length of the block. `ended` is called when a server has; `ready` says what else must hold."""
        proxies = self._loaded.settings.web.proxies
        apart = self._apart is not None
        with ExitStack() as stack:
            if self._apart is not None:
                site = self._site(app, ready, apart=apart)
                stack.enter_context(serving(http.build(site, APART), self._apart, proxies, ended))
            routers = [router for router in http.ROUTERS if not (apart and router in INBOUND)]
            site = self._site(app, ready, apart=apart)
            stack.enter_context(serving(http.build(site, routers), self._bound, proxies, ended))
            yield

    def _site(self, app: Application, ready: Callable[[], Mapping[str, bool]], *, apart: bool) -> Site:
        web = self._loaded.settings.web
        return Site(
            app,
            Live(app),
            public_url=web.public_url or "",
            sample=self._loaded.demo,
            hooks_apart=apart,
            names=frozenset(web.names),
            error_page=error_page,
            ready=ready,
            metrics_public=web.metrics_public,
            telegram=self.door,
        )

    def link(self, app: Application, command: str) -> str:
        """The address at which whoever started this signs in, once. Raises Invalid where that user is disabled."""
        return f"{self.board}/login?token={app.access.first_link(account(), command)}"


def account() -> str:
    """The user of Steward that whoever runs this process is: their name on this machine, as far as it can be one."""
    name = re.sub(r"[^a-z0-9._-]+", "-", os_user().lower())[:40].strip("._-")
    return name or "admin"


def stopping(session: Session) -> threading.Event:
    """An event that SIGTERM and Ctrl-C set; they end the waits of this process's clock as well."""
    stop = threading.Event()

    def end(_signal: int, _frame: Any) -> None:
        stop.set()
        session.wiring.stop()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    return stop


def ended_early() -> Permanent:
    """What is said where a server ended that nobody had asked to."""
    return Permanent(
        _("the web face ended by itself"),
        _("The log says why. Start it again; nothing that was stored is lost"),
    )


def places(face: WebFace) -> Iterator[str]:
    """The lines that say where the web face is."""
    yield _("  board          {url}", url=face.board)
    if face.board != face.address:
        yield _("                 (it listens at {url})", url=face.address)
    if face.hooks != face.address:
        yield _("  webhooks       {url}/hooks/github", url=face.hooks)


def entrance(face: WebFace, app: Application, command: str, *, private: bool) -> str:
    """The line that says how to sign in: the link itself only where nobody but a person reads it."""
    if not private:
        app.access.first_user(account())
        return _("  sign in        `steward user link {name}` prints a link", name=account())
    try:
        return _("  sign in, once  {url}", url=face.link(app, command))
    except Invalid as refused:
        return _("  sign in        not as {name}: {reason}", name=account(), reason=said(refused.what))
