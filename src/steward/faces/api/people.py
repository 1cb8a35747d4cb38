"""People over the API: who I am, users and their roles, tokens, the audit log."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import ConfigDict, Field, StringConstraints

from steward.app.passes import NOTE_MAX, TOKEN_DAYS, TOKEN_DAYS_MAX
from steward.app.people import FULL_NAME_MAX, People
from steward.domain.people import NAME, Right, Role
from steward.faces.api.kit import LIMIT_MAX, NUMBER_MAX, Asked, Name, Number, linked
from steward.faces.api.models_base import Page
from steward.faces.api.models_people import (
    AuditLine,
    Ended,
    Me,
    OwnSpending,
    Pass,
    PersonSpending,
    Secret,
    Session,
    User,
)
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.idempotency import unrepeatable
from steward.faces.http.site import principal_of, site

router = APIRouter(route_class=GuardedRoute, tags=["people"])
Json = dict[str, Any]
Filter = Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")]
UserName = Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")]
FullName = Annotated[str, StringConstraints(max_length=FULL_NAME_MAX, pattern=r"^[^\x00]*$")]
Lang = Literal["en", "ru", ""]


def people(request: Request) -> People:
    """What whoever asks may do about people."""
    return site(request).app.people(principal_of(request))


class NewUser(Asked):
    """A user to add, with a role everywhere or in one organisation, or with none yet."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"dependentRequired": {"organisation": ["role"]}}
    )

    name: UserName
    role: Role | None = None
    organisation: Name | None = None
    full_name: FullName = ""
    lang: Lang | None = None


class UserChanges(Asked):
    """What to change of a user; an empty text takes it away, what is not named stays."""

    full_name: FullName | None = None
    lang: Lang | None = None


class Granted(Asked):
    """A role, everywhere or in one organisation."""

    role: Role
    organisation: Name | None = None


class NewToken(Asked):
    """An API token to make, narrowed to these rights and that organisation where they are named."""

    user: Name
    note: Annotated[str, StringConstraints(min_length=1, max_length=NOTE_MAX, pattern=r"^[^\x00]*$")] = Field(
        description="What it is for"
    )
    rights: list[Right] | None = Field(default=None, min_length=1, max_length=50)
    organisation: Name | None = None
    days: int = Field(default=TOKEN_DAYS, ge=1, le=TOKEN_DAYS_MAX)


class WantedLines(Asked):
    """Which lines of the audit log."""

    before: int | None = Field(default=None, ge=1, le=NUMBER_MAX, description="Only those with a smaller id")
    limit: int = Field(default=50, ge=1, le=LIMIT_MAX)
    actor: Filter = ""
    outcome: Filter = ""
    text: Filter = Field(default="", description="A text in them")


@router.get("/me", response_model=Me)
@needs(Right.READ)
def show_me(request: Request) -> Json:
    """Show who asks, and what they may do."""
    return people(request).me()


@router.get("/me/spending", response_model=OwnSpending)
@needs(Right.READ)
def show_own_spending(request: Request) -> Json:
    """Show what one's own talks cost, and what they may cost."""
    return site(request).app.spending(principal_of(request)).mine()


@router.get("/spending", response_model=list[PersonSpending])
@needs(Right.USERS)
def list_spending(request: Request) -> list[Json]:
    """List what everybody's talks cost, the dearest first."""
    return site(request).app.spending(principal_of(request)).people()


@router.get("/users", response_model=list[User])
@needs(Right.USERS)
def list_users(request: Request) -> list[Json]:
    """List all users, by name."""
    return people(request).users()


@router.post("/users", response_model=User, status_code=201)
@needs(Right.USERS)
def add_user(request: Request, wanted: NewUser) -> Json:
    """Add a user."""
    role = wanted.role.value if wanted.role else None
    return people(request).add(wanted.name, role, wanted.organisation, wanted.full_name, wanted.lang)


