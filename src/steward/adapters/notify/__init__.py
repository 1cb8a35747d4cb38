"""Ways to reach people: the log, and whatever Apprise speaks (mail, chat and the like)."""

from steward.adapters.notify.apprise import AppriseNotifier
from steward.adapters.notify.log import LogNotifier

__all__ = ["AppriseNotifier", "LogNotifier"]
