"""Unpushed work, rebases and plain merges: one suite over GitWorkshop and the workshop in memory."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest

from localhub.testing import Hub
from steward.adapters.git import GitWorkshop
from steward.adapters.git.program import environment
from steward.ports.building import Workshop
from steward.ports.errors import Permanent, Unreachable
from steward.testing.clock import FakeClock
from steward.testing.forge import FakeForge
from steward.testing.gate import Gate
from steward.testing.tools import FakeWorkshop, GatedForge
from tests.contract.git.test_workshop import Bench

NOWHERE = "http://127.0.0.1:9/acme/shop.git"
"""What is here already is not asked for."""
WHO = "author Änn Agent <ann@acme.test> 1600000000 +0530\ncommitter Ann <ann@acme.test> 1600000001 +0000\n"
BASE = {"a": b"1\n", "b": b"1\n", "c": b"1\n"}


class Lab(Protocol):
    """A workshop, and commits of any shape that are in it."""

    shop: Workshop

    def commit(self, files: Mapping[str, bytes], *parents: str) -> str: ...

    def files(self, sha: str) -> dict[str, bytes]: ...

    def parents(self, sha: str) -> tuple[str, ...]: ...

    def lie(self, clone: Path, base: str, files: Mapping[str, bytes]) -> None:
        """A clone of a commit with those files in it."""
        ...


class Real:
    """Commits are put straight into the workshop's own repository: one call of git each."""

    def __init__(self, root: Path) -> None:
        self.root = root
        made = GitWorkshop(root / "git")
        with made._store.locked(1) as bare:
            self._bare = bare
        self.shop: Workshop = made

    def commit(self, files: Mapping[str, bytes], *parents: str) -> str:
        message = "Wörk\n\nBecause.\n".encode()
        stream = b"reset refs/heads/it\n\ncommit refs/heads/it\n" + WHO.encode()
        stream += b"data %d\n" % len(message) + message
        for number, parent in enumerate(parents):
            stream += f"{'merge' if number else 'from'} {parent}\n".encode()
        stream += b"deleteall\n"
        for path, data in files.items():
            stream += f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n"
        call = ["git", f"--git-dir={self._bare}", "fast-import", "--quiet", "--force"]
        subprocess.run(call, input=stream, env=environment(), capture_output=True, check=True)
        return (self._bare / "refs" / "heads" / "it").read_text().strip()

    def bare(self, *args: str) -> bytes:
        call = ["git", f"--git-dir={self._bare}", *args]
        return subprocess.run(call, capture_output=True, check=True).stdout

    def files(self, sha: str) -> dict[str, bytes]:
        names = self.bare("ls-tree", "-r", "--name-only", sha).decode().split()
        return {name: self.bare("cat-file", "blob", f"{sha}:{name}") for name in names}

    def parents(self, sha: str) -> tuple[str, ...]:
        return tuple(self.bare("show", "--no-patch", "--format=%P", sha).decode().split())

    def lie(self, clone: Path, base: str, files: Mapping[str, bytes]) -> None:
        self.shop.clone(1, NOWHERE, "t", base, clone, "steward/op-1")
        for path in clone.iterdir():
            if path.is_file():
                path.unlink()
        for name, data in files.items():
            (clone / name).write_bytes(data)


class Fake:
    """In memory."""

    def __init__(self) -> None:
        forge = GatedForge(FakeForge(FakeClock()), Gate())
        self.forge = forge
        self.fake = FakeWorkshop(forge, Gate())
        self.shop: Workshop = self.fake

    def commit(self, files: Mapping[str, bytes], *parents: str) -> str:
        return self.fake._commit(parents, files)

    def files(self, sha: str) -> dict[str, bytes]:
        return dict(self.forge.held(sha)[1])

    def parents(self, sha: str) -> tuple[str, ...]:
        return self.forge.held(sha)[0]

    def lie(self, clone: Path, base: str, files: Mapping[str, bytes]) -> None:
        self.shop.clone(1, NOWHERE, "t", base, clone, "steward/op-1")
        self.fake.clones[clone].files = dict(files)


@pytest.fixture(params=["fake", "real"])
def lab(request: pytest.FixtureRequest, tmp_path: Path) -> Lab:
    return Fake() if request.param == "fake" else Real(tmp_path)


def rebase(lab: Lab, base: str, head: str, onto: str) -> str | None:
    return lab.shop.rebase(1, NOWHERE, "t", base, head, onto)


def plain(lab: Lab, commit: str, onto: str, head: str) -> bool:
    return lab.shop.is_plain_merge(1, NOWHERE, "t", commit, onto, head)


def test_commits_are_put_on_top_of_others_and_what_conflicts_is_left(lab: Lab) -> None:
    base = lab.commit(BASE)
    first = lab.commit({**BASE, "a": b"2\n"}, base)
    head = lab.commit({"a": b"2\n", "b": b"1\n", "new": b"n\n"}, first)
    onto = lab.commit({**BASE, "b": b"9\n"}, base)
    found = rebase(lab, base, head, onto)
    assert found is not None
    assert lab.files(found) == {"a": b"2\n", "b": b"9\n", "new": b"n\n"}
    (below,) = lab.parents(found)
    assert lab.parents(below) == (onto,)
    assert rebase(lab, base, head, onto) == found, "asked again it is the same"
    assert rebase(lab, base, base, onto) == onto
    done = lab.commit({**BASE, "a": b"2\n", "d": b"1\n"}, base)
    partly = rebase(lab, base, head, done)
    assert partly is not None
    assert lab.parents(partly) == (done,), "what is there already is left out"
    other = lab.commit({**BASE, "a": b"8\n"}, base)
    assert rebase(lab, base, head, other) is None
    merge = lab.commit({**BASE, "a": b"2\n", "b": b"9\n"}, first, onto)
    assert rebase(lab, base, merge, other) is None
    assert rebase(lab, base, merge, onto) is None, "a merge is not taken apart"


