"""Rules of readiness, one example per rule of each of its answers; what must hold of scores whatever is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.domain.hands import Hold, Reason, Watch
from steward.domain.needs import Demand, Need, Origin, Scan, Sort
from steward.domain.project import Freeze, Organisation, OrgState, Project
from steward.domain.readiness import WAIVED, Line, Record, percent, readiness, unmet
from steward.domain.readiness_rules import CODES, RULES
from steward.domain.repository import Presence, Repo, Repository
from steward.domain.spec import Proof, Spec, TemplateRef
from steward.domain.status import Status
from steward.domain.vault import Waiver

AT = datetime(2026, 5, 1, tzinfo=UTC)
PROJECT = Project("p1", "shop", 1, Status.ACTIVE, AT, AT, AT, owner="Anna", repository_id=7)
REPO = Repo(7, "shop", 1, "acme", 1, default_branch="main", description="A shop")
ROW = Repository(REPO, 1, "p1")
HOME = Organisation(1, "acme", "server", state=OrgState.OK)
WATCH = Watch(
    7, "p1", "main", wanted={"visibility": "private"}, shown={"visibility": "private", "rule": True}
)
SPEC = Spec("p1", 1, TemplateRef("starter", commit="aa"), {}, "", (), {}, Proof(), "anna", AT)
HOLD = Hold("p1", 1, Reason.FOREIGN, "somebody pushed", AT, "heartbeat")
NEED = Need("API_KEY", Demand.REQUIRED, Sort.SECRET)
SCAN = Scan("c1", (NEED,), workflows=(".github/workflows/test.yml",))
WHOLE = Record(
    PROJECT,
    ROW,
    HOME,
    hook="ok",
    watch=WATCH,
    scan=SCAN,
    kept={"API_KEY"},
    spec=SPEC,
    checks=True,
    newest="aa",
)
GONE = replace(ROW, presence=Presence.ABSENT)
WITHOUT = replace(WHOLE, repository=None)


def changed(**facts: Any) -> Record:
    """The project that lacks nothing, but for these facts of its record."""
    return replace(WHOLE, **facts)


def shown(**values: Any) -> Record:
    """It, with these settings shown and wanted as they were."""
    wanted = {"visibility": "private", "default_branch": "main", "archived": False, "rule": True}
    return changed(watch=replace(WATCH, wanted=wanted, shown={**wanted, **values}))


def of_repo(**facts: Any) -> Record:
    """It, with these facts of its repository."""
    return changed(repository=replace(ROW, repo=replace(REPO, **facts)))


def answers(record: Record) -> dict[str, bool]:
    """What each rule that applies says."""
    return {line.rule.code: line.met for line in readiness(record, RULES)}


STATE = Scan("c1", (Need("DATABASE_URL", Demand.OPTIONAL, Sort.SECRET),))
UNMET: list[tuple[str, Record]] = [
    ("owner", changed(project=replace(PROJECT, owner=None))),
    ("repository", changed(repository=GONE)),
    ("default_branch", of_repo(default_branch=None)),
    ("branch_rule", shown(rule=False)),
    ("description", of_repo(description="  ")),
    ("not_archived", of_repo(archived=True)),
    ("access", changed(organisation=replace(HOME, state=OrgState.DEGRADED))),
    ("not_frozen", changed(organisation=replace(HOME, frozen=Freeze(AT, "guard", "losses")))),
    ("no_hold", changed(holds=(HOLD,))),
    ("webhook", changed(hook="failing")),
    ("webhook", changed(hook=None)),
    ("no_incident", changed(incident=3)),
    ("ci", changed(checks=False, scan=Scan("c1"))),
    ("ci", changed(checks=None, scan=Scan("c1"))),
    ("life", changed(spec=None)),
    ("secrets", changed(kept=set())),
    ("secrets", changed(scan=None, spec=replace(SPEC, environment={"MAIL_KEY": "user_secret"}))),
    ("backups", changed(scan=STATE)),
    ("template", changed(newest="bb")),
    ("drift_default_branch", shown(default_branch="dev")),
    ("drift_visibility", shown(visibility="public")),
    ("drift_archived", shown(archived=True)),
    ("drift_rule", shown(rule=False)),
]
NOT_APPLYING: list[tuple[str, Record]] = [
    *(
        (code, WITHOUT)
        for code in ("repository", "default_branch", "description", "not_archived", "life", "ci")
    ),
    *((code, changed(repository=GONE)) for code in ("default_branch", "description", "branch_rule", "ci")),
    ("branch_rule", changed(watch=None)),
    ("branch_rule", shown(rule=None)),
    ("ci", changed(checks=None, scan=None)),
    ("secrets", changed(kept=None)),
    ("secrets", changed(scan=None, spec=None)),
    ("backups", WHOLE),
    ("template", changed(newest=None)),
    ("template", changed(spec=None)),
    *((f"drift_{name}", WHOLE) for name in ("default_branch", "visibility", "archived", "rule")),
    ("drift_visibility", shown(visibility=None)),
]


def test_a_project_that_lacks_nothing_has_it_all() -> None:
    said = answers(WHOLE)
    assert all(said.values())
    assert set(said) == CODES - {"backups"} - {code for code in CODES if code.startswith("drift_")}
    assert percent(readiness(WHOLE, RULES)) == 100


@pytest.mark.parametrize(("code", "record"), UNMET)
def test_a_rule_that_is_not_met_says_so_with_its_fix(code: str, record: Record) -> None:
    line = next(line for line in readiness(record, RULES) if line.rule.code == code)
    assert not line.ok
    assert line.words == line.rule.unmet
    assert line.rule.fix.words
    assert percent(readiness(record, RULES)) < 100


def test_there_is_an_example_of_every_rule_unmet() -> None:
    assert {code for code, _ in UNMET} == CODES


@pytest.mark.parametrize(("code", "record"), NOT_APPLYING)
def test_a_rule_says_nothing_where_nothing_is_known(code: str, record: Record) -> None:
    assert code not in answers(record)


def test_a_required_name_is_seen_to_when_it_is_kept_waived_or_comes_by_itself() -> None:
    waiver = Waiver("p1", "API_KEY", "not used here", "anna", AT)
    assert answers(changed(kept=set(), waivers={"API_KEY": waiver}))["secrets"]
    itself = Need("PORT", Demand.REQUIRED, Sort.VARIABLE, Origin.ALLOCATION)
    assert answers(changed(kept=set(), scan=Scan("c1", (itself,))))["secrets"]
    optional = Need("DEBUG", Demand.OPTIONAL, Sort.VARIABLE)
    assert answers(changed(kept=set(), scan=Scan("c1", (optional,))))["secrets"]


def test_details_name_what_varies() -> None:
    details = {line.rule.code: line.detail for line in readiness(shown(visibility="public"), RULES)}
    assert details["drift_visibility"] == {"setting": "visibility", "before": "private", "after": "public"}
    record = changed(
        kept=set(), scan=STATE, holds=(HOLD,), spec=replace(SPEC, environment={"K": "user_secret"})
    )
    details = {line.rule.code: line.detail for line in readiness(record, RULES)}
    assert details["secrets"] == {"names": ["K"]}
    assert details["backups"] == {"names": ["DATABASE_URL"]}
    assert details["no_hold"] == {"reasons": ["foreign"]}


def waived(record: Record, codes: set[str]) -> list[Line]:
    """The list where these rules are waived."""
    waivers = {WAIVED + c: Waiver("p1", WAIVED + c, "because", "anna", AT) for c in codes}
    return readiness(replace(record, waivers={**record.waivers, **waivers}), RULES)


def test_a_waived_rule_counts_as_met_and_is_shown_as_waived() -> None:
    record = changed(scan=STATE)
    line = next(line for line in waived(record, {"backups"}) if line.rule.code == "backups")
    assert (line.met, line.ok) == (False, True)
    assert line.waiver is not None
    assert line.waiver.reason == "because"
    assert percent(waived(record, {"backups"})) == 100
    assert unmet(readiness(record, RULES)) == ("backups",)
    assert unmet(waived(record, {"backups"})) == ()


def test_what_lacks_most_is_named_first() -> None:
    lacking = changed(incident=1, hook=None, project=replace(PROJECT, owner=None))
    assert unmet(readiness(lacking, RULES)) == ("no_incident", "owner", "webhook")


RECORDS = st.sampled_from([WHOLE, WITHOUT, *(record for _, record in [*UNMET, *NOT_APPLYING])])
SOME = st.sets(st.sampled_from(sorted(CODES)))


@given(RECORDS, SOME, SOME)
def test_a_waiver_never_lowers_a_score_nor_changes_what_applies(
    record: Record, before: set[str], more: set[str]
) -> None:
    less, lots = waived(record, before), waived(record, before | more)
    assert 0 <= percent(less) <= percent(lots) <= 100
    assert [line.rule.code for line in less] == [line.rule.code for line in lots]
    assert set(unmet(lots)) <= set(unmet(less))


LINES = st.lists(st.tuples(st.sampled_from(RULES), st.booleans(), st.integers(0, 100)), max_size=12)


@given(LINES, st.integers(0, 11))
def test_one_more_that_holds_never_lowers_a_score(given_lines: list[Any], at: int) -> None:
    lines = [Line(replace(rule, weight=weight), met) for rule, met, weight in given_lines]
    better = [replace(line, met=True) if n == at else line for n, line in enumerate(lines)]
    assert 0 <= percent(lines) <= percent(better) <= 100
    assert (percent(better) == 100) == all(line.ok or not line.rule.weight for line in better)
