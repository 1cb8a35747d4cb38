"""The laws of the heartbeat, over generated worlds with faults, restarts and clocks that jump.

A failing world is printed by Hypothesis as the list of its steps, and replays from them alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from steward.adapters.store import open_store
from steward.domain.repository import Blocked, Forbidden, NotFound, Unclear
from steward.domain.rules import Rules
from steward.domain.status import Status
from steward.ports import Lease, RateLimited, Store, Unauthorised, Unreachable, Writes
from steward.testing.forge import Broken, Stale
from steward.testing.postgres import drop_database, fresh_database
from steward.testing.world import World

NAMES = tuple("abcdefgh")
RULES = Rules()
Step = tuple[str, int, int]

ACTIONS = (
    "create", "delete", "delete", "restore", "rename", "transfer", "bring back", "archive", "publish",
    "touch", "hide private", "show private", "select", "select all", "uninstall", "install",
    "rename organisation", "rotate token", "listing breaks", "listing is stale", "listing fails",
    "read misses", "read forbidden", "read blocked", "read unclear", "read fails", "lag",
    "jump forward", "jump back", "restart", "crash", "beat", "beat", "beat", "round", "round", "wait", "wait",
)  # fmt: skip

steps = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.integers(0, 7), st.integers(0, 2)), min_size=1, max_size=40
)


class Crash(Exception):
    """The process died here; what it had not committed is gone."""


class Fragile:
    """A store whose process dies just before the commit that `fuse` counts down to."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.fuse: int | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    @contextmanager
    def writing(self, lease: Lease | None = None) -> Iterator[Writes]:
        """As the store does, or not at all."""
        with self._store.writing(lease) as tx:
            yield tx
            if self.fuse is not None:
                self.fuse -= 1
                if self.fuse < 0:
                    self.fuse = None
                    raise Crash


