"""Deployments to this machine, with the real playbook, keeper and box."""

from __future__ import annotations

import base64
import json
import socket
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from steward.adapters.deploy import deployer, hand
from steward.adapters.deploy.deployer import AnsibleDeployer
from steward.adapters.deploy.targets import Target, checked
from steward.ports import Permanent
from tests.contract.deploy.kit import ONE, THREE, TWO, Scene, get, hammering, processes, site_log, with_proof

SECRET = "s3cret+/&? of the ship"  # bears every character that URLs and base64 treat their own way


def test_a_commit_goes_live_and_the_next_takes_over_without_a_gap(scene: Scene) -> None:
    first = scene.ok(scene.order(ONE))
    assert first.url == f"http://127.0.0.1:{scene.ports[0]}"
    assert scene.commit_at(first.url) == ONE
    sign = scene.probe.look(first.url, scene.order(ONE).proof, ONE, 5.0)
    assert (sign.alive, sign.commit) == (True, ONE)
    with hammering(first.url) as seen:
        second = scene.ok(scene.order(TWO))
    assert second.url == first.url
    assert scene.commit_at(first.url) == TWO
    assert set(seen) == {"1", "2"}, seen
    site = scene.local.site("shop")
    assert (site / "current" / "RELEASE").read_text().strip() == TWO
    assert "Switch to the new release and remove old ones: changed" in scene.told

    # The same commit again changes nothing.
    before = scene.local.running("shop"), scene.releases()
    again = scene.ok(scene.order(TWO))
    after = scene.local.running("shop"), scene.releases()
    assert after[0].up_s > before[0].up_s
    assert (after[0].commit, after[0].restarts, after[1]) == (before[0].commit, 0, before[1])
    assert not [said for said in scene.told if said.endswith(": changed")]
    assert again.url == first.url


