"""`steward serve`: the web face alone, over a database that a `steward up` elsewhere keeps in step.

Many may run on one database. It holds no lease, looks at nothing, sends nothing, and upgrades no schema.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import Final

import click

from steward.app.application import Application
from steward.app.sync import LEASE
from steward.faces.cli import webface
from steward.faces.cli.base import Command
from steward.faces.cli.bot import receiving
from steward.faces.cli.session import Session
from steward.faces.words import _


@click.command(
    "serve", cls=Command, help="Serve the web face alone, beside a `steward up` on the same database."
)
@click.pass_obj
def serve(session: Session) -> None:
    """Run until Ctrl-C or SIGTERM."""
    loaded = session.loaded
    loaded.require_whole()
    if session.rehearse(
        _("serve the web face at {host}:{port}", host=loaded.settings.web.host, port=loaded.settings.web.port)
    ):
        return
    stop = webface.stopping(session)
    early = threading.Event()
    troubles: list[BaseException] = []

    def died(error: BaseException) -> None:
        troubles.append(error)
        stop.set()

    def ended() -> None:
        if not stop.is_set():
            early.set()
            stop.set()

    with ExitStack() as stack:
        app = session.wiring.application(loaded, stack, "steward serve")
        face = webface.WebFace(loaded, stack)
        with face.serving(app, ended, dict), _delivered(session, app, stop, face, died):
            for line in webface.places(face):
                click.echo(line)
            private = session.out.is_terminal
            click.echo(webface.entrance(face, app, "steward serve", private=private))
            if app.store.holder(LEASE) is None:
                session.note(
                    _("No `steward up` runs on this database: what is shown grows old until one does.")
                )
            stop.wait()
            session.note(_("Stopping ..."))
    if troubles:
        raise troubles[0]
    if early.is_set():
        raise webface.ended_early()


def _delivered(
    session: Session,
    app: Application,
    stop: threading.Event,
    face: webface.WebFace,
    died: Callable[[BaseException], None],
) -> AbstractContextManager[None]:
    """Take what Telegram delivers to this web face; nothing where messages are fetched: `steward up` does that."""
    if face.door is None:
        return nullcontext()
    return receiving(app, session.loaded, stop, session.note, died, face)


COMMANDS: Final = {"serve": serve}
