"""Telegram's HTML, made so that nothing of others is taken for markup, and no message is longer than it may be.

Each function that makes a piece takes plain text and returns HTML; a `Page` is made of pieces alone.
"""

from __future__ import annotations

import html
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from steward.domain.chats import TEXT_MAX
from steward.faces.words import counted, printable

LINE_MAX: Final = 300
"""UTF-16 units of what somebody wrote, where it stands in a line."""
PARAGRAPH_MAX: Final = 900
"""The same of a whole paragraph of theirs."""
PAGE_MAX: Final = TEXT_MAX - 200
"""What is left free is for the mark of a message that may be a repeat."""
BUTTON_MAX: Final = 60
_TAGS: Final = re.compile(r"<[^>]*>")
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]")


def units(text: str) -> int:
    """How long a text is for Telegram: UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def length(piece: str) -> int:
    """How long a piece of HTML is once it is parsed."""
    return units(html.unescape(_TAGS.sub("", piece)))


def cut(text: str, limit: int = LINE_MAX) -> str:
    """At most so many units of a text; what is cut ends with an ellipsis."""
    if units(text) <= limit:
        return text
    kept, left = [], limit - 1
    for character in text:
        left -= units(character)
        if left < 0:
            break
        kept.append(character)
    return f"{''.join(kept).rstrip()}…"


def plain(text: object, limit: int = LINE_MAX) -> str:
    """What others wrote, as one line of plain text that steers nothing."""
    return cut(" ".join(_SURROGATES.sub("", printable(str(text))).split()), limit)


def esc(text: object, limit: int = LINE_MAX) -> str:
    """A line as HTML."""
    return html.escape(plain(text, limit), quote=False)


def prose(text: object, limit: int = PARAGRAPH_MAX) -> str:
    """A text of several lines as HTML; blank lines are left out."""
    lines = (" ".join(line.split()) for line in _SURROGATES.sub("", printable(str(text))).splitlines())
    return html.escape(cut("\n".join(filter(None, lines)), limit), quote=False)


def bold(text: object, limit: int = LINE_MAX) -> str:
    """In bold type; "" for nothing."""
    return f"<b>{inner}</b>" if (inner := esc(text, limit)) else ""


def italic(text: object, limit: int = LINE_MAX) -> str:
    """In italics; "" for nothing."""
    return f"<i>{inner}</i>" if (inner := esc(text, limit)) else ""


def code(text: object, limit: int = LINE_MAX) -> str:
    """As what is typed or copied; "" for nothing."""
    return f"<code>{inner}</code>" if (inner := esc(text, limit)) else ""


def quoted(lines: Iterable[str]) -> str:
    """Lines of a log, as they are; "" for none."""
    inner = "\n".join(filter(None, (esc(line, 160) for line in lines)))
    return f"<pre>{inner}</pre>" if inner else ""


def link(words: object, url: str) -> str:
    """Words that open an address; the words alone where it is none of the web, or too long to be one."""
    if not is_web(url):
        return esc(words)
    return f'<a href="{html.escape(url)}">{esc(words) or esc(url)}</a>'


def is_web(url: str) -> bool:
    """Whether it is an address of the web, without a credential and without blanks."""
    if len(url) > 1_000 or not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
    except ValueError:
        return False


def is_public(url: str) -> bool:
    """Whether Telegram takes it for a button: it refuses addresses that only this machine or network knows."""
    if not is_web(url):
        return False
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".localhost", ".local", ".internal", ".lan", ".test"))


@dataclass(slots=True)
class _Block:
    head: str
    items: list[str] = field(default_factory=list)
    hidden: int = 0

    def shown(self) -> str:
        more = counted("and {n} more", "and {n} more", self.hidden) if self.hidden else ""
        lines = [self.head, *(f"• {item}" for item in self.items), f"<i>… {more}</i>" if more else ""]
        return "\n".join(filter(None, lines))


@dataclass(slots=True)
class Page:
    """A message as it is put together: paragraphs and lists, with a blank line between them."""

    blocks: list[_Block] = field(default_factory=list)

    def lines(self, *pieces: str) -> Page:
        """A paragraph of these lines; empty ones are left out."""
        if text := "\n".join(filter(None, pieces)):
            self.blocks.append(_Block(text))
        return self

    def listed(self, head: str, items: Iterable[str], shown: int = 30) -> Page:
        """A list under its head; nothing where it is empty. Of a long one the beginning, and how many more."""
        found = [item for item in items if item]
        if found:
            self.blocks.append(_Block(head, found[:shown], len(found) - len(found[:shown])))
        return self

    def text(self) -> str:
        """The whole, within what a message may hold: the longest lists give way first, the last paragraphs next."""
        while length(whole := "\n\n".join(block.shown() for block in self.blocks)) > PAGE_MAX:
            longest = max(self.blocks, key=lambda block: len(block.items) > 1 and length(block.shown()))
            if len(longest.items) > 1:
                longest.items.pop()
                longest.hidden += 1
            else:
                self.blocks.pop()
        return whole
