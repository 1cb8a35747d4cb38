"""Reads GitHub for the heartbeat and turns answers into changes. It holds no writer and stores nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from steward.app.reading import Observed, Readings, read_each, records
from steward.domain import drift
from steward.domain.belief import (
    PERSON_SAYS_GONE,
    PERSON_SAYS_NOT,
    Context,
    Losses,
    believe,
    lost_within,
    weigh,
)
from steward.domain.drift import Change
from steward.domain.instant import Instant, elapsed_s
from steward.domain.project import Organisation, Project, Tracked
from steward.domain.repository import (
    Cost,
    Found,
    Listing,
    NotFound,
    PageMark,
    Presence,
    Repo,
    Repository,
    Sighting,
    Unclear,
)
from steward.domain.rules import Rules
from steward.ports import ForgeRead, Reads, Store

CHUNK = 1000
"""How many records are read at a time."""
NOT_READ = Unclear("not read")


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
        known = records(view, chunk)
        for repo_id in chunk:
            change = drift.sight(repos[repo_id], known.get(repo_id), organisation.id, expected, look)
            if change is not None:
                yield change


def expectations(view: Reads, organisation: Organisation) -> list[tuple[Project, str, str]]:
    """What provisioning waits for there, as `drift.sight` takes it."""
    return [(e.project, e.name, e.marker) for e in view.expected(organisation.id)]


@dataclass(frozen=True, slots=True)
class Survey:
    """All that one look saw: a whole listing (None for a look at single repositories), and reads by id.

    `vouched` maps the id of a repository to what tells, better than a 404 would, that it was deleted.
    """

    observed: Observed | None
    readings: Readings
    vouched: Mapping[int, str] = field(default_factory=dict)

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
    lacking = records(view, observed.vanished).values()
    return any(tracked.repository.presence is Presence.SEEN for tracked in lacking)


def _suspects(view: Reads, observed: Observed, look: int, grace_s: float) -> list[drift.Suspected]:
    known = records(view, observed.vanished)
    server_at = observed.listing.server_at
    found = (drift.suspect(known[i], look, server_at, grace_s) for i in observed.vanished)
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
    known = records(view, list(sightings))
    for repo_id, before in known.items():
        change = weigh(_vouched(before, sightings[repo_id], seen.vouched), sightings[repo_id], context)
        if change is not None:
            changes.append(change)
    changes += _newcomers(sightings, known, context)
    if not any(isinstance(change, drift.Lost | drift.Transferred) for change in changes):
        return changes
    return believe(changes, losses(view, context), context.rules)


def _vouched(before: Tracked, sighting: Sighting, told: Mapping[int, str]) -> Tracked:
    """The record with the evidence of its deletion, if it was not found either. A person's word stays."""
    row = before.repository
    said = told.get(row.repo.id)
    if said is None or not isinstance(sighting, NotFound):
        return before
    if row.vouched.startswith((PERSON_SAYS_GONE, PERSON_SAYS_NOT)):
        return before
    return replace(before, repository=replace(row, vouched=said))


def newly_vouched(view: Reads, seen: Survey, look: int) -> list[Repository]:
    """The records of absences that this look did not count, being too soon, with the evidence that it brought."""
    rows = []
    for repo_id, before in records(view, list(seen.vouched)).items() if seen.vouched else ():
        row = before.repository
        if row.presence is Presence.ABSENT and not row.vouched and not row.lost_at and not row.held:
            after = _vouched(before, seen.readings.sightings.get(repo_id, NOT_READ), seen.vouched).repository
            rows += [replace(after, look=look)] if after.vouched else []
    return rows


def _newcomers(
    sightings: Mapping[int, Sighting], known: Mapping[int, Tracked], context: Context
) -> Iterator[Change]:
    """The changes of repositories of the organisation that were read by id and are not recorded."""
    home = context.organisation
    for repo_id, sighting in sightings.items():
        if repo_id in known or not isinstance(sighting, Found) or sighting.repo.owner_id != home.owner_id:
            continue
        change = drift.sight(sighting.repo, None, home.id, context.expected, context.look)
        if change is not None:
            yield change


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
        or t.repository.vouched.startswith(PERSON_SAYS_GONE)
    ]
    others = [Presence.TRANSFERRED, *([Presence.BLOCKED, Presence.INACCESSIBLE] if everything else [])]
    room = rules.reads_per_round - len(absent)
    unseen = view.unseen(organisation.id, others, room) if room > 0 else []
    return absent + [t for t in unseen if not t.repository.held]
