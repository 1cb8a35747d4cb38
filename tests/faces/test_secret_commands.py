"""The commands of secrets, here and through a server: values go in, whole, and come out nowhere."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from steward.adapters.store.store import SqlStore
from steward.domain.people import Role
from steward.domain.vault import GITHUB_MAX, VALUE_MAX, Place
from steward.faces.cli.env_files import Malformed, parse
from steward.testing.world import World
from tests.faces.building_kit import ANNA, driving
from tests.faces.http.api_kit import Api, api
from tests.faces.remote_kit import Line
from tests.faces.test_building_commands import at_a_terminal
from tests.faces.test_remote_building import through

KEY = "sk-planted/secret+key=4711"
PHRASE = "correct horse battery"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """One installation behind a server; each test has a project of its own."""
    made = driving(tmp_path_factory.mktemp("served") / "here")
    with api(made) as running:
        yield running
    made.store.close()


@pytest.fixture
def world(served: Api, clean: None) -> World:
    return served.world


@pytest.fixture(params=["here", "there"])
def run(request: pytest.FixtureRequest, served: Api, clean: None, tmp_path: Path) -> Line:
    return Line(served.world.app) if request.param == "here" else through(served, tmp_path)


@pytest.fixture
def slug(world: World) -> str:
    name = f"shop-{uuid4().hex[:8]}"
    assert Line(world.app)("project", "order", name, "--title", "Shop").code == 0
    return name


def held(world: World, slug: str, place: Place = Place.RUN) -> dict[str, str]:
    """What is kept, in clear."""
    project_id, kept = world.app.queries(ANNA).project(slug)["id"], world.app.vault
    assert kept is not None
    with world.store.reading() as view:
        return kept.values(view, project_id, place)


def nowhere(world: World, *values: str) -> None:
    """None of these values stands in any row of the database: events, audit log, answers kept for repeats."""
    assert isinstance(world.store, SqlStore)
    with closing(sqlite3.connect(str(world.store.database.path))) as opened:
        dump = "\n".join(opened.iterdump())
    assert [value for value in values if value in dump or value.encode().hex() in dump.lower()] == []


def test_a_value_is_kept_whole_from_wherever_it_comes_and_shown_nowhere(
    run: Line, world: World, slug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep(name: str, *more: str, stdin: bytes | None = None) -> Any:
        done = run("--json", "secret", "set", slug, name, *more, stdin=stdin)
        assert done.code == 0, done.stderr
        assert not [part for part in (KEY, "first", "two\r") if part in done.stdout + done.stderr]
        return done

    noted = keep("PIPED", stdin=f"{KEY}\n".encode())
    assert "PIPED: the value ends with a line end, which is kept" in noted.stderr
    file = tmp_path / "value"
    file.write_bytes("\ufefffirst\r\ntwo\r\n".encode())
    keep("FILED", "--from-file", str(file))
    monkeypatch.setenv("SOURCE", f" {KEY} ")
    keep("TAKEN", "--from-env", "SOURCE", "--for", "both")
    keep("LEVEL", "--variable", stdin="журнал".encode())
    made = run("--json", "secret", "generate", slug, "MADE", "--length", "32", "--alphabet", "hex").json[0]
    assert made["secret"]["generated"]
    values = held(world, slug)
    assert values.pop("MADE").isalnum()
    assert values == {
        "PIPED": f"{KEY}\n",
        "FILED": "\ufefffirst\r\ntwo\r\n",
        "TAKEN": f" {KEY} ",
        "LEVEL": "журнал",
    }
    assert held(world, slug, Place.CHECKS) == {"TAKEN": f" {KEY} "}
    shown = run("secret", "list", slug, "--json")
    assert [one["name"] for one in shown.json["secrets"]] == ["FILED", "LEVEL", "MADE", "PIPED", "TAKEN"]
    assert {one["sort"] for one in shown.json["secrets"]} == {"secret", "variable"}
    assert KEY not in shown.stdout + run("secret", "list", slug).stdout
    nowhere(world, KEY, "first\r\ntwo")


ENV = """\ufeff# what it needs
export A=plain # not of it
B = 'single "quoted" # of it'
C="first\\nsecond \\"third\\" \\$HOME"
D="-----BEGIN-----
two\r
-----END-----"
E=with#hash=and=equals  \r
F=
G=   # nothing but a comment
H=""
I='пароль'
"""


def test_an_env_file_is_read_as_it_is_written_and_what_has_no_value_is_told(
    run: Line, world: World, slug: str, tmp_path: Path
) -> None:
    file = tmp_path / ".env"
    file.write_bytes(ENV.encode())
    done = run("secret", "set", slug, "--env-file", str(file))
    assert done.code == 0, done.stderr
    assert "left out: F, G, H" in done.stderr
    assert held(world, slug) == {
        "A": "plain",
        "B": 'single "quoted" # of it',
        "C": 'first\nsecond "third" $HOME',
        "D": "-----BEGIN-----\ntwo\r\n-----END-----",
        "E": "with#hash=and=equals",
        "I": "пароль",
    }


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("A=1\nsk-planted\n", 2, "not written as NAME=value"),
        ("A=1\n\nA=2", 3, "twice"),
        ("\nA='planted", 2, "not closed"),
        ('A="planted" more', 1, "follows"),
        ("A=planted\rB=planted", 1, "carriage return"),
        ("Ä=planted", 1, "not written"),
    ],
)
def test_an_env_file_that_is_none_is_refused_by_its_line_alone(text: str, line: int, why: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse(text)
    assert (refused.value.line, why in refused.value.why) == (line, True)
    assert "planted" not in str(refused.value)


def test_what_cannot_be_kept_is_refused_in_words_and_nothing_is_lost(
    run: Line, world: World, slug: str, tmp_path: Path
) -> None:
    assert run("secret", "set", slug, "A", stdin="before").code == 0
    file = tmp_path / ".env"
    file.write_text("A=after\nPATH=planted\n")
    large, bad = tmp_path / "large", tmp_path / "bad"
    bad.write_bytes(b"planted\xff")
    collide = tmp_path / "collide"
    collide.write_text("TOKEN=planted\ntoken=planted-too\n")
    for args, stdin, words in (
        (("--env-file", str(file)), None, "PATH is set by whoever runs"),
        (("A", "--env-file", str(file)), None, "leave NAME away"),
        (("A=planted",), None, "not given on the command line"),
        (("A", "--from-env", "NONE_SUCH"), None, "no NONE_SUCH"),
        (("A", "--from-file", str(tmp_path / "none")), None, "cannot be read"),
        (("A", "--from-file", str(bad)), None, "no text in UTF-8"),
        (("A", "--from-file", str(file), "--from-env", "HOME"), None, "one place"),
        (("A",), "planted\0", "NUL"),
        (("A",), " \n", "empty"),
        (("Ä",), "planted", "letters without accents"),
        (("A-B",), "planted", "letters without accents"),
        (("A\nB",), "planted", "letters without accents"),
        (("LD_PRELOAD",), "planted", "box around the program"),
        (("GITHUB_TOKEN", "--for", "checks"), "planted", "GITHUB_"),
        (("--env-file", str(collide), "--for", "checks"), None, "one name to GitHub"),
    ):
        done = run("secret", "set", slug, *args, stdin=stdin)
        assert done.code in (1, 2), args
        assert words in " ".join(done.stderr.split()), (args, done.stderr)
        assert "planted" not in done.stdout + done.stderr.replace("A=planted", ""), args
        assert "Traceback" not in done.stderr
    large.write_text("planted" + "x" * GITHUB_MAX)
    done = run("secret", "set", slug, "A", "--from-file", str(large), "--for", "checks")
    assert (done.code, "48 KB that GitHub takes" in done.stderr, "xx" in done.stderr) == (1, True, False)
    large.write_text("planted" + "x" * VALUE_MAX)
    done = run("secret", "set", slug, "A", "--from-file", str(large))
    assert done.code == 1
    assert "64 KB" in done.stderr or str(VALUE_MAX) in done.stderr, done.stderr
    assert "xx" not in done.stderr
    assert run("--dry-run", "secret", "set", slug, "A", stdin="planted").code == 0
    assert held(world, slug) == {"A": "before"}
    nowhere(world, "planted")


def test_waived_needed_again_unset_sent_and_rotated(run: Line, world: World, slug: str) -> None:
    assert run("secret", "waive", slug, "OLD_KEY", "--reason", "not read any more").code == 0
    assert run("secret", "set", slug, "A", stdin=KEY).code == 0
    shown = run("--json", "secret", "list", slug).json
    assert [(one["name"], one["reason"]) for one in shown["waivers"]] == [("OLD_KEY", "not read any more")]
    assert "OLD_KEY" in run("secret", "list", slug).stdout
    assert run("secret", "unwaive", slug, "OLD_KEY").code == 0
    assert run("secret", "unwaive", slug, "OLD_KEY").code == 1
    twice = run("secret", "generate", slug, "A")
    assert (twice.code, "A is set already" in twice.stderr) == (1, True)
    rotated = run("--json", "secret", "rotate", slug)
    assert (rotated.code, rotated.json) == (0, {"projects": 1, "values": 1})
    assert held(world, slug) == {"A": KEY}
    sent = run("secret", "send", slug)
    assert sent.code == 1, "it has no repository"
    assert run("secret", "unset", slug, "A").code == 2, "without a terminal it needs --yes"
    assert run("--yes", "secret", "unset", slug, "A").code == 0
    again = run("--yes", "secret", "unset", slug, "A")
    assert (again.code, "A is not set" in again.stderr) == (1, True)
    assert held(world, slug) == {}
    nowhere(world, KEY)


def test_exported_under_a_passphrase_and_imported_on_the_machine_alone(
    world: World, slug: str, served: Api, tmp_path: Path
) -> None:
    run, file, phrase = Line(world.app), tmp_path / "secrets.sealed", tmp_path / "phrase"
    phrase.write_text(f"{PHRASE}\r\n")
    words = ("--passphrase-file", str(phrase))
    assert run("secret", "set", slug, "A", stdin=KEY).code == 0
    for far in (("export", str(file)), ("import", str(file)), ("key",), ("forget-all",)):
        refused = through(served, tmp_path)("secret", *far)
        assert (refused.code, "leave --server away" in refused.stderr) == (2, True), refused.stderr
    done = run("secret", "export", str(file), slug, *words)
    assert done.code == 0, done.stderr
    assert (file.stat().st_mode & 0o777, KEY.encode() in file.read_bytes()) == (0o600, False)
    assert run("secret", "export", str(file), slug, *words).code == 2, "no file is written over"
    assert run("secret", "set", slug, "A", stdin="newer").code == 0
    left = run("--json", "secret", "import", str(file), *words)
    assert left.json == {"kept": [], "skipped": [f"{slug} A"], "unknown": []}
    assert run("secret", "import", str(file), "--replace", *words).code == 0
    assert held(world, slug) == {"A": KEY}
    phrase.write_text("wrong horse battery")
    wrong = run("secret", "import", str(file), *words)
    assert (wrong.code, "does not open the export" in wrong.stderr) == (1, True)
    nowhere(world, KEY, PHRASE)


def test_the_master_key_is_shown_by_its_id_and_rotated(world: World, slug: str) -> None:
    run = Line(world.app)
    assert run("secret", "set", slug, "A", stdin=KEY).code == 0
    first = run("--json", "secret", "key").json
    assert (first["own"], first["backed_up"]) == (True, False)
    assert run("secret", "key", "--rotate", "--backed-up").code == 2
    assert run("--json", "secret", "key", "--backed-up").json["backed_up"]
    assert run("secret", "key", "--rotate").code == 0
    now = run("--json", "secret", "key").json
    assert now["id"] != first["id"]
    assert not now["backed_up"]
    file = Path(now["where"])
    keys = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    assert not [key for key in keys if key in run("secret", "key").stdout]
    assert held(world, slug) == {"A": KEY}
    # Taken away while this process runs: what is kept from now on would be lost with it.
    file.rename(file.with_name("away"))
    refused = run("secret", "set", slug, "B", stdin=KEY)
    assert (refused.code, "is lost" in refused.stderr) == (1, True), refused.stderr
    assert "steward secret forget-all" in refused.stderr
    file.write_text("A" * 43)
    file.chmod(0o600)
    refused = run("secret", "set", slug, "B", stdin=KEY)
    assert (refused.code, "is not the one" in refused.stderr) == (1, True), refused.stderr
    file.with_name("away").replace(file)
    file.chmod(0o644)
    refused = run("secret", "set", slug, "B", stdin=KEY)
    assert (refused.code, f"chmod 600 {file}" in refused.stderr) == (1, True), refused.stderr
    file.chmod(0o600)
    assert run("secret", "set", slug, "B", stdin=KEY).code == 0
    assert held(world, slug) == {"A": KEY, "B": KEY}
    nowhere(world, KEY, *keys)


def test_the_api_repeats_no_value_in_answers_failures_or_what_is_kept_for_repeats(
    served: Api, world: World, slug: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    with served.client() as client, served.client(Role.VIEWER) as viewer:
        repeat = {"Idempotency-Key": uuid4().hex}
        at = f"projects/{slug}/secrets"
        for _ in range(2):
            answer = client.put(f"{at}/A", json={"value": KEY}, headers=repeat)
            assert (answer.status_code, answer.json()["secret"]["version"]) == (200, 1), answer.text
        answers = [
            answer,
            client.put(f"{at}/A", json={"value": KEY + "2"}, headers=repeat),
            client.post(at, json={"values": {"A": KEY, "B": ""}}),
            client.post(at, json={"values": {"A": {"deep": KEY}}}),
            client.post(at, json={"values": {"A-B": KEY}}),
            client.put(f"{at}/A", json={"value": KEY, "sort": KEY}),
            client.put(f"{at}/A", json={"value": KEY, "strange": KEY}),
            client.put(f"{at}/A", json={"value": "x" * VALUE_MAX + KEY}),
            client.put(f"{at}/A", content=f'{{"value": "{KEY}", broken'),
            client.put(f"{at}/A", json=[KEY]),
            client.put(f"{at}/{'N' * 300}", json={"value": KEY}),
            viewer.put(f"{at}/A", json={"value": KEY}),
            client.put("projects/none-such/secrets/A", json={"value": KEY}),
        ]
        refused = [one.status_code for one in answers[1:]]
        assert all(400 <= code < 500 for code in refused), refused
        shown = [one.text for one in answers] + [client.get(at).text, viewer.get(at).text]
        shown += [client.get("events").text, client.get("audit").text]
        assert not [text for text in shown if KEY in text]
    assert held(world, slug) == {"A": KEY}
    assert KEY not in caplog.text
    nowhere(world, KEY)


def test_at_a_terminal_a_value_is_asked_for_and_not_shown(
    clean: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = driving(tmp_path / "here")
    assert Line(own.app)("project", "order", "shop", "--title", "Shop").code == 0
    own.store.release(own.lease)
    words = ("--json", "secret", "set", "shop", "A")
    code, seen = at_a_terminal(monkeypatch, tmp_path / "here", *words, answers=[("Value of A:", f"{KEY}\n")])
    assert (code, KEY in seen) == (0, False), seen
    assert held(own, "shop") == {"A": KEY}
    own.store.close()
