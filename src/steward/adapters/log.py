"""Log lines: as text for people or as JSON for programs, each with the number of its request, none with a secret.

Redaction is the last step of the formatter, over the finished line, so that neither arguments nor tracebacks
escape it. What is replaced: the secrets that this process was told, each in its usual encodings, and whatever
looks like a pass of ours, a credential of GitHub's or an Authorization header.
"""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, quote_plus

MASK: Final = "********"
SECRET_LENGTH_MIN: Final = 6
"""Shorter ones would mask ordinary words; the settings' own secrets are longer."""
LOOKS_SECRET: Final = re.compile(
    r"\b(?:st[cflst]_[A-Za-z0-9_-]{20,}"
    r"|gh[opsur]_[A-Za-z0-9]{20,}"
    r"|github_pat_[A-Za-z0-9_]{20,})"
    r"|(?i:(?<=bearer )|(?<=basic ))[A-Za-z0-9._~+/=-]{8,}"
)
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    "color_message",
}


class Redaction:
    """Takes secrets out of text."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in encodings(secret)}
        # The longest first, so that no part of one is left standing where a shorter one is within it.
        ordered = sorted(forms, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def __call__(self, text: str) -> str:
        """The text, each secret replaced."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        return LOOKS_SECRET.sub(MASK, text)


def encodings(secret: str) -> set[str]:
    """A secret as it may stand in a line: itself, in JSON, in an address, in base64 at any of three offsets."""
    if len(secret) < SECRET_LENGTH_MIN:
        return set()
    raw = secret.encode("utf-8", "surrogatepass")
    forms = {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
    }
    forms |= {quote(raw, safe=""), quote(raw), quote_plus(raw), raw.hex()}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for before in range(3):
            # The letters at both ends also depend on what stands beside it: they are left out.
            whole = encode(b"\0" * before + raw).decode().rstrip("=")
            inner = whole[(0, 2, 3)[before] :]
            inner = inner if len(before * b"\0" + raw) % 3 == 0 else inner[:-1]
            if len(inner) >= SECRET_LENGTH_MIN:
                forms.add(inner)
    return forms


class Lines(logging.Formatter):
    """Makes the lines. `request` says which request is being answered, "" where none is."""

    def __init__(self, redact: Redaction, request: Callable[[], str], *, as_json: bool) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s %(message)s")
        self._redact = redact
        self._request = request
        self._as_json = as_json

    def format(self, record: logging.LogRecord) -> str:
        """One line; with a traceback, text has several."""
        number = getattr(record, "request_id", "") or self._request()
        if not self._as_json:
            shown = super().format(record)
            return self._redact(f"{shown} [{number}]" if number and "\n" not in shown else shown)
        told: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{name: value for name, value in vars(record).items() if name not in _STANDARD},
        }
        if number:
            told["request_id"] = number
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        # Masked value by value: within the finished JSON a secret may be broken up by escapes.
        return json.dumps({name: self._masked(value) for name, value in told.items()}, ensure_ascii=False)

    def _masked(self, value: Any) -> Any:
        if isinstance(value, int | float | bool) or value is None:
            return value
        return self._redact(str(value))
