"""The commands against a real organisation on this machine: what they print, their exit codes, their refusals."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from localhub.testing import Hub
from tests.faces.cli import Done, Runner

PROJECT = {
    "id",
    "slug",
    "status",
    "phase",
    "interrupted",
    "holds",
    "repository",
    "organisation",
    "live",
    "operation",
    "updated_at",
}
LOOK = {"login", "state", "observed", "requests", "not_modified", "changes", "held", "duration_s"}


@pytest.fixture
def hub(clean: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """An organisation of four repositories, and the settings that connect it."""
    with Hub(orgs=["acme"]) as hub:
        for name in ("shop", "blog", "bot", "landing"):
            hub.create(name)
        monkeypatch.setenv("STEWARD_GITHUB_URL", hub.url)
        monkeypatch.setenv("STEWARD_GITHUB_TOKEN", hub.token)
        monkeypatch.setenv("STEWARD_GITHUB_ORGS", "acme")
        monkeypatch.setenv("STEWARD_SYNC_CONFIRMATIONS", "1")
        monkeypatch.setenv("STEWARD_SYNC_CONFIRM_SPACING_S", "1")
        monkeypatch.setenv("STEWARD_SYNC_GRACE_S", "0")
        yield hub


@pytest.fixture
def looked(hub: Hub, run: Runner) -> Hub:
    """The organisation after its first look."""
    assert run("sync", "run").code == 0
    return hub


def statuses(run: Runner) -> dict[str, str]:
    return {row["slug"]: row["status"] for row in run("project", "list", "--json").json}


def lose(hub: Hub, run: Runner, name: str) -> tuple[int, int]:
    """Delete a repository and look until the loss is concluded; return the repository and the incident."""
    repository = hub.delete(name)
    run("sync", "run")
    run("sync", "run")
    assert statuses(run)[name] == "missing"
    return repository, int(run("incident", "list", "--json").json[0]["id"])


def test_sync_plan_shows_what_would_come_and_writes_nothing(hub: Hub, run: Runner) -> None:
    plan = run("sync", "plan", "--json")
    assert plan.code == 0
    assert {change["kind"] for change in plan.json["organisations"][0]["changes"]} == {"discovered"}
    people = run("sync", "plan")
    assert "acme/shop" in people.stdout
    assert "4 changes; nothing was written" in people.stdout
    assert run("project", "list", "--json").json == []


def test_sync_run_brings_the_organisation_in(hub: Hub, run: Runner) -> None:
    (look,) = run("sync", "run", "--json").json["organisations"]
    assert set(look) >= LOOK
    assert (look["observed"], look["changes"]["discovered"], look["whole"]) == (4, 4, True)
    (again,) = run("sync", "run", "acme", "--json").json["organisations"]
    assert (again["requests"], again["not_modified"], again["changes"]["discovered"]) == (1, 1, 0)
    assert "acme" in run("sync", "status").stdout


def test_project_list_holds_every_project_in_the_agreed_shape(looked: Hub, run: Runner) -> None:
    rows = run("project", "list", "--json").json
    assert set(rows[0]) >= PROJECT
    assert {"id", "full_name", "state"} <= set(rows[0]["repository"])
    assert [row["slug"] for row in rows] == ["blog", "bot", "landing", "shop"]
    assert len(run("project", "list", "--json", "--limit", "2").json) == 2


def test_project_list_filters(looked: Hub, run: Runner) -> None:
    run("project", "drive", "shop")
    run("project", "archive", "bot", "--yes")
    assert [row["slug"] for row in run("project", "list", "--json", "--status", "archived").json] == ["bot"]
    # It is scanned for what it needs before it moves on.
    found = run("project", "list", "--json", "--status", "discovered").json
    assert [row["slug"] for row in found] == ["blog", "landing", "shop"]
    assert [row["slug"] for row in run("project", "list", "--json", "--management", "drive").json] == ["shop"]
    assert [row["slug"] for row in run("project", "list", "--json", "--text", "blo").json] == ["blog"]
    assert len(run("project", "list", "--json", "--phase", "materialization", "--org", "ACME").json) == 4
    assert run("project", "list", "--json", "--phase", "production").json == []
    unknown = run("project", "list", "--org", "acmee")
    assert unknown.code == 1
    assert "acme" in unknown.stderr


def test_ignored_projects_are_hidden_from_people_and_counted(looked: Hub, run: Runner) -> None:
    run("project", "ignore", "bot")
    people = run("project", "list")
    assert "bot" not in people.stdout
    assert "1 ignored project is not shown" in people.stderr
    assert "bot" in run("project", "list", "--all").stdout
    assert "bot" in {row["slug"] for row in run("project", "list", "--json").json}
    assert run("project", "list", "--quiet").stderr == ""


def test_project_show_tells_everything_in_both_languages(looked: Hub, run: Runner) -> None:
    shown = run("project", "show", "shop", "--json").json
    assert {"history", "incidents", "actions"} <= set(shown)
    assert "Discovered" in run("project", "show", "acme/shop").stdout
    russian = run("project", "show", "shop", "--lang", "ru").stdout
    assert "Обнаружен" in russian
    assert "новый на GitHub" in russian


def test_an_unknown_project_suggests_the_near_one(looked: Hub, run: Runner) -> None:
    done = run("project", "show", "shopp")
    assert done.code == 1
    assert done.stdout == ""
    assert "Did you mean shop" in done.stderr
    error = json.loads(run("project", "show", "shopp", "--json").stderr)["error"]
    assert error["code"] == "unknown_project"


def test_a_project_is_ordered_and_a_taken_slug_is_refused(looked: Hub, run: Runner) -> None:
    ordered = run("project", "order", "new-idea", "--title", "An idea", "--json")
    assert ordered.code == 0
    assert (ordered.json["status"], ordered.json["repository"]) == ("draft", None)
    assert run("project", "order", "new-idea").code == 1
    assert run("project", "order", "No Slug").code == 1
    assert statuses(run)["new-idea"] == "draft"


def test_archive_asks_first_and_a_move_that_is_not_allowed_is_refused(looked: Hub, run: Runner) -> None:
    unasked = run("project", "archive", "shop")
    assert unasked.code == 2
    assert "--yes" in unasked.stderr
    rehearsed = run("project", "archive", "shop", "--dry-run")
    assert "Discovered → Archived" in rehearsed.stdout
    assert statuses(run)["shop"] == "discovered"
    assert run("project", "archive", "shop", "--yes", "--reason", "over").code == 0
    assert statuses(run)["shop"] == "archived"
    again = run("project", "archive", "shop", "--yes")
    assert again.code == 1
    assert "not possible" in again.stderr
    assert run("project", "reopen", "shop").code == 0
    assert statuses(run)["shop"] == "discovered"


@pytest.mark.parametrize(
    "args",
    [
        ["project", "order", "idea"],
        ["project", "drive", "shop"],
        ["project", "relink", "shop", "acme/blog"],
        ["freeze", "acme"],
        ["unfreeze", "--all"],
        ["db", "backup", "copy.bak"],
        ["sync", "run"],
    ],
)
def test_a_dry_run_changes_nothing(looked: Hub, run: Runner, args: list[str]) -> None:
    before = run("event", "tail", "--json", "-n", "1000").stdout
    assert run(*args, "--dry-run").code == 0
    assert run("event", "tail", "--json", "-n", "1000").stdout == before
    assert not Path("copy.bak").exists()


def test_a_deleted_repository_becomes_an_incident_with_ways_out(looked: Hub, run: Runner) -> None:
    repository, number = lose(looked, run, "shop")
    shown = run("incident", "show", str(number))
    assert "Missing" in shown.stdout
    assert "steward project relink shop" in shown.stdout
    assert "Восстановите репозиторий" in run("incident", "show", str(number), "--lang", "ru").stdout
    refused = run("incident", "resolve", str(number))
    assert refused.code == 1
    assert "stands" in refused.stderr
    assert run("incident", "ack", str(number), "--json").json["state"] == "acknowledged"
    assert run("incident", "mute", str(number), "--for", "2h", "--json").json["muted_until"]
    assert run("incident", "unmute", str(number), "--json").json["muted_until"] is None
    looked.restore(repository)
    run("sync", "run")
    assert statuses(run)["shop"] == "discovered"
    assert run("incident", "list", "--json", "--state", "open").json == []
    assert "No incident is open" in run("incident", "list").stdout


def test_an_unknown_incident(looked: Hub, run: Runner) -> None:
    done = run("incident", "show", "4711")
    assert done.code == 1
    assert "steward incident list" in done.stderr


def test_a_missing_project_is_relinked(looked: Hub, run: Runner) -> None:
    lose(looked, run, "shop")
    looked.create("shop-again")
    run("sync", "run")
    done = run("project", "relink", "shop", "acme/shop-again", "--json")
    assert done.code == 0
    assert (done.json["status"], done.json["repository"]["full_name"]) == ("discovered", "acme/shop-again")


def test_a_held_mass_loss_is_released_or_rejected_by_a_person(looked: Hub, run: Runner) -> None:
    for name in ("shop", "blog", "bot", "landing"):
        looked.delete(name)
    run("sync", "run")
    run("sync", "run")
    held = run("sync", "status", "--json").json["organisations"][0]["held"]
    assert len(held) == 4
    assert "acme/shop (absent" in run("project", "list").stdout
    assert run("sync", "release", "acme").code == 2
    assert "acme/shop" in run("sync", "release", "acme", "--dry-run").stdout
    assert run("sync", "reject", "acme").code == 0
    assert set(statuses(run).values()) == {"discovered"}
    nothing = run("sync", "release", "acme")
    assert nothing.code == 1
    assert "nothing is held in acme" in nothing.stderr


def test_freeze_and_unfreeze(looked: Hub, run: Runner) -> None:
    assert run("freeze", "acme", "--reason", "holiday", "--json").json[0]["frozen"]["reason"] == "holiday"
    assert run("project", "show", "shop", "--json").json["holds"]
    assert "not frozen" in run("unfreeze", "--all").stdout
    assert run("freeze", "nobody").code == 1


def test_event_tail_prints_lines_and_json_lines(looked: Hub, run: Runner) -> None:
    events = [json.loads(line) for line in run("event", "tail", "--json", "-n", "3").stdout.splitlines()]
    assert [event["position"] for event in events] == sorted(event["position"] for event in events)
    assert len(events) == 3
    after = run("event", "tail", "--json", "--after", str(events[0]["position"])).stdout.splitlines()
    assert [json.loads(line) for line in after] == events[1:]
    assert "first look: 4 repositories came in" in run("event", "tail").stdout
    assert "принято 4 репозитория" in run("event", "tail", "--lang", "ru").stdout


def test_doctor_examines_and_says_what_to_do(looked: Hub, run: Runner) -> None:
    done = run("doctor")
    assert done.code == 1
    assert "✓ organisation acme" in done.stdout
    assert "steward up" in done.stdout
    checks = {check["name"]: check["ok"] for check in run("doctor", "--json").json}
    assert checks["service"] is False
    assert checks["git"] is True


def test_doctor_says_what_to_do_where_github_cannot_be_asked(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample = {check["name"]: check for check in run("doctor", "--json").json}
    assert "Start `steward up`" in sample["github"]["fix"]
    monkeypatch.setenv("STEWARD_GITHUB_ORGS", "acme")
    monkeypatch.setenv("STEWARD_GITHUB_TOKEN_FILE", "absent")
    unread = {check["name"]: check for check in run("doctor", "--json").json}
    assert "absent cannot be read" in unread["github"]["detail"]
    assert unread["github"]["fix"] == "Name a readable file"


def test_a_backup_restores_and_starts_frozen(looked: Hub, run: Runner) -> None:
    assert run("db", "check", "--json").json == {"ok": True, "findings": []}
    assert run("db", "backup", "copy.bak").code == 0
    assert run("db", "backup", "copy.bak").code == 2
    run("project", "order", "later")
    assert run("db", "restore", "copy.bak").code == 2
    assert run("db", "restore", "copy.bak", "--yes").code == 1
    assert "later" in statuses(run)
    assert run("db", "restore", "copy.bak", "--yes", "--force").code == 0
    assert "later" not in statuses(run)
    assert run("project", "show", "shop", "--json").json["holds"]


def initialise(run: Runner, hub: Hub, *more: str, token: str | None = None) -> Done:
    return run(
        "init", "--org", "acme", "--url", hub.url, "--token-stdin", *more, stdin=f"{token or hub.token}\n"
    )


def test_init_writes_the_settings_and_keeps_the_token_apart(
    hub: Hub, run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("URL", "TOKEN", "ORGS"):
        monkeypatch.delenv(f"STEWARD_GITHUB_{name}")
    done = initialise(run, hub)
    assert done.code == 0
    assert hub.token not in Path("steward.toml").read_text() + done.stdout + done.stderr
    assert Path(".steward/github-token").stat().st_mode & 0o777 == 0o600
    assert run("sync", "run").code == 0
    again = initialise(run, hub)
    assert again.code == 2
    assert "does not overwrite" in again.stderr


def test_init_with_a_wrong_token_exits_with_4_and_writes_nothing(hub: Hub, run: Runner) -> None:
    done = initialise(run, hub, token="wrong")
    assert done.code == 4
    assert not Path("steward.toml").exists()
    assert not Path(".steward/github-token").exists()


def test_init_without_a_terminal_names_the_missing_flag(run: Runner) -> None:
    done = run("init")
    assert done.code == 2
    assert "--org" in done.stderr
    assert "--token-file" in run("init", "--org", "acme").stderr
