"""`localhub serve` as a process, what a second start finds, and the player commands."""

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from localhub.main import cli
from localhub.testing import Hub
from tests.localhub.hub_kit import Receiver, names, recorded_organisation, recorded_repos

_COMMAND = [sys.executable, "-m", "localhub", "serve", "--port", "0"]


@contextmanager
def _serving(*options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """A served localhub's address; it is ended as Ctrl-C would, and must end well."""
    process = subprocess.Popen([*_COMMAND, *options], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        found = re.fullmatch(r"localhub: (http://127\.0\.0\.1:\d+) org=(\S+)\n", process.stdout.readline())
        assert found is not None
        yield found[1], process
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.communicate()


def _play(hub: Hub, *words: str) -> Result:
    """A player command's result; it must have gone well."""
    result = _try(hub, *words)
    assert result.exit_code == 0, result.output
    return result


def _try(hub: Hub, *words: str) -> Result:
    return CliRunner().invoke(cli, words, env={"LOCALHUB_URL": hub.url, "LOCALHUB_TOKEN": hub.token})


def test_served_data_outlive_the_process(tmp_path: Path, receiver: Receiver) -> None:
    data = tmp_path / "data"
    options = ["--org", "acme", "--repos", "3", "--token", "t0", "--data-dir", str(data)]
    options += ["--webhook", receiver.url, "--webhook-secret", "s0"]
    headers = {"Authorization": "Bearer t0"}
    with _serving(*options) as (url, _):
        place = data / "localhub.json"
        assert json.loads(place.read_text())["url"] == url
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
        before = httpx.get(f"{url}/orgs/acme/repos", headers=headers).json()
        assert len(before) == 3
        httpx.delete(f"{url}/repositories/{before[2]['id']}", headers=headers)
        httpx.patch(f"{url}/repositories/{before[0]['id']}", json={"name": "kept"}, headers=headers)
    assert not place.exists()
    with _serving(*options) as (url, _):
        after = httpx.get(f"{url}/orgs/acme/repos", headers=headers)
        assert [one["id"] for one in after.json()] == [before[0]["id"], before[1]["id"]]
        assert names(after)[0] == "kept"
        made = httpx.post(f"{url}/orgs/acme/repos", json={"name": "new"}, headers=headers).json()
        assert made["id"] > before[2]["id"]
        assert len(httpx.get(f"{url}/orgs/acme/hooks", headers=headers).json()) == 1
    assert {"repository.deleted", "repository.renamed"} <= set(receiver.events())


def test_a_killed_localhub_comes_back_whole(tmp_path: Path) -> None:
    options = ["--org", "acme", "--token", "t0", "--data-dir", str(tmp_path)]
    headers = {"Authorization": "Bearer t0"}
    process = subprocess.Popen([*_COMMAND, *options], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    url = process.stdout.readline().split()[1]
    body = {"name": "shop", "auto_init": True}
    made = httpx.post(f"{url}/orgs/acme/repos", json=body, headers=headers).json()
    file = {"message": "Add x", "content": "eA=="}
    done = httpx.put(f"{url}/repos/acme/shop/contents/x", json=file, headers=headers).json()
    process.kill()
    process.communicate()
    with _serving(*options) as (url, _):
        commits = httpx.get(f"{url}/repositories/{made['id']}/commits", headers=headers).json()
        assert [one["commit"]["message"] for one in commits] == ["Add x", "Initial commit"]
        assert commits[0]["sha"] == done["commit"]["sha"]


def test_a_data_directory_serves_one_localhub_at_a_time(tmp_path: Path) -> None:
    with _serving("--data-dir", str(tmp_path)) as (url, _):
        second = subprocess.run(
            [*_COMMAND, "--data-dir", str(tmp_path)], capture_output=True, text=True, check=False
        )
        assert (second.returncode, "another localhub uses" in second.stderr) == (1, True)
        port = url.rsplit(":", 1)[1]
        taken = CliRunner().invoke(cli, ["serve", "--port", port])
        assert (taken.exit_code, "name another with --port" in taken.output) == (1, True)


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys; "
        f"child = subprocess.Popen({[*_COMMAND, '--end-with-parent']!r}, stdout=subprocess.PIPE, text=True); "
        "print(child.pid, child.stdout.readline(), flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid, _, url, _ = parent.stdout.readline().split()
    assert httpx.get(url).status_code == 200
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}/cmdline").exists() and b"localhub" in Path(f"/proc/{pid}/cmdline").read_bytes():
        assert time.monotonic() < deadline, "it outlived its parent"
        time.sleep(0.05)  # waits for another process
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--webhook-secret", "s"], 2, "--webhook-secret needs --webhook"),
        (["--app-key", "k"], 2, "--app-key needs --app-id"),
        (["--app-id", "1", "--app-key", "/nowhere/key"], 1, "cannot be read"),
        (["--load", "/nowhere/file.jsonl"], 1, "cannot be read"),
        (["--org", "-bad-"], 1, "login is invalid"),
        (["--data-dir", "/proc/nowhere"], 1, "cannot be used"),
    ],
)
def test_what_cannot_be_served_is_said(options: list[str], code: int, words: str) -> None:
    result = CliRunner().invoke(cli, ["serve", "--port", "0", *options])
    assert (result.exit_code, words in result.output) == (code, True)


