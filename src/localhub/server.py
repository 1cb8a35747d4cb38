"""Runs localhub's application on a port, in a thread of its own. It decides nothing about what is served."""

import socket
import threading
from time import monotonic

import uvicorn
from starlette.types import ASGIApp

_START_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 5
_BACKLOG = 512


class PortTaken(OSError):
    """The address cannot be listened on."""


class Server:
    """One listening server; `url` is its address, without a slash at the end."""

    def __init__(self, host: str, port: int) -> None:
        """Take the port; 0 takes a free one. Raises PortTaken."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise PortTaken(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
        self.port = int(self._socket.getsockname()[1])
        self.url = f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def start(self, app: ASGIApp) -> None:
        """Serve, and return once requests are taken."""
        config = uvicorn.Config(
            app,
            log_config=None,
            log_level="critical",  # a connection dropped on purpose is no error to report
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=_STOP_TIMEOUT_S,
        )
        self._server = uvicorn.Server(config)
        self._socket.listen(_BACKLOG)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, name="localhub-server", daemon=True
        )
        self._thread.start()
        deadline = monotonic() + _START_TIMEOUT_S
        pause = threading.Event()
        while not self._server.started:
            if not self._thread.is_alive() or monotonic() > deadline:
                raise RuntimeError(f"localhub did not begin to serve on {self.url}")
            pause.wait(0.005)

    def stop(self) -> None:
        """Stop serving; requests under way are finished first."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join()
        self._socket.close()
