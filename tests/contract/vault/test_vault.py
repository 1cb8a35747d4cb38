"""What is kept comes back, and nothing else does: rows that were swapped, cut or edited are refused, and named."""

from __future__ import annotations

import base64
import gzip
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from steward.adapters.store import backup, open_store, restore
from steward.adapters.store.schema_vault import vault_keys, vault_values
from steward.adapters.store.store import SqlStore
from steward.adapters.vault import KeptVault
from steward.adapters.vault.cipher import bound_value, decrypt, encrypt, key_id, new_key
from steward.domain.needs import Sort
from steward.domain.vault import Place, Waiver
from steward.ports import Permanent
from steward.ports.vault import Damaged
from tests.contract.store.kit import NOW, after
from tests.contract.vault.kit import MARKET, SECRET, SHOP, kept, prepared, vault_at


@pytest.fixture
def shop(store: SqlStore) -> SqlStore:
    return prepared(store)


@pytest.fixture
def vault(tmp_path: Path) -> KeptVault:
    return vault_at(tmp_path)


def keep(store: SqlStore, vault: KeptVault, name: str, value: str = SECRET, **more: Any) -> None:
    with store.writing() as tx:
        vault.keep(tx, replace(kept(name), **more), value)


def values(store: SqlStore, vault: KeptVault, project_id: str = SHOP, place: Place = Place.RUN) -> Any:
    with store.reading() as view:
        return vault.values(view, project_id, place)


def test_what_is_kept_comes_back_for_its_place_alone(
    shop: SqlStore, vault: KeptVault, tmp_path: Path
) -> None:
    keep(shop, vault, "API_KEY")
    keep(shop, vault, "CI_TOKEN", "ci value\n", places=frozenset(Place))
    keep(shop, vault, "MODE", "прод", sort=Sort.VARIABLE)
    again = vault_at(tmp_path)
    for one in (vault, again):
        assert values(shop, one) == {"API_KEY": SECRET, "CI_TOKEN": "ci value\n", "MODE": "прод"}
        assert values(shop, one, place=Place.CHECKS) == {"CI_TOKEN": "ci value\n"}
        assert values(shop, one, MARKET) == {}
    with shop.reading() as view:
        assert vault.all_values(view, SHOP) == [SECRET, "ci value\n"]
        assert vault.values(view, SHOP, Place.RUN, ["MODE"]) == {"MODE": "прод"}
        found = {one.name: one for one in vault.kept(view, SHOP)}
    assert [found[name].length for name in ("API_KEY", "MODE")] == [0, 8], (
        "the length of a secret is not kept"
    )
    assert SECRET not in repr(found)


def test_a_change_counts_and_is_to_be_sent_anew(shop: SqlStore, vault: KeptVault) -> None:
    keep(shop, vault, "API_KEY", "first value")
    with shop.writing() as tx:
        (first,) = vault.kept(tx, SHOP)
        assert vault.sent(tx, replace(first, sent_at=after(5)))
    keep(shop, vault, "API_KEY", "second value")
    with shop.writing() as tx:
        (second,) = vault.kept(tx, SHOP)
        assert (first.version, second.version, second.sent_at) == (1, 2, None)
        assert not vault.sent(tx, replace(first, sent_at=after(6))), "what was sent is not what is kept now"
        assert vault.drop(tx, SHOP, "API_KEY")
        assert not vault.drop(tx, SHOP, "API_KEY")
    assert values(shop, vault) == {}


def test_waivers_and_uses_are_kept(shop: SqlStore, vault: KeptVault) -> None:
    waiver = Waiver(SHOP, "OLD", "not read any more", "user:anna", NOW)
    with shop.writing() as tx:
        vault.waive(tx, waiver)
        vault.used(tx, SHOP, ["B", "A"], "deploy", "operation:1")
    with shop.writing() as tx:
        assert vault.waivers(tx, SHOP) == [waiver]
        assert [(use.name, use.used_for, use.by) for use in tx.vault_uses(SHOP)] == [
            ("B", "deploy", "operation:1"),
            ("A", "deploy", "operation:1"),
        ]
        assert vault.unwaive(tx, SHOP, "OLD")
        assert not vault.unwaive(tx, SHOP, "OLD")


EDITS: dict[str, Any] = {
    "name": "OTHER",
    "sort": "variable",
    "places": "checks,run",
    "set_at": after(1).isoformat(timespec="microseconds"),
    "set_by": "user:mallory",
    "generated": True,
    "length": 9,
    "version": 7,
    "key_version": 2,
    "cipher": b"",
    "project_id": MARKET,
}


def test_every_column_has_its_edit() -> None:
    assert {*EDITS, "sent_at"} == {column.name for column in vault_values.columns}


