"""An incident in plain words: what it rests on, its evidence line by line, and what each way out means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from steward.domain.incidents import Cause
from steward.faces.held import checks_label, file_label, move_words
from steward.faces.lines import COMMIT_SHOWN, actor_label, step_label, work_label
from steward.faces.words import _, counted, label, said

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Fact:
    """One line of evidence. `kind` is text, mono, time, link or list, and says how `value` is shown."""

    name: str
    value: Any
    kind: str = "text"


def explain(incident: Json) -> str:
    """What happened and what follows from it, in a sentence or two; "" for a cause that is not known here."""
    words = _EXPLAINED.get(incident["cause"])
    return words(incident, incident["evidence"]) if words else ""


def _missing(_incident: Json, evidence: Json) -> str:
    name = evidence.get("full_name") or ""
    if evidence.get("vouched"):
        return _(
            "{name} is not to be found on GitHub any more, and that it is gone was vouched for.", name=name
        )
    return counted(
        "GitHub knows no repository by the id of {name} any more: {n} read agreed, while our access was whole.",
        "GitHub knows no repository by the id of {name} any more: {n} reads agreed, while our access was whole.",
        int(evidence.get("absences") or 0),
        name=name,
    )


def _transferred(_incident: Json, evidence: Json) -> str:
    place = evidence.get("new_place") or {}
    return _(
        "By its id, {name} now answers as {now}, which belongs to another owner.",
        name=evidence.get("full_name") or "",
        now=place.get("now") or "",
    )


def _inaccessible(incident: Json, evidence: Json) -> str:
    return counted(
        "{n} repository of {organisation} cannot be read, and nothing proves that it is gone: its status is kept.",
        "{n} repositories of {organisation} cannot be read, and nothing proves that they are gone: their statuses are kept.",
        int(evidence.get("count") or 0),
        organisation=incident["organisation"] or "",
    )


def _mass_loss(incident: Json, evidence: Json) -> str:
    return counted(
        "{n} repository of {organisation} would be lost at once. Nothing is concluded, and all automation there is stopped, until a person decides.",
        "{n} repositories of {organisation} would be lost at once. Nothing is concluded, and all automation there is stopped, until a person decides.",
        int(evidence.get("count") or 0),
        organisation=incident["organisation"] or "",
    )


def _by_reason(words: Callable[[str, str], str]) -> Callable[[Json, Json], str]:
    return lambda incident, evidence: words(
        str(evidence.get("full_name") or incident["organisation"] or ""),
        said(str(evidence.get("reason") or "")),
    )


def _of_project(words: Callable[[str, Json], str]) -> Callable[[Json, Json], str]:
    return lambda incident, evidence: words(
        str(incident["project"] or evidence.get("full_name") or ""),
        {**evidence, "work": work_label(str(evidence.get("work") or ""))},
    )


def _foreign(incident: Json, evidence: Json) -> str:
    return _(
        "{what}. Steward touches nothing of {name} until somebody says how it goes on.",
        what=move_words(evidence),
        name=incident["project"] or "",
    )


_EXPLAINED: Final[dict[str, Callable[[Json, Json], str]]] = {
    Cause.MISSING: _missing,
    Cause.TRANSFERRED: _transferred,
    Cause.INACCESSIBLE: _inaccessible,
    Cause.MASS_LOSS: _mass_loss,
    Cause.BLOCKED: _by_reason(
        lambda name, why: _(
            "GitHub blocks {name} and says why: {why}. Its status is kept.", name=name, why=why
        )
    ),
    Cause.ARCHIVED_ON_GITHUB: _by_reason(
        lambda name, _why: _("{name} was archived on GitHub, but its project goes on here.", name=name)
    ),
    Cause.NAME_REUSED: _by_reason(
        lambda name, _why: _("{name} is a new repository under a name that once led to another.", name=name)
    ),
    Cause.LOOK_FAILED: _by_reason(
        lambda name, why: _(
            "{name} cannot be looked at: {why}. What is shown may be old.", name=name, why=why
        )
    ),
    Cause.MISCONFIGURED: _by_reason(
        lambda name, why: _("{name} is not where the settings say: {why}.", name=name, why=why)
    ),
    Cause.WEBHOOK_FAILING: _by_reason(
        lambda name, why: _(
            "The webhook of {name} fails: {why}. Looks still see every change, later.", name=name, why=why
        )
    ),
    Cause.OPERATION_FAILED: _of_project(
        lambda name, known: _(
            "«{work}» of {name} failed: {why}. The project waits in its error; what is live stays.",
            work=known["work"],
            name=name,
            why=said(str(known.get("reason") or "")),
        )
    ),
    Cause.OPERATION_STUCK: _of_project(
        lambda name, known: _(
            "«{work}» of {name} has been without progress for longer than it should take.",
            work=known["work"],
            name=name,
        )
    ),
    Cause.SITE_DOWN: _of_project(
        lambda name, _known: _(
            "{name} does not prove to be alive: several looks in a row failed. It closes with the first that holds.",
            name=name,
        )
    ),
    Cause.TLS_EXPIRING: _of_project(
        lambda name, _known: _("The TLS certificate of {name} runs out soon, and was not renewed.", name=name)
    ),
    Cause.BUDGET_SPENT: _of_project(
        lambda name, _known: _(
            "The agents of {name} have spent its budget: none runs until there is a larger one.", name=name
        )
    ),
    Cause.NAME_TAKEN: _of_project(
        lambda name, _known: _(
            "The repository of {name} cannot be made: another one bears its name.", name=name
        )
    ),
    Cause.FOREIGN_CHANGE: _foreign,
    Cause.BOT_FAILING: _by_reason(
        lambda _name, why: _(
            "The bot does not get through to Telegram: {why}. What was to be shown in chats is kept, and shown once it does.",
            why=why,
        )
    ),
}


def facts(incident: Json) -> list[Fact]:
    """Its evidence, in the order of interest; what has no words here keeps its own name."""
    evidence = incident["evidence"]
    known = [
        fact
        for name, words in _FACTS.items()
        if evidence.get(name) not in (None, "", [])
        for fact in words(evidence[name])
    ]
    rest = [
        Fact(name.replace("_", " ").capitalize(), _plain(value))
        for name, value in evidence.items()
        if name not in _FACTS and value not in (None, "", [])
    ]
    counts = [Fact(_("Reported"), counted("{n} time", "{n} times", incident["count"]))]
    times = [
        Fact(_("Opened"), incident["first_at"], "time"),
        Fact(_("Last reported"), incident["last_at"], "time"),
    ]
    return [*known, *_access(evidence), *rest, *counts, *times]


def _mono(name: Callable[[], str]) -> Callable[[Any], list[Fact]]:
    return lambda value: [Fact(name(), str(value), "mono")]


def _time(name: Callable[[], str]) -> Callable[[Any], list[Fact]]:
    return lambda value: [Fact(name(), str(value), "time")]


def _told(name: Callable[[], str]) -> Callable[[Any], list[Fact]]:
    return lambda value: [Fact(name(), said(str(value)))]


def _absences(number: int) -> list[Fact]:
    """Reads that found nothing; what was seen under another owner has none."""
    return (
        [Fact(_("404 by id"), counted("{n} time in a row", "{n} times in a row", number))] if number else []
    )


def _access(evidence: Json) -> list[Fact]:
    """What a counted 404 says of our access: nothing, where something better vouched for the loss."""
    if not evidence.get("absences") or evidence.get("vouched"):
        return []
    return [Fact(_("Our access"), _("whole at each of these reads"))]


def _place(value: Any) -> list[Fact]:
    if not isinstance(value, Mapping):
        return [Fact(_("Now at"), _plain(value))]
    link = str(value.get("url") or "")
    where = Fact(_("Now at"), link, "link") if link.startswith(("https://", "http://")) else None
    return [where or Fact(_("Now at"), value.get("now") or "", "mono"), *_owner(value.get("owner_id"))]


def _owner(owner_id: Any) -> list[Fact]:
    return [Fact(_("Id of its owner now"), str(owner_id), "mono")] if owner_id else []


def _once(value: Any) -> list[Fact]:
    known = value if isinstance(value, Mapping) else {}
    named = filter(None, [known.get("full_name"), known.get("project") and f"({known['project']})"])
    return [Fact(_("Once the name of"), " ".join(map(str, named)), "mono")]


def _again(value: Any) -> list[Fact]:
    known = value if isinstance(value, Mapping) else {"": value}
    return [Fact(_("A new repository bears its name"), _plain(known), "mono")]


def _vouched(value: Any) -> list[Fact]:
    kind, _sign, name = str(value).partition(":")
    if kind == "delivery":
        return [Fact(_("Vouched for by"), _("a delivery of GitHub's webhook, {guid}", guid=name))]
    return [Fact(_("Vouched for by"), actor_label(name) if name else str(value))]


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(
            f"{name}: {inner}" if name else f"{inner}" for name, inner in value.items() if inner is not None
        )
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _commits(value: Any) -> list[Fact]:
    rows = [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
    lines = [f"{str(one.get('sha'))[:COMMIT_SHOWN]} {one.get('title') or ''}" for one in rows]
    return [Fact(_("Commits"), lines, "list")]


def _files(value: Any) -> list[Fact]:
    found = value if isinstance(value, Mapping) else {}
    lines = [f"{file_label(str(kind))}: {path}" for path, kind in found.items()]
    return [Fact(_("Files"), lines, "list")] if lines else []


def _known_by(value: Any) -> list[Fact]:
    by = _("a delivery of GitHub's webhook") if value == "webhook" else _("comparing branches")
    return [Fact(_("Known by"), by)]


def _told_above(_value: Any) -> list[Fact]:
    return []


_FACTS: Final[dict[str, Callable[[Any], list[Fact]]]] = {
    "full_name": _mono(lambda: _("Repository")),
    "repository_id": _mono(lambda: _("Id on GitHub")),
    "visibility": lambda value: [Fact(_("Visibility"), label("visibility", str(value)))],
    "absences": lambda value: _absences(int(value)),
    "first_absent_at": _time(lambda: _("First absent")),
    "last_read_at": _time(lambda: _("Last read")),
    "noticed_by_look": lambda value: (
        [Fact(_("Noticed by"), _("look {number}", number=value))] if value else []
    ),
    "vouched": _vouched,
    "new_place": _place,
    "recreated_as": _again,
    "once_the_name_of": _once,
    "count": lambda value: [Fact(_("Repositories"), str(value))],
    "repositories": lambda value: [Fact(_("Which"), list(value), "list")],
    "operation": _mono(lambda: _("Operation")),
    "work": lambda value: [Fact(_("What ran"), work_label(str(value)))],
    "step": lambda value: [Fact(_("Step"), step_label(str(value)))],
    "fault": lambda value: [Fact(_("Whose fault"), label("fault", str(value)))],
    "since": _time(lambda: _("Since")),
    "commit": _mono(lambda: _("Commit")),
    "days_left": lambda value: [Fact(_("Valid for"), counted("{n} day", "{n} days", int(value)))],
    "spent_usd": lambda value: [Fact(_("Spent"), f"{float(value):.2f} USD")],
    "budget_usd": lambda value: [Fact(_("Budget"), f"{float(value):.2f} USD")],
    "hook_id": _mono(lambda: _("Hook on GitHub")),
    "url": _mono(lambda: _("Address")),
    "last_delivery_at": _time(lambda: _("Last delivery")),
    "who": lambda value: [Fact(_("Who"), _plain(value))],
    "branch": _mono(lambda: _("Branch")),
    "before": _mono(lambda: _("Before")),
    "tip": _mono(lambda: _("Commit now")),
    "commits": _commits,
    "files": _files,
    "checks": lambda value: [Fact(_("Checks"), checks_label(str(value)))],
    "always": _told(lambda: _("Holds always")),
    "known_by": _known_by,
    **dict.fromkeys(("kind", "commit_count", "file_count", "hold"), _told_above),
    "reason": _told(lambda: _("Reason")),
    "advice": _told(lambda: _("What to do")),
}


def told_of(notice: Json) -> str:
    """What a notice said of the incident: that it opened, was resolved, or is heard again."""
    known = {"opened": _("opened"), "resolved": _("resolved"), "unmuted": _("no longer muted")}
    return known.get(notice["about"]) or str(notice["about"])
