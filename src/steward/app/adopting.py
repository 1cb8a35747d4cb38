"""Adopts a project that we did not make: it enters the lifecycle at the status that its evidence supports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from secrets import token_hex
from typing import Any, Final
from urllib.parse import urlsplit

from steward.app.accounts import begin_watch
from steward.app.commands import OWNER_LENGTH_MAX
from steward.app.errors import Invalid
from steward.app.filing import told
from steward.app.operations.ending import operation_event
from steward.app.queries import find_project, one_project, the_project
from steward.app.setup import ENTERING, Setup
from steward.app.surveying import Surveying, facts_of, required_checks
from steward.app.views import Json
from steward.domain.guards import Guard
from steward.domain.hands import PREFIX
from steward.domain.journal import Event, Kind
from steward.domain.life import GOOD_IN_A_ROW
from steward.domain.lifecycle import ENTRY_STATUSES, Refused
from steward.domain.operations import Operation, OperationState, Work
from steward.domain.people import Right
from steward.domain.project import Management, Project, Tracked
from steward.domain.reports import Seen
from steward.domain.repository import Repository
from steward.domain.setup import SELF_DEPLOY, Facts, Life, environment, examine, unknown_waivers, waiver_name
from steward.domain.setup import Setup as Examined
from steward.domain.spec import ADOPTED, Proof, Release, Spec, TemplateRef
from steward.domain.status import Status, Trigger
from steward.domain.vault import Waiver
from steward.domain.verdict import Colour
from steward.ports import Writes
from steward.ports.watching import Shown

REASON_MAX: Final = 1000
URL_MAX: Final = 500
LOOK_S: Final = 5.0
"""How long an address may take to answer."""
BETWEEN_S: Final = 0.5
"""Between two looks at it."""
PROOFS: Final = ("http", "attested")
"""How a project that is live already may be shown to be: by its address, or by a person's word."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is said of an adoption. See `Adopting.adopt`."""

    entry: Status | None = None
    owner: str | None = None
    proof: str | None = None
    url: str | None = None
    reason: str = ""
    accept_self_deploy: bool = False
    waive: Mapping[str, str] | None = None

    @classmethod
    def of(cls, entry: str | None = None, **said: Any) -> Wanted:
        """The same with the entry by its name. Raises Invalid for one that is no status."""
        try:
            return cls(entry=Status.parse(entry) if entry else None, **said)
        except ValueError:
            names = ", ".join(ENTRY_STATUSES)
            raise Invalid(f"'{entry}' is no status", f"Possible: {names}") from None


@dataclass(frozen=True, slots=True)
class _Outside:
    """What GitHub and the project's address show now, read before anything is written."""

    tip: str | None
    colour: Colour | None
    checks: tuple[str, ...]
    shown: Shown
    life: Life
    proof: Proof


