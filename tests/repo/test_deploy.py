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
UNITS = {path.name: path.read_text() for path in sorted((ROOT / "deploy").glob("*.service"))}
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


@pytest.mark.parametrize(
    "name", ["Dockerfile", "compose.yaml", "deploy/Caddyfile", *(f"deploy/{name}" for name in UNITS)]
)
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


@pytest.mark.parametrize(
    ("name", "command"), [("steward.service", "up"), ("steward-worker.service", "worker")]
)
def test_a_unit_starts_a_command_that_there_is(name: str, command: str) -> None:
    (line,) = re.findall(r"^ExecStart=\S*/(steward .*)$", UNITS[name], flags=re.MULTILINE)
    assert line.startswith(f"steward {command} ")
    assert complaint(line, whole=True) == ""
    assert "ProtectSystem=strict" in UNITS[name]
    assert "NoNewPrivileges=yes" in UNITS[name]


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
def test_a_unit_lets_boxes_be_made(unit: str) -> None:
    """Bubblewrap needs namespaces, mounts, a loopback to bring up, a host name to set, and a /proc nothing covers."""
    told = dict(line.split("=", 1) for line in unit.splitlines() if "=" in line and not line.startswith("#"))
    assert {"user", "mnt", "pid", "ipc", "uts", "net", "cgroup"} <= set(told["RestrictNamespaces"].split())
    assert "AF_NETLINK" in told["RestrictAddressFamilies"]
    assert "@mount" in told["SystemCallFilter"]
    covering = {"ProtectKernelTunables", "ProtectKernelLogs", "ProtectProc", "ProcSubset", "ProtectHostname"}
    assert covering & set(told) == set()


def test_the_units_are_alike_but_for_what_they_start() -> None:
    one, other = (
        [line for line in unit.splitlines() if not line.startswith(("#", "Description=", "ExecStart="))]
        for unit in UNITS.values()
    )
    assert one == other


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


def test_the_worker_is_the_same_but_for_its_command_and_is_started_only_where_it_is_wanted() -> None:
    steward, worker = compose()["services"]["steward"], compose()["services"]["worker"]
    assert complaint("steward " + " ".join(worker["command"]), whole=True) == ""
    assert worker["profiles"] == ["driving"]
    assert worker["healthcheck"] == {"disable": True}
    apart = {"command", "profiles", "healthcheck", "ports"}
    assert {k: v for k, v in steward.items() if k not in apart} == {
        k: v for k, v in worker.items() if k not in apart
    }


def test_what_boxes_and_hosts_need_is_in_the_image() -> None:
    (install,) = re.findall(
        r"apt-get install --yes --no-install-recommends (.+?) \\?$", DOCKERFILE, flags=re.MULTILINE
    )
    assert set(install.split()) == {"bubblewrap", "git", "openssh-client"}


def test_every_command_beside_the_service_finds_the_same_database() -> None:
    """`docker compose exec` sees the environment of the service, and nothing that its first process exports."""
    steward = compose()["services"]["steward"]
    assert {"entrypoint", "command"}.isdisjoint(steward)
    assert {"STEWARD_DATABASE_URL", "STEWARD_DATABASE_PASSWORD_FILE"} <= set(steward["environment"])
    told = re.findall(r"docker compose exec steward (steward .+)$", COMPOSE, flags=re.MULTILINE)
    assert told
    assert [line for line in told if complaint(line, whole=True)] == []
