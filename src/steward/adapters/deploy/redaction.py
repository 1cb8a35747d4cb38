"""Takes secrets out of text: as they are, in base64, in URLs, in JSON, and line by line.

Standard library only: the keeper of each site uses it on what a site prints.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, quote_plus

MASK: Final = "[secret]"
SHORT: Final = 4
"""Values shorter than this are masked as whole words only: else every text would be full of holes."""
LINE: Final = 8
"""Lines of a secret of several lines are masked from this length on."""


class Redactor:
    """Masks every form of the given values. An empty value hides nothing."""

    def __init__(self, values: Iterable[str]) -> None:
        known = {value for value in values if value}
        forms = {form for value in known for form in _forms(value)}
        # The longest first: a value within a longer one must not leave the rest of that one behind.
        parts = [_pattern(form) for form in sorted(forms, key=lambda form: (-len(form), form))]
        self._pattern = re.compile("|".join(parts)) if parts else None

    def __call__(self, text: str) -> str:
        """The text without them."""
        return self._pattern.sub(MASK, text) if self._pattern else text


def _pattern(form: str) -> str:
    escaped = re.escape(form)
    return rf"(?<!\w){escaped}(?!\w)" if len(form) < SHORT else escaped


def _forms(value: str) -> set[str]:
    forms = {value, value.strip()} | {line for line in value.splitlines() if len(line) >= LINE}
    for plain in tuple(forms):
        forms |= {quote(plain), quote(plain, safe=""), quote_plus(plain)}
        forms |= {json.dumps(plain)[1:-1], json.dumps(plain, ensure_ascii=False)[1:-1], repr(plain)[1:-1]}
        forms |= _base64_forms(plain.encode())
        if len(plain) >= SHORT:
            forms |= {plain.encode().hex(), plain.encode().hex().upper()}
    return {form for form in forms if form}


def _base64_forms(raw: bytes) -> set[str]:
    """How the value looks in base64: alone, and within something longer at each of the three alignments."""
    forms: set[str] = set()
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        whole = encode(raw).decode()
        forms |= {whole, whole.rstrip("="), quote(whole, safe="")}
        for ahead in range(3):
            # What a neighbouring byte takes part in is cut off on both sides.
            start = (0, 2, 3)[ahead]
            stop = (ahead + len(raw)) * 8 // 6
            inner = encode(b"\0" * ahead + raw).decode()[start:stop]
            if len(inner) >= LINE:
                forms.add(inner)
    return forms
