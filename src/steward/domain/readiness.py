"""What a project lacks to be looked after well: rules over its record, each with its fix. Values only.

Nothing here stops anything; the lifecycle's guards do that. Each sentence is fixed text, so that faces can say
it in any language; what varies stands beside it, in the record itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from steward.domain.project import Organisation, OrgState, Project
from steward.domain.repository import Presence, Repository


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a project. `hook` is the state of its organisation's webhook, None where there is none.

    `incident` is the number of its worst open incident, None if there is none.
    """

    project: Project
    repository: Repository | None
    organisation: Organisation
    hook: str | None = None
    incident: int | None = None


@dataclass(frozen=True, slots=True)
class Fix:
    """How to put a line right. `action` is what a page offers, `command` what does the same at a terminal.

    `{slug}`, `{login}` and `{incident}` in a command stand for the record's own.
    """

    action: str
    words: str
    command: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the list: `holds` returns None where it does not apply."""

    code: str
    holds: Callable[[Record], bool | None]
    met: str
    unmet: str
    fix: Fix


@dataclass(frozen=True, slots=True)
class Line:
    """A rule as it applies to one project."""

    rule: Rule
    ok: bool

    @property
    def words(self) -> str:
        """What is so."""
        return self.rule.met if self.ok else self.rule.unmet


def _of_repository(holds: Callable[[Repository], bool]) -> Callable[[Record], bool | None]:
    return lambda record: None if record.repository is None else holds(record.repository)


def _of_repository_seen(holds: Callable[[Repository], bool]) -> Callable[[Record], bool | None]:
    """Facts of a repository that is not seen are old: nothing is said of them."""
    return lambda record: (
        holds(record.repository)
        if record.repository is not None and record.repository.presence is Presence.SEEN
        else None
    )


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "owner",
        lambda record: bool(record.project.owner),
        "somebody looks after it",
        "nobody looks after it",
        Fix("owner", "Say who does"),
    ),
    Rule(
        "repository",
        _of_repository(lambda row: row.presence is Presence.SEEN),
        "the repository was seen by the last look",
        "the last look did not see the repository",
        Fix("look", "Look again, or see its incident", "steward sync run {login}"),
    ),
    Rule(
        "default_branch",
        _of_repository_seen(lambda row: bool(row.repo.default_branch)),
        "the default branch is known",
        "the repository has no default branch yet",
        Fix("open_github", "Push a first commit"),
    ),
    Rule(
        "description",
        _of_repository_seen(lambda row: bool((row.repo.description or "").strip())),
        "the repository says what it is",
        "the repository does not say what it is",
        Fix("open_github", "Give it a description on GitHub"),
    ),
    Rule(
        "not_archived",
        _of_repository_seen(lambda row: not row.repo.archived),
        "the repository is open for changes",
        "the repository is archived on GitHub",
        Fix(
            "archive", "Unarchive it on GitHub, or archive the project too", "steward project archive {slug}"
        ),
    ),
    Rule(
        "access",
        lambda record: record.organisation.state is OrgState.OK,
        "the organisation can be looked at",
        "the organisation cannot be looked at",
        Fix("sync", "See what stands in the way", "steward doctor"),
    ),
    Rule(
        "not_frozen",
        lambda record: record.organisation.frozen is None,
        "automation may run in the organisation",
        "all automation of the organisation is stopped",
        Fix("sync", "See why; then let it go on", "steward unfreeze {login}"),
    ),
    Rule(
        "webhook",
        lambda record: record.hook == "ok",
        "GitHub tells of changes at once",
        "changes are seen by polling alone",
        Fix("webhooks", "Register a webhook, or set it right", "steward webhook register"),
    ),
    Rule(
        "no_incident",
        lambda record: record.incident is None,
        "no incident is open",
        "an incident is open",
        Fix("incident", "See it through", "steward incident show {incident}"),
    ),
)
"""Every rule, in the order of the list."""


def readiness(record: Record) -> list[Line]:
    """The lines that apply to a project, in the order of the rules."""
    return [Line(rule, holds) for rule in RULES if (holds := rule.holds(record)) is not None]
