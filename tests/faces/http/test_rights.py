"""Every address as every role and as nobody: the answers are those of docs/rights.md.

Who may get through the guard is what is asked here; what lies behind it may refuse for reasons of its own: the
addresses name things that do not exist, and nothing is sent with a request.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from steward.domain.people import Right, Role
from tests.faces.http.kit import Served, served

PAGE = Path(__file__).parents[3] / "docs" / "rights.md"
NOBODY = "nobody"
ROLES = [role.value for role in Role]
SAMPLES = {"number": "999", "login": "acme", "version": "x", "path": "y", "trigger": "archived"}
"""What stands in an address for its fields; for others a name that nobody bears."""
STREAMS = ("/live", "/api/v1/events/stream")
"""They end only with their reader: asked with a position that is none, they say so at once."""
PROVEN_OTHERWISE = {("POST", "/login"), ("POST", "/hooks/github"), ("POST", "/hooks/telegram")}
"""Open to anybody, who then shows a link or a signature: 401 is their own answer to a wrong one."""

Line = tuple[str, str, str, dict[str, bool]]


def lines() -> list[Line]:
    """The table: method, address, right, and who may."""
    head, table = None, []
    for row in PAGE.read_text().splitlines():
        cells = [cell.strip().strip("`") for cell in row.strip("|").split("|")]
        if cells[0] == "address":
            head = cells[2:]
        elif head and cells[0].split(" ")[0].isupper():
            method, path = cells[0].split(" ")
            may = {who: word == "yes" for who, word in zip(head, cells[2:], strict=True)}
            table.append((method, path, cells[1], may))
    return table


TABLE = lines()


@pytest.fixture(scope="module")
def here() -> Iterator[Served]:
    with served() as made:
        made.world.forge.create("acme", "shop")
        made.world.beat()
        yield made


def address(path: str) -> str:
    filled = re.sub(r"{(\w+)(:\w+)?}", lambda field: SAMPLES.get(field[1], "nobody-here"), path)
    return f"{filled}?last=none" if path in STREAMS else filled


def ask(here: Served, who: str, method: str, path: str) -> Any:
    if who == NOBODY:
        return here.nobody().request(method, address(path))
    # A new session each time: some of these addresses end the one that asks.
    visitor = here.visitor(Role(who))
    return visitor.client.request(method, address(path), headers={"X-CSRF-Token": visitor.csrf})


def test_the_table_is_there() -> None:
    assert len(TABLE) > 100
    assert {method for method, *_rest in TABLE} == {"GET", "POST", "PATCH", "PUT", "DELETE"}
    assert {right for _method, _path, right, _may in TABLE} - {"anybody"} <= set(Right)
    assert all(set(may) == {*ROLES, NOBODY} for *_rest, may in TABLE)


@pytest.mark.parametrize("who", [*ROLES, NOBODY])
@pytest.mark.parametrize(("method", "path", "right", "may"), TABLE, ids=lambda value: str(value)[:60])
def test_the_answer_is_that_of_the_table(
    here: Served, method: str, path: str, right: str, may: dict[str, bool], who: str
) -> None:
    answer = ask(here, who, method, path)
    if may[who]:
        if (method, path) not in PROVEN_OTHERWISE:
            assert answer.status_code != 401
        refused = answer.status_code == 403 and answer.json().get("right") == right
        assert not refused, "the guard let nobody with this right through"
        assert answer.status_code not in (500, 405)
        return
    if who == NOBODY:
        to_sign_in = answer.status_code == 303 and answer.headers["location"].startswith("/login?next=")
        assert to_sign_in or answer.status_code == 401
        assert to_sign_in == (method == "GET" and not path.startswith(("/api/", "/live", "/metrics")))
        return
    assert (answer.status_code, answer.json()["right"]) == (403, right)


def test_a_role_in_one_organisation_opens_no_page_of_the_installation(here: Served) -> None:
    visitor = here.visitor(Role.ADMIN, "homely", "acme")
    for method, path, right, _may in TABLE:
        if right in ("users", "webhooks", "audit", "metrics"):
            answer = visitor.client.request(method, address(path), headers={"X-CSRF-Token": visitor.csrf})
            assert (answer.status_code, answer.json()["right"]) == (403, right), f"{method} {path}"
