"""Files, branches, refs, commits and comparisons over REST."""

import base64
from collections.abc import Iterator

import httpx
import pytest

from localhub.gitstore import ZERO_SHA, NewCommit, Person
from localhub.testing import Hub
from tests.localhub import git_kit
from tests.localhub.git_kit import as_base64, put_file, start_branch, tip, told


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with git_kit.running() as running:
        yield running


@pytest.fixture
def http(hub: Hub) -> Iterator[httpx.Client]:
    with git_kit.client(hub) as opened:
        yield opened


def test_a_file_is_made_changed_and_deleted_by_commits(hub: Hub, http: httpx.Client) -> None:
    hub.create("files", auto_init=True)
    url = "/repos/acme/files/contents/docs/guide.txt"
    made = http.put(url, json={"message": "Add a guide", "content": as_base64("one\n")})
    assert made.status_code == 201
    assert made.json()["commit"]["message"] == "Add a guide"
    assert made.json()["commit"]["sha"] == tip(http, "files")
    shown = http.get(url).json()
    assert base64.b64decode(shown["content"]) == b"one\n"
    assert (shown["type"], shown["name"], shown["path"], shown["size"]) == (
        "file",
        "guide.txt",
        "docs/guide.txt",
        4,
    )
    assert shown["sha"] == made.json()["content"]["sha"]
    change = {"message": "Change it", "content": as_base64("two\n"), "sha": shown["sha"]}
    assert http.put(url, json=change).status_code == 200
    now = http.get(url).json()["sha"]
    gone = http.request("DELETE", url, json={"message": "Drop it", "sha": now})
    assert (gone.status_code, gone.json()["content"]) == (200, None)
    assert http.get(url).status_code == 404
    pushed = [one["head_commit"] for one in told(hub, "push")]
    assert [one["message"] for one in pushed] == ["Add a guide", "Change it", "Drop it"]
    assert [one["added"] + one["modified"] + one["removed"] for one in pushed] == [["docs/guide.txt"]] * 3


def test_a_file_is_never_overwritten_unseen(hub: Hub, http: httpx.Client) -> None:
    hub.create("careful", auto_init=True)
    url, before = "/repos/acme/careful/contents/README.md", tip(http, "careful")
    unseen = http.put(url, json={"message": "m", "content": ""})
    assert (unseen.status_code, "sha" in unseen.json()["message"]) == (422, True)
    stale = http.put(url, json={"message": "m", "content": "", "sha": "0" * 40})
    assert stale.status_code == 409
    assert http.request("DELETE", url, json={"message": "m", "sha": "0" * 40}).status_code == 409
    new = http.put("/repos/acme/careful/contents/new", json={"message": "m", "content": "", "sha": "0" * 40})
    assert new.status_code == 409
    assert tip(http, "careful") == before
    assert told(hub, "push") == []


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("a", {"content": ""}, 422),
        ("a", {"message": "m"}, 422),
        ("a", {"message": "m", "content": "%%%"}, 422),
        ("a", {"message": "m", "content": "", "branch": "nowhere"}, 404),
        ("a", {"message": "m", "content": "", "author": {"name": "A"}}, 422),
        (".git/config", {"message": "m", "content": ""}, 422),
        ("README.md/below", {"message": "m", "content": ""}, 422),
        ("dir", {"message": "m", "content": ""}, 422),
    ],
)
def test_a_bad_write_is_refused_and_changes_nothing(
    hub: Hub, http: httpx.Client, path: str, body: dict[str, object], status: int
) -> None:
    if http.get("/repos/acme/strict").status_code == 404:
        hub.create("strict", auto_init=True)
        put_file(http, "strict", "dir/file", "x")
    before = tip(http, "strict")
    assert http.put(f"/repos/acme/strict/contents/{path}", json=body).status_code == status
    assert tip(http, "strict") == before


def test_the_first_file_begins_the_default_branch(hub: Hub, http: httpx.Client) -> None:
    hub.create("bare")
    empty = http.get("/repos/acme/bare/contents")
    assert (empty.status_code, empty.json()["message"]) == (404, "This repository is empty.")
    assert http.get("/repos/acme/bare/commits").status_code == 409
    assert http.get("/repos/acme/bare/branches").json() == []
    put_file(http, "bare", "first.txt", "x")
    assert [one["name"] for one in http.get("/repos/acme/bare/branches").json()] == ["main"]
    assert [one["ref"] for one in told(hub, "create")] == ["main"]


