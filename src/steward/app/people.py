"""What may be done about people: users and their roles, and the audit log; besides what `passes` holds.

Changing oneself takes the right `own`, changing others `users`, reading the audit log `audit`. The last admin
stays one. Each act adds its line to the audit log in its own transaction.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Final

from steward.app.errors import Invalid
from steward.app.passes import Passes, logins_of
from steward.app.people_views import audit_view, principal_view, user_view
from steward.app.views import Json
from steward.domain.people import NAME, Grant, Right, Role, User, rights_of
from steward.ports import Conflict, Reads, Writes

LANGUAGES: Final = ("en", "ru")
FULL_NAME_MAX: Final = 100
AUDIT_MAX: Final = 1000


class People(Passes):
    """What one principal may do about people. Each call may raise Forbidden, Unknown and Invalid."""

    # Who there is --------------------------------------------------------------------------------------

    def me(self) -> Json:
        """Whoever asks, and what they may do."""
        with self.store.reading() as view:
            return principal_view(self.by, logins_of(view))

    def users(self) -> list[Json]:
        """All users, by name."""
        self._allow(Right.USERS)
        with self.store.reading() as view:
            return [self._shown(view, user) for user in view.users()]

    def user(self, name: str) -> Json:
        """One user; oneself with the right `own`."""
        with self.store.reading() as view:
            return self._shown(view, self._found(view, name))

    # Users ---------------------------------------------------------------------------------------------

    def add(
        self,
        name: str,
        role: str | None = None,
        organisation: str | None = None,
        full_name: str = "",
        lang: str | None = None,
    ) -> Json:
        """Add a user, with a role everywhere or in one organisation, or with none yet."""
        self._allow(Right.USERS)
        if not NAME.fullmatch(name):
            raise Invalid(
                f"'{name[:60]}' cannot be a user's name",
                "Use up to 40 of a-z, 0-9, '.', '_' and '-'; begin and end with a letter or digit.",
            )
        user = User(0, name, self.clock.now().at, (), _full_name(full_name), _lang(lang))
        with self.store.writing() as tx:
            if role is not None:
                user = replace(user, grants=(self._grant(tx, role, organisation),))
            elif organisation is not None:
                raise Invalid("an organisation is named, but no role", "Name the role to give there.")
            try:
                user = tx.add_user(user)
            except Conflict as taken:
                raise Invalid(str(taken), f"Give that one a role: steward user grant {name} ROLE") from None
            self._note(tx, "user.add", name, _said(user.grants, tx))
            return self._shown(tx, user)

    def change(self, name: str, full_name: str | None = None, lang: str | None = None) -> Json:
        """Change a user's full name or language ("" for none); None leaves it as it is."""
        with self.store.writing() as tx:
            user = before = self._found(tx, name)
            if full_name is not None:
                user = replace(user, full_name=_full_name(full_name))
            if lang is not None:
                user = replace(user, lang=_lang(lang))
            if user != before:
                tx.save_user(user)
                self._note(tx, "user.change", name)
            return self._shown(tx, user)

    def grant(self, name: str, role: str, organisation: str | None = None) -> Json:
        """Give a user a role, everywhere or in one organisation. Idempotent."""
        self._allow(Right.USERS)
        with self.store.writing() as tx:
            user = self._found(tx, name)
            given = self._grant(tx, role, organisation)
            if given not in user.grants:
                user = replace(user, grants=(*user.grants, given))
                tx.save_user(user)
                self._note(tx, "user.grant", name, _said([given], tx))
            return self._shown(tx, user)

    def ungrant(self, name: str, role: str, organisation: str | None = None) -> Json:
        """Take a role from a user. Raises Invalid where they do not have it, and for the last admin."""
        self._allow(Right.USERS)
        with self.store.writing() as tx:
            user = self._found(tx, name)
            taken = Grant(_role(role), self._place(tx, organisation))
            if taken not in user.grants:
                has = _said(user.grants, tx) or "no role"
                raise Invalid(f"{name} does not have the role {_said([taken], tx)}", f"{name} has: {has}.")
            after = replace(user, grants=tuple(grant for grant in user.grants if grant != taken))
            self._keep_an_admin(tx, user, after)
            tx.save_user(after)
            self._note(tx, "user.ungrant", name, _said([taken], tx))
            return self._shown(tx, after)

    def disable(self, name: str) -> Json:
        """Let a user in no more: every session, token and link ends, for good. Idempotent."""
        self._allow(Right.USERS)
        with self.store.writing() as tx:
            user, at = self._found(tx, name), self.clock.now().at
            if user.disabled_at is None:
                after = replace(user, disabled_at=at)
                self._keep_an_admin(tx, user, after)
                tx.save_user(after)
                user = after
                self._note(tx, "user.disable", name)
            tx.end_passes([made.id for made in tx.passes(user.id)], at)
            return self._shown(tx, user)

    def enable(self, name: str) -> Json:
        """Let a disabled user in again; they need a new sign-in link. Idempotent."""
        self._allow(Right.USERS)
        with self.store.writing() as tx:
            user = self._found(tx, name)
            if user.disabled_at is not None:
                user = replace(user, disabled_at=None)
                tx.save_user(user)
                self._note(tx, "user.enable", name)
            return self._shown(tx, user)

    # The audit log -------------------------------------------------------------------------------------

    def audit(
        self,
        *,
        before: int | None = None,
        limit: int = 100,
        actor: str = "",
        outcome: str = "",
        text: str = "",
    ) -> list[Json]:
        """Lines of the audit log, newest first, those before an id: by actor, outcome, or a text in them."""
        self._allow(Right.AUDIT)
        if not 0 < limit <= AUDIT_MAX:
            raise Invalid(
                f"at most {AUDIT_MAX} lines at once, not {limit}", "Ask for fewer, then for older ones."
            )
        # No database holds a NUL: PostgreSQL would refuse to look for one.
        wanted = {"actor": actor, "outcome": outcome, "text": text}
        cleaned = {name: value.replace("\0", "") for name, value in wanted.items()}
        with self.store.reading() as view:
            lines = view.audit_lines(before=before, limit=limit, **cleaned)
        return [audit_view(line) for line in lines]

    # What they share -----------------------------------------------------------------------------------

    def _shown(self, view: Reads, user: User) -> Json:
        return user_view(user, view.passes(user.id), logins_of(view), self.clock.now().at)

    def _grant(self, view: Reads, role: str, organisation: str | None) -> Grant:
        given = Grant(_role(role), self._place(view, organisation))
        self._within(rights_of([given]))
        return given

    def _keep_an_admin(self, tx: Writes, before: User, after: User) -> None:
        """Raise Invalid if nobody would be an admin any more."""
        others = [user for user in tx.users() if user.id != before.id]
        if _is_admin(before) and not any(map(_is_admin, [*others, after])):
            raise Invalid(
                f"{before.name} is the last admin", "Make another one first: steward user grant NAME admin"
            )


def _is_admin(user: User) -> bool:
    return user.disabled_at is None and Grant(Role.ADMIN) in user.grants


def _role(name: str) -> Role:
    try:
        return Role(name)
    except ValueError:
        raise Invalid(
            f"'{name[:40]}' is no role", f"Choose one of: {', '.join(role.value for role in Role)}."
        ) from None


def _lang(lang: str | None) -> str | None:
    if not lang:
        return None
    if lang not in LANGUAGES:
        raise Invalid(f"'{lang[:20]}' is no language of ours", f"Choose one of: {', '.join(LANGUAGES)}.")
    return lang


def _full_name(name: str) -> str:
    name = " ".join(name.split())
    if len(name) > FULL_NAME_MAX:
        raise Invalid(f"a full name has at most {FULL_NAME_MAX} letters", "Shorten it.")
    return name


def _said(grants: Collection[Grant], view: Reads) -> str:
    """Roles in words for the audit log: "operator in acme, viewer"."""
    logins = logins_of(view)
    places = ((grant.role.value, grant.organisation_id) for grant in grants)
    return ", ".join(role if place is None else f"{role} in {logins[place]}" for role, place in places)
