"""What an installation asks of people beyond their rights."""

from __future__ import annotations

from dataclasses import dataclass

from steward.domain.hands import HandsOff


@dataclass(frozen=True, slots=True)
class Policy:
    """`four_eyes`: who ordered a project may not approve or confirm it.

    `deploy_asks`: a verified commit waits for an approver's word before it goes live. `budget_usd`: what the
    agents of a new project may cost, where nobody says otherwise; 0: no limit. `hands_off`: what a person's push to
    a new project does.
    """

    four_eyes: bool = False
    deploy_asks: bool = False
    budget_usd: float = 0.0
    hands_off: HandsOff = HandsOff.HOLD
