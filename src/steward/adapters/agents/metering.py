"""Counts the tokens of calls to a model as their answers pass, whoever made them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from steward.adapters.agents.account import added, counts, inner, record, text
from steward.adapters.agents.costs import price_usd

KEPT_MAX: Final = 4_000_000
"""So much of a line is looked at; what counts tokens is short."""


class Meter:
    """Numbers of tokens by model. Safe in threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._used: dict[str, dict[str, int]] = {}

    @contextmanager
    def answer(self, asked: bytes) -> Iterator[Callable[[bytes], None]]:
        """Give what the pieces of one answer are to be shown to; they are counted at its end, whole or not."""
        model = text((record(asked.decode(errors="replace")) or {}).get("model"))
        found: dict[str, int] = {}
        held = b""

        def counted(piece: bytes) -> None:
            nonlocal held
            *lines, held = (held + piece).split(b"\n")
            held = held[-KEPT_MAX:]
            for line in lines:
                found.update(used(line))

        try:
            yield counted
        finally:
            found.update(used(held))
            with self._lock:
                added(self._used.setdefault(model, {}), found)

    def usage(self) -> dict[str, int]:
        """Of all models together."""
        whole: dict[str, int] = {}
        with self._lock:
            for usage in self._used.values():
                added(whole, usage)
        return whole

    def spent_usd(self) -> float | None:
        """At the listed prices; None where nothing was counted or a model is not listed."""
        with self._lock:
            prices = [price_usd(model, usage) for model, usage in self._used.items() if usage]
        known = [price for price in prices if price is not None]
        return sum(known) if known and len(known) == len(prices) else None


def used(line: bytes) -> dict[str, int]:
    """The numbers of tokens that one line of an answer (of a stream, or all of it) tells of."""
    if b"sage" not in line:
        return {}
    found = record(line.removeprefix(b"data:").strip().decode(errors="replace")) or {}
    google = inner(found, "usageMetadata")
    if google:
        return counts(
            input_tokens=google.get("promptTokenCount"),
            output_tokens=google.get("candidatesTokenCount"),
            cache_read_tokens=google.get("cachedContentTokenCount"),
        )
    return tokens(
        inner(found, "usage") or inner(found, "message", "usage") or inner(found, "response", "usage")
    )


def tokens(usage: dict[str, Any]) -> dict[str, int]:
    """Numbers of tokens as Anthropic's and OpenAI's interfaces give them.

    Anthropic counts cached tokens beside the input, OpenAI within it; here they are within.
    """
    anthropic = counts(
        cache_read_tokens=usage.get("cache_read_input_tokens"),
        cache_write_tokens=usage.get("cache_creation_input_tokens"),
    )
    plain = counts(
        input_tokens=usage.get("input_tokens", usage.get("prompt_tokens")),
        output_tokens=usage.get("output_tokens", usage.get("completion_tokens")),
        cache_read_tokens=inner(usage, "input_tokens_details").get(
            "cached_tokens", inner(usage, "prompt_tokens_details").get("cached_tokens")
        ),
    )
    if "input_tokens" in plain:
        plain["input_tokens"] += sum(anthropic.values())
    return {**plain, **anthropic}
