"""The bot, and what talks are made sense of with."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from steward.settings.section import Section, split

TOKEN: Final = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{30,64}")
"""How a bot's token looks. Source: Telegram Bot API, "Authorizing your bot"."""


def _token(token: SecretStr) -> SecretStr:
    if not TOKEN.fullmatch(token.get_secret_value().strip()):
        raise ValueError("it must look like 123456:ABC...; BotFather gives it")
    return SecretStr(token.get_secret_value().strip())


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.username or parts.password:
        raise ValueError("it must be an address such as https://api.telegram.org, without a credential")
    return url.rstrip("/")


class TelegramSection(Section):
    """The bot on Telegram. Without a token there is none."""

    token: Annotated[SecretStr, AfterValidator(_token)] | None = Field(
        default=None, description="The bot's token; a token file is safer"
    )
    token_file: Path | None = Field(default=None, description="File that holds the bot's token")
    api_url: Annotated[str, AfterValidator(_address)] = Field(
        default="https://api.telegram.org",
        description="Address of Telegram's Bot API, or of a server of one's own",
    )
    updates: Literal["polling", "webhook"] = Field(
        default="polling",
        description="How messages arrive: fetched, or delivered to the public address of the web face",
    )


class TalkSection(Section):
    """What briefs are made with, and what that may cost."""

    model: str = Field(
        default="",
        max_length=200,
        description="Model that writes briefs, such as anthropic:claude-sonnet-5 or openai:gpt-5.5; none: a plain dialog",
    )
    model_url: Annotated[str, AfterValidator(_address)] | None = Field(
        default=None,
        description="Address of the model's server, where it is not its provider's: with openai, any that speaks like it",
    )
    model_key_file: Path | None = Field(default=None, description="File that holds the key of that model")
    timeout_s: float = Field(
        default=60, ge=1, le=600, description="Seconds that one call of the model may take"
    )
    templates: Annotated[tuple[str, ...], BeforeValidator(split)] = Field(
        default=("starter",),
        min_length=1,
        description="Templates to choose from when a project is talked about",
    )
    person_day_usd: float = Field(
        default=5, ge=0, description="What talks of one person may cost in a day; 0: no limit"
    )
    person_day_calls: int = Field(
        default=200, ge=0, description="Calls of the model for one person in a day; 0: no limit"
    )
    project_usd: float = Field(
        default=0, ge=0, description="What talks about one project may cost; 0: no limit"
    )
