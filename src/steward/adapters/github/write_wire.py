"""What the writing client sends, and through which doors: a list of changes, outside of which nothing leaves.

Nothing here removes anything. The address of a repository itself is a door for three bodies alone: another
default branch, private, out of the archive. So none can be deleted, renamed, archived, handed over or published.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import httpx
import msgspec

from steward.adapters.github.answer import Answer
from steward.adapters.github.credentials import Source
from steward.adapters.github.desk import ReadDesk
from steward.adapters.github.wire import Grant, Tally, Wire
from steward.ports.errors import NoSuchOrganisation

Method = Literal["POST", "PATCH", "PUT"]
Body = Mapping[str, Any]


def _any(body: Body) -> bool:  # noqa: ARG001 - the shape of every door's condition
    return True


def _holds(*names: str) -> Callable[[Body], bool]:
    """Exactly these fields."""
    return lambda body: body.keys() == set(names)


def _mends(body: Body) -> bool:
    """One setting, and only the value that hides or opens nothing that was not so before."""
    if len(body) != 1:
        return False
    ((name, value),) = body.items()
    if name == "default_branch":
        return isinstance(value, str) and value != ""
    return (name == "visibility" and value == "private") or (
        (name == "private" and value is True) or (name == "archived" and value is False)
    )


_NAMED: Final = r"[A-Z_][A-Z0-9_]*"
_DOORS: Final = (
    ("POST", re.compile(r"/(orgs/[^/]+|organizations/\d+)/repos"), _any),
    ("POST", re.compile(r"/repositories/\d+/(rulesets|labels|pulls)"), _any),
    ("PUT", re.compile(r"/repositories/\d+/rulesets/\d+"), _any),
    ("PATCH", re.compile(r"/repositories/\d+/labels/.+"), _any),
    ("PUT", re.compile(r"/repositories/\d+/pulls/\d+/merge"), _any),
    (
        "PUT",
        re.compile(rf"/repositories/\d+/actions/secrets/{_NAMED}"),
        _holds("encrypted_value", "key_id"),
    ),
    ("POST", re.compile(r"/repositories/\d+/actions/variables"), _holds("name", "value")),
    ("PATCH", re.compile(rf"/repositories/\d+/actions/variables/{_NAMED}"), _holds("value")),
    ("PATCH", re.compile(r"/repositories/\d+"), _mends),
)
_LED_ON: Final = frozenset({301, 307, 308})
RIGHTS_ADVICE: Final = (
    "The builder's credential needs the scope repo, or as an App or fine-grained token: Administration, Contents,"
    " Pull requests, Issues, Secrets and Variables to read and write, Actions, Checks and Commit statuses to read"
)


class WriteWire(Wire):
    """A wire that can also make what operations need."""

    def change(self, method: Method, url: httpx.URL, grant: Grant, body: Body) -> Answer:
        """Send a change, once; it follows one redirect within the server, to another of the same doors."""
        answer = self._change(method, url, grant, body)
        if answer.status in _LED_ON and (target := self._redirect(answer)) is not None:
            answer = self._change(method, target, grant, body)
        return answer

    def _change(self, method: Method, url: httpx.URL, grant: Grant, body: Body) -> Answer:
        path = url.path.removeprefix(self.base.path.rstrip("/"))
        if not any(method == door and shape.fullmatch(path) and fits(body) for door, shape, fits in _DOORS):
            raise ValueError(f"{method} {path} is no change that is made here")
        headers = {"Content-Type": "application/json"}
        content = msgspec.json.encode(body)
        return self._send(method, url, grant, Tally(), headers=headers, urgent=True, content=content)


class Desk(ReadDesk):
    """The same desk with the builder's credential, which can also change what the doors let through."""

    def __init__(self, wire: WriteWire, source: Source) -> None:
        super().__init__(wire, source, who="the builder's credential", advice=RIGHTS_ADVICE, urgent=True)
        self.wire = wire

    def grant_at(self, login: str) -> Grant:
        """The grant for an organisation."""
        return self._source.grant(login, None)

    def change(self, method: Method, repo_id: int, tail: str, body: Body) -> tuple[Answer, Grant]:
        """Send a change; its answer may be any."""
        grant = self.grant(repo_id)
        return self.wire.change(method, self.at(repo_id, tail), grant, body), grant


def no_organisation(login: str) -> NoSuchOrganisation:
    """404 where repositories are made."""
    return NoSuchOrganisation(
        f"no organisation answers as {login} (404)",
        "Check its name, and that the builder's credential may make repositories there",
    )
