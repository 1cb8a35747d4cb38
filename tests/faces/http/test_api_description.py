"""The description of the API is whole, and what is served keeps to it, whatever is asked."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from steward.adapters.store import open_store
from steward.domain.people import Right, Role
from steward.faces.api.router import PREFIX, description
from steward.testing.showcase import furnish
from tests.faces.http.api_kit import Api, api, looking

METHODS = {"get", "post", "patch", "put", "delete"}
# `ignored_auth` shows wrong tokens until its address has to wait; `allow_header_conformance`: the framework
# names the methods of one of two routes of an address; what is of the described form may still be refused.
LEFT_OUT = "ignored_auth,allow_header_conformance,positive_data_acceptance"


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in json.loads(description())["paths"].items():
        for method, operation in item.items():
            assert method in METHODS
            yield path, method, operation


@pytest.fixture(scope="module")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('api')}/steward.db")
    world = furnish(store)
    with api(world) as here, looking(world):
        yield here
    store.close()


def test_anybody_may_read_the_description(furnished: Api) -> None:
    answer = httpx.get(f"{furnished.address}{PREFIX}/openapi.json", trust_env=False)
    assert (answer.status_code, answer.json()["openapi"][:3]) == (200, "3.1")
    assert "post" in answer.json()["webhooks"]["hooks-github"]


def test_each_operation_names_its_right_and_every_failure() -> None:
    rights = {right.value for right in Right}
    for path, method, operation in operations():
        assert operation["x-right"] in rights, path
        assert {"401", "403", "421", "422", "429", "503"} <= set(operation["responses"]), path
        names = {parameter["name"] for parameter in operation.get("parameters", ())}
        assert ("Idempotency-Key" in names) == (method != "get"), path
        assert operation["description"], path


def test_versions_are_taken_where_a_project_is_changed() -> None:
    taking = {
        (path, method)
        for path, method, operation in operations()
        if any(parameter["name"] == "If-Match" for parameter in operation.get("parameters", ()))
    }
    project = f"{PREFIX}/projects/{{reference}}"
    assert taking == {
        (project, "patch"),
        (f"{project}/transitions", "post"),
        (f"{project}/relink", "post"),
        (f"{project}/spec", "put"),
        (f"{project}/adopt", "post"),
        (f"{project}/scan", "post"),
        (f"{project}/retry", "post"),
        (f"{project}/resolve", "post"),
        (f"{project}/budget", "put"),
        (f"{project}/rollback", "post"),
        (f"{project}/updates", "post"),
        (f"{project}/updates/build", "post"),
        (f"{project}/holds", "post"),
        (f"{project}/holds/{{number}}/exit", "post"),
        (f"{project}/resume", "post"),
        (f"{project}/hands-off", "put"),
        (f"{project}/settings/{{setting}}/mend", "post"),
        (f"{project}/settings/{{setting}}/accept", "post"),
        (f"{project}/secrets", "post"),
        (f"{project}/secrets/{{name}}", "put"),
        (f"{project}/secrets/{{name}}", "delete"),
        (f"{project}/secrets/{{name}}/generate", "post"),
        (f"{project}/secrets/{{name}}/waive", "post"),
        (f"{project}/secrets/{{name}}/waive", "delete"),
        (f"{project}/secrets/send", "post"),
        (f"{project}/secrets/rotate", "post"),
    }


def test_every_reference_leads_somewhere() -> None:
    whole = json.loads(description())

    def walk(value: Any) -> Iterator[str]:
        if isinstance(value, dict):
            if isinstance(value.get("$ref"), str):
                yield value["$ref"]
            for inner in value.values():
                yield from walk(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner)

    for reference in set(walk(whole)):
        place = whole
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


@pytest.mark.parametrize(
    ("role", "options"),
    [
        # Every operation each time; what is generated for it in number is for the long run.
        pytest.param(Role.ADMIN, ["--phases", "examples,fuzzing", "--max-examples", "2"], id="admin"),
        pytest.param(Role.VIEWER, ["--phases", "examples,fuzzing", "--max-examples", "1"], id="viewer"),
        pytest.param(
            Role.ADMIN,
            ["--phases", "examples,coverage,fuzzing", "--max-examples", "3"],
            id="admin-long",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            Role.VIEWER,
            ["--phases", "examples,fuzzing", "--max-examples", "2"],
            id="viewer-long",
            marks=pytest.mark.soak,
        ),
    ],
)
def test_what_is_served_is_what_is_described(
    furnished: Api, role: Role, options: list[str], tmp_path: Path
) -> None:
    run = subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            "run",
            f"{furnished.address}{PREFIX}/openapi.json",
            "--header",
            f"Authorization: Bearer {furnished.token(role)}",
            "--seed",
            "1",
            "--generation-database",
            "none",
            # A stream does not end; the others go on to GitHub, and have tests of their own.
            "--exclude-path-regex",
            "/events/stream$|/webhooks/(register|ping|sweep)$",
            "--exclude-checks",
            LEFT_OUT,
            # Longer than a look may be waited for.
            "--request-timeout",
            "40",
            "--warnings",
            "off",
            "--no-color",
            *options,
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=280,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
    with furnished.client() as admin:
        assert admin.get("me").status_code == 200
