"""Russian words in Latin letters, as slugs and comparisons need them. A pure function."""

from __future__ import annotations

import unicodedata
from typing import Final

_LETTERS: Final = dict(
    zip(
        "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
        "a b v g d e e zh z i y k l m n o p r s t u f kh ts ch sh sch _ y _ e yu ya".replace("_", "").split(
            " "
        ),
        strict=True,
    )
)


def latin(text: str) -> str:
    """The text in small letters, Russian ones written as Latin ones, accents left out."""
    lower = text.lower()
    spelled = "".join(_LETTERS.get(char, char) for char in lower)
    plain = unicodedata.normalize("NFKD", spelled)
    return "".join(char for char in plain if not unicodedata.combining(char))
