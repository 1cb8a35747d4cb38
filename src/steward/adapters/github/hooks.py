"""GitHubHooks: `ports.ForgeHooks` over HTTP. It makes, changes, pings and lists webhooks, and nothing else.

It changes nothing on the server but at the addresses of webhooks, and has no method that removes one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import msgspec

from steward.adapters.github.answer import Answer
from steward.adapters.github.app import source_of
from steward.adapters.github.credentials import Credential, Source
from steward.adapters.github.limits import Meter
from steward.adapters.github.wire import Grant, Tally, Wire
from steward.domain.deliveries import ID_MAX, Sent, Told
from steward.ports.errors import NoSuchOrganisation, Permanent, Unauthorised, Unreachable
from steward.ports.outside import Clock

T = TypeVar("T")

PAGE: Final = 100
PAGES_MAX: Final = 100
"""Of one list; what lies beyond is found by polling."""
THREADS: Final = 2
BUDGET_RESERVE: Final = 0.1
_HOOK: Final = re.compile(r"/orgs/[^/]+/hooks(/\d+(/pings)?)?$")
RIGHTS_ADVICE: Final = (
    "Webhooks of an organisation need a token with the scope admin:org_hook, or an App or fine-grained token"
    " with the organisation permission 'Webhooks: read and write'"
)


class _Config(msgspec.Struct):
    url: str = ""


class _Hook(msgspec.Struct):
    id: int
    config: _Config
    events: list[str] = []
    active: bool = False


class _Delivery(msgspec.Struct):
    id: int
    guid: str
    event: str
    delivered_at: datetime
    action: str | None = None
    status_code: int | None = None
    repository_id: int | None = None


def connect_hooks(
    url: str, *, credential: Credential, clock: Clock, transport: httpx.BaseTransport | None = None
) -> GitHubHooks:
    """Make a client for the webhooks of one server, without a request. Raises BadSettings."""
    wire = HookWire(url, clock, threads=THREADS, transport=transport)

    source = source_of(credential, wire, clock, lambda: Meter(clock, BUDGET_RESERVE))
    return GitHubHooks(wire, source)


class HookWire(Wire):
    """A wire that can also change webhooks: nothing else of the server is within its reach."""

    def change(self, method: Literal["POST", "PATCH"], url: httpx.URL, grant: Grant, body: Any) -> Answer:
        """Send a change to the address of a webhook, at once; it follows nothing."""
        if not _HOOK.search(url.path):
            raise ValueError(f"{url.path} is no address of a webhook")
        content = b"" if body is None else msgspec.json.encode(body)
        headers = {"Content-Type": "application/json"}
        return self._send(method, url, grant, Tally(), headers=headers, urgent=True, content=content)


class GitHubHooks:
    """The webhooks of organisations. Safe to use from several threads; close it when done."""

    def __init__(self, wire: HookWire, source: Source) -> None:
        self._wire = wire
        self._source = source

    def close(self) -> None:
        """End the connections."""
        self._wire.close()

    @property
    def server(self) -> str:
        """The API address, without a trailing slash."""
        return str(self._wire.base)

    def hooks(self, login: str) -> list[Told]:
        """All of an organisation. Those of another shape than a webhook's are no business of ours."""
        found: list[Told] = []
        for number in range(1, PAGES_MAX + 1):
            params = {"per_page": str(PAGE), "page": str(number)}
            entries = self._ask(login, "", params, list[msgspec.Raw])
            for entry in entries:
                try:
                    found.append(_told(msgspec.json.decode(entry, type=_Hook)))
                except msgspec.DecodeError:
                    continue
            if len(entries) < PAGE:
                break
        return found

    def create(self, login: str, url: str, events: Sequence[str], secret: str) -> Told:
        """Make one, active, for JSON. GitHub pings it at once."""
        body = {"name": "web", "active": True, "events": list(events), "config": _config(url, secret)}
        return _told(self._send("POST", login, "", body))

    def update(self, login: str, hook_id: int, url: str, events: Sequence[str], secret: str) -> Told:
        """Give one this address, these events and this secret, and switch it on."""
        body = {"active": True, "events": list(events), "config": _config(url, secret)}
        return _told(self._send("PATCH", login, f"/{hook_id}", body))

    def ping(self, login: str, hook_id: int) -> None:
        """Have GitHub send a `ping`."""
        grant, url = self._to(login, f"/{hook_id}/pings")
        self._check(self._wire.change("POST", url, grant, None), login, grant, {204})

    def deliveries(self, login: str, hook_id: int, since: datetime) -> list[Sent]:
        """Those made or tried at or after that moment, newest first. Raises Unreachable where one is malformed."""
        found: list[Sent] = []
        params = {"per_page": str(PAGE)}
        for _ in range(PAGES_MAX):
            grant, url = self._to(login, f"/{hook_id}/deliveries", params)
            answer = self._check(self._wire.get(url, grant, Tally()), login, grant, {200})
            page = [_sent(entry) for entry in _decode(answer, list[_Delivery])]
            found += [sent for sent in page if sent.delivered_at >= since]
            cursor = _cursor(answer)
            if cursor is None or not page or page[-1].delivered_at < since:
                break
            params = {"per_page": str(PAGE), "cursor": cursor}
        return found

    def _to(self, login: str, path: str, params: dict[str, str] | None = None) -> tuple[Grant, httpx.URL]:
        grant = self._source.grant(login, None)
        return grant, self._wire.address(f"/orgs/{quote(login, safe='')}/hooks{path}", params)

    def _ask(self, login: str, path: str, params: dict[str, str], kind: type[T]) -> T:
        grant, url = self._to(login, path, params)
        return _decode(self._check(self._wire.get(url, grant, Tally()), login, grant, {200}), kind)

    def _send(self, method: Literal["POST", "PATCH"], login: str, path: str, body: dict[str, Any]) -> _Hook:
        grant, url = self._to(login, path)
        answer = self._wire.change(method, url, grant, body)
        return _decode(self._check(answer, login, grant, {200, 201}), _Hook)

    def _check(self, answer: Answer, login: str, grant: Grant, good: set[int]) -> Answer:
        """The answer, if it is one of the good ones; its problem in words otherwise. Bodies are never quoted."""
        if answer.status in good:
            return answer
        if answer.status == 401:
            self._source.refused(grant)
            raise Unauthorised("GitHub refused the credential (401)", RIGHTS_ADVICE)
        if answer.status in {403, 404}:
            # To a credential without the right GitHub answers 404 as well.
            raise Unauthorised(
                f"the credential may not see to the webhooks of {login} ({answer.status})", RIGHTS_ADVICE
            )
        if answer.status == 422:
            raise Permanent(
                "GitHub does not take that webhook (422)",
                "Is its address one that GitHub can reach, and is there no other webhook with it?",
            )
        if answer.status == 410:
            raise NoSuchOrganisation(f"{login} is gone (410)", "Check its name in STEWARD_GITHUB_ORGS")
        raise Unreachable(f"the webhooks of {login} answered {answer.status}")


def _config(url: str, secret: str) -> dict[str, str]:
    return {"url": url, "content_type": "json", "insecure_ssl": "0", "secret": secret}


def _told(hook: _Hook) -> Told:
    return Told(hook.id, hook.config.url, tuple(hook.events), hook.active)


def _sent(delivery: _Delivery) -> Sent:
    at = delivery.delivered_at
    repository_id = delivery.repository_id or 0
    return Sent(
        delivery.id,
        delivery.guid[:64],
        delivery.event[:64],
        (delivery.action or "")[:255],
        delivery.status_code or 0,
        at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC),
        repository_id if 0 < repository_id <= ID_MAX else None,
    )


def _decode(answer: Answer, kind: type[T]) -> T:
    if not answer.is_json:
        raise Unreachable(f"{answer.url.path} answered {answer.status} without JSON")
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreachable(f"{answer.url.path} answered with JSON of another shape") from None


def _cursor(answer: Answer) -> str | None:
    """The cursor of the next page, as the Link header tells it."""
    for part in (answer.header("link") or "").split(","):
        address, _, rest = part.partition(">")
        if 'rel="next"' in rest:
            return parse_qs(urlsplit(address.strip().lstrip("<")).query).get("cursor", [None])[0]
    return None
