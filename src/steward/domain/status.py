"""The statuses, phases and triggers of a project's lifecycle, with their English labels.

The labels are also the keys of the translations (`steward/locale`). How statuses follow each other is in
`lifecycle`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Phase(StrEnum):
    """The five groups that a board shows statuses in."""

    INCEPTION = "inception"
    MATERIALIZATION = "materialization"
    CONSTRUCTION = "construction"
    PRODUCTION = "production"
    MAINTENANCE = "maintenance"

    @property
    def label(self) -> str:
        """The English label."""
        return "Maintenance & incidents" if self is Phase.MAINTENANCE else self.value.capitalize()


class Status(StrEnum):
    """Where a project stands. Eighteen names, in the order of a project's life."""

    DRAFT = "draft"
    ESTIMATED = "estimated"
    DISCOVERED = "discovered"
    SETUP_REQUIRED = "setup_required"
    PROVISIONING = "provisioning"
    INITIALIZED = "initialized"
    DESIGNING = "designing"
    DESIGNED = "designed"
    IMPLEMENTING = "implementing"
    IMPLEMENTED = "implemented"
    VERIFYING = "verifying"
    VERIFIED = "verified"
    DEPLOYING = "deploying"
    ACTIVE = "active"
    MAINTENANCE = "maintenance"
    ERROR = "error"
    MISSING = "missing"
    ARCHIVED = "archived"

    @property
    def phase(self) -> Phase:
        """The phase that this status belongs to."""
        return PHASE_OF[self]

    @property
    def label(self) -> str:
        """The English label."""
        return self.value.replace("_", " ").capitalize()

    @classmethod
    def parse(cls, text: str) -> Status:
        """Read a status as people and programs write it; `ordered` is an alias of `draft`.

        Raises ValueError for a name that is none of the eighteen.
        """
        name = text.strip().lower().replace("-", "_").replace(" ", "_")
        return cls(ALIASES.get(name, name))


ALIASES: Final = {"ordered": "draft"}

PHASE_OF: Final[dict[Status, Phase]] = {
    Status.DRAFT: Phase.INCEPTION,
    Status.ESTIMATED: Phase.INCEPTION,
    Status.DISCOVERED: Phase.MATERIALIZATION,
    Status.SETUP_REQUIRED: Phase.MATERIALIZATION,
    Status.PROVISIONING: Phase.MATERIALIZATION,
    Status.INITIALIZED: Phase.MATERIALIZATION,
    Status.DESIGNING: Phase.CONSTRUCTION,
    Status.DESIGNED: Phase.CONSTRUCTION,
    Status.IMPLEMENTING: Phase.CONSTRUCTION,
    Status.IMPLEMENTED: Phase.CONSTRUCTION,
    Status.VERIFYING: Phase.CONSTRUCTION,
    Status.VERIFIED: Phase.CONSTRUCTION,
    Status.DEPLOYING: Phase.PRODUCTION,
    Status.ACTIVE: Phase.PRODUCTION,
    Status.MAINTENANCE: Phase.MAINTENANCE,
    Status.ERROR: Phase.MAINTENANCE,
    Status.MISSING: Phase.MAINTENANCE,
    Status.ARCHIVED: Phase.MAINTENANCE,
}

OPERATION_OF: Final[dict[Status, str]] = {
    Status.PROVISIONING: "provision",
    Status.DESIGNING: "design",
    Status.IMPLEMENTING: "implement",
    Status.VERIFYING: "verify",
    Status.DEPLOYING: "deploy",
}
"""The transient statuses, each with the operation it is entered together with."""

INTERRUPTIONS: Final = frozenset({Status.ERROR, Status.MISSING, Status.ARCHIVED})
"""The statuses that remember what they interrupted."""

BEFORE_REPOSITORY: Final = frozenset({Status.DRAFT, Status.ESTIMATED, Status.PROVISIONING})
"""The statuses in which no repository has been created yet."""


class Trigger(StrEnum):
    """What may move a project: a person's word, an operation's result, or an observation."""

    ORDERED = "ordered"
    APPROVED = "approved"
    REVISED = "revised"
    CONFIRMED = "confirmed"
    REPOSITORY_CREATED = "repository created"
    REPOSITORY_DISCOVERED = "repository discovered"
    FOUND_ARCHIVED = "found archived"
    TAKEN_IN = "taken in"
    ADOPTED = "adopted"
    STARTED = "started"
    PASSED = "passed"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    TIP_MOVED = "tip moved"
    UPDATE_REQUESTED = "update requested"
    FOREIGN_CHANGE_ACCEPTED = "foreign change accepted"
    NEW_SPEC = "new spec"
    SMALL_CHANGE = "small change"
    UPDATE_ABANDONED = "update abandoned"
    FAILED = "failed"
    RESOLVED = "resolved"
    REPOSITORY_GONE = "repository gone"
    RETURNED = "returned"
    ARCHIVED = "archived"
    REOPENED = "reopened"

    @property
    def label(self) -> str:
        """The English label."""
        return self.value.capitalize()
