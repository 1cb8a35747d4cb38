"""The metrics: what monitors are told, who may ask, and that no label is somebody's choice."""

from __future__ import annotations

import re
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from steward.app.measures import Measures
from steward.domain.deliveries import Delivery
from steward.domain.people import Role
from steward.faces.http.meters import METERS
from steward.ports import StoreUnavailable
from tests.faces.http.kit import Served, served

UNTOLD = {"steward_rate_limit_remaining", "steward_rate_limit"}
"""A server that sets no limits is told of by their absence."""


def told(here: Served) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    answer = here.visitor().get("/metrics")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return {
        family.name: {tuple(sorted(s.labels.items())): s.value for s in family.samples}
        for family in text_string_to_metric_families(answer.text)
    }


def test_an_installation_tells_its_numbers() -> None:
    with served() as here:
        here.world.forge.create("acme", "shop")
        told(here)
        here.world.beat()
        here.world.clock.advance(120)
        numbers = told(here)
        assert {meter.name.removesuffix("_total") for meter in METERS} - set(numbers) <= UNTOLD
        assert numbers["steward_projects"][(("status", "discovered"),)] == 1
        assert numbers["steward_operations"] == {}
        assert numbers["steward_look_age_seconds"][(("organisation", "acme"),)] == 120
        looked = (("kind", "full"), ("organisation", "acme"), ("outcome", "whole"))
        assert numbers["steward_looks"][looked] == 1
        asked = (("answer", "fresh"), ("organisation", "acme"))
        assert numbers["steward_github_requests"][asked] >= 1
        here.world.beat()
        assert told(here)["steward_looks"][looked] == 2, "a counter only grows"


def test_requests_are_counted_by_their_template() -> None:
    with served() as here:
        visitor = here.visitor()
        visitor.get("/projects/some-secret-name")
        visitor.get("/nowhere/at/all")
        text = visitor.get("/metrics").text
        routes = set(re.findall(r'steward_http_requests_total\{[^}]*route="([^"]*)"', text))
        assert "/projects/{slug}" in routes
        assert "none" in routes
        assert "some-secret-name" not in text
        assert "nowhere" not in text


def test_a_method_that_somebody_made_up_is_one_of_many() -> None:
    with served() as here:
        for number in range(9):
            here.nobody().request(f"METHOD{number}", "/projects")
        methods = {dict(labels)["method"] for labels in told(here)["steward_http_requests"]}
        assert methods == {"other"}


def test_only_who_may_read_them_reads_them() -> None:
    with served() as here:
        assert here.nobody().get("/metrics").status_code == 401
        assert here.visitor(Role.APPROVER).get("/metrics").status_code == 403


def test_the_settings_may_open_them() -> None:
    with served(metrics_public=True) as here:
        assert here.nobody().get("/metrics").status_code == 200


def test_nothing_is_told_that_the_page_of_metrics_does_not_name() -> None:
    with served() as here:
        told(here)
        ours = {name.removesuffix("_created") for name in told(here) if name.startswith("steward_")}
        assert ours - {meter.name.removesuffix("_total") for meter in METERS} == set()


def test_a_delivery_that_waits_shows_as_lag() -> None:
    with served() as here:
        world = here.world
        row = Delivery(7, "guid", "push", world.clock.now().at, organisation_id=1, repository_id=5)
        with world.store.writing() as tx:
            tx.deliver([row])
        world.clock.advance(12)
        numbers = told(here)
    assert numbers["steward_deliveries"][(("state", "pending"),)] == 1
    assert numbers["steward_delivery_lag_seconds"][()] == 12


def test_without_the_database_the_process_still_tells_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(_measures: Measures) -> Any:
        raise StoreUnavailable("it does not answer")

    with served() as here:
        monkeypatch.setattr(Measures, "measure", gone)
        numbers = told(here)
    assert numbers["steward_database_up"][()] == 0
    assert "steward_live_streams" in numbers
    assert "steward_projects" not in numbers
