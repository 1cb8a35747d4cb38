"""The rules that readiness is judged by, unless the settings say otherwise. Values only."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from steward.domain.needs import Demand, Origin
from steward.domain.project import OrgState
from steward.domain.readiness import Fix, Record, Rule
from steward.domain.repository import Presence, Repository

ASKED: Final = frozenset({Origin.USER_SECRET, Origin.GENERATED_SECRET, Origin.UNKNOWN})
"""Where values come from that somebody must see to; the others come with the deployment itself."""
_STATE: Final = re.compile(
    r"(?:.*_)?(?:DATABASE|POSTGRES|POSTGRESQL|PG|MYSQL|MARIADB|MONGO|MONGODB|SQLITE|DB)"
    r"_(?:URL|URI|DSN|HOST|PATH|FILE|NAME)|(?:.*_)?(?:VOLUME|DATA_DIR|STORAGE_PATH|S3_BUCKET)",
    re.IGNORECASE,
)
DRIFTS: Final = ("default_branch", "visibility", "archived", "rule")
"""The settings of a repository that are watched for having been changed behind our back."""


def _of_repository(holds: Callable[[Repository], bool]) -> Callable[[Record], bool | None]:
    return lambda record: None if record.repository is None else holds(record.repository)


def _of_repository_seen(holds: Callable[[Repository], bool | None]) -> Callable[[Record], bool | None]:
    """Facts of a repository that is not seen are old: nothing is said of them."""
    return lambda record: (
        holds(record.repository)
        if record.repository is not None and record.repository.presence is Presence.SEEN
        else None
    )


def is_seen(record: Record) -> bool:
    """Whether the last look saw the repository."""
    return record.repository is not None and record.repository.presence is Presence.SEEN


def _branch_rule(record: Record) -> bool | None:
    """Whether force pushes are forbidden; None where GitHub does not tell."""
    shown = record.watch.shown.get("rule") if record.watch is not None and is_seen(record) else None
    return shown if isinstance(shown, bool) else None


def _ci(record: Record) -> bool | None:
    """Whether anything checks the code. Without a scan and without a template nothing is known."""
    if not is_seen(record):
        return None
    if record.checks:
        return True
    return bool(record.scan.workflows) if record.scan is not None else record.checks


def _life(record: Record) -> bool | None:
    """Whether it is known how the project proves to be alive."""
    if record.repository is None:
        return None
    return record.spec is not None or bool(record.project.live)


def required(record: Record) -> list[str] | None:
    """The names that somebody must see to, by name; None where nothing was found out yet."""
    if record.scan is None and record.spec is None:
        return None
    needs = record.scan.needs if record.scan is not None else ()
    names = {need.name for need in needs if need.demand is Demand.REQUIRED and need.origin in ASKED}
    if record.spec is not None:
        names |= {n for n, source in record.spec.environment.items() if source == Origin.USER_SECRET}
    return sorted(names)


def missing(record: Record) -> list[str]:
    """The required names that are neither kept nor waived."""
    kept = record.kept or ()
    return [n for n in required(record) or () if n not in kept and n not in record.waivers]


def _secrets(record: Record) -> bool | None:
    if record.kept is None or required(record) is None:
        return None
    return not missing(record)


def state(record: Record) -> list[str]:
    """The names that tell of state which would be lost: databases, volumes, buckets."""
    needs = record.scan.needs if record.scan is not None else ()
    return sorted(need.name for need in needs if _STATE.fullmatch(need.name))


def _backups(record: Record) -> bool | None:
    """Where they are only a person can tell, with a waiver: none is known by itself."""
    return False if state(record) else None


def _template(record: Record) -> bool | None:
    if record.spec is None or not record.newest or not record.spec.template.commit:
        return None
    return record.spec.template.commit == record.newest


def _drift(setting: str) -> Rule:
    def values(record: Record) -> tuple[Any, Any] | None:
        watch = record.watch
        if watch is None or watch.wanted.get(setting) is None or watch.shown.get(setting) is None:
            return None
        return watch.wanted[setting], watch.shown[setting]

    def holds(record: Record) -> bool | None:
        found = values(record) if is_seen(record) else None
        return None if found is None or found[0] == found[1] else False

    def detail(record: Record) -> Mapping[str, Any]:
        wanted, shown = values(record) or (None, None)
        return {"setting": setting, "before": wanted, "after": shown}

    return Rule(
        f"drift_{setting}",
        holds,
        "the setting is as it was set",
        "a setting was changed on GitHub",
        Fix("mend", "Set it right, or take it as it is now", "steward project mend {slug} {setting}"),
        2,
        detail,
    )


def _names(found: Callable[[Record], list[str]]) -> Callable[[Record], Mapping[str, Any]]:
    return lambda record: {"names": found(record)}


_OF_PEOPLE: Final = (
    Rule(
        "owner",
        lambda record: bool(record.project.owner),
        "somebody looks after it",
        "nobody looks after it",
        Fix("owner", "Say who does", "steward project owner {slug} NAME"),
        3,
    ),
    Rule(
        "repository",
        _of_repository(lambda row: row.presence is Presence.SEEN),
        "the repository was seen by the last look",
        "the last look did not see the repository",
        Fix("look", "Look again, or see its incident", "steward sync run {login}"),
        5,
        severity="error",
    ),
)
_OF_GITHUB: Final = (
    Rule(
        "default_branch",
        _of_repository_seen(lambda row: bool(row.repo.default_branch)),
        "the default branch is known",
        "the repository has no default branch yet",
        Fix("open_github", "Push a first commit"),
        2,
    ),
    Rule(
        "branch_rule",
        _branch_rule,
        "a rule guards the default branch",
        "no rule guards the default branch: anybody who may push may force it",
        Fix("open_github", "Add a rule on GitHub: pull requests only, no force pushes, no deletion"),
        3,
    ),
    Rule(
        "description",
        _of_repository_seen(lambda row: bool((row.repo.description or "").strip())),
        "the repository says what it is",
        "the repository does not say what it is",
        Fix("open_github", "Give it a description on GitHub"),
        1,
        severity="info",
    ),
    Rule(
        "not_archived",
        _of_repository_seen(lambda row: not row.repo.archived),
        "the repository is open for changes",
        "the repository is archived on GitHub",
        Fix(
            "archive", "Unarchive it on GitHub, or archive the project too", "steward project archive {slug}"
        ),
        2,
    ),
)
_OF_AUTOMATION: Final = (
    Rule(
        "access",
        lambda record: record.organisation.state is OrgState.OK,
        "the organisation can be looked at",
        "the organisation cannot be looked at",
        Fix("sync", "See what stands in the way", "steward doctor"),
        3,
        severity="error",
    ),
    Rule(
        "not_frozen",
        lambda record: record.organisation.frozen is None,
        "automation may run in the organisation",
        "all automation of the organisation is stopped",
        Fix("sync", "See why; then let it go on", "steward unfreeze {login}"),
        2,
    ),
    Rule(
        "no_hold",
        lambda record: not record.holds,
        "nothing holds the project",
        "the project is held: no automation touches it",
        Fix("hold", "See why; then decide how it goes on", "steward project show {slug}"),
        3,
        lambda record: {"reasons": [hold.reason.value for hold in record.holds]},
    ),
    Rule(
        "webhook",
        lambda record: record.hook == "ok",
        "GitHub tells of changes at once",
        "changes are seen by polling alone",
        Fix("webhooks", "Register a webhook, or set it right", "steward webhook register"),
        1,
        severity="info",
    ),
    Rule(
        "no_incident",
        lambda record: record.incident is None,
        "no incident is open",
        "an incident is open",
        Fix("incident", "See it through", "steward incident show {incident}"),
        5,
        severity="error",
    ),
)
_OF_THE_WORK: Final = (
    Rule(
        "ci",
        _ci,
        "its code is checked by itself",
        "nothing checks its code",
        Fix("open_github", "Add a workflow that runs its tests"),
        4,
    ),
    Rule(
        "life",
        _life,
        "it is known how it proves to be alive",
        "nobody said how it proves to be alive",
        Fix("setup", "Adopt it with its address or its proof of life", "steward project adopt {slug}"),
        3,
    ),
    Rule(
        "secrets",
        _secrets,
        "every secret that it needs is set",
        "secrets that it needs are not set",
        Fix("secrets", "Set them, have them generated, or waive them", "steward secret list {slug}"),
        4,
        _names(missing),
        severity="error",
    ),
    Rule(
        "backups",
        _backups,
        "its state is backed up",
        "it keeps state, and nobody said where the backups are",
        Fix(
            "waive",
            "Say where they are",
            "steward project waive-rule {slug} backups --reason 'where they are'",
        ),
        3,
        _names(state),
    ),
    Rule(
        "template",
        _template,
        "its template is the newest that is known",
        "its template has changed since",
        Fix("update", "Ask for an update", "steward project update {slug}"),
        1,
        severity="info",
    ),
)
RULES: Final[tuple[Rule, ...]] = (
    *_OF_PEOPLE,
    *_OF_GITHUB,
    *_OF_AUTOMATION,
    *_OF_THE_WORK,
    *(_drift(setting) for setting in DRIFTS),
)
"""Every rule, in the order of the list."""
CODES: Final = frozenset(rule.code for rule in RULES)
