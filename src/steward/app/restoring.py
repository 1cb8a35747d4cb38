"""After a restore: what would happen if automation went on, and what is taken as known where a person lets it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from steward.app.driving import due, requeue
from steward.app.errors import Invalid
from steward.app.operations.ending import cancel
from steward.app.parts import Parts
from steward.app.queries import find_organisation, readable_organisations
from steward.app.standing import Found, Standing, Taken
from steward.app.sync import Sync
from steward.app.views import Json, stamp
from steward.domain.driving import NEXT
from steward.domain.instant import elapsed_s
from steward.domain.journal import Event, Kind
from steward.domain.operations import STEPS, Operation, Work
from steward.domain.people import Principal, Right
from steward.domain.project import Organisation
from steward.domain.restored import RESTORED, digest, restored_from
from steward.domain.spec import Proof
from steward.ports import Permanent, ProjectQuery, Reads, Transient, Writes
from steward.ports.vault import Damaged
from steward.ports.watching import ForgeWatch

YES: Final = "yes"
"""What stands for the plan's digest where a person goes on without having it compared."""
PARTS: Final = ("login", "changes", "operations", "starts", "branches", "releases", "secrets", "unread")
"""What of an organisation's plan its digest stands for."""
LOOK_S: Final = 5.0
LOOKS_S: Final = 60.0
"""How long releases are asked in all; those left over are listed as not asked."""
WHY: Final = "the restored database was accepted"


