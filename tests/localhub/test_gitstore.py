"""git plumbing on real bare repositories: commits, refs, history, merges. No HTTP."""

from pathlib import Path

import pytest

from localhub import githistory, gitmerge
from localhub.gitstore import (
    ZERO_SHA,
    GitError,
    GitMissing,
    GitRepo,
    Moved,
    NewCommit,
    Person,
    git_environment,
    require_git,
    valid_path,
    valid_ref,
)

ANNA = Person("Anna", "anna@example.org")
AT = 1_700_000_000


def commit(
    message: str,
    files: dict[str, bytes | None],
    *,
    branch: str = "main",
    parent: str | None = None,
    executables: frozenset[str] = frozenset(),
) -> NewCommit:
    return NewCommit(message, files, ANNA, AT, branch, parent, executables)


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    made = GitRepo(tmp_path / "1.git")
    made.create("main", [commit("Start", {"README.md": b"one\n", "src/a.py": b"a = 1\n"})])
    return made


def test_the_same_commits_have_the_same_ids(tmp_path: Path) -> None:
    story = [
        commit("Start", {"a": b"1\n"}),
        commit("Go on", {"a": b"2\n"}),
        commit("Part", {"b": b""}, branch="dev"),
    ]
    first = GitRepo(tmp_path / "1.git").create("main", story)
    assert GitRepo(tmp_path / "2.git").create("main", story) == first
    assert len(set(first)) == 3


def test_creating_twice_is_refused_and_leaves_no_draft(repo: GitRepo) -> None:
    with pytest.raises(GitError, match="exists already"):
        repo.create()
    with pytest.raises(GitError, match="cannot be a path"):
        GitRepo(repo.path.parent / "2.git").create("main", [commit("Bad", {"../out": b""})])
    assert [one.name for one in repo.path.parent.iterdir()] == ["1.git"]


def test_a_branch_starts_where_its_parent_says_and_goes_on_from_its_tip(repo: GitRepo) -> None:
    start = repo.heads()["main"]
    side, more, main = repo.commit(
        [
            commit("Side", {"side": b"x\n"}, branch="dev", parent="main"),
            commit("More", {"more": b"x\n"}, branch="dev"),
            commit("Main", {"main": b"x\n"}),
        ]
    )
    assert githistory.commit(repo, side).parents == (start,)
    assert githistory.commit(repo, more).parents == (side,)
    assert githistory.commit(repo, main).parents == (start,)
    assert repo.heads() == {"dev": more, "main": main}


def test_a_commit_on_a_parent_that_was_overtaken_is_refused(repo: GitRepo) -> None:
    start = repo.heads()["main"]
    (tip,) = repo.commit([commit("Go on", {"README.md": b"two\n"})])
    with pytest.raises(Moved):
        repo.commit([commit("Late", {"README.md": b"three\n"}, parent=start)])
    assert repo.heads() == {"main": tip}


def test_files_are_kept_byte_for_byte_under_any_name(repo: GitRepo) -> None:
    files: dict[str, bytes | None] = {
        'a "b"\\c\nd.bin': bytes(range(256)),
        "имя.txt": b"",
        "run": b"#!/bin/sh\n",
    }
    (tip,) = repo.commit([commit("Odd", files, executables=frozenset({"run"}))])
    for path, content in files.items():
        found = githistory.entry(repo, tip, path)
        assert found is not None
        assert githistory.blob(repo, found.sha) == content
        assert found.mode == ("100755" if path == "run" else "100644")
    assert repo.git("fsck", "--strict") == b""


def test_a_deleted_file_is_gone(repo: GitRepo) -> None:
    (tip,) = repo.commit([commit("Drop", {"README.md": None})])
    assert githistory.entry(repo, tip, "README.md") is None
    assert [one.path for one in githistory.directory(repo, tip, "")] == ["src"]


