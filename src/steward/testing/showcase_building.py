"""What the furnished installation builds: specs, operations with logs, releases, updates, one failure.

Rows are written as the operations would write them, at the moment of the story that they belong to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any, Final

from steward.app.filing import told
from steward.app.operations.ending import operation_event
from steward.app.queries import find_project, the_project
from steward.domain.journal import Event, Kind
from steward.domain.operations import STEPS, Failure, Fault, Operation, OperationState, Progress, Work
from steward.domain.people import local
from steward.domain.project import Project
from steward.domain.spec import STARTER, Estimate, Proof, Release, Spec, TemplateRef, Update
from steward.domain.status import Trigger
from steward.ports.records import AgentRun
from steward.testing.touched import drift, keep_patch, touch
from steward.testing.world import World

At = Callable[[float | str, Callable[[], object]], None]
State = OperationState
COMMITS: Final = tuple(sha256(name.encode()).hexdigest()[:40] for name in ("one", "two", "three"))
FEATURES: Final = (
    "Seats: pick them on a plan\nTickets: a QR code by mail\nDoor: the usher scans it with a phone"
)


UPDATE_WAY: Final = (
    ("190m", Trigger.UPDATE_REQUESTED),
    ("180m", Trigger.SMALL_CHANGE),
    ("95m", Trigger.PASSED),
    ("90m", Trigger.STARTED),
    ("45m", Trigger.PASSED),
    ("12m", Trigger.STARTED),
)
"""How far the update of the project in `error` had come."""


def operation_id(slug: str, work: str) -> str:
    """The id of an operation of the story, for tests that open its page."""
    return sha256(f"{slug} {work}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Told:
    """How an operation went. `number` is the step that it stands at, `took` how long it ran in seconds."""

    state: OperationState = State.SUCCEEDED
    number: int = 0
    text: str = ""
    log: Sequence[tuple[int, str]] = ()
    took: float = 240.0
    attempt: int = 1
    update: int | None = None
    failure: Failure | None = None
    facts: Mapping[str, Any] | None = None
    result: Mapping[str, Any] | None = None
    cost_usd: float | None = None


def build(world: World, at: At) -> None:
    """Plan all of it: `at` takes how long ago something happens, and what."""
    site = _Site(world)
    _drafts(site, at)
    _tickets(site, at)
    _passing(site, at)
    _served(site, at)
    _failed(site, at)
    _touched(world, at)


def _drafts(site: _Site, at: At) -> None:
    """A draft with two versions of its spec, and an estimate that waits for its confirmation."""
    first = {"title": "Loyalty points", "features": "Points: one for each coffee", "accent": "indigo"}
    second = {**first, "features": f"{first['features']}\nGifts: ten points are a free one", "accent": "teal"}
    brief = "Guests collect points in a chat.\n\nNo cards, no app: the barista types a phone number."
    at("110m", lambda: site.spec("loyalty-bot", 1, first, brief, ("A guest sees the points at once",)))
    criteria = ("A guest sees the points at once", "Ten points become a gift")
    at("40m", lambda: site.spec("loyalty-bot", 2, second, brief, criteria))
    asked = {"title": "Where is my parcel", "features": "Map: where it is now\nMail: when it moves"}
    at(
        "50m",
        lambda: site.spec("parcel-tracker", 1, asked, "Track a parcel by its number.", ("The map moves",)),
    )
    log = (
        (1, "The template Starter was read"),
        (3, "Estimated: 13.5 hours"),
    )
    at("39m", lambda: site.run("parcel-tracker", Work.SPECIFY, Told(log=log, took=20)))
    at("38m", lambda: site.estimate("parcel-tracker", 1, 13.5))


def _tickets(site: _Site, at: At) -> None:
    """A project that is being implemented: step 3 of 5, with a log."""
    slug = "event-tickets"
    answers = {"title": "Tickets", "features": FEATURES, "accent": "rose", "language": "ru"}
    criteria = ("A bought ticket comes by mail", "A ticket opens the door once")
    at("420m", lambda: site.spec(slug, 1, answers, "Sell tickets for a theatre.", criteria))
    at("400m", lambda: site.run(slug, Work.SPECIFY, Told(took=30)))
    at("399m", lambda: site.estimate(slug, 1, 21.0, budget_usd=60.0))
    at("346m", lambda: site.run(slug, Work.PROVISION, Told(took=48)))
    at("335m", lambda: site.run(slug, Work.DESIGN, Told(took=7800, cost_usd=3.4, facts=_pull(slug, 17))))
    log = (
        (1, "The work begins at 9f3c1ab2d04e"),
        (2, "The developer (starter) is at work"),
        (2, "$ python -m pytest -q"),
        (2, "FAILED tests/test_refund.py::test_partial - Decimal('9.90') != 9.9"),
        (2, "1 failed, 183 passed in 12.40s"),
        (2, "Amounts are now of one kind everywhere"),
        (2, "$ python -m pytest -q"),
        (2, "184 passed in 12.31s"),
        (2, "9 files changed, 412 lines added, 38 lines removed"),
        (3, "Pull request #18"),
    )
    told = Told(State.RUNNING, 3, "Pull request #18", log, cost_usd=4.85, facts=_pull(slug, 18))
    at("178m", lambda: site.run(slug, Work.IMPLEMENT, told))


def _passing(site: _Site, at: At) -> None:
    """What is on its way elsewhere: queued, waiting, at work."""
    at(
        "14s",
        lambda: site.run("crm-sync", Work.PROVISION, Told(State.RUNNING, 3, "acme/crm-sync was created")),
    )
    at("6m", lambda: site.run("fleet-telemetry", Work.DESIGN, Told(State.QUEUED)))
    waiting = Told(State.WAITING, 2, "The checks run: 42 of 60", attempt=2)
    at("10m", lambda: site.run("menu-editor", Work.VERIFY, waiting))
    deploying = Told(State.RUNNING, 2, "TASK [site : put the release in its place]")
    at("110s", lambda: site.run("rent-desk", Work.DEPLOY, deploying))


def _served(site: _Site, at: At) -> None:
    """Two releases of a shop; an update of another project that waits for a person's word."""
    at("41d", partial(site.spec, "shop-front", 1, {"title": "The shop"}, "A shop.", ("It sells",)))
    at("41d", lambda: site.estimate("shop-front", 1, 12.0, budget_usd=40.0))
    for number, ago in ((1, "41d"), (2, "12d")):
        told = Told(number=4, took=95, cost_usd=6.2, update=number - 1 or None)
        at(ago, partial(site.run, "shop-front", Work.DEPLOY, told, str(number)))
        at(ago, partial(site.release, "shop-front", number))
    at("13d", lambda: site.update("shop-front", "Prices with a comma, not with a dot", "shipped"))
    answers = {"title": "Wholesale", "features": "Prices: a list for each reseller"}
    at("20d", partial(site.spec, "wholesale", 1, answers, "Prices for resellers.", ("Each sees its own",)))
    at("19d", partial(site.run, "wholesale", Work.DEPLOY, Told(took=80)))
    at("19d", partial(site.release, "wholesale", 1))
    text = "Resellers download their price list as a spreadsheet.\nThe columns are those of the page."
    at("299m", lambda: site.update("wholesale", text, "open"))


