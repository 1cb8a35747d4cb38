"""What stands before words in a chat: a sign for each status, severity and state; and numbers as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import format_datetime, format_timedelta
from babel.numbers import format_currency, format_decimal

from steward.domain.chats import Chat
from steward.domain.incidents import Severity
from steward.domain.operations import OperationState
from steward.domain.status import Status
from steward.faces.words import _, language

STATUS: Final[dict[str, str]] = {
    Status.DRAFT: "📝",
    Status.ESTIMATED: "🧮",
    Status.DISCOVERED: "🔎",
    Status.SETUP_REQUIRED: "🔧",
    Status.PROVISIONING: "🏗",
    Status.INITIALIZED: "📦",
    Status.DESIGNING: "✏️",
    Status.DESIGNED: "📐",
    Status.IMPLEMENTING: "🛠",
    Status.IMPLEMENTED: "🧩",
    Status.VERIFYING: "🧪",
    Status.VERIFIED: "☑️",
    Status.DEPLOYING: "🚀",
    Status.ACTIVE: "🟢",
    Status.MAINTENANCE: "🔁",
    Status.ERROR: "🔴",
    Status.MISSING: "👻",
    Status.ARCHIVED: "🗄",
}
SEVERITY: Final[dict[str, str]] = {
    Severity.CRITICAL: "🚨",
    Severity.ERROR: "🔴",
    Severity.WARNING: "🟡",
    Severity.INFO: "🔵",
}
OPERATION: Final[dict[str, str]] = {
    OperationState.QUEUED: "🕓",
    OperationState.RUNNING: "▶️",
    OperationState.WAITING: "⏸",
    OperationState.SUCCEEDED: "✅",
    OperationState.FAILED: "❌",
    OperationState.CANCELLED: "⏹",
}


def bar(number: int, total: int) -> str:
    """How far something is, as a picture; "" where it has no parts."""
    total = min(max(total, 0), 12)
    done = min(max(number, 0), total)
    return "▰" * done + "▱" * (total - done)


def moment(chat: Chat, stamp: str | datetime | None, now: datetime) -> str:
    """A moment in the chat's zone and the present language; the year only where it is not that of now."""
    if not stamp:
        return ""
    at = datetime.fromisoformat(stamp) if isinstance(stamp, str) else stamp
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    zone = ZoneInfo(chat.zone)
    same = at.astimezone(zone).year == now.astimezone(zone).year
    return str(format_datetime(at, f"d MMMM{'' if same else ' y'}, HH:mm", tzinfo=zone, locale=language()))


def lasting(length: timedelta) -> str:
    """A length of time in words."""
    return str(format_timedelta(length, locale=language(), threshold=1.2))


def money(usd: float) -> str:
    """An amount of dollars."""
    return str(format_currency(usd, "USD", locale=language()))


def number(value: float) -> str:
    """A number as the present language writes it."""
    return str(format_decimal(round(value, 1), locale=language()))


def hours(value: float) -> str:
    """So many hours of work."""
    return _("{n} h", n=number(value))
