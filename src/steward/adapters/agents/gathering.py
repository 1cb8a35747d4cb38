"""After a run: what was left uncommitted is committed, in the box, and git says whether anything changed.

In the box, because whoever writes a clone also writes its hooks and its configuration.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from steward.domain.agents import Outcome, RunResult, RunSpec
from steward.ports.box import Box, BoxOrder, Why

WALL_S: Final = 120.0
HEAD: Final = "steward-head "
SCRIPT: Final = f"""
if [ -n "$(git status --porcelain)" ]; then
    git add -A && git commit --quiet --no-verify -m "$STEWARD_MESSAGE" || exit 1
fi
echo "{HEAD}$(git rev-parse --verify "refs/heads/$STEWARD_BRANCH")"
"""
NOBODY: Final = {
    "GIT_AUTHOR_NAME": "Steward agent",
    "GIT_AUTHOR_EMAIL": "agent@steward.invalid",
    "GIT_COMMITTER_NAME": "Steward agent",
    "GIT_COMMITTER_EMAIL": "agent@steward.invalid",
}


def identity(environment: Mapping[str, str]) -> dict[str, str]:
    """Who commits: what is given, and a name of our own where nothing is. No configuration of the machine counts."""
    return {
        **NOBODY,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        **{name: value for name, value in environment.items() if name.startswith("GIT_")},
    }


def gather(box: Box, spec: RunSpec, result: RunResult) -> RunResult:
    """Commit what is left, and tell a completed run that changed nothing from one that did."""
    message = f"{spec.role.value.capitalize()}: what was left uncommitted"
    order = BoxOrder(
        argv=("sh", "-c", SCRIPT),
        cwd=spec.clone,
        writable=(spec.clone,),
        environment={
            **identity(spec.environment),
            "STEWARD_BRANCH": spec.branch,
            "STEWARD_MESSAGE": message,
        },
        memory_bytes=spec.limits.memory_bytes,
        output_bytes=1_000_000,
        wall_s=WALL_S,
    )
    running = box.start(order)
    head, said = "", ""
    try:
        while not running.over:
            if (line := running.line(1.0)) is not None:
                text = line.text.decode(errors="replace")
                head = text.removeprefix(HEAD).strip() if text.startswith(HEAD) else head
                said = text
        end = running.end()
    finally:
        running.kill()
        running.end()
    if end.why is not Why.EXITED or end.exit_code != 0 or not head:
        reason = f"its changes could not be committed: {said[:300] or end.why.value}"
        return replace(result, outcome=Outcome.CRASHED, reason=reason)
    if head == spec.base_sha:
        return replace(
            result, outcome=Outcome.NO_CHANGE, reason="it says that it is done, and changed nothing"
        )
    return result
