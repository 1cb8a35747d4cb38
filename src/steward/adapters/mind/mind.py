"""Asks a model for the brief: one request, one way to answer, a second try where the answer is none."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from pydantic import ValidationError
from pydantic_ai.direct import model_request
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters
from pydantic_ai.settings import ModelSettings
from pydantic_ai.tools import ToolDefinition

from steward.adapters.mind import models
from steward.adapters.mind.failing import translated
from steward.adapters.mind.models import Connected, Price
from steward.adapters.mind.wording import instructions, portions, told
from steward.adapters.mind.written import Written, asked_of, brief_of
from steward.domain.spending import Usage
from steward.ports import Clock, Permanent, Transient
from steward.ports.mind import Folded, Heard

TRIES: Final = 2
"""How often a request is put whose answer nobody understands."""
OUTPUT_MAX: Final = 16_000
"""Tokens that one answer may take, whatever the model thinks before it included."""
TEMPERATURE: Final = 0.2
COUNTED: Final = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
_FENCED: Final = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?```\s*\Z", re.DOTALL)


def _one_answer() -> ModelRequestParameters:
    """What is offered: no tools; an answer of one shape, which is all that is taken."""
    answer = ToolDefinition(
        name="write_brief",
        description=Written.__doc__,
        parameters_json_schema=Written.model_json_schema(),
        kind="output",
        strict=False,
    )
    return ModelRequestParameters(output_mode="tool", output_tools=[answer], allow_text_output=False)


class ModelMind:
    """Writes briefs with the model of that name. See `ports.mind.Mind`; may be asked from several threads.

    `key` reads its key anew for each call, None where there is none; `timeout_s` is for all that one portion takes.
    `price` says what tokens cost. `connect` and `mark` stand for the connection and for what nobody can guess: tests
    set them.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        *,
        key: Callable[[], str | None],
        base_url: str | None = None,
        timeout_s: float = 60.0,
        price: Price = lambda _model, _usage: None,
        connect: Callable[[str, str | None, str | None], Connected] | None = None,
        mark: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self._name, self._clock = name, clock
        self._key, self._base_url, self._timeout_s, self._price = key, base_url, timeout_s, price
        self._connect = connect or models.connected
        self._mark = mark

    def __repr__(self) -> str:
        return f"ModelMind({self._name!r})"

    @property
    def name(self) -> str:
        """The model's name."""
        return self._name

    def check(self) -> None:
        """Raise BadSettings where it cannot be asked as it is set. Nothing is sent."""
        models.connected(self._name, self._base_url, self._key())

    def fold(self, heard: Heard) -> Folded:
        """The brief with what was said in it. Not to be called where an event loop runs. Raises Transient, Permanent."""
        key = self._key()
        try:
            return asyncio.run(self._fold(heard, key))
        except (Transient, Permanent):
            raise
        except Exception as error:  # noqa: BLE001 - whatever the libraries raise, of which there are many kinds
            failure = translated(self._name, error, self._clock.now().at)
        # Raised out here: what the libraries raise holds the request with its key, and the answer with who knows what.
        raise failure

    async def _fold(self, heard: Heard, key: str | None) -> Folded:
        model, closing = self._connect(self._name, self._base_url, key)
        if closing is None:
            return await self._portions(heard, model)
        async with closing:
            return await self._portions(heard, model)

    async def _portions(self, heard: Heard, model: Model) -> Folded:
        used = dict.fromkeys(COUNTED, 0)
        now, asked = heard, heard.asked
        for said in portions(heard.said, heard.template):
            async with asyncio.timeout(self._timeout_s):
                written = await self._written(model, replace(now, said=said), used)
            now = replace(now, brief=brief_of(replace(now, said=said), written))
            asked = asked_of(written)
        return Folded(now.brief, tuple(asked), self._usage(used))

    async def _written(self, model: Model, heard: Heard, used: dict[str, int]) -> Written:
        mark = self._mark()
        messages: list[ModelMessage] = [
            ModelRequest(
                parts=[UserPromptPart(told(heard, heard.brief, heard.said, mark))],
                instructions=instructions(heard, mark),
            )
        ]
        for _try in range(TRIES):
            response = await model_request(
                model,
                messages,
                model_settings=_settings(model, self._timeout_s),
                model_request_parameters=_one_answer(),
                instrument=False,
            )
            for kind in COUNTED:
                used[kind] += getattr(response.usage, kind)
            self._refused(response)
            written = _read(response)
            if written is not None:
                return written
        raise Transient(f"{self._name} answered with something that is no brief")

    def _refused(self, response: ModelResponse) -> None:
        """Raise Permanent where the model would not answer, or its answer was cut off."""
        details = response.provider_details or {}
        if response.finish_reason == "content_filter" or details.get("refusal"):
            raise Permanent(
                f"{self._name} will not write of this", "Say it in other words, or begin a new talk"
            )
        if response.finish_reason == "length" and _read(response) is None:
            raise Permanent(
                f"the answer of {self._name} was cut off", "Say less at a time, or take another model"
            )

    def _usage(self, used: dict[str, int]) -> Usage:
        cost = self._price(self._name.partition(":")[2], used)
        taken = Usage(self._name, used["input_tokens"], used["output_tokens"])
        return taken if cost is None else replace(taken, cost_usd=cost, source="computed")


def _settings(model: Model, timeout_s: float) -> ModelSettings:
    """One request is sent once; a model that takes no temperature is given none."""
    given = ModelSettings(max_tokens=OUTPUT_MAX, timeout=timeout_s, max_retries=0)
    profile: dict[str, Any] = dict(model.profile)
    if profile.get("openai_supports_reasoning") or profile.get("anthropic_disallows_sampling_settings"):
        return given
    return {**given, "temperature": TEMPERATURE}


def _read(response: ModelResponse) -> Written | None:
    """The brief in an answer: in the call that was asked for, else in its text. None where there is none."""
    for part in response.parts:
        if isinstance(part, ToolCallPart) and part.tool_name == "write_brief":
            found = _parsed(part.args)
        elif isinstance(part, TextPart):
            fenced = _FENCED.match(part.content)
            found = _parsed(fenced[1] if fenced else part.content)
        else:
            continue
        if found is not None:
            return found
    return None


def _parsed(args: object) -> Written | None:
    try:
        value = json.loads(args) if isinstance(args, str) else args
        if not isinstance(value, dict) or not set(value) & set(Written.model_fields):
            return None
        return Written.model_validate(value)
    except (ValueError, ValidationError, RecursionError):
        return None
