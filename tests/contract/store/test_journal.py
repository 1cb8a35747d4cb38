"""Events, incidents and the outbox, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import text

from steward.adapters.store.store import SqlStore
from steward.domain.incidents import Incident
from steward.domain.journal import Event, Outgoing
from steward.ports import Conflict
from tests.contract.store.kit import NOW, after, connect, happened, incident, notice


def append(store: SqlStore, *whys: str, project_id: str | None = None) -> None:
    """Append events and publish them."""
    with store.writing() as tx:
        tx.append([happened(why, project_id=project_id) for why in whys])
    store.publish()


def save(store: SqlStore, *incidents: Incident) -> list[Incident]:
    """Save incidents in a transaction of their own."""
    with store.writing() as tx:
        return [tx.save_incident(one) for one in incidents]


def whys(found: list[Event]) -> list[str]:
    """What the events say."""
    return [event.why for event in found]


def test_an_event_comes_back_as_it_was_appended_with_its_position(store: SqlStore) -> None:
    data = {"from": "a", "to": ["ы", 1, None], "nul": "\u0000"}
    full = Event("some.kind", NOW, "local:anna", "p-1", 3, "why — «почему»", data)
    with store.writing() as tx:
        tx.append([full])
    assert store.publish() == 1
    with store.reading() as view:
        (found,) = view.events()
    assert found == replace(full, id=found.id, position=1)
    assert found.id > 0


def test_readers_see_an_event_only_once_it_is_published(store: SqlStore) -> None:
    with store.writing() as tx:
        tx.append([happened("a"), happened("b")])
        assert tx.events() == []
    with store.reading() as view:
        assert (view.events(), view.last_position()) == ([], 0)
    assert store.publish() == 2
    assert store.publish() == 0
    append(store, "c")
    with store.reading() as view:
        assert [(event.why, event.position) for event in view.events()] == [("a", 1), ("b", 2), ("c", 3)]
        assert view.last_position() == 3


def test_events_are_read_onwards_and_backwards(store: SqlStore) -> None:
    append(store, "a", "b", project_id="p-1")
    append(store, "c", "d", "e")
    append(store, "f", project_id="p-1")
    with store.reading() as view:
        assert whys(view.events(after=2)) == ["c", "d", "e", "f"]
        assert whys(view.events(after=2, limit=2)) == ["c", "d"]
        assert whys(view.events(before=4, limit=2)) == ["b", "c"]
        assert whys(view.events(after=1, before=4)) == ["b", "c"]
        assert whys(view.events(project_id="p-1")) == ["a", "b", "f"]
        assert whys(view.events(project_id="p-1", before=10, limit=2)) == ["b", "f"]
        assert view.events(project_id="p-2") == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE events SET why = 'another'",
        "UPDATE events SET position = 9",
        "UPDATE events SET position = NULL",
        "DELETE FROM events",
    ],
)
def test_the_database_itself_refuses_to_change_an_event(store: SqlStore, change: str) -> None:
    append(store, "a")
    with pytest.raises(Conflict, match="only ever added"), store.writing() as tx:
        tx._write(text(change))
    with store.reading() as view:
        assert whys(view.events()) == ["a"]


def test_an_unpublished_event_cannot_be_changed_under_cover_of_its_position(store: SqlStore) -> None:
    with store.writing() as tx:
        tx.append([happened("a")])
    with pytest.raises(Conflict, match="only ever added"), store.writing() as tx:
        tx._write(text("UPDATE events SET position = 1, why = 'b'"))


def test_an_incident_comes_back_as_it_was_saved(store: SqlStore) -> None:
    full = incident(
        "missing:p-1",
        organisation_id=2,
        project_id="p-1",
        state="acknowledged",
        count=3,
        look=8,
        evidence={"read": 404, "at": ["x"]},
        acknowledged_by="local:anna",
        muted_until=after(60),
        muted_by="local:boris",
    )
    (saved,) = save(store, full)
    assert saved == replace(full, id=saved.id)
    done = replace(
        saved,
        state="resolved",
        resolved_at=after(2),
        resolved_by="heartbeat",
        resolution="it is back",
        count=4,
    )
    assert save(store, done) == [done]
    with store.reading() as view:
        assert view.incident(saved.id) == done
        assert view.incident(99) is None


def test_a_cause_has_one_unresolved_incident(store: SqlStore) -> None:
    (first,) = save(store, incident("k"))
    with pytest.raises(Conflict):
        save(store, incident("k"))
    save(store, replace(first, state="resolved"))
    (second,) = save(store, incident("k"))
    with store.reading() as view:
        assert view.latest_incidents(["k", "other"]) == {"k": second}
    with pytest.raises(Conflict):
        save(store, replace(incident("k"), id=77))


def test_incidents_come_worst_first_then_newest_first(store: SqlStore) -> None:
    severities = ("info", "critical", "warning", "error", "critical", "apocalyptic")
    made = save(store, *(incident(f"k{n}", severity=severity) for n, severity in enumerate(severities)))
    save(store, replace(made[4], state="acknowledged"), replace(made[0], state="resolved"))
    with store.reading() as view:
        assert [i.key for i in view.incidents()] == ["k5", "k4", "k1", "k3", "k2", "k0"]
        assert [i.key for i in view.incidents(limit=2)] == ["k5", "k4"]
        assert [i.key for i in view.incidents(states=["acknowledged", "resolved"])] == ["k4", "k0"]
        assert view.incidents(project_id="p-1") == []


def test_mutes_that_ended_are_found(store: SqlStore) -> None:
    over, later, open_ = save(
        store,
        incident("over", muted_until=after(5)),
        incident("later", muted_until=after(50)),
        incident("never"),
    )
    save(store, incident("resolved", muted_until=after(1), state="resolved"))
    with store.reading() as view:
        assert view.muted_expired(after(5)) == [over]
        assert view.muted_expired(after(4)) == []
        assert view.muted_expired(after(99)) == [over, later]
    assert open_.muted_until is None


def due(store: SqlStore, at: datetime) -> list[tuple[str, str]]:
    """Key and channel of what may be sent."""
    with store.reading() as view:
        return [(row.key, row.channel) for row in view.outbox_due(at, 10)]


def test_a_notice_waits_once_per_channel(store: SqlStore) -> None:
    with store.writing() as tx:
        tx.enqueue([notice("b"), notice("a")], ["mail", "chat"])
        tx.enqueue([notice("a", 99)], ["mail"])
        tx.enqueue([notice("c")], [])
    assert due(store, NOW) == [("b", "mail"), ("b", "chat"), ("a", "mail"), ("a", "chat")]
    with store.reading() as view:
        assert view.outbox_due(NOW, 3)[2] == Outgoing("a", "mail", notice("a"))
        assert view.outbox_counts() == {"pending": 4}


def test_the_outbox_tells_what_may_be_tried_now(store: SqlStore) -> None:
    with store.writing() as tx:
        tx.enqueue([notice(key) for key in "abcdef"], ["mail"])
        rows = {row.key: row for row in tx.outbox_due(NOW, 10)}
        tx.save_outgoing(replace(rows["a"], state="sent"))
        tx.save_outgoing(replace(rows["b"], state="sending", next_at=after(60)))
        tx.save_outgoing(replace(rows["c"], state="failed", attempts=9, error="refused"))
        waits = replace(rows["d"], state="uncertain", attempts=1, next_at=after(10), error="broken off")
        tx.save_outgoing(waits)
    assert due(store, NOW) == [("e", "mail"), ("f", "mail")]
    assert due(store, after(10)) == [("d", "mail"), ("e", "mail"), ("f", "mail")]
    assert ("b", "mail") in due(store, after(60)), "whoever claimed it died"
    with store.reading() as view:
        assert view.outbox_due(after(10), 1) == [waits]
        assert view.outbox_counts() == {"sent": 1, "sending": 1, "failed": 1, "uncertain": 1, "pending": 2}
        assert [row.key for row in view.outbox(["failed", "uncertain"], 10)] == ["d", "c"]
        assert [row.key for row in view.outbox(["pending"], 1)] == ["f"]


def test_one_channel_of_a_notice_does_not_settle_another(store: SqlStore) -> None:
    with store.writing() as tx:
        tx.enqueue([notice("a")], ["mail", "chat"])
        tx.save_outgoing(replace(tx.outbox_due(NOW, 1)[0], state="sent"))
    assert due(store, NOW) == [("a", "chat")]


def test_an_outbox_row_that_is_not_there_is_a_conflict(store: SqlStore) -> None:
    with pytest.raises(Conflict, match="outbox"), store.writing() as tx:
        tx.save_outgoing(Outgoing("nothing", "mail", notice("nothing")))


def test_sent_notices_are_pruned_and_others_kept(store: SqlStore) -> None:
    connect(store)
    with store.writing() as tx:
        tx.enqueue([notice("old"), notice("waiting"), notice("new", 60)], ["mail"])
        for row in tx.outbox_due(after(99), 10):
            if row.key != "waiting":
                tx.save_outgoing(replace(row, state="sent"))
        assert tx.prune(after(1)) == 1
        assert tx.outbox_counts() == {"sent": 1, "pending": 1}
