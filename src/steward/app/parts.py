"""What an installation is made of, as `main` builds it and everything in the application shares it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from steward.app.bell import Bell
from steward.app.driving import Drive
from steward.app.policy import Policy
from steward.app.surveying import Surveying
from steward.domain.rules import Rules
from steward.ports import Clock, ForgeHooks, ForgeRead, ForgeRights, Lease, Notifier, Permanent, Secret, Store
from steward.ports.building import Templates


class NoSecret:
    """No secret, and no place to keep one."""

    def read(self) -> str | None:
        """None."""
        return None

    def make(self) -> str:
        """Raise Permanent."""
        raise Permanent("there is no place to keep a webhook secret", "Set STEWARD_GITHUB_WEBHOOK_SECRET.")


def no_hooks() -> ForgeHooks:
    """Raise Permanent: this process was built without a client for webhooks."""
    raise Permanent("webhooks cannot be reached from here", "Use the command line: steward webhook.")


def boxed() -> str | None:
    """Nothing stands against a box."""
    return None


@dataclass(frozen=True, slots=True)
class Parts:
    """The adapters and settings of one process.

    `forge` is called only where GitHub is needed, so that all else works without a credential. `server`
    is the API address, `logins` the configured organisations, `holder` how this process names itself,
    `audit_kept` how long a line of the audit log is kept. `forge_hooks` (webhooks alone) is called only where
    one is registered, pinged or swept; nothing that looks holds it. `webhook_secret` is what deliveries are
    signed with; `builder` is what the credential for driving declares, where one is set: nothing reads or looks
    with it; `bell` tells the loops of this process that some arrived. `templates`: what projects are made of; None
    where this installation drives none. `drive` makes what they are driven with, for a process that does. `boxless` says why there can be no box on
    this machine; None where there can. `surveying` makes what repositories are read
    with before they are taken in; None where no credential may.
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
    forge_hooks: Callable[[], ForgeHooks] = no_hooks
    webhook_secret: Secret = field(default_factory=NoSecret)
    bell: Bell = field(default_factory=Bell)
    builder: Callable[[], ForgeRights] | None = None
    templates: Templates | None = None
    drive: Callable[[], Drive] | None = None
    boxless: Callable[[], str | None] = boxed
    surveying: Callable[[], Surveying] | None = None

    @property
    def channels(self) -> list[str]:
        """The names of the configured notifiers."""
        return [notifier.channel for notifier in self.notifiers]


def end_unfinished(parts: Parts, lease: Lease) -> None:
    """Close the looks that an earlier holder of the lease died in. Only the holder has running ones."""
    with parts.store.writing(lease) as tx:
        tx.interrupt_looks(parts.clock.now().at)
