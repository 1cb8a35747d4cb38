"""`steward webhook`: against a real organisation on this machine, in both languages, for people and programs."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from localhub.testing import Hub
from tests.faces.cli import Runner

NOWHERE = "http://127.0.0.1:9"


@pytest.fixture
def hub(clean: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """An organisation that is connected."""
    with Hub(orgs=["acme"]) as hub:
        hub.create("shop")
        monkeypatch.setenv("STEWARD_GITHUB_URL", hub.url)
        monkeypatch.setenv("STEWARD_GITHUB_TOKEN", hub.token)
        monkeypatch.setenv("STEWARD_GITHUB_ORGS", "acme")
        yield hub


def test_a_webhook_is_registered_shown_pinged_and_swept(hub: Hub, run: Runner, tmp_path: Path) -> None:
    assert run("sync", "run").code == 0
    before = run("webhook", "status")
    assert "acme: no webhook; changes are seen by polling" in before.stdout
    assert "no secret: every delivery is refused" in before.stdout

    made = run("webhook", "register", "--url", NOWHERE)
    assert made.code == 0
    assert f"{NOWHERE}/hooks/github" in made.stdout
    assert "steward webhook status" in made.stderr
    secret = tmp_path / ".steward" / "webhook-secret"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert secret.read_text().strip() not in made.stdout + made.stderr
    (hook,) = hub.core.webhooks.hooks(f"org:{hub.org().id}")
    assert hook.data["secret"] == secret.read_text().strip()

    (again,) = run("webhook", "register", "--url", NOWHERE, "--json").json
    assert (again["id"], again["made"], again["state"]) == (hook.id, "updated", "waiting")
    (pinged,) = run("webhook", "ping", "acme", "--json").json
    assert pinged["pinged_at"] >= again["pinged_at"]
    hub.rename("shop", "store")
    assert hub.wait_deliveries()
    swept = run("webhook", "sweep")
    assert swept.code == 0
    assert "missed deliveries taken in" in swept.stdout
    assert "GitHub cannot deliver" in swept.stdout
    rows = run("webhook", "deliveries", "--json", "--state", "pending").json
    assert [(row["event"], row["action"], row["source"]) for row in rows] == [
        ("repository", "renamed", "sweep")
    ]
    shown = run("webhook", "deliveries").stdout
    assert "repository.renamed" in shown
    assert "waits again" in run("webhook", "retry", str(rows[0]["id"])).stdout
    assert "Webhook failing" in run("incident", "list").stdout


def test_in_russian_nothing_is_left_in_english(hub: Hub, run: Runner) -> None:
    run("sync", "run")
    run("webhook", "register", "--url", NOWHERE)
    assert hub.wait_deliveries()
    run("webhook", "sweep")
    shown = run("webhook", "status", "--lang", "ru").stdout
    assert "Не работает" in shown
    assert "GitHub не может доставить" in shown
    assert "последняя доставка: пока нет" in shown
    assert "доставки: пропущено 1" in shown
    listed = run("webhook", "deliveries", "--lang", "ru").stdout
    assert "ping: осматривать нечего" in listed


def test_a_rehearsal_asks_github_for_nothing(hub: Hub, run: Runner, tmp_path: Path) -> None:
    hub.clear_requests()
    for words in (("register", "--url", NOWHERE), ("ping",), ("sweep",), ("retry", "1")):
        shown = run("webhook", *words, "--dry-run", "--json")
        assert shown.code == 0, (words, shown.stderr)
        assert shown.json["dry_run"] is True
    assert hub.requests() == []
    assert not (tmp_path / ".steward" / "webhook-secret").exists()


def test_without_a_public_address_it_says_what_to_do(hub: Hub, run: Runner) -> None:
    refused = run("webhook", "register")
    assert refused.code == 2
    assert "--url https://steward.example.com" in refused.stderr
    assert "polling finds every change" in refused.stderr
    wrong = run("webhook", "register", "--url", "steward.example.com")
    assert wrong.code == 1
    assert "no address of a web server" in wrong.stderr
    assert "no webhook is registered" in run("webhook", "ping").stderr
    assert "no delivery is known as '7'" in run("webhook", "retry", "7").stderr


def test_a_credential_that_may_not_see_to_webhooks_says_what_it_lacks(
    hub: Hub, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEWARD_GITHUB_TOKEN", hub.add_token("ghp_reader", scopes=["workflow"]))
    refused = run("webhook", "register", "--url", NOWHERE)
    assert refused.code == 4
    assert "may not see to the webhooks of acme" in refused.stderr
    assert "admin:org_hook" in refused.stderr


def test_the_secret_of_the_settings_is_used_and_never_shown(
    hub: Hub, run: Runner, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STEWARD_GITHUB_WEBHOOK_SECRET", "short")
    refused = run("webhook", "status")
    assert refused.code != 0
    assert "at least 16 characters" in refused.stderr
    assert "short" not in refused.stderr
    monkeypatch.setenv("STEWARD_GITHUB_WEBHOOK_SECRET", "sixteen characters or more")
    assert run("webhook", "register", "--url", NOWHERE).code == 0
    (hook,) = hub.core.webhooks.hooks(f"org:{hub.org().id}")
    assert hook.data["secret"] == "sixteen characters or more"
    assert not (tmp_path / ".steward" / "webhook-secret").exists()
    assert "sixteen" not in run("config", "show").stdout
    monkeypatch.setenv("STEWARD_GITHUB_WEBHOOK_SECRET_FILE", str(tmp_path / "other"))
    assert "Keep one of the two" in run("webhook", "status").stderr
