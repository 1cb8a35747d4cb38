"""Sends requests to one GitHub server and translates what goes wrong on the way.

It knows nothing of repositories. It never follows a redirect by itself but once and within the same origin,
never sends a secret elsewhere, and never repeats a request.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import httpx

from steward.adapters.github.answer import Answer, same_origin
from steward.adapters.github.limits import Meter, retry_at
from steward.domain.repository import Cost
from steward.ports.errors import BadSettings, Permanent, Unreachable
from steward.ports.outside import Clock

API_VERSION = "2022-11-28"
"""The version of GitHub's REST API that this client was written for."""

ADDRESS_ADVICE = (
    "Is this the API address? For github.com it is https://api.github.com,"
    " for GitHub Enterprise Server it ends in /api/v3"
)
_TIMEOUTS = httpx.Timeout(connect=10, read=30, write=10, pool=60)
_KEEP_IDLE_S = 30
_REDIRECTS = frozenset({301, 302, 307, 308})
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Grant:
    """The right to ask: a bearer token with the meter of its limits.

    `key` identifies it without revealing it; validators are kept under it.
    """

    token: str = field(repr=False)
    meter: Meter
    key: str


class Tally:
    """Counts the requests of one call, over several threads. Every answer but 304 costs one point.

    Source of the rule: GitHub's "Best practices for using the REST API", on conditional requests.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cost = Cost()

    def add(self, status: int | None) -> None:
        """Note one request; None where no answer came."""
        unchanged = status == 304
        with self._lock:
            self._cost += Cost(1, int(unchanged), 0 if unchanged or status is None else 1)

    @property
    def cost(self) -> Cost:
        """What was spent so far."""
        return self._cost


class Wire:
    """One server behind one pool of kept connections; at most `threads` requests at once."""

    def __init__(
        self, url: str, clock: Clock, *, threads: int, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.base = base_address(url)
        self._clock = clock
        self._gate = threading.BoundedSemaphore(threads)
        self._spoke_json = False
        self._client = httpx.Client(
            timeout=_TIMEOUTS,
            follow_redirects=False,
            transport=transport,
            trust_env=self.base.host not in _LOOPBACK,
            limits=httpx.Limits(
                max_connections=threads, max_keepalive_connections=threads, keepalive_expiry=_KEEP_IDLE_S
            ),
            headers={
                "User-Agent": f"steward/{version('steward')}",
                "Accept": "application/vnd.github+json",
                "X-GitHub-Api-Version": API_VERSION,
            },
        )

    def address(self, path: str, params: Mapping[str, str] | None = None) -> httpx.URL:
        """The address of a path under the API's own; `path` starts with a slash and is quoted already."""
        url = httpx.URL(f"{self.base}{path}")
        return url.copy_merge_params(params) if params else url

    def get(
        self, url: httpx.URL, grant: Grant, tally: Tally, *, etag: str = "", urgent: bool = False
    ) -> Answer:
        """Ask, following one redirect within the origin. Raises RateLimited, Unreachable, Permanent."""
        headers = {"If-None-Match": etag} if etag else {}
        answer = self._send("GET", url, grant, tally, headers=headers, urgent=urgent)
        if answer.status in _REDIRECTS and (target := self._redirect(answer)) is not None:
            answer = self._send("GET", target, grant, tally, headers=headers, urgent=urgent)
        return answer

    def post(self, url: httpx.URL, grant: Grant, tally: Tally) -> Answer:
        """Send an empty POST; it follows nothing. Raises RateLimited, Unreachable, Permanent."""
        return self._send("POST", url, grant, tally, headers={}, urgent=True)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _send(
        self,
        method: str,
        url: httpx.URL,
        grant: Grant,
        tally: Tally,
        *,
        headers: dict[str, str],
        urgent: bool,
        content: bytes | None = None,
    ) -> Answer:
        if not same_origin(url, self.base):
            raise Unreachable(
                f"an answer of {self.base.host} leads to another server, {url.host}: not followed"
            )
        headers = {**headers, "Authorization": f"Bearer {grant.token}"}
        with self._gate:
            grant.meter.require(urgent=urgent)
            answer = self._exchange(method, url, headers, tally, content)
            grant.meter.note(answer)
        self._check_server(answer)
        return answer

    def _exchange(
        self, method: str, url: httpx.URL, headers: dict[str, str], tally: Tally, content: bytes | None
    ) -> Answer:
        try:
            response = self._client.request(method, url, headers=headers, content=content)
        except httpx.RequestError as error:
            tally.add(None)
            # Not chained: the library's error holds the request, and that holds the secret.
            raise Unreachable(f"{self.base} did not answer: {_explain(error)}") from None
        tally.add(response.status_code)
        return Answer(response.status_code, response.headers, response.content, url)

    def _check_server(self, answer: Answer) -> None:
        """Tell a failing server, and an address that has never been an API's, from one that answers."""
        if answer.status >= 500:
            at = retry_at(answer, self._clock.now())
            raise Unreachable(f"{self.base} answered {answer.status}", at)
        if answer.is_json:
            self._spoke_json = True
        elif answer.status not in {204, 304} and not self._spoke_json:
            kind = answer.header("content-type") or "an unnamed type"
            raise Permanent(f"{self.base} answered {answer.status} with {kind}, not JSON", ADDRESS_ADVICE)

    def _redirect(self, answer: Answer) -> httpx.URL | None:
        try:
            return answer.url.join(answer.header("location") or "")
        except httpx.InvalidURL:
            return None


def base_address(url: str) -> httpx.URL:
    """The API address without a trailing slash. Raises BadSettings."""
    advice = "Set STEWARD_GITHUB_URL to an address like https://api.github.com or https://HOST/api/v3"
    try:
        parsed = httpx.URL(url.strip().rstrip("/"))
    except httpx.InvalidURL as error:
        raise BadSettings(f"the GitHub address is not valid: {error}", advice) from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise BadSettings("the GitHub address is neither http nor https", advice)
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise BadSettings("the GitHub address holds a user name, a query or a fragment", advice)
    if parsed.host.lower() in {"github.com", "www.github.com"}:
        raise BadSettings("the GitHub address is that of the web pages", ADDRESS_ADVICE)
    return parsed


def _explain(error: Any) -> str:
    """The library's words without its addresses; its class says most."""
    kinds: list[tuple[type[Exception], str]] = [
        (httpx.ConnectTimeout, "connecting timed out"),
        (httpx.TimeoutException, "it took too long"),
        (httpx.ConnectError, "no connection"),
        (httpx.DecodingError, "its answer could not be decompressed"),
        (httpx.RemoteProtocolError, "it broke off or does not speak HTTP"),
        (httpx.NetworkError, "the connection broke"),
    ]
    for kind, words in kinds:
        if isinstance(error, kind):
            return words
    return type(error).__name__
