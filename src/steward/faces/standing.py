"""What would happen after a restore, line by line in words. One renderer for all faces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from steward.faces.lines import change_text, step_label, work_label
from steward.faces.words import _, counted, said

Json = Mapping[str, Any]
COMMIT_SHOWN: Final = 12


def branch_words(row: Json) -> str:
    """One branch in a line: where it stands, what brought it there, and what becomes of it."""
    where = _(
        "{project}: {branch} is at {found}, recorded: {recorded}",
        project=row["project"],
        branch=row["branch"],
        found=row["found"][:COMMIT_SHOWN] if row["found"] else _("no such branch"),
        recorded=row["recorded"][:COMMIT_SHOWN] if row["recorded"] else _("no such branch"),
    )
    parts = [where, *_brought(row), _becomes(row)]
    return "; ".join(parts)


def _brought(row: Json) -> list[str]:
    said = []
    if row["commits"]:
        said.append(counted("{n} commit", "{n} commits", row["commits"]))
    if row["authors"]:
        said.append(_("by {names}", names=", ".join(row["authors"])))
    if row["forced"]:
        said.append(_("forced back or aside"))
    if not row["whole"]:
        said.append(_("not all is listed"))
    if row["guarded"]:
        said.append(_("changes {paths}", paths=", ".join(row["guarded"])))
    return said


def _becomes(row: Json) -> str:
    if row["kind"] == "default":
        return _("all of it is ours") if row["proven"] else _("somebody else's: the project will be held")
    if row["kind"] == "operation":
        return _("its operation goes on from there")
    if row["kind"] == "left_over":
        return _("left over from an operation that the record does not know")
    return _("not a branch of ours: it is left alone")


def sections(one: Json) -> list[tuple[str, list[str]]]:
    """What would happen in one organisation: titles with their lines, those without any left out."""
    found = [
        (_("A look would change:"), [change_text(row) for row in one["changes"]]),
        (_("Operations would go on:"), [_going(row) for row in one["operations"]]),
        (
            _("Operations would begin:"),
            [f"{row['project']}: {work_label(row['work'])}" for row in one["starts"]],
        ),
        (_("Branches stand elsewhere than recorded:"), [branch_words(row) for row in one["branches"]]),
        (_("Releases do not answer as recorded:"), [_release(row) for row in one["releases"]]),
        (
            _("Secrets cannot be read:"),
            [f"{row['project']}: {row['name']}: {said(row['reason'])}" for row in one["secrets"]],
        ),
        (
            _("Could not be read:"),
            [f"{row['project'] or '-'}: {said(row['reason'])}" for row in one["unread"]],
        ),
    ]
    return [(title, rows) for title, rows in found if rows]


def _going(row: Json) -> str:
    then = _("is cancelled instead") if row["ends"] else step_label(row["step"])
    return f"{row['project']}: {work_label(row['work'])}, {then}"


def _release(row: Json) -> str:
    return _(
        "{project}: {url} should serve {recorded}: {detail}",
        project=row["project"],
        url=row["url"],
        recorded=row["recorded"][:COMMIT_SHOWN],
        detail=said(row["detail"]),
    )