def _failed(site: _Site, at: At) -> None:
    """A deployment that failed; what was live before stays."""
    slug = "delivery-map"
    at("8d", partial(site.spec, slug, 1, {"title": "Couriers"}, "Couriers on a map.", ("They move",)))
    at("8d", partial(site.run, slug, Work.VERIFY, Told(took=600)))
    at("8d", partial(site.release, slug, 1))
    at("190m", lambda: site.update(slug, "Couriers leave a trail", "open"))
    at("180m", lambda: site.run(slug, Work.IMPLEMENT, Told(took=4800, update=1, cost_usd=2.1)))
    failure = Failure(
        "prove_life",
        Fault.INFRASTRUCTURE,
        "/up: 502, three times in a row",
        "See what stands in the way, then retry.",
        {
            "url": "https://delivery-map.acme.example/up",
            "status": 502,
            "tail": "connect() failed\nno upstream",
        },
    )
    log = (
        (1, f"The release is bound to {COMMITS[1][:12]}"),
        (2, "PLAY RECAP: ok=19 changed=7 failed=0"),
        (3, "The health check answered 502"),
        (3, "Rolling back to release 1"),
    )
    told = Told(State.FAILED, 3, "", log, 140, 2, update=1, failure=failure)
    at("12m", lambda: site.run(slug, Work.DEPLOY, told))


def _touched(world: World, at: At) -> None:
    """A project that a person pushed to, with what its agent had not pushed; and one that is paused."""
    at("24m", lambda: keep_patch(world, "theatre-seats"))
    at("23m", lambda: touch(world, "theatre-seats"))
    at("22m", lambda: drift(world, "theatre-seats", "visibility", "private", "public"))
    hands = world.app.hands(local("user:anna"))
    at("18m", lambda: hands.pause("school-portal", "the school is on holiday"))


def _pull(slug: str, number: int) -> dict[str, Any]:
    return {"pull_url": f"https://github.com/acme/{slug}/pull/{number}"}


