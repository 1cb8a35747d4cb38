"""`steward user`, `token` and `audit`: what they print, secrets once, refusals with what to do, both languages."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from steward.adapters.store import open_store
from steward.app.access import digest
from steward.domain.people import PassKind, Right, principal
from steward.faces.cli import runtime
from tests.faces.cli import Runner

ADDRESS = "https://steward.example.com"


@pytest.fixture(autouse=True)
def connected(clean: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An installation with an address, and no organisation yet; its state directory."""
    monkeypatch.setenv("STEWARD_GITHUB_ORGS", "acme")
    monkeypatch.setenv("STEWARD_GITHUB_TOKEN", "hunter2")
    monkeypatch.setenv("STEWARD_WEB_PUBLIC_URL", ADDRESS)
    return tmp_path / ".steward"


def test_users_come_are_given_roles_and_go(run: Runner) -> None:
    assert "steward user add" in run("user", "list").stdout
    added = run(
        "user", "add", "anna", "--role", "admin", "--full-name", "Anna Berg", "--language", "ru", "--json"
    )
    assert (added.code, added.json["grants"]) == (0, [{"role": "admin", "organisation": None}])
    run("user", "add", "ben")
    run("user", "grant", "ben", "viewer")
    assert run("user", "grant", "ben", "operator", "--json").json["grants"][1]["role"] == "operator"
    assert run("user", "ungrant", "ben", "viewer", "--json").json["grants"][0]["role"] == "operator"
    listed = run("user", "list").stdout
    assert "Anna Berg" in listed
    assert "администратор" in run("user", "list", "--lang", "ru").stdout
    assert run("user", "disable", "ben", "--yes", "--json").json["disabled_at"]
    assert "(disabled)" in run("user", "list").stdout
    assert run("user", "enable", "ben", "--json").json["disabled_at"] is None


def test_a_link_is_printed_once_and_opens_the_page(run: Runner) -> None:
    run("user", "add", "anna", "--role", "admin")
    done = run("user", "link", "anna")
    url = urlsplit(done.stdout.strip())
    assert (f"{url.scheme}://{url.netloc}", url.path) == (ADDRESS, "/login")
    secret = parse_qs(url.query)["token"][0]
    assert secret not in done.stderr
    assert "not shown again" in done.stderr
    assert secret not in run("audit", "--json").stdout + run("user", "list", "--json").stdout
    as_json = run("user", "link", "anna", "--json").json
    assert set(as_json) == {"user", "url", "expires_at"}
    assert as_json["url"].startswith(f"{ADDRESS}/login?token=stl_")


