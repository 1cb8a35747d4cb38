"""The real programs in their boxes, against a scripted model: `make agents` installs them."""

from __future__ import annotations

from pathlib import Path

import pytest

from steward.domain.agents import Limits, Outcome, Role, RunResult
from tests.contract.agents.installed import THERE
from tests.contract.agents.kit import BOX, Hearing, alive, clone_of, git, spec_of
from tests.contract.agents.model_server import DONE, KEY, Model, model
from tests.contract.agents.native import AGENTS, MODELS, QUICK

LIMITS = Limits(wall_s=90, silence_s=60, usd=3)
ALL = pytest.mark.parametrize("name", THERE)
QUICK_ONES = [name for name in THERE if name != "opencode"]


def ran(
    name: str,
    server: Model,
    clone: Path,
    heard: Hearing,
    role: Role = Role.DEVELOPER,
    limits: Limits = LIMITS,
) -> RunResult:
    """One run; nothing of it is alive afterwards, and nothing that it said holds the key."""
    spec = spec_of(clone, role, network="model", model=MODELS[name], limits=limits, environment=QUICK)
    result = AGENTS[name](BOX, server).run(spec, heard, heard.stop)
    assert alive(str(clone)) == []
    assert KEY not in "".join(event.raw + event.text for event in heard.events) + repr(result)
    return result


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with one file."""
    return clone_of(tmp_path, {"README.md": "x"})


def works(name: str, role: Role, clone: Path) -> None:
    """It writes what it was asked to, and what that took is known."""
    heard = Hearing()
    with model("write") as server:
        result = ran(name, server, clone, heard, role)
        assert {key.removeprefix("Bearer ") for key in server.keys} == {KEY}
        assert "Write hello.txt" in str(server.asked)
    assert result.outcome is Outcome.COMPLETED, (result, heard.events)
    assert git(clone, "show", "HEAD:hello.txt") == "hello"
    assert result.cost_usd is not None
    assert 0 < result.cost_usd < 0.1
    assert result.cost_source == ("agent" if name == "claude" else "computed")
    assert result.usage["input_tokens"] >= 2000
    assert result.session
    assert heard.texts("tool_start")
    assert heard.texts("tool_end")
    assert DONE in heard.texts("text")


@pytest.mark.parametrize("role", [Role.ARCHITECT, Role.DEVELOPER])
@pytest.mark.parametrize("name", QUICK_ONES)
def test_work_is_done(name: str, role: Role, clone: Path) -> None:
    works(name, role, clone)


@pytest.mark.soak
@pytest.mark.parametrize("role", [Role.ARCHITECT, Role.DEVELOPER])
@pytest.mark.parametrize("name", [name for name in THERE if name not in QUICK_ONES])
def test_work_is_done_by_slower_ones(name: str, role: Role, clone: Path) -> None:
    works(name, role, clone)


@pytest.mark.soak
@pytest.mark.parametrize("role", [Role.ARCHITECT, Role.DEVELOPER])
@ALL
def test_a_false_success_is_no_change(name: str, role: Role, clone: Path) -> None:
    with model("nothing") as server:
        result = ran(name, server, clone, Hearing(), role)
    assert (result.outcome, result.exit_code) == (Outcome.NO_CHANGE, 0)


@pytest.mark.soak
@ALL
def test_silence_is_a_timeout(name: str, clone: Path) -> None:
    with model("hang") as server:
        result = ran(name, server, clone, Hearing(), limits=Limits(wall_s=90, silence_s=15))
        assert server.calls
    assert result.outcome is Outcome.TIMEOUT


@pytest.mark.soak
@ALL
def test_a_stop_while_the_model_thinks(name: str, clone: Path) -> None:
    with model("hang") as server:
        heard = Hearing()
        heard.stop = lambda: bool(server.calls)  # type: ignore[method-assign]  # what it waits for is the server's
        result = ran(name, server, clone, heard)
    assert result.outcome is Outcome.CANCELLED


@pytest.mark.soak
@ALL
def test_a_spent_budget_ends_a_run(name: str, clone: Path) -> None:
    with model("costly") as server:
        result = ran(name, server, clone, Hearing())
        calls = sum(method == "POST" for method, _ in server.calls)
    assert result.outcome is Outcome.LIMIT
    assert "3.00 dollars" in result.reason
    assert result.cost_usd is not None
    assert result.cost_usd >= 3
    assert calls <= 4


@pytest.mark.soak
@ALL
def test_turns_are_bounded(name: str, clone: Path) -> None:
    with model("costly") as server:
        result = ran(name, server, clone, Hearing(), limits=Limits(wall_s=90, silence_s=60, turns=2))
        assert sum(method == "POST" for method, _ in server.calls) <= 6
    assert result.outcome is Outcome.LIMIT, result


@pytest.mark.soak
@pytest.mark.parametrize("how", ["overloaded", "broken"])
@ALL
def test_a_model_that_is_out_of_order_is_the_providers_failure(name: str, how: str, clone: Path) -> None:
    with model(how) as server:
        result = ran(name, server, clone, Hearing(), limits=Limits(wall_s=60, silence_s=20))
    assert result.outcome is Outcome.PROVIDER_ERROR, result


@pytest.mark.soak
@ALL
def test_one_that_is_killed_has_crashed(name: str, clone: Path) -> None:
    with model("crash") as server:
        result = ran(name, server, clone, Hearing())
    assert result.outcome is Outcome.CRASHED, result
    assert git(clone, "log", "--format=%s") == "Begin"
