"""What the shapes of the API's answers are made of."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar

from pydantic import BaseModel, WithJsonSchema

Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""RFC 3339 in UTC."""
Object = dict[str, Any]
Item = TypeVar("Item", bound=BaseModel)


class Page(BaseModel, Generic[Item]):
    """A part of a list. `next` is the cursor of the part after it, null at the end."""

    items: list[Item]
    next: str | None


class Spent(BaseModel):
    """What calls of the model that writes briefs cost. Of `unknown` calls nobody knows; `usd` is without those."""

    calls: int
    usd: float
    unknown: int
