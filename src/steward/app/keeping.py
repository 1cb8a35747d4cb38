"""What keeping a value takes, whoever asks for it: checks, random values, and answers that are secret."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any, Final

from steward.app.acting import Acts
from steward.app.errors import Invalid, Unkept
from steward.domain.journal import Event, Kind
from steward.domain.needs import Sort
from steward.domain.project import Project
from steward.domain.spec import Template
from steward.domain.vault import Kept, Place, name_problem, value_problem
from steward.ports import Writes
from steward.ports.vault import Vault

LENGTH: Final = 43
"""The characters of a value that is generated where no length is asked for: 256 bits in base64url."""
LENGTHS: Final = (16, 1024)
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Alphabet(StrEnum):
    """What a generated value is made of."""

    URLSAFE = "urlsafe"
    LETTERS = "letters"
    HEX = "hex"


_ALPHABETS: Final = {
    Alphabet.URLSAFE: _LETTERS + "-_",
    Alphabet.LETTERS: _LETTERS,
    Alphabet.HEX: "0123456789abcdef",
}


def generated(length: int = LENGTH, alphabet: Alphabet = Alphabet.URLSAFE) -> str:
    """A random value."""
    return "".join(secrets.choice(_ALPHABETS[alphabet]) for _ in range(length))


def the_vault(vault: Vault | None) -> Vault:
    """The vault. Raises Unkept where there is none."""
    if vault is None:
        raise Unkept
    return vault


def checked(name: str, value: str, places: Collection[Place]) -> None:
    """Raise Invalid for a name or a value that cannot be kept for these places; nothing of the value is said."""
    if problem := name_problem(name, places):
        raise Invalid(problem, "Name it as the program reads it, such as DATABASE_URL.")
    if problem := value_problem(value, places):
        raise Invalid(f"{name}: {problem}", "Give another value.")


def keep_answers(
    acts: Acts, tx: Writes, project: Project, template: Template, given: Mapping[str, Any]
) -> None:
    """Keep secret answers for the program: never among a spec's others. Raises Invalid, Permanent.

    One whose name the template's environment has in capitals is kept under that.
    """
    vault, places = the_vault(acts.vault), frozenset({Place.RUN})
    at, names = acts.clock.now().at, []
    for answered, value in given.items():
        name = answered.upper() if answered.upper() in template.environment else answered
        text = value if isinstance(value, str) else str(value)
        checked(name, text, places)
        vault.keep(tx, Kept(project.id, name, Sort.SECRET, places, at, acts.actor), text)
        names.append(name)
    data = {"names": sorted(names), "sort": str(Sort.SECRET), "places": [str(Place.RUN)]}
    home = project.organisation_id
    tx.append([Event(Kind.SECRET_SET, at, acts.actor, project.id, home, "", data)])
