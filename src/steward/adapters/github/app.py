"""A GitHub App: its own JWT, its installations, and their tokens with what they may list.

It reads the App's affairs alone, never a repository.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from steward.adapters.github.answer import Answer
from steward.adapters.github.credentials import App, Credential, Source, TokenSource, credential_key
from steward.adapters.github.limits import Meter, server_time
from steward.adapters.github.wire import Grant, Tally, Wire
from steward.domain.credentials import CredentialKind, Declared
from steward.domain.instant import Instant, elapsed_s
from steward.domain.repository import Access
from steward.ports.errors import BadSettings, NoSuchOrganisation, Unauthorised, Uninstalled, Unreachable
from steward.ports.outside import Clock

_T = TypeVar("_T")

_RENEW_EARLY_S = 300.0
_JWT_BACKDATED_S = 60
_JWT_LIFE_S = 540
"""GitHub takes at most ten minutes; a clock a minute ahead of GitHub's is forgiven by dating it back."""


class _Account(msgspec.Struct):
    id: int
    login: str


class _Installation(msgspec.Struct):
    id: int
    account: _Account
    repository_selection: str = ""
    suspended_at: str | None = None
    permissions: dict[str, str] | None = None


class _AccessToken(msgspec.Struct):
    token: str
    expires_at: datetime


@dataclass(slots=True)
class _Installed:
    """What is kept of one installation: its limits, and its token for `life_s` after `told`."""

    meter: Meter
    token: str = field(default="", repr=False)
    told: Instant | None = None
    life_s: float = 0.0


