"""What is accounted for: where branches stand that is known, and how repositories were set. Within a transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from steward.domain.hands import PREFIX, Entry, EntryKind, Hold, Watch
from steward.domain.reports import Seen
from steward.domain.repository import Repository
from steward.ports import Writes
from steward.ports.watching import Shown

SETTINGS: Final = ("default_branch", "visibility", "archived", "rule")
"""The settings whose drift is told of."""


def begin_watch(
    tx: Writes,
    row: Repository,
    project_id: str,
    tip: str | None,
    at: datetime,
    *,
    by: str,
    shown: Shown | None = None,
) -> None:
    """Take where the default branch stands, and how the repository is set, as what is known and wanted."""
    branch = row.repo.default_branch or "main"
    if tip is not None:
        tx.enter(Entry(row.repo.id, branch, EntryKind.BASELINE, None, tip, at, by))
    plain = plain_settings(shown or Shown(), row)
    tx.save_watch(
        Watch(
            row.repo.id,
            project_id,
            branch,
            {branch: tip} if tip is not None else {},
            read_at=at,
            topics=row.repo.topics,
            wanted={name: value for name, value in plain.items() if name in SETTINGS and value is not None},
            shown=plain,
        )
    )


def wants(tx: Writes, repository_id: int, **settings: Any) -> None:
    """Remember how we set these."""
    watch = tx.watches([repository_id]).get(repository_id)
    if watch is not None:
        tx.save_watch(replace(watch, wanted={**watch.wanted, **settings}))


def accept(tx: Writes, repository_id: int, hold: Hold, seen: Seen, why: str, actor: str) -> None:
    """Take the foreign move that a hold tells of as known."""
    watch = tx.watches([repository_id]).get(repository_id)
    branch, tip = str(hold.evidence.get("branch")), hold.evidence.get("tip")
    before = hold.evidence.get("before")
    by = f"{actor}: {why}" if why else actor
    tx.enter(Entry(repository_id, branch, EntryKind.ACCEPTED, before, tip, seen.at, by))
    if watch is None:
        return
    tips = {name: sha for name, sha in watch.tips.items() if name != branch}
    if tip is not None:
        tips[branch] = str(tip)
    default = watch.branch if branch.startswith(PREFIX) else branch
    tx.save_watch(replace(watch, tips=tips, branch=default, pushed_at=None))


def plain_settings(shown: Shown, row: Repository) -> dict[str, Any]:
    """Settings as JSON values; the record knows most of them too."""
    repo = row.repo
    return {
        "default_branch": shown.default_branch or repo.default_branch,
        "visibility": shown.visibility or repo.visibility,
        "archived": repo.archived if shown.archived is None else shown.archived,
        "rule": shown.rule,
        "homepage": shown.homepage,
    }
