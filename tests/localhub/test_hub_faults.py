"""Every kind of fault, shown to do what it says; and that nothing happens where faults are off."""

import time
from typing import Any

import httpx
import pytest

from localhub import faults
from localhub.testing import Hub
from tests.localhub.hub_kit import back, names

ALL = "/orgs/acme/repos?per_page=2&sort=created&direction=asc"


@pytest.fixture
def five(hub: Hub) -> dict[str, int]:
    """Five repositories on three pages: r0 to r4, oldest first, r1 and r3 private."""
    return {
        f"r{number}": hub.create(
            f"r{number}", visibility="private" if number % 2 else "public", created_at=back(days=20 - number)
        )
        for number in range(5)
    }


def _page(http: httpx.Client, number: int) -> httpx.Response:
    return http.get(f"{ALL}&page={number}")


def test_a_status_of_choice_a_number_of_times_on_a_page(
    hub: Hub, http: httpx.Client, five: dict[str, int]
) -> None:
    hub.fault("status", code=403, path="/repos$", page=2, times=2, headers={"x-why": "so"})
    assert [_page(http, number).status_code for number in (1, 2, 2, 2, 3)] == [200, 403, 403, 200, 200]
    hub.fault("status", code=502, method="PATCH", body={"odd": True}, skip=1)
    answers = [http.patch("/repos/acme/r0", json={}) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 502]
    assert answers[1].json() == {"odd": True}
    assert http.get("/repos/acme/r0").status_code == 200


def test_a_status_comes_before_the_token_is_looked_at(hub: Hub, http: httpx.Client) -> None:
    hub.fault("status", code=401, path="/repos", message="Bad credentials")
    answer = http.get(ALL)
    assert (answer.status_code, answer.json()["message"]) == (401, "Bad credentials")
    assert http.get("/orgs/acme").status_code == 200


def test_an_empty_page_keeps_its_links(hub: Hub, http: httpx.Client, five: dict[str, int]) -> None:
    hub.fault("empty_page", page=2)
    page = _page(http, 2)
    assert (page.json(), "next" in page.links) == ([], True)
    assert names(_page(http, 1)) == ["r0", "r1"]


def test_a_link_is_lost(hub: Hub, http: httpx.Client, five: dict[str, int]) -> None:
    hub.fault("lost_link", page=1)
    page = _page(http, 1)
    assert (names(page), "link" in page.headers) == (["r0", "r1"], False)


def test_html_with_status_200(hub: Hub, http: httpx.Client) -> None:
    hub.fault("html", path="/repos", times=1)
    page = http.get(ALL)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert page.text.startswith("<!DOCTYPE html>")


def test_an_error_object_in_place_of_a_list(hub: Hub, http: httpx.Client, five: dict[str, int]) -> None:
    hub.fault("error_object", page=3)
    page = _page(http, 3)
    assert (page.status_code, page.json()["message"]) == (200, "Server Error")


def test_null_in_place_of_entries(hub: Hub, http: httpx.Client, five: dict[str, int]) -> None:
    hub.fault("null_entries", page=1, positions=[1])
    assert [one and one["name"] for one in _page(http, 1).json()] == ["r0", None]


def test_a_short_page_says_that_it_is_the_last(hub: Hub, http: httpx.Client, five: dict[str, int]) -> None:
    hub.fault("short_page", page=2, keep=1)
    page = _page(http, 2)
    assert (names(page), set(page.links)) == (["r2"], {"first", "prev"})


def test_pages_without_an_end(hub: Hub, http: httpx.Client, five: dict[str, int]) -> None:
    hub.fault("endless_paging")
    page = _page(http, 3)
    for number in range(4, 9):
        page = http.get(page.links["next"]["url"])
        assert f"page={number + 1}" in page.links["next"]["url"]
        assert names(page) == ["r0", "r1"]


@pytest.mark.parametrize(
    ("change", "left"),
    [
        ({"action": "delete", "repo": "r0"}, ["r3", "r4"]),
        ({"action": "rename", "repo": "r2", "name": "new"}, ["new", "r3"]),
        ({"action": "transfer", "repo": "r0", "name": "elsewhere"}, ["r3", "r4"]),
        ({"action": "create", "repo": "late"}, ["r2", "r3"]),
    ],
)
def test_a_change_once_a_page_was_served(
    hub: Hub, http: httpx.Client, five: dict[str, int], change: dict[str, Any], left: list[str]
) -> None:
    hub.fault("after_page", page=1, **change)
    assert names(_page(http, 1)) == ["r0", "r1"]
    assert names(_page(http, 2)) == left
    before = len(hub.ids())
    _page(http, 1)
    assert len(hub.ids()) == before


