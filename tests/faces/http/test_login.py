"""Signing in over the web: a link works once and only by its button; what is wrong with one is said; cookies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from steward.app.access import LINK_LASTS, SESSION_LASTS
from steward.domain.people import Grant, Role, User
from steward.faces.http.app import build
from steward.faces.http.limits import FAILURES_MAX
from steward.faces.http.site import COOKIE
from steward.faces.web.render import error_page
from steward.testing.world import ANYONE
from tests.faces.http.kit import Served, served


@pytest.fixture
def here() -> Iterator[Served]:
    with served(error_page=error_page) as made:
        with made.world.store.writing() as tx:
            at = made.world.clock.now().at
            tx.add_user(User(0, "anna", at, (Grant(Role.VIEWER),), full_name="Anna Berg"))
        yield made


def link(here: Served, name: str = "anna") -> str:
    return here.world.app.access.link(name, "test")


def audit(here: Served) -> list[tuple[str, str, str, str]]:
    with here.world.store.reading() as view:
        return [(line.actor, line.action, line.outcome, line.reason) for line in view.audit_lines()]


def test_without_a_link_it_says_how_to_get_one(here: Served) -> None:
    answer = here.nobody().get("/login")
    assert answer.status_code == 200
    assert "steward user link NAME" in answer.text
    russian = here.nobody().get("/login", headers={"Accept-Language": "ru"})
    assert "Попросите ссылку" in russian.text


def test_looking_at_a_link_uses_nothing_up(here: Served) -> None:
    token = link(here)
    for _ in range(3):
        page = here.nobody().get("/login", params={"token": token, "next": "/projects?view=table"})
        assert page.status_code == 200
        assert "Sign in as Anna Berg" in page.text
        assert COOKIE not in page.cookies
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "same-origin"
    assert audit(here) == []


def test_its_button_signs_in_and_leads_to_where_one_was_going(here: Served) -> None:
    client, token = here.nobody(), link(here)
    done = client.post("/login", data={"token": token, "next": "/projects?view=table"})
    assert (done.status_code, done.headers["location"]) == (303, "/projects?view=table")
    cookie = done.headers["set-cookie"]
    for flag in ("HttpOnly", "SameSite=lax", "Path=/", f"Max-Age={int(SESSION_LASTS.total_seconds())}"):
        assert flag in cookie
    assert "Secure" not in cookie, "over plain HTTP on this machine it would not be sent back"
    assert client.get("/projects").status_code == 200
    assert audit(here)[0][:3] == ("user:anna", "sign.in", "done")
    with here.world.store.reading() as view:
        (session,) = view.passes(kinds=["session"])
    assert "testclient" in session.note


def test_over_https_the_cookie_is_secure(here: Served) -> None:
    site = replace(here.site, public_url="https://steward.example.com")
    app = build(site)
    with served() as other:
        other.app = app
        client = other.nobody()
        headers = {"Host": "steward.example.com"}
        done = client.post("/login", data={"token": link(here)}, headers=headers)
        assert "Secure" in done.headers["set-cookie"], "a proxy before us speaks https"
        direct = client.post("/login", data={"token": link(here)})
        assert "Secure" not in direct.headers["set-cookie"]


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "\t//evil.example",
        "evil",
    ],
)
def test_it_leads_to_our_own_pages_alone(here: Served, wanted: str) -> None:
    done = here.nobody().post("/login", data={"token": link(here), "next": wanted})
    assert (done.status_code, done.headers["location"]) == (303, "/")
    page = here.nobody().get("/login", params={"token": link(here), "next": wanted})
    form = page.text.partition('action="/login"')[2].partition("</form>")[0]
    assert '<input type="hidden" name="next" value="/">' in form


def refused(here: Served, token: str) -> str:
    """What the page says, asked by looking and by the button, which say the same."""
    said = set()
    for answer in (
        here.nobody().get("/login", params={"token": token}),
        here.nobody().post("/login", data={"token": token}),
    ):
        assert answer.status_code == 401
        assert COOKIE not in answer.cookies
        assert "steward user link NAME" in answer.text, "and what to do"
        found = re.search(r"did not sign you in:</strong>\s*([^<]*)\.<", answer.text)
        assert found is not None
        said.add(found[1])
    (words,) = said
    return words


def test_what_is_wrong_with_a_link_is_said(here: Served) -> None:
    used, late, off = link(here), link(here), link(here)
    here.nobody().post("/login", data={"token": used})
    assert refused(here, used) == "this sign-in link was used already; each works once"
    assert refused(here, "stl_nonsense") == "this sign-in link is not known here"
    here.world.clock.advance(LINK_LASTS.total_seconds())
    assert refused(here, late) == "this sign-in link has expired"
    here.world.app.people(ANYONE).disable("anna")
    assert refused(here, off).startswith("this sign-in link was used already")
    lines = [line for line in audit(here) if line[2] == "refused"]
    assert {line[1] for line in lines} == {"sign.in"}
    assert len(lines) == 8
    for secret in (used, late, off):
        assert secret not in str(lines)


def test_guesses_have_to_wait(here: Served) -> None:
    client = here.nobody()
    codes = [client.post("/login", data={"token": f"stl_{n}"}).status_code for n in range(FAILURES_MAX + 2)]
    assert codes == [401] * FAILURES_MAX + [429] * 2
    answer = client.get("/login", params={"token": link(here)})
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) > 0
    assert "Wait a few minutes" in answer.text
    assert len([line for line in audit(here) if line[2] == "refused"]) <= FAILURES_MAX + 3


def test_another_site_cannot_sign_somebody_in_or_out(here: Served) -> None:
    token = link(here)
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = here.nobody().post("/login", data={"token": token}, headers=headers)
        assert answer.status_code == 403
        assert COOKIE not in answer.cookies
        visitor = here.visitor(Role.VIEWER)
        assert visitor.client.post("/logout", headers=headers).status_code == 403
        assert visitor.get("/projects").status_code == 200
    assert here.nobody().post("/login", data={"token": token}).status_code == 303


def test_signing_out_ends_the_session_on_the_server(here: Served) -> None:
    visitor = here.visitor(Role.VIEWER)
    secret = visitor.client.cookies[COOKIE]
    done = visitor.post("/logout")
    assert (done.status_code, done.headers["location"]) == (303, "/login")
    thief = here.nobody()
    thief.cookies.set(COOKIE, secret)
    assert thief.get("/projects").status_code == 303
    assert audit(here)[0][:3] == ("nobody", "GET projects", "refused")
    assert ("user:viewer", "sign.out", "done", "") in audit(here)
    assert here.nobody().post("/logout").status_code == 303


def test_signing_in_as_another_ends_the_earlier_session(here: Served) -> None:
    visitor = here.visitor(Role.VIEWER)
    secret = visitor.client.cookies[COOKIE]
    page = visitor.get("/login", params={"token": link(here)})
    assert "You are signed in as viewer; that session ends." in page.text
    visitor.post("/login", {"token": link(here)})
    thief = here.nobody()
    thief.cookies.set(COOKIE, secret)
    assert thief.get("/projects").status_code == 303


def test_whoever_is_signed_in_is_led_on(here: Served) -> None:
    answer = here.visitor(Role.VIEWER).get("/login", params={"next": "/incidents"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/incidents")


def test_a_user_without_a_role_is_told_and_can_sign_out(here: Served) -> None:
    guest = here.visitor(None)
    page = guest.get("/login")
    assert page.status_code == 200
    assert "nobody has given you a role" in page.text
    assert guest.post("/logout").status_code == 303


def test_a_stolen_or_ended_session_is_led_to_sign_in_and_back(here: Served) -> None:
    visitor = here.visitor(Role.VIEWER)
    here.world.clock.advance(SESSION_LASTS.total_seconds())
    answer = visitor.get("/projects?view=table")
    assert (answer.status_code, answer.headers["location"]) == (303, "/login?next=%2Fprojects%3Fview%3Dtable")


def test_a_language_chosen_in_a_page_is_kept_for_the_user(here: Served) -> None:
    visitor = here.visitor(Role.VIEWER)
    done = visitor.client.post("/preferences", data={"lang": "ru", "theme": "dark", "next": "/settings"})
    assert (done.status_code, done.headers["location"]) == (303, "/settings")
    with here.world.store.reading() as view:
        user = view.user("viewer")
    assert user is not None
    assert user.lang == "ru"
    elsewhere = here.visitor(Role.VIEWER)
    assert '<html lang="ru"' in elsewhere.get("/settings").text
    assert (
        here.nobody().post("/preferences", data={"lang": "ru", "next": "//evil"}).headers["location"] == "/"
    )
