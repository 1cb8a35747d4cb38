"""GitWorkshop against localhub over HTTP: clone, commit, take, diff, push, export, revert."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from localhub import gitmerge, pushes
from localhub.gitstore import NewCommit, Person
from localhub.testing import Hub
from steward.adapters.git import GitWorkshop
from steward.adapters.git.program import environment
from steward.ports.building import Blocked, Diff, MovedOn, Workshop
from steward.ports.errors import Permanent, Transient, Unauthorised, Unreachable

AUTHOR = "Ann Agent <ann@acme.test>"


class Bench:
    """A localhub with the repository `shop`, and a workshop beside it."""

    def __init__(self, hub: Hub, root: Path) -> None:
        self.hub = hub
        self.root = root
        self.shop: Workshop = GitWorkshop(root / "git", timeout_s=60)
        self.id = hub.create("shop", auto_init=True)
        self.address = f"{hub.url}/acme/shop.git"
        self.token = hub.token
        self._clones = 0

    def tip(self, branch: str = "main") -> str | None:
        return self.hub.core.git(self.hub.repo(self.id)).ref(f"refs/heads/{branch}")

    def commit(self, files: Mapping[str, bytes | None], branch: str = "main") -> str:
        """Somebody else's commit on the forge."""
        new = NewCommit("theirs", dict(files), Person("Bob", "bob@acme.test"), 1_700_000_000, branch)
        return pushes.commit(self.hub.core, self.hub._player(), self.hub.repo(self.id), new)

    def clone(self, branch: str = "steward/op-1", base: str | None = None) -> Path:
        self._clones += 1
        into = self.root / f"clone-{self._clones}"
        self.shop.clone(self.id, self.address, self.token, base or self.tip() or "", into, branch)
        return into

    def work(self, files: Mapping[str, bytes], branch: str = "steward/op-1", base: str | None = None) -> str:
        """A commit of ours, taken out of a clone."""
        clone = self.clone(branch, base)
        for name, data in files.items():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            (clone / name).write_bytes(data)
        assert self.shop.commit_all(clone, "Work\n\nBecause.", AUTHOR) is not None
        sha = self.shop.take(self.id, clone, branch)
        assert sha is not None
        return sha

    def push(self, sha: str, expected: str | None, branch: str = "steward/op-1") -> None:
        self.shop.push(self.id, self.address, self.token, sha, branch, expected)


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with Hub() as made:
        yield made


@pytest.fixture
def bench(hub: Hub, tmp_path: Path) -> Iterator[Bench]:
    yield Bench(hub, tmp_path)
    hub.clear_faults()
    hub.delete("shop")


def git(where: Path, *args: str) -> str:
    """Git as somebody at that clone would run it."""
    env = environment() | {"GIT_CONFIG_COUNT": "0"}
    done = subprocess.run(["git", *args], cwd=where, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def everything_under(root: Path) -> bytes:
    return b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())


def test_a_clone_has_its_branch_at_the_base_and_neither_remote_nor_credential(bench: Bench) -> None:
    clone = bench.clone()
    assert git(clone, "rev-parse", "HEAD") == bench.tip()
    assert git(clone, "symbolic-ref", "HEAD") == "refs/heads/steward/op-1"
    assert git(clone, "status", "--porcelain") == ""
    assert (clone / "README.md").is_file()
    assert git(clone, "remote") == ""
    kept = everything_under(bench.root)
    assert bench.token.encode() not in kept
    assert b"extraHeader" not in kept
    assert bench.hub.url.encode() not in everything_under(clone)


def test_a_branch_of_the_forge_may_be_named_as_base_and_a_wrong_one_is_told(bench: Bench) -> None:
    assert git(bench.clone(base="main"), "rev-parse", "HEAD") == bench.tip()
    for base in ("none", "1" * 40, "../x"):
        with pytest.raises(Permanent):
            bench.clone(base=base)
    (bench.root / "full").mkdir()
    (bench.root / "full" / "file").touch()
    with pytest.raises(Permanent, match="not empty"):
        bench.shop.clone(bench.id, bench.address, bench.token, "main", bench.root / "full", "b")


def test_what_a_killed_attempt_left_is_not_in_the_way(bench: Bench) -> None:
    left = bench.root / ".again.part" / ".git"
    left.mkdir(parents=True)
    (left / "config").write_text("[core")
    into = bench.root / "again"
    into.mkdir()
    bench.shop.clone(bench.id, bench.address, bench.token, "main", into, "b")
    assert git(into, "status", "--porcelain") == ""
    assert not left.exists()
    with pytest.raises(Permanent, match="not empty"):
        bench.shop.export(bench.id, bench.address, bench.token, "main", into)


