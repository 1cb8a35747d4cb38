"""The model that writes briefs: how its settings are shown, checked and kept secret, and when it is loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from steward import assembling
from steward.adapters.clock import SystemClock
from steward.assembling import talking
from steward.domain.spending import Allowance
from steward.faces.words import said, speaking
from steward.ports import BadSettings
from steward.settings import load
from tests.faces.cli import Runner

KEY = "sk-a-key-that-nobody-may-see"


@pytest.fixture
def key_file(run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A model is set, and its key lies in this file."""
    file = tmp_path / "model-key"
    file.write_text(f"{KEY}\n")
    monkeypatch.setenv("STEWARD_TALK_MODEL", "openai:gpt-5.5")
    monkeypatch.setenv("STEWARD_TALK_MODEL_KEY_FILE", str(file))
    return file


def test_without_one_a_plain_dialog_writes_them(run: Runner) -> None:
    assert run("config", "check", "--json").json["model"] is None
    assert "a plain dialog, without a model" in run("config", "check").stdout
    assert "model for talks" not in {check["name"] for check in run("doctor", "--json").json}


def test_config_and_doctor_tell_of_it_and_never_its_key(key_file: Path, run: Runner) -> None:
    assert run("config", "check", "--json").json["model"] == "openai:gpt-5.5"
    assert "описания проектов составляет: openai:gpt-5.5" in run("config", "check", "--lang", "ru").stdout
    found = {check["name"]: check for check in run("doctor", "--json").json}["model for talks"]
    assert found["ok"]
    assert found["detail"] == "set up; it was not asked of late"
    shown = [run(*words) for words in (["config", "show"], ["config", "check"], ["doctor"])]
    assert all(KEY not in one.stdout + one.stderr for one in shown)


@pytest.mark.parametrize("content", ["", "two words", "no\nkey", "ключ", None])
def test_a_key_file_without_a_key_is_said(key_file: Path, run: Runner, content: str | None) -> None:
    if content is None:
        key_file.unlink()
    else:
        key_file.write_text(content)
    done = run("config", "check")
    assert done.code == 2
    assert "STEWARD_TALK_MODEL_KEY_FILE" in done.stderr
    assert "two words" not in done.stderr
    found = {check["name"]: check for check in run("doctor", "--json").json}["model for talks"]
    assert not found["ok"]
    assert found["fix"]


@pytest.mark.parametrize(
    ("name", "words"),
    [("gpt-5", "does not name a model"), ("acme:x", "no provider"), ("groq:x", "pydantic-ai-slim[groq]")],
)
def test_a_name_that_cannot_be_used_is_said_in_both_languages(
    key_file: Path, run: Runner, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    monkeypatch.setenv("STEWARD_TALK_MODEL", name)
    done = run("config", "check")
    assert done.code == 2
    assert words in done.stderr
    check = {one["name"]: one for one in run("doctor", "--json").json}["model for talks"]
    with speaking("ru"):
        for text in ("model for talks", check["detail"], check["fix"]):
            assert said(text) != text


def test_the_key_is_masked_in_the_log(key_file: Path) -> None:
    assert KEY in set(assembling.secrets(load()))


def test_what_the_settings_say_of_money_and_templates_is_what_talks_go_by(
    key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEWARD_TALK_PERSON_DAY_USD", "2.5")
    monkeypatch.setenv("STEWARD_TALK_PERSON_DAY_CALLS", "7")
    monkeypatch.setenv("STEWARD_TALK_PROJECT_USD", "9")
    monkeypatch.setenv("STEWARD_TALK_TEMPLATES", "starter,https://example.org/t.git")
    parts = talking.talks(load(), SystemClock())
    assert parts["allowance"] == Allowance(2.5, 9.0, 7)
    assert parts["talk_templates"] == ("starter", "https://example.org/t.git")
    assert parts["mind"]().name == "openai:gpt-5.5"
    assert parts["mind"]() is parts["mind"]()
    monkeypatch.delenv("STEWARD_TALK_MODEL")
    assert talking.talks(load(), SystemClock())["mind"] is None


def test_a_mind_is_made_though_it_cannot_be_asked_so_that_talks_go_on(
    key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file.unlink()
    parts = talking.talks(load(), SystemClock())
    assert parts["mind"]().name == "openai:gpt-5.5"
    with pytest.raises(BadSettings, match="cannot be read"):
        parts["mind_check"]()


def test_no_command_loads_what_speaks_to_models_but_those_that_need_it(key_file: Path) -> None:
    code = (
        "import sys\n"
        "import steward.main as main\n"
        "from steward.settings import load\n"
        "from contextlib import ExitStack\n"
        "for words in (['--help'], ['config', 'show']):\n"
        "    sys.argv = ['steward', *words]\n"
        "    try:\n        main.run()\n    except SystemExit:\n        pass\n"
        "with ExitStack() as closing:\n"
        "    main.Wiring().application(load(), closing, 'steward', upgrade=True)\n"
        "print([name for name in ('pydantic_ai', 'openai', 'anthropic') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
