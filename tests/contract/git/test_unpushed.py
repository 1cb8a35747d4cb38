"""What an agent left unpushed, read out of its clone as a patch: exact where it is whole, bounded, never run."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from localhub.testing import Hub
from steward.adapters.git import GitWorkshop
from steward.adapters.git.program import environment
from steward.adapters.git.wandering import Most
from steward.ports.errors import Permanent
from tests.contract.git.test_workshop import Bench, git

MOST = 1_000_000
BRANCH = "steward/op-1"


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with Hub() as made:
        yield made


@pytest.fixture
def bench(hub: Hub, tmp_path: Path) -> Iterator[Bench]:
    yield Bench(hub, tmp_path)
    hub.delete("shop")


def commit(clone: Path, message: str = "Work") -> str:
    """What an agent does with git in its clone."""
    git(clone, "add", "--all", "--force")
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@acme.test", "-c", "core.hooksPath=/dev/null")
    git(clone, *who, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(clone, "rev-parse", "HEAD")


def applied(clone: Path, base: str, patch: str, room: Path) -> str:
    """The tree that `git apply` makes of a base and a patch."""
    env = environment() | {"GIT_CONFIG_COUNT": "0", "GIT_INDEX_FILE": str(room / "index")}
    env["GIT_DIR"] = str(clone / ".git")

    def run(*args: str, stdin: bytes = b"") -> bytes:
        return subprocess.run(
            ["git", *args], cwd=room, env=env, input=stdin, capture_output=True, check=True
        ).stdout

    run("read-tree", base)
    if patch:
        run("apply", "--cached", "--whitespace=nowarn", "-", stdin=patch.encode())
    return run("write-tree").decode().strip()


def lies(clone: Path, room: Path) -> str:
    """The tree of what lies in an honest clone, as git itself adds it."""
    env = environment() | {"GIT_CONFIG_COUNT": "0", "GIT_INDEX_FILE": str(room / "theirs")}
    for args in (["read-tree", "HEAD"], ["add", "--all"]):
        subprocess.run(["git", *args], cwd=clone, env=env, capture_output=True, check=True)
    done = subprocess.run(["git", "write-tree"], cwd=clone, env=env, capture_output=True, check=True)
    return done.stdout.decode().strip()


def test_committed_and_uncommitted_work_is_one_patch_without_what_is_ignored(bench: Bench) -> None:
    base = bench.commit({"a.txt": b"1\n2\n3\n", "gone.txt": b"x\n", "built/kept.txt": b"old\n"})
    clone = bench.clone(base=base)
    assert bench.shop.unpushed(bench.id, clone, base, MOST) == ("", False)
    (clone / "a.txt").write_text("1\nzwei\n3\n")
    commit(clone)
    (clone / "gone.txt").unlink()
    (clone / "new").mkdir()
    (clone / "new" / "b.txt").write_text("ä\n")
    (clone / ".gitignore").write_text("built/\n*.log\n!/new/good.log\n")
    (clone / "x.log").write_text("noise")
    (clone / "new" / "good.log").write_text("good")
    (clone / "built" / "more.txt").write_text("noise")
    (clone / "built" / "kept.txt").write_text("new\n")
    before = {path: path.stat().st_mtime_ns for path in clone.rglob("*")}
    patch, cut = bench.shop.unpushed(bench.id, clone, base, MOST)
    assert {path: path.stat().st_mtime_ns for path in clone.rglob("*")} == before, "the clone is as it was"
    assert not cut
    assert "-2\n+zwei\n" in patch
    assert "noise" not in patch
    assert "+good" in patch
    assert applied(clone, base, patch, bench.root) == lies(clone, bench.root)
    assert not list((bench.root / "git").glob(".scratch-*"))


def test_a_patch_is_cut_at_a_line_and_says_so(bench: Bench) -> None:
    base = bench.tip() or ""
    clone = bench.clone()
    (clone / "long.txt").write_text("".join(f"line {number}\n" for number in range(5_000)))
    patch, cut = bench.shop.unpushed(bench.id, clone, base, 1_000)
    assert cut
    assert 900 < len(patch) <= 1_000
    assert patch.endswith("\n")
    assert "+line 1\n" in patch
    (clone / "long.txt").write_text("ä" * 1_999 + "\n" + "€ü\n" * 5_000)
    for most in range(4_000, 4_004):
        patch, cut = bench.shop.unpushed(bench.id, clone, base, most)
        assert cut
        assert "+€ü\n" in patch, "a cut within a character costs a line at most"


def test_what_is_no_utf_8_is_given_in_binary_form_and_applies(bench: Bench) -> None:
    base = bench.commit({"latin.txt": "grün\n".encode("latin-1"), "text.txt": b"a\n"})
    clone = bench.clone(base=base)
    (clone / "latin.txt").write_bytes("blau und grün\n".encode("latin-1"))
    (clone / "late.txt").write_bytes(b"x\n" * 8_000 + b"\0")
    (clone / "text.txt").write_text("b\n")
    (clone / "utf16.txt").write_text("x", encoding="utf-16")
    (clone / ".gitattributes").write_text("late.txt diff\n")
    patch, cut = bench.shop.unpushed(bench.id, clone, base, MOST)
    assert not cut
    assert "\0" not in patch
    assert "-a\n+b\n" in patch, "text stays text"
    assert applied(clone, base, patch, bench.root) == lies(clone, bench.root)


def test_nothing_of_a_hostile_clone_runs(bench: Bench) -> None:
    base = bench.tip() or ""
    clone = bench.clone()
    (clone / "app.py").write_text("print(1)\n")
    commit(clone)
    mark = bench.root / "executed"
    program = bench.root / "evil.sh"
    program.write_text(f"#!/bin/sh\ntouch {mark}\ncat\n")
    program.chmod(0o755)
    config = (
        f"[core]\n\tfsmonitor = {program}\n\thooksPath = {clone / '.git' / 'hooks'}\n\tpager = {program}\n"
        f"\tworktree = {bench.root}\n\texcludesFile = {bench.root / 'all'}\n"
        f'[filter "x"]\n\tclean = {program}\n\tsmudge = {program}\n\tprocess = {program}\n\trequired = true\n'
        f'[diff "x"]\n\ttextconv = {program}\n\tcommand = {program}\n[diff]\n\texternal = {program}\n'
    )
    (bench.root / "all").write_text("*\n")
    attributes = "* filter=x diff=x merge=x\n"
    (clone / ".gitattributes").write_text(attributes)
    nested = clone / "vendor"
    git(clone, "init", "--quiet", str(nested))
    (nested / "lib.py").write_text("lib = 1\n")
    commit(nested)
    for repository in (clone / ".git", nested / ".git"):
        (repository / "config").write_text(config)
        (repository / "info").mkdir(exist_ok=True)
        (repository / "info" / "attributes").write_text(attributes)
        (repository / "hooks").mkdir(exist_ok=True)
        for hook in ("post-index-change", "pre-commit", "reference-transaction", "post-checkout"):
            shutil.copy(program, repository / "hooks" / hook)
    (clone / "more.py").write_text("print(2)\n")
    patch, cut = bench.shop.unpushed(bench.id, clone, base, MOST)
    assert not mark.exists()
    assert not cut
    assert {"+print(1)", "+print(2)", "+lib = 1"} <= set(patch.splitlines())


def outside_link(clone: Path, outside: Path) -> None:
    (clone / "way").symlink_to(outside)
    (clone / "secret").symlink_to(outside / "secret")


def git_file(clone: Path, outside: Path) -> None:
    shutil.move(clone / ".git", outside / "git")
    (clone / ".git").write_text(f"gitdir: {outside / 'git'}\n")


def git_link(clone: Path, outside: Path) -> None:
    shutil.move(clone / ".git", outside / "git")
    (clone / ".git").symlink_to(outside / "git")


def no_git(clone: Path, outside: Path) -> None:
    shutil.rmtree(clone / ".git")


def head_elsewhere(clone: Path, outside: Path) -> None:
    (clone / ".git" / "HEAD").write_text("ref: refs/heads/../../../../secret\n")


def borrowed(clone: Path, outside: Path) -> None:
    shutil.move(clone / ".git" / "objects", outside / "objects")
    (clone / ".git" / "objects" / "info").mkdir(parents=True)
    (clone / ".git" / "objects" / "info" / "alternates").write_text(f"{outside / 'objects'}\n")


def pipes(clone: Path, outside: Path) -> None:
    os.mkfifo(clone / "pipe")
    os.mkfifo(clone / "README")
    (clone / ".git" / "HEAD").unlink()
    os.mkfifo(clone / ".git" / "HEAD")


def linked_ignore(clone: Path, outside: Path) -> None:
    (clone / ".gitignore").symlink_to(outside / "ignore")


def bad_encoding(clone: Path, outside: Path) -> None:
    (clone / ".gitattributes").write_text("* working-tree-encoding\n")


def odd_names(clone: Path, outside: Path) -> None:
    for name in ("git~1", ".git ", "a\\.GIT", ".g\u200cit"):
        (clone / name).write_text("odd")


HARMS = [
    [outside_link, pipes, bad_encoding, odd_names],
    [linked_ignore, git_file],
    [git_link],
    [no_git],
    [head_elsewhere],
    [borrowed],
]


def test_whatever_was_done_to_a_clone_its_files_are_kept_and_nothing_else_is_read(bench: Bench) -> None:
    base = bench.tip() or ""
    honest = bench.clone()
    (honest / "app.py").write_text("print(1)\n")
    commit(honest)
    for number, harms in enumerate(HARMS):
        clone, outside = bench.root / f"harmed-{number}", bench.root / f"outside-{number}"
        shutil.copytree(honest, clone)
        outside.mkdir()
        (outside / "secret").write_text("the secret\n")
        (outside / "ignore").write_text("app.py\n")
        for harm in harms:
            harm(clone, outside)
        patch, _ = bench.shop.unpushed(bench.id, clone, base, MOST)
        assert "+print(1)\n" in patch, harms
        assert "the secret" not in patch, harms
        assert "+odd" not in patch, harms
        applied(honest, base, patch, bench.root)


def test_a_clone_that_is_gone_holds_nothing_and_one_that_is_a_link_is_refused(bench: Bench) -> None:
    base = bench.tip() or ""
    assert bench.shop.unpushed(bench.id, bench.root / "nowhere", base, MOST) == ("", False)
    (bench.root / "way").symlink_to(bench.clone())
    with pytest.raises(Permanent, match="a link"):
        bench.shop.unpushed(bench.id, bench.root / "way", base, MOST)
    with pytest.raises(Permanent, match="not here"):
        bench.shop.unpushed(bench.id, bench.clone(), "1" * 40, MOST)


def test_garbage_is_bounded_what_fits_is_kept_and_the_rest_is_named(bench: Bench) -> None:
    base = bench.commit({"kept/old.txt": b"old\n", "big.txt": b"small\n"})
    clone = bench.clone(base=base)
    (clone / "a.txt").write_text("a\n")
    with (clone / "big.txt").open("wb") as file:
        file.truncate(2**30)
    deep = clone / "deep"
    for _ in range(30):
        deep = deep / "d"
    deep.mkdir(parents=True)
    (deep / "f").touch()
    below = os.open(clone, os.O_RDONLY)
    for _ in range(18):  # more than a path may have
        os.mkdir("n" * 250, dir_fd=below)
        inner = os.open("n" * 250, os.O_RDONLY, dir_fd=below)
        os.close(below)
        below = inner
    os.close(below)
    (clone / "many").mkdir()
    for number in range(600):
        (clone / "many" / f"{number:04}").write_text("m\n")
    small = GitWorkshop(bench.root / "git", most=Most(names=500, levels=20, seconds=20))
    began = time.monotonic()
    patch, cut = small.unpushed(bench.id, clone, base, MOST)
    assert time.monotonic() - began < 20
    assert cut
    notes = [line for line in patch.splitlines() if line.startswith("# ")]
    assert any("'big.txt': it is too large" in note for note in notes)
    assert any("'many/', or a part of it: too much is there" in note for note in notes)
    assert "+a\n" in patch
    assert "-small" not in patch, "what was not read is not said to be gone"
    assert "-old" not in patch
    applied(clone, base, patch, bench.root)
    few = GitWorkshop(bench.root / "git", most=Most(files=100, total_bytes=150))
    patch, cut = few.unpushed(bench.id, clone, base, MOST)
    assert cut
    assert 10 <= patch.count("+m\n") <= 100
    assert "# Left out: " in patch
    assert " more\n" in patch
    applied(clone, base, patch, bench.root)


@pytest.mark.soak
def test_a_hundred_thousand_files_take_bounded_time(bench: Bench) -> None:
    base = bench.tip() or ""
    clone = bench.clone()
    for directory in range(1_000):
        (clone / f"d{directory}").mkdir()
        for number in range(100):
            (clone / f"d{directory}" / str(number)).write_text("m\n")
    began = time.monotonic()
    patch, cut = bench.shop.unpushed(bench.id, clone, base, 10_000)
    assert cut
    assert patch
    assert time.monotonic() - began < 120


# A law: what is not cut gives exactly the tree -------------------------------------------------------------

NAMES = st.sampled_from(
    ["a", "b", "c d", "ä", ":(glob)x", "-n", 'q"', "t\tb", "new\nline", " lead", "z\udcff"]
)
CONTENTS = st.one_of(
    st.sampled_from(
        [b"", b"x", b"x\n", b"1\r\n2\r\n", b"\0\1\2", b"\xff\xfe", b"# Left\ndiff --git a/x b/x\n"]
    ),
    st.binary(max_size=60),
    st.lists(st.sampled_from([b"one", b"two", b"@@ -1 +1 @@", b""]), max_size=8).map(b"\n".join),
)
FILES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=3).map("/".join),
    st.tuples(st.sampled_from(["file", "program", "link"]), CONTENTS),
    max_size=6,
)


def put(clone: Path, files: dict[str, tuple[str, bytes]]) -> None:
    """Have the work tree hold those files alone, as far as their names allow one another."""
    for entry in clone.iterdir():
        if entry.name != ".git":
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    for path, (kind, data) in files.items():
        target = clone / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if kind == "link":
                text = data.replace(b"\0", b"").decode("ascii", "ignore")
                target.symlink_to(text or "nowhere")
            else:
                target.write_bytes(data)
                target.chmod(0o755 if kind == "program" else 0o644)
        except OSError:  # a file is where a directory is wanted, or the other way round
            continue


def law(bench: Bench, trees: list[dict[str, tuple[str, bytes]]]) -> None:
    """The first tree is the base, the last lies there uncommitted, those between are commits."""
    with tempfile.TemporaryDirectory(dir=bench.root) as name:
        room = Path(name)
        clone = bench.clone()
        put(clone, trees[0])
        commit(clone)
        base = bench.shop.take(bench.id, clone, BRANCH) or ""
        for files in trees[1:-1]:
            put(clone, files)
            commit(clone)
        put(clone, trees[-1])
        patch, cut = bench.shop.unpushed(bench.id, clone, base, MOST)
        assert not cut
        assert "\0" not in patch
        assert applied(clone, base, patch, room) == lies(clone, room)


LAW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@settings(LAW, max_examples=5)
@given(trees=st.lists(FILES, min_size=2, max_size=3))
def test_a_patch_gives_exactly_the_tree(bench: Bench, trees: list[dict[str, tuple[str, bytes]]]) -> None:
    law(bench, trees)


@pytest.mark.soak
@settings(LAW, max_examples=150)
@given(trees=st.lists(FILES, min_size=2, max_size=4))
def test_a_patch_gives_exactly_the_tree_at_length(
    bench: Bench, trees: list[dict[str, tuple[str, bytes]]]
) -> None:
    law(bench, trees)
