"""What GitHub shows of a repository, and what is recorded of it. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from steward.domain.instant import Instant


@dataclass(frozen=True, slots=True)
class Repo:
    """A repository as GitHub showed it. `id` is its identity; names are attributes.

    `digest` is a 63-bit hash of all the other fields: equal digests mean equal facts, whichever answer
    (listing or by id) they came from.
    """

    id: int
    name: str
    owner_id: int
    owner_login: str
    digest: int
    node_id: str = ""
    visibility: str = "private"
    default_branch: str | None = None
    description: str | None = None
    archived: bool = False
    disabled: bool = False
    fork: bool = False
    topics: tuple[str, ...] = ()
    html_url: str = ""
    created_at: datetime | None = None
    pushed_at: datetime | None = None

    @property
    def full_name(self) -> str:
        """`owner/name`, as GitHub writes it."""
        return f"{self.owner_login}/{self.name}"


class Presence(StrEnum):
    """What the last look said of a recorded repository."""

    SEEN = "seen"
    ABSENT = "absent"
    INACCESSIBLE = "inaccessible"
    TRANSFERRED = "transferred"
    BLOCKED = "blocked"


@dataclass(frozen=True, slots=True)
class Repository:
    """A recorded repository.

    `organisation_id` is the organisation that its project is kept for; `repo` holds the last facts seen.
    `absences` counts the confirmed reads by id that answered 404; `absent_since` and `confirmed` are the
    first and the last of them, `absent_look` the look that noticed. `lost_at` is set once the loss is
    concluded (absent or transferred), `held` while the mass-loss guard keeps it from being concluded,
    `vouched` when something better than a 404 says that it is gone ("person:...", "delivery:...").
    `look` is the newest look that recorded anything here: the fence against older ones.
    """

    repo: Repo
    organisation_id: int
    project_id: str | None
    presence: Presence = Presence.SEEN
    absences: int = 0
    absent_since: Instant | None = None
    confirmed: Instant | None = None
    absent_look: int = 0
    lost_at: Instant | None = None
    held: bool = False
    vouched: str = ""
    look: int = 0


@dataclass(frozen=True, slots=True)
class PageMark:
    """What is remembered of one page of a listing: its validator and what its Link header said.

    `count` is how many entries it held; `last` the number of the last page where named.
    """

    number: int
    etag: str
    count: int
    has_next: bool
    last: int | None = None


@dataclass(frozen=True, slots=True)
class PageRead:
    """One page as a listing got it: `entries` maps id to digest, None where the server said 304."""

    mark: PageMark
    entries: Mapping[int, int] | None


@dataclass(frozen=True, slots=True)
class Cost:
    """What a look cost: HTTP requests, how many answered 304, points of the primary rate limit."""

    requests: int = 0
    not_modified: int = 0
    points: int = 0

    def __add__(self, other: Cost) -> Cost:
        return Cost(
            self.requests + other.requests,
            self.not_modified + other.not_modified,
            self.points + other.points,
        )


@dataclass(frozen=True, slots=True)
class Listing:
    """A whole listing: every page came, parsed, and agreed with the others. There is no partial one.

    `owner_id` is the organisation's numeric id (0 where no entry and no earlier look tells it), `login`
    its name as the entries show it ("" likewise). `repos` gives the facts of every entry that was sent;
    those of 304 pages are not in it. `credential` identifies the credential that the validators are
    bound to, without revealing it. `server_at` is the server's own clock.
    """

    owner_id: int
    login: str
    pages: tuple[PageRead, ...]
    repos: Mapping[int, Repo]
    credential: str
    server_at: datetime | None = None
    cost: Cost = field(default=Cost())


@dataclass(frozen=True, slots=True)
class Found:
    """200 by id."""

    repo: Repo


@dataclass(frozen=True, slots=True)
class NotFound:
    """404 by id: deleted, or hidden from us."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """403 by id that is no rate limit."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """451 by id."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unclear:
    """Any other answer by id. It changes nothing."""

    reason: str


Sighting = Found | NotFound | Forbidden | Blocked | Unclear
"""What one read by id showed."""


class Access(StrEnum):
    """What the credential is known to be able to list."""

    ALL = "all"
    SELECTED = "selected"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class OrganisationFacts:
    """An organisation as GitHub shows it. Counts are None where the credential may not see them."""

    id: int
    login: str
    public_repos: int | None = None
    private_repos: int | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """The primary rate limit as last told. None: the server sends no limits (treated as unlimited)."""

    limit: int | None = None
    remaining: int | None = None
    reset_at: datetime | None = None
