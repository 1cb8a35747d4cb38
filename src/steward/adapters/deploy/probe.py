"""Looks whether a release lives, as its proof says. Nothing here raises: silence is an answer."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol

import httpx
from cryptography import x509

from steward.domain.spec import Proof
from steward.ports import Clock
from steward.ports.building import Sign

BODY_MAX: Final = 64 * 1024
INDEX_MAX: Final = 16 * 1024 * 1024
REDIRECTS_MAX: Final = 5
DAY_S: Final = 86400.0
DETAIL_MAX: Final = 300


class Word(Protocol):
    """What a supervisor says of a process; `up_s` in seconds."""

    @property
    def alive(self) -> bool: ...

    @property
    def commit(self) -> str: ...

    @property
    def up_s(self) -> float: ...


@dataclass(frozen=True, slots=True)
class _Page:
    """An answer: its code, the beginning of its body, and what the connection showed."""

    code: int
    body: bytes
    url: str
    tls_days_left: float | None = None
    elsewhere: str = ""


class _Silent(Exception):
    """No answer that counts; the message says why."""


class LifeProbe:
    """Looks at releases. `process` gives a supervisor's word on an address `process://host/slug`, None where it
    has none; `attested_by` says who vouches for an address. `trust` holds the authorities that certificates are
    checked against, the system's where it is left out.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        process: Callable[[str], Word | None] = lambda _url: None,
        attested_by: Callable[[str], str] = lambda _url: "a person",
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._clock = clock
        self._process = process
        self._attested_by = attested_by
        self._trust = trust

    def look(self, url: str, proof: Proof, commit: str, timeout_s: float) -> Sign:
        """One look; see `ports.building.Probe`.

        For a package `url` is the index's JSON address of it, and `proof.version_path` the version looked for.
        """
        try:
            if proof.kind == "process":
                return self._look_at_process(url, commit)
            if proof.kind == "package":
                return self._look_at_package(url, proof, commit, timeout_s)
            if proof.kind == "attested":
                return Sign(alive=True, commit=commit, detail=f"{self._attested_by(url)} says so")
            return self._look_at_site(url, proof, commit, timeout_s)
        except _Silent as silent:
            return Sign(alive=False, detail=str(silent)[:DETAIL_MAX])

    def _look_at_site(self, url: str, proof: Proof, commit: str, timeout_s: float) -> Sign:
        until = self._clock.now().tick_s + timeout_s
        page = self._get(_joined(url, proof.path), until)
        days, trusted, words = page.tls_days_left, None, ""
        if days is not None:
            trusted, words = self._verify(page.url, until)
        if page.elsewhere or not 200 <= page.code < 300:
            detail = page.elsewhere or f"{proof.path} answers {page.code}"
            return Sign(False, "", _joint(detail, words), days, trusted)
        if not proof.version_path:
            return Sign(True, "", _joint(f"{proof.path} answers {page.code}", words), days, trusted)
        version = self._get(_joined(url, proof.version_path), until)
        found = _commit_in(version.body) if 200 <= version.code < 300 else ""
        if found != commit:
            said = f"says {found[:64]!r}" if found else f"answers {version.code} without a commit"
            return Sign(False, found[:64], _joint(f"{proof.version_path} {said}", words), days, trusted)
        return Sign(True, found, _joint(f"{proof.path} answers {page.code}", words), days, trusted)

    def _look_at_process(self, url: str, commit: str) -> Sign:
        word = self._process(url)
        if word is None:
            return Sign(alive=False, detail="its supervisor does not know it")
        if not word.alive:
            return Sign(False, word.commit, "it does not run", up_s=word.up_s)
        if word.commit != commit:
            return Sign(False, word.commit, f"it runs {word.commit[:12]}", up_s=word.up_s)
        return Sign(True, word.commit, f"it has been running for {word.up_s:.0f} s", up_s=word.up_s)

    def _look_at_package(self, url: str, proof: Proof, commit: str, timeout_s: float) -> Sign:
        page = self._get(url, self._clock.now().tick_s + timeout_s, INDEX_MAX)
        if not 200 <= page.code < 300:
            return Sign(alive=False, detail=page.elsewhere or f"the index answers {page.code}")
        version = proof.version_path.lstrip("/")
        try:
            index = json.loads(page.body)
        except (ValueError, RecursionError):
            return Sign(alive=False, detail="the index answers without JSON")
        listed = [index.get(key) for key in ("releases", "versions")] if isinstance(index, dict) else []
        if any(version in part for part in listed if isinstance(part, dict | list)):
            return Sign(alive=True, commit=commit, detail=f"the index has {version}")
        return Sign(alive=False, detail=f"the index does not have {version}")

    def _get(self, url: str, until: float, most: int = BODY_MAX) -> _Page:
        """Read an address, following redirects as long as they stay on its host. Raises _Silent."""
        try:
            return self._follow(httpx.URL(url), until, most)
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError, ValueError) as error:
            raise _Silent(_reason(error)) from None

    def _follow(self, url: httpx.URL, until: float, most: int) -> _Page:
        host = url.host
        # Who it claims to be is asked on a connection of its own: a bad certificate is told, not taken for death.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with httpx.Client(verify=context, trust_env=False) as client:
            for _round in range(REDIRECTS_MAX + 1):
                with self._stream(client, url, until) as answer:
                    days = self._days_left(answer)
                    if not answer.has_redirect_location:
                        return _Page(answer.status_code, self._read(answer, until, most), str(url), days)
                    further = url.join(answer.headers["location"])
                if further.host != host or further.scheme not in {"http", "https"}:
                    words = f"it redirects to another host, {further.host[:100]}"
                    return _Page(answer.status_code, b"", str(url), days, words)
                url = further
        return _Page(310, b"", str(url), None, "it redirects without end")

    @contextmanager
    def _stream(self, client: httpx.Client, url: httpx.URL, until: float) -> Iterator[httpx.Response]:
        with client.stream("GET", url, timeout=self._left(until), headers={"accept": "*/*"}) as answer:
            yield answer

    def _left(self, until: float) -> float:
        """Seconds left. Raises _Silent where there are none."""
        left = until - self._clock.now().tick_s
        if left <= 0:
            raise _Silent("it did not answer in time")
        return left

    def _read(self, answer: httpx.Response, until: float, most: int) -> bytes:
        """The beginning of the body. A body that trickles ends with the time."""
        body = b""
        for chunk in answer.iter_bytes():
            body += chunk
            self._left(until)
            if len(body) >= most:
                break
        return body[:most]

    def _days_left(self, answer: httpx.Response) -> float | None:
        shown = answer.extensions["network_stream"].get_extra_info("ssl_object")
        der = shown.getpeercert(True) if shown is not None else None
        if der is None:
            return None
        try:
            ends = x509.load_der_x509_certificate(der).not_valid_after_utc
        except ValueError:
            return None
        now: datetime = self._clock.now().at
        return (ends - now).total_seconds() / DAY_S

    def _verify(self, url: str, until: float) -> tuple[bool, str]:
        """Whether a browser would believe the certificate, and the reason where it would not."""
        trust = self._trust or ssl.create_default_context()
        try:
            with httpx.Client(verify=trust, trust_env=False) as client:
                client.head(url, timeout=self._left(until))
        except _Silent:
            return False, "its certificate could not be checked in time"
        except (httpx.HTTPError, ssl.SSLError, OSError, ValueError) as error:
            return False, f"its certificate is not believed: {_reason(error)}"
        return True, ""


def _joined(url: str, path: str) -> str:
    return url.rstrip("/") + path


def _joint(*words: str) -> str:
    return "; ".join(word for word in words if word)[:DETAIL_MAX]


def _commit_in(body: bytes) -> str:
    try:
        value: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    found = value.get("commit") if isinstance(value, dict) else None
    return found if isinstance(found, str) else ""


def _reason(error: Exception) -> str:
    if isinstance(error, httpx.TimeoutException | TimeoutError):
        return "it did not answer in time"
    if isinstance(error, httpx.ConnectError):
        return f"no connection: {error}"
    return str(error) or type(error).__name__
