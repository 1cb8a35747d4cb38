"""Owners and repositories as the database holds them: found by id and by name, former names included.

Here lie the rules of names: they are compared without regard to case, an old one leads to the same id until it
is used again, and a deleted repository keeps its id and can come back for 90 days. It decides nothing about who
may see or do what, and sends no events.
"""

import re
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from types import TracebackType
from typing import Any, Literal

import msgspec

from localhub.clock import Clock, moment_of, stamp
from localhub.store import Store

Visibility = Literal["public", "private", "internal"]
VISIBILITIES: tuple[Visibility, ...] = ("public", "private", "internal")
RESTORE_DAYS = 90
"""For so long GitHub keeps a deleted repository for its owner to restore."""

_FIRST_OWNER_ID = 9_001
_FIRST_REPO_ID = 500_001
_REPO_NAME = re.compile(r"[A-Za-z0-9._-]{1,100}")
_LOGIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9]|-(?=[A-Za-z0-9])){0,38}")
_REPO_COLUMNS = (
    "id, owner_id, name, name_key, visibility, archived, description, default_branch, created_at, updated_at, "
    "pushed_at, deleted_at, version, seed, extra"
)
_INSERT_REPO = f"INSERT INTO repo ({_REPO_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 # names of columns
_REPO = "SELECT repo.*, owner.login, owner.type FROM repo JOIN owner ON owner.id = repo.owner_id"


class NameTaken(ValueError):
    """Another repository or owner has this name."""


class BadName(ValueError):
    """GitHub would not accept this as a name."""


@dataclass(frozen=True, slots=True)
class Owner:
    """An organisation or a user. `served` says whether it is one of this localhub's own."""

    id: int
    login: str
    type: str
    served: bool
    created_at: str
    updated_at: str
    version: int
    extra: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Repo:
    """A repository; times are as GitHub writes them (`2026-01-31T09:30:00Z`).

    `version` grows with every change. `seed` says what its git repository is made from when it is first asked
    for. `extra` holds further fields of GitHub's answer, JSON encoded.
    """

    id: int
    owner_id: int
    owner: str
    owner_type: str
    name: str
    visibility: str
    archived: bool
    description: str | None
    default_branch: str
    created_at: str
    updated_at: str
    pushed_at: str | None
    deleted_at: str | None
    version: int
    seed: str
    extra: str

    @property
    def full_name(self) -> str:
        """`owner/name`."""
        return f"{self.owner}/{self.name}"

    @property
    def private(self) -> bool:
        """Whether it is hidden from strangers: private or internal."""
        return self.visibility != "public"

    @property
    def scope(self) -> str:
        """Where its records are kept."""
        return f"repo:{self.id}"

    def extras(self) -> dict[str, Any]:
        """The further fields, decoded."""
        found: dict[str, Any] = msgspec.json.decode(self.extra)
        return found


@dataclass(frozen=True)
class NewRepo:
    """What a new repository is to be; without an id or a date it gets the next and the present one."""

    name: str
    visibility: str = "private"
    description: str | None = None
    default_branch: str = "main"
    seed: str = "empty"
    archived: bool = False
    created_at: str | None = None
    updated_at: str | None = None
    pushed_at: str | None = None
    id: int | None = None
    extra: str = "{}"


def clean_name(name: str) -> str:
    """A repository's name as GitHub would store it. Raises BadName for one that it refuses."""
    cleaned = re.sub(r"[^A-Za-z0-9._-]+", "-", name.strip()).removesuffix(".git")
    if not name.strip() or cleaned in {"", ".", ".."} or not _REPO_NAME.fullmatch(cleaned):
        raise BadName("name is invalid: 1 to 100 letters, digits, '.', '-' or '_'")
    return cleaned


def clean_login(login: str) -> str:
    """An owner's login. Raises BadName for one that GitHub refuses."""
    if not _LOGIN.fullmatch(login):
        raise BadName("login is invalid: up to 39 letters, digits or single hyphens, none at either end")
    return login


