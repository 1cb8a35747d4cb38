"""The road of one project: every status of its way, where it stands on it, and how long each step took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from steward.domain.lifecycle import TRANSIENT
from steward.domain.status import INTERRUPTIONS, Phase, Status
from steward.faces.web.times import parsed

Json = Mapping[str, Any]
S = Status

_BUILT: Final = (
    S.INITIALIZED,
    S.DESIGNING,
    S.DESIGNED,
    S.IMPLEMENTING,
    S.IMPLEMENTED,
    S.VERIFYING,
    S.VERIFIED,
    S.DEPLOYING,
    S.ACTIVE,
)
ORDERED: Final = (S.DRAFT, S.ESTIMATED, S.PROVISIONING, *_BUILT)
FOUND: Final = (S.DISCOVERED, S.SETUP_REQUIRED, *_BUILT)


@dataclass(frozen=True, slots=True)
class Step:
    """One status of the road. `state`: done, skipped, current, interrupted or ahead; `lasted_s`: of the last stay."""

    status: str
    phase: str
    state: str
    transient: bool
    lasted_s: float | None = None


def road(project: Json, moves: Sequence[Json], now: datetime) -> list[Step]:
    """The steps of a project's road; `moves` are its moves, oldest first, as far back as they are known."""
    stays = _stays(moves, now)
    position = _position(project)
    way = _way(position, stays)
    at = way.index(position)
    return [_step(status, place, at, project, stays) for place, status in enumerate(way)]


def _position(project: Json) -> Status:
    """Where it stands on the road: what was interrupted, where something was."""
    for code in [project["status"], *reversed(project["interrupted"])]:
        if Status(code) not in INTERRUPTIONS:
            return Status(code)
    return S.ACTIVE


def _way(position: Status, stays: Mapping[str, float]) -> list[Status]:
    found = position in FOUND[:2] or any(status in stays for status in FOUND[:2])
    way = list(FOUND if found and position not in ORDERED[:3] else ORDERED)
    if position is S.MAINTENANCE:
        way.append(position)
    return way


def _step(status: Status, place: int, at: int, project: Json, stays: Mapping[str, float]) -> Step:
    if place == at:
        state = "current" if project["status"] == status else "interrupted"
    elif place > at:
        state = "ahead"
    else:
        # What the history does not hold may be older than it: only an import is known to have skipped.
        state = "skipped" if S.DISCOVERED in stays and status not in stays else "done"
    phase = Phase.MAINTENANCE if status is S.MAINTENANCE else status.phase
    lasted_s = stays.get(status) if state in ("done", "current") else None
    return Step(status.value, phase.value, state, status in TRANSIENT, lasted_s)


def _stays(moves: Sequence[Json], now: datetime) -> dict[str, float]:
    """Status -> seconds of the last stay in it; of the present one up to now."""
    starts = [parsed(move["at"]) for move in moves]
    lasted = [(until - at).total_seconds() for at, until in pairwise([*starts, now])]
    return {move["data"]["to"]: lasted_s for move, lasted_s in zip(moves, lasted, strict=True)}
