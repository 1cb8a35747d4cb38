"""What proves who people are: sign-in links, sessions and API tokens, made, listed and ended.

One's own take the right `own`; those of others take `users`. Nobody gives away more than they have. A secret is
in the answer of the call that makes it, and nowhere else. Each act adds its line to the audit log in its own
transaction.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta
from difflib import get_close_matches
from typing import Final

from steward.app.access import digest, enabled, new_link, new_secret
from steward.app.errors import Forbidden, Invalid, Unknown
from steward.app.people_views import in_order, pass_view
from steward.app.queries import find_organisation
from steward.app.views import Json
from steward.domain.people import (
    INSTALLATION_WIDE,
    NAME,
    AuditLine,
    Pass,
    PassKind,
    Principal,
    Right,
    User,
    rights_of,
)
from steward.ports import Clock, Reads, Store, Writes

TOKEN_DAYS: Final = 90
TOKEN_DAYS_MAX: Final = 366
NOTE_MAX: Final = 60


@dataclass(frozen=True, slots=True)
class Passes:
    """What one principal may do about passes. Each call may raise Forbidden, Unknown and Invalid."""

    store: Store
    clock: Clock
    by: Principal

    def link(self, name: str) -> Json:
        """Make a one-time sign-in link for a user, good for a day: `{user, secret, expires_at}`."""
        self._allow(Right.USERS)
        with self.store.writing() as tx:
            user = self._found(tx, name)
            enabled(user)
            self._within(rights_of(user.grants))
            now = self.clock.now().at
            made, secret = new_link(user, now, self.by.actor)
            made = tx.add_pass(made)
            self._note(tx, "link.create", name)
            return {**pass_view(made, name, logins_of(tx), now), "secret": secret}

    def sessions(self, name: str) -> list[Json]:
        """A user's running sessions, newest first; `current` is the one that asks."""
        mine = self.by.by.id if self.by.by else 0
        return [{**shown, "current": shown["id"] == mine} for shown in self._passes(name, PassKind.SESSION)]

    def tokens(self, name: str | None = None, *, ended: bool = False) -> list[Json]:
        """A user's valid tokens, or everybody's (None); with `ended`, those that ended or expired too."""
        return self._passes(name, PassKind.TOKEN, ended=ended)

    def _passes(self, name: str | None, kind: PassKind, *, ended: bool = False) -> list[Json]:
        now = self.clock.now().at
        with self.store.reading() as view:
            if name is None:
                self._allow(Right.USERS)
                found = view.passes(kinds=[kind])
            else:
                found = view.passes(self._found(view, name).id, [kind])
            names = {user.id: user.name for user in view.users()}
            logins = logins_of(view)
        return [
            pass_view(made, names[made.user_id], logins, now) for made in found if ended or made.valid(now)
        ]

    def create_token(
        self,
        name: str,
        note: str,
        rights: Collection[str] | None = None,
        organisation: str | None = None,
        days: int = TOKEN_DAYS,
    ) -> Json:
        """Make an API token of a user, narrowed to these rights and that organisation (None: not narrowed).

        The answer holds its `secret`. It never allows more than whoever makes it may, nor than its user.
        """
        note = " ".join(note.split())
        if not 0 < len(note) <= NOTE_MAX:
            raise Invalid(
                f"a token needs a name of up to {NOTE_MAX} letters", "Say what it is for, such as: ci"
            )
        if not 1 <= days <= TOKEN_DAYS_MAX:
            raise Invalid(
                f"a token lasts 1 to {TOKEN_DAYS_MAX} days, not {days}",
                "Choose a shorter time; make a new one then.",
            )
        with self.store.writing() as tx:
            user = self._found(tx, name)
            enabled(user)
            now, secret = self.clock.now().at, new_secret(PassKind.TOKEN)
            token = Pass(
                id=0,
                kind=PassKind.TOKEN,
                user_id=user.id,
                digest=digest(secret),
                created_at=now,
                expires_at=now + timedelta(days=days),
                note=note,
                rights=_rights(rights),
                organisation_id=self._place(tx, organisation),
                made_by=self.by.actor,
            )
            token = tx.add_pass(self._narrowed(token, user))
            self._note(tx, "token.create", name, note)
            return {**pass_view(token, name, logins_of(tx), now), "secret": secret}

    def end(self, pass_id: int) -> Json:
        """End a session, token or link by its id, for good. Idempotent."""
        with self.store.writing() as tx:
            found = next((made for made in tx.passes() if made.id == pass_id), None)
            names = {user.id: user.name for user in tx.users()}
            if found is None:
                raise Unknown("session or token", str(pass_id))
            name = names[found.user_id]
            if not self._is_me(name) and not self.by.may(Right.USERS):
                # Another's is as unknown as one that never was.
                raise Unknown("session or token", str(pass_id))
            self._found(tx, name)
            now = self.clock.now().at
            if tx.end_passes([pass_id], now):
                found = replace(found, ended_at=now)
                self._note(tx, f"{found.kind.value}.end", name, found.note)
            return pass_view(found, name, logins_of(tx), now)

    def end_sessions(self, name: str) -> int:
        """End every session of a user, but the one that asks; return how many."""
        with self.store.writing() as tx:
            user = self._found(tx, name)
            mine = self.by.by.id if self.by.by else 0
            running = tx.passes(user.id, [PassKind.SESSION])
            ended = tx.end_passes([made.id for made in running if made.id != mine], self.clock.now().at)
            if ended:
                self._note(tx, "session.end", name, "all")
            return ended

    # What they share -----------------------------------------------------------------------------------

    def _allow(self, right: Right) -> None:
        if not self.by.may(right):
            raise Forbidden(right, self.by.actor)

    def _is_me(self, name: str) -> bool:
        return self.by.user is not None and self.by.user.name == name

    def _found(self, view: Reads, name: str) -> User:
        """The user, if they are oneself, or one may see to people."""
        if self._is_me(name):
            if not self.by.may_somewhere(Right.OWN):
                raise Forbidden(Right.OWN, self.by.actor)
        else:
            self._allow(Right.USERS)
        user = view.user(name) if NAME.fullmatch(name) else None
        if user is None:
            raise Unknown("user", name, _near(name, [known.name for known in view.users()]))
        return user

    def _note(self, tx: Writes, action: str, target: str, reason: str = "") -> None:
        right = Right.OWN if self._is_me(target) and not self.by.may(Right.USERS) else Right.USERS
        line = AuditLine(self.clock.now().at, self.by.actor, action, "done", right.value, target, reason)
        tx.add_audit([line])

    def _place(self, view: Reads, organisation: str | None) -> int | None:
        return None if not organisation else find_organisation(view, organisation, self.by).id

    def _within(self, given: dict[int | None, frozenset[Right]]) -> None:
        """Raise Forbidden where that is more than this principal may: nobody gives what they do not have."""
        for place, rights in given.items():
            for right in Right:
                if right in rights and not self.by.may(right, place):
                    raise Forbidden(right, self.by.actor)

    def _narrowed(self, token: Pass, user: User) -> Pass:
        """The token, no wider and no longer than the pass that makes it. Raises Invalid where more was asked."""
        own = self.by.by
        if own is not None and own.organisation_id is not None:
            if token.organisation_id not in (None, own.organisation_id):
                raise Invalid(
                    "the token that asks is of another organisation", "Use one of that organisation."
                )
            token = replace(token, organisation_id=own.organisation_id)
        if own is not None and own.kind is PassKind.TOKEN and token.expires_at > own.expires_at:
            raise Invalid("a token cannot make one that lasts longer than itself", "Choose fewer days.")
        possible = _union(rights_of(user.grants)) & _union(dict(self.by.rights))
        if token.organisation_id is not None:
            possible -= INSTALLATION_WIDE
        if token.rights is None:
            return token if own is None or own.rights is None else replace(token, rights=possible)
        if beyond := token.rights - possible:
            raise Invalid(
                f"the token would have rights that it cannot have: {', '.join(in_order(beyond))}",
                f"Choose among: {', '.join(in_order(possible)) or 'none'}.",
            )
        return token


def _union(rights: dict[int | None, frozenset[Right]]) -> frozenset[Right]:
    return frozenset().union(*rights.values())


def _rights(names: Collection[str] | None) -> frozenset[Right] | None:
    if names is None:
        return None
    known = {right.value for right in Right}
    for name in names:
        if name not in known:
            raise Invalid(f"'{name[:40]}' is no right", f"Choose among: {', '.join(Right)}.")
    if not names:
        raise Invalid("a token without any right is of no use", f"Choose among: {', '.join(Right)}.")
    return frozenset(Right(name) for name in names)


def logins_of(view: Reads) -> dict[int | None, str]:
    """The organisations' logins by our ids."""
    return {organisation.id: organisation.login for organisation in view.organisations()}


def _near(name: str, known: Collection[str]) -> list[str]:
    return get_close_matches(name, list(known), 3)
