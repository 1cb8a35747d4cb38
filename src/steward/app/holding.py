"""What the mass-loss guard holds, and how an organisation came in: what a person is shown before they decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from steward.app.queries import find_organisation
from steward.app.views import Json, organisation_view, project_view, stamp
from steward.domain.journal import Kind
from steward.domain.people import Principal
from steward.domain.project import Tracked
from steward.ports import Reads, Store

SHOWN_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Holding:
    """Held losses and first looks, as one principal may see them."""

    store: Store
    by: Principal

    def held(self, organisation: str) -> Json:
        """An organisation with its held losses: `{organisation, count, live, projects}`, at most 200 of them.

        `live` is how many of them serve users now. Raises Unknown.
        """
        with self.store.reading() as view:
            home = find_organisation(view, organisation, self.by)
            held = view.held(home.id)
            # Those that users would miss come first.
            held.sort(key=lambda one: (not _is_live(one), one.repository.repo.full_name))
            return {
                "organisation": organisation_view(home),
                "count": len(held),
                "live": sum(map(_is_live, held)),
                "projects": [
                    project_view(one.project, one.repository, home) for one in held[:SHOWN_MAX] if one.project
                ],
            }

    def digest(self, organisation: str) -> Json | None:
        """The first look of an organisation: `{at, repositories, look}`; None before it. Raises Unknown."""
        with self.store.reading() as view:
            return first_look(view, find_organisation(view, organisation, self.by).id)


def first_look(view: Reads, organisation_id: int) -> Json | None:
    """When an organisation came in, and how many repositories with it; None before."""
    kinds = [Kind.ORGANISATION_IMPORTED]
    found = view.events(kinds=kinds, organisation_ids=[organisation_id], wide=True, limit=1)
    if not found:
        return None
    return {"at": stamp(found[0].at), "repositories": found[0].data.get("repositories")}


def _is_live(tracked: Tracked) -> bool:
    return tracked.project is not None and tracked.project.live is not None
