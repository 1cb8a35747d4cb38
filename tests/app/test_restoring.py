"""A database that was put back: noticed, frozen, planned; and let go on without taking its own work for foreign."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steward.adapters.highwater import HighWaterFile
from steward.adapters.store import backup, open_store, restore
from steward.app.errors import Invalid
from steward.app.noticing import WaterLoop, notice_restored
from steward.domain.hands import Watch, reaches
from steward.domain.operations import Fault, OperationState, Work
from steward.domain.project import Freeze
from steward.domain.restored import DATABASE_ID, RESTORED, HighWater, restored_from
from steward.testing.driven import Driven
from steward.testing.world import ANYONE
from tests.app.driven_kit import judge_history


class Again(Driven):
    """A Driven whose database can be copied, and put back while the forge, the hosts and the engine go on."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        super().__init__(open_store(f"sqlite:///{folder}/steward.db"), folder / "work")
        self.copy = folder / "backup.gz"
        self.equip()

    def equip(self) -> None:
        """Let the application read branches, and probe."""
        from steward.app.driving import Drive

        water = HighWaterFile(self.folder / "high-water.json")
        drive = Drive(self.tools, self.engine)
        self.app = replace(
            self.app, store=self.store, watching=lambda: self.build, drive=lambda: drive, high_water=water
        )

    def save(self) -> None:
        """Take a backup."""
        self.store.publish()
        self.copy.unlink(missing_ok=True)
        backup(f"sqlite:///{self.folder}/steward.db", self.copy)

    def put_back(self) -> None:
        """Restore it, as a person does with the command line, and start anew on it."""
        self.store.release(self.lease)
        self.store.close()
        url = f"sqlite:///{self.folder}/steward.db"
        restore(url, self.copy, force=True)
        self.reopen()

    def reopen(self) -> None:
        """A new process on the database as it is."""
        self.store = open_store(f"sqlite:///{self.folder}/steward.db")
        self.equip()
        self._start()
        self.begin()

    def live_on(self) -> None:
        """What happened after the backup, which the record will know nothing of."""
        self.drive()

    def until_designed(self) -> None:
        """Let them work until the architect's work is pushed, and no further."""
        for _ in range(100):
            if any(one.kind is Work.DESIGN and "worked" in one.facts for one in self.operations()):
                return
            self.some(1)
        raise RuntimeError("the design is never made")

    def some(self, calls: int) -> None:
        """Let them work for about so many calls of the engine."""
        until = self.engine.calls + calls
        for _ in range(calls * 2):
            if self.engine.calls >= until:
                return
            self.driver.tick()
            self.engine.run_some(self.clock, 1)

    def watched(self, slug: str = "shop") -> None:
        """Record where the project's branches stand, as whoever watches does."""
        project = self.project(slug)
        repo_id = project.repository_id or 0
        heads = self.build.heads(repo_id, "main", "steward/")
        tips = {"main": heads.default or "", **heads.ours}
        with self.store.writing() as tx:
            tx.save_watch(Watch(repo_id, project.id, "main", tips))

    def let_go(self) -> list[dict[str, Any]]:
        """See the plan, and let automation go on."""
        digest = self.app.restoring(ANYONE).plan()["digest"]
        return self.app.deciding(ANYONE).unfreeze(None, digest)

    def restored(self) -> Any:
        """What the mark says."""
        with self.store.reading() as view:
            return restored_from(view.setting(RESTORED))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A place for databases: in memory where there is one, since a busy disk makes each commit wait."""
    if not Path("/dev/shm").is_dir():
        yield tmp_path
        return
    with TemporaryDirectory(dir="/dev/shm") as made:
        yield Path(made)


@pytest.fixture
def again(folder: Path) -> Iterator[Again]:
    """One that has no project yet."""
    made = Again(folder)
    yield made
    made.store.close()


def judge_known(driven: Again) -> None:
    """Every branch of ours stands where the record accounts for: by its watch, or by a chain of the ledger."""
    for project in driven.projects():
        if not project.repository_id:
            continue
        heads = driven.build.heads(project.repository_id, "main", "steward/")
        with driven.store.reading() as view:
            watch = view.watches([project.repository_id]).get(project.repository_id)
            for branch, tip in heads.ours.items():
                entries = view.ledger(project.repository_id, branch)
                pushed = {one.facts.get("head") for one in view.operations(project.id)}
                known = watch is not None and watch.tips.get(branch) == tip
                chained = any(reaches(entries, one.before, tip) for one in entries)
                assert known or chained or tip in pushed, f"{branch} at {tip} would be called foreign"


def judge_ended(driven: Again) -> None:
    """It came to its end: live, or a developer that found all of it done already."""
    done = "the agent says that it is done, and has changed nothing"
    failures = [one.failure.reason for one in driven.operations() if one.failure is not None]
    assert driven.project().status == "active" or failures == [done]


def judge_no_quarrel(driven: Again) -> None:
    """No operation has failed because somebody else had pushed: nobody has."""
    for one in driven.operations():
        assert one.failure is None or one.failure.fault is not Fault.PERSON, one.failure


def test_a_restored_database_is_frozen_and_marked_and_the_next_look_does_not_lift_that(again: Again) -> None:
    again.order()
    with again.store.writing() as tx:
        home = tx.organisations()[0]
        tx.save_organisation(replace(home, frozen=Freeze(again.clock.now().at, "guard: misconfigured", "no")))
    again.save()
    again.put_back()
    home = again.organisation()
    assert home.frozen is not None
    assert home.frozen.by == "restore"
    assert again.restored().by == "steward db restore"
    assert again.restored().backup_at is not None
    assert again.kinds().count("installation.restored") == 1
    again.beat()
    assert again.organisation().frozen == home.frozen
    mark = again.app.restoring(ANYONE).mark()
    assert mark is not None
    assert mark["organisations"] == ["acme"]


def test_nothing_runs_until_the_plan_was_seen(again: Again) -> None:
    again.order()
    again.save()
    again.put_back()
    effects = list(again.build.changes)
    again.drive()
    assert again.build.changes == effects
    deciding = again.app.deciding(ANYONE)
    with pytest.raises(Invalid, match="has not been looked at"):
        deciding.unfreeze(None)
    with pytest.raises(Invalid, match="has changed"):
        deciding.unfreeze(None, "0123456789ab")
    assert again.organisation().frozen is not None
    again.let_go()
    assert again.organisation().frozen is None
    assert again.restored() is None
    assert again.kinds()[-2:] == ["installation.accepted", "organisation.unfrozen"]
    again.drive()
    assert again.project().status == "active"


def test_the_plan_tells_what_would_go_on_and_what_stands_elsewhere(again: Again) -> None:
    again.order()
    again.until_designed()
    again.watched()
    again.save()
    again.drive()
    again.put_back()
    (home,) = again.app.restoring(ANYONE).plan()["organisations"]
    (going,) = home["operations"]
    assert (going["project"], going["work"]) == ("shop", "design")
    kinds = {row["branch"].partition("-")[0]: row["kind"] for row in home["branches"]}
    assert kinds["main"] == "default", "main has moved on"
    assert kinds["steward/implement"] == "left_over", "the record does not know that operation"
    assert home["frozen"]
    assert json.dumps(home), "it is JSON"


def test_a_release_that_another_commit_answers_for_is_told(again: Again) -> None:
    again.live()
    again.save()
    again.deployer.serving[again.project().id] = "f" * 40
    again.put_back()
    (odd,) = again.app.restoring(ANYONE).plan()["organisations"][0]["releases"]
    assert odd["project"] == "shop"
    assert odd["recorded"] == again.releases()[0].commit
    assert odd["found"] == "f" * 40


def test_attempts_that_the_engine_knows_and_the_record_does_not_are_harmless(again: Again) -> None:
    again.order()
    again.until(lambda: bool(again.operations()) and again.operations()[0].kind is Work.DESIGN)
    again.save()
    again.live_on()
    assert again.project().status == "active"
    again.put_back()
    again.let_go()
    again.drive()
    judge_ended(again)
    assert all(one.facts.get("lost") is None for one in again.operations())
    judge_no_quarrel(again)
    judge_history(again)


def test_an_engine_that_is_older_than_the_record_is_harmless(again: Again) -> None:
    again.order()
    again.until_designed()
    again.save()
    again.engine = type(again.engine)()
    again.put_back()
    again.let_go()
    again.drive()
    assert again.project().status == "active"
    judge_no_quarrel(again)


def test_a_rollback_that_was_under_way_is_asked_for_anew(again: Again) -> None:
    again.live()
    made = replace(again.operations()[0], id="r" * 16, kind=Work.ROLLBACK, state=OperationState.RUNNING)
    with again.store.writing() as tx:
        tx.add_operation(replace(made, facts={"commit": "0" * 40}, finished_at=None))
    serving = dict(again.deployer.serving)
    again.save()
    again.put_back()
    (going,) = again.app.restoring(ANYONE).plan()["organisations"][0]["operations"]
    assert going["ends"]
    again.let_go()
    again.drive()
    assert again.deployer.serving == serving
    assert again.operations()[0].state is OperationState.CANCELLED


def test_one_that_was_put_back_by_copying_a_file_is_noticed_once(again: Again, folder: Path) -> None:
    said: list[str] = []
    assert not notice_restored(again.app, said.append), "a new one is given its id"
    again.order()
    again.store.publish()
    again.store.close()
    shutil.copy(folder / "steward.db", folder / "older.db")
    again.reopen()
    again.drive()
    again.store.publish()
    WaterLoop(again.app, said.append).tick()
    again.store.close()
    for extra in ("-wal", "-shm"):
        (folder / f"steward.db{extra}").unlink(missing_ok=True)
    shutil.copy(folder / "older.db", folder / "steward.db")
    again.reopen()
    assert notice_restored(again.app, said.append)
    assert "was put back" in said[-1]
    assert again.organisation().frozen is not None
    assert again.restored().by == "high-water mark"
    assert not notice_restored(again.app, said.append), "it is noticed once"
    again.let_go()
    WaterLoop(again.app, said.append).tick()
    assert not notice_restored(again.app, said.append)
    # The same old copy once more: its id is one of before.
    again.store.close()
    shutil.copy(folder / "older.db", folder / "steward.db")
    again.reopen()
    assert notice_restored(again.app, said.append)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"databases": 1}', '{"databases": [{"id": 1, "event": "x"}]}']
)
def test_a_mark_that_cannot_be_read_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "high-water.json").write_text(text)
    mark = HighWaterFile(tmp_path / "high-water.json")
    assert mark.read() == HighWater({})
    mark.write(HighWater({"a": 1, "b": 2}))
    assert mark.read() == HighWater({"a": 1, "b": 2})
    assert list(tmp_path.iterdir()) == [tmp_path / "high-water.json"]


@given(lives=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=12))
def test_only_what_goes_back_is_behind(lives: list[tuple[str, int]]) -> None:
    mark = HighWater({})
    for database, position in lives:
        newest = list(mark.lives)[-1] if mark.lives else None
        was = mark.lives.get(database)
        behind = was is not None and (position < was or database != newest)
        assert mark.is_behind(database, position) == behind
        mark = mark.reached(database, position)
        assert not mark.is_behind(database, position)
        assert mark.is_behind(database, position - 1)


def test_two_organisations_are_let_go_on_one_after_the_other(again: Again) -> None:
    with again.store.writing() as tx:
        tx.add_organisation("umbrella", again.forge.server)
    again.save()
    again.put_back()
    deciding = again.app.deciding(ANYONE)
    deciding.unfreeze("acme", "yes")
    mark = again.app.restoring(ANYONE).mark()
    assert mark is not None
    assert mark["organisations"] == ["umbrella"]
    deciding.unfreeze("acme")
    deciding.unfreeze("umbrella", "yes")
    assert again.app.restoring(ANYONE).mark() is None
    with again.store.reading() as view:
        assert isinstance(view.setting(DATABASE_ID), str)


def road_restored(folder: Path, rounds: int, later: int, person: bool) -> None:
    """A road whose backup is taken after some calls of the engine, and put back some calls later."""
    driven = Again(folder)
    driven.building().draft("shop", wish=driven.wish())
    driven.building().approve("shop")
    driven.drive()
    driven.building().confirm("shop")
    driven.some(rounds)
    if driven.project().repository_id:
        driven.watched()
    driven.save()
    driven.some(later)
    theirs = ""
    if person and driven.project().repository_id:
        theirs = driven.build.person_push(driven.project().repository_id or 0, "main", {"BY_HAND": b"x"})
    serving = dict(driven.deployer.serving)
    driven.put_back()
    driven.drive()
    assert driven.deployer.serving == serving, "nothing is put anywhere while it is frozen"
    driven.let_go()
    judge_known(driven)
    driven.drive()
    judge_no_quarrel(driven)
    judge_history(driven)
    done = driven.deployer.done
    assert len(done) == len(set(done)), "no commit is deployed twice"
    if theirs:
        repo_id = driven.project().repository_id or 0
        tip = driven.build.tip(repo_id, "main")
        assert driven.workshop.is_ancestor(repo_id, theirs, tip or ""), "no commit of a person is lost"


@pytest.mark.parametrize(("rounds", "later", "person"), [(8, 6, False), (14, 30, True), (11, 3, False)])
def test_a_road_that_is_restored_goes_on(folder: Path, rounds: int, later: int, person: bool) -> None:
    road_restored(folder, rounds, later, person)


@pytest.mark.soak
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rounds=st.integers(0, 60), later=st.integers(0, 60), person=st.booleans())
def test_any_road_that_is_restored_goes_on(
    tmp_path_factory: pytest.TempPathFactory, rounds: int, later: int, person: bool
) -> None:
    road_restored(tmp_path_factory.mktemp("road"), rounds, later, person)
