"""A furnished installation: projects in every status, trouble of every kind, people, hooks, a history.

Always the same, on a virtual clock that ends at NOW: for screenshots, for tests in a browser, to look at.
What today's commands reach is done by them; later statuses are entered along the table, through the store's
own port, as the operations will do it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

from steward.app.filing import told
from steward.app.queries import find_project, the_project
from steward.app.reconcile import move_event
from steward.domain.consequences import Step
from steward.domain.durations import seconds
from steward.domain.lifecycle import ROWS, Who, advance
from steward.domain.people import local
from steward.domain.project import Project, standing
from steward.domain.reports import Seen
from steward.domain.repository import Blocked, Forbidden
from steward.domain.status import Status, Trigger
from steward.ports import Store, Transient
from steward.ports.building import Templates
from steward.testing import showcase_building, showcase_people, showcase_setup, showcase_talks
from steward.testing.forge import Stale
from steward.testing.world import World

NOW: Final = datetime(2026, 3, 17, 14, 58, tzinfo=UTC)
HOME, AWAY = "acme", "northwind"
S, T = Status, Trigger

ORDERED_WAY: Final = (
    (S.DRAFT, T.ORDERED, "28h"),
    (S.ESTIMATED, T.APPROVED, "52m"),
    (S.PROVISIONING, T.CONFIRMED, "48s"),
    (S.INITIALIZED, T.REPOSITORY_CREATED, "9m"),
    (S.DESIGNING, T.STARTED, "130m"),
    (S.DESIGNED, T.PASSED, "25m"),
    (S.IMPLEMENTING, T.STARTED, "30h"),
    (S.IMPLEMENTED, T.PASSED, "12m"),
    (S.VERIFYING, T.STARTED, "70m"),
    (S.VERIFIED, T.PASSED, "4h"),
    (S.DEPLOYING, T.STARTED, "8m"),
    (S.ACTIVE, T.PASSED, "20d"),
    (S.MAINTENANCE, T.UPDATE_REQUESTED, "6h"),
)
"""The way of a project that was ordered: each status, what enters it, how long it is usual to stay."""
FOUND_WAY: Final = (
    (S.DISCOVERED, T.REPOSITORY_DISCOVERED, "3d"),
    (S.SETUP_REQUIRED, T.TAKEN_IN, "26h"),
    (S.ACTIVE, T.ADOPTED, "20d"),
)
"""The way of one whose repository was there already."""


@dataclass(frozen=True, slots=True)
class Life:
    """One project: where it stands, since when; how it got there follows from its way, at its own pace."""

    slug: str
    status: Status
    since: str
    title: str = ""
    owner: str = ""
    found: bool = False
    pace: float = 1.0
    visibility: str = "private"


LIVES: Final = (
    Life("loyalty-bot", S.DRAFT, "2h", "Loyalty points in a chat"),
    Life("clinic-booking", S.DRAFT, "5d", "Запись к врачу с напоминаниями", "Мария Светлова"),
    Life("parcel-tracker", S.ESTIMATED, "38m", "Where is my parcel", "Viktor Lang", pace=0.7),
    Life("crm-sync", S.PROVISIONING, "14s", "Customers from the CRM into the shop", "Viktor Lang", pace=1.6),
    Life("invoice-ocr", S.INITIALIZED, "21m", "Reads invoices that come by post", "Anna Kirsanova"),
    Life(
        "legacy-landing",
        S.SETUP_REQUIRED,
        "31h",
        "<script>alert('title')</script> \"Autumn\" & 'Winter'",
        found=True,
    ),
    Life("docs-site", S.DISCOVERED, "9d", "What customers read", found=True, visibility="public"),
    Life(
        "customer-relationship-management-import-from-the-old-datacentre",
        S.DISCOVERED,
        "9d",
        "A title so long that no card can hold it: " + "one-off import of every customer since 2009, " * 3,
        found=True,
    ),
    Life("fleet-telemetry", S.DESIGNING, "6m", "Where the vans are", "Мария Светлова", pace=1.3),
    Life("school-portal", S.DESIGNED, "2d", "Timetables and marks", "Viktor Lang", pace=0.6),
    Life("event-tickets", S.IMPLEMENTING, "3h", "Билеты с QR-кодом для областного театра", "Anna Kirsanova"),
    Life("theatre-seats", S.IMPLEMENTED, "44m", "Which seats are free", "Anna Kirsanova", pace=1.8),
    Life("menu-editor", S.VERIFYING, "11m", "The cook changes the menu himself", "Мария Светлова"),
    Life("price-watch", S.VERIFIED, "1h", "Tells when a price fell", "Viktor Lang", pace=0.8),
    Life("rent-desk", S.DEPLOYING, "2m", "Tools for rent", "Anna Kirsanova", pace=1.2),
    Life("shop-front", S.ACTIVE, "41d", "The shop", "Anna Kirsanova", visibility="public"),
    Life("support-bot", S.ACTIVE, "12d", "Answers customers at night", "Мария Светлова", found=True),
    Life("wholesale", S.MAINTENANCE, "5h", "Prices for resellers", "Viktor Lang", pace=0.9),
    Life("delivery-map", S.ACTIVE, "8d", "Couriers on a map", "Viktor Lang", pace=0.5),
    Life("partner-api", S.ACTIVE, "26d", "Orders from partners", "Anna Kirsanova", visibility="public"),
    Life("status-page", S.ACTIVE, "30d", "Is everything up", "Viktor Lang", pace=1.1),
    Life("price-list", S.ACTIVE, "22d", "Prices as a PDF", 'Ольга "><img src=x> Ли', found=True),
    Life("old-crm", S.DISCOVERED, "40d", "Replaced by a service we rent", found=True),
    Life("payroll", S.DISCOVERED, "40d", "Wages", found=True),
    Life("mirror", S.DISCOVERED, "40d", "A mirror of somebody's files", found=True, visibility="public"),
    Life("sandbox", S.DISCOVERED, "40d", "Try things out", found=True),
)
AWAY_REPOSITORIES: Final = ("almanac", "beacon", "compass", "drift-net", "estuary", "fathom")
FIRST_LOOK: Final = "60d"


def furnish(
    store: Store, templates: Templates | None = None, vault: showcase_setup.MakeVault | None = None
) -> World:
    """Fill an empty store; return its world, whose clock stands at NOW. With `templates` it drives projects too;
    with a `vault` for that clock it keeps secrets, and knows what repositories need that it did not make.
    """
    world = World(store, (HOME, AWAY), templates=templates)
    _Story(world, vault).tell()
    return world


class _Story:
    """Things to happen, each so long before NOW; told in the order of time."""

    def __init__(self, world: World, vault: showcase_setup.MakeVault | None) -> None:
        self._world = world
        self._vault = vault
        self._ids: dict[str, int] = {}
        self._plan: list[tuple[float, int, Callable[[], object]]] = []

    def at(self, ago: float | str, act: Callable[[], object]) -> None:
        """Let something happen; what happens at one moment keeps its order."""
        ago_s = seconds(ago) if isinstance(ago, str) else ago
        self._plan.append((ago_s, len(self._plan), act))

    def tell(self) -> None:
        """Let all of it happen."""
        self._open()
        for life in LIVES:
            self._live(life)
        self._trouble()
        self._attend()
        showcase_people.settle(self._world, self.at)
        if self._world.app.templates is not None:
            showcase_building.build(self._world, self.at)
            showcase_talks.settle(self._world, self.at)
        if self._vault is not None:
            showcase_setup.settle(self._world, self.at, self._vault)
        for ago_s, _, act in sorted(self._plan, key=lambda entry: (-entry[0], entry[1])):
            self._go_on_to(ago_s)
            act()
        self._go_on_to(0)
        self._world.deliver()
        self._world.store.publish()

    def _go_on_to(self, ago_s: float) -> None:
        clock = self._world.clock
        left_s = (NOW - clock.now().at).total_seconds() - ago_s
        if left_s > 0:
            clock.advance(left_s)

    # What happens -------------------------------------------------------------------------------------

    def _open(self) -> None:
        """Both organisations come in, and are looked at now and then."""
        self._create("company-site", "Who we are", "public")
        for name in AWAY_REPOSITORIES:
            self._create(name, "", "private", AWAY)
        for login in (HOME, AWAY):
            self.at(FIRST_LOOK, partial(self._beat, login))
        for ago in ("3d", "1d", "5h", "2h", "7m"):
            self.at(ago, self._beat)
        self.at("4m", partial(self._beat, AWAY))

    def _live(self, life: Life) -> None:
        way = FOUND_WAY if life.found else ORDERED_WAY
        steps = way[: [status for status, _, _ in way].index(life.status) + 1]
        ago = seconds(life.since)
        for number, (_, trigger, usual) in reversed(list(enumerate(steps))):
            if number < len(steps) - 1:
                ago += seconds(usual) * life.pace
            self.at(ago, partial(self._enter, life, trigger))

    def _enter(self, life: Life, trigger: Trigger) -> None:
        if trigger is T.ORDERED:
            self._world.commands("user:anna").order(life.slug, organisation=HOME, title=life.title)
            if life.owner:
                self._world.commands("user:anna").own(life.slug, life.owner)
        elif trigger is T.REPOSITORY_DISCOVERED:
            self._create(life.slug, life.title, life.visibility)
            self._beat()
        elif trigger is T.TAKEN_IN:
            self._world.commands("user:anna").own(life.slug, life.owner)
            self._world.commands("user:anna").manage(life.slug, "drive")
        elif trigger is T.REPOSITORY_CREATED:
            self._create(life.slug, f"{life.title} [{life.slug}]", life.visibility)
            self._beat()
            self._move(life.slug, trigger)
        else:
            self._move(life.slug, trigger)

    def _trouble(self) -> None:
        """What goes wrong, and what stays so."""
        world, at = self._world, self.at
        unreachable = Transient("GitHub answered 502")
        at("12d", lambda: world.forge.script_listings(HOME, *[unreachable] * 3))
        for number in range(4):
            at(seconds("12d") - 300 * (number + 1), self._beat)
        at("25h", lambda: self._rename("school-portal", "school"))
        at("26h", lambda: self._archive_on_github("price-list"))
        at("9h", lambda: self._transfer("status-page", "umbrella-tools"))
        at("50m", lambda: self._delete("partner-api"))
        for number in range(4):
            at(seconds("50m") - 25 * (number + 1), self._confirm)
        at(
            "9m",
            lambda: self._move("delivery-map", T.FAILED, "the health check answered 502", Who.HEALTH_CHECK),
        )
        if world.app.templates is not None:
            # An update of it came as far as the deployment, which is what failed.
            for ago, trigger in showcase_building.UPDATE_WAY:
                at(ago, partial(self._move, "delivery-map", trigger))
        at("40m", lambda: self._lose_many("almanac", "beacon", "compass", "drift-net", "estuary"))
        for number in range(4):
            at(seconds("40m") - 25 * (number + 1), partial(self._confirm, AWAY))
        at("2m", self._last_look)

    def _attend(self) -> None:
        """What people say to it."""
        anna, at = self._world.commands("user:anna"), self.at
        attending = self._world.app.attending(local("user:anna"))
        mute_s = seconds("3d")
        at("35d", lambda: anna.archive("old-crm", "replaced by <b>what</b> we rent"))
        at("35d", lambda: anna.manage("sandbox", "ignore"))
        at("8h", lambda: attending.acknowledge(self._incident("transferred")))
        at("25h", lambda: attending.mute(self._incident("archived_on_github"), mute_s))
        at("30m", lambda: self._world.commands("user:boris").own("school-portal", "Борис Леонов"))

    # How it happens -----------------------------------------------------------------------------------

    def _create(self, name: str, title: str, visibility: str, login: str = HOME) -> None:
        forge = self._world.forge
        repo = forge.create(login, name, description=title or None, visibility=visibility)
        self._ids[name] = repo.id

    def _beat(self, login: str = HOME) -> None:
        self._world.beat(login)

    def _confirm(self, login: str = HOME) -> None:
        report = self._world.round(login)
        if report is not None and report.wants_look:
            self._world.beat(login)

    def _rename(self, name: str, other: str) -> None:
        self._world.forge.rename(self._ids[name], other)

    def _archive_on_github(self, name: str) -> None:
        self._world.forge.archive(self._ids[name])
        self._beat()

    def _transfer(self, name: str, login: str) -> None:
        self._world.forge.transfer(self._ids[name], login)
        self._beat()

    def _delete(self, name: str) -> None:
        self._world.forge.delete(self._ids[name])
        self._beat()

    def _lose_many(self, *names: str) -> None:
        for name in names:
            self._world.forge.delete(self._ids[name])
        self._beat(AWAY)

    def _last_look(self) -> None:
        """The newest look: one repository is absent for the first time, two cannot be read, one is new."""
        forge = self._world.forge
        forge.delete(self._ids["support-bot"])
        forge.script_listings(HOME, Stale(frozenset(self._ids[name] for name in ("payroll", "mirror"))))
        forge.script_reads(self._ids["payroll"], Forbidden())
        forge.script_reads(self._ids["mirror"], Blocked("a claim under the DMCA"))
        self._create("partner-api", "Orders from partners, once more", "public")
        self._beat()

    def _move(self, slug: str, trigger: Trigger, why: str = "", who: Who | None = None) -> None:
        """Make a move of the table as whoever makes it usually, with all its guards proven."""
        with told(self._world.store) as tx:
            project = the_project(find_project(tx, slug, local("showcase")))
            row = ROWS[project.status, trigger]
            who = who or (Who.APPROVER if Who.APPROVER in row.askers else min(row.askers))
            maker = who if who in row.who else min(row.who)
            proofs = standing(project) | frozenset(row.guards)
            choice = S.ACTIVE if trigger is T.ADOPTED else None
            move = advance(project.position, trigger, maker, proofs, choice)
            now = self._world.clock.now()
            looks = tx.looks(project.organisation_id, 1)
            seen = Seen(project.organisation_id, looks[0].id if looks else 0, now)
            moved = tx.move(project, move, now.at)
            actor = {Who.APPROVER: "user:marta", Who.PERSON: "user:anna"}.get(who, "heartbeat")
            tx.append(
                [move_event(project.id, move, Step(trigger, frozenset(row.guards), why, maker), seen, actor)]
            )
            if (whole := _with_effects(moved)) != moved:
                tx.save_project(whole, now.at)

    def _incident(self, cause: str) -> int:
        return int(next(i["id"] for i in self._world.incidents("open") if i["cause"] == cause))


def _with_effects(project: Project) -> Project:
    """The facets that an operation writes together with a status."""
    if project.status is S.PROVISIONING:
        return replace(project, expects=project.slug, marker=f"[{project.slug}]")
    if project.status is S.ACTIVE and project.live is None:
        return replace(project, live={"commit": "e81b6d0", "url": f"https://{project.slug}.acme.example"})
    return project
