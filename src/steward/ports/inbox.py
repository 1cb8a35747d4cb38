"""What the database keeps of webhooks in: the hooks of ours, and the inbox of their deliveries."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Protocol

from steward.domain.deliveries import Delivery, Hook


class InboxReads(Protocol):
    """What can be read of hooks and deliveries. Deliveries come without body and headers."""

    def hooks(self, organisation_id: int | None = None) -> list[Hook]:
        """Those of an organisation (None: of all), by id."""
        ...

    def hook(self, hook_id: int) -> Hook | None: ...

    def pending_deliveries(self, organisation_id: int, at: datetime, limit: int) -> list[Delivery]:
        """Those of the organisation that wait and may be tried now, oldest first."""
        ...

    def deliveries(
        self,
        *,
        organisation_ids: Collection[int] | None = None,
        hook_id: int | None = None,
        states: Collection[str] = (),
        before: int | None = None,
        limit: int = 100,
    ) -> list[Delivery]:
        """Newest first; with `before`, those with a smaller id."""
        ...

    def delivery(self, delivery_id: int) -> Delivery | None:
        """One, with its body and headers where they are kept still."""
        ...

    def known_guids(self, hook_id: int, guids: Collection[str]) -> set[str]:
        """Which of these deliveries of a hook are in the inbox."""
        ...

    def delivery_counts(self) -> dict[str, int]:
        """How many per state."""
        ...

    def newest_deliveries(self) -> dict[int, datetime]:
        """Hook -> when its newest delivery arrived here by itself; what a sweep found does not count."""
        ...


class InboxWrites(InboxReads, Protocol):
    """What can be written of hooks and deliveries."""

    def save_hook(self, hook: Hook) -> None:
        """Insert or update, by its id."""
        ...

    def forget_hook(self, hook_id: int) -> None:
        """Delete our record of it; its deliveries stay."""
        ...

    def deliver(self, rows: Iterable[Delivery]) -> int:
        """Insert; one whose (hook, GUID) is there already is left as it is. Returns how many were new."""
        ...

    def save_deliveries(self, rows: Iterable[Delivery]) -> None:
        """Store state, attempts, error, next_at, done_at and look, by id."""
        ...

    def prune_deliveries(self, bodies_before: datetime, rows_before: datetime) -> int:
        """Empty bodies and delete rows that were received before these and do not wait; return how many rows."""
        ...
