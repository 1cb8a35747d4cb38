"""The outbox: one row per key and channel, sent at least once, every outcome recorded."""

from __future__ import annotations

import pytest

from steward.app.outbox import ATTEMPTS_MAX, Outbox
from steward.domain.journal import Notice
from steward.ports import Permanent, Transient, Unreachable
from steward.testing.world import World


def tell(world: World, key: str = "k") -> None:
    """Put one notice into the outbox."""
    notice = Notice(key, world.clock.now().at, "title", "body")
    with world.store.writing() as tx:
        tx.enqueue([notice], ["recorder"])


def counts(world: World) -> dict[str, int]:
    """Rows per state, without those of the world's own beginning."""
    with world.store.reading() as view:
        return view.outbox_counts()


@pytest.fixture
def quiet(world: World) -> World:
    """A world whose outbox has been sent."""
    world.deliver()
    world.recorder.sent.clear()
    return world


def test_a_key_is_sent_once_however_often_it_is_told(quiet: World) -> None:
    tell(quiet)
    tell(quiet)
    quiet.deliver()
    tell(quiet)
    quiet.deliver()
    assert [key for key, _ in quiet.recorder.sent] == ["k"]


def test_a_failure_is_tried_again_later_and_not_at_once(quiet: World) -> None:
    tell(quiet)
    quiet.recorder.fail_with = [Transient("busy")]
    assert quiet.deliver() == []
    assert counts(quiet)["pending"] == 1
    assert quiet.deliver() == []
    quiet.clock.advance(5)
    assert quiet.deliver() == ["title"]


def test_a_send_whose_answer_was_lost_is_uncertain_and_repeats_with_its_key(quiet: World) -> None:
    tell(quiet)
    quiet.recorder.fail_with = [Unreachable("broken off")]
    quiet.deliver()
    assert counts(quiet)["uncertain"] == 1
    quiet.clock.advance(60)
    quiet.deliver()
    assert [key for key, _ in quiet.recorder.sent] == ["k"]


def test_a_process_that_died_while_sending_leaves_a_row_that_is_sent_later(quiet: World) -> None:
    tell(quiet)
    quiet.recorder.fail_with = [KeyboardInterrupt()]  # type: ignore[list-item] # what kills a process is no Exception
    with pytest.raises(KeyboardInterrupt):
        quiet.deliver()
    assert counts(quiet)["sending"] == 1
    assert quiet.deliver() == []
    quiet.clock.advance(121)
    assert quiet.deliver() == ["title"]


def test_it_is_given_up_after_the_last_attempt_or_a_permanent_refusal(quiet: World) -> None:
    tell(quiet, "a")
    quiet.recorder.fail_with = [Permanent("no such room", "Mend the address.")]
    quiet.deliver()
    assert counts(quiet)["failed"] == 1
    tell(quiet, "b")
    quiet.recorder.fail_with = [Transient("busy") for _ in range(ATTEMPTS_MAX)]
    for _ in range(ATTEMPTS_MAX + 3):
        quiet.deliver()
        quiet.clock.advance(4000)
    assert counts(quiet)["failed"] == 2
    assert quiet.recorder.sent == []


def test_a_channel_that_is_not_configured_any_more_does_not_block(quiet: World) -> None:
    tell(quiet)
    Outbox(quiet.store, [], quiet.clock).deliver(quiet.lease)
    assert counts(quiet)["failed"] == 1
