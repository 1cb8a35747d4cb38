"""What the commands ask for, wherever it is answered: on this machine's database, or by a Steward elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    # For the types alone: importing any of these takes longer than the whole of `--help`.
    from steward.app.adopting import Wanted
    from steward.app.application import Application
    from steward.app.describing import Wish
    from steward.app.keeping import Alphabet
    from steward.domain.needs import Sort
    from steward.domain.people import Principal
    from steward.domain.status import Status, Trigger
    from steward.domain.vault import Place
    from steward.faces.cli.asking_hands import Hands, Mending
    from steward.faces.cli.asking_people import Chats, People
    from steward.faces.cli.asking_talks import Talks
    from steward.ports import ProjectQuery

Json = dict[str, Any]


class Queries(Protocol):
    """What can be shown; see `app.queries`."""

    def projects(self, query: ProjectQuery) -> list[Json]: ...

    def project(self, reference: str) -> Json: ...

    def history(self, reference: str, limit: int = 100) -> list[Json]: ...

    def incidents(self, states: Collection[str] = (), limit: int | None = None) -> list[Json]: ...

    def incident(self, incident_id: int) -> Json: ...

    def events(
        self, after: int = 0, before: int | None = None, project: str | None = None, limit: int = 100
    ) -> list[Json]: ...

    def last_position(self) -> int: ...

    def sync_status(self) -> Json: ...


class Commands(Protocol):
    """What can be asked of projects; see `app.commands`."""

    def order(self, slug: str, *, organisation: str | None = None, title: str = "") -> Json: ...

    def ask(self, reference: str, trigger: Trigger, reason: str = "") -> Json: ...

    def archive(self, reference: str, reason: str = "") -> Json: ...

    def reopen(self, reference: str, reason: str = "") -> Json: ...

    def own(self, reference: str, owner: str | None) -> Json: ...

    def manage(self, reference: str, management: str) -> Json: ...

    def relink(self, reference: str, repository: str) -> Json: ...

    def draft(self, slug: str, *, organisation: str | None = None, title: str = "", wish: Wish) -> Json: ...

    def describe(self, reference: str, wish: Wish, reason: str = "") -> Json: ...

    def confirm(self, reference: str, reason: str = "", budget_usd: float | None = None) -> Json: ...

    def retry(self, reference: str, reason: str = "") -> Json: ...

    def resolve(self, reference: str, reason: str = "", to: Status | None = None) -> Json: ...

    def update(self, reference: str, text: str = "") -> Json: ...

    def rollback(self, reference: str, release: int | None = None) -> Json: ...

    def budget(self, reference: str, usd: float) -> Json: ...


class Works(Protocol):
    """What can be shown of building; see `app.works`."""

    def operations(self, reference: str, limit: int = 50, before: str | None = None) -> list[Json]: ...

    def operation(self, reference: str, operation_id: str | None = None) -> Json: ...

    def log(
        self, reference: str, operation_id: str | None = None, after: int = 0, limit: int = 500
    ) -> list[Json]: ...

    def spec(self, reference: str, version: int | None = None) -> Json: ...

    def specs(self, reference: str) -> list[Json]: ...

    def releases(self, reference: str) -> list[Json]: ...

    def updates(self, reference: str) -> list[Json]: ...

    def costs(self, reference: str) -> Json: ...

    def template(self, source: str = "starter", tag: str = "") -> Json: ...


class Readiness(Protocol):
    """What projects lack, and what they do without; see `app.readiness`."""

    def lines(self, reference: str) -> Json: ...

    def waive(self, reference: str, code: str, reason: str) -> Json: ...

    def unwaive(self, reference: str, code: str) -> Json: ...


class Setup(Protocol):
    """What can be done about taking in; see `app.setup` and `app.adopting`."""

    def checklist(self, reference: str) -> Json: ...

    def scan(self, reference: str) -> Json: ...

    def ask(self, reference: str) -> Json: ...

    def take_in(
        self, references: Sequence[str] = (), *, organisation: str = "", text: str = ""
    ) -> list[Json]: ...

    def progress(self) -> Json: ...

    def table(
        self, organisation: str = "", text: str = "", *, limit: int = 200, after: str = ""
    ) -> list[Json]: ...

    def adopt(self, reference: str, wanted: Wanted) -> Json: ...


class Deciding(Protocol):
    """What can be decided of organisations; see `app.deciding`."""

    def freeze(self, organisation: str | None, reason: str = "") -> list[Json]: ...

    def unfreeze(self, organisation: str | None, seen: str = "") -> list[Json]: ...

    def release(self, organisation: str, repository: str | None = None) -> Json: ...

    def reject(self, organisation: str) -> Json: ...


class Restoring(Protocol):
    """What a restored database comes to; see `app.restoring`."""

    def mark(self) -> Json | None: ...

    def plan(self, organisation: str | None = None) -> Json: ...


class Attending(Protocol):
    """What can be done with incidents; see `app.attending`."""

    def acknowledge(self, incident_id: int) -> Json: ...

    def resolve(self, incident_id: int, reason: str = "") -> Json: ...

    def mute(self, incident_id: int, for_s: float) -> Json: ...

    def unmute(self, incident_id: int) -> Json: ...


class Sync(Protocol):
    """Looks on demand; see `app.sync`."""

    def run(self, logins: Sequence[str] = (), *, progress: Callable[[str], None]) -> Json: ...

    def plan(self, logins: Sequence[str] = ()) -> Json: ...


class Webhooks(Protocol):
    """What can be asked of webhooks; see `app.webhooks`."""

    def status(self) -> Json: ...

    def register(self, url: str, logins: Sequence[str] = ()) -> list[Json]: ...

    def ping(self, logins: Sequence[str] = ()) -> list[Json]: ...

    def sweep(self, logins: Sequence[str] = ()) -> list[Json]: ...

    def deliveries(
        self, *, states: Collection[str] = (), before: int | None = None, limit: int = 50
    ) -> list[Json]: ...

    def retry(self, delivery_id: int) -> Json: ...


class Secrets(Protocol):
    """What can be done with secrets; see `app.secrets`."""

    def listed(self, reference: str) -> Json: ...

    def set_many(
        self, reference: str, values: Mapping[str, str], sort: Sort = ..., places: Collection[Place] = ...
    ) -> list[Json]: ...

    def generate(
        self,
        reference: str,
        name: str,
        length: int = ...,
        alphabet: Alphabet = ...,
        places: Collection[Place] = ...,
        *,
        replacing: bool = False,
    ) -> Json: ...

    def unset(self, reference: str, name: str) -> Json: ...

    def waive(self, reference: str, name: str, reason: str) -> Json: ...

    def unwaive(self, reference: str, name: str) -> Json: ...

    def send(self, reference: str) -> Json: ...

    def rotate(self, reference: str | None = None) -> Json: ...


class Answering(Protocol):
    """Whoever answers."""

    @property
    def queries(self) -> Queries: ...

    @property
    def commands(self) -> Commands: ...

    @property
    def hands(self) -> Hands: ...

    @property
    def mending(self) -> Mending: ...

    @property
    def works(self) -> Works: ...

    @property
    def readiness(self) -> Readiness: ...

    @property
    def setup(self) -> Setup: ...

    @property
    def deciding(self) -> Deciding: ...

    @property
    def restoring(self) -> Restoring: ...

    @property
    def attending(self) -> Attending: ...

    @property
    def sync(self) -> Sync: ...

    @property
    def webhooks(self) -> Webhooks: ...

    @property
    def people(self) -> People: ...

    @property
    def chats(self) -> Chats: ...

    @property
    def talks(self) -> Talks: ...

    @property
    def secrets(self) -> Secrets: ...


@dataclass(frozen=True, slots=True)
class Local:
    """The application of this machine, on its database, as one principal asks it."""

    app: Application
    by: Principal

    @property
    def queries(self) -> Queries:
        """What can be shown."""
        return self.app.queries(self.by)

    @property
    def commands(self) -> Commands:
        """What can be asked of projects."""
        return self.app.commands(self.by)

    @property
    def hands(self) -> Hands:
        """What can be asked about holds."""
        return self.app.hands(self.by)

    @property
    def mending(self) -> Mending:
        """What can be done about changed settings."""
        return self.app.mending(self.by)

    @property
    def works(self) -> Works:
        """What can be shown of building."""
        return self.app.works(self.by)

    @property
    def readiness(self) -> Readiness:
        """What projects lack, and what they do without."""
        return self.app.readiness(self.by)

    @property
    def setup(self) -> Setup:
        """What can be done about taking in."""
        return self.app.setup(self.by)

    @property
    def deciding(self) -> Deciding:
        """What can be decided of organisations."""
        return self.app.deciding(self.by)

    @property
    def restoring(self) -> Restoring:
        """What a restored database comes to."""
        return self.app.restoring(self.by)

    @property
    def attending(self) -> Attending:
        """What can be done with incidents."""
        return self.app.attending(self.by)

    @property
    def sync(self) -> Sync:
        """Looks on demand."""
        return self.app.sync(self.by)

    @property
    def webhooks(self) -> Webhooks:
        """What can be asked of webhooks."""
        return self.app.webhooks(self.by)

    @property
    def people(self) -> People:
        """What can be done about people."""
        return self.app.people(self.by)

    @property
    def chats(self) -> Chats:
        """What can be done about chats."""
        return self.app.chats(self.by)

    @property
    def talks(self) -> Talks:
        """One's own talks."""
        return self.app.talks(self.by)

    @property
    def secrets(self) -> Secrets:
        """What can be done with secrets."""
        return self.app.secrets(self.by)
