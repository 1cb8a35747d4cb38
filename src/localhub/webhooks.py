"""Webhooks out: hooks, their deliveries, and the thread that makes them.

As GitHub does it: ten seconds for an answer, no second try by itself, one GUID for an event whatever number of
hooks hear of it and whenever it is delivered again. Deliveries are kept for three days; one that was queued when
localhub ended is made at its next start. GitHub promises no order: here each hook gets its deliveries one after
the other, in order, unless a fault says otherwise.

Bodies are made elsewhere (events.py).
"""

import hashlib
import heapq
import hmac
import logging
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from time import monotonic
from typing import Any

import httpx
import msgspec

from localhub.clock import Clock, stamp
from localhub.faultset import Plan
from localhub.store import Record, Store

TIMEOUT_S = 10.0
KEPT = timedelta(days=3)
MAX_PAYLOAD_BYTES = 25 * 1024 * 1024
_KEPT_ANSWER_CHARACTERS = 10_000
_REORDERED_GAP_S = 0.05
_log = logging.getLogger(__name__)


def signature(secret: str, body: bytes) -> str:
    """The value of `X-Hub-Signature-256`."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


class Webhooks:
    """All hooks and deliveries of one localhub."""

    def __init__(self, store: Store, clock: Clock, plan: Callable[[str], Plan]) -> None:
        self._store = store
        self._clock = clock
        self._plan = plan
        self._queue: list[tuple[float, int, int, int]] = []
        self._held: list[tuple[int, int]] = []
        self._order = 0
        self._busy = 0
        self._stopping = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to deliver, first of all what an earlier run left queued."""
        left = self._store.rows("SELECT id, hook_id FROM delivery WHERE delivered_at IS NULL ORDER BY id")
        for row in left:
            self._push(row["id"], row["hook_id"], 0.0)
        self._thread = threading.Thread(target=self._run, name="localhub-webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop delivering; a delivery under way is finished first."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def settle(self, timeout_s: float) -> bool:
        """Wait until nothing is queued or under way; False when that takes longer than `timeout_s`."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue and not self._busy, timeout_s)

    def hooks(self, scope: str) -> list[Record]:
        """The hooks of an organisation (`org:ID`) or a repository (`repo:ID`)."""
        return self._store.records("hook", scope)

    def wanted(self, scopes: Sequence[str], event: str) -> bool:
        """Whether any active hook in these scopes listens to the event."""
        return any(_listens(hook, event) for scope in scopes for hook in self.hooks(scope))

    def send(
        self,
        scopes: Sequence[str],
        event: str,
        action: str | None,
        repository_id: int | None,
        body: Mapping[str, Any],
    ) -> None:
        """Queue an event for every hook in these scopes that listens to it, all under one GUID."""
        guid = str(uuid.uuid4())
        with self._store.transaction():
            oldest = stamp(self._clock.now() - KEPT)
            self._store.run("DELETE FROM delivery WHERE queued_at < ?", oldest)
            for hook in [hook for scope in scopes for hook in self.hooks(scope)]:
                if _listens(hook, event):
                    self._deliver(hook, guid, event, action, repository_id, body)

    def ping(self, hook: Record, body: Mapping[str, Any]) -> None:
        """Queue a `ping` for one hook, whatever it listens to."""
        self._deliver(hook, str(uuid.uuid4()), "ping", None, None, body)

    def redeliver(self, delivery_id: int) -> None:
        """Queue a delivery once more, under its GUID and with the same body."""
        row = self._store.row("SELECT * FROM delivery WHERE id = ?", delivery_id)
        if row is None:
            raise LookupError(f"there is no delivery {delivery_id}")
        what = (row["hook_id"], row["guid"], row["event"], row["action"], row["repository_id"])
        self._insert(*what, row["payload"], redelivery=True)

    def _deliver(
        self,
        hook: Record,
        guid: str,
        event: str,
        action: str | None,
        repository_id: int | None,
        body: Mapping[str, Any],
    ) -> None:
        encoded = msgspec.json.encode(body)
        if len(encoded) > MAX_PAYLOAD_BYTES:
            return  # GitHub does not send it at all
        self._insert(hook.id, guid, event, action, repository_id, encoded, redelivery=False)

    def _insert(
        self,
        hook_id: int,
        guid: str,
        event: str,
        action: str | None,
        repository_id: int | None,
        payload: bytes,
        *,
        redelivery: bool,
    ) -> None:
        plan = Plan() if redelivery else self._plan(event)
        if not plan.listed:
            return
        now = stamp(self._clock.now())
        for _ in range(max(1, plan.copies)):
            number = self._store.next_id("delivery", first=100_001)
            self._store.run(
                "INSERT INTO delivery (id, hook_id, guid, event, action, repository_id, payload, queued_at, "
                "redelivery) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                *(number, hook_id, guid, event, action, repository_id, payload, now, int(redelivery)),
            )
            if plan.copies == 0:
                self._finish(number, 0.0, "failed to connect to host", 502, {}, {}, "")
            elif plan.hold_for > 1:
                self._hold(number, hook_id, plan)
            else:
                self._push(number, hook_id, plan.delay_s)

    def _hold(self, number: int, hook_id: int, plan: Plan) -> None:
        """Keep a delivery back until enough are there, then queue them last first."""
        with self._changed:
            self._held.append((number, hook_id))
            enough = len(self._held) >= plan.hold_for
        if enough:
            self.release(plan.delay_s)

    def release(self, delay_s: float = 0.0) -> None:
        """Queue all that is kept back, last first, far enough apart to arrive in this order."""
        with self._changed:
            ready, self._held = self._held[::-1], []
        for at, (number, hook_id) in enumerate(ready):
            self._push(number, hook_id, delay_s + at * _REORDERED_GAP_S)

    def _push(self, number: int, hook_id: int, delay_s: float) -> None:
        with self._changed:
            self._order += 1
            heapq.heappush(self._queue, (monotonic() + delay_s, self._order, number, hook_id))
            self._changed.notify_all()

    def _run(self) -> None:
        senders: dict[int, ThreadPoolExecutor] = {}
        with httpx.Client(timeout=TIMEOUT_S) as client, ExitStack() as ending:
            while (due := self._next()) is not None:
                number, hook_id = due
                if hook_id not in senders:
                    senders[hook_id] = ThreadPoolExecutor(1)
                    # What is not begun at the end stays queued in the database for the next start.
                    ending.callback(senders[hook_id].shutdown, cancel_futures=True)
                senders[hook_id].submit(self._send_one, client, number).add_done_callback(self._sent)

    def _next(self) -> tuple[int, int] | None:
        with self._changed:
            while not self._stopping:
                if self._queue and self._queue[0][0] <= monotonic():
                    self._busy += 1
                    return heapq.heappop(self._queue)[2:]
                self._changed.wait(self._queue[0][0] - monotonic() if self._queue else None)
        return None

    def _sent(self, done: "Future[None]") -> None:
        if not done.cancelled() and (error := done.exception()) is not None:
            _log.error("a delivery could not be made", exc_info=error)
        with self._changed:
            self._busy -= 1
            self._changed.notify_all()

    def _send_one(self, client: httpx.Client, number: int) -> None:
        """Make one delivery and note what came of it."""
        row = self._store.row(
            "SELECT d.*, r.data, r.scope FROM delivery d "
            "JOIN record r ON r.kind = 'hook' AND r.id = d.hook_id WHERE d.id = ?",
            number,
        )
        if row is None:
            return  # the change that caused it was undone, or its hook was removed
        hook = msgspec.json.decode(row["data"])
        headers = _headers(hook, row)
        begun = monotonic()
        try:
            answer = client.post(hook["url"], content=row["payload"], headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            status, code = (
                ("timed out", 504) if isinstance(error, httpx.TimeoutException) else (str(error), 502)
            )
            self._finish(number, monotonic() - begun, status, code, headers, {}, "")
            return
        status = "OK" if answer.is_success else f"Invalid HTTP Response: {answer.status_code}"
        told = answer.text[:_KEPT_ANSWER_CHARACTERS]
        took_s = monotonic() - begun
        self._finish(number, took_s, status, answer.status_code, headers, dict(answer.headers), told)

    def _finish(
        self,
        number: int,
        took_s: float,
        status: str,
        code: int,
        sent: Mapping[str, str],
        got: Mapping[str, str],
        told: str,
    ) -> None:
        encoded = (msgspec.json.encode(dict(sent)).decode(), msgspec.json.encode(dict(got)).decode())
        with self._store.transaction():
            self._store.run(
                "UPDATE delivery SET delivered_at = ?, duration_s = ?, status = ?, status_code = ?, "
                "request_headers = ?, response_headers = ?, response_body = ? WHERE id = ?",
                *(stamp(self._clock.now()), round(took_s, 3), status, code, *encoded, told, number),
            )
            row = self._store.row("SELECT hook_id FROM delivery WHERE id = ?", number)
            found = (
                None
                if row is None
                else self._store.row("SELECT * FROM record WHERE kind = 'hook' AND id = ?", row["hook_id"])
            )
            if found is not None:
                data = msgspec.json.decode(found["data"])
                data["last_response"] = {"code": code, "status": status, "message": status}
                record = Record(found["id"], found["scope"], found["key"], data)
                self._store.change("hook", replace(record, data=data))


def _listens(hook: Record, event: str) -> bool:
    wanted = hook.data["events"]
    return bool(hook.data["active"]) and ("*" in wanted or event in wanted)


def _headers(hook: Mapping[str, Any], row: Any) -> dict[str, str]:
    """The headers of one delivery; `row` is the delivery with its hook's scope."""
    kind, _, target = row["scope"].partition(":")
    headers = {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/localhub",
        "X-GitHub-Delivery": row["guid"],
        "X-GitHub-Event": row["event"],
        "X-GitHub-Hook-ID": str(row["hook_id"]),
        "X-GitHub-Hook-Installation-Target-ID": target,
        "X-GitHub-Hook-Installation-Target-Type": "organization" if kind == "org" else "repository",
    }
    if hook.get("secret"):
        headers["X-Hub-Signature-256"] = signature(hook["secret"], row["payload"])
    return headers
