"""Sends to chats of Telegram, over its Bot API."""

from steward.adapters.telegram.messenger import TelegramMessenger

__all__ = ["TelegramMessenger"]
