"""Every page that is looked at, by name. What a page is of stands in `steward.testing.showcase`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from steward.testing.world import World


@dataclass(frozen=True, slots=True)
class Shown:
    """One page: its address (`{missing}` and the like: the incident with that cause), who looks, the answer."""

    path: str
    who: str | None = "anna"
    status: int = 200

    def address(self, world: World) -> str:
        """The address in that world."""
        return self.path.format(**{incident["cause"]: incident["id"] for incident in world.incidents()})


PAGES: Final[dict[str, Shown]] = {
    "board": Shown("/projects"),
    "board-viewer": Shown("/projects", "vera"),
    "board-filtered": Shown("/projects?phase=construction&stale=24h"),
    "board-nothing": Shown("/projects?q=no-such-project"),
    "table": Shown("/projects?view=table"),
    "table-sorted": Shown("/projects?view=table&sort=-since&limit=5"),
    "order": Shown("/projects/new"),
    "order-refused": Shown("/projects/new?slug=shop-front"),
    "jump": Shown("/jump?q=shop"),
    "keys": Shown("/keys"),
    "unknown": Shown("/projects/shop-frnt", status=404),
    "refused-filter": Shown("/projects?phase=none", status=422),
}
