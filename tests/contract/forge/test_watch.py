"""The contract of `ports.watching.ForgeWatch`: the fake, and the clients over a localhub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from localhub.testing import Hub
from steward.domain.hands import Compared
from steward.ports.errors import Permanent
from steward.ports.watching import Heads, Shown
from tests.contract.forge.watch_kit import MARKER, FakePlace, HubPlace, Place

_NAMES = count(1)
HOSTILE = ("steward/a#b", "steward/100%25", "steward/ü-日本", "steward/a&b=c+d;e")


@pytest.fixture(scope="module", params=["fake", "localhub"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "fake":
        yield FakePlace()
        return
    with Hub() as hub:
        made = HubPlace(hub)
        yield made
        made.close()


@pytest.fixture
def repo(place: Place) -> int:
    """A repository with a README on main."""
    made, _ = place.forge.ensure_repository(
        "acme", f"shop-{next(_NAMES)}", marker=f"{MARKER}{next(_NAMES)}", description="", visibility="private"
    )
    return made.id


def tip(place: Place, repo: int, branch: str = "main") -> str:
    found = place.forge.tip(repo, branch)
    assert found is not None
    return found


def test_heads_are_the_default_branch_and_those_of_our_prefix(place: Place, repo: int) -> None:
    first = tip(place, repo)
    assert place.watch.heads(repo, "main", "steward/") == Heads(first)
    ours = place.push(repo, "steward/op-1", {"a": b"1"})
    place.push(repo, "stewardess", {"a": b"2"})
    place.push(repo, "feature/steward/x", {"a": b"3"})
    assert place.watch.heads(repo, "main", "steward/") == Heads(first, {"steward/op-1": ours})
    newer = place.push(repo, "main", {"b": b"1"})
    assert place.watch.heads(repo, "main", "steward/").default == newer
    assert place.watch.heads(repo, "mai", "steward/").default is None, "a branch is named whole"
    place.move(repo, "steward/op-1", None)
    assert place.watch.heads(repo, "main", "steward/").ours == {}
    assert place.forge.heads(repo, "main", "steward/") == Heads(newer), "the builder watches too"


def test_an_empty_repository_has_no_heads(place: Place) -> None:
    number = place.empty(f"empty-{next(_NAMES)}")
    assert place.watch.heads(number, "main", "steward/") == Heads(None)
    assert not place.watch.has_file(number, ".do-not-touch", "main")


def test_names_that_are_hostile_to_addresses_are_found(place: Place, repo: int) -> None:
    wanted = {name: place.push(repo, name, {name: b"1"}) for name in HOSTILE}
    found = place.watch.heads(repo, HOSTILE[0], "steward/")
    assert found == Heads(wanted[HOSTILE[0]], wanted)
    for name in HOSTILE:
        assert place.watch.heads(repo, name, name) == Heads(wanted[name], {name: wanted[name]})
        assert place.watch.has_file(repo, name, wanted[name])
        assert not place.watch.shown(repo, name).archived
    for name in ("../main", "a b", "what?", "", "."):
        assert place.watch.heads(repo, name, "none/") == Heads(None)


def test_a_comparison_lists_what_is_new_with_who_wrote_it(place: Place, repo: int) -> None:
    base = tip(place, repo)
    first = place.push(repo, "main", {"b.txt": b"1\n", "deploy/x": b"x\n"})
    second = place.push(repo, "main", {"b.txt": None, "README.md": b"new\n"}, "dependabot[bot]")
    found = place.watch.compare(repo, base, second)
    assert (found.forced, found.whole) == (False, True)
    assert [(one.sha, one.parents) for one in found.commits] == [(first, (base,)), (second, (first,))]
    assert [(one.login, one.account) for one in found.commits] == [
        ("anna", "User"),
        ("dependabot[bot]", "Bot"),
    ]
    assert all(one.author == one.login and one.message == "work" and one.at for one in found.commits)
    assert found.files == {"README.md": "M", "deploy/x": "A"}
    assert place.forge.compare(repo, base, second) == found, "the builder watches too"
    assert place.watch.compare(repo, second, second) == Compared(forced=False)


def test_a_file_that_moved_counts_at_both_its_paths(place: Place, repo: int) -> None:
    base = place.push(repo, "main", {"old/name.py": b"one\ntwo\nthree\n"})
    head = place.push(repo, "main", {"old/name.py": None, "deploy/name.py": b"one\ntwo\nthree\n"})
    assert place.watch.compare(repo, base, head).files == {"deploy/name.py": "R", "old/name.py": "D"}


def test_a_branch_that_was_forced_is_told(place: Place, repo: int) -> None:
    base = tip(place, repo)
    before = place.push(repo, "main", {"a": b"1"})
    place.move(repo, "main", base)
    back = place.watch.compare(repo, before, base)
    assert (back.forced, back.commits, back.files) == (True, (), {})
    aside = place.push(repo, "main", {"c": b"2"})
    found = place.watch.compare(repo, before, aside)
    assert (found.forced, [one.sha for one in found.commits], found.files) == (True, [aside], {"c": "A"})


def test_a_commit_that_is_not_there_is_forced_and_not_whole(place: Place, repo: int) -> None:
    here = tip(place, repo)
    for base, head in (("0" * 39 + "1", here), (here, "0" * 39 + "1")):
        assert place.watch.compare(repo, base, head) == Compared(forced=True, whole=False)


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
def test_a_merge_on_the_web_page_is_told_with_its_head(place: Place, repo: int, how: str) -> None:
    base = tip(place, repo)
    head = place.push(repo, "steward/op-1", {"a": b"1"})
    place.push(repo, "main", {"other": b"1"})
    pull = place.forge.ensure_pull(repo, head="steward/op-1", base="main", title="Work", body="").number
    assert place.watch.merged_as(repo, pull) is None
    assert place.watch.merged_as(repo, 99) is None
    place.merge(repo, pull, how)
    merged = tip(place, repo)
    assert place.watch.merged_as(repo, pull) == (head, merged)
    found = place.watch.compare(repo, base, merged)
    newest = found.commits[-1]
    assert (newest.sha, len(newest.parents)) == (merged, 2 if how == "merge" else 1)
    assert found.files == {"a": "A", "other": "A"}
    if how == "merge":
        assert newest.parents[1] == head


def test_our_merge_says_its_title_and_then_its_message(place: Place, repo: int) -> None:
    base = tip(place, repo)
    head = place.push(repo, "steward/op-1", {"a": b"1"})
    pull = place.forge.ensure_pull(repo, head="steward/op-1", base="main", title="Work", body="").number
    made = place.forge.merge(repo, pull, sha=head, title="Work (#1)", message=f"Steward-Seal: {head} x")
    assert place.watch.merged_as(repo, pull) == (head, made.merge_sha)
    newest = place.watch.compare(repo, base, tip(place, repo)).commits[-1]
    assert newest.message.strip() == f"Work (#1)\n\nSteward-Seal: {head} x"


def test_a_file_is_there_and_a_directory_is_none(place: Place, repo: int) -> None:
    before = tip(place, repo)
    place.push(repo, "main", {".do-not-touch": b"", "src/a b?#.py": b"1"})
    for path in (".do-not-touch", "src/a b?#.py"):
        assert place.watch.has_file(repo, path, tip(place, repo))
        assert not place.watch.has_file(repo, path, before)
    assert place.watch.has_file(repo, ".do-not-touch", "main")
    for path in ("src", "none", "../x", "", "src/", "a/./b"):
        assert not place.watch.has_file(repo, path, "main")
    assert not place.watch.has_file(repo, ".do-not-touch", "0" * 40)


def test_the_settings_that_are_watched_are_shown(place: Place, repo: int) -> None:
    assert place.watch.shown(repo, "main") == Shown("main", "private", False, False, "")
    place.forge.ensure_branch_rule(repo, [])
    place.homepage(repo, "https://shop.example")
    assert place.watch.shown(repo, "main") == Shown("main", "private", False, True, "https://shop.example")
    place.publish(repo)
    place.archive(repo)
    assert place.watch.shown(repo, "main") == Shown("main", "public", True, True, "https://shop.example")


def test_git_reads_it_from_this_server_by_its_present_name(place: Place, repo: int) -> None:
    address, token = place.watch.source(repo)
    assert address == place.forge.git_address(repo)[0]
    assert token


def test_a_repository_that_is_gone_is_told_not_taken_for_empty(place: Place, repo: int) -> None:
    place.delete(repo)
    asks: list[Callable[[], object]] = [
        lambda: place.watch.heads(repo, "main", "steward/"),
        lambda: place.watch.compare(repo, "a" * 40, "b" * 40),
        lambda: place.watch.merged_as(repo, 1),
        lambda: place.watch.has_file(repo, "a", "main"),
        lambda: place.watch.shown(repo, "main"),
        lambda: place.watch.source(repo),
    ]
    for ask in asks:
        with pytest.raises(Permanent):
            ask()


# -- the new writing side -----------------------------------------------------------------------------


def test_a_secret_arrives_sealed_and_is_replaced(place: Place, repo: int) -> None:
    assert place.forge.ensure_secret(repo, "api_key", "hunter2 ü").made
    assert place.secret(repo, "API_KEY") == "hunter2 ü"
    assert not place.forge.ensure_secret(repo, "API_KEY", "other").made
    assert place.secret(repo, "API_KEY") == "other"


def test_a_variable_is_set_once_and_follows_what_is_asked(place: Place, repo: int) -> None:
    assert place.forge.ensure_variable(repo, "mode", "fast").made
    assert not place.forge.ensure_variable(repo, "MODE", "fast").made
    assert place.forge.ensure_variable(repo, "MODE", "slow").made
    assert place.variable(repo, "MODE") == "slow"


@pytest.mark.parametrize(
    "name", ["", "1A", "A-B", "GITHUB_TOKEN", "github_x", "Ä", "A B", "A/../B", "A" * 256]
)
def test_a_name_that_github_does_not_take_is_refused(place: Place, repo: int, name: str) -> None:
    for ask in (place.forge.ensure_secret, place.forge.ensure_variable):
        with pytest.raises(Permanent) as refused:
            ask(repo, name, "hunter2")
        assert "hunter2" not in repr(refused.value)


def test_a_value_that_is_too_large_is_refused(place: Place, repo: int) -> None:
    for ask in (place.forge.ensure_secret, place.forge.ensure_variable):
        assert ask(repo, "A", "x" * 48 * 1024).made
        with pytest.raises(Permanent, match="GitHub") as refused:
            ask(repo, "A", "ü" + "x" * (48 * 1024 - 1))
        assert "xxx" not in repr(refused.value)


def test_three_settings_are_set_right_and_nothing_else_is(place: Place, repo: int) -> None:
    place.push(repo, "other", {"a": b"1"})
    assert place.forge.mend(repo, "default_branch", "other").made
    assert not place.forge.mend(repo, "default_branch", "other").made
    assert not place.forge.mend(repo, "visibility", "private").made
    place.publish(repo)
    assert place.forge.mend(repo, "visibility", "private").made
    assert not place.forge.mend(repo, "archived", "false").made
    place.archive(repo)
    assert place.forge.mend(repo, "archived", "false").made
    before = place.watch.shown(repo, "other")
    assert before == Shown("other", "private", False, False, "")
    for setting, value in (
        ("visibility", "public"),
        ("visibility", "internal"),
        ("archived", "true"),
        ("private", "false"),
        ("name", "store"),
        ("default_branch", "none"),
        ("default_branch", ""),
        ("homepage", "https://evil.example"),
    ):
        with pytest.raises(Permanent):
            place.forge.mend(repo, setting, value)
    assert place.watch.shown(repo, "other") == before
