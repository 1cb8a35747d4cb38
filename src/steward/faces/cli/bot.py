"""`steward bot`: receives what people write to the bot, beside a `steward up` on the same database.

`steward up` does so itself where a token is set. Any number of processes may offer to: one of them receives, since
Telegram hands messages to one alone, and another takes over when that ends. What is sent, `steward up` sends.
"""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final

import click

from steward.app.sync import LEASE
from steward.faces.cli import webface
from steward.faces.cli.base import Command
from steward.faces.cli.session import Session
from steward.faces.words import _
from steward.ports import Permanent

if TYPE_CHECKING:
    # For the types alone: importing it takes longer than the whole of `--help`.
    from steward.app.application import Application
    from steward.faces.cli.webface import WebFace
    from steward.settings import Loaded
    from steward.settings.talking import TelegramSection

RECEIVING: Final = "bot"
"""The lease of whoever receives."""
AGAIN_S: Final = 5.0
"""How often it is looked whether whoever receives has ended."""
STOP_TIMEOUT_S: Final = 10.0


@click.command("bot", cls=Command, help="Receive what people write to the bot, beside a `steward up`.")
@click.pass_obj
def bot(session: Session) -> None:
    """Run until Ctrl-C or SIGTERM."""
    loaded = session.loaded
    loaded.require_whole()
    settings = loaded.telegram
    if settings.token is None:
        raise Permanent(
            _("there is no bot: no token is set"),
            _(
                "Write /newbot to @BotFather on Telegram, put the token that it gives into a file, and set STEWARD_TELEGRAM_TOKEN_FILE"
            ),
        )
    if settings.updates == "webhook":
        raise Permanent(
            _("messages are delivered to the web face (STEWARD_TELEGRAM_UPDATES=webhook)"),
            _("`steward up` and `steward serve` take them in; nothing else needs to run"),
        )
    if session.rehearse(_("receive what people write to the bot")):
        return
    stop = webface.stopping(session)
    with ExitStack() as stack:
        app = session.wiring.application(loaded, stack, "steward bot")
        click.echo(_("Receiving what people write to the bot. Ctrl-C stops it."))
        if app.store.holder(LEASE) is None:
            session.note(_("No `steward up` runs on this database: nothing is answered until one does."))
        receive(app, settings, stop, session.note, loaded.settings.web.public_url or "")
        session.note(_("Stopping ..."))


def receive(
    app: Application,
    settings: TelegramSection,
    stop: threading.Event,
    note: Callable[[str], None],
    board: str = "",
) -> None:
    """Receive until `stop` is set, for as long as nobody else does; else wait for their end.

    `board` is the address of the web face, for links into it.
    """
    from steward.faces.telegram.bot import run

    told = ""
    while not stop.is_set():
        lease = app.store.acquire(RECEIVING, app.holder)
        if lease is not None:
            try:
                run(app, settings, stop, note, board=board)
            finally:
                app.store.release(lease)
            return
        other = app.store.holder(RECEIVING) or ""
        if other and other != told:
            note(
                _(
                    "Messages are received already ({holder}); this process takes over when it ends.",
                    holder=other,
                )
            )
            told = other
        stop.wait(AGAIN_S)


def take(
    app: Application,
    settings: TelegramSection,
    stop: threading.Event,
    note: Callable[[str], None],
    face: WebFace,
) -> None:
    """Take what Telegram delivers to the web face. Any number of processes may: each delivery comes to one."""
    from steward.faces.telegram.bot import run

    run(app, settings, stop, note, board=face.board, door=face.door)


@contextmanager
def receiving(
    app: Application,
    loaded: Loaded,
    stop: threading.Event,
    note: Callable[[str], None],
    died: Callable[[BaseException], None],
    face: WebFace,
) -> Iterator[None]:
    """Receive in a thread for the length of the block, where there is a bot: fetch, or take what the web face is given.

    `died` is called with what it ended by, where nobody had asked it to.
    """
    settings = loaded.telegram
    if settings.token is None:
        yield
        return

    def work() -> None:
        try:
            if face.door is None:
                receive(app, settings, stop, note, face.board)
            else:
                take(app, settings, stop, note, face)
        except BaseException as error:  # noqa: BLE001 - kept for the main thread, which raises it
            died(error)

    # A thread begins with no language of its own: it takes ours along.
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(work,), name="bot", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(STOP_TIMEOUT_S)


COMMANDS: Final = {"bot": bot}
