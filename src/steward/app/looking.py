"""Reads GitHub for the heartbeat and turns answers into changes. It holds no writer and stores nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from steward.domain import drift
from steward.domain.belief import Context, Evidence, Losses, believe, lost_within, weigh
from steward.domain.drift import Change
from steward.domain.instant import Instant, elapsed_s
from steward.domain.project import Organisation, Project, Tracked
from steward.domain.repository import (
    Access,
    Cost,
    Found,
    Listing,
    NotFound,
    PageMark,
    Presence,
    Repo,
    Sighting,
)
from steward.domain.rules import Rules
from steward.ports import ForgeRead, Permanent, Reads, Store, Transient

CHUNK = 1000
"""How many records are read at a time."""
CANARIES = 3
"""How many repositories are tried before our access is said not to be whole."""


@dataclass(frozen=True, slots=True)
class Observed:
    """A whole listing beside the record. `quiet`: nothing changed since the last applied look.

    `unseen`: the record holds repositories that are not `seen`, and some of them may be due for a read.
    """

    listing: Listing
    digests: Mapping[int, int]
    changed: Sequence[int] = ()
    vanished: Sequence[int] = ()
    quiet: bool = False
    unseen: bool = True

    @property
    def count(self) -> int:
        """How many repositories the listing holds."""
        return sum(page.mark.count for page in self.listing.pages)


def observe(
    forge: ForgeRead, store: Store, organisation: Organisation, marks: Sequence[PageMark]
) -> Observed:
    """List the organisation and compare with the record. Raises the forge's errors."""
    listing = _listing(forge, organisation, marks)
    unsent = [page.mark.number for page in listing.pages if page.entries is None]
    same = len(unsent) == len(listing.pages) == len(marks)
    if same and organisation.marks_revision == organisation.revision:
        return Observed(listing, {}, quiet=True)
    observed = _compare(store, organisation, listing, unsent)
    if not unsent or all(repo_id in listing.repos for repo_id in observed.changed):
        return observed
    # A page that did not change shows facts that the record has lost meanwhile: its body is needed.
    cold = _listing(forge, organisation, [])
    cold = replace(cold, cost=cold.cost + listing.cost)
    return _compare(store, organisation, cold, [])


def _listing(forge: ForgeRead, organisation: Organisation, marks: Sequence[PageMark]) -> Listing:
    login, owner_id = organisation.login, organisation.owner_id
    listing = forge.listing(login, owner_id, marks, organisation.marks_credential)
    if owner_id is not None or listing.owner_id:
        return listing
    # An empty organisation that was never seen before: nothing but the organisation itself tells its id.
    facts = forge.organisation(login, None)
    cost = listing.cost + Cost(requests=1, points=1)
    return replace(listing, owner_id=facts.id, login=facts.login, cost=cost)


def _compare(store: Store, organisation: Organisation, listing: Listing, unsent: Sequence[int]) -> Observed:
    digests: dict[int, int] = {}
    with store.reading() as view:
        stored = view.page_entries(organisation.id, unsent) if unsent else {}
        recorded = view.digests(organisation.id)
    for page in listing.pages:
        digests.update(page.entries if page.entries is not None else stored[page.mark.number])
    changed, vanished = drift.differing(digests, recorded)
    return Observed(listing, digests, changed, vanished, unseen=None in recorded.values())


def seen_changes(
    view: Reads, repos: Mapping[int, Repo], ids: Iterable[int], organisation: Organisation, look: int
) -> Iterator[Change]:
    """The changes of repositories that were shown, judged as they are asked for.

    Says nothing of any that were not.
    """
    expected = expectations(view, organisation)
    pending = iter(ids)
    while chunk := list(islice(pending, CHUNK)):
        records = _records(view, chunk)
        for repo_id in chunk:
            change = drift.sight(repos[repo_id], records.get(repo_id), organisation.id, expected, look)
            if change is not None:
                yield change


def expectations(view: Reads, organisation: Organisation) -> list[tuple[Project, str, str]]:
    """What provisioning waits for there, as `drift.sight` takes it."""
    return [(e.project, e.name, e.marker) for e in view.expected(organisation.id)]


def _records(view: Reads, ids: Sequence[int]) -> dict[int, Tracked]:
    return {t.repository.repo.id: t for t in view.tracked(ids)} if ids else {}


@dataclass(slots=True)
class Readings:
    """Repositories read one by one: what each showed, and what the reads cost.

    `stopped` is the error that ended the round early; what was read before it counts.
    """

    sightings: dict[int, Sighting] = field(default_factory=dict)
    evidence: dict[str, Evidence] = field(default_factory=dict)
    cost: Cost = field(default=Cost())
    stopped: Transient | Permanent | None = None


