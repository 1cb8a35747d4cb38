"""Starts the service: `python3 -m app`. It ends on SIGTERM and SIGINT, after the requests under way."""

from __future__ import annotations

import os
import signal
import sys
import threading
from types import FrameType

from app.server import make_server


def port_of(text: str) -> int:
    """A port as the environment names it. Raises ValueError."""
    port = int(text)
    if not 0 <= port <= 65535:
        raise ValueError(text)
    return port


def main() -> int:
    """Serve until told to stop; the exit code."""
    host = os.environ.get("HOST") or "127.0.0.1"
    try:
        port = port_of(os.environ.get("PORT") or "8000")
    except ValueError:
        print("PORT must be a number from 0 to 65535", file=sys.stderr)
        return 2
    try:
        server = make_server(host, port)
    except (OSError, ValueError) as error:
        print(f"cannot serve at {host}:{port}: {error}", file=sys.stderr)
        return 1

    def stop(_number: int, _frame: FrameType | None) -> None:
        # shutdown() waits for the loop below to end, so it must not run within it.
        threading.Thread(target=server.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    shown = f"[{host}]" if ":" in host else host
    print(f"serving at http://{shown}:{server.server_address[1]}", flush=True)
    with server:
        server.serve_forever(poll_interval=0.1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
