"""The page of the lifecycle: its drawing with live counts, times in status, and the table of moves in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from steward.domain.lifecycle import TABLE, Row
from steward.domain.people import Right
from steward.domain.status import Phase, Status
from steward.faces import lines
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import principal_of, site
from steward.faces.web import lifecycle_svg
from steward.faces.web.cards import who_words
from steward.faces.web.render import page
from steward.faces.words import _, label

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)
Json = Mapping[str, Any]

TROUBLE: Final = (Status.ERROR, Status.MISSING, Status.ARCHIVED)
"""What has a band of its own."""


@dataclass(frozen=True, slots=True)
class Moves:
    """One row of the table of moves, in words. `source` is a status code, None for nothing, "" for several."""

    sources: list[str]
    trigger: str
    target: str
    who: str
    guards: list[str]


@router.get("/lifecycle")
@needs(Right.READ)
def lifecycle(request: Request) -> Response:
    """The lifecycle as it stands now."""
    times = site(request).app.times(principal_of(request)).table()
    counts = {row["status"]: row["now"] for row in times["statuses"]}
    return page(
        request,
        "lifecycle.html",
        here="lifecycle",
        times=times,
        drawing=lifecycle_svg.draw(counts),
        gathered=lifecycle_svg.gathered(),
        bands=_bands(counts),
        moves=[_moves(row) for row in TABLE],
        leaves=leaves,
    )


def _bands(counts: Mapping[str, int]) -> list[dict[str, Any]]:
    """The statuses by band, for where there is no room for the drawing."""
    bands: list[dict[str, Any]] = []
    for phase in Phase:
        statuses = [status for status in Status if status.phase is phase and status not in TROUBLE]
        title = _("Updates") if phase is Phase.MAINTENANCE else lines.phase_label(phase)
        bands.append({"tone": f"phase-{phase.value}", "title": title, "statuses": statuses})
    bands.append({"tone": "phase-incident", "title": _("Incidents and archive"), "statuses": TROUBLE})
    for band in bands:
        band["rows"] = [
            {"status": status.value, "now": counts.get(status.value, 0)} for status in band["statuses"]
        ]
        band["count"] = sum(row["now"] for row in band["rows"])
    return bands


def _moves(row: Row) -> Moves:
    order = list(Status)
    sources = sorted((source for source in row.sources if source), key=order.index)
    names = [lines.status_label(source.value) for source in sources] or [_("nothing yet")]
    target = row.target.value
    return Moves(
        sources=names,
        trigger=lines.trigger_label(row.trigger.value),
        target=lines.status_label(target) if target in set(Status) else lines.back_label(target),
        who=who_words(sorted(row.askers)),
        guards=[label("guard", guard.words) for guard in row.guards],
    )


def leaves(row: Json) -> list[str]:
    """By what projects left a status most: who, and the trigger."""
    return [
        f"{label('who', way['who'])}: {lines.trigger_label(way['trigger']).lower()}" for way in row["leaves"]
    ]
