"""What people do with secrets, what deployments are given, and that a planted one is found nowhere else."""

from __future__ import annotations

import base64
import gzip
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

import pytest

from steward.adapters.deploy.redaction import Redactor
from steward.adapters.store import backup, open_store
from steward.adapters.vault import KeptVault, MasterKeys
from steward.app.errors import Forbidden, Invalid, Unknown
from steward.app.secret_files import SecretFiles
from steward.domain.agents import Outcome, RunResult
from steward.domain.lifecycle import Refused
from steward.domain.needs import Sort
from steward.domain.operations import Work
from steward.domain.people import Grant, Principal, Role, rights_of
from steward.domain.status import Status
from steward.domain.vault import GITHUB_MAX, VALUE_MAX, Place
from steward.ports import Permanent
from steward.ports.building import Deployed
from steward.ports.vault import SealedValue
from steward.testing.clock import FakeClock
from steward.testing.driven import Driven
from steward.testing.world import ANYONE
from tests.contract.vault.kit import CHEAP

KEY = "sk-planted/secret+key=4711"
FORMS = (KEY, base64.b64encode(KEY.encode()).decode(), quote(KEY, safe=""), KEY.encode().hex())
LEAK = " and ".join(FORMS)
PHRASE = "correct horse battery"


@pytest.fixture
def driven(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Driven]:
    """In memory, but for a test that names a place for its database."""
    store = open_store(getattr(request, "param", "sqlite://").format(folder=tmp_path), upgrade=True)
    vault = KeptVault(MasterKeys(tmp_path / "master.key"), FakeClock(), Redactor, CHEAP)
    made = Driven(store, tmp_path / "work", vault=vault)
    made.templates.environment = {
        "API_KEY": "user_secret",
        "SIGNING": "generated_secret",
        "PORT": "allocation",
    }
    yield made
    store.close()


def secrets(driven: Driven, by: Principal = ANYONE) -> SecretFiles:
    return driven.app.secrets(by)


def somebody(driven: Driven, role: Role) -> Principal:
    grant = Grant(role, driven.organisation().id)
    return Principal("user:olga", MappingProxyType(rights_of([grant])))


def test_a_deployment_waits_for_its_secrets_and_is_given_them_alone(driven: Driven) -> None:
    driven.live()
    assert driven.project().status is Status.VERIFIED, "it waits for what is lacking"
    assert secrets(driven).listed("shop")["lacking"] == ["API_KEY"]
    with pytest.raises(Refused, match="secrets must be set: API_KEY"):
        driven.building().start("shop")
    secrets(driven).set("shop", "API_KEY", KEY)
    secrets(driven).set("shop", "MODE", "production", Sort.VARIABLE)
    secrets(driven).set("shop", "CI_TOKEN", "for the checks", places=[Place.CHECKS])
    driven.drive()
    assert driven.project().status is Status.ACTIVE
    (order,) = driven.deployer.orders
    assert order.variables == {"MODE": "production"}
    assert {**order.secrets, "SIGNING": ""} == {"API_KEY": KEY, "SIGNING": ""}
    assert len(order.secrets["SIGNING"]) == 43
    uses = {use["name"] for use in secrets(driven).listed("shop")["uses"] if use["used_for"] == "deploy"}
    assert uses == {"API_KEY", "MODE", "SIGNING"}
    assert KEY not in repr(order)


def test_a_waiver_lets_it_go_on_and_a_secret_that_goes_meanwhile_is_named(driven: Driven) -> None:
    driven.live()
    secrets(driven).waive("shop", "API_KEY", "the demo does without")
    driven.until(lambda: driven.operations()[0].kind is Work.DEPLOY)
    secrets(driven).unwaive("shop", "API_KEY")
    driven.drive()
    failure = driven.operations()[0].failure
    assert failure is not None
    assert "API_KEY" in failure.reason
    assert "steward secret set shop API_KEY" in failure.advice
    assert driven.deployer.orders == [], "nothing was put anywhere"
    secrets(driven).set("shop", "API_KEY", KEY)
    driven.building().retry("shop")
    driven.drive()
    assert driven.project().status is Status.ACTIVE


