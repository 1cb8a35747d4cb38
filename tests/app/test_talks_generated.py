"""Generated talks: whatever is done in whatever order, and done again, the rules of talks hold."""

from __future__ import annotations

from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steward.adapters.store import open_store
from steward.app.errors import Invalid, Stale
from steward.domain.brief import Brief, bounded
from steward.domain.lifecycle import Refused
from steward.domain.talks import Talk, TalkState
from tests.app.talks_kit import CHAT, Talking

TEXTS = st.sampled_from(
    ["A shop", "no", "2", "teal", "one, two, three", "Хочу магазин", "<b>x</b>", "x" * 3000]
)
WHAT = st.sampled_from(
    ["order", "fold", "say", "correct", "pick", "skip", "drop", "title", "goal", "features", "answers"]
)
STEP = st.tuples(WHAT, st.integers(-1, 4), TEXTS)
REFUSED = (Invalid, Stale, Refused)


def act(talking: Talking, talk_id: int, step: tuple[str, int, str], version: int) -> None:
    """One step of a face, as of a version that was shown."""
    talks, (what, number, text) = talking.by(), step
    acts: dict[str, Any] = {
        "say": lambda: talks.say(talk_id, f"tg:77:{number}", text),
        "correct": lambda: talks.correct(f"tg:77:{number}", text),
        "pick": lambda: talks.pick(talk_id, version, number),
        "skip": lambda: talks.skip(talk_id, version),
        "order": lambda: talks.order(talk_id, version),
        "drop": lambda: talks.drop(talk_id, version),
        "fold": talking.fold,
        "answers": lambda: talks.edit(talk_id, version, {"answers": {"accent": text}}),
    }
    with suppress(*REFUSED):
        acts.get(what, lambda: talks.edit(talk_id, version, {what: text}))()


def judge(talking: Talking, before: Talk, after: Talk) -> None:
    rows = talking.rows(after.id)
    assert len({row.key for row in rows}) == len(rows)
    assert bounded(after.brief) == after.brief
    assert after.version >= before.version
    if before.state is not TalkState.OPEN:
        assert after == before
    projects = [project.id for project in talking.driven.projects()]
    assert projects == ([after.project_id] if after.state is TalkState.DONE else [])
    assert (after.brief == Brief()) or rows
    view = talking.by().show(after.id)
    assert len(view["asked"]) <= 2
    assert view["waiting"] == sum(not row.folded for row in rows)


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(st.booleans(), st.lists(st.tuples(STEP, st.booleans()), max_size=12))
def test_whatever_is_done_in_a_talk_its_rules_hold(
    told: bool, steps: list[tuple[tuple[str, int, str], bool]]
) -> None:
    with TemporaryDirectory() as folder, closing(open_store("sqlite://")) as store:
        talking = Talking(store, Path(folder))
        talk_id = talking.told()["id"] if told else talking.by().open("tg:77:1", chat_id=CHAT)["id"]
        for step, twice in steps:
            [before] = talking.talks()
            act(talking, talk_id, step, before.version)
            [after] = talking.talks()
            judge(talking, before, after)
            if twice:
                # Handled again, as after a kill: as of the version that it was pressed for.
                rows = talking.rows(talk_id)
                act(talking, talk_id, step, before.version)
                assert talking.talks() == [after]
                assert talking.rows(talk_id) == rows
        talking.fold()
        talking.fold()
        [last] = talking.talks()
        assert last.state is not TalkState.OPEN or all(row.folded for row in talking.rows(talk_id))
