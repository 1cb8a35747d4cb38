"""Holds in words: made of their evidence, in the language of whoever reads. Plain text, from the JSON views."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from steward.domain.hands import Exit, HandsOff, Reason
from steward.domain.journal import Kind
from steward.faces.words import _, counted, label, said

Json = Mapping[str, Any]

WHO_SHOWN: Final = 3


def names(evidence: Json) -> str:
    """Who did it; "somebody" where that is not known."""
    who = [str(one) for one in evidence.get("who") or ()][:WHO_SHOWN]
    return (
        _("{first} and {last}", first=", ".join(who[:-1]), last=who[-1])
        if who[1:]
        else "".join(who) or _("somebody")
    )


def move_words(evidence: Json) -> str:
    """What was done to a branch, as one sentence."""
    branch, kind = evidence.get("branch") or "", evidence.get("kind")
    if kind == "deleted":
        return _("the branch {branch} was deleted", branch=branch)
    if kind == "switched":
        return said(str(evidence.get("always") or ""))
    if kind == "forced":
        return _("{who} forced {branch} to another commit", who=names(evidence), branch=branch)
    return counted(
        "{who} pushed {n} commit to {branch}",
        "{who} pushed {n} commits to {branch}",
        int(evidence.get("commit_count") or 0),
        who=names(evidence),
        branch=branch,
    )


def hold_words(reason: str, evidence: Json, otherwise: str = "") -> str:
    """What a hold is for, as one sentence; `otherwise` for a reason that is not known here."""
    words = _REASONS.get(reason)
    return words(evidence) if words else otherwise or reason


def _paused(evidence: Json) -> str:
    if evidence.get("why"):
        return _("paused: {reason}", reason=evidence["why"])
    return _("stopped by a person") if evidence.get("hold") else _("paused by a person")


_REASONS: Final[dict[str, Callable[[Json], str]]] = {
    Reason.FOREIGN: move_words,
    Reason.BRANCH: move_words,
    Reason.PAUSED: _paused,
    Reason.FILE: lambda shown: _(
        "the file {path} lies on {branch}", path=shown.get("path"), branch=shown.get("branch")
    ),
    Reason.TOPIC: lambda shown: _("the repository bears the topic {topic}", topic=shown.get("topic")),
}


def held_words(shown: Json) -> str:
    """A hold as a project shows it, in words."""
    if shown["kind"] == "organisation_frozen":
        return ": ".join(filter(None, (_("the organisation is frozen"), str(shown["reason"] or ""))))
    return hold_words(str(shown["kind"]), shown.get("evidence") or {}, str(shown["reason"]))


def always_words(evidence: Json) -> str:
    """Why such a change holds whatever the policy says; "" where it does not."""
    return said(str(evidence.get("always") or "")) if evidence.get("kind") != "switched" else ""


def checks_label(colour: str | None) -> str:
    """What the checks of a pushed commit say."""
    return label(
        "checks", {"green": "green", "red": "red", "pending": "pending"}.get(colour or "", "unknown")
    )


def file_label(kind: str) -> str:
    """What was done to a file."""
    words = {"A": "added", "M": "modified", "D": "deleted", "R": "renamed"}.get(kind, "modified")
    return label("file change", words)


def exit_label(way: str) -> str:
    """What the button of a way out says."""
    return label("way out", way.replace("_", " ").capitalize()) if way in set(Exit) else way


def exit_words(text: str) -> str:
    """What a way out does."""
    return label("exit", text)


def lifted_label(way: str) -> str:
    """How a hold was left: by a way out, or by itself."""
    alone = {"gone": _("by itself: it is gone"), "green": _("by itself: the checks are green")}
    return alone.get(way) or exit_label(way)


def policy_label(code: str) -> str:
    """What a person's push does, by one word."""
    return label("hands off", code.capitalize()) if code in set(HandsOff) else code


def policy_words(code: str) -> str:
    """What a person's push to the default branch does, by policy."""
    return {
        "hold": _("It holds the project until a person says how it goes on."),
        "notify": _("People are told; the work goes on."),
        "continue": _("It holds the project until the checks of that commit are green."),
    }.get(code, code)


def setting_label(name: str) -> str:
    """What a setting of a repository is called."""
    return label("repository setting", name.replace("_", " "))


def setting_value(value: Any) -> str:
    """A value of such a setting."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return label("visibility", str(value)) if value in ("public", "private", "internal") else str(value)


def _placed(data: Json) -> str:
    what = hold_words(str(data.get("reason") or ""), data.get("evidence") or {})
    return _("held: {what}", what=what)


def _foreign(data: Json) -> str:
    return hold_words(str(data.get("reason") or Reason.FOREIGN), data.get("evidence") or {})


def _patch(data: Json) -> str:
    return _("the unpushed work was kept as the patch {number}", number=data.get("patch"))


def _drifted(data: Json) -> str:
    return _(
        "changed on GitHub: {setting}: {before} → {after}",
        setting=setting_label(str(data.get("setting"))),
        before=setting_value(data.get("wanted")),
        after=setting_value(data.get("shown")),
    )


def _mended(data: Json) -> str:
    setting, value = setting_label(str(data.get("setting"))), setting_value(data.get("wanted"))
    if data.get("kept"):
        return _("wanted as it is now: {setting}: {value}", setting=setting, value=value)
    return _("set right on GitHub: {setting}: {value}", setting=setting, value=value)


EVENTS: Final[dict[str, Callable[[Json], str]]] = {
    Kind.HOLD_PLACED: _placed,
    Kind.HOLD_LIFTED: lambda data: _(
        "no longer held: {way}", way=lifted_label(str(data.get("exit") or "")).lower()
    ),
    Kind.CHANGE_FOREIGN: _foreign,
    Kind.PATCH_KEPT: _patch,
    Kind.SETTING_DRIFTED: _drifted,
    Kind.SETTING_MENDED: _mended,
}
"""The events of hands off, in words."""
WHOLE: Final = (Kind.HOLD_PLACED, Kind.CHANGE_FOREIGN)
"""Those whose words say already what their reason says."""
