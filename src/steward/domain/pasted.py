"""Secrets that somebody pasted into a text: where they stand and what each may be called. Values only.

Two ways to know one: by its own form, as its maker writes it, or by what stands before it ("password: ..."). What
has neither is taken for one where it is long and as mixed as no word is. Prose, links, UUIDs and commits are none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

ENTROPIC: Final = 24
"""Characters from which a text without blanks may be a secret by its looks alone."""
MIXED: Final = 0.3
"""Part of the neighbours within it that are of different kinds: about 0.6 by chance, under 0.2 in names."""


@dataclass(frozen=True, slots=True)
class Pasted:
    """One secret within a text: it stands from `begin` to before `end`; `name` is a guess, as a variable has it."""

    begin: int
    end: int
    name: str


_EDGE: Final = r"(?<![A-Za-z0-9_])"
_FORMS: Final = tuple(
    (name, re.compile(pattern, flags))
    for name, pattern, flags in (
        (
            "PRIVATE_KEY",
            r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
            re.DOTALL,
        ),
        ("GITHUB_TOKEN", _EDGE + r"(?:gh[pousr]_[A-Za-z0-9]{20,255}|github_pat_\w{22,255})", re.ASCII),
        ("GITLAB_TOKEN", _EDGE + r"gl(?:pat|ptt|rt|dt)-[\w-]{20,}", re.ASCII),
        ("AWS_ACCESS_KEY_ID", _EDGE + r"(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9])", re.ASCII),
        ("GOOGLE_API_KEY", _EDGE + r"(?:AIza[\w-]{35}|GOCSPX-[\w-]{20,}|ya29\.[\w-]{20,})", re.ASCII),
        ("ANTHROPIC_API_KEY", _EDGE + r"sk-ant-[\w-]{20,}", re.ASCII),
        ("STRIPE_SECRET_KEY", _EDGE + r"(?:[sr]k_(?:live|test)_\w{10,}|whsec_[\w+/=-]{20,})", re.ASCII),
        ("OPENAI_API_KEY", _EDGE + r"sk-(?=[A-Za-z_-]*[0-9])[\w-]{20,}", re.ASCII),
        ("SLACK_TOKEN", _EDGE + r"(?:xox[a-z]-[\w-]{10,}|xapp-[\w-]{20,})", re.ASCII),
        ("SLACK_WEBHOOK_URL", r"https://hooks\.slack\.com/services/[\w/-]{20,}", re.ASCII),
        ("DISCORD_WEBHOOK_URL", r"https://discord(?:app)?\.com/api/webhooks/\d+/[\w-]{20,}", re.ASCII),
        ("TELEGRAM_BOT_TOKEN", r"(?<![\w:])\d{6,14}:[A-Za-z0-9_-]{30,64}", re.ASCII),
        ("NPM_TOKEN", _EDGE + r"npm_[A-Za-z0-9]{36}", re.ASCII),
        ("PYPI_TOKEN", _EDGE + r"pypi-[\w-]{50,}", re.ASCII),
        ("SENDGRID_API_KEY", _EDGE + r"SG\.[\w-]{16,}\.[\w-]{16,}", re.ASCII),
        ("HF_TOKEN", _EDGE + r"hf_[A-Za-z0-9]{30,}", re.ASCII),
        ("DIGITALOCEAN_TOKEN", _EDGE + r"do[opr]_v1_[a-f0-9]{64}", re.ASCII),
        ("STEWARD_TOKEN", _EDGE + r"st[a-z]_[A-Za-z0-9_-]{20,}", re.ASCII),
        ("TOKEN", _EDGE + r"eyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]*)?", re.ASCII),
    )
)
_URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s/:@\"'<>]*:([^\s/@\"'<>]+)@[^\s\"'<>]+")
_DATABASES: Final = re.compile(r"(postgres|mysql|mariadb|mongodb|redis|amqp|mssql|clickhouse)", re.IGNORECASE)

_SHELL: Final = re.compile(
    r"(?<![A-Za-z0-9_])([A-Z][A-Z0-9_]{0,80})[ \t]?=[ \t]?(\"[^\"\n]+\"|'[^'\n]+'|[^\s\"']+)", re.ASCII
)
_SHELL_SECRET: Final = re.compile(
    r"(?:.*_)?(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|PASS|PWD|APIKEY|API_KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY"
    r"|ACCOUNT_KEY|ENCRYPTION_KEY|SIGNING_KEY|DSN|CREDENTIALS)"
)
_KEYWORDS: Final = (
    (
        "API_KEY",
        r"api[ _-]?keys?|access[ _-]?keys?|ключ[а-я]{0,3} (?:от )?(?:api|апи)|(?:api|апи)[ -]ключ[а-я]{0,3}",
    ),
    ("PRIVATE_KEY", r"private[ _-]?key|secret[ _-]?key|(?:приватн|секретн)[а-я]{2,3} ключ"),
    ("PASSWORD", r"password|passwd|passphrase|pwd|парол[ьяюе]|пасс?ворд"),
    ("TOKEN", r"token|токен[а-я]{0,2}"),
    ("SECRET", r"client[ _-]?secret|secret|секрет"),
)
_KEYWORD: Final = re.compile(
    r"(?<![^\W_])("
    + "|".join(f"(?P<{name}>{words})" for name, words in _KEYWORDS)
    + r")(?P<quote>[\"']?)(?P<more>(?:[ \t]+[^\W\d_]{1,20}){0,4}?)"
    r"(?P<mark>[ \t]*[:=][ \t]*|[ \t]+[-–—][ \t]+|[ \t]+(?:is|это)[ \t]+|(?<=[^\W\d_])[ \t]+(?=[^\s\"']*\d))"
    r"(?P<value>\"[^\"\s]+\"|'[^'\s]+'|`[^`\s]+`|«[^»\s]+»|[^\s\"'`«»]+)",
    re.IGNORECASE,
)
_BEARER: Final = re.compile(r"\b(?:bearer|basic)[ \t]+([\w.~+/=-]{16,})", re.IGNORECASE | re.ASCII)
_LINK: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]{1,20}://|www\.|data:|sha(?:256|384|512)-)\S+")
_RUN: Final = re.compile(rf"(?<![A-Za-z0-9+/_=.@-])[A-Za-z0-9+/_=-]{{{ENTROPIC},}}", re.ASCII)
_ALIKE: Final = re.compile(
    r"\d{4}-\d\d-\d\d.*|\d+([./-]\d+)+|v\d+(\.\d+)*|[\w.+-]+@[\w-]+(\.[\w-]+)+|/?[a-z][a-z0-9_]*(/[a-z0-9_{}:.*-]+)+|https?:.*|[a-z_][\w.]*\(.*",
    re.IGNORECASE,
)
"""What stands after "password:" and is none: dates, versions, addresses of mail and of the web, paths, calls."""
_PLACEHOLDER: Final = re.compile(
    r"[<‹$%{\[(*•#].*|[.x•*_-]+|(your|my|some|the|an?|example|test|dummy|fake|placeholder|changeme|insert)([_ .-].*)?"
    r"|(change_?me|none|null|nil|true|false|yes|no|undefined|secret|password|passwd|pass|token|todo|string|str|value"
    r"|required|optional|hidden|пароль|токен|секрет)\W*"
    r"|(process\.env|os\.(environ|getenv)|env|secrets|vars|config|settings)[.\[(].*",
    re.IGNORECASE | re.DOTALL,
)
_TAIL: Final = ".,;:)]}>»\"'`"


def secrets_in(text: str) -> tuple[Pasted, ...]:
    """The secrets of a text in order, none over another."""
    ways = (_by_variable, _by_form, _by_credential, _by_word, _by_looks)
    return tuple(_merged([one for way in ways for one in way(text)]))


def without(text: str, found: Iterable[Pasted]) -> str:
    """The text with the name of each in its place: "‹GITHUB_TOKEN›"."""
    for one in sorted(found, key=lambda pasted: pasted.begin, reverse=True):
        text = f"{text[: one.begin]}‹{one.name}›{text[one.end :]}"
    return text


def _merged(found: Iterable[Pasted]) -> Iterator[Pasted]:
    """Those that lie over each other as one; the name is of the first that was found, thus in the surest way."""
    ranked = {one: place for place, one in reversed(list(enumerate(found)))}
    last: Pasted | None = None
    rank = 0
    for one in sorted(ranked, key=lambda pasted: (pasted.begin, pasted.end)):
        if last is None or one.begin >= last.end:
            if last is not None:
                yield last
            last, rank = one, ranked[one]
            continue
        name = last.name if rank <= ranked[one] else one.name
        last, rank = Pasted(last.begin, max(last.end, one.end), name), min(rank, ranked[one])
    if last is not None:
        yield last


def _by_form(text: str) -> Iterator[Pasted]:
    for name, pattern in _FORMS:
        for match in pattern.finditer(text):
            yield Pasted(match.start(), match.end(), name)


def _by_credential(text: str) -> Iterator[Pasted]:
    """Addresses that hold a password, and what goes with "Bearer"."""
    for match in _URL.finditer(text):
        if not _PLACEHOLDER.fullmatch(match[1]):
            name = "DATABASE_URL" if _DATABASES.match(match[0]) else "SECRET_URL"
            end = match.start() + len(match[0].rstrip(_TAIL))
            yield Pasted(match.start(), end, name)
    for match in _BEARER.finditer(text):
        if re.search(r"\d", match[1]):
            yield Pasted(match.start(1), match.end(1), "TOKEN")


def _by_variable(text: str) -> Iterator[Pasted]:
    """What a variable's name calls one: `API_KEY=...`."""
    for match in _SHELL.finditer(text):
        begin, value = _bare(match.start(2), match[2])
        if _SHELL_SECRET.fullmatch(match[1]) and len(value) >= 4 and not _PLACEHOLDER.fullmatch(value):
            yield Pasted(begin, begin + len(value), match[1])


