"""The road in memory: what leads on by itself, what waits for a person, and the way out of every failure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from steward.app.describing import Wish
from steward.app.errors import Invalid
from steward.app.policy import Policy
from steward.domain.agents import Outcome, Role, RunResult, RunSpec
from steward.domain.hands import Reason
from steward.domain.lifecycle import Refused
from steward.domain.operations import Fault, OperationState, Work
from steward.domain.status import Status
from steward.ports import Permanent, Unreachable
from steward.ports.building import Deployed
from steward.testing.driven import Driven
from tests.app.driven_kit import count, judge_history, judge_live, judge_once, succeeded
from tests.app.hands_kit import hands, hold, holds

FIRST = [Work.SPECIFY, Work.PROVISION, Work.DESIGN, Work.IMPLEMENT, Work.VERIFY, Work.DEPLOY]


def incident(driven: Driven) -> dict[str, Any]:
    """The only one that is open."""
    (found,) = driven.incidents("open")
    return found


def retried(driven: Driven, reason: str = "") -> None:
    """Retry, and come to life."""
    driven.building().retry("shop", reason)
    driven.drive()
    judge_live(driven)


def test_the_road_goes_by_itself_once_it_is_confirmed(driven: Driven) -> None:
    driven.live()
    assert succeeded(driven.operations()) == FIRST
    judge_live(driven)


def test_a_policy_that_asks_waits_for_a_word_before_it_deploys(make_driven: Callable[..., Driven]) -> None:
    driven = make_driven(Policy(deploy_asks=True))
    driven.live()
    assert driven.project().status is Status.VERIFIED
    driven.building().start("shop")
    driven.drive()
    judge_live(driven)


# Templates and answers ----------------------------------------------------------------------------------


def test_a_template_that_is_not_there_is_refused_before_anything_is_stored(driven: Driven) -> None:
    with pytest.raises(Invalid, match="no template at nowhere"):
        driven.building().draft("shop", wish=Wish(template="nowhere"))
    assert driven.projects() == []


def test_answers_that_nobody_asked_for_are_refused_with_what_is_possible(driven: Driven) -> None:
    with pytest.raises(Invalid, match="do not fit") as refused:
        driven.building().draft("shop", wish=Wish(answers={"featurs": "Cart", "accent": "pink"}))
    assert "did you mean" in str(refused.value.advice)
    assert "indigo" in str(refused.value.advice)
    assert driven.projects() == []


def test_secret_answers_are_refused_rather_than_lost(driven: Driven) -> None:
    with pytest.raises(Permanent, match="keeps no secrets"):
        driven.building().draft("shop", wish=Wish(answers={"api_key": "hunter2-hunter2"}))
    assert driven.projects() == []


def test_a_template_that_goes_away_fails_the_estimate_and_a_retry_takes_the_mended_spec(
    driven: Driven,
) -> None:
    driven.building().draft("shop", wish=driven.wish())
    driven.building().approve("shop")
    driven.templates.refuses = Permanent("the template was deleted", "Name another one.")
    driven.drive()
    assert driven.project().status is Status.DRAFT
    assert "the template was deleted" in incident(driven)["title"]
    driven.templates.refuses = None
    driven.building().describe("shop", Wish(answers={"features": "Search: finds"}))
    driven.building().retry("shop")
    driven.drive()
    assert driven.project().status is Status.ESTIMATED
    assert driven.operations()[0].facts["spec_version"] == 2
    assert driven.open_causes() == []


def test_a_template_in_conflict_waits_for_a_person(driven: Driven) -> None:
    driven.templates.conflicts = ["app.py"]
    driven.live()
    assert "conflicts with the project in app.py" in incident(driven)["title"]
    driven.templates.conflicts = []
    retried(driven)


# GitHub -------------------------------------------------------------------------------------------------


def test_a_name_that_is_taken_is_an_incident_of_its_own(driven: Driven) -> None:
    taken = driven.forge.create("acme", "shop")
    driven.live()
    assert incident(driven)["cause"] == "name_taken"
    assert driven.project().status is Status.ERROR
    driven.forge.rename(taken.id, "old-shop")
    # What fails next, before anybody looked again, is an incident of its own.
    driven.agent.missing = Permanent("the program claude is not installed", "Install it.")
    driven.building().retry("shop")
    driven.drive()
    assert incident(driven)["cause"] == "operation_failed"
    driven.agent.missing = None
    retried(driven)


def test_a_repository_that_somebody_filled_is_not_built_in(driven: Driven) -> None:
    driven.order()
    driven.driver.tick()
    driven.engine.run_some(driven.clock, 3)
    repo_id = driven.project().repository_id or 0
    driven.build.commit(repo_id, "main", {"own.txt": b"mine"})
    driven.drive()
    assert "holds more than its README already" in incident(driven)["title"]
    driven.build.commit(repo_id, "main", {"own.txt": None})
    retried(driven)


def test_what_answers_again_after_a_while_is_waited_for(driven: Driven) -> None:
    driven.order()
    for nth in (1, 2, 3):
        driven.build.fail("ensure_pull", nth)
    driven.drive()
    judge_live(driven)
    assert driven.work_of(Work.DESIGN).facts["tries"] == {}


def test_what_never_answers_calls_a_person(driven: Driven) -> None:
    driven.order()
    for nth in range(1, 8):
        driven.build.fail("ensure_pull", nth, error=Unreachable("GitHub is away"))
    driven.drive()
    assert "did not work in 6 tries: GitHub is away" in incident(driven)["title"]
    retried(driven)


def test_rules_that_forbid_a_merge_call_a_person(driven: Driven) -> None:
    driven.build.blocked = "a review is required"
    driven.live()
    assert "a review is required" in incident(driven)["title"]
    assert driven.operations()[0].failure is not None
    driven.build.blocked = ""
    retried(driven)


# Agents -------------------------------------------------------------------------------------------------


def test_a_budget_that_is_spent_is_an_incident_of_its_own(driven: Driven) -> None:
    driven.building().draft("shop", wish=driven.wish())
    driven.building().approve("shop")
    driven.drive()
    driven.building().confirm("shop", budget_usd=0.9)
    driven.drive()
    assert incident(driven)["cause"] == "budget_spent"
    driven.building().budget("shop", 10.0)
    retried(driven)


def test_an_agent_that_is_not_installed_is_told_of(driven: Driven) -> None:
    driven.agent.missing = Permanent("the program claude is not installed", "Install it: make agents.")
    driven.live()
    assert "the program claude is not installed" in incident(driven)["title"]
    assert incident(driven)["evidence"]["advice"] == "Install it: make agents."
    driven.agent.missing = None
    retried(driven)


@pytest.mark.parametrize("outcome", [Outcome.CRASHED, Outcome.TIMEOUT, Outcome.LIMIT, Outcome.REFUSED])
def test_a_run_that_ends_badly_is_retried(driven: Driven, outcome: Outcome) -> None:
    driven.agent.says = [RunResult(outcome, reason="it fell over")]
    driven.live()
    assert "it fell over" in incident(driven)["title"]
    retried(driven)


def test_a_model_that_does_not_serve_for_a_while_is_waited_for(driven: Driven) -> None:
    lost = RunResult(Outcome.PROVIDER_ERROR, reason="overloaded", cost_usd=0.25, cost_source="agent")
    driven.agent.says = [lost] * 3
    driven.live()
    judge_live(driven)
    project_id = driven.project().id
    with driven.store.reading() as view:
        assert view.spent_usd(project_id) == pytest.approx(3 * 0.25 + 3 * 0.5)


def test_a_run_that_was_broken_off_by_nobody_is_begun_anew(driven: Driven) -> None:
    driven.agent.says = [RunResult(Outcome.CANCELLED)]
    driven.live()
    judge_live(driven)


def test_an_agent_that_changes_nothing_is_no_success(driven: Driven) -> None:
    driven.agent.works = lambda _spec, _files: None
    driven.live()
    assert "changed nothing" in incident(driven)["title"]
    driven.agent.works = None
    retried(driven)


def test_an_agent_may_not_change_how_its_work_is_checked(driven: Driven) -> None:
    def cheat(_spec: RunSpec, files: dict[str, bytes]) -> None:
        files["IMPLEMENTATION.md"] = b"plan"
        files[".github/workflows/checks.yml"] = b"true"

    driven.agent.works = cheat
    driven.live()
    assert "only a person may: .github/workflows/checks.yml" in incident(driven)["title"]
    driven.agent.works = None
    retried(driven)


# Checks -------------------------------------------------------------------------------------------------


def red_while(driven: Driven, text: bytes) -> None:
    """The check fails where a file holds that."""
    driven.build.conclude = lambda files: "failure" if text in files.get("feature.txt", b"") else "success"


def test_red_checks_go_back_to_the_developer_who_mends_them(driven: Driven) -> None:
    red_while(driven, b"None, [])")
    driven.live()
    judge_live(driven)
    runs = [run.role for run in driven.agent.runs]
    assert runs.count(Role.DEVELOPER) == 2
    assert driven.agent.runs[-2].contract["rework"] == ["test: failure"]


def test_red_checks_go_back_twice_at_most_and_a_retry_begins_to_count_anew(driven: Driven) -> None:
    red_while(driven, b"made")
    driven.agent.works = lambda spec, files: files.update(
        {"IMPLEMENTATION.md": b"plan"}
        if spec.role == "architect"
        else {"feature.txt": b"made %d" % len(driven.agent.runs)}
    )
    driven.live()
    failure = driven.operations()[0].failure
    assert failure is not None
    assert failure.fault is Fault.PRODUCT
    assert [run.role for run in driven.agent.runs].count(Role.DEVELOPER) == 3
    red_while(driven, b"made 4")
    retried(driven)


def test_flaky_checks_that_are_green_once_run_again_lead_on(driven: Driven) -> None:
    """A person has run them again on GitHub: the retry looks at them first, and asks no agent."""
    driven.build.conclude = lambda files: "failure" if "feature.txt" in files else "success"
    driven.agent.works = lambda spec, files: files.update(
        {"IMPLEMENTATION.md": b"plan"} if spec.role == "architect" else {"feature.txt": b"made"}
    )
    driven.live()
    assert "changed nothing" in incident(driven)["title"]
    runs = len(driven.agent.runs)
    driven.build.conclude = lambda _files: "success"
    retried(driven)
    assert [run.role for run in driven.agent.runs[runs:]] == ["tester"]


@pytest.mark.parametrize("word", ["", "cancelled", "startup_failure"])
def test_checks_that_never_come_to_an_end_are_the_infrastructures_fault(driven: Driven, word: str) -> None:
    driven.build.conclude = lambda files: word if "feature.txt" in files else "success"
    driven.live()
    failure = driven.operations()[0].failure
    assert failure is not None
    assert failure.fault is Fault.INFRASTRUCTURE
    assert driven.work_of(Work.IMPLEMENT).state is OperationState.FAILED
    assert [run.role for run in driven.agent.runs] == ["architect", "developer"]
    started = driven.clock.now().at
    looks = iter(range(1000))
    driven.build.conclude = lambda _files: "success" if next(looks) > 5 else ""
    driven.building().retry("shop")
    driven.drive()
    judge_live(driven)
    assert (driven.clock.now().at - started).total_seconds() > 100


def test_a_commit_that_nothing_checked_is_never_green_but_a_person_may_waive_that(driven: Driven) -> None:
    driven.templates.checks = ()
    driven.build.conclude = lambda _files: None
    driven.live()
    assert driven.project().status is Status.ERROR
    assert "nothing has checked" in incident(driven)["title"]
    driven.building().retry("shop")
    driven.drive()
    assert driven.project().status is Status.ERROR
    retried(driven, "there is no CI for this one")
    assert driven.work_of(Work.VERIFY).facts["waived"] == "there is no CI for this one"
    assert driven.work_of(Work.VERIFY).result["checks_verdict"] == "waived"


def test_a_reason_waives_nothing_where_checks_failed(driven: Driven) -> None:
    red = iter(range(1000))
    driven.build.conclude = lambda files: "cancelled" if next(red) > 1 else "success"
    driven.live()
    assert driven.work_of(Work.VERIFY).state is OperationState.FAILED
    driven.build.conclude = lambda _files: "success"
    retried(driven, "try again")
    assert "waived" not in driven.work_of(Work.VERIFY).facts


def test_the_tester_sends_work_back_twice_and_then_calls_a_person(driven: Driven) -> None:
    driven.agent.works = lambda spec, files: files.update(
        {"IMPLEMENTATION.md": b"plan"}
        if spec.role == "architect"
        else {"feature.txt": b"made %d" % len(driven.agent.runs)}
    )
    driven.agent.rejects = [["the cart is empty"]] * 3
    driven.live()
    assert driven.project().status is Status.ERROR
    assert "the same fault was sent back 2 times already" in incident(driven)["title"]
    assert [run.role for run in driven.agent.runs].count(Role.DEVELOPER) == 3
    fixed = driven.build.commit(driven.project().repository_id or 0, "main", {"feature.txt": b"by hand"})
    driven.building().retry("shop")
    driven.drive()
    assert hold(driven).evidence["tip"] == fixed, "whoever retries may not know of it"
    hands(driven).leave("shop")
    driven.drive()
    judge_live(driven)
    assert driven.work_of(Work.VERIFY).result["commit"] == fixed


# Deployments --------------------------------------------------------------------------------------------


def test_a_playbook_that_fails_halfway_leaves_what_was_live(driven: Driven) -> None:
    driven.live()
    first = driven.tip()
    driven.building().update("shop", "More")
    driven.building().rebuild("shop")
    driven.deployer.ends = [Deployed("failed", failed_task="Switch", reason="no space left")]
    driven.drive()
    assert "in «Switch»: no space left" in incident(driven)["title"]
    assert driven.deployer.serving[driven.project().id] == first
    assert (driven.project().live or {})["commit"] == first
    retried(driven)
    assert [one.state for one in driven.releases()] == ["live", "superseded"]


def test_a_site_that_answers_for_the_old_commit_is_not_live_and_the_old_one_is_put_back(
    driven: Driven,
) -> None:
    driven.live()
    first = driven.tip()
    driven.building().update("shop", "More")
    driven.building().rebuild("shop")
    driven.gate.meet(6, lambda: driven.probe.dead.add(driven.tip()))
    driven.drive()
    assert driven.project().status is Status.ERROR
    assert "another commit answers" in incident(driven)["title"]
    assert driven.deployer.serving[driven.project().id] == first
    driven.probe.dead.clear()
    driven.building().retry("shop")
    driven.drive()
    assert driven.project().status is Status.ACTIVE
    assert (driven.project().live or {})["commit"] == driven.tip()


# People's commits ---------------------------------------------------------------------------------------


def test_a_persons_commit_on_our_branch_is_never_overwritten(driven: Driven) -> None:
    driven.order()
    theirs: list[str] = []

    def push() -> None:
        branch = driven.branch(Work.IMPLEMENT)
        theirs.append(driven.build.commit(driven.project().repository_id or 0, branch, {"a.txt": b"mine"}))

    driven.gate.meet(13 - 3, push)
    driven.drive()
    assert hold(driven).reason is Reason.BRANCH
    repo_id = driven.project().repository_id or 0
    branch = driven.branch(Work.IMPLEMENT)
    assert driven.build.tip(repo_id, branch) == theirs[0]
    driven.clock.advance(600)
    driven.drive()
    assert driven.build.tip(repo_id, branch) == theirs[0]
    hands(driven).leave("shop")
    driven.drive()
    judge_live(driven)
    assert driven.build.held(driven.tip())[1]["a.txt"] == b"mine"


def test_a_persons_commit_on_a_checked_pull_request_is_not_merged_unseen(driven: Driven) -> None:
    driven.order()
    repo_id = 0

    def push() -> None:
        driven.build.commit(
            driven.project().repository_id or 0, driven.branch(Work.IMPLEMENT), {"a.txt": b"mine"}
        )

    driven.gate.meet(12, push)
    driven.drive()
    assert hold(driven).reason is Reason.BRANCH
    repo_id = driven.project().repository_id or 0
    pull = driven.build.pull(repo_id, int(driven.work_of(Work.IMPLEMENT).facts["pull"]))
    driven.build.merge(repo_id, pull.number, sha=pull.head_sha, title="by hand")
    hands(driven).leave("shop")
    driven.drive()
    for one in holds(driven):
        hands(driven).leave("shop", hold=one.id)
    driven.drive()
    judge_live(driven)
    assert b"mine" in driven.build.held(driven.tip())[1]["a.txt"]


def test_a_persons_push_between_verification_and_deployment_is_verified_first(driven: Driven) -> None:
    driven.order()
    driven.until(lambda: driven.project().status is Status.VERIFYING)
    driven.engine.run_all(driven.clock)
    assert driven.project().status is Status.VERIFIED
    verified = driven.tip()
    pushed = driven.build.commit(driven.project().repository_id or 0, "main", {"own.txt": b"mine"})
    driven.drive()
    assert driven.deployer.done == []
    hands(driven).leave("shop")
    driven.drive()
    judge_live(driven)
    assert verified not in driven.deployer.done
    assert driven.deployer.done == [pushed]
    moves = [event.data for event in driven.events() if event.kind == "project.moved"]
    moved = next(move for move in moves if move["trigger"] == "tip moved")
    assert (moved["from"], moved["to"], moved["who"]) == ("deploying", "implemented", "heartbeat")


# Updates ------------------------------------------------------------------------------------------------


def test_updates_wait_in_line_and_the_next_opens_as_its_asker(driven: Driven) -> None:
    driven.live()
    driven.app.commands(driven.person("local:boris")).update("shop", "One")
    driven.building().update("shop", "Two")
    driven.app.commands(driven.person("local:boris")).update("shop", "Three")
    assert [update.state for update in driven.updates()] == ["open", "queued", "queued"]
    driven.building().redesign("shop")
    driven.drive()
    assert [update.state for update in driven.updates()] == ["shipped", "open", "queued"]
    assert driven.project().status is Status.MAINTENANCE
    driven.building().rebuild("shop")
    driven.drive()
    assert [update.state for update in driven.updates()] == ["shipped", "shipped", "open"]
    last = [event for event in driven.events() if event.kind == "project.moved"][-1]
    assert (last.data["trigger"], last.actor, last.why) == ("update requested", "local:boris", "Three")
    judge_history(driven)
    judge_once(driven)


def test_a_frozen_organisation_opens_no_update(driven: Driven) -> None:
    driven.live()
    driven.building().update("shop", "One")
    driven.building().update("shop", "Two")
    driven.building().abandon("shop")
    driven.deciding().freeze(None, "the audit")
    driven.drive()
    assert driven.project().status is Status.ACTIVE
    driven.deciding().unfreeze(None)
    driven.drive()
    assert [update.state for update in driven.updates()] == ["abandoned", "open"]


def test_an_abandoned_update_that_merged_as_it_was_stopped_is_taken_back(driven: Driven) -> None:
    """The merge landed, and nobody had time to remember it."""
    driven.live()
    before = driven.build.held(driven.tip())[1]
    driven.building().update("shop", "More")
    driven.building().rebuild("shop")
    driven.gate.meet(4, lambda: driven.building().abandon("shop"))
    driven.drive()
    assert driven.project().status is Status.ACTIVE
    assert driven.build.held(driven.tip())[1] == before
    assert driven.work_of(Work.REVERT).state is OperationState.SUCCEEDED
    assert driven.open_causes() == []


def test_an_update_abandoned_before_it_merged_takes_nothing_back(driven: Driven) -> None:
    driven.live()
    tip = driven.tip()
    driven.building().update("shop", "More")
    driven.building().rebuild("shop")
    driven.gate.meet(3, lambda: driven.building().abandon("shop"))
    driven.drive()
    assert driven.tip() == tip
    assert driven.project().status is Status.ACTIVE
    assert count(driven, "merge") == 2


def test_an_update_abandoned_while_it_is_deployed_puts_the_live_release_back(driven: Driven) -> None:
    driven.live()
    first = driven.tip()
    before = driven.build.held(first)[1]
    driven.building().update("shop", "More")
    driven.building().rebuild("shop")
    driven.gate.meet(6, lambda: driven.probe.dead.add(driven.tip()))
    driven.until(lambda: driven.project().status is Status.DEPLOYING)
    driven.engine.run_some(driven.clock, 4)
    assert driven.deployer.serving[driven.project().id] != first
    driven.building().abandon("shop")
    driven.drive()
    assert driven.deployer.serving[driven.project().id] == first
    assert (driven.project().live or {})["commit"] == first
    assert driven.build.held(driven.tip())[1] == before
    judge_history(driven)


def test_a_taking_back_that_fails_holds_up_updates_until_it_is_retried(driven: Driven) -> None:
    driven.live()
    before = driven.build.held(driven.tip())[1]
    driven.building().update("shop", "More")
    driven.building().update("shop", "Other")
    driven.building().rebuild("shop")
    driven.until(lambda: driven.project().status is Status.VERIFYING)
    driven.building().abandon("shop")
    driven.build.conclude = lambda _files: "failure"
    driven.drive()
    assert driven.work_of(Work.REVERT).state is OperationState.FAILED
    assert incident(driven)["cause"] == "operation_failed"
    assert [update.state for update in driven.updates()] == ["abandoned", "queued"]
    driven.build.conclude = lambda _files: "success"
    driven.building().retry("shop")
    driven.drive()
    assert driven.build.held(driven.tip())[1] == before
    assert [update.state for update in driven.updates()] == ["abandoned", "open"]
    assert driven.open_causes() == []


def test_no_update_begins_while_a_rollback_runs(driven: Driven) -> None:
    driven.live()
    driven.building().update("shop", "More")
    driven.building().rebuild("shop")
    driven.drive()
    driven.building().rollback("shop")
    driven.building().update("shop", "Other")
    assert [update.state for update in driven.updates()] == ["shipped", "queued"]
    driven.drive()
    assert [update.state for update in driven.updates()] == ["shipped", "open"]


def test_a_rollback_that_fails_can_be_retried(driven: Driven) -> None:
    driven.live()
    first = driven.tip()
    driven.building().update("shop", "More")
    driven.building().rebuild("shop")
    driven.drive()
    driven.deployer.ends = [Deployed("unreachable", reason="no route to host")]
    driven.building().rollback("shop")
    driven.drive()
    assert driven.work_of(Work.ROLLBACK).state is OperationState.FAILED
    assert driven.project().status is Status.ACTIVE
    driven.building().retry("shop")
    driven.drive()
    assert (driven.project().live or {})["commit"] == first
    assert driven.open_causes() == []


def test_an_update_that_fails_can_be_resolved_to_where_it_began(driven: Driven) -> None:
    driven.live()
    driven.agent.works = lambda _spec, _files: None
    driven.building().update("shop", "More")
    driven.building().redesign("shop")
    driven.drive()
    assert driven.project().status is Status.ERROR
    driven.agent.works = None
    driven.building().resolve("shop", "another way", Status.MAINTENANCE)
    assert driven.project().status is Status.MAINTENANCE
    driven.building().rebuild("shop")
    driven.drive()
    judge_live(driven)


def test_what_the_engine_loses_is_taken_up_and_in_the_end_told_of(driven: Driven) -> None:
    def stumble(_spec: RunSpec, _files: dict[str, bytes]) -> None:
        raise ZeroDivisionError

    driven.agent.works = stumble
    driven.live()
    assert "the engine lost it 3 times" in incident(driven)["title"]
    driven.agent.works = None
    retried(driven)


def test_a_second_word_while_something_runs_is_refused_in_words(driven: Driven) -> None:
    driven.building().draft("shop", wish=driven.wish())
    driven.building().approve("shop")
    with pytest.raises(Refused, match="specify runs for it already"):
        driven.building().approve("shop")
    with pytest.raises(Refused, match="specify runs for it already"):
        driven.building().describe("shop", driven.wish())
