"""GitHub's JSON of repositories, decoded into facts and hashed. Nothing here talks to a server.

Tolerant of everything that does not matter: unknown fields are skipped, missing optional ones have defaults,
optional ones of a wrong type count as missing. What does matter is never guessed: an entry without a usable
id, name or owner is a flaw of its page.

Facts are kept as one canonical encoding per repository (a third of the objects' size); a digest is a hash of
it, so equal facts and equal digests are the same thing, and `Repo` objects are made only when asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Annotated, Any, NamedTuple

import msgspec

from steward.domain.repository import Repo

DIGEST_VERSION = 1
"""Counts up whenever the encoding below changes, so that validators kept beside older digests are dropped."""

MAX_ID = 2**63 - 1
"""The largest id that databases hold."""

_Time = Annotated[datetime, msgspec.Meta(tz=True)]


class _Owner(msgspec.Struct, gc=False):
    id: int
    login: str


class _Entry(msgspec.Struct, gc=False):
    """A repository as both the listing and the answer by id show it; the fields that both of them have."""

    id: int
    name: str
    owner: _Owner
    node_id: str = ""
    private: bool = True
    visibility: str | None = None
    default_branch: str | None = None
    description: str | None = None
    archived: bool = False
    disabled: bool = False
    fork: bool = False
    topics: list[str] = []
    html_url: str = ""
    created_at: _Time | None = None
    pushed_at: _Time | None = None


class _Facts(NamedTuple):
    """The canonical encoding, in this order. A change here counts DIGEST_VERSION up."""

    id: int
    name: str
    owner_id: int
    owner_login: str
    node_id: str
    visibility: str
    default_branch: str | None
    description: str | None
    archived: bool
    disabled: bool
    fork: bool
    topics: tuple[str, ...]
    html_url: str
    created_at: datetime | None
    pushed_at: datetime | None


_entries = msgspec.json.Decoder(list[_Entry])
_entry = msgspec.json.Decoder(_Entry)
_encode = msgspec.msgpack.Encoder().encode
_facts = msgspec.msgpack.Decoder(_Facts)


class Malformed(Exception):
    """A body that is not what was asked for. The message says what it is instead."""


@dataclass(slots=True)
class PageFacts:
    """What one page of a listing held, by id. `flaws` says what of it could not be used."""

    facts: dict[int, bytes] = field(default_factory=dict)
    digests: dict[int, int] = field(default_factory=dict)
    owners: set[tuple[int, str]] = field(default_factory=set)
    flaws: list[str] = field(default_factory=list)


class Repos(Mapping[int, Repo]):
    """Facts by id, made into `Repo` when asked for, each time anew."""

    __slots__ = ("_by_id",)

    def __init__(self, by_id: dict[int, bytes]) -> None:
        self._by_id = by_id

    def __getitem__(self, repo_id: int) -> Repo:
        return to_repo(self._by_id[repo_id])

    def __iter__(self) -> Iterator[int]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, repo_id: object) -> bool:
        return repo_id in self._by_id


def digest(facts: bytes) -> int:
    """A stable hash of the canonical encoding: 63 bits, so that signed 64-bit columns hold it."""
    return int.from_bytes(blake2b(facts, digest_size=8).digest(), "big") >> 1


def to_repo(facts: bytes) -> Repo:
    """Make the domain's value of it."""
    known = _facts.decode(facts)
    return Repo(digest=digest(facts), **known._asdict())


def read_page(body: bytes) -> PageFacts:
    """Decode a page of a listing. Raises Malformed if it is not a JSON list at all."""
    page = PageFacts()
    for entry in _decode_page(body):
        if isinstance(entry, str):
            page.flaws.append(entry)
            continue
        number = entry.id
        if number in page.facts:
            page.flaws.append(f"it names repository {number} twice")
        facts = _canonical(entry)
        page.facts[number] = facts
        page.digests[number] = digest(facts)
        page.owners.add((entry.owner.id, entry.owner.login))
    return page


