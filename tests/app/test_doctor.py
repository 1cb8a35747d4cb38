"""Doctor on the model that writes briefs: what became of its last call, without asking it, which would cost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from steward.app.doctor import Check, examine
from steward.domain.spending import MindCall, Usage
from steward.domain.talks import Talk
from steward.faces.words import said, speaking
from steward.testing.mind import ScriptedMind
from steward.testing.world import World


def looked_at(world: World) -> Check:
    """What doctor says of a model that is set up."""
    app = replace(world.app, mind=lambda: ScriptedMind([]))
    return next(check for check in examine(app) if check.name == "model for talks")


@pytest.mark.parametrize(
    ("outcome", "ok", "words"),
    [
        ("ok", True, "answered"),
        ("late", True, "answered"),
        ("unreachable", False, "came to nothing: unreachable"),
    ],
)
def test_doctor_tells_what_became_of_the_last_call(world: World, outcome: str, ok: bool, words: str) -> None:
    at = world.clock.now().at
    with world.store.writing() as tx:
        talk = tx.add_talk(Talk(0, "web:1", "anna", at, at))
        for when, what in ((at - timedelta(hours=2), "refused"), (at, outcome)):
            tx.add_mind_call(MindCall(when, "anna", talk.id, Usage("openai:gpt-5.5"), None, what))
    found = looked_at(world)
    assert found.ok is ok
    assert found.detail == f"openai:gpt-5.5, asked last {at:%Y-%m-%d %H:%M} UTC, {words}"
    assert bool(found.fix) is not ok
    with speaking("ru"):
        assert said(found.detail).startswith("openai:gpt-5.5, последний вызов ")
        assert words not in said(found.detail)
    world.clock.advance(8 * 86_400)
    assert looked_at(world).detail == "set up; it was not asked of late"
