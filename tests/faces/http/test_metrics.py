"""The metrics: what monitors are told, who may ask, and that no label is somebody's choice."""

from __future__ import annotations

import re

from prometheus_client.parser import text_string_to_metric_families

from steward.domain.people import Role
from steward.faces.http.meters import METERS
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


def test_only_who_may_read_them_reads_them() -> None:
    with served() as here:
        assert here.nobody().get("/metrics").status_code == 401
        assert here.visitor(Role.APPROVER).get("/metrics").status_code == 403


def test_the_settings_may_open_them() -> None:
    with served(metrics_public=True) as here:
        assert here.nobody().get("/metrics").status_code == 200
