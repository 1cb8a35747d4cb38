"""Times as people read them: how long something has been so, and the moment in the reader's own time zone."""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from steward.faces.words import _, label

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@lru_cache(maxsize=64)
def zone(name: str) -> tzinfo:
    """The time zone of that name (`Europe/Berlin`); UTC for one that is not known here."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def parsed(stamp: str) -> datetime:
    """A moment as our views write it."""
    return datetime.fromisoformat(stamp)


def lasted(seconds: float) -> str:
    """A length of time in its largest unit: 14 s, 6 min, 3 h, 41 d."""
    whole = max(0, int(seconds))
    if whole < 60:
        return _("{n} s", n=whole)
    if whole < 3600:
        return _("{n} min", n=whole // 60)
    if whole < 48 * 3600:
        return _("{n} h", n=whole // 3600)
    return _("{n} d", n=whole // 86400)


def lasted_finely(seconds: float) -> str:
    """A length of time in its two largest units: 1 d 4 h, 2 h 10 min."""
    whole = max(0, int(seconds))
    if whole < 3600:
        return lasted(whole)
    if whole < 86400:
        hours, minutes = divmod(whole // 60, 60)
        return " ".join([_("{n} h", n=hours), *([_("{n} min", n=minutes)] if minutes else [])])
    days, hours = divmod(whole // 3600, 24)
    return " ".join([_("{n} d", n=days), *([_("{n} h", n=hours)] if hours else [])])


def day(at: datetime) -> str:
    """A day without its year: 24 Nov."""
    return f"{at.day} {label('month', MONTHS[at.month - 1])}"


def whole(at: datetime) -> str:
    """A moment in full, with its zone: 24 Nov 2026, 14:32:07 UTC."""
    return f"{day(at)} {at.year}, {at:%H:%M:%S} {at.tzname()}"


def day_title(at: datetime, now: datetime) -> str:
    """What a group of a timeline is called: today, yesterday, or the day."""
    apart = (now.date() - at.date()).days
    if apart == 0:
        return _("Today")
    if apart == 1:
        return _("Yesterday")
    return day(at) if at.year == now.year else f"{day(at)} {at.year}"
