"""The whole server as one ASGI application: every router, behind the guard, within the frame."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

from fastapi import APIRouter, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from steward.faces.api import router as api
from steward.faces.http import health, hooks, metrics, streams
from steward.faces.http.failures import handle
from steward.faces.http.frame import Frame
from steward.faces.http.guard import GuardedRoute
from steward.faces.http.observed import Observed
from steward.faces.http.site import Site
from steward.faces.telegram import hooks as telegram_hooks
from steward.faces.web import (
    actions,
    activity,
    assets,
    audit,
    chats,
    connections,
    freezing,
    giving,
    holding,
    hooks_page,
    incidents,
    lifecycle,
    login,
    ordering,
    project,
    projects,
    secrets,
    settings,
    setup,
    spending,
    sync,
    talks,
    tokens,
    users,
    waiving,
    works,
)

ROUTERS: Final[tuple[APIRouter, ...]] = (
    health.live_router,
    health.router,
    metrics.router,
    api.router,
    streams.router,
    hooks.router,
    telegram_hooks.router,
    assets.router,
    projects.router,
    ordering.router,
    talks.router,
    setup.router,
    secrets.router,
    project.router,
    works.router,
    waiving.router,
    holding.router,
    actions.router,
    incidents.router,
    lifecycle.router,
    activity.router,
    login.router,
    giving.router,
    settings.router,
    tokens.router,
    chats.router,
    spending.router,
    users.router,
    connections.router,
    hooks_page.router,
    audit.router,
    sync.router,
    freezing.router,
)
"""Everything that is served, in the order in which addresses are tried."""


def build(site: Site, routers: Sequence[APIRouter] = ROUTERS) -> FastAPI:
    """Make the application for one site. Nothing is started before its lifespan begins."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if streams.router in routers:
            await site.live.start()
        if metrics.router in routers:
            await run_in_threadpool(site.meters.begin)
        site.receiver.start()
        yield
        await site.live.stop()
        await run_in_threadpool(site.receiver.stop)

    app = FastAPI(
        title="Steward",
        version=version("steward"),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.site = site
    app.router.route_class = GuardedRoute
    for router in routers:
        opened = router is metrics.router and site.metrics_public
        app.include_router(metrics.open_router if opened else router)
    for kind in (HTTPException, RequestValidationError, ClientDisconnect, Exception):
        app.add_exception_handler(kind, handle)
    app.add_middleware(Frame, site=site)
    app.add_middleware(Observed, site=site)
    return app
