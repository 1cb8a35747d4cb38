"""What Telegram's refusals mean to us. Their words are told on; what a library says of a connection is not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiohttp import ClientConnectorError

from steward.ports import Transient, Unauthorised, Unreachable
from steward.ports.chats import Blocked, Flooded, Gone, Moved, Refused

_SAME: Final = "message is not modified"
_NO_MESSAGE: Final = ("message to delete not found", "message_id_invalid")
_GONE: Final = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "message can't be deleted",
)
_SHUT: Final = ("not enough rights to send", "have no rights to send", "chat_write_forbidden")


def meant(error: AiogramError, now: datetime) -> Exception:
    """The error of ours that it comes to."""
    if isinstance(error, TelegramRetryAfter):
        return Flooded(
            f"Telegram asks to wait for {error.retry_after} s", now + timedelta(seconds=error.retry_after)
        )
    if isinstance(error, TelegramMigrateToChat):
        return Moved(error.migrate_to_chat_id)
    if isinstance(error, TelegramUnauthorizedError | TelegramNotFound):
        return Unauthorised("Telegram does not know the bot's token", "Ask BotFather for a new one.")
    if isinstance(error, TelegramForbiddenError):
        return Blocked(_words(error), "")
    if isinstance(error, TelegramBadRequest | TelegramEntityTooLarge):
        return _refused(_words(error))
    return _unanswered(error)


def _refused(words: str) -> Exception:
    said = words.lower()
    if any(part in said for part in _GONE):
        return Gone(words, "")
    if any(part in said for part in _SHUT):
        return Blocked(words, "")
    return Refused(words, "")


def _unanswered(error: AiogramError) -> Exception:
    """A server that failed may have done it before; one that was never reached has not."""
    if isinstance(error, TelegramNetworkError):
        if isinstance(error.__cause__, ClientConnectorError):
            return Transient("Telegram cannot be reached")
        return Unreachable("Telegram gave no answer")
    if isinstance(error, TelegramServerError | ClientDecodeError):
        return Unreachable("Telegram failed over it")
    if isinstance(error, TelegramConflictError):
        return Transient(_words(error))
    return Transient(_words(error) if isinstance(error, TelegramAPIError) else "Telegram was not understood")


def is_same(error: AiogramError) -> bool:
    """Whether the message says that already."""
    return isinstance(error, TelegramBadRequest) and _SAME in error.message.lower()


def is_no_message(error: AiogramError) -> bool:
    """Whether there is no message to delete."""
    return isinstance(error, TelegramBadRequest) and any(
        part in error.message.lower() for part in _NO_MESSAGE
    )


def _words(error: TelegramAPIError) -> str:
    return error.message.removeprefix("Bad Request: ").removeprefix("Forbidden: ")[:300]
