"""One run of an agent in its box: heard, timed, stopped, and judged by what git shows afterwards."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from steward.adapters.agents.account import Account, Reader, verdict_in
from steward.adapters.agents.costs import price_usd
from steward.adapters.agents.gate import ModelAccess, ModelGate
from steward.adapters.agents.gathering import gather
from steward.domain.agents import Outcome, Role, RunEvent, RunEventKind, RunResult, RunSpec
from steward.ports.box import Box, BoxEnd, BoxOrder, Line, Running, Why
from steward.ports.engine import StopAsked
from steward.ports.errors import Permanent
from steward.ports.outside import Clock

ASK_S: Final = 1.0
GRACE_S: Final = 5.0
"""How long a program may go on after it said that it is done."""

LINES_MAX: Final = 200_000
"""Each line costs whoever listens more than its bytes."""

RAW_MAX: Final = 2000
TAIL_MAX: Final = 4000
BOUNDS: Final = {
    Why.WALL: (Outcome.TIMEOUT, "it took longer than it may"),
    Why.OUTPUT: (Outcome.LIMIT, "it said more than it may"),
    Why.MEMORY: (Outcome.LIMIT, "it took more memory than it may"),
    Why.PROCESSES: (Outcome.LIMIT, "it started more processes than it may"),
}


@dataclass(frozen=True)
class Command:
    """How a program is run: its arguments, what it needs besides the clone, and who reads it.

    `environment` lies under that of the spec. `pages` are files that are written for it, by the variable that
    names each.
    """

    argv: tuple[str, ...]
    reader: Reader
    environment: Mapping[str, str] = field(default_factory=dict)
    readable: tuple[Path, ...] = ()
    stdin: str | None = None
    access: ModelAccess | None = None
    pages: Mapping[str, str] = field(default_factory=dict)


class Runner:
    """Runs commands in a box. No process of a run is alive when `run` returns or raises."""

    def __init__(self, box: Box, clock: Clock, grace_s: float = GRACE_S) -> None:
        self._box = box
        self._clock = clock
        self._grace_s = grace_s

    def run(
        self, spec: RunSpec, command: Command, heard: Callable[[RunEvent], None], stop: StopAsked
    ) -> RunResult:
        """Run to the end, a limit or a stop. Raises Permanent where there is no box, or no model to reach."""
        with ExitStack() as held:
            folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="steward-run-")))
            gate = None
            if spec.network == "model":
                gate = held.enter_context(ModelGate(_reachable(command), folder, spec.limits.usd))
            listening = _Listening(spec, command, self._clock, heard, stop, gate, self._grace_s)
            order = _order(spec, command, folder, gate)
            end = listening.listen(self._box.start(order))
        result = listening.result(end)
        if result.outcome is not Outcome.COMPLETED or spec.role is Role.TESTER:
            return result
        return gather(self._box, spec, result)


class _Listening:
    """What is heard of one run, and what it makes of that."""

    def __init__(
        self,
        spec: RunSpec,
        command: Command,
        clock: Clock,
        heard: Callable[[RunEvent], None],
        stop: StopAsked,
        gate: ModelGate | None,
        grace_s: float,
    ) -> None:
        self._spec, self._command, self._clock = spec, command, clock
        self._heard, self._stop, self._gate, self._grace_s = heard, stop, gate, grace_s
        self._account = Account(model=spec.model)
        self._seq = self._lines = 0
        self._tail = self._retried = ""
        self._ended: tuple[Outcome, str] | None = None
        self._last = self._ask_at = self._price_at = time.monotonic()
        self._done_at: float | None = None

    def listen(self, running: Running) -> BoxEnd:
        """Hear it to its end."""
        try:
            self._say(RunEventKind.STARTED, self._spec.role.value)
            while not running.over:
                if (line := running.line(ASK_S)) is not None:
                    self._take(line)
                self._notes()
                if self._ended is None and (why := self._over_with()) is not None:
                    self._ended = why
                    running.kill()
            return running.end()
        finally:
            running.kill()
            running.end()

    def result(self, end: BoxEnd) -> RunResult:
        """What it came to, before git is looked at."""
        self._notes()
        outcome, reason = self._outcome(end)
        verdict = self._account.verdict or (
            verdict_in(self._account.last) if self._spec.role is Role.TESTER else {}
        )
        if outcome is Outcome.COMPLETED and self._spec.role is Role.TESTER and not verdict:
            outcome, reason = Outcome.CRASHED, "it gave no verdict"
        usage, cost, source = self._cost()
        return RunResult(
            outcome=outcome,
            reason=reason,
            usage=usage,
            cost_usd=cost,
            cost_source=source,
            exit_code=end.exit_code,
            verdict=verdict,
            tail=self._tail,
            session=self._account.session,
        )

    def _outcome(self, end: BoxEnd) -> tuple[Outcome, str]:
        account = self._account
        if self._ended is not None and not (account.finished and self._ended[0] is Outcome.COMPLETED):
            return self._blamed(*self._ended)
        if end.why in BOUNDS and not (account.finished and end.why is Why.WALL):
            return self._blamed(*BOUNDS[end.why])
        if account.finished:
            return self._blamed(account.outcome, account.reason)
        said = f": {self._tail.strip().splitlines()[-1][:300]}" if self._tail.strip() else ""
        return self._blamed(
            Outcome.CRASHED, f"it ended with {end.exit_code} without saying that it is done{said}"
        )

    def _blamed(self, outcome: Outcome, reason: str) -> tuple[Outcome, str]:
        """The same; but a silence or a crash of one that waits for its model in vain is its provider's."""
        if outcome not in {Outcome.TIMEOUT, Outcome.CRASHED, Outcome.PROVIDER_ERROR}:
            return outcome, reason
        if (spent := self._overspent()) is not None:
            # The gate was shut for that, and what it made of a shut gate is no matter.
            return Outcome.LIMIT, spent
        trouble = (self._gate.trouble if self._gate else "") or self._retried
        if trouble and outcome is not Outcome.PROVIDER_ERROR:
            return Outcome.PROVIDER_ERROR, f"the model: {trouble} ({reason})"
        return outcome, reason

    def _cost(self) -> tuple[dict[str, int], float | None, str]:
        """The agent's word; else what the gate counted, or what it counted itself, at the listed price."""
        counted = self._gate.usage if self._gate else {}
        if self._account.cost_usd is not None:
            return dict(self._account.usage or counted), self._account.cost_usd, "agent"
        usage = counted or self._account.usage
        cost = self._gate.spent_usd if self._gate else None
        if cost is None:
            cost = price_usd(self._account.model or self._spec.model, usage)
        return dict(usage), cost, "unknown" if cost is None else "computed"

    def _over_with(self) -> tuple[Outcome, str] | None:
        """Why it is to be ended now, if it is."""
        now = time.monotonic()
        if now >= self._ask_at:
            self._ask_at = now + ASK_S
            if self._stop():
                return Outcome.CANCELLED, "it was stopped"
        if not self._account.finished:
            return self._beyond(now)
        self._done_at = self._done_at or now
        return (Outcome.COMPLETED, "") if now - self._done_at > self._grace_s else None

    def _beyond(self, now: float) -> tuple[Outcome, str] | None:
        """The limit that it is beyond."""
        limits = self._spec.limits
        if self._lines > LINES_MAX:
            return BOUNDS[Why.OUTPUT]
        if now - self._last > limits.silence_s:
            return Outcome.TIMEOUT, f"nothing was heard of it for {limits.silence_s:.0f} s"
        if limits.turns is not None and self._account.turns > limits.turns:
            return Outcome.LIMIT, f"it took more than {limits.turns} turns"
        if now >= self._price_at:
            self._price_at = now + ASK_S
            if (spent := self._overspent()) is not None:
                return Outcome.LIMIT, spent
        return None

    def _overspent(self) -> str | None:
        """That it spent what it may, if it did: by the highest of what is known, since its own word can be wrong."""
        most = self._spec.limits.usd
        if most is None:
            return None
        counted = price_usd(self._account.model or self._spec.model, self._account.usage)
        gate = self._gate.spent_usd if self._gate else None
        spent = max(self._account.cost_usd or 0.0, counted or 0.0, gate or 0.0)
        return f"it spent {spent:.2f} of {most:.2f} dollars" if spent >= most else None

    def _take(self, line: Line) -> None:
        self._last = time.monotonic()
        self._lines += 1
        text = line.text.decode(errors="replace")
        if not text.strip():
            return
        if line.error:
            self._say(RunEventKind.WARNING, text, text)
            return
        for kind, said in self._command.reader.read(text, self._account):
            self._say(kind, said, text)

    def _notes(self) -> None:
        for note in self._gate.notes() if self._gate else ():
            self._say(RunEventKind.WARNING, note)

    def _say(self, kind: RunEventKind, text: str, raw: str = "") -> None:
        self._seq += 1
        if kind in {RunEventKind.TEXT, RunEventKind.TOOL_START, RunEventKind.RETRY}:
            self._retried = text if kind is RunEventKind.RETRY else ""
        if text and kind is not RunEventKind.STARTED:
            self._tail = f"{self._tail}{text[:TAIL_MAX]}\n"[-TAIL_MAX:]
        self._heard(RunEvent(self._seq, self._clock.now().at, kind, text[:TAIL_MAX], raw[:RAW_MAX]))


def _reachable(command: Command) -> ModelAccess:
    if command.access is None:
        raise Permanent(
            "no model is configured for this agent", "Set its address and its key in the settings."
        )
    return command.access


def _order(spec: RunSpec, command: Command, folder: Path, gate: ModelGate | None) -> BoxOrder:
    """The order for the box. The contract lies beside the clone, where it cannot be committed by accident."""
    contract = folder / "contract.json"
    contract.write_text(json.dumps(spec.contract, ensure_ascii=False))
    named = {"STEWARD_CONTRACT": str(contract)}
    readable = [*command.readable, contract]
    for variable, text in command.pages.items():
        page = folder / f"{variable.lower()}.txt"
        page.write_text(text)
        named[variable] = str(page)
        readable.append(page)
    environment = {**command.environment, **spec.environment, **named, **(gate.environment if gate else {})}
    return BoxOrder(
        argv=command.argv,
        cwd=spec.clone,
        writable=(spec.clone,),
        readable=tuple(readable),
        environment=environment,
        stdin=command.stdin,
        network=gate.tunnel if gate else None,
        memory_bytes=spec.limits.memory_bytes,
        output_bytes=spec.limits.output_bytes,
        wall_s=spec.limits.wall_s,
    )
