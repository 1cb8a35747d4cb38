"""What the checks of one commit come to. A pure function over what GitHub says; values only.

How GitHub's words are read, and why:

- `success` passes, and it alone is the real success of which policy wants at least one.
- `skipped` and `neutral` pass, as they do on GitHub for merging, but prove nothing: a commit of which everything
  was skipped was not checked.
- `failure` is red, and the product's fault.
- `cancelled`, `timed_out`, `stale`, `action_required`, `startup_failure` and a status's `error` are red, but say
  that the check did not come to its end, not that the product fails it: somebody or something stopped it, its
  machine hung, GitHub gave it up after two weeks, it waits for a person's consent, its workflow could not begin,
  the reporting system itself erred. A test that loops for ever times out as well; it does so again when it is
  tried again, and then a person looks. Such a red is the infrastructure's.
- Whatever is queued, under way or absent is pending; so is every word that is not known. None of them is green.

GitHub asks the required checks alone before it lets merge. Here any failure is red, required or not, as GitHub's
combined status has it: a red mark beside a commit that was delivered is a question nobody answers. Policy may say
`only_required`; it has no effect where nothing is required.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final


@dataclass(frozen=True, slots=True)
class Check:
    """One check run, or one commit status (`app_id` 0; its state as status and conclusion).

    `status` and `conclusion` are GitHub's own words, unknown ones included. `id` grows with each attempt.
    """

    name: str
    app_id: int
    status: str
    conclusion: str | None
    id: int = 0
    started_at: datetime | None = None
    completed_at: datetime | None = None
    url: str = ""
    summary: str = ""


@dataclass(frozen=True, slots=True)
class CommitChecks:
    """Everything that was said of a commit. `required` are (context, app id or None) of the branch rules.

    `suites` are the states of check suites and workflow runs that tell more than the checks do, for they have no
    check yet, or are still under way, or ended otherwise than well: (app id, status, conclusion).
    """

    sha: str
    checks: tuple[Check, ...] = ()
    required: tuple[tuple[str, int | None], ...] = ()
    suites: tuple[tuple[int, str, str | None], ...] = ()


class Colour(StrEnum):
    """`stuck` is pending past its deadline; `none` is nothing at all after the grace. Only green is green."""

    GREEN = "green"
    RED = "red"
    PENDING = "pending"
    NONE = "none"
    STUCK = "stuck"


PASSING: Final = frozenset({"success", "neutral", "skipped"})
PRODUCT: Final = frozenset({"failure"})
INFRASTRUCTURE: Final = frozenset(
    {"cancelled", "timed_out", "stale", "action_required", "startup_failure", "error"}
)
"""Words of conclusions, as the head of this module reads them."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What policy asks of a commit, beside what the branch's rules require.

    `required` are names of checks, of whatever app. Pending for `deadline_s` is stuck; nothing at all for
    `grace_s` is none. `min_success` real successes are wanted, of an app in `apps` or by a name in `names`; where
    both are empty, every app is known. `only_required`: a check that is not required cannot make red.
    """

    required: tuple[str, ...] = ()
    deadline_s: float = 3600.0
    grace_s: float = 600.0
    min_success: int = 1
    apps: frozenset[int] = frozenset()
    names: frozenset[str] = frozenset()
    only_required: bool = False


@dataclass(frozen=True, slots=True)
class Verdict:
    """A colour, with the reasons in plain words. `infrastructure`: red, and by no fault of the product."""

    colour: Colour
    reasons: tuple[str, ...] = ()
    infrastructure: bool = False


@dataclass(slots=True)
class _Tally:
    """What speaks against green, in words."""

    product: set[str] = field(default_factory=set)
    infrastructure: set[str] = field(default_factory=set)
    pending: set[str] = field(default_factory=set)

    def add(self, name: str, status: str, conclusion: str | None) -> None:
        """Read GitHub's words of one check."""
        if status != "completed":
            self.pending.add(f"{name} is {status or 'without a status'}")
        elif conclusion in PRODUCT:
            self.product.add(f"{name}: {conclusion}")
        elif conclusion in INFRASTRUCTURE:
            self.infrastructure.add(f"{name}: {conclusion}, which says nothing of the product")
        elif conclusion not in PASSING:
            self.pending.add(f"{name} ended with {conclusion or 'no conclusion'}, which is not understood")


