"""Our side of the Agent Client Protocol, against an agent made with the protocol's own library."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import acp
import pytest

from steward.adapters.agents import AcpAgent
from steward.domain.agents import Limits, Outcome, RunResult
from tests.contract.agents.kit import BOX, CLOCK, Hearing, alive, clone_of, git, spec_of

AGENT = """
import asyncio, sys
from acp import *
from acp.schema import PermissionOption, ToolCallUpdate

HOW = sys.argv[1]


class Scripted(Agent):
    def on_connect(self, conn):
        self.conn = conn

    async def initialize(self, protocol_version, **more):
        assert more["client_capabilities"].fs.write_text_file
        return InitializeResponse(protocol_version=7 if HOW == "newer" else protocol_version)

    async def authenticate(self, method_id, **more):
        print("signed in with", method_id, file=sys.stderr)

    async def new_session(self, cwd, **more):
        self.cwd = cwd
        return NewSessionResponse(session_id="s-1")

    async def set_session_mode(self, session_id, mode_id, **more):
        print("mode", mode_id, file=sys.stderr)

    async def prompt(self, session_id, prompt, **more):
        conn = self.conn
        for piece in ("I write ", prompt[0].text):
            await conn.session_update(session_id, update_agent_message_text(piece))
        if HOW == "hang":
            await asyncio.sleep(99)
        if HOW == "error":
            raise RequestError(-32000, "the model is overloaded")
        if HOW == "gone":
            sys.exit(3)
        await conn.session_update(session_id, start_tool_call("t1", "write hello"))
        options = [
            PermissionOption(option_id="no", name="No", kind="reject_once"),
            PermissionOption(option_id="yes", name="Yes", kind="allow_once"),
        ]
        call = ToolCallUpdate(tool_call_id="t1", title="write hello")
        told = await conn.request_permission(session_id=session_id, tool_call=call, options=options)
        assert told.outcome.option_id == "yes"
        path = self.cwd + "/hello.txt"
        await conn.write_text_file(session_id=session_id, path=path, content="one\\ntwo\\nthree\\n")
        read = await conn.read_text_file(session_id=session_id, path=path, line=2, limit=1)
        assert read.content == "two\\n", read
        try:
            await conn.read_text_file(session_id=session_id, path="/root/secret")
        except RequestError as error:
            print("refused", error, file=sys.stderr)
        await conn.session_update(session_id, update_tool_call("t1", status="completed"))
        return PromptResponse(stop_reason=HOW)


asyncio.run(run_agent(Scripted()))
"""


def ran(tmp_path: Path, how: str, heard: Hearing, **more: Any) -> tuple[RunResult, Path]:
    """One run of the agent."""
    clone = clone_of(tmp_path, {"README.md": "x"})
    program = tmp_path / "agent"
    program.write_text(f"#!{sys.executable}\n{AGENT}")
    program.chmod(0o755)
    agent = AcpAgent("scripted", (str(program), how), BOX, CLOCK, None, authenticate="key", mode="code")
    return agent.run(spec_of(clone, instructions="hello.txt", **more), heard, heard.stop), clone


def test_a_whole_session(tmp_path: Path) -> None:
    heard = Hearing()
    result, clone = ran(tmp_path, "end_turn", heard)
    assert result.outcome is Outcome.COMPLETED, heard.events
    assert result.session == "s-1"
    assert (clone / "hello.txt").read_text() == "one\ntwo\nthree\n"
    assert git(clone, "ls-files") == "README.md\nhello.txt"
    assert heard.texts("text") == ["I write hello.txt"]
    assert heard.texts("tool_start") == ["write hello"]
    warnings = "\n".join(heard.texts("warning"))
    assert "signed in with key" in warnings
    assert "mode code" in warnings
    assert "refused" in warnings


@pytest.mark.parametrize(
    ("how", "outcome", "word"),
    [
        ("refusal", Outcome.REFUSED, "refusal"),
        ("error", Outcome.PROVIDER_ERROR, "the model is overloaded"),
        pytest.param("max_tokens", Outcome.LIMIT, "max_tokens", marks=pytest.mark.soak),
        pytest.param("cancelled", Outcome.CANCELLED, "cancelled", marks=pytest.mark.soak),
        pytest.param("gone", Outcome.PROVIDER_ERROR, "session/prompt", marks=pytest.mark.soak),
        pytest.param("newer", Outcome.PROVIDER_ERROR, "version 7", marks=pytest.mark.soak),
    ],
)
def test_the_ways_a_session_ends(tmp_path: Path, how: str, outcome: Outcome, word: str) -> None:
    result, clone = ran(tmp_path, how, Hearing())
    assert result.outcome is outcome
    assert word in result.reason
    assert git(clone, "log", "--format=%s") == "Begin"


def test_an_agent_that_is_silent_is_ended_with_its_client(tmp_path: Path) -> None:
    result, _ = ran(tmp_path, "hang", Hearing(), limits=Limits(silence_s=3))
    assert result.outcome is Outcome.TIMEOUT
    assert alive(str(tmp_path)) == []
    assert acp.PROTOCOL_VERSION == 1, "what acp_inside.py speaks"
