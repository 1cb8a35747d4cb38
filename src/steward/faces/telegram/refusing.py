"""What stands against what a person asked for, in a sentence or two that fit into a chat."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from steward.app.errors import Forbidden, Invalid, NotSignedIn, Stale, Unknown
from steward.domain.lifecycle import Refused
from steward.faces.lines import guard_words
from steward.faces.people import right_words
from steward.faces.words import _, printable, said
from steward.ports import Conflict, LeaseLost, Permanent, StoreUnavailable, Transient

TOAST_MAX: Final = 200
"""Characters of the answer to a button. Source: Telegram Bot API, answerCallbackQuery."""
PROBLEMS_SHOWN: Final = 5


def explained(error: Exception) -> str:
    """That refusal in words, in the present language. Raises TypeError for what is no refusal."""
    for kinds, words in _TABLE:
        if isinstance(error, kinds):
            return printable(words(error))
    raise TypeError(type(error).__name__) from error


def is_refusal(error: Exception) -> bool:
    """Whether it has words; a database that does not answer has none: that is tried again."""
    return not isinstance(error, StoreUnavailable) and any(isinstance(error, kinds) for kinds, _w in _TABLE)


def toast(text: str) -> str:
    """As much of it as the answer to a button may have."""
    # Telegram counts UTF-16 units nowhere else than in messages; half of them is safe either way.
    return text if len(text.encode("utf-16-le")) <= TOAST_MAX * 2 else f"{text[: TOAST_MAX // 2 + 60]}…"


def _forbidden(error: Any) -> str:
    right = right_words(error.right.value)
    return _("You may not do that. It takes the right to: {right}.", right=right)


def _invalid(error: Any) -> str:
    if not error.problems:
        return " ".join(filter(None, (_sentence(said(error.what)), said(error.advice))))
    lines = [f"{one['name']}: {said(one['words'])}" for one in error.problems[:PROBLEMS_SHOWN]]
    return "\n".join([_sentence(said(error.what)), *lines])


def _unknown(error: Any) -> str:
    if error.near:
        near = ", ".join(error.near[:3])
        return _("I do not know «{name}». Did you mean: {near}?", name=error.reference[:60], near=near)
    return _("I do not know «{name}».", name=error.reference[:60])


def _stale(_error: Any) -> str:
    return _("Somebody changed it meanwhile. Look at how it stands now, then decide again.")


def _permanent(error: Any) -> str:
    return " ".join(filter(None, (_sentence(said(error.reason)), said(error.advice))))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


_TABLE: Final[tuple[tuple[Any, Callable[[Any], str]], ...]] = (
    (Forbidden, _forbidden),
    (Unknown, _unknown),
    (Invalid, _invalid),
    (Refused, lambda error: _sentence(said(guard_words(error.words)))),
    ((Stale, Conflict, LeaseLost), _stale),
    (NotSignedIn, lambda error: _sentence(said(error.why))),
    (Transient, lambda error: _("{what} Try again shortly.", what=_sentence(said(error.reason)))),
    (Permanent, _permanent),
)