def test_a_row_that_was_swapped_or_cut_and_a_lost_key_put_nothing_live_and_lose_nothing(
    driven: Driven, tmp_path: Path
) -> None:
    driven.live()
    secrets(driven).set_many("shop", {"API_KEY": KEY, "OTHER": "other value"})
    driven.drive()
    serving = dict(driven.deployer.serving)
    key = tmp_path / "master.key"
    project_id = driven.project().id
    with driven.store.reading() as view:
        rows = {row.kept.name: row for row in view.vault_values(project_id)}
    swapped = replace(rows["API_KEY"], cipher=rows["OTHER"].cipher)
    cut = replace(rows["API_KEY"], cipher=rows["API_KEY"].cipher[:20])
    driven.building().update("shop", "More")
    driven.building().rebuild("shop")
    for broken, words in ((swapped, "API_KEY"), (cut, "API_KEY"), (None, "is lost")):
        if broken is None:
            key.rename(tmp_path / "away")
            vault = KeptVault(MasterKeys(key), FakeClock(), Redactor, CHEAP)
            driven.tools = replace(driven.tools, vault=vault)
            driven.begin()
        else:
            save(driven, broken)
        driven.drive()
        failure = driven.operations()[0].failure
        assert failure is not None, words
        assert words in failure.reason
        assert "steward secret" in failure.advice
        assert KEY not in str(failure)
        assert driven.deployer.serving == serving, "what was live is live"
        save(driven, rows["API_KEY"])
        driven.building().retry("shop")
    (tmp_path / "away").rename(key)
    driven.drive()
    assert driven.project().status is Status.ACTIVE
    assert driven.deployer.orders[-1].secrets["API_KEY"] == KEY


def save(driven: Driven, row: SealedValue) -> None:
    with driven.store.writing() as tx:
        tx.save_vault_value(row)


def test_secret_answers_are_kept_for_the_program_and_stand_nowhere_in_the_spec(driven: Driven) -> None:
    wish = driven.wish()
    driven.building().draft(
        "shop", wish=wish.__class__(answers={"features": "Cart: adds up", "api_key": KEY})
    )
    (kept,) = secrets(driven).listed("shop")["secrets"]
    assert (kept["name"], kept["sort"], kept["places"]) == ("API_KEY", "secret", ["run"])
    assert KEY not in str(driven.app.works(ANYONE).spec("shop"))
    assert KEY not in str(driven.events())


@pytest.mark.parametrize("driven", ["sqlite:///{folder}/steward.db"], indirect=True)
def test_a_planted_secret_is_found_nowhere_but_with_the_program(driven: Driven, tmp_path: Path) -> None:
    driven.order()
    secrets(driven).set("shop", "API_KEY", KEY)
    driven.agent.says = [RunResult(Outcome.CRASHED, reason=f"crashed with {LEAK}", tail=LEAK)]
    driven.agent.rejects = [[f"the page shows {LEAK}"]]
    driven.build.fail("merge", error=Permanent(f"refused with {LEAK}", LEAK))
    driven.deployer.ends = [Deployed("failed", failed_task="Copy", reason=LEAK, tail=LEAK)]
    for _ in range(6):
        driven.drive()
        if driven.project().status is Status.ACTIVE:
            break
        driven.building().retry("shop")
    assert driven.project().status is Status.ACTIVE
    driven.deliver()
    shown = [
        driven.app.works(ANYONE).operations("shop"),
        driven.app.works(ANYONE).log("shop"),
        secrets(driven).listed("shop"),
        driven.app.queries(ANYONE).project("shop"),
        [(notice.title, notice.body) for _, notice in driven.recorder.sent],
        [(run.environment, run.contract, run.instructions) for run in driven.agent.runs],
        [clone.files for clone in driven.workshop.clones.values()],
        driven.events(),
    ]
    backup(f"sqlite:///{tmp_path}/steward.db", tmp_path / "b.gz")
    packed = gzip.decompress((tmp_path / "b.gz").read_bytes()).decode()
    dump = "\n".join(sqlite3.connect(tmp_path / "steward.db").iterdump())
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("steward.db*"))
    assert "[secret]" in dump, "what tools said of it was masked, not lost"
    blobs = base64_texts(packed)
    for form in FORMS:
        for text in (str(shown), dump, packed, blobs):
            assert form not in text
        assert form.encode() not in raw
    assert any(KEY in order.secrets.values() for order in driven.deployer.orders)


def base64_texts(packed: str) -> str:
    """What of a backup's binary columns can be read once it is decoded."""
    import json

    found = []
    for line in packed.splitlines():
        row = json.loads(line)
        for value in row if isinstance(row, list) else ():
            if isinstance(value, str) and len(value) > 20:
                try:
                    found.append(base64.b64decode(value, validate=True).decode("latin-1"))
                except ValueError:
                    continue
    return "\n".join(found)


