"""git itself against localhub: clone, push and fetch over HTTP, and what a push tells. Needs git on PATH, and /proc."""

import gzip
import os
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from time import monotonic

import httpx
import pytest

from localhub import pushes
from localhub.gitstore import ZERO_SHA, NewCommit, Person, RefMove, git_environment, moves
from localhub.testing import Hub
from tests.localhub import git_kit
from tests.localhub.git_kit import told

WHO = {
    "GIT_AUTHOR_NAME": "Anna",
    "GIT_AUTHOR_EMAIL": "anna@example.org",
    "GIT_COMMITTER_NAME": "Anna",
    "GIT_COMMITTER_EMAIL": "anna@example.org",
}


@pytest.fixture(scope="module")
def running() -> Iterator[Hub]:
    with git_kit.running() as hub:
        yield hub


@pytest.fixture
def hub(running: Hub) -> Hub:
    running.core.store.run("DELETE FROM delivery")
    running.clear_faults()
    return running


def git(*args: str, cwd: Path | None = None, fails: bool = False) -> str:
    done = subprocess.run(
        ["git", *args], cwd=cwd, env=git_environment(WHO), capture_output=True, check=False, text=True
    )
    assert (done.returncode != 0) is fails, done.stderr
    return done.stdout.strip() if not fails else done.stderr


def address(hub: Hub, name: str, token: str | None = None) -> str:
    return hub.url.replace("http://", f"http://x-access-token:{token or hub.token}@") + f"/acme/{name}"


def clone(hub: Hub, name: str, where: Path) -> Path:
    git("clone", "--quiet", address(hub, f"{name}.git"), str(where))
    return where


def add_commit(work: Path, path: str, content: bytes, message: str) -> str:
    (work / path).write_bytes(content)
    git("add", ".", cwd=work)
    git("commit", "--quiet", "-m", message, cwd=work)
    return git("rev-parse", "HEAD", cwd=work)


def test_a_push_moves_the_branch_and_is_told_with_its_commits(hub: Hub, tmp_path: Path) -> None:
    repo_id = hub.create("pushed", auto_init=True, created_at="2024-05-01T00:00:00Z")
    before = hub.core.git(hub.repo(repo_id)).heads()["main"]
    work = clone(hub, "pushed", tmp_path / "w")
    one = add_commit(work, "a.txt", b"a\n", "Add a")
    (work / "README.md").unlink()
    two = add_commit(work, "a.txt", b"b\n", "Change a")
    git("push", "--quiet", cwd=work)
    (push,) = told(hub, "push")
    assert (push["ref"], push["before"], push["after"]) == ("refs/heads/main", before, two)
    assert (push["created"], push["deleted"], push["forced"]) == (False, False, False)
    assert [(each["id"], each["message"]) for each in push["commits"]] == [(one, "Add a"), (two, "Change a")]
    assert push["commits"][0]["added"] == ["a.txt"]
    assert push["head_commit"]["modified"] == ["a.txt"]
    assert push["head_commit"]["removed"] == ["README.md"]
    assert push["pusher"]["name"] == push["sender"]["login"] == "player"
    assert push["sender"]["type"] == "User"
    assert isinstance(push["repository"]["pushed_at"], int)
    assert push["repository"]["id"] == repo_id
    assert push["organization"]["login"] == "acme"
    pushed_at = hub.repo(repo_id).pushed_at
    assert pushed_at is not None
    assert pushed_at > "2024-05-01T00:00:00Z"


def test_branches_and_tags_that_come_and_go_are_told(hub: Hub, tmp_path: Path) -> None:
    hub.create("branchy", auto_init=True)
    work = clone(hub, "branchy", tmp_path / "w")
    git("tag", "v1", cwd=work)
    git("push", "--quiet", "origin", "HEAD:refs/heads/dev", "v1", cwd=work)
    assert [(one["ref"], one["ref_type"]) for one in told(hub, "create")] == [
        ("dev", "branch"),
        ("v1", "tag"),
    ]
    assert all(one["created"] for one in told(hub, "push"))
    git("push", "--quiet", "origin", ":dev", cwd=work)
    assert [(one["ref"], one["ref_type"]) for one in told(hub, "delete")] == [("dev", "branch")]
    last = told(hub, "push")[-1]
    assert (last["ref"], last["after"], last["deleted"], last["head_commit"]) == (
        "refs/heads/dev",
        ZERO_SHA,
        True,
        None,
    )


