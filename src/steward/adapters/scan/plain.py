"""Names that other languages read: one pattern per way of reading, in Go, Ruby, Rust, PHP, Java and the like, shell."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from steward.adapters.scan.source import Source
from steward.domain.weighing import Reading, Vote

_N = r"(?P<name>[A-Za-z_]\w*)"


@dataclass(frozen=True, slots=True)
class _Way:
    """A way to read a name. `must`: absence fails there, unless what follows matches `spared`; `default`: what
    follows names what stands in.
    """

    reader: str
    pattern: re.Pattern[str]
    must: bool = False
    spared: re.Pattern[str] | None = None
    default: re.Pattern[str] | None = None
    demands: re.Pattern[str] | None = None


def _way(reader: str, pattern: str, must: bool = False, **more: str) -> _Way:
    return _Way(reader, re.compile(pattern), must, **{key: re.compile(one) for key, one in more.items()})


_GO = [
    _way("os.Getenv", rf"\bos\.(?:Getenv|LookupEnv)\(\s*[\"`]{_N}[\"`]"),
    _way(
        "env tag",
        rf"[`\s](?:env|envconfig):\"{_N}(?=[\",])",
        demands=r"[^\"`]*,(?:required|notEmpty)\b|\"[^`]*required:\"true\"",
        default=r"[^`]*(?:envDefault|default):\"",
    ),
]
_RUBY = [
    _way("ENV[]", rf"\bENV\[\s*['\"]{_N}['\"]\s*\](?!\s*=(?!=|~))", default=r"\s*\|\|"),
    _way("ENV.fetch", rf"\bENV\.fetch\(\s*['\"]{_N}['\"]", True, default=r"\s*(?:,|\)\s*(?:\{|do\b|\|\|))"),
    _way("ENV.key?", rf"\bENV\.(?:key|has_key|include|member)\?\(?\s*['\"]{_N}['\"]"),
]
_RUST = [
    _way(
        "env::var",
        rf"\b(?:env::)?var(?:_os)?\(\s*\"{_N}\"\s*\)",
        demands=r"\s*(?:\?|\.\s*(?:expect|unwrap)\(|\.\s*(?:context|with_context|map_err)\()",
        default=r"\s*\.\s*unwrap_or",
    ),
    _way("env!", rf"(?<!option_)\benv!\(\s*\"{_N}\"", True),
    _way("option_env!", rf"\boption_env!\(\s*\"{_N}\""),
    _way("clap env", rf"\benv\s*=\s*\"{_N}\""),
]
_PHP = [
    _way("getenv", rf"\bgetenv\(\s*['\"]{_N}['\"]", default=r"[^)]*\)\s*(?:\?:|\?\?|\|\|)"),
    _way("env()", rf"(?<![\w>:$])env\(\s*['\"]{_N}['\"]", default=r"\s*,\s*(?!null)"),
    _way("$_ENV", rf"\$_ENV\[\s*['\"]{_N}['\"]\s*\](?!\s*=(?!=))", default=r"\s*(?:\?\?|\?:)"),
]
_JVM = [
    _way("System.getenv", rf"\bSystem\.getenv\(\s*\"{_N}\"\s*\)", default=r"\s*\?:"),
    _way("sys.env", rf"\bsys\.env(?:\.get(?:OrElse)?)?\(\s*\"{_N}\""),
]
_DOTNET = [
    _way("GetEnvironmentVariable", rf"\bGetEnvironmentVariable\(\s*\"{_N}\"", default=r"[^)]*\)\s*\?\?")
]
_ELIXIR = [
    _way("System.fetch_env!", rf"\bSystem\.fetch_env!\(\s*\"{_N}\"", True),
    _way(
        "System.get_env",
        rf"\bSystem\.(?:get_env|fetch_env)\(\s*\"{_N}\"",
        default=r"\s*,|\)\s*\|\|",
        demands=r"\)\s*\|\|\s*raise",
    ),
]
_WAYS = {
    "Go": _GO, "Ruby": _RUBY, "Rust": _RUST, "PHP": _PHP, "Java": _JVM, "Kotlin": _JVM, "Scala": _JVM,
    "C#": _DOTNET, "Elixir": _ELIXIR,
}  # fmt: skip
_HASHED = frozenset({"Ruby", "Elixir"})
HIT = re.compile(
    rb"Getenv|LookupEnv|env:\"|envconfig:|\bENV\b|\bvar(?:_os)?\(|env!|\benv\s*=\s*\"|getenv|\benv\(|_ENV|sys\.env"
    rb"|GetEnvironmentVariable|System\.(?:get|fetch)_env"
)


def read_plain(source: Source, language: str) -> Iterator[Reading]:
    """Every name that one file of such a language reads."""
    for way in _WAYS[language]:
        for found in way.pattern.finditer(source.text):
            line, at = source.line_text(found.start())
            if line.lstrip().startswith(("#", "*") if language in _HASHED else ("//", "*", "/*")) or (
                re.search(r"(?:^|\s)(?://|# )", line[:at]) and language != "PHP"
            ):
                continue
            after = source.text[found.end() : found.end() + 200]
            demanded = way.demands is not None and way.demands.match(after) is not None
            default = not demanded and way.default is not None and way.default.match(after) is not None
            vote = Vote.MUST if (way.must or demanded) and not default else Vote.MAY
            number = source.line_at(found.start("name"))
            yield source.reading(found["name"], number, way.reader, vote, default=default)


SHELL_HIT = re.compile(rb"\$\{[A-Z_][A-Z0-9_]*:?[?\-=]")
_SHELL = re.compile(r"(?<![\\$])\$\{(?P<name>[A-Z_][A-Z0-9_]*)(?P<how>:?[?\-=])(?P<rest>[^}]{0,200})")
_SET = re.compile(
    r"^\s*(?:export\s+|local\s+|readonly\s+|declare\s+(?:-\w+\s+)?)*(?P<name>[A-Z_][A-Z0-9_]*)=(?P<value>.*)$",
    re.MULTILINE,
)
_OWN = frozenset(
    {"BASH_SOURCE", "IFS", "UID", "EUID", "PPID", "RANDOM", "SECONDS", "LINENO", "OPTARG", "OPTIND", "REPLY"}
)


def read_shell(source: Source) -> Iterator[Reading]:
    """Names that a shell script takes from outside: `${X:?}` and `${X:-default}`, unless the script sets X itself."""
    own = {one["name"] for one in _SET.finditer(source.text) if f"${{{one['name']}" not in one["value"]}
    for found in _SHELL.finditer(source.text):
        name = found["name"]
        line, at = source.line_text(found.start())
        if name in own or name in _OWN or re.search(r"(?:^|\s)#", line[:at]):
            continue
        must = found["how"].endswith("?")
        default = not must and found["rest"] != ""
        vote = Vote.MUST if must else Vote.MAY
        yield source.reading(
            name, source.line_at(found.start("name")), f"${{{found['how']}}}", vote, default=default
        )


_ENV_LINE = re.compile(r"^\s*ENV\s+(?P<rest>(?:[^\n\\]|\\[ \t]*\r?\n|\\.)+)", re.MULTILINE | re.IGNORECASE)
_PAIR = re.compile(r"(?P<name>[A-Za-z_]\w*)=(?P<value>\"[^\"]*\"|'[^']*'|(?:\\.|[^\s\\])*)")


def read_dockerfile(source: Source) -> Iterator[Reading]:
    """What an image sets for its program. That is no need; it stands in where the program reads it."""
    for found in _ENV_LINE.finditer(source.text):
        pairs = [
            (one["name"], one["value"].strip("\"'"), one.start()) for one in _PAIR.finditer(found["rest"])
        ]
        if "=" not in found["rest"].split(None, 1)[0]:
            name, _, value = found["rest"].partition(" ")
            pairs = [(name, value.strip(), 0)]
        for name, value, at in pairs:
            if value and not value.startswith("$"):
                line = source.line_at(found.start("rest") + at)
                yield source.reading(name, line, "Dockerfile ENV", Vote.SETS, default=True)