def test_directories_readme_and_raw_content(hub: Hub, http: httpx.Client) -> None:
    hub.create("shelf", auto_init=True)
    put_file(http, "shelf", "src/a.py", "print()\n")
    root = http.get("/repos/acme/shelf/contents").json()
    assert [(one["path"], one["type"]) for one in root] == [("README.md", "file"), ("src", "dir")]
    assert [one["path"] for one in http.get("/repos/acme/shelf/contents/src").json()] == ["src/a.py"]
    assert http.get("/repos/acme/shelf/readme").json()["path"] == "README.md"
    raw = {"Accept": "application/vnd.github.raw+json"}
    assert http.get("/repos/acme/shelf/contents/src/a.py", headers=raw).content == b"print()\n"
    assert http.get("/repos/acme/shelf/contents/src", params={"ref": "nowhere"}).status_code == 404


def test_the_given_author_writes_the_commit(hub: Hub, http: httpx.Client) -> None:
    hub.create("signed", auto_init=True)
    author = {"name": "Anna", "email": "anna@example.org"}
    body = {"message": "m", "content": "", "author": author}
    made = http.put("/repos/acme/signed/contents/a", json=body).json()["commit"]
    assert {name: made["author"][name] for name in author} == author
    by_caller = http.put("/repos/acme/signed/contents/b", json={"message": "m", "content": ""}).json()
    assert by_caller["commit"]["author"]["name"] == "player"


def test_a_branch_is_found_by_its_whole_name_alone(hub: Hub, http: httpx.Client) -> None:
    hub.create("names", auto_init=True)
    start_branch(http, "names", "feature-2")
    start_branch(http, "names", "team/x")
    base = "/repos/acme/names"
    assert http.get(f"{base}/branches/feature").status_code == 404
    assert http.get(f"{base}/git/ref/heads/feature").status_code == 404
    assert http.get(f"{base}/branches/team/x").json()["name"] == "team/x"
    shown = http.get(f"{base}/branches/feature-2").json()
    assert (shown["commit"]["sha"], shown["protected"]) == (tip(http, "names"), False)
    assert http.get(f"{base}/branches/main/protection").json()["message"] == "Branch not protected"
    matching = http.get(f"{base}/git/matching-refs/heads/feature").json()
    assert [one["ref"] for one in matching] == ["refs/heads/feature-2"]
    listed = http.get(f"{base}/branches", params={"per_page": 2})
    assert [one["name"] for one in listed.json()] == ["feature-2", "main"]
    assert 'rel="next"' in listed.headers["link"]


def test_refs_are_made_moved_and_deleted(hub: Hub, http: httpx.Client) -> None:
    hub.create("refs", auto_init=True)
    base, first = "/repos/acme/refs", tip(http, "refs")
    second = put_file(http, "refs", "a", "x")
    made = http.post(f"{base}/git/refs", json={"ref": "refs/heads/dev", "sha": first})
    assert (made.status_code, made.json()["object"]) == (
        201,
        {"type": "commit", "sha": first, "url": f"{hub.url}{base}/git/commits/{first}"},
    )
    moved = http.patch(f"{base}/git/refs/heads/dev", json={"sha": second})
    assert (moved.status_code, tip(http, "refs", "dev")) == (200, second)
    back = http.patch(f"{base}/git/refs/heads/dev", json={"sha": first})
    assert (back.status_code, back.json()["message"]) == (422, "Update is not a fast forward")
    assert http.patch(f"{base}/git/refs/heads/dev", json={"sha": first, "force": True}).status_code == 200
    assert http.delete(f"{base}/git/refs/heads/dev").status_code == 204
    assert http.get(f"{base}/git/ref/heads/dev").status_code == 404
    assert [one["forced"] for one in told(hub, "push")][-3:] == [False, True, False]
    assert told(hub, "push")[-1]["after"] == ZERO_SHA
    assert http.post(f"{base}/git/refs", json={"ref": "refs/tags/v1", "sha": first}).status_code == 201
    assert [one["name"] for one in http.get(f"{base}/tags").json()] == ["v1"]


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("POST", "", {"ref": "refs/heads/main"}, "already exists"),
        ("POST", "", {"ref": "main"}, "must start with"),
        ("POST", "", {"ref": "refs/pull/1/head"}, "must start with"),
        ("POST", "", {"ref": "refs/heads/a..b"}, "valid name"),
        ("POST", "", {"ref": "refs/heads/x", "sha": "1" * 40}, "Object does not exist"),
        ("PATCH", "/heads/nowhere", {}, "Reference does not exist"),
        ("PATCH", "/pull/1/head", {}, "cannot be updated"),
        ("DELETE", "/heads/nowhere", {}, "Reference does not exist"),
        ("DELETE", "/heads/main", {}, "default branch"),
    ],
)
def test_bad_changes_of_refs_say_why(
    hub: Hub, http: httpx.Client, method: str, path: str, body: dict[str, str], words: str
) -> None:
    if http.get("/repos/acme/guarded").status_code == 404:
        hub.create("guarded", auto_init=True)
    whole = {"sha": tip(http, "guarded"), **body}
    answer = http.request(method, f"/repos/acme/guarded/git/refs{path}", json=whole)
    assert (answer.status_code, words in answer.json()["message"]) == (422, True)


