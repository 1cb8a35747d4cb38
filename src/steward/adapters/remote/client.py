"""The calls of a face, answered by a Steward elsewhere: as those of `app`, with the same values and refusals."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from steward.adapters.remote.chats import RemoteChats
from steward.adapters.remote.commands import RemoteCommands
from steward.adapters.remote.hands import RemoteHands, RemoteMending
from steward.adapters.remote.people import RemotePeople
from steward.adapters.remote.readiness import RemoteReadiness
from steward.adapters.remote.secrets import RemoteSecrets
from steward.adapters.remote.setup import RemoteSetup
from steward.adapters.remote.shapes import (
    AskedLook,
    AskedLooks,
    Events,
    Json,
    Page,
    Projects,
    position,
)
from steward.adapters.remote.talks import RemoteTalks
from steward.adapters.remote.webhooks import RemoteWebhooks
from steward.adapters.remote.wire import Wire, checked, path, project_path
from steward.adapters.remote.works import RemoteWorks
from steward.app.errors import Invalid, NotSignedIn
from steward.domain.project import Management
from steward.domain.status import Status
from steward.ports import ProjectQuery

LIMIT_MAX: Final = 200
WAIT_S: Final = 20
WAITS: Final = 30
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Remote:
    """A Steward elsewhere, as it may be asked with one token."""

    wire: Wire

    @property
    def queries(self) -> RemoteQueries:
        """What can be shown."""
        return RemoteQueries(self.wire)

    @property
    def commands(self) -> RemoteCommands:
        """What can be asked of projects."""
        return RemoteCommands(self.wire)

    @property
    def hands(self) -> RemoteHands:
        """What can be asked about holds."""
        return RemoteHands(self.wire)

    @property
    def mending(self) -> RemoteMending:
        """What can be done about changed settings."""
        return RemoteMending(self.wire)

    @property
    def works(self) -> RemoteWorks:
        """What can be shown of building."""
        return RemoteWorks(self.wire)

    @property
    def readiness(self) -> RemoteReadiness:
        """What projects lack, and what they do without."""
        return RemoteReadiness(self.wire)

    @property
    def setup(self) -> RemoteSetup:
        """What can be done about taking in."""
        return RemoteSetup(self.wire)

    @property
    def deciding(self) -> RemoteDeciding:
        """What can be decided of organisations."""
        return RemoteDeciding(self.wire)

    @property
    def restoring(self) -> RemoteRestoring:
        """What a restored database comes to."""
        return RemoteRestoring(self.wire)

    @property
    def attending(self) -> RemoteAttending:
        """What can be done with incidents."""
        return RemoteAttending(self.wire)

    @property
    def sync(self) -> RemoteSync:
        """Looks on demand."""
        return RemoteSync(self.wire)

    @property
    def webhooks(self) -> RemoteWebhooks:
        """What can be asked of webhooks."""
        return RemoteWebhooks(self.wire)

    @property
    def people(self) -> RemotePeople:
        """What can be done about people."""
        return RemotePeople(self.wire)

    @property
    def chats(self) -> RemoteChats:
        """What can be done about chats."""
        return RemoteChats(self.wire)

    @property
    def talks(self) -> RemoteTalks:
        """One's own talks."""
        return RemoteTalks(self.wire)

    @property
    def secrets(self) -> RemoteSecrets:
        """What can be done with secrets."""
        return RemoteSecrets(self.wire)

    def close(self) -> None:
        """Close the connections."""
        self.wire.close()


def connect(address: str, token: str, *, plain: bool = False) -> Remote:
    """Speak to the Steward at that address. Raises BadSettings where the token would go over plain HTTP.

    Nothing is sent before something is asked. Raises NotSignedIn for what can be no token.
    """
    if not token.isascii() or not token.isprintable() or " " in token:
        raise NotSignedIn("what was given is no token of Steward")
    return Remote(Wire(checked(address, plain=plain), token))


