"""Record the golden files anew, from the real programs: `python -m tests.contract.agents.record`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Final

from steward.domain.agents import Limits
from steward.ports.box import BoxEnd, BoxOrder, Line, Running, Why
from tests.contract.agents.kit import BOX, Hearing, clone_of, spec_of
from tests.contract.agents.model_server import model
from tests.contract.agents.native import AGENTS, MODELS, QUICK

GOLDEN: Final = Path(__file__).with_name("golden")
SCRIPTS: Final = ("write", "nothing", "overloaded")


class Tapped:
    """A running command whose lines are kept."""

    def __init__(self, running: Running, kept: list[bytes]) -> None:
        self._running = running
        self._kept = kept

    @property
    def over(self) -> bool:
        """As it is."""
        return self._running.over

    def line(self, timeout_s: float) -> Line | None:
        """As it is, and kept."""
        line = self._running.line(timeout_s)
        if line is not None and not line.error:
            self._kept.append(line.text)
        return line

    def kill(self, why: Why = Why.KILLED) -> None:
        """As it is."""
        self._running.kill(why)

    def end(self) -> BoxEnd:
        """As it is."""
        return self._running.end()


class TappedBox:
    """A box that keeps what the first command in it says."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self._first = True

    def available(self) -> str | None:
        """As it is."""
        return BOX.available()

    def start(self, order: BoxOrder) -> Running:
        """As it is; the first is kept."""
        first, self._first = self._first, False
        return Tapped(BOX.start(order), self.lines) if first else BOX.start(order)


def main() -> None:
    """Record each program with each script."""
    GOLDEN.mkdir(exist_ok=True)
    for name in ("claude", "codex"):
        for script in SCRIPTS:
            with model(script) as server, tempfile.TemporaryDirectory() as folder:
                clone = clone_of(Path(folder), {"README.md": "x"})
                box, heard = TappedBox(), Hearing()
                limits = Limits(wall_s=90, silence_s=60)
                spec = spec_of(clone, network="model", model=MODELS[name], limits=limits, environment=QUICK)
                AGENTS[name](box, server).run(spec, heard, heard.stop)
                text = b"\n".join(box.lines).decode().replace(str(clone), "/clone")
                (GOLDEN / f"{name}-{script}.jsonl").write_text(text + "\n")
                print(name, script, len(box.lines))


if __name__ == "__main__":
    main()
