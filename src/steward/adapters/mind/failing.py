"""What becomes of a call that failed. Nothing that a server said is repeated: it may hold the key, or what people said."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic_ai import exceptions as said

from steward.ports import BadSettings, Permanent, RateLimited, Transient, Unauthorised, Unreachable

WAIT_S: Final = 60.0
"""How long to wait where the server says "not now" and not how long."""
WAIT_MAX_S: Final = 3600.0
_CODE: Final = re.compile(r"[a-zA-Z][a-zA-Z_]{2,40}")
SETTINGS_ADVICE: Final = "Look at STEWARD_TALK_MODEL and its address"
KEY_ADVICE: Final = "Put a key that is valid for this model into the file of STEWARD_TALK_MODEL_KEY_FILE"


def translated(name: str, error: Exception, now: datetime) -> Transient | Permanent:
    """The error of ours that tells what happens next."""
    for kinds, make in _MEANINGS:
        if isinstance(error, kinds):
            return make(name, error, now)
    return Transient(f"the call of {name} failed: {type(error).__name__}")


def _slow(name: str, _error: Any, _now: datetime) -> Unreachable:
    return Unreachable(f"{name} did not answer in time")


def _unreachable(name: str, _error: Any, _now: datetime) -> Unreachable:
    return Unreachable(f"{name} cannot be reached")


def _refused(name: str, error: Any, _now: datetime) -> Unauthorised:
    return Unauthorised(f"{name} refused the key{_number(error)}", KEY_ADVICE)


def _spent(name: str, _error: Any, _now: datetime) -> Permanent:
    return Permanent(f"the account at {name} has nothing left to spend", "Top it up, or set another key")


def _limited(name: str, error: Any, now: datetime) -> RateLimited:
    asked = WAIT_S if error.retry_after is None else error.retry_after
    wait = min(max(asked, 1.0), WAIT_MAX_S)
    return RateLimited(f"{name} asks to wait", now + timedelta(seconds=wait))


def _unknown(name: str, error: Any, _now: datetime) -> Permanent:
    return Permanent(f"{name} is not known there{_number(error)}", SETTINGS_ADVICE)


def _too_much(name: str, _error: Any, _now: datetime) -> Permanent:
    return Permanent(f"{name} cannot take in as much as was said", "Begin a new talk, or take another model")


def _odd(name: str, _error: Any, _now: datetime) -> Transient:
    return Transient(f"{name} answered with something that nobody understands")


def _unusable(name: str, _error: Any, _now: datetime) -> BadSettings:
    return BadSettings(f"{name} cannot be used as it is set", SETTINGS_ADVICE)


def _later(name: str, error: Any, now: datetime) -> Transient:
    wait = error.retry_after
    at = now + timedelta(seconds=min(max(wait, 1.0), WAIT_MAX_S)) if wait is not None else None
    return Transient(f"{name} has trouble of its own{_number(error)}", at)


def _rejected(name: str, error: Any, now: datetime) -> Permanent | Transient:
    status = getattr(error, "status_code", 0)
    if status >= 500 or not status:
        return _later(name, error, now)
    return Permanent(f"{name} does not take the request{_number(error)}", SETTINGS_ADVICE)


def _number(error: Exception) -> str:
    """The status and the code of the answer, where it had any: those alone."""
    code = getattr(error, "provider_error_code", None)
    parts = [str(status)] if (status := getattr(error, "status_code", None)) else []
    if isinstance(code, str) and _CODE.fullmatch(code):
        parts.append(code)
    return f" ({', '.join(parts)})" if parts else ""


_MEANINGS: Final[tuple[tuple[tuple[type[Exception], ...], Callable[..., Transient | Permanent]], ...]] = (
    ((TimeoutError, said.ModelTimeoutError, said.ModelRequestTimeout), _slow),
    ((said.ModelAuthenticationError,), _refused),
    ((said.ModelQuotaExceededError,), _spent),
    ((said.ModelRateLimitError,), _limited),
    ((said.ModelUnavailableError, said.ModelServerError), _later),
    ((said.ModelConnectionError,), _unreachable),
    ((said.ModelNotFoundError,), _unknown),
    ((said.ModelContextWindowExceededError,), _too_much),
    ((said.ModelAPIError,), _rejected),
    ((said.UnexpectedModelBehavior,), _odd),
    ((said.UserError,), _unusable),
)
"""What errors mean, the narrower kinds first."""
