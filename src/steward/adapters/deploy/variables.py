"""Files of variables for Ansible whose values are never taken for templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


class _Plain(str):
    """A text that Ansible is to leave as it is."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """YAML with Ansible's own mark for such texts."""


_Dumper.add_representer(_Plain, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text), style='"'))


def variables_file(facts: Mapping[str, Any]) -> str:
    """The YAML text. A project's own words may hold "{{ ... }}": as a template that would run on this machine."""
    return str(yaml.dump({name: _marked(value) for name, value in facts.items()}, Dumper=_Dumper))


def _marked(value: Any) -> Any:
    if isinstance(value, str):
        return _Plain(value)
    if isinstance(value, list | tuple):
        return [_marked(part) for part in value]
    if isinstance(value, Mapping):
        return {str(name): _marked(part) for name, part in value.items()}
    return value
