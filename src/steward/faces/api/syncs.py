"""Looks over the API: how they go, asked for, planned; and what is decided of organisations."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from steward.app.sync import Sync
from steward.domain.people import Right
from steward.faces.api.kit import Asked, Login, Name, Number, Text
from steward.faces.api.models import (
    AskedLook,
    AskedLooks,
    Organisation,
    Plans,
    Rejected,
    Released,
    SyncStatus,
)
from steward.faces.api.models_restored import RestoredPlan
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import deciding, principal_of, queries, site

router = APIRouter(route_class=GuardedRoute, tags=["syncs"])
Json = dict[str, Any]
WAIT_MAX_S: Final = 30.0
POLL_S: Final = 0.1
Wait = Annotated[
    float, Query(ge=0, le=WAIT_MAX_S, description="Wait so many seconds for the looks to be made")
]


class Looks(Asked):
    """Which organisations to look at."""

    organisations: list[Name] = Field(default=[], max_length=100, description="By login; none: all")


class WantedPlan(Asked):
    """Which organisations to plan a look at."""

    organisation: list[Name] = Field(default=[], max_length=100, description="By login; none: all")


class Reason(Asked):
    """Why."""

    reason: Text = Field(default="", description="Why, for the history")


class Seen(Asked):
    """That a plan was seen."""

    plan: Name | None = Field(
        default=None,
        description="After a restore: the digest of the plan that was seen, or `yes` to go on without",
    )


class WantedRestored(Asked):
    """Which organisation to plan for."""

    organisation: Name | None = Field(default=None, description="By login; none: all")


class Loss(Asked):
    """Which losses."""

    repository: Name | None = Field(
        default=None, description="Only this one, which may merely be unreadable: its project or name"
    )


@router.get("/syncs", response_model=SyncStatus)
@needs(Right.READ)
def show_syncs(request: Request) -> Json:
    """Show each organisation: its last looks, what is being confirmed, what is held."""
    return queries(request).sync_status()


@router.post(
    "/syncs",
    response_model=AskedLooks,
    responses={202: {"model": AskedLooks, "description": "Asked for; not all made yet"}},
)
@needs(Right.LOOK)
async def ask_for_looks(
    request: Request, response: Response, wanted: Looks | None = None, wait_s: Wait = 0.0
) -> Json:
    """Have Steward look at GitHub now. 200 where all looks were made in time, else 202."""
    sync = site(request).app.sync(principal_of(request))
    asked = await run_in_threadpool(sync.ask, wanted.organisations if wanted else [])
    looks = await _made(sync, [look["id"] for look in asked], wait_s)
    if any(look["report"] is None for look in looks):
        response.status_code = 202
    return {"items": looks}


@router.get("/syncs/plan", response_model=Plans)
@needs(Right.LOOK)
def plan_looks(request: Request, wanted: Annotated[WantedPlan, Query()]) -> Json:
    """Show what a look would change now; nothing is written."""
    return site(request).app.sync(principal_of(request)).plan(wanted.organisation)


@router.get("/syncs/{number}", response_model=AskedLook)
@needs(Right.READ)
async def show_asked_look(request: Request, number: Number, wait_s: Wait = 0.0) -> Json:
    """Show a look that was asked for, and what it brought."""
    return (await _made(site(request).app.sync(principal_of(request)), [number], wait_s))[0]


async def _made(sync: Sync, ids: list[int], wait_s: float) -> list[Json]:
    """Those looks, as soon as all were made, or when the time is over; no thread waits meanwhile."""
    over = asyncio.get_running_loop().time() + wait_s
    while True:
        looks = await run_in_threadpool(sync.asked, ids)
        left_s = over - asyncio.get_running_loop().time()
        if left_s <= 0 or all(look["report"] is not None for look in looks):
            return looks
        await asyncio.sleep(min(POLL_S, left_s))


@router.post("/organisations/freeze", response_model=list[Organisation], tags=["organisations"])
@needs(Right.FREEZE)
def freeze_all(request: Request, wanted: Reason | None = None) -> list[Json]:
    """Stop all automation in every organisation. Looking goes on."""
    return deciding(request).freeze(None, wanted.reason if wanted else "")


@router.post("/organisations/unfreeze", response_model=list[Organisation], tags=["organisations"])
@needs(Right.DECIDE)
def unfreeze_all(request: Request, wanted: Seen | None = None) -> list[Json]:
    """Let automation go on in every organisation. After a restore that asks for the digest of the plan."""
    return deciding(request).unfreeze(None, _seen(wanted))


@router.post("/organisations/{login}/freeze", response_model=Organisation, tags=["organisations"])
@needs(Right.FREEZE)
def freeze(request: Request, login: Login, wanted: Reason | None = None) -> Json:
    """Stop all automation in an organisation. Looking goes on."""
    return deciding(request).freeze(login, wanted.reason if wanted else "")[0]


@router.post("/organisations/{login}/unfreeze", response_model=Organisation, tags=["organisations"])
@needs(Right.DECIDE)
def unfreeze(request: Request, login: Login, wanted: Seen | None = None) -> Json:
    """Let automation go on. After a restore that asks for the digest of the plan."""
    return deciding(request).unfreeze(login, _seen(wanted))[0]


def _seen(wanted: Seen | None) -> str:
    return (wanted.plan or "") if wanted is not None else ""


@router.get("/restored", response_model=RestoredPlan, tags=["organisations"])
@needs(Right.LOOK)
def plan_restored(request: Request, wanted: Annotated[WantedRestored, Query()]) -> Json:
    """Show what would happen if automation went on now, as is asked for after a restore; nothing is written."""
    return site(request).app.restoring(principal_of(request)).plan(wanted.organisation)


@router.post("/organisations/{login}/release", response_model=Released, tags=["organisations"])
@needs(Right.DECIDE)
def release(request: Request, login: Login, wanted: Loss | None = None) -> Json:
    """Say that held losses are real: the next reads conclude them."""
    return deciding(request).release(login, wanted.repository if wanted else None)


@router.post("/organisations/{login}/reject", response_model=Rejected, tags=["organisations"])
@needs(Right.DECIDE)
def reject(request: Request, login: Login) -> Json:
    """Say that held losses are not real: every status is kept."""
    return deciding(request).reject(login)
