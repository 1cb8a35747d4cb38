"""What a person sees and says at a gate besides yes: the spec, the estimate, the budget, the text, where to."""

from __future__ import annotations

import math
from typing import Any, Final

from starlette.requests import Request

from steward.app.building import Building
from steward.app.describing import TEXT_MAX
from steward.app.errors import Invalid
from steward.domain.guards import Guard
from steward.domain.lifecycle import settled
from steward.domain.status import Status, Trigger
from steward.faces.http.site import site, works
from steward.faces.words import _

Json = dict[str, Any]
T = Trigger

REASON_LENGTH_MAX: Final = 500
BUDGET_MAX: Final = 1_000_000.0
ABOUT_SPEC: Final = (T.APPROVED, T.CONFIRMED, T.NEW_SPEC, T.SMALL_CHANGE)


def known(request: Request, project: Json, trigger: Trigger) -> Json:
    """What is known where that word is given: values for `ask.html`, None for what does not matter there."""
    app = site(request).app
    shown: Json = {"spec": None, "budget_usd": None, "ways": [], "text_max": REASON_LENGTH_MAX}
    if app.templates is None:
        return shown
    if trigger in ABOUT_SPEC:
        specs = works(request).specs(project["slug"])
        shown["spec"] = specs[-1] if specs else None
    if trigger is T.CONFIRMED:
        shown["budget_usd"] = app.policy.budget_usd
    if trigger is T.RESOLVED:
        shown["ways"] = ways_back(project)
    if trigger is T.UPDATE_REQUESTED:
        shown["text_max"] = TEXT_MAX
    return shown


def ways_back(project: Json) -> list[str]:
    """Where a resolved error may lead: on where it stopped, or to the settled status before that."""
    if not project["interrupted"]:
        return []
    last = Status(project["interrupted"][-1])
    proofs = frozenset({Guard.UPDATE_OPEN} if project["update"] else ())
    return [way.value for way in dict.fromkeys((last, settled(last, proofs)))]


def give(building: Building, slug: str, trigger: Trigger, reason: str, budget: str, to: str) -> None:
    """Give the word, with what was typed beside it. Raises Invalid, and as the command does."""
    if building.templates is None:
        building.ask(slug, trigger, reason[:REASON_LENGTH_MAX])
    elif trigger is T.UPDATE_REQUESTED:
        building.ask(slug, trigger, reason)
    elif trigger is T.CONFIRMED:
        building.confirm(slug, reason[:REASON_LENGTH_MAX], dollars(budget))
    elif trigger is T.RESOLVED and to:
        building.resolve(slug, reason[:REASON_LENGTH_MAX], _status(to))
    else:
        building.ask(slug, trigger, reason[:REASON_LENGTH_MAX])


def dollars(text: str) -> float | None:
    """A budget as it was typed; None where nothing was, for what the installation gives."""
    if not text.strip():
        return None
    try:
        found = float(text.strip().replace(",", ".").lstrip("$"))
    except ValueError:
        found = math.nan
    if not 0 <= found <= BUDGET_MAX:
        raise Invalid(
            _("the budget must be a number of dollars, 0 for no limit"), _("Write it as 25 or 12.50.")
        )
    return found


def _status(code: str) -> Status:
    try:
        return Status(code)
    except ValueError:
        raise Invalid("there is no such status", "Choose one of those that the page offers.") from None
