"""What the examples about declared checks share: a declaration, a real push of it, and waiting for what comes."""

import json
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx

from localhub.gitstore import git_environment

_Found = TypeVar("_Found")
ACTIONS = 15_368
WHO = {
    "GIT_AUTHOR_NAME": "Anna",
    "GIT_AUTHOR_EMAIL": "anna@example.org",
    "GIT_COMMITTER_NAME": "Anna",
    "GIT_COMMITTER_EMAIL": "anna@example.org",
}
PASSES = ("python3", "-c", "print('all is well')")


def check(name: str, *command: str, **more: object) -> str:
    """One declared check; JSON's texts, lists and numbers are TOML's too."""
    settings = {"command": list(command), **more}
    return f"[checks.{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())


def shell(name: str, script: str, **more: object) -> str:
    return check(name, "sh", "-c", script, **more)


def git(*args: str, cwd: Path | None = None, fails: bool = False) -> str:
    done = subprocess.run(
        ["git", *args], cwd=cwd, env=git_environment(WHO), capture_output=True, check=False, text=True
    )
    assert (done.returncode != 0) is fails, done.stderr
    return done.stderr if fails else done.stdout.strip()


def clone(url: str, token: str, repo: str, where: Path) -> Path:
    git(
        "clone",
        "--quiet",
        url.replace("http://", f"http://x-access-token:{token}@") + f"/acme/{repo}",
        str(where),
    )
    return where


def commit(work: Path, declaration: str, files: Mapping[str, str] | None = None) -> str:
    """Commit a declaration and further files in a clone; return the commit's id."""
    for path, text in {".localhub/checks.toml": declaration, **(files or {})}.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_text(text)
    git("add", ".", cwd=work)
    git("commit", "--quiet", "--allow-empty", "-m", "Declare", cwd=work)
    return git("rev-parse", "HEAD", cwd=work)


def eventually(look: Callable[[], _Found], seconds: float = 20) -> _Found:
    """What `look` gives once that is true, asked again and again."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.02)
    return found


def workflow_runs(http: httpx.Client, repo: str, **query: str) -> list[dict[str, Any]]:
    answer = http.get(f"/repos/acme/{repo}/actions/runs", params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["workflow_runs"]
    return found


def check_runs(http: httpx.Client, repo: str, sha: str, **query: str) -> dict[str, dict[str, Any]]:
    """The check runs of a commit by name."""
    answer = http.get(f"/repos/acme/{repo}/commits/{sha}/check-runs", params=query)
    assert answer.status_code == 200, answer.text
    return {one["name"]: one for one in answer.json()["check_runs"]}


def completed(http: httpx.Client, repo: str, sha: str, attempt: int = 1) -> dict[str, Any]:
    """The workflow run of a commit once this attempt at it is over."""

    def look() -> dict[str, Any] | None:
        found = [one for one in workflow_runs(http, repo, head_sha=sha) if one["run_attempt"] >= attempt]
        return found[0] if found and found[0]["status"] == "completed" else None

    found = eventually(look)
    assert found is not None
    return found


def conclusions(http: httpx.Client, repo: str, sha: str) -> dict[str, str]:
    return {name: one["conclusion"] for name, one in check_runs(http, repo, sha).items()}


def processes(word: str) -> list[str]:
    """The command lines on this machine that hold a word; what ends while it is looked at counts as gone."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if word in line:
            found.append(line)
    return found
