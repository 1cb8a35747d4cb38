"""The lifecycle's drawing: every edge of the table is in it, and nothing lies on anything else."""

from __future__ import annotations

import re
from itertools import combinations, pairwise
from xml.etree import ElementTree as ET

import pytest

from steward.domain.lifecycle import ROWS, Back
from steward.domain.status import Phase, Status, Trigger
from steward.faces.web import lifecycle_svg
from steward.faces.web.lifecycle_layout import (
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
from steward.faces.words import speaking

SVG = "{http://www.w3.org/2000/svg}"


def drawn(counts: dict[str, int] | None = None) -> ET.Element:
    """The drawing, parsed: which it can only be if it is well formed."""
    text = str(lifecycle_svg.draw(counts or {}))
    return ET.fromstring(text.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1))


def with_class(root: ET.Element, name: str) -> list[ET.Element]:
    """The elements that bear a class."""
    return [element for element in root.iter() if name in (element.get("class") or "").split()]


def test_every_edge_of_the_table_is_in_the_drawing() -> None:
    root = drawn()
    alone = {
        (edge.get("data-from"), edge.get("data-trigger"), edge.get("data-to"))
        for edge in with_class(root, "edge")
    }
    letters = {node.get("data-status"): node.get("data-letters") or "" for node in with_class(root, "node")}
    shared = {
        (source, one.trigger): one.target
        for one in lifecycle_svg.gathered()
        for source in Status
        if one.letter in letters[source]
    }
    for (source, trigger), row in ROWS.items():
        target = row.target if isinstance(row.target, Status) else None
        if source is not None and shared.get((source, trigger), START) == target:
            continue
        end = target or (lifecycle_svg.ENTRY if row.target is Back.ENTRY else INTERRUPTED)
        assert (source or START, trigger, end) in alone, f"{source} by {trigger}"


def test_nothing_is_drawn_that_the_table_does_not_have() -> None:
    root = drawn()
    for edge in with_class(root, "edge"):
        if edge.get("data-letter") is None:
            source = None if edge.get("data-from") == START else Status(edge.get("data-from") or "")
            assert any(key == (source, edge.get("data-trigger")) for key in ROWS)
    for one in lifecycle_svg.gathered():
        for source in one.sources:
            assert (source, one.trigger) in ROWS
    ends = {(edge.source, edge.target) for edge in lifecycle_svg.edges()}
    assert set(WAYS) == ends, "each edge has a way of its own, and no way is left over"
    arrivals = {one.target for one in lifecycle_svg.gathered() if one.target is not None}
    assert set(GATHERED) == arrivals


def box(place: Point) -> tuple[float, float, float, float]:
    """What a node takes."""
    return place[0], place[1], place[0] + NODE_WIDTH, place[1] + NODE_HEIGHT


def test_no_two_statuses_overlap_and_each_stands_in_its_band() -> None:
    assert set(PLACES) == set(Status)
    for one, other in combinations(PLACES.values(), 2):
        a, b = box(one), box(other)
        assert a[2] < b[0] or b[2] < a[0] or a[3] < b[1] or b[3] < a[1]
    for status, place in PLACES.items():
        x1, y1, x2, y2 = box(place)
        band = band_of(status)
        assert band.x < x1
        assert band.y < y1
        assert x2 < band.x + band.width
        assert y2 < band.y + band.height
        assert x2 + 6 <= WIDTH
        assert y2 <= HEIGHT


def band_of(status: Status) -> Band:
    """Where a status belongs: what interrupts has a band of its own."""
    trouble = status in (Status.ERROR, Status.MISSING, Status.ARCHIVED)
    code = "trouble" if trouble else status.phase
    return next(band for band in BANDS if band.code == code)


def test_bands_lie_side_by_side() -> None:
    assert {band.code for band in BANDS} == {*Phase, "trouble"}
    for a, b in combinations(BANDS, 2):
        apart_x = a.x + a.width <= b.x or b.x + b.width <= a.x
        assert apart_x or a.y + a.height <= b.y or b.y + b.height <= a.y


@pytest.mark.parametrize("way", WAYS.items(), ids=lambda item: " to ".join(item[0]))
def test_a_way_begins_and_ends_at_its_statuses_and_crosses_none(
    way: tuple[tuple[str, str], tuple[Point, ...]],
) -> None:
    (source, target), corners = way
    for name, point in ((source, corners[0]), (target, corners[-1])):
        if name in set(Status):
            x1, y1, x2, y2 = box(PLACES[Status(name)])
            assert x1 <= point[0] <= x2
            assert y1 <= point[1] <= y2
            assert point[0] in (x1, x2) or point[1] in (y1, y2)
    for (ax, ay), (bx, by) in pairwise(corners):
        assert ax == bx or ay == by, "ways are upright or level"
        for place in PLACES.values():
            x1, y1, x2, y2 = box(place)
            inside_x = max(min(ax, bx), x1) < min(max(ax, bx), x2) or x1 < ax == bx < x2
            inside_y = max(min(ay, by), y1) < min(max(ay, by), y2) or y1 < ay == by < y2
            assert not (inside_x and inside_y), f"it runs through a status at {place}"


def test_each_status_leads_to_its_projects_and_says_how_many() -> None:
    root = drawn({"active": 3, "draft": 12_345})
    nodes = {node.get("data-status"): node for node in with_class(root, "node")}
    assert nodes["active"].get("href") == "/projects?view=table&status=active"
    assert nodes["active"].get("aria-label") == "Active: 3 projects"
    badges = {
        key: [t.text for t in node.iter(f"{SVG}text") if t.get("class") == "count"]
        for key, node in nodes.items()
    }
    assert (badges["active"], badges["draft"], badges["error"]) == (["3"], ["12k"], [])
    assert "none" in (nodes["error"].get("class") or "")


def test_it_is_accessible_and_without_inline_style() -> None:
    text = str(lifecycle_svg.draw({"active": 1}))
    assert "style=" not in text
    assert 'role="img"' not in text
    root = drawn()
    ids = {element.get("id") for element in root.iter() if element.get("id")}
    assert {root.get("aria-labelledby"), root.get("aria-describedby")} <= ids


def test_incidents_are_drawn_apart_from_the_road() -> None:
    kinds = {edge.trigger: edge.kind for edge in lifecycle_svg.edges()}
    assert kinds[Trigger.CONFIRMED] == "main"
    assert kinds[Trigger.TIP_MOVED] == "side"
    assert {one.kind for one in lifecycle_svg.gathered() if one.target in (Status.ERROR, Status.MISSING)} == {
        "incident"
    }
    road = [edge for edge in lifecycle_svg.edges() if edge.kind == "main"]
    assert len(road) == len(lifecycle_svg.ROAD) - 1


def test_it_speaks_the_reader_s_language() -> None:
    with speaking("ru"):
        text = str(lifecycle_svg.draw({}))
    words = re.sub(r'(class|data-[a-z]+|href|id|d|aria-[a-z]+by|viewBox|role|aria-hidden)="[^"]*"', "", text)
    left = set(re.findall(r"[A-Za-z]{3,}", re.sub(r"<[^>]*>", " ", words)))
    assert left == set()


def test_corners_are_rounded_and_heads_point_along_the_way() -> None:
    way = ((0.0, 0.0), (20.0, 0.0), (20.0, 30.0))
    assert lifecycle_svg.route(way) == "M0 0L14 0Q20 0 20 6L20 30"
    assert lifecycle_svg.head(way) == "M16.4 25.5L20 30L23.6 25.5"
    assert lifecycle_svg.route(((0.0, 0.0), (5.0, 0.0))) == "M0 0L5 0"
