"""Declared checks run on real code after real pushes, and are reported as GitHub Actions does. Needs git and /proc."""

import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from localhub import box, declared
from localhub.declared import BadDeclaration
from localhub.testing import Hub
from tests.localhub import git_kit
from tests.localhub.check_kit import (
    ACTIONS,
    PASSES,
    check,
    check_runs,
    clone,
    commit,
    completed,
    conclusions,
    eventually,
    git,
    processes,
    shell,
    workflow_runs,
)
from tests.localhub.git_kit import put_file, start_branch, tip, told

_numbers = count(1)
_SUITE = {
    "shop.py": "def total(prices):\n    return sum(prices)\n",
    "test_shop.py": (
        "import unittest\nimport shop\n\n\nclass Totals(unittest.TestCase):\n"
        "    def test_total(self):\n        self.assertEqual(shop.total([1, 2]), 3)\n"
    ),
}
_UNIT = check("unit", "python3", "-m", "unittest")


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with git_kit.running() as running:
        yield running


@pytest.fixture
def http(hub: Hub) -> Iterator[httpx.Client]:
    with git_kit.client(hub) as opened:
        yield opened


@pytest.fixture
def repo(hub: Hub) -> str:
    name = f"built-{next(_numbers)}"
    hub.create(name, auto_init=True)
    return name


@pytest.fixture
def work(hub: Hub, repo: str, tmp_path: Path) -> Path:
    return clone(hub.url, hub.token, repo, tmp_path / "work")


def push(work: Path, declaration: str, files: dict[str, str] | None = None) -> str:
    sha = commit(work, declaration, files)
    git("push", "--quiet", cwd=work)
    return sha


def steps(hub: Hub) -> list[str]:
    """The events about checks that hooks were told, in order."""
    rows = hub.core.store.rows("SELECT event, action FROM delivery ORDER BY id")
    wanted = {"push", "check_run", "check_suite", "workflow_run"}
    return [f"{row['event']}.{row['action']}" for row in rows if row["event"] in wanted]


def test_a_push_runs_the_declared_checks_and_reports_them(
    hub: Hub, http: httpx.Client, repo: str, work: Path
) -> None:
    sha = push(work, _UNIT + shell("lint", "echo one; echo two >&2; exit 3"), _SUITE)
    run = completed(http, repo, sha)
    assert (run["name"], run["event"], run["head_branch"]) == ("checks", "push", "main")
    assert (run["conclusion"], run["run_number"], run["run_attempt"]) == ("failure", 1, 1)
    assert (run["path"], run["actor"]["login"]) == (".localhub/checks.toml", "player")
    assert http.get(f"/repos/acme/{repo}/actions/runs/{run['id']}").json() == run
    found = check_runs(http, repo, sha)
    assert (found["unit"]["conclusion"], "OK" in found["unit"]["output"]["text"]) == ("success", True)
    assert (found["lint"]["conclusion"], found["lint"]["output"]["text"]) == ("failure", "one\ntwo\n")
    assert "exit code 3" in found["lint"]["output"]["summary"]
    assert {one["app"]["id"] for one in found.values()} == {ACTIONS}
    assert found["unit"]["app"]["slug"] == "github-actions"
    assert f"/actions/runs/{run['id']}/job/{found['unit']['id']}" in found["unit"]["details_url"]
    (suite,) = http.get(f"/repos/acme/{repo}/commits/{sha}/check-suites").json()["check_suites"]
    assert (suite["status"], suite["conclusion"], suite["id"]) == (
        "completed",
        "failure",
        run["check_suite_id"],
    )
    assert not any((hub.core.directory / "checks").iterdir())


def test_hooks_hear_of_a_run_in_order(hub: Hub, http: httpx.Client, repo: str, work: Path) -> None:
    sha = push(work, check("unit", *PASSES))
    completed(http, repo, sha)
    expected = ["push.None", "workflow_run.requested", "check_run.created", "workflow_run.in_progress"]
    expected += ["check_run.completed", "check_suite.completed", "workflow_run.completed"]
    assert steps(hub) == expected
    requested, _, over = told(hub, "workflow_run")
    assert (requested["workflow_run"]["status"], over["workflow_run"]["conclusion"]) == ("queued", "success")
    assert over["workflow_run"]["head_sha"] == sha
    assert over["sender"]["login"] == "player"
    assert [one["check_run"]["status"] for one in told(hub, "check_run")] == ["queued", "completed"]