def test_what_cannot_be_kept_is_refused_without_a_word_of_it(driven: Driven) -> None:
    driven.building().draft("shop", wish=driven.wish())
    both = [Place.RUN, Place.CHECKS]
    for name, value, places in (
        ("1ST", "planted", [Place.RUN]),
        ("A-B", "planted", [Place.RUN]),
        ("PATH", "planted", [Place.RUN]),
        ("GITHUB_X", "planted", both),
        ("github_x", "planted", [Place.CHECKS]),
        ("A", "planted", []),
        ("A", " \n", both),
        ("A", "", both),
        ("A", "planted\0", both),
        ("A", "planted\ud800", both),
        ("A", "x" * (VALUE_MAX + 1), [Place.RUN]),
        ("A", "x" * (GITHUB_MAX + 1), both),
    ):
        with pytest.raises(Invalid) as refused:
            secrets(driven).set("shop", name, value, places=places)
        assert "planted" not in str(refused.value) + refused.value.advice
    assert secrets(driven).listed("shop")["secrets"] == []
    secrets(driven).set("shop", "A", "x" * VALUE_MAX)
    secrets(driven).set("shop", "GITHUB_X", "for the program")
    notes = secrets(driven).set("shop", "B", "abc\n")["notes"]
    assert len(notes) == 2
    with pytest.raises(Invalid, match="that name is not set"):
        secrets(driven).unset("shop", "sk-a-value-in-the-wrong-place")
    with pytest.raises(Invalid):
        secrets(driven).waive("shop", "A", "  ")
    secrets(driven).waive("shop", "rule:backups", "nothing is stored")


def test_several_are_kept_together_or_none(driven: Driven) -> None:
    driven.building().draft("shop", wish=driven.wish())
    with pytest.raises(Invalid):
        secrets(driven).set_many("shop", {"A": "one", "B": " "})
    assert secrets(driven).listed("shop")["secrets"] == []
    secrets(driven).set_many("shop", {"A": "one", "B": "two"})
    assert [one["name"] for one in secrets(driven).listed("shop")["secrets"]] == ["A", "B"]
    (event,) = [one for one in driven.events() if one.kind == "secret.set"]
    assert event.data["names"] == ["A", "B"]
    assert event.actor == "local:anna"


def test_who_may_do_what(driven: Driven) -> None:
    driven.building().draft("shop", wish=driven.wish())
    viewer, operator = somebody(driven, Role.VIEWER), somebody(driven, Role.OPERATOR)
    assert secrets(driven, viewer).listed("shop")["secrets"] == []
    acts: list[Any] = [
        lambda by: secrets(driven, by).set("shop", "A", "value"),
        lambda by: secrets(driven, by).generate("shop", "B"),
        lambda by: secrets(driven, by).waive("shop", "C", "why"),
        lambda by: secrets(driven, by).rotate("shop"),
    ]
    for act in acts:
        with pytest.raises(Forbidden):
            act(viewer)
        with pytest.raises(Unknown):
            act(Principal("user:guest"))
        act(operator)
    for act in (
        lambda by: secrets(driven, by).rotate(),
        lambda by: secrets(driven, by).export([], PHRASE),
        lambda by: secrets(driven, by).restore(b"", PHRASE),
        lambda by: secrets(driven, by).key(),
        lambda by: secrets(driven, by).backed_up(),
        lambda by: secrets(driven, by).rotate_master(),
        lambda by: secrets(driven, by).forget_all(),
    ):
        with pytest.raises(Forbidden):
            act(operator)


def test_what_is_generated_is_not_written_over_unless_that_is_meant(driven: Driven) -> None:
    driven.building().draft("shop", wish=driven.wish())
    first = secrets(driven).generate("shop", "A", 32)
    with pytest.raises(Invalid, match="set already"):
        secrets(driven).generate("shop", "A", 32)
    again = secrets(driven).generate("shop", "A", 32, replacing=True)
    assert [one["secret"]["version"] for one in (first, again)] == [1, 2]
    assert first["secret"]["generated"]


