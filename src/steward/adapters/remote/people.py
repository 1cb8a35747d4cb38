"""People, their tokens and the audit log, at a Steward elsewhere; see `app.people`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from steward.adapters.remote.shapes import Json, Page
from steward.adapters.remote.wire import Wire, path

LIMIT_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class RemotePeople:
    """What can be done about people."""

    wire: Wire

    def me(self) -> Json:
        """Whoever asks, and what they may do."""
        return self.wire.get(Json, "/me")

    def users(self) -> list[Json]:
        """All users, by name."""
        return self.wire.get(list[Json], "/users")

    def add(
        self,
        name: str,
        role: str | None = None,
        organisation: str | None = None,
        full_name: str = "",
        lang: str | None = None,
    ) -> Json:
        """Add a user."""
        body: Json = {"name": name, "role": role, "organisation": organisation}
        return self.wire.send(Json, "POST", "/users", {**body, "full_name": full_name, "lang": lang})

    def grant(self, name: str, role: str, organisation: str | None = None) -> Json:
        """Give a user a role."""
        return self._act(name, "grant", {"role": role, "organisation": organisation})

    def ungrant(self, name: str, role: str, organisation: str | None = None) -> Json:
        """Take a role from a user."""
        return self._act(name, "ungrant", {"role": role, "organisation": organisation})

    def disable(self, name: str) -> Json:
        """Let a user in no more."""
        return self._act(name, "disable")

    def enable(self, name: str) -> Json:
        """Let a disabled user in again."""
        return self._act(name, "enable")

    def link(self, name: str) -> Json:
        """Make a one-time sign-in link; the answer holds its secret."""
        return self._act(name, "link")

    def _act(self, name: str, act: str, body: Json | None = None) -> Json:
        return self.wire.send(Json, "POST", path("users", name, act), body)

    def tokens(self, name: str | None = None, *, ended: bool = False) -> list[Json]:
        """A user's valid tokens, or everybody's (None)."""
        return self.wire.get(list[Json], "/tokens", user=name, ended=ended)

    def create_token(
        self,
        name: str,
        note: str,
        rights: Collection[str] | None = None,
        organisation: str | None = None,
        days: int = 90,
    ) -> Json:
        """Make an API token; the answer holds its secret."""
        body: Json = {"user": name, "note": note, "organisation": organisation, "days": days}
        return self.wire.send(Json, "POST", "/tokens", {**body, "rights": list(rights) if rights else None})

    def end(self, pass_id: int) -> Json:
        """End a session, token or link by its id."""
        return self.wire.send(Json, "POST", path("passes", pass_id, "end"))

    def audit(
        self,
        *,
        before: int | None = None,
        limit: int = 100,
        actor: str = "",
        outcome: str = "",
        text: str = "",
    ) -> list[Json]:
        """Lines of the audit log, newest first."""
        found: list[Json] = []
        wanted: dict[str, Any] = {"actor": actor, "outcome": outcome, "text": text}
        while len(found) < limit:
            size = min(LIMIT_MAX, limit - len(found))
            page = self.wire.get(Page, "/audit", before=before, limit=size, **wanted)
            found += page.items
            if page.next is None:
                break
            before = int(page.next)
        return found
