"""Hands off: whose a change on GitHub is, and what stands against automation. Decisions only.

Every push and merge of ours is in the ledger, its intent before it is made. A tip that no chain of ledger entries
leads to is foreign: somebody else has moved the branch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

PREFIX: Final = "steward/"
"""How the names of our own branches begin."""

GUARDED: Final = (
    ".github/",
    "deploy/",
    ".localhub/",
    "deploy.toml",
    "compose.yaml",
    "compose.yml",
    "docker-compose",
)
"""How the paths begin that say how the work is checked and put live: an agent may not change them by itself, and a
change of them by anybody always holds. A compose file is run by Docker on a host of ours, which is as much as
being root there.
"""
OWNERS: Final = "CODEOWNERS"
"""Part of the paths that say who must approve, wherever they lie."""
MARK: Final = ".do-not-touch"
"""A file at the root of the default branch that holds its project, whatever is in it."""


class EntryKind(StrEnum):
    """Kinds of ledger entry.

    `push` and `merge` are ours. `baseline` is where a branch stood as we began to watch it. `accepted`: a person
    took a foreign move as known, `robot`: an allowed robot made it, `told`: policy only tells of such a move.
    """

    PUSH = "push"
    MERGE = "merge"
    BASELINE = "baseline"
    ACCEPTED = "accepted"
    ROBOT = "robot"
    TOLD = "told"


@dataclass(frozen=True, slots=True)
class Entry:
    """One move of a branch that is accounted for. `before` and `after` are commits, None: no such branch.

    The intent is written with what is known: a push knows its `after`; a merge knows the pull request and the
    `head` that it merges, and its `after` only once it is seen (`made` False until then). `by` is who is named.
    """

    repository_id: int
    branch: str
    kind: EntryKind
    before: str | None
    after: str | None
    at: datetime
    by: str
    made: bool = True
    head: str | None = None
    pull: int | None = None
    operation_id: str | None = None
    id: int = 0


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit as GitHub tells it. Names and addresses are hints, never proof of who pushed.

    `login` and `account` are the GitHub account that it believes to be the author, "" and "User" where unknown.
    """

    sha: str
    parents: tuple[str, ...]
    message: str = ""
    author: str = ""
    login: str = ""
    account: str = ""
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """What lies between two commits. `forced`: the newer does not come after the older.

    `commits` are those that the newer has and the older lacks, oldest first; `files` maps paths to their kind
    (A, M, D, R). `whole` is False where the server listed only a part of either.
    """

    forced: bool
    commits: tuple[Commit, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Sender:
    """Who moved a branch to a commit, by a delivery of GitHub's: numeric id, login, kind of account ("User",
    "Bot"), and the commit that the branch was at before, "" where it did not say.
    """

    id: int
    login: str
    kind: str
    before: str = ""


class HandsOff(StrEnum):
    """What a person's push to the default branch does.

    `hold` stops automation until a person says so; `notify` only tells; `continue` holds until the checks of that
    commit are green. Some changes hold whatever the policy: see `Finding.always`.
    """

    HOLD = "hold"
    NOTIFY = "notify"
    CONTINUE = "continue"


class Reason(StrEnum):
    """Why no automation may touch a project."""

    FOREIGN = "foreign"
    BRANCH = "branch"
    PAUSED = "paused"
    FILE = "file"
    TOPIC = "topic"


class Exit(StrEnum):
    """The ways out of a hold.

    `resume`: what they did is taken as it is, and the work goes on. `ship`: as `resume`, and their commits are
    verified and put live now. `rebase`: our unfinished work is put on top of theirs. `hand_over`: the project is
    theirs, Steward only watches. `stop`: what was at work is given up; the project waits for a person's word.
    """

    RESUME = "resume"
    SHIP = "ship"
    REBASE = "rebase"
    HAND_OVER = "hand_over"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class Hold:
    """One reason why no automation may touch a project, with its evidence (JSON values).

    `until_green`: it lifts itself once the checks of the evidence's `tip` are green. `lifted_at` None: it stands.
    """

    project_id: str
    organisation_id: int
    reason: Reason
    words: str
    since: datetime
    by: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    until_green: bool = False
    lifted_at: datetime | None = None
    lifted_by: str = ""
    exit: str = ""
    id: int = 0

    @property
    def stands(self) -> bool:
        """Whether it has not been lifted."""
        return self.lifted_at is None


@dataclass(frozen=True, slots=True)
class Watch:
    """What is known of a repository's branches. `tips` are the accounted ones: branch -> commit.

    `pushed_at` is the repository's own at the last read, `read_at` when that was. `topics` as they were then.
    `marked`: whether the file `.do-not-touch` was there. `wanted` is what was set here by us or as it was taken
    in, `shown` what the server shows of it now, both by name of the setting.
    """

    repository_id: int
    project_id: str
    branch: str
    tips: Mapping[str, str] = field(default_factory=dict)
    pushed_at: datetime | None = None
    read_at: datetime | None = None
    topics: tuple[str, ...] = ()
    marked: bool = False
    wanted: Mapping[str, Any] = field(default_factory=dict)
    shown: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """A foreign move of one branch. `always`: why it holds whatever the policy says, "" where it does not.

    `kind` is "pushed", "forced", "deleted" or "switched" (another branch is the default one now). `unproven` are
    the commits that nobody of ours accounts for; `movers` are who pushed, newest first, as far as deliveries tell;
    `robots`: they tell it whole, and all of them are allowed robots.
    """

    branch: str
    before: str | None
    after: str | None
    kind: str
    unproven: tuple[Commit, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    movers: tuple[Sender, ...] = ()
    robots: bool = False
    always: str = ""


def reaches(entries: Iterable[Entry], before: str | None, after: str | None) -> bool:
    """Whether a chain of moves leads from one commit of a branch to another.

    Merges are left out: GitHub makes them on whatever the tip is by then, which may be a person's. What they were
    made on is seen by comparing (see `unproven`). A push is made with a lease on what was before it.
    """
    edges: dict[str | None, list[str | None]] = {}
    for entry in entries:
        if entry.kind is not EntryKind.MERGE:
            edges.setdefault(entry.before, []).append(entry.after)
    seen: set[str | None] = set()
    at = [before]
    while at:
        here = at.pop()
        if here == after:
            return True
        if here not in seen:
            seen.add(here)
            at += edges.get(here, [])
    return False


def guarded(path: str) -> bool:
    """Whether only a person may change that path."""
    return path.startswith(GUARDED) or OWNERS in path


def unproven(
    entries: Sequence[Entry], before: str, compared: Compared, ours: Collection[str]
) -> tuple[Commit, ...]:
    """The commits between an accounted tip and a new one that nobody of ours accounts for; () where all are ours.

    Walks the first parents from the new tip to `before`. A commit on that way is ours if a ledger entry made it, or
    if it is in `ours`: it bears our seal, or was shown to be a merge of a head of ours that adds nothing to it.
    What a merge of ours brings along on its side is ours too. Where the chain is broken, or the server listed a
    part only, nothing is proven.
    """
    newest = compared.commits[-1] if compared.commits else Commit(before, ())
    if compared.forced or not compared.whole:
        return compared.commits or (newest,)
    by_sha = {commit.sha: commit for commit in compared.commits}
    chain, at = [], newest.sha
    while at != before:
        commit = by_sha.get(at)
        if commit is None or not commit.parents:
            return compared.commits
        chain.append(commit)
        at = commit.parents[0]
    moves = {(e.before, e.after) for e in entries if e.kind is not EntryKind.MERGE}
    merges = {e.after for e in entries if e.kind is EntryKind.MERGE}
    own = [c for c in chain if (c.parents[0], c.sha) in moves or c.sha in merges or c.sha in ours]
    if len(own) == len(chain):
        return ()
    brought = _brought(by_sha, own, {commit.sha for commit in chain})
    return tuple(commit for commit in compared.commits if commit.sha not in brought)


def _brought(by_sha: Mapping[str, Commit], ours: Sequence[Commit], chain: set[str]) -> set[str]:
    """Our merges, and what each has on its side."""
    found: set[str] = set()
    at = [commit.sha for commit in ours]
    sides = [parent for commit in ours for parent in commit.parents[1:]]
    found.update(at)
    while sides:
        sha = sides.pop()
        if sha in found or sha in chain or sha not in by_sha:
            continue
        found.add(sha)
        sides += by_sha[sha].parents
    return found


def always_holds(compared: Compared | None, after: str | None) -> str:
    """Why such a change holds whatever policy says: the branch was deleted or forced, or guarded paths changed."""
    if after is None:
        return "the branch was deleted"
    if compared is None:
        return "what changed cannot be told"
    if compared.forced:
        return "the branch was forced back or aside"
    touched = sorted(path for path in compared.files if guarded(path))
    if touched:
        return f"it changes how the work is checked or put live: {', '.join(touched[:5])}"
    return "" if compared.whole else "it is too large to be listed whole"


def movers(senders: Mapping[str, Sender], before: str | None, after: str | None) -> tuple[list[Sender], bool]:
    """Who moved a branch between two commits, newest first, and whether the deliveries tell all of it."""
    found: list[Sender] = []
    at, seen = after, set()
    while at is not None and at != before and at not in seen and at in senders:
        seen.add(at)
        found.append(senders[at])
        at = senders[at].before or None
    return found, at == before and bool(found)


class Answer(StrEnum):
    """What a foreign move of the default branch leads to."""

    ROBOT = "robot"
    TOLD = "told"
    UNTIL_GREEN = "until_green"
    HOLD = "hold"


def answer(finding: Finding, policy: HandsOff) -> Answer:
    """Some changes hold whatever the policy, and whoever made them; an allowed robot's other changes never do."""
    if finding.always:
        return Answer.HOLD
    if finding.robots:
        return Answer.ROBOT
    answers = {HandsOff.NOTIFY: Answer.TOLD, HandsOff.CONTINUE: Answer.UNTIL_GREEN}
    return answers.get(policy, Answer.HOLD)


def is_old_answer(entries: Iterable[Entry], accounted: str, shown: str | None, since: datetime) -> bool:
    """Whether a tip that a server shows may be from before a move of ours that was made after `since`.

    Servers answer from copies: for a while one may show where a branch stood before our own push.
    """
    fresh = [
        entry for entry in entries if entry.at >= since and entry.kind in (EntryKind.PUSH, EntryKind.MERGE)
    ]
    return shown != accounted and any(entry.before == shown for entry in fresh)
