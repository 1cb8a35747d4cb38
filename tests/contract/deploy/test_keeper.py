"""The keeper of a site, worked by hand: what a deployment does to it, without Ansible."""

from __future__ import annotations

import http.client
import os
import signal
from dataclasses import replace

import pytest

from steward.adapters.deploy import hand
from steward.adapters.deploy.files import is_seized, read_json
from tests.contract.deploy.kit import (
    ONE,
    SITE,
    TWO,
    Scene,
    await_true,
    get,
    hammering,
    processes,
    site_log,
    with_proof,
)

SOON = "import threading; threading.Timer(0.4, lambda: os._exit(9)).start()"


def keeper_pid(scene: Scene) -> int:
    """The process of the keeper."""
    return int((scene.local.site("shop") / "keeper.lock").read_text())


def test_a_release_that_serves_another_commit_is_never_switched_to(scene: Scene) -> None:
    url = scene.quick(scene.order(ONE))
    with pytest.raises(hand.Failed, match=r"it serves another commit: /version says '9999'"):
        scene.quick(scene.order(TWO, extra="COMMIT = '9999'"))
    hand.abandon(scene.local.site("shop"), TWO)
    assert scene.commit_at(url) == ONE
    assert scene.releases() == [ONE]


def test_a_release_that_does_not_prove_itself_in_time_is_given_up(scene: Scene) -> None:
    url = scene.quick(scene.order(ONE))
    with pytest.raises(hand.Failed, match=r"within 0.5 s: /up does not answer"):
        scene.quick(scene.order(TWO, extra="time.sleep(60)"), wait_s=0.5)
    hand.abandon(scene.local.site("shop"), TWO)
    assert scene.commit_at(url) == ONE
    status = read_json(scene.local.site("shop") / "status.json")
    assert status["candidate"] is None
    with pytest.raises(hand.Failed, match=r"/healthz answers 404"):
        scene.quick(with_proof(scene.order(TWO), path="/healthz"), wait_s=0.5)


def test_requests_are_answered_while_one_release_follows_another(scene: Scene) -> None:
    url = scene.quick(scene.order(ONE))
    slow = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    slow.request("GET", "/version")
    assert b"1111" in slow.getresponse().read()
    with hammering(url) as seen:
        for commit in (TWO, ONE, TWO):
            scene.quick(scene.order(commit))
            await_true(lambda word=commit[0]: word in seen)  # type: ignore[misc] # a default binds the loop's value
    assert set(seen) == {"1", "2"}, seen
    slow.close()


def test_a_connection_that_is_kept_open_is_not_cut_within_an_answer(scene: Scene) -> None:
    paused = SITE.replace(
        "self.send_response", "time.sleep(1.0 if self.path == '/up' else 0); self.send_response"
    )
    first = scene.order(ONE)
    scene.quick(first)
    (first.tree / "site.py").write_text(paused)
    url = scene.local.url("shop")
    slow_tree = scene.order(TWO)
    (slow_tree.tree / "site.py").write_text(
        paused + "Server((os.environ['HOST'], int(os.environ['PORT'])), Answer).serve_forever()\n"
    )
    scene.quick(slow_tree)
    asked = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    asked.request("GET", "/up")
    scene.quick(scene.order("4" * 40))
    assert asked.getresponse().read() == b"up"
    asked.close()


def test_a_release_that_ends_is_started_again(scene: Scene) -> None:
    once = "import pathlib; flag = '/tmp/x'\n" + SOON
    url = scene.quick(scene.order(ONE, extra=once))
    await_true(lambda: scene.local.running("shop").restarts >= 1)
    assert scene.commit_at(url) == ONE


def test_new_secrets_for_the_same_commit_start_it_anew(scene: Scene) -> None:
    url = scene.quick(scene.order(ONE, secrets={"KEY": "old-value"}))
    with hammering(url) as seen:
        scene.quick(scene.order(ONE, secrets={"KEY": "new-value"}))
    assert b"new-value" in get(url, "/env")
    assert set(seen) == {"1"}


def test_a_process_without_an_address_never_runs_twice(scene: Scene) -> None:
    """A bot that ran twice at once would answer twice: the old one ends first, and returns where the new one fails."""
    bot = "print('begin', COMMIT, flush=True)\ntime.sleep(600)\n"
    proof = {"kind": "process"}
    scene.quick(with_proof(scene.order(ONE, extra=bot), **proof))
    scene.quick(with_proof(scene.order(TWO, extra=bot), **proof))
    assert scene.local.running("shop").commit == TWO
    boxes = [line for line in processes().values() if f"{scene.state}/sites/shop/releases" in line]
    assert not [line for line in boxes if ONE in line], boxes
    with pytest.raises(hand.Failed, match="ended by itself"):
        scene.quick(with_proof(scene.order("4" * 40, extra="sys.exit(1)"), **proof))
    hand.abandon(scene.local.site("shop"), "4" * 40)
    await_true(lambda: scene.local.running("shop").alive)
    assert scene.local.running("shop").commit == TWO
    sign = scene.probe.look("process://local/shop", with_proof(scene.order(TWO), **proof).proof, TWO, 1.0)
    assert sign.alive
    assert sign.up_s is not None


def test_a_keeper_that_is_killed_takes_its_release_along_and_the_next_one_serves_the_same(
    scene: Scene,
) -> None:
    url = scene.quick(scene.order(ONE))
    os.kill(keeper_pid(scene), signal.SIGKILL)
    site = scene.local.site("shop")
    await_true(lambda: not is_seized(site / "keeper.lock"))
    await_true(lambda: not [line for line in processes().values() if str(site) in line])
    assert not scene.local.running("shop").alive
    assert scene.local.resume() == []
    assert scene.commit_at(url) == ONE


def test_a_candidate_whose_deployment_died_is_ended_when_its_lease_is_over(scene: Scene) -> None:
    scene.quick(scene.order(ONE))
    site = scene.local.site("shop")
    order = scene.order(TWO)
    with pytest.raises(hand.Failed):
        scene.quick(replace(order, proof=replace(order.proof, path="/none")), wait_s=0.2)
    hand.want(site, candidate=TWO, lease_s=0.3)
    await_true(lambda: (read_json(site / "status.json").get("candidate") or {}).get("alive") is False)
    assert scene.local.running("shop").commit == ONE


def test_a_site_is_boxed(scene: Scene) -> None:
    look = (
        "print('sees', os.path.exists('/root'), os.path.exists('/home'), os.getuid(), flush=True)\n"
        "try: open('written', 'w')\nexcept OSError as error: print('cannot', error.errno, flush=True)\n"
        "print('processes', len([n for n in os.listdir('/proc') if n.isdigit()]), flush=True)"
    )
    scene.quick(scene.order(ONE, extra=look))
    await_true(lambda: "processes" in site_log(scene, "shop"))
    log = site_log(scene, "shop")
    assert "cannot 30" in log
    assert " 65534\n" in log
    assert "processes 2\n" in log
    assert str(scene.state) not in get(scene.local.url("shop"), "/env").decode()


def test_a_keeper_ends_when_its_site_is_gone(scene: Scene) -> None:
    scene.quick(scene.order(ONE))
    (scene.local.site("shop") / "site.json").unlink()
    await_true(lambda: not is_seized(scene.local.site("shop") / "keeper.lock"))


def test_a_site_that_is_not_running_answers_503(scene: Scene) -> None:
    url = scene.local.ensure("shop")
    with pytest.raises(AssertionError, match="503"):
        get(url, "/up")
