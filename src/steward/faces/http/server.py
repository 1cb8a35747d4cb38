"""Runs an ASGI application with uvicorn in a thread of this process, on a socket that is bound beforehand."""

from __future__ import annotations

import contextvars
import gc
import logging
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import uvicorn

from steward.faces.words import _
from steward.ports import Permanent

log = logging.getLogger(__name__)

BACKLOG: Final = 2048
START_TIMEOUT_S: Final = 15.0
STOP_TIMEOUT_S: Final = 5
YOUNG_MAX: Final = 50_000
"""Objects made before the young ones are looked through for cycles."""
"""How long open requests may take when the server is asked to stop. Streams end at once."""


def bind(host: str, port: int, variable: str = "STEWARD_WEB_PORT") -> socket.socket:
    """A listening socket; port 0 takes any free one. `variable` is the setting that names the port.

    Raises Permanent where the address cannot be had.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _name, address = found[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError as error:
        raise Permanent(
            _(
                "the web face cannot listen at {host}:{port}: {reason}",
                host=host,
                port=port,
                reason=error.strerror,
            ),
            _("Stop what has that port, or set {variable} to a free one, or to 0 for any", variable=variable),
        ) from None
    return bound


def address_of(bound: socket.socket) -> str:
    """Where it listens, as an address to type: a wildcard is reached at the loopback address."""
    host, port = bound.getsockname()[:2]
    if host in ("0.0.0.0", "::"):  # noqa: S104 - it is compared with, not bound to
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@contextmanager
def serving(
    app: Any,
    bound: socket.socket,
    proxies: Sequence[str] = (),
    ended: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Serve it for the length of the block. `proxies` are the addresses whose X-Forwarded-* is believed.

    `ended` is called once the server has ended, at the end of the block or, if it died, before.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        timeout_graceful_shutdown=STOP_TIMEOUT_S,
        timeout_keep_alive=30,
        lifespan="on",
    )
    server = _Server(config, ended)
    context = contextvars.copy_context()
    run = threading.Thread(target=context.run, args=(server.run, [bound]), name="web", daemon=True)
    run.start()
    try:
        if not server.ready.wait(START_TIMEOUT_S) or not server.started:
            raise Permanent(_("the web face did not start"), _("See the log for the reason"))
        settle_memory()
        yield
    finally:
        server.should_exit = True
        run.join(START_TIMEOUT_S)
        bound.close()


def settle_memory() -> None:
    """Take what has been loaded by now out of every later collection, which would halt all requests for it.

    Measured: 120 ms for each full collection of the modules of a server, several times in a minute under load; and a
    fifth of the time of a page, while the young are looked through after every 700 objects.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_MAX)


class _Server(uvicorn.Server):
    """uvicorn, which leaves signals to the process and says when it is ready, and when it has ended."""

    def __init__(self, config: uvicorn.Config, ended: Callable[[], None]) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._ended = ended

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the process's, not ours."""
        yield

    async def main_loop(self) -> None:
        """Run until asked to stop. What it dies of is logged, and it stops in order then too."""
        try:
            await super().main_loop()
        except Exception:
            # Whoever waits for `ended` ends the process; nothing goes on without the server.
            log.exception("the web face died")

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve, then say that it has ended."""
        try:
            await super().serve(sockets)
        finally:
            self._ended()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        try:
            await super().startup(sockets)
        finally:
            self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the streams first: they would otherwise be waited for."""
        site = self.config.app.state.site if hasattr(self.config.app, "state") else None
        if site is not None:
            await site.live.stop()
        await super().shutdown(sockets)
