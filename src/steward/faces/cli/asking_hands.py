"""What the commands ask for of hands off, wherever it is answered; see `asking`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    # For the types alone: importing any of these takes longer than the whole of `--help`.
    from steward.domain.hands import Exit, HandsOff
    from steward.ports.hands import Patch

Json = dict[str, Any]


class Hands(Protocol):
    """What can be asked about holds; see `app.hands`."""

    def shown(self, reference: str) -> Json: ...

    def patch(self, reference: str, number: int | None = None) -> Patch: ...

    def policy_of(self, reference: str, policy: HandsOff) -> Json: ...

    def pause(self, reference: str, reason: str = "") -> Json: ...

    def leave(
        self, reference: str, way: Exit = ..., reason: str = "", *, hold: int | None = None
    ) -> Json: ...


class Mending(Protocol):
    """What can be done about changed settings; see `app.mending`."""

    def mend(self, reference: str, setting: str, *, tell: Callable[[str], None] = ...) -> Json: ...

    def accept(self, reference: str, setting: str) -> Json: ...
