"""The contract of `ports.building.ForgeWrite`: the fake, and the client over a localhub."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import pytest

from localhub import checks as hub_checks
from localhub import pulls, pushes
from localhub.gitstore import NewCommit, Person
from localhub.testing import Hub
from steward.adapters.github import Token, connect_write
from steward.domain.repository import Repo
from steward.domain.verdict import Check, CommitChecks
from steward.ports.building import Blocked, Ensured, ForgeWrite, MovedOn, NameTaken
from steward.ports.errors import NoSuchOrganisation, Permanent
from steward.testing.building import FakeForgeWrite
from steward.testing.clock import FakeClock
from steward.testing.forge import FakeForge

MARKER = "steward:7f3a"
LABELS = {"steward": "0e8a16", "needs a person": "D93F0B"}


class Place(Protocol):
    """A server with the organisation `acme`, that a test may change behind the client's back."""

    forge: ForgeWrite

    def create(self, name: str, description: str) -> int: ...
    def rename(self, repo_id: int, name: str) -> None: ...
    def delete(self, repo_id: int) -> None: ...
    def count(self) -> int: ...
    def commit(self, repo_id: int, branch: str, files: Mapping[str, bytes]) -> str: ...
    def status(self, repo_id: int, sha: str, context: str, state: str) -> None: ...
    def close_pull(self, repo_id: int, number: int) -> None: ...


class FakePlace:
    """FakeForgeWrite over a FakeForge."""

    def __init__(self) -> None:
        self.world = FakeForge(FakeClock())
        self.world.add_organisation("acme")
        self.fake = FakeForgeWrite(self.world)
        self.forge: ForgeWrite = self.fake

    def create(self, name: str, description: str) -> int:
        return self.world.create("acme", name, description=description).id

    def rename(self, repo_id: int, name: str) -> None:
        self.world.rename(repo_id, name)

    def delete(self, repo_id: int) -> None:
        self.world.delete(repo_id)

    def count(self) -> int:
        return len(self.world.live("acme"))

    def commit(self, repo_id: int, branch: str, files: Mapping[str, bytes]) -> str:
        return self.fake.commit(repo_id, branch, files)

    def status(self, repo_id: int, sha: str, context: str, state: str) -> None:
        self.fake.say(CommitChecks(sha, (Check(context, 0, "completed", state, 1),)))

    def close_pull(self, repo_id: int, number: int) -> None:
        self.fake.close_pull(repo_id, number)


