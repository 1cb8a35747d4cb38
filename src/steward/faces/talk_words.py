"""Talks in words, for the faces that show them: parts of a brief, where a talk stands, why no model is at it."""

from __future__ import annotations

from steward.faces.words import _


def part_words(name: str) -> str:
    """A part of a brief in words."""
    return {
        "title": _("What it is called"),
        "goal": _("What it is for"),
        "users": _("Who uses it"),
        "features": _("What it does"),
        "out_of_scope": _("What it does not do"),
        "questions": _("Still open"),
        "change": _("What is to change"),
    }.get(name, name)


def state_words(state: str) -> str:
    """Where a talk stands, in words."""
    words = {"open": _("going on"), "done": _("asked for"), "dropped": _("put away")}
    return words.get(state, state)


def problem_words(code: str) -> str:
    """Why the model is not at it, in words."""
    return {
        "person": _("Your share of the model is used up for today; plain questions go on."),
        "calls": _("Your share of the model is used up for today; plain questions go on."),
        "project": _("The share of this project is used up; plain questions go on."),
    }.get(code, _("The model did not answer the last time; it is asked again, or plain questions go on."))