def test_a_repository_without_a_declaration_runs_nothing(hub: Hub, http: httpx.Client, repo: str) -> None:
    sha = put_file(http, repo, "a", "x")
    assert workflow_runs(http, repo) == []
    assert check_runs(http, repo, sha) == {}
    assert steps(hub) == ["push.None"]


def test_a_check_sees_a_clean_checkout_and_nothing_else(
    hub: Hub, http: httpx.Client, repo: str, work: Path
) -> None:
    script = (
        "import os, pathlib, socket, sys\n"
        "print(sorted(os.environ), os.environ['GITHUB_REF_NAME'], os.environ['HOME'])\n"
        "print(sorted(p.name for p in pathlib.Path('.').iterdir()), sys.stdin.read() == '')\n"
        "pathlib.Path('written').write_text('x')\n"
        f"print(sys.prefix == {sys.prefix!r}, pathlib.Path({str(hub.core.directory)!r}).exists())\n"
        "try:\n    pathlib.Path('/usr/written').write_text('x')\nexcept OSError:\n    print('read only')\n"
        f"try:\n    socket.create_connection(('127.0.0.1', {hub.url.rsplit(':', 1)[1]}), 5)\n"
        "except OSError:\n    print('alone')\n"
    )
    sha = push(work, check("look", "python3", "look.py"), {"look.py": script})
    assert completed(http, repo, sha)["conclusion"] == "success"
    lines = check_runs(http, repo, sha)["look"]["output"]["text"].splitlines()
    names = ["CI", "GITHUB_REF_NAME", "GITHUB_SHA", "HOME", "LANG", "PATH", "PWD"]
    assert lines[0] == f"{names} main /tmp"
    assert lines[1:] == ["['.localhub', 'README.md', 'look.py'] True", "True False", "read only", "alone"]


def test_a_check_that_takes_too_long_is_killed_with_all_that_it_started(
    http: httpx.Client, repo: str, work: Path
) -> None:
    sha = push(work, shell("slow", "echo begun; setsid sleep 301.25 & sleep 301.25", timeout_s=0.6))
    assert completed(http, repo, sha)["conclusion"] == "timed_out"
    found = check_runs(http, repo, sha)["slow"]
    assert (found["conclusion"], found["output"]["text"]) == ("timed_out", "begun\n")
    assert "may take 0.6 s" in found["output"]["summary"]
    assert processes("sleep 301.25") == []


def test_without_a_box_a_check_is_killed_with_its_group(tmp_path: Path) -> None:
    plain = box.Box(None)
    environment = plain.environment(tmp_path, {"GITHUB_SHA": "1"})
    words = ["sh", "-c", "echo $HOME; sleep 302.25 & sleep 302.25"]
    ended = box.run(plain, words, tmp_path, environment, 0.5, threading.Event())
    assert (ended.timed_out, ended.code, ended.tail) == (True, None, f"{tmp_path}\n")
    eventually(lambda: not processes("sleep 302.25"))
    words = ["sh", "-c", "sleep 302.25 & exit 7"]
    ended = box.run(plain, words, tmp_path, environment, 60, threading.Event())
    assert ended.code == 7
    eventually(lambda: not processes("sleep 302.25"))


def test_of_a_long_output_the_end_is_kept(http: httpx.Client, repo: str, work: Path) -> None:
    script = "import sys\nfor number in range(40000):\n    print('line', number)\nsys.stdout.flush()\nsys.stdout.buffer.write(b'\\xff\\0end')\n"
    sha = push(work, check("loud", "python3", "loud.py"), {"loud.py": script})
    completed(http, repo, sha)
    output = check_runs(http, repo, sha)["loud"]["output"]
    assert output["text"].endswith("line 39999\n\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}end")
    assert len(output["text"]) <= 60_000
    assert "the end of what it wrote" in output["summary"]


def test_a_command_that_is_not_there_fails_and_says_so(
    http: httpx.Client, repo: str, work: Path, tmp_path: Path
) -> None:
    sha = push(work, check("gone", "no-such-program"))
    assert completed(http, repo, sha)["conclusion"] == "failure"
    assert "no-such-program" in check_runs(http, repo, sha)["gone"]["output"]["text"]
    plain = box.Box(None)
    ended = box.run(plain, ["no-such-program"], tmp_path, {"PATH": "/usr/bin"}, 5, threading.Event())
    assert (ended.code, "cannot be started" in ended.tail) == (None, True)


