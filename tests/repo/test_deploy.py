"""What Steward is installed with names only what there is: files, settings, commands, options."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from steward.settings.model import known, variable
from tests.repo.test_docs import complaint

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = (ROOT / "compose.yaml").read_text()
UNIT = (ROOT / "deploy" / "steward.service").read_text()
VARIABLES = {variable(f"{section}.{name}" if section else name) for section, name, _field in known()}


def compose() -> dict[str, Any]:
    """The services as Compose reads them."""
    found: dict[str, Any] = yaml.safe_load(COMPOSE)
    return found


def instructions() -> list[tuple[str, str]]:
    """The instructions of the Dockerfile, their lines joined."""
    joined = DOCKERFILE.replace("\\\n", " ")
    lines = [line.strip() for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in lines]


@pytest.mark.parametrize("name", ["Dockerfile", "compose.yaml", "deploy/steward.service", "deploy/Caddyfile"])
def test_every_setting_that_is_named_exists(name: str) -> None:
    named = set(re.findall(r"STEWARD_[A-Z_]+", (ROOT / name).read_text()))
    assert named, "it sets something"
    assert named - VARIABLES == set()


def test_what_is_copied_exists_and_is_not_ignored() -> None:
    shown = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    copied = [
        source
        for name, words in instructions()
        if name == "COPY" and "--from" not in words
        for source in words.split()[:-1]
    ]
    assert len(copied) >= 4
    for source in copied:
        assert (ROOT / source).exists(), source
        assert source in shown, f"{source} is not let through by .dockerignore"


def test_the_image_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    names = [name for name, _ in instructions()]
    # A number, so that Kubernetes can tell that it is not root.
    assert ("USER", "10001:10001") in instructions()
    assert names.index("HEALTHCHECK") > names.index("USER")
    assert "/readyz" in DOCKERFILE
    assert "--require-hashes" in DOCKERFILE


def test_the_image_starts_a_command_that_there_is() -> None:
    words = dict(instructions())
    line = " ".join([*shlex.split(re.sub(r'[\[\],"]', " ", words["ENTRYPOINT"] + " " + words["CMD"]))])
    assert line == "steward up --quiet"
    assert complaint(line, whole=True) == ""


def test_the_unit_starts_a_command_that_there_is() -> None:
    (line,) = re.findall(r"^ExecStart=\S*/(steward .*)$", UNIT, flags=re.MULTILINE)
    assert complaint(line, whole=True) == ""
    assert "ProtectSystem=strict" in UNIT
    assert "NoNewPrivileges=yes" in UNIT


def test_the_services_hold_no_password_and_every_secret_is_a_file() -> None:
    services = compose()["services"]
    for service in services.values():
        for secret in service["secrets"]:
            assert Path(compose()["secrets"][secret]["file"]).parts[0] == "secrets"
        for name, value in service["environment"].items():
            assert not re.search(r"PASSWORD$|TOKEN$|SECRET$", name), "secrets come from files"
            assert not re.search(r"//[^/]*:[^/]*@", str(value)), "nor do addresses hold them"
            assert "password" not in str(value) or str(value).startswith("/run/secrets/")
    ignored = subprocess.run(["git", "check-ignore", "secrets/github-token"], cwd=ROOT, check=False)
    assert ignored.returncode == 0, "the folder of secrets is not committed by accident"


def test_the_services_are_reached_from_this_machine_alone() -> None:
    services = compose()["services"]
    assert services["steward"]["ports"] == ["127.0.0.1:8484:8484"]
    assert "ports" not in services["postgres"]


def test_every_command_beside_the_service_finds_the_same_database() -> None:
    """`docker compose exec` sees the environment of the service, and nothing that its first process exports."""
    steward = compose()["services"]["steward"]
    assert {"entrypoint", "command"}.isdisjoint(steward)
    assert {"STEWARD_DATABASE_URL", "STEWARD_DATABASE_PASSWORD_FILE"} <= set(steward["environment"])
    told = re.findall(r"docker compose exec steward (steward .+)$", COMPOSE, flags=re.MULTILINE)
    assert told
    assert [line for line in told if complaint(line, whole=True)] == []
