"""Fills an organisation: with the sample, with generated repositories, or with a recorded answer of GitHub's.

Each filling is noted, so that a second start with the same data brings nothing back that was deleted since.
"""

import gzip
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from localhub import sample
from localhub.clock import stamp
from localhub.core import Core
from localhub.registry import NewRepo, Owner
from localhub.render import GOVERNED

_KINDS = [
    "api",
    "app",
    "bot",
    "docs",
    "infra",
    "jobs",
    "landing",
    "lib",
    "portal",
    "service",
    "shop",
    "site",
    "tool",
    "web",
    "worker",
]
_THINGS = [
    "atlas",
    "basket",
    "billing",
    "booking",
    "cargo",
    "catalog",
    "chat",
    "clinic",
    "coupon",
    "courier",
    "delivery",
    "event",
    "feed",
    "fleet",
    "garden",
    "gift",
    "guide",
    "harbor",
    "invoice",
    "kitchen",
    "lesson",
    "loyalty",
    "market",
    "menu",
    "meter",
    "music",
    "news",
    "order",
    "parcel",
    "photo",
    "poll",
    "quote",
    "recipe",
    "rental",
    "review",
    "ride",
    "school",
    "search",
    "seat",
    "signal",
    "stock",
    "survey",
    "ticket",
    "travel",
    "vote",
    "wallet",
    "weather",
]
_SPAN_DAYS = 2_500
_BATCH = 5_000


class BadRecording(ValueError):
    """A recorded answer cannot be read."""


def ensure_org(core: Core, login: str) -> Owner:
    """The organisation of this login, made when there is none; also under a login that it bore before."""
    known = core.store.note(f"org:{login.lower()}")
    if known is not None:
        found = core.registry.owner_by_id(int(known))
        if found is not None:
            return found
    with core.store.transaction():
        owner = core.registry.owner(login) or core.registry.add_owner(login, served=True)
        core.store.set_note(f"org:{login.lower()}", str(owner.id))
        _install_app(core, owner)
    return owner


def _install_app(core: Core, owner: Owner) -> None:
    """Give the organisation its installation of the app, with all repositories."""
    if core.store.by_key("installation", "app", str(owner.id)) is None:
        facts = {"owner_id": owner.id, "selection": "all", "repositories": []}
        core.store.add("installation", "app", str(owner.id), facts)


def add_sample(core: Core, owner: Owner) -> None:
    """Put the sample repositories into an organisation, once."""
    if core.store.note(f"sample:{owner.id}") is not None:
        return
    with core.store.transaction():
        core.registry.add_repos(owner.id, [_sample_repo(one) for one in sample.SAMPLES])
        core.store.set_note(f"sample:{owner.id}", "1")


def _sample_repo(one: sample.Sample) -> NewRepo:
    extra: dict[str, Any] = {"language": one.language, "topics": list(one.topics)}
    extra |= {"stargazers_count": one.stars, "watchers_count": one.stars, "watchers": one.stars}
    extra["size"] = sum(len(text or "") for step in one.steps for text in step.files.values()) // 1024 + 1
    if one.template:
        extra["is_template"] = True
    return NewRepo(
        name=one.name,
        visibility=one.visibility,
        description=one.description,
        seed=f"sample:{one.name}",
        archived=one.archived,
        created_at=one.created_at,
        pushed_at=one.pushed_at,
        extra=_json(extra),
    )


def add_generated(core: Core, owner: Owner, count: int) -> None:
    """Bring the number of generated repositories of an organisation up to `count`, counting deleted ones."""
    done = int(core.store.note(f"generated:{owner.id}") or 0)
    wanted = [_generated(number) for number in range(done, count)]
    with core.store.transaction():
        for start in range(0, len(wanted), _BATCH):
            core.registry.add_repos(owner.id, wanted[start : start + _BATCH])
        if wanted:
            core.store.set_note(f"generated:{owner.id}", str(count))


