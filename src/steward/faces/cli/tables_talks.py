"""What people are shown of talks, from the JSON views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import RenderableType
from rich.markup import escape

from steward.faces.cli.tables import TONES, facts, table
from steward.faces.lines import moment
from steward.faces.talk_words import part_words, problem_words, state_words
from steward.faces.words import _, label

Json = Mapping[str, Any]
SHOWN: Final = 60
"""Characters of what a talk is about, in a list."""


def talks(rows: Sequence[Json]) -> RenderableType:
    """One's talks."""
    if not rows:
        return _("Nothing was talked about yet. Begin: steward talk new WHAT YOU WANT")
    shown = table(_("talk"), _("state"), _("about"), _("changed"))
    for row in rows:
        about = (
            row["brief"]["title"] or row["brief"]["goal"] or next((one["text"] for one in row["said"]), "")
        )
        cells = (state_words(row["state"]), about[:SHOWN], moment(row["changed_at"], date=True))
        shown.add_row(str(row["id"]), *map(escape, cells))
    return shown


def talk(shown: Json) -> list[RenderableType]:
    """One talk: the brief, what was said, what is asked."""
    brief = shown["brief"]
    names = ("title", "goal", "users", "features", "out_of_scope", "questions")
    rows = [(part_words(name), _part(brief[name])) for name in names]
    parts: list[RenderableType] = [
        f"[bold]{escape(_('Talk {n}', n=shown['id']))}[/]  {escape(state_words(shown['state']))}",
        facts(rows),
    ]
    if shown["said"]:
        parts += ["", f"[bold]{_('What was said')}[/]"]
        parts += [f"  {moment(one['at'], date=True)}  {escape(one['text'])}" for one in shown["said"]]
    if shown["problem"]:
        parts += ["", f"[{TONES['care']}]{escape(problem_words(shown['problem']))}[/]"]
    if shown["waiting"] == 0:
        for question in shown["asked"]:
            choices = ", ".join(question["choices"])
            words = label("question", question["words"]) + (f" ({choices})" if choices else "")
            parts.append(f"  [bold]?[/] {escape(words)}")
    return parts


def _part(value: Any) -> str:
    return value if isinstance(value, str) else "\n".join(f"- {item}" for item in value)