def test_a_commit_is_checked_once_for_its_push_and_its_pull_request(
    hub: Hub, http: httpx.Client, repo: str
) -> None:
    start_branch(http, repo, "dev")
    both = check("unit", *PASSES) + check("proposed", *PASSES, events=["pull_request"])
    sha = put_file(http, repo, ".localhub/checks.toml", both, branch="dev")
    completed(http, repo, sha)
    assert conclusions(http, repo, sha) == {"unit": "success"}
    start_branch(http, repo, "twin", sha)
    assert len(workflow_runs(http, repo)) == 1
    body = {"title": "t", "head": "dev", "base": "main"}
    assert http.post(f"/repos/acme/{repo}/pulls", json=body).status_code == 201
    eventually(lambda: conclusions(http, repo, sha) == {"unit": "success", "proposed": "success"})
    assert [one["event"] for one in workflow_runs(http, repo)] == ["pull_request", "push"]
    moved = put_file(http, repo, "b", "x", branch="dev")
    eventually(lambda: conclusions(http, repo, moved) == {"unit": "success", "proposed": "success"})
    merged = http.put(f"/repos/acme/{repo}/pulls/1/merge").json()["sha"]
    run = completed(http, repo, merged)
    assert (run["head_branch"], run["conclusion"]) == ("main", "success")
    assert conclusions(http, repo, merged) == {"unit": "success"}


def test_a_check_and_a_suite_are_run_again_on_request(
    hub: Hub, http: httpx.Client, repo: str, work: Path
) -> None:
    sha = push(work, check("unit", *PASSES) + shell("lint", "exit 1"))
    run = completed(http, repo, sha)
    before = check_runs(http, repo, sha)
    url = f"/repos/acme/{repo}"
    assert http.post(f"{url}/check-runs/{before['lint']['id']}/rerequest").status_code == 201
    again = completed(http, repo, sha, attempt=2)
    assert (again["id"], again["run_attempt"], again["conclusion"]) == (run["id"], 2, "failure")
    second = check_runs(http, repo, sha)
    assert second["lint"]["id"] > before["lint"]["id"]
    assert second["unit"]["id"] == before["unit"]["id"]
    assert http.post(f"{url}/check-suites/{run['check_suite_id']}/rerequest").status_code == 201
    completed(http, repo, sha, attempt=3)
    third = check_runs(http, repo, sha)
    assert all(third[name]["id"] > second[name]["id"] for name in ("lint", "unit"))
    assert http.post(f"{url}/actions/runs/{run['id']}/rerun-failed-jobs").status_code == 201
    completed(http, repo, sha, attempt=4)
    fourth = check_runs(http, repo, sha)
    assert (fourth["lint"]["id"] > third["lint"]["id"], fourth["unit"]["id"]) == (True, third["unit"]["id"])
    assert "check_run.rerequested" not in steps(hub)


def test_a_run_is_cancelled_and_then_run_again(http: httpx.Client, repo: str, work: Path) -> None:
    sha = push(
        work, shell("long", "sleep 303.25") + shell("too", "sleep 303.25") + shell("late", "sleep 303.25")
    )
    eventually(lambda: len(processes("sleep 303.25")) >= 2)
    (run,) = workflow_runs(http, repo)
    assert run["status"] == "in_progress"
    url = f"/repos/acme/{repo}/actions/runs/{run['id']}"
    busy = http.post(f"{url}/rerun")
    assert (busy.status_code, "already running" in busy.json()["message"]) == (403, True)
    long = check_runs(http, repo, sha)["long"]["id"]
    assert http.post(f"/repos/acme/{repo}/check-runs/{long}/rerequest").status_code == 403
    assert http.post(f"{url}/cancel").status_code == 202
    assert http.get(url).json()["conclusion"] == "cancelled"
    assert set(conclusions(http, repo, sha).values()) == {"cancelled"}
    eventually(lambda: not processes("sleep 303.25"))
    assert http.post(f"{url}/cancel").status_code == 409
    assert http.post(f"{url}/rerun").status_code == 201
    assert http.post(f"{url}/cancel").status_code == 202
    assert completed(http, repo, sha, attempt=2)["conclusion"] == "cancelled"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[checks.unit]\ncommand = [", "line 2: "),
        ("\n[checks.unit]\ncommand = 'make'\n", "line 3: command of unit must be a list of texts"),
        ("[checks.unit]\n", "line 1: [checks.unit] has no command"),
        ("[checks.unit]\ncommand = ['a']\ntimeout_s = 1801\n", "line 3: timeout_s of unit"),
        ("[checks.unit]\ncommand = ['a']\ntimeout_s = true\n", "line 3: timeout_s of unit"),
        ("[checks.unit]\ncommand = ['a']\ntimeout_s = nan\n", "line 3: timeout_s of unit"),
        ("[checks.unit]\ncommand = ['a']\nevents = ['tag']\n", "line 3: events of unit"),
        ("[checks.unit]\ncommand = ['a']\n\nimage = 'x'\n", "line 4: image of unit is not known"),
        ("[checks]\nunit = 3\n", "line 2: [checks.unit] is not a table"),
        ("[checks.a]\ncommand = ['a']\n[jobs.b]\n", "line 3: jobs is not known here"),
        ("[checks.'']\ncommand = ['a']\n", "a name is 1 to 100"),
        ("", "line 1: no check is declared"),
        ("[checks.a]\ncommand = [" + "[" * 5000, "line 1: this is nested too deeply"),
        ("a = " + "9" * 5000, "line 1: "),
        ("\n\n\udcff", "line 3: this is not UTF-8"),
    ],
)
def test_a_declaration_that_cannot_be_used_names_its_line(text: str, words: str) -> None:
    with pytest.raises(BadDeclaration) as caught:
        declared.parse(text.encode("utf-8", "surrogateescape"))
    assert words in str(caught.value)
    assert str(caught.value).startswith("line ")


