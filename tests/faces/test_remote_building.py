"""The road through a server: what the commands print on the database here, they print through the API there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from steward.adapters.remote import connect
from steward.adapters.store import open_store
from steward.app.building import Wish
from steward.app.errors import Forbidden, Invalid, Undriven, Unknown
from steward.domain.lifecycle import Refused
from steward.domain.people import Role
from steward.faces.cli.root import steward
from steward.testing.world import World
from tests.faces.building_kit import Meanwhile, advance, driving, finish, go_wrong, lay
from tests.faces.cli import Done
from tests.faces.http.api_kit import Api, api
from tests.faces.remote_kit import Line, likened, names

STEPS: tuple[str | tuple[Any, ...], ...] = (
    "project order shop --title Shop --answer accent=teal --brief Sell --criterion Quick",
    "project order shop --answer accent=teal",
    "project order odd --answer accent=mauve --answer none=1",
    "project order odd --template https://127.0.0.1:9/none.git",
    "project order bare",
    "project spec bare",
    "project spec shop",
    "project spec shop --version 3",
    "project spec nothing",
    "project operations shop",
    "project logs shop",
    "project retry shop",
    "project approve shop",
    "project approve shop",
    (advance, 2, "Checking"),
    "project show shop",
    "project logs shop",
    "wait shop --timeout 0",
    (finish,),
    "project revise shop --answer accent=mauve",
    "project revise shop --answer accent=rose --reason better",
    "project spec shop --version 1",
    "project approve shop",
    (finish,),
    "project confirm shop --budget 2.5 --reason go",
    "project costs shop",
    (go_wrong,),
    "project show shop",
    "wait shop",
    "project resolve shop --to active",
    "project resolve shop --reason up",
    *[(finish,)] * 5,
    "wait shop",
    "project releases shop",
    "project open shop",
    "project rollback shop --yes",
    "project rollback shop --release 7 --yes",
    "project update shop More",
    "project update shop Again",
    "project updates shop",
    "project build shop --reason now",
    *[(finish,)] * 3,
    "project rollback shop --release 1 --yes",
    (finish,),
    "project operations shop -n 3",
    "project abandon shop --yes",
    "project cancel bare",
    "project show shop",
)


def through(served: Api, folder: Path, role: Role = Role.ADMIN) -> Line:
    """The command line through that server, with a token of that role."""
    file = folder / f"token-{role.value}"
    file.write_text(served.token(role) + "\n")
    return Line(None, ("--server", served.address, "--token-file", str(file)))


@pytest.fixture
def there(clean: None, tmp_path: Path) -> Iterator[Api]:
    world = driving(tmp_path / "there")
    with api(world) as served:
        yield served
    world.store.close()


def same(done: Done, world: World) -> tuple[int, Any, Any]:
    """What a command left behind, without what is random or of another person."""
    known = names(world)
    with world.store.reading() as view:
        ids = [one.id for key in known for one in view.operations(key, limit=200)]
    masks = {**known, **{one: f"<operation {number}>" for number, one in enumerate(ids)}}
    code, shown, errors = likened(done, masks)
    if isinstance(shown, str):
        # Columns are as wide as the longest name in them.
        shown = re.sub(r" +", " ", shown.replace(" \n", "\n"))
        shown = "\n".join(line.rstrip() for line in shown.splitlines())
    return code, shown, re.sub(r"local:[\w.-]+|token:test of api-admin-all", "<me>", errors)


def test_every_word_of_the_road_does_and_prints_the_same(there: Api, tmp_path: Path) -> None:
    other = driving(tmp_path / "here")
    here, remote = Line(other.app), through(there, tmp_path)
    for step in STEPS:
        if not isinstance(step, str):
            act, *more = step
            for world in (there.world, other):
                act(world, "shop", *more)
            continue
        for options in (("--json",), ()):
            if options == () and " show " not in step and "spec" not in step:
                continue
            args = (*step.split(), *options)
            assert same(remote(*args), there.world) == same(here(*args), other), step
    assert there.world.kinds() == other.kinds()
    assert {"operation.failed", "spec.stored", "update.shipped"} <= set(other.kinds())
    other.store.close()


def test_waiting_and_following_work_through_a_server(there: Api, tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(there.token())
    options = ["--server", there.address, "--token-file", str(token), "--json"]

    def run(args: str, *happenings: Any) -> Any:
        return CliRunner().invoke(
            steward, [*options, *args.split()], obj=Meanwhile(None, *happenings), prog_name="steward"
        )

    on = partial(finish, there.world, "shop")
    ordered = run("project order shop --yes", partial(advance, there.world, "shop", 1, "Reading"), on)
    assert ordered.exit_code == 0, ordered.stderr
    assert "Estimate: 8 h of work" in ordered.stderr
    followed = run("project logs shop --follow", partial(advance, there.world, "shop", 2, "Creating"), on)
    assert "Creating" in followed.stdout
    waited = run("wait shop", *[on] * 4)
    assert (waited.exit_code, '"status": "active"' in waited.stdout) == (0, True)


def test_refusals_are_those_of_the_call_itself(there: Api) -> None:
    lay(there.world, "shop")
    with closing(connect(there.address, there.token())) as remote:
        with pytest.raises(Invalid) as invalid:
            remote.commands.draft("odd", wish=Wish(answers={"accent": "mauve"}))
        assert "mauve" in invalid.value.advice
        assert [one["name"] for one in invalid.value.problems] == ["accent"]
        with pytest.raises(Refused) as refused:
            remote.commands.rollback("shop")
        assert refused.value.reason == "edge"
        with pytest.raises(Unknown) as unknown:
            remote.works.operation("shop", "0123")
        assert (unknown.value.kind, len(unknown.value.near)) == ("operation", 1)
        assert [spec["version"] for spec in remote.works.specs("shop")] == [1]
        assert len(remote.works.operations("shop", 2)) == 2
    with closing(connect(there.address, there.token(Role.OPERATOR))) as remote, pytest.raises(Forbidden):
        remote.commands.rollback("shop")


def test_an_operators_order_stops_at_the_gate_that_is_an_approvers(there: Api, tmp_path: Path) -> None:
    done = through(there, tmp_path, Role.OPERATOR)("project", "order", "shop", "--yes")
    assert done.code == 0
    assert "It stops at Draft" in done.stderr
    assert "Next: steward project approve shop" in done.stderr


def test_a_server_that_drives_nothing_says_so(clean: None, tmp_path: Path) -> None:
    world = World(open_store(f"sqlite:///{tmp_path}/there.db"))
    with api(world) as served:
        run = through(served, tmp_path)
        assert run("project", "order", "shop").code == 0
        refused = run("project", "order", "other", "--brief", "Sell")
        assert (refused.code, "drives no projects" in refused.stderr) == (1, True)
        with closing(connect(served.address, served.token())) as remote, pytest.raises(Undriven):
            remote.commands.retry("shop")
    world.store.close()