def verdict(found: CommitChecks, rule: Rule, now: datetime, since: datetime) -> Verdict:
    """What the checks come to at `now`, for a commit that is waited for since `since`.

    Red comes before pending: what fails already will not be green. `none` is said only where nothing is required
    either; a required check that does not come is pending, then stuck.
    """
    latest = latest_checks(found.checks)
    required = _required(found, rule)
    only = rule.only_required and bool(required)
    tally = _Tally()
    absent = _absent(latest, required)
    tally.pending.update(absent)
    for check in latest:
        if not only or _is_required(check, required):
            tally.add(check.name, check.status, check.conclusion)
    for app_id, status, conclusion in found.suites:
        if not only or absent:
            tally.add(f"a workflow or suite of app {app_id}", status, conclusion)
    age_s = max(0.0, (now - since).total_seconds())
    return _colour(tally, latest, found, rule, age_s)


def _colour(
    tally: _Tally, latest: tuple[Check, ...], found: CommitChecks, rule: Rule, age_s: float
) -> Verdict:
    if tally.product or tally.infrastructure:
        reasons = (*sorted(tally.product), *sorted(tally.infrastructure))
        return Verdict(Colour.RED, reasons, infrastructure=not tally.product)
    if tally.pending:
        reasons = tuple(sorted(tally.pending))
        if age_s < rule.deadline_s:
            return Verdict(Colour.PENDING, reasons)
        return Verdict(Colour.STUCK, (f"nothing more came in {age_s:.0f} s", *reasons))
    successes = sum(_is_real(check, rule) for check in latest)
    if latest and successes >= rule.min_success:
        return Verdict(Colour.GREEN, (f"{successes} of {len(latest)} checks succeeded, none failed",))
    said = (
        f"{successes} real successes of {rule.min_success}" if latest or found.suites else "no check at all"
    )
    return Verdict(Colour.PENDING if age_s < rule.grace_s else Colour.NONE, (said,))


def latest_checks(checks: Iterable[Check]) -> tuple[Check, ...]:
    """The latest attempt of each (app, name), in the order of their names."""
    kept: dict[tuple[int, str], Check] = {}
    for check in checks:
        key = (check.app_id, check.name)
        if key not in kept or _attempt(check) > _attempt(kept[key]):
            kept[key] = check
    return tuple(kept[key] for key in sorted(kept))


def _attempt(check: Check) -> tuple[int, float, float, str, str]:
    """Ids grow with each attempt; the rest keeps the outcome from depending on the order of equal ones."""
    return (check.id, _at(check.started_at), _at(check.completed_at), check.status, check.conclusion or "")


def _at(moment: datetime | None) -> float:
    if moment is None:
        return 0.0
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment).timestamp()


def _required(found: CommitChecks, rule: Rule) -> frozenset[tuple[str, int | None]]:
    return frozenset(found.required) | {(name, None) for name in rule.required}


def _answers(check: Check, name: str, app_id: int | None) -> bool:
    """Whether it is what a rule requires. A check and a status of one name both are, where no app is named."""
    return check.name == name and app_id in {None, check.app_id}


def _is_required(check: Check, required: frozenset[tuple[str, int | None]]) -> bool:
    return any(_answers(check, name, app_id) for name, app_id in required)


def _absent(latest: tuple[Check, ...], required: frozenset[tuple[str, int | None]]) -> set[str]:
    return {
        f"{name} is required and has not begun"
        for name, app_id in required
        if not any(_answers(check, name, app_id) for check in latest)
    }


def _is_real(check: Check, rule: Rule) -> bool:
    known = not (rule.apps or rule.names) or check.app_id in rule.apps or check.name in rule.names
    return known and check.status == "completed" and check.conclusion == "success"
