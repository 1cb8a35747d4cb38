"""The built-in agent on projects of its template, and its refusal of others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from steward.adapters.agents import StarterAgent
from steward.adapters.box import Bubblewrap, NoBox
from steward.domain.agents import Outcome, Role
from steward.ports.errors import Permanent
from tests.contract.agents.kit import BOX, CLOCK, STARTER, Hearing, clone_of, contract, git, spec_of

AGENT = StarterAgent(BOX, NoBox(), CLOCK)
FEATURES = 'Opening hours: From 7 to 19\nOrders: "Call" & <ask>\n'
WISH: dict[str, Any] = {
    "answers": {"title": "Bakery", "tagline": "Bread & rolls", "features": FEATURES},
    "criteria": [
        "The page shows the title",
        "Opening hours are shown",
        "Orders are explained",
        "GET /up answers 200",
        "/version tells the commit",
        "Страница открывается за секунду",
        'A criterion with """quotes""" \\ and {braces}',
    ],
}


def ran(clone: Path, role: Role, **wish: Any) -> tuple[Outcome, dict[str, Any], str]:
    """One run: its outcome, verdict and reason."""
    spec = spec_of(clone, role, contract=contract(role, **{**WISH, **wish}))
    heard = Hearing()
    result = AGENT.run(spec, heard, heard.stop)
    return result.outcome, dict(result.verdict), result.reason


def test_the_roles_bring_a_project_from_its_template_to_an_approved_commit(tmp_path: Path) -> None:
    clone = clone_of(tmp_path, STARTER)
    assert ran(clone, Role.TESTER)[1]["approved"] is False
    assert ran(clone, Role.ARCHITECT)[0] is Outcome.COMPLETED
    planned = (clone / "IMPLEMENTATION.md").read_text()
    assert "- [ ] Opening hours: From 7 to 19" in planned
    assert "4. GET /up answers 200" in planned
    assert "- `PORT`: allocation" in planned
    assert git(clone, "diff", "--name-only", "HEAD~1") == "IMPLEMENTATION.md"

    assert ran(clone, Role.DEVELOPER)[0] is Outcome.COMPLETED
    assert "- [ ]" not in (clone / "IMPLEMENTATION.md").read_text()
    held = json.loads((clone / "content.json").read_text())
    assert held["features"][1] == {"title": "Orders", "text": '"Call" & <ask>'}
    assert git(clone, "status", "--porcelain") == ""

    before = git(clone, "rev-parse", "HEAD")
    outcome, verdict, _ = ran(clone, Role.TESTER)
    assert outcome is Outcome.COMPLETED
    assert verdict == {
        "approved": True,
        "reasons": [f"left to a person to judge: {text}" for text in WISH["criteria"][-2:]],
    }
    assert git(clone, "rev-parse", "HEAD") == before
    assert git(clone, "status", "--porcelain") == "", "a tester writes nothing"


def test_nothing_to_do_is_no_commit(tmp_path: Path) -> None:
    clone = clone_of(tmp_path, STARTER)
    for role in (Role.ARCHITECT, Role.DEVELOPER):
        assert ran(clone, role)[0] is Outcome.COMPLETED
    for role in (Role.ARCHITECT, Role.DEVELOPER):
        assert ran(clone, role)[0] is Outcome.NO_CHANGE


def test_an_update_is_planned_told_on_the_page_and_tested(tmp_path: Path) -> None:
    clone = clone_of(tmp_path, STARTER)
    ran(clone, Role.ARCHITECT)
    ran(clone, Role.DEVELOPER)
    update = {"number": 2, "text": "Closed on Mondays\nfrom May"}
    assert ran(clone, Role.TESTER, update=update)[1]["approved"] is False
    assert ran(clone, Role.ARCHITECT, update=update)[0] is Outcome.COMPLETED
    assert "- [ ] Update 2: Closed on Mondays from May" in (clone / "IMPLEMENTATION.md").read_text()
    assert ran(clone, Role.DEVELOPER, update=update)[0] is Outcome.COMPLETED
    assert json.loads((clone / "content.json").read_text())["news"] == [
        {"number": 2, "text": "Closed on Mondays from May"}
    ]
    assert "- [x] Update 2" in (clone / "IMPLEMENTATION.md").read_text()
    assert ran(clone, Role.TESTER, update=update)[1]["approved"] is True
    assert ran(clone, Role.DEVELOPER, update=update)[0] is Outcome.NO_CHANGE


def test_a_tester_names_the_test_that_fails(tmp_path: Path) -> None:
    failing = "import unittest\nclass T(unittest.TestCase):\n    def test_one(self): self.fail()\n"
    clone = clone_of(tmp_path, {**STARTER, "tests/test_more.py": failing})
    ran(clone, Role.DEVELOPER)
    _, verdict, _ = ran(clone, Role.TESTER)
    assert verdict["approved"] is False
    assert "test_one" in verdict["reasons"][0]


@pytest.mark.parametrize("role", list(Role))
def test_other_repositories_are_refused_with_what_to_configure(tmp_path: Path, role: Role) -> None:
    clone = clone_of(tmp_path, {"main.c": "int main;"})
    outcome, _, reason = ran(clone, role)
    assert outcome is Outcome.REFUSED
    assert "Configure a coding agent" in reason


def test_without_a_box_only_projects_of_the_built_in_template_are_worked_on(tmp_path: Path) -> None:
    agent = StarterAgent(Bubblewrap("no-such-bubblewrap"), NoBox(), CLOCK)
    clone = clone_of(tmp_path, STARTER)
    heard = Hearing()
    spec = spec_of(clone, Role.ARCHITECT, contract=contract(Role.ARCHITECT, **WISH))
    assert agent.run(spec, heard, heard.stop).outcome is Outcome.COMPLETED
    other = contract(Role.ARCHITECT, **{**WISH, "template": {"source": "https://example.org/t.git"}})
    with pytest.raises(Permanent, match="apt-get install bubblewrap"):
        agent.run(spec_of(clone, Role.ARCHITECT, contract=other), heard, heard.stop)