@dataclass
class Tale:
    """Plays steps on a world, and checks after each what must never happen."""

    world: World
    store: Fragile
    login: str = "acme"
    missed: Counter[int] = field(default_factory=Counter)
    known_missing: set[str] = field(default_factory=set)

    def play(self, step: Step) -> None:
        """Do one step; steps that make no sense now do nothing."""
        action, which, how = step
        handler = getattr(self, "do_" + action.replace(" ", "_"))
        try:
            handler(which, how)
        except Crash:
            self.world.restart()
        self.check()

    def pick(self, which: int, login: str | None = None) -> int | None:
        """One living repository, or None."""
        ids = sorted(self.world.forge.live(login or self.login))
        return ids[which % len(ids)] if ids else None

    def do_create(self, which: int, how: int) -> None:
        taken = {repo.name for repo in self.world.forge.live(self.login).values()}
        if NAMES[which] not in taken:
            visibility = ("private", "public", "internal")[how]
            self.world.forge.create(self.login, NAMES[which], visibility=visibility)

    def do_delete(self, which: int, how: int) -> None:
        repo_id = self.pick(which)
        if repo_id is not None:
            self.world.forge.delete(repo_id)

    def do_restore(self, which: int, how: int) -> None:
        deleted = sorted(self.world.forge._deleted)
        if deleted:
            repo_id = deleted[which % len(deleted)]
            owner = self.world.forge._accounts[self.world.forge._deleted[repo_id].owner_id]
            taken = {repo.name for repo in self.world.forge.live(owner.login).values()}
            if self.world.forge._deleted[repo_id].name not in taken:
                self.world.forge.restore(repo_id)

    def do_rename(self, which: int, how: int) -> None:
        repo_id, name = self.pick(which), NAMES[(which + how + 1) % len(NAMES)]
        taken = {repo.name for repo in self.world.forge.live(self.login).values()}
        if repo_id is not None and name not in taken:
            self.world.forge.rename(repo_id, name)

    def do_transfer(self, which: int, how: int) -> None:
        repo_id = self.pick(which)
        if repo_id is not None:
            self.world.forge.transfer(repo_id, "elsewhere", f"n{repo_id}")

    def do_bring_back(self, which: int, how: int) -> None:
        if "elsewhere" in {a.login for a in self.world.forge._accounts.values()}:
            repo_id = self.pick(which, "elsewhere")
            if repo_id is not None:
                self.world.forge.transfer(repo_id, self.login, f"n{repo_id}")

    def do_archive(self, which: int, how: int) -> None:
        repo_id = self.pick(which)
        if repo_id is not None:
            self.world.forge.archive(repo_id, archived=how > 0)

    def do_publish(self, which: int, how: int) -> None:
        repo_id = self.pick(which)
        if repo_id is not None:
            self.world.forge.edit(repo_id, visibility=("private", "public", "internal")[how])

    def do_touch(self, which: int, how: int) -> None:
        repo_id = self.pick(which)
        if repo_id is not None:
            self.world.forge.touch(repo_id)

    def do_hide_private(self, which: int, how: int) -> None:
        self.world.forge.sees_private = False

    def do_show_private(self, which: int, how: int) -> None:
        self.world.forge.sees_private = True

    def do_select(self, which: int, how: int) -> None:
        ids = sorted(self.world.forge.live(self.login))
        self.world.forge.select(self.login, ids[: which + 1])

    def do_select_all(self, which: int, how: int) -> None:
        self.world.forge.select(self.login, None)

    def do_uninstall(self, which: int, how: int) -> None:
        self.world.forge.set_reachable(self.login, reachable=False)

    def do_install(self, which: int, how: int) -> None:
        self.world.forge.set_reachable(self.login, reachable=True)

    def do_rename_organisation(self, which: int, how: int) -> None:
        new = f"acme-{which}"
        if new != self.login:
            self.world.forge.rename_organisation(self.login, new)
            self.login = new

    def do_rotate_token(self, which: int, how: int) -> None:
        self.world.forge.rotate_token()

    def do_listing_breaks(self, which: int, how: int) -> None:
        self.world.forge.script_listings(self.login, Broken(how))

    def do_listing_is_stale(self, which: int, how: int) -> None:
        ids = sorted(self.world.forge.live(self.login))
        self.world.forge.script_listings(self.login, Stale(frozenset(ids[which : which + how + 1])))

    def do_listing_fails(self, which: int, how: int) -> None:
        error: Exception = Unreachable("reset by peer")
        if how == 1:
            error = Unauthorised("401", "Replace the token.")
        if how == 2:
            error = RateLimited("secondary limit", self.world.clock.now().at)
        self.world.forge.script_listings(self.login, error)

    def do_read_misses(self, which: int, how: int) -> None:
        """A 404 for a repository that lives: fewer of them, ever, than confirmations are asked for."""
        repo_id = self.pick(which)
        if repo_id is not None and self.missed[repo_id] < RULES.confirmations - 1:
            self.missed[repo_id] += 1
            self.world.forge.script_reads(repo_id, NotFound())

    def do_read_forbidden(self, which: int, how: int) -> None:
        self._read(which, Forbidden())

    def do_read_blocked(self, which: int, how: int) -> None:
        self._read(which, Blocked("dmca"))

    def do_read_unclear(self, which: int, how: int) -> None:
        self._read(which, Unclear("HTML"))

    def do_read_fails(self, which: int, how: int) -> None:
        self._read(which, Unreachable("timed out"))

    def _read(self, which: int, fault: Forbidden | Blocked | Unclear | Unreachable) -> None:
        repo_id = self.pick(which)
        if repo_id is not None:
            self.world.forge.script_reads(repo_id, fault)

    def do_lag(self, which: int, how: int) -> None:
        self.world.forge.listing_lag_s = 50.0 * how
        self.world.forge.reading_lag_s = 50.0 * how

    def do_jump_forward(self, which: int, how: int) -> None:
        self.world.jump(600.0 * (which + 1))

    def do_jump_back(self, which: int, how: int) -> None:
        self.world.jump(-600.0 * (which + 1))

    def do_restart(self, which: int, how: int) -> None:
        self.world.restart()

    def do_crash(self, which: int, how: int) -> None:
        """Die at the first, second or third commit from now on."""
        self.store.fuse = how

    def do_beat(self, which: int, how: int) -> None:
        self.world.beat()

    def do_round(self, which: int, how: int) -> None:
        self.world.round()

    def do_wait(self, which: int, how: int) -> None:
        self.world.clock.advance((5.0, 20.0, 3700.0)[how])

    def check(self) -> None:
        """No project may have become missing whose repository lives here and can be read."""
        missing = {p.id: p for p in self.world.projects() if p.status is Status.MISSING}
        alive = self.world.forge.live(self.login)
        for project in missing.values():
            if project.id not in self.known_missing:
                assert project.repository_id is not None
                living = project.repository_id in alive and self.world.forge.readable(project.repository_id)
                assert not living, f"{project.slug} was called missing, but it is there"
        self.known_missing = set(missing)

    def end_faults(self) -> None:
        """From here on GitHub is itself again, and our access whole."""
        forge = self.world.forge
        self.store.fuse = None
        forge.clear_faults()
        forge.sees_private = True
        forge.listing_lag_s = forge.reading_lag_s = 0.0
        forge.select(self.login, None)
        forge.set_reachable(self.login, reachable=True)