def read_one(body: bytes) -> bytes:
    """Decode the answer by id into canonical facts. Raises Malformed."""
    try:
        entry = _entry.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # the tolerant way below finds out whether it matters
    else:
        if _usable(entry):
            return _canonical(entry)
    tolerated = _tolerate(_decode_any(body))
    if isinstance(tolerated, str):
        raise Malformed(tolerated)
    return _canonical(tolerated)


def _canonical(entry: _Entry) -> bytes:
    """Topics are sorted, for their order says nothing; times become UTC in the encoding itself."""
    return _encode(
        (
            entry.id,
            entry.name,
            entry.owner.id,
            entry.owner.login,
            entry.node_id,
            entry.visibility or ("private" if entry.private else "public"),
            entry.default_branch,
            entry.description,
            entry.archived,
            entry.disabled,
            entry.fork,
            sorted(entry.topics) if entry.topics else (),
            entry.html_url,
            entry.created_at,
            entry.pushed_at,
        )
    )


def _decode_page(body: bytes) -> Sequence[_Entry | str]:
    """Entries, and a sentence for each that cannot be used."""
    try:
        entries = _entries.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass  # the tolerant way below finds out whether it matters
    else:
        if all(map(_usable, entries)):
            return entries
    decoded = _decode_any(body)
    if not isinstance(decoded, list):
        raise Malformed(f"not a list but {_describe(decoded)}")
    return [_tolerate(item) for item in decoded]


def _decode_any(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Malformed("not JSON") from None


def _usable(entry: _Entry) -> bool:
    """Whether its facts can be taken as they are: identity whole, and texts that PostgreSQL stores."""
    owner = entry.owner
    if not (0 < entry.id <= MAX_ID and 0 < owner.id <= MAX_ID and entry.name and owner.login):
        return False
    names = entry.name + owner.login
    texts = f"{entry.description}{entry.default_branch}{entry.html_url}{entry.node_id}{entry.visibility}"
    if entry.topics:
        texts += "".join(entry.topics)
    return "/" not in names and names.isprintable() and "\0" not in texts


def _is_name(name: object) -> bool:
    return isinstance(name, str) and name != "" and "/" not in name and name.isprintable()


def _tolerate(item: Any) -> _Entry | str:
    """Take of a decoded entry what has the right type; a sentence if that is not enough."""
    if not isinstance(item, dict):
        return f"an entry is {_describe(item)}"
    owner = item.get("owner")
    owner = owner if isinstance(owner, dict) else {}
    if not (_is_id(item.get("id")) and _is_name(item.get("name"))):
        return "an entry has no usable id or name"
    if not (_is_id(owner.get("id")) and _is_name(owner.get("login"))):
        return f"the entry of repository {item['id']} has no usable owner"
    topics = item.get("topics")
    return _Entry(
        id=item["id"],
        name=item["name"],
        owner=_Owner(owner["id"], owner["login"]),
        node_id=_text(item.get("node_id")) or "",
        private=_flag(item.get("private"), otherwise=True),
        visibility=_text(item.get("visibility")),
        default_branch=_text(item.get("default_branch")),
        description=_text(item.get("description")),
        archived=_flag(item.get("archived")),
        disabled=_flag(item.get("disabled")),
        fork=_flag(item.get("fork")),
        topics=[t for t in map(_text, topics) if t] if isinstance(topics, list) else [],
        html_url=_text(item.get("html_url")) or "",
        created_at=_time(item.get("created_at")),
        pushed_at=_time(item.get("pushed_at")),
    )


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_ID


def _flag(value: object, *, otherwise: bool = False) -> bool:
    return value if isinstance(value, bool) else otherwise


def _text(value: object) -> str | None:
    """Text without NUL characters: PostgreSQL stores none."""
    return value.replace("\0", "") if isinstance(value, str) else None


def _time(value: object) -> datetime | None:
    """A moment, however it is written: RFC 3339, or seconds since the epoch as in push payloads."""
    try:
        if isinstance(value, str):
            at = msgspec.convert(value, datetime)
            return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
        if isinstance(value, int) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC)
    except (msgspec.ValidationError, ValueError, OverflowError, OSError):
        return None
    return None


def _describe(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, dict):
        message = value.get("message")
        return f"an object saying {message[:80]!r}" if isinstance(message, str) else "an object"
    kinds = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}
    return kinds[type(value)]
