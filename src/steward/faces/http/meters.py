"""The numbers of one server for Prometheus: what each is called, means and is labelled with, and how it is got.

Those of the installation are read from the database when they are asked for; those of this process are counted
as they happen. Labels take few values: routes by their template, never an address as it came; organisations,
which an installation has few of; codes of our own.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from steward.app.measures import Measured, Measures
from steward.domain.status import Status
from steward.ports import StoreUnavailable

BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Kind(StrEnum):
    """How a number moves."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True)
class Meter:
    """One number: its name as Prometheus shows it, its labels, and what it means."""

    name: str
    kind: Kind
    meaning: str
    labels: tuple[str, ...] = ()

    def gauge(self) -> GaugeMetricFamily:
        """An empty family of values of this moment."""
        return GaugeMetricFamily(self.name, self.meaning, labels=self.labels)

    def counter(self, registry: CollectorRegistry) -> Counter:
        """A counter of this process."""
        return Counter(self.name.removesuffix("_total"), self.meaning, self.labels, registry=registry)


BUILD: Final = Meter("steward_build_info", Kind.GAUGE, "Always 1; what runs", ("version", "python"))
DATABASE: Final = Meter(
    "steward_database_up",
    Kind.GAUGE,
    "1 if the database answered, else 0 and the numbers from it are left out",
)
PROJECTS: Final = Meter("steward_projects", Kind.GAUGE, "Projects in each status", ("status",))
INCIDENTS: Final = Meter(
    "steward_incidents",
    Kind.GAUGE,
    "Incidents not resolved; `state` is `needs` (somebody to see to it), `acknowledged` or `muted`",
    ("severity", "state"),
)
OPERATIONS: Final = Meter(
    "steward_operations",
    Kind.GAUGE,
    "Operations that have not ended; `state` is `queued`, `running` or `waiting`",
    ("work", "state"),
)
LOOK_AGE: Final = Meter(
    "steward_look_age_seconds", Kind.GAUGE, "Seconds since the last whole look ended", ("organisation",)
)
LOOKS: Final = Meter(
    "steward_looks_total",
    Kind.COUNTER,
    "Looks that ended, whichever process looked",
    ("organisation", "kind", "outcome"),
)
REQUESTS: Final = Meter(
    "steward_github_requests_total",
    Kind.COUNTER,
    "Requests that these looks made; `answer` is `fresh` or `not_modified`",
    ("organisation", "answer"),
)
POINTS: Final = Meter(
    "steward_github_points_total",
    Kind.COUNTER,
    "Points of the rate limit that these looks cost",
    ("organisation",),
)
LIMIT: Final = Meter(
    "steward_rate_limit", Kind.GAUGE, "Points per hour that GitHub allows, as this process was last told"
)
LEFT: Final = Meter("steward_rate_limit_remaining", Kind.GAUGE, "Points left of them")
DELIVERIES: Final = Meter(
    "steward_deliveries",
    Kind.GAUGE,
    "Deliveries of webhooks that are kept; `state` is `pending`, `done`, `ignored` or `failed`",
    ("state",),
)
DELIVERY_LAG: Final = Meter(
    "steward_delivery_lag_seconds",
    Kind.GAUGE,
    "Seconds for which the oldest delivery has waited; 0 if none waits",
)
OUTBOX: Final = Meter("steward_outbox", Kind.GAUGE, "Notices on their way to people, and sent", ("state",))
STREAMS: Final = Meter("steward_live_streams", Kind.GAUGE, "Open streams of live events of this process")
HTTP_REQUESTS: Final = Meter(
    "steward_http_requests_total",
    Kind.COUNTER,
    "Requests that this process answered; `route` is a template",
    ("route", "method", "status"),
)
HTTP_SECONDS: Final = Meter(
    "steward_http_request_seconds", Kind.HISTOGRAM, "Seconds until the answer began", ("route",)
)

METERS: Final = (
    BUILD,
    DATABASE,
    PROJECTS,
    INCIDENTS,
    OPERATIONS,
    LOOK_AGE,
    LOOKS,
    REQUESTS,
    POINTS,
    LIMIT,
    LEFT,
    DELIVERIES,
    DELIVERY_LAG,
    OUTBOX,
    STREAMS,
    HTTP_REQUESTS,
    HTTP_SECONDS,
)
"""Every number, in the order in which they are told."""