def _by_word(text: str) -> Iterator[Pasted]:
    """What a word before it calls one: "password: ...", «пароль от почты: ...»."""
    for match in _KEYWORD.finditer(text):
        begin, value = _bare(match.start("value"), match["value"])
        quoted = bool(match["quote"]) and value != match["value"]
        firm = quoted or match["mark"] == "="
        if _is_password(value, firm=firm):
            name = next(name for name, _ in _KEYWORDS if match[name])
            yield Pasted(begin, begin + len(value), name)


def _bare(begin: int, value: str) -> tuple[int, str]:
    """A value without its quotes, or without what ends the sentence; and where it begins."""
    if len(value) > 1 and value[0] in "\"'`«":
        return begin + 1, value[1:-1]
    return begin, value.partition("&")[0].rstrip(_TAIL) or value


def _is_password(value: str, *, firm: bool) -> bool:
    """Whether that may be one. After a colon in prose a plain word is none; with `firm` in front it is."""
    if len(value) < 4 or _PLACEHOLDER.fullmatch(value) or _ALIKE.fullmatch(value):
        return False
    kinds = {_kind(char) for char in value}
    if firm:
        return value.isascii()
    plain = re.fullmatch(r"[^\W\d_]+(?:[-/'’.,][^\W\d_]+)*", value) is not None
    jumps = len(re.findall(r"[a-z][A-Z]", value)) > 1
    enough = len(value) >= 6 and value.isascii()
    return enough and ((not plain and "digit" in kinds) or jumps or _odd(value))


