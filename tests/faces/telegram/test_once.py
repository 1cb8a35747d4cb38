"""Whatever arrives has its effect once: killed between any two transactions, arriving twice, handled again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from steward.domain.chats import Press
from steward.ports import Lease, Reads, Store, StoreUnavailable, Writes
from tests.faces.telegram.bench import Bench, bench
from tests.telegram.people import Person

TOKEN = "ghp_" + "a1B2c3D4e5" * 4
TEXTS = (
    "A shop for cups",
    "People pay by card",
    "/new A shop for plates",
    "/new",
    "/cancel",
    "/mute 1h",
    "/lang ru",
    "/project shop",
    "what is the shop doing now?",
    f"the key is {TOKEN}, and it is blue",
    "/quiet 22:00-08:00",
)
PRESSES = (
    "t:drop", "t:skip", "t:edit", "t:order",
    "p:approve", "p:confirm", "p:sure", "p:change", "p:reject", "p:now", "p:pause",
)  # fmt: skip


@dataclass
class Dying:
    """A store beneath which the process dies at write transaction `at` from now: before it, or after its commit."""

    store: Store
    at: int = 0
    before: bool = True

    def reading(self) -> AbstractContextManager[Reads]:
        return self.store.reading()

    @contextmanager
    def writing(self, lease: Lease | None = None) -> Iterator[Writes]:
        self.at -= 1
        if self.at == 0 and self.before:
            raise StoreUnavailable("killed")
        with self.store.writing(lease) as tx:
            yield tx
        if self.at == 0 and not self.before:
            raise StoreUnavailable("killed")

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)


@dataclass(frozen=True)
class Step:
    """One thing that a person does; where the process dies over it (0: nowhere), and whether it arrives twice."""

    what: str
    at: int = 0
    before: bool = True
    twice: bool = False


def step() -> st.SearchStrategy[Step]:
    return st.builds(
        Step, st.sampled_from([*TEXTS, *PRESSES]), st.integers(0, 5), st.booleans(), st.booleans()
    )


def play(steps: list[Step]) -> Any:
    """What the record says after a story."""
    with TemporaryDirectory() as folder, bench(Path(folder)) as desk:
        anna = desk.person("Anna")
        desk.world.order_past_deaths("shop", confirm=False)
        desk.settle()
        store = Dying(desk.world.store)
        desk.app = replace(desk.world.app, store=cast("Store", store))
        desk.begin()
        for one in steps:
            if not do(desk, anna, one.what):
                continue
            if one.twice:
                desk.server.repeat()
            store.at, store.before = one.at, one.before
            survive(desk)
            store.at = 0
            desk.settle()
        return record(desk)


def do(desk: Bench, anna: Person, what: str) -> bool:
    """Do it; False where there is nothing to press."""
    if what not in PRESSES:
        anna.writes(what)
        return True
    room, verb = what.split(":")
    if room == "p":
        project = desk.world.project()
        ref, version = project.id, project.version
    else:
        talks = desk.talks("anna")
        if not talks:
            return False
        ref, version = str(talks[0]["id"]), talks[0]["version"]
    anna.presses(Press(room, verb, ref, version).pack(), stale=True)
    return True


def survive(desk: Bench) -> None:
    """Take what waits, however often the process dies at it."""
    deaths = 0
    while found := desk.fetch():
        for raw in found:
            if not desk.take(raw):
                deaths += 1
                assert deaths < 10
                desk.begin()
                break


def record(desk: Bench) -> Any:
    """What a person would say has happened."""
    talks = [
        (talk["purpose"], talk["state"], talk["project"] is not None, [row["text"] for row in talk["said"]])
        for talk in desk.app.talks(desk.by("anna")).list()
    ]
    projects = [(one.id, one.slug, one.status, one.version) for one in desk.world.projects()]
    with desk.world.store.reading() as view:
        works = [
            (slug, status, version, len(view.operations(key)), getattr(view.spec(key), "version", 0))
            for key, slug, status, version in projects
        ]
        (chat,) = view.chats()
        posts = sorted(
            (post.kind, post.key) for post in view.posts((), 1000) if not post.key.startswith("reply:")
        )
    for key, slug, *_more in projects:
        posts = [(kind, name.replace(key, slug)) for kind, name in posts]
    kinds = [kind for kind in desk.world.kinds() if not kind.startswith("operation.")]
    return talks, works, kinds, (chat.lang, chat.quiet, chat.muted_until is not None), posts


@settings(max_examples=5, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate])
@given(st.lists(step(), min_size=1, max_size=5))
def test_nothing_is_lost_and_nothing_doubled_however_it_dies(steps: list[Step]) -> None:
    note(repr(steps))
    plain = play([Step(one.what) for one in steps])
    assert play(steps) == plain


@pytest.mark.soak
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],
)
@given(st.lists(step(), min_size=3, max_size=10))
def test_nothing_is_lost_and_nothing_doubled_in_long_stories(steps: list[Step]) -> None:
    note(repr(steps))
    plain = play([Step(one.what) for one in steps])
    assert play(steps) == plain


def test_an_update_that_arrives_twice_is_handled_once(tmp_path: Path) -> None:
    with bench(tmp_path) as desk:
        anna = desk.person("Anna")
        anna.writes("A shop for cups")
        (raw,) = desk.fetch()
        for _ in range(3):
            assert desk.take(raw)
            desk.begin()
        desk.settle()
        anna.writes("/cancel")
        desk.settle()
        assert desk.take(raw)
        assert [talk["state"] for talk in desk.talks("anna")] == ["dropped"]


def test_one_that_fails_again_and_again_is_set_aside_and_the_person_told(
    tmp_path: Path, monkeypatch: Any
) -> None:
    with bench(tmp_path) as desk:
        anna = desk.person("Anna")
        anna.writes("A shop for cups")
        (raw,) = desk.fetch()

        def broken(*_args: object, **_more: object) -> str:
            raise ZeroDivisionError

        monkeypatch.setattr(type(desk.receiving.meeting), "receive", broken)
        assert [desk.take(raw) for _ in range(3)] == [False, False, True]
        monkeypatch.undo()
        desk.settle()
        assert "went wrong" in desk.last(anna).text
        anna.writes("A shop for plates")
        desk.settle()
        assert [row["text"] for talk in desk.talks("anna") for row in talk["said"]] == ["A shop for plates"]


def test_what_was_written_is_never_logged(tmp_path: Path, monkeypatch: Any, caplog: Any) -> None:
    caplog.set_level("DEBUG")
    with bench(tmp_path) as desk:
        anna = desk.person("Anna")

        def broken(*_args: object, **_more: object) -> str:
            raise ValueError("quotes: a very secret plan")

        anna.writes("a very secret plan")
        desk.settle()
        monkeypatch.setattr(type(desk.receiving.meeting), "receive", broken)
        anna.writes("a very secret plan")
        (raw,) = desk.fetch()
        assert [desk.take(raw) for _ in range(3)] == [False, False, True]
    ours = [
        record.getMessage() for record in caplog.records if record.name.startswith(("steward", "aiogram"))
    ]
    assert ours
    assert not any("secret plan" in line for line in ours)
