"""A project that lives, and somebody who pushes to it behind the robots' backs."""

from __future__ import annotations

from steward.app.hands import Hands
from steward.domain.hands import Hold
from steward.domain.people import local
from steward.testing.driven import Driven

BEAT_S = 300.0


def noticed(driven: Driven) -> None:
    """One beat later: what polling alone finds."""
    driven.clock.advance(BEAT_S)
    driven.beat()
    driven.watch()


def repo(driven: Driven, slug: str = "shop") -> int:
    """The id of a project's repository."""
    found = driven.project(slug).repository_id
    assert found is not None
    return found


def holds(driven: Driven, slug: str = "shop") -> list[Hold]:
    """Those that stand."""
    project_id = driven.project(slug).id
    with driven.store.reading() as view:
        return view.holds(project_id)


def hold(driven: Driven) -> Hold:
    """The only one that stands."""
    (found,) = holds(driven)
    return found


def hands(driven: Driven, actor: str = "local:anna") -> Hands:
    """What a person may do about holds."""
    return Hands(driven.store, driven.clock, local(actor), driven.channels)


def lived(driven: Driven) -> Driven:
    """Built, live, and watched over."""
    driven.live()
    driven.beat()
    driven.watch()
    assert holds(driven) == []
    return driven
