"""Judges whose the moves of a repository's branches are, from what GitHub shows of them. Reads only."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from steward.domain.hands import (
    Commit,
    Compared,
    Entry,
    EntryKind,
    Finding,
    Sender,
    Watch,
    always_holds,
    is_old_answer,
    movers,
    reaches,
    unproven,
)
from steward.domain.seals import is_sealed
from steward.domain.verdict import Verdict
from steward.ports.building import Workshop
from steward.ports.watching import ForgeWatch, Heads

OLD_ANSWER: Final = timedelta(seconds=30)
"""How long after a push of ours a server may still show where the branch was before."""
PULLS_MAX: Final = 10
"""How many of our newest pull requests are asked about, to know a merge again that a person made of one."""
REPLAYED_MAX: Final = 30
"""How many commits a merge of ours may have been replayed as, where the repository allows nothing but rebasing."""


@dataclass(frozen=True, slots=True)
class Eyes:
    """What moves are judged with. `workshop` and `seal_key` (None: without) tell merges of ours that the ledger does
    not; `checks` tells what the checks of a commit come to,
    waited for since a moment. `robots` are logins whose pushes are no person's; `topic`
    holds a repository that bears it.
    """

    forge: Callable[[], ForgeWatch]
    workshop: Workshop | None = None
    seal_key: Callable[[], bytes] | None = None
    checks: Callable[[int, str, datetime], Verdict] | None = None
    robots: frozenset[str] = frozenset()
    topic: str = "do-not-touch"


@dataclass(frozen=True, slots=True)
class Examined:
    """What a look at the branches came to: the tips that are accounted for now, entries that say why, what is
    foreign, the paths that accounted moves changed. `old`: the server answered with what was before; look again.
    """

    tips: Mapping[str, str]
    entries: tuple[Entry, ...] = ()
    findings: tuple[Finding, ...] = ()
    touched: frozenset[str] = frozenset()
    old: bool = False


@dataclass(slots=True)
class Examination:
    """One look at the branches of one repository. `senders` tells who moved a branch to which of these commits."""

    eyes: Eyes
    watch: Watch
    entries: Sequence[Entry]
    senders: Callable[[Collection[str]], Mapping[str, Sender]]
    now: datetime
    _tips: dict[str, str] = field(default_factory=dict)
    _new: list[Entry] = field(default_factory=list)
    _findings: list[Finding] = field(default_factory=list)
    _touched: set[str] = field(default_factory=set)
    _old: bool = False

    def judge(self, default_branch: str, heads: Heads, working: str | None) -> Examined:
        """Judge the default branch, and `working`: the branch that an operation of ours is at work on."""
        self._tips = dict(self.watch.tips)
        self._default(default_branch, heads.default)
        self._own(heads, working)
        return Examined(
            self._tips, tuple(self._new), tuple(self._findings), frozenset(self._touched), self._old
        )

    def _default(self, branch: str, shown: str | None) -> None:
        known = self.watch.tips.get(self.watch.branch)
        switched = branch != self.watch.branch
        if shown == known and not switched:
            return
        if known is None:
            # The repository was empty as we began to watch: what came first is taken as it is.
            if shown is not None:
                self._accept(branch, None, shown, EntryKind.BASELINE, "steward")
            return
        entries = [entry for entry in self.entries if entry.branch in (branch, self.watch.branch)]
        if is_old_answer(entries, known, shown, self.now - OLD_ANSWER):
            self._old = True
            return
        if not switched and reaches(entries, known, shown):
            self._tips[branch] = shown or known
            return
        compared = None if shown is None else self.eyes.forge().compare(self._id, known, shown)
        if compared is None or shown is None:
            self._found(Finding(branch, known, None, "deleted", always=always_holds(None, None)))
            return
        self._moved(branch, known, shown, compared, entries, switched=switched)

    @property
    def _id(self) -> int:
        return self.watch.repository_id

    def _moved(
        self,
        branch: str,
        known: str,
        shown: str,
        compared: Compared,
        entries: Sequence[Entry],
        *,
        switched: bool,
    ) -> None:
        ours = self._ours(entries, compared)
        foreign = unproven(entries, known, compared, ours)
        if not foreign and not switched:
            self._tips[branch] = shown
            self._touched.update(compared.files)
            return
        told, whole = movers(self.senders([shown, *(c.sha for c in compared.commits)]), known, shown)
        kind = "switched" if switched else "forced" if compared.forced else "pushed"
        always = always_holds(compared, shown)
        if switched:
            always = f"the default branch was changed from {self.watch.branch} to {branch}"
        self._found(
            Finding(
                branch,
                known,
                shown,
                kind,
                foreign,
                compared.files,
                tuple(told),
                robots=whole and all(one.login in self.eyes.robots for one in told),
                always=always,
            )
        )

    def _ours(self, entries: Sequence[Entry], compared: Compared) -> frozenset[str]:
        """Commits that are ours though no entry names them: sealed ones, and plain merges of what we had pushed."""
        if compared.forced or not compared.whole:
            return frozenset()
        found = set()
        if self.eyes.seal_key is not None:
            key = self.eyes.seal_key()
            found = {c.sha for c in compared.commits if is_sealed(key, self._id, c)}
        found |= self._replayed(entries, compared)
        return frozenset(found | self._merged_by_people(entries, compared, found))

    def _merged_by_people(
        self, entries: Sequence[Entry], compared: Compared, known: Collection[str]
    ) -> set[str]:
        """Pull requests of ours that a person merged, with nothing added: to press that button is their word.

        What they merged is what we had pushed; the entry tells that it was not we who merged.
        """
        if self.eyes.workshop is None:
            return set()
        by_sha = {commit.sha: commit for commit in compared.commits}
        made = {entry.after for entry in entries if entry.kind is EntryKind.MERGE}
        asked = {e.pull: e for e in reversed(entries) if e.pull is not None and e.head is not None}
        found: set[str] = set()
        for pull, entry in list(asked.items())[-PULLS_MAX:]:
            as_merged = self.eyes.forge().merged_as(self._id, pull)
            commit = by_sha.get(as_merged[1]) if as_merged and as_merged[0] == entry.head else None
            if commit is None or commit.sha in known or commit.sha in made or not commit.parents:
                continue
            if self._plain(commit, commit.parents[0], entry.head or ""):
                found.add(commit.sha)
                self._note(entry.branch, commit, f"merged pull request {pull}")
        return found

    def _note(self, branch: str, commit: Commit, why: str) -> None:
        by = commit.login or commit.author or "a person"
        self._new.append(
            Entry(
                self._id,
                branch,
                EntryKind.ACCEPTED,
                commit.parents[0],
                commit.sha,
                self.now,
                f"github:{by} {why}",
            )
        )

    def _replayed(self, entries: Sequence[Entry], compared: Compared) -> set[str]:
        """Our merges that the repository made as several commits, since it allows nothing but rebasing."""
        by_sha = {commit.sha: commit for commit in compared.commits}
        found: set[str] = set()
        for entry in entries:
            last = by_sha.get(entry.after or "")
            if entry.kind is not EntryKind.MERGE or last is None or len(last.parents) != 1 or not entry.head:
                continue
            run, at = [last], last
            for _ in range(REPLAYED_MAX):
                if self._plain(last, at.parents[0], entry.head):
                    found |= {commit.sha for commit in run}
                    break
                before = by_sha.get(at.parents[0])
                if before is None or len(before.parents) != 1:
                    break
                at = before
                run.append(at)
        return found

    def _plain(self, commit: Commit, onto: str, head: str) -> bool:
        if self.eyes.workshop is None:
            return False
        address, token = self.eyes.forge().source(self._id)
        return self.eyes.workshop.is_plain_merge(self._id, address, token, commit.sha, onto, head)

    def _own(self, heads: Heads, working: str | None) -> None:
        """The branch that an operation works on; others of ours are watched no longer."""
        for branch in [one for one in self._tips if one not in (self.watch.branch, working)]:
            del self._tips[branch]
        if working is None:
            return
        known, shown = self.watch.tips.get(working), heads.ours.get(working)
        entries = [entry for entry in self.entries if entry.branch == working]
        if shown == known or reaches(entries, known, shown):
            if shown is not None:
                self._tips[working] = shown
            else:
                self._tips.pop(working, None)
            return
        if is_old_answer(entries, known or "", shown, self.now - OLD_ANSWER):
            self._old = True
            return
        if shown is None:
            if not self._is_merged(known):
                self._found(Finding(working, known, None, "deleted", always=always_holds(None, None)))
            return
        self._found(self._on_branch(working, self._newest(entries, known), shown))

    def _is_merged(self, head: str | None) -> bool:
        """Whether that head was merged: forges take a branch away then."""
        meant = [entry for entry in self.entries if entry.kind is EntryKind.MERGE and entry.head == head]
        if any(entry.made for entry in meant):
            return True
        pulls = {entry.pull for entry in meant if entry.pull is not None}
        return any(self.eyes.forge().merged_as(self._id, pull) is not None for pull in pulls)

    @staticmethod
    def _newest(entries: Sequence[Entry], known: str | None) -> str | None:
        """Where we have last pushed the branch to, as far as the ledger tells."""
        pushes = [entry for entry in entries if entry.kind is EntryKind.PUSH and entry.made]
        return max(pushes, key=lambda entry: entry.id).after if pushes else known

    def _on_branch(self, branch: str, before: str | None, shown: str) -> Finding:
        if before is None:
            return Finding(branch, None, shown, "pushed", always="the branch is somebody else's")
        compared = self.eyes.forge().compare(self._id, before, shown)
        told, _ = movers(self.senders([shown, *(c.sha for c in compared.commits)]), before, shown)
        kind = "forced" if compared.forced else "pushed"
        return Finding(
            branch,
            before,
            shown,
            kind,
            compared.commits,
            compared.files,
            tuple(told),
            always=always_holds(compared, shown),
        )

    def _accept(self, branch: str, before: str | None, after: str, kind: EntryKind, by: str) -> None:
        self._tips[branch] = after
        self._new.append(Entry(self._id, branch, kind, before, after, self.now, by))

    def _found(self, finding: Finding) -> None:
        self._findings.append(finding)
