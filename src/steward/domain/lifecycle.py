"""The lifecycle of a project: one table, and the only function that moves along it.

Everything that shows or permits a move is derived from TABLE: the faces' buttons, the rights, the
diagram. This module decides; who stores the move and its event is `app`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from steward.domain.guards import Guard
from steward.domain.status import (
    BEFORE_REPOSITORY,
    INTERRUPTIONS,
    OPERATION_OF,
    Status,
    Trigger,
)

S, T, G = Status, Trigger, Guard


class Who(StrEnum):
    """Who may make or ask for a move."""

    PERSON = "person"
    APPROVER = "approver"
    SYSTEM = "system"
    OPERATION = "operation"
    HEARTBEAT = "heartbeat"
    HEALTH_CHECK = "health check"


class Back(StrEnum):
    """A destination that depends on what was interrupted."""

    INTERRUPTED = "what it interrupted"
    SETTLED = "the settled status before it"
    ENTRY = "the entry status that the evidence supports"


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table: from any of `sources`, by `trigger`, to `target`.

    `who` may make the move; `asks` may ask for it in a face (where an operation stands between the word
    and the move, these differ). Every guard must be proven.
    """

    sources: frozenset[Status | None]
    trigger: Trigger
    target: Status | Back
    who: frozenset[Who]
    guards: tuple[Guard, ...] = ()
    asks: frozenset[Who] = field(default=frozenset())

    @property
    def sources_in_order(self) -> list[Status | None]:
        """From where, in the order of a project's life; None: from nothing."""
        places = {status: place for place, status in enumerate(Status)}
        return sorted(self.sources, key=lambda status: places[status] if status else -1)

    @property
    def askers(self) -> frozenset[Who]:
        """Who may ask for the move."""
        return self.asks or self.who


@dataclass(frozen=True, slots=True)
class Position:
    """Where a project stands, and the stack of what `error`, `missing` and `archived` interrupted."""

    status: Status
    interrupted: tuple[Status, ...] = ()


@dataclass(frozen=True, slots=True)
class Move:
    """A permitted move, to be stored by a compare-and-set from `before` to `after`.

    `operation` is the kind to start in the same transaction, where `after` is transient.
    """

    trigger: Trigger
    before: Position | None
    after: Position
    operation: str | None = None


class Refused(Exception):
    """A move that may not be made. `reason` is "edge", "role", "choice" or "guard".

    `options`: what people may ask for instead, where whoever refused could say.
    """

    def __init__(self, reason: str, words: str, unmet: tuple[Guard, ...] = ()) -> None:
        super().__init__(words)
        self.reason = reason
        self.words = words
        self.unmet = unmet
        self.options: tuple[Option, ...] = ()


def _row(
    sources: Iterable[Status | None],
    trigger: Trigger,
    target: Status | Back,
    who: Iterable[Who],
    guards: tuple[Guard, ...] = (),
    asks: Iterable[Who] = (),
) -> Row:
    return Row(frozenset(sources), trigger, target, frozenset(who), guards, frozenset(asks))


PERSON, APPROVER, SYSTEM = Who.PERSON, Who.APPROVER, Who.SYSTEM
OPERATION, HEARTBEAT, HEALTH_CHECK = Who.OPERATION, Who.HEARTBEAT, Who.HEALTH_CHECK

TRANSIENT: Final = frozenset(OPERATION_OF)
BUILDING: Final = frozenset(
    {
        S.DESIGNING,
        S.DESIGNED,
        S.IMPLEMENTING,
        S.IMPLEMENTED,
        S.VERIFYING,
        S.VERIFIED,
        S.DEPLOYING,
    }
)
WITH_REPOSITORY: Final = frozenset(Status) - BEFORE_REPOSITORY - {S.MISSING, S.ARCHIVED}
"""Where a vanished repository makes the project `missing`; `error` only if it has a repository."""

ENTRY_STATUSES: Final = (S.INITIALIZED, S.DESIGNED, S.IMPLEMENTED, S.VERIFIED, S.ACTIVE)

