"""The model behind a name such as "anthropic:claude-sonnet-5", with its server and its key."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic_ai.exceptions import UserError
from pydantic_ai.models import Model, infer_model
from pydantic_ai.providers import Provider, infer_provider_class

from steward.ports import BadSettings

Price = Callable[[str, Mapping[str, int]], float | None]
"""What tokens of a model cost in dollars, by the names of their kinds; None where nobody knows."""
Connected = tuple[Model, Provider[Any] | None]
"""A model, and what is to be closed after a call."""
NAME: Final = re.compile(r"(?P<provider>[a-z0-9-]{1,40}):(?P<model>[^\s:][^\s]{0,150})")
KEYLESS: Final = "none"
"""What a server is sent that asks for no key: the protocol has no way to send nothing."""
CHAT: Final = "openai-chat"
"""The protocol that OpenAI and everybody who speaks like it have in common."""


SERVERS: Final = {"anthropic": "https://api.anthropic.com", CHAT: "https://api.openai.com/v1"}
"""Where those two answer: said outright, so that no variable of the environment leads a key elsewhere."""


def named(name: str) -> tuple[str, str]:
    """The provider and the model of a name. Raises BadSettings."""
    found = NAME.fullmatch(name)
    if found is None:
        raise BadSettings(
            f'STEWARD_TALK_MODEL: "{name[:80]}" does not name a model',
            "Write the provider, a colon and the model, such as anthropic:claude-sonnet-5",
        )
    provider = found["provider"]
    return CHAT if provider == "openai" else provider, found["model"]


def provided(name: str) -> type[Provider[Any]]:
    """What connects to the provider of that name. Raises BadSettings where it is unknown, or not installed."""
    provider, _model = named(name)
    try:
        return infer_provider_class(provider)
    except ValueError:
        raise BadSettings(
            f'STEWARD_TALK_MODEL: no provider is called "{provider}"',
            "Take anthropic or openai; for a server that speaks like OpenAI, openai with STEWARD_TALK_MODEL_URL",
        ) from None
    except ImportError:
        raise BadSettings(
            f"STEWARD_TALK_MODEL: what speaks to {provider} is not installed",
            f"Install it beside Steward: pip install 'pydantic-ai-slim[{provider}]'",
        ) from None


def connected(name: str, base_url: str | None, key: str | None) -> Connected:
    """The model, ready to be asked. Nothing is sent. Raises BadSettings."""
    provider, model = named(name)
    made = provided(name)
    if key is None and base_url is None:
        raise BadSettings(
            f"STEWARD_TALK_MODEL_KEY_FILE is not set, and {provider} asks for a key",
            "Put the key into a file that only Steward can read, and name it",
        )
    address = base_url or SERVERS.get(provider)
    given = {"api_key": key or KEYLESS, **({"base_url": address} if address else {})}
    try:
        client = made(**given)
        return infer_model(f"{provider}:{model}", lambda _name: client), client
    except TypeError:
        # Others of them are set up in ways of their own.
        raise BadSettings(
            f"STEWARD_TALK_MODEL: {provider} takes no {' or no '.join(sorted(given))} from the settings",
            "Take another provider, or leave the address out",
        ) from None
    except (UserError, ImportError):
        raise BadSettings(
            f"STEWARD_TALK_MODEL: {name} cannot be used",
            f"Look at the name; what it needs may not be installed: pip install 'pydantic-ai-slim[{provider}]'",
        ) from None