def test_a_link_leads_to_the_steward_that_runs_here(
    run: Runner, connected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STEWARD_WEB_PUBLIC_URL")
    run("user", "add", "anna")
    done = run("user", "link", "anna")
    assert done.code == 2
    assert "STEWARD_WEB_PUBLIC_URL" in done.stderr
    with runtime.written(
        connected, runtime.Running(os.getpid(), "x", sample=False, web="http://127.0.0.1:9")
    ):
        assert run("user", "link", "anna").stdout.startswith("http://127.0.0.1:9/login?token=stl_")
    assert [line["action"] for line in run("audit", "--json").json] == ["user.add", "link.create"]


def test_a_token_is_printed_once_narrowed_and_revoked(run: Runner, connected: Path) -> None:
    run("user", "add", "anna", "--role", "operator")
    done = run("token", "create", "ci", "--user", "anna", "--right", "read", "--days", "7")
    secret = done.stdout.strip()
    assert secret.startswith("stt_")
    assert "not shown again" in done.stderr
    with open_store(f"sqlite:///{connected}/steward.db").reading() as view:
        found = view.pass_by_digest(digest(secret))
    assert found is not None
    made, user = found
    assert (made.kind, made.rights) == (PassKind.TOKEN, frozenset({Right.READ}))
    assert principal(user, made).rights == {None: {Right.READ}}
    (listed,) = run("token", "list", "--json").json
    assert (listed["note"], listed["user"], listed["rights"]) == ("ci", "anna", ["read"])
    assert secret not in run("token", "list").stdout + run("audit", "--json").stdout
    assert run("token", "revoke", str(listed["id"])).stdout.strip() == "Ended: ci of anna"
    assert run("token", "list", "--json").json == []
    assert run("token", "list", "--all", "--json").json[0]["state"] == "ended"


def test_ones_own_token_is_that_of_the_account_on_this_machine(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    refused = run("token", "create", "ci")
    assert refused.code == 1
    assert "no user is known as 'ada'" in refused.stderr
    assert "steward user list" in refused.stderr
    run("user", "add", "ada", "--role", "viewer")
    assert run("token", "create", "ci", "--json").json["user"] == "ada"
    assert len(run("token", "list", "--mine", "--json").json) == 1


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (["user", "add", "Anna!"], 1, "cannot be a user's name"),
        (["user", "add", "anna"], 1, "steward user grant anna ROLE"),
        (["user", "grant", "anna", "boss"], 2, "viewer"),
        (["user", "grant", "ana", "viewer"], 1, "Did you mean anna?"),
        (["user", "grant", "anna", "viewer", "--org", "nowhere"], 1, "no organisation is known as 'nowhere'"),
        (["user", "ungrant", "anna", "viewer"], 1, "does not have the role viewer"),
        (["user", "ungrant", "anna", "admin"], 1, "Make another one first"),
        (["user", "disable", "anna", "--yes"], 1, "last admin"),
        (["user", "disable", "anna"], 2, "--yes"),
        (["token", "create", "ci", "--days", "999", "--user", "anna"], 2, "366"),
        (["token", "create", "ci", "--right", "fly", "--user", "anna"], 2, "read"),
        (["token", "revoke", "77"], 1, "no session or token is known as '77'"),
        (["audit", "-n", "0"], 2, "1<=x<=1000"),
    ],
)
def test_what_is_refused_says_what_to_do(run: Runner, args: list[str], code: int, words: str) -> None:
    run("user", "add", "anna", "--role", "admin")
    before = run("audit", "--json").stdout, run("user", "list", "--json").stdout
    done = run(*args)
    assert (done.code, done.stdout) == (code, "")
    assert words in done.stderr
    assert (run("audit", "--json").stdout, run("user", "list", "--json").stdout) == before


def test_the_last_admin_is_told_in_russian(run: Runner) -> None:
    run("user", "add", "anna", "--role", "admin")
    assert "anna — последний администратор" in run("user", "disable", "anna", "--yes", "--lang", "ru").stderr


@pytest.mark.parametrize(
    "args",
    [
        ["user", "add", "ben", "--role", "viewer"],
        ["user", "grant", "anna", "viewer"],
        ["user", "ungrant", "anna", "operator"],
        ["user", "disable", "anna"],
        ["user", "enable", "anna"],
        ["user", "link", "anna"],
        ["token", "create", "ci", "--user", "anna"],
        ["token", "revoke", "1"],
    ],
)
def test_a_rehearsal_changes_nothing(run: Runner, args: list[str]) -> None:
    run("user", "add", "anna", "--role", "operator")
    run("token", "create", "x", "--user", "anna")
    before = run("audit", "--json").stdout
    done = run(*args, "--dry-run", "--json")
    assert (done.code, done.json["dry_run"]) == (0, True)
    assert run("audit", "--json").stdout == before


def test_the_audit_log_ends_with_the_newest(run: Runner) -> None:
    for name in ("anna", "ben", "carl"):
        run("user", "add", name)
    assert [line["target"] for line in run("audit", "-n", "2", "--json").json] == ["ben", "carl"]
    assert [line["target"] for line in run("audit", "--text", "anna", "--json").json] == ["anna"]
    assert "added the user" in run("audit").stdout
    assert "добавление пользователя" in run("audit", "--lang", "ru").stdout
    assert run("audit", "--outcome", "refused").stdout.strip() == "There is no such line."