TABLE: Final[tuple[Row, ...]] = (
    _row([None], T.ORDERED, S.DRAFT, [PERSON], (G.SLUG_FREE, G.NO_REPOSITORY)),
    _row(
        [S.DRAFT],
        T.APPROVED,
        S.ESTIMATED,
        [OPERATION],
        (G.BRIEF_APPROVED, G.SPEC_VALID, G.ESTIMATE_MADE),
        asks=[APPROVER],
    ),
    _row([S.ESTIMATED], T.REVISED, S.DRAFT, [PERSON]),
    _row([S.ESTIMATED], T.CONFIRMED, S.PROVISIONING, [APPROVER], (G.NAME_FREE, G.BUDGET_SET)),
    _row(
        [S.PROVISIONING],
        T.REPOSITORY_CREATED,
        S.INITIALIZED,
        [OPERATION],
        (G.REPOSITORY_RECORDED, G.REPOSITORY_BARE),
    ),
    _row([None], T.REPOSITORY_DISCOVERED, S.DISCOVERED, [HEARTBEAT], (G.REPOSITORY_UNKNOWN,)),
    _row([S.DISCOVERED], T.FOUND_ARCHIVED, S.ARCHIVED, [HEARTBEAT], (G.ARCHIVED_ON_GITHUB,)),
    _row([S.DISCOVERED], T.TAKEN_IN, S.SETUP_REQUIRED, [PERSON], (G.SETUP_INCOMPLETE,)),
    _row(
        [S.DISCOVERED, S.SETUP_REQUIRED],
        T.ADOPTED,
        Back.ENTRY,
        [PERSON],
        (G.SETUP_COMPLETE, G.OWNER_SET, G.ENTRY_PROVEN),
    ),
    _row([S.INITIALIZED], T.STARTED, S.DESIGNING, [SYSTEM], (G.NOT_HELD,)),
    _row([S.DESIGNING], T.PASSED, S.DESIGNED, [OPERATION], (G.DESIGN_MERGED, G.DESIGN_ACCEPTED)),
    _row([S.DESIGNED], T.STARTED, S.IMPLEMENTING, [SYSTEM], (G.NOT_HELD,)),
    _row([S.IMPLEMENTING], T.PASSED, S.IMPLEMENTED, [OPERATION], (G.WORK_MERGED,)),
    _row([S.IMPLEMENTED], T.STARTED, S.VERIFYING, [SYSTEM], (G.COMMIT_BOUND,)),
    _row([S.VERIFYING], T.PASSED, S.VERIFIED, [SYSTEM], (G.COMMIT_BOUND, G.CI_GREEN, G.TESTER_APPROVED)),
    _row([S.VERIFYING], T.REJECTED, S.IMPLEMENTING, [SYSTEM], (G.ROUNDS_LEFT,)),
    _row(
        [S.VERIFIED],
        T.STARTED,
        S.DEPLOYING,
        [SYSTEM, APPROVER],
        (G.SAME_COMMIT, G.SECRETS_PRESENT, G.NOT_HELD),
    ),
    _row([S.DEPLOYING], T.PASSED, S.ACTIVE, [OPERATION], (G.DEPLOY_SUCCEEDED, G.PROOF_OF_LIFE)),
    _row([S.ACTIVE], T.UPDATE_REQUESTED, S.MAINTENANCE, [PERSON], (G.UPDATE_DESCRIBED,)),
    _row(TRANSIENT, T.CANCELLED, Back.SETTLED, [PERSON], (G.OPERATION_STOPPED,)),
    _row([S.VERIFIED, S.DEPLOYING], T.TIP_MOVED, S.IMPLEMENTED, [HEARTBEAT], (G.TIP_IS_FOREIGN,)),
    _row([S.ACTIVE], T.FOREIGN_CHANGE_ACCEPTED, S.IMPLEMENTED, [PERSON], (G.FOREIGN_COMMITS,)),
    _row([S.MAINTENANCE], T.NEW_SPEC, S.DESIGNING, [APPROVER], (G.SPEC_STORED,)),
    _row([S.MAINTENANCE], T.SMALL_CHANGE, S.IMPLEMENTING, [APPROVER], (G.UPDATE_DESCRIBED,)),
    _row(
        [S.MAINTENANCE, *BUILDING, S.ERROR],
        T.UPDATE_ABANDONED,
        S.ACTIVE,
        [PERSON],
        (G.UPDATE_OPEN, G.RELEASE_LIVE),
    ),
    _row(
        [*TRANSIENT, S.ACTIVE, S.MAINTENANCE],
        T.FAILED,
        S.ERROR,
        [OPERATION, HEALTH_CHECK],
        (G.CAUSE_KNOWN,),
    ),
    _row([S.ERROR], T.RESOLVED, Back.INTERRUPTED, [PERSON, HEALTH_CHECK], (G.CAUSE_GONE,)),
    _row(WITH_REPOSITORY, T.REPOSITORY_GONE, S.MISSING, [HEARTBEAT], (G.HAS_REPOSITORY, G.LOSS_CONCLUDED)),
    _row([S.MISSING], T.RETURNED, Back.INTERRUPTED, [HEARTBEAT, PERSON], (G.REPOSITORY_SEEN,)),
    _row([S.PROVISIONING], T.ARCHIVED, S.ARCHIVED, [PERSON], (G.PROVISIONING_IDLE,)),
    _row(frozenset(Status) - {S.PROVISIONING, S.ARCHIVED}, T.ARCHIVED, S.ARCHIVED, [PERSON]),
    _row([S.ARCHIVED], T.REOPENED, Back.INTERRUPTED, [PERSON]),
    _row([S.DRAFT, S.ESTIMATED], T.CANCELLED, S.ARCHIVED, [PERSON]),
)

