"""The lifecycle as a drawing: every edge of its table, with how many projects stand in each status now.

Drawn from `domain.lifecycle.TABLE`; only the places are given (`lifecycle_layout`). An edge that many
statuses share is drawn once: it comes from a letter, and each status that it leads from bears that letter.
Classes alone give colours, so that the page's policy of no inline style holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Final

from markupsafe import Markup

from steward.domain.lifecycle import TABLE, Back, Row
from steward.domain.status import Phase, Status, Trigger
from steward.faces import lines
from steward.faces.web import assets
from steward.faces.web.lifecycle_layout import (
    BACK_WORDS,
    BANDS,
    GATHERED,
    HEIGHT,
    INTERRUPTED,
    NODE_HEIGHT,
    NODE_WIDTH,
    PLACES,
    START,
    WAYS,
    WIDTH,
    Band,
    Point,
)
from steward.faces.words import _, counted

SHARED_BY: Final = 3
"""From so many sources on, an edge is drawn once and named by a letter."""
ROAD: Final = (
    START,
    Status.DRAFT,
    Status.ESTIMATED,
    Status.PROVISIONING,
    Status.INITIALIZED,
    Status.DESIGNING,
    Status.DESIGNED,
    Status.IMPLEMENTING,
    Status.IMPLEMENTED,
    Status.VERIFYING,
    Status.VERIFIED,
    Status.DEPLOYING,
    Status.ACTIVE,
)
"""The way that a new project takes if nothing comes between."""
ENTRY: Final = Status.INITIALIZED
"""The first of the statuses that an adoption may lead to; the drawing leads there, its words tell of the others."""
RADIUS: Final = 6.0
HEAD: Final = 4.5


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge as it is drawn. `target` is a status or INTERRUPTED; `words` tell it whole."""

    source: str
    target: str
    trigger: Trigger
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class Gathered:
    """An edge that many statuses share. `target` is a status, or None where each has a target of its own."""

    letter: str
    sources: frozenset[Status]
    trigger: Trigger
    target: Status | None
    kind: str
    words: str


def edges() -> list[Edge]:
    """Every edge that is drawn by itself, in the order of the table."""
    shared = {(one.trigger, one.target) for one in gathered()}
    found = []
    for row in TABLE:
        if (row.trigger, _fixed(row)) in shared:
            continue
        for source in sorted(row.sources, key=_place_in_life):
            name = source.value if source else START
            found.append(Edge(name, _end(row), row.trigger, _kind(name, _end(row)), _words(source, row)))
    return found


def gathered() -> list[Gathered]:
    """Every edge that many statuses share; rows of one trigger to one target are one."""
    together: dict[tuple[Trigger, Status | None], set[Status]] = {}
    for row in TABLE:
        together.setdefault((row.trigger, _fixed(row)), set()).update(s for s in row.sources if s)
    many = [(key, sources) for key, sources in together.items() if len(sources) >= SHARED_BY]
    return [
        Gathered(letter, frozenset(sources), trigger, target, _kind("", target or ""), _said(trigger, target))
        for letter, ((trigger, target), sources) in zip(ascii_lowercase, many, strict=False)
    ]


def _fixed(row: Row) -> Status | None:
    return row.target if isinstance(row.target, Status) else None


def _end(row: Row) -> str:
    """Where a row's edge is drawn to."""
    if isinstance(row.target, Status):
        return row.target
    return ENTRY if row.target is Back.ENTRY else INTERRUPTED


def _kind(source: str, target: str) -> str:
    if target in (Status.ERROR, Status.MISSING):
        return "incident"
    on_road = source in ROAD and ROAD.index(source) + 1 < len(ROAD) and ROAD[ROAD.index(source) + 1] == target
    return "main" if on_road else "side"


def _place_in_life(status: Status | None) -> int:
    return list(Status).index(status) if status else -1


