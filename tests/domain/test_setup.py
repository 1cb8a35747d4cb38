"""The checklist of a project that we did not make, and the entry status that its evidence supports."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from steward.domain.guards import Guard
from steward.domain.lifecycle import ENTRY_STATUSES, Position, Refused, Who, advance
from steward.domain.needs import Demand, Evidence, Need, Scan, Sort
from steward.domain.setup import (
    Facts,
    Life,
    State,
    checklist,
    environment,
    examine,
    plain_name,
    unknown_waivers,
    waiver_name,
)
from steward.domain.status import Status, Trigger
from steward.domain.verdict import Colour

TIP = "a" * 40
WHOLE = Scan(TIP, workflows=("w.yml",), deploys=("compose.yaml",), code=True)
KEY = Need("MAIL_KEY", Demand.REQUIRED, Sort.SECRET, evidence=(Evidence("app.py", 3, "python"),))

scans = st.builds(
    Scan,
    commit=st.sampled_from([TIP, "b" * 40]),
    needs=st.sampled_from([(), (KEY,)]),
    workflows=st.sampled_from([(), ("w.yml",)]),
    deploys=st.sampled_from([(), ("compose.yaml",)]),
    self_deploys=st.sampled_from([(), (Evidence("w.yml", 1, "workflow"),)]),
    code=st.booleans(),
    implementation=st.booleans(),
)
facts = st.builds(
    Facts,
    owner=st.sampled_from([None, "", "anna"]),
    scan=st.none() | scans,
    kept=st.sampled_from([{}, {"MAIL_KEY": True}]),
    waived=st.sampled_from([{}, {"ci": "a toy"}, {"MAIL_KEY": "no mail", "deploy": "by hand"}]),
    tip=st.sampled_from([None, "", TIP]),
    colour=st.none() | st.sampled_from(Colour),
    life=st.builds(Life, kind=st.sampled_from(["", "commit", "answers", "attested"])),
    accepts=st.booleans(),
)


@given(facts)
def test_a_project_is_adopted_exactly_where_nothing_is_missing_and_the_entry_is_supported(
    known: Facts,
) -> None:
    found = examine(known)
    assert found.proposed == next((c.status for c in reversed(found.candidates) if c.supported), None)
    for one in found.candidates:
        may = one.supported and not found.missing
        for status in (Status.DISCOVERED, Status.SETUP_REQUIRED):
            position = Position(status)
            try:
                move = advance(position, Trigger.ADOPTED, Who.PERSON, found.proofs(one.status), one.status)
            except Refused:
                assert not may
            else:
                assert may
                assert move.after.status is one.status


@given(facts)
def test_what_a_status_rests_on_is_there(known: Facts) -> None:
    supported = {one.status for one in examine(known).candidates if one.supported}
    scan = known.scan
    if scan is None:
        assert supported == set()
        return
    assert Status.INITIALIZED in supported
    assert (Status.DESIGNED in supported) == scan.implementation
    assert (Status.IMPLEMENTED in supported) == scan.code
    if Status.VERIFIED in supported:
        assert scan.code
        assert known.tip == scan.commit
        assert known.colour is Colour.GREEN or (known.colour is Colour.NONE and "ci" in known.waived)
    assert (Status.ACTIVE in supported) == (Status.VERIFIED in supported and known.life.kind != "")


@given(facts)
def test_more_evidence_never_proposes_less(known: Facts) -> None:
    places = {status: place for place, status in enumerate(ENTRY_STATUSES)}
    before = examine(known).proposed
    better = replace(
        known, colour=Colour.GREEN, life=Life("answers"), tip=known.scan.commit if known.scan else None
    )
    after = examine(better).proposed
    assert before is None or (after is not None and places[after] >= places[before])


def test_every_required_name_has_a_line_with_its_evidence_and_how_it_stands() -> None:
    scan = replace(WHOLE, needs=(KEY, replace(KEY, name="A"), Need("B", Demand.OPTIONAL, Sort.VARIABLE)))
    known = Facts(
        "anna", scan, kept={"A": True}, waived={"MAIL_KEY": "no mail"}, tip=TIP, colour=Colour.GREEN
    )
    lines = {line.name: line for line in checklist(known) if line.code == "secret"}
    assert list(lines) == ["A", "MAIL_KEY"]
    assert (lines["A"].state, lines["MAIL_KEY"].state) == (State.GENERATED, State.WAIVED)
    assert lines["MAIL_KEY"].evidence[0].path == "app.py"
    assert examine(replace(known, waived={})).missing[0].name == "MAIL_KEY"


def test_a_scan_that_was_cut_says_that_more_may_be_needed() -> None:
    words = [line.words for line in checklist(Facts("anna", replace(WHOLE, cut=True)))]
    assert "it was too large to be read whole: more may be needed" in words


def test_what_is_lacking_is_named_in_words_that_say_what_to_do() -> None:
    found = examine(Facts("anna", WHOLE, tip=TIP, colour=Colour.RED))
    assert found.lacks(Status.VERIFIED) == "the checks of the newest commit are red"
    assert found.lacks(Status.DRAFT) == "a project is not adopted into that status"
    assert Guard.ENTRY_PROVEN not in found.proofs(Status.VERIFIED)


def test_waivers_of_lines_are_kept_under_names_that_no_program_reads() -> None:
    assert [waiver_name(one) for one in ("ci", "deploy", "self_deploy", "CI")] == [
        "rule:ci",
        "rule:deploy",
        "rule:self_deploy",
        "CI",
    ]
    assert all(plain_name(waiver_name(one)) == one for one in ("ci", "deploy", "self_deploy", "CI", "rule:x"))
    assert unknown_waivers(replace(WHOLE, needs=(KEY,)), {"MAIL_KEY", "ci", "X"}) == ["X"]


def test_the_environment_contract_leaves_out_what_whoever_runs_it_sets() -> None:
    scan = replace(WHOLE, needs=(KEY, Need("HOME", Demand.BUILTIN, Sort.VARIABLE)))
    assert environment(scan) == {"MAIL_KEY": "user_secret"}
    assert environment(None) == {}
