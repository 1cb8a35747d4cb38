"""Incidents in groups, what was said of them, and events by what they are about, on both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from steward.adapters.store.store import SqlStore
from steward.domain.incidents import Group, Incident, group
from steward.domain.journal import Event
from steward.ports import IncidentQuery
from tests.contract.store.kit import NOW, after, connect, incident, notice, project


@pytest.fixture
def filled(store: SqlStore) -> SqlStore:
    """Incidents of every group; the numbers are their keys."""
    connect(store)
    made = [
        incident("1", severity="warning", organisation_id=1, project_id="id-shop"),
        incident("2", severity="critical", organisation_id=2),
        incident("3", severity="warning", organisation_id=1),
        incident("4", state="acknowledged", organisation_id=1),
        incident("5", muted_until=after(60), muted_by="x", severity="error", organisation_id=1),
        incident("6", state="acknowledged", muted_until=after(60), muted_by="x"),
        incident("7", muted_until=NOW, muted_by="x"),
        incident("8", state="resolved", muted_until=after(60), resolved_at=NOW),
        incident("9", severity="strange"),
    ]
    with store.writing() as tx:
        tx.add_projects([project("shop")])
        for one in made:
            tx.save_incident(one)
    return store


def keys(store: SqlStore, *groups: Group, **query: Any) -> list[str]:
    """The keys of what a query lists, now."""
    with store.reading() as view:
        return [found.key for found in view.attention(IncidentQuery(NOW, groups, **query))]


def test_each_incident_is_in_one_group_as_the_domain_says(filled: SqlStore) -> None:
    with filled.reading() as view:
        everything = view.attention(IncidentQuery(NOW))
    for at in (NOW, after(61)):
        with filled.reading() as view:
            for wanted in Group:
                found = view.attention(IncidentQuery(at, [wanted]))
                assert found == [one for one in everything if group(one, at) is wanted]
    assert keys(filled, Group.NEEDS) == ["9", "2", "7", "3", "1"]
    assert keys(filled, Group.ACKNOWLEDGED, Group.MUTED) == ["5", "6", "4"]


def test_groups_are_narrowed(filled: SqlStore) -> None:
    assert keys(filled, Group.NEEDS, organisation_ids=[1]) == ["3", "1"]
    assert keys(filled, Group.NEEDS, organisation_ids=[1], wide=True) == ["3"]
    assert keys(filled, project_id="id-shop") == ["1"]
    assert keys(filled, organisation_ids=[]) == []


def test_groups_are_paged_without_a_gap_or_a_repeat(filled: SqlStore) -> None:
    whole, paged = keys(filled), []
    last: Incident | None = None
    while True:
        query = IncidentQuery(NOW, limit=2, after=(last.severity, last.id) if last else None)
        with filled.reading() as view:
            page = view.attention(query)
        if not page:
            break
        paged += [found.key for found in page]
        last = page[-1]
    assert paged == whole == ["9", "2", "5", "8", "7", "6", "4", "3", "1"]


def test_what_is_not_resolved_is_counted(filled: SqlStore) -> None:
    with filled.reading() as view:
        assert view.attention_counts(None, NOW) == {
            (Group.NEEDS, "critical"): 1,
            (Group.NEEDS, "strange"): 1,
            (Group.NEEDS, "warning"): 3,
            (Group.ACKNOWLEDGED, "warning"): 1,
            (Group.MUTED, "error"): 1,
            (Group.MUTED, "warning"): 1,
        }
        assert view.attention_counts([2], NOW) == {(Group.NEEDS, "critical"): 1}
        assert view.attention_counts([], NOW) == {}


def test_what_was_said_of_an_incident_is_found_by_its_number(filled: SqlStore) -> None:
    with filled.writing() as tx:
        for key in ("incident:1:opened", "incident:11:opened", "incident:1:resolved", "digest:1:x"):
            tx.enqueue([notice(key)], ["log", "mail"])
    with filled.reading() as view:
        said = view.incident_notices(1, 10)
        assert [(one.notice.key, one.channel) for one in said] == [
            ("incident:1:resolved", "mail"),
            ("incident:1:resolved", "log"),
            ("incident:1:opened", "mail"),
            ("incident:1:opened", "log"),
        ]
        assert len(view.incident_notices(1, 3)) == 3
        assert view.incident_notices(2, 10) == []


EVENTS = [
    Event("project.moved", after(1), "heartbeat", "id-shop", 1),
    Event("repository.absent", after(2), "heartbeat", "id-shop", 1),
    Event("project.moved", after(3), "user:anna", "id-shop", 1),
    Event("organisation.frozen", after(4), "local:root", None, 1),
    Event("incident.opened", after(5), "heartbeat", None, 2),
    Event("project.moved", after(6), "user:ann%a", "id-shop", 2),
]


@pytest.mark.parametrize(
    ("wanted", "positions"),
    [
        ({"kinds": ["project.moved"]}, [1, 3, 6]),
        ({"kinds": ["project.moved"], "organisation_ids": [1]}, [1, 3]),
        ({"actors": ["user:"]}, [3, 6]),
        ({"actors": ["user:", "local:"]}, [3, 4, 6]),
        ({"actors": ["user:ann%a"]}, [6]),
        ({"actors": ["heartbeat"], "wide": True}, [5]),
        ({"wide": True, "organisation_ids": [1, 2]}, [4, 5]),
        ({"since": after(3), "until": after(4)}, [3, 4]),
        ({"since": after(2), "project_id": "id-shop", "limit": 2}, [2, 3]),
        ({"kinds": ["project.moved"], "before": 6, "limit": 1}, [3]),
        ({"kinds": ["project.moved"], "after": 1, "limit": 1}, [3]),
    ],
)
def test_events_are_narrowed(store: SqlStore, wanted: dict[str, Any], positions: list[int]) -> None:
    connect(store)
    with store.writing() as tx:
        tx.append([replace(event) for event in EVENTS])
    store.publish()
    with store.reading() as view:
        assert [event.position for event in view.events(**wanted)] == positions
