"""The master key, and exports of secrets under a passphrase: what sees to the whole installation may do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from steward.app.errors import Invalid
from steward.app.filing import told
from steward.app.keeping import checked
from steward.app.queries import find_project, the_project
from steward.app.secrets import Secrets
from steward.app.views import Json
from steward.domain.journal import Kind
from steward.domain.needs import Sort
from steward.domain.people import Right
from steward.domain.project import Project
from steward.domain.vault import Kept, Place, Waiver
from steward.ports import Permanent, Reads, Writes

PASSPHRASE_MIN: Final = 12
BACKED_UP: Final = "vault_backed_up"
"""The setting that holds the id of the master key that a person has said to have a copy of."""


@dataclass(frozen=True, slots=True)
class SecretFiles(Secrets):
    """The same as `Secrets`, with what takes the right `users`."""

    def key(self) -> Json:
        """`{id, where, own, backed_up, in_use}`: the master key without the key. `in_use`: id -> projects."""
        self.everywhere()
        with self.store.reading() as view:
            return self._key(view)

    def _key(self, view: Reads) -> Json:
        name, where = self.kept_in.master()
        own = self.kept_in.is_own_file()
        return {
            "id": name,
            "where": where,
            "own": own,
            "backed_up": not own or (bool(name) and view.setting(BACKED_UP) == name),
            "in_use": view.vault_masters(),
        }

    def backed_up(self) -> Json:
        """Say that there is a copy of the master key; as `key`. Raises Invalid where there is no key."""
        self.everywhere()
        with told(self.store) as tx:
            name, _ = self.kept_in.master()
            if not name:
                raise Invalid("there is no master key yet", "Start Steward: steward up")
            tx.set_setting(BACKED_UP, name)
            return self._key(tx)

    def rotate_master(self, *, renew: bool = True) -> Json:
        """A new master key, and every data key wrapped under it; `{id, projects}`. Earlier keys stay in the file.

        With `renew` False only what is under an earlier key is wrapped anew: for a key from outside that a person
        has put in, and for a rotation that was broken off.
        """
        self.everywhere()
        with self.store.reading() as view:
            self.kept_in.begin(view)
        if renew and self.kept_in.is_own_file():
            self.kept_in.renew_master()
        with self.store.reading() as view:
            found = view.vault_projects()
        wrapped = 0
        for project_id in found:
            with told(self.store) as tx:
                if self.kept_in.rewrap(tx, project_id):
                    wrapped += 1
                    self._tell_rotated(tx, self.project_of(tx, project_id))
        return {"id": self.kept_in.master()[0], "projects": wrapped}

    def _tell_rotated(self, tx: Writes, project: Project) -> None:
        seen = self.seen(tx, project.organisation_id)
        tx.append([self.event(Kind.SECRETS_ROTATED, seen, project, master=True, values=0)])

    def forget_all(self, references: Sequence[str] = ()) -> Json:
        """Drop every kept value of these projects (of all), for a master key that is lost; `{projects, values}`."""
        self.everywhere()
        projects, values = 0, 0
        for project_id in self._chosen(references):
            with told(self.store) as tx:
                project = self.project_of(tx, project_id)
                names = self.kept_in.forget(tx, project_id)
                seen = self.seen(tx, project.organisation_id)
                tx.append([self.event(Kind.SECRET_UNSET, seen, project, names=names)])
            projects, values = projects + 1, values + len(names)
        return {"projects": projects, "values": values}

    def _chosen(self, references: Sequence[str]) -> list[str]:
        """Ids of the named projects; without names, of all that something is kept for."""
        with self.store.reading() as view:
            if not references:
                return view.vault_projects()
            return [the_project(find_project(view, one, self.by)).id for one in references]

    def export(self, references: Sequence[str], passphrase: str) -> bytes:
        """Everything that is kept for these projects (for all), in a file under a passphrase; its use is audited."""
        self.everywhere()
        if len(passphrase) < PASSPHRASE_MIN:
            raise Invalid(
                f"a passphrase has at least {PASSPHRASE_MIN} characters",
                "Use several words that nobody guesses.",
            )
        entries: list[Json] = []
        for project_id in self._chosen(references):
            with told(self.store) as tx:
                project = self.project_of(tx, project_id)
                login = tx.organisation(project.organisation_id).login
                contents = self.kept_in.contents(tx, project_id)
                self.kept_in.used(tx, project_id, [kept.name for kept, _ in contents], "export", self.actor)
                waivers = self.kept_in.waivers(tx, project_id)
            entries.append(_exported(project, login, contents, waivers))
        return self.kept_in.lock(json.dumps({"version": 1, "projects": entries}).encode(), passphrase)

    def restore(self, data: bytes, passphrase: str, *, replace: bool = False) -> Json:
        """Keep again what an export holds; `{kept, skipped, unknown}`, each a list of "project NAME".

        A value that is set stays, unless it is to be replaced. Projects are found by id, then by slug. All in one
        transaction. Raises Permanent: no export, cut or changed, another passphrase.
        """
        self.everywhere()
        entries = _imported(self.kept_in.unlock(data, passphrase))
        done: dict[str, list[str]] = {"kept": [], "skipped": [], "unknown": []}
        with told(self.store) as tx:
            for entry in entries:
                found = tx.project(entry["id"]) or tx.project(entry["slug"])
                if found is None:
                    done["unknown"] += [f"{entry['slug']} {one['name']}" for one in entry["values"]]
                    continue
                project = the_project(found)
                self.allow(tx, Right.WRITE, project.organisation_id)
                self._restore(tx, project, entry, done, replace=replace)
        return dict(done)

    def _restore(
        self, tx: Writes, project: Project, entry: Json, done: dict[str, list[str]], *, replace: bool
    ) -> None:
        there = {one.name for one in self.kept_in.kept(tx, project.id)}
        waived = {one.name for one in self.kept_in.waivers(tx, project.id)}
        at, names = self.clock.now().at, []
        for one in entry["values"]:
            name = one["name"]
            if name in there and not replace:
                done["skipped"].append(f"{project.slug} {name}")
                continue
            places = frozenset(Place(place) for place in one["places"])
            checked(name, one["value"], places)
            kept = Kept(project.id, name, Sort(one["sort"]), places, at, self.actor, one["generated"])
            self.kept_in.keep(tx, kept, one["value"])
            names.append(name)
            done["kept"].append(f"{project.slug} {name}")
        for one in entry["waivers"]:
            if one["name"] not in waived:
                when = datetime.fromisoformat(one["at"])
                self.kept_in.waive(tx, Waiver(project.id, one["name"], one["reason"], one["by"], when))
        if names:
            seen = self.seen(tx, project.organisation_id)
            why = "restored from an export"
            tx.append([self.event(Kind.SECRET_SET, seen, project, why, names=sorted(names))])


def _exported(
    project: Project, login: str, contents: Sequence[tuple[Kept, str]], waivers: Sequence[Waiver]
) -> Json:
    return {
        "id": project.id,
        "slug": project.slug,
        "organisation": login,
        "values": [
            {
                "name": kept.name,
                "sort": str(kept.sort),
                "places": sorted(str(place) for place in kept.places),
                "generated": kept.generated,
                "value": value,
            }
            for kept, value in contents
        ],
        "waivers": [
            {"name": one.name, "reason": one.reason, "by": one.by, "at": one.at.isoformat()}
            for one in waivers
        ],
    }


def _imported(data: bytes) -> list[Json]:
    """The projects of an export, as far as they are whole. Raises Permanent, which tells nothing of them."""
    try:
        whole = json.loads(data)
        entries: list[Any] = whole["projects"] if whole["version"] == 1 else [None]
        for entry in entries:
            for one in entry["values"]:
                _fits(one)
            for one in entry["waivers"]:
                datetime.fromisoformat(one["at"])
            _text(entry["id"], entry["slug"])
    except (ValueError, KeyError, TypeError):
        raise Permanent(
            "this export of secrets is of a form that this Steward cannot read", "Install a newer Steward."
        ) from None
    return entries


def _fits(one: Any) -> None:
    _text(one["name"], one["value"])
    Sort(one["sort"])
    for place in one["places"]:
        Place(place)
    if not isinstance(one["generated"], bool):
        raise TypeError


def _text(*values: Any) -> None:
    if not all(isinstance(value, str) for value in values):
        raise TypeError