class Registry:
    """All owners and repositories. `generation` grows with every change of any of them."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.generation = 0

    def owner(self, login: str) -> Owner | None:
        """The owner of this login, whatever its case; a former login finds nobody."""
        row = self._store.row("SELECT * FROM owner WHERE login_key = ?", login.lower())
        return None if row is None else _owner(row)

    def owner_by_id(self, owner_id: int) -> Owner | None:
        """The owner with this id."""
        row = self._store.row("SELECT * FROM owner WHERE id = ?", owner_id)
        return None if row is None else _owner(row)

    def organisations(self) -> list[Owner]:
        """The organisations that this localhub serves, oldest first."""
        return [_owner(row) for row in self._store.rows("SELECT * FROM owner WHERE served = 1 ORDER BY id")]

    def add_owner(
        self,
        login: str,
        *,
        served: bool,
        kind: str = "Organization",
        owner_id: int | None = None,
        created_at: str | None = None,
    ) -> Owner:
        """Make an owner. Raises NameTaken and BadName."""
        clean_login(login)
        now = created_at or stamp(self._clock.now())
        with self._changing():
            if self.owner(login) is not None:
                raise NameTaken(f"the login {login} is in use")
            if owner_id is None:
                owner_id = self._store.next_id("owner", first=_FIRST_OWNER_ID)
            else:
                self._store.reserve_id("owner", owner_id)
            sql = "INSERT INTO owner VALUES (?, ?, ?, ?, ?, ?, ?, 1, '{}')"
            self._store.run(sql, owner_id, login, login.lower(), kind, int(served), now, now)
            self._store.run("DELETE FROM former_login WHERE login_key = ?", login.lower())
        return Owner(owner_id, login, kind, served, now, now, 1, {})

    def rename_owner(self, owner: Owner, login: str) -> Owner:
        """Give an owner another login; addresses of its repositories under the old one lead on."""
        clean_login(login)
        with self._changing():
            other = self.owner(login)
            if other is not None and other.id != owner.id:
                raise NameTaken(f"the login {login} is in use")
            self._store.run("DELETE FROM former_login WHERE login_key = ?", login.lower())
            if login.lower() != owner.login.lower():
                sql = "INSERT OR REPLACE INTO former_login VALUES (?, ?)"
                self._store.run(sql, owner.login.lower(), owner.id)
            return self.change_owner(replace(owner, login=login))

    def change_owner(self, owner: Owner) -> Owner:
        """Write an owner's login and further fields."""
        changed = replace(owner, version=owner.version + 1, updated_at=stamp(self._clock.now()))
        with self._changing():
            self._store.run(
                "UPDATE owner SET login = ?, login_key = ?, updated_at = ?, version = ?, extra = ? WHERE id = ?",
                changed.login,
                changed.login.lower(),
                changed.updated_at,
                changed.version,
                msgspec.json.encode(changed.extra).decode(),
                changed.id,
            )
        return changed

    def repo_by_id(self, repo_id: int, *, deleted: bool = False) -> Repo | None:
        """The repository with this id; deleted ones only when asked for."""
        row = self._store.row(f"{_REPO} WHERE repo.id = ?", repo_id)
        return None if row is None or (row["deleted_at"] and not deleted) else _repo(row)

    def repo_by_name(self, login: str, name: str) -> tuple[Repo | None, bool]:
        """The repository of this name, and whether the name is one that it no longer bears."""
        key = name.lower().removesuffix(".git")
        sql = f"{_REPO} WHERE owner.login_key = ? AND repo.name_key = ? AND deleted_at IS NULL"
        row = self._store.row(sql, login.lower(), key)
        if row is not None:
            return _repo(row), False
        return self._by_former_name(login.lower(), key), True

    def _by_former_name(self, login_key: str, name_key: str) -> Repo | None:
        sql = (
            "SELECT id FROM owner WHERE login_key = ? UNION ALL "
            "SELECT owner_id FROM former_login WHERE login_key = ?"
        )
        owner = self._store.row(sql, login_key, login_key)
        if owner is None:
            return None
        held = f"{_REPO} WHERE owner_id = ? AND repo.name_key = ? AND deleted_at IS NULL"
        row = self._store.row(held, owner["id"], name_key)
        if row is None:
            left = (
                f"{_REPO} JOIN former_name f ON f.repo_id = repo.id WHERE f.owner_id = ? AND f.name_key = ?"
            )
            row = self._store.row(f"{left} AND deleted_at IS NULL", owner["id"], name_key)
        return None if row is None else _repo(row)

    def repos_by_id(self, repo_ids: Iterable[int]) -> dict[int, Repo]:
        """Many repositories at once, by id."""
        listed = ", ".join(str(int(one)) for one in repo_ids)
        return {row["id"]: _repo(row) for row in self._store.rows(f"{_REPO} WHERE repo.id IN ({listed})")}

    def deleted(self) -> list[Repo]:
        """The deleted repositories, latest first."""
        rows = self._store.rows(
            f"{_REPO} WHERE deleted_at IS NOT NULL ORDER BY deleted_at DESC, repo.id DESC"
        )
        return [_repo(row) for row in rows]

    def add_repos(self, owner_id: int, wanted: list[NewRepo]) -> range | list[int]:
        """Make many repositories at once; return their ids in order. Raises NameTaken and BadName."""
        now = stamp(self._clock.now())
        with self._changing():
            known = [one.id for one in wanted if one.id is not None]
            if known:
                self._store.reserve_id("repo", max(known))
            fresh = iter(self._store.next_ids("repo", len(wanted) - len(known), first=_FIRST_REPO_ID))
            ids = [next(fresh) if one.id is None else one.id for one in wanted]
            rows = [_row(number, owner_id, one, now) for number, one in zip(ids, wanted, strict=True)]
            try:
                self._store.run_many(_INSERT_REPO, rows)
            except sqlite3.IntegrityError as error:
                raise NameTaken("name already exists on this account") from error
            self._store.run_many(
                "DELETE FROM former_name WHERE owner_id = ? AND name_key = ?",
                [(owner_id, row[3]) for row in rows],
            )
        return ids

    def change_repo(self, repo: Repo, *, touch: bool = True) -> Repo:
        """Write a repository's state; a name or owner that it leaves behind leads to it from now on.

        `touch` moves `updated_at` to now. Raises NameTaken.
        """
        with self._changing():
            before = self.repo_by_id(repo.id, deleted=True)
            if before is None:
                raise LookupError(f"there is no repository {repo.id}")
            now = stamp(self._clock.now()) if touch else repo.updated_at
            changed = replace(repo, version=before.version + 1, updated_at=now)
            self._write(changed)
            old, new = (before.owner_id, before.name.lower()), (changed.owner_id, changed.name.lower())
            if old != new:
                self._store.run("DELETE FROM former_name WHERE owner_id = ? AND name_key = ?", *new)
                self._store.run("INSERT OR REPLACE INTO former_name VALUES (?, ?, ?)", *old, repo.id)
        found = self.repo_by_id(repo.id, deleted=True)
        return changed if found is None else found

    def _write(self, repo: Repo) -> None:
        sql = (
            "UPDATE repo SET owner_id = ?, name = ?, name_key = ?, visibility = ?, archived = ?, "
            "description = ?, default_branch = ?, updated_at = ?, pushed_at = ?, deleted_at = ?, version = ?, "
            "seed = ?, extra = ? WHERE id = ?"
        )
        values = (repo.owner_id, repo.name, repo.name.lower(), repo.visibility, int(repo.archived))
        times = (repo.description, repo.default_branch, repo.updated_at, repo.pushed_at, repo.deleted_at)
        try:
            self._store.run(sql, *values, *times, repo.version, repo.seed, repo.extra, repo.id)
        except sqlite3.IntegrityError as error:
            raise NameTaken("name already exists on this account") from error

    def delete_repo(self, repo: Repo) -> Repo:
        """Delete a repository; its former names lead nowhere until it is restored."""
        return self.change_repo(replace(repo, deleted_at=stamp(self._clock.now())), touch=False)

    def restore_repo(self, repo: Repo) -> Repo:
        """Bring a deleted repository back under its id and name. Raises NameTaken, and BadName when too late."""
        deadline = moment_of(repo.deleted_at or "") + timedelta(days=RESTORE_DAYS)
        if self._clock.now() > deadline:
            raise BadName(f"it was deleted more than {RESTORE_DAYS} days ago")
        return self.change_repo(replace(repo, deleted_at=None))

    def _changing(self) -> "_Changing":
        return _Changing(self, self._store)


