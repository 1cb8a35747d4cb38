"""What the commands ask for of talks, wherever it is answered; see `asking`."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any, Protocol

Json = dict[str, Any]


class Talks(Protocol):
    """One's own talks; see `app.talks`."""

    def open(self, key: str, *, purpose: str = ..., project: str | None = None) -> Json: ...

    def say(self, talk_id: int, key: str, text: str) -> Json: ...

    def edit(self, talk_id: int, version: int, parts: Mapping[str, Any]) -> Json: ...

    def skip(self, talk_id: int, version: int) -> Json: ...

    def drop(self, talk_id: int, version: int) -> Json: ...

    def order(self, talk_id: int, version: int) -> Json: ...

    def ask(self, talk_id: int, version: int) -> Json: ...

    def show(self, talk_id: int) -> Json: ...

    def list(self, limit: int = 50) -> builtins.list[Json]: ...
