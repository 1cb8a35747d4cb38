"""Runs of a program that reads its contract: outcomes, limits, and what git says afterwards."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from steward.adapters.agents import CommandAgent
from steward.adapters.agents.command import Lines
from steward.adapters.agents.running import Command, Runner
from steward.domain.agents import Limits, Outcome, Role, RunEventKind, RunResult
from steward.ports.errors import Permanent
from tests.contract.agents.kit import BOX, CLOCK, Hearing, alive, clone_of, git, script, spec_of

SAY = """
import json, os, subprocess, sys, time
from pathlib import Path

def say(kind, text="", **more):
    print(json.dumps({"kind": kind, "text": text, **more}), flush=True)

contract = json.loads(Path(os.environ["STEWARD_CONTRACT"]).read_text())
"""
WRITE = "Path('hello.txt').write_text('hello')\n"
FINISH = "say('finished', 'done')\n"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with one file."""
    return clone_of(tmp_path, {"README.md": "x"})


def ran(
    clone: Path, code: str, role: Role = Role.DEVELOPER, heard: Hearing | None = None, **more: Any
) -> RunResult:
    """What a program comes to."""
    argv = script(clone.parent, SAY + code)
    agent = CommandAgent("mine", argv, BOX, CLOCK, readable=(clone.parent / "agent.py",))
    heard = heard or Hearing()
    return agent.run(spec_of(clone, role, **more), heard, heard.stop)


