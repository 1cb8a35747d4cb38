"""Users, passes, the audit log and kept answers, on both databases."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from steward.adapters.store.store import SqlStore
from steward.domain.people import AuditLine, Grant, Pass, PassKind, Right, Role, User
from steward.ports import Answer, Conflict, SchemaMismatch
from tests.contract.store.kit import NOW, adopt, after, connect, happened


def user(name: str, **more: Any) -> User:
    """A user who may do nothing yet."""
    return replace(User(0, name, NOW), **more)


def token(user_id: int, digest: str, **more: Any) -> Pass:
    """A token that is good for an hour."""
    return replace(Pass(0, PassKind.TOKEN, user_id, digest, NOW, after(3600), "ci"), **more)


def add(store: SqlStore, *users: User) -> list[User]:
    """Store users."""
    with store.writing() as tx:
        return [tx.add_user(one) for one in users]


def test_a_user_comes_back_as_it_was_saved(store: SqlStore) -> None:
    connect(store)
    grants = (Grant(Role.VIEWER), Grant(Role.APPROVER, 1))
    (anna, boris) = add(store, user("anna", grants=grants, full_name="Анна", lang="ru"), user("boris"))
    assert 0 < anna.id < boris.id
    changed = replace(boris, grants=(Grant(Role.ADMIN),), disabled_at=after(1), full_name="B.", lang="en")
    with store.writing() as tx:
        tx.save_user(changed)
        assert tx.users() == [anna, changed]
        assert tx.user("boris") == changed
        assert tx.user("clara") is None


def test_a_name_is_given_once_and_nobody_is_saved_who_is_not_there(store: SqlStore) -> None:
    add(store, user("anna"))
    with pytest.raises(Conflict, match="anna"), store.writing() as tx:
        tx.add_user(user("anna"))
    with pytest.raises(Conflict, match="not recorded"), store.writing() as tx:
        tx.save_user(user("clara", id=99))


def test_a_pass_is_found_by_its_digest_with_its_user(store: SqlStore) -> None:
    connect(store)
    (anna,) = add(store, user("anna"))
    narrow = token(
        anna.id,
        "d1",
        rights=frozenset({Right.READ, Right.LOOK}),
        organisation_id=1,
        used_at=after(1),
        ended_at=after(2),
        made_by="local:anna",
    )
    with store.writing() as tx:
        kept, none = tx.add_pass(narrow), tx.add_pass(token(anna.id, "d2", rights=frozenset()))
        assert tx.pass_by_digest("d1") == (kept, anna)
        assert kept == replace(narrow, id=kept.id)
        assert tx.pass_by_digest("d2") == (none, anna), "no right at all is not every right"
        assert tx.pass_by_digest("d3") is None


def test_passes_are_listed_newest_first_by_user_and_kind(store: SqlStore) -> None:
    anna, boris = add(store, user("anna"), user("boris"))
    with store.writing() as tx:
        one = tx.add_pass(token(anna.id, "1"))
        two = tx.add_pass(token(boris.id, "2", kind=PassKind.SESSION))
        three = tx.add_pass(token(anna.id, "3", kind=PassKind.LINK))
        assert tx.passes() == [three, two, one]
        assert tx.passes(anna.id) == [three, one]
        assert tx.passes(kinds=[PassKind.SESSION, PassKind.TOKEN]) == [two, one]
        assert tx.passes(anna.id, ["session"]) == []


def test_a_right_of_a_newer_steward_allows_less_not_more(store: SqlStore) -> None:
    (anna,) = add(store, user("anna"))
    with store.writing() as tx:
        tx.add_pass(token(anna.id, "1", rights=frozenset({Right.READ})))
        tx._write(text("""UPDATE passes SET rights = '["fly", "read"]'"""))
        assert tx.passes()[0].rights == frozenset({Right.READ})
        tx._write(text("""UPDATE users SET grants = '[["emperor", null]]'"""))
    with pytest.raises(SchemaMismatch, match="anna"), store.reading() as view:
        view.users()


def test_a_link_is_used_once_however_many_try(store: SqlStore) -> None:
    (anna,) = add(store, user("anna"))
    with store.writing() as tx:
        link = tx.add_pass(token(anna.id, "1", kind=PassKind.LINK))
        session = tx.add_pass(token(anna.id, "2", kind=PassKind.SESSION))
    won: list[bool] = []
    start = threading.Barrier(4)

    def try_it() -> None:
        start.wait()
        with store.writing() as tx:
            won.append(tx.use_pass(link.id, after(1), once=True))

    threads = [threading.Thread(target=try_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False, False, False, True]
    with store.writing() as tx:
        assert tx.use_pass(session.id, after(1))
        assert tx.use_pass(session.id, after(2))
        assert tx.passes(kinds=["session"])[0].used_at == after(2)
        assert tx.passes(kinds=["link"])[0].used_at == after(1)
        assert not tx.use_pass(999, after(1))


def test_passes_end_once(store: SqlStore) -> None:
    (anna,) = add(store, user("anna"))
    with store.writing() as tx:
        made = [tx.add_pass(token(anna.id, digest)) for digest in "abc"]
        assert tx.end_passes([made[0].id], after(1)) == 1
        assert tx.end_passes([one.id for one in made[:2]] + [99], after(2)) == 1
        assert [one.ended_at for one in reversed(tx.passes())] == [after(1), after(2), None]
        assert not tx.use_pass(made[0].id, after(3), once=True)


def line(action: str, seconds: float = 0, **more: Any) -> AuditLine:
    """An audit line of an act that was done."""
    return replace(AuditLine(after(seconds), "user:anna", action, "done"), **more)


def test_audit_lines_are_only_added_and_read_newest_first(store: SqlStore) -> None:
    full = line("b", 1, right="read", target="shop", reason="\x00no", request="r-1", address="127.0.0.1")
    with store.writing() as tx:
        tx.add_audit([line("a"), full, line("c", 2)])
        lines = tx.audit_lines(limit=2)
        assert [one.action for one in lines] == ["c", "b"]
        assert lines[1] == replace(full, reason="\ufffdno", id=lines[1].id)
        assert [one.action for one in tx.audit_lines(before=lines[1].id)] == ["a"]
    with pytest.raises(Exception, match="only ever added"), store.writing() as tx:
        tx._write(text("UPDATE audit SET actor = 'user:boris'"))


def test_an_answer_is_claimed_once_per_actor_and_kept(store: SqlStore) -> None:
    claim = Answer("k", "user:anna", "f", NOW)
    with store.writing() as tx:
        assert tx.begin_answer(claim)
        assert not tx.begin_answer(replace(claim, fingerprint="other"))
        assert tx.begin_answer(replace(claim, actor="user:boris"))
        assert tx.answer("k", "user:anna") == claim
        done = replace(claim, status=201, body='{"a": 1}')
        tx.save_answer(done)
        assert tx.answer("k", "user:anna") == done
        tx.drop_answer("k", "user:anna")
        assert tx.answer("k", "user:anna") is None
        assert tx.answer("k", "user:boris") is not None


def test_who_ordered_a_project_is_told_and_nobody_ordered_a_discovered_one(store: SqlStore) -> None:
    connect(store)
    adopt(store, "shop", 1)
    with store.writing() as tx:
        found = replace(happened("x", project_id="id-shop"), kind="project.moved")
        tx.append([replace(found, data={"trigger": "discovered"})])
        ordered = replace(happened("y", project_id="id-new"), kind="project.moved", actor="user:anna")
        tx.append([replace(ordered, data={"trigger": "ordered"})])
        assert tx.orderer("id-shop") is None
        assert tx.orderer("id-new") == "user:anna"
        assert tx.orderer("id-none") is None


def test_what_is_of_no_use_any_more_is_forgotten(store: SqlStore) -> None:
    (anna,) = add(store, user("anna"))
    with store.writing() as tx:
        tx.add_pass(token(anna.id, "expired", expires_at=after(1)))
        ended = tx.add_pass(token(anna.id, "ended", expires_at=after(9999)))
        tx.end_passes([ended.id], after(1))
        good = tx.add_pass(token(anna.id, "good", expires_at=after(9999)))
        tx.add_audit([line("old"), line("new", 50)])
        tx.begin_answer(Answer("old", "a", "f", NOW))
        tx.begin_answer(Answer("new", "a", "f", after(50)))
        assert tx.prune_access(after(10), after(10), after(10)) == 4
        assert tx.passes() == [good]
        assert [one.action for one in tx.audit_lines()] == ["new"]
        assert tx.answer("old", "a") is None
        assert tx.answer("new", "a") is not None
