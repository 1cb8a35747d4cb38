"""What Steward needs of a GitHub credential, and why; what one declares; what it lacks. Values only.

As little as will do: an observer reads metadata. Webhooks and driving take more, and are asked for only where
they are wanted. The table of the README says the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class CredentialKind(StrEnum):
    """What a credential is, as far as it tells."""

    APP = "GitHub App"
    CLASSIC = "classic token"
    FINE_GRAINED = "fine-grained token"
    TOKEN = "token"  # noqa: S105 - the name of a kind


class Purpose(StrEnum):
    """What a right is needed for."""

    OBSERVE = "observe"
    WEBHOOKS = "webhooks"
    BUILD = "build"


@dataclass(frozen=True, slots=True)
class Declared:
    """What a credential says of itself.

    `rights` are scopes of a classic token ("repo"), or permissions of an App with their level
    ("metadata:read"); None where GitHub does not tell.
    """

    kind: CredentialKind
    rights: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """One right, with the reason: `permission` of an App or fine-grained token, `scope` of a classic token."""

    purpose: Purpose
    permission: str
    scope: str
    why: str


NEEDS: Final = (
    Need(
        Purpose.OBSERVE,
        "metadata:read",
        "repo",
        "list the repositories and read each one's facts; a classic token sees private ones only with it",
    ),
    Need(
        Purpose.WEBHOOKS,
        "organization_hooks:write",
        "admin:org_hook",
        "register the webhook, by which a change shows within a second instead of at the next look",
    ),
    Need(Purpose.BUILD, "administration:write", "repo", "create the repository of a confirmed order"),
    Need(Purpose.BUILD, "contents:write", "repo", "push what was designed and built"),
    Need(Purpose.BUILD, "pull_requests:write", "repo", "open and merge pull requests"),
    Need(Purpose.BUILD, "workflows:write", "workflow", "write workflow files"),
    Need(Purpose.BUILD, "secrets:write", "repo", "give checks the secrets that are set for them, sealed"),
    Need(Purpose.BUILD, "variables:write", "repo", "give checks the variables that are set for them"),
)
_LEVELS: Final = ("read", "write", "admin")


def name_of(need: Need, kind: CredentialKind) -> str:
    """What the right is called for that kind of credential, as one looks for it on GitHub."""
    return need.scope if kind is CredentialKind.CLASSIC else need.permission


def has(declared: Declared, need: Need) -> bool | None:
    """Whether the credential has that right; None where it does not tell."""
    if declared.rights is None:
        return None
    if declared.kind is CredentialKind.CLASSIC:
        return need.scope in declared.rights
    name, _colon, level = need.permission.partition(":")
    enough = _LEVELS[_LEVELS.index(level) :]
    return any(f"{name}:{higher}" in declared.rights for higher in enough)


def lacking(declared: Declared, purposes: Iterable[Purpose]) -> list[Need]:
    """The needs of these purposes that the credential is known not to meet."""
    wanted = set(purposes)
    return [need for need in NEEDS if need.purpose in wanted and has(declared, need) is False]