def _words(source: Status | None, row: Row) -> str:
    start = lines.status_label(source.value) if source else _("nothing yet")
    end = row.target.value if isinstance(row.target, Status) else None
    target = lines.status_label(end) if end else lines.back_label(str(row.target))
    return f"{start} → {target}: {lines.trigger_label(row.trigger.value)}"


def _said(trigger: Trigger, target: Status | None) -> str:
    end = lines.status_label(target.value) if target else lines.back_label(Back.SETTLED.value)
    return f"{lines.trigger_label(trigger.value)} → {end}"


def draw(counts: Mapping[str, int]) -> Markup:
    """The drawing as one SVG element; `counts` are projects per status."""
    shared = gathered()
    parts = [
        Markup("<title id='lifecycle-title'>{}</title>").format(_("The lifecycle of a project")),
        Markup("<desc id='lifecycle-desc'>{}</desc>").format(
            _("Each status leads to its projects; every move is in the table of moves as well.")
        ),
        *map(_band, BANDS),
        Markup('<g class="edges" aria-hidden="true">{}</g>').format(
            Markup("").join([*map(_edge, edges()), *map(_arrival, shared), *map(_back, edges())])
        ),
        *(_node(status, counts.get(status.value, 0), shared) for status in Status),
    ]
    box = Markup(
        '<svg class="lifecycle" viewBox="0 0 {} {}" role="group" '
        'aria-labelledby="lifecycle-title" aria-describedby="lifecycle-desc">{}</svg>'
    )
    return box.format(WIDTH, HEIGHT, Markup("").join(parts))


def _band(band: Band) -> Markup:
    known = band.code in set(Phase)
    title = lines.phase_label(band.code) if known else _("Incidents and archive")
    if band.code == Phase.MAINTENANCE:
        title = _("Updates")
    shape = Markup(
        '<g class="band {}"><rect x="{}" y="{}" width="{}" height="{}" rx="8"/><text x="{}" y="{}">{}</text></g>'
    )
    tone = f"phase-{band.code}" if known else "phase-incident"
    return shape.format(tone, band.x, band.y, band.width, band.height, *band.title, title)


def _edge(edge: Edge) -> Markup:
    way = WAYS.get((edge.source, edge.target)) or (_middle(edge.source), _middle(edge.target))
    start = Markup('<circle cx="{}" cy="{}" r="3.5"/>').format(*way[0]) if edge.source == START else ""
    shape = Markup(
        '<g class="edge edge-{}" data-from="{}" data-to="{}" data-trigger="{}"><title>{}</title>{}'
        '<path class="way" d="{}"/><path class="head" d="{}"/></g>'
    )
    return shape.format(
        edge.kind, edge.source, edge.target, edge.trigger, edge.words, start, route(way), head(way)
    )


def _middle(name: str) -> Point:
    x, y = PLACES.get(Status(name), (0, 0)) if name in set(Status) else (0, 0)
    return x + NODE_WIDTH / 2, y + NODE_HEIGHT / 2


def _arrival(one: Gathered) -> Markup:
    """Where a shared edge comes in: its letter, and the arrow from there."""
    if one.target is None:
        return Markup("")
    way = GATHERED[one.target]
    (x, y), _target = way
    shape = Markup(
        '<g class="edge edge-{}" data-letter="{}" data-to="{}" data-trigger="{}"><title>{}</title>'
        '<path class="way" d="{}"/><path class="head" d="{}"/>'
        '<circle class="letter" cx="{}" cy="{}" r="8"/><text class="letter" x="{}" y="{}">{}</text></g>'
    )
    drawn = (route(way), head(way), x, y, x, y + 4, one.letter)
    return shape.format(one.kind, one.letter, one.target, one.trigger, one.words, *drawn)


