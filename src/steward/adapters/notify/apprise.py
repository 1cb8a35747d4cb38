"""Notices through Apprise: mail, chat and the like, by an address that holds its own credential.

The address is a secret: it appears in no name, error or log line. Apprise says only whether a send worked,
so that every failure counts as one that may pass.
"""

from __future__ import annotations

import hashlib
import logging
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from steward.domain.journal import Notice
from steward.ports.errors import BadSettings, Transient

if TYPE_CHECKING:
    import apprise

TYPES: Final = {"warning": "warning", "error": "failure", "critical": "failure"}


class AppriseNotifier:
    """Sends each notice to one Apprise address."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._service = urlsplit(url).scheme or "unknown"
        self._sender: apprise.Apprise | None = None

    @property
    def channel(self) -> str:
        """`apprise:<service>:<8 hex digits>`: stable for one address, and tells nothing of it."""
        return f"apprise:{self._service}:{hashlib.sha256(self._url.encode()).hexdigest()[:8]}"

    def check(self) -> None:
        """Raise BadSettings if Apprise cannot read the address. Nothing is sent."""
        self._load()

    def send(self, key: str, notice: Notice) -> None:
        """Send it. Raises Transient where the service did not take it.

        The key stands at the end of the text, so that a repeat can be recognised.
        """
        sender = self._load()
        body = f"{notice.body}\n\n[{notice.severity}] {key}".lstrip()
        if not sender.notify(title=notice.title, body=body, notify_type=TYPES.get(notice.severity, "info")):
            raise Transient(f"{self.channel} did not take the notice")

    def _load(self) -> apprise.Apprise:
        if self._sender is None:
            # Importing apprise takes longer than all the rest of a command; only a send needs it.
            import apprise

            # Its own log lines may quote an address, and so do those of what it sends with.
            logging.getLogger("apprise").setLevel(logging.CRITICAL)
            logging.getLogger("urllib3").setLevel(logging.INFO)
            sender = apprise.Apprise()
            if not sender.add(self._url):
                raise BadSettings(
                    f"a notify address of the kind '{self._service}' cannot be used",
                    "Mend it in STEWARD_NOTIFY_URLS; Apprise documents the form of each service's address",
                )
            self._sender = sender
        return self._sender