def test_a_push_in_the_middle_of_a_list_by_push(hub: Hub, http: httpx.Client, five: dict[str, int]) -> None:
    for number in range(5):
        hub.core.store.run(
            "UPDATE repo SET pushed_at = ? WHERE name = ?", back(days=9 - number), f"r{number}"
        )
    hub.fault("after_page", page=1, action="push", repo="r0")
    pages = [http.get(f"/orgs/acme/repos?per_page=2&sort=pushed&page={page}") for page in (1, 2, 3)]
    assert [names(page) for page in pages] == [["r4", "r3"], ["r3", "r2"], ["r1"]]


def test_a_change_after_a_page_that_was_not_sent_again(
    hub: Hub, http: httpx.Client, five: dict[str, int]
) -> None:
    etag = _page(http, 1).headers["etag"]
    hub.fault("after_page", page=1, action="delete", repo="r4")
    assert http.get(f"{ALL}&page=1", headers={"If-None-Match": etag}).status_code == 304
    assert names(_page(http, 3)) == []


def test_a_validator_does_not_hide_a_changed_body(hub: Hub, http: httpx.Client, five: dict[str, int]) -> None:
    etag = _page(http, 1).headers["etag"]
    hub.fault("empty_page", page=1, times=1)
    answers = [http.get(f"{ALL}&page=1", headers={"If-None-Match": etag}) for _ in range(2)]
    assert [one.status_code for one in answers] == [200, 304]
    assert answers[0].headers["etag"] != etag


def test_a_slow_answer(hub: Hub, http: httpx.Client) -> None:
    hub.fault("slow", delay_s=0.2, times=1)
    begun = time.monotonic()
    assert http.get("/orgs/acme").status_code == 200
    assert time.monotonic() - begun >= 0.2
    hub.fault("slow", delay_s=0.5)
    with pytest.raises(httpx.ReadTimeout):
        http.get("/orgs/acme", timeout=0.1)