def test_a_newer_data_directory_is_left_alone(tmp_path: Path) -> None:
    with Hub(data_dir=tmp_path) as hub:
        hub.core.store.run("PRAGMA user_version = 99")
    result = CliRunner().invoke(cli, ["serve", "--port", "0", "--data-dir", str(tmp_path)])
    assert (result.exit_code, "version 99" in result.output) == (1, True)


def test_a_recorded_organisation_is_served_as_it_was(tmp_path: Path) -> None:
    path, login, count = recorded_organisation(tmp_path)
    with Hub(orgs=[], load=path, data_dir=tmp_path / "hub") as hub, httpx.Client(headers=hub.headers) as http:
        page = http.get(f"{hub.url}/orgs/{login}/repos?per_page=100")
        assert f'page={-(-count // 100)}>; rel="last"' in page.headers["link"]
        pages = [page]
        while "next" in page.links:
            pages.append(page := http.get(page.links["next"]["url"]))
        assert len(pages) == -(-count // 100)
        served = {one["id"]: one for page in pages for one in page.json()}
        recorded = recorded_repos(path)
        assert len(served) == count == len(recorded)
        for one in recorded:
            same = {name: value for name, value in one.items() if name in _SAME or not _governed(name)}
            assert served[one["id"]] | same == served[one["id"]]
        first, second = recorded[0], recorded[1]
        assert served[first["id"]]["owner"]["id"] == first["owner"]["id"]
        hub.rename(first["id"], "renamed-here")
        hub.delete(second["id"])
        assert hub.create("fresh") > max(served)
    with Hub(orgs=[], load=path, data_dir=tmp_path / "hub") as hub:
        assert hub.repo(first["id"]).name == "renamed-here"
        assert len(hub.ids()) == count
    with Hub(orgs=[login], load=path) as hub:
        assert [owner.id for owner in hub.core.registry.organisations()] == [first["owner"]["id"]]


_SAME = {"id", "name", "full_name", "description", "created_at", "pushed_at", "archived", "default_branch"}


def _governed(name: str) -> bool:
    """Whether a field tells of this server or caller, and so is answered anew."""
    return name.endswith("_url") or name in {"url", "owner", "permissions", "node_id", "updated_at"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "line 1 is not JSON"),
        ('{"status": 200, "body": {}}', "line 1 is not"),
        ('{"status": 200, "body": [{"id": 1}]}', "not a repository"),
        ("", "holds no repositories"),
    ],
)
def test_a_bad_recording_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(text)
    result = CliRunner().invoke(cli, ["serve", "--port", "0", "--load", str(path)])
    assert (result.exit_code, words in result.output) == (1, True)


def test_the_sample_is_alive_and_always_the_same(tmp_path: Path) -> None:
    tips = []
    for _ in range(2):
        with (
            Hub(orgs=["studio"], sample=True) as hub,
            httpx.Client(base_url=hub.url, headers=hub.headers) as http,
        ):
            repos = http.get("/orgs/studio/repos").json()
            tips.append([http.get(f"/repositories/{one['id']}/commits").json()[0]["sha"] for one in repos])
            assert len(repos) >= 12
            assert {one["visibility"] for one in repos} == {"public", "private", "internal"}
            assert [one["name"] for one in repos if one["archived"]] == ["old-crm"]
            assert [one["created_at"] for one in repos] == sorted(one["created_at"] for one in repos)
            assert len(http.get("/repos/studio/booking-bot/branches").json()) == 2
            clone = tmp_path / f"shop-{len(tips)}"
            address = f"{hub.url.replace('//', f'//x:{hub.token}@')}/studio/shop.git"
            clean = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1"}
            subprocess.run(["git", "clone", "-q", address, str(clone)], check=True, env=clean)
            tests = subprocess.run(
                [sys.executable, "-m", "unittest", "-q"], cwd=clone, check=False, capture_output=True
            )
            assert tests.returncode == 0, tests.stderr
    assert tips[0] == tips[1]


def test_many_generated_repositories_are_quick_and_varied() -> None:
    begun = time.monotonic()
    with Hub(repos=5_000) as hub, httpx.Client(base_url=hub.url, headers=hub.headers) as http:
        assert time.monotonic() - begun < 5
        page = http.get("/orgs/acme/repos?per_page=100&page=50").json()
        assert len(page) == 100
        assert {one["visibility"] for one in page} == {"public", "private", "internal"}
        assert len({one["created_at"] for one in page}) > 50
        readme = http.get(f"/repositories/{page[0]['id']}/contents/README.md").json()
        assert readme["name"] == "README.md"