def test_a_plain_merge_adds_nothing(lab: Lab) -> None:
    base = lab.commit(BASE)
    onto = lab.commit({**BASE, "b": b"9\n"}, base)
    head = lab.commit({**BASE, "a": b"2\n"}, base)
    both = {**BASE, "a": b"2\n", "b": b"9\n"}
    assert plain(lab, lab.commit(both, onto, head), onto, head)
    assert plain(lab, lab.commit(both, onto), onto, head), "squashed"
    assert not plain(lab, lab.commit({**both, "evil": b"x\n"}, onto, head), onto, head)
    assert not plain(lab, lab.commit({**both, "evil": b"x\n"}, onto), onto, head)
    assert not plain(lab, lab.commit({**BASE, "b": b"9\n"}, onto, head), onto, head), "it lacks something"
    other = lab.commit({**BASE, "a": b"2\n", "c": b"x\n"}, base)
    of_another = lab.commit({**both, "c": b"x\n"}, onto, other)
    assert not plain(lab, of_another, onto, head)
    assert plain(lab, of_another, onto, other)
    assert not plain(lab, lab.commit(both, head, onto), onto, head), "the wrong way round"
    assert not plain(lab, lab.commit(both, onto, head, other), onto, head)
    assert not plain(lab, lab.commit(both, base), onto, head), "onto something else"
    clash = lab.commit({**BASE, "a": b"3\n"}, base)
    assert not plain(lab, lab.commit({**BASE, "a": b"3\n"}, clash, head), clash, head)


def test_unpushed_work_is_a_patch(lab: Lab, tmp_path: Path) -> None:
    base = lab.commit(BASE)
    clone = tmp_path / "clone"
    lab.lie(clone, base, BASE)
    assert lab.shop.unpushed(1, clone, base, 1_000) == ("", False)
    lies = {"a": b"1\n2\n", "c": b"1\n", "new": b"n\n", ".gitignore": b"*.log\n", "x.log": b"noise"}
    lab.lie(tmp_path / "second", base, lies)
    patch, cut = lab.shop.unpushed(1, tmp_path / "second", base, 10_000)
    assert not cut
    assert [line for line in patch.splitlines() if line.startswith("diff ")] == [
        f"diff --git a/{path} b/{path}" for path in (".gitignore", "a", "b", "new")
    ]
    assert {"+2", "+n", "-1", "deleted file mode 100644", "new file mode 100644"} <= set(patch.splitlines())
    assert "noise" not in patch
    assert lab.shop.unpushed(1, tmp_path / "gone", base, 1_000) == ("", False)
    short, cut = lab.shop.unpushed(1, tmp_path / "second", base, len(patch) - 3)
    assert cut
    assert short
    assert patch.startswith(short)
    assert short.endswith("\n")


def test_authors_and_messages_stay_and_a_conflict_leaves_nothing_behind(tmp_path: Path) -> None:
    lab = Real(tmp_path)
    base = lab.commit(BASE)
    head = lab.commit({**BASE, "a": b"2\n"}, lab.commit({**BASE, "c": b"2\n"}, base))
    found = rebase(lab, base, head, lab.commit({**BASE, "b": b"9\n"}, base)) or ""
    told = lab.bare("show", "--no-patch", "--format=%an <%ae> %ad|%cn|%B", "--date=raw", found).decode()
    assert told.strip() == "Änn Agent <ann@acme.test> 1600000000 +0530|Steward|Wörk\n\nBecause."
    other = lab.commit({**BASE, "a": b"8\n"}, base)
    before = lab.bare("count-objects", "-v"), lab.bare("for-each-ref")
    assert rebase(lab, base, head, other) is None
    assert (lab.bare("count-objects", "-v"), lab.bare("for-each-ref")) == before
    assert not list((tmp_path / "git").glob(".scratch-*"))
    stranger = lab.commit({"z": b"1\n"})
    assert rebase(lab, base, stranger, head) is None, "a root is not taken apart either"
    assert not plain(lab, lab.commit({**BASE, "z": b"1\n"}, base, stranger), base, stranger)


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with Hub() as made:
        yield made


def test_what_is_missing_is_fetched_and_what_is_lost_proves_nothing(hub: Hub, tmp_path: Path) -> None:
    bench = Bench(hub, tmp_path)
    base = bench.tip() or ""
    head = bench.work({"ours.txt": b"1\n"}, base=base)
    onto = bench.commit({"theirs.txt": b"1\n"})
    found = bench.shop.rebase(bench.id, bench.address, bench.token, base, head, onto) or ""
    bench.push(found, None)
    merged = bench.commit({"ours.txt": b"1\n"})
    asked = (bench.id, bench.address, bench.token)
    assert bench.shop.is_plain_merge(*asked, merged, onto, head), "squashed, and not fetched before"
    elsewhere = GitWorkshop(tmp_path / "elsewhere")
    assert elsewhere.is_plain_merge(*asked, merged, onto, found)
    assert not elsewhere.is_plain_merge(*asked, merged, onto, "1" * 40)
    with pytest.raises(Unreachable):
        elsewhere.is_plain_merge(bench.id, NOWHERE, "t", merged, onto, "1" * 40)
    with pytest.raises(Permanent):
        elsewhere.rebase(*asked, base, "1" * 40, onto)
    hub.delete("shop")