class HubPlace:
    """localhub, over a real connection."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.client = connect_write(hub.url, credential=Token(hub.token), clock=FakeClock())
        self.forge: ForgeWrite = self.client

    def create(self, name: str, description: str) -> int:
        return self.hub.create(name, description=description)

    def rename(self, repo_id: int, name: str) -> None:
        self.hub.rename(repo_id, name)

    def delete(self, repo_id: int) -> None:
        self.hub.delete(repo_id)

    def count(self) -> int:
        return len(self.hub.ids())

    def commit(self, repo_id: int, branch: str, files: Mapping[str, bytes]) -> str:
        new = NewCommit("work", dict(files), Person("Ann", "ann@acme.test"), 1_700_000_000, branch)
        git = self.hub.core.git(self.hub.repo(repo_id))
        if branch not in git.heads() and git.heads():
            new = NewCommit(new.message, new.files, new.author, new.at, branch, parent="main")
        return pushes.commit(self.hub.core, self.hub._player(), self.hub.repo(repo_id), new)

    def status(self, repo_id: int, sha: str, context: str, state: str) -> None:
        wanted = {"sha": sha, "state": state, "context": context, "description": None, "target_url": None}
        hub_checks.add_status(self.hub.core, self.hub._player(), self.hub.repo(repo_id), wanted)

    def close_pull(self, repo_id: int, number: int) -> None:
        core, repo = self.hub.core, self.hub.repo(repo_id)
        found = pulls.find(core, repo, number)
        assert found is not None
        pulls.close(core, self.hub._player(), repo, found)


@pytest.fixture(params=["fake", "localhub"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    if request.param == "fake":
        yield FakePlace()
        return
    with Hub() as hub:
        made = HubPlace(hub)
        yield made
        made.client.close()


def make(place: Place, name: str = "shop") -> tuple[Repo, bool]:
    """The repository that every test builds on."""
    return place.forge.ensure_repository(
        "acme", name, marker=MARKER, description="Sells things", visibility="private"
    )


@pytest.fixture
def repo(place: Place) -> Repo:
    return make(place)[0]


def test_a_repository_is_made_once_and_is_bare(place: Place) -> None:
    made, new = make(place)
    assert new
    assert (made.name, made.owner_login, made.visibility) == ("shop", "acme", "private")
    assert made.description == f"Sells things {MARKER}"
    assert place.forge.is_bare(made.id)
    again, new = make(place, "SHOP")
    assert (again.id, new, place.count()) == (made.id, False, 1)
    place.commit(made.id, "main", {"app.py": b"x"})
    assert not place.forge.is_bare(made.id)


def test_a_name_that_is_anothers_is_told(place: Place) -> None:
    place.create("shop", "somebody's")
    with pytest.raises(NameTaken, match="acme/shop"):
        make(place)
    place.create("store", f"close, but no {MARKER}b")
    with pytest.raises(NameTaken):
        make(place, "store")
    assert place.count() == 2


def test_ours_under_another_name_is_not_made_again(place: Place, repo: Repo) -> None:
    place.rename(repo.id, "store")
    found, new = make(place)
    assert (found.id, found.name, new, place.count()) == (repo.id, "store", False, 1)


def test_an_empty_repository_of_ours_is_taken_as_it_is(place: Place) -> None:
    number = place.create("shop", f"Sells things {MARKER}")
    made, new = make(place)
    assert (made.id, new) == (number, False)
    assert place.forge.is_bare(number)
    assert place.forge.tip(number, "main") is None


def test_an_organisation_that_is_not_there_is_told(place: Place) -> None:
    with pytest.raises(NoSuchOrganisation, match="nowhere"):
        place.forge.ensure_repository("nowhere", "a", marker=MARKER, description="", visibility="private")


def test_a_repository_is_found_by_id_after_a_rename_and_told_when_it_is_gone(
    place: Place, repo: Repo
) -> None:
    place.rename(repo.id, "store")
    assert place.forge.tip(repo.id, "main") is not None
    assert place.forge.git_address(repo.id)[0].endswith("/acme/store.git")
    place.delete(repo.id)
    for ask in (
        lambda: place.forge.tip(repo.id, "main"),
        lambda: place.forge.is_bare(repo.id),
        lambda: place.forge.git_address(repo.id),
        lambda: place.forge.ensure_labels(repo.id, LABELS),
    ):
        with pytest.raises(Permanent, match=f"repository {repo.id} does not answer"):
            ask()


def test_the_rule_of_the_default_branch_is_set_once_and_follows_what_is_asked(
    place: Place, repo: Repo
) -> None:
    assert place.forge.ensure_branch_rule(repo.id, ["test", "lint"]).made
    assert place.forge.ensure_branch_rule(repo.id, ["lint", "test", "test"]) == Ensured(made=False)
    sha = place.forge.tip(repo.id, "main") or ""
    assert place.forge.checks(repo.id, sha).required == (("lint", None), ("test", None))
    assert place.forge.ensure_branch_rule(repo.id, ["test"]).made
    assert place.forge.checks(repo.id, sha).required == (("test", None),)
    assert place.forge.ensure_branch_rule(repo.id, []).made
    assert not place.forge.ensure_branch_rule(repo.id, []).made
    assert place.forge.checks(repo.id, sha).required == ()


def test_labels_are_made_once_whatever_their_case_and_recoloured(place: Place, repo: Repo) -> None:
    assert place.forge.ensure_labels(repo.id, LABELS) == Ensured(made=True, detail="steward, needs a person")
    upper = {name.upper(): colour.upper() for name, colour in LABELS.items()}
    assert place.forge.ensure_labels(repo.id, upper) == Ensured(made=False)
    assert place.forge.ensure_labels(repo.id, {**LABELS, "steward": "ffffff"}).detail == "steward"
    assert not place.forge.ensure_labels(repo.id, {"steward": "ffffff"}).made


def test_tips_and_files_are_read_at_branches_and_commits(place: Place, repo: Repo) -> None:
    first = place.forge.tip(repo.id, "main")
    assert first is not None
    data = bytes(range(256)) * 300
    second = place.commit(repo.id, "steward/op-1", {"src/a b.bin": data, "src/ü.txt": b"1"})
    assert place.forge.tip(repo.id, "steward/op-1") == second != first
    assert place.forge.tip(repo.id, "steward/op") is None, "a branch is named whole"
    assert place.forge.file_at(repo.id, "src/a b.bin", second) == data
    assert place.forge.file_at(repo.id, "src/ü.txt", "steward/op-1") == b"1"
    for path, ref in (("src/ü.txt", first), ("src", second), ("none", second), ("a/../b", second)):
        assert place.forge.file_at(repo.id, path, ref) is None


def opened(place: Place, repo: Repo, head: str = "steward/op-1") -> int:
    """A pull request of one commit."""
    place.commit(repo.id, head, {f"{head.replace('/', '-')}.txt": b"1"})
    return place.forge.ensure_pull(repo.id, head=head, base="main", title="Work", body="Why").number


def test_a_pull_request_is_opened_once_and_follows_its_branch(place: Place, repo: Repo) -> None:
    head = place.commit(repo.id, "steward/op-1", {"a": b"1"})
    asked = {"head": "steward/op-1", "base": "main", "title": "Work", "body": "Why"}
    first = place.forge.ensure_pull(repo.id, **asked)
    assert first == place.forge.ensure_pull(repo.id, **asked) == place.forge.pull(repo.id, 1)
    shown = place.forge.pull(repo.id, 1)
    assert (shown.state, shown.head_sha, shown.base, shown.merge_sha) == ("open", head, "main", None)
    assert shown.mergeable is True
    assert "/acme/shop/pull/1" in shown.url
    newer = place.commit(repo.id, "steward/op-1", {"b": b"2"})
    assert place.forge.pull(repo.id, 1).head_sha == newer


def test_a_pull_request_without_a_change_or_a_branch_is_refused_in_words(place: Place, repo: Repo) -> None:
    with pytest.raises(Permanent):
        place.forge.ensure_pull(repo.id, head="steward/none", base="main", title="t", body="")
    opened(place, repo)
    with pytest.raises(Permanent, match="main holds nothing that steward/op-1 lacks"):
        place.forge.ensure_pull(repo.id, head="main", base="steward/op-1", title="t", body="")
    with pytest.raises(Permanent):
        place.forge.pull(repo.id, 99)


def test_a_merge_is_made_once_at_the_commit_that_was_looked_at(place: Place, repo: Repo) -> None:
    number = opened(place, repo)
    seen = place.forge.pull(repo.id, number).head_sha
    newer = place.commit(repo.id, "steward/op-1", {"b": b"2"})
    with pytest.raises(MovedOn) as moved:
        place.forge.merge(repo.id, number, sha=seen, title="Work (#1)")
    assert (moved.value.expected, moved.value.found) == (seen, newer)
    merged = place.forge.merge(repo.id, number, sha=newer, title="Work (#1)")
    assert (merged.state, merged.head_sha) == ("merged", newer)
    assert merged.merge_sha == place.forge.tip(repo.id, "main")
    assert place.forge.merge(repo.id, number, sha=newer, title="Work (#1)") == merged
    assert place.forge.pull(repo.id, number) == merged
    with pytest.raises(MovedOn):
        place.forge.merge(repo.id, number, sha=seen, title="Work (#1)")
    same = place.forge.ensure_pull(repo.id, head="steward/op-1", base="main", title="Work", body="")
    assert same == merged, "the same head is not opened anew"
    assert place.forge.file_at(repo.id, "b", "main") == b"2"


def test_more_work_on_a_merged_branch_is_another_pull_request(place: Place, repo: Repo) -> None:
    number = opened(place, repo)
    place.forge.merge(repo.id, number, sha=place.forge.pull(repo.id, number).head_sha, title="Work")
    place.commit(repo.id, "steward/op-1", {"c": b"3"})
    other = place.forge.ensure_pull(repo.id, head="steward/op-1", base="main", title="More", body="")
    assert (other.number, other.state) == (2, "open")


def test_a_closed_pull_request_is_not_merged_but_a_new_one_opened(place: Place, repo: Repo) -> None:
    number = opened(place, repo)
    head = place.forge.pull(repo.id, number).head_sha
    place.close_pull(repo.id, number)
    with pytest.raises(Blocked, match="closed"):
        place.forge.merge(repo.id, number, sha=head, title="Work")
    other = place.forge.ensure_pull(repo.id, head="steward/op-1", base="main", title="Work", body="")
    assert (other.number, other.state, other.head_sha) == (2, "open", head)


def test_checks_tell_what_was_said_of_the_commit(place: Place, repo: Repo) -> None:
    sha = place.forge.tip(repo.id, "main") or ""
    assert place.forge.checks(repo.id, sha) == CommitChecks(sha)
    place.status(repo.id, sha, "ci/test", "failure")
    (check,) = place.forge.checks(repo.id, sha).checks
    assert (check.name, check.app_id, check.status, check.conclusion) == (
        "ci/test",
        0,
        "completed",
        "failure",
    )


def test_the_address_for_git_is_of_this_server(place: Place, repo: Repo) -> None:
    address, token = place.forge.git_address(repo.id)
    assert address == f"{place.forge.server}/acme/shop.git"
    assert token