def test_commits_are_listed_paged_and_shown_with_their_files(hub: Hub, http: httpx.Client) -> None:
    hub.create("story", auto_init=True)
    base = "/repos/acme/story"
    made = [put_file(http, "story", f"{number}.txt", f"{number}\n") for number in range(3)]
    listed = http.get(f"{base}/commits", params={"per_page": 2})
    assert [one["sha"] for one in listed.json()] == [made[2], made[1]]
    assert f"<{hub.url}{base}/commits?per_page=2&page=2>" in listed.headers["link"]
    only = http.get(f"{base}/commits", params={"path": "1.txt"}).json()
    assert [one["sha"] for one in only] == [made[1]]
    assert http.get(f"{base}/commits", params={"sha": made[0]}).json()[0]["sha"] == made[0]
    for name in (made[1], made[1][:10]):
        shown = http.get(f"{base}/commits/{name}").json()
        assert shown["stats"] == {"total": 1, "additions": 1, "deletions": 0}
        assert [(one["filename"], one["status"]) for one in shown["files"]] == [("1.txt", "added")]
        assert shown["files"][0]["patch"] == "@@ -0,0 +1 @@\n+1"
        assert [one["sha"] for one in shown["parents"]] == [made[0]]
    assert http.get(f"{base}/commits/nothing").status_code == 422


def test_comparison_of_branches(hub: Hub, http: httpx.Client) -> None:
    hub.create("compared", auto_init=True)
    base, start = "/repos/acme/compared", tip(http, "compared")
    start_branch(http, "compared", "team/side")
    put_file(http, "compared", "main.txt", "m\n")
    side = put_file(http, "compared", "side.txt", "s\n", branch="team/side")
    found = http.get(f"{base}/compare/main...team/side").json()
    assert (found["status"], found["ahead_by"], found["behind_by"]) == ("diverged", 1, 1)
    assert (found["merge_base_commit"]["sha"], [one["sha"] for one in found["commits"]]) == (start, [side])
    assert [one["filename"] for one in found["files"]] == ["side.txt"]
    assert http.get(f"{base}/compare/acme:main...acme:main").json()["status"] == "identical"
    assert http.get(f"{base}/compare/{start}...main").json()["status"] == "ahead"
    assert http.get(f"{base}/compare/main...{start}").json()["status"] == "behind"
    assert http.get(f"{base}/compare/main...nowhere").status_code == 404


def test_a_comparison_comes_in_pages_with_its_files_on_the_first(hub: Hub, http: httpx.Client) -> None:
    hub.create("paged", auto_init=True)
    start, git = tip(http, "paged"), hub.core.git(hub.repo("paged"))
    ann = Person("Ann", "ann@acme.test")
    made = git.commit([NewCommit(f"{n}", {f"{n}.txt": b"1"}, ann, 1_700_000_000 + n) for n in range(260)])
    path, found = f"/repos/acme/paged/compare/{start}...{made[-1]}", []
    for number, (count, files) in enumerate(((100, 260), (100, 0), (60, 0)), start=1):
        page = http.get(path, params={"per_page": 100, "page": number})
        assert (len(page.json()["commits"]), len(page.json()["files"])) == (count, files)
        assert page.json()["total_commits"] == 260
        assert ('rel="next"' in page.headers["link"]) is (number < 3)
        found += [one["sha"] for one in page.json()["commits"]]
    assert found == made
    assert page.json()["commits"][0]["author"] is None, "an address proves no account"


