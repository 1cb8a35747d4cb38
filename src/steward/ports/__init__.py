"""What the application needs of the outside, as Protocols, and the errors that outsides may raise."""

from steward.ports.access import AccessReads, AccessWrites, Answer
from steward.ports.attention import AttentionReads, IncidentQuery
from steward.ports.board import SORTS, BoardReads, Found, ProjectQuery, Tally
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
from steward.ports.inbox import InboxReads, InboxWrites
from steward.ports.outside import Clock, ForgeRead, Notifier
from steward.ports.store import Expected, Lease, LookRequest, NameRecord, Reads, Store, Writes

__all__ = [
    "SORTS",
    "AccessReads",
    "AccessWrites",
    "Answer",
    "AttentionReads",
    "BadSettings",
    "BoardReads",
    "Clock",
    "Conflict",
    "Expected",
    "ForgeRead",
    "Found",
    "InboxReads",
    "InboxWrites",
    "IncidentQuery",
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
    "Tally",
    "Transient",
    "Unauthorised",
    "Uninstalled",
    "Unreachable",
    "Writes",
]
