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
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    # For the types alone: see _read.
    from pathlib import Path

    from babel.messages.catalog import Catalog

LANGUAGES: Final = ("en", "ru")

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


def said(text: str) -> str:
    """A sentence of a lower layer in the present language, where the catalogue has it under `said`.

    The `{name}` fields of such an entry stand for what varies; that is kept, and said likewise.
    """
    whole = label("said", text) if text else ""
    if whole != text or language() == "en":
        return whole
    for pattern, translation in _templates(language()):
        if found := pattern.fullmatch(text):
            return translation.format(**{name: _quoted(value) for name, value in found.groupdict().items()})
    return text


def _quoted(text: str) -> str:
    """What stands within a sentence of a lower layer: a right, one of whom the lifecycle knows, or a sentence."""
    return next(
        (words for context in ("right", "who") if (words := label(context, text)) != text), said(text)
    )


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


def catalogue_file(lang: str) -> Path:
    """Where the catalogue of a language stands."""
    # Imported here since English does not need it, and it takes a tenth of the time of `--help`.
    from pathlib import Path

    return Path(__file__).parent.parent / "locale" / lang / "LC_MESSAGES" / "steward.po"


@cache
def _read(lang: str) -> Catalog:
    # Babel is slow to import, and English does not need it.
    from babel.messages.pofile import read_po

    with catalogue_file(lang).open("rb") as source:
        return read_po(source, locale=lang)


@cache
def _templates(lang: str) -> list[tuple[re.Pattern[str], str]]:
    """The entries under `said` that have fields, as patterns with their translations; the most telling first."""
    entries = [
        (re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+)", re.escape(str(entry.id))), str(entry.string))
        for entry in _read(lang)
        if entry.context == "said" and "{" in str(entry.id)
    ]
    entries.sort(key=lambda entry: len(entry[0]), reverse=True)
    return [(re.compile(pattern, re.DOTALL), string) for pattern, string in entries]


@cache
def _catalogue(lang: str) -> gettext.NullTranslations:
    if lang == "en":
        return gettext.NullTranslations()
    from io import BytesIO

    from babel.messages.mofile import write_mo

    compiled = BytesIO()
    write_mo(compiled, _read(lang))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