class Adopting(Setup):
    """Adoptions of one principal. Raises Forbidden, Refused, Invalid, Stale, Unknown; Transient, Permanent of GitHub."""

    def adopt(self, reference: str, wanted: Wanted = Wanted()) -> Json:
        """Adopt a project; the project as it is then.

        Without `entry` it enters at the highest status that the evidence supports. `url` is where it is live, and
        proves it (`proof` "http": the commit at /version, else 2xx three times); with `proof` "attested" a person
        says so, in `reason`. `waive` maps required names, "ci" and "deploy" to why they are done without. What is
        refused changes nothing, not even the owner.
        """
        _check(wanted)
        repository = self._repository(reference)
        outside = self._look(repository, wanted)
        with told(self.store) as tx:
            found, project = self.found(tx, reference, Right.WRITE)
            if project.status not in ENTERING:
                raise Refused("edge", f"only what was discovered is adopted; it is {project.status}")
            if not isinstance(found, Tracked) or project.repository_id != repository.repo.id:
                raise Refused("guard", Guard.HAS_REPOSITORY.words, (Guard.HAS_REPOSITORY,))
            seen = self.seen(tx, project.organisation_id)
            self._waive(tx, project, wanted, seen.at)
            owner = (wanted.owner or "").strip() or project.owner
            facts = self._facts(tx, replace(project, owner=owner), wanted, outside)
            examined = examine(facts)
            entry = wanted.entry or examined.proposed
            must_support(examined, entry)
            assert entry is not None, "an entry that is supported is one"
            project = self._enter(tx, project, owner, entry, examined, wanted, seen)
            self._record(tx, project, found.repository, facts, outside, entry, seen)
            return one_project(tx, find_project(tx, project.id, self.by))

    def _repository(self, reference: str) -> Repository:
        """The project's repository; refusals that need no look at GitHub come first."""
        with self.store.reading() as view:
            found = find_project(view, reference, self.by)
            project = the_project(found)
            self.allow(view, Right.WRITE, project.organisation_id)
            record = view.scan(project.id)
        if project.status not in ENTERING:
            raise Refused("edge", f"only what was discovered is adopted; it is {project.status}")
        if not isinstance(found, Tracked):
            raise Refused("guard", Guard.HAS_REPOSITORY.words, (Guard.HAS_REPOSITORY,))
        if self.surveying is None:
            raise Invalid(
                "this process cannot read the repository",
                "Adopt it where Steward has a credential: on the server, or through it.",
            )
        if record is not None and record.state in ("queued", "running"):
            raise Refused("guard", "it is being scanned; wait for that to end")
        return found.repository

    def _look(self, row: Repository, wanted: Wanted) -> _Outside:
        assert self.surveying is not None
        tools = self.surveying()
        forge, branch = tools.forge(), row.repo.default_branch or "main"
        tip = forge.heads(row.repo.id, branch, PREFIX).default
        colour, found = tools.colour(row.repo.id, tip or "", self.clock)
        life, proof = self._life(tools, tip or "", wanted)
        return _Outside(
            tip=tip or "",
            colour=colour,
            checks=tuple(required_checks(found)),
            shown=forge.shown(row.repo.id, branch),
            life=life,
            proof=proof,
        )

    def _life(self, tools: Surveying, tip: str, wanted: Wanted) -> tuple[Life, Proof]:
        """What speaks for its being live, and how that is looked at from now on."""
        url = (wanted.url or "").strip()
        plain = Proof("http", "/", "")
        if wanted.proof == "attested":
            return Life("attested", url, wanted.reason.strip()), Proof("attested", "", "")
        if not url or tools.probe is None:
            return Life(), plain
        probe, by_commit = tools.probe(), Proof("http", "/", "/version")
        sign = probe.look(url, by_commit, tip, LOOK_S)
        if sign.alive:
            return self._three(tools, url, by_commit, tip, "commit")
        if sign.commit:
            return Life("", url, f"another commit answers there: {sign.commit[:12]}"), plain
        return self._three(tools, url, plain, tip, "answers")

    def _three(self, tools: Surveying, url: str, proof: Proof, tip: str, kind: str) -> tuple[Life, Proof]:
        """Three good looks in a row; the first bad one ends it."""
        assert tools.probe is not None
        probe = tools.probe()
        for number in range(GOOD_IN_A_ROW):
            if number:
                self.clock.wait(BETWEEN_S)
            sign = probe.look(url, proof, tip, LOOK_S)
            if not sign.alive:
                return Life("", url, sign.detail or "it does not answer"), proof
        return Life(kind, url, sign.detail), proof

    def _waive(self, tx: Writes, project: Project, wanted: Wanted, at: datetime) -> None:
        """Write the waivers down, with their events; they stand together with the adoption, or not at all."""
        waived = {name: reason.strip() for name, reason in (wanted.waive or {}).items()}
        if wanted.accept_self_deploy:
            waived[SELF_DEPLOY] = wanted.reason.strip() or "accepted as it was adopted"
        if not waived:
            return
        record = tx.scan(project.id)
        facts = facts_of(tx, project, record)
        strange = unknown_waivers(facts.scan, set(waived) - {SELF_DEPLOY})
        if strange:
            raise Invalid(
                "nothing asks for " + ", ".join(strange),
                "Waive a required name, ci, or deploy; see its checklist.",
            )
        for name, reason in sorted(waived.items()):
            tx.save_vault_waiver(Waiver(project.id, waiver_name(name), reason, self.actor, at))
            home, data = project.organisation_id, {"name": name, "waived": True}
            tx.append([Event(Kind.SECRET_WAIVED, at, self.actor, project.id, home, reason, data)])

    def _facts(self, tx: Writes, project: Project, wanted: Wanted, outside: _Outside) -> Facts:
        facts = facts_of(tx, project, tx.scan(project.id))
        return replace(
            facts,
            tip=outside.tip,
            colour=outside.colour,
            life=outside.life,
            accepts=facts.accepts or wanted.accept_self_deploy,
        )

    def _enter(
        self,
        tx: Writes,
        project: Project,
        owner: str | None,
        entry: Status,
        examined: Examined,
        wanted: Wanted,
        seen: Seen,
    ) -> Project:
        """The owner, the management and the move."""
        what: dict[str, Any] = {}
        if owner != project.owner:
            what["owner"] = [project.owner, owner]
        if project.management is not Management.DRIVE:
            what["management"] = [project.management.value, Management.DRIVE.value]
        if what:
            project = tx.save_project(replace(project, owner=owner, management=Management.DRIVE), seen.at)
            tx.append([self.event(Kind.PROJECT_CHANGED, seen, project, changes=what)])
        words = next(one.words for one in examined.candidates if one.status is entry)
        why = f"{words}; {wanted.reason.strip()}" if wanted.reason.strip() else words
        return self.move(tx, project, Trigger.ADOPTED, examined.proofs(entry), why, seen, choice=entry)

    def _record(
        self,
        tx: Writes,
        project: Project,
        row: Repository,
        facts: Facts,
        outside: _Outside,
        entry: Status,
        seen: Seen,
    ) -> None:
        """What the road goes on from, and what the watch over its branches begins with."""
        spec = self._spec(tx, project, row, facts, outside, seen.at)
        tx.set_budget(project.id, self.policy.budget_usd)
        done = Operation(
            id=token_hex(8),
            project_id=project.id,
            organisation_id=project.organisation_id,
            kind=Work.ADOPT,
            state=OperationState.SUCCEEDED,
            asked_by=self.actor,
            created_at=seen.at,
            started_at=seen.at,
            finished_at=seen.at,
            facts={
                "checks": list(outside.checks),
                "spec_version": spec.version,
                "commit": outside.tip,
                "entry": entry.value,
            },
            result={"commit": outside.tip, "url": outside.life.url},
        )
        tx.add_operation(done)
        tx.append([operation_event(Kind.OPERATION_SUCCEEDED, done, seen.at, self.actor)])
        if entry is Status.ACTIVE:
            self._live(tx, project, done, outside, seen)
        begin_watch(tx, row, project.id, outside.tip or None, seen.at, by=self.actor, shown=outside.shown)

    def _spec(
        self, tx: Writes, project: Project, row: Repository, facts: Facts, outside: _Outside, at: datetime
    ) -> Spec:
        last = tx.spec(project.id)
        spec = Spec(
            project_id=project.id,
            version=last.version + 1 if last else 1,
            template=TemplateRef(ADOPTED),
            answers={},
            brief=project.title or row.repo.description or row.repo.name,
            criteria=(),
            environment=environment(facts.scan),
            proof=outside.proof,
            made_by=self.actor,
            made_at=at,
        )
        tx.add_spec(spec)
        home, data = project.organisation_id, {"version": spec.version}
        tx.append([Event(Kind.SPEC_STORED, at, self.actor, project.id, home, "", data)])
        return spec

    def _live(self, tx: Writes, project: Project, done: Operation, outside: _Outside, seen: Seen) -> None:
        commit, url = str(outside.tip), outside.life.url
        health = "unknown" if outside.life.kind == "attested" else "healthy"
        release = Release(
            project_id=project.id,
            number=0,
            commit=commit,
            url=url,
            state="live",
            made_at=seen.at,
            operation_id=done.id,
            proof=outside.proof.kind,
            health=health,
            checked_at=seen.at,
        )
        saved = tx.save_release(release)
        live = {
            "url": url,
            "commit": commit,
            "since": seen.at.isoformat(),
            "health": health,
            "release": saved.number,
        }
        project = tx.save_project(replace(project, live=live), seen.at)
        data = {"number": saved.number, "commit": commit, "url": url}
        tx.append([self.event(Kind.RELEASE_LIVE, seen, project, "it was live as it was adopted", **data)])


