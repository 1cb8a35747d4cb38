"""A server over a furnished installation, and windows that note everything that goes wrong in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response

from steward.adapters.deploy.redaction import Redactor
from steward.adapters.store import open_store
from steward.adapters.templates import CopierTemplates
from steward.adapters.vault import KeptVault, MasterKeys
from steward.app.marking import mark_restored
from steward.domain.people import Grant, Role, User
from steward.faces.http.app import build
from steward.faces.http.live import Live
from steward.faces.http.server import address_of, bind, serving
from steward.faces.http.site import COOKIE, LANG_COOKIE, THEME_COOKIE, Site
from steward.faces.web.render import ZONE_COOKIE, error_page
from steward.ports import Clock
from steward.testing import showcase_people
from steward.testing.showcase import furnish
from steward.testing.world import World

DESKTOP: Final = (1440, 900)
PHONE: Final = (390, 844)
WATCH_CSP: Final = """
addEventListener("securitypolicyviolation", (event) => {
  console.error(`CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
"""


class Server:
    """A server over a world, that can be stopped and started again at the same address."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._running = ExitStack()
        self._port = 0
        self.origin = ""

    def start(self) -> None:
        """Listen; at the port from before, if there was one."""
        bound = bind("127.0.0.1", self._port)
        self.origin, self._port = address_of(bound), bound.getsockname()[1]
        site = Site(self.world.app, Live(self.world.app), error_page=error_page)
        self._running.enter_context(serving(build(site), bound))

    def stop(self) -> None:
        """Stop listening; open streams end."""
        self._running.close()


def kept(folder: Path, clock: Clock) -> KeptVault:
    """What keeps secrets, under a master key of that folder."""
    return KeptVault(MasterKeys(folder / "master.key"), clock, Redactor)


@contextmanager
def furnished(folder: Path) -> Iterator[Server]:
    """A server over an installation of one's own, in a file there."""
    store = open_store(f"sqlite:///{folder}/steward.db")
    server = Server(furnish(store, CopierTemplates(folder / "templates"), partial(kept, folder)))
    server.start()
    try:
        yield server
    finally:
        server.stop()
        store.close()


@contextmanager
def put_back(folder: Path) -> Iterator[Server]:
    """A server over a small installation whose database was restored from a backup of the day before."""
    store = open_store(f"sqlite:///{folder}/restored.db")
    world = World(store)
    world.forge.create("acme", "shop")
    world.beat()
    world.forge.create("acme", "blog")
    now = world.clock.now().at
    with store.writing() as tx:
        tx.add_user(User(0, "anna", now, (Grant(Role.ADMIN, None),), "Anna Kirsanova"))
        mark_restored(tx, now, "steward db restore", now - timedelta(days=1))
    server = Server(world)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        store.close()


@dataclass
class Window:
    """One window of somebody at a browser, with what went wrong in it.

    `expected` are addresses whose answer may be a failure: what the test is about.
    """

    page: Page
    origin: str
    wrong: list[str] = field(default_factory=list)
    expected: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Listen to everything that tells of a fault."""
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.wrong.append(f"script: {error}"))
        self.page.on("requestfailed", self._failed)
        self.page.on("response", self._answered)

    def open(self, path: str) -> Page:
        """Go to a page of ours, and wait for it to be whole, fonts and icons too."""
        self.page.goto(self.origin + path, wait_until="load")
        self.page.evaluate("document.fonts.ready.then(() => true)")
        return self.page

    def healthy(self) -> None:
        """Nothing may have gone wrong so far."""
        assert not self.wrong, "\n".join(self.wrong)

    def _console(self, message: ConsoleMessage) -> None:
        place = message.location.get("url", "")
        if message.type in ("error", "warning") and not self._is_expected(place):
            self.wrong.append(f"{message.type}: {message.text} ({place})")

    def _failed(self, request: Request) -> None:
        # A page that is left takes its stream with it, and whatever else was on the way.
        left = request.failure == "net::ERR_ABORTED" or urlsplit(request.url).path == "/live"
        if not left and not self._is_expected(request.url):
            self.wrong.append(f"request: {request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and not self._is_expected(response.url):
            self.wrong.append(f"answer: {response.status} {response.url}")
        if not response.url.startswith((self.origin, "data:")):
            self.wrong.append(f"elsewhere: {response.url}")

    def _is_expected(self, url: str) -> bool:
        return urlsplit(url).path in self.expected


@contextmanager
def session(
    browser: Browser,
    server: Server,
    name: str | None = "anna",
    *,
    lang: str = "en",
    theme: str = "light",
    size: tuple[int, int] = DESKTOP,
    **more: Any,
) -> Iterator[BrowserContext]:
    """A browser's session of one of the people (None: nobody's)."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        timezone_id="UTC",
        locale="en-GB",
        reduced_motion="reduce",
        has_touch=size == PHONE,
        **more,
    )
    values = {LANG_COOKIE: lang, THEME_COOKIE: theme, ZONE_COOKIE: "UTC"}
    if name is not None:
        values[COOKIE] = showcase_people.session(server.world, name)
    context.add_cookies(
        [{"name": key, "value": value, "url": server.origin} for key, value in values.items()]
    )
    context.add_init_script(WATCH_CSP)
    context.set_default_timeout(10_000)
    try:
        yield context
    finally:
        context.close()


@contextmanager
def window(browser: Browser, server: Server, name: str | None = "anna", **more: Any) -> Iterator[Window]:
    """One window in a session of its own; nothing may go wrong in it."""
    with session(browser, server, name, **more) as context, window_in(context, server) as made:
        yield made


@contextmanager
def window_in(context: BrowserContext, server: Server) -> Iterator[Window]:
    """One more window of a session; nothing may go wrong in it."""
    page = context.new_page()
    try:
        made = Window(page, server.origin)
        yield made
        made.healthy()
    finally:
        page.close()
