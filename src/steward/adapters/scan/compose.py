"""Names that Compose files take from outside: `${X}` in its forms, and entries of `environment` without a value."""

from __future__ import annotations

import re
from collections.abc import Iterator

from steward.adapters.scan.source import Source
from steward.adapters.scan.tree import Node, parse
from steward.domain.weighing import Reading, Vote

_TAKEN = re.compile(
    r"(?<!\$)(?:\$\$)*\$(?:\{(?P<name>[A-Za-z_]\w*)(?P<how>:?[?\-+])?(?P<rest>[^}\n]{0,500})|(?P<bare>[A-Za-z_]\w*))"
)
_NAME = re.compile(r"[A-Za-z_]\w*")


def read_compose(source: Source) -> Iterator[Reading]:
    """Every name a Compose file takes. A file that cannot be parsed still tells of its `${X}`."""
    for number, raw in enumerate(source.lines, start=1):
        line = _without_comment(raw[:4000])
        for found in _TAKEN.finditer(line):
            how = found["how"] or ""
            must = how.endswith("?") or not how
            default = how.endswith("-") and found["rest"] not in {"", None}
            vote = Vote.MUST if must else Vote.MAY
            name = found["name"] or found["bare"]
            yield source.reading(name, number, f"compose ${{{how}}}", vote, default=default)
    for service in _services(source):
        environment = service.get("environment")
        for node in environment.items if environment else ():
            yield from _entry(source, node, *_split(node.text or ""))
        for key, value in (environment.pairs or ()) if environment else ():
            yield from _entry(source, key, key.text or "", None if value.empty else value.text)


def env_files(source: Source) -> list[str]:
    """The files that the services say their environment is read from, as they are written."""
    named: list[str] = []
    for service in _services(source):
        files = service.get("env_file")
        for one in [files, *files.items] if files else []:
            text = one.text or one.said("path")
            if text and "$" not in text:
                named.append(text.removeprefix("./"))
    return named


def _services(source: Source) -> Iterator[Node]:
    for root in parse(source.text):
        services = root.get("services") or Node(0)
        seen: set[int] = set()
        for _name, service in services.pairs or ():
            if id(service) not in seen:
                seen.add(id(service))
                yield service


def _split(text: str) -> tuple[str, str | None]:
    name, equals, value = text.partition("=")
    return name, value if equals else None


def _entry(source: Source, node: Node, name: str, value: str | None) -> Iterator[Reading]:
    """Without a value it is passed through, where it is there; with a plain one the file sets it itself."""
    if not _NAME.fullmatch(name):
        return
    if value is None:
        yield source.reading(name, node.line, "compose environment", Vote.MAY)
    elif value and "$" not in value:
        yield source.reading(name, node.line, "compose environment", Vote.SETS, default=True)


def _without_comment(line: str) -> str:
    if line.lstrip().startswith("#"):
        return ""
    at = line.find(" #")
    return line if at < 0 or line[:at].count('"') % 2 or line[:at].count("'") % 2 else line[:at]
