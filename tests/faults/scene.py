"""A real Steward on a real localhub: what every test of the fault matrix plays on.

The heartbeat, the store and the GitHub client are those that ship; requests go over loopback. One virtual
clock serves both sides (localhub's dates, the Date header of its answers, our waits), so that confirmations
and graces pass at once. Nothing here decides anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx

from localhub.clock import stamp
from localhub.testing import Hub
from steward.adapters.github import Credential, GitHubRead, Token, connect
from steward.app import connecting
from steward.app.application import Application
from steward.app.heartbeat import Heartbeat, Report
from steward.app.outbox import Outbox
from steward.app.sync import LEASE
from steward.app.views import Json
from steward.domain.drift import KINDS
from steward.domain.guards import Guard
from steward.domain.journal import Event
from steward.domain.lifecycle import Position, Who, advance
from steward.domain.project import Organisation, Project, Tracked
from steward.domain.rules import Rules
from steward.domain.status import Status, Trigger
from steward.ports import Lease, ProjectQuery, Store
from steward.testing.clock import FakeClock
from steward.testing.world import ANYONE, Recorder

DAY_S = 86_400.0
OPEN = ("open", "acknowledged")


@dataclass(frozen=True)
class ServerClock:
    """localhub's clock, read from ours."""

    clock: FakeClock

    def now(self) -> datetime:
        """The present moment."""
        return self.clock.now().at


class Line(httpx.HTTPTransport):
    """The way to the server: dates its answers by the virtual clock, and lets things happen in between."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self._clock = clock
        self._actions: list[Callable[[], None]] = []

    def after_next_listing(self, action: Callable[[], None]) -> None:
        """Do this once, when the server has answered a first page but nobody has read the answer yet."""
        self._actions.append(action)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it on; see above."""
        response = super().handle_request(request)
        response.headers["date"] = format_datetime(self._clock.now().at, usegmt=True)
        first_page = request.url.path.endswith("/repos") and "page" not in request.url.params
        while first_page and self._actions:
            self._actions.pop()()
        return response


