"""Names that example files of environments list: `.env.example` and its kin."""

from __future__ import annotations

import re
from collections.abc import Iterator

from steward.adapters.scan.source import Source
from steward.domain.weighing import Reading, Vote

_LINE = re.compile(r"\s*(?:export\s+)?(?P<name>[A-Za-z_][A-Za-z0-9_]*)\s*=\s*(?P<value>.*)")
_OUT = re.compile(r"\s*#+\s?(?:export\s+)?(?P<name>[A-Z_][A-Z0-9_]*)=(?P<value>[^=]*(?:=[^=]*)*)$")
_PLACEHOLDER = re.compile(
    r"<.*>|\[.*\]|\{\{.*\}\}|\*+|x{3,}.*|\.{3}|change[-_ ]?(?:me|this|it).*|replace.*|your?[-_ ].*|.*[-_ ]here|todo.*|tbd|insert.*"
    r"|enter.*|put.*here|set[-_ ]?(?:me|this)|dummy|placeholder|fill.*|(?:sk|pk|ghp|xoxb|glpat)[-_](?:\.{3}|x+|your).*|.*x{6,}.*"
    r"|.*your[-_].*|secret|password|.*_placeholder|null|none",
    re.IGNORECASE,
)
_COMMENT = re.compile(r"\s*#+\s?(.*)")


def read_example(source: Source, reader: str = "env example") -> Iterator[Reading]:
    """Every name an example lists. The comment right above it, or behind it, is its help.

    A line without a value, or with a placeholder, has no default; a line that is commented out may be left out.
    """
    above: list[str] = []
    for number, raw in enumerate(source.lines, start=1):
        line = raw[:4000].rstrip("\r").lstrip("\ufeff")
        out = _OUT.fullmatch(line)
        found = out or _LINE.match(line)
        if found is None or (out is None and line.lstrip().startswith("#")):
            said = _COMMENT.match(line)
            above = [*above, said[1].strip()][-8:] if said else []
            continue
        value, behind = _value(found["value"])
        help_text = " ".join(one for one in [*above, behind] if one.strip("-=# "))
        default = value != "" and _PLACEHOLDER.fullmatch(value) is None
        spoken = re.search(r"\boptional\b|\bdefaults? (?:to|is)\b|\(default", help_text, re.IGNORECASE)
        vote = Vote.MAY if out or spoken else Vote.SILENT
        where = f"{reader} (commented out)" if out else reader
        yield source.reading(found["name"], number, where, vote, default=default, help=help_text)
        if not out:
            above = []


def _value(text: str) -> tuple[str, str]:
    """A value without its quotes, and the comment behind it."""
    text = text.strip()
    quoted = re.match(r"([\"'])(.*?)\1\s*(?:#\s*(.*))?$", text)
    if quoted:
        return quoted[2].strip(), quoted[3] or ""
    bare, _, behind = (" " + text).partition(" #")
    return bare.strip(), behind.strip()
