"""Liveness, readiness and metrics: true, cheap, and silent about what helps nobody but an attacker."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from steward.app.measures import Measures
from steward.domain.deliveries import Delivery
from steward.domain.people import Role
from steward.faces.http.meters import METERS
from steward.ports import StoreUnavailable
from tests.faces.http.kit import Served, served

Sample = tuple[str, tuple[tuple[str, str], ...]]


def numbers(text: str) -> dict[Sample, float]:
    """Every sample of a scrape, by its name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(here: Served) -> dict[Sample, float]:
    """What an admin's session is told."""
    answer = here.visitor(Role.ADMIN).get("/metrics")
    assert answer.status_code == 200, answer.text
    return numbers(answer.text)


def test_it_lives_though_the_database_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    with served() as here:
        assert here.nobody().get("/readyz").json() == {
            "status": "ok",
            "checks": {"database": True, "schema": True},
        }
        monkeypatch.setattr(type(here.world.store), "reading", _gone)
        assert here.nobody().get("/livez").json() == {"status": "ok"}
        answer = here.nobody().get("/readyz")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
    told = answer.json()
    assert (told["type"], told["checks"]) == ("urn:steward:problem:not-ready", {"database": False})
    assert "db.example.com" not in answer.text


def _gone(_store: object) -> Any:
    raise StoreUnavailable("db.example.com does not answer")


def test_an_older_process_is_not_ready_for_a_newer_schema() -> None:
    with served() as here:
        store: Any = here.world.store
        with store.database.writing() as connection:
            connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
        answer = here.nobody().get("/readyz")
    assert (answer.status_code, answer.json()["checks"]) == (503, {"database": True, "schema": False})


@pytest.mark.parametrize("lost", ["lease", "loops"])
def test_a_process_that_lost_its_loops_is_not_ready(lost: str) -> None:
    checks = {"lease": True, "loops": True, lost: False}
    with served(ready=lambda: checks) as here:
        answer = here.nobody().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["detail"] == f"not ready: {lost}"


def test_metrics_take_the_right_or_the_setting() -> None:
    with served() as here:
        assert here.nobody().get("/metrics").status_code == 401
        for role in Role:
            expected = 200 if role is Role.ADMIN else 403
            assert here.visitor(role).get("/metrics").status_code == expected
    with served(metrics_public=True) as here:
        assert here.nobody().get("/metrics").status_code == 200


def test_every_number_is_told_by_the_name_that_the_page_gives_it() -> None:
    with served() as here:
        here.world.forge.create("acme", "shop")
        here.world.beat("acme")
        here.world.app.forge().budget()
        here.visitor(Role.VIEWER).get("/projects")
        scrape(here)
        here.world.beat("acme")
        told = {name.removesuffix("_bucket") for name, _labels in scrape(here)}
    # The fake forge sets no limits, so none is told.
    unlimited = {"steward_rate_limit", "steward_rate_limit_remaining"}
    unreported = {"steward_incidents", "steward_deliveries"}
    assert {meter.name for meter in METERS} - told - unlimited - unreported == set()
    ours = {name for name in told if name.startswith("steward_")}
    known = {meter.name for meter in METERS}
    parts = {f"{name}{end}" for name in known for end in ("_sum", "_count", "_created")}
    created = {f"{name.removesuffix('_total')}_created" for name in known}
    assert ours - known - parts - created == set()


def test_the_numbers_are_those_of_the_installation() -> None:
    with served() as here:
        world = here.world
        for name in ("shop", "blog"):
            world.forge.create("acme", name)
        scrape(here)
        world.beat("acme")
        world.clock.advance(30)
        told = scrape(here)
        assert told["steward_projects", (("status", "discovered"),)] == 2
        assert told["steward_projects", (("status", "missing"),)] == 0
        assert told["steward_look_age_seconds", (("organisation", "acme"),)] == 30
        whole = (("kind", "full"), ("organisation", "acme"), ("outcome", "whole"))
        assert told["steward_looks_total", whole] == 1
        assert told["steward_github_requests_total", (("answer", "fresh"), ("organisation", "acme"))] > 0
        assert scrape(here)["steward_looks_total", whole] == 1, "a look is counted once"
        world.beat("acme")
        assert scrape(here)["steward_looks_total", whole] == 2
        assert told["steward_database_up", ()] == 1


def test_a_delivery_that_waits_shows_as_lag() -> None:
    with served() as here:
        world = here.world
        row = Delivery(7, "guid", "push", world.clock.now().at, organisation_id=1, repository_id=5)
        with world.store.writing() as tx:
            tx.deliver([row])
        world.clock.advance(12)
        told = scrape(here)
    assert told["steward_deliveries", (("state", "pending"),)] == 1
    assert told["steward_delivery_lag_seconds", ()] == 12


def test_without_the_database_the_process_still_tells_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with served(metrics_public=True) as here:
        monkeypatch.setattr(Measures, "measure", _gone)
        told = numbers(here.nobody().get("/metrics").text)
    assert told["steward_database_up", ()] == 0
    assert ("steward_live_streams", ()) in told
    assert not any(name == "steward_projects" for name, _labels in told)


def test_labels_stay_few_whatever_is_asked_for() -> None:
    with served(metrics_public=True) as here:
        client = here.nobody()
        for number in range(50):
            client.get(f"/projects/no-{number}?token=stl_{number}")
            client.get(f"/nowhere/{number}")
            client.request(f"METHOD{number}", "/projects")
        text = client.get("/metrics").text
        told = numbers(text)
    routes = {dict(labels)["route"] for name, labels in told if name == "steward_http_requests_total"}
    assert routes <= {"/projects/{slug}", "/projects", "none", "/metrics"}
    assert "stl_" not in text
    assert "nowhere" not in text
    assert {dict(labels)["method"] for name, labels in told if name == "steward_http_requests_total"} <= {
        "GET",
        "other",
    }
