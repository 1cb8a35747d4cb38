"""The notifiers: a channel that tells no secret, the key carried along, failures that may pass."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from steward.adapters.notify import AppriseNotifier, LogNotifier
from steward.domain.journal import Notice
from steward.ports import BadSettings, Notifier, Transient

# Apprise 2 imports a module that Python 3.13 removes, where that is still there; it works without.
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

NOTICE = Notice(
    key="incident:7:opened",
    at=datetime(2026, 11, 24, 12, tzinfo=UTC),
    title="shop: gone from GitHub",
    body="See: steward incident show 7",
    severity="critical",
    incident_id=7,
    project_id="p1",
)


class Receiver(BaseHTTPRequestHandler):
    """Answers with the server's `status` and keeps what was sent."""

    def do_POST(self) -> None:
        assert isinstance(self.server, Server)
        length = int(self.headers["Content-Length"])
        self.server.received.append(json.loads(self.rfile.read(length)))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Say nothing."""


class Server(HTTPServer):
    """A web hook's receiver."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiver)
        self.status = 200
        self.received: list[dict[str, str]] = []


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def address(server: Server) -> str:
    return f"json://127.0.0.1:{server.server_port}/hunter2"


def test_the_log_has_one_structured_line_at_the_severitys_level(caplog: pytest.LogCaptureFixture) -> None:
    notifier: Notifier = LogNotifier()
    with caplog.at_level(logging.INFO, "steward.notice"):
        notifier.send("incident:7:opened@log", NOTICE)
    (record,) = caplog.records
    assert record.levelno == logging.CRITICAL
    line = json.loads(record.getMessage())
    assert line["key"] == "incident:7:opened@log"
    assert (line["title"], line["incident"], line["severity"]) == (NOTICE.title, 7, "critical")
    assert notifier.channel == "log"


def test_apprise_sends_title_body_and_key(server: Server) -> None:
    notifier: Notifier = AppriseNotifier(address(server))
    notifier.send("the-key", NOTICE)
    (sent,) = server.received
    assert sent["title"] == NOTICE.title
    assert NOTICE.body in sent["message"]
    assert "the-key" in sent["message"]


def test_a_send_that_was_not_taken_may_be_repeated(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    server.status = 500
    with caplog.at_level(logging.DEBUG), pytest.raises(Transient) as caught:
        AppriseNotifier(address(server)).send("the-key", NOTICE)
    assert len(server.received) == 1
    assert "hunter2" not in str(caught.value) + caplog.text


def test_a_channel_is_stable_and_tells_nothing_of_the_address() -> None:
    one, same, other = (AppriseNotifier(url) for url in ("slack://hunter2", "slack://hunter2", "slack://x"))
    assert one.channel == same.channel != other.channel
    assert one.channel.startswith("apprise:slack:")
    assert len(one.channel.rpartition(":")[2]) == 8
    assert "hunter2" not in one.channel


def test_an_address_that_cannot_be_used_is_a_bad_setting() -> None:
    with pytest.raises(BadSettings) as caught:
        AppriseNotifier("nosuchservice://hunter2").check()
    assert "STEWARD_NOTIFY_URLS" in caught.value.advice
    assert "hunter2" not in str(caught.value)
