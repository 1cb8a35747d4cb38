"""Deployments to real hosts: over a real sshd, with a stand-in for systemd."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from steward.adapters.clock import SystemClock
from steward.adapters.deploy import units
from steward.adapters.deploy.deployer import PLAYBOOKS, AnsibleDeployer
from steward.adapters.deploy.local import Running
from steward.adapters.deploy.playing import environment
from steward.adapters.deploy.release import spare_port
from steward.adapters.deploy.service import Service
from steward.adapters.deploy.supervising import Supervisors, systemd_word
from steward.adapters.deploy.targets import Target
from steward.adapters.deploy.variables import variables_file
from steward.ports.building import Deployed, DeployOrder
from tests.contract.deploy.host_kit import pretended_host
from tests.contract.deploy.kit import ONE, THREE, TWO, Scene, get, processes, with_proof

SECRET = 'a "secret" of $HOME \\ and `more`'


def test_the_playbooks_are_well_formed_and_use_what_ansible_core_has(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("ansible-playbook")
    books = [str(PLAYBOOKS / name) for name in ("local.yml", "ssh.yml", "remove.yml")]
    env = environment(tmp_path, local=True)
    del env["ANSIBLE_VAULT_PASSWORD_FILE"]
    (tmp_path / "tmp").mkdir()
    subprocess.run(
        [program, "--syntax-check", "-i", "web,", *books], env=env, check=True, capture_output=True
    )
    for book in PLAYBOOKS.glob("*.yml"):
        text = book.read_text()
        assert text.count("release_env") == text.count("no_log: true") or book.name == "remove.yml"


def test_words_of_a_project_are_nothing_but_words_to_systemd_and_ansible() -> None:
    assert units.quoted('a "b" $HOME %h \\') == '"a \\"b\\" $$HOME %%h \\\\"'
    text = variables_file({"a": "{{ lookup('pipe', 'id') }}", "b": "0123"})
    assert text == "!unsafe\na: '{{ lookup(''pipe'', ''id'') }}'\nb: '0123'\n"
    assert units.user_of("shop") == "steward-shop"
    long = units.user_of("a" * 60)
    assert len(long) < 32
    assert long != units.user_of("a" * 61)


def test_the_word_of_systemd_is_read(scene: Scene) -> None:
    text = (
        f"Commit={ONE}\nUptime=170.00\nId=steward-shop-{ONE[:12]}.service\nActiveState=active\n"
        "SubState=running\nNRestarts=2\nActiveEnterTimestampMonotonic=100000000\n"
    )
    assert systemd_word(text) == Running(True, ONE, 70.0, 2)
    assert not systemd_word(text.replace(f"Commit={ONE}", f"Commit={TWO}")).alive
    assert not systemd_word(text.replace("running", "auto-restart")).alive
    assert systemd_word("") == Running(False)
    ask = Supervisors(scene.state, [], local=scene.local)
    assert ask("process://local/shop") == Running(False)
    assert [ask(url) for url in ("process://web/shop", "https://shop", "process://local/../x")] == [None] * 3


def test_a_host_that_does_not_answer_is_unreachable_and_one_without_a_domain_is_refused(scene: Scene) -> None:
    key = scene.trees / "key"
    scene.trees.mkdir()
    key.write_text("x")
    key.chmod(0o600)
    target = Target(
        "web",
        "ssh",
        "127.0.0.1",
        "deploy",
        spare_port(),
        key,
        "ssh-ed25519 AAAA",
        domain_pattern="{slug}.example.test",
    )
    deployer = AnsibleDeployer(scene.state, [target], clock=SystemClock(), local=scene.local)
    ended = deployer.deploy(scene.order(ONE), scene.told.append, lambda: False)
    assert ended.outcome == "unreachable", ended
    assert "refused" in ended.reason
    bare = AnsibleDeployer(
        scene.state, [replace(target, domain_pattern="")], clock=scene.clock, local=scene.local
    )
    ended = bare.deploy(scene.order(ONE), scene.told.append, lambda: False)
    assert (ended.outcome, "no domain pattern" in ended.reason) == ("failed", True)
    assert units.url(target, scene.order(ONE)) == "https://shop.example.test"
    assert units.facts(target, scene.order(ONE), Service(("x",)))["unit"] == f"steward-shop-{ONE[:12]}"


@pytest.mark.soak
def test_a_site_goes_live_on_a_real_host_and_a_broken_one_does_not(scene: Scene, tmp_path: Path) -> None:
    with pretended_host(tmp_path) as host:
        deployer = AnsibleDeployer(
            scene.state, [host.target], clock=scene.clock, local=scene.local, prove_s=8
        )

        def deploy(order: DeployOrder) -> Deployed:
            scene.told.clear()
            return deployer.deploy(order, scene.told.append, lambda: False)

        first = deploy(scene.order(ONE, secrets={"KEY": SECRET}))
        assert (first.outcome, first.url) == ("ok", "https://shop.example.test"), first
        root = host.srv / "steward" / "shop"
        route = (host.etc / "caddy" / "steward" / "shop.caddy").read_text()
        port = (root / "env" / f"{ONE}.port").read_text()
        assert f"shop.example.test {{\n\tencode zstd gzip\n\treverse_proxy 127.0.0.1:{port} {{" in route
        assert "import /etc/caddy/steward/*.caddy" in (host.etc / "caddy" / "Caddyfile").read_text()
        assert "steward-shop:" in (host.etc / "passwd").read_text()
        said = get(f"http://127.0.0.1:{port}", "/env").decode()
        assert '"KEY": "a \\"secret\\" of $HOME \\\\ and `more`"' in said
        assert '"GREETING": "{{ 7 * 7 }}"' in said
        assert (root / "env" / f"{ONE}.env").stat().st_mode & 0o777 == 0o600
        assert SECRET not in "".join([*scene.told, first.tail, *processes().values()])

        again = deploy(scene.order(ONE, secrets={"KEY": SECRET}))
        assert again.outcome == "ok", again
        assert [told for told in scene.told if told.endswith(": changed")] == []

        second = deploy(scene.order(TWO))
        assert second.outcome == "ok", second
        assert [path.name for path in (root / "env").glob("*.env")] == [f"{TWO}.env"]
        assert f"disable --now steward-shop-{ONE[:12]}.service" in host.calls()

        broken = deploy(scene.order(THREE, extra="sys.exit(1)"))
        assert (broken.outcome, broken.failed_task) == ("failed", "See that it answers")
        assert sorted(path.name for path in (host.etc / "systemd/system").glob("steward-*")) == [
            f"steward-shop-{TWO[:12]}.service"
        ]
        port = (root / "env" / f"{TWO}.port").read_text()
        assert TWO in get(f"http://127.0.0.1:{port}", "/version").decode()

        wrong = deploy(scene.order("4" * 40, extra="COMMIT = 'other'"))
        assert (wrong.outcome, wrong.failed_task) == ("failed", "See that it serves this commit")
        assert wrong.reason == 'it serves another commit: /version says {"commit": "other"}'

        assert deployer.undeploy("id", "shop").outcome == "ok"
        assert not root.exists()
        assert list((host.etc / "systemd/system").glob("steward-*")) == []


@pytest.mark.soak
def test_a_host_that_shows_another_key_than_the_pinned_one_is_not_spoken_to(
    scene: Scene, tmp_path: Path
) -> None:
    with pretended_host(tmp_path) as host:
        other = replace(host.target, host_key=host.target.host_key[:-8] + "AAAAAAAA")
        deployer = AnsibleDeployer(scene.state, [other], clock=scene.clock, local=scene.local)
        ended = deployer.deploy(scene.order(ONE), scene.told.append, lambda: False)
        assert ended.outcome == "unreachable"
        assert not (host.srv / "steward").exists()


@pytest.mark.soak
def test_a_bot_on_a_real_host_never_runs_twice(scene: Scene, tmp_path: Path) -> None:
    bot = "print('begin', flush=True)\ntime.sleep(600)\n"
    with pretended_host(tmp_path) as host:
        deployer = AnsibleDeployer(scene.state, [host.target], clock=scene.clock, local=scene.local)
        for commit in (ONE, TWO):
            order = with_proof(scene.order(commit, extra=bot), kind="process")
            ended = deployer.deploy(order, scene.told.append, lambda: False)
            assert (ended.outcome, ended.url) == ("ok", "process://web/shop"), ended
            word = Supervisors(scene.state, [host.target], local=scene.local)(ended.url)
            assert word is not None
            assert (word.alive, word.commit) == (True, commit)
            assert word.up_s > 0
        broken = with_proof(scene.order(THREE, extra="sys.exit(3)"), kind="process")
        ended = deployer.deploy(broken, scene.told.append, lambda: False)
        assert (ended.outcome, ended.failed_task) == ("failed", "See that it keeps running")
        calls = host.calls()
        assert calls.index(f"stop steward-shop-{ONE[:12]}") < calls.index(f"start steward-shop-{TWO[:12]}")
        assert calls.rindex(f"start steward-shop-{TWO[:12]}") > calls.index(
            f"start steward-shop-{THREE[:12]}"
        )
