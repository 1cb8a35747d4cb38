"""Holds: reasons why no automation may touch a project, placed and lifted with their history in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from steward.app.filing import file_reports
from steward.domain.hands import Commit, Finding, Hold, Reason
from steward.domain.incidents import Cause, Severity
from steward.domain.journal import Event, Kind
from steward.domain.needs import touches
from steward.domain.project import Management, Project
from steward.domain.reports import Seen, cleared, stands
from steward.ports import Reads, Writes

COMMITS_SHOWN: Final = 20
FILES_SHOWN: Final = 50
TITLE_MAX: Final = 120
INCIDENTS: Final = (Reason.FOREIGN, Reason.BRANCH)
"""The reasons that a person has to be told of; the others are a person's own word."""


def hold_key(project_id: str, reason: Reason) -> str:
    """The incident of a hold."""
    return f"hold:{reason.value}:{project_id}"


def held_words(view: Reads, project: Project) -> str:
    """Why no automation may touch the project now; "" where it may. The one place that says so."""
    organisation = view.organisation(project.organisation_id)
    if organisation.frozen is not None:
        return f"{organisation.login} is frozen: {organisation.frozen.reason}"
    if project.management is not Management.DRIVE:
        return f"the project is on {project.management.value}, not to be driven"
    found = view.holds(project.id)
    return found[0].words if found else ""


def place(
    tx: Writes, project: Project, hold: Hold, seen: Seen, actor: str, channels: Sequence[str]
) -> Hold | None:
    """Put a hold on a project, or bring the standing one of its reason up to date; None where nothing is new."""
    known = next((one for one in tx.holds(project.id) if one.reason is hold.reason), None)
    if known is not None:
        if known.evidence == hold.evidence and known.words == hold.words:
            return None
        hold = replace(hold, id=known.id, since=known.since, by=known.by)
    saved = tx.save_hold(hold)
    data: dict[str, Any] = {"hold": saved.id, "reason": saved.reason.value, "evidence": dict(saved.evidence)}
    kind = Kind.HOLD_PLACED if known is None else Kind.CHANGE_FOREIGN
    tx.append([Event(kind, seen.at, actor, project.id, seen.organisation_id, saved.words, data)])
    if saved.reason in INCIDENTS:
        severity = Severity.ERROR if saved.evidence.get("always") else Severity.WARNING
        report = stands(
            hold_key(project.id, saved.reason),
            Cause.FOREIGN_CHANGE,
            project,
            seen,
            severity,
            f"{project.slug}: {saved.words}"[:300],
            {**saved.evidence, "hold": saved.id},
        )
        file_reports(tx, [replace(report, now=True)], seen.at, actor, channels)
    return saved


def lift(
    tx: Writes, hold: Hold, seen: Seen, actor: str, exit_: str, why: str, channels: Sequence[str]
) -> Hold:
    """Take a hold off, with its history."""
    lifted = tx.save_hold(replace(hold, lifted_at=seen.at, lifted_by=actor, exit=exit_))
    data = {"hold": hold.id, "reason": hold.reason.value, "exit": exit_}
    event = Event(Kind.HOLD_LIFTED, seen.at, actor, hold.project_id, hold.organisation_id, why, data)
    tx.append([event])
    key = hold_key(hold.project_id, hold.reason)
    file_reports(tx, [cleared(key, seen, why or f"the hold was lifted: {exit_}")], seen.at, actor, channels)
    return lifted


def evidence(finding: Finding) -> dict[str, Any]:
    """A foreign move as JSON values: what people and programs are shown of it."""
    return {
        "branch": finding.branch,
        "before": finding.before,
        "tip": finding.after,
        "kind": finding.kind,
        "always": finding.always,
        "who": who(finding),
        "known_by": "webhook" if finding.movers else "polling",
        "commits": [_commit(one) for one in finding.unproven[-COMMITS_SHOWN:]],
        "commit_count": len(finding.unproven),
        "files": dict(sorted(finding.files.items())[:FILES_SHOWN]),
        "file_count": len(finding.files),
    }


def who(finding: Finding) -> list[str]:
    """Who moved the branch: as deliveries tell, else whom the commits name, which is a hint."""
    told = [one.login for one in finding.movers if one.login]
    hinted = [one.login or one.author for one in finding.unproven if one.login or one.author]
    return list(dict.fromkeys(told or hinted))[:10]


def asks_for_scan(hold: Hold) -> bool:
    """Whether what a hold tells of may change what the project needs of its environment."""
    files = hold.evidence.get("files") or {}
    return any(touches(str(path)) for path in files) or int(hold.evidence.get("file_count") or 0) > len(files)


def _commit(commit: Commit) -> Mapping[str, Any]:
    return {
        "sha": commit.sha,
        "title": commit.message.splitlines()[0][:TITLE_MAX] if commit.message else "",
        "author": commit.author,
        "login": commit.login,
        "at": commit.at.isoformat() if commit.at else None,
    }


def words(finding: Finding) -> str:
    """One sentence about it."""
    names = " and ".join(who(finding)[:3]) or "somebody"
    if finding.kind == "deleted":
        return f"the branch {finding.branch} was deleted"
    if finding.kind == "switched":
        return finding.always
    if finding.kind == "forced":
        return f"{names} forced {finding.branch} to another commit"
    count = len(finding.unproven)
    return f"{names} pushed {count} commit{'' if count == 1 else 's'} to {finding.branch}"
