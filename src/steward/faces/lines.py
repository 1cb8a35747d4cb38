"""Events as lines that people read: when, about what, what happened, and why. One renderer for all faces.

It takes the JSON of an event as `Queries.events` gives it, and returns plain text; colour is the face's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from steward.domain.guards import Guard
from steward.domain.journal import PEOPLE, Kind
from steward.domain.project import Management
from steward.domain.status import Phase, Status, Trigger
from steward.faces import held, secret_words
from steward.faces.words import _, counted, label, language, said

Json = Mapping[str, Any]

COMMIT_SHOWN: Final = 7
"""How many digits of a commit are shown."""


@dataclass(frozen=True, slots=True)
class Line:
    """One event in words. `tone` is "good", "bad", "care" or "" and chooses the colour.

    `why` is the reason and the person who acted; `reason` leaves the person out.
    """

    time: str
    about: str
    what: str
    why: str
    tone: str = ""
    reason: str = ""


def line(event: Json) -> Line:
    """Put an event into words. A kind that is not known is shown by its name."""
    words = WORDS.get(event["kind"])
    what = words(event["data"]) if words else event["kind"]
    about = event["project"] or event["organisation"] or ""
    who = event["actor"] if event["actor"].startswith(PEOPLE) else ""
    # The words of some say already why.
    reason = "" if event["kind"] in _WHOLE else said(event["why"])
    why = "; ".join(filter(None, [reason, who]))
    return Line(moment(event["at"]), about, what, why, _tone(event), reason)


def moment(stamp: str | None, *, date: bool = False) -> str:
    """A moment in the reader's own time zone: the time of day, or with the date."""
    if stamp is None:
        return ""
    return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M" if date else "%H:%M:%S")


def status_label(code: str | None) -> str:
    """A status in the present language."""
    if code is None:
        return ""
    return label("status", Status(code).label) if code in set(Status) else code


def phase_label(code: str) -> str:
    """A phase in the present language."""
    return label("phase", Phase(code).label) if code in set(Phase) else code


def trigger_label(code: str) -> str:
    """A trigger in the present language."""
    return label("trigger", Trigger(code).label) if code in set(Trigger) else code


def back_label(words: str) -> str:
    """A destination that depends on what was interrupted, in the present language."""
    known = {
        "what it interrupted": _("what it interrupted"),
        "the settled status before it": _("the settled status before it"),
        "the entry status that the evidence supports": _("the entry status that the evidence supports"),
    }
    return known.get(words, words)


def severity_label(code: str) -> str:
    """A severity in the present language."""
    return label("severity", code.capitalize())


def cause_label(code: str) -> str:
    """A cause in the present language."""
    words = code.replace("_", " ").capitalize().replace("github", "GitHub")
    return label("cause", words.replace("Tls", "TLS"))


def work_label(code: str) -> str:
    """A kind of operation in the present language."""
    return label("work", code.capitalize())


def step_label(code: str) -> str:
    """A step of an operation in the present language."""
    return label("operation step", code.replace("_", " "))


def operation_state_label(code: str) -> str:
    """The state of an operation in the present language."""
    return label("operation state", code)


def fault_label(code: str) -> str:
    """Whose fault a failure is, in the present language."""
    return label("fault", code)


def release_state_label(code: str) -> str:
    """The state of a release in the present language."""
    return label("release state", code.replace("_", " "))


def update_state_label(code: str) -> str:
    """The state of an update in the present language."""
    return label("update state", code)


def health_label(code: str) -> str:
    """How a release that serves is, in the present language."""
    return label("health", code)


def presence_label(code: str) -> str:
    """What the last look said of a repository, in the present language."""
    return label("presence", code.capitalize())


def management_label(code: str) -> str:
    """How far Steward goes with a project, in the present language."""
    return label("management", code.capitalize()) if code in set(Management) else code


def incident_state_label(code: str) -> str:
    """The state of an incident in the present language."""
    return label("incident", code.capitalize())


