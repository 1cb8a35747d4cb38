"""`steward up`: one process that keeps the organisations in step, serves the board, and shows what happens.

Without a configured organisation it serves the sample organisation and works on that one. Ctrl-C and SIGTERM
end it in order; a second start finds all as it was. A loop or a server that dies ends the whole process.
"""

from __future__ import annotations

import contextvars
import os
import shutil
import sys
import threading
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import click

from steward.app.application import Application
from steward.app.errors import LeaseHeld
from steward.app.sync import LEASE
from steward.app.webhooks import register_demo
from steward.domain.journal import Kind
from steward.domain.status import Trigger
from steward.faces.cli import demo, runtime, webface
from steward.faces.cli.base import Command
from steward.faces.cli.bot import receiving
from steward.faces.cli.session import Session
from steward.faces.words import _, counted, printable, said
from steward.ports import Permanent, Transient

POLL_S: Final = 0.3
FIRST_LOOK_S: Final = 10.0
BATCH: Final = 5000
NEWCOMERS_MAX: Final = 15
"""More repositories than this that come in at once are told as a number."""
STOP_TIMEOUT_S: Final = 20.0


@click.command("up", cls=Command, help="Start Steward; without an organisation, on a sample of its own.")
@click.pass_obj
def up(session: Session) -> None:
    """Run until Ctrl-C or SIGTERM."""
    loaded = session.loaded
    loaded.require_whole()
    if session.rehearse(_("start Steward in {path}", path=loaded.state_dir)):
        return
    stop = webface.stopping(session)
    with ExitStack() as stack:
        app = session.wiring.application(loaded, stack, "steward up", upgrade=True)
        # Said before anything is started; the service itself takes the lease.
        if (holder := app.store.holder(LEASE)) is not None:
            raise LeaseHeld(holder)
        face = webface.WebFace(loaded, stack)
        running = runtime.Running(os.getpid(), app.server, sample=False)
        if loaded.demo:
            running = stack.enter_context(demo.serving(loaded.state_dir, loaded.settings.demo.port))
        running = replace(running, web=face.address)
        stack.enter_context(runtime.written(loaded.state_dir, running))
        Up(session, app, running, face, stop).run()


