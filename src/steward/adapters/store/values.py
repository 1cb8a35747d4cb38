"""Single values as they are stored, and back: text, times, instants, JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from steward.domain.instant import Instant
from steward.ports import SchemaMismatch

T = TypeVar("T")
Code = TypeVar("Code", bound=StrEnum)


def clean(text: str) -> str:
    """Text as both databases can hold it: NUL and lone surrogates become U+FFFD."""
    if text.isascii() and "\x00" not in text:
        return text
    return text.replace("\x00", "\ufffd").encode("utf-8", "surrogatepass").decode("utf-8", "replace")


def clean_or_none(text: str | None) -> str | None:
    """The same, where there may be none."""
    return None if text is None else clean(text)


def stamp(at: datetime) -> str:
    """A time as it is stored: UTC, to the microsecond. Raises ValueError for one without a zone."""
    if at.tzinfo is not UTC:
        if at.tzinfo is None:
            raise ValueError(f"a time without its zone cannot be stored: {at.isoformat()}")
        at = at.astimezone(UTC)
    return at.isoformat(timespec="microseconds")


def stamp_or_none(at: datetime | None) -> str | None:
    """The same, where there may be none."""
    return None if at is None else stamp(at)


def instant_text(instant: Instant | None) -> str | None:
    """An instant as it is stored: its wall clock in UTC, so that it sorts."""
    if instant is None:
        return None
    stamp(instant.at)
    return Instant(instant.at.astimezone(UTC), instant.boot, instant.tick_s).encode()


def json_text(value: Any) -> str:
    """A JSON value as it is stored. Raises TypeError for what JSON cannot hold."""
    try:
        return msgspec.json.encode(dict(value) if isinstance(value, Mapping) else value).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_deeply_clean(value)).decode()


def _deeply_clean(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, Mapping):
        return {_deeply_clean(key): _deeply_clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_deeply_clean(item) for item in value]
    return value


def json_value(text: str) -> Any:
    """What `json_text` stored."""
    return msgspec.json.decode(text)


def code(kind: type[Code], text: str) -> Code:
    """The code that was stored; one of a newer Steward is kept as its text, and equals none that is known here."""
    try:
        return kind(text)
    except ValueError:
        unknown = str.__new__(kind, text)
        unknown._name_ = unknown._value_ = text
        return unknown


@contextmanager
def readable(what: str, key: object) -> Iterator[None]:
    """Raise what reading a row's values raises as SchemaMismatch that names the row."""
    try:
        yield
    except (ValueError, TypeError, KeyError, msgspec.MsgspecError) as error:
        raise SchemaMismatch(
            f"{what} {key} in the database cannot be read ({error})",
            "If a newer Steward wrote it, install that one; otherwise look with `steward db check`.",
        ) from error


def maybe(convert: Callable[[str], T], text: str | None) -> T | None:
    """Read the text, where there is one."""
    return None if text is None else convert(text)


time_from = datetime.fromisoformat
