"""Who is calling: personal tokens, installation tokens and app tokens (JWT), read from a request's headers.

Tokens are kept as digests, as passwords are. What a caller may see or do is decided in access.py.
"""

import base64
import binascii
import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

import jwt
import msgspec

from localhub.clock import Clock, moment_of, stamp
from localhub.registry import Registry
from localhub.store import Record, Store
from localhub.wire import Problem

DEFAULT_SCOPES = ("admin:org", "admin:org_hook", "delete_repo", "repo", "workflow")
APP_PERMISSIONS = {
    "actions": "write",
    "administration": "write",
    "checks": "write",
    "contents": "write",
    "issues": "write",
    "members": "read",
    "metadata": "read",
    "organization_hooks": "write",
    "pull_requests": "write",
    "secrets": "write",
    "statuses": "write",
    "variables": "write",
    "workflows": "write",
}
APP_EVENTS = (
    "check_run",
    "check_suite",
    "create",
    "delete",
    "organization",
    "pull_request",
    "push",
    "repository",
    "workflow_run",
)
INSTALLATION_TOKEN_LIFE = timedelta(hours=1)


@dataclass(frozen=True)
class Caller:
    """Who makes a request.

    `key` names the credential without telling it. `owner_id` is set for an installation: the one organisation
    that it is for. `selection` is None where all repositories are meant.
    """

    kind: Literal["anonymous", "user", "installation", "app"]
    key: str
    login: str = ""
    user_id: int = 0
    scopes: frozenset[str] = frozenset()
    installation_id: int | None = None
    owner_id: int | None = None
    selection: frozenset[int] | None = None
    permissions: Mapping[str, str] = field(default_factory=dict)
    expires_at: str | None = None

    @property
    def type(self) -> str:
        """GitHub's word for this kind of sender."""
        return "User" if self.kind == "user" else "Bot"


ANONYMOUS = Caller("anonymous", "anonymous")


@dataclass(frozen=True)
class AppSettings:
    """The one GitHub App: its id, and the public key (PEM) that its tokens must be signed for.

    Without a key any well-formed token that names this id is taken, so that a demo needs no key file.
    """

    id: int
    public_key: str | None = None


class Tokens:
    """All credentials."""

    def __init__(self, store: Store, registry: Registry, clock: Clock, app: AppSettings | None) -> None:
        self._store = store
        self._registry = registry
        self._clock = clock
        self.app = app

    def add(self, token: str, *, login: str, scopes: Iterable[str] = DEFAULT_SCOPES) -> None:
        """Let this token act as this user, who is made when there is none; a known token changes its scopes."""
        with self._store.transaction():
            if self._registry.owner(login) is None:
                self._registry.add_owner(login, served=False, kind="User")
            sql = "INSERT OR REPLACE INTO token (digest, login, scopes) VALUES (?, ?, ?)"
            self._store.run(sql, digest(token), login, ",".join(sorted(scopes)))

    def revoke(self, token: str) -> bool:
        """Make a token worthless; False when it was unknown."""
        return self._store.run("DELETE FROM token WHERE digest = ?", digest(token)) > 0

    def add_installation_token(
        self, installation_id: int, repositories: list[int] | None, permissions: Mapping[str, str]
    ) -> tuple[str, str]:
        """A new installation token and when it ends."""
        token = f"ghs_{secrets.token_urlsafe(27)}"
        expires_at = stamp(self._clock.now() + INSTALLATION_TOKEN_LIFE)
        chosen = None if repositories is None else msgspec.json.encode(repositories).decode()
        allowed = msgspec.json.encode(dict(permissions)).decode()
        self._store.run("DELETE FROM token WHERE expires_at < ?", stamp(self._clock.now()))
        values = (digest(token), "", "", installation_id, chosen, allowed, expires_at)
        self._store.run("INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, ?)", *values)
        return token, expires_at

    def caller(self, authorization: str | None) -> Caller:
        """Who an `Authorization` header stands for. Raises Problem 401 for one that stands for nobody."""
        if not authorization:
            return ANONYMOUS
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "basic":
            value = _password(value)
        elif scheme.lower() not in {"bearer", "token"}:
            raise Problem(401, "Bad credentials")
        if value.count(".") == 2 and value.startswith("ey"):
            return self._app_caller(value.strip())
        return self._token_caller(value.strip())

    def _token_caller(self, token: str) -> Caller:
        row = self._store.row("SELECT * FROM token WHERE digest = ?", digest(token))
        if row is None or (row["expires_at"] and moment_of(row["expires_at"]) <= self._clock.now()):
            raise Problem(401, "Bad credentials")
        if row["installation_id"] is None:
            user = self._registry.owner(row["login"])
            scopes = frozenset(filter(None, row["scopes"].split(",")))
            return Caller("user", row["digest"], row["login"], 0 if user is None else user.id, scopes)
        installation = self._store.by_id("installation", "app", row["installation_id"])
        if installation is None:
            raise Problem(401, "Bad credentials")
        narrowed = (
            None if row["repositories"] is None else frozenset(msgspec.json.decode(row["repositories"]))
        )
        return Caller(
            "installation",
            row["digest"],
            login=f"app-{self._app_id()}[bot]",
            user_id=self._app_id(),
            installation_id=installation.id,
            owner_id=installation.data["owner_id"],
            selection=_both(narrowed, selected(installation)),
            permissions=msgspec.json.decode(row["permissions"]),
            expires_at=row["expires_at"],
        )

    def _app_caller(self, token: str) -> Caller:
        if self.app is None:
            raise Problem(
                401, "A JSON web token could not be decoded: this localhub serves no app (--app-id)"
            )
        try:
            claims = self._claims(token)
        except jwt.PyJWTError as error:
            raise Problem(401, f"A JSON web token could not be decoded: {error}") from error
        if str(claims.get("iss")) != str(self.app.id):
            raise Problem(401, "A JSON web token could not be decoded: 'iss' is not this app's id")
        return Caller("app", f"app:{self.app.id}", f"app-{self.app.id}[bot]", self.app.id)

    def _claims(self, token: str) -> dict[str, Any]:
        if self.app is not None and self.app.public_key:
            return jwt.decode(
                token, self.app.public_key, algorithms=["RS256"], leeway=60, options={"verify_iss": False}
            )
        return jwt.decode(token, options={"verify_signature": False, "verify_exp": True}, leeway=60)

    def _app_id(self) -> int:
        return 0 if self.app is None else self.app.id


def digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def selected(installation: Record) -> frozenset[int] | None:
    """The repositories that an installation is limited to; None when it has all."""
    data = installation.data
    return frozenset(data["repositories"]) if data["selection"] == "selected" else None


def _both(one: frozenset[int] | None, other: frozenset[int] | None) -> frozenset[int] | None:
    if one is None or other is None:
        return other if one is None else one
    return one & other


def _password(encoded: str) -> str:
    """The password of Basic authentication, or its user name where that is all there is."""
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Problem(401, "Bad credentials") from error
    return user if password in {"", "x-oauth-basic"} else password