class Scene:
    """One installation that looks at `logins` of a localhub, when told to."""

    def __init__(
        self,
        hub: Hub,
        clock: FakeClock,
        store: Store,
        *,
        logins: Sequence[str] = ("acme",),
        rules: Rules | None = None,
        credential: Credential | None = None,
        page_cap: int = 2000,
        holder: str = "scene",
    ) -> None:
        self.hub = hub
        self.clock = clock
        self.store = store
        self.logins = list(logins)
        self.rules = rules or Rules()
        self.credential = credential or Token(hub.token)
        self.page_cap = page_cap
        self.recorder = Recorder()
        self.organisations = connecting.connect(store, logins, hub.url, clock.now().at)
        self.holder = holder
        self.forge: GitHubRead
        self.line: Line
        self.heartbeat: Heartbeat
        self.lease: Lease
        self._start()

    def _start(self) -> None:
        self.line = Line(self.clock)
        self.forge = connect(
            self.hub.url,
            credential=self.credential,
            clock=self.clock,
            page_cap=self.page_cap,
            transport=self.line,
        )
        lease = self.store.acquire(LEASE, self.holder)
        assert lease is not None, "the lease is free"
        self.lease = lease
        channels = [self.recorder.channel]
        self.heartbeat = Heartbeat(self.store, self.forge, self.clock, self.rules, channels, lease)

    def restart(self, credential: Credential | None = None) -> None:
        """Lose all that only the process knew; perhaps come back with another credential."""
        self.close()
        self.credential = credential or self.credential
        self._start()

    def close(self) -> None:
        """End the client and let the lease go."""
        self.forge.close()
        self.store.release(self.lease)

    # What happens on GitHub ----------------------------------------------------------------------------

    def create(self, *names: str, age_s: float = DAY_S, visibility: str = "private") -> list[int]:
        """Make repositories in the first organisation that are `age_s` old; return their ids."""
        created = stamp(self.clock.now().at - timedelta(seconds=age_s))
        return [self.hub.create(name, visibility=visibility, created_at=created) for name in names]

    def create_one(self, name: str, *, age_s: float = DAY_S, visibility: str = "private") -> int:
        """Make one."""
        return self.create(name, age_s=age_s, visibility=visibility)[0]

    def pages_asked(self) -> list[int]:
        """The pages of listings that were asked for so far, in order of number."""
        queries = [line.query for line in self.hub.requests() if line.path.endswith("/repos")]
        return sorted(int(httpx.QueryParams(query).get("page", "1")) for query in queries)

    # What Steward does ---------------------------------------------------------------------------------

    def beat(self, login: str | None = None) -> Report:
        """One full look at an organisation (the first, unless named)."""
        return self.heartbeat.beat(self.organisation(login).id)

    def round(self, login: str | None = None) -> Report | None:
        """One round of reads by id."""
        return self.heartbeat.round(self.organisation(login).id)

    def confirm(self, login: str | None = None) -> None:
        """Let every confirmation that was begun run out, and more."""
        for _ in range(self.rules.confirmations + 1):
            self.clock.advance(self.rules.confirm_spacing_s)
            report = self.round(login)
            if report is not None and report.wants_look:
                self.beat(login)

    def settle(self, login: str | None = None) -> Report:
        """Look, confirm, and look again: after this nothing more may be concluded by waiting."""
        self.beat(login)
        self.confirm(login)
        return self.beat(login)

    def deliver(self) -> list[str]:
        """Send what the outbox holds; return every title sent so far."""
        while Outbox(self.store, [self.recorder], self.clock).deliver(self.lease):
            pass
        return self.recorder.titles()

    @property
    def app(self) -> Application:
        """The application as faces hold it."""
        return Application(
            store=self.store,
            clock=self.clock,
            rules=self.rules,
            forge=lambda: self.forge,
            logins=self.logins,
            server=self.hub.url,
            notifiers=[self.recorder],
            holder=self.holder,
        )

    def put(self, repo_id: int, status: Status) -> Project:
        """Bring the project of a repository into a status, past the gates, as later operations would."""
        return self._put(self.project(repo_id), Trigger.ADOPTED, Status.INITIALIZED, status)

    def put_ordered(self, slug: str, status: Status) -> Project:
        """The same for a draft."""
        project = next(project for project in self.projects() if project.slug == slug)
        return self._put(project, Trigger.CANCELLED, None, status)

    def _put(self, project: Project, trigger: Trigger, choice: Status | None, status: Status) -> Project:
        move = advance(project.position, trigger, Who.PERSON, frozenset(Guard), choice)
        with self.store.writing() as tx:
            return tx.move(project, replace(move, after=Position(status)), self.clock.now().at)

    # What is recorded ----------------------------------------------------------------------------------

    def organisation(self, login: str | None = None) -> Organisation:
        """The record of an organisation, by the name in the settings."""
        place = self.logins.index(login) if login else 0
        with self.store.reading() as view:
            return view.organisation(self.organisations[place].id)

    def tracked(self, repo_id: int) -> Tracked:
        """The record of a repository."""
        with self.store.reading() as view:
            return view.tracked([repo_id])[0]

    def project(self, repo_id: int) -> Project:
        """The project that a repository belongs to."""
        project = self.tracked(repo_id).project
        assert project is not None, "the repository belongs to a project"
        return project

    def projects(self) -> list[Project]:
        """Every project, by slug."""
        with self.store.reading() as view:
            return [project for project, _ in view.projects(ProjectQuery())]

    def statuses(self) -> dict[str, str]:
        """Slug -> status."""
        return {project.slug: project.status.value for project in self.projects()}

    def presences(self, login: str | None = None) -> dict[int, str]:
        """Repository id -> presence, of all that are recorded for an organisation."""
        organisation_id = self.organisation(login).id
        with self.store.reading() as view:
            found = view.tracked(list(view.digests(organisation_id)))
        return {t.repository.repo.id: t.repository.presence.value for t in found}

    def names(self, repo_id: int) -> list[str]:
        """Every full name that a repository has borne, oldest first."""
        with self.store.reading() as view:
            return [record.full_name for record in view.names(repo_id)]

    def incidents(self, *states: str) -> list[Json]:
        """Incidents as shown, in these states (all, if none is named)."""
        return self.app.queries(ANYONE).incidents(states)

    def open_causes(self) -> list[str]:
        """The causes of what is not resolved, sorted."""
        return sorted(incident["cause"] for incident in self.incidents(*OPEN))

    def the_incident(self, cause: str) -> Json:
        """The one incident of that cause."""
        found = [incident for incident in self.incidents() if incident["cause"] == cause]
        assert len(found) == 1, f"one incident of {cause}, not {len(found)}"
        return found[0]

    def events(self) -> list[Event]:
        """Every event, published first."""
        self.store.publish()
        with self.store.reading() as view:
            return view.events(limit=100_000)

    def kinds(self) -> list[str]:
        """The kinds of every event, in order."""
        return [str(event.kind) for event in self.events()]

    def recorded(self, login: str | None = None) -> Mapping[str, Any]:
        """All that is known of an organisation's repositories and projects, validators of pages included."""
        organisation_id = self.organisation(login).id
        with self.store.reading() as view:
            marks = view.marks(organisation_id)
            tracked = view.tracked(list(view.digests(organisation_id)))
            return {
                "marks": marks,
                "entries": view.page_entries(organisation_id, [mark.number for mark in marks]),
                "tracked": sorted(tracked, key=lambda t: t.repository.repo.id),
                "projects": [project for project, _ in view.projects(ProjectQuery())],
            }


def changes(report: Report) -> dict[str, int]:
    """What a look changed, by kind; kinds that did not occur are left out."""
    assert set(report.changes) <= set(KINDS)
    return {kind: count for kind, count in report.changes.items() if count}
