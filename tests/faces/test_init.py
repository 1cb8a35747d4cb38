"""`steward init` with each kind of credential: what it tells of it, what it writes, and the webhook it offers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from localhub.testing import Hub
from tests.faces.cli import Done, Runner


@pytest.fixture
def hub(clean: None) -> Iterator[Hub]:
    with Hub(orgs=["acme"]) as made:
        made.create("shop")
        yield made


def init(run: Runner, hub: Hub, *more: str, token: str | None = None) -> Done:
    credential = () if "--app-id" in more else ("--token-stdin",)
    return run("init", "--org", "acme", "--url", hub.url, *credential, *more, stdin=f"{token or hub.token}\n")


def key_file() -> Path:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = Path("app.pem")
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, plain))
    return path


def test_it_says_what_the_token_may_do(hub: Hub, run: Runner) -> None:
    done = init(run, hub)
    assert done.code == 0
    assert "as observer: classic token with admin:org" in done.stderr
    assert "repo" in done.stderr
    assert "lacks" not in done.stderr


def test_it_names_what_is_missing_and_why(hub: Hub, run: Runner) -> None:
    weak = hub.add_token("ghp_weak", scopes=["read:org"])
    done = init(run, hub, token=weak)
    assert "which is not enough" in done.stderr
    assert "repo, to list the repositories" in done.stderr
    assert "admin:org_hook, to register the webhook" in done.stderr
    told = init(run, hub, "--lang", "ru", "--dry-run", token=weak)
    assert told.code == 2, "the first one wrote the files"


def test_without_an_address_it_says_that_nothing_more_is_needed(hub: Hub, run: Runner) -> None:
    done = init(run, hub)
    assert "nothing more is needed" in done.stderr
    assert "public_url" not in Path("steward.toml").read_text()


def test_the_webhook_is_registered_where_it_is_asked_for(hub: Hub, run: Runner) -> None:
    done = init(run, hub, "--public-url", "http://127.0.0.1:9", "--webhook")
    assert "acme: the webhook leads to http://127.0.0.1:9/hooks/github" in done.stderr
    assert 'public_url = "http://127.0.0.1:9"' in Path("steward.toml").read_text()
    (hook,) = run("webhook", "status", "--json").json["hooks"]
    assert (hook["organisation"], hook["active"]) == ("acme", True)
    secret = Path(".steward/webhook-secret").read_text().strip()
    assert secret not in done.stdout + done.stderr


def test_a_webhook_that_may_not_be_registered_is_told_and_loses_nothing(hub: Hub, run: Runner) -> None:
    weak = hub.add_token("ghp_weak", scopes=["read:org"])
    done = init(run, hub, "--public-url", "http://127.0.0.1:9", "--webhook", token=weak)
    assert done.code == 0
    assert "could not be registered" in done.stderr
    assert "steward webhook register" in done.stderr
    assert Path("steward.toml").exists()


def test_a_github_app_is_an_observer_too(hub: Hub, run: Runner) -> None:
    done = init(run, hub, "--app-id", "1", "--app-key-file", str(key_file()))
    assert done.code == 0, done.stderr
    assert "GitHub App with" in done.stderr
    assert "metadata:read" in done.stderr
    text = Path("steward.toml").read_text()
    assert "app_id = 1" in text
    assert "token_file" not in text
    assert run("sync", "run").code == 0
    (checked,) = [c for c in run("doctor", "--json").json if c["name"] == "credential in acme"]
    assert checked["ok"] is True


def test_a_builder_is_kept_apart_and_never_looks(hub: Hub, run: Runner, tmp_path: Path) -> None:
    builder = tmp_path / "builder"
    builder.write_text(hub.add_token("ghp_builder", scopes=["repo"]) + "\n")
    done = init(run, hub, "--builder-token-file", str(builder))
    assert "as builder, which is not enough" in done.stderr
    assert "workflow, to write workflow files" in done.stderr
    assert f'builder_token_file = "{builder}"' in Path("steward.toml").read_text()
    checks = {check["name"]: check for check in run("doctor", "--json").json}
    assert checks["builder in acme"]["ok"] is False
    builder.unlink()
    assert run("sync", "run").code == 0, "nothing that looks asks for it"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--app-id", "7"], "--app-key-file"),
        (["--webhook"], "--public-url"),
        (["--public-url", "steward"], "it must be an address"),
        (["--url", "github.com"], "it must be an address"),
    ],
)
def test_what_cannot_be_is_refused_and_writes_nothing(
    hub: Hub, run: Runner, more: list[str], words: str
) -> None:
    done = init(run, hub, *more)
    assert (done.code, Path("steward.toml").exists()) == (2, False)
    assert words in done.stderr
    assert hub.token not in done.stderr


def test_a_token_and_an_app_are_one_too_many(hub: Hub, run: Runner) -> None:
    app = ["--app-id", "7", "--app-key-file", str(key_file())]
    done = run("init", "--org", "acme", "--token-stdin", *app, stdin=f"{hub.token}\n")
    assert (done.code, Path("steward.toml").exists()) == (2, False)
    assert "not both" in done.stderr