def test_an_author_is_an_account_by_its_own_address_alone(hub: Hub, http: httpx.Client) -> None:
    hub.create("authors", auto_init=True)
    put_file(http, "authors", "a.txt", "a")
    author = http.get("/repos/acme/authors/commits/main").json()["author"]
    assert (author["type"], author["login"] != "", author["id"] > 0) == ("User", True, True)
    robot = Person("x", "49699333+dependabot[bot]@users.noreply.localhost")
    hub.core.git(hub.repo("authors")).commit([NewCommit("b", {"b": b"1"}, robot, 1_800_000_000)])
    author = http.get("/repos/acme/authors/commits/main").json()["author"]
    assert (author["type"], author["login"], author["id"]) == ("Bot", "dependabot[bot]", 49_699_333)


def test_git_objects_are_read(hub: Hub, http: httpx.Client) -> None:
    hub.create("objects", auto_init=True)
    base = "/repos/acme/objects"
    sha = put_file(http, "objects", "src/a.py", "a\n")
    commit = http.get(f"{base}/git/commits/{sha}").json()
    listed = http.get(f"{base}/git/trees/{commit['tree']['sha']}", params={"recursive": "1"}).json()
    assert listed["sha"] == commit["tree"]["sha"]
    assert [one["path"] for one in listed["tree"]] == ["README.md", "src", "src/a.py"]
    flat = http.get(f"{base}/git/trees/main").json()
    assert [one["path"] for one in flat["tree"]] == ["README.md", "src"]
    blob = http.get(f"{base}/git/blobs/{listed['tree'][2]['sha']}").json()
    assert (base64.b64decode(blob["content"]), blob["size"]) == (b"a\n", 2)
    assert http.get(f"{base}/git/blobs/{sha}").status_code == 404
    assert http.get(f"{base}/git/commits/{listed['sha']}").status_code == 404


def test_the_same_under_the_enterprise_prefix_and_by_id(hub: Hub, http: httpx.Client) -> None:
    number = hub.create("many-ways", auto_init=True)
    plain = http.get("/repos/acme/many-ways/contents/README.md").json()
    assert http.get(f"/repositories/{number}/contents/README.md").json()["sha"] == plain["sha"]
    enterprise = http.get("/api/v3/repos/acme/many-ways/contents/README.md").json()
    assert enterprise["url"] == plain["url"].replace(hub.url, f"{hub.url}/api/v3")


def test_a_former_name_leads_reads_and_writes_on(hub: Hub, http: httpx.Client) -> None:
    number = hub.create("was", auto_init=True)
    hub.rename(number, "is")
    read = http.get("/repos/acme/was/contents/README.md")
    assert read.status_code == 301
    assert read.headers["location"] == f"{hub.url}/repositories/{number}/contents/README.md"
    body = {"message": "m", "content": as_base64("x")}
    written = http.put("/repos/acme/was/contents/new", json=body)
    assert written.status_code == 307
    assert http.put(written.headers["location"], json=body).status_code == 201
    assert http.get("/repos/acme/is/contents/new").status_code == 200


def test_an_archived_repository_is_read_only(hub: Hub, http: httpx.Client) -> None:
    hub.create("archive", auto_init=True)
    sha = tip(http, "archive")
    hub.archive("archive")
    base = "/repos/acme/archive"
    assert http.get(f"{base}/contents/README.md").status_code == 200
    refused = [
        http.put(f"{base}/contents/a", json={"message": "m", "content": ""}),
        http.post(f"{base}/git/refs", json={"ref": "refs/heads/x", "sha": sha}),
        http.delete(f"{base}/git/refs/heads/main"),
        http.post(f"{base}/statuses/{sha}", json={"state": "success"}),
        http.post(f"{base}/pulls", json={"title": "t", "head": "x", "base": "main"}),
    ]
    assert [one.status_code for one in refused] == [403] * 5
    assert "archived" in refused[0].json()["message"]
    assert tip(http, "archive") == sha
