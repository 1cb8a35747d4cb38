"""What a repository needs of its environment, with the evidence for each. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from steward.domain.sources import READ, form_of, is_aside, is_deploy, is_vendored, language_of

IMPLEMENTATION: Final = "IMPLEMENTATION.md"
"""The file at the root that says that there is an implementation."""


class Demand(StrEnum):
    """How much a name is needed. `builtin`: whoever runs it sets it (CI, HOME, GITHUB_TOKEN): nothing to ask for."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    BUILTIN = "builtin"


class Sort(StrEnum):
    """What a value is: a secret is kept and never shown again; a variable may be seen."""

    SECRET = "secret"  # noqa: S105 - the name of a sort
    VARIABLE = "variable"


class Origin(StrEnum):
    """Where a value comes from, as contracts of templates say it. UNKNOWN: nobody said."""

    USER_SECRET = "user_secret"  # noqa: S105 - the name of an origin
    GENERATED_SECRET = "generated_secret"  # noqa: S105 - the name of an origin
    ALLOCATION = "allocation"
    DERIVED = "derived"
    LITERAL = "literal"
    UNKNOWN = "unknown"


class Purpose(StrEnum):
    """Who reads the value: the program as it runs, or the checks of the forge (workflows)."""

    RUN = "run"
    CHECKS = "checks"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a name was found: the path in the repository, the line from 1, and what read it there."""

    path: str
    line: int
    reader: str


@dataclass(frozen=True, slots=True)
class Need:
    """One name that the repository reads. `default` tells whether something stands in where it is not set.

    `purposes` are who reads it. `evidence` is bounded; `times` is how often it was found in all.
    """

    name: str
    demand: Demand
    sort: Sort
    origin: Origin = Origin.UNKNOWN
    purposes: frozenset[Purpose] = frozenset({Purpose.RUN})
    default: bool = False
    help: str = ""
    evidence: tuple[Evidence, ...] = ()
    times: int = 1


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that was not read, and why: too large, binary, a link that leads outside, not parsable."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What one commit needs. `workflows` are its checks' files; `deploys` the files that say how it is put live;
    `self_deploys` the evidence that it puts itself live on a push to its default branch.

    `code`: whether there is anything besides README, licence and the like. `languages` counts files by language.
    `cut`: a bound was reached, so that more may be needed than is listed.
    """

    commit: str
    needs: tuple[Need, ...] = ()
    workflows: tuple[str, ...] = ()
    deploys: tuple[str, ...] = ()
    self_deploys: tuple[Evidence, ...] = ()
    code: bool = False
    implementation: bool = False
    languages: Mapping[str, int] = field(default_factory=dict)
    files: int = 0
    skipped: tuple[Skipped, ...] = ()
    cut: bool = False


def touches(path: str) -> bool:
    """Whether a push that changes a path asks for a new scan: whatever is read for names, and what says how the
    work is checked and put live. Documents, tests, pictures, styles and others' code do not.
    """
    if is_vendored(path):
        return False
    if path == IMPLEMENTATION or is_deploy(path):
        return True
    if is_aside(path):
        return False
    return form_of(path) is not None or language_of(path) in READ
