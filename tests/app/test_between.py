"""What a person does between two effects of ours: it is never overwritten, nor merged or deployed unseen."""

from __future__ import annotations

from steward.domain.hands import Reason
from steward.domain.operations import Work
from steward.domain.status import Status
from steward.testing.driven import Driven
from tests.app.driven_kit import judge_live
from tests.app.hands_kit import hands, hold, holds


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
