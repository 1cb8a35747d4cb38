"""The clock, the forge and the notifiers, as the application needs them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from steward.domain.credentials import Declared
from steward.domain.deliveries import Sent, Told
from steward.domain.instant import Instant
from steward.domain.journal import Notice
from steward.domain.repository import Access, Budget, Cost, Listing, OrganisationFacts, PageMark, Sighting


class Clock(Protocol):
    """The only source of time, and the only way to wait."""

    def now(self) -> Instant:
        """This moment, on the wall clock and on the steady one."""
        ...

    def wait(self, timeout_s: float) -> bool:
        """Wait; return True as soon as the process is asked to stop, else False after `timeout_s`."""
        ...


class ForgeRights(Protocol):
    """What a credential says of itself."""

    def declared(self, login: str, owner_id: int | None = None) -> Declared:
        """What it may do in that organisation, asked anew. Raises Unauthorised, NoSuchOrganisation, and the like."""
        ...


class ForgeRead(ForgeRights, Protocol):
    """A GitHub server, read only. Every method may raise Transient and Permanent."""

    @property
    def server(self) -> str:
        """The API address, without a trailing slash."""
        ...

    def listing(
        self, login: str, owner_id: int | None, marks: Sequence[PageMark], credential: str
    ) -> Listing:
        """List every repository of an organisation, whole or not at all.

        By `owner_id` where known, else by `login`. `marks` are those of the last applied look, used only
        if `credential` is still the current one. Raises Incomplete, Unauthorised, NoSuchOrganisation,
        RateLimited, Unreachable.
        """
        ...

    def repository(self, repo_id: int, *, urgent: bool = False) -> tuple[Sighting, Cost]:
        """Read one repository by id. `urgent` may use the reserve kept for people and webhooks.

        Raises Unauthorised, RateLimited, Unreachable.
        """
        ...

    def organisation(self, login: str, owner_id: int | None) -> OrganisationFacts:
        """Read the organisation itself, by id where known. Raises NoSuchOrganisation and the like."""
        ...

    def access(self, login: str, owner_id: int | None = None) -> Access:
        """What the credential is known to be able to list there; by id where known."""
        ...

    def budget(self) -> Budget:
        """The rate limit as last told, without a request."""
        ...


class ForgeHooks(Protocol):
    """The webhooks of organisations on a GitHub server, and nothing else. It can remove none.

    Every method may raise Transient and Permanent; Unauthorised where the credential may not see to webhooks.
    """

    @property
    def server(self) -> str:
        """The API address, without a trailing slash."""
        ...

    def hooks(self, login: str) -> list[Told]:
        """All of an organisation."""
        ...

    def create(self, login: str, url: str, events: Sequence[str], secret: str) -> Told:
        """Make one, active, for JSON. GitHub pings it at once."""
        ...

    def update(self, login: str, hook_id: int, url: str, events: Sequence[str], secret: str) -> Told:
        """Give one this address, these events and this secret, and switch it on."""
        ...

    def ping(self, login: str, hook_id: int) -> None:
        """Have GitHub send a `ping`."""
        ...

    def deliveries(self, login: str, hook_id: int, since: datetime) -> list[Sent]:
        """Those that GitHub made, or tried to make, at or after that moment, newest first."""
        ...


class Secret(Protocol):
    """One secret of this installation."""

    def read(self) -> str | None:
        """The secret as it is now; None if there is none."""
        ...

    def make(self) -> str:
        """The secret; a new one, kept from here on, where there is none. Raises Permanent."""
        ...


class Notifier(Protocol):
    """One way to reach people."""

    @property
    def channel(self) -> str:
        """Its name in the outbox; unique and stable over restarts."""
        ...

    def send(self, key: str, notice: Notice) -> None:
        """Send it, carrying `key` so that a repeat can be recognised. Raises Transient or Permanent."""
        ...
