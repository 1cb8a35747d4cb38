"""What a face asks of many projects, as addresses and options write it: one value for board and table.

Names and values that are not known are refused with what is possible; names that are a page's own are not
looked at.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeVar

from steward.app.errors import Invalid
from steward.app.queries import find_organisation, readable_organisations
from steward.domain.durations import seconds
from steward.domain.gates import RESTING, STALE_AFTER_S, waits_for
from steward.domain.people import Principal, Right
from steward.domain.project import Management, Project
from steward.domain.status import Phase, Status
from steward.ports import SORTS, ProjectQuery, Reads

LIMIT_MAX: Final = 200
TEXT_LENGTH_MAX: Final = 200
NOBODY: Final = "-"
"""How "without an owner" is written; no owner's name is this."""
_YES: Final = ("yes", "1", "true", "on")
Code = TypeVar("Code", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which projects, in which order. Empty fields match all but what is archived or ignored.

    Those are shown where a status or a management names them. `owner` NOBODY: without one. `stale_s`: longer than
    that in a status that should have ended. `waiting`: for the word of whoever asks. `sort` is one of
    SORTS, with "-" before it for the other direction; "" leaves the order to the view. `after` is the
    cursor of a table's page.
    """

    phase: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    owner: str = ""
    organisation: str = ""
    management: tuple[str, ...] = ()
    q: str = ""
    stale_s: float | None = None
    waiting: bool = False
    sort: str = ""
    limit: int = 50
    after: str = ""

    @classmethod
    def read(cls, given: Iterable[tuple[str, str]]) -> Filter:
        """Read the pairs of an address; a name may come several times, or its values be joined by commas.

        Raises Invalid.
        """
        values: dict[str, list[str]] = {}
        for name, value in given:
            if value.strip() and name in _READERS:
                values.setdefault(name, []).append(value.strip())
        return cls(**{_FIELDS.get(name, name): _READERS[name](found) for name, found in values.items()})

    def pairs(self, **changes: Any) -> list[tuple[str, str]]:
        """The pairs that read to this filter, after these changes of its fields; a page ends with a change."""
        shown: list[tuple[str, str]] = []
        for field, default in _DEFAULTS:
            value = changes.get(field, "" if field == "after" else getattr(self, field))
            if value == default:
                continue
            name = "stale" if field == "stale_s" else field
            texts = value if isinstance(value, tuple) else [_text(value)]
            shown += [(name, text) for text in texts]
        return shown

    @property
    def narrows(self) -> bool:
        """Whether anything is left out that is shown otherwise."""
        return replace(self, sort="", limit=50, after="") != Filter()

    @property
    def order(self) -> tuple[str, bool]:
        """What to sort by, and whether from the other end."""
        return self.sort.removeprefix("-"), self.sort.startswith("-")

    def query(self, view: Reads, by: Principal, at: datetime) -> ProjectQuery:
        """The filter as it is asked of the store, within what this principal may see. Raises Unknown."""
        homes = readable_organisations(view, by)
        scope = by.organisations(Right.READ)
        if self.organisation:
            homes = [find_organisation(view, self.organisation, by)]
            scope = frozenset({homes[0].id})
        statuses = self.status or tuple(status.value for status in Status if status is not Status.ARCHIVED)
        before = None
        if self.stale_s is not None:
            statuses = tuple(status for status in statuses if status not in RESTING)
            before = at - timedelta(seconds=self.stale_s)
        waiting = {o.id: waits_for(by.who(o.id)) for o in homes} if self.waiting else None
        sort, descending = self.order
        after_value, after_slug = self._cursor()
        return ProjectQuery(
            # A name that is none: where nothing may be seen, or nothing can be, nothing is found.
            statuses=statuses or ("-",),
            organisation_ids=[] if scope is None else sorted(scope) or [0],
            management=self.management or (Management.WATCH.value, Management.DRIVE.value),
            text=self.q,
            limit=self.limit,
            phases=self.phase,
            owner="" if self.owner == NOBODY else self.owner or None,
            entered_before=before,
            waiting=waiting,
            sort=sort or "slug",
            descending=descending,
            after=after_value,
            after_slug=after_slug,
        )

    def _cursor(self) -> tuple[str, str]:
        """Where a table goes on: the sort value and the slug of the last row shown. Raises Invalid."""
        if not self.after:
            return "", ""
        bad = Invalid(
            "the page's cursor cannot be read, or is of another order", "Start from the first page."
        )
        try:
            sort, value, slug = json.loads(base64.urlsafe_b64decode(self.after + "==="))
        except (ValueError, TypeError, binascii.Error) as error:
            raise bad from error
        if sort != self.sort or not isinstance(value, str) or not isinstance(slug, str) or not slug:
            raise bad
        if self.order[0] == "status" and value not in set(Status):
            raise bad
        if self.order[0] == "readiness" and value and not (value.isascii() and value.isdigit()):
            raise bad
        return value, slug

    def cursor(self, last: Project, percent: int | None = None) -> str:
        """The cursor of the page that begins after this project; `percent` is its score, None without one."""
        values: Mapping[str, str] = {
            "status": last.status.value,
            "since": last.entered_at.astimezone(UTC).isoformat(timespec="microseconds"),
            "updated": last.updated_at.astimezone(UTC).isoformat(timespec="microseconds"),
            "owner": last.owner or "",
            "readiness": "" if percent is None else str(percent),
        }
        packed = json.dumps([self.sort, values.get(self.order[0], ""), last.slug], separators=(",", ":"))
        return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes"
    return f"{value:g}s" if isinstance(value, float) else str(value)


def _codes(
    name: str, kind: type[Code], parse: Callable[[str], Code]
) -> Callable[[list[str]], tuple[str, ...]]:
    def read(values: list[str]) -> tuple[str, ...]:
        found: list[str] = []
        for value in (part for joined in values for part in joined.split(",") if part.strip()):
            try:
                found.append(parse(value).value)
            except ValueError as error:
                raise Invalid(f"'{value}' is no {name}", f"Possible: {', '.join(kind)}") from error
        return tuple(dict.fromkeys(found))

    return read


def _one(values: list[str]) -> str:
    if len(values[-1]) > TEXT_LENGTH_MAX:
        raise Invalid(f"a filter has at most {TEXT_LENGTH_MAX} characters", "Shorten it.")
    return values[-1]


def _flag(values: list[str]) -> bool:
    if values[-1].lower() not in (*_YES, "no", "0", "false", "off"):
        raise Invalid(f"'{values[-1]}' is neither yes nor no", "Possible: yes, no")
    return values[-1].lower() in _YES


def _stale(values: list[str]) -> float:
    if values[-1].lower() == _YES[0]:
        return STALE_AFTER_S
    try:
        return seconds(values[-1])
    except ValueError as error:
        raise Invalid(f"'{values[-1]}' is no length of time", "For example: 24h, 7d") from error


def _sort(values: list[str]) -> str:
    if values[-1].removeprefix("-") not in SORTS:
        possible = ", ".join(SORTS)
        raise Invalid(
            f"nothing is sorted by '{values[-1]}'", f"Possible: {possible}; with '-' from the other end"
        )
    return values[-1]


def _limit(values: list[str]) -> int:
    if not values[-1].isascii() or not values[-1].isdigit() or not 1 <= int(values[-1][:9]) <= LIMIT_MAX:
        raise Invalid(f"'{values[-1]}' is no size of a page", f"Possible: 1 to {LIMIT_MAX}")
    return int(values[-1])


_READERS: Final[dict[str, Callable[[list[str]], Any]]] = {
    "phase": _codes("phase", Phase, lambda text: Phase(text.strip().lower())),
    "status": _codes("status", Status, Status.parse),
    "owner": _one,
    "organisation": _one,
    "management": _codes("management", Management, lambda text: Management(text.strip().lower())),
    "q": _one,
    "stale": _stale,
    "waiting": _flag,
    "sort": _sort,
    "limit": _limit,
    "after": lambda values: values[-1],
}
_FIELDS: Final = {"stale": "stale_s"}
_DEFAULTS: Final = [(field.name, field.default) for field in fields(Filter)]
