"""What others wrote reaches no terminal raw: control characters are taken out of people's output and JSON."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from localhub.testing import Hub
from steward.domain.journal import Kind
from steward.faces.cli.printable import Printable
from steward.faces.cli.session import json_text
from steward.faces.cli.tables import event_text
from steward.faces.words import CONTROL, printable
from tests.faces.cli import Runner

NASTY = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil"
"""Sets the window's title, clears the screen, colours by a C1 byte, and turns the letters round."""


def test_what_steers_a_terminal_is_taken_out() -> None:
    assert printable(NASTY) == "]0;owned[2J31mevil"
    assert printable("Ünï 界\tx\n") == "Ünï 界\tx\n"


def test_rich_keeps_its_own_colours_and_lays_out_as_before() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system="standard", width=40)
    console.push_render_hook(Printable())
    console.print(f"[red]{'x' * 30}[/] {NASTY.replace('[', chr(92) + '[')}")
    assert out.getvalue().startswith("\x1b[31mxxx")
    assert "\x07" not in out.getvalue()
    assert "\x1b[2J" not in out.getvalue()
    assert "\x9b" not in out.getvalue()


def test_json_holds_the_data_and_no_raw_control_character() -> None:
    text = json_text({"title": NASTY}, indent=2)
    assert json.loads(text) == {"title": NASTY}
    assert CONTROL.search(text) is None


def test_a_description_from_github_cannot_steer_the_terminal(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Hub(orgs=["acme"]) as hub:
        hub.create("shop", description=NASTY)
        monkeypatch.setenv("STEWARD_GITHUB_URL", hub.url)
        monkeypatch.setenv("STEWARD_GITHUB_TOKEN", hub.token)
        monkeypatch.setenv("STEWARD_GITHUB_ORGS", "acme")
        assert run("sync", "run").code == 0
    for args in (("project", "show", "shop"), ("project", "show", "shop", "--json"), ("event", "tail")):
        assert CONTROL.search(run(*args).stdout) is None
    assert "evil" in run("project", "show", "shop").stdout
    refused = run("project", "show", NASTY)
    assert refused.code == 1
    assert CONTROL.search(refused.stderr) is None


def test_an_event_stays_one_line() -> None:
    event = {
        "at": "2026-11-24T12:00:00.000Z",
        "kind": Kind.REPOSITORY_BORN,
        "actor": "heartbeat",
        "project": "shop",
        "organisation": "acme",
        "why": "said\n12:00:01  other  Missing",
        "data": {"full_name": "acme/shop\nx"},
    }
    assert "\n" not in event_text(event)