def _generated(number: int) -> NewRepo:
    """The repository of this number: always the same, later numbers later in time."""
    draw = random.Random(number)  # noqa: S311 # to be the same every time
    thing, kind = _THINGS[number % len(_THINGS)], _KINDS[number // len(_THINGS) % len(_KINDS)]
    rounds = number // (len(_THINGS) * len(_KINDS))
    # The step shrinks as numbers grow, so that any count of repositories ends before the present.
    days = _SPAN_DAYS * (1 - 1 / (1 + number / 500))
    created = datetime(2019, 1, 7, 8, tzinfo=UTC) + timedelta(days=days, seconds=draw.randrange(60))
    pushed = created + timedelta(seconds=draw.randrange(1, 120 * 86_400))
    visibility = draw.choices(("private", "public", "internal"), (6, 3, 1))[0]
    return NewRepo(
        name=f"{thing}-{kind}" + (f"-{rounds + 1}" if rounds else ""),
        visibility=visibility,
        description=f"{kind.capitalize()} of the {thing} team" if draw.random() < 0.8 else None,
        seed="readme",
        archived=draw.random() < 0.03,
        created_at=stamp(created),
        pushed_at=stamp(pushed),
    )


def load_recording(core: Core, path: Path, login: str | None = None) -> Owner:
    """Bring in a recorded list of repositories, once, with its ids; return the organisation.

    The file holds one JSON object a line, `{"url", "status", "headers", "body"}`, where `body` is a list of
    repositories as GitHub gave it; it may be compressed with gzip. The organisation is the owner named in it,
    or `login` where given, and keeps the recorded owner's id. Raises BadRecording.
    """
    repos = list(_recorded(path))
    if not repos:
        raise BadRecording(f"{path} holds no repositories")
    facts = repos[0]["owner"]
    owner = core.registry.owner_by_id(facts["id"])
    if owner is None:
        with core.store.transaction():
            name = login or facts["login"]
            owner = core.registry.add_owner(name, served=True, owner_id=facts["id"])
            core.store.set_note(f"org:{name.lower()}", str(owner.id))
            core.registry.add_repos(owner.id, [_recorded_repo(one) for one in repos])
            _install_app(core, owner)
    return owner


def _recorded(path: Path) -> Iterator[dict[str, Any]]:
    seen: set[int] = set()
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                for one in _page(path, number, line):
                    if one["id"] not in seen:
                        seen.add(one["id"])
                        yield one
    except (OSError, EOFError) as error:
        raise BadRecording(f"{path} cannot be read: {error}") from error


def _page(path: Path, number: int, line: bytes) -> list[dict[str, Any]]:
    """The repositories of one recorded page. Raises BadRecording that names the line."""
    where = f"{path}, line {number}"
    try:
        page = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRecording(f"{where} is not JSON: {error}") from error
    body = page.get("body") if isinstance(page, dict) else None
    if not isinstance(body, list) or page.get("status") != 200:
        raise BadRecording(f'{where} is not {{"url", "status": 200, "headers", "body": [repositories]}}')
    for one in body:
        if not isinstance(one, dict) or not {"id", "name", "owner", "created_at"} <= one.keys():
            raise BadRecording(f"{where} holds something that is not a repository")
    return body


def _recorded_repo(one: Mapping[str, Any]) -> NewRepo:
    kept = {name: value for name, value in one.items() if name not in GOVERNED}
    return NewRepo(
        id=one["id"],
        name=one["name"],
        visibility=one.get("visibility") or ("private" if one.get("private") else "public"),
        description=one.get("description"),
        default_branch=one.get("default_branch") or "main",
        seed="readme",
        archived=bool(one.get("archived")),
        created_at=one["created_at"],
        updated_at=one.get("updated_at"),
        pushed_at=one.get("pushed_at"),
        extra=_json(kept),
    )


def _json(fields: Mapping[str, Any]) -> str:
    return msgspec.json.encode(fields).decode()