def _back(edge: Edge) -> Markup:
    """The words beside what leads back from an interruption."""
    if edge.target != INTERRUPTED:
        return Markup("")
    x, y = BACK_WORDS[Status(edge.source)]
    trigger = lines.trigger_label(edge.trigger.value)
    back = lines.back_label(Back.INTERRUPTED.value)
    return Markup('<text class="back" x="{}" y="{}">{}<tspan x="{}" dy="14">{}</tspan></text>').format(
        x, y, trigger, x, back
    )


def _node(status: Status, count: int, shared: Iterable[Gathered]) -> Markup:
    x, y = PLACES[status]
    name = lines.status_label(status.value)
    letters = [one.letter for one in shared if status in one.sources]
    tone = {Status.ERROR: "incident", Status.MISSING: "incident", Status.ARCHIVED: "archived"}
    shape = Markup(
        '<a class="node phase-{}{}" href="/projects?view=table&amp;status={}" aria-label="{}" data-status="{}" '
        'data-letters="{}"><rect x="{}" y="{}" width="{}" height="{}" rx="7"/>'
        '<svg x="{}" y="{}" width="14" height="14"><use href="{}"/></svg>'
        '<text class="name" x="{}" y="{}">{}</text><text class="letters" x="{}" y="{}">{}</text>{}</a>'
    )
    return shape.format(
        tone.get(status, status.phase.value),
        "" if count else " none",
        status.value,
        f"{name}: {counted('{n} project', '{n} projects', count)}",
        status.value,
        "".join(letters),
        x,
        y,
        NODE_WIDTH,
        NODE_HEIGHT,
        x + 12,
        y + 10,
        assets.address(f"glyphs.svg#{status.value}"),
        x + 33,
        y + 21,
        name,
        x + 33,
        y + 38,
        " ".join(letters),
        _count(x, y, count),
    )


def _count(x: float, y: float, count: int) -> Markup:
    if not count:
        return Markup("")
    text = f"{count}" if count < 10_000 else f"{count // 1000}k"
    width = 12 + 6.5 * len(text)
    left = x + NODE_WIDTH + 6 - width
    shape = Markup(
        '<rect class="count" x="{}" y="{}" width="{}" height="16" rx="8"/><text class="count" x="{}" y="{}">{}</text>'
    )
    return shape.format(left, y - 8, width, left + width / 2, y + 4, text)


def route(way: Iterable[Point]) -> str:
    """A line through these corners, rounded."""
    first, *rest = way
    drawn = [f"M{first[0]:g} {first[1]:g}"]
    for place, corner in enumerate(rest[:-1]):
        before = first if place == 0 else rest[place - 1]
        after = rest[place + 1]
        into, out = _towards(corner, before), _towards(corner, after)
        drawn.append(f"L{into[0]:g} {into[1]:g}Q{corner[0]:g} {corner[1]:g} {out[0]:g} {out[1]:g}")
    drawn.append(f"L{rest[-1][0]:g} {rest[-1][1]:g}")
    return "".join(drawn)


def _towards(corner: Point, other: Point) -> Point:
    """The point on the way from a corner to its neighbour where the rounding ends."""
    length = abs(other[0] - corner[0]) + abs(other[1] - corner[1])
    share = min(RADIUS, length / 2) / (length or 1)
    return corner[0] + (other[0] - corner[0]) * share, corner[1] + (other[1] - corner[1]) * share


def head(way: tuple[Point, ...]) -> str:
    """The head of an arrow at the end of a way."""
    (px, py), (x, y) = way[-2:]
    length = abs(x - px) + abs(y - py) or 1.0
    dx, dy = (x - px) / length, (y - py) / length
    one = (x - HEAD * dx - HEAD * dy * 0.8, y - HEAD * dy + HEAD * dx * 0.8)
    two = (x - HEAD * dx + HEAD * dy * 0.8, y - HEAD * dy - HEAD * dx * 0.8)
    return f"M{one[0]:g} {one[1]:g}L{x:g} {y:g}L{two[0]:g} {two[1]:g}"
