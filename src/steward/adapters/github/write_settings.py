"""Secrets and variables of a repository's workflows, and settings that are set right.

A secret is sealed for the repository's own public key here; what leaves this process can be opened by GitHub alone.

Source of the shapes: GitHub's REST reference, "Actions secrets", "Actions variables", "Update a repository".
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from nacl.exceptions import CryptoError
from nacl.public import PublicKey, SealedBox

from steward.adapters.github.write_wire import Desk
from steward.domain.vault import GITHUB_MAX, NAME
from steward.ports.building import Ensured
from steward.ports.errors import Permanent, Unreachable

_BODIES: Final[Mapping[tuple[str, str], dict[str, Any]]] = {
    ("visibility", "private"): {"visibility": "private"},
    ("archived", "false"): {"archived": False},
}


class _Key(msgspec.Struct):
    key_id: str
    key: str


class _Variable(msgspec.Struct):
    value: str


class _Settings(msgspec.Struct):
    default_branch: str | None = None
    visibility: str | None = None
    private: bool | None = None
    archived: bool | None = None


def ensure_secret(desk: Desk, repo_id: int, name: str, value: str) -> Ensured:
    """Set a secret. GitHub never shows one, so it is set whether or not it was so; `made`: there was none."""
    name, data = _checked(name, value)
    key = desk.ask(repo_id, "/actions/secrets/public-key", _Key, "read the public key for its secrets")
    body = {"encrypted_value": _sealed(key, data), "key_id": key.key_id}
    answer, grant = desk.change("PUT", repo_id, f"/actions/secrets/{name}", body)
    if answer.status not in {201, 204}:
        raise desk.refusal(answer, grant, f"set the secret {name}")
    return Ensured(made=answer.status == 201)


def ensure_variable(desk: Desk, repo_id: int, name: str, value: str) -> Ensured:
    """Set a variable, where it is not so already."""
    name, _ = _checked(name, value)
    answer, grant = desk.change("POST", repo_id, "/actions/variables", {"name": name, "value": value})
    if answer.status == 409:
        tail = f"/actions/variables/{name}"
        if desk.ask(repo_id, tail, _Variable, f"read the variable {name}").value == value:
            return Ensured(made=False)
        answer, grant = desk.change("PATCH", repo_id, tail, {"value": value})
    if answer.status not in {200, 201, 204}:
        raise desk.refusal(answer, grant, f"set the variable {name}")
    return Ensured(made=True)


def mend(desk: Desk, repo_id: int, setting: str, value: str) -> Ensured:
    """Set one setting right. Raises Permanent for any other than the three of the port."""
    body = _BODIES.get((setting, value))
    if setting == "default_branch" and value:
        body = {"default_branch": value}
    if body is None:
        raise Permanent(
            f"Steward does not set {setting[:40]!r} of a repository to {value[:80]!r}",
            "Set it on GitHub by hand",
        )
    shown = desk.ask(repo_id, "", _Settings, "read its settings")
    if _is_so(shown, setting, value):
        return Ensured(made=False)
    answer, grant = desk.change("PATCH", repo_id, "", body)
    if answer.status != 200:
        raise desk.refusal(answer, grant, f"set {setting} to {value}")
    return Ensured(made=True)


def _is_so(shown: _Settings, setting: str, value: str) -> bool:
    if setting == "default_branch":
        return shown.default_branch == value
    if setting == "archived":
        return shown.archived is False
    return shown.visibility == "private" or (shown.visibility is None and shown.private is True)


def _checked(name: str, value: str) -> tuple[str, bytes]:
    """The name as GitHub keeps it, and the bytes of the value. Raises Permanent, and never quotes the value."""
    if not NAME.fullmatch(name) or name.upper().startswith("GITHUB_"):
        raise Permanent(
            f"{name[:80]!r} is no name for a secret or variable on GitHub",
            "Use letters, digits and '_', and begin neither with a digit nor with GITHUB_",
        )
    try:
        data = value.encode()
    except UnicodeEncodeError:
        # Not chained: the error holds the value.
        raise Permanent(f"the value of {name} is not text", "Give it as UTF-8") from None
    if len(data) > GITHUB_MAX:
        raise Permanent(
            f"the value of {name} has {len(data)} bytes; GitHub takes {GITHUB_MAX} at most", "Shorten it"
        )
    return name.upper(), data


def _sealed(key: _Key, data: bytes) -> str:
    try:
        public = PublicKey(base64.b64decode(key.key, validate=True))
        return base64.b64encode(SealedBox(public).encrypt(data)).decode()
    except (CryptoError, binascii.Error, ValueError, TypeError):
        raise Unreachable("the public key for secrets came in another shape") from None