def organisation_state_label(code: str) -> str:
    """The state of an organisation in the present language."""
    return label("organisation", code.capitalize())


def actor_label(actor: str) -> str:
    """Who acted, in the present language: a person by name, a token with whose it is, a loop of ours."""
    kind, _sign, name = actor.partition(":")
    if kind == "token":
        token, _of, owner = name.rpartition(" of ")
        return _("{owner} by the token {token}", owner=owner, token=token)
    if kind == "operation" and name:
        return work_label(name)
    return name or label("actor", actor)


def change_label(kind: str) -> str:
    """A kind of change in the present language."""
    return label("change", kind.replace("_", " "))


def change_text(change: Json) -> str:
    """One line of a plan; in another language than English its essence."""
    if language() == "en":
        return str(change["text"])
    return f"{change['repository'] or change['project'] or ''}: {change_label(change['kind'])}"


def guard_words(refused: str) -> str:
    """What stands against a move, each guard in the present language."""
    # A guard's own words may hold the sign that stands between two of them: known guards are found first.
    return GUARDS.sub(lambda found: label("guard", found[0]), refused)


GUARDS: Final = re.compile(
    "|".join(re.escape(words) for words in sorted((g.words for g in Guard), key=len)[::-1])
)


def _moved(data: Json) -> str:
    if data.get("from") is None:
        return status_label(data.get("to"))
    return f"{status_label(data['from'])} → {status_label(data.get('to'))}"


def _changed(data: Json) -> str:
    changes = data.get("changes") or {}
    parts = [
        f"{fact_label(name)}: {_fact(name, old)} → {_fact(name, new)}" for name, (old, new) in changes.items()
    ]
    return _("changed: {what}", what=", ".join(parts))


def fact_label(name: str) -> str:
    """What a fact about a project or repository is called in the present language."""
    return label("fact", name.replace("_", " "))


