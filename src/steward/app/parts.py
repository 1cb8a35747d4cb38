"""What an installation is made of, as `main` builds it and everything in the application shares it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from steward.app.policy import Policy
from steward.domain.rules import Rules
from steward.ports import Clock, ForgeRead, Lease, Notifier, Store


@dataclass(frozen=True, slots=True)
class Parts:
    """The adapters and settings of one process.

    `forge` is called only where GitHub is needed, so that all else works without a credential. `server`
    is the API address, `logins` the configured organisations, `holder` how this process names itself,
    `audit_kept` how long a line of the audit log is kept.
    """

    store: Store
    clock: Clock
    rules: Rules
    forge: Callable[[], ForgeRead]
    logins: Sequence[str]
    server: str
    notifiers: Sequence[Notifier]
    holder: str
    policy: Policy = field(default=Policy())
    audit_kept: timedelta = timedelta(days=365)

    @property
    def channels(self) -> list[str]:
        """The names of the configured notifiers."""
        return [notifier.channel for notifier in self.notifiers]


def end_unfinished(parts: Parts, lease: Lease) -> None:
    """Close the looks that an earlier holder of the lease died in. Only the holder has running ones."""
    with parts.store.writing(lease) as tx:
        tx.interrupt_looks(parts.clock.now().at)
