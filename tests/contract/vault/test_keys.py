"""Where the master key comes from, and what is refused as one; files under a passphrase."""

from __future__ import annotations

import logging
import stat
from pathlib import Path

import pytest

from steward.adapters.vault import MasterKeys, parsed
from steward.adapters.vault.cipher import COST, HEADER, lock, unlock
from steward.adapters.vault.keys import written
from steward.ports import Permanent
from tests.contract.vault.kit import CHEAP

KEY = written(bytes(range(32)))
OLD = written(bytes(32))


def test_a_key_is_made_once_for_its_owner_alone_and_a_person_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    keys = MasterKeys(tmp_path / "state" / "master.key")
    assert keys.all() == []
    with caplog.at_level(logging.WARNING):
        (made,) = keys.make()
    assert "steward secret key --backed-up" in caplog.text
    assert written(made) not in caplog.text
    file = tmp_path / "state" / "master.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert MasterKeys(file).make() == [made], "what is there stays"
    assert list(file.parent.iterdir()) == [file], "nothing is left lying about"


def test_a_new_key_stands_before_the_present_ones(tmp_path: Path) -> None:
    keys = MasterKeys(tmp_path / "master.key")
    (old,) = keys.make()
    keys.renew()
    found = MasterKeys(tmp_path / "master.key").all()
    assert (len(found), found[1]) == (2, old)
    assert stat.S_IMODE((tmp_path / "master.key").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "short", KEY[:-1], KEY + "AA", KEY.replace("A", "!"), f"{KEY} nonsense"]
)
def test_what_is_no_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(Permanent) as refused:
        parsed(text, "the file")
    assert "the file" in refused.value.reason
    assert not [word for word in text.split() if len(word) > 8 and word in str(refused.value)]


def test_keys_come_from_the_setting_or_its_file_and_are_not_written_to(tmp_path: Path) -> None:
    file = tmp_path / "given.key"
    file.write_text(f"# two keys\n{KEY}\n{OLD}=\n")
    file.chmod(0o640)
    for keys in (
        MasterKeys(tmp_path / "own", named=file),
        MasterKeys(tmp_path / "own", fixed=f"{KEY}, {OLD}"),
    ):
        assert keys.make() == [bytes(range(32)), bytes(32)]
        assert not keys.is_own
        with pytest.raises(Permanent, match="does not write"):
            keys.renew()
    assert not (tmp_path / "own").exists()


def test_a_key_that_everybody_can_get_at_or_nobody_or_that_is_not_there_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    file.write_text(KEY)
    file.chmod(0o604)
    with pytest.raises(Permanent, match=r"everybody on this machine.*chmod 600"):
        MasterKeys(file).make()
    with pytest.raises(Permanent, match="is not there"):
        MasterKeys(tmp_path / "own", named=tmp_path / "nowhere").all()
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o700)
    with pytest.raises(Permanent, match="cannot be read"):
        MasterKeys(folder).all()
    file.write_bytes(b"\xff\xfe")
    file.chmod(0o600)
    with pytest.raises(Permanent, match="it is no text"):
        MasterKeys(file).all()
    assert not list(folder.iterdir())


def test_a_file_under_a_passphrase_opens_with_it_alone() -> None:
    assert COST == 17, "as OWASP says; what is cheap is for tests alone"
    packed = lock(b"secrets", "correct horse battery", CHEAP)
    assert unlock(packed, "correct horse battery") == b"secrets"
    assert b"secrets" not in packed.removeprefix(HEADER)
    with pytest.raises(Permanent, match="does not open"):
        unlock(packed, "wrong horse battery")
    changed = packed[:-1] + bytes([packed[-1] ^ 1])
    for broken, words in (
        (b"", "no export"),
        (b"PK\x03\x04", "no export"),
        (b"steward-secrets-9\n" + packed[len(HEADER) :], "newer"),
        (HEADER + b"\x1f" + packed[len(HEADER) + 1 :], "does not open"),
        (HEADER + bytes([CHEAP + 1]) + packed[len(HEADER) + 1 :], "does not open"),
        (packed[: len(HEADER) + 20], "cut short"),
        (packed[:-1], "does not open"),
        (changed, "does not open"),
    ):
        with pytest.raises(Permanent, match=words):
            unlock(broken, "correct horse battery")
