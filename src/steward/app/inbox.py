"""The inbox: takes deliveries in, and has what they name looked at, once however many name it.

A delivery is done only when the look that followed it was committed, so that one that a process died in is
worked on again. Nothing of its contents reaches the record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from steward.app.heartbeat import Heartbeat, Report
from steward.app.parts import Parts
from steward.app.reading import STILL_THERE
from steward.domain.belief import DELIVERY_SAYS_GONE
from steward.domain.deliveries import Delivery, Hook, State, Subject, names, on_branch, wanted
from steward.domain.hands import PREFIX
from steward.domain.repository import Repository
from steward.ports import Lease, Reads, Writes

BATCH: Final = 5000
ATTEMPTS_MAX: Final = 10
STILL_THERE_MAX: Final = 3
BACKOFF_S: Final = (5, 15, 60, 300, 900, 1800, 3600)
OURS: Final = f"refs/heads/{PREFIX}"
"""How the refs of our own branches begin."""
HOOK_GONE: Final = "GitHub does not have the webhook any more"


def take_in(tx: Writes, arrived: Sequence[Delivery], server: str) -> list[bool]:
    """Store what is not in the inbox yet, in its place; say of each whether it was new."""
    known = {
        (hook_id, guid)
        for hook_id in {delivery.hook_id for delivery in arrived}
        for guid in tx.known_guids(hook_id, [d.guid for d in arrived if d.hook_id == hook_id])
    }
    fresh: list[Delivery] = []
    new: list[bool] = []
    for delivery in arrived:
        key = (delivery.hook_id, delivery.guid)
        new.append(key not in known)
        if key not in known:
            known.add(key)
            fresh.append(delivery)
    if fresh:
        hooks = {hook.id: hook for hook in tx.hooks()}
        placed = list(_placed(tx, fresh, hooks, server))
        tx.deliver(placed)
        _note_deleted(tx, placed, hooks)
    return new


def _placed(
    view: Reads, fresh: Sequence[Delivery], hooks: Mapping[int, Hook], server: str
) -> Iterable[Delivery]:
    """Each delivery with what it names, and whether there is anything to do for it."""
    read = [(delivery, *_read(delivery)) for delivery in fresh]
    owners = {o.owner_id or 0: o.id for o in view.organisations() if o.server == server}
    strays = {
        subject.repository_id
        for delivery, subject, _state, _why in read
        if delivery.hook_id not in hooks and subject.owner_id not in owners and subject.repository_id
    }
    recorded = {
        tracked.repository.repo.id: tracked.repository.organisation_id
        for tracked in (view.tracked(strays) if strays else [])
    }
    for delivery, subject, state, why in read:
        hook = hooks.get(delivery.hook_id)
        home = hook.organisation_id if hook else owners.get(subject.owner_id or -1)
        if home is None and subject.repository_id is not None:
            home = recorded.get(subject.repository_id)
        if state is State.PENDING and home is None:
            state, why = State.IGNORED, "it is about no organisation that Steward keeps"  # noqa: PLW2901 - what it comes to
        yield replace(
            delivery,
            state=state,
            error=why,
            done_at=None if state is State.PENDING else delivery.received_at,
            action=subject.action,
            ref=subject.ref,
            after=subject.after,
            sender=subject.sender,
            organisation_id=home,
            owner_id=subject.owner_id,
            repository_id=subject.repository_id,
        )


def _read(delivery: Delivery) -> tuple[Subject, State, str]:
    """What it names, and whether that asks for a look. One that a sweep found has no body, and tells it itself."""
    subject = Subject(delivery.action, delivery.owner_id, delivery.repository_id)
    if delivery.source == "webhook":
        try:
            payload: Any = msgspec.json.decode(delivery.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            payload = None
        if not isinstance(payload, dict):
            return Subject(), State.FAILED, "its body is no JSON object"
        subject = names(delivery.event, payload)
    why = wanted(delivery.event, subject)
    return subject, State.IGNORED if why else State.PENDING, why


def _note_deleted(tx: Writes, placed: Sequence[Delivery], hooks: Mapping[int, Hook]) -> None:
    """A hook that was deleted on GitHub says so last of all: have it checked at once."""
    for delivery in placed:
        hook = hooks.get(delivery.hook_id)
        if hook is not None and (delivery.event, delivery.action) == ("meta", "deleted"):
            tx.save_hook(replace(hook, checked_at=None, failure=HOOK_GONE))


@dataclass(frozen=True, slots=True)
class Waiting:
    """Deliveries of one organisation that ask for a look."""

    rows: tuple[Delivery, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.rows)

    @property
    def whole(self) -> bool:
        """Whether any asks for a look at the whole organisation."""
        return any(row.whole for row in self.rows)

    @property
    def repository_ids(self) -> list[int]:
        """The repositories that are named, each once; deleted ones first, else in the order of arrival."""
        rows = sorted(self.rows, key=lambda row: not row.gone)
        return list(dict.fromkeys(row.repository_id for row in rows if row.repository_id is not None))

    @property
    def vouched(self) -> dict[int, str]:
        """The repositories whose deletion was told, with what tells it."""
        gone = (row for row in self.rows if row.gone and row.repository_id is not None)
        return {row.repository_id or 0: f"{DELIVERY_SAYS_GONE}{row.guid}" for row in gone}


class Inbox:
    """The deliveries of one organisation, worked on by its loop."""

    def __init__(self, parts: Parts, lease: Lease, organisation_id: int) -> None:
        self._parts = parts
        self._lease = lease
        self._organisation_id = organisation_id

    def pull(self) -> Waiting:
        """What waits now. Looks that begin after this have seen all that it tells of."""
        now = self._parts.clock.now().at
        with self._parts.store.reading() as view:
            rows = view.pending_deliveries(self._organisation_id, now, BATCH)
            pushed = {row.repository_id for row in rows if row.ref and row.repository_id}
            branches = {t.repository.repo.id: t.repository for t in view.tracked(pushed)} if pushed else {}
        elsewhere = [row for row in rows if _elsewhere(row, branches)]
        if elsewhere:
            why = "a push to another than the default branch"
            self._save([replace(row, state=State.IGNORED, error=why, done_at=now) for row in elsewhere])
        ids = {row.id for row in elsewhere}
        return Waiting(tuple(row for row in rows if row.id not in ids))

    def looked_whole(self, waiting: Waiting, report: Report) -> Waiting:
        """Settle what a look at the whole organisation has answered; return the rest.

        A deletion that was told is evidence of its own, for a look at that very repository.
        """
        if not report.whole:
            asked = [row for row in waiting.rows if row.whole]
            self._save([self._later(row, report.reason, report.retry_at) for row in asked])
            return Waiting(tuple(row for row in waiting.rows if not row.whole))
        self._save([self._done(row, report.look) for row in waiting.rows if not row.gone])
        return Waiting(tuple(row for row in waiting.rows if row.gone))

    def look(self, heartbeat: Heartbeat, waiting: Waiting) -> Report | None:
        """Look at the repositories that are named, at most `reads_per_round`, and settle their deliveries."""
        ids = waiting.repository_ids[: self._parts.rules.reads_per_round]
        report = heartbeat.look_at(self._organisation_id, ids, waiting.vouched) if ids else None
        if report is None:
            return None
        rows = [row for row in waiting.rows if row.repository_id in ids and not row.whole]
        self._save([self._outcome(row, report) for row in rows])
        return report

    def _outcome(self, row: Delivery, report: Report) -> Delivery:
        reason = report.unclear.get(row.repository_id or 0, "")
        if not reason or (reason == STILL_THERE and (not row.gone or row.attempts + 1 >= STILL_THERE_MAX)):
            return self._done(row, report.look)
        return self._later(row, reason, report.retry_at)

    def _done(self, row: Delivery, look: int) -> Delivery:
        at = self._parts.clock.now().at
        return replace(
            row, state=State.DONE, attempts=row.attempts + 1, look=look, done_at=at, error="", next_at=None
        )

    def _later(self, row: Delivery, reason: str, retry_at: datetime | None) -> Delivery:
        """Try again after a while; give up after a number of attempts, as the next beat heals all."""
        at, attempts = self._parts.clock.now().at, row.attempts + 1
        if attempts >= ATTEMPTS_MAX:
            return replace(row, state=State.FAILED, attempts=attempts, error=reason, done_at=at, next_at=None)
        next_at = at + timedelta(seconds=BACKOFF_S[min(attempts, len(BACKOFF_S)) - 1])
        if retry_at is not None:
            next_at = max(next_at, retry_at)
        return replace(row, attempts=attempts, error=reason, next_at=next_at)

    def _save(self, rows: Sequence[Delivery]) -> None:
        if rows:
            with self._parts.store.writing(self._lease) as tx:
                tx.save_deliveries(rows)


def _elsewhere(row: Delivery, recorded: Mapping[int, Repository]) -> bool:
    """Whether it is a push to a branch that is nobody's here: neither the default one nor one of our own."""
    if row.ref.startswith(OURS):
        return False
    known = recorded.get(row.repository_id or 0)
    return known is not None and not on_branch(row.ref, known.repo.default_branch)
