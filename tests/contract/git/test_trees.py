"""Shallow trees: `ShallowTrees` against localhub over HTTP, and `FakeTrees`, as one port."""

from __future__ import annotations

import os
import subprocess
import zlib
from collections.abc import Iterator, Mapping
from hashlib import sha1
from pathlib import Path
from typing import Protocol

import pytest

from localhub.testing import Hub
from steward.adapters.git import ShallowTrees
from steward.ports.errors import Permanent, Transient, Unauthorised
from steward.ports.scan import Bounds, Trees
from steward.testing.trees import FakeTrees
from tests.contract.git.test_workshop import Bench, everything_under

FILES = {"app.py": b"print(1)\n", "docs/a b.md": b"# A\r\n", "big.bin": bytes(5_000)}


class Source(Protocol):
    """A repository with FILES on main, and an empty one, behind `trees`."""

    trees: Trees
    address: str
    empty: str
    token: str


class Real:
    """On localhub."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        bench.commit({**FILES, "README.md": None})
        bench.hub.create("bare")
        self.trees: Trees = ShallowTrees(bench.root / "reading")
        self.address, self.token = bench.address, bench.token
        self.empty = f"{bench.hub.url}/acme/bare.git"


class Fake:
    """In memory."""

    def __init__(self) -> None:
        self.address, self.empty, self.token = "http://hub.test/shop.git", "http://hub.test/bare.git", "t"
        self.trees: Trees = FakeTrees({f"{self.address}@main": FILES, self.empty: {}})


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with Hub() as made:
        yield made


@pytest.fixture
def bench(hub: Hub, tmp_path: Path) -> Iterator[Bench]:
    yield Bench(hub, tmp_path)
    hub.clear_faults()
    hub.delete("shop")


@pytest.fixture(params=["fake", "real"])
def source(request: pytest.FixtureRequest) -> Iterator[Source]:
    if request.param == "fake":
        yield Fake()
        return
    made = Real(request.getfixturevalue("bench"))
    yield made
    made.bench.hub.delete("bare")


def lies(root: Path) -> dict[str, bytes]:
    """Every file below, by path; no link, and nothing of git."""
    assert not [path for path in root.rglob("*") if path.is_symlink() or path.name == ".git"]
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_branch_is_read_large_files_are_left_out_and_what_cannot_be_is_told(
    source: Source, tmp_path: Path
) -> None:
    into = tmp_path / "into"
    into.mkdir()
    commit = source.trees.tree(source.address, source.token, "main", into, Bounds())
    assert lies(into) == FILES
    assert len(commit) == 40
    small = tmp_path / "small"
    again = source.trees.tree(source.address, source.token, "main", small, Bounds(file_bytes=4_999))
    assert again == commit
    assert lies(small) == {path: data for path, data in FILES.items() if path != "big.bin"}
    for bounds in (Bounds(files=2), Bounds(tree_bytes=4_000)):
        with pytest.raises(Permanent, match=r"more than|too large"):
            source.trees.tree(source.address, source.token, "main", tmp_path / "none", bounds)
    with pytest.raises(Permanent, match="there is no"):
        source.trees.tree(source.address, source.token, "gone", tmp_path / "none", Bounds())
    with pytest.raises(Permanent, match="the repository is empty"):
        source.trees.tree(source.empty, source.token, "main", tmp_path / "none", Bounds())
    assert not (tmp_path / "none").exists()


def test_a_commit_is_read_and_nothing_is_left_behind_that_holds_the_token(bench: Bench) -> None:
    first = bench.commit({"a": b"1"})
    bench.commit({"a": b"2"})
    trees = ShallowTrees(bench.root / "reading")
    assert trees.tree(bench.address, bench.token, first, bench.root / "into", Bounds()) == first
    assert (bench.root / "into" / "a").read_bytes() == b"1"
    assert trees.tree(bench.address, bench.token, "HEAD", bench.root / "head", Bounds()) == bench.tip()
    assert list((bench.root / "reading").iterdir()) == []
    assert bench.token.encode() not in everything_under(bench.root)
    with pytest.raises(Permanent, match="there is no commit 111111111111"):
        trees.tree(bench.address, bench.token, "1" * 40, bench.root / "none", Bounds())
    for ref in ("../x", "--upload-pack=x", ""):
        with pytest.raises(Permanent, match="no name of a branch"):
            trees.tree(bench.address, bench.token, ref, bench.root / "none", Bounds())
    with pytest.raises(Unauthorised) as refused:
        trees.tree(bench.address, "wrong-token", "main", bench.root / "none", Bounds())
    assert "wrong-token" not in str(refused.value)
    with pytest.raises(Transient, match="within 0 s"):
        trees.tree(bench.address, bench.token, "main", bench.root / "none", Bounds(seconds=0.0))
    with pytest.raises(Permanent, match="not empty"):
        trees.tree(bench.address, bench.token, "main", bench.root / "into", Bounds())


def test_a_fetch_is_ended_at_its_bound(bench: Bench) -> None:
    bench.commit({f"noise-{number}": os.urandom(400_000) for number in range(5)})
    trees = ShallowTrees(bench.root / "reading")
    with pytest.raises(Permanent, match="more than 1 MB"):
        trees.tree(bench.address, bench.token, "main", bench.root / "into", Bounds(tree_bytes=1_000_000))
    assert list((bench.root / "reading").iterdir()) == []


def planted(bench: Bench, entries: Mapping[str, tuple[str, bytes]]) -> str:
    """A commit of main that no honest git would make: names as they are, in one tree; (mode, blob or id)."""
    bare = bench.hub.core.git(bench.hub.repo(bench.id)).path

    def put(kind: str, body: bytes) -> str:
        data = f"{kind} {len(body)}\0".encode() + body
        sha = sha1(data, usedforsecurity=False).hexdigest()
        path = Path(bare) / "objects" / sha[:2] / sha[2:]
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(zlib.compress(data))
        return sha

    def entry(mode: str, name: str, sha: str) -> bytes:
        return f"{mode} {name}\0".encode() + bytes.fromhex(sha)

    tree = b""
    for name, (mode, data) in sorted(entries.items()):
        sha = data.decode() if mode == "160000" else put("blob", data)
        if mode == "40000":
            sha = put("tree", entry("100644", "config", put("blob", data)))
        tree += entry(mode, name, sha)
    who = "A <a@x> 1700000000 +0000"
    text = f"tree {put('tree', tree)}\nauthor {who}\ncommitter {who}\n\nx\n"
    sha = put("commit", text.encode())
    subprocess.run(["git", "update-ref", "refs/heads/main", sha], cwd=bare, check=True)
    return sha


def test_names_that_escape_links_filters_and_submodules_do_no_harm(bench: Bench) -> None:
    mark = bench.root / "executed"
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"
    bad = dict.fromkeys(
        ("..", "../escaped", "/tmp/escaped-by-name", "a/../../b", "git~1"), ("100644", b"evil")
    )
    sha = planted(
        bench,
        {
            **bad,
            ".git": ("40000", f"[core]\n\tfsmonitor = touch {mark}\n".encode()),
            "...": ("40000", b"odd"),
            ".gitattributes": ("100644", b"*.bin filter=lfs diff=lfs -text\n*.txt working-tree-encoding=no-such\n"),
            ".gitmodules": ("100644", b'[submodule "x"]\n\tpath = x\n\turl = https://evil.example/x.git\n'),
            "big.bin": ("100644", pointer),
            "inside": ("120000", b"big.bin"),
            "outside": ("120000", b"/etc/passwd"),
            "text.txt": ("100755", b"a\r\n"),
            "x": ("160000", b"3" * 40),
        },
    )  # fmt: skip
    into = bench.root / "deep" / "into"
    trees = ShallowTrees(bench.root / "reading")
    assert trees.tree(bench.address, bench.token, "main", into, Bounds()) == sha
    assert set(lies(into)) == {
        ".../config", ".gitattributes", ".gitmodules", "big.bin", "inside", "outside", "text.txt",
    }  # fmt: skip
    assert (into / "big.bin").read_bytes() == pointer
    assert (into / "outside").read_bytes() == b"/etc/passwd"
    assert (into / "text.txt").read_bytes() == b"a\r\n"
    assert [path.name for path in (bench.root / "deep").iterdir()] == ["into"]
    assert not Path("/tmp/escaped-by-name").exists()
    assert not mark.exists()
