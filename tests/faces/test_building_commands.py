"""The road on the command line: orders with a spec, the gates, what runs and fails, updates, releases, waiting."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from steward.adapters.store import open_store
from steward.app.policy import Policy
from steward.faces.cli.root import steward
from steward.faces.words import speak
from steward.testing.world import World
from tests.faces.building_kit import URL, Meanwhile, a_template, advance, driving, finish, go_wrong, lay
from tests.faces.cli import Done
from tests.faces.remote_kit import Line
from tests.faces.test_terminal import converse

DRIVE = (sys.executable, "-c", "import sys; from tests.faces.building_kit import main; main(*sys.argv[1:])")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def world(clean: None, tmp_path: Path) -> Iterator[World]:
    made = driving(tmp_path / "here")
    yield made
    made.store.close()


@pytest.fixture
def run(world: World) -> Line:
    return Line(world.app)


def waiting(world: World, args: str, *happenings: Callable[[], object]) -> Done:
    """Run a command that waits; each wait lets one of these happen."""
    made = CliRunner().invoke(
        steward, args.split(), obj=Meanwhile(world.app, *happenings), prog_name="steward"
    )
    if made.exception is not None and not isinstance(made.exception, SystemExit):
        raise made.exception
    return Done(made.exit_code, made.stdout, made.stderr)


def test_an_order_takes_the_starter_and_is_stored_with_its_spec(run: Line) -> None:
    done = run("project", "order", "shop", "--title", "Corner shop", "--answer", "accent=teal", "--json")
    assert (done.code, done.json["status"]) == (0, "draft")
    spec = run("project", "spec", "shop", "--json").json
    assert (spec["template"]["source"], spec["version"], spec["estimate"]) == ("starter", 1, None)
    assert (spec["answers"]["title"], spec["answers"]["accent"]) == ("Corner shop", "teal")
    plain = run("project", "order", "bare")
    assert "Next: steward project approve bare" in plain.stderr
    assert run("project", "spec", "bare", "--json").json["answers"] == {"title": "bare"}


def test_answers_come_from_options_and_a_file_and_texts_from_files(run: Line, tmp_path: Path) -> None:
    (tmp_path / "answers.json").write_text('{"accent": "rose", "language": "ru"}')
    (tmp_path / "brief.txt").write_text("Sells bread\n")
    args = ["--answers", "answers.json", "--answer", "accent=teal", "--brief", "@brief.txt"]
    made = run(
        "project", "order", "shop", *args, "--criterion", "It sells bread", "--criterion", "It is quick"
    )
    assert made.code == 0, made.stderr
    spec = run("project", "spec", "shop", "--json").json
    assert {"accent": "teal", "language": "ru"}.items() <= spec["answers"].items()
    assert (spec["brief"], spec["criteria"]) == ("Sells bread\n", ["It sells bread", "It is quick"])
    shown = run("project", "spec", "shop").stdout
    assert "It sells bread" in shown
    assert "teal" in shown


def test_bad_answers_are_told_all_at_once_and_nothing_is_stored(run: Line, tmp_path: Path) -> None:
    done = run("project", "order", "shop", "--answer", "accent=mauve", "--answer", "acent=teal")
    assert done.code == 1
    assert "mauve" in done.stderr
    assert 'acent: the template asks nothing of this name; did you mean "accent"?' in done.stderr
    russian = run("project", "order", "shop", "--answer", "accent=mauve", "--lang", "ru").stderr
    assert "accent: «mauve» нет среди вариантов (возможно: indigo, teal" in russian
    speak("en")
    assert run("project", "show", "shop").code == 1
    for args in (["--answer", "teal"], ["--answers", "none.json"], ["--brief", "@none.txt"]):
        assert run("project", "order", "shop", *args).code == 2, args
    (tmp_path / "odd.json").write_text("[1]")
    odd = run("project", "order", "shop", "--answers", "odd.json")
    assert (odd.code, "no JSON object" in odd.stderr) == (2, True)
    assert run("project", "list", "--json").json == []


def test_where_nothing_is_driven_an_order_is_bare_and_a_spec_is_refused(clean: None) -> None:
    bare = World(open_store("sqlite://"))
    run = Line(bare.app)
    assert run("project", "order", "shop").code == 0
    assert run("project", "spec", "shop").code == 1
    refused = run("project", "order", "other", "--answer", "accent=teal", "--json")
    assert (refused.code, json.loads(refused.stderr)["error"]["code"]) == (1, "not_driving")
    assert run("project", "retry", "shop").code == 1
    bare.store.close()


def test_a_rehearsal_changes_nothing(run: Line, world: World) -> None:
    assert run("project", "order", "shop", "--answer", "accent=teal", "--dry-run").code == 0
    assert run("project", "list", "--json").json == []
    lay(world, "shop")
    for words in ("retry", "rollback", "build", "abandon", "resolve", "start", "confirm --budget 3"):
        done = run("project", words.split()[0], "shop", *words.split()[1:], "--dry-run", "--json")
        assert (done.code, done.json["dry_run"]) == (0, True), words
    for args in (("update", "shop", "More"), ("revise", "shop", "--answer", "accent=rose")):
        assert run("project", *args, "--dry-run").stdout.startswith("Would:")
    assert run("project", "show", "shop", "--json").json["status"] == "active"


def test_the_gates_say_what_comes_next(run: Line, world: World) -> None:
    run("project", "order", "shop")
    approved = run("project", "approve", "shop", "--json").json
    assert (approved["status"], approved["operation"]["kind"]) == ("draft", "specify")
    assert run("project", "approve", "shop").code == 1
    finish(world, "shop")
    shown = run("project", "show", "shop")
    assert "8 h of work (4 to 16), 1.25 USD, 2 days" in shown.stdout
    confirmed = run("project", "confirm", "shop", "--budget", "3.5", "--json").json
    assert (confirmed["status"], confirmed["operation"]["kind"]) == ("provisioning", "provision")
    assert run("project", "costs", "shop", "--json").json["budget_usd"] == 3.5
    assert "0 of 3.5 USD" in run("project", "costs", "shop").stdout


def test_a_revision_keeps_what_it_does_not_change(run: Line, world: World) -> None:
    run("project", "order", "shop", "--title", "Shop", "--answer", "features=Cart: adds", "--brief", "Sell")
    run("project", "approve", "shop")
    finish(world, "shop")
    wrong = run("project", "revise", "shop", "--answer", "accent=mauve")
    assert (wrong.code, run("project", "show", "shop", "--json").json["status"]) == (1, "estimated")
    done = run(
        "project", "revise", "shop", "--answer", "features=Search: finds", "--reason", "more", "--json"
    )
    assert (done.code, done.json["status"]) == (0, "draft")
    spec = run("project", "spec", "shop", "--json").json
    assert (spec["version"], spec["brief"], spec["answers"]["title"]) == (2, "Sell", "Shop")
    assert spec["criteria"] == ["The page shows the feature «Search»"]
    run("project", "revise", "shop", "--criterion", "It is quick")
    run("project", "revise", "shop", "--answer", "features=Cart: adds")
    spec = run("project", "spec", "shop", "--json").json
    assert (spec["version"], spec["criteria"]) == (4, ["It is quick"])
    assert run("project", "spec", "shop", "--version", "1", "--json").json["criteria"] != spec["criteria"]
    assert run("project", "spec", "shop", "--version", "9").code == 1


def test_yes_goes_on_through_both_gates(world: World) -> None:
    done = waiting(
        world,
        "project order shop --yes --json",
        partial(advance, world, "shop", 2, "Checking"),
        partial(finish, world, "shop"),
    )
    assert (done.code, done.json["status"]) == (0, "provisioning"), done.stderr
    assert "step 2/3, check answers: Checking" in done.stderr
    assert "Estimate: 8 h of work" in done.stderr
    assert "Next: steward wait shop" in done.stderr


def test_yes_stops_where_whoever_asks_may_not_go_on(world: World) -> None:
    from dataclasses import replace

    world.app = replace(world.app, policy=Policy(four_eyes=True))
    done = waiting(world, "project order shop --yes")
    assert done.code == 0
    assert "It stops at Draft: who ordered a project does not approve it" in done.stderr
    assert "Next: steward project approve shop" in done.stderr


def test_yes_stops_where_no_steward_runs_or_the_estimate_fails(world: World) -> None:
    failed = waiting(world, "project order odd --yes --json", partial(go_wrong, world, "odd"))
    assert (failed.code, failed.json["operation"]["failure"]["reason"]) == (1, "the host does not answer")
    assert "steward project retry odd" in failed.stderr
    world.store.release(world.lease)
    done = waiting(world, "project order shop --yes")
    assert done.code == 0
    assert "no Steward runs there" in done.stderr


def test_show_tells_of_the_operation_its_failure_and_the_live_release(run: Line, world: World) -> None:
    lay(world, "shop")
    shown = run("project", "show", "shop", "--json").json
    assert shown["operation"] is None
    assert {"url", "commit", "since", "health"} <= set(shown["live"])
    assert f"{URL}, commit 0000000, since" in run("project", "show", "shop").stdout
    run("project", "order", "next")
    run("project", "approve", "next")
    advance(world, "next", 2, "Checking [the] answers")
    operation = run("project", "show", "next", "--json").json["operation"]
    assert operation["progress"] == {
        "step": "check_answers",
        "number": 2,
        "total": 3,
        "text": "Checking [the] answers",
    }
    assert "step 2/3, check answers: Checking [the] answers" in run("project", "show", "next").stdout
    go_wrong(world, "next")
    people = run("project", "show", "next").stdout
    assert "the host does not answer" in people
    assert "Start the host again, then retry." in people
    assert "Спецификация" in run("project", "show", "next", "--lang", "ru").stdout


def test_what_failed_is_retried_or_resolved(run: Line, world: World) -> None:
    run("project", "order", "shop")
    assert run("project", "retry", "shop").code == 1
    run("project", "approve", "shop")
    finish(world, "shop")
    run("project", "confirm", "shop")
    go_wrong(world, "shop")
    done = run("project", "retry", "shop", "--reason", "it is up", "--json").json
    assert (done["status"], done["operation"]["attempt"]) == ("provisioning", 2)
    finish(world, "shop")
    go_wrong(world, "shop")
    wrong = run("project", "resolve", "shop", "--to", "active")
    assert (wrong.code, "resolve to" in wrong.stderr) == (1, True)
    done = run("project", "resolve", "shop", "--to", "initialized", "--json").json
    assert done["status"] == "initialized"
    assert run("project", "start", "shop").code == 1, "nobody is waited for there"
    assert run("project", "retry", "shop", "--json").json["status"] == "designing"
    listed = run("project", "operations", "shop", "--json").json
    assert [row["kind"] for row in listed] == ["design", "design", "provision", "specify"]
    assert "the host does not answer" in run("project", "operations", "shop").stdout
    assert len(run("project", "operations", "shop", "-n", "2", "--json").json) == 2


def test_an_update_is_asked_for_built_and_abandoned(run: Line, world: World) -> None:
    run("project", "order", "early")
    assert run("project", "update", "early", "More").code == 1
    lay(world, "shop")
    asked = run("project", "update", "shop", "Sell bread too")
    assert "Next: steward project build shop" in asked.stderr
    assert run("project", "show", "shop", "--json").json["update"]["text"] == "Sell bread too"
    assert (
        run("project", "revise", "shop", "--answer", "accent=rose", "--json").json["status"] == "maintenance"
    )
    built = run("project", "build", "shop", "--design", "--json").json
    assert (built["status"], built["operation"]["kind"], built["operation"]["update"]) == (
        "designing",
        "design",
        1,
    )
    run("project", "update", "shop", "And cakes")
    states = {row["number"]: row["state"] for row in run("project", "updates", "shop", "--json").json}
    assert states == {1: "open", 2: "queued"}
    assert "Sell bread too" in run("project", "updates", "shop").stdout
    assert run("project", "abandon", "shop").code == 2
    assert run("project", "abandon", "shop", "--yes", "--json").json["status"] == "active"


def test_releases_rollback_and_the_address(run: Line, world: World) -> None:
    run("project", "order", "early")
    assert run("project", "open", "early").code == 1
    assert "Nothing of it was deployed yet" in run("project", "releases", "early").stdout
    lay(world, "shop")
    opened = run("project", "open", "shop", "--browser")
    assert (opened.code, opened.stdout, "terminal" in opened.stderr) == (0, f"{URL}\n", True)
    refused = run("project", "rollback", "shop", "--yes", "--json")
    assert (refused.code, json.loads(refused.stderr)["error"]["code"]) == (1, "refused_edge")
    run("project", "update", "shop", "More")
    run("project", "build", "shop")
    for _work in ("implement", "verify", "deploy"):
        finish(world, "shop")
    numbers = [(row["number"], row["state"]) for row in run("project", "releases", "shop", "--json").json]
    assert numbers == [(2, "live"), (1, "superseded")]
    assert "superseded" in run("project", "releases", "shop").stdout
    assert run("project", "rollback", "shop").code == 2
    back = run("project", "rollback", "shop", "--release", "1", "--yes", "--json").json
    assert (back["status"], back["operation"]["kind"]) == ("active", "rollback")


def test_logs_are_printed_whole_or_followed_to_the_end(run: Line, world: World) -> None:
    assert run("project", "order", "shop").code == 0
    assert run("project", "logs", "shop").code == 1
    first = run("project", "approve", "shop", "--json").json["operation"]["id"]
    assert "Its log is empty" in run("project", "logs", "shop").stderr
    advance(world, "shop", 1, "Reading\n[starter]")
    assert "read template" in run("project", "logs", "shop").stdout
    assert "Reading [starter]" in run("project", "logs", "shop").stdout
    done = waiting(
        world,
        "project logs shop --follow --json",
        partial(advance, world, "shop", 2, "Checking"),
        partial(finish, world, "shop"),
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(line["number"], line["text"]) for line in lines] == [(1, "Reading\n[starter]"), (2, "Checking")]
    run("project", "confirm", "shop")
    assert run("project", "logs", "shop", "--operation", first, "--json").stdout.count("\n") == 2
    assert run("project", "logs", "shop", "--operation", "0123").code == 1


def test_waiting_shows_how_far_it_is_and_ends_where_it_should(world: World, run: Line) -> None:
    run("project", "order", "shop")
    run("project", "approve", "shop")
    done = waiting(
        world,
        "wait shop --json",
        partial(finish, world, "shop"),
        partial(run, "project", "confirm", "shop"),
        partial(advance, world, "shop", 2, "Creating acme/shop"),
        *[partial(finish, world, "shop")] * 5,
    )
    assert (done.code, done.json["status"]) == (0, "active"), done.stderr
    told = done.stderr.splitlines()
    assert told[0] == "shop: Draft; Specify, queued"
    assert "shop: Estimated; it waits for a person: steward project confirm shop" in told
    assert "shop: Provisioning; Provision, step 2/6, create repository: Creating acme/shop" in told
    assert waiting(world, "wait shop --quiet").stderr == ""


def test_waiting_ends_with_1_in_an_error_and_tells_the_ways_out(world: World, run: Line) -> None:
    for slug in ("shop", "gone"):
        run("project", "order", slug)
    run("project", "approve", "shop")
    finish(world, "shop")
    run("project", "confirm", "shop")
    done = waiting(world, "wait shop", partial(go_wrong, world, "shop"))
    assert done.code == 1
    assert "Ways out" in done.stdout
    assert "steward project retry shop" in done.stdout
    assert "does not get there" in done.stderr
    assert waiting(world, "wait shop --for status=error --for operation=idle --json").code == 0
    gone = waiting(world, "wait gone --json", partial(run, "project", "archive", "gone", "--yes"))
    assert (gone.code, gone.json["status"]) == (1, "archived")


def test_waiting_ends_with_its_time(world: World, run: Line) -> None:
    run("project", "order", "shop")
    run("project", "approve", "shop")
    over = waiting(world, "wait shop --for operation=idle --timeout 0")
    assert (over.code, "the time is over" in over.stderr) == (1, True)
    idle = waiting(world, "wait shop --for operation=idle", partial(finish, world, "shop"))
    assert idle.code == 0
    stopped = waiting(world, "wait shop")
    assert (stopped.code, "stopped waiting" in stopped.stderr) == (1, True)


@pytest.mark.parametrize("goal", ["active", "status=activ", "operation=busy", "status="])
def test_a_goal_that_is_none_is_a_usage_error(run: Line, goal: str) -> None:
    assert run("wait", "shop", "--for", goal).code == 2


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, folder: Path, *args: str, answers: Any) -> tuple[int, str]:
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'src'}:{ROOT}")
    return converse([str(folder), *args], answers, DRIVE)


def test_at_a_terminal_the_open_questions_are_asked(
    world: World, run: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.store.release(world.lease)
    code, seen = at_a_terminal(
        monkeypatch,
        tmp_path / "here",
        *("project", "order", "shop", "--title", "Corner shop", "--answer", "language=ru"),
        answers=[
            ("[title] [Corner shop]:", "\n"),
            ("[tagline]:", "Bread\n"),
            ("amber, rose, slate) [indigo]:", "mauve\n"),
            ("is not one of", "teal\n"),
            ("[features]:", "\n"),
        ],
    )
    assert code == 0, seen
    assert "[language]" not in seen
    spec = run("project", "spec", "shop", "--json").json
    wanted = {"title": "Corner shop", "tagline": "Bread", "accent": "teal", "language": "ru"}
    assert spec["answers"] == wanted
    code, seen = at_a_terminal(monkeypatch, tmp_path / "here", "project", "order", "two", "--yes", answers=[])
    assert (code, "[title]" in seen) == (0, False)


def test_a_template_of_ones_own_is_asked_for_by_kind_and_keeps_its_secrets(
    world: World, run: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = a_template(tmp_path / "template")
    named = ("--template", source, "--tag", "v1.0.0")
    assert run("project", "order", "shop", *named[:2]).code == 1, "a version is named"
    told = run("project", "order", "shop", *named, "--answer", "door=1234")
    assert (told.code, "door: a secret is not given on the command line" in told.stderr) == (2, True)
    assert "1234" not in told.stderr
    world.store.release(world.lease)

    def order(door: str) -> tuple[int, str]:
        return at_a_terminal(
            monkeypatch,
            tmp_path / "here",
            *("project", "order", "shop", *named),
            answers=[
                ("[title] [shop]:", "Shop\n"),
                ("[door], not shown:", f"{door}\n"),
                ("[open] [Y/n]:", "n\n"),
                ("of: monday, friday; commas between [friday]:", "monday,friday\n"),
                ("[seats]:", "\n"),
            ],
        )

    code, seen = order("hush-1234")
    assert (code, "hush" in seen) == (0, False), seen
    (kept,) = run("secret", "list", "shop", "--json").json["secrets"]
    assert (kept["name"], kept["sort"]) == ("door", "secret")
    spec = run("project", "spec", "shop", "--json").json
    assert spec["answers"] == {"title": "Shop", "open": False, "days": ["monday", "friday"]}
    assert spec["template"]["tag"] == "v1.0.0"
    revised = run("project", "revise", "shop", "--answer", "seats=4")
    assert revised.code == 0, revised.stderr
    spec = run("project", "spec", "shop", "--json").json
    assert (spec["answers"]["seats"], spec["answers"]["title"], spec["version"]) == (4, "Shop", 2)
    other = run("project", "revise", "shop", "--template", "starter", "--json")
    assert other.code == 0, other.stderr
    assert run("project", "spec", "shop", "--json").json["answers"] == {"title": "shop"}
    assert "monday" in run("project", "spec", "shop", "--version", "1").stdout
