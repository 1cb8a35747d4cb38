"""The notifier that is always there: one structured line in the log. It reaches nobody who is not reading."""

from __future__ import annotations

import json
import logging
from typing import Final

from steward.domain.journal import Notice

LOGGER: Final = logging.getLogger("steward.notice")
LEVELS: Final = {"warning": logging.WARNING, "error": logging.ERROR, "critical": logging.CRITICAL}


class LogNotifier:
    """Writes each notice as one JSON line to the logger `steward.notice`, at the severity's level."""

    channel = "log"

    def send(self, key: str, notice: Notice) -> None:
        """Write the line. It never fails: what the log's handlers do with it is theirs."""
        line = {
            "key": key,
            "at": notice.at.isoformat(),
            "severity": notice.severity,
            "title": notice.title,
            "body": notice.body,
            "incident": notice.incident_id,
            "project": notice.project_id,
        }
        LOGGER.log(LEVELS.get(notice.severity, logging.INFO), "%s", json.dumps(line, ensure_ascii=False))
