"""Runs the command line in this process, with the real wiring."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from click.testing import CliRunner

from steward.faces.cli.root import steward
from steward.main import Wiring


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """The payload."""
        return json.loads(self.stdout)


Runner = Callable[..., Done]


def run_command(*args: str, stdin: str | None = None) -> Done:
    """Run `steward ARGS`; a fault of Steward itself is raised."""
    result = CliRunner().invoke(steward, args, obj=Wiring(), input=stdin, prog_name="steward")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return Done(result.exit_code, result.stdout, result.stderr)