class _Site:
    """What writes the rows, at the moment of the world's clock."""

    def __init__(self, world: World) -> None:
        self._world = world

    def spec(
        self, slug: str, version: int, answers: Mapping[str, Any], brief: str, criteria: Sequence[str]
    ) -> None:
        """The next version of a spec, of the built-in template."""
        with told(self._world.store) as tx:
            project, at = self._project(tx, slug), self._world.clock.now().at
            ref, proof = TemplateRef(STARTER), Proof()
            spec = Spec(project.id, version, ref, answers, brief, tuple(criteria), {}, proof, "user:anna", at)
            tx.add_spec(spec)
            data = {"version": version}
            tx.append(
                [Event(Kind.SPEC_STORED, at, "user:anna", project.id, project.organisation_id, "", data)]
            )

    def estimate(self, slug: str, version: int, hours: float, budget_usd: float | None = None) -> None:
        """What the spec will take."""
        basis = (
            "a project of Starter starts at 8 hours",
            "2 features add 3 hours",
            "0 like projects so far: too few to correct by",
            "an hour costs 1.90 USD: 0.40 for the model, and 5% of a person's 30.00",
        )
        with told(self._world.store) as tx:
            project, at = self._project(tx, slug), self._world.clock.now().at
            low, high = round(hours * 0.6, 1), round(hours * 1.8, 1)
            cost, days = round(hours * 1.9, 2), round(hours / 6, 1)
            tx.save_estimate(Estimate(project.id, version, hours, low, high, cost, days, basis, at))
            if budget_usd is not None:
                tx.set_budget(project.id, budget_usd)

    def run(self, slug: str, work: Work, how: Told, name: str = "") -> None:
        """An operation, as it stands at the end of the story; with its log, its event and what its agent cost."""
        at, steps = self._world.clock.now().at, STEPS[work]
        ended = at + timedelta(seconds=how.took) if how.state in (State.SUCCEEDED, State.FAILED) else None
        number = how.number or (len(steps) if how.state is State.SUCCEEDED else 0)
        step = steps[number - 1] if number else ""
        with told(self._world.store) as tx:
            project = self._project(tx, slug)
            operation = Operation(
                id=operation_id(slug, work.value + name),
                project_id=project.id,
                organisation_id=project.organisation_id,
                kind=work,
                state=how.state,
                asked_by="user:marta",
                created_at=at,
                attempt=how.attempt,
                progress=Progress(step, number, len(steps), how.text),
                facts=how.facts or {},
                result=how.result or {},
                failure=how.failure,
                update=how.update,
                started_at=None if how.state is State.QUEUED else at,
                finished_at=ended,
            )
            tx.add_operation(operation)
            for place, text in how.log:
                tx.append_log(operation.id, how.attempt, at, steps[place - 1], [text])
            actor = f"operation:{work}"
            why = how.failure.reason if how.failure else ""
            tx.append([operation_event(_EVENTS[how.state], operation, at, actor, why)])
            if how.cost_usd is not None:
                run = AgentRun(
                    operation.run_id, project.id, operation.id, "developer", "starter", "done", at, at
                )
                tx.save_agent_run(replace(run, cost_usd=how.cost_usd, cost_source="measured"))

    def release(self, slug: str, number: int) -> None:
        """A release that proved to live, in the place of the one before."""
        with told(self._world.store) as tx:
            project, at = self._project(tx, slug), self._world.clock.now().at
            commit, url = COMMITS[number - 1], f"https://{slug}.acme.example"
            for older in tx.releases(project.id):
                if older.state == "live":
                    tx.save_release(replace(older, state="superseded"))
            work = operation_id(slug, f"deploy{number if slug == 'shop-front' else ''}")
            made = Release(project.id, 0, commit, url, "live", at, work, "http", "healthy", at)
            saved = tx.save_release(made)
            live = {
                "url": url,
                "commit": commit,
                "since": at.isoformat(),
                "health": "healthy",
                "release": saved.number,
            }
            tx.save_project(replace(project, live=live), at)
            data = {"number": saved.number, "commit": commit, "url": url}
            actor = f"operation:{Work.DEPLOY}"
            tx.append([Event(Kind.RELEASE_LIVE, at, actor, project.id, project.organisation_id, "", data)])

    def update(self, slug: str, text: str, state: str) -> None:
        """An update as it stands at the end of the story."""
        with told(self._world.store) as tx:
            project, at = self._project(tx, slug), self._world.clock.now().at
            ended = at + timedelta(days=1) if state == "shipped" else None
            saved = tx.save_update(Update(project.id, 0, text, state, "user:anna", at, None, ended))
            data = {"number": saved.number, "text": text[:200]}
            home = project.organisation_id
            tx.append([Event(Kind.UPDATE_REQUESTED, at, "user:anna", project.id, home, "", data)])

    @staticmethod
    def _project(tx: Any, slug: str) -> Project:
        return the_project(find_project(tx, slug, local("showcase")))


_EVENTS: Final = {
    State.QUEUED: Kind.OPERATION_QUEUED,
    State.RUNNING: Kind.OPERATION_STARTED,
    State.WAITING: Kind.OPERATION_WAITING,
    State.SUCCEEDED: Kind.OPERATION_SUCCEEDED,
    State.FAILED: Kind.OPERATION_FAILED,
}
