"""Clones that were made to harm whoever takes from them: nothing of them runs, nothing outside is read."""

from __future__ import annotations

import os
import shutil
import subprocess
import zlib
from collections.abc import Callable, Iterator
from hashlib import sha1
from pathlib import Path

import pytest

from localhub.testing import Hub
from steward.adapters.git import GitWorkshop
from steward.adapters.git.taking import Bounds
from steward.ports.errors import Permanent
from tests.contract.git.test_workshop import AUTHOR, Bench, git

BRANCH = "steward/op-1"


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with Hub() as made:
        yield made


@pytest.fixture
def bench(hub: Hub, tmp_path: Path) -> Iterator[Bench]:
    yield Bench(hub, tmp_path)
    hub.delete("shop")


@pytest.fixture
def clone(bench: Bench) -> Path:
    """A clone with one honest commit on the branch."""
    made = bench.clone()
    (made / "app.py").write_text("print(1)\n")
    assert bench.shop.commit_all(made, "Work", AUTHOR)
    return made


def put(clone: Path, kind: str, body: bytes) -> str:
    """A loose object, written by hand so that git has no say; its id."""
    data = f"{kind} {len(body)}\0".encode() + body
    sha = sha1(data, usedforsecurity=False).hexdigest()
    path = clone / ".git" / "objects" / sha[:2] / sha[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(data))
    return sha


def commit(clone: Path, tree: str) -> str:
    """A commit by hand, at the tip of the branch."""
    who = "A <a@x> 1700000000 +0000"
    parent = git(clone, "rev-parse", "HEAD")
    sha = put(clone, "commit", f"tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n\nx\n".encode())
    (clone / ".git" / "refs" / "heads" / BRANCH).write_text(f"{sha}\n")
    return sha


def entry(mode: str, name: str, sha: str) -> bytes:
    return f"{mode} {name}\0".encode() + bytes.fromhex(sha)


def test_hooks_filters_and_programs_of_the_clones_config_never_run(bench: Bench, clone: Path) -> None:
    mark = bench.root / "executed"
    program = bench.root / "evil.sh"
    program.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    program.chmod(0o755)
    (clone / ".git" / "hooks").mkdir(exist_ok=True)
    for name in ("pre-commit", "post-checkout", "reference-transaction", "post-index-change", "pre-push"):
        shutil.copy(program, clone / ".git" / "hooks" / name)
    (bench.root / "included").write_text(f"[alias]\n\tcat-file = !{program}\n")
    (clone / ".git" / "config").write_text(
        "[core]\n\trepositoryformatversion = 1\n\tbare = false\n"
        f"\tfsmonitor = {program}\n\tsshCommand = {program}\n\tpager = {program}\n\teditor = {program}\n"
        f"\tgitProxy = {program}\n\taskPass = {program}\n\talternateRefsCommand = {program}\n"
        f"[extensions]\n\tworktreeConfig = true\n[include]\n\tpath = {bench.root / 'included'}\n"
        f'[filter "x"]\n\tclean = {program}\n\tsmudge = {program}\n\tprocess = {program}\n\trequired = true\n'
        f'[diff "x"]\n\ttextconv = {program}\n\tcommand = {program}\n[merge "x"]\n\tdriver = {program}\n'
        f"[uploadpack]\n\tpackObjectsHook = {program}\n[credential]\n\thelper = {program}\n"
        f'[remote "origin"]\n\turl = ext::{program}\n\tuploadpack = {program}\n\tpromisor = true\n'
        f"[gpg]\n\tprogram = {program}\n"
    )
    (clone / ".git" / "info").mkdir(exist_ok=True)
    (clone / ".git" / "info" / "attributes").write_text("* filter=x diff=x merge=x\n")
    (clone / ".gitattributes").write_text("* filter=x diff=x merge=x\n")
    base = bench.tip() or ""
    sha = bench.shop.take(bench.id, clone, BRANCH) or ""
    assert bench.shop.diff(bench.id, base, sha).files == {"app.py": "A"}
    bench.push(sha, None)
    assert not mark.exists()
    # Where trusted code wrote the files, the config of the clone is made anew before it is read.
    made = bench.shop.commit_all(clone, "More", AUTHOR) or ""
    assert bench.shop.take(bench.id, clone, BRANCH) == made
    bench.shop.export(bench.id, bench.address, bench.token, made, bench.root / "tree")
    bench.shop.revert(bench.id, bench.address, bench.token, made, [made])
    assert not mark.exists()
    assert "evil" not in (clone / ".git" / "config").read_text()


def linked_ref(clone: Path, outside: Path) -> None:
    ref = clone / ".git" / "refs" / "heads" / BRANCH
    (outside / "ref").write_text(ref.read_text())
    ref.unlink()
    ref.symlink_to(outside / "ref")