def test_github_is_given_what_the_checks_need_and_what_it_refuses_is_listed(driven: Driven) -> None:
    driven.building().draft("shop", wish=driven.wish())
    with pytest.raises(Invalid, match="no repository"):
        secrets(driven).send("shop")
    driven.building().approve("shop")
    driven.drive()
    driven.building().confirm("shop")
    driven.drive()
    secrets(driven).set("shop", "TOKEN", KEY, places=[Place.CHECKS])
    secrets(driven).set("shop", "OTHER", "other value", places=[Place.CHECKS])
    secrets(driven).set("shop", "LEVEL", "debug", Sort.VARIABLE, [Place.CHECKS])
    secrets(driven).set("shop", "MINE", "not for the checks")
    driven.build.fail("ensure_secret", error=Permanent(f"it will not take {KEY}", ""))
    result = secrets(driven).send("shop")
    assert result["sent"] == ["LEVEL", "TOKEN"]
    assert result["failed"] == [{"name": "OTHER", "words": "it will not take [secret]"}]
    assert secrets(driven).send("shop")["failed"] == []
    shown = {one["name"]: one["sent_at"] is not None for one in secrets(driven).listed("shop")["secrets"]}
    assert {name: shown[name] for name in ("LEVEL", "MINE", "OTHER", "TOKEN")} == {
        "LEVEL": True,
        "MINE": False,
        "OTHER": True,
        "TOKEN": True,
    }
    room = driven.build._room(driven.project().repository_id or 0)
    assert room.secrets == {"TOKEN": KEY, "OTHER": "other value"}
    assert room.variables == {"LEVEL": "debug"}
    secrets(driven).set("shop", "TOKEN", "changed", places=[Place.CHECKS])
    assert [
        one["sent_at"] for one in secrets(driven).listed("shop")["secrets"] if one["name"] == "TOKEN"
    ] == [None]


def test_an_export_is_restored_with_its_passphrase_alone(driven: Driven, tmp_path: Path) -> None:
    driven.building().draft("shop", wish=driven.wish())
    secrets(driven).set("shop", "A", KEY, places=[*Place])
    secrets(driven).waive("shop", "B", "not needed")
    with pytest.raises(Invalid, match="at least 12"):
        secrets(driven).export([], "short")
    packed = secrets(driven).export(["shop"], PHRASE)
    assert KEY.encode() not in packed
    secrets(driven).set("shop", "A", "newer")
    assert secrets(driven).restore(packed, PHRASE) == {"kept": [], "skipped": ["shop A"], "unknown": []}
    assert given(driven) == {"A": "newer"}
    assert secrets(driven).restore(packed, PHRASE, replace=True)["kept"] == ["shop A"]
    assert given(driven) == {"A": KEY}
    for data, phrase in ((packed, PHRASE + "!"), (packed[:-2], PHRASE), (b"x", PHRASE)):
        with pytest.raises(Permanent):
            secrets(driven).restore(data, phrase, replace=True)
    assert secrets(driven).forget_all() == {"projects": 1, "values": 1}
    assert secrets(driven).restore(packed, PHRASE)["kept"] == ["shop A"], "with a lost key too"
    other = open_store("sqlite://", upgrade=True)
    elsewhere = Driven(other, tmp_path / "w", vault=driven.app.vault)
    assert secrets(elsewhere).restore(packed, PHRASE)["unknown"] == ["shop A"]
    other.close()


def given(driven: Driven) -> dict[str, str]:
    vault = driven.app.vault
    assert vault is not None
    project_id = driven.project().id
    with driven.store.reading() as view:
        return vault.values(view, project_id, Place.RUN)


def test_the_master_key_is_rotated_and_a_person_says_that_there_is_a_copy(driven: Driven) -> None:
    driven.building().draft("shop", wish=driven.wish())
    with pytest.raises(Invalid, match="no master key yet"):
        secrets(driven).backed_up()
    assert check(driven).ok, "nothing is kept that could be lost"
    secrets(driven).set("shop", "A", KEY)
    assert not check(driven).ok
    assert "--backed-up" in check(driven).fix
    first = secrets(driven).backed_up()
    assert first["backed_up"]
    assert check(driven).ok
    result = secrets(driven).rotate_master()
    assert (result["projects"], result["id"] == first["id"]) == (1, False)
    assert not check(driven).ok, "of the new key there is no copy yet"
    assert given(driven) == {"A": KEY}
    assert secrets(driven).rotate() == {"projects": 1, "values": 1}
    assert given(driven) == {"A": KEY}
    assert sum(one.kind == "secrets.rotated" for one in driven.events()) == 2


def check(driven: Driven) -> Any:
    return next(one for one in driven.app.doctor() if one.name == "secrets")


def test_without_a_vault_nothing_is_kept_and_secret_answers_are_refused(
    make_driven: Callable[..., Driven],
) -> None:
    driven = make_driven()
    answers = {"features": "Cart: adds up", "api_key": KEY}
    with pytest.raises(Permanent, match="keeps no secrets"):
        driven.building().draft("shop", wish=driven.wish().__class__(answers=answers))
    assert driven.projects() == []
