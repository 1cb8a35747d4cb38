"""What the application needs of the outside, as Protocols, and the errors that outsides may raise."""

from steward.ports.access import AccessReads, AccessWrites, Answer
from steward.ports.errors import (
    BadSettings,
    Conflict,
    Incomplete,
    LeaseLost,
    NoSuchOrganisation,
    Permanent,
    RateLimited,
    SchemaMismatch,
    StoreUnavailable,
    Transient,
    Unauthorised,
    Uninstalled,
    Unreachable,
)
from steward.ports.outside import Clock, ForgeRead, Notifier
from steward.ports.store import Expected, Lease, LookRequest, NameRecord, ProjectQuery, Reads, Store, Writes

__all__ = [
    "AccessReads",
    "AccessWrites",
    "Answer",
    "BadSettings",
    "Clock",
    "Conflict",
    "Expected",
    "ForgeRead",
    "Incomplete",
    "Lease",
    "LeaseLost",
    "LookRequest",
    "NameRecord",
    "NoSuchOrganisation",
    "Notifier",
    "Permanent",
    "ProjectQuery",
    "RateLimited",
    "Reads",
    "SchemaMismatch",
    "Store",
    "StoreUnavailable",
    "Transient",
    "Unauthorised",
    "Uninstalled",
    "Unreachable",
    "Writes",
]
