"""What people are shown of readiness: the score, and a line per rule, from the JSON views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.markup import escape

from steward.faces.cli.tables import TONES, table
from steward.faces.words import _, label

Json = Mapping[str, Any]


def readiness(shown: Json) -> list[RenderableType]:
    """The score, then what lacks with its fix, then what is done without, then what holds."""
    if shown["percent"] is None:
        return [_("It is archived: nothing is asked of it.")]
    ordered = sorted(shown["lines"], key=lambda line: (line["ok"], line["waived"] is None))
    head = _("ready {percent} %", percent=shown["percent"])
    rows = table("", _("rule"), _("what is so"), _("what to do"))
    for line in ordered:
        rows.add_row(_mark(line), escape(line["rule"]), escape(_words(line)), escape(_fix(line)))
    count = _("{n} of {of}", n=shown["ready"], of=shown["of"])
    return [f"[bold]{head}[/]  {count}", rows]


def _mark(line: Json) -> str:
    """Shape as well as colour, since not everybody sees the one or the other."""
    if line["waived"]:
        return "○"
    return f"[{TONES['good']}]✓[/]" if line["ok"] else f"[{TONES['care']}]✗[/]"


def _words(line: Json) -> str:
    words = line["words"] if line["own"] else label("readiness", line["words"])
    detail = line["detail"]
    if detail.get("names"):
        words += ": " + ", ".join(detail["names"])
    if detail.get("setting"):
        told = {name: detail[name] for name in ("setting", "before", "after")}
        words += "; " + _("{setting}: {before} → {after}", **told)
    if detail.get("asks"):
        words += f" ({detail['asks']}: {detail['wanted']})"
    return words


def _fix(line: Json) -> str:
    if line["waived"]:
        return _("waived: {reason}", reason=line["waived"]["reason"])
    if not line["fix"]:
        return ""
    fix = line["fix"]
    words = fix["words"] if line["own"] else label("readiness", fix["words"])
    return f"{words}: {fix['command'] or fix['url']}" if fix["command"] or fix["url"] else words
