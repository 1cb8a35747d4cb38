"""Checklists in words: lines, fixes and entry statuses, in the present language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from steward.faces.words import _, label, said

Json = Mapping[str, Any]


def line_words(line: Json) -> str:
    """What one line says."""
    return label("setup", str(line["words"]))


def fix_words(fix: Json | None) -> str:
    """What a fix says; "" for none."""
    return label("setup", str(fix["words"])) if fix else ""


def entry_words(candidate: Json) -> str:
    """What speaks for an entry status, or what it lacks."""
    return label("setup", str(candidate["words"])) if candidate["words"] else ""


def demand_label(code: str) -> str:
    """How much a name is needed."""
    return label("need", code)


def scan_label(code: str | None) -> str:
    """How a scan stands."""
    return label("scan", code) if code else _("never scanned")


def yes_no(value: bool | None) -> str:
    """Yes, no, or nothing where it is not known."""
    return "" if value is None else _("yes") if value else _("no")


def taken_words(row: Json) -> str:
    """What became of one that was to be taken in."""
    return said(str(row["words"])) or label("taking in", str(row["state"]).replace("_", " "))
