"""Hooks and deliveries: rows into domain values and back; see `rows`."""

from __future__ import annotations

import base64
import zlib
from typing import Any, Final

from steward.adapters.store.rows import Fields
from steward.adapters.store.values import (
    clean,
    json_text,
    json_value,
    maybe,
    readable,
    stamp,
    stamp_or_none,
    time_from,
)
from steward.domain.deliveries import Delivery, Hook
from steward.domain.hands import Sender

FAST: Final = 1
"""The quickest level of zlib; it takes GitHub's payloads to a sixth."""

LIGHT: Final = (
    "id",
    "hook_id",
    "guid",
    "event",
    "received_at",
    "state",
    "attempts",
    "error",
    "action",
    "ref",
    "organisation_id",
    "owner_id",
    "repository_id",
    "next_at",
    "done_at",
    "look",
    "source",
    "after",
    "sender",
)
"""The columns of a delivery but body and headers, in the order in which `delivery_from` reads them."""


def hook_row(hook: Hook) -> tuple[Any, ...]:
    """A hook's columns, in order."""
    return (
        hook.id,
        hook.organisation_id,
        clean(hook.url),
        json_text(list(hook.events)),
        hook.active,
        stamp(hook.registered_at),
        stamp_or_none(hook.checked_at),
        stamp_or_none(hook.pinged_at),
        stamp_or_none(hook.swept_at),
        hook.swept_to,
        clean(hook.failure),
    )


def hook_from(row: Fields) -> Hook:
    """Read a row of `hooks`."""
    key, organisation_id, url, events, active, registered, checked, pinged, swept, swept_to, failure = row
    with readable("the webhook", key):
        return Hook(
            key,
            organisation_id,
            url,
            tuple(json_value(events)),
            active,
            time_from(registered),
            maybe(time_from, checked),
            maybe(time_from, pinged),
            maybe(time_from, swept),
            swept_to,
            failure,
        )


def delivery_row(delivery: Delivery, kind: str) -> tuple[Any, ...]:
    """A delivery's columns but the id, in the order of the table; bytes as that kind of database takes them.

    Bodies are packed: GitHub's are long and repeat themselves, and what is written is waited for.
    """
    body: Any = zlib.compress(delivery.body, FAST) if delivery.body else b""
    if kind == "postgresql":
        body = base64.b64encode(body).decode()
    return (
        delivery.hook_id,
        clean(delivery.guid),
        clean(delivery.event),
        stamp(delivery.received_at),
        body,
        json_text(dict(delivery.headers)),
        str(delivery.state),
        delivery.attempts,
        clean(delivery.error),
        clean(delivery.action),
        delivery.owner_id,
        delivery.repository_id,
        stamp_or_none(delivery.next_at),
        stamp_or_none(delivery.done_at),
        delivery.look,
        delivery.source,
        delivery.organisation_id,
        clean(delivery.ref),
        clean(delivery.after),
        _sender_text(delivery.sender),
    )


def _sender_text(sender: Sender | None) -> str | None:
    return None if sender is None else json_text([sender.id, sender.login, sender.kind, sender.before])


def sender_from(text: str) -> Sender:
    """Read who pushed."""
    return Sender(*json_value(text))


def outcome_row(delivery: Delivery) -> dict[str, Any]:
    """What a delivery came to, with its id as `key`."""
    return {
        "key": delivery.id,
        "state": str(delivery.state),
        "attempts": delivery.attempts,
        "error": clean(delivery.error),
        "next_at": stamp_or_none(delivery.next_at),
        "done_at": stamp_or_none(delivery.done_at),
        "look": delivery.look,
    }


def unpacked(body: bytes) -> bytes:
    """A body as it came. Raises ValueError for one that was not packed by us."""
    try:
        return zlib.decompress(body) if body else b""
    except zlib.error as error:
        raise ValueError(f"its body is damaged: {error}") from error


def delivery_from(row: Fields, body: bytes = b"", headers: str = "{}") -> Delivery:
    """Read the LIGHT columns of a row of `deliveries`; body and headers apart."""
    (key, hook_id, guid, event, received, state, attempts, error, action, ref, *rest) = row
    organisation_id, owner_id, repository_id, next_at, done_at, look, source, after, sender = rest
    with readable("the delivery", key):
        body = unpacked(body)
        return Delivery(
            hook_id,
            guid,
            event,
            time_from(received),
            body,
            json_value(headers),
            state,
            attempts,
            error,
            action,
            ref,
            after,
            maybe(sender_from, sender),
            organisation_id,
            owner_id,
            repository_id,
            maybe(time_from, next_at),
            maybe(time_from, done_at),
            look,
            source,
            key,
        )
