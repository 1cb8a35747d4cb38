"""Which of several named things a text means: by their names, in any case of a word, in Russian or Latin letters.

Pure functions. A name counts by the part of it that the text has; words that many bear count for little.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Final

from steward.domain.latin import latin

SURE: Final = 0.75
"""Score from which one may be meant for sure."""
APART: Final = 0.25
"""How far the next one must stand behind it."""
FAINT: Final = 0.3
"""Score below which nothing is said."""
_WORDS_MAX: Final = 300
_STEM: Final = 4
_WORD: Final = re.compile(r"[^\W_]+")
_COMMON: Final = frozenset(
    re.findall(
        r"\w+",
        "a an and app bot for in my of on our project service shop site store the to web website"
        " dlya i moy nash nasha na po proekt prilozhenie s sayt servis v magazin",
    )
)
"""Words that tell what a thing is rather than which: they count for less."""
_ENDINGS: Final = re.compile(
    r"(yami|ami|yakh|akh|ogo|ego|omu|emu|ymi|imi|aya|yaya|oye|oe|oy|ey|om|em|am|yam|ov|ev|ie|ii|iy|yy|"
    r"ykh|ikh|uyu|yuyu|ing|ies|es|ed|a|e|i|o|u|y|s|yu|ya)$"
)


def meant(text: str, named: Mapping[str, Sequence[str]]) -> list[tuple[str, float]]:
    """The keys of what a text may mean with a score from 0 to 1, best first; `named` has the names of each."""
    heard = words(text)[:_WORDS_MAX]
    stems = {stem(word) for word in heard}
    bearers = Counter(
        word for names in named.values() for word in {one for name in names for one in words(name)}
    )
    scores = {
        key: max((_score(name, heard, stems, bearers) for name in names if words(name)), default=0.0)
        for key, names in named.items()
    }
    return sorted(scores.items(), key=lambda one: (-one[1], one[0]))


def sure(scores: Sequence[tuple[str, float]]) -> str | None:
    """The one that stands clearly out; None where none does."""
    if not scores or scores[0][1] < SURE:
        return None
    if len(scores) > 1 and scores[0][1] - scores[1][1] < APART:
        return None
    return scores[0][0]


def words(text: str) -> list[str]:
    """The words of a text in small Latin letters."""
    return _WORD.findall(latin(text))


def stem(word: str) -> str:
    """A word without its ending, roughly; short ones stay as they are."""
    short = _ENDINGS.sub("", word)
    return short if len(short) >= _STEM else word


def _score(name: str, heard: Sequence[str], stems: set[str], bearers: Counter[str]) -> float:
    own = words(name)
    weights = [(0.3 if word in _COMMON else 1.0) * sqrt(len(word)) / bearers[word] for word in own]
    found = [weight * _likeness(word, heard, stems) for word, weight in zip(own, weights, strict=True)]
    score = sum(found) / sum(weights)
    # A thing that is called by a common word alone is meant less surely by it.
    return round(score * (0.8 if all(word in _COMMON for word in own) else 1.0), 3)


def _likeness(word: str, heard: Sequence[str], stems: set[str]) -> float:
    """How surely a word of a name was said, in whatever case."""
    if word in heard:
        return 1.0
    mine = stem(word)
    if len(mine) >= _STEM and mine in stems:
        return 0.95
    if len(mine) < _STEM:
        return 0.0
    near = difflib.get_close_matches(mine, stems, n=1, cutoff=0.8)
    return 0.75 if near else 0.0
