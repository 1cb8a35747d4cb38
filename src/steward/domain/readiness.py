"""What a project lacks to be looked after well: rules over its record, each with its fix. Values only.

Nothing here stops anything; the lifecycle's guards do that. Each sentence is fixed text, so that faces can say
it in any language; what varies stands beside it, in the line's `detail`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from steward.domain.hands import Hold, Watch
from steward.domain.needs import Scan
from steward.domain.project import Organisation, Project
from steward.domain.repository import Repository
from steward.domain.spec import Spec
from steward.domain.vault import Waiver

WAIVED: Final = "rule:"
"""How the names of waivers begin that are of a rule and not of a secret."""
WEIGHT_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of a project.

    `hook` is the state of its organisation's webhook, None where there is none; `incident` the number of its
    worst open incident, None if there is none. `scan` is the newest that was done, None: never. `kept` are the
    names that are kept for it, None where this installation keeps none. `waivers` are its waivers by name.
    `checks`: whether its template comes with checks, None: not known. `newest` is the newest commit that is
    known of its template, None: not known. `files` tells of paths at the default branch whether they are there.
    """

    project: Project
    repository: Repository | None
    organisation: Organisation
    hook: str | None = None
    incident: int | None = None
    watch: Watch | None = None
    holds: tuple[Hold, ...] = ()
    scan: Scan | None = None
    kept: Collection[str] | None = None
    waivers: Mapping[str, Waiver] = field(default_factory=dict)
    spec: Spec | None = None
    checks: bool | None = None
    newest: str | None = None
    files: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fix:
    """How to put a line right. `action` is what a page offers, `command` what does the same at a terminal.

    `{slug}`, `{login}`, `{incident}` and the names of the line's detail in a command stand for the record's own.
    """

    action: str
    words: str
    command: str | None = None


def _nothing(_record: Record) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the list: `holds` returns None where it does not apply.

    `weight` is what it counts in the score, 0: nothing. `detail` gives what varies of an unmet line, JSON values.
    `severity` is how bad it is: "info", "warning" or "error". `own`: made by this installation's settings.
    """

    code: str
    holds: Callable[[Record], bool | None]
    met: str
    unmet: str
    fix: Fix
    weight: int = 1
    detail: Callable[[Record], Mapping[str, Any]] = _nothing
    severity: str = "warning"
    own: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A rule as it applies to one project. `waiver`: what a person wrote who does without it."""

    rule: Rule
    met: bool
    waiver: Waiver | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether it counts as met: a waived one does."""
        return self.met or self.waiver is not None

    @property
    def words(self) -> str:
        """What is so."""
        return self.rule.met if self.met else self.rule.unmet


def readiness(record: Record, rules: Iterable[Rule]) -> list[Line]:
    """The lines that apply to a project, in the order of the rules."""
    return [
        Line(rule, True)
        if holds
        else Line(rule, False, record.waivers.get(WAIVED + rule.code), rule.detail(record))
        for rule in rules
        if (holds := rule.holds(record)) is not None
    ]


def percent(lines: Sequence[Line]) -> int:
    """The share of the weight of the lines that count as met, 0 to 100, rounded down; 100 where nothing counts."""
    whole = sum(line.rule.weight for line in lines)
    met = sum(line.rule.weight for line in lines if line.ok)
    return met * 100 // whole if whole else 100


def unmet(lines: Sequence[Line]) -> tuple[str, ...]:
    """The codes of the lines that do not count as met, the heaviest first."""
    lacking = [line.rule for line in lines if not line.ok]
    return tuple(rule.code for rule in sorted(lacking, key=lambda rule: -rule.weight))
