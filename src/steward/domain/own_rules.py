"""Readiness as an installation wants it: rules switched off, weighed otherwise, and rules of its own. Values only.

A rule of one's own is data: which projects it is for, and one condition out of a small set. Nothing is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from steward.domain.lifecycle import phase_shown
from steward.domain.project import Management
from steward.domain.readiness import WEIGHT_MAX, Fix, Record, Rule
from steward.domain.readiness_rules import CODES, RULES, is_seen
from steward.domain.status import Phase, Status

CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
RULES_MAX: Final = 50
"""Of one's own."""
TEXT_MAX: Final = 200
VISIBILITIES: Final = ("public", "private", "internal")
SEVERITIES: Final = ("info", "warning", "error")
REPEATS_MAX: Final = 3
"""The repetitions in one pattern: each more multiplies what a match may cost by the length of the text."""
DESCRIPTION_MAX: Final = 350
"""The characters of a description that are matched against a pattern; GitHub takes no more."""
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_TOPIC: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,49}")


class Ask(StrEnum):
    """What a rule of one's own may ask for."""

    FILE = "file"
    TOPIC = "topic"
    DESCRIPTION = "description"
    NAME = "name"


_POSSIBLE: Final[Mapping[str, Collection[str] | None]] = {
    "management": [each.value for each in Management],
    "status": [each.value for each in Status],
    "phase": [each.value for each in Phase],
    "visibility": VISIBILITIES,
    "topic": None,
}


@dataclass(frozen=True, slots=True)
class OwnRule:
    """One rule of an installation's own. `when` maps what a project must be to the values that do, all of them;
    `ask` and `wanted` are its condition: a path, a topic, a pattern, or the name of a variable or secret.
    """

    code: str
    title: str
    ask: Ask
    wanted: str
    when: Mapping[str, frozenset[str]] = field(default_factory=dict)
    severity: str = "warning"
    weight: int = 1
    fix: str = ""

    def applies(self, record: Record) -> bool:
        """Whether the rule is for that project. What is known of a repository only is not so without one."""
        repo = record.repository.repo if record.repository is not None else None
        are: dict[str, Collection[str]] = {
            "management": {record.project.management.value},
            "status": {record.project.status.value},
            "phase": {phase_shown(record.project.position)},
            "visibility": {repo.visibility} if repo else (),
            "topic": repo.topics if repo else (),
        }
        return all(not values.isdisjoint(are[name]) for name, values in self.when.items())

    def holds(self, record: Record) -> bool | None:
        """Whether it is met; None where it is for others, or where what it asks about is not known."""
        if not self.applies(record):
            return None
        if self.ask is Ask.NAME:
            return None if record.kept is None else self.wanted in record.kept
        if not is_seen(record) or record.repository is None:
            return None
        if self.ask is Ask.FILE:
            return record.files.get(self.wanted)
        repo = record.repository.repo
        if self.ask is Ask.TOPIC:
            return self.wanted in repo.topics
        return re.search(self.wanted, (repo.description or "")[:DESCRIPTION_MAX]) is not None

    def rule(self) -> Rule:
        """The rule as it stands in the list. Its title is said as it was written."""
        fix = Fix("own", self.fix or self.title)
        return Rule(
            self.code, self.holds, self.title, self.title, fix, self.weight, self._detail, self.severity, True
        )

    def _detail(self, _record: Record) -> Mapping[str, Any]:
        return {"asks": self.ask.value, "wanted": self.wanted}


@dataclass(frozen=True, slots=True)
class Tuning:
    """What an installation changes of readiness."""

    off: frozenset[str] = frozenset()
    weights: Mapping[str, int] = field(default_factory=dict)
    own: tuple[OwnRule, ...] = ()

    def rules(self) -> tuple[Rule, ...]:
        """The rules that hold here, in the order of the list: those of the settings come last."""
        every = (*RULES, *(own.rule() for own in self.own))
        return tuple(
            replace(rule, weight=self.weights.get(rule.code, rule.weight))
            for rule in every
            if rule.code not in self.off
        )

    def paths(self) -> tuple[str, ...]:
        """The paths that rules ask for."""
        asked = (own.wanted for own in self.own if own.ask is Ask.FILE and own.code not in self.off)
        return tuple(dict.fromkeys(asked))

    def wanted_of(self, record: Record) -> list[str]:
        """The paths that rules ask for of that project."""
        own = [own for own in self.own if own.ask is Ask.FILE and own.code not in self.off]
        return list(dict.fromkeys(one.wanted for one in own if is_seen(record) and one.applies(record)))

    def told(self) -> str:
        """All of it as one text, the same for the same: whether scores were counted by these rules."""
        own = [
            (replace(one, when={}), sorted((k, sorted(v)) for k, v in one.when.items())) for one in self.own
        ]
        built_in = [(rule.code, rule.weight) for rule in self.rules()]
        return repr((built_in, own))


def tuning(off: Sequence[str], weights: Mapping[str, Any], own: Sequence[Mapping[str, Any]]) -> Tuning:
    """Read what the settings say. Raises ValueError, which names the rule and says what is wrong with it."""
    if len(own) > RULES_MAX:
        raise ValueError(f"there are {len(own)} rules of your own; at most {RULES_MAX} are kept to")
    rules: list[OwnRule] = []
    for place, given in enumerate(own, 1):
        rules.append(own_rule(given, place))
        if [rule.code for rule in rules].count(rules[-1].code) > 1:
            raise ValueError(f"rule '{rules[-1].code}': there are two of that code")
    known = CODES | {rule.code for rule in rules}
    for code in (*off, *weights):
        if code not in known:
            raise ValueError(
                f"rule '{code}': there is none of that code; known are {', '.join(sorted(known))}"
            )
    for code, weight in weights.items():
        _weight(code, weight)
    return Tuning(frozenset(off), dict(weights), tuple(rules))


