"""What must hold of a project that was driven, whatever happened to whoever drove it."""

from __future__ import annotations

from collections import Counter

from steward.domain.operations import Operation, OperationState, Work
from steward.testing.driven import Driven

ROAD = (
    "forge.ensure_repository",
    "forge.ensure_branch_rule",
    "forge.ensure_labels",
    "git.push",
    "agent.architect",
    "git.push",
    "forge.ensure_pull",
    "forge.merge",
    "agent.developer",
    "git.push",
    "forge.ensure_pull",
    "forge.merge",
    "agent.tester",
    "deploy",
)
"""Every effect of a first road, in order."""


def count(driven: Driven, what: str) -> int:
    """How many changes of that sort there were on the forge."""
    return sum(change.split()[0] == what for change in driven.build.changes)


def judge_history(driven: Driven, slug: str = "shop") -> None:
    """The moves replay to where the project stands, and at most one operation of it has not ended."""
    project = driven.project(slug)
    at: str | None = None
    for event in driven.events():
        if event.project_id == project.id and event.kind == "project.moved":
            assert event.data["from"] == at
            at = event.data["to"]
    assert at == project.status.value
    assert sum(one.is_open for one in driven.operations(slug)) <= 1


def judge_once(driven: Driven, slug: str = "shop") -> None:
    """Nothing on the outside was made twice: repositories, pull requests, merges, releases, deployments."""
    operations = driven.operations(slug)
    assert count(driven, "repository") == 1
    built = [one for one in operations if one.kind in (Work.DESIGN, Work.IMPLEMENT) and "pull" in one.facts]
    reverts = [one for one in operations if one.kind is Work.REVERT and "pull" in one.facts]
    assert count(driven, "pull") == count(driven, "merge") == len(built + reverts)
    merges = [one.facts["merged"] for one in built + reverts]
    assert len(set(merges)) == len(merges)
    commits = [release.commit for release in driven.releases(slug)]
    assert len(set(commits)) == len(commits)
    assert max(Counter(driven.deployer.done).values(), default=0) <= 1


def judge_live(driven: Driven, slug: str = "shop") -> None:
    """It is active, at the commit that was verified, with nothing doubled and no incident left."""
    project = driven.project(slug)
    assert project.status == "active", driven.incidents("open")
    judge_history(driven, slug)
    judge_once(driven, slug)
    verified = next(one for one in driven.operations(slug) if one.kind is Work.VERIFY)
    live = [release for release in driven.releases(slug) if release.state == "live"]
    assert [release.commit for release in live] == [verified.result["commit"]]
    assert project.live is not None
    assert project.live["commit"] == driven.deployer.serving[project.id] == verified.result["commit"]
    assert driven.open_causes() == []


def succeeded(operations: list[Operation]) -> list[Work]:
    """The kinds that came to a good end, oldest first."""
    return [one.kind for one in reversed(operations) if one.state is OperationState.SUCCEEDED]
