"""Specs, estimates, releases and updates, as values.

A spec is versioned data: a template at one commit, the answers to its questions, and what the result must do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

STARTER: Final = "starter"
"""The name of the built-in template."""
ADOPTED: Final = "none"
"""The template of projects that we did not make: there is none, and nothing is ever rendered."""


@dataclass(frozen=True, slots=True)
class TemplateRef:
    """A template: the built-in one by its name, or a git address with a tag; `commit` once it is pinned."""

    source: str
    tag: str = ""
    commit: str = ""


class QuestionKind(StrEnum):
    """What answers a question."""

    TEXT = "str"
    INTEGER = "int"
    NUMBER = "float"
    FLAG = "bool"
    DATA = "yaml"


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a template. `choices` are the only answers, where there are any; secrets are kept apart.

    `computed`: the template works it out and nobody is asked. `default` may hold the template's own expression.
    `several`: the answer is one text that names any number of the choices, set apart by commas.
    `multiline`: the answer is a text of several lines.
    """

    name: str
    kind: QuestionKind = QuestionKind.TEXT
    help: str = ""
    default: Any = None
    choices: tuple[str, ...] = ()
    multiselect: bool = False
    secret: bool = False
    computed: bool = False
    required: bool = False
    several: bool = False
    multiline: bool = False


@dataclass(frozen=True, slots=True)
class Proof:
    """What proves that a project is live: `http`, `process`, `package` or `attested`.

    `path` answers 2xx, `version_path` tells the commit, both relative to the release's address.
    """

    kind: str = "http"
    path: str = "/up"
    version_path: str = "/version"


@dataclass(frozen=True, slots=True)
class Template:
    """A template as it was read at one commit.

    `environment` maps the names of variables that a deployed project needs to where each comes from
    (user_secret, generated_secret, allocation, derived, literal). `base_hours` is what a project of it took. `checks` are the names of the checks that its projects must
    pass before a merge.
    """

    ref: TemplateRef
    title: str
    description: str
    questions: tuple[Question, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    proof: Proof = field(default=Proof())
    base_hours: float = 8.0
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Spec:
    """One version of what a project is to be. `brief` is the wish in words; `criteria` what must hold at the end."""

    project_id: str
    version: int
    template: TemplateRef
    answers: Mapping[str, Any]
    brief: str
    criteria: tuple[str, ...]
    environment: Mapping[str, str]
    proof: Proof
    made_by: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a spec will take. `basis` says where the numbers come from, a line each."""

    project_id: str
    spec_version: int
    effort_hours: float
    low_hours: float
    high_hours: float
    cost_usd: float
    duration_days: float
    basis: tuple[str, ...]
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Release:
    """What was deployed, at one commit. `state` is "live", "superseded", "failed" or "rolled_back".

    `number` counts a project's releases from 1. There is one release per commit; deploying it again is the same.
    """

    project_id: str
    number: int
    commit: str
    url: str
    state: str
    made_at: datetime
    operation_id: str
    proof: str = "http"
    health: str = "unknown"
    checked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """A request to change a project that has been live. `state` is "queued", "open", "shipped" or "abandoned"."""

    project_id: str
    number: int
    text: str
    state: str
    asked_by: str
    asked_at: datetime
    spec_version: int | None = None
    ended_at: datetime | None = None