ROWS: Final[dict[tuple[Status | None, Trigger], Row]] = {
    (source, row.trigger): row for row in TABLE for source in row.sources
}

_SETTLED_BEFORE: Final = {
    S.PROVISIONING: S.ESTIMATED,
    S.DESIGNING: S.INITIALIZED,
    S.IMPLEMENTING: S.DESIGNED,
    S.VERIFYING: S.IMPLEMENTED,
    S.DEPLOYING: S.VERIFIED,
}


def advance(
    position: Position | None,
    trigger: Trigger,
    who: Who,
    proofs: frozenset[Guard] = frozenset(),
    choice: Status | None = None,
) -> Move:
    """Return the move that `trigger` makes from `position` (None: the project does not exist yet).

    `proofs` are the guards that the caller has shown to hold; `choice` is the entry status of an
    adoption, or the settled status for a resolved error. Raises Refused with the reason in words.
    """
    status = position.status if position else None
    row = ROWS.get((status, trigger))
    if row is None:
        raise Refused("edge", no_edge(status, trigger, frozenset({who})))
    if who not in row.who:
        allowed = " or ".join(sorted(row.who))
        raise Refused("role", f"'{trigger}' from {_name(status)} is for: {allowed}; not for: {who}")
    unmet = tuple(guard for guard in row.guards if guard not in proofs)
    if unmet:
        raise Refused("guard", "; ".join(guard.words for guard in unmet), unmet)
    after = _destination(row, position, proofs, choice)
    return Move(trigger, position, after, OPERATION_OF.get(after.status))


def _name(status: Status | None) -> str:
    return status.value if status else "nothing"


def no_edge(status: Status | None, trigger: Trigger, who: frozenset[Who]) -> str:
    """Say that no row leads from there by that trigger, and which do for these."""
    possible = sorted(t.value for (s, t), row in ROWS.items() if s is status and who & (row.who | row.askers))
    return f"'{trigger}' is not possible from {_name(status)}; possible: {', '.join(possible) or 'nothing'}"


def _destination(
    row: Row, position: Position | None, proofs: frozenset[Guard], choice: Status | None
) -> Position:
    if isinstance(row.target, Status):
        return _enter(row.target, position)
    assert position is not None, "only fixed destinations are reached from nothing"
    if row.target is Back.ENTRY:
        if choice not in ENTRY_STATUSES:
            names = ", ".join(ENTRY_STATUSES)
            raise Refused("choice", f"name the entry status; one of: {names}")
        return Position(choice)
    if row.target is Back.SETTLED:
        return Position(settled(position.status, proofs))
    return _resume(row.trigger, position, proofs, choice)


def _enter(target: Status, position: Position | None) -> Position:
    if target in INTERRUPTIONS and position is not None:
        return Position(target, (*position.interrupted, position.status))
    return Position(target)


