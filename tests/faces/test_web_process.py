"""The web face of real processes: beside the loops of `steward up`, alone as `steward serve`, and their ends."""

from __future__ import annotations

import json
import signal
import socket
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import uvicorn

from localhub.testing import Hub
from steward.adapters.clock import SystemClock
from steward.adapters.store import open_store
from steward.app.access import Access
from steward.domain.instant import elapsed_s
from steward.domain.people import PassKind
from steward.faces.http.site import COOKIE
from steward.testing.postgres import drop_database, fresh_database
from tests.faces.cli import run_command
from tests.faces.process import Process, Starter

STOP_MAX_S = 3.0


def sign_in(process: Process, database: Path) -> dict[str, str]:
    """The cookie of a session, for the link that the process printed."""
    store = open_store(f"sqlite:///{database}")
    try:
        secret, _user = Access(store, SystemClock()).sign_in(process.token(), "a test")
    finally:
        store.close()
    return {"Cookie": f"{COOKIE}={secret}"}


def await_ready(address: str) -> httpx.Response:
    """The answer of `/readyz`, once it is well, or the last one."""
    clock = SystemClock()
    for _ in range(200):
        answer = httpx.get(f"{address}/readyz")
        if answer.status_code == 200:
            break
        clock.wait(0.05)
    return answer


def test_up_serves_the_board_and_the_link_that_it_prints_signs_in_once(
    start: Starter, tmp_path: Path
) -> None:
    process = start()
    board = process.board()
    assert httpx.get(f"{board}/livez").json() == {"status": "ok"}
    ready = await_ready(board)
    assert ready.json()["checks"] == {"database": True, "schema": True, "lease": True, "loops": True}
    assert httpx.get(f"{board}/projects").status_code == 303
    state = tmp_path / ".steward" / "demo"
    cookie = sign_in(process, state / "steward.db")
    process.wait_for("repositories came in")
    page = httpx.get(f"{board}/projects?q=booking", headers=cookie)
    assert (page.status_code, "booking-bot" in page.text) == (200, True)
    again = httpx.get(f"{board}/login?token={process.token()}", headers={"Accept-Language": "en"})
    assert "used already" in again.text
    assert process.end() == 0
    # The link stood on the screen, and nowhere else.
    for file in (path for path in state.rglob("*") if path.is_file()):
        assert process.token().encode() not in file.read_bytes(), file


def test_a_change_on_github_reaches_an_open_page_long_before_the_next_beat(
    start: Starter, tmp_path: Path
) -> None:
    process = start(STEWARD_SYNC_INTERVAL_S="3600")
    state = tmp_path / ".steward" / "demo"
    process.wait_for("repositories came in")
    cookie = sign_in(process, state / "steward.db")
    told = json.loads((state / "runtime.json").read_text())
    with httpx.stream("GET", f"{process.board()}/live", headers=cookie, timeout=10) as stream:
        lines = stream.iter_lines()
        next(lines)
        made = httpx.post(
            f"{told['server']}/orgs/acme/repos",
            json={"name": "quick"},
            headers={"Authorization": f"Bearer {told['token']}"},
        )
        assert made.status_code == 201
        signals = (json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))
        assert next(signal for signal in signals if signal["project"])["project"] == "quick"
    assert process.end() == 0


def test_it_stops_in_order_within_seconds_though_pages_are_open(start: Starter, tmp_path: Path) -> None:
    process = start()
    process.wait_for("repositories came in")
    board = process.board()
    cookie = sign_in(process, tmp_path / ".steward" / "demo" / "steward.db")
    clock = SystemClock()
    with ExitStack() as stack:
        streams = []
        for _ in range(5):
            stream = stack.enter_context(httpx.stream("GET", f"{board}/live", headers=cookie, timeout=10))
            lines = stream.iter_lines()
            next(lines)
            streams.append(lines)
        slow = begin_request(board)
        stack.callback(slow.close)
        asked = clock.now()
        process.child.send_signal(signal.SIGTERM)
        clock.wait(0.3)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{board}/livez")
        # A request that had begun is answered still.
        slow.sendall(b"}")
        assert slow.recv(100).startswith(b"HTTP/1.1 401")
        assert process.child.wait(10) == 0
        assert elapsed_s(asked, clock.now()) < STOP_MAX_S
        for lines in streams:
            assert not [line for line in lines if line.startswith("data:")], "it came to its end, uncut"


def begin_request(board: str) -> socket.socket:
    """A request whose body lacks its last byte."""
    host, _colon, port = board.removeprefix("http://").partition(":")
    sent = socket.create_connection((host, int(port)), timeout=10)
    sent.sendall(
        b"POST /hooks/github HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        b"X-GitHub-Event: ping\r\nX-GitHub-Delivery: 72d3162e-cc78-11e3-81ab-4c9367dc0958\r\n"
        b"X-GitHub-Hook-ID: 1\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{"
    )
    return sent


def test_webhooks_can_have_a_listener_of_their_own(start: Starter) -> None:
    process = start(STEWARD_WEB_HOOKS_PORT="0")
    process.wait_for("repositories came in")
    board = process.board()
    hooks = process.wait_for("^  webhooks ").split()[1].removesuffix("/hooks/github")
    assert httpx.post(f"{board}/hooks/github").status_code == 404
    assert httpx.post(f"{board}/hooks/telegram").status_code == 404
    assert httpx.post(f"{hooks}/hooks/github", json={}).status_code == 401
    assert httpx.post(f"{hooks}/hooks/telegram", json={}).status_code == 401
    assert httpx.get(f"{hooks}/livez").status_code == 200
    assert httpx.get(f"{board}/livez").status_code == 200
    for path in ("/projects", "/readyz", "/metrics", "/live", "/login"):
        assert httpx.get(f"{hooks}{path}").status_code == 404, path
    assert process.end() == 0


