"""The application as faces hold it: one object, built by `main`, with everything they may ask."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from steward.app.attending import Attending
from steward.app.commands import Commands
from steward.app.doctor import Check, examine
from steward.app.queries import Queries
from steward.app.service import Service
from steward.app.sync import Sync
from steward.domain.repository import Budget
from steward.domain.rules import Rules
from steward.ports import Clock, ForgeRead, Notifier, Store


@dataclass(frozen=True, slots=True)
class Application:
    """Everything that faces may ask for.

    `forge` is called only where GitHub is needed, so that all else works without a credential. `server`
    is the API address, `logins` the configured organisations, `holder` how this process names itself.
    """

    store: Store
    clock: Clock
    rules: Rules
    forge: Callable[[], ForgeRead]
    logins: Sequence[str]
    server: str
    notifiers: Sequence[Notifier]
    holder: str

    @property
    def channels(self) -> list[str]:
        """The names of the configured notifiers."""
        return [notifier.channel for notifier in self.notifiers]

    @property
    def queries(self) -> Queries:
        """What can be shown."""
        return Queries(self.store)

    @property
    def sync(self) -> Sync:
        """Looks on demand."""
        return Sync(
            self.store,
            self.forge,
            self.clock,
            self.rules,
            self.logins,
            self.server,
            self.notifiers,
            self.holder,
        )

    def commands(self, actor: str) -> Commands:
        """What that actor may ask of projects and organisations."""
        return Commands(self.store, self.clock, actor, self.channels)

    def attending(self, actor: str) -> Attending:
        """What that actor may do with incidents."""
        return Attending(self.store, self.clock, actor)

    def service(self) -> Service:
        """The loops of a running Steward."""
        return Service(
            self.store,
            self.forge,
            self.clock,
            self.rules,
            self.logins,
            self.server,
            self.notifiers,
            self.holder,
        )

    def budget(self) -> Budget:
        """The rate limit as this process was last told."""
        return self.forge().budget()

    def doctor(self) -> list[Check]:
        """Examine what must hold for Steward to work."""
        return examine(self.store, self.forge, self.clock, self.logins, self.server)
