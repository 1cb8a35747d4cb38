"""The application as faces hold it: one object, built by `main`, with everything they may ask."""

from __future__ import annotations

from dataclasses import dataclass

from steward.app.attending import Attending
from steward.app.commands import Commands
from steward.app.doctor import Check, examine
from steward.app.parts import Parts
from steward.app.queries import Queries
from steward.app.service import Service
from steward.app.sync import Sync
from steward.domain.repository import Budget


@dataclass(frozen=True, slots=True)
class Application(Parts):
    """Everything that faces may ask for."""

    @property
    def queries(self) -> Queries:
        """What can be shown."""
        return Queries(self.store)

    @property
    def sync(self) -> Sync:
        """Looks on demand."""
        return Sync(self)

    def commands(self, actor: str) -> Commands:
        """What that actor may ask of projects and organisations."""
        return Commands(self.store, self.clock, actor, self.channels)

    def attending(self, actor: str) -> Attending:
        """What that actor may do with incidents."""
        return Attending(self.store, self.clock, actor)

    def service(self) -> Service:
        """The loops of a running Steward."""
        return Service(self)

    def budget(self) -> Budget:
        """The rate limit as this process was last told."""
        return self.forge().budget()

    def doctor(self) -> list[Check]:
        """Examine what must hold for Steward to work."""
        return examine(self.store, self.forge, self.clock, self.logins, self.server)
