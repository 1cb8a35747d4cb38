"""Builds what talks and chats are held with: the bot's messenger, and the model that writes briefs. A part of main."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from steward.adapters.clock import SystemClock
    from steward.adapters.mind import ModelMind
    from steward.app.application import Application
    from steward.domain.chats import Chat, Post, Rendered
    from steward.ports.chats import Messenger
    from steward.settings import Loaded


def chats(loaded: Loaded, clock: SystemClock, closing: ExitStack) -> dict[str, Any]:
    """What sends to chats, and what says in words what is sent, as `Parts` names it; nothing where there is no bot."""
    section = loaded.settings.telegram
    if section.token is None and section.token_file is None:
        return {}

    def messenger() -> Messenger:
        from steward.adapters.telegram import TelegramMessenger

        token = loaded.telegram.token
        made = TelegramMessenger(token.get_secret_value() if token else "", section.api_url, clock)
        closing.callback(made.close)
        return made

    def render(app: Application, chat: Chat, post: Post) -> Rendered | None:
        from steward.faces.telegram.cards import render as shown

        return shown(app, chat, post, loaded.settings.web.public_url or "")

    return {"messenger": cache(messenger), "render": render}


def talks(loaded: Loaded, clock: SystemClock) -> dict[str, Any]:
    """What briefs are made with, and what that may cost, as `Parts` names it. No model is loaded here, no key read."""
    from steward.domain.spending import Allowance

    own = loaded.settings.talk
    made = cache(lambda: mind(loaded, clock))
    return {
        "mind": made if own.model else None,
        "mind_check": (lambda: made().check()) if own.model else _nothing,
        "allowance": Allowance(own.person_day_usd, own.project_usd, own.person_day_calls),
        "talk_templates": own.templates,
    }


def _nothing() -> None:
    """There is nothing to check."""


def mind(loaded: Loaded, clock: SystemClock) -> ModelMind:
    """The model of the settings, which name one. It takes a second to load, and is loaded only where it is used."""
    from steward.adapters.agents.costs import price_usd
    from steward.adapters.mind import ModelMind

    own = loaded.settings.talk
    return ModelMind(
        own.model,
        clock,
        key=lambda: _model_key(own.model_key_file),
        base_url=own.model_url,
        timeout_s=own.timeout_s,
        price=price_usd,
    )


def _model_key(file: Path | None) -> str | None:
    """The key in the file; None where none is named. Raises BadSettings."""
    from steward.ports import BadSettings

    name = "STEWARD_TALK_MODEL_KEY_FILE"
    if file is None:
        return None
    try:
        key = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise BadSettings(f"{name}: {file} cannot be read: {reason}", "Name a readable file") from None
    if not key or not key.isascii() or len(key.split()) != 1:
        raise BadSettings(f"{name}: {file} holds no key", "Put the key into it, and nothing else")
    return key