@router.get("/users/{name}", response_model=User)
@needs(Right.OWN)
def show_user(request: Request, name: Name) -> Json:
    """Show a user: oneself, or, with the right `users`, anybody."""
    return people(request).user(name)


@router.patch("/users/{name}", response_model=User)
@needs(Right.OWN)
def change_user(request: Request, name: Name, wanted: UserChanges) -> Json:
    """Change the full name or the language: one's own, or, with the right `users`, anybody's."""
    return people(request).change(name, wanted.full_name, wanted.lang)


@router.post("/users/{name}/grant", response_model=User)
@needs(Right.USERS)
def grant_role(request: Request, name: Name, wanted: Granted) -> Json:
    """Give a user a role."""
    return people(request).grant(name, wanted.role.value, wanted.organisation)


@router.post("/users/{name}/ungrant", response_model=User)
@needs(Right.USERS)
def ungrant_role(request: Request, name: Name, wanted: Granted) -> Json:
    """Take a role from a user. The last admin stays one."""
    return people(request).ungrant(name, wanted.role.value, wanted.organisation)


@router.post("/users/{name}/disable", response_model=User)
@needs(Right.USERS)
def disable_user(request: Request, name: Name) -> Json:
    """Let a user in no more: every session, token and link ends."""
    return people(request).disable(name)


@router.post("/users/{name}/enable", response_model=User)
@needs(Right.USERS)
def enable_user(request: Request, name: Name) -> Json:
    """Let a disabled user in again, by a new link."""
    return people(request).enable(name)


@router.post("/users/{name}/link", response_model=Secret, status_code=201)
@needs(Right.USERS)
@unrepeatable
def make_link(request: Request, name: Name) -> Json:
    """Make a one-time sign-in link, good for a day: the page `/login?token=` with its secret, which is shown once."""
    return people(request).link(name)


@router.get("/users/{name}/sessions", response_model=list[Session])
@needs(Right.OWN)
def list_sessions(request: Request, name: Name) -> list[Json]:
    """List a user's running sessions: one's own, or, with the right `users`, anybody's."""
    return people(request).sessions(name)


@router.post("/users/{name}/sessions/end", response_model=Ended)
@needs(Right.OWN)
def end_sessions(request: Request, name: Name) -> Json:
    """End every session of a user, but the one that asks."""
    return {"ended": people(request).end_sessions(name)}


@router.get("/tokens", response_model=list[Pass])
@needs(Right.OWN)
def list_tokens(
    request: Request,
    user: Annotated[Filter, Query(description="Whose; with the right `users` it may be left out")] = "",
    ended: Annotated[bool, Query(description="Those that ended or expired too")] = False,
) -> list[Json]:
    """List API tokens."""
    return people(request).tokens(user or None, ended=ended)


@router.post("/tokens", response_model=Secret, status_code=201)
@needs(Right.OWN)
@unrepeatable
def make_token(request: Request, wanted: NewToken) -> Json:
    """Make an API token. Its secret is shown once; it never allows more than whoever makes it may."""
    rights = None if wanted.rights is None else [right.value for right in wanted.rights]
    return people(request).create_token(wanted.user, wanted.note, rights, wanted.organisation, wanted.days)


@router.post("/passes/{number}/end", response_model=Pass)
@needs(Right.OWN)
def end_pass(request: Request, number: Number) -> Json:
    """End a token, a session or a link by its id, for good."""
    return people(request).end(number)


@router.get("/audit", response_model=Page[AuditLine])
@needs(Right.AUDIT)
def list_audit(request: Request, response: Response, wanted: Annotated[WantedLines, Query()]) -> Json:
    """Read the audit log, newest first."""
    found = people(request).audit(
        before=wanted.before,
        limit=wanted.limit + 1,
        actor=wanted.actor,
        outcome=wanted.outcome,
        text=wanted.text,
    )
    shown = found[: wanted.limit]
    before = shown[-1]["id"] if len(found) > len(shown) else None
    linked(request, response, next={"before": before} if before else None)
    return {"items": shown, "next": str(before) if before else None}