def linked_heads(clone: Path, outside: Path) -> None:
    heads = clone / ".git" / "refs" / "heads"
    shutil.copytree(heads, outside / "heads")
    shutil.rmtree(heads)
    heads.symlink_to(outside / "heads")


def linked_packed_refs(clone: Path, outside: Path) -> None:
    git(clone, "pack-refs", "--all")
    shutil.move(clone / ".git" / "packed-refs", outside / "packed")
    (clone / ".git" / "packed-refs").symlink_to(outside / "packed")


def linked_objects(clone: Path, outside: Path) -> None:
    shutil.move(clone / ".git" / "objects", outside / "objects")
    (clone / ".git" / "objects").symlink_to(outside / "objects")


def linked_fan(clone: Path, outside: Path) -> None:
    fan = clone / ".git" / "objects" / git(clone, "rev-parse", "HEAD")[:2]
    shutil.move(fan, outside / "fan")
    fan.symlink_to(outside / "fan")


def linked_object(clone: Path, outside: Path) -> None:
    sha = git(clone, "rev-parse", "HEAD")
    path = clone / ".git" / "objects" / sha[:2] / sha[2:]
    shutil.move(path, outside / "object")
    path.symlink_to(outside / "object")


def piped_object(clone: Path, outside: Path) -> None:
    sha = git(clone, "rev-parse", "HEAD")
    path = clone / ".git" / "objects" / sha[:2] / sha[2:]
    path.unlink()
    os.mkfifo(path)


def linked_pack(clone: Path, outside: Path) -> None:
    pack = next((clone / ".git" / "objects" / "pack").glob("*.pack"))
    shutil.move(pack, outside / "pack")
    pack.symlink_to(outside / "pack")


def linked_git(clone: Path, outside: Path) -> None:
    shutil.move(clone / ".git", outside / "git")
    (clone / ".git").symlink_to(outside / "git")


def git_file(clone: Path, outside: Path) -> None:
    shutil.move(clone / ".git", outside / "git")
    (clone / ".git").write_text(f"gitdir: {outside / 'git'}\n")


def symbolic_ref(clone: Path, outside: Path) -> None:
    (clone / ".git" / "refs" / "heads" / BRANCH).write_text("ref: ../../../../etc/passwd\n")


def huge_ref(clone: Path, outside: Path) -> None:
    (clone / ".git" / "refs" / "heads" / BRANCH).write_text("a" * 5_000)


def ref_of_a_blob(clone: Path, outside: Path) -> None:
    (clone / ".git" / "refs" / "heads" / BRANCH).write_text(put(clone, "blob", b"no commit") + "\n")


def ref_of_nothing(clone: Path, outside: Path) -> None:
    (clone / ".git" / "refs" / "heads" / BRANCH).write_text("1" * 40)


def lost_tree(clone: Path, outside: Path) -> None:
    commit(clone, "2" * 40)


def swelling_tree(clone: Path, outside: Path) -> None:
    sha = "5" * 40
    path = clone / ".git" / "objects" / sha[:2] / sha[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(b"tree 80000000000\0" + b"0" * 100))
    commit(clone, sha)


def borrowed_objects(clone: Path, outside: Path) -> None:
    """The commit's own objects lie elsewhere: an alternates file would have git read what is not the clone's."""
    fan = clone / ".git" / "objects" / git(clone, "rev-parse", "HEAD^{tree}")[:2]
    (outside / "objects").mkdir()
    shutil.move(fan, outside / "objects" / fan.name)
    (clone / ".git" / "objects" / "info").mkdir(exist_ok=True)
    (clone / ".git" / "objects" / "info" / "alternates").write_text(f"{outside / 'objects'}\n")
    assert git(clone, "status", "--porcelain") == ""


def damaged_object(clone: Path, outside: Path) -> None:
    sha = git(clone, "rev-parse", "HEAD^{tree}")
    path = clone / ".git" / "objects" / sha[:2] / sha[2:]
    path.chmod(0o644)
    path.write_bytes(zlib.compress(b"tree 5\0abcde"))


def damaged_pack(clone: Path, outside: Path) -> None:
    git(clone, "repack", "-adq")
    pack = next((clone / ".git" / "objects" / "pack").glob("*.pack"))
    pack.chmod(0o644)
    data = bytearray(pack.read_bytes())
    data[-30] ^= 0xFF
    pack.write_bytes(bytes(data))


def dot_git_in_a_tree(clone: Path, outside: Path) -> None:
    config = put(clone, "blob", b"[core]\n\tfsmonitor = /tmp/evil\n")
    commit(
        clone,
        put(clone, "tree", entry("40000", ".git", put(clone, "tree", entry("100644", "config", config)))),
    )


def dotdot_in_a_tree(clone: Path, outside: Path) -> None:
    commit(clone, put(clone, "tree", entry("100644", "..", put(clone, "blob", b"x"))))


