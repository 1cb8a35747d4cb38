"""What happened, newest first, in pages both ways: of all that one principal may see, or of one project."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

from steward.app.errors import Invalid
from steward.app.queries import find_organisation, find_project, shown_events, the_project
from steward.app.views import Json
from steward.domain.journal import Topic
from steward.domain.people import Principal, Right
from steward.ports import Reads, Store

LIMIT: Final = 50
LIMIT_MAX: Final = 200
POSITION_MAX: Final = 2**62


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events: of a project (any name of it), an organisation, a topic, an actor (its recorded name).

    `before` a position: the newest ones below it; `after` one: the oldest ones above it; neither: the newest.
    """

    project: str = ""
    organisation: str = ""
    topic: str = ""
    actor: str = ""
    before: int | None = None
    after: int | None = None
    limit: int = LIMIT

    @classmethod
    def read(cls, given: Iterable[tuple[str, str]]) -> EventFilter:
        """Read the pairs of an address; names that are not known are a page's own. Raises Invalid."""
        values: dict[str, Any] = {}
        for name, value in given:
            value = value.strip()  # noqa: PLW2901 - what is typed around a value is none of it
            if not value:
                continue
            if name in ("project", "organisation", "actor"):
                values[name] = value
            elif name == "topic":
                values[name] = _topic(value)
            elif name in ("before", "after"):
                values[name] = _number(name, value, POSITION_MAX)
            elif name == "limit":
                values[name] = _number(name, value, LIMIT_MAX)
        if "before" in values and "after" in values:
            raise Invalid("a page begins before a position or after one, not both", "Leave one of them out.")
        return cls(**values)

    def pairs(self, **changes: Any) -> list[tuple[str, str]]:
        """The pairs that read to this filter, after these changes; a page ends with a change."""
        wanted = replace(self, **{"before": None, "after": None, **changes})
        known = (wanted.project, wanted.organisation, wanted.topic, wanted.actor, wanted.before, wanted.after)
        names = ("project", "organisation", "topic", "actor", "before", "after")
        shown = [
            (name, str(value)) for name, value in zip(names, known, strict=True) if value not in ("", None)
        ]
        return [*shown, *([("limit", str(wanted.limit))] if wanted.limit != LIMIT else [])]


def _topic(value: str) -> str:
    if value not in set(Topic):
        raise Invalid(f"'{value}' is no topic of events", f"Possible: {', '.join(Topic)}")
    return value


def _number(name: str, value: str, highest: int) -> int:
    if not (value.isascii() and value.isdigit()) or not 1 <= int(value[:20]) <= highest:
        raise Invalid(f"'{value}' cannot be the {name} of a page of events", f"Possible: 1 to {highest}")
    return int(value)


@dataclass(frozen=True, slots=True)
class Activity:
    """The history as one principal may see it."""

    store: Store
    by: Principal

    def page(self, wanted: EventFilter) -> Json:
        """One page, newest first: `events`, and `older` and `newer`, the positions to go on `before` and `after`.

        These are None at either end. Raises Unknown for a project or an organisation that may not be seen.
        """
        with self.store.reading() as view:
            narrowed = self._narrowed(view, wanted)
            if wanted.after is not None:
                found = view.events(after=wanted.after, limit=wanted.limit, **narrowed)
            else:
                top = view.last_position() + 1 if wanted.before is None else wanted.before
                found = view.events(before=top, limit=wanted.limit, **narrowed)
            first, last = (found[0].position, found[-1].position) if found else (0, 0)
            older = found and view.events(before=first, limit=1, **narrowed)
            newer = found and view.events(after=last, limit=1, **narrowed)
            return {
                "events": shown_events(view, found)[::-1],
                "older": first if older else None,
                "newer": last if newer else None,
            }

    def _narrowed(self, view: Reads, wanted: EventFilter) -> dict[str, Any]:
        """The filter as the store is asked, within what this principal may see."""
        narrowed: dict[str, Any] = {"organisation_ids": self.by.organisations(Right.READ)}
        if wanted.organisation:
            narrowed["organisation_ids"] = [find_organisation(view, wanted.organisation, self.by).id]
        if wanted.project:
            narrowed["project_id"] = the_project(find_project(view, wanted.project, self.by)).id
        if wanted.topic:
            topic = Topic(wanted.topic)
            narrowed |= {"kinds": topic.kinds, "actors": topic.actors}
        if wanted.actor:
            narrowed["actors"] = [wanted.actor]
        return narrowed
