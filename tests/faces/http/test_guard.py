"""The guard: nothing is open that does not say so, nobody does what they may not, and refusals are kept."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fastapi import APIRouter
from starlette.requests import Request

from steward.app.access import digest, new_secret
from steward.domain.people import Pass, PassKind, Right, Role
from steward.faces.http.guard import GuardedRoute, needs, public
from steward.faces.http.limits import FAILURES_MAX
from steward.faces.http.site import COOKIE, principal_of
from tests.faces.http.kit import Served, served

router = APIRouter(route_class=GuardedRoute)


@router.get("/api/forgotten")
def forgotten() -> dict[str, bool]:
    return {"open": True}


@router.get("/api/open")
@public
def open_to_all() -> dict[str, bool]:
    return {"open": True}


@router.get("/api/who")
@needs(Right.READ)
def who(request: Request) -> dict[str, str]:
    return {"actor": principal_of(request).actor}


@router.post("/api/do")
@needs(Right.WRITE)
def do(request: Request) -> dict[str, str]:
    return {"actor": principal_of(request).actor}


@router.get("/page")
@needs(Right.READ)
def page() -> dict[str, str]:
    return {}


@pytest.fixture
def here() -> Iterator[Served]:
    with served([router]) as made:
        yield made


def audit(here: Served) -> list[tuple[str, str, str]]:
    with here.world.store.reading() as view:
        lines = [(line.actor, line.action, line.outcome) for line in view.audit_lines()]
    return [line for line in lines if line[1] != "sign.in"]


def token(here: Served, role: Role = Role.ADMIN, **more: object) -> str:
    here.visitor(role)
    secret, now = new_secret(PassKind.TOKEN), here.world.clock.now().at
    with here.world.store.writing() as tx:
        user = tx.user(role.value)
        assert user is not None
        values = {"expires_at": now + timedelta(days=1), "note": "ci", **more}
        tx.add_pass(Pass(0, PassKind.TOKEN, user.id, digest(secret), now, **values))  # type: ignore[arg-type] # the values vary by test
    return secret


def test_a_route_that_names_no_right_is_refused_even_to_an_admin(here: Served) -> None:
    answer = here.visitor().get("/api/forgotten")
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:steward:problem:refused-role")


def test_what_is_public_is_open_to_nobody_in_particular(here: Served) -> None:
    assert here.nobody().get("/api/open").json() == {"open": True}


def test_nobody_is_told_to_sign_in(here: Served) -> None:
    answer = here.nobody().get("/api/who")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert "Bearer" in answer.headers["www-authenticate"]
    answer = here.nobody().get("/page?q=a%26b")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Fpage%3Fq%3Da%2526b")


def test_a_session_and_a_token_are_known_again(here: Served) -> None:
    assert here.visitor(Role.VIEWER).get("/api/who").json() == {"actor": "user:viewer"}
    header = {"Authorization": f"Bearer {token(here)}"}
    assert here.nobody().get("/api/who", headers=header).json() == {"actor": "token:ci of admin"}


def test_a_role_that_lacks_the_right_is_refused_and_the_refusal_is_kept(here: Served) -> None:
    answer = here.visitor(Role.VIEWER).post("/api/do")
    assert (answer.status_code, answer.json()["right"]) == (403, "write")
    assert audit(here) == [("user:viewer", "POST do", "refused")]
    assert here.visitor(Role.OPERATOR).post("/api/do").status_code == 200
    assert audit(here)[0] == ("user:operator", "POST do", "done")


def test_a_user_without_any_role_may_nothing(here: Served) -> None:
    assert here.visitor(None).get("/api/who").status_code == 403


def test_a_form_must_be_of_our_own_pages_and_of_this_session(here: Served) -> None:
    visitor, other = here.visitor(), here.visitor(Role.OPERATOR)
    for refused in (
        visitor.client.post("/api/do"),
        visitor.client.post("/api/do", data={"csrf": other.csrf}),
        visitor.post("/api/do", headers={"Origin": "http://evil.example"}),
        visitor.post("/api/do", headers={"Sec-Fetch-Site": "cross-site"}),
    ):
        assert (refused.status_code, refused.json()["reason"]) == (403, "role")
    assert visitor.client.post("/api/do", headers={"X-CSRF-Token": visitor.csrf}).status_code == 200


def test_a_token_may_be_narrowed_and_ends(here: Served) -> None:
    here.world.beat()
    narrow = {"Authorization": f"Bearer {token(here, rights=frozenset({Right.READ}))}"}
    assert here.nobody().get("/api/who", headers=narrow).status_code == 200
    assert here.nobody().post("/api/do", headers=narrow).status_code == 403
    here.world.clock.advance(2 * 86400)
    answer = here.nobody().get("/api/who", headers=narrow)
    assert (answer.status_code, answer.json()["detail"]) == (401, "this token has expired")


@pytest.mark.parametrize("shown", ["Bearer nonsense", "Basic YTpi", "Bearer " + "x" * 5000, "Bearer"])
def test_what_proves_nothing_is_refused_and_kept(here: Served, shown: str) -> None:
    answer = here.nobody().get("/api/who", headers={"Authorization": shown})
    assert answer.status_code == 401
    assert audit(here) == [("nobody", "GET who", "refused")]


def test_guessing_has_to_wait_and_does_not_fill_the_audit_log(here: Served) -> None:
    client = here.nobody()
    codes = [
        client.get("/api/who", headers={"Authorization": f"Bearer {n}"}).status_code
        for n in range(FAILURES_MAX + 5)
    ]
    assert codes == [401] * FAILURES_MAX + [429] * 5
    assert len(audit(here)) == FAILURES_MAX


def test_a_session_that_was_ended_proves_nothing_any_more(here: Served) -> None:
    visitor = here.visitor()
    with here.world.store.writing() as tx:
        tx.end_passes([one.id for one in tx.passes()], here.world.clock.now().at)
    answer = visitor.get("/page")
    assert answer.status_code == 303
    assert f'{COOKIE}=""' in answer.headers["set-cookie"]


def test_a_name_that_is_not_ours_is_no_host(here: Served) -> None:
    answer = here.nobody().get("/api/open", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["type"]) == (421, "urn:steward:problem:wrong-host")


def test_a_body_has_a_bound(here: Served) -> None:
    visitor = here.visitor()
    assert visitor.post("/api/do", {"text": "x" * 300_000}).status_code == 413
    chunks = (b"x" * 50_000 for _ in range(10))
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    assert visitor.client.post("/api/do", content=chunks, headers=kind).status_code == 413


def test_every_answer_is_dressed(here: Served) -> None:
    answer = here.nobody().get("/api/open", headers={"X-Request-Id": "abcdef-1234"})
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")
    assert answer.headers["x-request-id"] == "abcdef-1234"
    assert here.nobody().get("/nowhere").headers["x-content-type-options"] == "nosniff"


def test_an_unknown_address_says_so(here: Served) -> None:
    answer = here.nobody().get("/api/nowhere")
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:steward:problem:unknown-page")
    assert here.visitor().client.put("/api/who").status_code == 405


def test_a_visitor_who_leaves_halfway_is_no_fault_of_ours(
    here: Served, caplog: pytest.LogCaptureFixture
) -> None:
    anna = here.visitor(Role.ADMIN)
    parts = iter([{"type": "http.request", "body": b"slug=", "more_body": True}, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(parts)

    async def send(message: Any) -> None:
        sent.append(message)

    cookie = "; ".join(f"{name}={value}" for name, value in anna.client.cookies.items())
    headers = {
        "host": "127.0.0.1",
        "cookie": cookie,
        "content-type": "application/x-www-form-urlencoded",
        "content-length": "100",
    }
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/api/do",
        "raw_path": b"/api/do",
        "query_string": b"",
        "scheme": "http",
        "http_version": "1.1",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 80),
    }
    asyncio.run(here.app(scope, receive, send))
    assert [message["status"] for message in sent if message["type"] == "http.response.start"] == [400]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
