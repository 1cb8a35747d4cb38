"""DBOS's own log lines: what matters goes where ours go, the rest goes nowhere.

DBOS would print to the console what it does at start; it does so only where its logger has no handler. The
root logger is not touched.
"""

from __future__ import annotations

import logging
from typing import Final

LEVEL: Final = "WARNING"

_USUAL: Final = (
    # A new schema is made by a call that also looks for the server's maintenance database, which we do not need.
    "Could not connect to postgres database",
    # Starting twice is part of the port; one that was cancelled is in no queue any more.
    "Workflow already exists in queue",
    # Two workers took from one queue at the same moment, and one of them waits.
    "Contention detected in queue thread",
)


class _Unusual(logging.Filter):
    """Lets through what is not part of the ordinary course."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the line is to be written."""
        return not str(record.msg).startswith(_USUAL)


def quiet() -> None:
    """Keep DBOS off the console. Done once, however often it is called."""
    logger = logging.getLogger("dbos")
    if not any(isinstance(known, _Unusual) for known in logger.filters):
        logger.addHandler(logging.NullHandler())
        logger.addFilter(_Unusual())
    logger.setLevel(LEVEL)
