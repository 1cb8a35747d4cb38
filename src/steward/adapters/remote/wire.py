"""Requests to a Steward elsewhere, and their answers, checked. It knows addresses and failures, no meaning.

What changes something bears a key of its own, so that it can be sent again where no answer came and still acts
once.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar
from urllib.parse import quote, urlsplit
from uuid import uuid4

import httpx
import msgspec

from steward.adapters.remote.failing import Problem, exception_of
from steward.ports import BadSettings, Permanent
from steward.ports.errors import NoAnswer

PREFIX: Final = "/api/v1"
TIMEOUT_S: Final = 90.0
TRIES: Final = 2
SAFE: Final = "GET"
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
Shape = TypeVar("Shape")
Json = dict[str, Any]


class Wire:
    """One server, spoken to with one token."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self._client = httpx.Client(
            base_url=address + PREFIX,
            headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
            timeout=TIMEOUT_S,
            follow_redirects=False,
            trust_env=urlsplit(address).hostname not in LOOPBACK,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def get(self, shape: type[Shape], path: str, **params: Any) -> Shape:
        """What stands at an address. Parameters that are None or empty are left out."""
        asked = {name: value for name, value in params.items() if value not in (None, "", [])}
        return self._answer(shape, self._send(SAFE, path, params=asked))

    def text(self, path: str) -> str:
        """The text that stands at an address."""
        response = self._send(SAFE, path, headers={"Accept": "text/plain, application/problem+json"})
        return response.text if response.is_success else self._answer(str, response)

    def send(
        self,
        shape: type[Shape],
        method: str,
        path: str,
        body: Json | None = None,
        expecting: int | None = None,
    ) -> Shape:
        """The answer to what changes something; once, however often it has to be sent."""
        headers = {"Idempotency-Key": str(uuid4())}
        if expecting is not None:
            headers["If-Match"] = f'"{expecting}"'
        return self._answer(shape, self._send(method, path, json=body, headers=headers))

    def _send(self, method: str, path: str, **how: Any) -> httpx.Response:
        for left in reversed(range(TRIES)):
            try:
                return self._client.request(method, path, **how)
            except httpx.TransportError as error:
                if not left:
                    why = str(error) or type(error).__name__
                    raise NoAnswer(f"the Steward at {self.address} does not answer: {why}") from None
        raise AssertionError("it is tried at least once")

    def _answer(self, shape: type[Shape], response: httpx.Response) -> Shape:
        try:
            if response.is_success:
                return msgspec.json.decode(response.content, type=shape)
            problem = msgspec.json.decode(response.content, type=Problem)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Permanent(
                f"what {self.address} answered is no answer of Steward's API ({response.status_code}): {error}",
                "Check the address of the server; is it of the same version as this program?",
            ) from None
        raise exception_of(problem)


def path(*parts: Any) -> str:
    """An address made of these parts, each written so that it stays one."""
    return "".join(f"/{_escaped(str(part))}" for part in parts)


def _escaped(part: str) -> str:
    # "." and ".." would be taken for directions.
    return quote(part, safe="").replace(".", "%2E") if part.strip(".") == "" else quote(part, safe="")


def project_path(reference: str, *parts: str) -> str:
    """The address of a project; the slash of a full name is written as a colon."""
    return path("projects", reference.replace("/", ":"), *parts)


def checked(address: str, *, plain: bool) -> str:
    """The address, if a token may be sent there. Raises BadSettings: it must be https, but on this machine.

    `plain` lets a token go over http to any host.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.password:
        raise BadSettings(
            f"'{address}' is no address of a Steward", "For example: https://steward.example.com"
        )
    if parts.scheme == "http" and parts.hostname not in LOOPBACK and not plain:
        raise BadSettings(
            f"the token would go to {parts.hostname} over plain HTTP, where others can read it",
            "Use an address with https://, or set STEWARD_SERVER_PLAIN_HTTP=true where the network is trusted.",
        )
    return address.rstrip("/")
