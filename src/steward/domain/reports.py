"""The reports that a look makes of causes: their keys, severities, titles and evidence. Pure values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from steward.domain.incidents import Cause, Report, Severity
from steward.domain.instant import Instant
from steward.domain.project import Management, Project, Tracked
from steward.domain.repository import Repo, Repository
from steward.domain.status import Status


@dataclass(frozen=True, slots=True)
class Seen:
    """The look that the changes come from."""

    organisation_id: int
    look: int
    now: Instant

    @property
    def at(self) -> datetime:
        """The wall clock at that moment."""
        return self.now.at


def missing_key(project: Project) -> str:
    """The incident of a project whose repository is gone, whatever took it away."""
    return f"missing:{project.id}"


def blocked_key(project: Project) -> str:
    """The incident of a repository that GitHub blocks."""
    return f"blocked:{project.id}"


def reused_key(repo_id: int) -> str:
    """The incident of a new repository that bears another one's name."""
    return f"name_reused:{repo_id}"


def missing_severity(project: Project) -> Severity:
    """What users feel when its repository is gone."""
    if project.management is Management.IGNORE:
        return Severity.INFO
    if project.live is not None:
        return Severity.CRITICAL
    early = project.status in (Status.DISCOVERED, Status.SETUP_REQUIRED)
    return Severity.WARNING if early else Severity.ERROR


def mild_severity(project: Project) -> Severity:
    """What is worth a look, but takes nothing away from users."""
    return Severity.INFO if project.management is Management.IGNORE else Severity.WARNING


def cleared(key: str, seen: Seen, why: str) -> Report:
    """News that a cause is gone; of no consequence where no incident has that key."""
    return Report(key, Cause.MISSING, seen.look, stands=False, resolution=why)


def stands(
    key: str,
    cause: Cause,
    project: Project,
    seen: Seen,
    severity: Severity,
    title: str,
    evidence: Mapping[str, Any],
) -> Report:
    """News that a cause stands."""
    return Report(
        key=key,
        cause=cause,
        look=seen.look,
        stands=True,
        severity=severity,
        title=title,
        organisation_id=seen.organisation_id,
        project_id=project.id,
        evidence=evidence,
    )


def name_reused(newcomer: Project, repo: Repo, holder: Tracked, seen: Seen) -> Report:
    """A new repository bears a name that leads people to another project's."""
    known = holder.repository.repo
    owner = holder.project.slug if holder.project else known.full_name
    title = f"{newcomer.slug}: a new repository bears {repo.full_name}, once the name of {owner}"
    evidence = {
        "repository_id": repo.id,
        "full_name": repo.full_name,
        "once_the_name_of": {"repository_id": known.id, "full_name": known.full_name, "project": owner},
    }
    return stands(reused_key(repo.id), Cause.NAME_REUSED, newcomer, seen, Severity.WARNING, title, evidence)


def loss_evidence(row: Repository) -> dict[str, Any]:
    """What is kept with the incident, as JSON values."""
    return {
        "repository_id": row.repo.id,
        "full_name": row.repo.full_name,
        "visibility": row.repo.visibility,
        "absences": row.absences,
        "first_absent_at": row.absent_since.at.isoformat() if row.absent_since else None,
        "last_read_at": row.confirmed.at.isoformat() if row.confirmed else None,
        "noticed_by_look": row.absent_look,
        "vouched": row.vouched,
    }
