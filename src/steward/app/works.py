"""What a principal may be shown of building: one consistent view each, nothing changed."""

from __future__ import annotations

from dataclasses import dataclass

from steward.app.building_views import (
    costs_view,
    log_view,
    operation_view,
    release_view,
    spec_view,
    template_view,
    update_view,
)
from steward.app.errors import Invalid, Undriven, Unknown
from steward.app.queries import find_project, the_project
from steward.app.spending import totals
from steward.app.views import Json
from steward.domain.people import Principal
from steward.domain.project import Project
from steward.domain.spec import STARTER, Template, TemplateRef
from steward.ports import Permanent, Reads, Store
from steward.ports.building import Templates


@dataclass(frozen=True, slots=True)
class Works:
    """Operations, specs, releases, updates and templates as one principal may see them. All raise Unknown."""

    store: Store
    by: Principal
    templates: Templates | None = None

    def _project(self, view: Reads, reference: str) -> Project:
        return the_project(find_project(view, reference, self.by))

    def operations(self, reference: str, limit: int = 50, before: str | None = None) -> list[Json]:
        """Those of a project, newest first; the next part begins before the last one's id."""
        with self.store.reading() as view:
            found = view.operations(self._project(view, reference).id, before=before, limit=limit)
            return [shown for one in found if (shown := operation_view(one))]

    def operation(self, reference: str, operation_id: str | None = None) -> Json:
        """One operation of a project; the newest where none is named."""
        with self.store.reading() as view:
            project = self._project(view, reference)
            newest = next(iter(view.operations(project.id, limit=1)), None)
            found = newest if operation_id is None else view.operation(operation_id)
            if found is None or found.project_id != project.id:
                raise Unknown(
                    "operation", operation_id or f"any of {project.slug}", [newest.id] if newest else []
                )
            shown = operation_view(found)
            assert shown is not None
            return shown

    def log(
        self, reference: str, operation_id: str | None = None, after: int = 0, limit: int = 500
    ) -> list[Json]:
        """Lines of an operation's log after that number, in order."""
        shown = self.operation(reference, operation_id)
        with self.store.reading() as view:
            return [log_view(line) for line in view.operation_log(shown["id"], after, limit)]

    def spec(self, reference: str, version: int | None = None) -> Json:
        """One version of the spec with its estimate; the newest where none is named."""
        with self.store.reading() as view:
            project = self._project(view, reference)
            found = view.spec(project.id, version)
            if found is None:
                raise Unknown("spec", f"{project.slug}" + (f" version {version}" if version else ""))
            return spec_view(found, view.estimate(project.id, found.version))

    def specs(self, reference: str) -> list[Json]:
        """All versions, oldest first, each with its estimate."""
        with self.store.reading() as view:
            project = self._project(view, reference)
            return [spec_view(one, view.estimate(project.id, one.version)) for one in view.specs(project.id)]

    def releases(self, reference: str) -> list[Json]:
        """Newest first."""
        with self.store.reading() as view:
            return [release_view(one) for one in view.releases(self._project(view, reference).id)]

    def updates(self, reference: str) -> list[Json]:
        """Oldest first."""
        with self.store.reading() as view:
            found = view.updates(self._project(view, reference).id)
            return [shown for one in found if (shown := update_view(one))]

    def costs(self, reference: str) -> Json:
        """What agents cost so far, and the budget; apart from it, in `talks`, what talking about it cost."""
        with self.store.reading() as view:
            project = self._project(view, reference)
            runs = view.agent_runs(project.id)
            shown = costs_view(runs, view.spent_usd(project.id), view.budget_usd(project.id))
            return {**shown, "talks": totals(view.mind_calls(project_id=project.id))}

    def template(self, source: str = STARTER, tag: str = "") -> Json:
        """A template and what it asks. Raises Invalid for one that cannot be used, Undriven where none can be."""
        return template_view(read_template(self.templates, TemplateRef(source, tag)))


def read_template(templates: Templates | None, ref: TemplateRef) -> Template:
    """The template that somebody names. Raises Invalid where it cannot be used, Undriven where none can be."""
    if templates is None:
        raise Undriven
    try:
        return templates.read(ref)
    except Permanent as error:
        # Whoever named it can name another one: it is what was asked that is wrong.
        raise Invalid(error.reason, error.advice) from None
