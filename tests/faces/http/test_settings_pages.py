"""The settings pages: what each shows to whom, forms that act once and say what was refused, secrets shown once."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from html import unescape

import pytest

from steward.domain.credentials import CredentialKind, Declared
from steward.domain.deliveries import Delivery, Hook, State
from steward.domain.journal import Notice
from steward.domain.people import PassKind, Role
from steward.faces.http.site import COOKIE
from steward.faces.web.render import error_page
from steward.testing.world import ANYONE
from tests.faces.http.kit import Served, Visitor, served

EVERY = (
    "/settings",
    "/settings/tokens",
    "/settings/telegram",
    "/settings/spending",
    "/settings/github",
    "/settings/notifications",
)
ADMINS = ("/settings/users", "/settings/users/admin", "/settings/webhooks", "/settings/audit")


@pytest.fixture
def here() -> Iterator[Served]:
    with served(logins=("acme", "umbrella"), error_page=error_page) as made:
        made.world.forge.create("acme", "shop")
        made.world.beat("acme")
        yield made


@pytest.fixture
def admin(here: Served) -> Visitor:
    return here.visitor(Role.ADMIN)


def acts(here: Served) -> list[str]:
    with here.world.store.reading() as view:
        return [line.action for line in view.audit_lines() if "." in line.action]


def said(text: str) -> str:
    """What the alert of a page says."""
    found = re.search(r'role="alert">(.*?)</div></div>', text, re.DOTALL)
    assert found is not None
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", found[1]).split()))


@pytest.mark.parametrize("lang", ["en", "ru"])
@pytest.mark.parametrize("role", list(Role))
def test_each_role_is_shown_the_pages_that_it_may_open(here: Served, role: Role, lang: str) -> None:
    visitor = here.visitor(role)
    here.visitor(Role.ADMIN)
    visitor.client.cookies.set("steward-lang", lang)
    for path in (*EVERY, *ADMINS):
        answer = visitor.get(path)
        may = path in EVERY or role is Role.ADMIN
        assert answer.status_code == (200 if may else 403), path
        if may:
            assert answer.text.count("<h1") == 1
            assert ("Настройки" in answer.text) == (lang == "ru")
            links = set(re.findall(r'href="(/settings[/a-z]*)"', answer.text))
            assert ("/settings/audit" in links) == (role is Role.ADMIN)


def test_every_form_carries_the_token_of_its_session(here: Served, admin: Visitor) -> None:
    here.world.app.people(ANYONE).create_token("admin", "ci")
    for path in (*EVERY, *ADMINS):
        text = admin.get(path).text
        for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", text, re.DOTALL):
            if "/preferences" not in form:
                assert f'name="csrf" value="{admin.csrf}"' in form, form[:80]


def test_a_form_without_it_is_refused_and_changes_nothing(here: Served, admin: Visitor) -> None:
    other = here.visitor(Role.OPERATOR)
    for csrf in ("", other.csrf):
        answer = admin.client.post("/settings/users", data={"csrf": csrf, "name": "evil", "role": "admin"})
        assert answer.status_code == 403
    assert acts(here).count("user.add") == 0


# Oneself ------------------------------------------------------------------------------------------------


def test_oneself_is_changed_and_other_sessions_are_ended(here: Served) -> None:
    visitor, second = here.visitor(Role.VIEWER), here.visitor(Role.VIEWER)
    assert visitor.post("/settings", {"full_name": "  Vera   V. "}).status_code == 303
    text = visitor.get("/settings").text
    assert 'value="Vera V."' in text
    assert text.count("this one") == 1
    (number,) = re.findall(r"/settings/sessions/(\d+)/end", text)
    assert visitor.post(f"/settings/sessions/{number}/end").status_code == 303
    assert second.get("/settings").status_code == 303, "led to sign-in"
    refused = visitor.post("/settings", {"full_name": "x" * 101})
    assert refused.status_code == 422
    assert "at most 100 letters" in said(refused.text)


def test_nobody_ends_the_session_of_another(here: Served, admin: Visitor) -> None:
    with here.world.store.reading() as view:
        (session,) = view.passes(kinds=[PassKind.SESSION])
    viewer = here.visitor(Role.VIEWER)
    for path in ("/settings/sessions/{}/end", "/settings/tokens/{}/end"):
        assert viewer.post(path.format(session.id)).status_code == 404
    assert viewer.post("/settings/sessions/end").status_code == 303
    assert admin.get("/settings").status_code == 200


# Tokens -------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_and_works(here: Served) -> None:
    visitor = here.visitor(Role.OPERATOR)
    form = {"note": "ci", "rights": ["read", "look"], "organisation": "acme", "days": "7"}
    made = visitor.post("/settings/tokens", form)
    assert made.status_code == 201
    (secret,) = re.findall(r'value="(stt_[^"]+)"', made.text)
    later = visitor.get("/settings/tokens").text
    assert secret not in later
    assert "read, look in acme" in later
    api = here.nobody()
    bearer = {"Authorization": f"Bearer {secret}"}
    me = api.get("/api/v1/me", headers=bearer).json()
    assert (me["rights"], me["organisations"]) == ([], {"acme": ["read", "look"]})
    (number,) = re.findall(r"/settings/tokens/(\d+)/end", later)
    visitor.post(f"/settings/tokens/{number}/end")
    assert api.get("/api/v1/me", headers=bearer).status_code == 401


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"note": "", "rights": "read"}, "a token needs a name"),
        ({"note": "ci"}, "without any right"),
        ({"note": "ci", "rights": "users"}, "cannot have: users"),
        ({"note": "ci", "rights": "fly"}, "'fly' is no right"),
        ({"note": "ci", "rights": "read", "days": "999"}, "1 to 366 days"),
    ],
)
def test_a_token_that_cannot_be_is_refused_in_the_form(
    here: Served, form: dict[str, str], words: str
) -> None:
    visitor = here.visitor(Role.OPERATOR)
    answer = visitor.post("/settings/tokens", form)
    assert answer.status_code == 422
    assert words in said(answer.text)
    assert f'value="{form["note"]}"' in answer.text, "what was typed is kept"
    assert "token.create" not in acts(here)


def test_a_form_sent_twice_makes_one_token_and_shows_its_secret_once(here: Served) -> None:
    visitor = here.visitor(Role.OPERATOR)
    form = {"note": "ci", "rights": "read", "key": "the-same-key"}
    first, second = visitor.post("/settings/tokens", form), visitor.post("/settings/tokens", form)
    assert (first.status_code, second.status_code) == (201, 409)
    assert "stt_" in first.text
    assert "stt_" not in second.text
    assert acts(here).count("token.create") == 1


# People -------------------------------------------------------------------------------------------------


def test_somebody_is_added_given_roles_and_a_link_and_taken_out(here: Served, admin: Visitor) -> None:
    added = admin.post("/settings/users", {"name": "anna", "full_name": "Anna", "role": "operator"})
    assert (added.status_code, added.headers["location"]) == (303, "/settings/users/anna")
    admin.post("/settings/users/anna/grant", {"role": "viewer", "organisation": "umbrella"})
    assert "viewer in umbrella" in admin.get("/settings/users/anna").text
    made = admin.post("/settings/users/anna/link")
    (url,) = re.findall(r'value="(http[^"]+/login\?token=stl_[^"]+)"', made.text)
    assert made.status_code == 201
    assert url not in admin.get("/settings/users/anna").text
    anna = here.nobody()
    path = url.partition("testserver")[2] or url.partition("127.0.0.1")[2]
    token = path.partition("token=")[2]
    assert "Sign in as Anna" in anna.get(path).text
    assert anna.post("/login", data={"token": token}).status_code == 303
    assert anna.get("/projects").status_code == 200
    admin.post("/settings/users/anna/ungrant", {"role": "operator", "organisation": ""})
    admin.post("/settings/users/anna/disable")
    assert anna.get("/projects").status_code == 303
    assert "Enable" in admin.get("/settings/users/anna").text
    admin.post("/settings/users/anna/enable")
    listed = admin.get("/settings/users").text
    assert "viewer in umbrella" in listed
    assert acts(here)[::-1][-7:] == [
        "user.add",
        "user.grant",
        "link.create",
        "sign.in",
        "user.ungrant",
        "user.disable",
        "user.enable",
    ]


@pytest.mark.parametrize(
    ("path", "form", "words"),
    [
        ("/settings/users", {"name": "Anna!"}, "cannot be a user's name"),
        ("/settings/users", {"name": "admin"}, "there is a user named admin already"),
        ("/settings/users", {"name": "ben", "role": "boss"}, "'boss' is no role"),
        ("/settings/users/admin/disable", {}, "admin is the last admin"),
        ("/settings/users/admin/ungrant", {"role": "admin"}, "Make another one first"),
        ("/settings/users/admin/ungrant", {"role": "viewer"}, "does not have the role viewer"),
        ("/settings/users/admin/grant", {"role": "boss"}, "'boss' is no role"),
    ],
)
def test_what_cannot_be_done_to_people_is_said_in_the_page(
    here: Served, admin: Visitor, path: str, form: dict[str, str], words: str
) -> None:
    answer = admin.post(path, form)
    assert answer.status_code == 422
    assert words in said(answer.text)
    assert admin.get("/settings/users").status_code == 200, "nothing was changed"


def test_unknown_people_are_not_found(here: Served, admin: Visitor) -> None:
    for path in ("/settings/users/nobody", "/settings/users/%00", "/settings/users/..%2fx"):
        assert admin.get(path).status_code == 404
    assert admin.post("/settings/users/nobody/link").status_code == 404
    assert (
        admin.post("/settings/users/admin/grant", {"role": "viewer", "organisation": "x"}).status_code == 404
    )


# GitHub, webhooks, notifications, audit -------------------------------------------------------------------


def test_the_credential_is_shown_with_what_it_lacks_and_why(here: Served) -> None:
    operator, viewer = here.visitor(Role.OPERATOR), here.visitor(Role.VIEWER)
    assert "not asked yet" in viewer.get("/settings/github").text
    assert "Ask GitHub anew" not in viewer.get("/settings/github").text
    here.world.forge.declared_now = Declared(CredentialKind.APP, frozenset({"metadata:read"}))
    assert operator.post("/settings/github/check").status_code == 303
    text = viewer.get("/settings/github").text
    assert "organization_hooks:write" in text
    assert "is missing" in text
    assert "to register the webhook" in text
    here.world.forge.declared_now = Declared(CredentialKind.FINE_GRAINED, None)
    operator.post("/settings/github/check")
    assert "what it may do is unknown" in viewer.get("/settings/github").text


def test_one_sees_the_organisations_that_one_may_see(here: Served) -> None:
    visitor = here.visitor(Role.VIEWER, "una", "umbrella")
    text = visitor.get("/settings/github").text
    assert 'id="organisation-umbrella"' in text
    assert 'id="organisation-acme"' not in text
    assert '<option value="">' in visitor.get("/settings/tokens").text
    assert "<option>acme" not in visitor.get("/settings/tokens").text


def test_webhooks_are_shown_with_their_deliveries_and_what_cannot_be_done_is_said(
    here: Served, admin: Visitor
) -> None:
    now = here.world.clock.now().at
    home = here.world.organisation("acme").id
    with here.world.store.writing() as tx:
        tx.save_hook(Hook(7, home, "https://steward.test/hooks/github", ("push",), True, now))
        rows = [Delivery(7, f"g{n}", "push", now, b"{}", organisation_id=home) for n in range(120)]
        tx.deliver([replace(row, state=State.FAILED, error="no JSON") for row in rows])
    text = admin.get("/settings/webhooks?state=failed").text
    assert "https://steward.test/hooks/github" in text
    assert text.count('id="delivery-') == 50
    assert "no JSON" in text
    (older,) = re.findall(r'href="(/settings/webhooks\?[^"]*before=\d+)"', text)
    following = admin.get(unescape(older)).text
    assert following.count('id="delivery-') == 50
    assert not set(re.findall(r'id="(delivery-\d+)"', text)) & set(
        re.findall(r'id="(delivery-\d+)"', following)
    )
    for path, form in (("register", {"url": "nowhere"}), ("ping", {"organisation": "umbrella"})):
        refused = admin.post(f"/settings/webhooks/{path}", form)
        assert refused.status_code == 422
        assert said(refused.text)


def test_notices_that_did_not_go_out_are_shown(here: Served) -> None:
    now = here.world.clock.now().at
    with here.world.store.writing() as tx:
        tx.enqueue([Notice("k", now, "shop is gone", "body", "critical")], ["recorder"])
        (row,) = (one for one in tx.outbox_due(now, 10) if one.key == "k")
        tx.save_outgoing(replace(row, state="failed", attempts=9, error="the service refused it"))
    text = here.visitor(Role.VIEWER).get("/settings/notifications").text
    assert "recorder" in text
    assert "shop is gone" in text
    assert "the service refused it" in text
    limited = here.visitor(Role.VIEWER, "una", "umbrella").get("/settings/notifications").text
    assert "shop is gone" not in limited, "a notice may tell of another organisation"


def test_the_audit_log_is_paged_and_filtered(here: Served, admin: Visitor) -> None:
    people = here.world.app.people(ANYONE)
    for number in range(60):
        people.add(f"user-{number}")
    first = admin.get("/settings/audit?text=user.add").text
    assert first.count("added the user") == 50
    (older,) = re.findall(r'href="(/settings/audit\?[^"]*before=\d+)"', first)
    second = admin.get(unescape(older)).text
    assert second.count("added the user") == 10
    here.visitor(Role.VIEWER).get("/settings/audit")
    refused = admin.get("/settings/audit?outcome=refused").text
    assert "user:viewer may not read the audit log" in unescape(refused)
    for odd in ("before=0", "before=x", f"before={2**63}", f"text={'x' * 201}"):
        assert admin.get(f"/settings/audit?{odd}").status_code == 422
    assert admin.get("/settings/audit?text=%00&outcome=nonsense").status_code == 200


def test_no_secret_is_in_any_page_log_line_or_audit_line(
    here: Served, admin: Visitor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    people = here.world.app.people(ANYONE)
    secrets = [
        people.link("admin")["secret"],
        people.create_token("admin", "ci")["secret"],
        admin.client.cookies[COOKIE],
    ]
    with here.world.store.reading() as view:
        secrets += [made.digest for made in view.passes()]
    here.nobody().get("/login", params={"token": secrets[0] + "x"})
    here.nobody().get("/api/v1/me", headers={"Authorization": f"Bearer {secrets[1]}x"})
    told = "".join(admin.get(path).text for path in (*EVERY, *ADMINS, "/projects", "/activity"))
    told += here.nobody().get("/login").text
    # The client of the tests logs the addresses that it asks; a server of ours logs none.
    told += "".join(record.getMessage() for record in caplog.records if record.name.startswith("steward"))
    with here.world.store.reading() as view:
        told += repr(view.audit_lines(limit=1000)) + repr(view.events())
    for secret in secrets:
        assert secret not in told
