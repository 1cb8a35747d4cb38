"""The command line as such: options anywhere, exit codes, what goes to which stream, help that starts fast."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from steward.faces.cli.root import hoist
from tests.faces.cli import Runner

pytestmark = pytest.mark.usefixtures("clean")


@pytest.mark.parametrize(
    ("given", "hoisted"),
    [
        (["project", "list", "--json"], ["--json", "project", "list"]),
        (["--lang", "ru", "sync", "run", "--quiet"], ["--lang", "ru", "--quiet", "sync", "run"]),
        (["project", "show", "--config=x.toml", "shop"], ["--config=x.toml", "project", "show", "shop"]),
        (["project", "show", "--", "--json"], ["project", "show", "--", "--json"]),
        (["project", "list", "--lang"], ["--lang", "project", "list"]),
    ],
)
def test_options_of_every_command_may_stand_anywhere(given: list[str], hoisted: list[str]) -> None:
    assert hoist(given) == hoisted


def test_json_after_the_command_is_json(run: Runner) -> None:
    before, after = run("--json", "config", "show"), run("config", "show", "--json")
    assert before.stdout == after.stdout
    assert {"name", "variable", "value", "source", "meaning"} == set(json.loads(after.stdout)[0])


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["projct", "list"], "Did you mean 'project'?"),
        (["project", "lst"], "Did you mean 'list'?"),
        (["project", "list", "--statu", "x"], "'--status'"),
        (["project", "list", "--status", "actve"], "Did you mean 'active'?"),
        (["incident", "show"], "Missing argument 'ID'"),
        (["incident", "mute", "1", "--for", "soon"], "30m, 1h or 2d"),
        (["freeze"], "--all"),
        (["--lang", "de", "project", "list"], "'en', 'ru'"),
    ],
)
def test_a_usage_error_exits_with_2_and_says_what_was_meant(run: Runner, args: list[str], words: str) -> None:
    done = run(*args)
    assert done.code == 2
    assert done.stdout == ""
    assert words in done.stderr


def test_with_json_an_error_is_one_object_on_standard_error(run: Runner) -> None:
    done = run("freeze", "--json")
    assert done.code == 2
    error = json.loads(done.stderr)["error"]
    assert error["code"] == "usage"
    assert set(error) == {"code", "message", "advice"}
    assert done.stdout == ""


def test_errors_are_told_in_russian(run: Runner) -> None:
    done = run("freeze", "--lang", "ru")
    assert done.stderr.startswith("Ошибка: назовите организацию")


def test_a_bad_setting_exits_with_2_and_names_the_near_one(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEWARD_SYNC_INTERVL_S", "5")
    done = run("config", "show")
    assert done.code == 2
    assert "STEWARD_SYNC_INTERVAL_S" in done.stderr


def test_config_show_masks_secrets(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_GITHUB_TOKEN", "hunter2")
    done = run("config", "show", "--json")
    token = next(entry for entry in json.loads(done.stdout) if entry["name"] == "github.token")
    assert (token["value"], token["source"]) == ("********", "environment")
    assert "hunter2" not in done.stdout + run("config", "show").stdout


def test_config_check_says_what_the_settings_come_to(
    run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    (tmp_path / "steward.toml").write_text('[github]\norgs = ["acme"]\ntoken_file = "secret"\n')
    monkeypatch.chdir(tmp_path)
    found = json.loads(run("config", "check", "--json").stdout)
    assert found["organisations"] == ["acme"]
    assert found["credential"] == f"token in {tmp_path / 'secret'}"
    (tmp_path / "secret").unlink()
    done = run("config", "check")
    assert done.code == 2
    assert "cannot be read" in done.stderr


def test_lifecycle_show_prints_the_diagram_and_the_table(run: Runner) -> None:
    assert run("lifecycle", "show", "--format", "mermaid").stdout.startswith("stateDiagram-v2\n")
    table = json.loads(run("lifecycle", "show", "--format", "json").stdout)
    assert len(table["statuses"]) == 18
    assert {"from", "trigger", "to", "who", "asks", "guards"} == set(table["moves"][0])
    assert "Развёртывание" in run("lifecycle", "show", "--lang", "ru").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(run: Runner, shell: str) -> None:
    assert "_STEWARD_COMPLETE" in run("completion", shell).stdout


def test_completion_completes_commands() -> None:
    environ = os.environ | {
        "COMP_WORDS": "steward pro",
        "COMP_CWORD": "1",
        "_STEWARD_COMPLETE": "bash_complete",
    }
    done = subprocess.run(
        [Path(sys.executable).parent / "steward"], env=environ, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["plain,project"]


def test_help_imports_nothing_slow() -> None:
    slow = [
        "pathlib",
        "json",
        "rich",
        "pydantic",
        "sqlalchemy",
        "httpx",
        "apprise",
        "babel",
        "asyncio",
        "msgspec",
    ]
    code = f"import sys, steward.main; print([name for name in {slow!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_colour_where_it_is_not_wanted(run: Runner) -> None:
    assert "\x1b" not in run("lifecycle", "show", "--no-color").stdout


def test_help_and_usage_errors_are_in_the_language_asked_for(run: Runner) -> None:
    for args in (("--lang", "ru", "--help"), ("--help", "--lang=ru"), ("project", "--help", "--lang", "ru")):
        assert "Показать эту справку" in run(*args).stdout
    assert "Show this page" in run("--lang", "en", "--help").stdout
    assert (
        "См. `steward project list --help`" in run("--lang", "ru", "project", "list", "--limit", "0").stderr
    )
