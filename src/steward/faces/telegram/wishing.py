"""What a free text is: a question of how things are, or a wish. By its words alone, in English and Russian."""

from __future__ import annotations

import re
from typing import Final

QUESTION_MAX: Final = 200
"""Characters of a question; what is longer tells something."""
_NOW: Final = re.compile(
    r"what(?:'?s| is| are)? (?:it|you|he|she|they|steward|the bot|[\w-]+) (?:now )?(?:doing|building|working on)\b"
    r"|what(?:'?s| is) (?:going on|happening|up|the (?:status|progress))\b"
    r"|how(?:'?s| is| are)? (?:it|things|that|the \w+) going\b|how far (?:is|are|along)\b"
    r"|where (?:are we|is it|does it stand)\b|is it (?:ready|done|live)\b|(?:any )?(?:news|progress|status)\s*\?"
    r"|что (?:там|сейчас|он|она|оно|они|ты|бот)?\s*(?:сейчас )?(?:делает|делаешь|делают|делается|происходит|творится)"
    r"|чем (?:он|она|оно|ты|бот)?\s*(?:сейчас )?(?:занят|занята|занято|занимается|занимаешься)\b"
    r"|что (?:там )?(?:сейчас )?(?:с|со) [\w-]+\s*\?|как (?:там )?(?:дела|идут дела|идёт|идет|продвигается|успехи)\b"
    r"|на как(?:ом|ой) (?:этапе|шаге|стадии)\b|(?:уже )?(?:готово|готов|готова|запущен|работает)\s*\?|какой статус\b"
    r"|статус\s*\?",
    re.IGNORECASE,
)
_WISH: Final = re.compile(
    r"\b(?:add|make|change|fix|build|create|remove|delete|replace|want|need|please|can you|could you|would like|let'?s)\b"
    r"|\b(?:добав|сдела|измен|исправ|поменя|убер|убра|удал|замен|созда|хочу|хотим|нужн|надо|пожалуйста|можно|может|давай)",
    re.IGNORECASE,
)
_CHANGE: Final = re.compile(
    r"^\W*(?:please |let'?s |can you |could you )?(?:add|change|fix|remove|delete|replace|rename|update|move|hide|show)\b"
    r"|^\W*(?:пожалуйста,? |давай(?:те)? |можно |можешь )?"
    r"(?:добав|измен|исправ|поменя|убер|убра|удал|замен|обнов|переименуй|перенес|спряч|почин)",
    re.IGNORECASE,
)


def asks_now(text: str) -> bool:
    """Whether it asks what is being done now, by one of the usual phrases."""
    return len(text) <= QUESTION_MAX and _NOW.search(text) is not None and not is_wish(text)


def is_question(text: str) -> bool:
    """Whether it asks something, and wishes nothing."""
    return len(text) <= QUESTION_MAX and text.rstrip().endswith("?") and not is_wish(text)


def is_wish(text: str) -> bool:
    """Whether something is wished for."""
    return _WISH.search(text) is not None


def is_change(text: str) -> bool:
    """Whether it speaks of something that is there already: it begins with a word such as "add" or "fix"."""
    return _CHANGE.search(text) is not None