def test_an_edited_row_is_refused_and_named_whatever_was_edited(shop: SqlStore, vault: KeptVault) -> None:
    for column, value in EDITS.items():
        keep(shop, vault, "API_KEY")
        keep(shop, vault, "HERS", project_id=MARKET)
        edit = update(vault_values).where(vault_values.c.project_id == SHOP, vault_values.c.name == "API_KEY")
        with shop.writing() as tx:
            tx._write(edit.values({column: value}))
        home = MARKET if column == "project_id" else SHOP
        with pytest.raises(Damaged) as refused, shop.reading() as view:
            vault.contents(view, home)
        name = "OTHER" if column == "name" else "API_KEY"
        assert (refused.value.project_id, refused.value.name) == (home, name), column
        assert SECRET not in str(refused.value)
        with shop.writing() as tx:
            tx.drop_vault_value(home, name)


def test_ciphers_that_were_swapped_cut_or_changed_are_refused(shop: SqlStore, vault: KeptVault) -> None:
    keep(shop, vault, "A")
    keep(shop, vault, "B", "another value")
    keep(shop, vault, "A", "hers", project_id=MARKET)
    with shop.reading() as view:
        a, b = view.vault_values(SHOP)
        (hers,) = view.vault_values(MARKET)
    flipped = bytes([a.cipher[0] ^ 1]) + a.cipher[1:]
    for cipher in (b.cipher, hers.cipher, a.cipher[:-1], a.cipher[:20], b"", flipped, a.cipher + b"\0"):
        with shop.writing() as tx:
            tx.save_vault_value(replace(a, cipher=cipher))
        with pytest.raises(Damaged), shop.reading() as view:
            vault.values(view, SHOP, Place.RUN)
    assert values(shop, vault, MARKET) == {"A": "hers"}, "the others are as they were"


def test_a_data_key_that_was_swapped_edited_or_dropped_is_refused(
    shop: SqlStore, vault: KeptVault, tmp_path: Path
) -> None:
    keep(shop, vault, "A")
    keep(shop, vault, "A", "hers", project_id=MARKET)
    with shop.reading() as view:
        mine, hers = view.vault_key(SHOP), view.vault_key(MARKET)
    assert mine is not None
    assert hers is not None
    for edited in (
        replace(mine, wrapped=hers.wrapped),
        replace(mine, version=2),
        replace(mine, wrapped=mine.wrapped[:-1]),
        replace(mine, wrapped=b""),
    ):
        with shop.writing() as tx:
            tx.save_vault_key(edited)
        with pytest.raises(Damaged):
            values(shop, vault_at(tmp_path))
    with shop.writing() as tx:
        tx.drop_vault_key(SHOP)
    with pytest.raises(Damaged):
        values(shop, vault)
    with pytest.raises(Damaged):
        keep(shop, vault, "B")


def test_nothing_is_bound_loosely() -> None:
    one, other = kept("A"), kept("A", by='user:anna", true')
    key = new_key()
    cipher = encrypt(key, b"x", bound_value(one, 1))
    assert decrypt(key, cipher, bound_value(one, 1)) == b"x"
    assert len({bound_value(one, 1), bound_value(one, 11), bound_value(other, 1)}) == 3
    assert encrypt(key, b"x", b"") != encrypt(key, b"x", b"")


def test_another_master_key_and_a_lost_one_are_refused_and_nothing_is_written_over(
    shop: SqlStore, vault: KeptVault, tmp_path: Path
) -> None:
    keep(shop, vault, "A")
    name, _ = vault.master()
    elsewhere = tmp_path / "elsewhere"
    lost = vault_at(elsewhere)
    for act in (lambda: values(shop, lost), lambda: keep(shop, lost, "B"), lambda: begin(shop, lost)):
        with pytest.raises(Permanent, match=f"{name}.*is lost"):
            act()
    assert not (elsewhere / "master.key").exists(), "none is made where one is lost"
    elsewhere.mkdir()
    (elsewhere / "master.key").write_text("A" * 43)
    (elsewhere / "master.key").chmod(0o600)
    wrong = vault_at(elsewhere)
    for act in (lambda: values(shop, wrong), lambda: keep(shop, wrong, "B", project_id=MARKET)):
        with pytest.raises(Permanent, match=f"not the one these secrets were kept under .id {name}"):
            act()
    assert values(shop, vault) == {"A": SECRET}
    with shop.writing() as tx:
        assert wrong.forget(tx, SHOP) == ["A"], "what cannot be read any more can be given up"
    keep(shop, wrong, "A", "anew")
    assert values(shop, wrong) == {"A": "anew"}


def begin(store: SqlStore, vault: KeptVault) -> None:
    with store.reading() as view:
        vault.begin(view)


def test_a_new_master_key_opens_what_there_was_and_a_crash_in_the_middle_loses_nothing(
    shop: SqlStore, vault: KeptVault, tmp_path: Path
) -> None:
    keep(shop, vault, "A")
    keep(shop, vault, "A", "hers", project_id=MARKET)
    elsewhere = vault_at(tmp_path)
    assert values(shop, elsewhere) == {"A": SECRET}
    old = vault.master()[0]
    new = vault.renew_master()
    with shop.writing() as tx:
        assert vault.rewrap(tx, SHOP)
    # Here the process dies: one project is under the new key, the other under the old one.
    with shop.reading() as view:
        assert view.vault_masters() == {old: 1, new: 1}
    for one in (vault, elsewhere, vault_at(tmp_path)):
        assert values(shop, one) == {"A": SECRET}
        assert values(shop, one, MARKET) == {"A": "hers"}
    keep(shop, elsewhere, "B", "kept by a process that knew the old key alone")
    with shop.writing() as tx:
        assert vault.rewrap(tx, MARKET)
        assert not vault.rewrap(tx, MARKET)
    assert vault.seal_keys()[0] == vault.seal_key() != vault.seal_keys()[1] == elsewhere.seal_keys()[-1]