class Up:
    """A running Steward: its loops in a thread, its board in another, its events on the screen."""

    def __init__(
        self,
        session: Session,
        app: Application,
        running: runtime.Running,
        face: webface.WebFace,
        stop: threading.Event,
    ) -> None:
        self._session = session
        self._app = app
        self._running = running
        self._face = face
        self._stop = stop
        self._died: list[BaseException] = []
        self._queries = app.queries(session.by)
        self._position = self._queries.last_position()
        # A thread begins with no language of its own: it takes ours along.
        context = contextvars.copy_context()
        self._service = threading.Thread(target=context.run, args=(self._serve,), name="service", daemon=True)

    def run(self) -> None:
        """Block until asked to stop. Raises what a loop or a server died of."""
        loaded, note = self._session.loaded, self._session.note
        with (
            self._face.serving(self._app, self._web_ended, self._ready),
            receiving(self._app, loaded, self._stop, note, self._bot_died, self._face),
        ):
            self._banner()
            self._deliver()
            self._service.start()
            self._after_first_look()
            while not self._stop.wait(POLL_S):
                self._show_events()
            self._session.note(_("Stopping ..."))
        self._service.join(STOP_TIMEOUT_S)
        self._show_events()
        if self._died:
            raise self._died[0]
        self._session.note(_("Stopped. The next start finds all as it is now."))

    def _serve(self) -> None:
        try:
            self._app.service().run(self._stop, self._session.note)
        except BaseException as error:  # noqa: BLE001 - kept for run(), which raises it in the main thread
            self._died.append(error)
        finally:
            self._stop.set()

    def _deliver(self) -> None:
        """Have the sample organisation deliver to this process, so that the board follows it within a second."""
        if not self._running.sample:
            return
        try:
            register_demo(self._app.webhooks(self._session.by), self._face.hooks)
        except (Permanent, Transient) as error:
            reason = said(error.reason)
            self._session.note(_("No webhook ({reason}); looks at the interval find all.", reason=reason))

    def _web_ended(self) -> None:
        """A server ended: as asked, or by itself."""
        if not self._stop.is_set():
            self._died.append(webface.ended_early())
            self._stop.set()

    def _bot_died(self, error: BaseException) -> None:
        self._died.append(error)
        self._stop.set()

    def _ready(self) -> dict[str, bool]:
        """What must hold besides the database: this process keeps the organisations in step."""
        lease = self._app.store.holder(LEASE) == self._app.holder
        return {"lease": lease, "loops": self._service.is_alive() and not self._died}

    def _show_events(self) -> None:
        from steward.faces.cli.tables import event_text

        events = self._queries.events(after=self._position, limit=BATCH)
        newcomers = [event["position"] for event in events if _is_discovery(event)]
        folded = set(newcomers[NEWCOMERS_MAX:]) if not self._session.options.json else set()
        for event in events:
            if event["position"] not in folded:
                self._session.line(event, event_text(event))
            self._position = event["position"]
        if folded:
            text = counted("... and {n} more discovered", "... and {n} more discovered", len(folded))
            self._session.line({}, text)

    def _say(self, text: str = "") -> None:
        """The banner is payload for people, and beside the payload for programs."""
        if self._session.options.json:
            self._session.note(text)
        else:
            click.echo(printable(text))
            sys.stdout.flush()

    def _banner(self) -> None:
        loaded, rules = self._session.loaded, self._app.rules
        if self._running.sample:
            self._say(_("Steward runs on a SAMPLE organisation of its own, '{login}'.", login=demo.LOGIN))
            self._say(
                _("To connect yours: steward init (or set STEWARD_GITHUB_ORGS and STEWARD_GITHUB_TOKEN).")
            )
        else:
            self._say(_("Steward keeps {logins} in step.", logins=", ".join(self._app.logins)))
        self._say()
        for line in webface.places(self._face):
            self._say(line)
        private = self._running.sample or self._on_a_terminal()
        self._say(webface.entrance(self._face, self._app, "steward up", private=private))
        self._say(_("  GitHub's API   {url}", url=self._running.server))
        self._say(_("  data           {path}", path=loaded.state_dir))
        if self._session.err.is_terminal:
            self._say(_("  log            {path}", path=loaded.state_dir / "steward.log"))
        self._say(
            _(
                "  looks          every {interval_s:g} s; a loss needs {k} reads, {spacing_s:g} s apart",
                interval_s=rules.interval_s,
                k=rules.confirmations,
                spacing_s=rules.confirm_spacing_s,
            )
        )
        if self._running.sample:
            self._say(_("                 (quicker than the default, so that you see things soon)"))
        self._say()

    def _on_a_terminal(self) -> bool:
        """Whether the banner is read by a person alone, and kept in no log."""
        console = self._session.err if self._session.options.json else self._session.out
        return console.is_terminal

    def _after_first_look(self) -> None:
        """Wait a little for the first look, so that what is printed to try names what is there."""
        waited_s = 0.0
        while self._running.sample and waited_s < FIRST_LOOK_S and not self._stop.wait(POLL_S):
            waited_s += POLL_S
            if repository := self._a_public_repository():
                self._try_lines(repository)
                break
        self._say(_("Ctrl-C stops it. What happens:"))

    def _a_public_repository(self) -> str | None:
        from steward.ports import ProjectQuery

        for shown in self._queries.projects(ProjectQuery()):
            repository = shown["repository"]
            if repository and repository["visibility"] == "public" and repository["state"] == "seen":
                return str(repository["full_name"])
        return None

    def _try_lines(self, full_name: str) -> None:
        name = full_name.partition("/")[2]
        localhub, steward = self._program("localhub"), self._program("steward")
        self._say(
            _(
                "Open the board at {url} with the link above. Then try, in another terminal:",
                url=self._face.board,
            )
        )
        for words in (
            f"git clone {self._running.server}/{full_name}.git",
            f"{localhub} repo create my-idea",
            f"{localhub} repo rename {name} {name}-2",
            f"{localhub} repo delete my-idea",
            f"{steward} project order corner-shop --title 'Corner shop' --yes",
            f"{steward} wait corner-shop --for status=active",
            f"{steward} project open corner-shop",
            f"{steward} talk new 'A page for my bakery, where people order bread'",
            f"{steward} incident list",
        ):
            self._say(f"  {words}")
        self._say()

    def _program(self, name: str) -> str:
        """How to call one of our programs so that the line works as typed."""
        prefix = ""
        standard = Path.cwd() / ".steward" / "demo" / "localhub"
        if name == "localhub" and Path(self._running.data_dir) != standard:
            prefix = f"LOCALHUB_DATA_DIR={self._running.data_dir} "
        beside = Path(sys.executable).parent / name
        found = shutil.which(name)
        if found is not None and Path(found).resolve() == beside.resolve():
            return prefix + name
        if beside.is_relative_to(Path.cwd()):
            return prefix + str(beside.relative_to(Path.cwd()))
        return prefix + str(beside)


def _is_discovery(event: dict[str, Any]) -> bool:
    return bool(
        event["kind"] == Kind.PROJECT_MOVED and event["data"]["trigger"] == Trigger.REPOSITORY_DISCOVERED
    )


COMMANDS: Final = {"up": up}
