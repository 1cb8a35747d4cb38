"""The readiness list of a project, for whoever may see it, and what a person may do about its lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from steward.app.acting import Acts
from steward.app.errors import Invalid, Unknown
from steward.app.judging import Judge
from steward.app.queries import find_project, the_project
from steward.app.views import Json, stamp
from steward.domain.journal import Kind
from steward.domain.own_rules import Ask, Tuning
from steward.domain.people import Principal, Right
from steward.domain.project import Management, Project, Tracked
from steward.domain.readiness import WAIVED, Line, Record, Rule, percent, readiness, unmet
from steward.domain.repository import Repository
from steward.domain.status import Status
from steward.domain.vault import Waiver
from steward.ports import Clock, Reads, Store, Writes
from steward.ports.hands import Score

RULES_SINCE: Final = "readiness.rules"
"""The setting that keeps the rules that scores are counted by, and since when."""
REASON_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Readiness:
    """Readiness lists, as one principal may see them, and waivers. `judge` knows the rules."""

    store: Store
    clock: Clock
    by: Principal
    judge: Judge

    def lines(self, reference: str) -> Json:
        """`{ready, of, percent, lines}`: how many of the lines count as met, the score, and each line.

        A line is `{rule, ok, words, weight, severity, own, detail, waived, fix}`: `waived` is `{by, at, reason}`
        or None, `fix` `{action, words, command, url}`; `command` and `url` are None where there is none. An
        archived project has no lines: nothing is asked of it, its `percent` is None. Raises Unknown.
        """
        with self.store.reading() as view:
            found = find_project(view, reference, self.by)
            if the_project(found).status is Status.ARCHIVED:
                return {"ready": 0, "of": 0, "percent": None, "lines": []}
            record = recorded(view, self.judge, found)
        lines = readiness(record, self.judge.tuning.rules())
        return {
            "ready": sum(line.ok for line in lines),
            "of": len(lines),
            "percent": percent(lines),
            "lines": [line_view(line, record) for line in lines],
        }

    def waive(self, reference: str, code: str, reason: str) -> Json:
        """Do without a rule, with the reason; the new list. Raises Unknown, Forbidden, Invalid."""
        reason = reason.strip()
        if not reason or len(reason) > REASON_MAX:
            raise Invalid(
                f"a rule is waived with a reason of at most {REASON_MAX} characters",
                "Say why the project does without it, or where what it asks for is.",
            )
        with self.store.writing() as tx:
            project = self._mine(tx, reference)
            rule = self._rule(code)
            at = self.clock.now().at
            tx.save_vault_waiver(Waiver(project.id, WAIVED + rule.code, reason, self.by.actor, at))
            self._write_down(tx, Kind.RULE_WAIVED, project, rule.code, reason)
        return self.lines(reference)

    def unwaive(self, reference: str, code: str) -> Json:
        """Ask for a rule again; the new list. Raises Unknown (none waived), Forbidden."""
        with self.store.writing() as tx:
            project = self._mine(tx, reference)
            if not tx.drop_vault_waiver(project.id, WAIVED + code):
                names = [one.name for one in tx.vault_waivers(project.id)]
                near = [name.removeprefix(WAIVED) for name in names if name.startswith(WAIVED)]
                raise Unknown("waived rule", code, near)
            self._write_down(tx, Kind.RULE_UNWAIVED, project, code, "")
        return self.lines(reference)

    def _rule(self, code: str) -> Rule:
        rules = {rule.code: rule for rule in self.judge.tuning.rules()}
        if code not in rules:
            raise Unknown("rule", code, sorted(rules))
        return rules[code]

    def _mine(self, tx: Writes, reference: str) -> Project:
        return Acts(self.store, self.clock, self.by, ()).found(tx, reference, Right.WRITE)[1]

    def _write_down(self, tx: Writes, kind: Kind, project: Project, code: str, why: str) -> None:
        """The event, and the score at once: somebody looks at it now."""
        acts = Acts(self.store, self.clock, self.by, ())
        seen = acts.seen(tx, project.organisation_id)
        tx.append([acts.event(kind, seen, project, why, rule=code)])
        if project.status is not Status.ARCHIVED and project.management is not Management.IGNORE:
            record = recorded(tx, self.judge, find_project(tx, project.id, self.by))
            tx.save_scores([scored(record, self.judge.tuning, seen.at)])


def recorded(view: Reads, judge: Judge, found: Tracked | Project) -> Record:
    """The record of one project, with what the last score found out of files."""
    project = the_project(found)
    repository: Repository | None = None if isinstance(found, Project) else found.repository
    files: Mapping[str, bool] = {}
    if judge.tuning.paths():
        files = files_told(judge.tuning, view.scores([project.id]).get(project.id), rules_since(view, judge))
    return judge.record(view, project, repository, files)


def rules_since(view: Reads, judge: Judge) -> datetime | None:
    """Since when scores are counted by the rules of now; None where none is yet."""
    kept = view.setting(RULES_SINCE)
    if not isinstance(kept, dict) or kept.get("rules") != judge.tuning.told():
        return None
    try:
        return datetime.fromisoformat(str(kept.get("since")))
    except ValueError:
        return None


def files_told(tuning: Tuning, score: Score | None, since: datetime | None) -> dict[str, bool]:
    """What a score that was counted by the rules of now tells of the files that they ask for."""
    if score is None or since is None or score.at < since:
        return {}
    asked = [own for own in tuning.own if own.ask is Ask.FILE]
    return {own.wanted: own.code not in score.unmet for own in asked}


def scored(record: Record, tuning: Tuning, at: datetime, rules: Sequence[Rule] | None = None) -> Score:
    """The score of a project."""
    lines = readiness(record, tuning.rules() if rules is None else rules)
    return Score(record.project.id, percent(lines), unmet(lines), at)


def line_view(line: Line, record: Record) -> Json:
    """One line as it is shown."""
    waiver = line.waiver
    shown: Json = {
        "rule": line.rule.code,
        "ok": line.ok,
        "words": line.words,
        "weight": line.rule.weight,
        "severity": line.rule.severity,
        "own": line.rule.own,
        "detail": dict(line.detail),
        "waived": {"by": waiver.by, "at": stamp(waiver.at), "reason": waiver.reason} if waiver else None,
        "fix": None,
    }
    if line.ok:
        return shown
    fix = line.rule.fix
    known = {
        "slug": record.project.slug,
        "login": record.organisation.login,
        "incident": record.incident,
        **line.detail,
    }
    url = record.repository.repo.html_url if record.repository and fix.action == "open_github" else None
    shown["fix"] = {
        "action": fix.action,
        "words": fix.words,
        "command": fix.command.format(**known) if fix.command else None,
        "url": url or None,
    }
    return shown
