"""Hands off what a person touched: the rules, each found by polling alone, and the ways out of a hold."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from steward.app.inbox import take_in
from steward.app.whose import Examination, Examined, Eyes
from steward.domain.agents import RunSpec
from steward.domain.deliveries import Delivery
from steward.domain.hands import Exit, HandsOff, Reason, Watch
from steward.domain.lifecycle import Refused
from steward.domain.operations import OperationState, Work
from steward.domain.project import Management
from steward.domain.status import Status
from steward.ports import Unreachable
from steward.testing.branches import Pushed
from steward.testing.driven import Driven
from tests.app.driven_kit import judge_history, judge_live, judge_once
from tests.app.hands_kit import hands, hold, holds, lived, noticed, repo


def deliver(driven: Driven, *pushes: Pushed) -> None:
    """Have these deliveries arrive, in this order."""
    now = driven.clock.now().at
    rows = [
        Delivery(-1, f"guid-{id(one)}", "push", now, json.dumps(one.payload()).encode()) for one in pushes
    ]
    with driven.store.writing() as tx:
        take_in(tx, rows, driven.forge.server)


def pushed(driven: Driven) -> str:
    """Boris pushes to the default branch."""
    return driven.build.person_push(repo(driven), "main", {"notes.md": b"by hand"}, "boris")


# What is ours ------------------------------------------------------------------------------------------


def test_nothing_of_ours_is_called_foreign_from_an_order_to_a_live_site_and_an_update(driven: Driven) -> None:
    lived(driven)
    driven.building().update("shop", "Add a news page")
    driven.building().redesign("shop")
    for _ in range(40):
        driven.driver.tick()
        driven.engine.run_all(driven.clock)
        noticed(driven)
    judge_live(driven)
    assert "hold.placed" not in driven.kinds()


def test_our_merges_are_known_by_their_seal_without_the_ledger(driven: Driven) -> None:
    driven.order()
    driven.until(lambda: driven.project().status is Status.IMPLEMENTING)
    base = str(driven.work_of(Work.DESIGN).facts["base"])
    before = Watch(repo(driven), driven.project().id, "main", {"main": base})
    heads = driven.build.heads(repo(driven), "main", "steward/")

    def judged(eyes: Eyes) -> Examined:
        made = Examination(eyes, before, [], lambda _shas, _branch: {}, driven.clock.now().at)
        return made.judge("main", heads, None)

    assert judged(driven.eyes).findings == ()
    assert judged(driven.eyes).tips == {"main": driven.tip()}
    (finding,) = judged(replace(driven.eyes, seal_keys=lambda: [b"of another installation"])).findings
    assert finding.after == driven.tip()


# A person pushes to the default branch -----------------------------------------------------------------


def test_a_persons_push_to_the_default_branch_is_a_hold_and_no_change_of_status(driven: Driven) -> None:
    lived(driven)
    driven.build.person_push(repo(driven), "main", {"notes.md": b"by hand"}, "boris", message="Notes by hand")
    noticed(driven)
    found = hold(driven)
    assert (found.reason, found.words) == (Reason.FOREIGN, "boris pushed 1 commit to main")
    assert driven.project().status is Status.ACTIVE
    shown = found.evidence
    assert shown["who"] == ["boris"]
    assert shown["known_by"] == "polling"
    assert shown["files"] == {"notes.md": "A"}
    assert shown["tip"] == driven.tip()
    assert [commit["title"] for commit in shown["commits"]] == ["Notes by hand"]
    assert driven.open_causes() == ["foreign_change"]
    assert any("boris pushed 1 commit to main" in title for title in driven.deliver())


def test_a_hold_stops_the_agent_and_keeps_its_unpushed_work_as_a_patch(driven: Driven) -> None:
    driven.order()
    driven.until(lambda: driven.project().status is Status.IMPLEMENTING)

    def works(_spec: RunSpec, files: dict[str, bytes]) -> None:
        files["half.py"] = b"half done\n"
        driven.build.person_push(repo(driven), "main", {"notes.md": b"by hand"})
        noticed(driven)

    driven.agent.works = works
    driven.drive()
    operation = driven.work_of(Work.IMPLEMENT)
    assert operation.state is OperationState.WAITING
    patch = hands(driven).patch("shop")
    assert patch.operation_id == operation.id
    assert "half.py" in patch.text
    assert "+half done" in patch.text
    assert "patch.kept" in driven.kinds()
    driven.agent.works = None
    hands(driven).leave("shop")
    driven.drive()
    judge_live(driven)
    assert driven.build.held(driven.tip())[1]["notes.md"] == b"by hand"


def test_nothing_is_deployed_that_a_person_pushed_without_a_word(driven: Driven) -> None:
    driven.order()
    driven.until(lambda: driven.project().status is Status.DEPLOYING)
    driven.build.person_push(repo(driven), "main", {"notes.md": b"by hand"})
    driven.drive()
    assert driven.deployer.done == []
    assert driven.project().status is Status.IMPLEMENTED
    assert hold(driven).reason is Reason.FOREIGN
    hands(driven).leave("shop", reason="reviewed")
    driven.drive()
    judge_live(driven)
    assert driven.releases()[0].commit == driven.tip()
    judge_history(driven)
    judge_once(driven)


def test_a_persons_commits_become_an_update_of_their_own_verified_then_deployed(driven: Driven) -> None:
    lived(driven)
    pushed = driven.build.person_push(repo(driven), "main", {"notes.md": b"by hand"}, "boris")
    noticed(driven)
    hands(driven).leave("shop", Exit.SHIP, "reviewed")
    driven.drive()
    judge_live(driven)
    assert driven.releases()[0].commit == pushed
    (update,) = driven.updates()
    assert (update.state, update.text) == ("shipped", "What boris pushed to main")
    assert driven.agent.runs[-1].contract["update"] is None, "nothing is asked of an agent for it"
    driven.building().update("shop", "Add a news page")
    driven.building().rebuild("shop")
    driven.drive()
    assert driven.agent.runs[-1].contract["update"] == {"number": 2, "text": "Add a news page"}


def test_resuming_leaves_what_is_live_as_it_is(driven: Driven) -> None:
    lived(driven)
    live = driven.releases()[0].commit
    driven.build.person_push(repo(driven), "main", {"notes.md": b"by hand"})
    noticed(driven)
    hands(driven).leave("shop")
    driven.drive()
    noticed(driven)
    assert holds(driven) == []
    assert driven.releases()[0].commit == live
    assert driven.project().status is Status.ACTIVE


def test_another_push_brings_the_hold_up_to_date_and_what_was_not_seen_is_not_accepted(
    driven: Driven,
) -> None:
    lived(driven)
    driven.build.person_push(repo(driven), "main", {"one.md": b"1"}, "boris")
    noticed(driven)
    first = hold(driven)
    driven.build.person_push(repo(driven), "main", {"two.md": b"2"}, "boris")
    hands(driven).leave("shop")
    noticed(driven)
    second = hold(driven)
    assert second.id != first.id
    assert second.evidence["files"] == {"two.md": "A"}
    driven.build.person_push(repo(driven), "main", {"three.md": b"3"}, "clara")
    noticed(driven)
    assert hold(driven).id == second.id
    assert hold(driven).evidence["who"] == ["boris", "clara"]


def test_a_push_that_is_taken_back_holds_nothing_any_more(driven: Driven) -> None:
    lived(driven)
    known = driven.tip()
    driven.build.person_push(repo(driven), "main", {"oops.md": b"1"})
    noticed(driven)
    assert hold(driven).words == "anna pushed 1 commit to main"
    driven.build.person_force_push(repo(driven), "main", onto=known)
    noticed(driven)
    assert holds(driven) == []
    assert driven.open_causes() == []


# Whose it is, and what always holds --------------------------------------------------------------------


def test_an_allowed_robot_is_no_person_and_one_without_a_delivery_is(driven: Driven) -> None:
    lived(driven)
    driven.build.robot_push(repo(driven), "main", {"requirements.txt": b"a==2"})
    deliver(driven, driven.build.deliveries[-1])
    noticed(driven)
    assert holds(driven) == []
    driven.build.robot_push(repo(driven), "main", {"requirements.txt": b"a==3"})
    noticed(driven)
    assert hold(driven).evidence["known_by"] == "polling"


def test_a_person_between_two_robots_is_not_hidden_by_them(driven: Driven) -> None:
    lived(driven)
    driven.build.robot_push(repo(driven), "main", {"requirements.txt": b"a==2"})
    first = driven.build.deliveries[-1]
    driven.build.person_push(repo(driven), "main", {"notes.md": b"by hand"})
    driven.build.robot_push(repo(driven), "main", {"requirements.txt": b"a==3"})
    deliver(driven, driven.build.deliveries[-1], first)
    noticed(driven)
    assert hold(driven).reason is Reason.FOREIGN


def test_a_robot_that_is_not_allowed_is_as_a_person(driven: Driven) -> None:
    lived(driven)
    driven.build.robot_push(repo(driven), "main", {"a.md": b"1"}, "stranger[bot]")
    deliver(driven, driven.build.deliveries[-1])
    noticed(driven)
    assert hold(driven).evidence["who"] == ["stranger[bot]"]
    assert hold(driven).evidence["known_by"] == "webhook"


@pytest.mark.parametrize(
    "files",
    [
        {".github/workflows/ci.yml": b"on: push"},
        {"CODEOWNERS": b"* @boris"},
        {"deploy.toml": b"x = 1"},
        {"compose.yaml": b"services: {}"},
    ],
)
def test_edits_of_workflows_deploy_config_and_owners_hold_whoever_made_them(
    driven: Driven, files: Mapping[str, bytes]
) -> None:
    lived(driven)
    hands(driven).policy_of("shop", HandsOff.NOTIFY)
    driven.build.robot_push(repo(driven), "main", files)
    deliver(driven, driven.build.deliveries[-1])
    noticed(driven)
    assert hold(driven).evidence["always"].startswith("it changes how the work is checked or put live")


def test_a_forced_branch_and_a_deleted_one_hold_whatever_the_policy(driven: Driven) -> None:
    lived(driven)
    hands(driven).policy_of("shop", HandsOff.NOTIFY)
    driven.build.person_force_push(repo(driven), "main", {"x.md": b"1"}, "boris")
    noticed(driven)
    assert hold(driven).words == "boris forced main to another commit"
    hands(driven).leave("shop")
    driven.build.person_delete_branch(repo(driven), "main")
    noticed(driven)
    assert hold(driven).words == "the branch main was deleted"


def test_a_policy_that_only_tells_holds_nothing_and_says_so(driven: Driven) -> None:
    lived(driven)
    hands(driven).policy_of("shop", HandsOff.NOTIFY)
    driven.build.person_push(repo(driven), "main", {"notes.md": b"by hand"}, "boris")
    noticed(driven)
    noticed(driven)
    assert holds(driven) == []
    assert driven.kinds().count("change.foreign") == 1
    assert "shop: boris pushed 1 commit to main" in driven.deliver()


def test_a_policy_that_continues_waits_for_green_checks_of_that_commit(driven: Driven) -> None:
    lived(driven)
    hands(driven).policy_of("shop", HandsOff.CONTINUE)
    driven.build.conclude = lambda files: "" if "notes.md" in files else "success"
    driven.build.person_push(repo(driven), "main", {"notes.md": b"by hand"})
    noticed(driven)
    noticed(driven)
    assert hold(driven).until_green
    assert hold(driven).evidence["checks"] == "pending"
    driven.build.conclude = lambda _files: "success"
    noticed(driven)
    assert holds(driven) == []
    noticed(driven)
    assert holds(driven) == []


def test_the_checks_of_what_a_person_pushed_are_shown_with_the_hold(driven: Driven) -> None:
    lived(driven)
    driven.build.conclude = lambda files: "failure" if "notes.md" in files else "success"
    driven.build.person_push(repo(driven), "main", {"notes.md": b"by hand"})
    noticed(driven)
    assert hold(driven).evidence["checks"] == "red"
    noticed(driven)
    assert hold(driven).evidence["checks"] == "red"
    assert not hold(driven).until_green


def test_another_default_branch_always_holds(driven: Driven) -> None:
    lived(driven)
    driven.build.person_push(repo(driven), "other", {"x.md": b"1"})
    driven.forge.edit(repo(driven), default_branch="other")
    noticed(driven)
    assert hold(driven).words == "the default branch was changed from main to other"
    hands(driven).leave("shop")
    noticed(driven)
    assert holds(driven) == []


# Branches of ours --------------------------------------------------------------------------------------


def implementing(driven: Driven, act: Callable[[str], object]) -> str:
    """At work, with a pull request open whose checks run as `act` happens and a beat passes; its branch."""
    driven.order()
    driven.until(lambda: driven.project().status is Status.IMPLEMENTING)
    left = [act]

    def conclude(_files: Mapping[str, bytes]) -> str:
        if driven.project().status is Status.IMPLEMENTING and left:
            left.pop()(driven.branch(Work.IMPLEMENT))
            noticed(driven)
            return ""
        return "success"

    driven.build.conclude = conclude
    driven.drive()
    return driven.branch(Work.IMPLEMENT)


def test_a_persons_commit_on_our_branch_stops_the_run_and_is_never_overwritten(driven: Driven) -> None:
    branch = implementing(
        driven, lambda name: driven.build.person_push(repo(driven), name, {"better.py": b"1"}, "boris")
    )
    theirs = driven.build.tip(repo(driven), branch)
    assert driven.build.held(str(theirs))[1]["better.py"] == b"1"
    assert hold(driven).reason is Reason.BRANCH
    assert driven.work_of(Work.IMPLEMENT).state is OperationState.WAITING
    driven.clock.advance(600)
    driven.drive()
    assert driven.build.tip(repo(driven), branch) == theirs
    hands(driven).leave("shop", reason="good")
    driven.drive()
    judge_live(driven)
    assert driven.build.held(driven.tip())[1]["better.py"] == b"1"


def test_our_unfinished_work_is_put_on_top_of_theirs(driven: Driven) -> None:
    branch = implementing(driven, lambda _name: pushed(driven))
    theirs = driven.tip()
    before = driven.build.tip(repo(driven), branch)
    hands(driven).leave("shop", Exit.REBASE)
    driven.until(lambda: driven.build.tip(repo(driven), branch) != before)
    tip = driven.build.tip(repo(driven), branch)
    assert driven.workshop.is_ancestor(repo(driven), theirs, str(tip))
    driven.drive()
    judge_live(driven)


def test_work_that_does_not_go_on_top_of_theirs_is_done_anew_there(driven: Driven) -> None:
    def same_file(branch: str) -> None:
        ours = driven.build.held(str(driven.build.tip(repo(driven), branch)))[1]
        base = driven.build.held(driven.tip())[1]
        changed = next(path for path in ours if ours[path] != base.get(path))
        driven.build.person_push(repo(driven), "main", {changed: b"quite another thing"}, "boris")

    implementing(driven, same_file)
    runs = len(driven.agent.runs)
    hands(driven).leave("shop", Exit.REBASE)
    driven.drive()
    judge_live(driven)
    assert len(driven.agent.runs) > runs
    assert "hold.placed" in driven.kinds()
    assert holds(driven) == []


def test_a_pull_request_that_a_person_merged_as_it_was_is_no_foreign_change(driven: Driven) -> None:
    def merges(_branch: str) -> None:
        number = int(driven.work_of(Work.IMPLEMENT).facts["pull"])
        driven.build.person_merge(repo(driven), number, login="boris")

    implementing(driven, merges)
    assert "hold.placed" not in driven.kinds()
    assert driven.project().status is Status.ACTIVE
    assert driven.releases()[0].commit == driven.tip()


def test_a_branch_of_ours_that_is_taken_away_holds(driven: Driven) -> None:
    branch = implementing(driven, lambda name: driven.build.person_delete_branch(repo(driven), name))
    assert (hold(driven).reason, hold(driven).words) == (
        Reason.BRANCH,
        f"the branch {branch} was deleted",
    )


# Words and signs ---------------------------------------------------------------------------------------


def test_a_pause_holds_until_somebody_resumes(driven: Driven) -> None:
    driven.order()
    driven.until(lambda: driven.project().status is Status.IMPLEMENTING)
    hands(driven).pause("shop", "a demonstration at noon")
    driven.drive()
    assert driven.work_of(Work.IMPLEMENT).state is OperationState.WAITING
    assert hold(driven).words == "paused: a demonstration at noon"
    assert driven.open_causes() == [], "a person's own word is no incident"
    hands(driven).leave("shop")
    driven.drive()
    judge_live(driven)


def test_a_file_in_the_repository_holds_it_until_it_is_gone(driven: Driven) -> None:
    lived(driven)
    driven.build.person_push(repo(driven), "main", {".do-not-touch": b""})
    noticed(driven)
    assert {one.reason for one in holds(driven)} == {Reason.FOREIGN, Reason.FILE}
    hands(driven).leave("shop")
    assert hold(driven).reason is Reason.FILE
    with pytest.raises(Refused, match="take the file away on GitHub"):
        hands(driven).leave("shop")
    driven.build.person_push(repo(driven), "main", {".do-not-touch": None})
    noticed(driven)
    hands(driven).leave("shop")
    assert holds(driven) == []


def test_a_topic_holds_the_repository_until_it_is_gone(driven: Driven) -> None:
    lived(driven)
    driven.forge.edit(repo(driven), topics=("do-not-touch", "web"))
    noticed(driven)
    assert hold(driven).words == "the repository bears the topic do-not-touch"
    driven.forge.edit(repo(driven), topics=("web",))
    noticed(driven)
    assert holds(driven) == []


def test_handing_over_leaves_the_project_to_them(driven: Driven) -> None:
    branch = implementing(driven, lambda _name: pushed(driven))
    hands(driven).leave("shop", Exit.HAND_OVER, "theirs from here")
    assert driven.project().management is Management.WATCH
    assert driven.work_of(Work.IMPLEMENT).state is OperationState.CANCELLED
    assert driven.project().status is Status.DESIGNED
    driven.build.person_push(repo(driven), "main", {"more.md": b"by hand"})
    driven.build.person_push(repo(driven), branch, {"more.md": b"by hand"})
    noticed(driven)
    driven.drive()
    assert holds(driven) == []
    assert driven.project().status is Status.DESIGNED
    driven.building().manage("shop", "drive")
    noticed(driven)
    assert holds(driven) == [], "what they did meanwhile is nobody's business"


def test_stopping_gives_the_work_up_and_waits_for_a_word(driven: Driven) -> None:
    implementing(driven, lambda _name: pushed(driven))
    hands(driven).leave("shop", Exit.STOP)
    driven.drive()
    assert driven.project().status is Status.DESIGNED
    assert holds(driven) == []
    driven.building().retry("shop")
    driven.drive()
    judge_live(driven)


def test_a_way_that_is_none_is_refused_with_those_there_are(driven: Driven) -> None:
    lived(driven)
    with pytest.raises(Refused, match="nothing holds shop"):
        hands(driven).leave("shop")
    hands(driven).pause("shop")
    with pytest.raises(Refused, match="'rebase' is no way out of it now; there is: hand_over, resume"):
        hands(driven).leave("shop", Exit.REBASE)


def test_a_github_that_does_not_answer_says_nothing_and_is_asked_again(driven: Driven) -> None:
    lived(driven)
    driven.build.person_push(repo(driven), "main", {"notes.md": b"by hand"})
    driven.build.fail("heads", error=Unreachable("no answer"))
    noticed(driven)
    assert holds(driven) == [], "silence says nothing"
    noticed(driven)
    assert hold(driven).reason is Reason.FOREIGN
