"""The numbers that the heartbeat goes by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """The numbers that the heartbeat goes by. Sources: docs/heartbeat.md."""

    interval_s: float = 300.0
    jitter: float = 0.1
    confirmations: int = 3
    confirm_spacing_s: float = 20.0
    grace_s: float = 120.0
    loss_window_s: float = 3600.0
    loss_count_max: int = 3
    loss_share_max: float = 0.10
    reads_per_round: int = 50
    page_cap: int = 2000