def test_a_name_resolves_as_branch_then_tag_then_id(repo: GitRepo) -> None:
    start = repo.heads()["main"]
    (tip,) = repo.commit([commit("Two", {"b": b""})])
    repo.set_ref("refs/tags/main", start, ZERO_SHA)
    repo.set_ref("refs/tags/v1", start, ZERO_SHA)
    assert repo.resolve("main") == tip
    assert repo.resolve("v1") == repo.resolve("tags/v1") == start
    assert repo.resolve(start[:8]) == start
    assert repo.resolve("HEAD") == tip
    for name in ("nothing", "", "-x", "a\nb", "0" * 40):
        assert repo.resolve(name) is None


def test_a_ref_moves_only_from_where_it_stands(repo: GitRepo) -> None:
    start = repo.heads()["main"]
    (tip,) = repo.commit([commit("Two", {"b": b""})])
    with pytest.raises(Moved):
        repo.set_ref("refs/heads/main", start, start)
    repo.set_ref("refs/heads/main", start, tip)
    assert repo.ref("refs/heads/main") == start
    repo.set_ref("refs/heads/other", tip, ZERO_SHA)
    with pytest.raises(Moved):
        repo.set_ref("refs/heads/other", tip, ZERO_SHA)
    repo.set_ref("refs/heads/other", ZERO_SHA, tip)
    assert repo.ref("refs/heads/other") is None


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("refs/heads/main", True),
        ("refs/heads/steward/7-build", True),
        ("refs/heads/a..b", False),
        ("refs/heads/.a", False),
        ("refs/heads/a.lock", False),
        ("refs/heads/a b", False),
        ("refs/heads/a~1", False),
        ("refs/heads/a@{1}", False),
        ("refs/heads/", False),
        ("refs/heads", False),
        ("heads/main", False),
    ],
)
def test_ref_names_are_judged_as_git_judges_them(repo: GitRepo, name: str, good: bool) -> None:
    assert valid_ref(name) is good
    if name.startswith("refs/heads/"):
        assert (repo.try_git("check-ref-format", name).returncode == 0) is good


def test_paths_stay_inside_the_repository() -> None:
    assert valid_path("a/b.c")
    assert not any(
        valid_path(path) for path in ("", "/a", "a/", "a//b", "../a", "a/./b", ".git/config", "a/.GIT/b")
    )


def test_log_pages_newest_first_and_follows_a_path(repo: GitRepo) -> None:
    made = repo.commit(
        [commit(f"Change {n}", {"README.md" if n % 2 else "b": b"%d\n" % n}) for n in range(6)]
    )
    tip = made[-1]
    assert [one.sha for one in githistory.log(repo, tip, limit=2, skip=1)] == [made[4], made[3]]
    assert [one.message for one in githistory.log(repo, tip, path="b")] == [
        "Change 4",
        "Change 2",
        "Change 0",
    ]
    assert githistory.count(repo, tip) == 7
    assert githistory.count(repo, tip, "README.md") == 4


def test_changes_name_what_happened_to_each_file(repo: GitRepo) -> None:
    text = b"".join(b"line %d\n" % n for n in range(20))
    (old,) = repo.commit([commit("Before", {"keep.txt": text, "move.txt": text + b"end\n", "bin": b"\0\1"})])
    (new,) = repo.commit(
        [
            commit(
                "After",
                {
                    "keep.txt": text.replace(b"line 3\n", b"line three\n"),
                    "move.txt": None,
                    "moved.txt": text + b"end\n",
                    "bin": b"\0\2",
                    "README.md": None,
                    "new.txt": b"diff --git a/x b/x\n",
                },
            )
        ]
    )
    found = {one.path: one for one in githistory.changes(repo, old, new)}
    assert {path: one.status for path, one in found.items()} == {
        "README.md": "removed",
        "bin": "modified",
        "keep.txt": "modified",
        "moved.txt": "renamed",
        "new.txt": "added",
    }
    assert found["moved.txt"].previous_path == "move.txt"
    assert (found["keep.txt"].additions, found["keep.txt"].deletions) == (1, 1)
    assert found["keep.txt"].patch.startswith("@@ -1,7 +1,7 @@")
    assert found["bin"].patch == ""
    assert found["new.txt"].patch == "@@ -0,0 +1 @@\n+diff --git a/x b/x"


