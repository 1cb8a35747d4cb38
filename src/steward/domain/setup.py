"""Setup: what a project that we did not make lacks before it may be driven, and where it may enter the lifecycle.

Values only. Each sentence is fixed text, so that faces can say it in any language; what varies stands beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from steward.domain.guards import Guard
from steward.domain.lifecycle import ENTRY_STATUSES
from steward.domain.needs import Demand, Evidence, Need, Origin, Purpose, Scan, Sort
from steward.domain.readiness import Fix
from steward.domain.status import Status
from steward.domain.verdict import Colour

OWNER: Final = "owner"
SCAN: Final = "scan"
CI: Final = "ci"
DEPLOY: Final = "deploy"
SELF_DEPLOY: Final = "self_deploy"
LIFE: Final = "life"
ENVIRONMENT: Final = "environment"
SECRET: Final = "secret"  # noqa: S105 - the code of a line
WAIVABLE: Final = frozenset({CI, DEPLOY})
"""Lines that a person may do without, beside names."""
_RULE: Final = "rule:"


def waiver_name(name: str) -> str:
    """How a waiver of that name or line is kept: no name that a program reads is taken for a line."""
    return _RULE + name if name in WAIVABLE | {SELF_DEPLOY} else name


def plain_name(kept: str) -> str:
    """The name or line that a kept waiver is of."""
    name = kept.removeprefix(_RULE)
    return name if waiver_name(name) == kept else kept


class State(StrEnum):
    """How a line stands. `note`: it asks for nothing; `open`: what it is about is asked only by some entries."""

    SET = "set"
    GENERATED = "generated"
    WAIVED = "waived"
    MISSING = "missing"
    ACCEPTED = "accepted"
    NOTE = "note"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Life:
    """What speaks for a site being live. `kind` is "commit" (it tells the tip's commit), "answers" (2xx three times),
    "attested" (a person says so, in `words`) or "" (nothing does; `words` says what was seen instead).
    """

    kind: str = ""
    url: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a project that is to be taken in.

    `scan` is None where none was done. `kept` maps names that have a value to whether it was generated here, `places`
    to whom it is given (a name that is not in there: to whoever reads it),
    `waived` names and codes to the reason. `tip` is where the default branch is ("": empty, None: not known),
    `colour` what the checks of the tip come to (None: cannot be told). `accepts`: a person has accepted that it
    deploys by itself.
    """

    owner: str | None = None
    scan: Scan | None = None
    kept: Mapping[str, bool] = field(default_factory=dict)
    places: Mapping[str, frozenset[str]] = field(default_factory=dict)
    waived: Mapping[str, str] = field(default_factory=dict)
    tip: str | None = None
    colour: Colour | None = None
    life: Life = field(default=Life())
    accepts: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the checklist. `name` is the needed name, "" elsewhere; `about` is what varies, as it is.

    `times` is how often a name was found in all, of which `evidence` shows the first.
    """

    code: str
    state: State
    words: str
    name: str = ""
    about: str = ""
    sort: str = ""
    evidence: tuple[Evidence, ...] = ()
    times: int = 0
    fix: Fix | None = None

    @property
    def stands(self) -> bool:
        """Whether it keeps the project from being adopted."""
        return self.state is State.MISSING


@dataclass(frozen=True, slots=True)
class Candidate:
    """One entry status with what speaks for it, or what it lacks (words; "" where it is supported)."""

    status: Status
    words: str
    lacks: str = ""

    @property
    def supported(self) -> bool:
        """Whether the evidence supports it."""
        return not self.lacks


@dataclass(frozen=True, slots=True)
class Setup:
    """The checklist of one project, the entry statuses with their evidence, and the highest that is supported."""

    lines: tuple[Line, ...]
    candidates: tuple[Candidate, ...]
    proposed: Status | None

    @property
    def missing(self) -> tuple[Line, ...]:
        """The lines that stand against adopting it."""
        return tuple(line for line in self.lines if line.stands)

    def proofs(self, entry: Status | None) -> frozenset[Guard]:
        """The guards of an adoption that hold, for that entry status."""
        left = {line.code for line in self.missing}
        found = set()
        if not left - {OWNER}:
            found.add(Guard.SETUP_COMPLETE)
        if OWNER not in left:
            found.add(Guard.OWNER_SET)
        if any(one.status is entry and one.supported for one in self.candidates):
            found.add(Guard.ENTRY_PROVEN)
        return frozenset(found)

    def lacks(self, entry: Status) -> str:
        """What the evidence lacks for that entry status, in words; "" where it is supported."""
        for one in self.candidates:
            if one.status is entry:
                return one.lacks
        return "a project is not adopted into that status"


def examine(facts: Facts) -> Setup:
    """What is there and what is lacking."""
    found = candidates(facts)
    supported = [one.status for one in found if one.supported]
    return Setup(checklist(facts), found, supported[-1] if supported else None)


def needed(scan: Scan | None) -> tuple[Need, ...]:
    """The names that must be set or waived, in the order of the alphabet."""
    needs = scan.needs if scan else ()
    return tuple(sorted((n for n in needs if n.demand is Demand.REQUIRED), key=lambda need: need.name))


def checklist(facts: Facts) -> tuple[Line, ...]:
    """Every line, the ones of names after the owner."""
    if facts.scan is None:
        return (_owner(facts), _unscanned())
    own = [_owner(facts), *(_need(facts, need) for need in needed(facts.scan))]
    own += [_checks(facts, facts.scan), _deploys(facts, facts.scan), _life(facts)]
    if facts.scan.self_deploys:
        own.append(_self_deploys(facts, facts.scan))
    return (*own, _environment(facts.scan))


def _owner(facts: Facts) -> Line:
    if facts.owner:
        return Line(OWNER, State.SET, "somebody looks after it", about=facts.owner)
    fix = Fix("owner", "Say who does", "steward project owner {slug} NAME")
    return Line(OWNER, State.MISSING, "nobody looks after it", fix=fix)


def _unscanned() -> Line:
    fix = Fix("scan", "Have it scanned", "steward project take-in {slug}")
    return Line(SCAN, State.MISSING, "nobody has looked yet what it needs", fix=fix)


def _need(facts: Facts, need: Need) -> Line:
    about: dict[Sort, tuple[str, str, str]] = {
        Sort.SECRET: ("a secret is set", "a secret is not set", "steward secret set {slug} {name}"),
        Sort.VARIABLE: (
            "a variable is set",
            "a variable is not set",
            "steward secret set {slug} {name} --variable",
        ),
    }
    met, unmet, command = about[need.sort]
    command += _FOR.get(need.purposes, "")
    line = Line(SECRET, State.SET, met, need.name, need.help, need.sort.value, need.evidence[:5], need.times)
    elsewhere = bool(need.purposes - facts.places.get(need.name, need.purposes))
    if need.name in facts.kept and not elsewhere:
        state = State.GENERATED if facts.kept[need.name] else State.SET
        return _with(line, state, "a value was generated" if facts.kept[need.name] else met)
    if need.name in facts.waived:
        return _with(line, State.WAIVED, "somebody does without it", facts.waived[need.name])
    fix = Fix("secret", "Set it, have it generated, or do without it for a reason", command)
    if elsewhere:
        unmet = "a value is set, but not for all that read it"
    return _with(line, State.MISSING, unmet, need.help, fix)


_FOR: Final = {frozenset({Purpose.CHECKS}): " --for checks", frozenset(Purpose): " --for both"}


def _with(line: Line, state: State, words: str, about: str = "", fix: Fix | None = None) -> Line:
    return Line(
        line.code, state, words, line.name, about, line.sort, line.evidence, line.times, fix or line.fix
    )


def _checks(facts: Facts, scan: Scan) -> Line:
    if scan.workflows:
        return Line(CI, State.SET, "it has checks of its own", about=", ".join(scan.workflows[:5]))
    if not scan.code:
        return Line(CI, State.NOTE, "there is nothing to check yet")
    if CI in facts.waived:
        return Line(CI, State.WAIVED, "nothing checks it, and somebody accepts that", about=facts.waived[CI])
    fix = Fix(
        "waive",
        "Add a workflow, or do without for a reason",
        "steward project adopt {slug} --waive ci=REASON",
    )
    return Line(CI, State.MISSING, "nothing checks it: it has no workflow", fix=fix)


def _deploys(facts: Facts, scan: Scan) -> Line:
    if scan.deploys:
        return Line(DEPLOY, State.SET, "it says how it is put live", about=", ".join(scan.deploys[:5]))
    if not scan.code:
        return Line(DEPLOY, State.NOTE, "there is nothing to put live yet")
    if DEPLOY in facts.waived:
        words = "nothing says how it is put live, and somebody accepts that"
        return Line(DEPLOY, State.WAIVED, words, about=facts.waived[DEPLOY])
    fix = Fix(
        "waive",
        "Add a deploy.toml or a compose file, or do without for a reason",
        "steward project adopt {slug} --waive deploy=REASON",
    )
    return Line(DEPLOY, State.MISSING, "nothing says how it is put live", fix=fix)


_LIVES: Final = {
    "commit": "it is live with the commit of the default branch",
    "answers": "its address answers",
    "attested": "somebody says that it is live",
}


def _life(facts: Facts) -> Line:
    life = facts.life
    if life.kind in _LIVES:
        return Line(LIFE, State.SET, _LIVES[life.kind], about=life.words or life.url)
    fix = Fix(
        "url", "Give its address, if it is live already", "steward project adopt {slug} --url https://..."
    )
    return Line(LIFE, State.OPEN, "nobody has shown that it is live", about=life.words, fix=fix)


def _self_deploys(facts: Facts, scan: Scan) -> Line:
    words = "a push to its default branch puts it live by itself"
    if facts.accepts:
        return Line(SELF_DEPLOY, State.ACCEPTED, words, evidence=scan.self_deploys[:5])
    fix = Fix(
        "accept",
        "Accept that each merge of Steward goes live at once, or take that out of its workflow first",
        "steward project adopt {slug} --accept-self-deploy",
    )
    return Line(SELF_DEPLOY, State.MISSING, words, evidence=scan.self_deploys[:5], fix=fix)


def _environment(scan: Scan) -> Line:
    names = f"{len(scan.needs)}"
    if scan.cut:
        return Line(
            ENVIRONMENT, State.NOTE, "it was too large to be read whole: more may be needed", about=names
        )
    if scan.skipped:
        return Line(ENVIRONMENT, State.NOTE, "some files could not be read: more may be needed", about=names)
    return Line(ENVIRONMENT, State.NOTE, "what it reads of its environment is known", about=names)


def candidates(facts: Facts) -> tuple[Candidate, ...]:
    """Every entry status, in the order of a project's life, with its evidence."""
    scan = facts.scan
    if scan is None:
        lacks = "nobody has looked yet what is in the repository"
        return tuple(Candidate(status, "", lacks) for status in ENTRY_STATUSES)
    empty = not scan.code and not scan.implementation
    there = "the repository is empty" if empty else "the repository is there; the design comes next"
    return (
        Candidate(Status.INITIALIZED, there),
        Candidate(
            Status.DESIGNED,
            "IMPLEMENTATION.md is on the default branch",
            "" if scan.implementation else "there is no IMPLEMENTATION.md on the default branch",
        ),
        Candidate(
            Status.IMPLEMENTED,
            "there is code on the default branch",
            "" if scan.code else "there is no code on the default branch",
        ),
        _verified(facts, scan),
        _active(facts, scan),
    )


_NOT_GREEN: Final = {
    Colour.RED: "the checks of the newest commit are red",
    Colour.PENDING: "the checks of the newest commit are not done yet",
    Colour.STUCK: "the checks of the newest commit do not come to an end",
    Colour.NONE: "nothing has checked the newest commit; do without checks for a reason, or have them run",
}


def _verified(facts: Facts, scan: Scan) -> Candidate:
    words, lacks = "the checks of the newest commit are green", ""
    if not scan.code:
        lacks = "there is no code on the default branch"
    elif facts.tip != scan.commit:
        lacks = "the default branch has moved on since it was scanned; have it scanned again"
    elif facts.colour is Colour.NONE and CI in facts.waived:
        words = "nothing checks it, and somebody accepts that"
    elif facts.colour is not Colour.GREEN:
        cannot = "what the checks of the newest commit say cannot be read from here"
        lacks = _NOT_GREEN[facts.colour] if facts.colour else cannot
    return Candidate(Status.VERIFIED, words, lacks)


def _active(facts: Facts, scan: Scan) -> Candidate:
    words = _LIVES.get(facts.life.kind, "it is live")
    lacks = _verified(facts, scan).lacks
    if not lacks and facts.life.kind not in _LIVES:
        lacks = "nobody has shown that it is live: give its address"
    return Candidate(Status.ACTIVE, words, lacks)


def environment(scan: Scan | None) -> dict[str, str]:
    """The environment contract that a scan comes to: name -> where its value comes from, built-in names left out.

    What the program must have, and nothing says where from, is asked of people: no deployment goes on without it.
    """
    needs = scan.needs if scan else ()
    return {need.name: _origin(need).value for need in needs if need.demand is not Demand.BUILTIN}


def _origin(need: Need) -> Origin:
    asked = need.demand is Demand.REQUIRED and Purpose.RUN in need.purposes
    return Origin.USER_SECRET if asked and need.origin is Origin.UNKNOWN else need.origin


def unknown_waivers(scan: Scan | None, names: Collection[str]) -> list[str]:
    """Those of the names that are neither needed nor a line that can be done without."""
    known = {need.name for need in needed(scan)} | WAIVABLE
    return sorted(set(names) - known)