def test_two_web_faces_beside_one_up_show_the_same_database(start: Starter, fresh_postgres: str) -> None:
    with Hub(orgs=["globex"]) as hub:
        hub.create("shop")
        environ = {
            "STEWARD_GITHUB_URL": hub.url,
            "STEWARD_GITHUB_TOKEN": hub.token,
            "STEWARD_GITHUB_ORGS": "globex",
            "STEWARD_DATABASE_URL": fresh_postgres,
        }
        keeper = start("--json", **environ)
        keeper.wait_for("organisation.imported")
        faces = [start(command="serve", **environ) for _ in range(2)]
        for face in faces:
            checks = await_ready(face.board()).json()["checks"]
            assert checks == {"database": True, "schema": True}
        # Nobody reads these lines alone, so they hold no link.
        told = " ".join([*faces[0].out, *faces[0].err, *keeper.err])
        assert "steward user link" in told
        assert "token=" not in told
        store = open_store(fresh_postgres)
        access = Access(store, SystemClock())
        name = faces[0].wait_for("steward user link").split()[5].strip("`")
        link = access.link(name, "a test")
        cookie = {"Cookie": f"{COOKIE}={access.sign_in(link, 'a test')[0]}"}
        assert access.identify(cookie["Cookie"].partition("=")[2], PassKind.SESSION).user is not None
        store.close()
        for face in faces:
            assert "shop" in httpx.get(f"{face.board()}/projects", headers=cookie).text
            assert face.end(signal.SIGTERM) == 0
        assert keeper.end() == 0


def test_the_log_of_a_service_is_json_and_holds_no_secret_of_any_kind(start: Starter, tmp_path: Path) -> None:
    shown = {name: f"{name}-Zm9v/+&=?% bar" for name in ("notify", "webhook")}
    with Hub(orgs=["globex"], token="hub-0f9e8d7c6b5a4321") as hub:
        process = start(
            "--json",
            STEWARD_GITHUB_URL=hub.url,
            STEWARD_GITHUB_TOKEN=hub.token,
            STEWARD_GITHUB_ORGS="globex",
            STEWARD_GITHUB_WEBHOOK_SECRET=shown["webhook"],
            STEWARD_NOTIFY_URLS=f"json://someone:{quote(shown['notify'], safe='')}@127.0.0.1:1/",
            STEWARD_LOG_LEVEL="debug",
        )
        process.wait_for("organisation.imported")
        board = json.loads((tmp_path / ".steward" / "runtime.json").read_text())["web"]
        for secret in (hub.token, shown["webhook"], f"stt_{'a1B2' * 10}"):
            headers = {"Authorization": f"Bearer {quote(secret)}", "Cookie": f"{COOKIE}={quote(secret)}"}
            httpx.get(f"{board}/projects/{quote(secret, safe='')}", params={"q": secret}, headers=headers)
        number = httpx.get(f"{board}/livez").headers["X-Request-Id"]
        assert process.end() == 0
    lines = [json.loads(line) for line in process.err if line.startswith("{")]
    answered = [line for line in lines if line["logger"] == "steward.access" and line["request_id"] == number]
    assert [(line["route"], line["method"], line["status"]) for line in answered] == [("/livez", "GET", 200)]
    text = "\n".join(process.err)
    for secret in (hub.token, shown["notify"], shown["webhook"], f"stt_{'a1B2' * 10}"):
        for form in (secret, quote(secret, safe=""), quote(secret), b64encode(secret.encode()).decode()):
            assert form not in text, form


def test_serve_says_where_nothing_keeps_what_it_shows_in_step(start: Starter, tmp_path: Path) -> None:
    keeper = start()
    keeper.wait_for("What happens")
    assert keeper.end() == 0
    face = start(command="serve")
    assert await_ready(face.board()).status_code == 200
    assert face.end() == 0
    assert any("steward up" in line for line in face.err)


@pytest.fixture
def fresh_postgres(postgres_url: str) -> Iterator[str]:
    """An empty PostgreSQL database of the test's own."""
    url = fresh_database(postgres_url)
    yield url
    drop_database(postgres_url, url)


@pytest.fixture
def handlers() -> Iterator[None]:
    """Puts the handlers of signals back that a command in this process takes."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("clean", "handlers")
@pytest.mark.parametrize("command", ["up", "serve"])
def test_a_server_that_dies_ends_the_process_with_its_reason_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, command: str
) -> None:
    async def die(_server: uvicorn.Server) -> None:
        raise RuntimeError("out of file descriptors")

    monkeypatch.setenv("STEWARD_WEB_PORT", "0")
    monkeypatch.setenv("STEWARD_DEMO_PORT", "0")
    monkeypatch.setattr(uvicorn.Server, "main_loop", die)
    done = run_command(command)
    assert (done.code, "the web face ended by itself" in done.stderr) == (1, True)
    assert "out of file descriptors" in caplog.text
    assert [thread.name for thread in threading.enumerate() if thread.name in ("web", "service")] == []