def test_a_forced_push_says_so(hub: Hub, tmp_path: Path) -> None:
    hub.create("forced", auto_init=True)
    work = clone(hub, "forced", tmp_path / "w")
    git("commit", "--quiet", "--amend", "-m", "Another start", cwd=work)
    assert "rejected" in git("push", "--quiet", cwd=work, fails=True)
    git("push", "--quiet", "--force", cwd=work)
    assert [one["forced"] for one in told(hub, "push")] == [True]


def test_a_push_that_moves_nothing_tells_nothing(hub: Hub, tmp_path: Path) -> None:
    repo_id = hub.create("still", auto_init=True)
    before = hub.repo(repo_id)
    work = clone(hub, "still", tmp_path / "w")
    git("push", "--quiet", cwd=work)
    assert told(hub, "push") == []
    assert hub.repo(repo_id) == before


def test_the_first_push_names_the_default_branch(hub: Hub, tmp_path: Path) -> None:
    repo_id = hub.create("fresh")
    work = tmp_path / "w"
    git("init", "--quiet", "--initial-branch=trunk", str(work))
    add_commit(work, "a", b"", "Start")
    git("push", "--quiet", address(hub, "fresh"), "trunk", cwd=work)
    assert hub.repo(repo_id).default_branch == "trunk"
    assert git("rev-parse", "--abbrev-ref", "HEAD", cwd=clone(hub, "fresh", tmp_path / "again")) == "trunk"


def test_a_private_repository_needs_a_token_that_sees_it(hub: Hub, tmp_path: Path) -> None:
    hub.create("secret", auto_init=True, visibility="private")
    where = str(tmp_path / "w")
    assert "could not read Username" in git("clone", f"{hub.url}/acme/secret", where, fails=True)
    blind = hub.add_token("blind-token", scopes=["public_repo"], login="other")
    assert "not found" in git("clone", address(hub, "secret", blind), where, fails=True)
    wrong = git("clone", address(hub, "secret", "wrong-token"), where, fails=True)
    assert "Authentication failed" in wrong
    git("clone", "--quiet", address(hub, "secret"), where)


def test_anybody_reads_a_public_repository_and_only_a_token_writes(hub: Hub, tmp_path: Path) -> None:
    hub.create("open", auto_init=True, visibility="public")
    work = tmp_path / "w"
    git("clone", "--quiet", f"{hub.url}/acme/open", str(work))
    tip = add_commit(work, "a", b"", "More")
    assert "could not read Username" in git("push", cwd=work, fails=True)
    reader = hub.add_token("reader-token", scopes=[], login="other")
    assert "403" in git("push", address(hub, "open", reader), "main", cwd=work, fails=True)
    assert tip not in hub.core.git(hub.repo("open")).heads().values()
    git("push", "--quiet", address(hub, "open").replace("x-access-token", "anyone"), "main", cwd=work)
    assert hub.core.git(hub.repo("open")).heads() == {"main": tip}


def test_an_archived_repository_is_read_and_not_written(hub: Hub, tmp_path: Path) -> None:
    hub.create("old", auto_init=True)
    work = clone(hub, "old", tmp_path / "w")
    hub.archive("old")
    add_commit(work, "a", b"", "Late")
    assert "archived so is read-only" in git("push", cwd=work, fails=True)
    git("fetch", "--quiet", cwd=work)
    assert told(hub, "push") == []


def test_a_former_name_leads_on_until_it_is_used_again(hub: Hub, tmp_path: Path) -> None:
    hub.create("first-name", auto_init=True)
    work = clone(hub, "first-name", tmp_path / "w")
    hub.rename("first-name", "second-name")
    tip = add_commit(work, "a", b"", "After the rename")
    git("push", "--quiet", cwd=work)
    assert hub.core.git(hub.repo("second-name")).heads() == {"main": tip}
    hub.create("first-name")
    assert git("ls-remote", address(hub, "first-name")) == ""


def test_a_deleted_repository_is_not_found_and_comes_back_whole(hub: Hub, tmp_path: Path) -> None:
    repo_id = hub.create("gone", auto_init=True)
    head = git("ls-remote", address(hub, "gone"), "HEAD")
    hub.delete(repo_id)
    assert "not found" in git("ls-remote", address(hub, "gone"), fails=True)
    hub.restore(repo_id)
    assert git("ls-remote", address(hub, "gone"), "HEAD") == head


