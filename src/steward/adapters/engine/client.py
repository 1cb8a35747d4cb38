"""What may be asked of DBOS from any process, whether it works or not: queue, cancel, look up, take up again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer, WorkflowStatus

from steward.adapters.engine.attempt import WORKFLOW
from steward.adapters.engine.database import SCHEMA, Place, translated
from steward.ports.engine import Lane

APPLICATION: Final = "steward"
VERSION: Final = "1"
"""Constant: by default DBOS takes a digest of the sources, and leaves alone what an older version began."""
THREADS_MIN, THREADS_MAX = 8, 32

WORDS: Final = {
    "ENQUEUED": "queued",
    "DELAYED": "queued",
    "PENDING": "running",
    "SUCCESS": "ended",
    "CANCELLED": "cancelled",
    "ERROR": "lost",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "lost",
}


class Client:
    """DBOS's own client, under the port's words and errors. Holds no thread; safe for many."""

    def __init__(self, place: Place, database: sa.Engine) -> None:
        self._place = place
        with translated(place):
            self._dbos = DBOSClient(
                system_database_engine=database,
                dbos_system_schema=SCHEMA,
                serializer=DBOSPortableJSONSerializer(),
                application_name=APPLICATION,
                retry_connection_errors=False,
            )

    def enqueue(self, run_id: str, kind: str, project_id: str) -> None:
        """Queue it, unless it is known already. The project stands beside it for whoever looks into the table."""
        with translated(self._place):
            self._dbos.enqueue(
                {
                    "workflow_name": WORKFLOW,
                    "queue_name": kind,
                    "workflow_id": run_id,
                    "app_version": VERSION,
                    "attributes": {"project": project_id},
                },
                run_id,
            )

    def cancel(self, run_id: str) -> None:
        """Cancel it, unless it is over already."""
        with translated(self._place):
            self._dbos.cancel_workflow(run_id)

    def known(self, run_ids: Sequence[str]) -> dict[str, str]:
        """The state of each that is known."""
        if not run_ids:
            return {}
        return {each.workflow_id: WORDS[each.status] for each in self._list(workflow_ids=list(run_ids))}

    def cancelled(self, run_ids: Sequence[str]) -> list[str]:
        """Which of these were cancelled."""
        if not run_ids:
            return []
        found = self._list(workflow_ids=list(run_ids), status="CANCELLED")
        return [each.workflow_id for each in found]

    def open_lanes(self, lanes: Sequence[Lane], poll_s: float) -> None:
        """Make the queues, or give them their new limits; each is looked at every `poll_s` seconds."""
        total = sum(lane.at_once for lane in lanes)
        with translated(self._place):
            for lane in lanes:
                # No process takes up more than it has threads for; another may have them.
                share = lane.at_once if total <= THREADS_MAX else lane.at_once * THREADS_MAX // total
                self._dbos.register_queue(
                    lane.name,
                    global_concurrency=lane.at_once,
                    worker_concurrency=max(1, share),
                    polling_interval_sec=poll_s,
                )

    def take_up(self, living: set[str]) -> int:
        """Queue again what executors that do not live have begun; how many attempts that were."""
        left = [each for each in self._list(status="PENDING") if each.executor_id not in living]
        if left:
            with translated(self._place):
                _recover(self._dbos, left)
        return len(left)

    def close(self) -> None:
        """Let go of it; the connections belong to whoever opened them."""
        self._dbos.destroy()

    def _list(self, **which: Any) -> list[WorkflowStatus]:
        with translated(self._place):
            return self._dbos.list_workflows(load_input=False, load_output=False, **which)


def _recover(client: DBOSClient, left: Sequence[WorkflowStatus]) -> None:
    """Give them back to their queues.

    The inner call touches only what those executors hold still, and counts the attempt; it is not public, so
    where it is missing the public one is used, which does neither.
    """
    inner = getattr(DBOS, "_recover_pending_workflows", None)
    if inner is not None:
        inner(sorted({str(each.executor_id) for each in left}))
        return
    queues: dict[str | None, list[str]] = defaultdict(list)
    for each in left:
        queues[each.queue_name].append(each.workflow_id)
    for queue, run_ids in queues.items():
        client.resume_workflows(run_ids, queue_name=queue)
