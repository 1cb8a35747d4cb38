"""The checks that a repository declares at a commit, in `.localhub/checks.toml`.

    [checks.unit]
    command = ["python3", "-m", "unittest"]
    timeout_s = 120                        # optional, at most 1800
    events = ["push", "pull_request"]      # optional, both when not given

It reads and judges the declaration; actions.py runs what is declared.
"""

import re
import tomllib
from dataclasses import dataclass
from typing import Any

from localhub import githistory
from localhub.gitstore import GitRepo

PATH = ".localhub/checks.toml"
EVENTS = ("push", "pull_request")
DEFAULT_TIMEOUT_S = 120.0
MAX_TIMEOUT_S = 1_800
MAX_CHECKS = 32
_MAX_BYTES = 64 * 1024
_MAX_NAME_CHARACTERS = 100
_KEYS = frozenset({"command", "timeout_s", "events"})
_AT = re.compile(
    r"^(?P<what>.*) \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$", re.DOTALL
)


class BadDeclaration(ValueError):
    """The declaration cannot be used; the message begins with the line where that shows."""


@dataclass(frozen=True)
class Check:
    """One declared check: a command as a list of words, and how many seconds it may take."""

    name: str
    command: tuple[str, ...]
    timeout_s: float
    events: frozenset[str]


def read(git: GitRepo, sha: str) -> list[Check]:
    """The checks declared at a commit, in the order of the file; none where there is no such file.

    Raises BadDeclaration.
    """
    found = githistory.entry(git, sha, PATH)
    if found is None:
        return []
    if found.kind != "blob" or found.mode == "120000":
        raise BadDeclaration("line 1: this is not a file")
    if found.size_bytes > _MAX_BYTES:
        raise BadDeclaration(f"line 1: the file is larger than {_MAX_BYTES} bytes")
    return parse(githistory.blob(git, found.sha))


def parse(data: bytes) -> list[Check]:
    """The checks that the content of the file declares. Raises BadDeclaration."""
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadDeclaration(f"line {line}: this is not UTF-8") from error
    try:
        document = tomllib.loads(text)
    except RecursionError as error:
        raise BadDeclaration("line 1: this is nested too deeply") from error
    except ValueError as error:  # TOMLDecodeError, and numbers that Python refuses for their length
        raise BadDeclaration(_in_line(str(error), text)) from error
    return _checks(document, text)


def _in_line(message: str, text: str) -> str:
    """tomllib's message with its line first."""
    found = _AT.match(message)
    if found is None:
        return f"line 1: {message}"
    if found["line"] is None:
        return f"line {text.count(chr(10)) + 1}: {found['what']} (at the end of the file)"
    return f"line {found['line']}: {found['what']} (column {found['column']})"


def _checks(document: dict[str, Any], text: str) -> list[Check]:
    for name in document:
        if name != "checks":
            raise BadDeclaration(
                f"line {_line(text, name)}: {name} is not known here; there is [checks.NAME] alone"
            )
    tables = document.get("checks")
    if not isinstance(tables, dict) or not tables:
        raise BadDeclaration(
            f"line {_line(text, 'checks')}: no check is declared; write a table [checks.NAME]"
        )
    if len(tables) > MAX_CHECKS:
        raise BadDeclaration(f"line 1: {len(tables)} checks are declared; {MAX_CHECKS} may be")
    return [_check(name, table, text) for name, table in tables.items()]


def _check(name: str, table: object, text: str) -> Check:
    where = f"line {_line(text, name)}: [checks.{name}]"
    if not name.strip() or len(name) > _MAX_NAME_CHARACTERS or not name.isprintable():
        raise BadDeclaration(f"{where}: a name is 1 to {_MAX_NAME_CHARACTERS} printable characters")
    if not isinstance(table, dict):
        raise BadDeclaration(f"{where} is not a table")
    for key in table:
        if key not in _KEYS:
            at = _line(text, name, key)
            raise BadDeclaration(
                f"line {at}: {key} of {name} is not known; there are {', '.join(sorted(_KEYS))}"
            )
    if "command" not in table:
        raise BadDeclaration(f"{where} has no command")
    return Check(
        name,
        _command(table["command"], f"line {_line(text, name, 'command')}: command of {name}"),
        _timeout_s(
            table.get("timeout_s", DEFAULT_TIMEOUT_S),
            f"line {_line(text, name, 'timeout_s')}: timeout_s of {name}",
        ),
        _events(table.get("events", list(EVENTS)), f"line {_line(text, name, 'events')}: events of {name}"),
    )


def _command(value: object, where: str) -> tuple[str, ...]:
    words = value if isinstance(value, list) else []
    if not words or not all(isinstance(one, str) and "\0" not in one for one in words) or not words[0]:
        raise BadDeclaration(f'{where} must be a list of texts, as in ["python3", "-m", "unittest"]')
    return tuple(words)


def _timeout_s(value: object, where: str) -> float:
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else 0
    if not 0 < number <= MAX_TIMEOUT_S:  # neither holds of a NaN
        raise BadDeclaration(f"{where} must be a number of seconds above 0 and at most {MAX_TIMEOUT_S}")
    return float(number)


def _events(value: object, where: str) -> frozenset[str]:
    if not isinstance(value, list) or not value or not all(one in EVENTS for one in value):
        raise BadDeclaration(f"{where} must be a list of {' and '.join(EVENTS)}")
    return frozenset(value)


def _line(text: str, name: str, key: str | None = None) -> int:
    """The line that speaks of a name, or of a key after it; the nearest that can be told where it is written oddly."""
    lines = text.splitlines()
    at = next((number for number, line in enumerate(lines) if name in line.partition("#")[0]), 0)
    if key is not None:
        begins = re.compile(rf"(?:.*[.{{,\s])?[\"']?{re.escape(key)}[\"']?\s*=")
        at = next((number for number in range(at, len(lines)) if begins.match(lines[number])), at)
    return at + 1