def must_support(examined: Examined, entry: Status | None) -> None:
    """Raise Refused, with all that is missing in words, unless the project may be adopted into that status."""
    unmet: list[Guard] = []
    words: list[str] = []
    proofs = examined.proofs(entry)
    if Guard.OWNER_SET not in proofs:
        unmet.append(Guard.OWNER_SET)
        words.append(Guard.OWNER_SET.words)
    if Guard.SETUP_COMPLETE not in proofs:
        unmet.append(Guard.SETUP_COMPLETE)
        left = [line.name or line.words for line in examined.missing if line.code != "owner"]
        words.append(f"{Guard.SETUP_COMPLETE.words}: {', '.join(left[:10])}")
    if Guard.ENTRY_PROVEN not in proofs:
        unmet.append(Guard.ENTRY_PROVEN)
        lacks = examined.lacks(entry) if entry else examined.candidates[0].lacks
        words.append(f"{Guard.ENTRY_PROVEN.words}: {lacks}")
    if unmet:
        raise Refused("guard", "; ".join(words), tuple(unmet))


def _check(wanted: Wanted) -> None:
    """Raise Invalid for what is malformed, before anything is read."""
    if wanted.entry is not None and wanted.entry not in ENTRY_STATUSES:
        names = ", ".join(ENTRY_STATUSES)
        raise Invalid(f"a project is not adopted as {wanted.entry}", f"Possible: {names}")
    if wanted.owner and len(wanted.owner.strip()) > OWNER_LENGTH_MAX:
        raise Invalid(f"an owner's name has at most {OWNER_LENGTH_MAX} characters", "Shorten it.")
    if wanted.proof is not None and wanted.proof not in PROOFS:
        raise Invalid(f"'{wanted.proof}' is no proof of an adoption", f"Possible: {', '.join(PROOFS)}")
    if wanted.proof == "attested" and not wanted.reason.strip():
        raise Invalid("a word that it is live needs a reason", "Say how you know.")
    if len(wanted.reason) > REASON_MAX:
        raise Invalid(f"a reason has at most {REASON_MAX} characters", "Shorten it.")
    if wanted.url:
        _check_url(wanted.url.strip())
    for name, reason in (wanted.waive or {}).items():
        if not reason.strip() or len(reason) > REASON_MAX:
            raise Invalid(f"doing without {name} needs a reason", f"At most {REASON_MAX} characters.")


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
    except ValueError:
        fits = False
    if not fits or len(url) > URL_MAX or not url.isprintable() or " " in url:
        raise Invalid("that is no address of a site", "For example: https://shop.example")