def _odd(value: str) -> bool:
    """Whether it has marks within that no word has."""
    return re.search(r"\w[!@#$%^&*+=~?]\w|[#$%^&*~]", value) is not None


def _kind(char: str) -> str:
    if char.isdigit():
        return "digit"
    if char.isalpha():
        return "upper" if char.isupper() else "lower"
    return "mark"


def _by_looks(text: str) -> Iterator[Pasted]:
    """What is long, without blanks and mixed as no word is, unless it is part of a link."""
    links = [match.span() for match in _LINK.finditer(text)]
    for match in _RUN.finditer(text):
        inside = any(begin <= match.start() < end for begin, end in links)
        if not inside and _is_mixed(match[0]):
            yield Pasted(match.start(), match.end(), "SECRET")


def _is_mixed(run: str) -> bool:
    solid = max(re.split(r"[^A-Za-z0-9]+", run), key=len)
    if re.fullmatch(r"(?:0x)?[0-9a-fA-F]+", solid) and re.fullmatch(r"[0-9a-fA-Fx_=-]+", run):
        return False
    kinds = {_kind(char) for char in run} - {"mark"}
    whole = {"digit", "lower", "upper"} <= kinds and len(solid) >= ENTROPIC // 2
    if not whole and not ({"digit", "lower"} <= kinds and len(solid) >= ENTROPIC):
        return False
    pairs = [(one, other) for one, other in pairwise(run) if one.isalnum() and other.isalnum()]
    changes = sum(_kind(one) != _kind(other) for one, other in pairs)
    return sum(char.isdigit() for char in run) >= 2 and changes >= MIXED * len(pairs)
