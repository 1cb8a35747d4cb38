"""The forge as whoever watches over branches and settings reads it. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from steward.domain.hands import Compared


@dataclass(frozen=True, slots=True)
class Heads:
    """Where the branches stand that are ours to know: the default one, and those of our prefix.

    `default` is None where the branch is not there (deleted, or the repository is empty).
    """

    default: str | None
    ours: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the server shows of the settings that are watched. None: it does not tell, or we may not see it.

    `rule`: whether a branch rule on the default branch forbids force pushes or deletion, or asks for pull requests.
    `homepage` is the address that the repository gives of itself.
    """

    default_branch: str | None = None
    visibility: str | None = None
    archived: bool | None = None
    rule: bool | None = None
    homepage: str = ""


class ForgeWatch(Protocol):
    """A GitHub server, read only, for branches and settings. Every method may raise Transient and Permanent."""

    def heads(self, repo_id: int, default_branch: str, prefix: str) -> Heads:
        """The tip of the default branch, and of each branch whose name begins with `prefix`."""
        ...

    def compare(self, repo_id: int, base: str, head: str) -> Compared:
        """What `head` has and `base` lacks. A commit that the server does not have any more: forced, not whole."""
        ...

    def merged_as(self, repo_id: int, pull: int) -> tuple[str, str] | None:
        """The head that a pull request was merged with and the commit that it was merged as; None: it is not."""
        ...

    def has_file(self, repo_id: int, path: str, ref: str) -> bool:
        """Whether a file is there at a commit."""
        ...

    def shown(self, repo_id: int, default_branch: str) -> Shown:
        """The settings that are watched."""
        ...

    def source(self, repo_id: int) -> tuple[str, str]:
        """Where git reads it from, and the token to give there as `x-access-token`. Never logged."""
        ...
