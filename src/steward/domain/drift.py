"""What GitHub shows against what is recorded: the differences, as values that print as a plan.

Pure and total. Whether a difference may be believed is decided in `belief`; what follows from it, in
`consequences`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Final

from steward.domain.project import Project, Tracked
from steward.domain.repository import Presence, Repo


@dataclass(frozen=True, slots=True)
class Discovered:
    """A repository that belongs to no project yet. `before` is its record, if a relink left one behind."""

    repo: Repo
    before: Tracked | None = None

    kind = "discovered"

    def text(self) -> str:
        """One line of a plan."""
        return f"{self.repo.full_name}: new; comes in as discovered, on watch"


@dataclass(frozen=True, slots=True)
class Born:
    """The repository that a project's provisioning asked for: its name, and its marker."""

    project: Project
    repo: Repo

    kind = "born"

    def text(self) -> str:
        """One line of a plan."""
        return f"{self.repo.full_name}: made for {self.project.slug}; its id is recorded"


@dataclass(frozen=True, slots=True)
class MovedHere:
    """A repository that is recorded for another organisation of ours, and now lives in this one."""

    before: Tracked
    repo: Repo
    organisation_id: int

    kind = "moved_here"

    def text(self) -> str:
        """One line of a plan."""
        return f"{self.repo.full_name}: moved here from {self.before.repository.repo.full_name}"


@dataclass(frozen=True, slots=True)
class Present:
    """A recorded repository that is there, with facts that differ from the record."""

    before: Tracked
    repo: Repo

    @property
    def returned(self) -> bool:
        """Whether it was not `seen` before."""
        return self.before.repository.presence is not Presence.SEEN

    @property
    def only_suspected(self) -> bool:
        """Whether it was merely not listed once, and no read by id ever missed it."""
        old = self.before.repository
        return old.presence is Presence.ABSENT and not (old.absences or old.lost_at or old.held)

    @property
    def renamed(self) -> bool:
        """Whether its own name changed; a renamed organisation is not a renamed repository."""
        return self.before.repository.repo.name != self.repo.name

    @property
    def changed(self) -> tuple[str, ...]:
        """Other facts of note that changed, by field name."""
        old = self.before.repository.repo
        return tuple(name for name in NOTED if getattr(old, name) != getattr(self.repo, name))

    @property
    def kind(self) -> str:
        """What the change is counted as: the weightiest of its sides."""
        if self.returned:
            return "returned"
        return "renamed" if self.renamed else "changed"

    def text(self) -> str:
        """One line of a plan."""
        old = self.before.repository
        parts = []
        if self.returned:
            parts.append(f"seen again (was {old.presence})")
        if self.renamed:
            parts.append(f"renamed from {old.repo.name}")
        parts += [f"{name}: {getattr(old.repo, name)} -> {getattr(self.repo, name)}" for name in self.changed]
        return f"{self.repo.full_name}: {'; '.join(parts) or 'details changed'}"


@dataclass(frozen=True, slots=True)
class Suspected:
    """Recorded as seen, but a whole listing lacks it. To be read by id; says nothing yet."""

    before: Tracked

    kind = "suspected"

    def text(self) -> str:
        """One line of a plan."""
        return f"{self.before.repository.repo.full_name}: not listed; will be read by id"


@dataclass(frozen=True, slots=True)
class Absent:
    """A counted 404 by id, with our access proven whole. `waits_for_look`: only a whole look is lacking."""

    before: Tracked
    absences: int
    needed: int
    waits_for_look: bool = False

    kind = "absent"

    def text(self) -> str:
        """One line of a plan."""
        name = self.before.repository.repo.full_name
        return f"{name}: absent, being confirmed ({self.absences} of {self.needed})"


@dataclass(frozen=True, slots=True)
class Lost:
    """Gone: confirmed as often as the rules ask, or vouched for."""

    before: Tracked
    absences: int

    kind = "missing"

    def text(self) -> str:
        """One line of a plan."""
        return f"{self.before.repository.repo.full_name}: gone; its project becomes missing"


@dataclass(frozen=True, slots=True)
class Transferred:
    """It lives with another owner now, whom we do not keep."""

    before: Tracked
    repo: Repo

    kind = "transferred"

    def text(self) -> str:
        """One line of a plan."""
        old = self.before.repository.repo.full_name
        return f"{old}: transferred to {self.repo.full_name}; its project becomes missing"


