"""Reads files of NAME=value, as `.env` files are written; complaints name lines, never what is in them."""

from __future__ import annotations

import re
from typing import Final

NAME: Final = re.compile(r"(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)[ \t]*=[ \t]*")
TWICE: Final = "a name is there twice"
RETURN: Final = "a carriage return stands within it"
_ESCAPES: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "$": "$"}


class Malformed(Exception):
    """A line that is no NAME=value: its number, from 1, what is wrong with it, and the name that is meant, if any."""

    def __init__(self, line: int, why: str, name: str = "") -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line
        self.why = why
        self.name = name


def parse(text: str) -> dict[str, str]:
    """Names to values, in the order of the file. Raises Malformed.

    Values in single quotes are taken as they stand; in double quotes \\n, \\t, \\" and the like are read. Both may
    go on over several lines. Without quotes a value ends with its line, or before " #". A byte order mark is no part
    of the first name.
    """
    found: dict[str, str] = {}
    text = text.removeprefix("\ufeff")
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        line = text[at:end].strip()
        number = text.count("\n", 0, at) + 1
        if not line or line.startswith("#"):
            at = end + 1
            continue
        begun = NAME.match(text, at + len(text[at:end]) - len(text[at:end].lstrip()))
        if begun is None:
            raise Malformed(number, "it is not written as NAME=value")
        if begun[1] in found:
            raise Malformed(number, TWICE, begun[1])
        found[begun[1]], at = _value(text, begun.end(), number)
    return found


def _value(text: str, at: int, number: int) -> tuple[str, int]:
    """The value that begins there, and where the next line begins."""
    quote = text[at : at + 1]
    if quote not in ("'", '"') or not quote:
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        # The blanks before the value are skipped already: one that begins with "#" is a comment if there were any.
        comment = text[at : at + 1] == "#" and text[at - 1] in " \t"
        plain = "" if comment else re.split(r"[ \t]#", text[at:end], maxsplit=1)[0].strip(" \t\r")
        if "\r" in plain:
            raise Malformed(number, RETURN)
        return plain, end + 1
    close = at + 1
    while close < len(text) and text[close] != quote:
        close += 2 if quote == '"' and text[close] == "\\" else 1
    if close >= len(text):
        raise Malformed(number, "its quotes are not closed")
    end = text.find("\n", close)
    end = len(text) if end < 0 else end
    rest = text[close + 1 : end].strip()
    if rest and not rest.startswith("#"):
        raise Malformed(number, "something follows the closing quote")
    inner = text[at + 1 : close]
    if quote == '"':
        inner = re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], "\\" + m[1]), inner, flags=re.DOTALL)
    return inner, end + 1