def test_a_branch_below_the_name_of_one_that_is_gone_is_pushed(bench: Bench) -> None:
    bench.commit({"a": b"1"}, "steward")
    sha = bench.work({"b": b"1"}, base="main")
    repo = bench.hub.core.git(bench.hub.repo(bench.id))
    repo.set_ref("refs/heads/steward", "0" * 40, repo.ref("refs/heads/steward") or "")
    bench.push(sha, None)
    assert bench.tip("steward/op-1") == sha
    assert git(bench.clone("c", "steward/op-1"), "rev-parse", "HEAD") == sha


def test_what_is_committed_in_a_clone_is_taken_looked_at_and_pushed(bench: Bench) -> None:
    base = bench.tip() or ""
    clone = bench.clone()
    assert bench.shop.commit_all(clone, "nothing", AUTHOR) is None
    (clone / "app.py").write_text("one\ntwo\n")
    (clone / "README.md").unlink()
    (clone / "ü b.bin").write_bytes(bytes(range(256)))
    made = bench.shop.commit_all(clone, "Work", AUTHOR)
    assert git(clone, "log", "-1", "--format=%an <%ae> %s") == f"{AUTHOR} Work"
    assert git(clone, "status", "--porcelain") == ""
    assert bench.shop.take(bench.id, clone, "steward/op-1") == made
    assert bench.shop.take(bench.id, clone, "steward/op-1") == made
    assert bench.shop.take(bench.id, clone, "steward/none") is None
    found = bench.shop.diff(bench.id, base, made or "")
    assert found == Diff({"README.md": "D", "app.py": "A", "ü b.bin": "A"}, 2, found.removed)
    assert found.removed > 0
    assert bench.shop.is_ancestor(bench.id, base, made or "")
    assert not bench.shop.is_ancestor(bench.id, made or "", base)
    bench.push(made or "", None)
    assert bench.tip("steward/op-1") == made


def test_packed_branches_are_taken_too(bench: Bench) -> None:
    clone = bench.clone()
    (clone / "a").write_text("1")
    made = bench.shop.commit_all(clone, "Work", AUTHOR)
    git(clone, "gc", "--quiet")
    assert not (clone / ".git" / "refs" / "heads" / "steward" / "op-1").exists()
    assert bench.shop.take(bench.id, clone, "steward/op-1") == made


def test_a_push_is_made_once_and_only_from_where_the_branch_was_seen(bench: Bench) -> None:
    first = bench.work({"a": b"1"})
    bench.push(first, None)
    bench.push(first, None)
    second = bench.work({"b": b"2"}, base=first)
    with pytest.raises(MovedOn) as moved:
        bench.push(second, None)
    assert moved.value.found == first
    bench.push(second, first)
    bench.push(second, first)
    theirs = bench.commit({"c": b"3"}, "steward/op-1")
    rebased = bench.work({"d": b"4"})
    with pytest.raises(MovedOn) as moved:
        bench.push(rebased, second)
    assert (moved.value.expected, moved.value.found) == (second, theirs)
    assert bench.tip("steward/op-1") == theirs
    bench.push(rebased, theirs)
    assert bench.tip("steward/op-1") == rebased


def test_a_branch_that_is_gone_is_told_and_a_commit_that_is_not_here_refused(bench: Bench) -> None:
    sha = bench.work({"a": b"1"})
    with pytest.raises(MovedOn) as moved:
        bench.push(sha, bench.tip())
    assert moved.value.found == "0" * 40
    with pytest.raises(Permanent, match="not here"):
        bench.push("1" * 40, None)
    with pytest.raises(Permanent, match="not here"):
        bench.shop.diff(bench.id, "1" * 40, sha)


