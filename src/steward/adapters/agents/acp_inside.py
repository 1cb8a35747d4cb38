"""The client of the Agent Client Protocol (version 1), within the box beside the agent that it speaks to.

Run as a script by a bare interpreter, `python -I acp_inside.py SETTINGS -- AGENT...`: standard library, and nothing of
Steward. It is inside so that files that the agent asks it to write are written there. The prompt is read from the
first stream; what happens is printed as lines of JSON. SETTINGS is a JSON object: `authenticate` names the way to
sign in, `mode` the mode of the session, where they are set.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

VERSION = 1
OUTCOMES = {
    "end_turn": "completed",
    "max_tokens": "limit",
    "max_turn_requests": "limit",
    "refusal": "refused",
    "cancelled": "cancelled",
}


class Failed(Exception):
    """The agent answered a call with an error, or went away; the text says what it said."""


def main(argv: list[str]) -> int:
    """One session with one prompt; 0 unless the agent failed."""
    settings: dict[str, Any] = json.loads(argv[1])
    prompt = sys.stdin.read()
    with subprocess.Popen(
        argv[argv.index("--") + 1 :],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as agent:
        client = Client(agent)
        try:
            converse(client, settings, prompt)
        except Failed as failure:
            say("finished", str(failure), outcome="provider_error", reason=str(failure)[:500])
            return 1
        finally:
            agent.kill()
    return 0


def converse(client: Client, settings: dict[str, Any], prompt: str) -> None:
    """Greet, open a session, ask, and tell how it ended. Raises Failed."""
    files = {"readTextFile": True, "writeTextFile": True}
    about = {"name": "steward", "version": "1"}
    greeted = client.call(
        "initialize",
        {
            "protocolVersion": VERSION,
            "clientCapabilities": {"fs": files, "terminal": False},
            "clientInfo": about,
        },
    )
    if greeted.get("protocolVersion") != VERSION:
        raise Failed(f"it speaks version {greeted.get('protocolVersion')} of the protocol")
    if settings.get("authenticate"):
        client.call("authenticate", {"methodId": settings["authenticate"]})
    session = client.call("session/new", {"cwd": str(Path.cwd()), "mcpServers": []})["sessionId"]
    if settings.get("mode"):
        client.call("session/set_mode", {"sessionId": session, "modeId": settings["mode"]})
    asked = {"sessionId": session, "prompt": [{"type": "text", "text": prompt}]}
    answer = client.call("session/prompt", asked)
    client.flush()
    reason = str(answer.get("stopReason"))
    usage = answer.get("usage") or {}
    say(
        "finished",
        reason,
        outcome=OUTCOMES.get(reason, "crashed"),
        reason="" if reason == "end_turn" else reason,
        session=session,
        usage={
            "input_tokens": usage.get("inputTokens"),
            "output_tokens": usage.get("outputTokens"),
            "cache_read_tokens": usage.get("cachedReadTokens"),
        },
    )


class Client:
    """JSON-RPC with the agent, a message a line, one call at a time."""

    def __init__(self, agent: subprocess.Popen[str]) -> None:
        self._agent = agent
        self._number = 0
        self._said = ""

    def call(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Call, and serve the agent until the answer is there. Raises Failed."""
        self._number += 1
        self._send({"id": self._number, "method": method, "params": params})
        while True:
            message = self._next(method)
            if "method" in message:
                self._serve(message)
            elif message.get("id") == self._number:
                if "error" in message:
                    raise Failed(f"{method}: {json.dumps(message['error'], ensure_ascii=False)}")
                return message.get("result") or {}

    def flush(self) -> None:
        """Print what the agent said in pieces."""
        said, self._said = self._said, ""
        if said.strip():
            say("text", said)

    def _send(self, message: dict[str, Any]) -> None:
        assert self._agent.stdin is not None
        try:
            self._agent.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            self._agent.stdin.flush()
        except BrokenPipeError:
            raise Failed("the agent went away") from None

    def _next(self, method: str) -> dict[str, Any]:
        """The next message; lines that are none are told as text."""
        assert self._agent.stdout is not None
        for line in self._agent.stdout:
            try:
                message = json.loads(line)
            except ValueError:
                message = None
            if isinstance(message, dict):
                return message
            say("text", line.rstrip("\n"))
        raise Failed(f"the agent went away during {method}")

    def _serve(self, message: dict[str, Any]) -> None:
        """Take a notification, or answer a request."""
        method, params = message["method"], message.get("params") or {}
        if "id" not in message:
            if method == "session/update":
                self._update(params.get("update") or {})
            return
        answer: dict[str, Any]
        try:
            answer = {"result": self._answer(method, params)}
        except (OSError, ValueError, KeyError) as error:
            answer = {"error": {"code": -32603, "message": f"{type(error).__name__}: {error}"}}
        self._send({"id": message["id"], **answer})

    def _answer(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """What the agent asked for. Raises OSError, ValueError, KeyError."""
        if method == "session/request_permission":
            # The box is what holds it; nobody is there to ask.
            options = sorted(params["options"], key=lambda option: not option["kind"].startswith("allow"))
            return {"outcome": {"outcome": "selected", "optionId": options[0]["optionId"]}}
        if method == "fs/read_text_file":
            lines = Path(params["path"]).read_text(encoding="utf-8").splitlines(keepends=True)
            first = max(0, (params.get("line") or 1) - 1)
            return {"content": "".join(lines[first:][: params.get("limit")])}
        if method == "fs/write_text_file":
            Path(params["path"]).write_text(params["content"], encoding="utf-8")
            return {}
        raise ValueError(f"there is no {method} here")

    def _update(self, update: dict[str, Any]) -> None:
        """Tell of what the agent does."""
        kind = update.get("sessionUpdate")
        if kind == "agent_message_chunk":
            self._said += str((update.get("content") or {}).get("text") or "")
            return
        self.flush()
        title = str(update.get("title") or update.get("toolCallId") or "")
        if kind == "tool_call":
            say("tool_start", title)
        elif kind == "tool_call_update" and update.get("status") in {"completed", "failed"}:
            say("tool_end", f"{title} {update['status']}")
        else:
            # Everything else shows that it is alive.
            say(
                "text",
                str((update.get("content") or {}).get("text") or "") if kind == "agent_thought_chunk" else "",
            )


def say(kind: str, text: str, **more: Any) -> None:
    """Print one event."""
    sys.stdout.write(json.dumps({"kind": kind, "text": text, **more}, ensure_ascii=False) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
