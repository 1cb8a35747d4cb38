"""The laws of hands off, over generated interleavings of our work with what people and robots do on GitHub.

No commit of a person is ever overwritten; every foreign change is noticed within one beat; none of ours is called
foreign; nothing of a person's is deployed without a word. Webhooks arrive, are lost, or come in another order.
"""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from steward.adapters.store import open_store
from steward.app.errors import Invalid
from steward.app.inbox import take_in
from steward.domain.deliveries import Delivery
from steward.domain.hands import Exit, Hold, Reason, guarded
from steward.domain.lifecycle import Refused
from steward.domain.status import Status
from steward.ports import Conflict, Permanent
from steward.testing.branches import BUILDER
from steward.testing.driven import Driven
from tests.app.hands_kit import hands, holds, noticed, repo

Step = tuple[str, int]

ACTS = (
    "push", "push", "push workflow", "push ours", "force back", "force aside", "robot", "robot workflow",
    "stranger", "merge", "squash", "delete ours", "update", "update", "work", "work", "work", "beat", "beat",
    "meet push", "meet push ours", "meet merge", "deliver", "deliver last", "leave", "leave", "ship", "rebase",
    "stop", "restart", "tell",
)  # fmt: skip

steps = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 9)), min_size=4, max_size=25)


@dataclass
class Tale:
    """Plays steps on a living project, and knows what nobody has consented to yet."""

    driven: Driven
    consented: set[str] = field(default_factory=set)
    excused: set[str] = field(default_factory=set)
    foreign: set[str] = field(default_factory=set)
    moves: int = 0
    told: int = 0
    deployed: int = 0
    count: int = 0

    def begin(self) -> None:
        """From an order to a live site, with nobody else about."""
        self.driven.live()
        self.driven.beat()
        self.driven.watch()
        assert holds(self.driven) == []
        self.settle()

    # What is so ----------------------------------------------------------------------------------------

    @property
    def tip(self) -> str:
        return self.driven.tip()

    @property
    def branch(self) -> str | None:
        """The branch of the newest operation that has one, if it is there."""
        shown = self.driven.build.heads(repo(self.driven), "main", "steward/").ours
        for one in self.driven.operations():
            name = f"steward/{one.kind}-{one.id[:8]}"
            if one.is_open and name in shown:
                return name
        return None

    def history(self, sha: str) -> set[str]:
        """A commit and all before it."""
        found, waiting = set[str](), [sha]
        while waiting:
            at = waiting.pop()
            if at not in found:
                found.add(at)
                waiting += self.driven.build.told(at).parents
        return found

    def is_foreign(self, sha: str) -> bool:
        """Whether somebody else made that commit, and it was not taken as plain."""
        made = self.driven.build.told(sha)
        other = sha in self.foreign or (made.author not in ("", BUILDER.login))
        return other and sha not in self.excused

    def unconsented(self) -> set[str]:
        """What others have on the default branch that nobody has said yes to."""
        return {sha for sha in self.history(self.tip) - self.consented if self.is_foreign(sha)}

    def settle(self) -> None:
        """Nothing stands open: all that is there is known."""
        self.consented |= self.history(self.tip)
        self.known = self.tip

    # What happens --------------------------------------------------------------------------------------

    def play(self, act: str, number: int) -> None:
        """One step; one that has no meaning now is passed over."""
        with suppress(Refused, Invalid, Permanent, Conflict, KeyError, IndexError):
            if act.startswith("meet "):
                self.driven.gate.meet(number + 1, lambda: self._safely(act.removeprefix("meet "), number))
            else:
                self._act(act, number)
        self.judge()

    def _safely(self, act: str, number: int) -> None:
        with suppress(Permanent, KeyError, IndexError):
            self._act(act, number)

    def _act(self, act: str, number: int) -> None:
        self.count += 1
        name = act.replace(" ", "_")
        getattr(self, f"_{name}")(number)

    def _files(self, number: int, folder: str = "by-hand") -> dict[str, bytes]:
        return {f"{folder}/{number}.txt": f"{self.count}".encode()}

    def _push(self, number: int) -> None:
        self.driven.build.person_push(repo(self.driven), "main", self._files(number), "boris")

    def _push_workflow(self, number: int) -> None:
        files = self._files(number, ".github/workflows")
        self.driven.build.person_push(repo(self.driven), "main", files, "boris")

    def _push_ours(self, number: int) -> None:
        if (branch := self.branch) is not None:
            self.driven.build.person_push(repo(self.driven), branch, self._files(number), "clara")

    def _force_back(self, _number: int) -> None:
        self.driven.build.person_force_push(repo(self.driven), "main", login="boris")

    def _force_aside(self, number: int) -> None:
        self.driven.build.person_force_push(repo(self.driven), "main", self._files(number), "boris")

    def _robot(self, number: int) -> None:
        self.driven.build.robot_push(repo(self.driven), "main", self._files(number, "deps"))

    def _robot_workflow(self, number: int) -> None:
        self.driven.build.robot_push(repo(self.driven), "main", self._files(number, ".github/workflows"))

    def _stranger(self, number: int) -> None:
        self.driven.build.robot_push(repo(self.driven), "main", self._files(number), "stranger[bot]")

    def _merged(self, how: str) -> None:
        pulls = [
            int(one.facts["pull"]) for one in self.driven.operations() if one.is_open and "pull" in one.facts
        ]
        before = self.history(self.tip)
        head = self.driven.build.pull(repo(self.driven), pulls[0]).head_sha
        plain = not any(self.is_foreign(sha) for sha in self.history(head) - before)
        self.driven.build.person_merge(repo(self.driven), pulls[0], how, "boris")
        if plain:
            self.excused |= {self.tip}

    def _merge(self, _number: int) -> None:
        self._merged("merge")

    def _squash(self, _number: int) -> None:
        self._merged("squash")

    def _delete_ours(self, _number: int) -> None:
        if (branch := self.branch) is not None:
            self.driven.build.person_delete_branch(repo(self.driven), branch, "clara")

    def _update(self, number: int) -> None:
        self.driven.building().update("shop", f"Change {self.count}")
        begin = self.driven.building().redesign if number % 2 else self.driven.building().rebuild
        begin("shop")

    def _work(self, _number: int) -> None:
        self.driven.drive()

    def _beat(self, _number: int) -> None:
        noticed(self.driven)
        self.noticed()

    def _deliver(self, number: int) -> None:
        """What has not been told so far, in another order, some of it lost."""
        waiting = list(enumerate(self.driven.build.deliveries))[self.told :]
        self.told = len(self.driven.build.deliveries)
        waiting = [one for one in waiting if (one[0] + number) % 4]
        self._arrive([at for at, _ in (waiting[::-1] if number % 2 else waiting)])

    def _deliver_last(self, _number: int) -> None:
        self._arrive([len(self.driven.build.deliveries) - 1])

    def _arrive(self, numbers: list[int]) -> None:
        now, all_of = self.driven.clock.now().at, self.driven.build.deliveries
        rows = [
            Delivery(-1, f"guid-{at}", "push", now, json.dumps(all_of[at].payload()).encode())
            for at in numbers
        ]
        with self.driven.store.writing() as tx:
            take_in(tx, rows, self.driven.forge.server)

    def _leave(self, _number: int, way: Exit = Exit.RESUME) -> None:
        standing = holds(self.driven)
        hands(self.driven).leave("shop", way)
        left = {one.id for one in standing} - {one.id for one in holds(self.driven)}
        for one in standing:
            if one.id in left and (tip := one.evidence.get("tip")):
                self.consented |= self.history(str(tip))
                if one.reason is Reason.FOREIGN:
                    self.known = str(tip)

    def _ship(self, number: int) -> None:
        self._leave(number, Exit.SHIP)

    def _rebase(self, number: int) -> None:
        self._leave(number, Exit.REBASE)

    def _stop(self, number: int) -> None:
        self._leave(number, Exit.STOP)

    def _restart(self, _number: int) -> None:
        self.driven.begin()

    def _tell(self, number: int) -> None:
        self._deliver(number)

    # What must hold ------------------------------------------------------------------------------------

    def judge(self) -> None:
        """After every step."""
        for moved in self.driven.build.deliveries[self.moves :]:
            if moved.sender != BUILDER or moved.before is None:
                continue
            assert moved.after is not None, "we delete no branch"
            lost = self.history(moved.before) - self.history(moved.after)
            assert not any(self.is_foreign(sha) for sha in lost), f"we overwrote {lost} on {moved.branch}"
        self.moves = len(self.driven.build.deliveries)
        for commit in self.driven.deployer.done[self.deployed :]:
            theirs = {sha for sha in self.history(commit) - self.consented if self.is_foreign(sha)}
            assert not theirs - self._by_robots(theirs), f"{theirs} deployed without a word"
        self.deployed = len(self.driven.deployer.done)

    def _by_robots(self, shas: set[str]) -> set[str]:
        """Those of an allowed robot that touch nothing guarded: they need no word."""
        return {sha for sha in shas if self.driven.build.told(sha).author == "dependabot[bot]"}

    def noticed(self) -> None:
        """After a beat with nothing going on meanwhile."""
        found = {one.reason: one for one in holds(self.driven)}
        foreign = found.get(Reason.FOREIGN)
        if self.driven.project().status in (Status.ARCHIVED, Status.MISSING):
            return
        forced = self.known not in self.history(self.tip)
        theirs = self.unconsented()
        if foreign is None:
            assert not forced, "a forced branch was not noticed"
            assert not theirs - self._by_robots(theirs), f"{theirs} not noticed"
            assert not any(self._touches_guarded(sha) for sha in theirs), "a guarded path was not noticed"
            self.settle()
        else:
            assert foreign.evidence["tip"] == self.tip
            assert forced or theirs, f"ours was called foreign: {foreign.evidence}"
            self._only_theirs(foreign)
        branch = found.get(Reason.BRANCH)
        if branch is not None:
            others = [
                one
                for one in self.driven.build.deliveries
                if one.branch == branch.evidence["branch"] and one.sender != BUILDER
            ]
            assert others, f"ours was called somebody's: {branch.evidence}"

    def _only_theirs(self, foreign: Hold) -> None:
        if foreign.evidence["kind"] == "pushed":
            for commit in foreign.evidence["commits"]:
                sha = commit["sha"]
                assert self.is_foreign(sha) or sha in self.excused, f"{sha} is ours"

    def _touches_guarded(self, sha: str) -> bool:
        parents, files = self.driven.build.held(sha)
        before = self.driven.build.held(parents[0])[1] if parents else {}
        return any(guarded(path) for path in files if files[path] != before.get(path))


def play(played: list[Step]) -> None:
    """One tale, on a database of its own."""
    with TemporaryDirectory() as folder:
        store = open_store("sqlite://")
        try:
            tale = Tale(Driven(store, Path(folder)))
            tale.begin()
            for act, number in played:
                note(f"{act} {number}")
                tale.play(act, number)
            tale.play("beat", 0)
            tale.play("beat", 0)
        finally:
            store.close()


CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=8, deadline=None, suppress_health_check=CHECKS)
@given(steps)
def test_people_and_steward_side_by_side(played: list[Step]) -> None:
    play(played)


@pytest.mark.soak
@settings(max_examples=600, deadline=None, suppress_health_check=CHECKS)
@given(steps)
def test_people_and_steward_side_by_side_for_long(played: list[Step]) -> None:
    play(played)