def test_a_player_changes_repositories(hub: Hub) -> None:
    assert "acme/shop" in _play(hub, "repo", "create", "shop", "--description", "Sells").output
    assert "renamed acme/shop to acme/store" in _play(hub, "repo", "rename", "shop", "store").output
    assert json.loads(_play(hub, "repo", "show", "SHOP", "--json").output)["full_name"] == "acme/store"
    assert "pushed" in _play(hub, "push", "store", "-m", "First").output
    assert "pushed" in _play(hub, "push", "acme/store", "-m", "Second").output
    notes = httpx.get(f"{hub.url}/repos/acme/store/contents/NOTES.md", headers=hub.headers)
    assert notes.json()["size"] == len("- First\n- Second\n")
    _play(hub, "repo", "archive", "store")
    refused = _try(hub, "push", "store", "-m", "Third")
    assert (refused.exit_code, "read-only" in refused.output) == (1, True)
    _play(hub, "repo", "unarchive", "store")
    number = str(hub.repo("store").id)
    assert f"localhub repo restore {number}" in _play(hub, "repo", "delete", number).output
    assert [one["id"] for one in json.loads(_play(hub, "repo", "list", "--deleted", "--json").output)] == [
        int(number)
    ]
    _play(hub, "repo", "restore", "store")
    assert [one["name"] for one in hub_list(hub)] == ["store"]
    assert "elsewhere/gone" in _play(hub, "repo", "transfer", "store", "elsewhere", "--name", "gone").output
    assert hub_list(hub) == []


def hub_list(hub: Hub) -> list[dict[str, str]]:
    found = json.loads(_play(hub, "repo", "list", "--json").output)
    return [one | {"name": one["full_name"].split("/")[1]} for one in found]


def test_a_player_changes_the_organisation_and_sets_faults(hub: Hub, receiver: Receiver) -> None:
    hook = hub.add_hook(receiver.url)
    assert "renamed acme to apex" in _play(hub, "org", "rename", "acme", "apex").output
    assert [one["login"] for one in json.loads(_play(hub, "org", "list", "--json").output)] == ["apex"]
    hub.wait_deliveries()
    assert receiver.url in _play(hub, "hook", "list").output
    deliveries = json.loads(_play(hub, "hook", "deliveries", str(hook), "--json").output)
    assert [(one["event"], one["status_code"]) for one in deliveries] == [("organization", 202)]
    _play(hub, "fault", "set", "status", "code=503", "path=^/orgs/", "times=1")
    assert "503" in _try(hub, "repo", "list").output
    assert "status  used 1 times" in _play(hub, "fault", "list").output
    assert "webhook_drop" in _play(hub, "fault", "list", "--kinds").output
    assert "cleared 1" in _play(hub, "fault", "clear").output


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["repo", "show", "nobody"], 1, "404 Not Found"),
        (["repo", "create", ".."], 1, "name is invalid"),
        (["repo", "restore", "nobody"], 1, "no deleted repository is called nobody"),
        (["repo", "create", "x", "--visibility", "odd"], 2, "is not one of"),
        (["fault", "set", "status", "code"], 2, "is not NAME=VALUE"),
        (["fault", "set", "nonsense"], 1, "must be one of"),
    ],
)
def test_a_player_is_told_what_went_wrong(hub: Hub, words: list[str], code: int, said: str) -> None:
    result = _try(hub, *words)
    assert (result.exit_code, said in result.output) == (code, True), result.output


def test_a_player_must_name_one_of_several_organisations() -> None:
    with Hub(orgs=["acme", "bolt"]) as hub:
        result = _try(hub, "repo", "list")
        assert (result.exit_code, "acme, bolt" in result.output) == (2, True)
        assert _play(hub, "repo", "list", "--org", "bolt", "--json").output == "[]\n"


def test_a_localhub_is_found_through_its_data_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    missing = run(cli, ["repo", "list"])
    assert (missing.exit_code, "localhub serve" in missing.output) == (1, True)
    with Hub(data_dir=tmp_path / ".localhub") as hub:
        hub.create("shop")
        for words in (["--data-dir", ".localhub"], []):
            assert "acme/shop" in run(cli, ["repo", "list", *words]).output
        assert (
            "acme/shop"
            in run(cli, ["repo", "list"], env={"LOCALHUB_DATA_DIR": str(tmp_path / ".localhub")}).output
        )
        kept = (tmp_path / ".localhub" / "localhub.json").read_text()
    (tmp_path / ".localhub" / "localhub.json").write_text(kept)
    gone = run(cli, ["repo", "list"])
    assert (gone.exit_code, "does not answer" in gone.output) == (1, True)
