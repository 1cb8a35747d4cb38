"""What is read of many projects at once to judge how ready they are: in sets, whatever their number."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

from steward.domain.project import Project
from steward.domain.repository import Repository
from steward.domain.spec import Spec
from steward.domain.vault import Waiver


class ReadinessReads(Protocol):
    """One query each; projects without any are left out of the answers."""

    def pairs(self, project_ids: Collection[str]) -> list[tuple[Project, Repository | None]]:
        """These projects with their repositories, in no order."""
        ...

    def newest_specs(self, project_ids: Collection[str]) -> dict[str, Spec]:
        """Project id -> the newest version of its spec."""
        ...

    def kept_names(self, project_ids: Collection[str]) -> dict[str, frozenset[str]]:
        """Project id -> the names of what is kept for it; no value is opened."""
        ...

    def waivers_of(self, project_ids: Collection[str]) -> dict[str, dict[str, Waiver]]:
        """Project id -> its waivers, by name."""
        ...

    def scan_results(self, project_ids: Collection[str]) -> dict[str, Mapping[str, Any]]:
        """Project id -> what its newest scan that was done found: a `domain.needs.Scan` as JSON values."""
        ...
