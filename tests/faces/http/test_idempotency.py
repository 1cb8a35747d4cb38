"""A request with a key acts once: repeats, other requests, two at once, and one that was cut off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from steward.adapters.store import open_store
from steward.app.access import PREFIXES
from steward.domain.people import PassKind, Right, Role
from steward.faces.http.app import ROUTERS
from steward.faces.http.guard import GuardedRoute, needs
from steward.faces.http.idempotency import UNDER_WAY_S
from steward.ports import Answer
from steward.testing.world import World
from tests.faces.http.api_kit import Api, api
from tests.faces.http.kit import Served, served

router = APIRouter(route_class=GuardedRoute)
acted: list[str] = []
go_on = threading.Event()
begun = threading.Event()


@router.post("/act")
@needs(Right.WRITE)
async def act(request: Request) -> Response:
    """A page's form: it acts, then leads on."""
    acted.append(str((await request.form())["what"]))
    return RedirectResponse(f"/after/{len(acted)}", status_code=303)


@router.post("/fail")
@needs(Right.WRITE)
def fail() -> Response:
    acted.append("fail")
    raise RuntimeError("a fault of ours")


@router.post("/slow")
@needs(Right.WRITE)
def slow() -> dict[str, int]:
    acted.append("slow")
    begun.set()
    assert go_on.wait(20)
    return {"acted": len(acted)}


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Api]:
    world = World(open_store(f"sqlite:///{tmp_path}/steward.db"))
    with api(world) as made:
        yield made
    world.store.close()


@pytest.fixture
def pages() -> Iterator[Served]:
    acted.clear()
    go_on.clear()
    begun.clear()
    with served([*ROUTERS, router]) as made:
        yield made


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:steward:problem:")


def test_a_repeat_is_answered_as_the_first_one_was_and_does_nothing(here: Api) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    with here.client() as client:
        first = client.post("projects", json={"slug": "shop"}, headers=key)
        again = client.post("projects", json={"slug": "shop"}, headers=key)
        audit = client.get("audit").json()["items"]
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    for name in ("location", "etag", "content-type"):
        assert again.headers[name] == first.headers[name]
    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"
    assert len(here.world.projects()) == 1
    assert [(line["outcome"], bool(line["reason"])) for line in audit] == [("done", True), ("done", False)]


def test_another_request_with_the_same_key_is_refused(here: Api) -> None:
    key = {"Idempotency-Key": "k"}
    with here.client() as client:
        client.post("projects", json={"slug": "shop"}, headers=key)
        assert code(client.post("projects", json={"slug": "other"}, headers=key)) == (422, "key-reused")
        assert code(client.post("organisations/acme/freeze", headers=key)) == (422, "key-reused")
    with here.client(Role.OPERATOR) as other:
        assert other.post("projects", json={"slug": "other"}, headers=key).status_code == 201, (
            "keys are one's own"
        )
    assert len(here.world.projects()) == 2


def test_what_came_to_nothing_gives_its_key_back(here: Api) -> None:
    key = {"Idempotency-Key": "k"}
    with here.client() as client:
        assert client.post("projects", json={"slug": "BAD"}, headers=key).status_code == 422
        broken = {**key, "Content-Type": "application/json"}
        assert client.post("projects", content=b"{", headers=broken).status_code == 400
        assert client.post("projects", json={"slug": "good"}, headers=key).status_code == 201


@pytest.mark.parametrize("key", [b"", b"a b", "ключ".encode(), b"x" * 201, b"a\tb"])
def test_a_key_that_is_none_is_refused(here: Api, key: bytes) -> None:
    headers = {b"Idempotency-Key": key, b"Content-Type": b"application/json"}
    with here.client() as client:
        answer = client.post("projects", content=b'{"slug": "shop"}', headers=headers)
    assert code(answer) == (422, "invalid")
    assert here.world.projects() == []


def test_an_answer_that_holds_a_secret_is_not_kept(here: Api) -> None:
    key = {"Idempotency-Key": "k"}
    wanted = {"user": "api-admin-all", "note": "ci"}
    with here.client() as client:
        first = client.post("tokens", json=wanted, headers=key)
        assert first.json()["secret"].startswith(PREFIXES[PassKind.TOKEN])
        again = client.post("tokens", json=wanted, headers=key)
        link = client.post("users/api-admin-all/link", headers={"Idempotency-Key": "l"})
        relink = client.post("users/api-admin-all/link", headers={"Idempotency-Key": "l"})
        tokens = client.get("tokens?user=api-admin-all").json()
    assert code(again) == code(relink) == (409, "key-not-kept")
    assert [token["note"] for token in tokens] == ["ci", "test"]
    kept = str(kept_answers(here))
    assert first.json()["secret"] not in kept
    assert link.json()["secret"] not in kept


def kept_answers(here: Api) -> list[Answer | None]:
    with here.world.store.reading() as view:
        return [view.answer(key, "token:test of api-admin-all") for key in ("k", "l")]


def test_of_two_at_once_one_acts_and_the_other_waits(pages: Served) -> None:
    visitor = pages.visitor()
    headers = {"X-CSRF-Token": visitor.csrf, "Idempotency-Key": "k"}
    answers: list[Any] = []
    first = threading.Thread(target=lambda: answers.append(visitor.client.post("/slow", headers=headers)))
    first.start()
    assert begun.wait(20)
    second = pages.visitor()
    headers["X-CSRF-Token"] = second.csrf
    other = second.client.post("/slow", headers={**headers, "Accept": "application/json"})
    go_on.set()
    first.join()
    assert (other.status_code, other.headers["retry-after"]) == (409, "2")
    assert answers[0].json() == {"acted": 1}
    assert second.client.post("/slow", headers=headers).json() == {"acted": 1}
    assert acted == ["slow"]


def test_a_request_that_was_cut_off_is_said_to_be_unfinished(here: Api) -> None:
    """The process died between the claim of the key and the end of the request."""
    with here.client() as client:
        key = {"Idempotency-Key": "k"}
        client.post("projects", json={"slug": "shop"}, headers=key)
        kept = kept_answers(here)[0]
        assert kept is not None
        with here.world.store.writing() as tx:
            tx.save_answer(replace(kept, status=None, body=""))
        assert code(client.post("projects", json={"slug": "shop"}, headers=key)) == (409, "key-under-way")
        here.world.clock.advance(UNDER_WAY_S)
        answer = client.post("projects", json={"slug": "shop"}, headers=key)
    assert code(answer) == (409, "key-unfinished")
    assert "retry-after" not in answer.headers


def test_a_fault_of_ours_gives_the_key_back(pages: Served) -> None:
    visitor = pages.visitor()
    headers = {"X-CSRF-Token": visitor.csrf, "Idempotency-Key": "k"}
    assert [visitor.client.post("/fail", headers=headers).status_code for _ in range(2)] == [500, 500]
    assert acted == ["fail", "fail"]


def test_a_form_that_is_sent_again_acts_once(pages: Served) -> None:
    visitor = pages.visitor()
    answers = [visitor.post("/act", {"what": "order", "key": "form-1"}) for _ in range(3)]
    assert [answer.headers["location"] for answer in answers] == ["/after/1"] * 3
    assert {answer.status_code for answer in answers} == {303}
    assert acted == ["order"]
    assert visitor.post("/act", {"what": "another", "key": "form-1"}).status_code == 422
    assert visitor.post("/act", {"what": "another", "key": "form-2"}).headers["location"] == "/after/2"
    assert visitor.post("/act", {"what": "without"}).headers["location"] == "/after/3"
