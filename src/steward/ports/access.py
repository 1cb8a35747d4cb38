"""What the database keeps of people: users, passes, the audit log, and answers for repeats."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from steward.domain.people import AuditLine, Pass, User


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request with an idempotency key was answered. `status` is None while it is being worked on.

    `fingerprint` is a hash of the request, so that the same key with another request is found out.
    """

    key: str
    actor: str
    fingerprint: str
    at: datetime
    status: int | None = None
    body: str = ""


class AccessReads(Protocol):
    """What can be read of people."""

    def users(self) -> list[User]:
        """All, by name, disabled ones too."""
        ...

    def user(self, name: str) -> User | None:
        """By name."""
        ...

    def pass_by_digest(self, digest: str) -> tuple[Pass, User] | None:
        """The pass whose secret has this digest, valid or not, with its user."""
        ...

    def passes(self, user_id: int | None = None, kinds: Collection[str] = ()) -> list[Pass]:
        """Passes of one user (None: of all), of these kinds (none: of all), newest first."""
        ...

    def audit_lines(
        self,
        *,
        before: int | None = None,
        limit: int = 100,
        actor: str = "",
        outcome: str = "",
        text: str = "",
    ) -> list[AuditLine]:
        """Newest first; with `before`, those with a smaller id. Of this actor, with this outcome, with this
        text in actor, action, target or reason (in any case of its letters); "": of any.
        """
        ...

    def answer(self, key: str, actor: str) -> Answer | None:
        """The answer kept under that key for that actor."""
        ...

    def orderer(self, project_id: str) -> str | None:
        """The actor who ordered the project; None for one that was discovered."""
        ...


class AccessWrites(AccessReads, Protocol):
    """What can be written of people."""

    def add_user(self, user: User) -> User:
        """Insert (its id is given); return it. Raises Conflict if the name is taken."""
        ...

    def save_user(self, user: User) -> None:
        """Store every field but `id`, `name` and `created_at`."""
        ...

    def add_pass(self, made: Pass) -> Pass:
        """Insert (its id is given); return it."""
        ...

    def use_pass(self, pass_id: int, at: datetime, *, once: bool = False) -> bool:
        """Note a use; with `once`, only if it was never used: False if another was quicker."""
        ...

    def end_passes(self, ids: Collection[int], at: datetime) -> int:
        """End these, where they have not ended yet; return how many."""
        ...

    def add_audit(self, lines: Iterable[AuditLine]) -> None:
        """Append."""
        ...

    def begin_answer(self, answer: Answer) -> bool:
        """Claim a key; False if it is there already."""
        ...

    def save_answer(self, answer: Answer) -> None:
        """Store status and body under a claimed key."""
        ...

    def drop_answer(self, key: str, actor: str) -> None:
        """Give a claimed key back, where the request came to nothing."""
        ...

    def prune_access(self, passes_before: datetime, audit_before: datetime, answers_before: datetime) -> int:
        """Delete passes that expired or ended, audit lines and answers older than these; return how many."""
        ...
