"""What people are shown of holds and kept patches, from the JSON views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.markup import escape

from steward.faces import held
from steward.faces.cli.tables import TONES, facts, table
from steward.faces.lines import COMMIT_SHOWN, moment
from steward.faces.words import _, counted

Json = Mapping[str, Any]

COLOURS = {"green": TONES["good"], "red": TONES["bad"], "pending": TONES["care"]}


def holds(shown: Json) -> list[RenderableType]:
    """What holds a project, with its evidence and the ways out; what held it; the kept patches."""
    policy = held.policy_words(shown["policy"])
    parts: list[RenderableType] = [_("When a person pushes: {effect}", effect=policy)]
    if not shown["holds"]:
        parts += ["", _("Nothing holds it.")]
    for hold in shown["holds"]:
        parts += ["", *_standing(hold)]
    if shown["lifted"]:
        parts += ["", f"[bold]{_('Lifted')}[/]", _lifted(shown)]
    if shown["patches"]:
        parts += ["", f"[bold]{_('Kept patches')}[/]", _patches(shown)]
    return parts


def _standing(hold: Json) -> list[RenderableType]:
    evidence = hold["evidence"]
    words = held.hold_words(hold["reason"], evidence, hold["words"])
    parts: list[RenderableType] = [
        f"[bold {TONES['care']}]#{hold['id']}[/]  {escape(words)}",
        facts(
            [
                ("  " + _("since"), moment(hold["since"], date=True)),
                ("  " + _("by"), hold["by"]),
                ("  " + _("holds always"), held.always_words(evidence)),
                ("  " + _("checks"), held.checks_label(evidence["checks"]) if evidence.get("checks") else ""),
                ("  " + _("lifts itself"), _("once the checks are green") if hold["until_green"] else ""),
            ]
        ),
    ]
    for commit in evidence.get("commits") or ():
        who = f"  [dim]{escape(str(commit.get('login') or commit.get('author') or ''))}[/]"
        parts.append(f"    {escape(str(commit['sha'])[:COMMIT_SHOWN])} {escape(str(commit['title']))}{who}")
    for path, kind in (evidence.get("files") or {}).items():
        parts.append(f"    {held.file_label(str(kind))}: {escape(str(path))}")
    more = int(evidence.get("file_count") or 0) - len(evidence.get("files") or {})
    if more > 0:
        parts.append("    " + counted("and {n} more file", "and {n} more files", more))
    parts += [
        f"  • {escape(held.exit_words(w['words']))}  [bold]{escape(w['command'])}[/]" for w in hold["exits"]
    ]
    return parts


def _lifted(shown: Json) -> RenderableType:
    rows = table(_("hold"), _("reason"), _("since"), _("lifted"), _("way out"), _("by"))
    for hold in shown["lifted"]:
        rows.add_row(
            f"#{hold['id']}",
            escape(held.hold_words(hold["reason"], hold["evidence"], hold["words"])),
            moment(hold["since"], date=True),
            moment(hold["lifted_at"], date=True),
            escape(held.lifted_label(hold["exit"])),
            escape(hold["lifted_by"]),
        )
    return rows


def _patches(shown: Json) -> RenderableType:
    rows = table(_("id"), _("since"), _("operation"), _("base"), _("characters"))
    for patch in shown["patches"]:
        rows.add_row(
            str(patch["id"]),
            moment(patch["at"], date=True),
            escape(patch["operation"]),
            escape(patch["base"][:COMMIT_SHOWN]),
            str(patch["size"]) + (" " + _("(cut)") if patch["cut"] else ""),
        )
    return rows
