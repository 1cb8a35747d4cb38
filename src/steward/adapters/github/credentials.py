"""Who we are to GitHub: the kinds of credential, and the plain token. Secrets never show in a repr.

It says which grant is for which organisation and what that may list; sending is `wire`'s, and what a GitHub
App needs besides is in `app`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol

from steward.adapters.github.facts import DIGEST_VERSION
from steward.adapters.github.limits import Meter
from steward.adapters.github.wire import Grant
from steward.domain.credentials import Declared
from steward.domain.repository import Access
from steward.ports.errors import BadSettings, Unauthorised

_LIMITED_KINDS = ("github_pat_", "ghs_", "ghu_")
"""Prefixes of tokens that may be limited to some repositories: fine-grained, installation, user of an App."""


@dataclass(frozen=True, slots=True)
class Token:
    """A personal access token, or any other bearer token."""

    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class App:
    """A GitHub App. Without `installation_id` the installation is looked up per organisation."""

    app_id: str
    private_key_pem: str = field(repr=False)
    installation_id: int | None = None


Credential = Token | App


class Source(Protocol):
    """Grants, and what they are known to be able to list. Raises as the wire does, and Unauthorised."""

    def grant(self, login: str, owner_id: int | None) -> Grant:
        """The grant for one organisation. Raises NoSuchOrganisation."""
        ...

    def grants(self) -> Iterator[Grant | Unauthorised]:
        """Every grant there is, at least one; in place of one that is refused, why."""
        ...

    def access(self, login: str, owner_id: int | None) -> Access: ...

    def declared(self, login: str, owner_id: int | None) -> Declared | None:
        """What the credential says of itself without showing it anywhere; None: its answers' headers tell."""
        ...

    def refused(self, grant: Grant) -> None:
        """Take note that the server answered 401 to it."""
        ...


def credential_key(identity: str) -> str:
    """Identify a credential without revealing it; another digest version makes another key."""
    return sha256(f"steward validators {DIGEST_VERSION} {identity}".encode()).hexdigest()[:24]


class TokenSource:
    """One token for everything."""

    def __init__(self, token: Token, meter: Meter) -> None:
        value = token.value.strip()
        if not value or not value.isascii() or not value.isprintable() or " " in value:
            raise BadSettings(
                "the GitHub token is empty or holds characters that no token has",
                "Set STEWARD_GITHUB_TOKEN to the token alone, on one line",
            )
        self._access = Access.UNKNOWN if value.startswith(_LIMITED_KINDS) else Access.ALL
        self._grant = Grant(value, meter, credential_key(f"token {value}"))

    def grant(self, login: str, owner_id: int | None) -> Grant:  # noqa: ARG002 # the protocol's; one serves all
        """The one."""
        return self._grant

    def grants(self) -> Iterator[Grant | Unauthorised]:
        """The one."""
        yield self._grant

    def access(self, login: str, owner_id: int | None) -> Access:  # noqa: ARG002 # the protocol's; a token's kind is all that is known
        """By the kind that its prefix tells."""
        return self._access

    def declared(self, login: str, owner_id: int | None) -> Declared | None:  # noqa: ARG002 # the protocol's; the server's answer tells
        """Nothing; the scopes of a classic token come with each answer."""
        return None

    def refused(self, grant: Grant) -> None:
        """Nothing to renew."""
