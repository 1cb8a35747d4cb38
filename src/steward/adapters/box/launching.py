"""What every command is started with, boxed or not: the launcher's command line and the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from steward.ports.box import BoxOrder

PATH: Final = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
HOME_NAMES: Final = ("HOME",)
NICE: Final = 10
"""Whatever is run so gives way to the server beside it."""


def launched(order: BoxOrder, python: str, script: Path, limits: Mapping[str, int]) -> list[str]:
    """The command line of the launcher, which becomes the command."""
    tunnel = None
    if order.network is not None:
        tunnel = {"socket": str(order.network.socket), "port": order.network.port}
    settings = {"limits": dict(limits), "nice": NICE, "tunnel": tunnel}
    return [python, "-I", "-S", str(script), json.dumps(settings), "--", *order.argv]


def surroundings(order: BoxOrder, places: Mapping[str, str]) -> dict[str, str]:
    """The whole environment: what was ordered, over `places` and what every program expects."""
    return {"PATH": PATH, "LANG": "C.UTF-8", "TERM": "dumb", **places, **order.environment}
