"""Secrets and variables of projects, as values that never hold a secret in clear. Values only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from steward.domain.needs import Sort

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
VALUE_MAX: Final = 64 * 1024
"""Bytes of one value that are kept."""
GITHUB_MAX: Final = 48 * 1024
"""Bytes of one secret that GitHub takes. Source: GitHub's "Using secrets in GitHub Actions", limits."""


class Place(StrEnum):
    """Where a value is used: given to the program as it is deployed, or to the checks on GitHub."""

    RUN = "run"
    CHECKS = "checks"


@dataclass(frozen=True, slots=True)
class Kept:
    """One value that is kept for a project, without the value. `generated`: made here, nobody has seen it.

    `length` is that of the value in bytes, of a variable only (0 for a secret: it tells too much). `sent_at` is when GitHub was last given it, for the checks;
    None: never since it was set. `version` counts its changes.
    """

    project_id: str
    name: str
    sort: Sort
    places: frozenset[Place]
    set_at: datetime
    set_by: str
    generated: bool = False
    length: int = 0
    sent_at: datetime | None = None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Waiver:
    """A required name that a person does without, with the reason."""

    project_id: str
    name: str
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Use:
    """One use of a value: what it was used for, by whom, when. The value is not in it."""

    project_id: str
    name: str
    used_for: str
    by: str
    at: datetime
