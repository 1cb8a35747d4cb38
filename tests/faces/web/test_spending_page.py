"""The page of what talks cost: one's own with the limits; of others only for who sees to people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from steward.domain.people import Role
from steward.domain.spending import Allowance, MindCall, Usage
from steward.faces.http.app import build
from tests.faces.http.kit import Served, served, text

PAGE = "/settings/spending"


@pytest.fixture
def here() -> Iterator[Served]:
    """A server where clara and boris have called a model."""
    with served() as made:
        now = made.world.clock.now().at
        boris = made.visitor(Role.OPERATOR, "boris")
        boris.post("/talks/new", {"text": "A bot", "once": "1"})
        with made.world.store.writing() as tx:
            for name, cost in (("boris", 1.25), ("boris", 0.002), ("boris", None), ("clara", 7.5)):
                usage = Usage("openai:gpt-5", 900, 80, cost, "computed" if cost else "unknown")
                tx.add_mind_call(MindCall(now, name, 1, usage))
        yield made


def test_ones_own_are_shown_with_the_limits(here: Served) -> None:
    app = replace(here.world.app, allowance=Allowance(5.0, 0.0, 200))
    site = replace(here.site, app=app)
    other = Served(here.world, site, build(site), here.clients)
    shown = text(other.visitor(Role.OPERATOR, "boris").get(PAGE))
    assert "$1.25 of $5" in shown
    assert "Calls 3 of 200" in shown
    assert "Of unknown cost 1" in shown
    assert "&lt; $0.01" in shown
    assert "clara" not in shown
    assert "No model is set up" in shown


def test_who_sees_to_people_sees_everybodys(here: Served) -> None:
    shown = text(here.visitor(Role.ADMIN, "anna").get(PAGE))
    assert re.search(r"clara \$7\.50 \$7\.50 1 0 boris \$1\.25 \$1\.25 3 1", shown)


def test_in_russian(here: Served) -> None:
    shown = text(here.visitor(Role.VIEWER, "vera").get(PAGE, headers={"Accept-Language": "ru"}))
    assert "За последние 24 часа" in shown
    assert "Spending" not in shown
