"""What a project that we did not make is examined with, and what is known of it, gathered from the record."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from steward.domain.needs import Demand, Evidence, Need, Origin, Purpose, Scan, Skipped, Sort
from steward.domain.project import Project
from steward.domain.setup import SELF_DEPLOY, Facts, plain_name
from steward.domain.verdict import Check, Colour, CommitChecks, Rule, latest_checks, verdict
from steward.ports import Clock, Permanent, Reads, Transient
from steward.ports.building import Probe
from steward.ports.hands import ScanRecord
from steward.ports.scan import Bounds, Scanner, Trees
from steward.ports.watching import ForgeWatch

SEEN: Final = "seen"
"""The part of a stored result that is not the scan's own: the tip and the colour of its checks."""
EVIDENCE_MAX: Final = 20
"""How many places of one name are stored."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Surveying:
    """What repositories are read with, by a process that has a credential for it. Nothing here changes GitHub.

    `forge` is the observer's. `checks` reads what was said of a commit, where a credential may (None: nobody can
    tell whether it is green); `probe` looks whether an address lives. `workdir` holds trees for as long as they are
    scanned. No scan begins while the rate limit has no more than `reserve` of its points left (a part, 0 to 1).
    """

    trees: Trees
    scanner: Scanner
    forge: Callable[[], ForgeWatch]
    workdir: Path
    bounds: Bounds = field(default=Bounds())
    checks: Callable[[int, str], CommitChecks] | None = None
    probe: Callable[[], Probe] | None = None
    rule: Rule = field(default=Rule())
    reserve: float = 0.1

    def colour(self, repo_id: int, tip: str, clock: Clock) -> tuple[Colour | None, CommitChecks | None]:
        """What the checks of a commit come to now, and what was said; None, where that cannot be read."""
        if self.checks is None or not tip:
            return None, None
        try:
            found = self.checks(repo_id, tip)
        except (Transient, Permanent):
            return None, None
        # Nobody has just pushed it: what has not begun by now does not come.
        long_ago = datetime.min.replace(tzinfo=clock.now().at.tzinfo)
        return verdict(found, self.rule, clock.now().at, long_ago).colour, found


def required_checks(found: CommitChecks | None) -> list[str]:
    """The names that a commit of this project must have green: what its rules require, else what succeeds now."""
    if found is None:
        return []
    if found.required:
        return sorted({name for name, _app in found.required})
    return sorted({check.name for check in latest_checks(found.checks) if _succeeded(check)})


def _succeeded(check: Check) -> bool:
    return check.status == "completed" and check.conclusion == "success"


def scan_json(scan: Scan) -> Json:
    """A scan as it is stored."""
    return {
        "commit": scan.commit,
        "needs": [_need_json(need) for need in scan.needs],
        "workflows": list(scan.workflows),
        "deploys": list(scan.deploys),
        "self_deploys": [_evidence_json(one) for one in scan.self_deploys],
        "code": scan.code,
        "implementation": scan.implementation,
        "languages": dict(scan.languages),
        "files": scan.files,
        "skipped": [[one.path, one.why] for one in scan.skipped[:100]],
        "cut": scan.cut,
    }


def _need_json(need: Need) -> Json:
    return {
        "name": need.name,
        "demand": need.demand.value,
        "sort": need.sort.value,
        "origin": need.origin.value,
        "purposes": sorted(one.value for one in need.purposes),
        "default": need.default,
        "help": need.help,
        "evidence": [_evidence_json(one) for one in need.evidence[:EVIDENCE_MAX]],
        "times": need.times,
    }


def _evidence_json(one: Evidence) -> Json:
    return {"path": one.path, "line": one.line, "reader": one.reader}


def scan_of(record: ScanRecord | None) -> Scan | None:
    """The scan of a record; None where none was done. What a later version stored and we do not know is left out."""
    stored = record.result if record else None
    if not stored:
        return None
    return Scan(
        commit=str(stored.get("commit") or ""),
        needs=tuple(need for one in stored.get("needs") or () if (need := _need(one))),
        workflows=tuple(stored.get("workflows") or ()),
        deploys=tuple(stored.get("deploys") or ()),
        self_deploys=_evidence(stored.get("self_deploys")),
        code=bool(stored.get("code")),
        implementation=bool(stored.get("implementation")),
        languages=dict(stored.get("languages") or {}),
        files=int(stored.get("files") or 0),
        skipped=tuple(Skipped(path, why) for path, why in stored.get("skipped") or ()),
        cut=bool(stored.get("cut")),
    )


def _need(one: Mapping[str, Any]) -> Need | None:
    with suppress(ValueError, KeyError):
        return Need(
            name=str(one["name"]),
            demand=Demand(one["demand"]),
            sort=Sort(one["sort"]),
            origin=Origin(one.get("origin", "unknown")),
            purposes=frozenset(Purpose(name) for name in one.get("purposes") or ()),
            default=bool(one.get("default")),
            help=str(one.get("help") or ""),
            evidence=_evidence(one.get("evidence")),
            times=int(one.get("times") or 1),
        )
    return None


def _evidence(found: Collection[Mapping[str, Any]] | None) -> tuple[Evidence, ...]:
    return tuple(Evidence(str(one["path"]), int(one["line"]), str(one["reader"])) for one in found or ())


def facts_of(view: Reads, project: Project, record: ScanRecord | None) -> Facts:
    """What the record knows of a project: its tip and the colour of its checks are those that the scan saw."""
    values = [one.kept for one in view.vault_values(project.id)]
    waived = {plain_name(one.name): one.reason for one in view.vault_waivers(project.id)}
    seen = (record.result or {}).get(SEEN) or {} if record else {}
    colour = seen.get("colour")
    return Facts(
        owner=project.owner,
        scan=scan_of(record),
        kept={one.name: one.generated for one in values},
        places={one.name: frozenset(str(place) for place in one.places) for one in values},
        waived=waived,
        tip=seen.get("tip"),
        colour=Colour(colour) if colour in set(Colour) else None,
        accepts=SELF_DEPLOY in waived,
    )
