"""What a person may ask of webhooks: register them, ping them, sweep them, and see what arrived.

It changes webhooks on GitHub, and nothing else there. Each call may raise Forbidden, and what the forge raises.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from steward.app.connecting import choose, connect
from steward.app.errors import Forbidden, Invalid, Unknown
from steward.app.filing import told
from steward.app.parts import Parts
from steward.app.sweeping import Sweep
from steward.app.views import Json, stamp
from steward.domain.deliveries import EVENTS, Delivery, Hook, State, Told, health
from steward.domain.journal import Event, Kind
from steward.domain.people import Principal, Right
from steward.domain.project import Organisation
from steward.ports import ForgeHooks

PATH: Final = "/hooks/github"
LAPTOP: Final = (
    "Without an address that GitHub reaches, polling still finds every change; webhooks only make it quicker."
)


@dataclass(frozen=True, slots=True)
class Webhooks:
    """Webhooks, for one principal."""

    parts: Parts
    by: Principal

    def _allow(self) -> None:
        if not self.by.may(Right.WEBHOOKS):
            raise Forbidden(Right.WEBHOOKS, self.by.actor)

    def status(self) -> Json:
        """Every hook with its health, what the inbox holds, and the organisations that have no hook."""
        self._allow()
        now = self.parts.clock.now().at
        secret = self.parts.webhook_secret.read() is not None
        with self.parts.store.reading() as view:
            logins = {o.id: o.login for o in view.organisations()}
            hooks, newest = view.hooks(), view.newest_deliveries()
            counts = view.delivery_counts()
        served = {hook.organisation_id for hook in hooks}
        return {
            "secret": secret,
            "hooks": [hook_view(h, logins.get(h.organisation_id), newest.get(h.id), now) for h in hooks],
            "without": [login for key, login in logins.items() if key not in served],
            "deliveries": {state.value: counts.get(state.value, 0) for state in State},
            "events": [{"event": event, "meaning": meaning} for event, meaning in EVENTS.items()],
        }

    def register(self, url: str, logins: Sequence[str] = ()) -> list[Json]:
        """Have GitHub deliver to that address, for the named organisations (all, if none is named). Idempotent.

        A hook that we registered before, or that leads there already, is set right instead of made twice. The
        secret is made where there is none. Raises Invalid for an address that GitHub cannot reach.
        """
        self._allow()
        chosen = self._organisations(logins)
        forge = self.parts.forge_hooks()
        target = target_of(url, forge.server)
        secret = self.parts.webhook_secret.make()
        return [self._register(forge, organisation, target, secret) for organisation in chosen]

    def _organisations(self, logins: Sequence[str]) -> list[Organisation]:
        if not self.parts.logins:
            raise Invalid("no organisation is configured", "Set STEWARD_GITHUB_ORGS, or run `steward init`.")
        at = self.parts.clock.now().at
        return choose(connect(self.parts.store, self.parts.logins, self.parts.server, at), logins)

    def _register(self, forge: ForgeHooks, organisation: Organisation, url: str, secret: str) -> Json:
        at, login = self.parts.clock.now().at, organisation.login
        there = {one.id: one for one in forge.hooks(login)}
        with self.parts.store.reading() as view:
            known = view.hooks(organisation.id)
        ours = [there[hook.id] for hook in known if hook.id in there]
        ours += [one for one in there.values() if one.url == url]
        if ours:
            made = forge.update(login, ours[0].id, url, list(EVENTS), secret)
            forge.ping(login, made.id)
        else:
            made = forge.create(login, url, list(EVENTS), secret)
        with told(self.parts.store) as tx:
            for hook in known:
                if hook.id not in there:
                    tx.forget_hook(hook.id)
            hook = _recorded(made, organisation, at, tx.hook(made.id))
            tx.save_hook(hook)
            kind, data = (
                Kind.WEBHOOK_REGISTERED,
                {"url": url, "hook_id": made.id, "events": list(made.events)},
            )
            tx.append([Event(kind, at, self.by.actor, None, organisation.id, data=data)])
            newest = tx.newest_deliveries().get(hook.id)
        return {**hook_view(hook, login, newest, at), "made": "updated" if ours else "created"}

    def ping(self, logins: Sequence[str] = ()) -> list[Json]:
        """Have GitHub send a ping to the hooks of these organisations (of all, if none is named)."""
        self._allow()
        shown = []
        for hook, login in self._hooks(logins):
            at = self.parts.clock.now().at
            self.parts.forge_hooks().ping(login, hook.id)
            with self.parts.store.writing() as tx:
                pinged = replace(tx.hook(hook.id) or hook, pinged_at=at)
                tx.save_hook(pinged)
                newest = tx.newest_deliveries().get(hook.id)
            shown.append(hook_view(pinged, login, newest, at))
        return shown

    def sweep(self, logins: Sequence[str] = ()) -> list[Json]:
        """Take in now what GitHub could not deliver to these organisations' hooks; what GitHub did is told."""
        self._allow()
        shown = []
        for hook, login in self._hooks(logins):
            swept = Sweep(self.parts).sweep(hook)
            with self.parts.store.reading() as view:
                newest = view.newest_deliveries().get(hook.id)
            now = self.parts.clock.now().at
            view_of = hook_view(swept.hook, login, newest, now)
            problem = swept.reason or None
            shown.append({**view_of, "listed": swept.listed, "healed": swept.healed, "problem": problem})
        return shown

    def _hooks(self, logins: Sequence[str]) -> list[tuple[Hook, str]]:
        with self.parts.store.reading() as view:
            organisations = choose(view.organisations(), logins)
            found = [(hook, o.login) for o in organisations for hook in view.hooks(o.id)]
        if not found:
            raise Invalid("no webhook is registered", f"Register one: steward webhook register. {LAPTOP}")
        return found

    def deliveries(
        self, *, states: Collection[str] = (), before: int | None = None, limit: int = 50
    ) -> list[Json]:
        """Deliveries, newest first, never their bodies; with `before`, those with a smaller id."""
        self._allow()
        with self.parts.store.reading() as view:
            logins = {o.id: o.login for o in view.organisations()}
            rows = view.deliveries(states=states, before=before, limit=limit)
        return [delivery_view(row, logins.get(row.organisation_id or 0)) for row in rows]

    def retry(self, delivery_id: int) -> Json:
        """Have one worked on anew, from the beginning. Raises Unknown, and Invalid where it asks for nothing."""
        self._allow()
        with self.parts.store.writing() as tx:
            row = tx.delivery(delivery_id)
            if row is None:
                raise Unknown("delivery", str(delivery_id))
            if row.organisation_id is None or not (row.whole or row.repository_id):
                raise Invalid(f"delivery {delivery_id} asks for no look", "See: steward webhook deliveries")
            again = replace(row, state=State.PENDING, attempts=0, error="", next_at=None, done_at=None)
            tx.save_deliveries([again])
            login = tx.organisation(row.organisation_id).login
        self.parts.bell.ring()
        return delivery_view(again, login)


