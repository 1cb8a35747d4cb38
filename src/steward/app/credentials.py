"""What the credential declares that it may do, kept per organisation, and what it lacks of what Steward needs.

It is asked of GitHub once an hour and when a person asks; faces read what was kept. It concludes nothing about
repositories: what a read by id may prove is `ForgeRead.access`'s to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from steward.app.connecting import choose, connect
from steward.app.errors import Forbidden
from steward.app.parts import Parts
from steward.app.queries import readable_organisations
from steward.app.views import Json, stamp
from steward.domain.credentials import NEEDS, CredentialKind, Declared, Need, Purpose, has, lacking, name_of
from steward.domain.people import Principal, Right
from steward.domain.project import Organisation
from steward.ports import ForgeRights, Permanent, Transient

DECLARED: Final = "github.declared"
"""The setting that keeps what was declared, by our id of the organisation."""
ASK_EVERY: Final = timedelta(hours=1)
TICK_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Credentials:
    """The credential, for one principal."""

    parts: Parts
    by: Principal

    def status(self) -> list[Json]:
        """Per organisation that may be seen: what was declared last, and what is lacking."""
        with self.parts.store.reading() as view:
            kept = view.setting(DECLARED) or {}
            return [
                declared_view(home.login, kept.get(str(home.id)))
                for home in readable_organisations(view, self.by)
            ]

    def check(self) -> list[Json]:
        """Ask GitHub anew for every configured organisation in which one may look. Raises Forbidden."""
        if not self.by.may_somewhere(Right.LOOK):
            raise Forbidden(Right.LOOK, self.by.actor)
        at = self.parts.clock.now().at
        homes = choose(connect(self.parts.store, self.parts.logins, self.parts.server, at), ())
        for home in homes:
            if self.by.may(Right.LOOK, home.id):
                ask(self.parts, home)
        return self.status()


class CredentialLoop:
    """Asks once an hour, so that a permission that was taken away is told before it is missed."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def tick(self) -> float:
        """Ask for whatever was not asked within the hour; return the seconds until the next tick."""
        with self._parts.store.reading() as view:
            kept = view.setting(DECLARED) or {}
            homes = view.organisations()
        now = self._parts.clock.now().at
        for home in choose(homes, self._parts.logins) if self._parts.logins else []:
            told = kept.get(str(home.id))
            if told is None or stamp(now - ASK_EVERY) > told["at"] or told["at"] > str(stamp(now)):
                ask(self._parts, home)
        return TICK_S


def ask(parts: Parts, home: Organisation) -> None:
    """Ask GitHub what the credential may do there, and keep the answer, or why there is none."""
    told: Json = {"at": stamp(parts.clock.now().at), "kind": None, "rights": None, "problem": None}
    try:
        declared = parts.forge().declared(home.login, home.owner_id)
    except (Permanent, Transient) as error:
        told["problem"] = error.reason
    else:
        told["kind"] = declared.kind.value
        told["rights"] = None if declared.rights is None else sorted(declared.rights)
    with parts.store.writing() as tx:
        tx.set_setting(DECLARED, {**(tx.setting(DECLARED) or {}), str(home.id): told})


def declared_view(login: str, told: Mapping[str, Any] | None) -> Json:
    """What is known of the credential in one organisation; `rights` None: GitHub does not tell."""
    declared = None
    if told is not None and told["kind"] is not None:
        rights = None if told["rights"] is None else frozenset(told["rights"])
        declared = Declared(CredentialKind(told["kind"]), rights)
    observing = [need for need in NEEDS if need.purpose is not Purpose.BUILD]
    return {
        "organisation": login,
        "kind": declared.kind.value if declared else None,
        "rights": None if declared is None or declared.rights is None else sorted(declared.rights),
        "checked_at": told["at"] if told else None,
        "problem": told["problem"] if told else None,
        "needs": [need_view(need, declared) for need in observing],
    }


def need_view(need: Need, declared: Declared | None) -> Json:
    """One need, and whether it is met: True, False, or None where that is unknown."""
    return {
        "purpose": need.purpose.value,
        "name": name_of(need, declared.kind if declared else CredentialKind.APP),
        "why": need.why,
        "met": None if declared is None else has(declared, need),
    }


def examined(forge: ForgeRights, login: str, *purposes: Purpose) -> tuple[bool, str, str]:
    """Whether the credential has all that these purposes need, in words; and what to do where it has not.

    Raises Permanent and Transient. What only makes things quicker, webhooks, is told, and is no fault.
    """
    declared = forge.declared(login)
    if declared.rights is None:
        return True, f"{declared.kind.value}; what it may do is unknown: GitHub does not tell", ""
    named = ", ".join(sorted(declared.rights)) or "nothing"
    absent = lacking(declared, purposes)
    if not absent:
        return True, f"{declared.kind.value} with {named}", ""
    lacks = "; ".join(f"{name_of(need, declared.kind)}, to {need.why}" for need in absent)
    detail = f"{declared.kind.value} with {named}; it lacks {lacks}"
    grave = [need for need in absent if need.purpose is not Purpose.WEBHOOKS]
    if not grave:
        return True, detail, ""
    names = ", ".join(name_of(need, declared.kind) for need in grave)
    return False, detail, f"Give it {names} on GitHub, then run `steward doctor` again."
