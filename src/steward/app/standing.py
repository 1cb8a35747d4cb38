"""Where branches stand on GitHub against a restored record, and what of that a person takes as known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from steward.app.views import Json
from steward.domain.hands import PREFIX, Compared, Entry, EntryKind, Watch, guarded, unproven
from steward.domain.operations import Operation, Work
from steward.domain.project import Project, Tracked
from steward.domain.restored import branch_name, gone_on
from steward.domain.seals import is_sealed
from steward.ports import Permanent, Store, Transient
from steward.ports.watching import ForgeWatch, Heads

OURS: Final = re.compile(r"steward/(design|implement|revert)-[0-9a-f]{8}")
"""How the branches are named that operations push to."""
RENDERED: Final = "Render the template "
"""How the message begins of the commit that holds a template's rendering."""
PLAN: Final = "IMPLEMENTATION.md"
"""What the architect's work leaves."""
SHOWN_MAX: Final = 10
"""How many authors and paths of one branch are shown."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the record holds of one repository."""

    tracked: Tracked
    project: Project
    watch: Watch | None
    operations: Sequence[Operation]

    @property
    def repo_id(self) -> int:
        """The repository's id."""
        return self.tracked.repository.repo.id

    @property
    def default(self) -> str:
        """The name of its default branch."""
        return self.tracked.repository.repo.default_branch or "main"

    def tip(self, branch: str) -> str | None:
        """Where a branch stands by the record: as it is watched, else as its operation pushed it last."""
        if self.watch is not None and branch in self.watch.tips:
            return self.watch.tips[branch]
        made = self.operation(branch)
        head = made.facts.get("head") if made is not None else None
        pushed = made is not None and head is not None and head != made.facts.get("base")
        return str(head) if pushed else None

    def operation(self, branch: str) -> Operation | None:
        """The operation that a branch belongs to."""
        return next((one for one in self.operations if branch_name(one) == branch), None)


@dataclass(frozen=True, slots=True)
class Found:
    """A branch that stands elsewhere than its record. `recorded` and `found` are commits, None: no such branch.

    `kind` is "default", "operation" (of one that the record knows), "left_over" (of one that it does not know, by its
    name) or "other" (a name that is none of ours: somebody else's). `proven`: the ledger and the seals account for all
    of it. `compared` is None where there was nothing to compare with.
    """

    known: Known
    branch: str
    kind: str
    recorded: str | None
    found: str | None
    compared: Compared | None = None
    proven: bool = False

    @property
    def operation(self) -> Operation | None:
        """The operation that it belongs to."""
        return self.known.operation(self.branch)

    @property
    def is_taken(self) -> bool:
        """Whether it is taken as known where a person lets automation go on."""
        return self.kind in ("operation", "left_over")

    def json(self) -> Json:
        """As faces show it."""
        told = self.compared or Compared(forced=False)
        authors = dict.fromkeys(one.login or one.author for one in told.commits if one.login or one.author)
        made = self.operation
        return {
            "project": self.known.project.slug,
            "repository": self.known.tracked.repository.repo.full_name,
            "branch": self.branch,
            "kind": self.kind,
            "recorded": self.recorded,
            "found": self.found,
            "operation": made.id if made else None,
            "commits": len(told.commits),
            "authors": list(authors)[:SHOWN_MAX],
            "forced": told.forced,
            "whole": told.whole,
            "guarded": sorted(path for path in told.files if guarded(path))[:SHOWN_MAX],
            "proven": self.proven,
            "taken": self.is_taken,
        }


