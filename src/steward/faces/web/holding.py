"""The forms of hands off: pause, the ways out of holds, the policy, kept patches, settings that were changed."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from steward.app.errors import Invalid, Stale, Undriven, Unknown
from steward.app.hands import MEANING, Hands
from steward.domain.hands import Exit, HandsOff
from steward.domain.lifecycle import Refused
from steward.domain.people import Right
from steward.faces.http.failures import failure_of
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.site import principal_of, queries, site
from steward.faces.web.render import page
from steward.ports import Permanent, Transient

router = APIRouter(route_class=GuardedRoute, include_in_schema=False)

NUMBER_MAX: Final = 2**63 - 1
Text = Annotated[str, Form()]
Version = Annotated[int, Form()]
Number = Annotated[int, Form(ge=0, le=NUMBER_MAX)]
GRAVE: Final = frozenset({Exit.HAND_OVER, Exit.STOP})
"""What ends something: asked for in red."""


def hands(request: Request, version: int | None = None) -> Hands:
    """What whoever asks may ask about holds."""
    return site(request).app.hands(principal_of(request), version)


@router.get("/projects/{slug}/pause")
@needs(Right.READ)
def pause_form(request: Request, slug: str) -> Response:
    """The page that says what a pause does."""
    return _page(request, "pause.html", slug, None, reason="")


@router.post("/projects/{slug}/pause")
@needs(Right.WRITE)
def pause(request: Request, slug: str, version: Version, reason: Text = "") -> Response:
    """Pause it; what stands against that is said on the page. Raises Forbidden, Unknown."""
    try:
        hands(request, version).pause(slug, reason.strip())
    except (Refused, Stale, Invalid) as refusal:
        return _page(request, "pause.html", slug, refusal, reason=reason)
    return _back(slug, "holds")


@router.get("/projects/{slug}/leave/{way}")
@needs(Right.READ)
def leave_form(request: Request, slug: str, way: str, hold: int = 0) -> Response:
    """The page that says what a way out of a hold does. Raises Unknown."""
    return _leave_page(request, slug, _way(way), hold)


@router.post("/projects/{slug}/leave/{way}")
@needs(Right.WRITE)
def leave(
    request: Request, slug: str, way: str, version: Version, hold: Number = 0, reason: Text = ""
) -> Response:
    """Leave by it; what stands against that is said on the page. Raises Forbidden, Unknown."""
    wanted = _way(way)
    try:
        hands(request, version).leave(slug, wanted, reason.strip(), hold=hold or None)
    except (Refused, Stale, Invalid) as refusal:
        return _leave_page(request, slug, wanted, hold, refusal, reason)
    return _back(slug)


def _way(text: str) -> Exit:
    try:
        return Exit(text.replace("-", "_"))
    except ValueError:
        raise Unknown("way out", text, list(Exit)) from None


def _leave_page(
    request: Request, slug: str, way: Exit, hold: int, refusal: Exception | None = None, reason: str = ""
) -> Response:
    found = hands(request).shown(slug)["holds"]
    return _page(
        request,
        "leave.html",
        slug,
        refusal,
        way=way.value,
        words=MEANING[way],
        grave=way in GRAVE,
        holds=[one for one in found if hold in (0, one["id"])],
        hold=hold,
        reason=reason,
    )


@router.get("/projects/{slug}/hands-off")
@needs(Right.READ)
def policy_form(request: Request, slug: str) -> Response:
    """The page that says what a person's push does, and what each choice means."""
    return _policy_page(request, slug, None)


@router.post("/projects/{slug}/hands-off")
@needs(Right.WRITE)
def set_policy(request: Request, slug: str, version: Version, policy: Text) -> Response:
    """Set it. Raises Forbidden, Invalid."""
    if policy not in set(HandsOff):
        raise Invalid(f"'{policy}' is no policy for pushes", f"Possible: {', '.join(HandsOff)}")
    try:
        hands(request, version).policy_of(slug, HandsOff(policy))
    except (Refused, Stale) as refusal:
        return _policy_page(request, slug, refusal)
    return _back(slug)


def _policy_page(request: Request, slug: str, refusal: Exception | None) -> Response:
    policy = hands(request).shown(slug)["policy"]
    return _page(request, "hands_off.html", slug, refusal, policy=policy, policies=list(HandsOff))


@router.get("/projects/{slug}/patches/{number}")
@needs(Right.READ)
def patch(request: Request, slug: str, number: int) -> Response:
    """The text of a kept patch, to be saved. Raises Unknown, Invalid."""
    found = hands(request).patch(slug, number)
    name = f"{queries(request).project(slug)['slug']}-{found.id}.patch"
    return Response(
        found.text.encode("utf-8", "replace"),
        media_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


@router.post("/projects/{slug}/mend")
@needs(Right.WRITE)
def mend(request: Request, slug: str, version: Version, setting: Text, act: Text = "mend") -> Response:
    """Set a changed setting right, or leave it so; what GitHub refuses is said on the page. Raises Forbidden."""
    asked = site(request).app.mending(principal_of(request), version)
    try:
        if act == "keep":
            asked.accept(slug, setting)
        else:
            asked.mend(slug, setting)
    except (Invalid, Stale, Unknown, Undriven, Permanent, Transient) as refusal:
        if isinstance(refusal, Unknown) and refusal.kind != "setting":
            raise
        return _page(request, "mend.html", slug, refusal, setting=setting)
    return _back(slug, "readiness")


def _page(request: Request, name: str, slug: str, refusal: Exception | None, **values: Any) -> Response:
    failure = failure_of(refusal) if refusal else None
    request.state.failure = failure
    project = queries(request).project(slug)
    status_code = failure.status if failure else 200
    return page(
        request, name, status_code=status_code, here="projects", failure=failure, project=project, **values
    )


def _back(slug: str, part: str = "") -> Response:
    return RedirectResponse(f"/projects/{slug}" + (f"#{part}" if part else ""), status_code=303)