class Meters(Collector):
    """The numbers of one server, in a registry of their own."""

    def __init__(self, measures: Measures, streams: Callable[[], int]) -> None:
        self.registry = CollectorRegistry()
        self._measures = measures
        self._streams = streams
        self.registry.register(self)
        ProcessCollector(registry=self.registry)
        self._looks = LOOKS.counter(self.registry)
        self._requests = REQUESTS.counter(self.registry)
        self._points = POINTS.counter(self.registry)
        self._answers = HTTP_REQUESTS.counter(self.registry)
        self._seconds = Histogram(
            HTTP_SECONDS.name,
            HTTP_SECONDS.meaning,
            HTTP_SECONDS.labels,
            buckets=BUCKETS_S,
            registry=self.registry,
        )

    def begin(self) -> None:
        """Count looks from now on; where the database does not answer yet, from the first scrape on."""
        with suppress(StoreUnavailable):
            self._measures.begin()

    def answered(self, route: str, method: str, status: int, wait_s: float) -> None:
        """Count a request that was answered; `wait_s` is how long it took until the answer began."""
        self._answers.labels(route, method, str(status)).inc()
        self._seconds.labels(route).observe(wait_s)

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """What `collect` tells, for the registry, which would otherwise read the database to find out."""
        return [meter.gauge() for meter in METERS if meter.kind is Kind.GAUGE]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The numbers of this moment."""
        yield _one(BUILD, 1, version("steward"), platform.python_version())
        yield _one(STREAMS, self._streams())
        try:
            measured = self._measures.measure()
        except StoreUnavailable:
            yield _one(DATABASE, 0)
            return
        self._count(measured)
        yield _one(DATABASE, 1)
        yield from _installation(measured)

    def _count(self, measured: Measured) -> None:
        for login, look in measured.ended:
            self._looks.labels(login, look.kind, look.outcome).inc()
            self._requests.labels(login, "fresh").inc(look.requests - look.not_modified)
            self._requests.labels(login, "not_modified").inc(look.not_modified)
            self._points.labels(login).inc(look.points)


def _installation(measured: Measured) -> Iterator[GaugeMetricFamily]:
    projects = {status.value: measured.projects.get(status, 0) for status in Status}
    for meter, values in (
        (PROJECTS, projects),
        (LOOK_AGE, measured.look_ages_s),
        (DELIVERIES, measured.deliveries),
        (OUTBOX, measured.outbox),
    ):
        family = meter.gauge()
        for label, value in values.items():
            family.add_metric([label], value)
        yield family
    for meter, counts in ((INCIDENTS, measured.incidents), (OPERATIONS, measured.operations)):
        family = meter.gauge()
        for labels, number in counts.items():
            family.add_metric(labels, number)
        yield family
    yield _one(DELIVERY_LAG, measured.delivery_lag_s)
    for meter, told in ((LIMIT, measured.budget.limit), (LEFT, measured.budget.remaining)):
        if told is not None:
            yield _one(meter, told)


def _one(meter: Meter, value: float, *labels: str) -> GaugeMetricFamily:
    family = meter.gauge()
    family.add_metric(labels, value)
    return family


def reference() -> str:
    """Every number as a table in Markdown; docs/metrics.md holds exactly this text."""
    lines = [
        "# Metrics",
        "",
        "Generated from `src/steward/faces/http/meters.py` by `make docs`. `GET /metrics` tells them, to a token",
        "with the right `metrics`, or to anybody where `STEWARD_WEB_METRICS_PUBLIC` says so. Numbers of the",
        "database are the same in every process; counters begin at 0 with each process, and a `_created` beside",
        "each says when. `process_*` are those of the operating system.",
        "",
        "| name | kind | labels | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for meter in METERS:
        labels = ", ".join(f"`{label}`" for label in meter.labels)
        lines.append(f"| `{meter.name}` | {meter.kind} | {labels} | {meter.meaning} |")
    return "\n".join(lines) + "\n"
