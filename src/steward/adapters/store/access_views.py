"""Users, passes, the audit log and kept answers: read and written."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete, insert, or_, select, update

from steward.adapters.store.access_rows import (
    USER_WIDTH,
    answer_from,
    audit_from,
    audit_row,
    pass_from,
    pass_row,
    user_from,
    user_row,
)
from steward.adapters.store.schema import answers, audit, events, passes, users
from steward.adapters.store.values import json_value, stamp
from steward.adapters.store.view import View, among
from steward.domain.journal import Kind
from steward.domain.people import AuditLine, Pass, User
from steward.domain.status import Trigger
from steward.ports import Answer, Conflict

_u, _p, _a = users.c, passes.c, answers.c
_AUDIT, _PASSES = audit, passes


class AccessReads(View):
    """What is read of people; the contract is `ports.AccessReads`."""

    def users(self) -> list[User]:
        """All, by name, disabled ones too."""
        return [user_from(row) for row in self._all(select(users).order_by(_u.name))]

    def user(self, name: str) -> User | None:
        """By name."""
        row = self._first(select(users).where(_u.name == name))
        return None if row is None else user_from(row)

    def pass_by_digest(self, digest: str) -> tuple[Pass, User] | None:
        """The pass whose secret has this digest, valid or not, with its user."""
        both = select(*users.columns, *passes.columns).join(passes, _p.user_id == _u.id)
        row = self._first(both.where(_p.digest == digest))
        return None if row is None else (pass_from(row[USER_WIDTH:]), user_from(row))

    def passes(self, user_id: int | None = None, kinds: Collection[str] = ()) -> list[Pass]:
        """Passes of one user (None: of all), of these kinds (none: of all), newest first."""
        statement = select(_PASSES).order_by(_p.id.desc())
        if user_id is not None:
            statement = statement.where(_p.user_id == user_id)
        if kinds:
            statement = statement.where(among(_p.kind, [str(kind) for kind in kinds]))
        return [pass_from(row) for row in self._all(statement)]

    def audit_lines(
        self,
        *,
        before: int | None = None,
        limit: int = 100,
        actor: str = "",
        outcome: str = "",
        text: str = "",
    ) -> list[AuditLine]:
        """Newest first; with `before`, those with a smaller id; by actor, outcome, or a text in their words."""
        statement = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if before is not None:
            statement = statement.where(audit.c.id < before)
        if actor:
            statement = statement.where(audit.c.actor == actor)
        if outcome:
            statement = statement.where(audit.c.outcome == outcome)
        if text:
            worded = (audit.c.actor, audit.c.action, audit.c.target, audit.c.reason)
            statement = statement.where(or_(*(column.icontains(text, autoescape=True) for column in worded)))
        return [audit_from(row) for row in self._all(statement)]

    def answer(self, key: str, actor: str) -> Answer | None:
        """The answer kept under that key for that actor."""
        row = self._first(select(answers).where(_a.key == key, _a.actor == actor))
        return None if row is None else answer_from(row)

    def orderer(self, project_id: str) -> str | None:
        """The actor who ordered the project; None for one that was discovered."""
        first = select(events.c.kind, events.c.actor, events.c.data).where(events.c.project_id == project_id)
        row = self._first(first.order_by(events.c.id).limit(1))
        if (
            row is None
            or row[0] != Kind.PROJECT_MOVED
            or json_value(row[2]).get("trigger") != Trigger.ORDERED
        ):
            return None
        return str(row[1])


class AccessWrites(AccessReads):
    """What is written of people; the contract is `ports.AccessWrites`."""

    def add_user(self, user: User) -> User:
        """Insert; return it with its id. Raises Conflict if the name is taken."""
        if self.user(user.name) is not None:
            raise Conflict(f"there is a user named {user.name} already")
        key = self._value(insert(users).values(user_row(user)).returning(_u.id))
        return replace(user, id=int(key))

    def save_user(self, user: User) -> None:
        """Store every field but `id`, `name` and `created_at`. Raises Conflict if there is none."""
        row = user_row(user)
        values = {name: row[name] for name in ("grants", "full_name", "lang", "disabled_at")}
        if not self._write(update(users).where(_u.id == user.id).values(values)):
            raise Conflict(f"the user {user.name} is not recorded")

    def add_pass(self, made: Pass) -> Pass:
        """Insert; return it with its id."""
        key = self._value(insert(_PASSES).values(pass_row(made)).returning(_p.id))
        return replace(made, id=int(key))

    def use_pass(self, pass_id: int, at: datetime, *, once: bool = False) -> bool:
        """Note a use; with `once`, only if it was never used: False if another was quicker."""
        statement = update(_PASSES).where(_p.id == pass_id).values(used_at=stamp(at))
        if once:
            statement = statement.where(_p.used_at.is_(None), _p.ended_at.is_(None))
        return bool(self._write(statement))

    def end_passes(self, ids: Collection[int], at: datetime) -> int:
        """End these, where they have not ended yet; return how many."""
        running = update(_PASSES).where(among(_p.id, ids), _p.ended_at.is_(None))
        return self._write(running.values(ended_at=stamp(at)))

    def add_audit(self, lines: Iterable[AuditLine]) -> None:
        """Append."""
        self._insert_many(_AUDIT, map(audit_row, lines))

    def begin_answer(self, answer: Answer) -> bool:
        """Claim a key; False if it is there already."""
        row = (answer.key, answer.actor, answer.fingerprint, stamp(answer.at), answer.status, answer.body)
        return bool(self._insert_many(answers, [row], "ON CONFLICT DO NOTHING"))

    def save_answer(self, answer: Answer) -> None:
        """Store status and body under a claimed key."""
        mine = update(answers).where(_a.key == answer.key, _a.actor == answer.actor)
        self._write(mine.values(status=answer.status, body=answer.body))

    def drop_answer(self, key: str, actor: str) -> None:
        """Give a claimed key back."""
        self._write(delete(answers).where(_a.key == key, _a.actor == actor))

    def prune_access(self, passes_before: datetime, audit_before: datetime, answers_before: datetime) -> int:
        """Delete passes that expired or ended, audit lines and answers older than these; return how many."""
        before = stamp(passes_before)
        over = or_(_p.expires_at < before, _p.ended_at < before)
        written = self._write(delete(_PASSES).where(over))
        written += self._write(delete(audit).where(audit.c.at < stamp(audit_before)))
        return written + self._write(delete(answers).where(_a.at < stamp(answers_before)))