class LosingProxy(ThreadingHTTPServer):
    """Passes requests on to localhub; once the server has taken a push, it breaks off before the answer."""

    def __init__(self, to: str, times: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.to = to
        self.left = times


class _Passing(BaseHTTPRequestHandler):
    def _pass_on(self) -> None:
        assert isinstance(self.server, LosingProxy)
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        kept = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        answer = httpx.request(self.command, f"{self.server.to}{self.path}", content=body, headers=kept)
        if self.path.endswith("/git-receive-pack") and len(body) > 10 and self.server.left > 0:
            self.server.left -= 1
            self.close_connection = True
            return
        self.send_response(answer.status_code)
        self.send_header("content-type", answer.headers["content-type"])
        if "www-authenticate" in answer.headers:
            self.send_header("www-authenticate", answer.headers["www-authenticate"])
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = _pass_on  # noqa: N815 # the names that http.server calls

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the name that http.server gives
        """Nothing."""


def test_a_push_whose_answer_is_lost_is_found_done(bench: Bench) -> None:
    sha = bench.work({"a": b"1"})
    with LosingProxy(bench.hub.url, times=1) as proxy:
        serving = threading.Thread(target=proxy.serve_forever, args=(0.01,))
        serving.start()
        bench.address = f"http://127.0.0.1:{proxy.server_port}/acme/shop.git"
        bench.push(sha, None)
        assert (proxy.left, bench.tip("steward/op-1")) == (0, sha)
        bench.push(sha, None)
        proxy.shutdown()
        serving.join(10)


def hook(bench: Bench, words: str) -> Path:
    """A rule of the server's, as GitHub tells one."""
    path = bench.hub.core.git(bench.hub.repo(bench.id)).path / "hooks" / "pre-receive"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{words}' >&2\nexit 1\n")
    path.chmod(0o755)
    return path


def test_a_rule_of_the_forge_blocks_a_push(bench: Bench) -> None:
    sha = bench.work({"a": b"1"})
    rule = hook(bench, "error: GH013: Repository rule violations found for refs/heads/main.")
    with pytest.raises(Blocked, match="rule violations"):
        bench.push(sha, None)
    rule.unlink()
    bench.push(sha, None)


def test_a_refused_credential_is_no_transport_failure(bench: Bench) -> None:
    sha = bench.work({"a": b"1"})
    token = "wrong-token-of-the-test"
    with pytest.raises(Unauthorised) as refused:
        bench.shop.push(bench.id, bench.address, token, sha, "steward/op-1", None)
    assert token not in f"{refused.value!r} {refused.value.__cause__!r} {refused.value.__context__!r}"
    bench.hub.archive(bench.id)
    with pytest.raises(Unauthorised):
        bench.push(sha, None)
    other = GitWorkshop(bench.root / "other")
    gone = f"{bench.hub.url}/acme/none.git"
    with pytest.raises(Permanent):
        other.clone(7, gone, bench.token, "main", bench.root / "x", "b")
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
        other.clone(7, "http://127.0.0.1:9/acme/shop.git", bench.token, "main", bench.root / "y", "b")


@pytest.mark.parametrize(
    "address",
    ["/etc", "file:///etc", "ssh://x/y", "ext::sh -c id", "https://u:p@x.test/y.git", "--upload-pack=x"],
)
def test_other_ways_than_http_are_refused(bench: Bench, address: str) -> None:
    with pytest.raises(Permanent, match="neither http nor https"):
        bench.shop.clone(bench.id, address, bench.token, "main", bench.root / "z", "b")


def test_the_token_is_in_no_argument_and_reaches_no_other_server(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[list[str], dict[str, str]]] = []
    true = subprocess.Popen.__init__

    def watch(self: subprocess.Popen[bytes], args: list[str], **more: Any) -> None:
        seen.append((args, more["env"]))
        true(self, args, **more)

    monkeypatch.setattr(subprocess.Popen, "__init__", watch)
    monkeypatch.setenv("GIT_TRACE_CURL", "1")
    monkeypatch.setenv("SECRET_OF_OURS", "x")
    clone = bench.clone()
    bench.shop.take(bench.id, clone, "steward/op-1")
    assert len(seen) > 5
    assert not [args for args, _ in seen if bench.token in " ".join(args)]
    assert not [env for _, env in seen if "SECRET_OF_OURS" in env or "GIT_TRACE_CURL" in env]
    with_header = [env for _, env in seen if any(".extraHeader" in value for value in env.values())]
    assert 0 < len(with_header) < len(seen), "only what speaks to the forge has the token"
    for env in with_header:
        (key,) = [value for value in env.values() if value.endswith(".extraHeader")]
        assert key == f"http.{bench.hub.url}/.extraHeader"


def test_a_redirect_is_not_followed_with_the_token(bench: Bench) -> None:
    bench.hub.rename(bench.id, "store")
    try:
        with pytest.raises((Permanent, Transient)):
            bench.clone(base="main")
    finally:
        bench.hub.rename(bench.id, "shop")


def test_an_export_is_the_files_of_the_commit_without_git(bench: Bench) -> None:
    sha = bench.commit(
        {"app/run.sh": b"#!/bin/sh\n", ".gitattributes": b"secret export-ignore\n", "secret": b"kept"}
    )
    into = bench.root / "tree"
    bench.shop.export(bench.id, bench.address, bench.token, sha, into)
    assert sorted(path.name for path in into.rglob("*") if path.is_file()) == [
        ".gitattributes", "README.md", "run.sh", "secret",
    ]  # fmt: skip
    with pytest.raises(Permanent, match="not empty"):
        bench.shop.export(bench.id, bench.address, bench.token, sha, into)


@pytest.mark.parametrize(("link", "whole"), [("app/x", True), ("../out", False), ("/etc/passwd", False)])
def test_a_link_in_an_export_must_stay_in_it(bench: Bench, link: str, whole: bool) -> None:
    clone = bench.clone()
    (clone / "link").symlink_to(link)
    sha = bench.shop.commit_all(clone, "A link", AUTHOR) or ""
    bench.shop.take(bench.id, clone, "steward/op-1")
    into = bench.root / "tree"
    if whole:
        bench.shop.export(bench.id, bench.address, bench.token, sha, into)
        assert (into / "link").is_symlink()
    else:
        with pytest.raises(Permanent, match="leads out"):
            bench.shop.export(bench.id, bench.address, bench.token, sha, into)
        assert not into.exists()


def merged(bench: Bench, name: str) -> str:
    """A pull request of ours, merged on the forge; the merge commit."""
    base = bench.tip() or ""
    sha = bench.work({name: b"1", f"{name}.more": b"2"}, f"steward/{name}", base)
    bench.push(sha, None, f"steward/{name}")
    repo = bench.hub.core.git(bench.hub.repo(bench.id))
    made = gitmerge.merge(
        repo, base, sha, message=f"Merge {name}", author=Person("B", "b@x"), at=1_800_000_000
    )
    repo.set_ref("refs/heads/main", made, base)
    return made


def test_merges_and_commits_are_taken_back_by_one_commit_the_same_each_time(bench: Bench) -> None:
    before = bench.tip() or ""
    first, second = merged(bench, "one"), merged(bench, "two")
    plain = bench.commit({"three": b"3"})

    def ask() -> str:
        wanted = [first, plain, second]
        return bench.shop.revert(bench.id, bench.address, bench.token, plain, wanted)

    made = ask()
    assert ask() == made
    assert bench.shop.diff(bench.id, before, made) == Diff({})
    assert bench.shop.is_ancestor(bench.id, plain, made)
    bench.push(made, None, "steward/revert-1")
    git_of = bench.hub.core.git(bench.hub.repo(bench.id))
    said = git_of.git("show", "--no-patch", "--format=%P%n%B", made).decode()
    assert said.startswith(f"{plain}\n")
    assert all(sha in said for sha in (first, second, plain))
    assert not list((bench.root / "git").glob(".scratch-*"))


def test_a_revert_that_conflicts_or_changes_nothing_is_told(bench: Bench) -> None:
    first = bench.commit({"a": b"1\n"})
    bench.commit({"a": b"2\n"})
    with pytest.raises(Permanent, match="conflict: a"):
        bench.shop.revert(bench.id, bench.address, bench.token, bench.tip() or "", [first])
    bench.commit({"a": None})
    other = bench.commit({"b": b"1"})
    undone = bench.commit({"b": None})
    with pytest.raises(Permanent, match="nothing to take back"):
        bench.shop.revert(bench.id, bench.address, bench.token, undone, [other, undone])
    for commits in ([], ["1" * 40]):
        with pytest.raises(Permanent, match="not in the history"):
            bench.shop.revert(bench.id, bench.address, bench.token, undone, commits)


def test_workers_do_not_collide_over_one_repository(bench: Bench) -> None:
    failures: list[BaseException] = []

    def one(number: int) -> None:
        own = GitWorkshop(bench.root / "git", timeout_s=60)
        into = bench.root / f"parallel-{number}"
        try:
            own.clone(bench.id, bench.address, bench.token, "main", into, "b")
            (into / f"{number}").write_text("x")
            own.commit_all(into, "Work", AUTHOR)
            assert own.take(bench.id, into, "b") is not None
        except (Permanent, Transient, AssertionError, OSError) as error:
            failures.append(error)

    workers = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert failures == []
    assert not list((bench.root / "git").glob(".scratch-*"))
