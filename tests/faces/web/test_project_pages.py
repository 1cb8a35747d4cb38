"""The pages of projects over HTTP: what they show, what their forms do, what they say when it cannot be done."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from steward.domain.people import Role
from steward.faces.web.assets import address, assets
from steward.faces.web.render import error_page
from tests.faces.http.kit import Served, Visitor, served, text


@pytest.fixture
def here() -> Iterator[Served]:
    with served(error_page=error_page) as made:
        made.world.forge.create("acme", "shop")
        made.world.settle()
        made.world.commands().order("loyalty", title="Points <b>")
        made.world.store.publish()
        yield made


def version(here: Served, slug: str) -> int:
    found: int = here.world.app.queries(here.world.commands().by).project(slug)["version"]
    return found


def audited(here: Served) -> list[tuple[str, str]]:
    """Action and outcome of every line of the audit log about a page of ours, oldest first."""
    lines = here.world.app.access.store
    with lines.reading() as view:
        return [(line.action, line.outcome) for line in reversed(view.audit_lines()) if "POST" in line.action]


def test_the_board_shows_projects_in_their_phases(here: Served) -> None:
    page = here.visitor().get("/projects")
    assert page.status_code == 200
    assert 'id="card-loyalty"' in page.text
    assert 'id="card-shop"' in page.text
    assert "Points <b>" not in page.text
    assert "style=" not in page.text
    assert page.text.count('<section class="column ') == 5


def test_a_viewer_is_not_offered_what_they_may_not_do(here: Served) -> None:
    viewer = here.visitor(Role.VIEWER)
    board = text(viewer.get("/projects"))
    assert "New project" not in board
    assert "Review…" not in board
    assert "waits for: approver" in board
    shown = viewer.get("/projects/loyalty")
    assert "needs the role of approver or above" in text(shown)
    assert viewer.get("/order").status_code == 403
    assert viewer.post("/projects/loyalty/owner", {"version": 1, "owner": "me"}).status_code == 403


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/projects?q=nothing-like-it", "No project matches"),
        ("/projects?view=table&status=verified", "No project matches"),
        ("/projects?waiting=1&q=shop", "Nothing waits for you"),
    ],
)
def test_an_empty_list_says_why_and_leads_on(here: Served, path: str, says: str) -> None:
    page = here.visitor().get(path)
    assert says in text(page)
    assert 'href="/projects"' in page.text


def test_before_any_organisation_the_board_says_what_to_do() -> None:
    with served(logins=(), error_page=error_page) as bare:
        assert "steward init" in text(bare.visitor().get("/projects"))


@pytest.mark.parametrize("query", ["phase=none", "view=tree", "sort=height", "after=%%%", "stale=soon"])
def test_a_filter_that_cannot_be_read_says_what_is_possible(here: Served, query: str) -> None:
    page = here.visitor().get(f"/projects?view=table&{query}")
    assert page.status_code == 422
    assert "That cannot be done as asked" in text(page)


def test_an_order_that_fails_keeps_what_was_typed(here: Served) -> None:
    operator = here.visitor(Role.OPERATOR)
    page = operator.post("/order", {"slug": "Not A Slug", "title": "Kept", "organisation": "acme"})
    assert page.status_code == 422
    assert 'value="Not A Slug"' in page.text
    assert 'value="Kept"' in page.text
    assert "not-a-slug" in text(page)
    taken = operator.get("/order?slug=loyalty")
    assert "Free is, for example: loyalty-2" in text(taken)
    assert "“fresh” is free" in text(operator.get("/order?slug=fresh"))
    assert audited(here) == [("POST order", "failed")]


def test_a_form_sent_twice_acts_once(here: Served) -> None:
    operator = here.visitor(Role.OPERATOR)
    form = {"slug": "once", "title": "", "organisation": "acme", "key": "a-key-of-a-form"}
    first, again = operator.post("/order", form), operator.post("/order", form)
    assert (first.status_code, again.status_code) == (303, 303)
    assert first.headers["location"] == again.headers["location"] == "/projects/once"


def test_what_the_table_refuses_is_said_on_the_page_with_what_was_typed(here: Served) -> None:
    approver = here.visitor(Role.APPROVER)
    form = {"version": version(here, "loyalty"), "reason": "go on"}
    page = approver.post("/projects/loyalty/ask/approved", form)
    assert page.status_code == 409
    assert "a spec that validates against its template is needed" in text(page)
    assert "go on</textarea>" in page.text
    assert audited(here) == [("POST ask", "refused")]
    assert here.world.app.queries(here.world.commands().by).project("loyalty")["status"] == "draft"


def test_a_decision_on_an_older_version_changes_nothing(here: Served) -> None:
    operator = here.visitor(Role.OPERATOR)
    old = version(here, "loyalty")
    assert operator.post("/projects/loyalty/owner", {"version": old, "owner": "Zoe"}).status_code == 303
    page = operator.post("/projects/loyalty/ask/archived", {"version": old, "reason": "over"})
    assert page.status_code == 412
    assert "Somebody was quicker" in text(page)
    assert "over</textarea>" in page.text
    now = here.world.app.queries(here.world.commands().by).project("loyalty")
    assert (now["status"], now["owner"]) == ("draft", "Zoe")


def test_archive_and_reopen(here: Served) -> None:
    operator = here.visitor(Role.OPERATOR)
    asked = operator.get("/projects/loyalty/ask/archived")
    assert "The repository is left as it is" in text(asked)
    form = {"version": version(here, "loyalty"), "reason": "over"}
    done = operator.post("/projects/loyalty/ask/archived", form)
    assert (done.status_code, done.headers["location"]) == (303, "/projects/loyalty")
    shown = text(operator.get("/projects/loyalty"))
    assert "was: Draft" in shown
    assert "Draft → Archived over operator" in shown
    assert "1 archived is not shown" in text(operator.get("/projects"))
    operator.post("/projects/loyalty/ask/reopened", {"version": version(here, "loyalty")})
    assert "An approver approves the brief" in text(operator.get("/projects/loyalty"))


def test_taking_in_and_relinking_have_forms_of_their_own(here: Served) -> None:
    operator = here.visitor(Role.OPERATOR)
    shop = operator.get("/projects/shop")
    assert 'href="/projects/shop/management"' in shop.text
    form = {"version": version(here, "shop"), "management": "drive"}
    assert operator.post("/projects/shop/management", form).status_code == 303
    assert "Setup required" in text(operator.get("/projects/shop"))
    relink = operator.post(
        "/projects/loyalty/relink", {"version": version(here, "loyalty"), "repository": "acme/nowhere"}
    )
    assert relink.status_code == 404
    assert 'value="acme/nowhere"' in relink.text


def test_an_unknown_page_or_project_leads_on(here: Served) -> None:
    admin = here.visitor()
    lost = admin.get("/projects/loyaltie")
    assert lost.status_code == 404
    assert "Did you mean loyalty?" in text(lost)
    assert admin.get("/projects/loyalty/ask/flown-away").status_code == 404
    assert admin.get("/projects/loyalty/ask/passed").status_code == 409
    assert admin.get("/projects/loyalty?topic=weather").status_code == 422


def test_a_page_of_nobody_leads_to_the_sign_in_and_back(here: Served) -> None:
    answer = here.nobody().get("/projects?view=table")
    assert answer.headers["location"] == "/login?next=%2Fprojects%3Fview%3Dtable"


def test_pages_speak_the_language_of_the_cookie(here: Served) -> None:
    visitor = here.visitor()
    chosen = visitor.post("/preferences", {"lang": "ru", "theme": "dark", "next": "/projects"})
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/projects")
    page = visitor.get("/projects")
    assert '<html lang="ru" data-theme="dark"' in page.text
    assert "Заказан" in page.text
    visitor.post("/preferences", {"lang": "xx", "theme": "neon"})
    assert '<html lang="ru" data-theme="dark"' in visitor.get("/projects").text


def test_the_jump_palette_finds_projects_and_pages(here: Served) -> None:
    visitor = here.visitor()
    assert 'href="/projects/loyalty"' in visitor.get("/jump?q=loy").text
    assert 'href="/incidents"' in visitor.get("/jump?q=inci").text
    assert "Nothing is called “zzz”" in text(visitor.get("/jump?q=zzz"))


def test_the_timeline_is_narrowed_and_paged(here: Served) -> None:
    by = here.world.commands()
    for number in range(45):
        by.own("loyalty", f"Owner {number}")
    here.world.store.publish()
    visitor = here.visitor()
    newest = visitor.get("/projects/loyalty")
    older = re.search(r'href="(\?before=\d+)#timeline"', newest.text)
    assert older is not None
    assert "Owner 44" in text(newest)
    assert "Draft Points" in text(visitor.get(f"/projects/loyalty{older[1]}")).replace("&lt;b&gt;", "")
    assert "Nothing of this kind has happened yet." in text(visitor.get("/projects/loyalty?topic=incidents"))


def test_static_files_are_kept_for_good_under_their_digest(here: Served) -> None:
    client = here.nobody()
    fresh = client.get(address("tokens.css"), headers={"accept-encoding": "gzip"})
    assert "immutable" in fresh.headers["cache-control"]
    assert fresh.headers["content-encoding"] == "gzip"
    assert fresh.text == assets()["tokens.css"].body.decode()
    assert client.get("/static/0123/tokens.css").headers["cache-control"] == "no-cache"
    assert client.get("/static/0123/../../secret").status_code == 404
    assert client.get("/static/0123/vendor/VENDORED.toml").status_code == 404
    assert client.get("/favicon.ico").headers["content-type"] == "image/svg+xml"


def test_every_page_may_be_framed_by_nobody_and_runs_only_our_scripts(here: Served) -> None:
    visitor: Visitor = here.visitor()
    page = visitor.get("/projects/loyalty")
    assert page.headers["content-security-policy"].startswith("default-src 'self'")
    assert re.findall(r"<script(?![^>]* src=)", page.text) == []
    assert re.findall(r"\son\w+=", page.text) == []
