"""A project that a person touched, as watching stores it: a hold with its evidence, a kept patch, a changed setting."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

from steward.app.filing import told
from steward.app.holds import evidence, place, words
from steward.app.queries import find_project, the_project
from steward.domain.hands import Commit, Finding, Hold, Reason, Sender, Watch
from steward.domain.journal import Event, Kind
from steward.domain.people import local
from steward.domain.project import Project
from steward.domain.reports import Seen
from steward.ports import Writes
from steward.ports.hands import Patch
from steward.testing.world import World

BEFORE, FIRST, TIP = (sha256(name.encode()).hexdigest()[:40] for name in ("before", "first", "tip"))
"""Where the branch stood, and what was pushed to it."""
PATCH: Final = (
    "diff --git a/seats.py b/seats.py\n--- a/seats.py\n+++ b/seats.py\n@@ -1 +1 @@\n-rows = 9\n+rows = 12\n"
)


def touch(world: World, slug: str, *, always: str = "", checks: str = "red") -> Hold:
    """Two commits of a person's were pushed to the default branch of a project: it is held for them."""
    at = world.clock.now().at
    commits = (
        Commit(FIRST, (BEFORE,), "Twelve rows, not nine\n\nAs built.", "Борис Леонов", "boris", at=at),
        Commit(TIP, (FIRST,), "A hint <b>for</b> the usher", "Борис Леонов", "boris", at=at),
    )
    finding = Finding(
        branch="main",
        before=BEFORE,
        after=TIP,
        kind="pushed",
        unproven=commits,
        files={"seats.py": "M", "docs/usher.md": "A"},
        movers=(Sender(7, "boris", "User", BEFORE),),
        always=always,
    )
    with told(world.store) as tx:
        project = _project(tx, slug)
        seen = Seen(project.organisation_id, 0, world.clock.now())
        hold = Hold(
            project_id=project.id,
            organisation_id=project.organisation_id,
            reason=Reason.FOREIGN,
            words=words(finding),
            since=at,
            by="github:boris",
            evidence={**evidence(finding), "checks": checks},
        )
        saved = place(tx, project, hold, seen, "heartbeat", [])
    assert saved is not None, "nothing held it before"
    return saved


def keep_patch(world: World, slug: str, operation: str = "0123456789abcdef") -> Patch:
    """The unpushed work of an agent that was stopped for it."""
    at = world.clock.now().at
    with told(world.store) as tx:
        project = _project(tx, slug)
        why = "the run was stopped"
        kept = tx.keep_patch(Patch(project.id, operation, 1, BEFORE, PATCH, at, why))
        data = {"patch": kept.id, "operation": operation, "size": len(PATCH), "cut": False}
        home = project.organisation_id
        tx.append([Event(Kind.PATCH_KEPT, at, "operation:implement", project.id, home, why, data)])
    return kept


def drift(world: World, slug: str, setting: str, wanted: Any, shown: Any) -> None:
    """A setting of its repository was changed on GitHub."""
    at = world.clock.now().at
    with told(world.store) as tx:
        project = _project(tx, slug)
        assert project.repository_id is not None, "a repository is set, or not so"
        known = tx.watches([project.repository_id]).get(project.repository_id)
        watch = known or Watch(project.repository_id, project.id, "main", read_at=at)
        tx.save_watch(
            replace(
                watch,
                wanted={**watch.wanted, setting: wanted},
                shown={**watch.shown, setting: shown},
            )
        )
        data = {"setting": setting, "wanted": wanted, "shown": shown, "was": wanted}
        home = project.organisation_id
        tx.append([Event(Kind.SETTING_DRIFTED, at, "heartbeat", project.id, home, "", data)])


def _project(tx: Writes, slug: str) -> Project:
    return the_project(find_project(tx, slug, local("showcase")))