@dataclass(frozen=True, slots=True)
class Inaccessible:
    """It may or may not exist: what we were answered proves nothing."""

    before: Tracked
    why: str

    kind = "inaccessible"

    def text(self) -> str:
        """One line of a plan."""
        return f"{self.before.repository.repo.full_name}: inaccessible ({self.why}); status kept"


@dataclass(frozen=True, slots=True)
class Blocked:
    """GitHub refuses to show it for legal reasons (451)."""

    before: Tracked
    why: str

    kind = "blocked"

    def text(self) -> str:
        """One line of a plan."""
        return f"{self.before.repository.repo.full_name}: blocked by GitHub; status kept"


@dataclass(frozen=True, slots=True)
class Held:
    """A loss that the mass-loss guard does not let through; a person decides."""

    loss: Lost | Transferred

    kind = "held"

    @property
    def before(self) -> Tracked:
        """The record of the repository."""
        return self.loss.before

    def text(self) -> str:
        """One line of a plan."""
        return f"{self.before.repository.repo.full_name}: loss held; release or reject it"


Change = (
    Discovered
    | Born
    | MovedHere
    | Present
    | Suspected
    | Absent
    | Lost
    | Transferred
    | Inaccessible
    | Blocked
    | Held
)

KINDS: Final = (
    "discovered",
    "born",
    "moved_here",
    "renamed",
    "changed",
    "returned",
    "absent",
    "missing",
    "transferred",
    "inaccessible",
    "blocked",
)
"""What a look counts, in the order that faces show it."""

UNNOTED: Final = frozenset({"id", "name", "owner_login", "digest", "node_id", "pushed_at", "html_url"})
NOTED: Final = tuple(field.name for field in fields(Repo) if field.name not in UNNOTED)
"""Facts whose change is an event of its own kind. The organisation's new name changes the record silently."""


def differing(digests: Mapping[int, int], recorded: Mapping[int, int | None]) -> tuple[list[int], list[int]]:
    """Compare a whole listing with the record, both id -> digest (None: not recorded as seen).

    Returns the ids whose facts differ or that are new, and the ids recorded as seen that are not listed.
    """
    if digests == recorded:
        return [], []
    unknown = object()
    get = recorded.get
    changed = [repo_id for repo_id, digest in digests.items() if get(repo_id, unknown) != digest]
    vanished = [
        repo_id for repo_id, digest in recorded.items() if digest is not None and repo_id not in digests
    ]
    return changed, vanished


def matches(repo: Repo, name: str, marker: str) -> bool:
    """Whether this is the repository that provisioning asked for: by name and by marker, never by one."""
    return bool(marker) and repo.name.lower() == name.lower() and marker in (repo.description or "")


def sight(
    repo: Repo,
    before: Tracked | None,
    organisation_id: int,
    expected: Sequence[tuple[Project, str, str]],
    look: int,
) -> Change | None:
    """Judge a repository that was shown, by listing or by id, in look number `look`.

    `expected` are (project, name, marker) of running provisionings. None: nothing differs, or a newer
    look has recorded something here already (the fence).
    """
    if before is None:
        ours = next((e[0] for e in expected if matches(repo, e[1], e[2])), None)
        return Born(ours, repo) if ours else Discovered(repo)
    repository = before.repository
    same = repository.repo.digest == repo.digest and not repository.absences
    here = repository.organisation_id == organisation_id and before.project is not None
    if repository.look > look or (same and here and repository.presence is Presence.SEEN):
        return None
    if before.project is None:
        return Discovered(repo, before)
    return Present(before, repo) if here else MovedHere(before, repo, organisation_id)


def suspect(before: Tracked, look: int, server_at: datetime | None, grace_s: float) -> Suspected | None:
    """Judge a recorded repository that a whole listing lacks.

    None within the grace after its creation (a replica may lag), behind the fence, or if it is not
    recorded as seen (then it is suspected or concluded already).
    """
    repository = before.repository
    if repository.look > look or repository.presence is not Presence.SEEN:
        return None
    if in_grace(repository.repo, server_at, grace_s):
        return None
    return Suspected(before)


def in_grace(repo: Repo, server_at: datetime | None, grace_s: float) -> bool:
    """Whether it was created so recently, by the server's own clock, that an absence means nothing."""
    if repo.created_at is None or server_at is None:
        return False
    return server_at - repo.created_at < timedelta(seconds=grace_s)