def test_large_packs_shallow_and_partial_clones_pass(hub: Hub, tmp_path: Path) -> None:
    hub.create("large", auto_init=True)
    work = clone(hub, "large", tmp_path / "w")
    content = os.urandom(3_000_000)  # more than git sends at once: it comes in chunks without a length
    add_commit(work, "big.bin", content, "Something big")
    git("push", "--quiet", cwd=work)
    shallow = tmp_path / "shallow"
    git("clone", "--quiet", "--depth=1", address(hub, "large"), str(shallow))
    assert (shallow / "big.bin").read_bytes() == content
    assert git("rev-list", "--count", "HEAD", cwd=shallow) == "1"
    partial = tmp_path / "partial"
    git("clone", "--quiet", "--filter=blob:none", "--no-checkout", address(hub, "large"), str(partial))
    assert "big.bin" in git("ls-tree", "--name-only", "HEAD", cwd=partial)
    assert not any(one.stat().st_size > 1_000_000 for one in (partial / ".git").rglob("*.pack"))


def test_a_client_that_goes_away_ends_what_git_did_for_it(hub: Hub) -> None:
    number = hub.create("left", auto_init=True, visibility="public")
    repo = hub.core.git(hub.repo(number))
    big = NewCommit("Big", {"big": os.urandom(20_000_000)}, Person("Anna", "anna@example.org"), 1)
    (head,) = repo.commit([big])
    want = f"want {head} no-progress\n".encode()
    body = b"%04x%b" % (len(want) + 4, want) + b"00000009done\n"
    head_lines = (
        f"Host: x\r\nContent-Type: application/x-git-upload-pack-request\r\nContent-Length: {len(body)}"
    )
    with socket.create_connection(("127.0.0.1", int(hub.url.rsplit(":", 1)[1]))) as client:
        client.sendall(
            f"POST /acme/left.git/git-upload-pack HTTP/1.1\r\n{head_lines}\r\n\r\n".encode() + body
        )
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        assert len(children()) == 1
    deadline = monotonic() + 5
    while children() and monotonic() < deadline:
        Event().wait(0.02)
    assert children() == []


def children() -> list[str]:
    """The process ids of this process's children that are git (Linux: from /proc)."""
    tasks = [task / "children" for task in Path("/proc/self/task").iterdir()]
    found = [child for listed in tasks if listed.exists() for child in listed.read_text().split()]
    return [child for child in found if _program(child).startswith("git")]


def _program(process: str) -> str:
    """The name of what runs there; "" if it has ended."""
    try:
        return Path(f"/proc/{process}/comm").read_text()
    except OSError:
        return ""


def test_a_push_that_breaks_off_moves_nothing(hub: Hub) -> None:
    hub.create("broken", auto_init=True)
    before = hub.core.git(hub.repo("broken")).heads()
    lines = (
        "POST /acme/broken.git/git-receive-pack HTTP/1.1",
        "Host: x",
        f"Authorization: Bearer {hub.token}",
        "Content-Type: application/x-git-receive-pack-request",
        "Content-Length: 100000",
    )
    with socket.create_connection(("127.0.0.1", int(hub.url.rsplit(":", 1)[1]))) as client:
        client.sendall("\r\n".join([*lines, "", "0000"]).encode())
    work = httpx.get(f"{hub.url}/repos/acme/broken/branches", headers=hub.headers)
    assert [one["commit"]["sha"] for one in work.json()] == list(before.values())
    assert told(hub, "push") == []


def test_a_compressed_request_is_understood(hub: Hub) -> None:
    hub.create("zipped", auto_init=True)
    head = hub.core.git(hub.repo("zipped")).heads()["main"]
    want = f"want {head} no-progress\n".encode()
    body = b"%04x%b" % (len(want) + 4, want) + b"00000009done\n"
    headers = {
        "Content-Type": "application/x-git-upload-pack-request",
        "Content-Encoding": "gzip",
        **hub.headers,
    }
    url = f"{hub.url}/acme/zipped.git/git-upload-pack"
    answer = httpx.post(url, content=gzip.compress(body), headers=headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-git-upload-pack-result"
    assert b"PACK" in answer.content


def test_the_protocol_version_is_passed_on(hub: Hub) -> None:
    hub.create("versioned", auto_init=True)
    url = f"{hub.url}/acme/versioned.git/info/refs?service=git-upload-pack"
    second = httpx.get(url, headers={**hub.headers, "Git-Protocol": "version=2"})
    assert b"version 2" in second.content
    assert b"version 2" not in httpx.get(url, headers=hub.headers).content


def test_the_dumb_protocol_is_refused(hub: Hub) -> None:
    hub.create("dumb", auto_init=True, visibility="public")
    answer = httpx.get(f"{hub.url}/acme/dumb.git/info/refs")
    assert answer.status_code == 403
    assert "git client" in answer.text


def test_a_pull_requests_ref_cannot_be_pushed_to(hub: Hub, tmp_path: Path) -> None:
    hub.create("guarded", auto_init=True)
    work = clone(hub, "guarded", tmp_path / "w")
    assert "hidden ref" in git("push", "origin", "HEAD:refs/pull/1/head", cwd=work, fails=True)


def test_pushes_and_writes_at_once_lose_nothing(hub: Hub, tmp_path: Path) -> None:
    hub.create("busy", auto_init=True)
    works = [clone(hub, "busy", tmp_path / f"w{number}") for number in range(4)]
    for number, work in enumerate(works):
        add_commit(work, f"pushed-{number}", b"", "Push")
    url = f"{hub.url}/repos/acme/busy/contents"

    def push(number: int) -> None:
        git("push", "--quiet", "origin", f"HEAD:refs/heads/side-{number}", cwd=works[number])

    def put(number: int) -> None:
        body = {"message": "Put", "content": ""}
        httpx.put(f"{url}/put-{number}", json=body, headers=hub.headers).raise_for_status()

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(act, number) for number in range(4) for act in (push, put)]:
            done.result()
    names = {one["name"] for one in httpx.get(url, headers=hub.headers).json()}
    assert names == {"README.md", "put-0", "put-1", "put-2", "put-3"}
    assert set(hub.core.git(hub.repo("busy")).heads()) == {"main", "side-0", "side-1", "side-2", "side-3"}
    assert len(told(hub, "push")) == 8


