"""Calls to a model that would have its vendor reach out to the net: searching it, fetching pages, speaking to servers.

With those a program in a box could carry out what it has seen, though it reaches nothing but the model.
"""

from __future__ import annotations

import json
from typing import Any, Final

TOOLS: Final = (
    "web_search",
    "web_fetch",
    "x_search",
    "mcp",
    "code_interpreter",
    "code_execution",
    "file_search",
    "computer",
    "google_search",
    "googleSearch",
    "url_context",
    "urlContext",
)
"""How the names of tools begin that vendors run themselves: as types, and with Google as keys."""

ADDRESSES: Final = frozenset({"url", "uri", "image_url", "file_url", "file_uri", "fileUri", "server_url"})
CALLED: Final = frozenset({"args", "functionResponse", "functionCall"})
NESTED_MAX: Final = 100


def reaching(body: bytes) -> str | None:
    """Why a call would reach out, or cannot be told not to; None where it asks for nothing but an answer."""
    if not body:
        return None
    try:
        asked = json.loads(body, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return "a call that cannot be read"
    if not isinstance(asked, dict):
        return "a call that cannot be read"
    if any(asked.get(name) for name in ("mcp_servers", "container", "previous_response_id", "background")):
        return "a call that uses what the vendor keeps or runs"
    for tool in asked.get("tools") or ():
        names = [str(tool.get("type") or ""), *tool] if isinstance(tool, dict) else [""]
        if any(name.startswith(TOOLS) for name in names):
            return f"a tool of the vendor's: {names[0]}"
    return (
        "an address that the vendor would fetch"
        if _fetches(asked.get("messages"), 0)
        or _fetches([asked.get(name) for name in ("input", "contents", "system", "instructions")], 0)
        else None
    )


def _fetches(value: Any, depth: int) -> bool:
    """Whether there is an address among the parts of messages. What tools are called with is only text to a model."""
    if depth > NESTED_MAX:
        return True
    if isinstance(value, list):
        return any(_fetches(one, depth + 1) for one in value)
    if not isinstance(value, dict) or value.get("type") == "tool_use":
        return False
    return any(
        _address(name, one) or (name not in CALLED and _fetches(one, depth + 1))
        for name, one in value.items()
    )


def _address(name: str, value: Any) -> bool:
    return name in ADDRESSES and isinstance(value, str) and value.lower().startswith(("http", "gs:", "ftp"))


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object. Raises ValueError where a name comes twice: others might believe the other one."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found