@dataclass(frozen=True, slots=True)
class Taken:
    """What is taken as known of one repository: entries of the ledger, its watch as it will be, facts by operation."""

    entries: Sequence[Entry]
    watch: Watch | None
    facts: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Standing:
    """Reads the record and GitHub, and changes nothing. Reads of GitHub are never made within a transaction."""

    store: Store
    forge: ForgeWatch
    seal_keys: Callable[[], Sequence[bytes]] | None

    def found(self, organisation_id: int) -> tuple[list[Found], list[Json]]:
        """Branches of an organisation's projects that stand elsewhere; and the projects that could not be read."""
        found: list[Found] = []
        unread: list[Json] = []
        for known in self._known(organisation_id):
            try:
                found += self._of(known)
            except (Transient, Permanent) as error:
                unread.append({"project": known.project.slug, "reason": str(error)})
        return found, unread

    def _known(self, organisation_id: int) -> list[Known]:
        with self.store.reading() as view:
            tracked = [one for one in view.watched_projects(organisation_id) if one.project is not None]
            watches = view.watches([one.repository.repo.id for one in tracked])
            return [
                Known(one, one.project, watches.get(one.repository.repo.id), view.operations(one.project.id))
                for one in tracked
                if one.project is not None
            ]

    def _of(self, known: Known) -> Iterator[Found]:
        heads = self.forge.heads(known.repo_id, known.default, PREFIX)
        recorded = known.watch.tips.get(known.default) if known.watch is not None else None
        if recorded is not None and recorded != heads.default:
            yield self._default(known, recorded, heads)
        for branch in sorted({*heads.ours, *self._named(known)}):
            before, now = known.tip(branch), heads.ours.get(branch)
            if before != now:
                yield self._branch(known, branch, before, now, heads)

    def _named(self, known: Known) -> Iterator[str]:
        """Branches of our prefix that the record watches."""
        tips = known.watch.tips if known.watch is not None else {}
        return (branch for branch in tips if branch.startswith(PREFIX) and branch != known.default)

    def _default(self, known: Known, recorded: str, heads: Heads) -> Found:
        if heads.default is None:
            return Found(known, known.default, "default", recorded, None)
        compared = self.forge.compare(known.repo_id, recorded, heads.default)
        with self.store.reading() as view:
            entries = view.ledger(known.repo_id, known.default)
        keys = self.seal_keys() if self.seal_keys is not None else ()
        ours = {c.sha for c in compared.commits if any(is_sealed(key, known.repo_id, c) for key in keys)}
        proven = not unproven(entries, recorded, compared, ours)
        return Found(known, known.default, "default", recorded, heads.default, compared, proven)

    def _branch(self, known: Known, branch: str, before: str | None, now: str | None, heads: Heads) -> Found:
        kind = "other"
        if known.operation(branch) is not None:
            kind = "operation"
        elif OURS.fullmatch(branch):
            kind = "left_over"
        base = before or _base(known, heads)
        compared = self.forge.compare(known.repo_id, base, now) if base and now else None
        return Found(known, branch, kind, before, now, compared)

    def taken(self, found: Sequence[Found], by: str, at: datetime) -> list[Taken]:
        """What of them is taken as known, by repository: by whom, and when."""
        of = {one.known.repo_id: one.known for one in found}
        return [
            self._taken(known, [one for one in found if one.known is known], by, at) for known in of.values()
        ]

    def _taken(self, known: Known, found: Sequence[Found], by: str, at: datetime) -> Taken:
        mine = [one for one in found if one.is_taken]
        entries = [
            Entry(
                known.repo_id,
                one.branch,
                EntryKind.ACCEPTED,
                one.recorded,
                one.found,
                at,
                by,
                operation_id=one.operation.id if one.operation else None,
            )
            for one in mine
        ]
        facts = {one.operation.id: self._facts(one) for one in mine if one.operation is not None}
        watch = known.watch
        if watch is not None and mine:
            tips = {**watch.tips, **{one.branch: one.found for one in mine}}
            watch = replace(watch, tips={branch: tip for branch, tip in tips.items() if tip is not None})
        return Taken(entries, watch if mine else None, {name: one for name, one in facts.items() if one})

    def _facts(self, one: Found) -> Mapping[str, Any]:
        """The facts that an operation goes on with; none where its own fit."""
        made, known = one.operation, one.known
        if made is None or one.found is None:
            return {}
        default = known.watch.tips.get(known.default) if known.watch is not None else None
        base = str(made.facts.get("base") or default or "")
        if not base:
            heads = self.forge.heads(known.repo_id, known.default, PREFIX)
            base = heads.default or one.found
        return gone_on(made, one.found, base, rendering=self._is_rendering(one, made)) or {}

    def _is_rendering(self, one: Found, made: Operation) -> bool:
        """Whether the newest commit of a branch is a template's rendering, which the agent's work has yet to follow."""
        commits = one.compared.commits if one.compared is not None else ()
        if commits and commits[-1].message.startswith(RENDERED):
            return True
        lacks = one.found is not None and not self.forge.has_file(one.known.repo_id, PLAN, one.found)
        return made.kind is Work.DESIGN and lacks


def _base(known: Known, heads: Heads) -> str | None:
    """What a branch that the record does not know is compared with."""
    return (known.watch.tips.get(known.default) if known.watch is not None else None) or heads.default
