"""The verdict on a commit: a table of what GitHub says and what it comes to, and laws over generated checks.

Each row names where GitHub tells it: "runs" is "REST: check runs" (its values of status and conclusion),
"statuses" is "REST: commit statuses", "suites" is "REST: check suites", "workflow runs" is "REST: workflow runs",
"required" is "Troubleshooting required status checks", "protected" is "About protected branches", "rules" is
"REST: rules"; "policy" is our own.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.domain.verdict import (
    INFRASTRUCTURE,
    PASSING,
    PRODUCT,
    Check,
    Colour,
    CommitChecks,
    Rule,
    Verdict,
    latest_checks,
    verdict,
)

SHA = "a" * 40
SINCE = datetime(2026, 1, 1, tzinfo=UTC)
ACTIONS = 15368
RULE = Rule(deadline_s=3600, grace_s=600)
STRICT = replace(RULE, required=("test",))
LAX = replace(STRICT, only_required=True)


def run(name: str, said: str | None, number: int = 1, app: int = ACTIONS) -> Check:
    """A check run that ended so."""
    return Check(name, app, "completed", said, number)


def going(name: str, status: str, number: int = 1, app: int = ACTIONS) -> Check:
    """One that has not ended."""
    return Check(name, app, status, None, number)


def told(*checks: Check, **more: object) -> CommitChecks:
    """What was said of the commit; `required` and `suites` as they are kept."""
    return replace(CommitChecks(SHA, checks), **more)  # type: ignore[arg-type] # the two fields of the tests below


def judged(found: CommitChecks, rule: Rule = RULE, age_s: float = 60) -> Verdict:
    """The verdict after that long."""
    return verdict(found, rule, SINCE + timedelta(seconds=age_s), SINCE)


OK = run("test", "success")
G, R, P, N, S = Colour.GREEN, Colour.RED, Colour.PENDING, Colour.NONE, Colour.STUCK
OURS = True
Row = tuple[str, CommitChecks, Rule, float, Colour, bool]
TABLE: list[Row] = [
    # of one conclusion each
    ("runs: conclusion success", told(OK), RULE, 60, G, False),
    ("runs: conclusion failure", told(run("test", "failure")), RULE, 60, R, False),
    ("runs: conclusion neutral", told(run("test", "neutral")), RULE, 60, P, False),
    ("runs: conclusion neutral, after the grace", told(run("test", "neutral")), RULE, 600, N, False),
    ("runs: conclusion skipped", told(run("test", "skipped")), RULE, 60, P, False),
    ("runs: conclusion skipped, after the grace", told(run("test", "skipped")), RULE, 9999, N, False),
    ("runs: conclusion cancelled", told(run("test", "cancelled")), RULE, 60, R, OURS),
    ("runs: conclusion timed_out", told(run("test", "timed_out")), RULE, 60, R, OURS),
    ("runs: conclusion action_required", told(run("test", "action_required")), RULE, 60, R, OURS),
    ("runs: conclusion stale, set by GitHub alone", told(run("test", "stale")), RULE, 60, R, OURS),
    ("workflow runs: startup_failure of a run", told(run("test", "startup_failure")), RULE, 60, R, OURS),
    ("runs: completed without conclusion", told(run("test", None)), RULE, 60, P, False),
    ("runs: a conclusion of the future", told(run("test", "glorious")), RULE, 60, P, False),
    ("runs: a conclusion of the future, late", told(run("test", "glorious")), RULE, 3600, S, False),
    # of one status each
    ("runs: status queued", told(going("test", "queued")), RULE, 60, P, False),
    ("runs: status in_progress", told(going("test", "in_progress")), RULE, 60, P, False),
    ("runs: status waiting, on a deployment rule", told(going("test", "waiting")), RULE, 60, P, False),
    ("runs: status requested", told(going("test", "requested")), RULE, 60, P, False),
    ("runs: status pending, on concurrency", told(going("test", "pending")), RULE, 60, P, False),
    ("runs: a status of the future", told(going("test", "dreaming")), RULE, 60, P, False),
    ("runs: queued past the deadline", told(going("test", "queued")), RULE, 3600, S, False),
    ("runs: under way past the deadline", told(OK, going("e2e", "in_progress")), RULE, 4000, S, False),
    # statuses
    ("statuses: state success", told(run("ci/x", "success", app=0)), RULE, 60, G, False),
    ("statuses: state failure", told(run("ci/x", "failure", app=0)), RULE, 60, R, False),
    ("statuses: state error", told(run("ci/x", "error", app=0)), RULE, 60, R, OURS),
    ("statuses: state pending", told(going("ci/x", "pending", app=0)), RULE, 60, P, False),
    ("statuses: the later of one context counts", told(run("c", "failure", 1, 0), run("c", "success", 2, 0)),
     RULE, 60, G, False),
    # attempts
    ("runs: filter latest, failed then passed", told(run("test", "failure", 1), run("test", "success", 2)),
     RULE, 60, G, False),
    ("runs: filter latest, passed then failed", told(run("test", "failure", 9), run("test", "success", 2)),
     RULE, 60, R, False),
    ("runs: filter latest, failed then queued again", told(run("test", "failure", 1), going("test", "queued", 2)),
     RULE, 60, P, False),
    ("runs: cancelled then passed", told(run("test", "cancelled", 1), run("test", "success", 2)), RULE, 60, G, False),
    ("runs: of two apps one name is two checks", told(OK, run("test", "failure", 2, app=7)), RULE, 60, R, False),
    # several
    ("statuses: combined, one failure of many", told(OK, run("lint", "failure")), RULE, 60, R, False),
    ("statuses: combined, one pending of many", told(OK, going("lint", "queued")), RULE, 60, P, False),
    ("policy: red before pending", told(run("lint", "failure"), going("test", "queued")), RULE, 60, R, False),
    ("policy: a product's fault beside ours is the product's",
     told(run("lint", "failure"), run("test", "cancelled")), RULE, 60, R, False),
    ("policy: only faults of ours", told(OK, run("lint", "timed_out"), run("e2e", "stale")), RULE, 60, R, OURS),
    ("runs: skipped beside success", told(OK, run("deploy", "skipped")), RULE, 60, G, False),
    ("runs: neutral beside success", told(OK, run("hints", "neutral")), RULE, 60, G, False),
    # required
    ("required: by the rule, passed", told(OK, required=(("test", None),)), RULE, 60, G, False),
    ("required: by the rule of its app", told(OK, required=(("test", ACTIONS),)), RULE, 60, G, False),
    ("protected: of another app does not count", told(OK, required=(("test", 7),)), RULE, 60, P, False),
    ("required: absent, skipped by a path filter, stays pending", told(run("lint", "success")), STRICT, 60, P, False),
    ("required: absent past the deadline", told(run("lint", "success")), STRICT, 3600, S, False),
    ("required: nothing came at all", told(), STRICT, 700, P, False),
    ("required: nothing came until the deadline", told(), STRICT, 3600, S, False),
    ("required: failed", told(run("test", "failure")), STRICT, 60, R, False),
    ("required: a job skipped by its condition passes", told(run("test", "skipped"), run("lint", "success")),
     STRICT, 60, G, False),
    ("required: neutral passes", told(run("test", "neutral"), run("lint", "success")), STRICT, 60, G, False),
    ("required: skipped alone proves nothing", told(run("test", "skipped")), STRICT, 600, N, False),
    ("required: a check and a status of one name both must pass",
     told(OK, run("test", "failure", app=0)), STRICT, 60, R, False),
    ("required: a check passed, the status of its name waits",
     told(OK, going("test", "pending", app=0)), STRICT, 60, P, False),
    ("rules: of two required one waits", told(OK, required=(("lint", None),)), STRICT, 60, P, False),
    ("required: names are compared with case", told(run("Test", "success")), STRICT, 60, P, False),
    # not required
    ("policy: a check that is not required fails", told(OK, run("lint", "failure")), STRICT, 60, R, False),
    ("protected: only required ones count where policy says so", told(OK, run("lint", "failure")), LAX, 60, G, False),
    ("protected: what is not required need not end", told(OK, going("lint", "queued")), LAX, 60, G, False),
    ("policy: only_required without anything required",
     told(OK, run("lint", "failure")), replace(LAX, required=()), 60, R, False),
    # nothing
    ("policy: nothing yet", told(), RULE, 599, P, False),
    ("policy: nothing after the grace", told(), RULE, 600, N, False),
    ("policy: nothing and nothing wanted is still not green", told(), replace(RULE, min_success=0), 600, N, False),
    ("policy: a clock that went back", told(), RULE, -50, P, False),
    # known apps
    ("policy: success of a known app", told(OK), replace(RULE, apps=frozenset({ACTIONS})), 60, G, False),
    ("policy: success of an app that nobody knows", told(run("spell", "success", app=9)),
     replace(RULE, apps=frozenset({ACTIONS})), 600, N, False),
    ("policy: success by a known name", told(run("test", "success", app=9)),
     replace(RULE, apps=frozenset({ACTIONS}), names=frozenset({"test"})), 60, G, False),
    ("policy: two successes wanted", told(OK), replace(RULE, min_success=2), 600, N, False),
    # suites and workflow runs
    ("suites: one under way beside a success", told(OK, suites=((ACTIONS, "in_progress", None),)), RULE, 60, P, False),
    ("workflow runs: queued without a job", told(suites=((ACTIONS, "queued", None),)), RULE, 700, P, False),
    ("workflow runs: queued past the deadline", told(suites=((ACTIONS, "queued", None),)), RULE, 3600, S, False),
    ("workflow runs: startup_failure", told(OK, suites=((ACTIONS, "completed", "startup_failure"),)),
     RULE, 60, R, OURS),
    ("workflow runs: approval of a first contribution",
     told(suites=((ACTIONS, "completed", "action_required"),)), RULE, 60, R, OURS),
    ("workflow runs: failure without a job", told(OK, suites=((ACTIONS, "completed", "failure"),)),
     RULE, 60, R, False),
    ("suites: a success is not a check's", told(suites=((ACTIONS, "completed", "success"),)), RULE, 600, N, False),
    ("suites: a word of the future", told(OK, suites=((ACTIONS, "completed", "glorious"),)), RULE, 60, P, False),
    ("policy: a workflow that could not begin explains what is absent",
     told(suites=((ACTIONS, "completed", "startup_failure"),)), LAX, 60, R, OURS),
]  # fmt: skip


@pytest.mark.parametrize(
    ("found", "rule", "age_s", "colour", "ours"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_what_was_said_comes_to(
    found: CommitChecks, rule: Rule, age_s: float, colour: Colour, ours: bool
) -> None:
    came_to = judged(found, rule, age_s)
    assert (came_to.colour, came_to.infrastructure) == (colour, ours), came_to.reasons
    assert came_to.reasons, "every verdict gives its reasons"


def test_the_table_is_large_and_names_its_sources() -> None:
    sources = {"runs", "statuses", "suites", "workflow runs", "required", "protected", "rules", "policy"}
    assert {row[0].partition(":")[0] for row in TABLE} == sources
    assert len({row[0] for row in TABLE}) == len(TABLE) >= 40


def test_no_word_is_read_in_two_ways() -> None:
    kinds = (PASSING, PRODUCT, INFRASTRUCTURE)
    assert sum(map(len, kinds)) == len(frozenset().union(*kinds))


WORDS = sorted(PASSING | PRODUCT | INFRASTRUCTURE)
unknown = st.text(min_size=1, max_size=8).filter(lambda word: word not in WORDS)
names = st.sampled_from(["test", "lint", "build", "e2e"])
apps = st.sampled_from([0, 7, ACTIONS])
ended = st.builds(Check, names, apps, st.just("completed"), st.sampled_from(WORDS), st.integers(1, 9))
under_way = st.builds(Check, names, apps, st.sampled_from(["queued", "in_progress", "waiting"]), st.none(),
                      st.integers(1, 9))  # fmt: skip
odd = st.builds(Check, names, apps, st.just("completed"), unknown, st.integers(1, 9))
checks = st.lists(st.one_of(ended, under_way, odd), max_size=8).map(tuple)
suites = st.lists(
    st.tuples(apps, st.sampled_from(["queued", "completed"]), st.none() | st.sampled_from(WORDS)), max_size=3
).map(tuple)
required = st.lists(st.tuples(names, st.none() | apps), max_size=3).map(tuple)
worlds = st.builds(CommitChecks, st.just(SHA), checks, required, suites)
rules = st.builds(
    Rule,
    required=st.lists(names, max_size=2).map(tuple),
    min_success=st.integers(0, 2),
    only_required=st.booleans(),
)
ages = st.floats(-100, 10_000)


@given(required, suites, rules, ages)
def test_without_a_check_nothing_is_green(
    needed: tuple[tuple[str, int | None], ...],
    open_suites: tuple[tuple[int, str, str | None], ...],
    rule: Rule,
    age_s: float,
) -> None:
    assert judged(CommitChecks(SHA, (), needed, open_suites), rule, age_s).colour is not Colour.GREEN


@given(worlds, rules, ages, names, apps, st.sampled_from(sorted(PRODUCT | INFRASTRUCTURE)))
def test_a_required_check_that_fails_makes_red_whatever_else_was_said(
    world: CommitChecks, rule: Rule, age_s: float, name: str, app: int, word: str
) -> None:
    failing = Check(name, app, "completed", word, 99)
    found = replace(world, checks=(*world.checks, failing), required=(*world.required, (name, None)))
    assert judged(found, rule, age_s).colour is Colour.RED


@given(worlds, rules, ages, st.randoms(use_true_random=False))
def test_the_order_of_checks_does_not_matter(
    world: CommitChecks, rule: Rule, age_s: float, chance: object
) -> None:
    shuffled = list(world.checks)
    chance.shuffle(shuffled)  # type: ignore[attr-defined] # Hypothesis gives a random.Random
    assert judged(replace(world, checks=tuple(shuffled)), rule, age_s) == judged(world, rule, age_s)


@given(worlds, rules, ages, st.sampled_from(WORDS))
def test_an_older_attempt_never_matters(world: CommitChecks, rule: Rule, age_s: float, word: str) -> None:
    older = tuple(replace(check, id=0, status="completed", conclusion=word) for check in world.checks)
    assert judged(replace(world, checks=(*older, *world.checks)), rule, age_s) == judged(world, rule, age_s)
    assert latest_checks((*older, *world.checks)) == latest_checks(world.checks)


@given(worlds, rules, ages, names, apps, unknown, st.booleans())
def test_a_word_that_nobody_knows_is_never_green(
    world: CommitChecks, rule: Rule, age_s: float, name: str, app: int, word: str, as_status: bool
) -> None:
    strange = Check(name, app, word if as_status else "completed", word, 99)
    found = replace(world, checks=(*world.checks, strange), required=(*world.required, (name, None)))
    if as_status and word == "completed":
        return
    assert judged(found, rule, age_s).colour is not Colour.GREEN


@given(worlds, rules, ages, ages)
def test_time_alone_never_makes_green_nor_red(
    world: CommitChecks, rule: Rule, one: float, other: float
) -> None:
    before, after = judged(world, rule, one).colour, judged(world, rule, other).colour
    assert (before is Colour.GREEN) == (after is Colour.GREEN)
    assert (before is Colour.RED) == (after is Colour.RED)


@given(worlds, rules, ages)
def test_only_red_is_laid_on_the_infrastructure_and_green_needs_its_real_successes(
    world: CommitChecks, rule: Rule, age_s: float
) -> None:
    came_to = judged(world, rule, age_s)
    assert came_to.colour is Colour.RED or not came_to.infrastructure
    real = [check for check in latest_checks(world.checks) if check.conclusion == "success"]
    assert came_to.colour is not Colour.GREEN or len(real) >= rule.min_success