def _fact(name: str, value: Any) -> str:
    if name == "management" and isinstance(value, str):
        return management_label(value).lower()
    if name == "visibility" and isinstance(value, str):
        return label("visibility", value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "-"
    return "-" if value is None else str(value)


def _incident(verb: Callable[[], str]) -> Callable[[Json], str]:
    return lambda data: f"{verb()} {data.get('incident_id')}: {cause_label(str(data.get('cause', '')))}"


def _opened(data: Json) -> str:
    """An incident that opened: how severe it is and what it is about; the title as stored is English."""
    severity = severity_label(str(data.get("severity", "")))
    known = language() == "en" and data.get("title")
    what = str(data["title"]) if known else cause_label(str(data.get("cause", "")))
    return _(
        "incident {id}, {severity}: {what}", id=data.get("incident_id"), severity=severity.lower(), what=what
    )


def _operation(words: Callable[[str], str]) -> Callable[[Json], str]:
    return lambda data: words(work_label(str(data.get("work", ""))))


def _started(data: Json) -> str:
    work, attempt = work_label(str(data.get("work", ""))), data.get("attempt", 1)
    if attempt == 1:
        return _("{work}: started", work=work)
    return _("{work}: started, attempt {attempt}", work=work, attempt=attempt)


def _failed(data: Json) -> str:
    work, step = work_label(str(data.get("work", ""))), str(data.get("step") or "")
    if not step:
        return _("{work}: failed", work=work)
    return _("{work}: failed at the step «{step}»", work=work, step=step_label(step))


def _release(words: Callable[[Any, str], str]) -> Callable[[Json], str]:
    return lambda data: words(data.get("number"), str(data.get("commit") or "")[:COMMIT_SHOWN])


def _scanned(data: Json) -> str:
    if data.get("outcome") == "failed":
        return _("the scan failed")
    found = counted(
        "scanned: {n} name is needed", "scanned: {n} names are needed", int(data.get("required") or 0)
    )
    return found + (", " + _("it deploys by itself") if data.get("self_deploys") else "")


def _name(data: Json) -> str:
    return str(data.get("full_name", ""))


WORDS: Final[dict[str, Callable[[Json], str]]] = {
    Kind.PROJECT_ORDERED: lambda _data: _("ordered"),
    Kind.PROJECT_MOVED: _moved,
    Kind.PROJECT_CHANGED: _changed,
    Kind.PROJECT_RELINKED: lambda _data: _("has another repository now"),
    Kind.REPOSITORY_BORN: lambda data: _("{name} was created", name=_name(data)),
    Kind.REPOSITORY_RENAMED: lambda data: _("{name} is now {now}", name=_name(data), now=data.get("now")),
    Kind.REPOSITORY_CHANGED: _changed,
    Kind.REPOSITORY_PUSHED: lambda data: _("pushed to {name}", name=_name(data)),
    Kind.REPOSITORY_ABSENT: lambda data: _(
        "{name} is absent, being confirmed ({absences} of {needed})",
        name=_name(data),
        absences=data.get("absences"),
        needed=data.get("needed"),
    ),
    Kind.REPOSITORY_LOST: lambda data: _(
        "{name} is gone ({cause})", name=_name(data), cause=cause_label(str(data.get("cause", "")))
    ),
    Kind.REPOSITORY_SEEN_AGAIN: lambda data: _("{name} is seen again", name=_name(data)),
    Kind.REPOSITORY_INACCESSIBLE: lambda data: _("{name} cannot be read", name=_name(data)),
    Kind.REPOSITORY_BLOCKED: lambda data: _("GitHub blocks {name}", name=_name(data)),
    Kind.REPOSITORY_MOVED_HERE: lambda data: _(
        "{name} moved to {now}", name=_name(data), now=data.get("now")
    ),
    Kind.ORGANISATION_CONNECTED: lambda data: _("connected at {server}", server=data.get("server")),
    Kind.ORGANISATION_IMPORTED: lambda data: counted(
        "first look: {n} repository came in, on watch",
        "first look: {n} repositories came in, on watch",
        int(data.get("repositories") or 0),
    ),
    Kind.ORGANISATION_RENAMED: lambda data: _(
        "renamed from {old} to {new}", old=data.get("from"), new=data.get("to")
    ),
    Kind.ORGANISATION_STATE: lambda data: organisation_state_label(str(data.get("to", ""))),
    Kind.ORGANISATION_FROZEN: lambda _data: _("frozen: no automation runs"),
    Kind.ORGANISATION_UNFROZEN: lambda _data: _("no longer frozen"),
    Kind.INSTALLATION_RESTORED: lambda _data: _("the database was restored from a backup; all is frozen"),
    Kind.INSTALLATION_ACCEPTED: lambda _data: _("the restored database was accepted"),
    Kind.LOSS_HELD: lambda data: counted(
        "{n} loss is held until a person decides",
        "{n} losses are held until a person decides",
        int(data.get("count") or 0),
    ),
    Kind.LOSS_RELEASED: lambda data: counted(
        "{n} held loss was released", "{n} held losses were released", int(data.get("count") or 0)
    ),
    Kind.LOSS_REJECTED: lambda data: counted(
        "{n} held loss was rejected", "{n} held losses were rejected", int(data.get("count") or 0)
    ),
    Kind.WEBHOOK_REGISTERED: lambda data: _("the webhook was registered at {url}", url=data.get("url")),
    Kind.OPERATION_QUEUED: _operation(lambda work: _("{work}: queued", work=work)),
    Kind.OPERATION_STARTED: _started,
    Kind.OPERATION_WAITING: _operation(lambda work: _("{work}: waiting", work=work)),
    Kind.OPERATION_SUCCEEDED: _operation(lambda work: _("{work}: done", work=work)),
    Kind.OPERATION_FAILED: _failed,
    Kind.OPERATION_CANCELLED: _operation(lambda work: _("{work}: cancelled", work=work)),
    Kind.SPEC_STORED: lambda data: _("spec: version {version}", version=data.get("version")),
    Kind.ESTIMATE_MADE: lambda data: _(
        "estimate: {hours} h of work, {cost} USD", hours=data.get("hours"), cost=data.get("usd")
    ),
    Kind.RELEASE_LIVE: _release(
        lambda number, commit: _("release {number} is live ({commit})", number=number, commit=commit)
    ),
    Kind.RELEASE_FAILED: _release(
        lambda number, commit: _("release {number} failed ({commit})", number=number, commit=commit)
    ),
    Kind.RELEASE_ROLLED_BACK: _release(
        lambda number, commit: _("release {number} was rolled back ({commit})", number=number, commit=commit)
    ),
    Kind.UPDATE_REQUESTED: lambda data: _(
        "update {number}: {text}", number=data.get("number"), text=data.get("text") or ""
    ),
    Kind.UPDATE_SHIPPED: lambda data: _("update {number} was shipped", number=data.get("number")),
    Kind.UPDATE_ABANDONED: lambda data: _("update {number} was abandoned", number=data.get("number")),
    Kind.POST_FAILED: lambda data: _(
        "a message in Telegram was given up: {reason}", reason=said(str(data.get("reason") or ""))
    ),
    Kind.RULE_WAIVED: lambda data: _("does without the rule {rule}", rule=data.get("rule")),
    Kind.RULE_UNWAIVED: lambda data: _("the rule {rule} is asked for again", rule=data.get("rule")),
    Kind.PROJECT_SCANNED: _scanned,
    Kind.PROJECT_HEALTH: lambda data: _("health: {now}", now=health_label(str(data.get("to", "")))),
    **secret_words.EVENTS,
    **held.EVENTS,
    Kind.INCIDENT_OPENED: _opened,
    Kind.INCIDENT_ACKNOWLEDGED: _incident(lambda: _("acknowledged: incident")),
    Kind.INCIDENT_RESOLVED: _incident(lambda: _("resolved: incident")),
    Kind.INCIDENT_MUTED: _incident(lambda: _("muted: incident")),
    Kind.INCIDENT_UNMUTED: _incident(lambda: _("no longer muted: incident")),
}

_WHOLE: Final = (Kind.ORGANISATION_IMPORTED, *held.WHOLE)
_BAD: Final = {
    Kind.INCIDENT_OPENED,
    Kind.REPOSITORY_LOST,
    Kind.LOSS_HELD,
    Kind.ORGANISATION_FROZEN,
    Kind.INSTALLATION_RESTORED,
    Kind.OPERATION_FAILED,
    Kind.RELEASE_FAILED,
}
_CARE: Final = {
    Kind.REPOSITORY_ABSENT,
    Kind.REPOSITORY_INACCESSIBLE,
    Kind.REPOSITORY_BLOCKED,
    Kind.OPERATION_WAITING,
    Kind.POST_FAILED,
    Kind.RELEASE_ROLLED_BACK,
    Kind.HOLD_PLACED,
    Kind.CHANGE_FOREIGN,
    Kind.SETTING_DRIFTED,
}
_GOOD: Final = {
    Kind.HOLD_LIFTED,
    Kind.SETTING_MENDED,
    Kind.INCIDENT_RESOLVED,
    Kind.REPOSITORY_SEEN_AGAIN,
    Kind.ORGANISATION_UNFROZEN,
    Kind.INSTALLATION_ACCEPTED,
    Kind.OPERATION_SUCCEEDED,
    Kind.RELEASE_LIVE,
    Kind.UPDATE_SHIPPED,
}


def _tone(event: Json) -> str:
    kind, to = event["kind"], event["data"].get("to")
    if kind in _BAD or to in (Status.MISSING, Status.ERROR, "degraded", "misconfigured", "down"):
        return "bad"
    if kind in _CARE:
        return "care"
    return "good" if kind in _GOOD or to in (Status.ACTIVE, "ok", "healthy") else ""