def tell(story: list[Step], store: Store, *, start: int) -> Tale:
    """Play a story from a small organisation that has come in; then let the faults end."""
    fragile = Fragile(store)
    world = World(cast("Store", fragile), page_size=3, rules=RULES)
    tale = Tale(world, fragile)
    for number in range(start):
        world.forge.create("acme", f"start-{number}", visibility=("private", "public")[number % 2])
    world.beat()
    world.clock.advance(200)
    for step in story:
        tale.play(step)
    tale.end_faults()
    world.clock.advance(4000)
    world.settle(beats=3)
    tale.check()
    return tale


def judge_convergence(tale: Tale) -> None:
    """After the faults, the database equals the organisation, unless a guard holds."""
    world = tale.world
    alive = world.forge.live(tale.login)
    organisation = world.organisation()
    with world.store.reading() as view:
        held = {t.repository.repo.id for t in view.held(organisation.id)}
        recorded = {t.repository.repo.id: t for t in view.tracked(list(view.digests(organisation.id)))}
    note(f"held: {held}")
    assert set(alive) <= set(recorded), "every living repository is recorded"
    for repo_id, tracked in recorded.items():
        if repo_id in held:
            assert organisation.frozen is not None
            continue
        if tracked.project is None:
            continue
        if repo_id in alive:
            assert tracked.repository.repo == alive[repo_id]
            assert tracked.repository.presence.value == "seen"
            assert tracked.project.status is not Status.MISSING
        else:
            assert tracked.repository.lost_at is not None, "a true loss is always concluded"
            assert tracked.project.status in (Status.MISSING, Status.ARCHIVED)


def judge_history(tale: Tale) -> None:
    """No event is lost or doubled: each project's moves replay to where it stands."""
    events = tale.world.events()
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    for project in tale.world.projects():
        at: str | None = None
        for event in events:
            if event.project_id == project.id and event.kind == "project.moved":
                assert event.data["from"] == at
                at = event.data["to"]
        assert at == project.status.value
        open_missing = [
            i for i in tale.world.incidents("open", "acknowledged") if i["key"] == f"missing:{project.id}"
        ]
        assert len(open_missing) == (project.status is Status.MISSING)


def judge_quiet(tale: Tale) -> None:
    """Another beat changes nothing."""
    before = (tale.world.projects(), tale.world.events(), tale.world.incidents())
    report = tale.world.beat()
    assert report.whole
    assert not any(report.changes.values())
    assert (tale.world.projects(), tale.world.events(), tale.world.incidents()) == before


def obey(story: list[Step], start: int, url: str = "sqlite://") -> None:
    """Every law, on one world."""
    with closing(open_store(url)) as store:
        tale = tell(story, store, start=start)
        judge_convergence(tale)
        judge_history(tale)
        judge_quiet(tale)


@given(steps, st.integers(1, 9))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_laws_hold_in_every_world(story: list[Step], start: int) -> None:
    obey(story, start)


@pytest.mark.soak
@given(steps, st.integers(1, 12))
@settings(max_examples=6000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_the_laws_hold_in_thousands_of_worlds(story: list[Step], start: int) -> None:
    obey(story, start)


@pytest.mark.soak
@given(story=steps, start=st.integers(1, 9))
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_the_laws_hold_on_postgresql(
    postgres_url: str, postgres_template: str, story: list[Step], start: int
) -> None:
    url = fresh_database(postgres_url, postgres_template)
    try:
        obey(story, start, url)
    finally:
        drop_database(postgres_url, url)
