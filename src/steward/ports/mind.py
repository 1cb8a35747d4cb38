"""Whoever makes a brief of what was said: a model, or a plain dialog. It is given text, and gives back a brief.

It can do nothing else: there is no tool in its reach, and what it returns is data within bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from steward.domain.brief import Brief
from steward.domain.spec import Template
from steward.domain.spending import Usage
from steward.domain.talks import Purpose, Said


@dataclass(frozen=True, slots=True)
class Heard:
    """What a brief is made of: the brief so far, what was said since, in order, and what had been asked before.

    `lang` is the language of the person, in which questions are put. `template` is what the project is made of.
    After an edit the brief is an empty one, and `said` all that was ever said.
    """

    purpose: Purpose
    brief: Brief
    said: Sequence[Said]
    asked: Sequence[str]
    template: Template
    lang: str


@dataclass(frozen=True, slots=True)
class Folded:
    """The brief with what was said in it, what to ask next (at most two), and what the call took."""

    brief: Brief
    asked: tuple[str, ...] = ()
    usage: Usage | None = None


class Mind(Protocol):
    """Makes briefs. Raises Transient, Permanent."""

    @property
    def name(self) -> str:
        """The model's name; "" of the plain dialog."""
        ...

    def fold(self, heard: Heard) -> Folded: ...
