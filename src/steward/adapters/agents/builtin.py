"""The built-in agent as `ports.building.Agent`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from steward.adapters.agents.command import Lines
from steward.adapters.agents.gathering import identity
from steward.adapters.agents.running import Command, Runner
from steward.domain.agents import RunEvent, RunResult, RunSpec
from steward.domain.spec import STARTER
from steward.ports.box import Box
from steward.ports.engine import StopAsked
from steward.ports.errors import Permanent
from steward.ports.outside import Clock

SCRIPT: Final = Path(__file__).with_name("starter.py")


class StarterAgent:
    """Deterministic, and needs no model; it knows projects of the built-in template, and refuses others.

    `box` is where it runs; on machines where there can be none it runs in `plain`, but only for projects that
    were made of the built-in template: their tests are ours.
    """

    def __init__(self, box: Box, plain: Box, clock: Clock) -> None:
        self._box, self._plain, self._clock = box, plain, clock

    @property
    def name(self) -> str:
        """What it is called in the settings."""
        return STARTER

    def run(self, spec: RunSpec, heard: Callable[[RunEvent], None], stop: StopAsked) -> RunResult:
        """Run to the end, a limit or a stop. No process of it is alive when this returns."""
        reason = self._box.available()
        if reason is not None and source(spec.contract) != STARTER:
            raise Permanent("only projects of the built-in template can be worked on without a box", reason)
        command = Command(
            (str(Path(sys.executable).resolve()), "-I", str(SCRIPT)),
            Lines(),
            environment=identity(spec.environment),
            readable=(SCRIPT,),
        )
        # It needs no model, so it gets no way to one.
        return Runner(self._box if reason is None else self._plain, self._clock).run(
            replace(spec, network="none"), command, heard, stop
        )


def source(contract: Mapping[str, Any]) -> str:
    """The template of a contract: its source, however it is written."""
    template = (contract.get("spec") or {}).get("template")
    return str(template.get("source")) if isinstance(template, Mapping) else str(template or "")
