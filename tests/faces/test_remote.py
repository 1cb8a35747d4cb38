"""The command line through a server: what it prints on the database here, it prints through the API there."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from steward.adapters.remote import connect
from steward.adapters.remote.failing import Problem, exception_of
from steward.adapters.store import open_store
from steward.app.access import digest
from steward.app.errors import Forbidden, Invalid, NotSignedIn, Stale, Unknown
from steward.domain.guards import Guard
from steward.domain.lifecycle import Refused
from steward.domain.people import PassKind, Right, Role
from steward.domain.status import Trigger
from steward.faces.cli.root import steward
from steward.faces.http.app import build
from steward.faces.http.live import Live
from steward.faces.http.server import address_of, bind, serving
from steward.faces.http.site import Site
from steward.ports import BadSettings, Conflict, Permanent, Transient
from steward.ports.errors import NoAnswer
from steward.testing.world import World
from tests.faces.cli import Runner
from tests.faces.http.api_kit import Api, api, token_of
from tests.faces.remote_kit import Line, Wired, furnished, likened, names

READS = (
    "project list",
    "project list --status active --limit 2",
    "project list --phase construction",
    "project list --org northwind",
    "project list --text shop --management drive",
    "project list --owner - --status draft",
    "project list --org nowhere",
    "project show shop-front",
    "project show acme/shop-front",
    "project show nothing",
    "project show ..",
    "project history shop-front",
    "project history shop-front -n 3",
    "incident list",
    "incident list --state open --limit 2",
    "incident show 1",
    "incident show 9999",
    "event tail",
    "event tail --after 5 -n 450",
    "event tail --project shop-front -n 4",
    "sync status",
    "sync plan",
    "sync plan northwind",
    "sync plan nowhere",
    "lifecycle show",
    "webhook status",
    "webhook deliveries",
    "user list",
    "token list",
    "token list --user nobody",
    "telegram status",
    "talk list",
    "talk show 9999",
    "audit",
    "audit -n 2",
)
WRITES = (
    "project order newcomer --title Новый --org acme",
    "project order newcomer --org acme",
    "project order BAD_SLUG --org acme",
    "project order another",
    "project approve newcomer",
    "project confirm newcomer",
    "project revise parcel-tracker --reason more",
    "project cancel newcomer --reason over",
    "project reopen newcomer",
    "project reopen newcomer",
    "project owner newcomer Анна",
    "project owner newcomer --none",
    "project watch newcomer",
    "project drive old-crm",
    "project ignore payroll",
    "project archive sandbox --yes --reason old",
    "project relink shop-front acme/mirror",
    "project relink shop-front acme/none",
    "incident ack 1",
    "incident mute 1 --for 2h",
    "incident unmute 1",
    "incident resolve 1 --reason so",
    "incident ack 999",
    "freeze acme --reason stop",
    "unfreeze acme",
    "freeze --all",
    "unfreeze --all",
    "sync reject northwind",
    "sync release northwind --yes",
    "sync release acme --yes",
    "user add zoe --role viewer --full-name Zoe",
    "user add zoe",
    "user grant zoe operator --org acme",
    "user ungrant zoe viewer",
    "user ungrant zoe admin",
    "telegram unlink zoe --yes",
    "telegram unlink zoe --chat 5 --yes",
    "telegram unlink nobody --yes",
    "telegram test zoe",
    "telegram test nobody",
    "telegram code nobody",
    "user disable zoe",
    "user enable zoe",
    "webhook register --url https://steward.example.com",
    "webhook ping acme",
    "webhook sweep acme",
    "webhook retry 99999",
)


@dataclass
class Both:
    """The same command, here and through the server."""

    here: Line
    there: Line
    api: Api


def through(served: Api, folder: Path, role: Role = Role.ADMIN) -> Line:
    """The command line through that server, with a token of that role."""
    file = folder / f"token-{role.value}"
    file.write_text(served.token(role) + "\n")
    return Line(None, ("--server", served.address, "--token-file", str(file)))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("remote")


@pytest.fixture(scope="module")
def served(place: Path) -> Iterator[Api]:
    world = furnished(place / "there")
    with api(world) as here:
        yield here
    world.store.close()


@pytest.fixture
def both(clean: None, served: Api, place: Path) -> Both:
    return Both(Line(served.world.app), through(served, place), served)


def test_every_read_prints_the_same(both: Both) -> None:
    both.there("project", "list")  # the token's first use is noted, and shows in the list of tokens
    for command in READS:
        args = (*command.split(), "--json")
        assert likened(both.there(*args), {}) == likened(both.here(*args), {}), command


def test_every_write_does_and_prints_the_same(clean: None, served: Api, place: Path) -> None:
    other = furnished(place / "here")
    here, there = Line(other.app), through(served, place)
    for command in WRITES:
        args = (*command.split(), "--json")
        mine, theirs = here(*args), there(*args)
        assert likened(theirs, names(served.world)) == likened(mine, names(other)), command
    kinds = served.world.kinds()
    assert kinds == other.kinds()
    assert {"project.moved", "project.changed", "organisation.frozen", "loss.rejected"} <= set(kinds)
    other.store.close()


def test_a_code_of_the_other_side_connects_there(both: Both) -> None:
    both.there("user", "add", "cleo")
    made = both.there("telegram", "code", "cleo", "--json").json
    with both.api.world.store.reading() as view:
        found = view.pass_by_digest(digest(made["code"]))
    assert found is not None
    assert (found[0].kind, found[1].name) == (PassKind.CHAT, "cleo")


def test_people_read_the_same(both: Both) -> None:
    for command in ("project show shop-front", "incident list", "sync status", "event tail"):
        assert both.there(*command.split()) == both.here(*command.split()), command


def test_secrets_are_printed_once_and_work(both: Both) -> None:
    made = both.there("token", "create", "ci", "--days", "1", "--right", "read", "--json").json
    assert set(made) == set(both.here("token", "create", "ci", "--user", made["user"], "--json").json)
    with closing(connect(both.api.address, made["secret"])) as remote:
        assert remote.people.me()["rights"] == ["read"]
        assert both.there("token", "revoke", str(made["id"]), "--json").json["state"] == "ended"
        with pytest.raises(NotSignedIn):
            remote.people.me()
    link = both.there("user", "link", made["user"])
    assert link.stdout.startswith(f"{both.api.address}/login?token=stl_")


def test_a_role_that_may_not_is_told_so_and_exits_with_4(both: Both, served: Api, place: Path) -> None:
    viewer = through(served, place, Role.VIEWER)
    assert viewer("project", "list").code == 0
    refused = viewer("freeze", "acme")
    assert refused.code == 4
    assert "may not stop all automation" in refused.stderr
    assert "steward user grant" in refused.stderr


def test_without_a_token_or_with_a_wrong_one_it_exits_with_4(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = both.api.address
    none = Line(None, ("--server", address))("project", "list")
    assert (none.code, "STEWARD_TOKEN" in none.stderr) == (4, True)
    for wrong in ("stt_wrong", "not a token", "ключ"):
        monkeypatch.setenv("STEWARD_TOKEN", wrong)
        done = Line(None, ("--server", address))("project", "list")
        assert done.code == 4, done
        assert wrong not in done.stderr + done.stdout


def test_the_settings_name_server_and_token_too(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_SERVER", both.api.address)
    monkeypatch.setenv("STEWARD_TOKEN", both.api.token())
    assert Line(None)("project", "show", "shop-front", "--json").json["slug"] == "shop-front"


def test_a_server_that_does_not_answer_is_named(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STEWARD_TOKEN", "stt_any")
    done = Line(None, ("--server", "http://127.0.0.1:9"))("project", "list", "--json")
    assert (done.code, "no_answer" in done.stderr, "127.0.0.1:9" in done.stderr) == (1, True, True)


@pytest.mark.parametrize("command", ["up", "serve", "init", "doctor", "config show", "db check"])
def test_what_works_on_this_machine_alone_says_so(clean: None, run: Runner, command: str) -> None:
    done = run("--server", "https://steward.example.com", *command.split())
    assert done.code == 2
    assert "on this machine alone" in done.stderr


def test_a_token_goes_over_plain_http_only_to_this_machine_unless_told(clean: None) -> None:
    for bad in ("http://steward.example.com", "steward.example.com", "ftp://x", "https://u:p@h", "https://"):
        with pytest.raises(BadSettings):
            connect(bad, "stt_x")
    for good, plain in (("https://a.example", False), ("http://[::1]:1", False), ("http://a.example", True)):
        connect(good, "stt_x", plain=plain).close()


class Following(Wired):
    """Waits as the command does, and lets something happen meanwhile."""

    def __init__(self, happenings: list[Callable[[], object]]) -> None:
        super().__init__(None)
        self._happenings = happenings

    def wait(self, timeout_s: float) -> bool:
        assert timeout_s <= 1
        if not self._happenings:
            return True
        self._happenings.pop(0)()
        return False


def test_following_events_goes_on_over_a_restart_of_the_server(clean: None, tmp_path: Path) -> None:
    world = World(open_store(f"sqlite:///{tmp_path}/there.db"))
    world.beat()
    bound = bind("127.0.0.1", 0)
    address, port = address_of(bound), bound.getsockname()[1]
    running = ExitStack()

    def start() -> None:
        running.enter_context(serving(build(Site(world.app, Live(world.app))), bind("127.0.0.1", port)))

    def order(slug: str) -> None:
        world.commands().order(slug)
        world.store.publish()

    bound.close()
    start()
    (tmp_path / "token").write_text(token_of(world, Role.VIEWER))
    happenings: list[Callable[[], object]] = [
        partial(order, "one"),
        running.close,
        partial(order, "two"),
        start,
        partial(order, "three"),
    ]
    options = ("--server", address, "--token-file", str(tmp_path / "token"), "--json")
    done = CliRunner().invoke(
        steward, [*options, "event", "tail", "-f"], obj=Following(happenings), prog_name="steward"
    )
    running.close()
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [e["project"] for e in events if e["kind"] == "project.moved"] == ["one", "two", "three"]
    assert done.stderr.count("waiting for events again") == 1
    world.store.close()


def test_a_look_is_made_by_the_steward_that_runs_there(clean: None, tmp_path: Path) -> None:
    world, twin = (World(open_store(f"sqlite:///{tmp_path}/{name}.db")) for name in ("there", "here"))
    for one in (world, twin):
        one.forge.create("acme", "alpha")
    twin.store.release(twin.lease)
    ended = threading.Event()

    def loops() -> None:
        while not ended.wait(0.05):
            with world.store.reading() as view:
                asked = [request.id for request in view.look_requests()]
            if asked:
                world.heartbeat.beat(world.organisation().id, "person", asked)

    running = threading.Thread(target=loops)
    running.start()
    try:
        with api(world) as served:
            theirs = through(served, tmp_path)("sync", "run", "--json")
    finally:
        ended.set()
        running.join()
    mine = Line(twin.app)("sync", "run", "--json")
    assert theirs.code == mine.code == 0
    differing = {"duration_s", "look"}
    (there,), (here,) = theirs.json["organisations"], mine.json["organisations"]
    assert there["changes"]["discovered"] == 1
    assert {k: v for k, v in there.items() if k not in differing} == {
        k: v for k, v in here.items() if k not in differing
    }
    world.store.close()
    twin.store.close()


def test_with_nothing_running_there_a_look_is_refused_at_once(clean: None, tmp_path: Path) -> None:
    world = World(open_store(f"sqlite:///{tmp_path}/there.db"))
    world.store.release(world.lease)
    with api(world) as served:
        done = through(served, tmp_path)("sync", "run", "--json")
    assert (done.code, "steward up" in done.stderr) == (1, True)
    world.store.close()


def test_a_stale_version_is_refused(both: Both) -> None:
    with closing(connect(both.api.address, token_of(both.api.world, Role.ADMIN))) as remote:
        project = remote.queries.project("delivery-map")
        asked = replace(remote.commands, expecting=project["version"] + 1)
        with pytest.raises(Stale) as stale:
            asked.own("delivery-map", "Zoe")
        assert stale.value.found == project["version"]


PROBLEMS: list[tuple[dict[str, Any], Exception]] = [
    ({"type": "unknown", "kind": "user", "reference": "x", "near": ["y"]}, Unknown("user", "x", ["y"])),
    ({"type": "invalid", "advice": "a"}, Invalid("d", "a")),
    ({"type": "malformed"}, Invalid("d")),
    (
        {"type": "refused-guard", "reason": "guard", "unmet": [Guard.BRIEF_APPROVED.words]},
        Refused("guard", "d"),
    ),
    ({"type": "forbidden", "right": "write", "actor": "user:x"}, Forbidden(Right.WRITE, "user:x")),
    ({"type": "forbidden", "right": "of-a-newer-steward"}, Refused("role", "d")),
    ({"type": "stale", "what": "it", "expected": 1, "version": 2}, Stale("it", 1, 2)),
    ({"type": "not-signed-in"}, NotSignedIn("d")),
    ({"type": "conflict"}, Conflict("d")),
    ({"type": "unavailable"}, Transient("d")),
    ({"type": "outside", "advice": "a"}, Permanent("d", "a")),
    ({"type": "of-a-newer-steward", "advice": "a"}, Permanent("the server answered 418: d", "a")),
]


@pytest.mark.parametrize(("fields", "error"), PROBLEMS, ids=[fields["type"] for fields, _ in PROBLEMS])
def test_each_problem_is_the_failure_that_it_tells_of(fields: dict[str, Any], error: Exception) -> None:
    told = {**fields, "type": f"urn:steward:problem:{fields['type']}", "status": 418, "detail": "d"}
    found = exception_of(msgspec.convert(told, Problem))
    assert type(found) is type(error)
    assert str(found) == str(error)


def test_a_trigger_is_asked_for_by_name(both: Both) -> None:
    with closing(connect(both.api.address, token_of(both.api.world, Role.ADMIN))) as remote:
        with pytest.raises(Refused) as refused:
            remote.commands.ask("loyalty-bot", Trigger.APPROVED)
        assert (refused.value.reason, bool(refused.value.unmet)) == ("guard", True)
        with pytest.raises(NoAnswer):
            connect("http://127.0.0.1:9", "stt_x").queries.sync_status()
