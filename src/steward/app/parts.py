"""What an installation is made of, as `main` builds it and everything in the application shares it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from steward.app.bell import Bell
from steward.app.driving import Drive
from steward.app.policy import Policy
from steward.app.surveying import Surveying
from steward.domain.chats import Chat, Post, Rendered
from steward.domain.own_rules import Tuning
from steward.domain.rules import Rules
from steward.domain.spec import STARTER
from steward.domain.spending import Allowance
from steward.ports import Clock, ForgeHooks, ForgeRead, ForgeRights, Lease, Notifier, Permanent, Secret, Store
from steward.ports.alive import HighWaterMark, Pulse
from steward.ports.building import ForgeWrite, Templates
from steward.ports.chats import Messenger
from steward.ports.mind import Mind
from steward.ports.vault import Vault
from steward.ports.watching import ForgeWatch


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


def well() -> None:
    """Nothing is set wrong."""


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
    this machine; None where there can. `tuning` is what is changed of the rules of readiness, `vault` keeps values and
    waivers (None: none are kept), `watching` gives what reads branches, settings and files of the forge with the
    credential that only reads (None: nothing does); `writing` is the client that changes things on GitHub, called only
    where somebody sends them there; None where this installation drives nothing. `high_water` is kept apart from the
    database, to notice one that was put back; `pulse` is who raises an alarm when they hear nothing, called every
    `pulse_every_s`. `surveying` makes what repositories are read with before they are taken in; None where no
    credential may.

    `mind` makes the model that writes briefs, within `allowance`; None where none is configured: a plain dialog does
    it. `mind_check` raises Permanent where it cannot be asked as it is set, and asks nothing. New projects are made of one of `talk_templates`. `messenger` makes what sends to chats, `render` says what a
    post shows there (it is given the application); None where no bot is configured.
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
    tuning: Tuning = field(default=Tuning())
    vault: Vault | None = None
    watching: Callable[[], ForgeWatch] | None = None
    writing: Callable[[], ForgeWrite] | None = None
    high_water: HighWaterMark | None = None
    pulse: Pulse | None = None
    pulse_every_s: float = 60.0
    surveying: Callable[[], Surveying] | None = None
    mind: Callable[[], Mind] | None = None
    mind_check: Callable[[], None] = well
    allowance: Allowance = field(default=Allowance())
    talk_templates: Sequence[str] = (STARTER,)
    messenger: Callable[[], Messenger] | None = None
    render: Callable[[Any, Chat, Post], Rendered | None] | None = None

    @property
    def channels(self) -> list[str]:
        """The names of the configured notifiers."""
        return [notifier.channel for notifier in self.notifiers]


def end_unfinished(parts: Parts, lease: Lease) -> None:
    """Close the looks that an earlier holder of the lease died in. Only the holder has running ones."""
    with parts.store.writing(lease) as tx:
        tx.interrupt_looks(parts.clock.now().at)