def test_a_malformed_declaration_is_one_failed_check(hub: Hub, http: httpx.Client, repo: str) -> None:
    sha = put_file(http, repo, ".localhub/checks.toml", "[checks.unit]\ncommand = 'make'\n")
    (run,) = workflow_runs(http, repo)
    assert (run["status"], run["conclusion"]) == ("completed", "failure")
    (found,) = check_runs(http, repo, sha).values()
    assert (found["name"], found["conclusion"]) == ("checks", "failure")
    assert ".localhub/checks.toml, line 2: command of unit must be a list" in found["output"]["summary"]
    assert http.post(f"/repos/acme/{repo}/check-runs/{found['id']}/rerequest").status_code == 201
    assert completed(http, repo, sha, attempt=2)["conclusion"] == "failure"


def test_a_declaration_that_is_a_directory_or_a_link_is_malformed(
    http: httpx.Client, repo: str, work: Path
) -> None:
    below = put_file(http, repo, ".localhub/checks.toml/x", "y")
    assert conclusions(http, repo, below) == {"checks": "failure"}
    git("pull", "--quiet", cwd=work)
    git("rm", "-r", "--quiet", ".localhub", cwd=work)
    (work / ".localhub").mkdir()
    (work / ".localhub" / "checks.toml").symlink_to("/etc/passwd")
    git("add", ".", cwd=work)
    git("commit", "--quiet", "-m", "Link", cwd=work)
    git("push", "--quiet", cwd=work)
    assert conclusions(http, repo, git("rev-parse", "HEAD", cwd=work)) == {"checks": "failure"}


