"""A fake of `ports.ForgeHooks`: webhooks in memory, under the same contract tests as the real client."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from steward.domain.deliveries import Sent, Told
from steward.ports import Clock, Permanent, Transient, Unauthorised


class FakeHooks:
    """The webhooks of any number of organisations.

    Attributes to set at any time: `allowed` (False: the credential may not see to webhooks), `fail_with` (the
    next calls raise these), `answers` (what deliveries are answered with; 0: nothing answers). `missed` tells
    of an event that no delivery of arrived.
    """

    def __init__(self, clock: Clock, *, server: str = "https://forge.test") -> None:
        self._clock = clock
        self._server = server
        self._hooks: dict[str, dict[int, Told]] = {}
        self._sent: dict[int, list[Sent]] = {}
        self._last = 100
        self.secrets: dict[int, str] = {}
        self.allowed = True
        self.answers = 202
        self.fail_with: list[Transient | Permanent] = []

    @property
    def server(self) -> str:
        """The address that it pretends to have."""
        return self._server

    def hooks(self, login: str) -> list[Told]:
        """All of an organisation."""
        self._check(login)
        return list(self._of(login).values())

    def create(self, login: str, url: str, events: Sequence[str], secret: str) -> Told:
        """Make one and ping it. Raises Permanent where there is one with this address and these events."""
        self._check(login)
        if any(hook.url == url and hook.events == tuple(events) for hook in self._of(login).values()):
            raise Permanent("GitHub does not take that webhook (422)", "Is there another with its address?")
        made = Told(self._next(), url, tuple(events), active=True)
        self._of(login)[made.id] = made
        self.secrets[made.id] = secret
        self.missed(made.id, "ping")
        return made

    def update(self, login: str, hook_id: int, url: str, events: Sequence[str], secret: str) -> Told:
        """Set one right."""
        self._the(login, hook_id)
        made = Told(hook_id, url, tuple(events), active=True)
        self._of(login)[hook_id] = made
        self.secrets[hook_id] = secret
        return made

    def ping(self, login: str, hook_id: int) -> None:
        """Ping one."""
        self._the(login, hook_id)
        self.missed(hook_id, "ping")

    def deliveries(self, login: str, hook_id: int, since: datetime) -> list[Sent]:
        """Those at or after that moment, newest first."""
        self._the(login, hook_id)
        return [sent for sent in reversed(self._sent.get(hook_id, [])) if sent.delivered_at >= since]

    def change(self, login: str, hook_id: int, *, active: bool, events: Sequence[str]) -> None:
        """What somebody does to it on GitHub."""
        found = self._of(login)[hook_id]
        self._of(login)[hook_id] = replace(found, active=active, events=tuple(events))

    def remove(self, login: str, hook_id: int) -> None:
        """Somebody deletes it on GitHub."""
        del self._of(login)[hook_id]

    def missed(self, hook_id: int, event: str, action: str = "", repository_id: int | None = None) -> None:
        """Something happens that the hook listens to; what becomes of it is `answers`."""
        number, at = self._next(), self._clock.now().at
        guid = f"00000000-0000-0000-0000-{number:012}"
        sent = Sent(number, guid, event, action, self.answers, at, repository_id)
        self._sent.setdefault(hook_id, []).append(sent)

    def _of(self, login: str) -> dict[int, Told]:
        return self._hooks.setdefault(login.lower(), {})

    def _the(self, login: str, hook_id: int) -> Told:
        self._check(login)
        if hook_id not in self._of(login):
            raise self._refusal(login)
        return self._of(login)[hook_id]

    def _check(self, login: str) -> None:
        if self.fail_with:
            raise self.fail_with.pop(0)
        if not self.allowed:
            raise self._refusal(login)

    def _refusal(self, login: str) -> Unauthorised:
        return Unauthorised(
            f"the credential may not see to the webhooks of {login} (404)", "Give it the right to."
        )

    def _next(self) -> int:
        self._last += 1
        return self._last
