"""What talks cost, as it is shown: beside the agents' costs of a project, and each person's own; nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from steward.adapters.store import open_store
from steward.domain.people import Role
from steward.domain.spending import Allowance, MindCall, Usage
from steward.domain.talks import Talk
from steward.faces.cli.tables_building import talks_text
from steward.faces.http.app import build
from steward.faces.http.live import Live
from steward.faces.http.site import Site
from steward.faces.web.render import error_page
from steward.faces.words import speaking
from steward.testing.driven import Driven
from tests.faces.http.api_kit import api
from tests.faces.http.kit import Served

KNOWN = Usage("openai:gpt-5.5", 1000, 200, 0.25, "computed")
UNKNOWN = Usage("openai:gpt-5.5")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Driven]:
    """A project, `shop`."""
    made = Driven(open_store("sqlite://"), tmp_path)
    made.app = replace(made.app, allowance=Allowance(5.0, 0.0, 200))
    made.forge.create("acme", "shop")
    made.beat()
    yield made
    made.store.close()


def talk(world: Driven, user: str, *calls: tuple[Usage, str, float], project: str | None = None) -> None:
    """A talk of that user with these calls: what each took, came to, and how many hours ago it was."""
    at = world.clock.now().at
    with world.store.writing() as tx:
        made = tx.add_talk(Talk(0, f"web:{user}", user, at, at, project_id=project))
        for usage, outcome, hours in calls:
            tx.add_mind_call(MindCall(at - timedelta(hours=hours), user, made.id, usage, project, outcome))


def spent(world: Driven) -> None:
    """Calls of two people, one of them about the shop."""
    project = world.project().id
    about = [(KNOWN, "late", 30.0), (KNOWN, "ok", 1.0), (UNKNOWN, "unreachable", 0.5)]
    talk(world, "api-viewer-all", *about, project=project)
    talk(world, "api-admin-all", (KNOWN, "ok", 2.0))


def test_a_projects_talks_stand_beside_what_its_agents_cost(world: Driven) -> None:
    spent(world)
    with api(world) as here, here.client(Role.VIEWER) as client:
        costs = client.get("projects/shop/costs").json()
    assert costs["talks"] == {"calls": 3, "usd": 0.5, "unknown": 1}
    assert costs["spent_usd"] == 0.0


def test_each_sees_ones_own_and_who_sees_to_people_everybodys(world: Driven) -> None:
    spent(world)
    with api(world) as here, here.client(Role.VIEWER) as viewer, here.client(Role.ADMIN) as admin:
        own = viewer.get("me/spending").json()
        assert viewer.get("spending").status_code == 403
        everybody = admin.get("spending").json()
    assert own["user"] == "api-viewer-all"
    assert own["day"] == {"calls": 2, "usd": 0.25, "unknown": 1}
    assert own["limits"] == {"person_day_usd": 5.0, "person_day_calls": 200, "project_usd": None}
    assert [call["outcome"] for call in own["calls"]] == ["unreachable", "ok", "late"]
    assert {call["user"] for call in own["calls"]} == {"api-viewer-all"}
    assert [line["user"] for line in everybody] == ["api-viewer-all", "api-admin-all"]
    assert everybody[0]["month"] == {"calls": 3, "usd": 0.5, "unknown": 1}


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("en", ["What your talks cost", "$0.25 of $5", "1 of unknown cost", "2 of 200", "unreachable"]),
        ("ru", ["Стоимость ваших обсуждений", "$0.25 из $5", "1 с неизвестной стоимостью", "нет ответа"]),
    ],
)
def test_the_page_of_oneself_shows_it_once_there_is_any(world: Driven, lang: str, words: list[str]) -> None:
    site = Site(world.app, Live(world.app), names=frozenset({"testserver"}), error_page=error_page)
    served = Served(world, site, build(site))
    boris = served.visitor(Role.VIEWER, "boris")
    assert 'id="spending"' not in boris.get("/settings").text
    talk(world, "boris", (KNOWN, "ok", 1.0), (UNKNOWN, "unreachable", 0.5))
    talk(world, "anna", (Usage("secret-model-of-anna", 1, 1, 3.0, "computed"), "ok", 1.0))
    shown = boris.get("/settings", headers={"Accept-Language": lang}).text
    for client in served.clients:
        client.close()
    for text in words:
        assert text in shown
    assert "secret-model-of-anna" not in shown


@pytest.mark.parametrize(
    ("talks", "english", "russian"),
    [
        ({"calls": 0, "usd": 0.0, "unknown": 0}, "", ""),
        (
            {"calls": 1, "usd": 0.25, "unknown": 0},
            "talks: 0.25 USD, 1 call of the model",
            "обсуждения: 0.25 USD, 1 вызов модели",
        ),
        (
            {"calls": 22, "usd": 1.0, "unknown": 3},
            "talks: 1 USD, 22 calls of the model, 3 of unknown cost",
            "обсуждения: 1 USD, 22 вызова модели, 3 с неизвестной стоимостью",
        ),
    ],
)
def test_the_line_of_the_command(talks: dict[str, float], english: str, russian: str) -> None:
    assert talks_text(talks) == english
    with speaking("ru"):
        assert talks_text(talks) == russian