def test_a_check_that_localhub_cannot_run_does_not_stay_in_progress(
    hub: Hub, http: httpx.Client, repo: str, work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(box, "run", broken)
    sha = push(work, check("unit", *PASSES))
    assert completed(http, repo, sha)["conclusion"] == "failure"
    assert "no space left" in check_runs(http, repo, sha)["unit"]["output"]["summary"]


def test_a_deleted_repository_has_its_waiting_checks_cancelled(
    hub: Hub, http: httpx.Client, repo: str
) -> None:
    fault = hub.fault("checks_slow", repo=repo, delay_s=0.3)
    sha = put_file(http, repo, ".localhub/checks.toml", check("unit", *PASSES))
    repo_id = hub.delete(repo)
    hub.clear_faults(fault)
    eventually(lambda: hub.core.actions.queued() == 0)
    hub.restore(repo_id)
    assert conclusions(http, repo, sha)["unit"] in {"cancelled", "success"}


_COMMAND = [sys.executable, "-m", "localhub", "serve", "--port", "0", "--org", "acme", "--token", "t0"]


def _started(data: Path) -> "tuple[subprocess.Popen[str], httpx.Client]":
    command = [*_COMMAND, "--data-dir", str(data), "--check-workers", "1"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = process.stdout.readline().split()[1]
    return process, httpx.Client(base_url=url, headers={"Authorization": "Bearer t0"})


def test_a_killed_localhub_leaves_no_command_and_runs_it_again(tmp_path: Path) -> None:
    process, http = _started(tmp_path / "data")
    try:
        http.post("/orgs/acme/repos", json={"name": "shop", "auto_init": True})
        both = shell("begun", "sleep 2.0625") + check("waiting", *PASSES)
        sha = put_file(http, "shop", ".localhub/checks.toml", both)
        eventually(lambda: processes("sleep 2.0625"))
        states: dict[str, Any] = {name: one["status"] for name, one in check_runs(http, "shop", sha).items()}
        assert states == {"begun": "in_progress", "waiting": "queued"}
        process.kill()
        process.communicate()
        eventually(lambda: not processes("sleep 2.0625"), 1.5)
        http.close()
        process, http = _started(tmp_path / "data")
        run = completed(http, "shop", sha)
        assert (run["conclusion"], run["run_attempt"]) == ("success", 1)
        assert conclusions(http, "shop", sha) == {"begun": "success", "waiting": "success"}
        assert len(check_runs(http, "shop", sha, filter="all")) == 2
        assert http.get("/_localhub").json()["checks"] == {
            "declared_in": ".localhub/checks.toml",
            "workers": 1,
            "queued": 0,
            "boxed": True,
        }
    finally:
        process.kill()
        process.communicate()
        http.close()


def test_without_bubblewrap_localhub_says_so_and_runs_checks_plainly(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(str(shutil.which("git")))
    environment = {**os.environ, "PATH": str(tmp_path / "bin")}
    process = subprocess.Popen(_COMMAND, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert process.stdout is not None
        url, said = process.stdout.readline().split()[1], process.stdout.readline()
        assert "checks run without a box" in said
        with httpx.Client(base_url=url, headers={"Authorization": "Bearer t0"}) as http:
            http.post("/orgs/acme/repos", json={"name": "shop", "auto_init": True})
            looks = shell(
                "look", 'python3 -c "import sys; print(sys.prefix)"; ls; touch "$HOME/x"; chmod 0 "$HOME"'
            )
            sha = put_file(http, "shop", ".localhub/checks.toml", looks)
            assert completed(http, "shop", sha)["conclusion"] == "success"
            assert check_runs(http, "shop", sha)["look"]["output"]["text"] == f"{sys.prefix}\nREADME.md\n"
            assert http.get("/_localhub").json()["checks"]["boxed"] is False
    finally:
        process.terminate()
        process.communicate()


def test_a_localhub_that_ends_kills_what_runs_and_runs_it_at_the_next_start(tmp_path: Path) -> None:
    with Hub(data_dir=tmp_path) as hub, httpx.Client(base_url=hub.url, headers=hub.headers) as http:
        hub.create("shop", auto_init=True)
        sha = put_file(http, "shop", ".localhub/checks.toml", shell("unit", "sleep 0.8125"))
        eventually(lambda: processes("sleep 0.8125"))
    assert processes("sleep 0.8125") == []
    with Hub(data_dir=tmp_path) as hub, httpx.Client(base_url=hub.url, headers=hub.headers) as http:
        assert completed(http, "shop", sha)["conclusion"] == "success"
        assert tip(http, "shop") == sha


@pytest.mark.soak
def test_whatever_is_killed_and_when_every_check_ends_once(tmp_path: Path) -> None:
    draw = random.Random(7)
    both = "".join(shell(f"unit{number}", f"sleep 0.{number}03125") for number in range(4))
    shas: list[str] = []
    process, http = _started(tmp_path)
    try:
        http.post("/orgs/acme/repos", json={"name": "shop", "auto_init": True})
        put_file(http, "shop", ".localhub/checks.toml", both)
        for round_ in range(8):
            shas += [put_file(http, "shop", f"f{round_}-{number}", "x") for number in range(2)]
            time.sleep(draw.random())
            process.kill()
            process.communicate()
            http.close()
            process, http = _started(tmp_path)
        assert [completed(http, "shop", sha)["conclusion"] for sha in shas] == ["success"] * len(shas)
        for sha in shas:
            assert len(check_runs(http, "shop", sha, filter="all")) == 4
        assert http.get("/_localhub").json()["checks"]["queued"] == 0
        assert len(workflow_runs(http, "shop")) == len(shas) + 1
        assert processes("03125") == []
        assert not any((tmp_path / "checks").iterdir())
    finally:
        process.kill()
        process.communicate()
        http.close()
