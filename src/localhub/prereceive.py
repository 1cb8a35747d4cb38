"""Lets git refuse a push that the rules of a branch forbid, through a `pre-receive` hook.

What can be said before the pack is read is said by branchrules.py and only shown by the hook; whether a branch
moves forward is found by the hook, which sees the new commits before they belong to the repository. A push to
branches without rules runs no hook.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from localhub import branchrules
from localhub.gitstore import ZERO_SHA, RefMove, git_environment
from localhub.registry import Repo
from localhub.tokens import Caller

if TYPE_CHECKING:
    from localhub.core import Core

_HOOK = """#!/bin/sh
# Shows why a push is refused: "refused" holds that already, a line of "forward" names a ref that may only move
# forward and the file that says so.
if [ -s "$LOCALHUB_RULES/refused" ]; then
  cat "$LOCALHUB_RULES/refused" >&2
  exit 1
fi
result=0
while read -r old new ref; do
  case "$old" in *[!0]*) ;; *) continue ;; esac
  case "$new" in *[!0]*) ;; *) continue ;; esac
  while read -r number ruled; do
    if [ "$ruled" = "$ref" ] && ! git merge-base --is-ancestor "$old" "$new"; then
      cat "$LOCALHUB_RULES/$number" >&2
      result=1
    fi
  done < "$LOCALHUB_RULES/forward"
done
exit $result
"""


def environment(
    core: "Core", caller: Caller, repo: Repo, place: Path, asked: Sequence[RefMove]
) -> Mapping[str, str]:
    """What git's environment needs for refusing what is forbidden of a push; nothing where nothing can be.

    The hook and what it reads are written into `place`, an empty directory that lives as long as the push.
    """
    site = core.public_url
    refused = ""
    forward: list[str] = []
    for move in asked:
        violations = branchrules.without_history(core, caller, repo, move)
        if violations:
            refused += branchrules.told(repo, move.ref, violations, site) + "\n"
        if ZERO_SHA not in {move.before, move.after} and branchrules.must_follow(
            core, caller, repo, move.ref
        ):
            (place / str(len(forward))).write_text(branchrules.told_forced(repo, move.ref, site) + "\n")
            forward.append(f"{len(forward)} {move.ref}\n")
    if not refused and not forward:
        return {}
    (place / "refused").write_text(refused)
    (place / "forward").write_text("".join(forward))
    hook = place / "pre-receive"
    hook.write_text(_HOOK)
    hook.chmod(0o700)
    count = int(git_environment()["GIT_CONFIG_COUNT"])
    return {
        "LOCALHUB_RULES": str(place),
        "GIT_CONFIG_COUNT": str(count + 1),
        f"GIT_CONFIG_KEY_{count}": "core.hooksPath",
        f"GIT_CONFIG_VALUE_{count}": str(place),
    }
