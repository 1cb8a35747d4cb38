"""Serves one synthetic organisation over a real socket, in a process of its own, each page always anew."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

from benchmarks.synthetic import Server


def handler(pages: Server) -> type[BaseHTTPRequestHandler]:
    """Answers what `pages` answers, but never 304: as after a change in every page."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_GET(self) -> None:
            answer = pages.handle_request(httpx.Request("GET", f"http://forge{self.path}"))
            body = answer.read()
            self.send_response_only(answer.status_code)
            for name, value in answer.headers.items():
                if name != "content-length":
                    self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
            """Say nothing."""

    return Handler


@contextmanager
def serving(count: int) -> Iterator[str]:
    """The address of a server of an organisation of that size."""
    command = [sys.executable, "-m", "benchmarks.serve", str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def main() -> None:
    """Print the address, then serve until terminated."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    base = f"http://127.0.0.1:{server.server_port}"
    server.RequestHandlerClass = handler(Server(int(sys.argv[1]), keep=True, base=base))
    print(base, flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
