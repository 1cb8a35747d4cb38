"""Bad luck with the real parts: what fails is told with its cause, and a retry after mending leads to a live site."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from steward.adapters.agents import StarterAgent
from steward.adapters.box import Bubblewrap, NoBox
from steward.adapters.clock import SystemClock
from steward.adapters.templates import CopierTemplates
from steward.app.describing import Wish
from steward.app.errors import Invalid
from steward.domain.agents import Role
from steward.domain.verdict import Rule
from steward.ports import ProjectQuery
from tests.road.kit import ANNA, Road, road

QUICK = Rule(deadline_s=4.0, grace_s=2.0)


def url(folder: Path) -> str:
    """A database of the test's own."""
    return f"sqlite:///{folder}/steward.db"


def mended(own: Road, *, once: bool = True) -> None:
    """Retry, and go live with one of everything."""
    own.building().retry("shop")
    own.until("shop", "active")
    if once:
        own.judge_once()
    assert own.app.queries(ANNA).incidents(["open"]) == []


def test_orders_that_cannot_be_rendered_are_refused_at_once(tmp_path: Path) -> None:
    with road(tmp_path, url(tmp_path), ports=(18750, 18759)) as own:
        ask = own.building()
        with pytest.raises(Invalid):
            ask.draft("shop", wish=Wish(template="https://127.0.0.1:9/nowhere.git"))
        with pytest.raises(Invalid):
            ask.draft("shop", wish=Wish(template="file:///etc"))
        with pytest.raises(Invalid):
            ask.draft("shop", wish=Wish(template="ext::sh -c touch% /tmp/owned"))
        with pytest.raises(Invalid, match="do not fit"):
            ask.draft("shop", wish=Wish(answers={"colour": "pink", "accent": "pink"}))
        with own.app.store.reading() as view:
            assert view.projects(ProjectQuery()) == []
        assert own.hub.ids() == []


@pytest.mark.soak
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("checks_stuck", "are stuck"),
        ("checks_failing", "changed nothing"),
        ("checks_flaky", "changed nothing"),
        ("checks_absent", "are stuck"),
        ("checks_infrastructure", "are red"),
    ],
)
def test_checks_that_go_wrong_call_a_person_and_go_on_when_they_are_mended(
    tmp_path: Path, kind: str, words: str
) -> None:
    with road(tmp_path, url(tmp_path), ports=(18760, 18769), rule=QUICK) as own:
        own.hub.fault(kind)
        own.ordered()
        incident = own.fails()
        assert words in incident["title"]
        assert incident["evidence"]["advice"]
        own.hub.clear_faults()
        rerun(own, str(incident["evidence"].get("commit") or head(own)))
        # Where nothing ever ran, a person took the branch away, and the work is begun anew with it.
        mended(own, once=kind != "checks_absent")


def head(own: Road) -> str:
    """The commit of the pull request."""
    (pull,) = own.get("pulls?state=open")
    return str(pull["head"]["sha"])


def rerun(own: Road, sha: str) -> None:
    """What a person does on GitHub: cancel what hangs, and run it again; a push where nothing ever ran."""
    import httpx

    base = f"{own.hub.url}/repos/acme/shop"
    runs = own.get(f"actions/runs?head_sha={sha}")["workflow_runs"]
    for run in runs:
        httpx.post(f"{base}/actions/runs/{run['id']}/cancel", headers=own.hub.headers)
        time.sleep(0.3)
        httpx.post(f"{base}/actions/runs/{run['id']}/rerun", headers=own.hub.headers)
    if not runs:
        (pull,) = own.get("pulls?state=open")
        branch = f"{base}/git/refs/heads/{pull['head']['ref']}"
        httpx.delete(branch, headers=own.hub.headers).raise_for_status()


@pytest.mark.soak
def test_on_a_machine_without_a_box_the_built_in_road_is_walked(tmp_path: Path) -> None:
    none = Bubblewrap("/nonexistent")
    starter = StarterAgent(none, NoBox(), SystemClock())
    templates = CopierTemplates(tmp_path / "outside", require_box=True, allow_files=True)
    with road(
        tmp_path,
        url(tmp_path),
        ports=(18770, 18779),
        agents=dict.fromkeys(Role, starter),
        templates=templates,
    ) as own:
        # The built-in agent knows the built-in template alone, which needs no box.
        own.ordered()
        own.until("shop", "active")
        own.judge_once()


@pytest.mark.soak
def test_a_name_that_is_taken_and_a_repository_that_is_deleted(tmp_path: Path) -> None:
    with road(tmp_path, url(tmp_path), ports=(18780, 18789)) as own:
        taken = own.hub.create("shop", auto_init=True)
        own.ordered()
        assert own.fails()["cause"] == "name_taken"
        own.hub.rename(taken, "old-shop")
        own.building().retry("shop")
        own.until("shop", "designing", "implementing")
        ours = own.hub.delete("shop")
        incident = own.fails()
        assert "operation_failed" in incident["cause"]
        own.hub.restore(ours)
        own.hub.delete(taken)
        mended(own)