def test_a_slow_push_does_not_undo_a_rename_meanwhile(hub: Hub, tmp_path: Path) -> None:
    number = hub.create("before", auto_init=True)
    stale = hub.repo(number)
    hub.rename(number, "after")
    git_repo = hub.core.git(stale)
    tip = git_repo.heads()["main"]
    sender = hub.core.tokens.caller(f"Bearer {hub.token}")
    pushes.move_ref(hub.core, sender, stale, RefMove("refs/heads/late", ZERO_SHA, tip))
    assert hub.repo(number).name == "after"
    hub.delete(number)
    pushes.move_ref(hub.core, sender, stale, RefMove("refs/heads/later", ZERO_SHA, tip))
    assert [one["ref"] for one in told(hub, "push")] == ["refs/heads/late"]


def test_a_file_is_downloaded_from_the_address_that_is_told(hub: Hub) -> None:
    hub.create("served", auto_init=True)
    api = f"{hub.url}/repos/acme/served"
    head = httpx.get(f"{api}/git/ref/heads/main", headers=hub.headers).json()["object"]["sha"]
    httpx.post(f"{api}/git/refs", json={"ref": "refs/heads/team/x", "sha": head}, headers=hub.headers)
    for ref in ("main", "team/x", head):
        told_at = httpx.get(f"{api}/contents/README.md", params={"ref": ref}, headers=hub.headers).json()
        assert httpx.get(told_at["download_url"]).status_code == 401
        assert httpx.get(told_at["download_url"], headers=hub.headers).content == b"# served\n"
    assert httpx.get(f"{hub.url}/acme/served/raw/main/nothing", headers=hub.headers).status_code == 404
    hub.rename("served", "serving")
    moved = httpx.get(f"{hub.url}/acme/served/raw/main/README.md", headers=hub.headers)
    assert moved.headers["location"] == f"{hub.url}/acme/serving/raw/main/README.md"


def test_all_of_it_is_there_after_a_restart(tmp_path: Path) -> None:
    with Hub(orgs=["acme"], data_dir=tmp_path / "data") as first:
        number = first.create("kept", auto_init=True)
        work = clone(first, "kept", tmp_path / "w")
        add_commit(work, "a", b"", "Kept")
        git("push", "--quiet", "origin", "HEAD:refs/heads/dev", cwd=work)
        body = {"title": "Kept", "head": "dev", "base": "main"}
        opened = httpx.post(f"{first.url}/repos/acme/kept/pulls", json=body, headers=first.headers).json()
        heads = first.core.git(first.repo(number)).heads()
    with Hub(orgs=["acme"], data_dir=tmp_path / "data") as second:
        assert second.core.git(second.repo(number)).heads() == heads
        pulls = httpx.get(f"{second.url}/repos/acme/kept/pulls", headers=second.headers).json()
        assert [(one["id"], one["title"]) for one in pulls] == [(opened["id"], "Kept")]
        git("clone", "--quiet", address(second, "kept"), str(tmp_path / "again"))


def test_moves_names_what_differs() -> None:
    before = {"refs/heads/a": "1", "refs/heads/b": "2"}
    after = {"refs/heads/b": "3", "refs/heads/c": "4"}
    found = [(one.ref, one.before, one.after) for one in moves(before, after)]
    assert found == [
        ("refs/heads/a", "1", ZERO_SHA),
        ("refs/heads/b", "2", "3"),
        ("refs/heads/c", ZERO_SHA, "4"),
    ]