def _resume(
    trigger: Trigger, position: Position, proofs: frozenset[Guard], choice: Status | None
) -> Position:
    assert position.interrupted, "an interruption always remembers what it interrupted"
    *rest, last = position.interrupted
    if trigger is T.REOPENED:
        last, rest = _reopened(last, rest, proofs)
    if trigger is T.RESOLVED:
        if choice not in (None, last, settled(last, proofs)):
            raise Refused("choice", f"resolve to {last} or {settled(last, proofs)}, not to {choice}")
        return Position(choice or last, tuple(rest))
    return Position(settled(last, proofs), tuple(rest))


def _reopened(last: Status, rest: list[Status], proofs: frozenset[Guard]) -> tuple[Status, list[Status]]:
    first = rest[0] if rest else last
    if first in BEFORE_REPOSITORY and G.HAS_REPOSITORY not in proofs:
        return S.DRAFT, []
    if first in (S.DISCOVERED, S.SETUP_REQUIRED) and G.IMPORTED in proofs:
        return S.DISCOVERED, []
    if G.UNDEPLOYED in proofs:
        return S.VERIFIED, []
    return last, rest


def settled(status: Status, proofs: frozenset[Guard] = frozenset()) -> Status:
    """The settled status before a transient one (itself, if it is settled).

    Within an update, a design that is stopped goes back to `maintenance`, never to the beginning.
    """
    if status is S.DESIGNING and G.UPDATE_OPEN in proofs:
        return S.MAINTENANCE
    return _SETTLED_BEFORE.get(status, status)


@dataclass(frozen=True, slots=True)
class Option:
    """One move as a face offers it; `refused` says in words why it cannot be asked for now.

    `reason` is "role" or "guard" where it is refused; `asked_by_people`: whether any person may ask for it.
    """

    trigger: Trigger
    target: Status | Back
    refused: str | None = None
    reason: str = ""
    asked_by_people: bool = True


def allowed(
    position: Position, askers: frozenset[Who], proofs: frozenset[Guard] = frozenset()
) -> list[Option]:
    """List every move out of `position`, in the table's order, with what stands against each.

    A guard that no proof is given for is listed as open: the face shows it, the move still decides.
    """
    options = []
    for row in TABLE:
        if position.status not in row.sources:
            continue
        refused, reason = None, ""
        if not row.askers & askers:
            refused, reason = f"only for: {' or '.join(sorted(row.askers))}", "role"
        elif unmet := [guard.words for guard in row.guards if guard not in proofs]:
            refused, reason = "; ".join(unmet), "guard"
        by_people = bool(row.askers & {PERSON, APPROVER})
        options.append(Option(row.trigger, row.target, refused, reason, by_people))
    return options


def leading(position: Position, to: Status, proofs: frozenset[Guard] = frozenset()) -> list[Trigger]:
    """The triggers that people may ask for and that lead to that status, in the table's order."""
    found = []
    for row in TABLE:
        if position.status in row.sources and row.askers & {PERSON, APPROVER}:
            ends = ENTRY_STATUSES if row.target is Back.ENTRY else ()
            if to in (ends or (_destination(row, position, proofs, None).status,)):
                found.append(row.trigger)
    return found


def phase_shown(position: Position) -> str:
    """The phase that a face shows: that of the interrupted status, where there is one."""
    for status in reversed(position.interrupted):
        if status not in INTERRUPTIONS:
            return status.phase.value
    return position.status.phase.value


def mermaid() -> str:
    """Draw the table as a Mermaid state diagram; docs/lifecycle.md holds exactly this text."""
    order = {status: place for place, status in enumerate(Status)}
    backs = {Back.INTERRUPTED: "interrupted", Back.SETTLED: "settled", Back.ENTRY: "entry"}
    lines = ["stateDiagram-v2"]
    lines += [f'    state "{back.value}" as {name}' for back, name in backs.items()]
    for row in TABLE:
        target = row.target.value if isinstance(row.target, Status) else backs[row.target]
        sources = sorted(row.sources, key=lambda status: order[status] if status else -1)
        for source in sources:
            lines.append(f"    {source.value if source else '[*]'} --> {target}: {row.trigger}")
    return "\n".join(lines) + "\n"