class _Changing:
    """A transaction that notes that something changed."""

    def __init__(self, registry: Registry, store: Store) -> None:
        self._registry = registry
        self._transaction = store.transaction()

    def __enter__(self) -> None:
        self._transaction.__enter__()
        self._registry.generation += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transaction.__exit__(kind, error, trace)


def _row(number: int, owner_id: int, one: NewRepo, now: str) -> tuple[object, ...]:
    name = clean_name(one.name)
    created = one.created_at or now
    head = (number, owner_id, name, name.lower(), one.visibility, int(one.archived), one.description)
    times = (one.default_branch, created, one.updated_at or one.pushed_at or created, one.pushed_at, None)
    return (*head, *times, 1, one.seed, one.extra)


def _owner(row: sqlite3.Row) -> Owner:
    extra = msgspec.json.decode(row["extra"])
    times = (row["created_at"], row["updated_at"], row["version"], extra)
    return Owner(row["id"], row["login"], row["type"], bool(row["served"]), *times)


def _repo(row: sqlite3.Row) -> Repo:
    return Repo(
        id=row["id"],
        owner_id=row["owner_id"],
        owner=row["login"],
        owner_type=row["type"],
        name=row["name"],
        visibility=row["visibility"],
        archived=bool(row["archived"]),
        description=row["description"],
        default_branch=row["default_branch"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        pushed_at=row["pushed_at"],
        deleted_at=row["deleted_at"],
        version=row["version"],
        seed=row["seed"],
        extra=row["extra"],
    )
