"""The events of secrets in words: names alone, never a value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from steward.domain.journal import Kind
from steward.faces.words import _

Json = Mapping[str, Any]


def _names(data: Json) -> str:
    return ", ".join(map(str, data.get("names") or ()))


EVENTS: Final[dict[str, Callable[[Json], str]]] = {
    Kind.SECRET_SET: lambda data: (
        _("generated: {names}", names=_names(data))
        if data.get("generated")
        else _("set: {names}", names=_names(data))
    ),
    Kind.SECRET_UNSET: lambda data: _("no longer kept: {names}", names=_names(data)),
    Kind.SECRET_SENT: lambda data: _("given to GitHub: {names}", names=_names(data)),
    Kind.SECRET_WAIVED: lambda data: (
        _("{name} is waived", name=data.get("name", ""))
        if data.get("waived")
        else _("{name} is needed again", name=data.get("name", ""))
    ),
    Kind.SECRETS_ROTATED: lambda data: (
        _("its secrets are under a new master key")
        if data.get("master")
        else _("its secrets were encrypted anew")
    ),
}
