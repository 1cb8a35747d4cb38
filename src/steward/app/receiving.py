"""The receiver of webhooks: proves who sent a delivery, and stores it durably before it is acknowledged.

One thread commits what has arrived meanwhile in one transaction, so that many deliveries share the wait for
the disk. Its queue is bounded: what does not fit is refused, and found later in GitHub's own list.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import re
import threading
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Final

from steward.app.inbox import take_in
from steward.app.parts import Parts
from steward.domain.deliveries import ID_MAX, Delivery
from steward.domain.instant import Instant, elapsed_s
from steward.domain.people import AuditLine
from steward.ports import Permanent, StoreUnavailable

log = logging.getLogger(__name__)

BODY_MAX_BYTES: Final = 25 * 1024 * 1024
"""GitHub sends no larger one. Source: GitHub's "Webhook events and payloads"."""
QUEUE_MAX: Final = 5000
QUEUE_MAX_BYTES: Final = 64 * 1024 * 1024
BATCH_MAX: Final = 500
LINGER_S: Final = 0.015
SHARED: Final = 0.25
"""How long others may join a transaction under load: this part of what the last one took, and never longer than
that. Where the disk is quick, waiting for company costs more than it saves.
"""
REFUSALS_S: Final = 60.0
"""At most one audit line per reason in this time, however many are refused."""

_EVENT: Final = re.compile(r"[a-z0-9_]{1,64}")
_GUID: Final = re.compile(r"[A-Za-z0-9-]{8,64}")
_KEPT: Final = (
    "x-github-event",
    "x-github-delivery",
    "x-github-hook-id",
    "x-github-hook-installation-target-id",
    "x-github-hook-installation-target-type",
    "user-agent",
    "content-type",
)
"""The headers that are kept with a delivery. The signature is not: it is of no use to anybody else."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a delivery is not taken: an HTTP status, a stable code, and what to do."""

    status: int
    code: str
    detail: str
    advice: str = ""


NO_SECRET: Final = Refusal(
    401,
    "no-webhook-secret",
    "no webhook secret is configured, so nothing can prove who sent this",
    "Register the webhook: `steward webhook register`.",
)
UNSIGNED: Final = Refusal(
    401, "unsigned", "the delivery bears no signature", "Give the webhook a secret, the one Steward has."
)
WRONG_SIGNATURE: Final = Refusal(
    401,
    "wrong-signature",
    "the signature is not of this body with our secret",
    "Give the webhook the secret that Steward has: `steward webhook register` does.",
)
NOT_JSON: Final = Refusal(
    415, "not-json", "the body is not sent as JSON", "Set the webhook's content type to application/json."
)
TOO_LARGE: Final = Refusal(
    413, "too-large", "the body is larger than GitHub ever sends", "Polling finds what it told of."
)
BUSY: Final = Refusal(
    503,
    "busy",
    "more deliveries arrive than can be stored now",
    "What is refused is found by the next sweep.",
)


class Full(Exception):
    """The queue is full, or the receiver does not run."""


