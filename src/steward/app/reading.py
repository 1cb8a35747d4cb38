"""Reads repositories one by one, and finds out whether our access is whole where one was not found.

It holds no writer and judges nothing; what a reading means is `looking`'s and `domain.belief`'s.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from steward.domain.belief import Evidence
from steward.domain.project import Organisation, Tracked
from steward.domain.repository import (
    Access,
    Cost,
    Found,
    Listing,
    NotFound,
    Presence,
    Sighting,
    Unclear,
)
from steward.ports import ForgeRead, Permanent, Reads, Store, Transient

CANARIES = 3
"""How many repositories are tried before our access is said not to be whole."""
STILL_THERE = "its deletion was told, but it can be read still"


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


def records(view: Reads, ids: Sequence[int]) -> dict[int, Tracked]:
    """What is recorded of these repositories, by id."""
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


def read_named(
    forge: ForgeRead, store: Store, organisation: Organisation, ids: Sequence[int], known: Sequence[Tracked]
) -> Readings:
    """Read these by id, recorded (`known`) or not, from the reserve; then our access, for the 404s among the known."""
    readings = Readings()
    checker = AccessChecker(forge, store, organisation, None, readings, urgent=True)
    try:
        for repo_id in ids:
            readings.sightings[repo_id], cost = forge.repository(repo_id, urgent=True)
            readings.cost += cost
        for tracked in known:
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
        *,
        urgent: bool = False,
    ) -> None:
        self._forge = forge
        self._store = store
        self._organisation = organisation
        self._observed = observed
        self._readings = readings
        self._urgent = urgent

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
            sighting, cost = self._forge.repository(repo_id, urgent=self._urgent)
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
        for tracked in records(view, [*observed.vanished, *observed.changed]).values():
            row = tracked.repository
            if row.presence is Presence.SEEN and row.organisation_id == self._organisation.id:
                seen[row.repo.visibility] -= 1
        seen.update(observed.listing.repos[repo_id].visibility for repo_id in observed.changed)
        return seen


def unclear(
    repo_ids: Sequence[int], readings: Readings, known: Sequence[Tracked], vouched: Mapping[int, str]
) -> dict[int, str]:
    """What a look at named repositories did not settle, with the reason."""
    visibility = {t.repository.repo.id: t.repository.repo.visibility for t in known}
    stopped = readings.stopped.reason if readings.stopped else "not read"
    found: dict[int, str] = {}

    def unchecked(repo_id: int) -> bool:
        # One that is not recorded was gone before it was seen; of one that is, our access must be known.
        return repo_id in visibility and visibility[repo_id] not in readings.evidence

    for repo_id in repo_ids:
        sighting = readings.sightings.get(repo_id)
        if sighting is None:
            found[repo_id] = stopped
        elif isinstance(sighting, Unclear):
            found[repo_id] = sighting.reason
        elif isinstance(sighting, Found) and repo_id in vouched:
            found[repo_id] = STILL_THERE
        elif isinstance(sighting, NotFound) and repo_id not in vouched and unchecked(repo_id):
            found[repo_id] = stopped
    return found
