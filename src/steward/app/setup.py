"""Taking in what we did not make: checklists, many projects at once, how far that is, and adopting one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from steward.app.acting import Acts
from steward.app.errors import Forbidden, Invalid, Stale, Unknown
from steward.app.filing import told
from steward.app.queries import find_organisation, find_project, the_project
from steward.app.scanning import WAITING, ask_scan
from steward.app.surveying import SEEN, Surveying, facts_of, scan_of
from steward.app.views import Json, stamp
from steward.domain import setup as own
from steward.domain.guards import Guard
from steward.domain.journal import Kind
from steward.domain.lifecycle import Refused
from steward.domain.needs import Evidence, Need
from steward.domain.people import Right
from steward.domain.project import Management, Project
from steward.domain.readiness import Fix
from steward.domain.setup import Candidate, Line, examine, needed
from steward.domain.status import Status, Trigger
from steward.ports import Conflict, ProjectQuery, Reads
from steward.ports.hands import ScanRecord

AT_ONCE_MAX: Final = 2000
"""How many projects are taken in with one word."""
ENTERING: Final = frozenset({Status.DISCOVERED, Status.SETUP_REQUIRED})
"""The statuses that a project is adopted from."""
NAMES_SHOWN: Final = 8
TEXT_MAX: Final = 200
ROWS: Final = 200
"""Rows of one part of the table."""


@dataclass(frozen=True, slots=True)
class Setup(Acts):
    """Taking in, as one principal may.

    `surveying`: what repositories are read with; None in a process without a credential, where taking in moves at
    once and nothing is known of what is needed.
    """

    surveying: Callable[[], Surveying] | None = None

    def checklist(self, reference: str) -> Json:
        """`{project, scan, lines, missing, candidates, proposed}`: what it lacks, and where it may enter.

        Raises Unknown.
        """
        with self.store.reading() as view:
            project = the_project(find_project(view, reference, self.by))
            record = view.scan(project.id)
            facts = facts_of(view, project, record)
        found = examine(facts)
        return {
            "project": _named(project),
            "scan": scan_view(record),
            "lines": [line_view(line, project.slug) for line in found.lines],
            "missing": len(found.missing),
            "candidates": [candidate_view(one) for one in found.candidates],
            "proposed": found.proposed.value if found.proposed else None,
        }

    def scan(self, reference: str) -> Json:
        """What the newest scan found, every name with where it is read. Raises Unknown."""
        with self.store.reading() as view:
            project = the_project(find_project(view, reference, self.by))
            record = view.scan(project.id)
        scan = scan_of(record)
        needs = [need_view(one) for one in scan.needs] if scan else []
        return {"project": _named(project), **scan_view(record), "needs": needs}

    def ask(self, reference: str) -> Json:
        """Have a project scanned; what was found before stands until then. Raises Unknown, Forbidden, Invalid."""
        if self.surveying is None:
            raise Invalid(
                "this Steward reads no repositories",
                "It needs a credential that may read their contents: steward doctor",
            )
        with told(self.store) as tx:
            _, project = self.found(tx, reference, Right.WRITE)
            self._must_have_repository(project)
            ask_scan(tx, project, self.actor, self.clock.now().at)
        return self.scan(reference)

    def take_in(
        self, references: Sequence[str] = (), *, organisation: str = "", text: str = ""
    ) -> list[Json]:
        """Ask for many projects to be driven, each in a transaction of its own: `{slug, state, words}` for each.

        `state` is "queued" (to be scanned; what it lacks is asked then), "taken_in" (moved at once, where nothing
        can be scanned), "already" or "refused", with the reason in `words`. `references` name them; else all
        that are discovered and on watch, of that organisation, with that text. Raises Invalid for too many, Unknown.
        """
        wanted = list(dict.fromkeys(references)) or self._discovered(organisation, text)
        if len(wanted) > AT_ONCE_MAX:
            raise Invalid(
                f"{len(wanted)} projects are more than are taken in at once",
                f"At most {AT_ONCE_MAX}; narrow it.",
            )
        return [self._one_in(reference) for reference in wanted]

    def _discovered(self, organisation: str, text: str) -> list[str]:
        with self.store.reading() as view:
            asked = self._query(view, Right.WRITE, organisation, text)
            watched = replace(
                asked,
                statuses=[Status.DISCOVERED.value],
                management=[Management.WATCH.value],
                limit=AT_ONCE_MAX + 1,
            )
            return [project.slug for project, _repository in view.projects(watched)]

    def _query(self, view: Reads, right: Right, organisation: str, text: str) -> ProjectQuery:
        """What may be entered, within what this principal may do. Raises Unknown."""
        scope = self.by.organisations(right)
        homes: list[int] = [] if scope is None else sorted(scope) or [0]
        if organisation:
            named = find_organisation(view, organisation, self.by).id
            homes = [named if scope is None or named in scope else 0]
        return ProjectQuery(statuses=sorted(ENTERING), organisation_ids=homes, text=text[:TEXT_MAX])

    def _one_in(self, reference: str) -> Json:
        try:
            return self._taken_in(reference)
        except (Unknown, Forbidden, Refused, Stale, Invalid, Conflict) as error:
            words = error.what if isinstance(error, Invalid) else str(error)
            return {
                "slug": reference,
                "state": "refused",
                "words": words or "it was changed at the same moment",
            }

    def _taken_in(self, reference: str) -> Json:
        with told(self.store) as tx:
            _, project = self.found(tx, reference, Right.WRITE)
            if project.status not in ENTERING:
                words = f"only what was discovered is taken in; it is {project.status}"
                return {"slug": project.slug, "state": "refused", "words": words}
            self._must_have_repository(project)
            seen = self.seen(tx, project.organisation_id)
            already = project.management is Management.DRIVE
            if not already:
                what = {"management": [project.management.value, Management.DRIVE.value]}
                project = tx.save_project(replace(project, management=Management.DRIVE), seen.at)
                tx.append([self.event(Kind.PROJECT_CHANGED, seen, project, changes=what)])
            if self.surveying is not None:
                last = tx.scan(project.id)
                if already and last is not None and last.state in ("queued", "running"):
                    return {"slug": project.slug, "state": "already", "words": ""}
                ask_scan(tx, project, self.actor, seen.at)
                return {"slug": project.slug, "state": "queued", "words": ""}
            if project.status is Status.SETUP_REQUIRED:
                return {"slug": project.slug, "state": "already", "words": ""}
            proofs = frozenset({Guard.SETUP_INCOMPLETE})
            self.move(tx, project, Trigger.TAKEN_IN, proofs, "to be driven", seen)
            return {"slug": project.slug, "state": "taken_in", "words": ""}

    def _must_have_repository(self, project: Project) -> None:
        if project.repository_id is None:
            raise Invalid(
                f"{project.slug} has no repository", "Only a repository can be scanned and taken in."
            )

    def progress(self) -> Json:
        """`{queued, running, done, failed, of, waits_until}`: how far the scans are, and what they wait for.

        `waits_until` is when the rate limit is reset that they wait for, None while they do not.
        """
        with self.store.reading() as view:
            counts, waits = view.scan_counts(), view.setting(WAITING)
        known = {name: counts.get(name, 0) for name in ("queued", "running", "done", "failed")}
        return {**known, "of": sum(known.values()), "waits_until": waits if known["queued"] else None}

    def table(
        self, organisation: str = "", text: str = "", *, limit: int = ROWS, after: str = ""
    ) -> list[Json]:
        """What was found of projects that are discovered or being set up, by slug, a row each; what is ignored is
        left out. The next part begins after the slug `after`. Raises Unknown.
        """
        shown = (Management.WATCH.value, Management.DRIVE.value)
        with self.store.reading() as view:
            asked = self._query(view, Right.READ, organisation, text)
            logins = {one.id: one.login for one in view.organisations()}
            found = view.projects(replace(asked, management=shown, limit=limit, after_slug=after))
            return [self._row(view, project, logins) for project, _repository in found]

    def _row(self, view: Reads, project: Project, logins: Mapping[int, str]) -> Json:
        record = view.scan(project.id)
        facts = facts_of(view, project, record)
        found, scan = examine(facts), facts.scan
        names = [line.name for line in found.missing if line.code == own.SECRET]
        return {
            **_named(project),
            "organisation": logins.get(project.organisation_id),
            "management": project.management.value,
            "scan": record.state if record else None,
            "reason": record.reason or None if record else None,
            "languages": _languages(scan.languages) if scan else [],
            "files": scan.files if scan else None,
            "ci": bool(scan.workflows) if scan else None,
            "deploys": bool(scan.deploys) if scan else None,
            "self_deploys": bool(scan.self_deploys) if scan else None,
            "required": len(needed(scan)) if scan else None,
            "names_missing": names[:NAMES_SHOWN],
            "missing": len(found.missing) if scan else None,
            "proposed": found.proposed.value if found.proposed else None,
        }


def _languages(counts: Mapping[str, int]) -> list[str]:
    return sorted(counts, key=lambda name: (-counts[name], name))[:3]


def _named(project: Project) -> Json:
    return {
        "id": project.id,
        "slug": project.slug,
        "title": project.title,
        "status": project.status.value,
        "owner": project.owner,
        "version": project.version,
    }


def scan_view(record: ScanRecord | None) -> Json:
    """How a scan stands, without what it found by name."""
    if record is None:
        return {
            "state": None,
            "reason": None,
            "advice": None,
            "commit": None,
            "asked_at": None,
            "done_at": None,
        }
    scan = scan_of(record)
    seen: Mapping[str, Any] = (record.result or {}).get(SEEN) or {}
    return {
        "state": record.state,
        "reason": record.reason or None,
        "advice": record.advice or None,
        "commit": record.commit or None,
        "asked_by": record.asked_by,
        "asked_at": stamp(record.asked_at),
        "done_at": stamp(record.done_at),
        "colour": seen.get("colour"),
        "languages": dict(scan.languages) if scan else {},
        "files": scan.files if scan else 0,
        "skipped": [{"path": one.path, "why": one.why} for one in scan.skipped[:50]] if scan else [],
        "cut": scan.cut if scan else False,
    }


def need_view(need: Need) -> Json:
    """One name that the repository reads."""
    return {
        "name": need.name,
        "demand": need.demand.value,
        "sort": need.sort.value,
        "origin": need.origin.value,
        "purposes": sorted(one.value for one in need.purposes),
        "default": need.default,
        "help": need.help,
        "times": need.times,
        "evidence": [evidence_view(one) for one in need.evidence],
    }


def evidence_view(one: Evidence) -> Json:
    """Where something was found."""
    return {"path": one.path, "line": one.line, "reader": one.reader}


def line_view(line: Line, slug: str) -> Json:
    """One line of a checklist."""
    return {
        "code": line.code,
        "state": line.state.value,
        "stands": line.stands,
        "words": line.words,
        "name": line.name,
        "about": line.about,
        "sort": line.sort,
        "times": line.times,
        "evidence": [evidence_view(one) for one in line.evidence],
        "fix": _fix(line.fix, slug, line.name) if line.stands or line.state is own.State.OPEN else None,
    }


def _fix(fix: Fix | None, slug: str, name: str) -> Json | None:
    if fix is None:
        return None
    command = fix.command.format(slug=slug, name=name) if fix.command else None
    return {"action": fix.action, "words": fix.words, "command": command}


def candidate_view(one: Candidate) -> Json:
    """One entry status with its evidence."""
    return {
        "status": one.status.value,
        "supported": one.supported,
        "words": one.words if one.supported else one.lacks,
    }
