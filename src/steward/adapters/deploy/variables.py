"""Files of variables for Ansible whose values are never taken for templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import yaml

UNSAFE: Final = "!unsafe\n"
"""Ansible's mark for texts that it is to leave as they are. It stands before the whole file: before a single value
it would have a commit of digits alone read as a number.
"""


def variables_file(facts: Mapping[str, Any]) -> str:
    """The YAML text. A project's own words may hold "{{ ... }}": as a template that would run on this machine."""
    return UNSAFE + str(yaml.safe_dump(dict(facts), allow_unicode=True))
