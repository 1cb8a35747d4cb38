"""Keeps the scores of readiness fresh: counted again where a project changed, and every few minutes anyway.

It tells nobody: a score is read, never sent. What it costs grows in step with the number of projects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from steward.app.judging import Judge, judge
from steward.app.parts import Parts
from steward.app.readiness import RULES_SINCE, files_told, rules_since, scored
from steward.domain.instant import Instant, elapsed_s
from steward.domain.readiness import Record
from steward.ports import Clock, Lease, Store
from steward.ports.errors import Permanent, Transient
from steward.ports.hands import Score
from steward.ports.watching import ForgeWatch

EVERY: Final = timedelta(minutes=5)
"""How old a score may get."""
BATCH: Final = 500
IDLE_S: Final = 2.0
ASKS_MAX: Final = 20
ASKS_EVERY_S: Final = 30.0
"""At most so many questions for files go to GitHub in so many seconds; the answers hold for their commit."""
CACHE_MAX: Final = 200_000

Watching = Callable[[], ForgeWatch]
Place = tuple[int, str, str]


@dataclass(slots=True)
class Scoring:
    """The loop. `watching` gives the reading side of the forge, None: nothing is asked of it.

    `spare` says whether the rate limit leaves anything for questions that can wait.
    """

    store: Store
    clock: Clock
    judge: Judge
    lease: Lease | None = None
    watching: Watching | None = None
    spare: Callable[[], bool] = lambda: True
    _known: dict[Place, bool] = field(default_factory=dict)
    _asked: int = 0
    _since: Instant | None = None

    def tick(self) -> float:
        """Count the oldest scores that are due; return the seconds until the next tick."""
        at = self.clock.now().at
        since = self._rules_since(at)
        with self.store.reading() as view:
            due = view.unscored(max(since, at - EVERY), BATCH)
            if not due:
                return IDLE_S
            records = self.judge.records(view, view.pairs(due))
            before = view.scores(due) if self.judge.tuning.paths() else {}
        # Outside of the transaction: GitHub may be slow to answer.
        files = {key: self._files(record, before.get(key), since) for key, record in records.items()}
        rules = self.judge.tuning.rules()
        scores = [
            scored(_with(record, files[key]), self.judge.tuning, at, rules) for key, record in records.items()
        ]
        with self.store.writing(self.lease) as tx:
            tx.save_scores(scores)
        return 0.0 if len(due) == BATCH else IDLE_S

    def _rules_since(self, at: datetime) -> datetime:
        """Since when the rules of now hold. Where they changed every score is counted anew."""
        with self.store.reading() as view:
            since = rules_since(view, self.judge)
        if since is None:
            since = at
            with self.store.writing(self.lease) as tx:
                tx.set_setting(RULES_SINCE, {"rules": self.judge.tuning.told(), "since": since.isoformat()})
        return since

    def _files(self, record: Record, before: Score | None, since: datetime) -> Mapping[str, bool]:
        """Whether each file that a rule asks for is there. What cannot be asked now stays as it was told last, or
        counts as not there: nobody has seen it.
        """
        told = files_told(self.judge.tuning, before, since)
        found = {}
        for path in self.judge.tuning.wanted_of(record):
            answer = self._answer(record, path)
            found[path] = told.get(path, False) if answer is None else answer
        return found

    def _answer(self, record: Record, path: str) -> bool | None:
        repository, watch, scan = record.repository, record.watch, record.scan
        if repository is None:
            return None
        repo = repository.repo
        branch = repo.default_branch
        if not branch:
            return False
        tip = watch.tips.get(branch) if watch is not None else None
        if (
            scan is not None
            and scan.commit
            and scan.commit == tip
            and path in (*scan.workflows, *scan.deploys)
        ):
            return True
        # Without a tip the moment of the last push stands for the commit.
        place = (repo.id, path, tip or f"{branch}@{repo.pushed_at}")
        if place not in self._known and self._may_ask():
            answer = self._ask(repo.id, path, tip or branch)
            if answer is not None:
                if len(self._known) >= CACHE_MAX:
                    self._known.clear()
                self._known[place] = answer
        return self._known.get(place)

    def _may_ask(self) -> bool:
        now = self.clock.now()
        if self._since is None or elapsed_s(self._since, now) >= ASKS_EVERY_S:
            self._since, self._asked = now, 0
        return self.watching is not None and self._asked < ASKS_MAX and self.spare()

    def _ask(self, repo_id: int, path: str, ref: str) -> bool | None:
        assert self.watching is not None, "_may_ask has seen to it"
        self._asked += 1
        try:
            return self.watching().has_file(repo_id, path, ref)
        except (Transient, Permanent):
            # It does not answer: what is left of this round is not asked either.
            self._asked = ASKS_MAX
            return None


def scoring(parts: Parts, lease: Lease | None) -> Scoring:
    """The loop of a running Steward. Files are asked for while the rate limit leaves more than its half."""

    def spare() -> bool:
        budget = parts.forge().budget()
        return budget.remaining is None or budget.limit is None or budget.remaining * 2 >= budget.limit

    return Scoring(parts.store, parts.clock, judge(parts), lease, parts.watching, spare)


def _with(record: Record, files: Mapping[str, bool]) -> Record:
    return replace(record, files=files) if files else record
