"""What a project lacks before it can be deployed, read from its record: no key is needed for it."""

from __future__ import annotations

from steward.domain.vault import lacking
from steward.ports import Reads


def lacks(view: Reads, project_id: str) -> tuple[str, ...]:
    """The names of its newest spec that people must set, and that are neither kept nor waived."""
    spec = view.spec(project_id)
    if spec is None or not spec.environment:
        return ()
    kept = [value.kept for value in view.vault_values(project_id)]
    return lacking(spec.environment, kept, view.vault_waivers(project_id))
