"""The receiver: durable before it answers, in groups, bounded, and deaf to a sender that goes away."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import pytest

from steward.adapters.secret import SecretFile
from steward.adapters.store import open_store
from steward.adapters.store.store import SqlStore
from steward.app import receiving
from steward.app.application import Application
from steward.app.receiving import Full, Receiver, Refusal
from steward.domain.deliveries import Delivery
from steward.ports import Permanent, StoreUnavailable
from steward.testing.clock import START
from steward.testing.world import World
from tests.faults.receiving import SECRET, headers


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Application]:
    """An application on a database file."""
    world = World(open_store(f"sqlite:///{tmp_path}/steward.db", busy_timeout_s=5.0))
    yield replace(world.app, webhook_secret=SecretFile(tmp_path / "webhook-secret", fixed=SECRET))
    world.store.close()


@pytest.fixture
def receiver(app: Application) -> Iterator[Receiver]:
    """One that runs."""
    made = Receiver(app)
    made.start()
    yield made
    made.stop()


def delivery(number: int, size: int = 2) -> Delivery:
    """One that names nothing."""
    return Delivery(7, f"guid-{number:06}", "star", START, b"{" + b" " * (size - 2) + b"}")


def stored(app: Application) -> int:
    """How many are in the inbox, as another connection sees it."""
    with app.store.reading() as view:
        return sum(view.delivery_counts().values())


def test_what_is_answered_is_stored(app: Application, receiver: Receiver) -> None:
    for number in range(20):
        assert receiver.submit(delivery(number)).result(10) is True
        assert stored(app) == number + 1
    assert receiver.submit(delivery(0)).result(10) is False


def test_what_arrives_together_shares_a_commit(app: Application, receiver: Receiver) -> None:
    store = app.store
    assert isinstance(store, SqlStore)
    rung = app.bell.rung
    with store.writing():
        waiting = [receiver.submit(delivery(number % 90)) for number in range(100)]
        assert not any(done.done() for done in waiting[1:])
    assert [done.result(10) for done in waiting] == [*[True] * 90, *[False] * 10]
    assert stored(app) == 90
    assert 1 <= app.bell.rung - rung <= 3, "the first alone, then all that waited"


def test_a_database_that_fails_is_told_to_each_sender_and_outlived(
    app: Application, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> object:
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(receiving, "take_in", fail)
    with pytest.raises(StoreUnavailable, match="disk is full"):
        receiver.submit(delivery(1)).result(10)
    monkeypatch.undo()
    assert receiver.submit(delivery(1)).result(10) is True


def test_a_sender_that_goes_away_stops_nothing(app: Application, receiver: Receiver) -> None:
    with app.store.writing():
        first = receiver.submit(delivery(1))
        gone = receiver.submit(delivery(2))
        gone.cancel()
        last = receiver.submit(delivery(3))
    assert (first.result(10), last.result(10)) == (True, True)
    assert stored(app) == 3, "it was accepted, so it is kept"


def test_the_queue_is_bounded_by_number_and_by_size(
    app: Application, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "QUEUE_MAX", 3)
    with app.store.writing():
        taken: list[Future[bool]] = [receiver.submit(delivery(0))]
        until_taken(receiver)
        taken += [receiver.submit(delivery(number)) for number in (1, 2, 3)]
        with pytest.raises(Full):
            receiver.submit(delivery(4))
    assert all(done.result(10) for done in taken)
    monkeypatch.setattr(receiving, "QUEUE_MAX_BYTES", 1000)
    with app.store.writing():
        held = receiver.submit(delivery(5))
        until_taken(receiver)
        large = receiver.submit(delivery(6, size=5000))
        with pytest.raises(Full):
            receiver.submit(delivery(7))
    assert held.result(10)
    assert large.result(10), "a large one finds room in an empty queue"


def until_taken(receiver: Receiver) -> None:
    """Wait until the writer has taken what is queued."""
    pause = threading.Event()
    for _ in range(1000):
        if not receiver._queue:
            return
        pause.wait(0.01)
    raise AssertionError("nobody takes it")


def test_a_stopping_receiver_stores_what_it_accepted_and_takes_nothing_more(app: Application) -> None:
    receiver = Receiver(app)
    with pytest.raises(Full):
        receiver.submit(delivery(1))
    receiver.start()
    receiver.start()
    with app.store.writing():
        waiting = [receiver.submit(delivery(number)) for number in range(10)]
        stopping = threading.Thread(target=receiver.stop)
        stopping.start()
        until_refused(receiver)
    stopping.join(10)
    assert all(done.result(0) for done in waiting)
    assert stored(app) == 10


def until_refused(receiver: Receiver) -> None:
    """Wait until it takes nothing more."""
    pause = threading.Event()
    for number in range(1000, 2000):
        try:
            receiver.submit(delivery(number)).cancel()
        except Full:
            return
        pause.wait(0.01)
    raise AssertionError("it takes more and more")


def test_only_our_secret_signs(app: Application) -> None:
    receiver, body = Receiver(app), b'{"zen": "x"}'
    taken = receiver.check(lowered(headers("ping", body, hook=12)), body)
    assert isinstance(taken, Delivery)
    assert (taken.hook_id, taken.event, taken.body) == (12, "ping", body)
    assert "x-hub-signature-256" not in taken.headers
    for told, changed in (
        (headers("ping", body, secret=SECRET + "x"), body),
        (headers("ping", body), body + b" "),
        ({**headers("ping", body), "X-Hub-Signature-256": "sha256="}, body),
        ({**headers("ping", body), "X-Hub-Signature-256": "sha1=abc"}, body),
        ({**headers("ping", body), "X-Hub-Signature-256": "sha256=ünïcödé"}, body),
    ):
        refused = receiver.check(lowered(told), changed)
        assert isinstance(refused, Refusal)
        assert (refused.status, refused.code) == (401, "wrong-signature")


def test_a_secret_that_cannot_be_read_refuses_everything(app: Application, tmp_path: Path) -> None:
    receiver, body = Receiver(replace(app, webhook_secret=SecretFile(tmp_path))), b"{}"
    refused = receiver.check(lowered(headers("push", body, secret="")), body)
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.code) == (401, "no-webhook-secret")


def lowered(told: dict[str, str]) -> dict[str, str]:
    """Header names as servers give them."""
    return {name.lower(): value for name, value in told.items()}


def test_an_app_without_a_hook_number_is_known_by_its_own(app: Application) -> None:
    body = b"{}"
    told = lowered(headers("push", body))
    del told["x-github-hook-id"]
    told["x-github-hook-installation-target-id"] = "55"
    taken = Receiver(app).check(told, body)
    assert isinstance(taken, Delivery)
    assert taken.hook_id == -55
    del told["x-github-hook-installation-target-id"]
    refused = Receiver(app).check(told, body)
    assert isinstance(refused, Refusal)
    assert (refused.status, "X-GitHub-Hook-ID" in refused.detail) == (400, True)


def test_a_secret_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    kept = SecretFile(tmp_path / "state" / "webhook-secret")
    assert kept.read() is None
    made = [SecretFile(tmp_path / "state" / "webhook-secret").make() for _ in range(2)]
    assert made[0] == made[1] == kept.read()
    assert len(made[0]) >= 32
    (file,) = (tmp_path / "state").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_secret_of_the_settings_is_never_made_anew(tmp_path: Path) -> None:
    own, named = tmp_path / "own", tmp_path / "named"
    assert SecretFile(own, fixed="of the settings").make() == "of the settings"
    with pytest.raises(Permanent, match="there is no secret"):
        SecretFile(own, named=named).make()
    named.write_text("of a file\n")
    assert SecretFile(own, named=named).make() == "of a file"
    assert not own.exists()
    with pytest.raises(Permanent, match="cannot be read"):
        SecretFile(tmp_path).read()
