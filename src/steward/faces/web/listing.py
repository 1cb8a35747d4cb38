"""The addresses of views of many projects: the same filter as a board or a table, sorted, narrowed, widened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from steward.app.filters import NOBODY, Filter
from steward.domain.gates import STALE_AFTER_S
from steward.domain.project import Management
from steward.domain.status import Phase, Status
from steward.faces import lines
from steward.faces.web.times import lasted
from steward.faces.words import _

READY_BOUNDS: Final = (50, 80, 100)
VIEWS: Final = ("board", "table")


@dataclass(frozen=True, slots=True)
class Listing:
    """One view of a filter, as a template asks for it."""

    filter: Filter
    view: str

    def address(self, view: str = "", **changes: Any) -> str:
        """Where the same projects are shown otherwise: as the other view, or with these fields changed."""
        pairs = self.filter.pairs(**changes)
        if (view or self.view) != VIEWS[0]:
            pairs = [("view", view or self.view), *pairs]
        return f"/projects?{urlencode(pairs)}" if pairs else "/projects"

    @property
    def here(self) -> str:
        """The entry of the sidebar that this is."""
        if self.filter.waiting:
            return "waiting"
        return "stale" if self.filter.stale_s is not None else "projects"

    @property
    def title(self) -> str:
        """What the page is called."""
        if self.filter.waiting:
            return _("Waiting for me")
        if self.filter == Filter(stale_s=STALE_AFTER_S):
            return _("Stale over 24 h")
        return _("Projects")

    def sort(self, name: str) -> str:
        """Where the table is sorted by that, and from the other end where it is already."""
        return self.address(
            sort=f"-{name}" if self.filter.sort in (name, "" if name == "slug" else name) else name
        )

    def sorted_by(self, name: str) -> str:
        """How `aria-sort` tells whether the table is sorted by that; "" for not at all."""
        by, descending = self.filter.order
        if (by or "slug") != name:
            return ""
        return "descending" if descending else "ascending"

    def chips(self) -> list[dict[str, str]]:
        """What narrows the list, each with the address without it."""
        now = self.filter
        found = [
            (_("Phase: {name}", name=lines.phase_label(p)), _without("phase", now.phase, p))
            for p in now.phase
        ]
        found += [
            (_("Status: {name}", name=lines.status_label(s)), _without("status", now.status, s))
            for s in now.status
        ]
        found += [
            (lines.management_label(m), _without("management", now.management, m)) for m in now.management
        ]
        if now.owner:
            who = _("no owner") if now.owner == NOBODY else _("Owner: {name}", name=now.owner)
            found.append((who, {"owner": ""}))
        if now.organisation:
            found.append((_("Organisation: {name}", name=now.organisation), {"organisation": ""}))
        if now.q:
            found.append((_("“{text}”", text=now.q), {"q": ""}))
        if now.stale_s is not None:
            found.append((_("Stale over {age}", age=lasted(now.stale_s)), {"stale_s": None}))
        if now.waiting:
            found.append((_("Waiting for me"), {"waiting": False}))
        found += self._readiness_chips()
        return [{"text": text, "href": self.address(**change)} for text, change in found]

    def _readiness_chips(self) -> list[tuple[str, dict[str, Any]]]:
        now, found = self.filter, []
        if now.held is not None:
            found.append((_("On hold") if now.held else _("Not on hold"), {"held": None}))
        if now.ready_below is not None:
            below = _("Readiness below {percent} %", percent=now.ready_below)
            found.append((below, {"ready_below": None}))
        if now.ready_from is not None:
            least = _("Readiness from {percent} %", percent=now.ready_from)
            found.append((least, {"ready_from": None}))
        return found


def readiness_choices() -> list[tuple[str, str]]:
    """What the list of scores offers: a bound, and its words."""
    return [(str(bound), _("below {percent} %", percent=bound)) for bound in READY_BOUNDS]


def _without(name: str, values: tuple[str, ...], value: str) -> dict[str, Any]:
    return {name: tuple(other for other in values if other != value)}


def choices(known: dict[str, Any]) -> dict[str, list[tuple[str, str]]]:
    """What the filter's lists offer: pairs of a code and its words; `known` are the owners and organisations."""
    return {
        "phase": [(phase.value, lines.phase_label(phase)) for phase in Phase],
        "status": [(status.value, lines.status_label(status)) for status in Status],
        "management": [(each.value, lines.management_label(each)) for each in Management],
        "owner": [(NOBODY, _("no owner")), *((name, name) for name in known["owners"])],
        "organisation": [(login, login) for login in known["organisations"]],
        "readiness": readiness_choices(),
    }
