"""`steward worker`: runs operations beside a `steward up` on the same database.

Many may run on one PostgreSQL. It looks at nothing and decides nothing: `steward up` does; a worker takes up what
is queued, and what workers that died have left.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Final

import click

from steward.app.noticing import notice_restored
from steward.app.service import working
from steward.app.sync import LEASE
from steward.faces.cli import webface
from steward.faces.cli.base import Command
from steward.faces.cli.session import Session
from steward.faces.words import _
from steward.ports import Permanent


@click.command("worker", cls=Command, help="Run operations, beside a `steward up` on the same PostgreSQL.")
@click.pass_obj
def worker(session: Session) -> None:
    """Run until Ctrl-C or SIGTERM."""
    loaded = session.loaded
    loaded.require_whole()
    if session.rehearse(_("run operations in {path}", path=loaded.state_dir)):
        return
    if loaded.database_url.startswith("sqlite"):
        raise Permanent(
            _("on SQLite one process does all the work: `steward up`"),
            _("For workers of their own, set STEWARD_DATABASE_URL to a PostgreSQL database"),
        )
    stop = webface.stopping(session)
    with ExitStack() as stack:
        app = session.wiring.application(loaded, stack, "steward worker")
        if app.drive is None:
            raise Permanent(
                _("this Steward drives no projects: there is no credential for it"),
                _("Set STEWARD_GITHUB_BUILDER_TOKEN_FILE, or a GitHub App"),
            )
        notice_restored(app, session.note)
        with working(app, app.drive()):
            click.echo(_("Taking up operations. Ctrl-C stops it."))
            if app.store.holder(LEASE) is None:
                session.note(_("No `steward up` runs on this database: nothing new is begun until one does."))
            stop.wait()
            session.note(_("Stopping ..."))


COMMANDS: Final = {"worker": worker}
