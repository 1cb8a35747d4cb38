"""Talks at a Steward elsewhere; see `app.talks`."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steward.adapters.remote.shapes import Json
from steward.adapters.remote.wire import Wire, path


@dataclass(frozen=True, slots=True)
class RemoteTalks:
    """One's own talks."""

    wire: Wire

    def open(self, key: str, *, purpose: str = "new", project: str | None = None) -> Json:
        """Begin one, once per key."""
        return self.wire.send(
            Json, "POST", path("talks"), {"key": key, "purpose": purpose, "project": project}
        )

    def say(self, talk_id: int, key: str, text: str) -> Json:
        """Say something, once per key."""
        return self.wire.send(Json, "POST", path("talks", talk_id, "messages"), {"key": key, "text": text})

    def edit(self, talk_id: int, version: int, parts: Mapping[str, Any]) -> Json:
        """Set parts of the brief by hand."""
        body: Json = {"version": version, **parts}
        return self.wire.send(Json, "PATCH", path("talks", talk_id, "brief"), body)

    def skip(self, talk_id: int, version: int) -> Json:
        """Leave out what is asked."""
        return self._act(talk_id, "skip", version)

    def drop(self, talk_id: int, version: int) -> Json:
        """Give it up."""
        return self._act(talk_id, "drop", version)

    def order(self, talk_id: int, version: int) -> Json:
        """Have the brief ordered."""
        return self._act(talk_id, "order", version)

    def ask(self, talk_id: int, version: int) -> Json:
        """Ask for the update."""
        return self._act(talk_id, "ask", version)

    def show(self, talk_id: int) -> Json:
        """One talk."""
        return self.wire.get(Json, path("talks", talk_id))

    def list(self, limit: int = 50) -> builtins.list[Json]:
        """One's talks, newest change first."""
        return self.wire.get(builtins.list[Json], path("talks"), limit=limit)

    def _act(self, talk_id: int, act: str, version: int) -> Json:
        return self.wire.send(Json, "POST", path("talks", talk_id, act), {"version": version})
