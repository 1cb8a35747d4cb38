"""Stop and let go on, in one act, over the board and the API; the banner on every page; the page after a restore."""

from __future__ import annotations

from steward.app.marking import mark_restored
from steward.domain.people import Role
from tests.faces.http.kit import served


def test_all_is_stopped_in_one_act_and_every_page_says_so() -> None:
    with served(logins=("acme", "umbrella")) as here:
        here.world.store.release(here.world.lease)
        here.world.store.acquire("heartbeat", "another process")
        anna = here.visitor(name="anna")
        assert "no automation runs" not in anna.get("/projects").text
        page = anna.get("/freeze")
        assert "In every organisation" in page.text
        assert anna.post("/freeze", {"organisation": "", "reason": "fire drill"}).status_code == 303
        assert all(
            o.frozen is not None for o in (here.world.organisation(one) for one in ("acme", "umbrella"))
        )
        for path in ("/projects", "/incidents", "/settings", "/lifecycle"):
            text = anna.get(path).text
            assert "acme: no automation runs." in text
            assert "fire drill" in text
            assert "Stopped by anna" in text
        assert anna.post("/unfreeze", {"organisation": "acme"}).status_code == 303
        assert here.world.organisation("acme").frozen is None
        assert here.world.organisation("umbrella").frozen is not None


def test_who_may_not_stop_is_shown_no_button_and_refused() -> None:
    with served() as here:
        vera = here.visitor(Role.VIEWER)
        assert "/freeze" not in vera.get("/sync").text
        assert vera.post("/freeze", {"reason": "x"}).status_code == 403
        assert here.world.organisation().frozen is None


def test_after_a_restore_the_plan_is_seen_before_it_goes_on() -> None:
    with served() as here:
        with here.world.store.writing() as tx:
            mark_restored(tx, here.world.clock.now().at, "test", here.world.clock.now().at)
        anna = here.visitor(name="anna")
        banner = anna.get("/projects").text
        assert 'href="/restored"' in banner
        refused = anna.post("/unfreeze", {"organisation": ""})
        assert refused.status_code == 422
        assert "steward db plan" in refused.text
        assert here.world.organisation().frozen is not None
        planned = anna.post("/restored")
        assert planned.status_code == 200
        digest = planned.text.partition('name="plan" value="')[2].partition('"')[0]
        assert len(digest) == 12
        assert anna.post("/unfreeze", {"plan": digest}).status_code == 303
        assert here.world.organisation().frozen is None
        assert 'href="/restored"' not in anna.get("/projects").text