@pytest.mark.parametrize("after", [0, 40, 10**9])
def test_a_connection_that_breaks(hub: Hub, http: httpx.Client, after: int) -> None:
    hub.fault("drop", after_bytes=after, times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        http.get("/orgs/acme")
    assert http.get("/orgs/acme").status_code == 200


def test_the_primary_limit_is_used_up(hub: Hub, http: httpx.Client) -> None:
    hub.fault("rate_limit", reset_s=30, times=1)
    answer = http.get("/orgs/acme")
    assert (answer.status_code, answer.headers["x-ratelimit-remaining"]) == (403, "0")
    assert 25 <= int(answer.headers["x-ratelimit-reset"]) - time.time() <= 31  # a real server's clock


def test_a_secondary_limit_with_and_without_advice(hub: Hub, http: httpx.Client) -> None:
    hub.fault("secondary_limit", times=1)
    hub.fault("secondary_limit", retry_after_s=7, skip=1, times=1)
    bare, advised = (http.get("/orgs/acme") for _ in range(2))
    assert (bare.status_code, "secondary rate limit" in bare.json()["message"]) == (403, True)
    assert "retry-after" not in bare.headers
    assert int(bare.headers["x-ratelimit-remaining"]) > 0
    assert advised.headers["retry-after"] == "7"


def test_too_many_requests(hub: Hub, http: httpx.Client) -> None:
    hub.fault("too_many_requests", retry_after_s=3, times=1)
    answer = http.get("/orgs/acme")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3")


def test_no_rate_limit_headers(hub: Hub, http: httpx.Client) -> None:
    hub.fault("no_rate_headers")
    answer = http.get("/orgs/acme")
    assert not [name for name in answer.headers if name.startswith("x-ratelimit")]
    assert hub.requests()[-1].points == 0


@pytest.mark.parametrize(
    ("by", "expected"),
    [("id", [404, 200, 200, 200]), ("name", [200, 404, 200, 200]), ("any", [404, 404, 200, 200])],
)
def test_a_repository_is_not_found_for_a_while(
    hub: Hub, http: httpx.Client, five: dict[str, int], by: str, expected: list[int]
) -> None:
    hub.fault("not_found", repo="acme/r1", by=by, times=2 if by == "any" else 1)
    paths = [f"/repositories/{five['r1']}", "/repos/acme/r1"] * 2
    assert [http.get(path).status_code for path in paths] == expected
    assert http.get("/repos/acme/r0").status_code == 200


def test_a_blocked_repository_is_451_and_still_listed(
    hub: Hub, http: httpx.Client, five: dict[str, int]
) -> None:
    hub.fault("blocked", repo=five["r0"])
    for path in ("/repos/acme/r0", f"/repositories/{five['r0']}"):
        answer = http.get(path)
        assert (answer.status_code, answer.json()["block"]["reason"]) == (451, "dmca")
    assert names(_page(http, 1)) == ["r0", "r1"]


def test_a_token_loses_sight_of_private_ones(hub: Hub, http: httpx.Client, five: dict[str, int]) -> None:
    hub.fault("private_hidden")
    assert names(http.get("/orgs/acme/repos")) == ["r0", "r2", "r4"]
    assert http.get(f"/repositories/{five['r1']}").status_code == 404
    hub.clear_faults()
    assert len(http.get("/orgs/acme/repos").json()) == 5


def test_a_selection_of_repositories(hub: Hub, http: httpx.Client, five: dict[str, int]) -> None:
    hub.fault("selection", repositories=["r1", five["r4"]])
    assert names(http.get("/orgs/acme/repos")) == ["r1", "r4"]
    assert [http.get(f"/repositories/{five[name]}").status_code for name in ("r0", "r1")] == [404, 200]


def test_an_app_that_was_uninstalled(hub: Hub, http: httpx.Client, five: dict[str, int]) -> None:
    hub.fault("app_uninstalled", org="acme")
    paths = (
        "/orgs/acme",
        "/orgs/acme/repos",
        f"/organizations/{hub.org().id}/repos",
        f"/repositories/{five['r0']}",
    )
    assert [http.get(path).status_code for path in paths] == [404] * 4


def test_a_replica_that_lags(hub: Hub, http: httpx.Client, five: dict[str, int]) -> None:
    hub.fault("replica_lag", lag_s=60)
    fresh = hub.create("fresh")
    assert http.get(f"/repositories/{fresh}").status_code == 404
    assert len(http.get("/orgs/acme/repos").json()) == 5
    hub.clear_faults()
    assert http.get(f"/repositories/{fresh}").status_code == 200


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"kind": "nonsense"}, "must be one of status, rate_limit"),
        ({}, "must be one of"),
        ({"kind": "status"}, "missing required field `code`"),
        ({"kind": "status", "code": 500, "tims": 1}, "unknown field `tims`"),
        ({"kind": "status", "code": "x"}, "Expected `int`"),
        ({"kind": "slow", "delay_s": 1, "path": "("}, "not a regular expression"),
        ({"kind": "blocked", "repo": "nobody"}, "there is no repository nobody"),
        ({"kind": "selection", "repositories": ["nobody"]}, "there is no repository nobody"),
        ({"kind": "app_uninstalled", "org": "nobody"}, "there is no organisation nobody"),
        ({"kind": "after_page", "action": "rename", "repo": "r0"}, "needs `name`"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(
    hub: Hub, http: httpx.Client, five: dict[str, int], fault: dict[str, Any], words: str
) -> None:
    answer = http.post("/_localhub/faults", json=fault)
    assert answer.status_code == 422
    assert words in answer.json()["message"]
    assert http.get("/_localhub/faults").json()["faults"] == []


def test_faults_are_listed_and_cleared_over_http(hub: Hub, http: httpx.Client) -> None:
    ids = [
        http.post("/_localhub/faults", json={"kind": "html", "path": "^/x"}).json()["id"] for _ in range(2)
    ]
    listed = http.get("/_localhub/faults").json()
    assert [one["id"] for one in listed["faults"]] == ids
    assert set(listed["kinds"]) == set(faults.kinds())
    assert listed["kinds"]["slow"]["parameters"]["delay_s"] == "required"
    assert http.delete(f"/_localhub/faults/{ids[0]}").json() == {"cleared": 1}
    assert http.delete(f"/_localhub/faults/{ids[0]}").status_code == 404
    assert http.delete("/_localhub/faults").json() == {"cleared": 1}


def test_faults_are_off_unless_asked_for() -> None:
    with Hub(faults=False) as hub, httpx.Client(base_url=hub.url, headers=hub.headers) as http:
        for method in ("GET", "POST", "DELETE"):
            answer = http.request(method, "/_localhub/faults")
            assert (answer.status_code, "--faults" in answer.json()["message"]) == (404, True)
        assert http.get("/_localhub/log").status_code == 200
        with pytest.raises(RuntimeError, match="--faults"):
            hub.fault("html")


def test_the_log_tells_what_was_asked(hub: Hub, http: httpx.Client) -> None:
    http.get("/orgs/acme/repos?page=2")
    http.get("/orgs/nobody")
    lines = http.get("/_localhub/log").json()
    told = [(one["method"], one["path"], one["query"], one["status"], one["points"]) for one in lines]
    assert told == [("GET", "/orgs/acme/repos", "page=2", 200, 1), ("GET", "/orgs/nobody", "", 404, 1)]
    assert len(http.get("/_localhub/log?limit=1").json()) == 1
