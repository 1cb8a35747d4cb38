"""Which events are news of what, and who is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steward.domain.chats import Chat, ChatKind
from steward.domain.following import About, decides, hears, subjects
from steward.domain.journal import Event, Kind
from steward.domain.people import Grant, Principal, Role, rights_of
from steward.domain.status import Status

AT = datetime(2026, 3, 17, tzinfo=UTC)
EVENTS = st.lists(
    st.builds(
        Event,
        kind=st.sampled_from(list(Kind)),
        at=st.integers(0, 100).map(lambda minutes: AT + timedelta(minutes=minutes)),
        actor=st.just("test"),
        project_id=st.sampled_from([None, "a", "b"]),
        data=st.fixed_dictionaries(
            {},
            optional={
                "to": st.sampled_from(list(Status)).map(str),
                "incident_id": st.integers(1, 3),
                "number": st.integers(1, 3),
            },
        ),
    ),
    max_size=20,
)


def event(kind: str, project: str | None = "a", **data: object) -> Event:
    return Event(kind, AT, "test", project, 1, "", data)


@pytest.mark.parametrize(
    ("happened", "news"),
    [
        (event("project.moved", to="designing"), ["project"]),
        (event("project.moved", to="draft"), ["project", "gate draft"]),
        (event("project.moved", to="maintenance"), ["project", "gate maintenance"]),
        (event("project.moved", to="estimated"), ["project", "estimate"]),
        (event("estimate.made", version=1), ["project"]),
        (event("release.live", number=3), ["project", "live 3"]),
        (event("release.failed", number=3), ["project"]),
        (event("hold.placed"), ["project"]),
        (event("secret.set"), []),
        (event("repository.pushed"), []),
        (event("organisation.frozen", None), []),
        (event("incident.opened", None, incident_id=7), ["incident"]),
        (event("incident.opened", incident_id=7), ["incident", "project"]),
        (event("something.new"), ["project"]),
    ],
)
def test_what_an_event_is_news_of(happened: Event, news: list[str]) -> None:
    assert [f"{one.about} {one.detail}".strip() for one in subjects([happened])] == news


@given(events=EVENTS)
def test_each_subject_comes_once_with_its_newest_moment(events: list[Event]) -> None:
    found = subjects(events)
    assert len({one.key for one in found}) == len(found)
    assert all(one.at in {event.at for event in events} for one in found)


@given(events=EVENTS)
def test_events_that_come_twice_are_the_same_news(events: list[Event]) -> None:
    assert subjects([*events, *events]) == subjects(events)


@given(events=EVENTS, cut=st.integers(0, 20))
def test_batches_tell_of_all_that_one_would(events: list[Event], cut: int) -> None:
    parts = {one.key for part in (events[:cut], events[cut:]) for one in subjects(part)}
    assert parts == {one.key for one in subjects(events)}


def test_only_an_opening_is_news_by_itself() -> None:
    fresh = {
        kind: subjects([event(kind, None, incident_id=1)])[0].fresh
        for kind in Kind
        if kind.startswith("incident.")
    }
    assert {kind for kind, is_fresh in fresh.items() if is_fresh} == {
        Kind.INCIDENT_OPENED,
        Kind.INCIDENT_UNMUTED,
    }
    both = subjects(
        [
            event(Kind.INCIDENT_OPENED, None, incident_id=1),
            event(Kind.INCIDENT_ACKNOWLEDGED, None, incident_id=1),
        ]
    )
    assert [(one.about, one.fresh) for one in both] == [(About.INCIDENT, True)]


def person(role: Role | None, home: int | None = None) -> Principal:
    return Principal("user:x", rights_of((Grant(role, home),) if role else ()))


@pytest.mark.parametrize(
    ("follows", "home", "role", "told"),
    [
        (None, None, Role.VIEWER, True),
        (None, 1, Role.VIEWER, True),
        (None, 2, Role.VIEWER, False),
        (1, None, Role.VIEWER, True),
        (2, None, Role.VIEWER, False),
        (1, None, None, False),
    ],
)
def test_a_group_is_told_of_what_it_follows_and_its_connector_may_see(
    follows: int | None, home: int | None, role: Role | None, told: bool
) -> None:
    group = Chat(-1, ChatKind.GROUP, "x", AT, organisation_id=follows)
    assert hears(group, person(role, home), 1) is told


def test_a_person_is_told_of_what_they_may_see() -> None:
    chat = Chat(1, ChatKind.PRIVATE, "x", AT)
    assert hears(chat, person(Role.VIEWER, 1), 1)
    assert not hears(chat, person(Role.VIEWER, 1), 2)
    assert not hears(chat, person(Role.VIEWER, 1), None), "what is of the whole installation"
    assert hears(chat, person(Role.VIEWER), None)


def test_who_decides_is_who_may_give_the_word() -> None:
    assert decides(person(Role.APPROVER), 1, Status.DRAFT)
    assert not decides(person(Role.OPERATOR), 1, Status.DRAFT)
    assert not decides(person(Role.APPROVER, 2), 1, Status.DRAFT)
    assert not decides(person(Role.ADMIN), 1, Status.DESIGNING), "it waits for nobody"
