"""`steward doctor`: what must hold for Steward to work, and how to mend what does not."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

import click

from steward.faces.cli.base import Command
from steward.faces.cli.session import Session
from steward.faces.words import said


@click.command("doctor", cls=Command, help="Examine what must hold, and say how to mend it.")
@click.pass_obj
def doctor(session: Session) -> int:
    """Run every check; exit code 1 when one is not well."""
    checks = session.app.doctor()

    def people() -> Any:
        from rich.markup import escape

        lines = []
        for check in checks:
            sign = "[green]✓[/]" if check.ok else "[red]✗[/]"
            lines.append(f"{sign} {escape(said(check.name))}: {escape(said(check.detail))}")
            if not check.ok and check.fix:
                lines.append(f"    → {escape(said(check.fix))}")
        return lines

    session.payload([asdict(check) for check in checks], people)
    return 0 if all(check.ok for check in checks) else 1


COMMANDS: Final = {"doctor": doctor}
