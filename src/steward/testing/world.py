"""A whole small Steward on a fake GitHub and a virtual clock, for examples and for generated tests.

The store is given: any ports.Store does. Nothing here runs in threads; time passes when it is told to.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from steward.app.application import Application
from steward.app.commands import Commands
from steward.app.connecting import connect
from steward.app.deciding import Deciding
from steward.app.heartbeat import Heartbeat, Report
from steward.app.outbox import Outbox
from steward.app.sync import LEASE
from steward.domain.journal import Event, Notice
from steward.domain.people import local
from steward.domain.project import Organisation, Project, Tracked
from steward.domain.rules import Rules
from steward.ports import Lease, ProjectQuery, Store
from steward.ports.building import Templates
from steward.testing.clock import FakeClock
from steward.testing.forge import FakeForge

ANYONE: Final = local("local:anna")
"""Somebody on the same machine, who may do everything."""


class Recorder:
    """A notifier that keeps what it was given; `fail_with` makes the next sends raise."""

    channel = "recorder"

    def __init__(self) -> None:
        self.sent: list[tuple[str, Notice]] = []
        self.fail_with: list[Exception] = []

    def send(self, key: str, notice: Notice) -> None:
        """Keep it, or raise what was planned."""
        if self.fail_with:
            raise self.fail_with.pop(0)
        self.sent.append((key, notice))

    def titles(self) -> list[str]:
        """What people were told, in order."""
        return [notice.title for _, notice in self.sent]


class World:
    """One installation: a fake forge, a store, and a heartbeat that beats when told to."""

    def __init__(
        self,
        store: Store,
        logins: Sequence[str] = ("acme",),
        *,
        page_size: int = 100,
        rules: Rules | None = None,
        templates: Templates | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.forge = FakeForge(self.clock, page_size=page_size)
        self.store = store
        self.rules = rules or Rules()
        self.recorder = Recorder()
        self.logins = list(logins)
        for login in logins:
            self.forge.add_organisation(login)
        self.app = Application(
            store=store,
            clock=self.clock,
            rules=self.rules,
            forge=lambda: self.forge,
            logins=self.logins,
            server=self.forge.server,
            notifiers=[self.recorder],
            holder="world",
            templates=templates,
        )
        self.organisations = connect(store, logins, self.forge.server, self.clock.now().at)
        self.lease: Lease
        self.heartbeat: Heartbeat
        self._start()

    def _start(self) -> None:
        lease = self.store.acquire(LEASE, "world")
        assert lease is not None, "the lease is free"
        self.lease = lease
        channels = [self.recorder.channel]
        self.heartbeat = Heartbeat(self.store, self.forge, self.clock, self.rules, channels, lease)

    def restart(self) -> None:
        """Lose everything that only the process knew."""
        self.store.release(self.lease)
        self._start()

    def jump(self, seconds: float) -> None:
        """Set our wall clock forward or back; the server's own does not move."""
        self.clock.jump(seconds)
        self.forge.skew_s -= seconds

    def beat(self, login: str | None = None) -> Report:
        """One full look at an organisation (the first, unless named)."""
        return self.heartbeat.beat(self.organisation(login).id)

    def round(self, login: str | None = None) -> Report | None:
        """One round of reads by id."""
        return self.heartbeat.round(self.organisation(login).id)

    def settle(self, login: str | None = None, beats: int = 2) -> None:
        """Let confirmations run their course, with whole looks in between."""
        for _ in range(beats):
            self.beat(login)
            for _ in range(self.rules.confirmations + 1):
                self.clock.advance(self.rules.confirm_spacing_s)
                report = self.round(login)
                if report is not None and report.wants_look:
                    self.beat(login)
        self.beat(login)

    def deliver(self) -> list[str]:
        """Send what the outbox holds; return every title sent so far."""
        while Outbox(self.store, [self.recorder], self.clock).deliver(self.lease):
            pass
        return self.recorder.titles()

    def commands(self, actor: str = "local:anna") -> Commands:
        """The commands of a person."""
        return self.app.commands(local(actor))

    def deciding(self, actor: str = "local:anna") -> Deciding:
        """The decisions of a person."""
        return self.app.deciding(local(actor))

    # What is recorded ----------------------------------------------------------------------------------

    def organisation(self, login: str | None = None) -> Organisation:
        """The record of an organisation."""
        place = self.logins.index(login) if login else 0
        with self.store.reading() as view:
            return view.organisation(self.organisations[place].id)

    def projects(self) -> list[Project]:
        """Every project."""
        with self.store.reading() as view:
            return [project for project, _ in view.projects(ProjectQuery())]

    def tracked(self, repo_id: int) -> Tracked:
        """The record of a repository."""
        with self.store.reading() as view:
            return view.tracked([repo_id])[0]

    def status(self, repo_id: int) -> str:
        """The status of the project that the repository belongs to."""
        project = self.tracked(repo_id).project
        assert project is not None, "the repository belongs to a project"
        return project.status.value

    def state(self, repo_id: int) -> str:
        """The presence of a repository."""
        return self.tracked(repo_id).repository.presence.value

    def incidents(self, *states: str) -> list[dict[str, Any]]:
        """Incidents as shown, in these states (all, if none is named)."""
        return self.app.queries(ANYONE).incidents(states)

    def open_causes(self) -> list[str]:
        """The causes of what is not resolved, sorted."""
        return sorted(incident["cause"] for incident in self.incidents("open", "acknowledged"))

    def events(self) -> list[Event]:
        """Every event, published first."""
        self.store.publish()
        with self.store.reading() as view:
            return view.events(limit=100_000)

    def kinds(self) -> list[str]:
        """The kinds of every event, in order."""
        return [str(event.kind) for event in self.events()]