def test_what_is_left_uncommitted_is_committed_as_whom_the_environment_names(clone: Path) -> None:
    identity = {
        f"GIT_{who}_{what}": f"robot@{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    heard = Hearing()
    code = WRITE + "say('text', contract['project']['slug'])\n" + FINISH
    result = ran(clone, code, heard=heard, environment=identity)
    assert result.outcome is Outcome.COMPLETED
    assert git(clone, "log", "-1", "--format=%an %ce") == "robot@NAME robot@EMAIL"
    assert git(clone, "ls-files") == "README.md\nhello.txt"
    assert [event.kind.value for event in heard.events] == ["started", "text", "finished"]
    assert [event.seq for event in heard.events] == [1, 2, 3]
    assert heard.texts("text") == ["bakery"]


def test_a_commit_of_its_own_is_left_as_it_is(clone: Path) -> None:
    code = WRITE + "subprocess.run('git add -A && git commit -qm Mine', shell=True, check=True)\n" + FINISH
    assert ran(clone, code).outcome is Outcome.COMPLETED
    assert git(clone, "log", "--format=%s") == "Mine\nBegin"


@pytest.mark.parametrize("role", [Role.ARCHITECT, Role.DEVELOPER])
def test_done_without_a_change_is_no_change(clone: Path, role: Role) -> None:
    result = ran(clone, FINISH, role)
    assert (result.outcome, result.exit_code) == (Outcome.NO_CHANGE, 0)


def test_an_end_without_the_last_word_is_a_crash(clone: Path) -> None:
    result = ran(clone, WRITE + "print('thinking')")
    assert (result.outcome, result.exit_code) == (Outcome.CRASHED, 0)
    assert "thinking" in result.reason
    result = ran(clone, "raise SystemExit('no disk')")
    assert (result.outcome, result.exit_code) == (Outcome.CRASHED, 1)
    assert "no disk" in result.reason
    assert git(clone, "log", "--format=%s") == "Begin", "nothing of a crashed run is committed"


def test_lines_of_any_kind_are_kept(clone: Path) -> None:
    heard = Hearing()
    odd = r"""
print('plain')
print('{"kind": "surprise", "text": "new"}')
print('{"kind": ["odd"]}')
print('{"broken": ')
print('[' * 5000)
sys.stdout.flush(); sys.stdout.buffer.write(b'\xff\xfe\n'); sys.stdout.flush()
print('deep ' * 10000)
print('to the side', file=sys.stderr)
"""
    result = ran(clone, odd + WRITE + FINISH, heard=heard)
    assert result.outcome is Outcome.COMPLETED
    assert heard.texts("text")[:2] == ["plain", "new"]
    assert heard.texts("warning") == ["to the side"]
    assert max(len(event.raw) for event in heard.events) == 2000
    assert len(result.tail) <= 4000


def test_a_tester_gives_a_verdict_and_changes_nothing(clone: Path) -> None:
    code = WRITE + "say('finished', verdict={'approved': False, 'reasons': ['red', 3]})"
    result = ran(clone, code, Role.TESTER)
    assert result.outcome is Outcome.COMPLETED
    assert result.verdict == {"approved": False, "reasons": ["red", "3"]}
    assert git(clone, "log", "--format=%s") == "Begin"
    said = ran(clone, 'print(\'Well:\\n{"approved": true, "reasons": []}\')\n' + FINISH, Role.TESTER)
    assert said.verdict == {"approved": True, "reasons": []}
    assert ran(clone, FINISH, Role.TESTER).outcome is Outcome.CRASHED, "silence is no verdict"


@pytest.mark.parametrize(
    ("more", "outcome", "cost", "source"),
    [
        ({"cost_usd": 0.5}, Outcome.REFUSED, 0.5, "agent"),
        (
            {"usage": {"input_tokens": 1000, "output_tokens": 100}, "model": "claude-sonnet-4-5"},
            None,
            0.0045,
            "computed",
        ),
        ({"usage": {"input_tokens": 1000}, "model": "unheard-of"}, None, None, "unknown"),
        ({"cost_usd": -1}, None, None, "unknown"),
        ({"cost_usd": "free"}, None, None, "unknown"),
    ],
)
def test_the_cost_is_the_agents_else_computed_else_unknown(
    clone: Path, more: Mapping[str, Any], outcome: Outcome | None, cost: float | None, source: str
) -> None:
    more = {**more, "outcome": (outcome or Outcome.COMPLETED).value, "reason": "why"}
    result = ran(clone, f"say('finished', **{dict(more)!r})")
    assert (result.cost_usd, result.cost_source) == (pytest.approx(cost) if cost else cost, source)
    if outcome is not None:
        assert (result.outcome, result.reason) == (outcome, "why")


def test_an_unknown_outcome_is_a_crash(clone: Path) -> None:
    assert ran(clone, WRITE + "say('finished', outcome='great')").outcome is Outcome.CRASHED


@pytest.mark.parametrize(
    ("code", "limits", "outcome", "word"),
    [
        ("time.sleep(99)", Limits(wall_s=60, silence_s=0.5), Outcome.TIMEOUT, "nothing was heard"),
        (
            "while True: say('text'); time.sleep(0.1)",
            Limits(wall_s=1, silence_s=30),
            Outcome.TIMEOUT,
            "longer",
        ),
        ("while True: say('text', 'x' * 999)", Limits(output_bytes=10_000), Outcome.LIMIT, "said more"),
        ("sys.stdout.write('\\n' * 300_000)", Limits(), Outcome.LIMIT, "said more"),
        ("x = b'1' * 10**9", Limits(memory_bytes=200_000_000), Outcome.CRASHED, "MemoryError"),
        (
            "say('usage', usage={'output_tokens': 9_000_000}); time.sleep(99)",
            Limits(usd=5),
            Outcome.LIMIT,
            "of 5.00 dollars",
        ),
        ("say('retry', '529'); time.sleep(99)", Limits(silence_s=0.5), Outcome.PROVIDER_ERROR, "529"),
    ],
)
def test_limits_end_a_run(clone: Path, code: str, limits: Limits, outcome: Outcome, word: str) -> None:
    started = time.monotonic()
    result = ran(clone, code, limits=limits, model="claude-sonnet-4-5")
    assert result.outcome is outcome
    assert word in result.reason
    assert time.monotonic() - started < 30
    assert git(clone, "log", "--format=%s") == "Begin"


def test_a_stop_ends_all_of_it(clone: Path) -> None:
    mark = secrets.token_hex(16)
    heard = Hearing(stop_at="ready")
    code = f"subprocess.Popen(['sleep', '99', ' {mark}'], start_new_session=True)\nos.fork()\n"
    result = ran(clone, f"{code}say('text', 'ready')\ntime.sleep(99)  # {mark}", heard=heard)
    assert result.outcome is Outcome.CANCELLED
    assert alive(mark) == []
    assert alive(str(clone)) == []


def test_whoever_listens_may_fail_and_nothing_stays(clone: Path) -> None:
    def deaf(_event: object) -> None:
        raise ZeroDivisionError

    mark = secrets.token_hex(16)
    agent = CommandAgent("mine", ("sh", "-c", f"sleep 99 # {mark}"), BOX, CLOCK)
    with pytest.raises(ZeroDivisionError):
        agent.run(spec_of(clone), deaf, lambda: False)
    assert alive(mark) == []


def test_one_that_goes_on_after_its_last_word_is_ended(clone: Path) -> None:
    command = Command(script(clone.parent, SAY + WRITE + FINISH + "time.sleep(99)"), Lines())
    command = Command(command.argv, Lines(), readable=(clone.parent / "agent.py",))
    heard = Hearing()
    result = Runner(BOX, CLOCK, grace_s=0.2).run(spec_of(clone), command, heard, heard.stop)
    assert result.outcome is Outcome.COMPLETED
    assert git(clone, "log", "-1", "--format=%s") == "Developer: what was left uncommitted"


def test_what_a_clone_is_configured_with_is_not_run_out_here(clone: Path, tmp_path: Path) -> None:
    proof = tmp_path / "proof"
    code = f"""
hook = Path('.git/hooks/post-commit')
hook.parent.mkdir(exist_ok=True)
hook.write_text('#!/bin/sh\\ntouch {proof}\\n')
hook.chmod(0o755)
subprocess.run(['git', 'config', 'core.fsmonitor', 'touch {proof}; false'], check=True)
"""
    assert ran(clone, code + WRITE + FINISH).outcome is Outcome.COMPLETED
    assert not proof.exists()


def test_one_that_spoils_its_clone_is_a_crash(clone: Path) -> None:
    result = ran(clone, "import shutil\nshutil.rmtree('.git/objects')\n" + WRITE + FINISH)
    assert result.outcome is Outcome.CRASHED
    assert "could not be committed" in result.reason


def test_the_contract_lies_beside_the_clone(clone: Path) -> None:
    heard = Hearing()
    code = "say('text', os.environ['STEWARD_CONTRACT'])\nsay('text', json.dumps(contract))\n"
    ran(clone, code + WRITE + FINISH, heard=heard)
    place, held = heard.texts("text")
    assert json.loads(held)["role"] == "developer"
    assert not Path(place).is_relative_to(clone)
    assert not Path(place).exists(), "it goes with the run"


def test_a_run_that_wants_a_model_and_has_none_says_what_to_set(clone: Path) -> None:
    with pytest.raises(Permanent, match="no model is configured"):
        ran(clone, FINISH, network="model")


def test_an_event_has_its_moment(clone: Path) -> None:
    heard = Hearing()
    ran(clone, FINISH, heard=heard)
    assert all(event.at.tzinfo is not None for event in heard.events)
    assert heard.events[-1].kind is RunEventKind.FINISHED
