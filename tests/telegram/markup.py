"""What Telegram makes of a text and of the buttons under it. Source: Bot API, "Formatting options", and its errors."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

Json = dict[str, Any]
TEXT_MAX: Final = 4096
DATA_MAX: Final = 64
ROW_MAX: Final = 8
BUTTONS_MAX: Final = 100
CHARACTERS: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
TAGS: Final = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "a": "text_link",
    "tg-emoji": "custom_emoji",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
_TAG = re.compile(
    r"<(/?)([A-Za-z0-9-]*)((?:\s+[A-Za-z0-9-]+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s>\"']+))?)*)\s*>"
)
_ATTRIBUTE = re.compile(r"([A-Za-z0-9-]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+)))?")
_CHARACTER = re.compile(r"&(?:#(\d{1,7})|#[xX]([0-9A-Fa-f]{1,6})|([a-z]+));?")
_FOUND: Final = (
    ("bot_command", re.compile(r"(?<![\w/])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])")),
    ("mention", re.compile(r"(?<!\w)@[A-Za-z0-9_]{4,32}")),
    ("url", re.compile(r"https?://[^\s<>\"]+")),
)


class BadRequest(Exception):
    """Telegram answers 400, or as said, with this description."""

    def __init__(self, description: str, code: int = 400, **parameters: int) -> None:
        super().__init__(description)
        self.code = code
        names = {
            400: "Bad Request",
            401: "",
            403: "Forbidden",
            404: "",
            409: "Conflict",
            429: "Too Many Requests",
        }
        name = names.get(code, "")
        self.description = f"{name}: {description}" if name else description
        self.parameters = parameters


@dataclass(frozen=True, slots=True)
class Open:
    """A tag that is open: its name, where its text begins (UTF-16 units), what it says beside."""

    name: str
    starts: int
    more: Json


def units(text: str) -> int:
    """How long a text is for Telegram: in UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def parsed(html: str) -> tuple[str, list[Json]]:
    """The plain text and the entities of HTML as Telegram reads it. Raises BadRequest."""
    reader = _Reader()
    at = 0
    while at < len(html):
        at = reader.step(html, at)
    if reader.opened:
        raise _unparsed(f'Can\'t find end tag corresponding to start tag "{reader.opened[-1].name}"')
    return reader.text, sorted(reader.entities, key=lambda found: (found["offset"], -found["length"]))


def _unparsed(reason: str) -> BadRequest:
    return BadRequest(f"can't parse entities: {reason}")


class _Reader:
    def __init__(self) -> None:
        self.text = ""
        self.opened: list[Open] = []
        self.entities: list[Json] = []

    def step(self, html: str, at: int) -> int:
        if html[at] == "<":
            return self._tag(html, at)
        if html[at] == "&":
            found = _CHARACTER.match(html, at)
            shown = _character(found) if found else ""
            if found and shown:
                self.text += shown
                return found.end()
        self.text += html[at]
        return at + 1

    def _tag(self, html: str, at: int) -> int:
        found = _TAG.match(html, at)
        offset = len(html[:at].encode())
        if found is None:
            word = re.match(r"</?([A-Za-z0-9-]*)", html[at:])
            name = word[1].lower() if word else ""
            if name not in TAGS:
                raise _unparsed(f'Unsupported start tag "{name}" at byte offset {offset}')
            raise _unparsed(f"Unclosed start tag at byte offset {offset}")
        closing, name = bool(found[1]), found[2].lower()
        if closing:
            self._close(name, offset)
        else:
            self._open(name, dict(_attributes(found[3])), offset)
        return found.end()

    def _open(self, name: str, attributes: dict[str, str], offset: int) -> None:
        allowed = name in TAGS and not (name == "span" and attributes.get("class") != "tg-spoiler")
        if not allowed:
            raise _unparsed(f'Unsupported start tag "{name}" at byte offset {offset}')
        more: Json = {}
        if name == "a":
            more["url"] = attributes.get("href", "")
        if name == "tg-emoji":
            more["custom_emoji_id"] = attributes.get("emoji-id", "")
        if name == "code" and attributes.get("class", "").startswith("language-"):
            more["language"] = attributes["class"].removeprefix("language-")
        if name == "blockquote" and "expandable" in attributes:
            more["expandable"] = True
        self.opened.append(Open(name, units(self.text), more))

    def _close(self, name: str, offset: int) -> None:
        if not self.opened:
            raise _unparsed(f"Unexpected end tag at byte offset {offset}")
        last = self.opened.pop()
        if name not in ("", last.name):
            raise _unparsed(
                f'Unmatched end tag at byte offset {offset}, expected "</{last.name}>", found "</{name}>"'
            )
        kind, length = TAGS[last.name], units(self.text) - last.starts
        more = dict(last.more)
        if kind == "text_link" and not more["url"]:
            more["url"] = self.text.encode("utf-16-le")[last.starts * 2 :].decode("utf-16-le")
        if not length or (kind == "text_link" and not link_fits(more["url"])):
            return
        if kind == "blockquote" and more.pop("expandable", False):
            kind = "expandable_blockquote"
        self.entities.append({"type": kind, "offset": last.starts, "length": length, **more})


