"""Secrets and variables of projects, as values that never hold a secret in clear. Values only."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from steward.domain.needs import Origin, Sort

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

    `length` is that of the value in bytes, of a variable only (0 for a secret: it tells too much). `sent_at` is
    when GitHub was last given it, for the checks; None: never since it was set. `version` counts its changes.
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


RULE: Final = re.compile(r"rule:[a-z0-9_:.-]{1,100}")
"""How a waiver is named that is of a rule of the readiness list, and not of a secret."""
RESERVED: Final = frozenset({"CI", "HOME", "HOST", "PATH", "PORT", "RELEASE"})
"""Names that whoever runs a program sets: a value of ours would be lost, or would break it."""
LOADER: Final = re.compile(r"LD_.*|DYLD_.*|GLIBC_TUNABLES|GCONV_PATH")
"""Names that the system's loader reads as it starts any program, the box around an untrusted one too."""
SHORT: Final = 4
"""Characters below which a secret is masked in texts as a whole word only."""


def name_problem(name: str, places: Collection[Place]) -> str:
    """What is wrong with a name for these places, in words; "" where nothing is."""
    if not NAME.fullmatch(name):
        return "a name has letters without accents, digits and _, begins with no digit, and has at most 255 of them"
    if Place.RUN in places and name in RESERVED:
        return f"{name} is set by whoever runs the program"
    if Place.RUN in places and LOADER.fullmatch(name):
        return f"{name} would change how the box around the program is loaded"
    if Place.CHECKS in places and name.upper().startswith("GITHUB_"):
        return "GitHub takes no name that begins with GITHUB_"
    return "" if places else "no place is named: run (the program), checks (the workflows on GitHub), or both"


def value_problem(value: str, places: Collection[Place]) -> str:
    """What is wrong with a value for these places, in words that tell nothing of it; "" where nothing is."""
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        return "the value is no text in UTF-8"
    if "\0" in value:
        return "the value holds a NUL, which no environment can"
    if not value.strip():
        return "the value is empty, or blanks alone"
    if size > VALUE_MAX:
        return f"the value has more than {VALUE_MAX // 1024} KB"
    if Place.CHECKS in places and size > GITHUB_MAX:
        return f"the value has more than the {GITHUB_MAX // 1024} KB that GitHub takes"
    return ""


def value_notes(value: str, sort: Sort) -> list[str]:
    """What a person may not have meant, in words that tell nothing of the value."""
    notes = []
    if value.endswith(("\n", "\r")):
        notes.append("the value ends with a line end, which is kept")
    elif value != value.strip():
        notes.append("the value begins or ends with a blank, which is kept")
    if sort is Sort.SECRET and len(value.strip()) < SHORT:
        notes.append("so short a secret is masked in texts only where it stands as a word of its own")
    return notes


def lacking(
    environment: Mapping[str, str], kept: Iterable[Kept], waivers: Iterable[Waiver]
) -> tuple[str, ...]:
    """The names that people must set before a deployment: neither kept for the program nor waived, sorted.

    `environment` is a spec's: what is generated, allocated or derived is nothing to ask people for.
    """
    there = {one.name for one in kept if Place.RUN in one.places} | {one.name for one in waivers}
    return tuple(
        sorted(
            name for name, origin in environment.items() if origin == Origin.USER_SECRET and name not in there
        )
    )


def ungenerated(
    environment: Mapping[str, str], kept: Iterable[Kept], waivers: Iterable[Waiver]
) -> tuple[str, ...]:
    """The names whose values are to be made here and are not yet, sorted."""
    there = {one.name for one in kept} | {one.name for one in waivers}
    return tuple(
        sorted(
            name
            for name, origin in environment.items()
            if origin == Origin.GENERATED_SECRET and name not in there and NAME.fullmatch(name)
        )
    )
