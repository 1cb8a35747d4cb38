"""What one principal may do with the secrets and variables of projects. Nobody is ever shown a value."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from steward.app.acting import Acts
from steward.app.errors import Forbidden, Invalid, Undriven
from steward.app.filing import told
from steward.app.keeping import LENGTH, LENGTHS, Alphabet, checked, generated, the_vault
from steward.app.queries import find_project, the_project
from steward.app.supplying import lacks
from steward.app.views import Json
from steward.domain.journal import Kind
from steward.domain.needs import Sort
from steward.domain.people import Right
from steward.domain.project import Project
from steward.domain.vault import NAME, RULE, Kept, Place, Waiver, value_notes
from steward.ports import Permanent, Reads, Transient, Writes
from steward.ports.building import ForgeWrite
from steward.ports.vault import Vault

RUN = frozenset({Place.RUN})
REASON_MAX = 500


@dataclass(frozen=True, slots=True)
class Secrets(Acts):
    """Secrets of projects, for one principal. Each call may raise Forbidden, Unknown, Stale, Invalid, Permanent.

    `writing` is the client that changes things on GitHub; None where this installation drives nothing.
    """

    writing: Callable[[], ForgeWrite] | None = None

    @property
    def kept_in(self) -> Vault:
        """The vault. Raises Unkept where there is none."""
        return the_vault(self.vault)

    def listed(self, reference: str) -> Json:
        """`{project, secrets, waivers, lacking, uses}`, never a value. `lacking`: what a deployment waits for."""
        with self.store.reading() as view:
            project = the_project(find_project(view, reference, self.by))
            return {
                "project": project.slug,
                "secrets": [kept_view(kept) for kept in self.kept_in.kept(view, project.id)],
                "waivers": [waiver_view(one) for one in self.kept_in.waivers(view, project.id)],
                "lacking": list(lacks(view, project.id)),
                "uses": [
                    {"name": use.name, "used_for": use.used_for, "by": use.by, "at": use.at.isoformat()}
                    for use in view.vault_uses(project.id, 20)
                ],
            }

    def set(
        self,
        reference: str,
        name: str,
        value: str,
        sort: Sort = Sort.SECRET,
        places: Collection[Place] = RUN,
    ) -> Json:
        """Keep a value; `{project, secret, notes}`. What there was of that name is replaced."""
        return self.set_many(reference, {name: value}, sort, places)[0]

    def set_many(
        self,
        reference: str,
        values: Mapping[str, str],
        sort: Sort = Sort.SECRET,
        places: Collection[Place] = RUN,
    ) -> list[Json]:
        """The same for several at once: all of them are kept, or none."""
        with told(self.store) as tx:
            return self.keep(tx, reference, values, sort, places)

    def keep(
        self,
        tx: Writes,
        reference: str,
        values: Mapping[str, str],
        sort: Sort = Sort.SECRET,
        places: Collection[Place] = RUN,
    ) -> list[Json]:
        """The same in the caller's transaction."""
        for name, value in values.items():
            checked(name, value, places)
        _, project = self.found(tx, reference, Right.WRITE)
        self._must_differ(tx, project, values, places)
        at = self.clock.now().at
        made = [
            (
                self.kept_in.keep(tx, Kept(project.id, name, sort, frozenset(places), at, self.actor), value),
                value,
            )
            for name, value in values.items()
        ]
        self._tell_set(tx, project, [kept for kept, _ in made])
        return [
            {"project": project.slug, "secret": kept_view(kept), "notes": value_notes(value, sort)}
            for kept, value in made
        ]

    def _must_differ(
        self, tx: Writes, project: Project, names: Collection[str], places: Collection[Place]
    ) -> None:
        """Raise Invalid for names that GitHub does not tell apart: the second would silently replace the first."""
        if Place.CHECKS not in places:
            return
        there = {one.name for one in self.kept_in.kept(tx, project.id) if Place.CHECKS in one.places}
        known = {name.upper(): name for name in there - set(names)}
        for name in names:
            other = known.setdefault(name.upper(), name)
            if other != name:
                raise Invalid(
                    f"{name} and {other} are one name to GitHub", "Keep one of them for the checks, not both."
                )

    def _tell_set(self, tx: Writes, project: Project, kept: Collection[Kept], why: str = "") -> None:
        if not kept:
            return
        places = sorted({place for one in kept for place in one.places})
        data = {
            "names": sorted(one.name for one in kept),
            "sort": str(next(iter(kept)).sort),
            "places": [str(place) for place in places],
            "generated": all(one.generated for one in kept),
        }
        self._tell(tx, project, Kind.SECRET_SET, why, **data)

    def _tell(self, tx: Writes, project: Project, kind: Kind, why: str = "", **data: object) -> None:
        seen = self.seen(tx, project.organisation_id)
        tx.append([self.event(kind, seen, project, why, **data)])

    def generate(
        self,
        reference: str,
        name: str,
        length: int = LENGTH,
        alphabet: Alphabet = Alphabet.URLSAFE,
        places: Collection[Place] = RUN,
        *,
        replacing: bool = False,
    ) -> Json:
        """Make a random secret that nobody sees. Raises Invalid where there is one, unless it is to be replaced."""
        if not LENGTHS[0] <= length <= LENGTHS[1]:
            raise Invalid(
                f"a generated secret has {LENGTHS[0]} to {LENGTHS[1]} characters", "Ask for such a length."
            )
        value = generated(length, alphabet)
        checked(name, value, places)
        with told(self.store) as tx:
            _, project = self.found(tx, reference, Right.WRITE)
            if not replacing and name in {one.name for one in self.kept_in.kept(tx, project.id)}:
                raise Invalid(
                    f"{name} is set already", "Say that it is to be replaced (--replace), or leave it."
                )
            self._must_differ(tx, project, [name], places)
            asked = Kept(
                project.id,
                name,
                Sort.SECRET,
                frozenset(places),
                self.clock.now().at,
                self.actor,
                generated=True,
            )
            kept = self.kept_in.keep(tx, asked, value)
            self._tell_set(tx, project, [kept])
        return {"project": project.slug, "secret": kept_view(kept), "notes": []}

    def unset(self, reference: str, name: str) -> Json:
        """Forget a value here; `{project, name}`. What GitHub was given stays there. Raises Invalid for none."""
        with told(self.store) as tx:
            _, project = self.found(tx, reference, Right.WRITE)
            if not self.kept_in.drop(tx, project.id, name):
                raise Invalid(f"{_safe(name)} is not set", f"See what is: steward secret list {project.slug}")
            self._tell(tx, project, Kind.SECRET_UNSET, names=[name])
            return {"project": project.slug, "name": name}

    def waive(self, reference: str, name: str, reason: str) -> Json:
        """Say that a project does without a name, and why; `{project, waiver}`."""
        if not NAME.fullmatch(name) and not RULE.fullmatch(name):
            raise Invalid("what is to be waived is no name", "Name it as the program reads it.")
        reason = reason.strip()
        if not 0 < len(reason) <= REASON_MAX:
            raise Invalid(
                f"a waiver has a reason of 1 to {REASON_MAX} characters", "Say why it is not needed."
            )
        with told(self.store) as tx:
            _, project = self.found(tx, reference, Right.WRITE)
            waiver = Waiver(project.id, name, reason, self.actor, self.clock.now().at)
            self.kept_in.waive(tx, waiver)
            self._tell(tx, project, Kind.SECRET_WAIVED, reason, name=name, waived=True)
            return {"project": project.slug, "waiver": waiver_view(waiver)}

    def unwaive(self, reference: str, name: str) -> Json:
        """Say that it is needed after all; `{project, name}`. Raises Invalid where it is not waived."""
        with told(self.store) as tx:
            _, project = self.found(tx, reference, Right.WRITE)
            if not self.kept_in.unwaive(tx, project.id, name):
                raise Invalid(
                    f"{_safe(name)} is not waived", f"See what is: steward secret list {project.slug}"
                )
            self._tell(tx, project, Kind.SECRET_WAIVED, name=name, waived=False)
            return {"project": project.slug, "name": name}

    def send(self, reference: str) -> Json:
        """Give GitHub what is kept for the checks; `{project, sent, failed: [{name, words}]}`.

        Each secret is sealed for the repository's public key before it leaves this process. What is refused is
        listed; the rest is sent. Raises Undriven, Invalid where there is no repository.
        """
        if self.writing is None:
            raise Undriven
        with self.store.reading() as view:
            _, project = self.found(view, reference, Right.WRITE)
            if project.repository_id is None:
                raise Invalid(f"{project.slug} has no repository yet", "Send them once it has one.")
            contents = [
                (kept, value)
                for kept, value in self.kept_in.contents(view, project.id)
                if Place.CHECKS in kept.places
            ]
            clean = self.kept_in.redactor(view, project.id)
        sent: list[Kept] = []
        failed: list[Json] = []
        forge = self.writing() if contents else None
        for kept, value in contents:
            assert forge is not None, "there is something to send"
            give = forge.ensure_secret if kept.sort is Sort.SECRET else forge.ensure_variable
            try:
                give(project.repository_id, kept.name, value)
            except (Permanent, Transient) as error:
                failed.append({"name": kept.name, "words": clean(error.reason)})
            else:
                sent.append(kept)
        if sent:
            self._tell_sent(project, sent)
        return {"project": project.slug, "sent": [kept.name for kept in sent], "failed": failed}

    def _tell_sent(self, project: Project, sent: Collection[Kept]) -> None:
        names = sorted(kept.name for kept in sent)
        with told(self.store) as tx:
            at = self.clock.now().at
            for kept in sent:
                self.kept_in.sent(tx, replace(kept, sent_at=at))
            self.kept_in.used(tx, project.id, names, "send", self.actor)
            self._tell(tx, project, Kind.SECRET_SENT, names=names)

    def rotate(self, reference: str | None = None) -> Json:
        """A new data key for a project, or for all (which takes the right `users`); `{projects, values}`.

        One transaction per project: what reads meanwhile always finds the value.
        """
        if reference is None:
            self.everywhere()
            with self.store.reading() as view:
                found = view.vault_projects()
        else:
            with self.store.reading() as view:
                found = [self.found(view, reference, Right.WRITE)[1].id]
        values = 0
        for project_id in found:
            with told(self.store) as tx:
                project = self.project_of(tx, project_id)
                count = self.kept_in.rotate(tx, project_id)
                values += count
                self._tell(tx, project, Kind.SECRETS_ROTATED, values=count)
        return {"projects": len(found), "values": values}

    def everywhere(self) -> None:
        """Raise Forbidden unless this principal sees to the whole installation."""
        if not self.by.may(Right.USERS):
            raise Forbidden(Right.USERS, self.actor)

    def project_of(self, view: Reads, project_id: str) -> Project:
        """A project by its id."""
        found = view.project(project_id)
        assert found is not None, "a project is never deleted"
        return the_project(found)


def _safe(name: str) -> str:
    """A name as it may be said again: what is none may be a value that was typed in its place."""
    return name if NAME.fullmatch(name) or RULE.fullmatch(name) else "that name"


def kept_view(kept: Kept) -> Json:
    """A kept value as JSON, without the value."""
    shown: dict[str, Any] = {
        "name": kept.name,
        "sort": str(kept.sort),
        "places": sorted(str(place) for place in kept.places),
        "set_at": kept.set_at.isoformat(),
        "set_by": kept.set_by,
        "generated": kept.generated,
        "sent_at": kept.sent_at.isoformat() if kept.sent_at else None,
        "version": kept.version,
    }
    return shown


def waiver_view(waiver: Waiver) -> Json:
    """A waiver as JSON."""
    return {"name": waiver.name, "reason": waiver.reason, "by": waiver.by, "at": waiver.at.isoformat()}
