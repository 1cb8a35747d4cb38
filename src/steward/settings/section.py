"""What the tables of `steward.toml` share."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A table of `steward.toml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def split(value: Any) -> Any:
    """Read a comma separated text as a list; leave a list from TOML as it is."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value
