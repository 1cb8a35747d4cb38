"""Ways to reach people: the log, whatever Apprise speaks (mail, chat and the like), and the dead-man ping."""

from steward.adapters.notify.apprise import AppriseNotifier
from steward.adapters.notify.log import LogNotifier
from steward.adapters.notify.pulse import HttpPulse

__all__ = ["AppriseNotifier", "HttpPulse", "LogNotifier"]
