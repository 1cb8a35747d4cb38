"""The lifecycle over the API."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from steward.app.views import lifecycle_view
from steward.domain.people import Right
from steward.faces.api.models import Lifecycle
from steward.faces.http.guard import GuardedRoute, needs

router = APIRouter(route_class=GuardedRoute, tags=["lifecycle"])


@router.get("/lifecycle", response_model=Lifecycle)
@needs(Right.READ)
def show_lifecycle() -> dict[str, Any]:
    """Show every status, and every move between them with what must be proven."""
    return lifecycle_view()
