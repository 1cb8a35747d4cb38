"""Scores are kept fresh by a loop: counted where something changed, asked of GitHub within bounds, told to nobody."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import event as sql

from steward.app.errors import Forbidden, Invalid, Unknown
from steward.app.judging import Judge, judge, scan_from
from steward.app.readiness import Readiness
from steward.app.scoring import ASKS_EVERY_S, ASKS_MAX, EVERY, Scoring
from steward.domain.needs import Demand, Origin
from steward.domain.own_rules import Tuning, tuning
from steward.domain.people import Grant, Principal, Role, rights_of
from steward.ports.errors import Transient
from steward.ports.hands import ScanRecord, Score
from steward.testing.world import ANYONE, World

LICENCE = tuning([], {}, [{"code": "licence", "title": "It has a licence", "require": {"file": "LICENSE"}}])


@dataclass
class Files:
    """The reading side of a forge, for files alone. `silent`: it does not answer."""

    there: set[tuple[int, str]] = field(default_factory=set)
    asked: list[tuple[int, str, str]] = field(default_factory=list)
    silent: bool = False

    def has_file(self, repo_id: int, path: str, ref: str) -> bool:
        """Whether it is there."""
        self.asked.append((repo_id, path, ref))
        if self.silent:
            raise Transient("no answer")
        return (repo_id, path) in self.there


def scoring(world: World, files: Files | None = None, rules: Tuning | None = None) -> Scoring:
    """A loop of its own."""
    judged = Judge(world.clock, rules or Tuning())
    return Scoring(world.store, world.clock, judged, world.lease, (lambda: files) if files else None)  # type: ignore[arg-type, return-value]  # it answers for files alone


def scores(world: World) -> dict[str, Score]:
    """What is kept, by slug."""
    slugs = {project.id: project.slug for project in world.projects()}
    with world.store.reading() as view:
        return {slugs[key]: score for key, score in view.scores(slugs).items()}


def repo_id(world: World, slug: str) -> int:
    """The repository of a project."""
    found: int = world.app.queries(ANYONE).project(slug)["repository"]["id"]
    return found


def test_every_project_is_scored_and_only_what_changed_again(world: World) -> None:
    loop, events = scoring(world), len(world.events())
    assert loop.tick() > 0
    first = scores(world)
    assert set(first) == {"shop", "tickets", "blog", "bot", "api"}
    assert first["shop"].unmet == ("owner", "life", "description", "webhook")
    world.clock.advance(10)
    world.commands().own("shop", "Anna")
    loop.tick()
    later = scores(world)
    assert later["shop"].percent > first["shop"].percent
    assert {s for s in later if later[s].at != first[s].at} == {"shop"}
    world.clock.advance(EVERY.total_seconds() + 1)
    loop.tick()
    assert all(scores(world)[slug].at > later[slug].at for slug in later)
    assert {e.kind for e in world.events()[events:]} == {"project.changed"}, "it tells nobody"


def test_the_score_of_the_page_and_of_the_list_are_one(world: World) -> None:
    scoring(world).tick()
    shown = world.app.readiness(ANYONE).lines("shop")
    assert shown["percent"] == scores(world)["shop"].percent
    assert world.app.queries(ANYONE).project("shop")["readiness"]["percent"] == shown["percent"]


def test_archived_and_ignored_projects_are_left_alone(world: World) -> None:
    world.commands().archive("shop")
    world.commands().manage("blog", "ignore")
    scoring(world).tick()
    assert set(scores(world)) == {"tickets", "bot", "api"}


def test_other_rules_count_every_score_anew(world: World) -> None:
    scoring(world).tick()
    before = scores(world)
    world.clock.advance(1)
    scoring(world, rules=tuning([], {"owner": 100}, [])).tick()
    after = scores(world)
    assert all(after[slug].percent < before[slug].percent for slug in before)


def test_files_are_asked_for_once_per_commit_and_told_to_the_page(world: World) -> None:
    shop = repo_id(world, "shop")
    files = Files({(shop, "LICENSE")})
    loop = scoring(world, files, LICENCE)
    loop.tick()
    assert len(files.asked) == 5
    assert "licence" not in scores(world)["shop"].unmet
    assert "licence" in scores(world)["blog"].unmet
    lines = Readiness(world.store, world.clock, ANYONE, Judge(world.clock, LICENCE)).lines("blog")["lines"]
    assert [line["ok"] for line in lines if line["rule"] == "licence"] == [False]
    world.clock.advance(EVERY.total_seconds() + 1)
    loop.tick()
    assert len(files.asked) == 5, "nothing was pushed since"
    world.clock.advance(EVERY.total_seconds() + 1)
    world.forge.edit(shop, pushed_at=world.clock.now().at)  # type: ignore[call-arg]  # a fact like the others
    world.beat()
    loop.tick()
    assert [asked[0] for asked in files.asked[5:]] == [shop]


def test_questions_are_bounded_and_silence_changes_nothing(world: World) -> None:
    for number in range(ASKS_MAX):
        world.forge.create("acme", f"more-{number}")
    world.beat()
    shop = repo_id(world, "shop")
    files = Files({(shop, "LICENSE")})
    loop = scoring(world, files, LICENCE)
    loop.tick()
    assert len(files.asked) == ASKS_MAX
    loop.tick()
    assert len(files.asked) == ASKS_MAX
    for _ in range(2):
        world.clock.advance(EVERY.total_seconds() + ASKS_EVERY_S)
        loop.tick()
    assert len(files.asked) == ASKS_MAX + 5, "each was asked for once, in its turn"
    assert "licence" not in scores(world)["shop"].unmet
    other = scoring(world, Files(silent=True), LICENCE)
    world.clock.advance(EVERY.total_seconds() + 1)
    other.tick()
    assert "licence" not in scores(world)["shop"].unmet, "it stays as it was told last"


def test_a_waiver_counts_at_once_and_is_written_down(world: World) -> None:
    scoring(world).tick()
    before = scores(world)["shop"].percent
    mine = world.app.readiness(ANYONE)
    shown = mine.waive("shop", "life", "a library")
    line = next(line for line in shown["lines"] if line["rule"] == "life")
    assert (line["ok"], line["waived"]["reason"], line["fix"]) == (True, "a library", None)
    assert scores(world)["shop"].percent == shown["percent"] > before
    assert world.events()[-1].kind == "rule.waived"
    assert (world.events()[-1].why, dict(world.events()[-1].data)) == ("a library", {"rule": "life"})
    assert mine.unwaive("shop", "life")["percent"] == before
    assert world.kinds()[-1] == "rule.unwaived"


def test_what_cannot_be_waived_is_refused(world: World) -> None:
    mine = world.app.readiness(ANYONE)
    with pytest.raises(Invalid):
        mine.waive("shop", "life", "  ")
    with pytest.raises(Unknown):
        mine.waive("shop", "nope", "because")
    with pytest.raises(Unknown):
        mine.unwaive("shop", "life")
    eve = Principal("user:eve", rights_of([Grant(Role.VIEWER, world.organisation().id)]))
    with pytest.raises(Forbidden):
        world.app.readiness(eve).waive("shop", "life", "because")
    assert "rule.waived" not in world.kinds()


def test_a_scan_is_read_as_far_as_it_is_understood(world: World) -> None:
    needs = [
        {"name": "KEY", "demand": "required", "origin": "user_secret", "sort": "secret"},
        {"name": "NEW", "demand": "of a newer version", "origin": 5},
        "nonsense",
    ]
    read = scan_from({"commit": "c", "needs": needs, "workflows": [".github/workflows/t.yml"], "new": 1})
    assert [(need.name, need.demand, need.origin) for need in read.needs] == [
        ("KEY", Demand.REQUIRED, Origin.USER_SECRET),
        ("NEW", Demand.OPTIONAL, Origin.UNKNOWN),
    ]
    project = world.app.queries(ANYONE).project("shop")
    at, home = world.clock.now().at, world.organisation().id
    with world.store.writing() as tx:
        tx.save_scan(ScanRecord(project["id"], home, "done", "anna", at, commit="c", result={"needs": needs}))
    judged = replace(judge(world.app), keeps=True)
    lines = {
        line["rule"]: line
        for line in Readiness(world.store, world.clock, ANYONE, judged).lines("shop")["lines"]
    }
    assert lines["secrets"]["detail"] == {"names": ["KEY"]}
    assert not lines["ci"]["ok"]


def test_what_is_read_does_not_grow_with_the_projects(world: World) -> None:
    """The same number of statements for 5 projects and for 25."""
    engine = world.store.database.engine  # type: ignore[attr-defined]  # the store is a database here
    counts = []
    for more in (0, 20):
        for number in range(more):
            world.forge.create("acme", f"more-{number}")
        world.beat()
        seen: list[str] = []
        note = lambda *args, seen=seen: seen.append(args[2])  # noqa: E731 - removed again by the same name
        sql.listen(engine, "before_cursor_execute", note)
        scoring(world).tick()
        sql.remove(engine, "before_cursor_execute", note)
        counts.append(len(seen))
        world.clock.advance(EVERY.total_seconds() + 1)
    assert counts[1] <= counts[0]