class AppSource:
    """Installation tokens, each kept until five minutes before its end.

    Their validators are kept under App and installation, not under the token, which changes every hour: a
    validator that the server bound to an older token is merely not recognised (a page is sent again), and
    one that it recognises vouches for the very same bytes, whoever asks.
    """

    def __init__(self, app: App, wire: Wire, clock: Clock, meter: Callable[[], Meter]) -> None:
        self._app_id = str(app.app_id).strip()
        if not self._app_id:
            raise BadSettings("the GitHub App has no id", "Set STEWARD_GITHUB_APP_ID")
        self._key = _load_key(app.private_key_pem)
        self._only = app.installation_id
        self._wire = wire
        self._clock = clock
        self._new_meter = meter
        self._lock = threading.RLock()
        self._app_meter = meter()
        self._installations: dict[int, _Installation] = {}
        self._installed: dict[int, _Installed] = {}

    def grant(self, login: str, owner_id: int | None) -> Grant:
        """The grant of the installation on that organisation."""
        with self._lock:
            return self._grant_of(self._only or self._find(login, owner_id).id)

    def grants(self) -> Iterator[Grant | Unauthorised]:
        """One per installation."""
        with self._lock:
            if self._only is None and not self._installations:
                self._load()
            numbers = [self._only] if self._only is not None else list(self._installations)
        if not numbers:
            yield Unauthorised("the GitHub App is installed nowhere", "Install it on the organisation")
        for number in numbers:
            try:
                with self._lock:
                    grant = self._grant_of(number)
            except Unauthorised as refusal:
                yield refusal
            else:
                yield grant

    def access(self, login: str, owner_id: int | None) -> Access:
        """Asked anew each time: a selection made a minute ago must not make repositories look deleted."""
        installation = self._installation(login, owner_id)
        kinds = {"all": Access.ALL, "selected": Access.SELECTED}
        return kinds.get(installation.repository_selection, Access.UNKNOWN)

    def declared(self, login: str, owner_id: int | None) -> Declared | None:
        """The installation's permissions, asked anew: its owner may have accepted more of them, or fewer."""
        permissions = self._installation(login, owner_id).permissions
        if permissions is None:
            return Declared(CredentialKind.APP)
        rights = frozenset(f"{name}:{level}" for name, level in permissions.items())
        return Declared(CredentialKind.APP, rights)

    def _installation(self, login: str, owner_id: int | None) -> _Installation:
        with self._lock:
            number = self._only or self._find(login, owner_id).id
        answer = self._ask(f"/app/installations/{number}")
        if answer.status == 404:
            raise self._uninstalled(number)
        return _decode(answer, _Installation)

    def refused(self, grant: Grant) -> None:
        """Drop its token, so that the next request fetches a new one."""
        with self._lock:
            for installed in self._installed.values():
                if installed.token == grant.token:
                    installed.told = None

    def _find(self, login: str, owner_id: int | None) -> _Installation:
        """By numeric id where known, so that a renamed organisation is found."""
        found = self._known(login, owner_id)
        if found is None:
            self._load()
            found = self._known(login, owner_id)
        if found is None:
            raise NoSuchOrganisation(
                f"the GitHub App is not installed on {login}",
                "Install the App on the organisation, or correct its name in STEWARD_GITHUB_ORGS",
            )
        if found.suspended_at is not None:
            self._installations = {}
            raise Unauthorised(
                f"the installation of the GitHub App on {login} is suspended", "Unsuspend it in its settings"
            )
        return found

    def _known(self, login: str, owner_id: int | None) -> _Installation | None:
        for installation in self._installations.values():
            account = installation.account
            same = account.id == owner_id if owner_id else account.login.lower() == login.lower()
            if same:
                return installation
        return None

    def _load(self) -> None:
        found: dict[int, _Installation] = {}
        number: int | None = 1
        while number is not None:
            answer = self._ask("/app/installations", {"per_page": "100", "page": str(number)})
            for installation in _decode(answer, list[_Installation]):
                found[installation.id] = installation
            try:
                following = answer.links().next
            except ValueError as error:
                raise Unreachable(f"the list of installations cannot be followed: {error}") from None
            number = following if following is not None and following > number else None
        self._installations = found

    def _grant_of(self, number: int) -> Grant:
        installed = self._installed.setdefault(number, _Installed(self._new_meter()))
        now = self._clock.now()
        if installed.told is None or elapsed_s(installed.told, now) >= installed.life_s - _RENEW_EARLY_S:
            self._renew(number, installed, now)
        key = credential_key(f"app {self._app_id} installation {number}")
        return Grant(installed.token, installed.meter, key)

    def _renew(self, number: int, installed: _Installed, now: Instant) -> None:
        url = self._wire.address(f"/app/installations/{number}/access_tokens")
        answer = self._wire.post(url, self._app_grant(), Tally())
        if answer.status in {403, 404}:
            raise self._uninstalled(number)
        fresh = _decode(answer, _AccessToken)
        if fresh.expires_at.tzinfo is None:
            raise Unreachable("the server told no time zone with the end of an installation token")
        installed.token, installed.told = fresh.token, now
        installed.life_s = (fresh.expires_at - (server_time(answer) or now.at)).total_seconds()

    def _uninstalled(self, number: int) -> Uninstalled:
        with self._lock:
            self._installations = {}
            self._installed.pop(number, None)
        return Uninstalled(
            f"installation {number} of the GitHub App is gone or suspended",
            "Install the App on the organisation again, or correct the installation id",
        )

    def _ask(self, path: str, params: dict[str, str] | None = None) -> Answer:
        return self._wire.get(self._wire.address(path, params), self._app_grant(), Tally())

    def _app_grant(self) -> Grant:
        """A grant of the App itself, good for its own affairs alone."""
        at = self._clock.now().at
        claims = {
            "iat": at - timedelta(seconds=_JWT_BACKDATED_S),
            "exp": at + timedelta(seconds=_JWT_LIFE_S),
            "iss": self._app_id,
        }
        return Grant(jwt.encode(claims, self._key, algorithm="RS256"), self._app_meter, "")


def _load_key(pem: str) -> RSAPrivateKey:
    advice = "Set STEWARD_GITHUB_APP_KEY_FILE to the .pem file that GitHub made for the App"
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError):
        # Not chained: a parser's error might quote the key.
        raise BadSettings("the GitHub App's key is not a private key in PEM form", advice) from None
    if not isinstance(key, RSAPrivateKey):
        raise BadSettings("the GitHub App's key is not an RSA key", advice)
    return key


def _decode(answer: Answer, kind: type[_T]) -> _T:
    """Decode an answer about the App. Its body is never quoted: it may hold a token."""
    if answer.status == 401:
        raise Unauthorised(
            "the GitHub App was refused (401)",
            "Check its id and key, and that this machine's clock is right to the minute",
        )
    if answer.status not in {200, 201} or not answer.is_json:
        raise Unreachable(f"{answer.url.path} answered {answer.status}, which tells nothing of the App")
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreachable(f"{answer.url.path} answered with JSON of another shape") from None


def source_of(credential: Credential, wire: Wire, clock: Clock, meter: Callable[[], Meter]) -> Source:
    """What gives each request its token. `meter` makes the meter of one token's rate limit."""
    if isinstance(credential, App):
        return AppSource(credential, wire, clock, meter)
    return TokenSource(credential, meter())