class Receiver:
    """Takes deliveries. Start it before use; stopping it stores what was accepted."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._changed = threading.Condition()
        self._queue: deque[tuple[Delivery, Future[bool]]] = deque()
        self._bytes = 0
        self._busy = False
        self._linger_s = LINGER_S
        self._ended = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._refusals = Refusals(parts)

    def start(self) -> None:
        """Begin to store; nothing, if it does already."""
        if self._thread is not None:
            return
        self._stopping = False
        self._ended.clear()
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Store what was accepted, then end."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        self._refusals.flush()

    def unproven(self, headers: Mapping[str, str]) -> Refusal | None:
        """Why it is refused whatever its body is, so that nobody has us read bodies for nothing."""
        if not self._secret():
            return NO_SECRET
        return None if headers.get("x-hub-signature-256") else UNSIGNED

    def _secret(self) -> str | None:
        try:
            return self._parts.webhook_secret.read()
        except Permanent as error:
            log.warning("%s; every delivery is refused", error.reason)
            return None

    def check(self, headers: Mapping[str, str], body: bytes) -> Delivery | Refusal:
        """Prove who sent it and what it is; `headers` finds a name in lower case. Nothing is stored."""
        secret, signed = self._secret(), headers.get("x-hub-signature-256", "")
        if not secret:
            return NO_SECRET
        if not signed:
            return UNSIGNED
        expected = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signed.encode(), expected.encode()):
            return WRONG_SIGNATURE
        if headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return NOT_JSON
        return self._delivery(headers, body)

    def _delivery(self, headers: Mapping[str, str], body: bytes) -> Delivery | Refusal:
        event, guid = headers.get("x-github-event", ""), headers.get("x-github-delivery", "")
        number = _number(headers.get("x-github-hook-id"))
        if number is None and (app := _number(headers.get("x-github-hook-installation-target-id"))):
            number = -app
        if not _EVENT.fullmatch(event):
            return _malformed("X-GitHub-Event")
        if not _GUID.fullmatch(guid):
            return _malformed("X-GitHub-Delivery")
        if number is None:
            return _malformed("X-GitHub-Hook-ID")
        kept = {name: headers[name][:200] for name in _KEPT if headers.get(name)}
        return Delivery(number, guid, event, self._parts.clock.now().at, body, kept)

    def submit(self, delivery: Delivery) -> Future[bool]:
        """Store it. The result comes once it is durable: True if it was new. Raises Full."""
        done: Future[bool] = Future()
        with self._changed:
            size = self._bytes + len(delivery.body)
            room = len(self._queue) < QUEUE_MAX and (size <= QUEUE_MAX_BYTES or not self._queue)
            if self._thread is None or self._stopping or not room:
                raise Full
            self._queue.append((delivery, done))
            self._bytes = size
            self._changed.notify_all()
        return done

    def refused(self, refusal: Refusal, address: str, request: str = "") -> None:
        """Keep a refusal in the audit log: the first of its kind at once, further ones counted."""
        self._refusals.note(refusal, address, request)

    def _run(self) -> None:
        while batch := self._take():
            self._store(batch)

    def _take(self) -> list[tuple[Delivery, Future[bool]]]:
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._stopping)
        if self._busy:
            # Under load a transaction costs more than a moment's wait for others to share it.
            self._ended.wait(self._linger_s)
        with self._changed:
            batch = [self._queue.popleft() for _ in range(min(BATCH_MAX, len(self._queue)))]
            # From here on a sender that goes away cannot cancel; one that went is told nothing.
            batch = [
                (delivery, done if done.set_running_or_notify_cancel() else Future())
                for delivery, done in batch
            ]
            self._bytes -= sum(len(delivery.body) for delivery, _ in batch)
            self._busy = len(batch) > 1
            return batch

    def _store(self, batch: list[tuple[Delivery, Future[bool]]]) -> None:
        began = self._parts.clock.now()
        try:
            with self._parts.store.writing() as tx:
                new = take_in(tx, [delivery for delivery, _ in batch], self._parts.server)
        except Exception as error:  # noqa: BLE001 - it is raised anew where each sender waits
            for _, done in batch:
                done.set_exception(error)
            return
        self._linger_s = min(LINGER_S, elapsed_s(began, self._parts.clock.now()) * SHARED)
        self._parts.bell.ring()
        for (_, done), fresh in zip(batch, new, strict=True):
            done.set_result(fresh)


def _malformed(header: str) -> Refusal:
    return Refusal(400, "malformed", f"the header {header} is missing or malformed", "Is GitHub the sender?")


def _number(text: str | None) -> int | None:
    if not text or not text.isascii() or not text.isdigit() or len(text) > 19:
        return None
    number = int(text)
    return number if 0 < number <= ID_MAX else None


class Refusals:
    """Refused deliveries in the audit log: one line per reason and minute, so that a flood fills no disk."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._guard = threading.Lock()
        self._since: dict[str, Instant] = {}
        self._more: dict[str, tuple[int, AuditLine]] = {}

    def note(self, refusal: Refusal, address: str, request: str) -> None:
        """Keep one."""
        now = self._parts.clock.now()
        line = AuditLine(
            now.at,
            "nobody",
            "POST receive",
            "refused",
            target="/hooks/github",
            reason=refusal.detail,
            request=request,
            address=address,
        )
        with self._guard:
            since = self._since.get(refusal.code)
            if since is not None and elapsed_s(since, now) < REFUSALS_S:
                count, _ = self._more.get(refusal.code, (0, line))
                self._more[refusal.code] = (count + 1, line)
                return
            self._since[refusal.code] = now
            lines = [*self._counted(refusal.code), line]
        self._write(lines)

    def flush(self) -> None:
        """Write what was only counted so far."""
        with self._guard:
            lines = [line for code in list(self._more) for line in self._counted(code)]
        self._write(lines)

    def _counted(self, code: str) -> list[AuditLine]:
        count, last = self._more.pop(code, (0, None))
        return [] if last is None else [replace(last, reason=f"{last.reason} ({count} times more)")]

    def _write(self, lines: list[AuditLine]) -> None:
        if not lines:
            return
        try:
            with self._parts.store.writing() as tx:
                tx.add_audit(lines)
        except StoreUnavailable as error:
            log.warning("refused deliveries cannot be audited: %s", error.reason)
