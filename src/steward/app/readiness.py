"""The readiness list of a project, read from its record, for whoever may see it."""

from __future__ import annotations

from dataclasses import dataclass

from steward.app.queries import find_project, the_project
from steward.app.views import Json
from steward.domain import deliveries
from steward.domain.people import Principal
from steward.domain.project import Project
from steward.domain.readiness import Line, Record, readiness
from steward.domain.status import Status
from steward.ports import Clock, Reads, Store


@dataclass(frozen=True, slots=True)
class Readiness:
    """Readiness lists, as one principal may see them."""

    store: Store
    clock: Clock
    by: Principal

    def lines(self, reference: str) -> Json:
        """`{ready, of, lines}`: how many of the lines hold, and each with `ok`, `words` and its `fix`.

        A fix is `{action, words, command, url}`; `command` and `url` are None where there is none. An archived
        project has no lines: nothing is asked of it. Raises Unknown.
        """
        with self.store.reading() as view:
            found = find_project(view, reference, self.by)
            project = the_project(found)
            repository = None if isinstance(found, Project) else found.repository
            if project.status is Status.ARCHIVED:
                return {"ready": 0, "of": 0, "lines": []}
            organisation = view.organisation(project.organisation_id)
            incident = view.worst_incidents([project.id]).get(project.id)
            record = Record(
                project,
                repository,
                organisation,
                self._hook(view, organisation.id),
                incident.id if incident else None,
            )
        lines = readiness(record)
        return {
            "ready": sum(line.ok for line in lines),
            "of": len(lines),
            "lines": [_line(line, record) for line in lines],
        }

    def _hook(self, view: Reads, organisation_id: int) -> str | None:
        """The best state of the organisation's webhooks: one that delivers is enough."""
        newest, now = view.newest_deliveries(), self.clock.now().at
        states = [
            deliveries.health(hook, newest.get(hook.id), now).state for hook in view.hooks(organisation_id)
        ]
        return min(states, key=("ok", "waiting", "failing").index, default=None)


def _line(line: Line, record: Record) -> Json:
    shown: Json = {"rule": line.rule.code, "ok": line.ok, "words": line.words, "fix": None}
    if line.ok:
        return shown
    fix = line.rule.fix
    known = {
        "slug": record.project.slug,
        "login": record.organisation.login,
        "incident": record.incident,
    }
    url = record.repository.repo.html_url if record.repository and fix.action == "open_github" else None
    shown["fix"] = {
        "action": fix.action,
        "words": fix.words,
        "command": fix.command.format(**known) if fix.command else None,
        "url": url or None,
    }
    return shown