def test_a_data_key_is_rotated_and_nothing_of_the_old_one_is_left(shop: SqlStore, vault: KeptVault) -> None:
    keep(shop, vault, "A")
    keep(shop, vault, "B", "b value")
    with shop.writing() as tx:
        before = tx.vault_values(SHOP)
        assert vault.rotate(tx, SHOP) == 2
        assert vault.rotate(tx, MARKET) == 0
        now = tx.vault_values(SHOP)
    assert values(shop, vault) == {"A": SECRET, "B": "b value"}
    assert [one.kept for one in now] == [one.kept for one in before]
    assert {one.key_version for one in now} == {2}
    with shop.writing() as tx:
        tx.save_vault_value(before[0])
    with pytest.raises(Damaged):
        values(shop, vault)


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.sampled_from(["rotate", "rewrap", "change"]), min_size=4, max_size=10))
def test_who_reads_while_keys_are_rotated_always_finds_the_value(
    store: SqlStore, tmp_path: Path, order: list[str]
) -> None:
    vault, reader = vault_at(tmp_path), vault_at(tmp_path)
    with store.reading() as view:
        known = view.organisations()
    if not known:
        prepared(store)
    keep(store, vault, "A", "value 0")
    with reading(store, reader) as wrong:
        for number, act in enumerate(order):
            if act == "change":
                keep(store, vault, "A", f"value {number}")
                continue
            if act == "rewrap":
                vault.renew_master()
            with store.writing() as tx:
                assert (vault.rotate(tx, SHOP) == 1) if act == "rotate" else vault.rewrap(tx, SHOP)
    assert wrong == []


@contextmanager
def reading(store: SqlStore, vault: KeptVault) -> Iterator[list[object]]:
    """Threads that read all the time; what they found that is no value."""
    wrong: list[object] = []
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            try:
                found = values(store, vault).get("A")
            except Permanent as error:
                found = str(error)
            if found is None or not found.startswith("value "):
                wrong.append(found)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield wrong
    finally:
        over.set()
        for thread in threads:
            thread.join()


def test_a_backup_holds_ciphertext_alone_and_opens_with_the_key_alone(
    shop: SqlStore, vault: KeptVault, store_url: str, tmp_path: Path
) -> None:
    keep(shop, vault, "A")
    backup(store_url, tmp_path / "b.gz")
    text = gzip.decompress((tmp_path / "b.gz").read_bytes())
    assert b"vault_values" in text
    assert SECRET.encode() not in text
    key = (tmp_path / "master.key").read_text().splitlines()[-1]
    assert key.encode() not in text
    other = f"sqlite:///{tmp_path}/other.db"
    restore(other, tmp_path / "b.gz")
    restored = open_store(other)
    assert values(restored, vault_at(tmp_path)) == {"A": SECRET}
    with pytest.raises(Permanent, match="is lost"):
        values(restored, vault_at(tmp_path / "nowhere"))
    restored.close()
    dump = "\n".join(sqlite3.connect(tmp_path / "other.db").iterdump())
    assert SECRET not in dump
    assert SECRET.encode().hex().upper() not in dump.upper()


def test_what_a_row_says_of_its_master_key_tells_nothing_of_it(shop: SqlStore, vault: KeptVault) -> None:
    keep(shop, vault, "A")
    with shop.reading() as view:
        row = view._first(select(vault_keys.c.master_id))
    assert row is not None
    assert row[0] == vault.master()[0]
    key = new_key()
    assert key_id(key) not in key.hex()


def test_a_redactor_hides_every_form_and_survives_what_cannot_be_opened(
    shop: SqlStore, vault: KeptVault
) -> None:
    keep(shop, vault, "A")
    keep(shop, vault, "MODE", "production", sort=Sort.VARIABLE)
    with shop.reading() as view:
        clean = vault.redactor(view, SHOP)
        assert vault.redactor(view, SHOP) is clean, "it is made once for what is kept"
    for form in (SECRET, SECRET.encode().hex(), base64.b64encode(b"xy" + SECRET.encode()).decode()):
        assert "planted" not in clean(form)
        assert clean(f"<{form}>") != f"<{form}>"
    assert clean("in production") == "in production"
    keep(shop, vault, "B", "another-secret")
    with shop.writing() as tx:
        a, b = tx.vault_values(SHOP)[:2]
        tx.save_vault_value(replace(a, cipher=b.cipher))
    with shop.reading() as view:
        assert vault.redactor(view, SHOP)(f"another-secret {SECRET}") == f"[secret] {SECRET}"
