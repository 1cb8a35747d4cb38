"""The command line on a database, and through a server on the same or on a like one."""

from __future__ import annotations

import json
import re
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from steward.adapters.store import open_store
from steward.app.application import Application
from steward.faces.cli.root import steward
from steward.main import Wiring
from steward.ports import ProjectQuery
from steward.settings import Loaded
from steward.testing.hooks import FakeHooks
from steward.testing.showcase import furnish
from steward.testing.world import World
from tests.faces.cli import Done


class Kept:
    """A webhook secret, in memory."""

    def read(self) -> str | None:
        """The secret."""
        return "a-secret-of-this-test"

    def make(self) -> str:
        """The same."""
        return "a-secret-of-this-test"


class Wired(Wiring):
    """The real wiring, but for the application, which is there already."""

    def __init__(self, app: Application | None) -> None:
        super().__init__()
        self._app = app

    def application(
        self, loaded: Loaded, closing: ExitStack, command: str, *, upgrade: bool = False
    ) -> Application:
        """That one. A command that goes through a server opens none."""
        assert self._app is not None, "a command through a server needs no database"
        return self._app


@dataclass
class Line:
    """One way to give a command: its wiring, and the options that go before."""

    app: Application | None
    options: tuple[str, ...] = ()

    def __call__(self, *args: str, stdin: str | bytes | None = None) -> Done:
        """Run `steward ARGS`; a fault of Steward itself is raised."""
        words = [*self.options, *args]
        done = CliRunner().invoke(steward, words, obj=Wired(self.app), input=stdin, prog_name="steward")
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Done(done.exit_code, done.stdout, done.stderr)


def furnished(folder: Path) -> World:
    """A furnished world that can see to webhooks as well."""
    folder.mkdir()
    world = furnish(open_store(f"sqlite:///{folder}/steward.db"))
    hooks = FakeHooks(world.clock)
    world.app = replace(world.app, forge_hooks=lambda: hooks, webhook_secret=Kept())
    return world


def names(world: World) -> dict[str, str]:
    """What is random in a world, by what stands for it in a comparison."""
    with world.store.reading() as view:
        return {project.id: f"<{project.slug}>" for project, _ in view.projects(ProjectQuery())}


def likened(done: Done, masks: dict[str, str]) -> tuple[int, Any, Any]:
    """What a command left behind, without what differs between two worlds and two people."""
    text = done.stdout
    for found, mask in masks.items():
        text = text.replace(found, mask)
    text = re.sub(r"local:[\w.-]+|token:test of api-admin-all", "<me>", text)
    try:
        shown = json.loads(text)
    except json.JSONDecodeError:
        shown = text
    return done.code, shown, done.stderr
