"""The first program in a box: sets the bounds of what follows, opens the tunnel, and runs the command.

Run as a script by a bare interpreter, `python -I -S inside.py SETTINGS -- COMMAND...`: standard library alone, and
nothing of Steward. SETTINGS is a JSON object: `limits` by name of the resource, `nice`, and `tunnel`, which is null
or {"socket": path, "port": number}.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import sys
import threading
from typing import Any

CHUNK = 65536
NOT_FOUND = 127


def main(argv: list[str]) -> int:
    """Run the command; its exit code, 128 + n after signal n."""
    settings: dict[str, Any] = json.loads(argv[1])
    command = argv[argv.index("--") + 1 :]
    bound(settings.get("limits", {}))
    os.nice(settings.get("nice", 0))
    tunnel = settings.get("tunnel")
    if tunnel is None:
        return become(command)
    listening = socket.create_server(("127.0.0.1", tunnel["port"]), backlog=64)
    child = os.fork()
    if child == 0:
        listening.close()
        os._exit(become(command))
    # What the command reads is the command's: with our copy open its writer would never see it closed.
    os.close(0)
    threading.Thread(target=serve, args=(listening, tunnel["socket"]), daemon=True).start()
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code


def bound(limits: dict[str, int]) -> None:
    """Set what every process from here on may take, never more than was allowed before."""
    for name, asked in limits.items():
        kind = getattr(resource, f"RLIMIT_{name}")
        _, hard = resource.getrlimit(kind)
        most = asked if hard == resource.RLIM_INFINITY else min(asked, hard)
        resource.setrlimit(kind, (most, most))


def become(command: list[str]) -> int:
    """Become the command; returns only where there is no such program."""
    try:
        os.execvp(command[0], command)  # noqa: S606 - no shell is wanted
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return NOT_FOUND


def serve(listening: socket.socket, path: str) -> None:
    """Lead each connection to the socket outside."""
    while True:
        inner, _ = listening.accept()
        outer = socket.socket(socket.AF_UNIX)
        try:
            outer.connect(path)
        except OSError:
            inner.close()
            outer.close()
            continue
        for source, target in ((inner, outer), (outer, inner)):
            threading.Thread(target=pump, args=(source, target), daemon=True).start()


def pump(source: socket.socket, target: socket.socket) -> None:
    """Carry bytes one way as they come, and the end of them too."""
    try:
        while chunk := source.recv(CHUNK):
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # One side is gone: the other is told by both directions being shut.
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


if __name__ == "__main__":
    sys.exit(main(sys.argv))
