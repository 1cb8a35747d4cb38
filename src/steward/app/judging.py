"""Puts together what readiness is judged by, of any number of projects, in sets."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from steward.app.parts import Parts
from steward.domain import deliveries
from steward.domain.needs import Demand, Need, Origin, Scan, Sort
from steward.domain.own_rules import Tuning
from steward.domain.project import Project
from steward.domain.readiness import Record
from steward.domain.repository import Repository
from steward.domain.spec import STARTER, Spec, Template, TemplateRef
from steward.ports import Clock, Found, Reads
from steward.ports.building import Templates
from steward.ports.errors import Permanent, Transient

Code = TypeVar("Code", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Judge:
    """What an installation judges by. `keeps`: it has a vault for secrets; `templates` None: it drives nothing."""

    clock: Clock
    tuning: Tuning = field(default=Tuning())
    keeps: bool = False
    templates: Templates | None = None

    def records(
        self,
        view: Reads,
        found: Iterable[Found],
        files: Mapping[str, Mapping[str, bool]] | None = None,
    ) -> dict[str, Record]:
        """Project id -> its record. `files` tells per project which paths are there, where it is known."""
        pairs = {project.id: (project, repository) for project, repository in found}
        homes = {project.organisation_id for project, _ in pairs.values()}
        organisations = {home: view.organisation(home) for home in homes}
        hooks = self._hooks(view, homes)
        specs, scans = view.newest_specs(pairs), view.scan_results(pairs)
        incidents, holds = view.worst_incidents(pairs), view.standing_holds(pairs)
        watches = view.watches([row.repo.id for _, row in pairs.values() if row is not None])
        starter = self._starter(specs.values())
        kept = view.kept_names(pairs) if self.keeps else None
        waivers = view.waivers_of(pairs)
        records = {}
        for key, (project, repository) in pairs.items():
            spec, incident = specs.get(key), incidents.get(key)
            ours = starter if spec is not None and spec.template.source == STARTER else None
            records[key] = Record(
                project,
                repository,
                organisations[project.organisation_id],
                hooks.get(project.organisation_id),
                incident.id if incident else None,
                watches.get(repository.repo.id) if repository else None,
                tuple(holds.get(key, ())),
                scan_from(scans[key]) if key in scans else None,
                None if kept is None else kept.get(key, frozenset()),
                waivers.get(key, {}),
                spec,
                bool(ours.checks) if ours else None,
                ours.ref.commit if ours else None,
                (files or {}).get(key, {}),
            )
        return records

    def record(
        self, view: Reads, project: Project, repository: Repository | None, files: Mapping[str, bool]
    ) -> Record:
        """That of one project."""
        return self.records(view, [(project, repository)], {project.id: files})[project.id]

    def _hooks(self, view: Reads, homes: Collection[int]) -> dict[int, str]:
        """Per organisation the best state of its webhooks: one that delivers is enough."""
        newest, now = view.newest_deliveries(), self.clock.now().at
        best = {}
        for home in homes:
            states = [deliveries.health(hook, newest.get(hook.id), now).state for hook in view.hooks(home)]
            if states:
                best[home] = min(states, key=("ok", "waiting", "failing").index)
        return best

    def _starter(self, specs: Iterable[Spec]) -> Template | None:
        """The built-in template as it is now, read only where a project was made of it."""
        if self.templates is None or not any(spec.template.source == STARTER for spec in specs):
            return None
        with suppress(Permanent, Transient):
            return self.templates.read(TemplateRef(STARTER))
        return None


def judge(parts: Parts) -> Judge:
    """What this installation judges by."""
    return Judge(parts.clock, parts.tuning, parts.vault is not None, parts.templates)


def scan_from(result: Mapping[str, Any]) -> Scan:
    """What readiness asks of a scan, out of its JSON values. What is not as expected is left out."""
    needs = [need for need in _listed(result.get("needs")) if isinstance(need, Mapping) and need.get("name")]
    return Scan(
        str(result.get("commit") or ""),
        tuple(
            Need(
                str(need["name"]),
                _coded(Demand, need.get("demand"), Demand.OPTIONAL),
                _coded(Sort, need.get("sort"), Sort.SECRET),
                _coded(Origin, need.get("origin"), Origin.UNKNOWN),
            )
            for need in needs
        ),
        tuple(map(str, _listed(result.get("workflows")))),
        tuple(map(str, _listed(result.get("deploys")))),
        implementation=result.get("implementation") is True,
    )


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _coded(kind: type[Code], value: Any, other: Code) -> Code:
    """A code, or what is meant by one that a newer version wrote."""
    try:
        return kind(value)
    except ValueError:
        return other