def test_a_file_that_becomes_a_link_is_a_change_with_both_halves(repo: GitRepo) -> None:
    old = repo.heads()["main"]
    link = repo.git("hash-object", "-w", "--stdin", stdin=b"src/a.py").decode().strip()
    script = f"commit refs/heads/main\ncommitter A <a@b> {AT} +0000\ndata 0\nfrom {old}\nM 120000 {link} README.md\n"
    repo.git("fast-import", "--quiet", stdin=script.encode())
    (found,) = githistory.changes(repo, old, repo.heads()["main"])
    assert found.status == "changed"
    assert "-one" in found.patch
    assert "+src/a.py" in found.patch


def test_comparison_counts_both_sides(repo: GitRepo) -> None:
    start = repo.heads()["main"]
    side, main = repo.commit(
        [commit("Side", {"s": b""}, branch="dev", parent="main"), commit("Main", {"m": b""})]
    )
    assert githistory.compare(repo, start, start).status == "identical"
    assert githistory.compare(repo, start, main).status == "ahead"
    assert githistory.compare(repo, main, start).status == "behind"
    both = githistory.compare(repo, main, side)
    assert (both.status, both.ahead_by, both.behind_by, both.merge_base) == ("diverged", 1, 1, start)
    assert [one.sha for one in githistory.between(repo, main, side)] == [side]


def test_merge_squash_and_rebase_give_the_same_tree(repo: GitRepo) -> None:
    one, two, main = repo.commit(
        [
            commit("One", {"one": b"1\n"}, branch="dev", parent="main"),
            commit("Two", {"README.md": b"changed\n"}, branch="dev"),
            commit("Main", {"m": b"m\n"}),
        ]
    )
    bot = Person("Bot", "bot@example.org")
    merged = gitmerge.merge(repo, main, two, message="Merge", author=bot, at=AT + 1)
    squashed = gitmerge.squash(repo, main, two, message="Squash", author=bot, at=AT + 1)
    rebased = gitmerge.rebase(repo, main, two, committer=bot, at=AT + 1)
    shown = [githistory.commit(repo, sha) for sha in (merged, squashed, rebased)]
    assert len({each.tree for each in shown}) == 1
    assert shown[0].parents == (main, two)
    assert shown[1].parents == (main,)
    again = githistory.log(repo, rebased)[:3]
    assert [each.message for each in again] == ["Two", "One", "Main"]
    assert (again[0].author, again[0].committer) == (ANNA, bot)
    assert one not in [each.sha for each in again]


def join(repo: GitRepo, how: str, base: str, head: str) -> str:
    if how == "rebase":
        return gitmerge.rebase(repo, base, head, committer=ANNA, at=AT)
    made = gitmerge.merge if how == "merge" else gitmerge.squash
    return made(repo, base, head, message="x", author=ANNA, at=AT)


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
def test_a_conflict_is_an_error_and_moves_nothing(repo: GitRepo, how: str) -> None:
    repo.commit(
        [
            commit("Side", {"README.md": b"side\n"}, branch="dev", parent="main"),
            commit("Main", {"README.md": b"main\n"}),
        ]
    )
    heads = repo.heads()
    with pytest.raises(gitmerge.Conflict, match="conflicts"):
        join(repo, how, heads["main"], heads["dev"])
    assert repo.heads() == heads


def test_git_runs_apart_from_the_users_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    monkeypatch.setenv("SSH_AUTH_SOCK", "/nowhere")
    environment = git_environment()
    assert "GIT_DIR" not in environment
    assert "SSH_AUTH_SOCK" not in environment


def test_a_missing_or_old_git_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_git()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitMissing, match=r"not on PATH: install git 2\.38"):
        require_git()
    old = tmp_path / "git"
    old.write_text("#!/bin/sh\necho git version 2.30.1\n")
    old.chmod(0o755)
    with pytest.raises(GitMissing, match=r"2\.30\.1 is too old"):
        require_git()
