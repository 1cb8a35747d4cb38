"""Where the lifecycle's statuses stand in its drawing, and the ways that its edges take. Numbers only, in px.

What edges there are is the table's to say (`domain.lifecycle.TABLE`); here is only how they are led, so that
they cross as little as can be. A test holds that each status has its place and each edge its way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from steward.domain.status import Phase, Status

NODE_WIDTH: Final = 152
NODE_HEIGHT: Final = 48
WIDTH: Final = 1008
HEIGHT: Final = 520
START: Final = "start"
"""What stands for "nothing yet"."""
INTERRUPTED: Final = "interrupted"
"""What stands for the status that an interruption goes back to."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Band:
    """The ground of one phase; `trouble` is that of what interrupts all of them. The title begins at `title`."""

    code: str
    x: float
    y: float
    width: float
    height: float
    title: Point


BANDS: Final = (
    Band(Phase.INCEPTION, 0, 12, 184, 360, (16, 38)),
    Band(Phase.MATERIALIZATION, 208, 12, 184, 360, (224, 38)),
    Band(Phase.CONSTRUCTION, 416, 12, 384, 272, (440, 38)),
    Band(Phase.MAINTENANCE, 416, 296, 384, 76, (624, 330)),
    Band(Phase.PRODUCTION, 824, 12, 184, 360, (840, 38)),
    Band("trouble", 0, 392, 1008, 124, (236, 416)),
)

PLACES: Final[dict[Status, Point]] = {
    Status.DRAFT: (16, 56),
    Status.ESTIMATED: (16, 140),
    Status.PROVISIONING: (224, 56),
    Status.INITIALIZED: (224, 140),
    Status.DISCOVERED: (224, 224),
    Status.SETUP_REQUIRED: (224, 308),
    Status.DESIGNING: (440, 56),
    Status.DESIGNED: (624, 56),
    Status.IMPLEMENTING: (440, 140),
    Status.IMPLEMENTED: (624, 140),
    Status.VERIFYING: (440, 224),
    Status.VERIFIED: (624, 224),
    Status.MAINTENANCE: (440, 310),
    Status.DEPLOYING: (840, 56),
    Status.ACTIVE: (840, 140),
    Status.ARCHIVED: (34, 448),
    Status.MISSING: (358, 448),
    Status.ERROR: (682, 448),
}
"""The left upper corner of each."""

WAYS: Final[dict[tuple[str, str], tuple[Point, ...]]] = {
    # The road.
    (START, Status.DRAFT): ((116, 34), (116, 56)),
    (Status.DRAFT, Status.ESTIMATED): ((92, 104), (92, 140)),
    (Status.ESTIMATED, Status.PROVISIONING): ((168, 164), (196, 164), (196, 80), (224, 80)),
    (Status.PROVISIONING, Status.INITIALIZED): ((300, 104), (300, 140)),
    (Status.INITIALIZED, Status.DESIGNING): ((376, 164), (404, 164), (404, 76), (440, 76)),
    (Status.DESIGNING, Status.DESIGNED): ((592, 80), (624, 80)),
    (Status.DESIGNED, Status.IMPLEMENTING): ((700, 104), (700, 122), (516, 122), (516, 140)),
    (Status.IMPLEMENTING, Status.IMPLEMENTED): ((592, 164), (624, 164)),
    (Status.IMPLEMENTED, Status.VERIFYING): ((690, 188), (690, 206), (516, 206), (516, 224)),
    (Status.VERIFYING, Status.VERIFIED): ((592, 248), (624, 248)),
    (Status.VERIFIED, Status.DEPLOYING): ((776, 248), (812, 248), (812, 76), (840, 76)),
    (Status.DEPLOYING, Status.ACTIVE): ((916, 104), (916, 140)),
    # Beside it.
    (Status.ESTIMATED, Status.DRAFT): ((132, 140), (132, 104)),
    (START, Status.DISCOVERED): ((328, 204), (328, 224)),
    (Status.DISCOVERED, Status.SETUP_REQUIRED): ((300, 272), (300, 308)),
    (Status.DISCOVERED, Status.INITIALIZED): ((284, 224), (284, 188)),
    (Status.SETUP_REQUIRED, Status.INITIALIZED): ((376, 332), (384, 332), (384, 178), (376, 178)),
    (Status.DISCOVERED, Status.ARCHIVED): ((224, 248), (214, 248), (214, 430), (166, 430), (166, 448)),
    (Status.DRAFT, Status.ARCHIVED): ((16, 80), (7, 80), (7, 472), (34, 472)),
    (Status.ESTIMATED, Status.ARCHIVED): ((140, 188), (140, 448)),
    (Status.VERIFYING, Status.IMPLEMENTING): ((440, 248), (434, 248), (434, 176), (440, 176)),
    (Status.VERIFIED, Status.IMPLEMENTED): ((744, 224), (744, 188)),
    (Status.DEPLOYING, Status.IMPLEMENTED): ((840, 92), (826, 92), (826, 176), (776, 176)),
    (Status.ACTIVE, Status.IMPLEMENTED): ((840, 156), (776, 156)),
    (Status.ACTIVE, Status.MAINTENANCE): ((880, 188), (880, 346), (592, 346)),
    (Status.MAINTENANCE, Status.DESIGNING): ((440, 340), (422, 340), (422, 92), (440, 92)),
    (Status.MAINTENANCE, Status.IMPLEMENTING): ((440, 328), (428, 328), (428, 160), (440, 160)),
    # What interrupts, and back.
    (Status.ARCHIVED, INTERRUPTED): ((186, 472), (216, 472)),
    (Status.MISSING, INTERRUPTED): ((510, 472), (540, 472)),
    (Status.ERROR, INTERRUPTED): ((834, 472), (864, 472)),
}
"""The corners of each edge's way, from its source to its target."""

GATHERED: Final[dict[Status, tuple[Point, Point]]] = {
    Status.ARCHIVED: ((70, 424), (70, 448)),
    Status.MISSING: ((394, 424), (394, 448)),
    Status.ERROR: ((718, 424), (718, 448)),
    Status.ACTIVE: ((956, 220), (956, 188)),
}
"""Where the edges that many statuses share come in: from their letter to the target."""

BACK_WORDS: Final = {Status.ARCHIVED: (222, 468), Status.MISSING: (546, 468), Status.ERROR: (870, 468)}
"""Where it is said what leads back from an interruption, and to what."""