def read_each(
    forge: ForgeRead,
    store: Store,
    organisation: Organisation,
    due: Sequence[Tracked],
    observed: Observed | None = None,
) -> Readings:
    """Read repositories by id, then look whether our access is whole for those that were not found.

    The canary is read after the 404s, so that access lost in between cannot make them believed. `observed`
    is the listing of the same look, which the record does not show yet.
    """
    readings = Readings()
    checker = AccessChecker(forge, store, organisation, observed, readings)
    try:
        for tracked in due:
            visibility = tracked.repository.repo.visibility
            unreadable = tracked.repository.presence is Presence.INACCESSIBLE
            if unreadable and checker.evidence(visibility).doubt():
                continue
            repo_id = tracked.repository.repo.id
            readings.sightings[repo_id], cost = forge.repository(repo_id)
            readings.cost += cost
        readings.evidence.clear()
        for tracked in due:
            if isinstance(readings.sightings.get(tracked.repository.repo.id), NotFound):
                checker.evidence(tracked.repository.repo.visibility)
    except (Transient, Permanent) as error:
        readings.stopped = error
    return readings


class AccessChecker:
    """Finds out, once per visibility and round, whether our access is whole."""

    def __init__(
        self,
        forge: ForgeRead,
        store: Store,
        organisation: Organisation,
        observed: Observed | None,
        readings: Readings,
    ) -> None:
        self._forge = forge
        self._store = store
        self._organisation = organisation
        self._observed = observed
        self._readings = readings

    def evidence(self, visibility: str) -> Evidence:
        """What shows that repositories of that visibility are readable for us."""
        known = self._readings.evidence.get(visibility)
        if known is None:
            known = self._gather(visibility)
            self._readings.evidence[visibility] = known
        return known

    def _gather(self, visibility: str) -> Evidence:
        access = self._forge.access(self._organisation.login, self._organisation.owner_id)
        if access is Access.SELECTED:
            return Evidence(access, canary=None)
        canaries = self._canaries(visibility)
        canary = self._any_readable(canaries) if canaries else None
        if canary is False or (canary and access is Access.ALL):
            return Evidence(access, canary)
        return Evidence(access, canary, self._counts_agree(visibility))

    def _canaries(self, visibility: str) -> list[int]:
        """Some that are there for all we know; what this very look did not list proves nothing of the rest."""
        lacking = set(self._observed.vanished) if self._observed else set()
        with self._store.reading() as view:
            found = view.canaries(self._organisation.id, visibility, CANARIES + len(lacking))
        return [repo_id for repo_id in found if repo_id not in lacking][:CANARIES]

    def _any_readable(self, canaries: Sequence[int]) -> bool:
        for repo_id in canaries:
            sighting, cost = self._forge.repository(repo_id)
            self._readings.cost += cost
            if isinstance(sighting, Found):
                return True
        return False

    def _counts_agree(self, visibility: str) -> bool | None:
        facts = self._forge.organisation(self._organisation.login, self._organisation.owner_id)
        self._readings.cost += Cost(requests=1, points=1)
        with self._store.reading() as view:
            seen = self._seen(view)
        public = seen["public"]
        told, ours = (
            (facts.public_repos, public)
            if visibility == "public"
            else (facts.private_repos, seen.total() - public)
        )
        return None if told is None else told == ours

    def _seen(self, view: Reads) -> Counter[str]:
        """How many repositories we see, by visibility: as recorded, put right by what this look listed."""
        seen: Counter[str] = Counter()
        for (visibility, presence), number in view.presence_counts(self._organisation.id).items():
            seen[visibility] += number if presence == Presence.SEEN else 0
        observed = self._observed
        if observed is None or observed.quiet:
            return seen
        for tracked in _records(view, [*observed.vanished, *observed.changed]).values():
            row = tracked.repository
            if row.presence is Presence.SEEN and row.organisation_id == self._organisation.id:
                seen[row.repo.visibility] -= 1
        seen.update(observed.listing.repos[repo_id].visibility for repo_id in observed.changed)
        return seen


@dataclass(frozen=True, slots=True)
class Survey:
    """All that one look saw: a whole listing (None for a look at single repositories), and reads by id."""

    observed: Observed | None
    readings: Readings

    @property
    def cost(self) -> Cost:
        """What the look cost."""
        return self.readings.cost + (self.observed.listing.cost if self.observed else Cost())

    @property
    def quiet(self) -> bool:
        """Whether no page changed, and nothing was read by id, nor should have been."""
        silent = not self.readings.sightings and self.readings.stopped is None
        return silent and self.observed is not None and self.observed.quiet

    @property
    def differs(self) -> bool:
        """Whether there is anything to judge at all."""
        seen = self.observed
        listed = seen is not None and (seen.changed or seen.vanished or seen.unseen)
        return bool(self.readings.sightings or listed)


