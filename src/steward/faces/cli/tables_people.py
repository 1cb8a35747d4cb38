"""What people are shown of users, tokens and the audit log: Rich tables, from the JSON views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from steward.faces.cli.tables import TONES, facts, table
from steward.faces.lines import actor_label, moment
from steward.faces.people import act_words, grants_words, outcome_label, pass_state_label, reach_words
from steward.faces.words import _, said

Json = Mapping[str, Any]


def users(rows: Sequence[Json]) -> Table:
    """The table of users."""
    shown = table(_("name"), _("full name"), _("roles"), _("sessions"), _("tokens"), _("last seen"))
    for row in rows:
        name = escape(row["name"])
        if row["disabled_at"]:
            name = f"[dim]{name} ({_('disabled')})[/]"
        shown.add_row(
            name,
            escape(row["full_name"]),
            escape(grants_words(row["grants"])),
            str(row["sessions"]),
            str(row["tokens"]),
            moment(row["seen_at"], date=True),
        )
    return shown


def user(row: Json) -> Table:
    """One user."""
    return facts(
        [
            (_("name"), row["name"]),
            (_("full name"), row["full_name"]),
            (_("roles"), grants_words(row["grants"])),
            (_("language"), row["lang"] or ""),
            (_("disabled since"), moment(row["disabled_at"], date=True)),
            (_("last seen"), moment(row["seen_at"], date=True)),
        ]
    )


def tokens(rows: Sequence[Json]) -> Table:
    """The table of tokens."""
    shown = table(
        _("id"), _("purpose"), _("user"), _("reach"), _("made"), _("last used"), _("ends"), _("state")
    )
    for row in rows:
        shown.add_row(
            str(row["id"]),
            escape(row["note"]),
            escape(row["user"]),
            escape(reach_words(row)),
            moment(row["created_at"], date=True),
            moment(row["used_at"], date=True) or _("never"),
            moment(row["expires_at"], date=True),
            pass_state_label(row["state"]),
        )
    return shown


def audit(rows: Sequence[Json]) -> Table:
    """The lines of the audit log."""
    shown = table(_("id"), _("time"), _("who"), _("what"), _("about"), _("outcome"), _("why"))
    for row in rows:
        outcome = outcome_label(row["outcome"])
        if row["outcome"] != "done":
            outcome = f"[{TONES['care']}]{outcome}[/]"
        shown.add_row(
            str(row["id"]),
            moment(row["at"], date=True),
            escape(actor_label(row["actor"])),
            escape(act_words(row["action"])),
            escape(row["target"] or ""),
            outcome,
            escape(said(row["reason"] or "")),
        )
    return shown
