"""The one workflow: it interprets the steps of an attempt, and DBOS records what each came to.

What is recorded is JSON: the names of the steps, and for each call of a step its outcome and, where it is to
be called again, the time of that (seconds since the epoch). So a wait outlives the process, and a step that
was recorded is not called again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache
from typing import Any, Final

from dbos import DBOS, error

from steward.adapters.engine.session import Abandoned, Session
from steward.ports import Transient

WORKFLOW: Final = "attempt"
RECOVERIES_MAX: Final = 20
"""How often an attempt is taken up again, whether its process was killed or closed, before it counts as lost."""
PATIENCE_S: Final = 120.0
"""How long a call that raises Transient is tried again."""

_PAUSE_S, _PAUSE_MAX_S = 0.2, 10.0

_log = logging.getLogger(__name__)


class Current:
    """The session that works in this process; DBOS allows one."""

    session: Session | None = None
    patience_s: float = PATIENCE_S


@cache
def register() -> None:
    """Make the workflow known to DBOS, once per process."""
    DBOS.workflow(name=WORKFLOW, max_recovery_attempts=RECOVERIES_MAX)(_attempt)


def _attempt(run_id: str) -> str:
    """The workflow's body; its answer says how far it went."""
    session = Current.session
    if session is None:
        raise Abandoned
    with session.attempt(run_id):
        try:
            return _interpret(session, run_id)
        except (error.DBOSWorkflowCancelledError, error.DBOSWorkflowConflictIDError) as moved:
            # Cancelled, or taken up by another. DBOS would wait here for what becomes of it.
            raise Abandoned from moved
        except Exception:
            _log.exception("the attempt %s is lost", run_id)
            raise


def _interpret(session: Session, run_id: str) -> str:
    steps = session.steps
    names = _recorded(session, run_id, "begin", lambda: list(steps.begin(run_id)))
    if not names:
        return "over already"
    for name in names:
        if _until_over(session, run_id, name) == "ended":
            return "ended"
    _recorded(session, run_id, "end", lambda: _end(session, run_id))
    return "done"


def _until_over(session: Session, run_id: str, name: str) -> str:
    """Call one step until it does not ask to be called again: done, or ended."""
    while True:
        outcome, at = _recorded(session, run_id, f"step {name}", lambda: _step(session, run_id, name))
        if outcome != "again":
            return str(outcome)
        session.pause(run_id, at)


def _step(session: Session, run_id: str, name: str) -> list[Any]:
    stepped = session.steps.step(run_id, name)
    if stepped.outcome not in {"done", "again", "ended"}:
        raise ValueError(f"the step {name!r} came to {stepped.outcome!r}")
    return [stepped.outcome, session.clock.now().at.timestamp() + stepped.wait_s]


def _end(session: Session, run_id: str) -> list[Any]:
    session.steps.end(run_id)
    return []


def _recorded(session: Session, run_id: str, name: str, call: Callable[[], list[Any]]) -> list[Any]:
    """What the call came to, from the record if it is there."""

    def body() -> list[Any]:
        session.check(run_id)
        answer = _patiently(session, run_id, name, call)
        session.confirm()
        return answer

    session.check(run_id)
    return DBOS.run_step({"name": name}, body)


def _patiently(session: Session, run_id: str, name: str, call: Callable[[], list[Any]]) -> list[Any]:
    """Call it, again and again while it raises Transient; that one is raised where it never ends."""
    pause_s = _PAUSE_S
    began = session.clock.now().at.timestamp()
    while True:
        try:
            return call()
        except Transient as hindrance:
            now = session.clock.now().at.timestamp()
            again_at = now + pause_s
            if hindrance.retry_at is not None:
                again_at = max(again_at, hindrance.retry_at.timestamp())
            if again_at - began > Current.patience_s:
                raise
            _log.warning("%s of the attempt %s is tried again: %s", name, run_id, hindrance.reason)
        session.pause(run_id, again_at)
        session.check(run_id)
        pause_s = min(2 * pause_s, _PAUSE_MAX_S)
