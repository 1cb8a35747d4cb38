"""What building looks like: the steps of an operation with their marks, what to do about it, a project in a line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from steward.domain.operations import OPEN, OperationState, Work
from steward.domain.status import OPERATION_OF, Status, Trigger
from steward.faces import lines
from steward.faces.web.asking import Ask
from steward.faces.words import _, counted, language, said

Json = Mapping[str, Any]
S = OperationState

ENDED_BADLY: Final = (S.FAILED, S.CANCELLED)
SIGNS: Final = {
    S.QUEUED: "clock",
    S.RUNNING: "play",
    S.WAITING: "pause",
    S.SUCCEEDED: "check",
    S.FAILED: "circle-alert",
    S.CANCELLED: "x",
}
_TONES: Final = {S.SUCCEEDED: "tone-good", S.FAILED: "tone-bad", S.WAITING: "tone-care"}
_HEALTH_TONES: Final = {"healthy": "tone-good", "unknown": "tone-quiet", "unsure": "tone-care"}
_PHASES: Final = {
    Work.SPECIFY: "inception",
    Work.PROVISION: "materialization",
    Work.DEPLOY: "production",
    Work.ROLLBACK: "production",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One step of an operation. `state`: done, current, failed, waiting, stopped or ahead."""

    step: str
    state: str
    sign: str


_MARKS: Final = {
    "done": "check",
    "current": "play",
    "failed": "circle-alert",
    "waiting": "pause",
    "stopped": "x",
    "ahead": "",
}
_AT: Final = {
    S.QUEUED: "waiting",
    S.RUNNING: "current",
    S.WAITING: "waiting",
    S.FAILED: "failed",
    S.CANCELLED: "stopped",
}


def is_open(operation: Json | None) -> bool:
    """Whether it has not ended."""
    return operation is not None and operation["state"] in OPEN


def marks(operation: Json, *, paused: bool = False) -> list[Mark]:
    """The steps with how far each is; the one that it stands at last is the one that failed or waits."""
    state, steps = S(operation["state"]), operation["steps"]
    if state is S.SUCCEEDED:
        return [Mark(step, "done", _MARKS["done"]) for step in steps]
    named = (operation["failure"] or {}).get("step") or operation["progress"]["step"]
    at = steps.index(named) if named in steps else operation["progress"]["number"] - 1
    here = "waiting" if paused and state is S.RUNNING else _AT[state]
    states = ["done" if place < at else here if place == at else "ahead" for place in range(len(steps))]
    return [Mark(step, mark, _MARKS[mark]) for step, mark in zip(steps, states, strict=True)]


def work_tone(kind: str) -> str:
    """The class that gives a kind of operation the colour of its phase."""
    known = Work(kind) if kind in set(Work) else Work.DESIGN
    return f"phase-{_PHASES.get(known, 'construction')}"


def state_tone(state: str) -> str:
    """The class that gives the state of an operation its colour."""
    return _TONES.get(S(state), "tone-quiet") if state in set(S) else "tone-quiet"


def state_sign(state: str) -> str:
    """The icon of a state."""
    return SIGNS.get(S(state), "history") if state in set(S) else "history"


def health_tone(health: str | None) -> str:
    """The class that gives the health of a release its colour."""
    return _HEALTH_TONES.get(health or "unknown", "tone-bad")


def live_words(live: Json) -> str:
    """What serves now, in a few words: live v3 healthy."""
    number, health = live.get("release"), live.get("health")
    known = health and health != "unknown"
    if number is None:
        return _("live")
    if not known:
        return _("live v{number}", number=number)
    return _("live v{number} {health}", number=number, health=lines.health_label(str(health)))


def short_line(card: Json, *, paused: bool) -> str:
    """What runs for a project, for a card or a row: «Design 3/6»; "" for nothing."""
    operation = card.get("operation")
    if not is_open(operation):
        return ""
    assert operation is not None
    work, progress = lines.work_label(operation["kind"]), operation["progress"]
    far = f"{progress['number']}/{progress['total']}"
    if paused or operation["state"] == S.WAITING:
        return _("{work} waits at {far}", work=work, far=far)
    if operation["state"] == S.QUEUED or not progress["number"]:
        return _("{work} is queued", work=work)
    return f"{work} {far}"


def may_retry(project: Json) -> bool:
    """Whether what ended badly can be begun once more."""
    operation = project["operation"]
    if operation is None or operation["state"] not in ENDED_BADLY:
        return False
    return project["status"] not in (Status.MISSING, Status.ARCHIVED, Status.ESTIMATED)


def cancelling(project: Json, asks: list[Ask]) -> Ask | None:
    """The word that stops what runs; None where nobody may give it, or it would do more than that."""
    if project["status"] not in OPERATION_OF or not is_open(project["operation"]):
        return None
    return next((ask for ask in asks if ask.trigger == Trigger.CANCELLED and not ask.refused), None)


def ways_out(asks: list[Ask]) -> list[Ask]:
    """What else can be done about an error, the gravest last."""
    wanted = (Trigger.RESOLVED, Trigger.UPDATE_ABANDONED, Trigger.ARCHIVED)
    return [ask for trigger in wanted for ask in asks if ask.trigger == trigger and not ask.refused]


_AMOUNT: Final = re.compile(
    r"(?<![\w.])(\d+(?:\.\d+)?) (hour|feature|criteri(?=on|a)|further part|word|like project)(?:s|on|a)?\b"
)
_ADDS: Final = re.compile(r"(.+) adds? (.+)")


def basis_words(text: str) -> str:
    """A line of what an estimate stands on, in the reader's language; the estimate is stored in English."""
    if language() == "en":
        return text
    amounts = _AMOUNT.sub(lambda found: _amount(found[1], found[2]), text)
    if (told := said(amounts)) != amounts:
        return told
    found = _ADDS.fullmatch(amounts)
    return _("{what}: {hours} more", what=found[1], hours=found[2]) if found else amounts


def _amount(number: str, noun: str) -> str:
    if noun == "hour":
        return _("{n} h", n=number)
    n = int(float(number))
    return {
        "feature": lambda: counted("{n} feature", "{n} features", n),
        "criteri": lambda: counted("{n} criterion", "{n} criteria", n),
        "further part": lambda: counted("{n} further part", "{n} further parts", n),
        "word": lambda: counted("{n} word", "{n} words", n),
        "like project": lambda: counted("{n} like project", "{n} like projects", n),
    }[noun]()


def plain(value: Any) -> str:
    """A value of a result or of evidence, as a person reads it."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list) and all(isinstance(one, str | int | float) for one in value):
        return "\n".join(map(str, value))
    return json.dumps(value, ensure_ascii=False, indent=1)
