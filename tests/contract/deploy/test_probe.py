"""Looks at live things: real answers over the loopback, with and without TLS."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from steward.adapters.clock import SystemClock
from steward.adapters.deploy.local import Running
from steward.adapters.deploy.probe import LifeProbe
from steward.adapters.deploy.release import spare_port
from steward.domain.spec import Proof

COMMIT = "a" * 40
Answers = Mapping[str, tuple[int, Mapping[str, str], bytes]]
GOOD: Answers = {
    "/up": (200, {}, b"up"),
    "/version": (200, {}, json.dumps({"commit": COMMIT}).encode()),
}


@contextmanager
def serving(answers: Answers, tls: Path | None = None, held: threading.Event | None = None) -> Iterator[str]:
    """A server with fixed answers; what it does not know is 404. With `held`, bodies never end before it is set."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, headers, body = answers.get(self.path, (404, {}, b""))
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            if held is not None:
                held.wait(20)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *args: object) -> None:
            """A visitor who left halfway is expected here."""

    server = Server(("127.0.0.1", 0), Handler)
    scheme = "http"
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        scheme = "https"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"{scheme}://127.0.0.1:{server.server_port}"
    finally:
        if held is not None:
            held.set()
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def probe() -> LifeProbe:
    return LifeProbe(SystemClock())


def test_a_site_is_alive_with_2xx_and_its_commit(probe: LifeProbe) -> None:
    with serving(GOOD) as url:
        sign = probe.look(url + "/", Proof(), COMMIT, 5.0)
        assert (sign.alive, sign.commit, sign.tls_days_left, sign.tls_trusted) == (True, COMMIT, None, None)
        other = probe.look(url, Proof(), "b" * 40, 5.0)
        assert (other.alive, other.commit) == (False, COMMIT)
        assert "/version says 'aaaa" in other.detail
        assert probe.look(url, Proof(version_path=""), "b" * 40, 5.0).alive
        assert not probe.look(url, Proof(path="/none"), COMMIT, 5.0).alive
        assert not probe.look(url, Proof(version_path="/up"), COMMIT, 5.0).alive


@pytest.mark.parametrize("body", [b"[]", b"null", b'{"commit": 1}', b"\xff", b"[" * 60_000, b'"x"'])
def test_a_version_page_that_says_nothing_is_no_proof(probe: LifeProbe, body: bytes) -> None:
    with serving({**GOOD, "/version": (200, {}, body)}) as url:
        sign = probe.look(url, Proof(), COMMIT, 5.0)
        assert (sign.alive, sign.detail) == (False, "/version answers 200 without a commit")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "ftp://127.0.0.1/",
        "http://[::1",
        "http://127.0.0.1:99999",
        "http://no.such.host.invalid",
    ],
)
def test_an_address_that_is_none_is_silence_not_an_error(probe: LifeProbe, url: str) -> None:
    sign = probe.look(url, Proof(), COMMIT, 2.0)
    assert not sign.alive
    assert sign.detail


def test_nobody_there_and_nobody_answering_are_told(probe: LifeProbe) -> None:
    assert "no connection" in probe.look(f"http://127.0.0.1:{spare_port()}", Proof(), COMMIT, 2.0).detail
    with serving(GOOD, held=threading.Event()) as url:
        assert probe.look(url, Proof(), COMMIT, 0.3).detail == "it did not answer in time"


def test_redirects_are_followed_on_the_same_host_alone(probe: LifeProbe) -> None:
    answers = {
        **GOOD,
        "/": (302, {"location": "/up"}, b""),
        "/away": (302, {"location": "http://127.0.0.2:1/up"}, b""),
        "/round": (302, {"location": "/round"}, b""),
        "/file": (302, {"location": "file:///etc/passwd"}, b""),
    }
    with serving(answers) as url:
        assert probe.look(url, Proof(path="/"), COMMIT, 5.0).alive
        assert "another host" in probe.look(url, Proof(path="/away"), COMMIT, 5.0).detail
        assert "without end" in probe.look(url, Proof(path="/round"), COMMIT, 5.0).detail
        assert not probe.look(url, Proof(path="/file"), COMMIT, 5.0).alive


def test_only_the_beginning_of_a_body_is_read(probe: LifeProbe) -> None:
    with serving({**GOOD, "/up": (200, {}, b"x" * 70_000)}, held=threading.Event()) as url:
        assert probe.look(url, Proof(version_path=""), COMMIT, 5.0).alive


def certificate(folder: Path, days: float) -> Path:
    """A certificate of its own for 127.0.0.1 that ends in so many days, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shop")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{days}.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.mark.parametrize("days", [30.0, -2.0])
def test_days_left_are_known_of_a_certificate_that_nobody_believes(
    probe: LifeProbe, tmp_path: Path, days: float
) -> None:
    with serving(GOOD, certificate(tmp_path, days)) as url:
        sign = probe.look(url, Proof(), COMMIT, 5.0)
        assert sign.alive
        assert sign.tls_days_left == pytest.approx(days, abs=0.01)
        assert sign.tls_trusted is False
        assert "its certificate is not believed" in sign.detail


def test_a_certificate_that_is_believed_is_told_as_such(tmp_path: Path) -> None:
    own = certificate(tmp_path, 30.0)
    trusting = LifeProbe(SystemClock(), trust=ssl.create_default_context(cafile=str(own)))
    with serving(GOOD, own) as url:
        sign = trusting.look(url.replace("127.0.0.1", "localhost"), Proof(), COMMIT, 5.0)
        assert (sign.alive, sign.tls_trusted) == (True, True)


def test_a_process_lives_by_its_supervisors_word() -> None:
    words: dict[str, Running] = {
        "process://here/bot": Running(True, COMMIT, 61.0),
        "process://here/old": Running(True, "b" * 40, 5.0),
        "process://here/off": Running(False),
    }
    probe = LifeProbe(SystemClock(), process=words.get)
    seen = [
        probe.look(f"process://here/{name}", Proof("process"), COMMIT, 1.0)
        for name in ("bot", "old", "off", "none")
    ]
    assert [sign.alive for sign in seen] == [True, False, False, False]
    assert seen[0].up_s == 61.0


def test_a_package_lives_once_its_version_is_in_the_index(probe: LifeProbe) -> None:
    index: Answers = {
        "/a": (200, {}, json.dumps({"releases": {"1.2.0": []}}).encode()),
        "/b": (200, {}, json.dumps({"versions": ["1.2.0"]}).encode()),
        "/c": (200, {}, json.dumps({"versions": {"1.1.0": {}}}).encode()),
        "/d": (200, {}, b"no"),
    }
    proof = Proof("package", version_path="1.2.0")
    with serving(index) as url:
        found = [probe.look(f"{url}/{name}", proof, COMMIT, 5.0).alive for name in "abcde"]
    assert found == [True, True, False, False, False]


def test_a_persons_word_is_told_with_the_person() -> None:
    probe = LifeProbe(SystemClock(), attested_by=lambda url: f"anna, for {url}")
    sign = probe.look("https://shop.example.test", Proof("attested"), COMMIT, 1.0)
    assert (sign.alive, sign.detail) == (True, "anna, for https://shop.example.test says so")
