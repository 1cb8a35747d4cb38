"""What the application needs of the outside, as Protocols, and the errors that outsides may raise."""

from steward.ports.access import AccessReads, AccessWrites, Answer
from steward.ports.attention import AttentionReads, IncidentQuery
from steward.ports.board import SORTS, BoardReads, Found, Left, ProjectQuery, Tally
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
from steward.ports.measures import MeasureReads
from steward.ports.outside import Clock, ForgeHooks, ForgeRead, ForgeRights, Notifier, Secret
from steward.ports.records import AgentRun, Built, LogLine, RecordReads, RecordWrites
from steward.ports.store import Expected, Lease, LookRequest, NameRecord, Reads, Store, Writes

__all__ = [
    "SORTS",
    "AccessReads",
    "AccessWrites",
    "AgentRun",
    "Answer",
    "AttentionReads",
    "BadSettings",
    "BoardReads",
    "Built",
    "Clock",
    "Conflict",
    "Expected",
    "ForgeHooks",
    "ForgeRead",
    "ForgeRights",
    "Found",
    "InboxReads",
    "InboxWrites",
    "IncidentQuery",
    "Incomplete",
    "Lease",
    "LeaseLost",
    "Left",
    "LogLine",
    "LookRequest",
    "MeasureReads",
    "NameRecord",
    "NoSuchOrganisation",
    "Notifier",
    "Permanent",
    "ProjectQuery",
    "RateLimited",
    "Reads",
    "RecordReads",
    "RecordWrites",
    "SchemaMismatch",
    "Secret",
    "Store",
    "StoreUnavailable",
    "Tally",
    "Transient",
    "Unauthorised",
    "Uninstalled",
    "Unreachable",
    "Writes",
]