def option_as_submodule_url(clone: Path, outside: Path) -> None:
    text = b'[submodule "x"]\n\tpath = x\n\turl = --upload-pack=touch /tmp/evil\n'
    modules = put(clone, "blob", text)
    commit(clone, put(clone, "tree", entry("100644", ".gitmodules", modules)))


def linked_gitmodules(clone: Path, outside: Path) -> None:
    commit(clone, put(clone, "tree", entry("120000", ".gitmodules", put(clone, "blob", b"elsewhere"))))


HOSTILE = [
    linked_ref, linked_heads, linked_packed_refs, linked_objects, linked_fan, linked_object, piped_object,
    linked_pack, linked_git, git_file, symbolic_ref, huge_ref, ref_of_a_blob, ref_of_nothing, lost_tree,
    swelling_tree, borrowed_objects, damaged_object, damaged_pack, dot_git_in_a_tree, dotdot_in_a_tree, option_as_submodule_url,
    linked_gitmodules,
]  # fmt: skip


@pytest.mark.parametrize("harm", HOSTILE, ids=lambda one: one.__name__)
def test_a_clone_that_was_tampered_with_is_refused_whole(
    bench: Bench, clone: Path, harm: Callable[[Path, Path], None]
) -> None:
    outside = bench.root / "outside"
    outside.mkdir()
    bare = bench.root / "git" / f"{bench.id}.git"
    before = git(bare, "count-objects", "-v").splitlines()[:2]
    harm(clone, outside)
    with pytest.raises(Permanent) as refused:
        bench.shop.take(bench.id, clone, BRANCH)
    assert refused.value.advice
    assert git(bare, "for-each-ref", "refs/taken") == ""
    assert git(bare, "count-objects", "-v").splitlines()[:2] == before, "nothing of it came in"
    assert not list((bench.root / "git").glob(".scratch-*"))


def test_a_submodule_is_an_entry_that_nobody_follows(bench: Bench, clone: Path) -> None:
    text = b'[submodule "x"]\n\tpath = x\n\turl = https://evil.example/x.git\n'
    modules = put(clone, "blob", text)
    tree = put(clone, "tree", entry("100644", ".gitmodules", modules) + entry("160000", "x", "3" * 40))
    sha = commit(clone, tree)
    assert bench.shop.take(bench.id, clone, BRANCH) == sha
    bench.shop.export(bench.id, bench.address, bench.token, sha, bench.root / "tree")
    assert list((bench.root / "tree" / "x").iterdir()) == []


def test_more_than_may_be_taken_is_refused(bench: Bench, clone: Path) -> None:
    (clone / "big").write_bytes(os.urandom(300_000))
    sha = bench.shop.commit_all(clone, "Big", AUTHOR)
    small = GitWorkshop(bench.root / "git", bounds=Bounds(total_bytes=200_000))
    with pytest.raises(Permanent, match="more than may be taken"):
        small.take(bench.id, clone, BRANCH)
    narrow = GitWorkshop(bench.root / "git", bounds=Bounds(file_bytes=2**18))
    with pytest.raises(Permanent, match="a blob of 300000 bytes"):
        narrow.take(bench.id, clone, BRANCH)
    assert bench.shop.take(bench.id, clone, BRANCH) == sha


def test_a_small_file_that_swells_is_refused(bench: Bench, clone: Path) -> None:
    (clone / "zeros").write_bytes(bytes(3_000_000))
    bench.shop.commit_all(clone, "Zeros", AUTHOR)
    narrow = GitWorkshop(bench.root / "git", bounds=Bounds(total_bytes=500_000, file_bytes=2**20))
    with pytest.raises(Permanent, match="a blob of 3000000 bytes"):
        narrow.take(bench.id, clone, BRANCH)


@pytest.mark.parametrize("branch", ["../../config", "a/../../../config", "/etc/passwd", "", "-x", "a\nb"])
def test_a_branch_name_reaches_nothing_else(bench: Bench, clone: Path, branch: str) -> None:
    with pytest.raises(Permanent, match="no name of a branch"):
        bench.shop.take(bench.id, clone, branch)


def test_commit_all_refuses_a_clone_that_borrows(bench: Bench, clone: Path) -> None:
    (clone / ".git" / "objects" / "info").mkdir(exist_ok=True)
    (clone / ".git" / "objects" / "info" / "alternates").write_text("/nowhere\n")
    with pytest.raises(Permanent, match="no clone that was made here"):
        bench.shop.commit_all(clone, "x", AUTHOR)
    with pytest.raises(Permanent, match="no author"):
        bench.shop.commit_all(clone, "x", "nobody")


def test_a_clone_that_is_not_there_is_told(bench: Bench) -> None:
    with pytest.raises(Permanent):
        bench.shop.take(bench.id, bench.root / "nowhere", BRANCH)
    assert subprocess.run(["git", "version"], check=True, capture_output=True).stdout
