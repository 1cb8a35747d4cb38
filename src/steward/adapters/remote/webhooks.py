"""Webhooks, seen to by a Steward elsewhere; see `app.webhooks`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from steward.adapters.remote.shapes import Json, Page
from steward.adapters.remote.wire import Wire, path

LIMIT_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class RemoteWebhooks:
    """What can be asked of webhooks."""

    wire: Wire

    def status(self) -> Json:
        """Every hook with its health."""
        return self.wire.get(Json, "/webhooks")

    def register(self, url: str, logins: Sequence[str] = ()) -> list[Json]:
        """Have GitHub deliver to that address."""
        body: Json = {"url": url, "organisations": list(logins)}
        return self.wire.send(list[Json], "POST", "/webhooks/register", body)

    def ping(self, logins: Sequence[str] = ()) -> list[Json]:
        """Have GitHub send a ping."""
        return self.wire.send(list[Json], "POST", "/webhooks/ping", {"organisations": list(logins)})

    def sweep(self, logins: Sequence[str] = ()) -> list[Json]:
        """Take in what GitHub could not deliver."""
        return self.wire.send(list[Json], "POST", "/webhooks/sweep", {"organisations": list(logins)})

    def deliveries(
        self, *, states: Collection[str] = (), before: int | None = None, limit: int = 50
    ) -> list[Json]:
        """Deliveries, newest first, never their bodies."""
        found: list[Json] = []
        while len(found) < limit:
            size = min(LIMIT_MAX, limit - len(found))
            state = [str(one) for one in states]
            page = self.wire.get(Page, "/deliveries", state=state, before=before, limit=size)
            found += page.items
            if page.next is None:
                break
            before = int(page.next)
        return found

    def retry(self, delivery_id: int) -> Json:
        """Have one worked on anew."""
        return self.wire.send(Json, "POST", path("deliveries", delivery_id, "retry"))