@dataclass(frozen=True, slots=True)
class Restoring:
    """What one principal may ask of a database that was restored."""

    parts: Parts
    by: Principal

    def mark(self) -> Json | None:
        """That it was restored and is not accepted yet; None where it is not so. One small read."""
        with self.parts.store.reading() as view:
            found = restored_from(view.setting(RESTORED))
            if found is None:
                return None
            homes = [o.login for o in readable_organisations(view, self.by) if o.id in found.organisations]
        return {
            "at": stamp(found.at),
            "backup_at": stamp(found.backup_at),
            "by": found.by,
            "organisations": homes,
        }

    def plan(self, organisation: str | None = None) -> Json:
        """What would happen if automation went on now. GitHub and what is live are read, nothing is written.

        Raises Unknown, Forbidden. What could not be read is told in it.
        """
        with self.parts.store.reading() as view:
            homes = [o for o in view.organisations() if self.by.may(Right.LOOK, o.id)]
            if organisation is not None:
                homes = [find_organisation(view, organisation, self.by)]
        planned = [self._planned(home) for home in homes]
        said = {"organisations": [{part: one[part] for part in PARTS} for one in planned]}
        name = digest(said, ["organisations"])
        return {"restored": self.mark(), "digest": name, "organisations": planned}

    def _planned(self, home: Organisation) -> Json:
        found, unread = self._found(home)
        look = self._look(home)
        with self.parts.store.reading() as view:
            slugs = {p.id: p.slug for p, _ in view.projects(ProjectQuery(organisation_ids=[home.id]))}
            opened = [one for one in view.open_operations() if one.organisation_id == home.id]
            starts, secrets = self._starts(view, home), self._secrets(view, slugs)
        return {
            **look,
            "frozen": home.frozen is not None,
            "operations": [_going_on(one, slugs) for one in opened],
            "starts": starts,
            "branches": [one.json() for one in found],
            "releases": self._releases(slugs),
            "secrets": secrets,
            "unread": unread,
        }

    def _look(self, home: Organisation) -> Json:
        """What a look would change."""
        failed: Json = {"login": home.login, "whole": False, "reason": "", "changes": []}
        names = {name.lower() for name in (home.login, *home.aliases)}
        mine = [login for login in self.parts.logins if login.lower() in names]
        if not mine:
            return {**failed, "reason": "the settings do not name it any more"}
        try:
            planned: Json = Sync(self.parts, self.by).plan(mine[:1])["organisations"][0]
        except (Transient, Permanent) as error:
            return {**failed, "reason": str(error)}
        return {**planned, "login": home.login}

    def _watch(self) -> Callable[[], ForgeWatch] | None:
        if self.parts.watching is not None:
            return self.parts.watching
        return self.parts.drive().tools.forge if self.parts.drive is not None else None

    def _found(self, home: Organisation) -> tuple[list[Found], list[Json]]:
        """Branches that stand elsewhere than recorded; and what could not be read."""
        try:
            standing = self._standing()
            return standing.found(home.id) if standing is not None else ([], [])
        except (Transient, Permanent) as error:
            return [], [{"project": None, "reason": str(error)}]

    def _standing(self) -> Standing | None:
        """None where nothing is driven here: then no branch is ours."""
        watch = self._watch()
        if watch is None:
            return None
        vault = self.parts.vault
        return Standing(self.parts.store, watch(), vault.seal_keys if vault is not None else None)

    def _starts(self, view: Reads, home: Organisation) -> list[Json]:
        """What would be begun by itself, where nothing is open."""
        query = ProjectQuery(statuses=list(NEXT), management=["drive"], organisation_ids=[home.id])
        found = [
            (project.slug, due(view.operations(project.id), project, self.parts.policy, held=False))
            for project, _ in view.projects(query)
        ]
        return [{"project": slug, "work": work.value} for slug, work in found if work is not None]

    def _releases(self, slugs: dict[str, str]) -> list[Json]:
        """Releases that do not answer as recorded: perhaps another commit serves."""
        if self.parts.drive is None:
            return []
        probe, clock, odd = self.parts.drive().tools.probe, self.parts.clock, []
        with self.parts.store.reading() as view:
            live = [
                (one, view.spec(one.project_id)) for one in view.live_releases() if one.project_id in slugs
            ]
        since = clock.now()
        for release, spec in live:
            proof = replace(spec.proof if spec else Proof(), kind=release.proof)
            told: Json = {
                "project": slugs[release.project_id],
                "url": release.url,
                "recorded": release.commit,
                "found": None,
                "detail": "not asked: too many",
            }
            if elapsed_s(since, clock.now()) < LOOKS_S:
                sign = probe.look(release.url, proof, release.commit, LOOK_S)
                if sign.alive:
                    continue
                told |= {"found": sign.commit or None, "detail": sign.detail}
            odd.append(told)
        return odd

    def _secrets(self, view: Reads, slugs: dict[str, str]) -> list[Json]:
        """Kept values that cannot be read, each with the reason; never a value."""
        vault, unread = self.parts.vault, []
        if vault is None:
            return []
        for project_id, slug in slugs.items():
            for kept in vault.kept(view, project_id):
                try:
                    for place in kept.places:
                        vault.values(view, project_id, place, [kept.name])
                except (Permanent, Damaged) as error:
                    unread.append({"project": slug, "name": kept.name, "reason": str(error)})
        return unread

    # -- letting go on ------------------------------------------------------------------------------------

    def must_be_seen(self, homes: Sequence[Organisation], seen: str) -> list[Organisation]:
        """Those of the organisations that come back with a restored database. Raises Invalid unless the plan was seen:
        `seen` is its digest, of what would happen now, or YES.
        """
        with self.parts.store.reading() as view:
            mark = restored_from(view.setting(RESTORED))
        pending = [home for home in homes if mark is not None and home.id in mark.organisations]
        if not pending or seen == YES:
            return pending
        if not seen:
            raise Invalid(
                "the database was restored from a backup, and what would happen has not been looked at",
                "See it: steward db plan. Then: steward unfreeze --all --plan DIGEST",
            )
        alone = pending[0].login if len(pending) == 1 else None
        if seen not in {self.plan()["digest"], *([self.plan(alone)["digest"]] if alone else [])}:
            raise Invalid(
                "what would happen has changed since that plan was made, or it was never made",
                "See it again: steward db plan",
            )
        return pending

    def known(self, home: Organisation) -> list[Taken]:
        """Where branches of ours stand now, to be taken as known. Raises Transient and Permanent."""
        standing = self._standing()
        if standing is None:
            return []
        found, unread = standing.found(home.id)
        if unread:
            names = ", ".join(str(one["project"]) for one in unread[:5])
            raise Invalid(
                f"branches of {names} cannot be read now: {unread[0]['reason']}",
                "Mend that, or set those projects to watch; then unfreeze again.",
            )
        return standing.taken(found, self.by.actor, self.parts.clock.now().at)

    def accept(self, tx: Writes, home: Organisation, known: Sequence[Taken]) -> None:
        """In the transaction that unfreezes: take what is known into the ledger, let operations go on from there,
        and remove the mark where this was the last organisation that bore it.
        """
        facts = {name: value for one in known for name, value in one.facts.items()}
        for taken in known:
            for entry in taken.entries:
                tx.enter(entry)
            if taken.watch is not None:
                tx.save_watch(taken.watch)
        at, clock = self.parts.clock.now().at, self.parts.clock
        for operation in tx.open_operations():
            if operation.organisation_id != home.id:
                continue
            if operation.kind is Work.ROLLBACK:
                # What is live may be newer than the record: a person says again what is to be put there.
                cancel(tx, operation, at, self.by.actor, WHY)
                continue
            changed = replace(operation, facts=facts.get(operation.id, operation.facts))
            requeue(tx, tx.save_operation(changed), self.by.actor, WHY, clock)
        mark = restored_from(tx.setting(RESTORED))
        left = mark.without(home.id) if mark is not None else None
        tx.set_setting(RESTORED, left.json() if left is not None else None)
        entries = [entry for one in known for entry in one.entries]
        data = {"branches": [entry.branch for entry in entries][:50], "count": len(entries)}
        tx.append([Event(Kind.INSTALLATION_ACCEPTED, at, self.by.actor, None, home.id, WHY, data)])


def is_pending(view: Reads, organisation_id: int) -> bool:
    """Whether an organisation came back with a restored database, and nobody has accepted that."""
    mark = restored_from(view.setting(RESTORED))
    return mark is not None and organisation_id in mark.organisations


def _going_on(operation: Operation, slugs: dict[str, str]) -> Json:
    """An unfinished operation, and the step that it would go on at."""
    steps = STEPS[operation.kind]
    return {
        "project": slugs.get(operation.project_id, ""),
        "id": operation.id,
        "work": operation.kind.value,
        "state": operation.state.value,
        "step": operation.progress.step or steps[0],
        "ends": operation.kind is Work.ROLLBACK,
    }