def test_a_broken_commit_leaves_the_old_one_serving_and_no_secret_anywhere_but_in_its_environment_file(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The site prints it in many forms and fails with it; command lines are read all the while."""
    monkeypatch.setenv("STEWARD_MASTER_KEY", "not for sites")
    braces = "{{ lookup('env', 'HOME') }}\n$HOME"
    forms = {SECRET, quote(SECRET), quote(SECRET, safe=""), quote_plus(SECRET)}
    forms |= {base64.b64encode(text).decode() for text in (SECRET.encode(),)}
    inner = base64.b64encode(f"a:{SECRET}".encode()).decode()[4:-4]
    order = scene.order(
        ONE, secrets={"KEY": SECRET, "B": braces}, extra="print(os.environ['KEY'], flush=True)"
    )
    lines: set[str] = set()

    def stop() -> bool:
        lines.update(processes().values())
        return False

    ended = scene.deploy(order, stop)
    assert ended.outcome == "ok", ended
    assert lines
    # What it is given arrives as it is: Ansible takes no braces for templates. Nothing else arrives.
    said = json.loads(get(ended.url, "/env"))
    assert (said["GREETING"], said["B"], said["KEY"]) == ("{{ 7 * 7 }}", braces, SECRET)
    assert "STEWARD_MASTER_KEY" not in said
    shout = (
        "import base64, urllib.parse as u; k = os.environ['KEY']; "
        "print(k, u.quote(k), u.quote_plus(k), base64.b64encode(k.encode()).decode(), "
        "base64.b64encode(('a:' + k).encode()).decode()); sys.exit(k)"
    )
    failed = scene.deploy(scene.order(TWO, secrets={"KEY": SECRET}, extra=shout), stop)
    assert (failed.outcome, failed.url) == ("failed", "")
    assert failed.failed_task == "Start the new release and see it prove itself"
    assert failed.reason == "the new release ended by itself (code 1): [secret]"
    assert "\n[secret] " in failed.tail
    assert scene.commit_at(ended.url) == ONE
    assert scene.releases() == [ONE]
    assert site_log(scene, "shop").count("[secret]") >= 6
    spoken = "\n".join([*scene.told, failed.reason, failed.tail, ended.tail, repr(order), *lines])
    assert [form for form in [*forms, inner] if form in spoken] == []
    holders = {
        path.relative_to(scene.state).as_posix()
        for folder in (scene.state, scene.deployer._folders.root)
        for path in folder.rglob("*")
        if path.is_file() and any(form.encode() in path.read_bytes() for form in [*forms, inner])
    }
    assert holders == {f"sites/shop/env/{ONE}.json"}
    env = scene.local.site("shop") / "env" / f"{ONE}.json"
    assert env.stat().st_mode & 0o777 == 0o600
    assert SECRET.encode() in env.read_bytes()
    assert list(scene.deployer._folders.root.glob("run-*")) == []


def test_a_port_that_is_taken_is_stepped_over_and_the_one_given_is_kept(scene: Scene) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", scene.ports[0]))
        other.listen()
        assert scene.local.ensure("shop") == f"http://127.0.0.1:{scene.ports[0] + 1}"
    assert scene.local.ensure("shop") == f"http://127.0.0.1:{scene.ports[0] + 1}"
    assert scene.local.ensure("inn") == f"http://127.0.0.1:{scene.ports[0]}"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "deploy.toml is missing"),
        ("[service", "deploy.toml is no TOML"),
        ("", "deploy.toml: there is no [service]"),
        ("[service]\ncommand = 'python3 site.py'", "service.command must be a list of words"),
        ("[service]\ncommand = []", "service.command must be a list"),
        ("[service]\ncommand = ['x']\nport_variable = '1'", "service.port_variable"),
        ("[service]\ncommand = ['x']\nprot = 'PORT'", "service.prot is not known"),
        ("[service]\ncommand = ['x']\n[proof]\nkind = 'hope'", "proof.kind must be one of"),
        ("[service]\ncommand = ['x']\n[proof]\npath = 'up'", "proof.path must begin with a slash"),
    ],
)
def test_a_deploy_toml_that_says_too_little_is_refused_by_file_and_key(
    scene: Scene, text: str | None, reason: str
) -> None:
    order = scene.order(ONE)
    (order.tree / "deploy.toml").unlink()
    if text is not None:
        (order.tree / "deploy.toml").write_text(text)
    ended = scene.deploy(order)
    assert (ended.outcome, ended.failed_task) == ("failed", "Read deploy.toml")
    assert reason in ended.reason
    assert not (scene.state / "sites").exists()


def test_hosts_off_the_list_links_out_of_the_tree_and_odd_orders_are_refused(scene: Scene) -> None:
    order = scene.order(ONE)
    refused = [
        replace(order, target="elsewhere"),
        replace(order, slug="../shop"),
        replace(order, commit="HEAD"),
        replace(order, variables={"A=B": "x"}),
        with_proof(order, kind="package"),
        with_proof(order, path="/up {{ 1 }}"),
    ]
    assert [scene.deploy(each).outcome for each in refused] == ["failed"] * len(refused)
    assert "not on the list" in scene.deploy(refused[0]).reason
    (order.tree / "passwd").symlink_to("/etc/passwd")
    assert scene.deploy(order).reason == "passwd is a link that leads out of the commit"
    nowhere = AnsibleDeployer(scene.state, [], clock=scene.clock, local=scene.local)
    assert "not on the list" in nowhere.deploy(order, scene.told.append, lambda: False).reason
    assert "not on the list" in nowhere.undeploy("id", "shop").reason


def test_sites_stop_and_start_with_steward_and_end_with_undeploy(scene: Scene) -> None:
    url = scene.quick(scene.order(ONE))
    scene.local.suspend()
    with pytest.raises(OSError):
        get(url, "/up")
    assert not scene.local.running("shop").alive
    assert scene.local.resume() == []
    assert scene.commit_at(url) == ONE
    scene.local.suspend()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", scene.ports[0]))
        other.listen()
        [problem] = scene.local.resume()
    assert "is taken by another program" in problem
    assert scene.local.resume() == []
    assert scene.deployer.undeploy("id", "shop").outcome == "ok"
    assert scene.deployer.undeploy("id", "shop").outcome == "ok"
    assert not (scene.state / "sites" / "shop").exists()
    with pytest.raises(OSError):
        get(url, "/up")
    assert not [line for line in processes().values() if str(scene.state) in line]


def test_without_a_box_only_the_built_in_template_runs(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployer, "bubblewrap", lambda: None)
    ended = scene.deploy(scene.order(ONE))
    assert ended.outcome == "failed"
    assert "apt-get install bubblewrap" in ended.reason
    url = scene.quick(replace(scene.order(ONE), trusted=True))
    assert scene.commit_at(url) == ONE
    assert not [line for line in processes().values() if "bwrap" in line and str(scene.state) in line]


def test_a_host_whose_key_is_not_pinned_is_no_host() -> None:
    good = Target("web", "ssh", "10.0.0.1", "deploy", 22, Path("/k"), "ssh-ed25519 AAAA")
    assert checked(good) is good
    for wrong in (
        replace(good, host_key=""),
        replace(good, key_file=None),
        replace(good, address="-oProxyCommand=x"),
        replace(good, user="a b"),
        replace(good, domain_pattern="example.com"),
        replace(good, kind="telnet"),
        replace(good, base="srv"),
    ):
        with pytest.raises(Permanent):
            checked(wrong)


def test_old_releases_are_removed_but_for_the_last_five(scene: Scene) -> None:
    scene.quick(scene.order(ONE))
    site = scene.local.site("shop")
    for number in range(8):
        name = f"{number + 30}" * 20
        (site / "releases" / name).mkdir()
        (site / "env" / f"{name}.json").touch()
    (site / "releases" / f".{THREE}.partial").mkdir()
    assert hand.tidy(site, ONE)
    assert len(scene.releases()) == 5
    assert ONE in scene.releases()
    assert sorted(path.name for path in (site / "env").iterdir()) == [
        f"{name}.json" for name in scene.releases()
    ]
    assert not hand.tidy(site, ONE)
