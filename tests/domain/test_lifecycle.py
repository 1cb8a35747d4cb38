"""The lifecycle: every row of the table by example, and its laws over every status, trigger and walk."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steward.domain.guards import Guard
from steward.domain.lifecycle import (
    ENTRY_STATUSES,
    ROWS,
    TABLE,
    TRANSIENT,
    WITH_REPOSITORY,
    Back,
    Move,
    Position,
    Refused,
    Who,
    advance,
    allowed,
    mermaid,
    phase_shown,
    settled,
)
from steward.domain.status import INTERRUPTIONS, OPERATION_OF, Phase, Status, Trigger

S, T, G, W = Status, Trigger, Guard, Who
ALL = frozenset(Guard)
PROVEN = ALL - {G.UNDEPLOYED, G.IMPORTED}

# Every fixed arrow of the design, written down anew: from, trigger, to, who, what must be proven.
ARROWS: list[tuple[str | None, str, str, str, set[str]]] = [
    (None, "ordered", "draft", "person", {"SLUG_FREE", "NO_REPOSITORY"}),
    ("draft", "approved", "estimated", "operation", {"BRIEF_APPROVED", "SPEC_VALID", "ESTIMATE_MADE"}),
    ("estimated", "revised", "draft", "person", set()),
    ("estimated", "confirmed", "provisioning", "approver", {"NAME_FREE", "BUDGET_SET"}),
    (
        "provisioning",
        "repository created",
        "initialized",
        "operation",
        {"REPOSITORY_RECORDED", "REPOSITORY_BARE"},
    ),
    (None, "repository discovered", "discovered", "heartbeat", {"REPOSITORY_UNKNOWN"}),
    ("discovered", "found archived", "archived", "heartbeat", {"ARCHIVED_ON_GITHUB"}),
    ("discovered", "taken in", "setup_required", "person", {"SETUP_INCOMPLETE"}),
    ("initialized", "started", "designing", "system", {"NOT_HELD"}),
    ("designing", "passed", "designed", "operation", {"DESIGN_MERGED", "DESIGN_ACCEPTED"}),
    ("designed", "started", "implementing", "system", {"NOT_HELD"}),
    ("implementing", "passed", "implemented", "operation", {"WORK_MERGED"}),
    ("implemented", "started", "verifying", "system", {"COMMIT_BOUND"}),
    ("verifying", "passed", "verified", "system", {"COMMIT_BOUND", "CI_GREEN", "TESTER_APPROVED"}),
    ("verifying", "rejected", "implementing", "system", {"ROUNDS_LEFT"}),
    ("verified", "started", "deploying", "system", {"SAME_COMMIT", "SECRETS_PRESENT", "NOT_HELD"}),
    ("verified", "started", "deploying", "approver", {"SAME_COMMIT", "SECRETS_PRESENT", "NOT_HELD"}),
    ("deploying", "passed", "active", "operation", {"DEPLOY_SUCCEEDED", "PROOF_OF_LIFE"}),
    ("active", "update requested", "maintenance", "person", {"UPDATE_DESCRIBED"}),
    ("verified", "tip moved", "implemented", "heartbeat", {"TIP_IS_FOREIGN"}),
    ("deploying", "tip moved", "implemented", "heartbeat", {"TIP_IS_FOREIGN"}),
    ("active", "foreign change accepted", "implemented", "person", {"FOREIGN_COMMITS"}),
    ("maintenance", "new spec", "designing", "approver", {"SPEC_STORED"}),
    ("maintenance", "small change", "implementing", "approver", {"UPDATE_DESCRIBED"}),
    ("maintenance", "update abandoned", "active", "person", {"UPDATE_OPEN", "RELEASE_LIVE"}),
    ("verifying", "update abandoned", "active", "person", {"UPDATE_OPEN", "RELEASE_LIVE"}),
    ("deploying", "failed", "error", "operation", {"CAUSE_KNOWN"}),
    ("active", "failed", "error", "health check", {"CAUSE_KNOWN"}),
    ("maintenance", "failed", "error", "operation", {"CAUSE_KNOWN"}),
    ("provisioning", "failed", "error", "operation", {"CAUSE_KNOWN"}),
    ("initialized", "repository gone", "missing", "heartbeat", {"HAS_REPOSITORY", "LOSS_CONCLUDED"}),
    ("error", "repository gone", "missing", "heartbeat", {"HAS_REPOSITORY", "LOSS_CONCLUDED"}),
    ("draft", "cancelled", "archived", "person", set()),
    ("active", "archived", "archived", "person", set()),
    ("provisioning", "archived", "archived", "person", {"PROVISIONING_IDLE"}),
]


def at(status: str | None, *interrupted: Status) -> Position | None:
    return None if status is None else Position(Status(status), interrupted)


@pytest.mark.parametrize(("source", "trigger", "target", "who", "guards"), ARROWS)
def test_each_arrow_leads_where_the_design_says(
    source: str | None, trigger: str, target: str, who: str, guards: set[str]
) -> None:
    stack = (S.ACTIVE,) if source in ("error", "missing", "archived") else ()
    proofs = frozenset(G[name] for name in guards)
    move = advance(at(source, *stack), T(trigger), W(who), proofs)
    assert move.after.status.value == target
    for missing in proofs:
        with pytest.raises(Refused) as refused:
            advance(at(source, *stack), T(trigger), W(who), proofs - {missing})
        assert refused.value.reason == "guard"
        assert missing.words in refused.value.words


def test_there_are_eighteen_statuses_in_five_phases() -> None:
    assert len(Status) == 18
    assert {status.phase for status in Status} == set(Phase)
    assert Status.parse("ordered") is S.DRAFT
    with pytest.raises(ValueError, match="unheard"):
        Status.parse("unheard")


def test_transient_statuses_are_entered_together_with_their_operation() -> None:
    for row in TABLE:
        if not isinstance(row.target, Status):
            continue
        for source in row.sources:
            stack = (S.ACTIVE,) if source in INTERRUPTIONS else ()
            move = advance(at(source, *stack), row.trigger, next(iter(row.who)), PROVEN)
            assert move.operation == OPERATION_OF.get(move.after.status)


def test_transient_statuses_are_left_only_by_a_result_a_failure_a_cancel_or_an_observation() -> None:
    results = {
        T.PASSED,
        T.REPOSITORY_CREATED,
        T.REJECTED,
        T.FAILED,
        T.CANCELLED,
        T.TIP_MOVED,
        T.REPOSITORY_GONE,
        T.ARCHIVED,
        T.UPDATE_ABANDONED,
    }
    left = {trigger for (status, trigger) in ROWS if status in TRANSIENT}
    assert left == results


@pytest.mark.parametrize("status", sorted(TRANSIENT))
def test_a_cancel_returns_to_the_settled_status_before(status: Status) -> None:
    before = {
        S.PROVISIONING: S.ESTIMATED,
        S.DESIGNING: S.INITIALIZED,
        S.IMPLEMENTING: S.DESIGNED,
        S.VERIFYING: S.IMPLEMENTED,
        S.DEPLOYING: S.VERIFIED,
    }
    move = advance(Position(status), T.CANCELLED, W.PERSON, frozenset({G.OPERATION_STOPPED}))
    assert move.after == Position(before[status])
    assert settled(S.DESIGNING, frozenset({G.UPDATE_OPEN})) is S.MAINTENANCE


def test_error_remembers_what_it_interrupted_and_resolves_to_it() -> None:
    failed = advance(Position(S.DEPLOYING), T.FAILED, W.OPERATION, frozenset({G.CAUSE_KNOWN})).after
    assert failed == Position(S.ERROR, (S.DEPLOYING,))
    gone = frozenset({G.CAUSE_GONE})
    again = advance(failed, T.RESOLVED, W.PERSON, gone)
    assert (again.after, again.operation) == (Position(S.DEPLOYING), "deploy")
    assert advance(failed, T.RESOLVED, W.PERSON, gone, S.VERIFIED).after == Position(S.VERIFIED)
    with pytest.raises(Refused) as refused:
        advance(failed, T.RESOLVED, W.PERSON, gone, S.ACTIVE)
    assert refused.value.reason == "choice"


def test_a_broken_project_whose_repository_vanishes_returns_to_error_first() -> None:
    gone = frozenset({G.HAS_REPOSITORY, G.LOSS_CONCLUDED})
    missing = advance(Position(S.ERROR, (S.ACTIVE,)), T.REPOSITORY_GONE, W.HEARTBEAT, gone).after
    assert missing == Position(S.MISSING, (S.ACTIVE, S.ERROR))
    back = advance(missing, T.RETURNED, W.HEARTBEAT, frozenset({G.REPOSITORY_SEEN})).after
    assert back == Position(S.ERROR, (S.ACTIVE,))


def test_a_transient_status_that_went_missing_returns_settled() -> None:
    back = advance(
        Position(S.MISSING, (S.IMPLEMENTING,)), T.RETURNED, W.HEARTBEAT, frozenset({G.REPOSITORY_SEEN})
    )
    assert (back.after, back.operation) == (Position(S.DESIGNED), None)


def test_every_status_with_a_repository_can_go_missing_and_no_other() -> None:
    expected = set(Status) - {S.DRAFT, S.ESTIMATED, S.PROVISIONING, S.MISSING, S.ARCHIVED}
    assert set(WITH_REPOSITORY) == expected
    assert {status for (status, trigger) in ROWS if trigger is T.REPOSITORY_GONE} == expected


@pytest.mark.parametrize(
    ("stack", "proofs", "expected"),
    [
        ((S.ACTIVE,), set(), Position(S.ACTIVE)),
        ((S.ACTIVE,), {G.UNDEPLOYED}, Position(S.VERIFIED)),
        ((S.DRAFT,), set(), Position(S.DRAFT)),
        ((S.ESTIMATED,), {G.NO_REPOSITORY}, Position(S.DRAFT)),
        ((S.DISCOVERED,), {G.HAS_REPOSITORY, G.IMPORTED}, Position(S.DISCOVERED)),
        ((S.SETUP_REQUIRED,), {G.HAS_REPOSITORY, G.IMPORTED}, Position(S.DISCOVERED)),
        ((S.VERIFYING,), {G.HAS_REPOSITORY}, Position(S.IMPLEMENTED)),
        ((S.ACTIVE, S.ERROR), {G.HAS_REPOSITORY}, Position(S.ERROR, (S.ACTIVE,))),
    ],
)
def test_reopening(stack: tuple[Status, ...], proofs: set[Guard], expected: Position) -> None:
    assert advance(Position(S.ARCHIVED, stack), T.REOPENED, W.PERSON, frozenset(proofs)).after == expected


@pytest.mark.parametrize("entry", ENTRY_STATUSES)
@pytest.mark.parametrize("source", [S.DISCOVERED, S.SETUP_REQUIRED])
def test_adoption_enters_where_the_evidence_supports(source: Status, entry: Status) -> None:
    proofs = frozenset({G.SETUP_COMPLETE, G.OWNER_SET, G.ENTRY_PROVEN})
    assert advance(Position(source), T.ADOPTED, W.PERSON, proofs, entry).after == Position(entry)
    with pytest.raises(Refused, match="name the entry status"):
        advance(Position(source), T.ADOPTED, W.PERSON, proofs, S.DEPLOYING)


def test_an_import_is_never_deployed_from_setup_required() -> None:
    assert (S.SETUP_REQUIRED, T.STARTED) not in ROWS


def test_a_refusal_says_which_of_the_three_it_was() -> None:
    with pytest.raises(Refused) as edge:
        advance(Position(S.DRAFT), T.PASSED, W.PERSON)
    assert edge.value.reason == "edge"
    assert "possible: archived, cancelled" in edge.value.words
    with pytest.raises(Refused) as role:
        advance(Position(S.ESTIMATED), T.CONFIRMED, W.PERSON, ALL)
    assert (role.value.reason, "approver" in role.value.words) == ("role", True)
    with pytest.raises(Refused) as guard:
        advance(Position(S.ESTIMATED), T.CONFIRMED, W.APPROVER, frozenset({G.NAME_FREE}))
    assert (guard.value.reason, guard.value.unmet) == ("guard", (G.BUDGET_SET,))


def test_faces_are_offered_what_the_table_allows() -> None:
    options = allowed(Position(S.ESTIMATED), frozenset({W.PERSON}))
    assert {option.trigger: option.refused for option in options} == {
        T.REVISED: None,
        T.CONFIRMED: "only for: approver",
        T.ARCHIVED: None,
        T.CANCELLED: None,
    }
    approve = allowed(Position(S.DRAFT), frozenset({W.APPROVER}))[0]
    assert approve.trigger is T.APPROVED
    assert approve.refused is not None
    assert "spec" in approve.refused


def test_the_phase_shown_is_that_of_what_was_interrupted() -> None:
    assert phase_shown(Position(S.ERROR, (S.DEPLOYING,))) == "production"
    assert phase_shown(Position(S.MISSING, (S.DESIGNED, S.ERROR))) == "construction"
    assert phase_shown(Position(S.MAINTENANCE)) == "maintenance"


@pytest.mark.parametrize("status", [None, *Status])
def test_the_table_is_total(status: Status | None) -> None:
    position = at(status, *((S.ACTIVE,) if status in INTERRUPTIONS else ()))
    for trigger, who in itertools.product(Trigger, Who):
        row = ROWS.get((status, trigger))
        if row is None or who not in row.who:
            with pytest.raises(Refused) as refused:
                advance(position, trigger, who, PROVEN)
            assert refused.value.words
            assert refused.value.reason == ("edge" if row is None else "role")
            continue
        choice = S.ACTIVE if row.target is Back.ENTRY else None
        move = advance(position, trigger, who, PROVEN, choice)
        assert bool(move.after.interrupted) == (move.after.status in INTERRUPTIONS)


@given(
    st.lists(st.tuples(st.sampled_from(Trigger), st.sets(st.sampled_from(Guard))), max_size=40),
    st.sampled_from([T.ORDERED, T.REPOSITORY_DISCOVERED]),
)
@settings(max_examples=150, deadline=None)
def test_no_walk_loses_what_it_interrupted(walk: list[tuple[Trigger, set[Guard]]], birth: Trigger) -> None:
    position = advance(None, birth, next(iter(ROWS[None, birth].who)), ALL).after
    for trigger, extra in walk:
        row = ROWS.get((position.status, trigger))
        if row is None:
            continue
        choice = S.VERIFIED if row.target is Back.ENTRY else None
        move: Move = advance(
            position, trigger, next(iter(row.who)), frozenset(row.guards) | frozenset(extra), choice
        )
        position = move.after
        assert bool(position.interrupted) == (position.status in INTERRUPTIONS)
        assert S.ARCHIVED not in position.interrupted
        settled_or_interruption = [s for s in position.interrupted if s in INTERRUPTIONS]
        assert len(set(settled_or_interruption)) == len(settled_or_interruption)


def test_every_status_is_reachable_and_can_be_left() -> None:
    reached: set[Status] = set()
    for row in TABLE:
        if isinstance(row.target, Status):
            reached.add(row.target)
    assert reached | set(ENTRY_STATUSES) == set(Status)
    assert {status for status, _ in ROWS} - {None} == set(Status)


def test_the_diagram_draws_every_row() -> None:
    drawn = mermaid().splitlines()
    assert drawn[0] == "stateDiagram-v2"
    assert len([line for line in drawn if "-->" in line]) == len(ROWS)
    assert "    active --> missing: repository gone" in drawn