def known_marks(view: Reads, organisation: Organisation) -> Sequence[PageMark]:
    """The validators that a listing may use: none before the first look was applied."""
    return view.marks(organisation.id) if organisation.baseline else ()


def survey(
    forge: ForgeRead,
    store: Store,
    organisation: Organisation,
    marks: Sequence[PageMark],
    look: int,
    now: Instant,
    rules: Rules,
) -> Survey:
    """List the organisation, then read by id what the listing lacks and what is being confirmed.

    Raises the forge's errors where the listing was not whole; reads that fail only end the reading.
    """
    observed = observe(forge, store, organisation, marks)
    if not (observed.vanished or observed.unseen):
        return Survey(observed, Readings())
    with store.reading() as view:
        due = due_reads(view, organisation, rules, now, everything=True)
        lacking = _suspects(view, observed, look, rules.grace_s)
    unlisted = [t for t in due if t.repository.repo.id not in observed.digests]
    suspects = [change.before for change in lacking]
    chosen = [*unlisted, *suspects][: rules.reads_per_round]
    return Survey(observed, read_each(forge, store, organisation, chosen, observed))


def disagrees(view: Reads, observed: Observed) -> bool:
    """Whether the record goes on holding as seen what the listing lacks: in its grace, or not read clearly.

    The next look must then compare again, even if no page has changed.
    """
    lacking = _records(view, observed.vanished).values()
    return any(tracked.repository.presence is Presence.SEEN for tracked in lacking)


def _suspects(view: Reads, observed: Observed, look: int, grace_s: float) -> list[drift.Suspected]:
    records = _records(view, observed.vanished)
    server_at = observed.listing.server_at
    found = (drift.suspect(records[i], look, server_at, grace_s) for i in observed.vanished)
    return [change for change in found if change is not None]


def shown_changes(view: Reads, seen: Survey, context: Context) -> Iterator[Change]:
    """The changes of what the listing showed. They are to be applied before `missed_changes` is asked."""
    if seen.observed is None:
        return iter(())
    repos, changed = seen.observed.listing.repos, seen.observed.changed
    return seen_changes(view, repos, changed, context.organisation, context.look)


def missed_changes(view: Reads, seen: Survey, context: Context) -> list[Change]:
    """The believed changes of what was not listed, judged against the record as `view` shows it now."""
    changes: list[Change] = []
    sightings = seen.readings.sightings
    if seen.observed is not None:
        lacking = _suspects(view, seen.observed, context.look, context.rules.grace_s)
        changes += [change for change in lacking if change.before.repository.repo.id not in sightings]
    for repo_id, before in _records(view, list(sightings)).items():
        change = weigh(before, sightings[repo_id], context)
        if change is not None:
            changes.append(change)
    if not any(isinstance(change, drift.Lost | drift.Transferred) for change in changes):
        return changes
    return believe(changes, losses(view, context), context.rules)


def losses(view: Reads, context: Context) -> Losses:
    """What the mass-loss guard weighs in that organisation now."""
    organisation_id, rules = context.organisation.id, context.rules
    counts: Counter[str] = Counter()
    for (_, presence), number in view.presence_counts(organisation_id).items():
        counts[presence] += number
    # As many losses as repositories are left are beyond any limit; counting more would change nothing.
    moments = view.lost_since(organisation_id, max(counts.total(), rules.loss_count_max) + 1)
    concluded = lost_within(moments, context.now, rules.loss_window_s)
    pending = counts[Presence.ABSENT] + counts[Presence.TRANSFERRED]
    return Losses(concluded, pending, counts.total() + concluded)


def homes(view: Reads, organisation: Organisation) -> dict[int, int]:
    """Owner id -> our id, of that organisation and of every other one kept on its server."""
    known = {o.owner_id: o.id for o in view.organisations() if o.owner_id and o.server == organisation.server}
    return {**known, **({organisation.owner_id: organisation.id} if organisation.owner_id else {})}


def due_reads(
    view: Reads, organisation: Organisation, rules: Rules, now: Instant, *, everything: bool
) -> list[Tracked]:
    """Repositories to be read by id now: absences whose wait is over, and losses released by a person.

    `everything` adds those that could not be read before; they are tried once per beat.
    """
    absent = [
        t
        for t in view.absences(organisation.id, rules.reads_per_round)
        if t.repository.confirmed is None
        or elapsed_s(t.repository.confirmed, now) >= rules.confirm_spacing_s
        or t.repository.vouched
    ]
    others = [Presence.TRANSFERRED, *([Presence.BLOCKED, Presence.INACCESSIBLE] if everything else [])]
    room = rules.reads_per_round - len(absent)
    unseen = view.unseen(organisation.id, others, room) if room > 0 else []
    return absent + [t for t in unseen if not t.repository.held]