def _attributes(text: str) -> list[tuple[str, str]]:
    return [
        (found[1].lower(), _shown(found[2] or found[3] or found[4] or ""))
        for found in _ATTRIBUTE.finditer(text)
    ]


def _shown(value: str) -> str:
    return _CHARACTER.sub(lambda found: _character(found) or found[0], value)


def _character(found: re.Match[str]) -> str:
    if found[3]:
        return CHARACTERS.get(found[3], "")
    code = int(found[1]) if found[1] else int(found[2], 16)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else ""


def link_fits(url: str) -> bool:
    """Whether Telegram takes it for the address of a link or a button: a host without a dot is none."""
    parts = urlsplit(url)
    if parts.scheme in ("tg", "ton", "mailto"):
        return True
    try:
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and ("." in host.strip(".") or ":" in host) and " " not in url


def noticed(text: str) -> list[Json]:
    """The entities that Telegram finds in plain text by itself: commands, names, addresses."""
    found = [
        {"type": kind, "offset": units(text[: hit.start()]), "length": units(hit[0])}
        for kind, pattern in _FOUND
        for hit in pattern.finditer(text)
    ]
    return sorted(found, key=lambda entity: entity["offset"])


def written(text: str, parse_mode: str) -> tuple[str, list[Json]]:
    """The text that people see and its entities. Raises BadRequest: bad markup, nothing to see, too long."""
    if parse_mode and parse_mode.lower() != "html":
        raise BadRequest("unsupported parse_mode")
    plain, entities = parsed(text) if parse_mode else (text, noticed(text))
    if not plain.strip():
        raise BadRequest("message text is empty")
    if units(plain) > TEXT_MAX:
        raise BadRequest("message is too long")
    return plain, entities


def keyboard(value: Any) -> list[list[Json]]:
    """The rows of an inline keyboard. Raises BadRequest."""
    if value in (None, ""):
        return []
    markup = json.loads(value) if isinstance(value, str) else value
    if not isinstance(markup, dict):
        raise BadRequest("object expected as reply markup")
    rows = markup.get("inline_keyboard", [])
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise BadRequest('field "inline_keyboard" must be of type Array of Array')
    if sum(len(row) for row in rows) > BUTTONS_MAX or any(len(row) > ROW_MAX for row in rows):
        raise BadRequest("REPLY_MARKUP_TOO_LONG")
    return [[_button(button) for button in row] for row in rows if row]


def _button(button: Json) -> Json:
    text, data, url = button.get("text", ""), button.get("callback_data"), button.get("url")
    if not text:
        raise BadRequest('can\'t parse inline keyboard button: Field "text" must be non-empty')
    if data is None and url is None:
        raise BadRequest(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    if url is not None:
        if not link_fits(url):
            raise BadRequest(f"inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")
        return {"text": text, "url": url}
    if not 1 <= len(str(data).encode()) <= DATA_MAX:
        raise BadRequest("BUTTON_DATA_INVALID")
    return {"text": text, "callback_data": data}
