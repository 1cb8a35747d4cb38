"""Organisations, projects and repositories: rows into domain values and back.

The order of fields is that of the columns in `schema`. A row that cannot be read (a status of a newer
Steward, say) raises SchemaMismatch and says which; it is neither guessed nor passed over.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from steward.adapters.store.values import (
    clean,
    clean_or_none,
    instant_text,
    json_text,
    json_value,
    maybe,
    readable,
    stamp,
    stamp_or_none,
    time_from,
)
from steward.domain.hands import HandsOff
from steward.domain.instant import Instant
from steward.domain.lifecycle import phase_shown
from steward.domain.project import Freeze, Management, Organisation, OrgState, Project, Tracked
from steward.domain.repository import PageMark, Presence, Repo, Repository
from steward.domain.status import Status
from steward.ports import NameRecord

Fields = Sequence[Any]

_POLICIES: Final = frozenset(map(str, HandsOff))

REPOSITORY_WIDTH: Final = 28
"""How many columns a repository takes; a project's follow where both are read."""


def organisation_row(organisation: Organisation) -> dict[str, Any]:
    """An organisation's columns but its id."""
    frozen = organisation.frozen
    return {
        "login": clean(organisation.login),
        "server": clean(organisation.server),
        "owner_id": organisation.owner_id,
        "aliases": json_text(organisation.aliases),
        "state": str(organisation.state),
        "reason": clean(organisation.reason),
        "frozen": json_text({"at": stamp(frozen.at), "by": frozen.by, "reason": frozen.reason})
        if frozen
        else None,
        "baseline": organisation.baseline,
        "revision": organisation.revision,
        "marks_revision": organisation.marks_revision,
        "marks_credential": organisation.marks_credential,
        "last_whole_look": organisation.last_whole_look,
    }


def organisation_from(row: Fields) -> Organisation:
    """Read a row of `organisations`."""
    (key, login, server, owner_id, aliases, state, reason, frozen, *rest) = row
    with readable("the organisation", login):
        return Organisation(
            key,
            login,
            server,
            owner_id,
            tuple(json_value(aliases)),
            OrgState(state),
            reason,
            maybe(_freeze_from, frozen),
            *rest,
        )


def _freeze_from(text: str) -> Freeze:
    value = json_value(text)
    return Freeze(time_from(value["at"]), value["by"], value["reason"])


def project_row(project: Project) -> tuple[Any, ...]:
    """A project's columns, in order."""
    return (
        project.id,
        project.slug,
        project.organisation_id,
        str(project.status),
        stamp(project.created_at),
        stamp(project.updated_at),
        stamp(project.entered_at),
        json_text(project.interrupted) if project.interrupted else "[]",
        str(project.management),
        project.version,
        clean(project.title),
        clean_or_none(project.owner),
        clean_or_none(project.expects),
        project.marker,
        project.repository_id,
        None if project.live is None else json_text(project.live),
        clean(project.title).lower(),
        phase_shown(project.position),
        str(project.hands_off),
    )


def project_from(row: Fields) -> Project:
    """Read a row of `projects`."""
    key, slug, organisation_id, status, created, updated, entered, stack, management = row[:9]
    version, title, owner, expects, marker, repository_id, live = row[9:16]
    with readable("the project", slug):
        return Project(
            key,
            slug,
            organisation_id,
            Status(status),
            time_from(created),
            time_from(updated),
            time_from(entered),
            () if stack == "[]" else tuple(Status(name) for name in json_value(stack)),
            Management(management),
            version,
            title,
            owner,
            expects,
            marker,
            repository_id,
            maybe(json_value, live),
            _hands_off_from(row[18]),
        )


def _hands_off_from(text: str) -> HandsOff:
    """A policy of a newer Steward is the most careful one here."""
    return HandsOff(text) if text in _POLICIES else HandsOff.HOLD


def repository_row(row: Repository) -> tuple[Any, ...]:
    """A repository's columns, in order."""
    repo = row.repo
    return (
        repo.id,
        row.organisation_id,
        row.project_id,
        clean(repo.name),
        repo.owner_id,
        clean(repo.owner_login),
        repo.digest,
        clean(repo.node_id),
        clean(repo.visibility),
        clean_or_none(repo.default_branch),
        clean_or_none(repo.description),
        repo.archived,
        repo.disabled,
        repo.fork,
        json_text(repo.topics) if repo.topics else "[]",
        clean(repo.html_url),
        stamp_or_none(repo.created_at),
        stamp_or_none(repo.pushed_at),
        str(row.presence),
        row.absences,
        instant_text(row.absent_since),
        instant_text(row.confirmed),
        row.absent_look,
        instant_text(row.lost_at),
        row.held,
        clean(row.vouched),
        row.look,
        clean(repo.full_name).lower(),
    )


def repository_from(row: Fields) -> Repository:
    """Read a row of `repositories`."""
    key, organisation_id, project_id, name, owner_id, login, digest, node_id, visibility = row[:9]
    branch, description, archived, disabled, fork, topics, url, created, pushed = row[9:18]
    presence, absences, since, confirmed, absent_look, lost_at, held, vouched, look = row[18:27]
    with readable("the repository", key):
        repo = Repo(
            key,
            name,
            owner_id,
            login,
            digest,
            node_id,
            visibility,
            branch,
            description,
            archived,
            disabled,
            fork,
            () if topics == "[]" else tuple(json_value(topics)),
            url,
            maybe(time_from, created),
            maybe(time_from, pushed),
        )
        return Repository(
            repo,
            organisation_id,
            project_id,
            Presence(presence),
            absences,
            maybe(Instant.decode, since),
            maybe(Instant.decode, confirmed),
            absent_look,
            maybe(Instant.decode, lost_at),
            held,
            vouched,
            look,
        )


def tracked_from(row: Fields) -> Tracked:
    """Read a row of `repositories` followed by one of `projects`, or by nulls."""
    project = row[REPOSITORY_WIDTH:]
    return Tracked(repository_from(row), None if project[0] is None else project_from(project))


def name_from(row: Fields) -> NameRecord:
    """Read (repository id, full name, since, until)."""
    with readable("a name of the repository", row[0]):
        return NameRecord(row[0], row[1], time_from(row[2]), maybe(time_from, row[3]))


def mark_from(row: Fields) -> PageMark:
    """Read (number, etag, count, has_next, last)."""
    return PageMark(*row)
