"""The dead-man ping: says outside that Steward works, as long as it truly does, and is silent on purpose otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from steward.app.parts import Parts
from steward.app.views import ALIVE
from steward.domain.instant import Instant, elapsed_s
from steward.domain.project import OrgState
from steward.ports import Lease, Permanent, Reads, Transient

WAIT_S: Final = 0.5
LATE: Final = 2.0
"""How many intervals the last whole look may be old."""
LATE_S: Final = 120.0
"""And so many seconds more: a look takes its time, and so does what waits for a limit."""
LOOKS: Final = 100
"""Among how many of the newest looks a whole one must be: those at single repositories come in between."""


class Ticks:
    """When each organisation's loop was last through, by the organisation's id. Threads may share it."""

    def __init__(self) -> None:
        self._at: dict[int, Instant] = {}

    def through(self, organisation_id: int, now: Instant) -> None:
        """That loop is through once more."""
        self._at[organisation_id] = now

    def last(self, organisation_id: int) -> Instant | None:
        """When it was."""
        return self._at.get(organisation_id)


@dataclass(slots=True)
class AliveLoop:
    """Pings where all is well. `ticks` is filled by the loops of the organisations with these ids."""

    parts: Parts
    lease: Lease
    organisation_ids: Sequence[int]
    ticks: Ticks
    log: Callable[[str], None]
    tried: Instant | None = None
    said: str = ""
    told: dict[str, Any] = field(default_factory=dict)

    def tick(self) -> float:
        """Do what is due; return the seconds until the next tick. Raises StoreUnavailable, which keeps it silent."""
        now, pulse = self.parts.clock.now(), self.parts.pulse
        if pulse is None or (
            self.tried is not None and elapsed_s(self.tried, now) < self.parts.pulse_every_s
        ):
            return WAIT_S
        self.tried = now
        with self.parts.store.reading() as view:
            self.told = {**(view.setting(ALIVE) or {}), **self.told}
            against = self._against(view, now)
        # Written before it is sent: a database that takes no write is no Steward that works.
        self._keep(tried_at=now.at.isoformat(), silent=against or None)
        if against:
            self._say(f"no dead-man ping: {against}")
            return WAIT_S
        try:
            pulse.send()
        except (Transient, Permanent) as error:
            self._failed(error.reason)
        except Exception as error:  # noqa: BLE001 - whatever a ping dies of must not end the loops
            self._failed(type(error).__name__)
        else:
            self.said = ""
            self._keep(sent_at=self.parts.clock.now().at.isoformat())
        return WAIT_S

    def _against(self, view: Reads, now: Instant) -> str:
        """Why Steward does not work as it should; "" where it does."""
        bound_s = LATE * self.parts.rules.interval_s + LATE_S
        for organisation_id in self.organisation_ids:
            home = view.organisation(organisation_id)
            ticked = self.ticks.last(organisation_id)
            if ticked is None or elapsed_s(ticked, now) > bound_s:
                return f"the loop of {home.login} does not go round"
            if home.state is OrgState.MISCONFIGURED:
                continue
            looks = view.looks(home.id, LOOKS)
            look = next((one for one in looks if one.kind == "full" and one.outcome == "whole"), None)
            if look is None:
                return f"{home.login} was not looked at whole of late"
            age_s = elapsed_s(look.started, now)
            if age_s > bound_s:
                return f"the last whole look at {home.login} is {age_s:.0f} s old"
        return ""

    def _failed(self, reason: str) -> None:
        self._keep(failed_at=self.parts.clock.now().at.isoformat(), failure=reason)
        self._say(f"the dead-man ping failed: {reason}")

    def _keep(self, **news: Any) -> None:
        self.told |= news
        with self.parts.store.writing(self.lease) as tx:
            tx.set_setting(ALIVE, self.told)

    def _say(self, text: str) -> None:
        """Once for each reason in a row, whatever number is in it."""
        reason = "".join(sign for sign in text if not sign.isdigit())
        if reason != self.said:
            self.log(text)
        self.said = reason
