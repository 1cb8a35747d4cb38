"""Watches over the branches and settings of driven projects: finds what is not ours, and holds the project for it.

The heartbeat says that a repository was pushed to; this reads where its branches are, judges whose the moves were
(`whose`), and stores what follows in one transaction. Webhooks make it quick, the interval makes it sure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from steward.app.accounts import SETTINGS, accept, begin_watch, plain_settings
from steward.app.holds import asks_for_scan, evidence, lift, place, who, words
from steward.app.operations.ending import cancel
from steward.app.reconcile import move_event
from steward.app.whose import Examination, Examined, Eyes
from steward.domain.consequences import ACTOR, Step
from steward.domain.guards import Guard
from steward.domain.hands import (
    MARK,
    PREFIX,
    Answer,
    Entry,
    EntryKind,
    Finding,
    Hold,
    Reason,
    Sender,
    Watch,
    answer,
)
from steward.domain.journal import Event, Kind, Notice
from steward.domain.lifecycle import Who, advance
from steward.domain.needs import touches
from steward.domain.operations import OVERTAKEN, Operation, Work
from steward.domain.project import Management, Project, Tracked, standing
from steward.domain.reports import Seen
from steward.domain.repository import Presence, Repository
from steward.domain.status import Status, Trigger
from steward.ports import Clock, Permanent, Reads, Store, Transient, Writes
from steward.ports.watching import ForgeWatch, Heads, Shown

REREAD: Final = timedelta(hours=1)
"""How often branches and settings are read though nothing was pushed: rules are told of by no listing."""
BLUR: Final = timedelta(seconds=90)
"""A read this near to a push may have missed another one: GitHub tells of pushes to the second, by a clock of its
own. It is read once more when that has passed.
"""
NOT_WATCHED: Final = frozenset(
    {
        Status.DRAFT,
        Status.ESTIMATED,
        Status.PROVISIONING,
        Status.DISCOVERED,
        Status.SETUP_REQUIRED,
        Status.MISSING,
        Status.ARCHIVED,
    }
)
"""Where there is nothing of ours to watch over yet, or any more."""

Rescan = Callable[[Writes, Project, str, datetime], None]


def no_rescan(_tx: Writes, _project: Project, _by: str, _at: datetime) -> None:
    """Nothing scans here."""


def working_branch(operation: Operation | None) -> str | None:
    """The branch that an operation pushes to; None where it pushes to none."""
    if operation is None or operation.kind.value not in ("design", "implement", "revert"):
        return None
    return f"{PREFIX}{operation.kind}-{operation.id[:8]}"


def is_watched(tracked: Tracked) -> bool:
    """Whether the branches of that repository are ours to watch over."""
    project, row = tracked.project, tracked.repository
    if project is None or project.management is not Management.DRIVE or project.status in NOT_WATCHED:
        return False
    return row.presence is Presence.SEEN and row.repo.default_branch is not None


def is_due(row: Repository, watch: Watch | None, now: datetime, topic: str) -> bool:
    """Whether its branches are to be read again."""
    repo = row.repo
    if watch is None or watch.read_at is None or watch.pushed_at != repo.pushed_at:
        return True
    if watch.branch != repo.default_branch or (topic in watch.topics) != (topic in repo.topics):
        return True
    near = repo.pushed_at is not None and watch.read_at - repo.pushed_at < BLUR
    if near and now - watch.read_at >= BLUR:
        return True
    return now - watch.read_at >= REREAD


@dataclass(frozen=True, slots=True)
class Looked:
    """What was read of one repository."""

    row: Repository
    heads: Heads
    shown: Shown | None
    marked: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class Watching:
    """Looks at the branches of driven projects. `rescan` asks for a new scan of what a project needs."""

    store: Store
    clock: Clock
    eyes: Eyes
    channels: Sequence[str]
    rescan: Rescan = no_rescan

    def round(self, organisation_id: int) -> int:
        """Look at what is due in an organisation; how many repositories that was. Raises StoreUnavailable."""
        now = self.clock.now().at
        with self.store.reading() as view:
            watched = [one for one in view.watched_projects(organisation_id) if is_watched(one)]
            known = view.watches([one.repository.repo.id for one in watched])
        due = [
            one
            for one in watched
            if is_due(one.repository, known.get(one.repository.repo.id), now, self.eyes.topic)
        ]
        for one in due:
            try:
                self.look(one.repository.repo.id)
            except (Transient, Permanent):
                # What cannot be read now says nothing; it stays due, and an operation that needs it asks itself.
                continue
        self._see_green(organisation_id)
        return len(due)

    def look(self, repository_id: int) -> bool:
        """Look at one repository; whether the record agrees with it now. Raises Transient, Permanent."""
        with self.store.reading() as view:
            tracked = next(iter(view.tracked([repository_id])), None)
            if tracked is None or tracked.project is None or not is_watched(tracked):
                return True
            watch = view.watches([repository_id]).get(repository_id)
            operation = view.open_operation(tracked.project.id)
        looked = self._read(tracked.repository, watch)
        if watch is None:
            return self._begin(tracked, looked)
        examined = self._examine(watch, looked, working_branch(operation))
        return self._store(tracked.project, watch, looked, examined)

    def _read(self, row: Repository, watch: Watch | None) -> Looked:
        forge, repo = self.eyes.forge(), row.repo
        branch = repo.default_branch or "main"
        heads = forge.heads(repo.id, branch, PREFIX)
        marked = watch.marked if watch is not None else False
        if watch is None or heads.default != watch.tips.get(watch.branch):
            marked = heads.default is not None and forge.has_file(repo.id, MARK, heads.default)
        return Looked(row, heads, _shown(forge, row), marked, self.clock.now().at)

    def _examine(self, watch: Watch, looked: Looked, working: str | None) -> Examined:
        with self.store.reading() as view:
            entries = view.ledger(watch.repository_id)

        def senders(shas: Collection[str], branch: str) -> Mapping[str, Sender]:
            with self.store.reading() as view:
                return view.senders(watch.repository_id, shas, branch)

        examination = Examination(self.eyes, watch, entries, senders, looked.at)
        return examination.judge(looked.row.repo.default_branch or "main", looked.heads, working)

    def _begin(self, tracked: Tracked, looked: Looked) -> bool:
        """Begin to watch: where the branch stands now is taken as it is."""
        row, project = looked.row, tracked.project
        assert project is not None
        tip, branch = looked.heads.default, row.repo.default_branch or "main"
        with self.store.writing() as tx:
            if row.repo.id in tx.watches([row.repo.id]):
                return False
            begin_watch(tx, row, project.id, tip, looked.at, by=ACTOR, shown=looked.shown)
            watch = replace(
                tx.watches([row.repo.id])[row.repo.id],
                pushed_at=row.repo.pushed_at,
                topics=row.repo.topics,
                marked=looked.marked,
            )
            tx.save_watch(watch)
            self._marks(tx, project, looked, branch)
        return True

    def _store(self, project: Project, watch: Watch, looked: Looked, examined: Examined) -> bool:
        """Store what follows, unless the record moved on while GitHub was read."""
        row = looked.row
        with self.store.writing() as tx:
            if tx.watches([watch.repository_id]).get(watch.repository_id) != watch:
                return False
            now = next(iter(tx.tracked([watch.repository_id])), None)
            if now is None or now.project is None or not is_watched(now):
                return False
            project = now.project
            seen = self._seen(tx, project)
            for entry in examined.entries:
                tx.enter(entry)
            tips = dict(examined.tips)
            for finding in examined.findings:
                tips |= self._follow(tx, project, finding, seen)
            shown = watch.shown if looked.shown is None else plain_settings(looked.shown, row)
            known = examined.findings or examined.old
            after = replace(
                watch,
                branch=watch.branch if examined.findings else row.repo.default_branch or watch.branch,
                tips=tips,
                pushed_at=watch.pushed_at if examined.old else row.repo.pushed_at,
                read_at=looked.at,
                topics=row.repo.topics,
                marked=looked.marked,
                shown=shown,
            )
            tx.save_watch(after)
            self._drifted(tx, project, watch, after, seen)
            self._marks(tx, project, looked, after.branch)
            self._clear(tx, project, examined, seen)
            if any(touches(path) for path in examined.touched):
                self.rescan(tx, project, "push", seen.at)
        return not known

    def _seen(self, tx: Writes, project: Project) -> Seen:
        looks = tx.looks(project.organisation_id, 1)
        return Seen(project.organisation_id, looks[0].id if looks else 0, self.clock.now())

    def _follow(self, tx: Writes, project: Project, finding: Finding, seen: Seen) -> Mapping[str, str]:
        """What a foreign move leads to; the tips that are accounted for by it."""
        watch_branch = finding.branch
        on_default = not finding.branch.startswith(PREFIX)
        said = answer(finding, project.hands_off) if on_default else Answer.HOLD
        if said in (Answer.ROBOT, Answer.TOLD):
            kind = EntryKind.ROBOT if said is Answer.ROBOT else EntryKind.TOLD
            assert finding.after is not None, "a deleted branch always holds"
            tx.enter(self._entry(project, finding, kind, ", ".join(who(finding)) or "somebody", seen))
            self._tell(tx, project, finding, seen, notice=said is Answer.TOLD)
            self._tip_moved(tx, project, finding, seen)
            if any(touches(path) for path in finding.files):
                self.rescan(tx, project, "push", seen.at)
            return {watch_branch: finding.after}
        reason = Reason.FOREIGN if on_default else Reason.BRANCH
        place(tx, project, self._hold(tx, project, finding, reason, said, seen), seen, ACTOR, self.channels)
        if on_default:
            self._tip_moved(tx, project, finding, seen)
        return {}

    def _hold(
        self, tx: Reads, project: Project, finding: Finding, reason: Reason, said: Answer, seen: Seen
    ) -> Hold:
        known = next((one for one in tx.holds(project.id) if one.reason is reason), None)
        shown = evidence(finding)
        if known is not None and known.evidence.get("tip") == finding.after:
            # What was found out of this very tip meanwhile is kept.
            shown = {**shown, **{n: known.evidence[n] for n in ("checks", "since") if n in known.evidence}}
        return Hold(
            project_id=project.id,
            organisation_id=project.organisation_id,
            reason=reason,
            words=words(finding),
            since=seen.at,
            by="github:" + (", ".join(who(finding)) or "somebody"),
            evidence=shown,
            until_green=said is Answer.UNTIL_GREEN,
        )

    @staticmethod
    def _entry(project: Project, finding: Finding, kind: EntryKind, by: str, seen: Seen) -> Entry:
        assert project.repository_id is not None, "only repositories are looked at"
        return Entry(
            project.repository_id,
            finding.branch,
            kind,
            finding.before,
            finding.after,
            seen.at,
            f"github:{by}",
        )

    def _tell(self, tx: Writes, project: Project, finding: Finding, seen: Seen, *, notice: bool) -> None:
        text = words(finding)
        data = {"evidence": evidence(finding)}
        kind = Kind.CHANGE_FOREIGN
        tx.append([Event(kind, seen.at, ACTOR, project.id, seen.organisation_id, text, data)])
        if notice:
            key = f"foreign:{project.id}:{finding.after}"
            title = f"{project.slug}: {text}"
            body = "The policy of the project only tells of it; nothing was stopped."
            tx.enqueue([Notice(key, seen.at, title, body, project_id=project.id)], self.channels)

    def _tip_moved(self, tx: Writes, project: Project, finding: Finding, seen: Seen) -> None:
        """Only the verified commit is ever deployed: where the tip is another one, that is verified first."""
        if project.status not in (Status.VERIFIED, Status.DEPLOYING):
            return
        proofs = standing(project) | {Guard.TIP_IS_FOREIGN}
        why = words(finding)
        operation = tx.open_operation(project.id)
        if operation is not None and operation.kind is Work.DEPLOY:
            row = tx.save_operation(replace(operation, facts={**operation.facts, OVERTAKEN: True}))
            cancel(tx, row, seen.at, ACTOR, why)
        move = advance(project.position, Trigger.TIP_MOVED, Who.HEARTBEAT, proofs)
        tx.move(project, move, seen.at)
        step = Step(Trigger.TIP_MOVED, frozenset(proofs), why)
        tx.append([move_event(project.id, move, step, seen)])

    def _marks(self, tx: Writes, project: Project, looked: Looked, branch: str) -> None:
        """The file and the topic that hold a project come and go with whoever sets them."""
        topic, seen = self.eyes.topic, self._seen(tx, project)
        signs = {
            Reason.FILE: (looked.marked, f"{MARK} lies on {branch}", {"path": MARK, "branch": branch}),
            Reason.TOPIC: (
                topic in looked.row.repo.topics,
                f"the repository bears the topic {topic}",
                {"topic": topic},
            ),
        }
        known = {one.reason: one for one in tx.holds(project.id)}
        for reason, (there, text, shown) in signs.items():
            standing_one = known.get(reason)
            if there and standing_one is None:
                made = Hold(
                    project.id, project.organisation_id, reason, text, seen.at, "github", evidence=shown
                )
                place(tx, project, made, seen, ACTOR, self.channels)
            elif not there and standing_one is not None:
                lift(tx, standing_one, seen, ACTOR, "gone", "it was taken away", self.channels)

    def _clear(self, tx: Writes, project: Project, examined: Examined, seen: Seen) -> None:
        """A branch that stands where we know it again holds nothing any more: who moved it put it back."""
        if examined.old:
            return
        foreign = {finding.branch for finding in examined.findings}
        for hold in tx.holds(project.id):
            own = hold.reason in (Reason.FOREIGN, Reason.BRANCH)
            if own and hold.evidence.get("branch") not in foreign:
                why = "the branch stands where Steward knows it again"
                lift(tx, hold, seen, ACTOR, "gone", why, self.channels)

    def _drifted(self, tx: Writes, project: Project, before: Watch, after: Watch, seen: Seen) -> None:
        """Tell of each setting that is another now than what was set; and of one that is right again."""
        for name in SETTINGS:
            if name not in after.wanted:
                continue
            was, now = before.shown.get(name), after.shown.get(name)
            if now is None or was == now:
                continue
            data = {"setting": name, "wanted": after.wanted[name], "shown": now, "was": was}
            kind = Kind.SETTING_DRIFTED
            tx.append([Event(kind, seen.at, ACTOR, project.id, seen.organisation_id, "", data)])

    def _see_green(self, organisation_id: int) -> None:
        """Ask for the checks of tips that hold; lift the holds that wait for nothing else."""
        if self.eyes.checks is None:
            return
        with self.store.reading() as view:
            waiting = view.foreign_holds(organisation_id)
        for hold in waiting:
            if hold.until_green or hold.evidence.get("checks") in (None, "pending"):
                self._ask_checks(hold)

    def _ask_checks(self, hold: Hold) -> None:
        with self.store.reading() as view:
            found = view.project(hold.project_id)
        if not isinstance(found, Tracked) or found.project is None or self.eyes.checks is None:
            return
        tip = str(hold.evidence.get("tip") or "")
        if not tip:
            return
        try:
            verdict = self.eyes.checks(found.repository.repo.id, tip, hold.since)
        except (Transient, Permanent):
            return
        with self.store.writing() as tx:
            now = tx.hold(hold.id)
            if now is None or not now.stands or now.evidence.get("tip") != tip:
                return
            seen = self._seen(tx, found.project)
            if verdict.colour.value == "green" and now.until_green:
                accept(tx, found.repository.repo.id, now, seen, "the checks are green", ACTOR)
                if asks_for_scan(now):
                    self.rescan(tx, found.project, "push", seen.at)
                lift(tx, now, seen, ACTOR, "green", "the checks of that commit are green", self.channels)
            elif now.evidence.get("checks") != verdict.colour.value:
                shown = {**now.evidence, "checks": verdict.colour.value}
                tx.save_hold(replace(now, evidence=shown))


def _shown(forge: ForgeWatch, row: Repository) -> Shown | None:
    """The settings; None where they cannot be read, which stops nothing else."""
    try:
        return forge.shown(row.repo.id, row.repo.default_branch or "main")
    except (Transient, Permanent):
        return None
