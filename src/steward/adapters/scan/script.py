"""Names that JavaScript and TypeScript read: `process.env`, `import.meta.env`, `Deno.env`, `Bun.env`, bindings."""

from __future__ import annotations

import re
from collections.abc import Iterator

from steward.adapters.scan.source import Source
from steward.domain.weighing import Reading, Vote

HIT = re.compile(
    rb"process\.env|import\.meta\.env|(?:Deno|Bun)\.env|\benv\s*\.\s*[A-Z]|\benv\s*:\s*\{|\benv\["
)

_ENV = r"(?:(?:globalThis\.|window\.)?process\??\.env|import\.meta\.env|Bun\.env)"
_MEMBER = re.compile(
    rf"(?P<env>{_ENV})(?:\??\.(?P<dot>[A-Za-z_]\w*)|(?:\?\.)?\[\s*(?P<q>['\"`])(?P<key>[A-Za-z_]\w*)(?P=q)\s*\])"
)
_DENO = re.compile(r"(?P<env>Deno\.env)\.(?:get|has)\(\s*['\"`](?P<key>[A-Za-z_]\w*)['\"`]\s*\)")
_BARE = re.compile(
    r"(?<![\w.$])(?P<env>env)(?:\??\.(?P<dot>[A-Z][A-Z0-9_]+)\b|\[\s*['\"`](?P<key>[A-Z][A-Z0-9_]+)['\"`]\s*\])(?!\s*\()"
)
_TAKEN = re.compile(rf"(?:const|let|var)\s*\{{(?P<names>[^{{}}]{{1,4000}})\}}\s*=\s*(?:{_ENV})(?!\s*[.\[])")
_NESTED = re.compile(r"\benv\s*:\s*\{(?P<names>[^{}]{1,4000})\}")
_NAMED = re.compile(
    r"(?:^|,)\s*(?:['\"])?(?P<name>[A-Z][A-Z0-9_]*)(?:['\"])?\s*(?::\s*\w+\s*)?(?P<default>=(?!=))?"
)
_ALIAS = re.compile(
    rf"(?:const|let|var)\s+(?P<name>[A-Za-z_$][\w$]*)\s*(?::[^=\n]{{1,80}})?=\s*(?:{_ENV})\s*(?:as\s+\w+\s*)?(?=[;,\n])"
)
_HELD = re.compile(r"['\"](?P<key>[A-Za-z_]\w*)['\"]\s+in\s+" + _ENV)
_ASSIGNED = re.compile(r"\s*(?:(?:\|\||\?\?|&&)?=(?![=>])|\+=)")
_FALLBACK = re.compile(r"[)\s]*(?:\|\||\?\?)")
_META = frozenset({"MODE", "DEV", "PROD", "SSR", "BASE_URL"})
_STOPS = re.compile(r"throw\b|process\.exit\(")


def read_script(source: Source) -> Iterator[Reading]:
    """Every name that one file reads. An absent name is `undefined`: only a test that ends the work, or TypeScript's
    `!`, demands it.
    """
    text = source.text
    for pattern in (_MEMBER, _DENO):
        for found in pattern.finditer(text):
            yield from _member(source, found, found["env"])
    yield from _aliased(source)
    for found in _BARE.finditer(text):
        yield from _member(source, found, "env")
    for pattern, reader in ((_TAKEN, "{...} = process.env"), (_NESTED, "{env: {...}}")):
        for found in pattern.finditer(text):
            if pattern is _TAKEN or _is_binding(text, found.end()):
                yield from _taken(source, found, reader)
    for found in _HELD.finditer(text):
        if not _commented(source, found.start()):
            yield source.reading(found["key"], source.line_at(found.start("key")), "in process.env", Vote.MAY)


def _aliased(source: Source) -> Iterator[Reading]:
    """What is read of `process.env` under another name."""
    text = source.text
    for alias in _ALIAS.finditer(text):
        own = re.compile(
            rf"(?<![\w.$])(?P<env>{re.escape(alias['name'])})(?:\.(?P<dot>[A-Z][A-Z0-9_]+)\b|\[\s*['\"](?P<key>[A-Z]\w*)['\"]\s*\])"
        )
        if alias["name"] != "env":
            for found in own.finditer(text, alias.end()):
                yield from _member(source, found, f"{alias['name']} = process.env")


def _member(source: Source, found: re.Match[str], reader: str) -> Iterator[Reading]:
    groups = found.groupdict()
    group = "dot" if groups.get("dot") else "key"
    name, text = found[group], source.text
    if _commented(source, found.start()) or (found["env"] == "import.meta.env" and name in _META):
        return
    before, after = text[max(0, found.start() - 40) : found.start()], text[found.end() : found.end() + 400]
    if re.search(r"\bdelete\s+$", before) or (
        _ASSIGNED.match(after) and not re.match(r"\s*(?:\|\||\?\?)=", after)
    ):
        return
    default = _FALLBACK.match(after) is not None
    must = not default and (re.match(r"!(?!=)", after) is not None or _ends_without(before, after))
    vote = Vote.MUST if must else Vote.MAY
    yield source.reading(name, source.line_at(found.start(group)), reader, vote, default=default)


def _ends_without(before: str, after: str) -> bool:
    """Whether `if (!process.env.X)` is followed by a throw or an exit before its block ends."""
    if not re.search(r"\bif\s*\(\s*!\s*$", before) or not re.match(r"\s*\)", after):
        return False
    stop = _STOPS.search(after)
    return stop is not None and "}" not in re.sub(r"\$\{[^}]*\}", "", after[: stop.start()])


def _is_binding(text: str, end: int) -> bool:
    """Whether `env: {A, B}` takes apart what is there, as in `const {env: {A}} = context` or `({env: {A}}) =>`; an
    object that is made looks the same until its end.
    """
    rest = text[end : end + 400]
    return (
        re.match(
            r"\s*,?[^{}();]*(?:\{[^{}]*\}[^{}();]*)*\}\s*(?:=(?!=)|,?\s*\)\s*(?:=>|\{)|,[^;{}]*\)\s*(?:=>|\{))",
            rest,
        )
        is not None
    )


def _taken(source: Source, found: re.Match[str], reader: str) -> Iterator[Reading]:
    begins = found.start("names")
    inside = re.sub(r"//[^\n]*|/\*.*?\*/", lambda one: " " * len(one[0]), found["names"], flags=re.DOTALL)
    for one in _NAMED.finditer(inside):
        line = source.line_at(begins + one.start("name"))
        default = one["default"] is not None
        yield source.reading(one["name"], line, reader, Vote.MAY, default=default)


def _commented(source: Source, offset: int) -> bool:
    """Whether a place lies in a comment, by its own line: `//` before it, or a line that begins as one."""
    line, at = source.line_text(offset)
    return re.search(r"(?:^|[\s;{}(,])//", line[:at]) is not None or line.lstrip().startswith(
        ("*", "/*", "<!--")
    )