def register_demo(webhooks: Webhooks, address: str) -> None:
    """Have the sample organisation deliver to this process, served at that address."""
    webhooks.register(address)


def target_of(url: str, server: str) -> str:
    """The address for deliveries, from one that a person named. Raises Invalid.

    GitHub reaches no address of this machine alone, and what it sends is not for others to read; only a GitHub
    that is spoken to over plain HTTP itself, as the sample is, may deliver so.
    """
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise Invalid(f"'{url}' is no address of a web server", "Name one like https://steward.example.com")
    if not server.startswith("http://"):
        if _is_local(parts.hostname):
            raise Invalid(f"GitHub cannot reach {parts.hostname}", f"Name a public address. {LAPTOP}")
        if parts.scheme != "https":
            raise Invalid("webhooks are not sent over plain HTTP", "Name an address with https://.")
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path if path.endswith(PATH) else path + PATH}"


def _is_local(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local"))


def _recorded(made: Told, organisation: Organisation, at: datetime, old: Hook | None) -> Hook:
    """The record of a hook that was just made or set right, and pinged. Health is judged from here on."""
    fresh = Hook(made.id, organisation.id, made.url, made.events, made.active, at, pinged_at=at)
    return fresh if old is None else replace(fresh, swept_at=old.swept_at, swept_to=old.swept_to)


def hook_view(hook: Hook, login: str | None, newest: datetime | None, now: datetime) -> Json:
    """One hook with its health."""
    found = health(hook, newest, now)
    return {
        "id": hook.id,
        "organisation": login,
        "url": hook.url,
        "active": hook.active,
        "events": list(hook.events),
        "missing_events": list(found.missing),
        "state": found.state,
        "reason": found.reason or None,
        "registered_at": stamp(hook.registered_at),
        "checked_at": stamp(hook.checked_at),
        "pinged_at": stamp(hook.pinged_at),
        "swept_at": stamp(hook.swept_at),
        "last_delivery_at": stamp(found.last_at),
    }


def delivery_view(row: Delivery, login: str | None) -> Json:
    """One delivery, without its body."""
    return {
        "id": row.id,
        "hook_id": row.hook_id,
        "guid": row.guid,
        "event": row.event,
        "action": row.action or None,
        "organisation": login,
        "repository_id": row.repository_id,
        "received_at": stamp(row.received_at),
        "source": row.source,
        "state": str(row.state),
        "reason": row.error or None,
        "attempts": row.attempts,
        "next_at": stamp(row.next_at),
        "done_at": stamp(row.done_at),
        "look": row.look,
    }
