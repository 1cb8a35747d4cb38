"""Web forms that take one value for a project, each opened once by a link of its own.

So that nobody needs to write a secret into a chat: what is given there goes into the vault, and nowhere else. The link
is the pass; what it may do is what its user may as it is used. Looking at one uses nothing up.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from steward.app.access import SECRET_LENGTH_MAX, digest, new_secret
from steward.app.building import Building
from steward.app.errors import Forbidden, Invalid, Unknown
from steward.app.filing import told
from steward.app.keeping import the_vault
from steward.app.parts import Parts
from steward.app.queries import find_project, the_project
from steward.app.secrets import RUN, Secrets
from steward.app.talking import want_card
from steward.app.talking_ends import found_draft
from steward.app.views import Json
from steward.domain.needs import Sort
from steward.domain.people import AuditLine, Pass, PassKind, Principal, Right, User, rights_of
from steward.domain.project import Project
from steward.domain.talks import Talk
from steward.domain.vault import NAME, Place
from steward.ports import Reads, Writes

FORM_LASTS: Final = timedelta(minutes=30)
PATH: Final = "/give?form="
"""Where a form is: its secret stands behind it, in the query, which no log of ours holds."""
_TARGET: Final = re.compile(r"(talk|project):([A-Za-z0-9._/-]{1,120})")


class NoForm(Invalid):
    """A link that opens nothing: the same words whether it was used, has expired, or never was."""

    def __init__(self) -> None:
        super().__init__(
            "this link opens no form: it was used already, has expired, or never was one",
            "Ask for another where you got it; each works once, within half an hour.",
        )


@dataclass(frozen=True, slots=True)
class Forms:
    """Forms, for who makes one (`by`), and for whoever opens its link (then `by` is nobody)."""

    parts: Parts
    by: Principal | None = None

    def make(self, target: str, hint: str = "") -> Json:
        """A form for a value of "talk:<id>" or "project:<id>"; `{url_path, secret, expires_at}`.

        `hint` is the name that it proposes. Raises Forbidden, Invalid, Unknown, Unkept.
        """
        the_vault(self.parts.vault)
        if self.by is None or self.by.user is None:
            raise Invalid("a form is made for a user", "Sign in, or connect your account first.")
        now, secret = self.parts.clock.now().at, new_secret(PassKind.FORM)
        hint = hint if NAME.fullmatch(hint) else ""
        with self.parts.store.writing() as tx:
            named = self._target(tx, target, self.by)
            made = Pass(
                id=0,
                kind=PassKind.FORM,
                user_id=self.by.user.id,
                digest=digest(secret),
                created_at=now,
                expires_at=now + FORM_LASTS,
                note=f"{named} {hint}".rstrip(),
                made_by=self.by.actor,
            )
            tx.add_pass(made)
            self._note(tx, self.by, "form.make", named, hint)
        return {"url_path": PATH + secret, "secret": secret, "expires_at": made.expires_at.isoformat()}

    def peek(self, secret: str) -> Json:
        """What a form is for, without using it: `{user, name, project, talk, expires_at}`. Raises NoForm.

        `project` and `talk` are titles, "" where there is none. Whether a value is there already is not told.
        """
        with self.parts.store.reading() as view:
            shown, user = self._opened(view, secret)
            target, _, name = shown.note.partition(" ")
            talk, project = self._meant(view, target, _principal(user))
            return {
                "user": user.full_name or user.name,
                "name": name,
                "project": (project.title or project.slug) if project else "",
                "slug": project.slug if project else "",
                "talk": talk.brief.title if talk else "",
                "expires_at": shown.expires_at.isoformat(),
            }

    def give(
        self, secret: str, name: str, value: str, places: Collection[Place] = RUN, address: str = ""
    ) -> Json:
        """Use the form up and keep the value, both or neither; `{project, secret, notes}`.

        Raises NoForm, and what `Secrets.set` raises: then the form can be used again.
        """
        with told(self.parts.store) as tx:
            shown, user = self._opened(tx, secret)
            by = _principal(user)
            if not tx.use_pass(shown.id, self.parts.clock.now().at, once=True):
                raise NoForm
            target = shown.note.partition(" ")[0]
            talk, project = self._meant(tx, target, by)
            if project is None:
                assert talk is not None, "a target is a talk or a project"
                # Values are kept for projects: the talk gets its draft now, and goes on.
                project = found_draft(tx, talk, self._commands(by))
                want_card(tx, tx.talk(talk.id) or talk, self.parts.clock.now().at)
            kept = self._secrets(by).keep(tx, project.id, {name: value}, Sort.SECRET, places)[0]
            self._note(tx, by, "form.give", project.slug, name, address)
            return kept

    def _secrets(self, by: Principal) -> Secrets:
        own = self.parts
        return Secrets(own.store, own.clock, by, own.channels, own.policy, vault=own.vault)

    def _commands(self, by: Principal) -> Building:
        own = self.parts
        return Building(own.store, own.clock, by, own.channels, own.policy, None, own.templates, own.vault)

    def _opened(self, view: Reads, secret: str) -> tuple[Pass, User]:
        found = view.pass_by_digest(digest(secret)) if len(secret) <= SECRET_LENGTH_MAX else None
        if found is None or found[0].kind is not PassKind.FORM or found[1].disabled_at is not None:
            raise NoForm
        if not found[0].valid(self.parts.clock.now().at):
            raise NoForm
        return found

    def _target(self, view: Reads, target: str, by: Principal) -> str:
        """What is meant, as a pass notes it. Raises Invalid, Unknown, Forbidden."""
        talk, project = self._meant(view, target, by)
        if talk is not None:
            return f"talk:{talk.id}"
        assert project is not None, "a target is a talk or a project"
        return f"project:{project.id}"

    def _meant(self, view: Reads, target: str, by: Principal) -> tuple[Talk | None, Project | None]:
        """The talk (its user's alone) and the project for which a value is given."""
        found = _TARGET.fullmatch(target)
        if found is None:
            raise Invalid("that is neither a talk nor a project", "Name talk:<id> or project:<id>.")
        talk, reference = None, found[2]
        if found[1] == "talk":
            talk = view.talk(int(reference)) if reference.isdecimal() and len(reference) < 19 else None
            if talk is None or by.user is None or talk.user != by.user.name:
                raise Unknown("talk", reference)
            if talk.project_id is None:
                return talk, None
            reference = talk.project_id
        project = the_project(find_project(view, reference, by))
        if not by.may(Right.WRITE, project.organisation_id):
            raise Forbidden(Right.WRITE, by.actor, view.organisation(project.organisation_id).login)
        return talk, project

    def _note(
        self, tx: Writes, by: Principal, action: str, target: str, reason: str = "", address: str = ""
    ) -> None:
        at = self.parts.clock.now().at
        tx.add_audit(
            [AuditLine(at, by.actor, action, "done", Right.WRITE.value, target, reason, address=address)]
        )


def _principal(user: User) -> Principal:
    """Whoever a form is of, with what they may now."""
    return Principal(f"user:{user.name}", rights_of(user.grants), user)