@dataclass(frozen=True, slots=True)
class RemoteQueries:
    """What can be shown; see `app.queries`."""

    wire: Wire

    def projects(self, query: ProjectQuery) -> list[Json]:
        """The projects that match, sorted. Of the query: statuses, management, text, owner, held, readiness, limit."""
        found: list[Json] = []
        cursor: str | None = ""
        while cursor is not None and (query.limit is None or len(found) < query.limit):
            page = self.wire.get(
                Projects,
                "/projects",
                status=[str(one) for one in query.statuses or Status],
                management=[str(one) for one in query.management or Management],
                q=query.text,
                held=None if query.held is None else str(query.held).lower(),
                ready_below=query.ready_below,
                ready_from=query.ready_from,
                sort=("-" if query.descending else "") + query.sort,
                owner="-" if query.owner == "" else query.owner,
                limit=LIMIT_MAX,
                cursor=cursor,
            )
            found += [project.json() for project in page.items]
            cursor = page.next
        return found[: query.limit]

    def project(self, reference: str) -> Json:
        """One project with its newest events, its incidents and what the lifecycle allows."""
        return self.wire.get(Json, project_path(reference))

    def history(self, reference: str, limit: int = 100) -> list[Json]:
        """The newest events of one project, oldest first."""
        return self._newest(project_path(reference, "events"), None, limit)

    def incidents(self, states: Collection[str] = (), limit: int | None = None) -> list[Json]:
        """Incidents, worst first; all states unless some are named."""
        found: list[Json] = []
        cursor: str | None = ""
        while cursor is not None and (limit is None or len(found) < limit):
            page = self.wire.get(Page, "/incidents", state=list(states), limit=LIMIT_MAX, cursor=cursor)
            found += page.items
            cursor = page.next
        return found[:limit]

    def incident(self, incident_id: int) -> Json:
        """One incident."""
        return self.wire.get(Json, path("incidents", incident_id))

    def events(
        self, after: int = 0, before: int | None = None, project: str | None = None, limit: int = 100
    ) -> list[Json]:
        """Events by position, oldest first; with `before`, the newest ones below it."""
        if before is not None:
            return [e for e in self._newest("/events", before, limit, project) if position(e) > after]
        found: list[Json] = []
        while len(found) < limit:
            size = min(LIMIT_MAX, limit - len(found))
            page = self.wire.get(Events, "/events", after=after, limit=size, project=project)
            found += page.items
            if len(page.items) < size:
                break
            after = position(found[-1])
        return found

    def _newest(self, at: str, before: int | None, limit: int, project: str | None = None) -> list[Json]:
        found: list[Json] = []
        while len(found) < limit:
            size = min(LIMIT_MAX, limit - len(found))
            page = self.wire.get(Events, at, before=before, limit=size, project=project)
            found = [*page.items, *found]
            if len(page.items) < size:
                break
            before = position(found[0])
        return found

    def last_position(self) -> int:
        """The position of the newest event."""
        return self.wire.get(Events, "/events", limit=1).last_position

    def sync_status(self) -> Json:
        """Every organisation: its state, its last looks, what is being confirmed and what is held."""
        return self.wire.get(Json, "/syncs")


@dataclass(frozen=True, slots=True)
class RemoteDeciding:
    """What can be decided of organisations; see `app.deciding`."""

    wire: Wire

    def freeze(self, organisation: str | None, reason: str = "") -> list[Json]:
        """Stop all automation in one organisation, or in all (None)."""
        return self._all_or_one("freeze", organisation, {"reason": reason})

    def unfreeze(self, organisation: str | None, seen: str = "") -> list[Json]:
        """Let automation go on; after a restore `seen` is the digest of the plan, or "yes"."""
        return self._all_or_one("unfreeze", organisation, {"plan": seen} if seen else None)

    def _all_or_one(self, act: str, organisation: str | None, body: Json | None) -> list[Json]:
        if organisation is None:
            return self.wire.send(list[Json], "POST", path("organisations", act), body)
        return [self.wire.send(Json, "POST", path("organisations", organisation, act), body)]

    def release(self, organisation: str, repository: str | None = None) -> Json:
        """Say that held losses are real."""
        return self.wire.send(
            Json, "POST", path("organisations", organisation, "release"), {"repository": repository}
        )

    def reject(self, organisation: str) -> Json:
        """Say that held losses are not real."""
        return self.wire.send(Json, "POST", path("organisations", organisation, "reject"))


@dataclass(frozen=True, slots=True)
class RemoteRestoring:
    """What a restored database comes to; see `app.restoring`."""

    wire: Wire

    def mark(self) -> Json | None:
        """That it was restored and is not accepted yet."""
        found: Json | None = self.plan()["restored"]
        return found

    def plan(self, organisation: str | None = None) -> Json:
        """What would happen if automation went on now."""
        return self.wire.get(Json, "/restored", organisation=organisation)


@dataclass(frozen=True, slots=True)
class RemoteAttending:
    """What can be done with incidents; see `app.attending`."""

    wire: Wire

    def acknowledge(self, incident_id: int) -> Json:
        """Say that somebody looks after it."""
        return self._act(incident_id, "acknowledge")

    def resolve(self, incident_id: int, reason: str = "") -> Json:
        """Close one that a person may accept as it is."""
        return self._act(incident_id, "resolve", {"reason": reason})

    def mute(self, incident_id: int, for_s: float) -> Json:
        """Send nothing about it for that many seconds."""
        return self._act(incident_id, "mute", {"for_s": for_s})

    def unmute(self, incident_id: int) -> Json:
        """Let it be heard again."""
        return self._act(incident_id, "unmute")

    def _act(self, incident_id: int, act: str, body: Json | None = None) -> Json:
        return self.wire.send(Json, "POST", path("incidents", incident_id, act), body)


@dataclass(frozen=True, slots=True)
class RemoteSync:
    """Looks on demand; see `app.sync`."""

    wire: Wire

    def run(self, logins: Sequence[str] = (), *, progress: Progress) -> Json:
        """Have the named organisations (all, if none is named) looked at now, and wait for the result."""
        progress(f"asked the Steward at {self.wire.address} for a look")
        asked = self.wire.send(AskedLooks, "POST", "/syncs", {"organisations": list(logins)})
        return {"organisations": [self._made(look) for look in asked.items]}

    def _made(self, look: AskedLook) -> Json:
        for _ in range(WAITS):
            look = self.wire.get(AskedLook, path("syncs", look.id), wait_s=WAIT_S)
            if look.report is not None:
                return look.report
        raise Invalid(
            "the running Steward did not look in time",
            "See what it is doing: `steward sync status`, `steward event tail`.",
        )

    def plan(self, logins: Sequence[str] = ()) -> Json:
        """What a look would change now; nothing is written."""
        return self.wire.get(Json, "/syncs/plan", organisation=list(logins))
