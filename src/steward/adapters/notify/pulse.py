"""The dead-man ping: a request to an address that raises an alarm when it is not called any more.

Such an address is a capability: whoever knows it can keep the alarm silent. It appears in no error and no log line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from steward.ports.errors import Permanent, Transient

if TYPE_CHECKING:
    import httpx

TIMEOUT_S: Final = 10.0
REDIRECTS_MAX: Final = 3


class HttpPulse:
    """Asks one address. The contract is `ports.alive.Pulse`."""

    def __init__(self, url: str, timeout_s: float = TIMEOUT_S) -> None:
        self._url = url
        self._timeout_s = timeout_s

    def send(self) -> None:
        """Call it. Raises Transient where it does not answer well, Permanent where it leads to another host."""
        # Importing httpx takes long, and only a running service sends.
        import httpx

        try:
            with httpx.Client(timeout=self._timeout_s, follow_redirects=False) as client:
                self._follow(client)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Transient(f"the address of the ping does not answer ({type(error).__name__})") from None

    def _follow(self, client: httpx.Client) -> None:
        at = self._url
        for _ in range(REDIRECTS_MAX):
            # Streamed and left unread: the answer's size is theirs to choose.
            with client.stream("GET", at) as answer:
                status, location = answer.status_code, answer.headers.get("location")
            if answer.is_success:
                return
            if not (answer.is_redirect and location):
                raise Transient(f"the address of the ping answers with {status}")
            to = urljoin(at, location)
            if urlsplit(to)[:2] != urlsplit(self._url)[:2]:
                raise Permanent(
                    "the address of the ping leads to another host", "Set STEWARD_NOTIFY_ALIVE_URL anew."
                )
            at = to
        raise Transient("the address of the ping leads in a circle")
