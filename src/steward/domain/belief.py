"""What may be believed of an absence. The whole of the product's caution is in these two functions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from steward.domain import drift
from steward.domain.drift import Change
from steward.domain.instant import Instant, elapsed_s
from steward.domain.project import Organisation, Project, Tracked
from steward.domain.repository import (
    Access,
    Blocked,
    Forbidden,
    Found,
    Presence,
    Repo,
    Repository,
    Sighting,
    Unclear,
)
from steward.domain.rules import Rules

PERSON_SAYS_GONE = "person:"
PERSON_SAYS_NOT = "rejected:"
DELIVERY_SAYS_GONE = "delivery:"
PENDING = (Presence.ABSENT, Presence.TRANSFERRED)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of our own access, for one visibility, at the time of a 404.

    `canary`: another repository of that visibility was readable by id (False: none of those tried was;
    None: there is none). `counts_agree`: the organisation's own count of that visibility equals what we
    see (None: it does not tell, or was not asked).
    """

    access: Access
    canary: bool | None
    counts_agree: bool | None = None

    def doubt(self) -> str:
        """Why a 404 proves nothing; "" if our access is whole."""
        if self.canary is False:
            return "other repositories of the same visibility cannot be read either"
        if self.access is Access.SELECTED:
            return "the App is installed on selected repositories only"
        if self.access is Access.UNKNOWN and self.counts_agree is not True:
            return "the token may be limited to selected repositories"
        if self.canary is None and self.counts_agree is not True:
            return "no other repository of that visibility shows that our access is whole"
        return ""


@dataclass(frozen=True, slots=True)
class Context:
    """What surrounds the judgement of one read by id.

    `homes` maps the owner ids of all our organisations to our ids. `evidence` is by visibility.
    """

    organisation: Organisation
    homes: Mapping[int, int]
    evidence: Mapping[str, Evidence]
    expected: Sequence[tuple[Project, str, str]]
    look: int
    now: Instant
    server_at: datetime
    rules: Rules


def weigh(before: Tracked, sighting: Sighting, context: Context) -> Change | None:
    """Judge what one read by id showed of a recorded repository. None: nothing is to be changed."""
    repository = before.repository
    if repository.look > context.look:
        return None
    if isinstance(sighting, Found):
        return _found(before, sighting.repo, context)
    if repository.lost_at is not None or repository.held or isinstance(sighting, Unclear):
        return None
    if isinstance(sighting, Blocked):
        known = repository.presence is Presence.BLOCKED
        return None if known else drift.Blocked(before, sighting.reason or "451")
    if isinstance(sighting, Forbidden):
        return _inaccessible(before, "GitHub answers 403")
    return _not_found(before, context)


def _found(before: Tracked, repo: Repo, context: Context) -> Change | None:
    repository = before.repository
    home = context.homes.get(repo.owner_id)
    if home is not None:
        return drift.sight(repo, before, home, context.expected, context.look)
    if repository.presence is Presence.TRANSFERRED and (repository.lost_at or repository.held):
        return None
    return drift.Transferred(before, repo)


def _inaccessible(before: Tracked, why: str) -> Change | None:
    known = before.repository.presence is Presence.INACCESSIBLE
    return None if known else drift.Inaccessible(before, why)


def _not_found(before: Tracked, context: Context) -> Change | None:
    repository, rules = before.repository, context.rules
    if repository.vouched.startswith(PERSON_SAYS_GONE):
        return drift.Lost(before, repository.absences + 1)
    if repository.vouched.startswith(PERSON_SAYS_NOT):
        return _inaccessible(before, "a person rejected its loss")
    if not repository.vouched.startswith(DELIVERY_SAYS_GONE):
        # Of one whose deletion was told, neither a lagging replica nor our access explains the 404.
        if drift.in_grace(repository.repo, context.server_at, rules.grace_s):
            return None
        evidence = context.evidence.get(repository.repo.visibility)
        if evidence is None:  # the round ended before our access could be checked: nothing is known
            return None
        if doubt := evidence.doubt():
            return _inaccessible(before, doubt)
    return _count(before, context)


def _count(before: Tracked, context: Context) -> Change | None:
    repository, rules = before.repository, context.rules
    counting = repository.presence is Presence.ABSENT and repository.confirmed is not None
    if counting and not spaced(repository, context.now, rules):
        return None
    absences = repository.absences + 1 if counting else 1
    if absences < rules.confirmations:
        return drift.Absent(before, absences, rules.confirmations)
    noticed = repository.absent_look if repository.presence is Presence.ABSENT else context.look
    if context.organisation.last_whole_look >= noticed:
        return drift.Lost(before, absences)
    return drift.Absent(before, rules.confirmations, rules.confirmations, waits_for_look=True)


def spaced(repository: Repository, now: Instant, rules: Rules) -> bool:
    """Whether enough time has passed since the last counted read for another one to count."""
    if repository.confirmed is None:
        return True
    return elapsed_s(repository.confirmed, now) >= rules.confirm_spacing_s


@dataclass(frozen=True, slots=True)
class Losses:
    """What the guard weighs: losses concluded within the window, and those not concluded yet.

    `pending` counts what is recorded as absent or transferred without being concluded as lost;
    `recorded` every repository of the organisation that was there when the window began.
    """

    concluded: int
    pending: int
    recorded: int


def believe(changes: Iterable[Change], losses: Losses, rules: Rules) -> list[Change]:
    """Let losses through, or hold them all where too many would be lost within the window.

    Too many: more than max(`loss_count_max`, `loss_share_max` of the recorded), or all of two or more.
    What a person vouched for passes.
    """
    changes = list(changes)
    claims = [change for change in changes if isinstance(change, drift.Lost | drift.Transferred)]
    if not claims:
        return changes
    count = losses.concluded + losses.pending + sum(map(_adds, changes))
    limit = max(rules.loss_count_max, rules.loss_share_max * losses.recorded)
    if count <= limit and not (losses.recorded >= 2 and count >= losses.recorded):
        return changes
    return [_hold(change) for change in changes]


def _adds(change: Change) -> int:
    """How a change of this very look alters the number of losses that are pending."""
    if isinstance(change, drift.Discovered | drift.Born | drift.MovedHere | drift.Held):
        return 0
    repository = change.before.repository
    was = repository.presence in PENDING and repository.lost_at is None
    gone = drift.Suspected | drift.Absent | drift.Lost | drift.Transferred
    return isinstance(change, gone) - was


def _hold(change: Change) -> Change:
    if not isinstance(change, drift.Lost | drift.Transferred):
        return change
    if change.before.repository.vouched.startswith(PERSON_SAYS_GONE):
        return change
    return drift.Held(change)


def lost_within(moments: Iterable[Instant], now: Instant, window_s: float) -> int:
    """How many of these moments lie within the window that ends now."""
    return sum(elapsed_s(moment, now) < window_s for moment in moments)
