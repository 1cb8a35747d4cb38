"""Settings: the environment over the file, where each came from, and what is wrong with a bad one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from steward.ports.errors import BadSettings
from steward.settings import Entry, load, masked, reference


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("STEWARD_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def refused(file: str | None = None) -> BadSettings:
    if file is not None:
        Path("steward.toml").write_text(file)
    with pytest.raises(BadSettings) as caught:
        load().require_whole()
    return caught.value


def entry(name: str) -> Entry:
    return next(entry for entry in load().entries() if entry.name == name)


def test_without_settings_it_is_the_sample_organisation_with_quick_numbers(tmp_path: Path) -> None:
    loaded = load()
    loaded.require_whole()
    assert loaded.demo
    assert loaded.state_dir == tmp_path / ".steward" / "demo"
    assert loaded.database_url == f"sqlite:///{tmp_path}/.steward/demo/steward.db"
    assert (loaded.rules.interval_s, loaded.rules.confirm_spacing_s) == (5.0, 5.0)
    assert {entry.source for entry in loaded.entries()} == {"default"}


def test_a_number_that_was_set_is_kept_on_the_sample_organisation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_SYNC_INTERVAL_S", "77")
    assert load().rules.interval_s == 77
    assert load().rules.confirm_spacing_s == 5


def test_the_environment_wins_over_the_file_and_each_source_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Path("steward.toml").write_text(
        'data_dir = "state"\n[github]\norgs = ["acme", "beta"]\ntoken_file = "secret"\n[sync]\ninterval_s = 60\n'
    )
    monkeypatch.setenv("STEWARD_SYNC_INTERVAL_S", "30")
    loaded = load()
    loaded.require_whole()
    assert loaded.rules.interval_s == 30
    assert entry("sync.interval_s").source == "environment"
    assert entry("github.orgs") == Entry(
        "github.orgs",
        "STEWARD_GITHUB_ORGS",
        ["acme", "beta"],
        "steward.toml",
        entry("github.orgs").meaning,
    )
    assert entry("sync.jitter").source == "default"
    assert not loaded.demo
    assert loaded.state_dir == tmp_path / "state"
    assert loaded.settings.github.token_file == tmp_path / "secret"


@pytest.mark.parametrize(
    ("variables", "left"),
    [
        ({"TOKEN": "t"}, {"token"}),
        ({"TOKEN_FILE": "other"}, {"token_file"}),
        ({"APP_ID": "7", "APP_KEY_FILE": "key"}, {"app_id", "app_key_file"}),
    ],
)
def test_a_credential_in_the_environment_takes_the_place_of_the_files(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], left: set[str]
) -> None:
    Path("steward.toml").write_text('[github]\norgs = ["acme"]\ntoken_file = "secret"\n')
    for name, value in variables.items():
        monkeypatch.setenv(f"STEWARD_GITHUB_{name}", value)
    loaded = load()
    loaded.require_whole()
    names = ("token", "token_file", "app_id", "app_key_file")
    assert {name for name in names if getattr(loaded.settings.github, name) is not None} == left


def test_paths_of_a_named_file_are_meant_from_where_it_lies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "etc" / "my.toml"
    file.parent.mkdir()
    file.write_text('data_dir = "state"\n')
    monkeypatch.setenv("STEWARD_CONFIG", str(file))
    assert load().settings.data_dir == file.parent / "state"
    assert load(file).file == file


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_GITHUB_ORGS", "")
    monkeypatch.setenv("STEWARD_SYNC_INTERVAL_S", "")
    assert load().demo
    assert entry("sync.interval_s").source == "default"


def test_the_password_of_a_database_can_stand_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    file = Path("password")
    file.write_text("p@ss/word\n")
    monkeypatch.setenv("STEWARD_DATABASE_PASSWORD_FILE", str(file))
    assert "STEWARD_DATABASE_URL" in str(refused_address().reason)
    monkeypatch.setenv("STEWARD_DATABASE_URL", "postgresql://steward:other@db/steward")
    assert "without a password" in str(refused_address().reason)
    monkeypatch.setenv("STEWARD_DATABASE_URL", "postgresql://steward@db:5433/steward?sslmode=require")
    url = "postgresql://steward:p%40ss%2Fword@db:5433/steward?sslmode=require"
    assert load().database_url == url
    assert "word" not in masked(url)
    for content, why in (("", "empty"), (None, "cannot be read")):
        file.write_text(content) if content is not None else file.unlink()
        assert why in refused_address().reason


def refused_address() -> BadSettings:
    """Why the address of the database is of no use."""
    with pytest.raises(BadSettings) as caught:
        _ = load().database_url
    return caught.value


def test_names_kept_for_tests_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_TEST_RECORDED_ORG", "/somewhere")
    assert load().demo


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("STEWARD_GITHUB_TOKN", "STEWARD_GITHUB_TOKEN"),
        ("STEWARD_SYNC_INTERVAL", "STEWARD_SYNC_INTERVAL_S"),
        ("STEWARD_GITHUB_ORG", "STEWARD_GITHUB_ORGS"),
    ],
)
def test_an_unknown_variable_suggests_the_near_one(
    monkeypatch: pytest.MonkeyPatch, name: str, near: str
) -> None:
    monkeypatch.setenv(name, "1")
    error = refused()
    assert name in error.reason
    assert near in error.advice


def test_an_unknown_name_in_the_file_suggests_the_near_one() -> None:
    error = refused("[sync]\nintervals = 3\n")
    assert "[sync] intervals" in error.reason
    assert "[sync] interval_s" in error.advice


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("[sync\n", "no valid TOML"),
        ("[sync]\ninterval_s = 0\n", "[sync] interval_s in steward.toml is not usable"),
        ('[sync]\ninterval_s = "often"\n', "often"),
        ("[sync]\njitter = 0.9\n", "less than or equal to 0.5"),
        ('[github]\norgs = "acme,no_login"\n', "no_login"),
        ('[github]\norgs = "acme,ACME"\n', "named twice"),
        ('[github]\nurl = "github.com"\n', "must be an address"),
        ('lang = "de"\n', "'en' or 'ru'"),
        ("[web]\nport = 70000\n", "65535"),
        ('[github]\norgs = ["acme"]\n', "no credential for acme"),
        ('database_url = "postgresql://db/steward"\n', "a database is set, but no organisation"),
        ('[github]\ntoken = "t"\n', "STEWARD_GITHUB_TOKEN is set, but no organisation is named"),
        (
            '[github]\norgs = ["a"]\ntoken = "t"\napp_id = 1\napp_key_file = "k"\n',
            "both a token and a GitHub App",
        ),
        ('[github]\norgs = ["a"]\napp_id = 1\n', "only half configured"),
        ('[github]\norgs = ["a"]\ntoken = "t"\ntoken_file = "f"\n', "both STEWARD_GITHUB_TOKEN"),
    ],
)
def test_a_bad_setting_says_what_is_wrong_and_what_to_do(file: str, words: str) -> None:
    error = refused(file)
    assert words in error.reason
    assert error.advice


def test_a_named_file_that_is_not_there_is_an_error() -> None:
    with pytest.raises(BadSettings, match="no settings file"):
        load(Path("nowhere.toml"))


def test_secrets_are_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_GITHUB_TOKEN", "hunter2")
    monkeypatch.setenv("STEWARD_GITHUB_ORGS", "acme")
    monkeypatch.setenv("STEWARD_DATABASE_URL", "postgresql://steward:hunter2@db/steward")
    monkeypatch.setenv("STEWARD_NOTIFY_URLS", "mailto://me:hunter2@example.com, slack://hunter2/x")
    loaded = load()
    assert "hunter2" not in repr(loaded) + repr(loaded.entries())
    assert entry("database_url").value == "postgresql://steward:********@db/steward"
    assert entry("notify.urls").value == ["mailto://********", "slack://********"]
    assert loaded.database_url == "postgresql://steward:hunter2@db/steward"


def test_a_bad_secret_is_not_quoted_in_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_DATABASE_URL", "mysql://root:hunter2@db/x")
    error = refused()
    assert "STEWARD_DATABASE_URL" in error.reason
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(
    ("secret", "shown"),
    [
        ("sqlite:////data/steward.db", "sqlite:////data/steward.db"),
        (
            "postgresql://db/x?password=hunter2&sslmode=require",
            "postgresql://db/x?password=********&sslmode=require",
        ),
        ("hunter2", "********"),
    ],
)
def test_masking(secret: str, shown: str) -> None:
    assert masked(secret) == shown


def test_the_reference_in_the_docs_is_the_one_in_the_code() -> None:
    file = Path(__file__).parents[2] / "docs" / "settings.md"
    assert file.read_text() == reference(), "run: make docs"
