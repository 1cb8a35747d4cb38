"""Who is there: signs people in by one-time links, knows sessions and tokens again, keeps the audit log.

Secrets leave here once, when they are made; what is stored is a SHA-256 digest. They are random and long
(256 bits), so that a slow hash would protect nothing more.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Final

from steward.app.errors import Invalid, NotSignedIn, Unknown
from steward.domain.people import AuditLine, Grant, Pass, PassKind, Principal, Right, Role, User, principal
from steward.ports import Clock, Store

LINK_LASTS: Final = timedelta(hours=24)
SESSION_LASTS: Final = timedelta(days=30)
USE_NOTED_EVERY: Final = timedelta(minutes=1)
PREFIXES: Final = {
    PassKind.LINK: "stl_",
    PassKind.CHAT: "stc_",
    PassKind.FORM: "stf_",
    PassKind.SESSION: "sts_",
    PassKind.TOKEN: "stt_",
}
"""So that a secret found somewhere can be told for what it is, by people and by scanners."""
SECRET_LENGTH_MAX: Final = 200


def digest(secret: str) -> str:
    """What is stored of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def new_secret(kind: PassKind) -> str:
    """A secret for a new pass of that kind."""
    return PREFIXES[kind] + token_urlsafe(32)


def new_link(user: User, at: datetime, made_by: str) -> tuple[Pass, str]:
    """A sign-in link, still to be stored, and its secret."""
    secret = new_secret(PassKind.LINK)
    return Pass(0, PassKind.LINK, user.id, digest(secret), at, at + LINK_LASTS, made_by=made_by), secret


def enabled(user: User) -> None:
    """Raise Invalid if the user may not sign in."""
    if user.disabled_at is not None:
        name = user.name
        raise Invalid(f"the user {name} is disabled", f"Enable it first: steward user enable {name}")


@dataclass(frozen=True, slots=True)
class Access:
    """Sign-in, and the recognition of whoever asks."""

    store: Store
    clock: Clock

    def identify(self, secret: str, kind: PassKind) -> Principal:
        """Whoever shows that session or token. Raises NotSignedIn, which says why in words."""
        if len(secret) > SECRET_LENGTH_MAX:
            raise NotSignedIn("what was shown is no session and no token of ours")
        now = self.clock.now().at
        with self.store.reading() as view:
            found = view.pass_by_digest(digest(secret))
        if found is None or found[0].kind is not kind:
            raise NotSignedIn("what was shown is not known here, or was ended long ago")
        shown, user = found
        if user.disabled_at is not None:
            raise NotSignedIn(f"the user {user.name} is disabled", user.name)
        if shown.ended_at is not None:
            raise NotSignedIn(f"this {kind.value} was ended", user.name)
        if not shown.valid(now):
            raise NotSignedIn(f"this {kind.value} has expired", user.name)
        if shown.used_at is None or now - shown.used_at >= USE_NOTED_EVERY:
            with self.store.writing() as tx:
                tx.use_pass(shown.id, now)
        return principal(user, shown)

    def holds(self, shown: Pass) -> bool:
        """Whether a pass that was recognised earlier still proves anything."""
        with self.store.reading() as view:
            found = view.pass_by_digest(shown.digest)
        return found is not None and found[0].valid(self.clock.now().at) and found[1].disabled_at is None

    def link(self, name: str, made_by: str) -> str:
        """Make a one-time sign-in link for a user; return its secret. Raises Unknown, Invalid."""
        with self.store.writing() as tx:
            user = tx.user(name)
            if user is None:
                raise Unknown("user", name, [known.name for known in tx.users()][:3])
            enabled(user)
            made, secret = new_link(user, self.clock.now().at, made_by)
            tx.add_pass(made)
        return secret

    def first_user(self, name: str) -> None:
        """Make whoever started Steward on this machine a user, who is an admin; nothing, if there is one so called."""
        with self.store.writing() as tx:
            if tx.user(name) is None:
                now = self.clock.now().at
                tx.add_user(User(0, name, now, (Grant(Role.ADMIN),)))

    def first_link(self, name: str, made_by: str) -> str:
        """A sign-in link for whoever started Steward on this machine, made a user if none."""
        self.first_user(name)
        return self.link(name, made_by)

    def peek(self, secret: str) -> User:
        """Whom a sign-in link is for, without using it. Raises NotSignedIn."""
        with self.store.reading() as view:
            found = view.pass_by_digest(digest(secret)) if len(secret) <= SECRET_LENGTH_MAX else None
        return self._link(found)[1]

    def _link(self, found: tuple[Pass, User] | None) -> tuple[Pass, User]:
        if found is None or found[0].kind is not PassKind.LINK:
            raise NotSignedIn("this sign-in link is not known here")
        link, user = found
        if link.used_at is not None or link.ended_at is not None:
            raise NotSignedIn("this sign-in link was used already; each works once", user.name)
        if not link.valid(self.clock.now().at):
            raise NotSignedIn("this sign-in link has expired", user.name)
        if user.disabled_at is not None:
            raise NotSignedIn(f"the user {user.name} is disabled", user.name)
        return link, user

    def sign_in(self, secret: str, note: str, address: str = "") -> tuple[str, User]:
        """Use a sign-in link up; return a new session's secret, and whose it is. Raises NotSignedIn.

        `note` says what the session is opened with, `address` where from.
        """
        now = self.clock.now().at
        session = new_secret(PassKind.SESSION)
        with self.store.writing() as tx:
            found = tx.pass_by_digest(digest(secret)) if len(secret) <= SECRET_LENGTH_MAX else None
            link, user = self._link(found)
            if not tx.use_pass(link.id, now, once=True):
                raise NotSignedIn("this sign-in link was used already; each works once", user.name)
            opened = Pass(0, PassKind.SESSION, user.id, digest(session), now, now + SESSION_LASTS, note[:200])
            tx.add_pass(replace(opened, used_at=now, made_by=link.made_by))
            tx.add_audit([_signed(user, "sign.in", now, address)])
        return session, user

    def sign_out(self, by: Principal, address: str = "") -> None:
        """End the session that was shown."""
        if by.by is not None and by.user is not None:
            now = self.clock.now().at
            with self.store.writing() as tx:
                if tx.end_passes([by.by.id], now):
                    tx.add_audit([_signed(by.user, "sign.out", now, address)])

    def audit(self, lines: Sequence[AuditLine]) -> None:
        """Append to the audit log."""
        with self.store.writing() as tx:
            tx.add_audit(lines)


def _signed(user: User, action: str, at: datetime, address: str) -> AuditLine:
    return AuditLine(at, f"user:{user.name}", action, "done", Right.OWN.value, user.name, address=address)
