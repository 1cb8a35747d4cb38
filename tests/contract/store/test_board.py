"""Many projects at once, as faces show them, on both databases."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, text

from steward.adapters.store import open_store, upgrade
from steward.adapters.store.engine import connect as open_database
from steward.adapters.store.migrate import run
from steward.adapters.store.rows import project_row
from steward.adapters.store.schema import metadata, projects
from steward.adapters.store.store import SqlStore
from steward.adapters.store.view import written_columns
from steward.domain.hands import Hold, Reason
from steward.domain.lifecycle import Move, Position, phase_shown
from steward.domain.project import Management, Project
from steward.domain.repository import Presence
from steward.domain.status import INTERRUPTIONS, Phase, Status, Trigger
from steward.ports import SORTS, ProjectQuery, Tally, Writes
from steward.ports.hands import Score
from tests.contract.store.kit import after, connect, incident, lost, project, record, row


def slugs(store: SqlStore, **query: Any) -> list[str]:
    """The slugs that a query lists."""
    with store.reading() as view:
        return [found.slug for found, _ in view.projects(ProjectQuery(**query))]


@pytest.fixture
def filled(store: SqlStore) -> SqlStore:
    """Six projects of two organisations, of several ages, owners and phases."""
    connect(store)
    connect(store, "Other")
    with store.writing() as tx:
        tx.add_projects(
            [
                project("ant", status=Status.DRAFT, owner="bob", entered_at=after(10)),
                project("bee", status=Status.ACTIVE, owner="ann", entered_at=after(20)),
                project("cat", status=Status.MISSING, interrupted=(Status.ACTIVE,), entered_at=after(30)),
                project("dog", status=Status.VERIFIED, owner="bob", entered_at=after(10), organisation_id=2),
                project("eel", status=Status.MAINTENANCE, entered_at=after(5), organisation_id=2),
                project("fox", management=Management.IGNORE, entered_at=after(20)),
            ]
        )
    return store


def test_filters_narrow_and_add_up(filled: SqlStore) -> None:
    assert slugs(filled, phases=["production"]) == ["bee", "cat"]
    assert slugs(filled, phases=["inception", "maintenance"]) == ["ant", "eel"]
    assert slugs(filled, owner="bob") == ["ant", "dog"]
    assert slugs(filled, owner="") == ["cat", "eel", "fox"]
    assert slugs(filled, entered_before=after(20)) == ["ant", "dog", "eel"]
    assert slugs(filled, waiting={1: ["draft"], 2: ["verified", "draft"]}) == ["ant", "dog"]
    assert slugs(filled, waiting={}) == []
    assert slugs(filled, owner="bob", organisation_ids=[2], phases=["construction"]) == ["dog"]


ORDERS = {
    "slug": ["ant", "bee", "cat", "dog", "eel", "fox"],
    "status": ["ant", "fox", "dog", "bee", "eel", "cat"],
    "since": ["eel", "ant", "dog", "bee", "fox", "cat"],
    "owner": ["cat", "eel", "fox", "bee", "ant", "dog"],
}


@pytest.mark.parametrize("sort", ORDERS)
def test_every_order_is_paged_without_a_gap_or_a_repeat(filled: SqlStore, sort: str) -> None:
    values = {"status": "status", "since": "entered_at", "owner": "owner", "slug": "slug"}
    assert slugs(filled, sort=sort) == ORDERS[sort]
    for descending in (False, True):
        whole = slugs(filled, sort=sort, descending=descending)
        paged: list[str] = []
        last, value = "", ""
        while True:
            query = ProjectQuery(sort=sort, descending=descending, after=value, after_slug=last, limit=2)
            with filled.reading() as view:
                page = [found for found, _ in view.projects(query)]
            if not page:
                break
            paged += [found.slug for found in page]
            last, shown = page[-1].slug, getattr(page[-1], values[sort])
            value = shown.isoformat(timespec="microseconds") if sort == "since" else str(shown or "")
        assert paged == whole
        assert sorted(paged) == ORDERS["slug"]


def test_equal_values_are_in_the_order_of_slugs_either_way(filled: SqlStore) -> None:
    assert slugs(filled, sort="owner", descending=True) == ["ant", "dog", "bee", "cat", "eel", "fox"]
    assert set(SORTS) == {*ORDERS, "updated", "readiness"}
    assert slugs(filled, sort="updated") == ORDERS["slug"]


def score(tx: Writes, **percents: int) -> None:
    """Give projects scores, by slug."""
    tx.save_scores([Score(f"id-{slug}", percent, (), after(0)) for slug, percent in percents.items()])


def test_by_readiness_what_has_no_score_comes_last_either_way(filled: SqlStore) -> None:
    with filled.writing() as tx:
        score(tx, dog=80, ant=100, cat=80, fox=0)
        percents = {
            key: found.percent for key, found in tx.scores([f"id-{s}" for s in ORDERS["slug"]]).items()
        }
    orders = {
        False: ["fox", "cat", "dog", "ant", "bee", "eel"],
        True: ["ant", "cat", "dog", "fox", "bee", "eel"],
    }
    for descending, whole in orders.items():
        assert slugs(filled, sort="readiness", descending=descending) == whole
        paged: list[str] = []
        for _ in range(6):
            last = paged[-1] if paged else ""
            value = str(percents.get(f"id-{last}", ""))
            paged += slugs(
                filled, sort="readiness", descending=descending, after=value, after_slug=last, limit=1
            )
        assert paged == whole
        assert slugs(filled, sort="readiness", descending=descending, after_slug="eel") == []
    assert slugs(filled, sort="readiness", text="a") == ["cat", "ant"], "a text is sought in the same list"


def test_projects_are_found_by_their_score_and_by_what_holds_them(filled: SqlStore) -> None:
    with filled.writing() as tx:
        score(tx, dog=80, ant=100, cat=79, fox=0)
        tx.save_hold(Hold("id-cat", 1, Reason.FOREIGN, "someone pushed", after(0), "watch"))
        tx.save_hold(Hold("id-cat", 1, Reason.PAUSED, "wait", after(0), "user:anna"))
        gone = Hold("id-dog", 2, Reason.PAUSED, "wait", after(0), "user:anna", lifted_at=after(1))
        tx.save_hold(gone)
    assert slugs(filled, ready_below=80) == ["cat", "fox"]
    assert slugs(filled, ready_from=80) == ["ant", "dog"]
    assert slugs(filled, ready_from=79, ready_below=100) == ["cat", "dog"]
    assert slugs(filled, held=True) == ["cat"]
    assert slugs(filled, held=False) == ["ant", "bee", "dog", "eel", "fox"]
    assert slugs(filled, held=True, ready_from=80) == []
    assert slugs(filled, ready_from=79, sort="readiness", descending=True) == ["ant", "dog", "cat"]
    assert slugs(filled, ready_from=50, sort="readiness", text="a") == ["cat", "ant"]
    with filled.reading() as view:
        assert [t.number for t in view.tallies(ProjectQuery(held=True), after(0))] == [1]
        assert view.troubled(ProjectQuery(ready_from=80), 5) == (0, [])
        assert view.troubled(ProjectQuery(held=True), 5)[0] == 1
        windows = view.windows(ProjectQuery(ready_below=80), 5)
        assert {phase: len(found) for phase, found in windows.items()} == {
            "production": 1,
            "materialization": 1,
        }


def test_projects_are_counted_by_what_tells_them_apart(filled: SqlStore) -> None:
    with filled.reading() as view:
        counted = view.tallies(ProjectQuery(organisation_ids=[1]), after(20))
        assert sorted(counted, key=lambda tally: tally.status) == [
            Tally(1, "production", "active", "watch", 1, 0),
            Tally(1, "materialization", "discovered", "ignore", 1, 0),
            Tally(1, "inception", "draft", "watch", 1, 1),
            Tally(1, "production", "missing", "watch", 1, 0),
        ]
        assert sum(t.number for t in view.tallies(ProjectQuery(text="a"), after(0))) == 2
        assert view.tallies(ProjectQuery(text="nothing"), after(0)) == []


def test_a_window_per_phase_holds_the_newest(filled: SqlStore) -> None:
    with filled.writing() as tx:
        tx.add_projects([project(f"a-{n}", status=Status.ACTIVE, entered_at=after(n)) for n in range(40)])
    with filled.reading() as view:
        windows = view.windows(ProjectQuery(statuses=["active", "draft"]), 3)
        assert {phase: [p.slug for p, _ in found] for phase, found in windows.items()} == {
            "inception": ["ant"],
            "production": ["a-39", "a-38", "a-37"],
        }
        assert list(view.windows(ProjectQuery(phases=["production"]), 3)) == ["production"]


def test_what_is_in_trouble_comes_worst_first(filled: SqlStore) -> None:
    with filled.writing() as tx:
        tx.add_projects([project("gnu", repository_id=7), project("hen", repository_id=8)])
        tx.save_incident(incident("a", project_id="id-eel", severity="critical", organisation_id=2))
        tx.save_incident(incident("b", project_id="id-eel", severity="info"))
        tx.save_incident(incident("c", project_id="id-bee", severity="critical", state="resolved"))
        tx.save_incident(incident("d", project_id="id-cat", severity="error", state="acknowledged"))
        tx.save_incident(incident("e", organisation_id=1))
    record(filled, row(7, project_id="id-gnu", presence=Presence.ABSENT, absences=1))
    record(filled, row(8, project_id="id-hen"))
    with filled.reading() as view:
        count, found = view.troubled(ProjectQuery(), 10)
        assert (count, [p.slug for p, _ in found]) == (3, ["eel", "cat", "gnu"])
        assert found[2][1] is not None
        assert found[2][1].absences == 1
        count, found = view.troubled(ProjectQuery(), 1)
        assert (count, [p.slug for p, _ in found]) == (3, ["eel"])
        assert view.troubled(ProjectQuery(organisation_ids=[1], text="cat"), 5)[0] == 1
        assert view.troubled(ProjectQuery(statuses=["draft"]), 5) == (0, [])
        worst = view.worst_incidents(["id-eel", "id-bee", "id-cat", "id-ant"])
        assert {key: (i.key, i.severity) for key, i in worst.items()} == {
            "id-eel": ("a", "critical"),
            "id-cat": ("d", "error"),
        }
        assert view.worst_incidents([]) == {}


def test_an_archived_project_whose_loss_was_concluded_is_in_no_trouble(filled: SqlStore) -> None:
    with filled.writing() as tx:
        tx.add_projects(
            [project("old", repository_id=9, status=Status.ARCHIVED, interrupted=(Status.ACTIVE,))]
        )
    record(filled, lost(9, 5, project_id="id-old"))
    with filled.reading() as view:
        assert view.troubled(ProjectQuery(), 5)[0] == 1


def test_owners_are_listed_by_name(filled: SqlStore) -> None:
    with filled.reading() as view:
        assert view.owners(None, 10) == ["ann", "bob"]
        assert view.owners([2], 10) == ["bob"]
        assert view.owners(None, 1) == ["ann"]


def test_the_phase_is_stored_with_every_move(filled: SqlStore) -> None:
    read = project("bee", status=Status.ACTIVE, owner="ann", entered_at=after(20))
    gone = Move(Trigger.REPOSITORY_GONE, read.position, Position(Status.MISSING, (Status.ACTIVE,)))
    with filled.writing() as tx:
        moved = tx.move(read, gone, after(40))
        position = Position(Status.ARCHIVED, (Status.ACTIVE, Status.MISSING))
        tx.move(moved, Move(Trigger.ARCHIVED, moved.position, position), after(50))
        back = project("eel", status=Status.MAINTENANCE, entered_at=after(5), organisation_id=2)
        tx.move(back, Move(Trigger.NEW_SPEC, back.position, Position(Status.DESIGNING)), after(60))
    with filled.reading() as view:
        for found, _ in view.projects(ProjectQuery()):
            of_phase = [p.slug for p, _ in view.projects(ProjectQuery(phases=[phase_shown(found.position)]))]
            assert found.slug in of_phase
    assert slugs(filled, phases=["production"]) == ["bee", "cat"]
    assert slugs(filled, phases=["construction"]) == ["dog", "eel"]
    with filled.database.reading() as connection:
        assert connection.execute(text("SELECT COUNT(*) FROM projects WHERE phase = ''")).scalar() == 0


def test_projects_of_an_older_schema_get_the_phase_that_faces_show(store_url: str) -> None:
    """Every status, and every interruption of it, recorded before there was such a column."""
    stacks: list[tuple[Status, tuple[Status, ...]]] = [
        (status, ()) for status in Status if status not in INTERRUPTIONS
    ]
    stacks += [
        (wrong, (status,)) for wrong in sorted(INTERRUPTIONS) for status in Status if status is not wrong
    ]
    stacks += [(Status.ARCHIVED, (Status.ACTIVE, Status.ERROR, Status.MISSING))]
    database = open_database(store_url, create=True)
    with database.writing() as connection:
        metadata.drop_all(connection)
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
    with database.writing() as connection:
        run(connection, "0001")
        fields = (
            "login, server, aliases, state, reason, baseline, revision, marks_credential, last_whole_look"
        )
        values = "'acme', 'x', '[]', 'ok', '', true, 0, '', 0"
        connection.execute(text(f"INSERT INTO organisations ({fields}) VALUES ({values})"))
        for number, (status, stack) in enumerate(stacks):
            record_before(connection, replace(project(f"p-{number}"), status=status, interrupted=stack))
    database.close()
    upgrade(store_url)
    store = open_store(store_url)
    with store.reading() as view:
        found = [found for found, _ in view.projects(ProjectQuery())]
        assert len(found) == len(stacks)
        for phase in Phase:
            shown = {p.id for p, _ in view.projects(ProjectQuery(phases=[phase]))}
            assert shown == {p.id for p in found if phase_shown(p.position) == phase}
    store.close()


def record_before(connection: Connection, made: Project) -> None:
    """Insert a project as the first schema had it."""
    names = written_columns(projects)[:17]
    assert names[-1] == "title_key"
    slots = ", ".join(f":{name}" for name in names)
    statement = text(f"INSERT INTO projects ({', '.join(names)}) VALUES ({slots})")
    connection.execute(statement, dict(zip(names, project_row(made)[:17], strict=True)))
