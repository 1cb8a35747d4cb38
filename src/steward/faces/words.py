"""Words for people, in English and Russian. Programs read English codes; nothing here is for them.

English stands in the source and is the key of the catalogue `locale/ru/LC_MESSAGES/steward.po`. Labels of
statuses and the like are looked up under a context (`status`, `trigger`, ...), since one English word may
need several Russian ones. What the catalogue lacks is shown in English: words of lower layers, mostly.
"""

from __future__ import annotations

import gettext
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Any, Final

LANGUAGES: Final = ("en", "ru")
CATALOGUES: Final = Path(__file__).parent.parent / "locale"

CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""What may steer a terminal or turn the order of its letters: C0 but tab and line feed, C1, Unicode's Bidi_Control."""

_language: ContextVar[str] = ContextVar("language", default="en")


def _(message: str, /, **values: Any) -> str:
    """Say `message` in the present language, its `{name}` fields filled from `values`."""
    text = _catalogue(_language.get()).gettext(message)
    return text.format(**values) if values else text


def counted(one: str, other: str, number: int, /, **values: Any) -> str:
    """Say a sentence about `number` things, in the form that the number asks for; `{n}` is the number."""
    return _catalogue(_language.get()).ngettext(one, other, number).format(n=number, **values)


def label(context: str, english: str) -> str:
    """The label of a status, trigger or the like; `english` itself where the catalogue has none."""
    return _catalogue(_language.get()).pgettext(context, english)


def language() -> str:
    """The present language: "en" or "ru"."""
    return _language.get()


def speak(lang: str) -> None:
    """Use this language from here on, in this thread or task."""
    _language.set(lang if lang in LANGUAGES else "en")


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Use this language within the block."""
    token = _language.set(lang)
    try:
        yield
    finally:
        _language.reset(token)


def printable(text: str) -> str:
    """`text` without CONTROL: what others wrote (names, descriptions, answers of servers) may hold anything."""
    return CONTROL.sub("", text)


def environment_language(environ: Mapping[str, str] = os.environ) -> str:
    """The language that the environment asks for: STEWARD_LANG, else LC_ALL or LANG, else English."""
    if environ.get("STEWARD_LANG") in LANGUAGES:
        return environ["STEWARD_LANG"]
    locale = environ.get("LC_ALL") or environ.get("LANG") or ""
    return "ru" if locale.lower().startswith("ru") else "en"


@cache
def _catalogue(lang: str) -> gettext.NullTranslations:
    if lang == "en":
        return gettext.NullTranslations()
    # Babel is slow to import, and only this needs it.
    from io import BytesIO

    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with (CATALOGUES / lang / "LC_MESSAGES" / "steward.po").open("rb") as source:
        catalogue = read_po(source, locale=lang)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
