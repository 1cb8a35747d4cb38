"""Errors named by what happens next. Adapters translate everything of their own into these."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from steward.domain.repository import Cost, Repo


class Transient(Exception):
    """It may work later, unchanged. `retry_at` is the earliest moment worth trying, where one is known."""

    def __init__(self, reason: str, retry_at: datetime | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_at = retry_at


class Permanent(Exception):
    """It will not work until a person changes something; `advice` says what."""

    def __init__(self, reason: str, advice: str) -> None:
        super().__init__(f"{reason}. {advice}" if advice else reason)
        self.reason = reason
        self.advice = advice


class Unreachable(Transient):
    """No answer came: refused, timed out, broken off."""


class NoAnswer(Unreachable):
    """A Steward elsewhere gave no answer; whether it acted is not known."""


class RateLimited(Transient):
    """The server, or our own reserve, says wait. `retry_at` is always set."""


class Incomplete(Transient):
    """A listing that was not whole. `seen` holds the facts that did come; absence follows from nothing."""

    def __init__(self, reason: str, seen: Mapping[int, Repo] | None = None, cost: Cost | None = None) -> None:
        super().__init__(reason)
        self.seen: Mapping[int, Repo] = seen or {}
        self.cost = cost or Cost()


class Unauthorised(Permanent):
    """The credential was refused (401)."""


class Uninstalled(Unauthorised):
    """The GitHub App behind the credential is not installed there any more."""


class NoSuchOrganisation(Permanent):
    """The organisation does not answer by name nor by id."""


class BadSettings(Permanent):
    """A setting is missing, malformed or unknown."""


class Conflict(Exception):
    """A compare-and-set lost: the row is no longer as it was read. Nothing was written."""


class LeaseLost(Exception):
    """Another process holds the lease by now. Nothing was written."""


class SchemaMismatch(Permanent):
    """The database's schema is older or newer than this version of Steward."""


class StoreUnavailable(Transient):
    """The database is locked, full, read-only or unreachable. Nothing was written."""