def own_rule(given: Mapping[str, Any], place: int) -> OwnRule:
    """One rule of one's own out of its table, the `place`th. Raises ValueError."""
    code = given.get("code")
    if not isinstance(code, str) or not CODE.fullmatch(code):
        raise ValueError(
            f"rule {place} of your own: its code must be small letters, digits and underscores, such as has_license"
        )
    if code in CODES:
        raise ValueError(f"rule '{code}': a built-in rule has that code; choose another")
    known = {"code", "title", "when", "require", "severity", "weight", "fix"}
    if unknown := sorted(set(given) - known):
        raise ValueError(
            f"rule '{code}': {', '.join(unknown)} means nothing; known are {', '.join(sorted(known))}"
        )
    severity = given.get("severity", "warning")
    if severity not in SEVERITIES:
        raise ValueError(f"rule '{code}': severity is one of {', '.join(SEVERITIES)}")
    ask, wanted = _condition(code, given.get("require"))
    return OwnRule(
        code,
        _text(code, "title", given.get("title")),
        ask,
        wanted,
        _when(code, given.get("when", "")),
        severity,
        _weight(code, given.get("weight", 1)),
        _text(code, "fix", given["fix"]) if given.get("fix") else "",
    )


def _text(code: str, name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > TEXT_MAX or not value.isprintable():
        raise ValueError(f"rule '{code}': {name} must be one line of 1 to {TEXT_MAX} characters")
    return value.strip()


def _weight(code: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= WEIGHT_MAX:
        raise ValueError(f"rule '{code}': its weight is a whole number from 0 to {WEIGHT_MAX}")
    return value


def _when(code: str, given: Any) -> Mapping[str, frozenset[str]]:
    """`management=drive topic=web,api`: every name must fit, by one of its values."""
    found: dict[str, frozenset[str]] = {}
    # What is no text is refused as a text that fits nothing.
    for part in given.split() if isinstance(given, str) else [repr(given)]:
        name, equals, joined = part.partition("=")
        values = frozenset(value for value in joined.split(",") if value)
        if name not in _POSSIBLE or not equals or not values or name in found:
            raise ValueError(
                f"rule '{code}': when has '{part}'; it takes each of {', '.join(_POSSIBLE)} once, "
                "such as 'management=drive topic=web,api'"
            )
        possible = _POSSIBLE[name]
        if possible is not None and (wrong := sorted(values - set(possible))):
            raise ValueError(f"rule '{code}': '{wrong[0]}' is no {name}; possible: {', '.join(possible)}")
        found[name] = values
    return found


def _condition(code: str, given: Any) -> tuple[Ask, str]:
    possible = ", ".join(Ask)
    if not isinstance(given, Mapping) or len(given) != 1 or next(iter(given)) not in set(Ask):
        raise ValueError(f"rule '{code}': require asks for one of {possible}, such as {{ file = 'LICENSE' }}")
    (name, wanted), *_ = given.items()
    ask, wanted = Ask(name), _text(code, name, wanted)
    if ask is Ask.FILE:
        _check_path(code, wanted)
    elif ask is Ask.TOPIC and not _TOPIC.fullmatch(wanted):
        raise ValueError(f"rule '{code}': '{wanted}' can be no topic: small letters, digits and hyphens")
    elif ask is Ask.NAME and not _NAME.fullmatch(wanted):
        raise ValueError(f"rule '{code}': '{wanted}' can be no name of a variable or secret")
    elif ask is Ask.DESCRIPTION:
        _check_pattern(code, wanted)
    return ask, wanted


def _check_path(code: str, path: str) -> None:
    parts = path.split("/")
    if path.startswith("/") or "\\" in path or any(part in ("", ".", "..", ".git") for part in parts):
        raise ValueError(f"rule '{code}': '{path}' is no path inside a repository, such as docs/README.md")


def _check_pattern(code: str, pattern: str) -> None:
    """Refuse what is no pattern, and what may take for ever on a text that somebody else writes."""
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"rule '{code}': '{pattern}' is no regular expression: {error}") from None
    if _may_explode(pattern):
        raise ValueError(
            f"rule '{code}': '{pattern}' may take for ever on some texts: it repeats more than {REPEATS_MAX} times, "
            "repeats a group that itself repeats or chooses, or refers back. Write it plainer"
        )


def _may_explode(pattern: str) -> bool:
    """Whether it repeats too often, repeats a group that holds a repetition or a choice, or refers back to one."""
    bare = re.sub(r"\\[^1-9]", "x", pattern)
    if re.search(r"\\[1-9]|\(\?P=|\(\?\(", bare):
        return True
    bare = re.sub(r"\[\^?\]?[^\]]*\]", "x", bare)
    if len(re.findall(r"[*+{]|(?<!\()\?", bare)) > REPEATS_MAX:
        return True
    while (group := re.search(r"\(([^()]*)\)([*+?{]?)", bare)) is not None:
        inner, repeated = group[1].removeprefix("?:"), group[2] in ("*", "+", "{")
        risky = bool(re.search(r"[*+{|]", re.sub(r"^\?[:=!<P].*?", "", inner)))
        if risky and repeated:
            return True
        # A group that holds a risk passes it on to the group around it.
        bare = bare[: group.start()] + ("x+" if risky else "x") + bare[group.end(1) + 1 :]
    return False
