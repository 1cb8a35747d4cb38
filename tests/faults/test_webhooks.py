"""Rows 25 to 31: doubled, unsigned, missed and overlarge deliveries, and what they name, over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from steward.app import receiving as receiver_module
from steward.app.receiving import BODY_MAX_BYTES
from steward.testing.world import ANYONE
from tests.faults.receiving import SECRET, Receiving, headers, receiving
from tests.faults.scene import Scene


@pytest.fixture
def inbox(scene: Scene, tmp_path: Path) -> Iterator[Receiving]:
    """Five repositories that have come in, and a server that takes deliveries."""
    with receiving(scene, tmp_path) as made:
        yield made


def repository(number: int, **more: Any) -> dict[str, Any]:
    """A payload that names a repository."""
    return {"action": "edited", "repository": {"id": number, "owner": {"id": 1}}, **more}


def test_fault_25_a_doubled_delivery_is_one_however_they_race(inbox: Receiving) -> None:
    inbox.register()
    inbox.scene.hub.fault("webhook_double")
    inbox.scene.hub.rename("shop", "store")
    inbox.arrived()
    assert inbox.states() == ["pending"]
    sent = list(inbox.scene.hub.core.store.rows("SELECT * FROM delivery WHERE event <> 'ping'"))
    assert len(sent) == 2
    assert len({row["guid"] for row in sent}) == 1

    number = inbox.scene.hub.repo("blog").id
    answers: list[str] = []
    start = threading.Barrier(8)

    def send() -> None:
        start.wait()
        answer = inbox.post("repository", repository(number), guid="11111111-2222-3333-4444-555555555555")
        assert answer.status_code == 202
        answers.append(answer.json()["state"])

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == ["accepted", *["duplicate"] * 7]
    inbox.scene.hub.clear_requests()
    inbox.work()
    assert inbox.states() == ["done", "done"]
    asked = [line.path for line in inbox.scene.hub.requests()]
    assert len(asked) == len(set(asked)) == 2, "one read per repository"
    assert "store" in [
        t.full_name.partition("/")[2]
        for t in (inbox.scene.tracked(i).repository.repo for i in inbox.scene.presences())
    ]
    assert inbox.post(
        "repository", repository(number), guid="11111111-2222-3333-4444-555555555555"
    ).json() == {"state": "duplicate"}


def test_fault_26_the_same_guid_of_two_hooks_is_two_deliveries_and_one_look(inbox: Receiving) -> None:
    first = inbox.register()
    second = inbox.scene.hub.add_hook(f"{inbox.url}/hooks/github", SECRET, events=["repository"])
    inbox.scene.hub.archive("shop")
    inbox.arrived()
    one, other = inbox.deliveries()
    assert (one.guid, {one.hook_id, other.hook_id}) == (other.guid, {first, second})
    inbox.scene.hub.clear_requests()
    inbox.work()
    assert inbox.states() == ["done", "done"]
    assert len(inbox.scene.hub.requests()) == 1
    assert inbox.scene.open_causes() == ["archived_on_github"]


def test_fault_27_without_a_secret_everything_is_refused(scene: Scene, tmp_path: Path) -> None:
    with receiving(scene, tmp_path, secret=None) as inbox:
        inbox.scene.hub.add_hook(f"{inbox.url}/hooks/github")
        inbox.scene.hub.add_hook(f"{inbox.url}/hooks/github", "guessed", events=["repository"])
        inbox.scene.hub.delete("shop")
        inbox.arrived()
        for secret in ("", "guessed"):
            answer = inbox.post("repository", repository(1), secret=secret)
            assert answer.status_code == 401
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["type"].endswith(":no-webhook-secret")
            assert "steward webhook register" in answer.json()["advice"]
        assert inbox.deliveries() == []
        assert inbox.refusals() == ["no webhook secret is configured, so nothing can prove who sent this"]
        assert set(inbox.scene.presences().values()) == {"seen"}


def test_fault_28_a_renamed_organisation_is_found_by_its_numbers(inbox: Receiving) -> None:
    inbox.register()
    inbox.scene.hub.org_rename("acme", "emca")
    inbox.arrived()
    inbox.work()
    inbox.scene.hub.rename("shop", "store")
    inbox.arrived()
    assert inbox.states()[-1] == "pending"
    inbox.work()
    assert set(inbox.states()) == {"done"}
    assert inbox.scene.organisation().login == "emca"
    assert "emca/store" in {inbox.scene.tracked(i).repository.repo.full_name for i in inbox.scene.presences()}
    assert inbox.scene.open_causes() == []


def test_fault_28_an_apps_delivery_is_routed_by_the_owners_number(inbox: Receiving) -> None:
    owner = inbox.scene.organisation().owner_id
    payload = {"action": "edited", "repository": {"id": 1, "name": "x"}, "organization": {"id": owner}}
    assert inbox.post("repository", payload).status_code == 202
    payload["organization"] = {"id": 4, "login": "acme"}
    assert inbox.post("repository", payload).status_code == 202
    ours, strange = inbox.deliveries()
    assert (ours.organisation_id, ours.state) == (inbox.scene.organisation().id, "pending")
    assert (strange.organisation_id, strange.state) == (None, "ignored")
    assert "no organisation that Steward keeps" in strange.error


def test_fault_29_what_was_missed_while_nobody_listened_is_swept(inbox: Receiving) -> None:
    inbox.register()
    inbox.close()
    inbox.scene.hub.rename("shop", "store")
    inbox.scene.hub.delete("blog")
    inbox.scene.hub.create("fresh")
    inbox.arrived()
    assert inbox.deliveries() == []
    inbox.restart()
    (swept,) = inbox.app.webhooks(ANYONE).sweep()
    assert (swept["healed"], swept["problem"]) == (3, None)
    assert {d.source for d in inbox.deliveries()} == {"sweep"}
    inbox.work()
    assert set(inbox.states()) == {"done"}
    presences = inbox.scene.presences()
    assert sorted(presences.values()) == ["absent", "seen", "seen", "seen", "seen", "seen"]
    assert inbox.app.webhooks(ANYONE).sweep()[0]["healed"] == 0


def test_fault_29_what_does_not_fit_is_refused_and_swept(
    inbox: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.register()
    monkeypatch.setattr(receiver_module, "QUEUE_MAX", 0)
    answer = inbox.post("repository", repository(1))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
    assert answer.json()["type"].endswith(":busy")
    inbox.scene.hub.archive("shop")
    inbox.arrived()
    assert inbox.deliveries() == []
    monkeypatch.undo()
    assert inbox.app.webhooks(ANYONE).sweep()[0]["healed"] == 1
    inbox.work()
    assert inbox.scene.open_causes() == ["archived_on_github"]


def test_fault_29_what_was_accepted_outlives_the_process(inbox: Receiving) -> None:
    inbox.register()
    inbox.scene.hub.delete("shop")
    inbox.arrived()
    assert inbox.states() == ["pending"]
    inbox.scene.restart()
    inbox.loops.clear()
    inbox.work()
    assert inbox.states() == ["done"]


def test_fault_30_what_is_too_large_to_be_sent_is_found_by_polling(
    inbox: Receiving, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.register()
    monkeypatch.setattr("localhub.webhooks.MAX_PAYLOAD_BYTES", 100)
    inbox.scene.hub.rename("shop", "store")
    inbox.arrived()
    assert inbox.deliveries() == []
    assert inbox.app.webhooks(ANYONE).sweep()[0]["listed"] == 1, "the ping"
    inbox.scene.clock.advance(400)
    inbox.work()
    assert "acme/store" in {inbox.scene.tracked(i).repository.repo.full_name for i in inbox.scene.presences()}


def test_fault_30_a_body_that_github_never_sends_is_not_read_to_its_end(inbox: Receiving) -> None:
    body = b" " * (BODY_MAX_BYTES + 1)
    answer = httpx.post(f"{inbox.url}/hooks/github", content=body, headers=headers("push", body))
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:steward:problem:too-large")

    def chunks() -> Iterator[bytes]:
        for _ in range(27):
            yield b" " * 1024 * 1024

    try:
        answer = httpx.post(f"{inbox.url}/hooks/github", content=chunks(), headers=headers("push", b""))
    except httpx.WriteError:
        pass  # the server stopped reading and closed the line
    else:
        assert answer.status_code == 413
    assert inbox.deliveries() == []
    assert "larger than GitHub ever sends" in inbox.refusals()[0]


def test_fault_31_a_push_to_a_branch_whose_name_is_alike_asks_for_no_look(inbox: Receiving) -> None:
    inbox.register()
    (shop,) = (i for i in inbox.scene.presences() if inbox.scene.tracked(i).repository.repo.name == "shop")
    assert inbox.scene.tracked(shop).repository.repo.default_branch == "main"
    named = {"repository": {"id": shop}, "organization": {"id": inbox.scene.organisation().owner_id}}
    alike = ["refs/heads/main-2", "refs/heads/feature/main", "refs/heads/mai", "refs/tags/main"]
    for ref in alike:
        assert inbox.post("push", {"ref": ref, **named}).status_code == 202
    assert inbox.post("push", {"ref": "refs/heads/main", **named}).status_code == 202
    inbox.scene.hub.clear_requests()
    inbox.work()
    assert inbox.states() == [*["ignored"] * 4, "done"]
    assert {d.error for d in inbox.deliveries()[:4]} == {"a push to another than the default branch"}
    assert [line.path for line in inbox.scene.hub.requests()] == [f"/repositories/{shop}"]


def test_a_deletion_is_noticed_at_once_confirmed_and_concluded_within_two_minutes(inbox: Receiving) -> None:
    inbox.register()
    shop = inbox.scene.hub.delete("shop")
    inbox.arrived()
    inbox.work()
    row = inbox.scene.tracked(shop).repository
    assert (row.presence, row.absences) == ("absent", 1)
    assert row.vouched.startswith("delivery:")
    assert inbox.scene.events()[-1].kind == "repository.absent"
    since = inbox.scene.clock.now().at
    for _ in range(240):
        inbox.scene.clock.advance(0.5)
        inbox.work()
        if inbox.scene.project(shop).status == "missing":
            break
    assert inbox.scene.project(shop).status == "missing"
    assert 40 <= (inbox.scene.clock.now().at - since).total_seconds() <= 120


def test_a_mass_of_told_deletions_is_held_all_the_same(inbox: Receiving) -> None:
    inbox.register()
    for name in ("shop", "tickets", "blog", "bot", "api"):
        inbox.scene.hub.delete(name)
    inbox.arrived()
    for _ in range(200):
        inbox.work()
        inbox.scene.clock.advance(1)
    assert inbox.scene.open_causes() == ["mass_loss"]
    assert "missing" not in inbox.scene.statuses().values()


def test_a_deletion_under_a_limited_app_is_believed_when_it_was_told(inbox: Receiving) -> None:
    inbox.register()
    shop = inbox.scene.hub.delete("shop")
    inbox.arrived()
    inbox.scene.hub.fault("private_hidden")
    inbox.work()
    row = inbox.scene.tracked(shop).repository
    assert (row.presence, row.absences) == ("absent", 1), "evidence of its own: no canary is needed"


def test_a_refusal_fills_no_disk(inbox: Receiving) -> None:
    for _ in range(50):
        assert inbox.post("push", {}, secret="wrong").status_code == 401
    body = b"{}"
    for change in (
        {"X-GitHub-Event": "Not an event!"},
        {"X-GitHub-Delivery": "x" * 200},
        {"X-GitHub-Hook-ID": "minus one"},
    ):
        told = {**headers("push", body), **change}
        answer = httpx.post(f"{inbox.url}/hooks/github", content=body, headers=told)
        assert (answer.status_code, next(iter(change)) in answer.json()["detail"]) == (400, True)
    form = {**headers("push", b"payload={}"), "Content-Type": "application/x-www-form-urlencoded"}
    assert httpx.post(f"{inbox.url}/hooks/github", content=b"payload={}", headers=form).status_code == 415
    unsigned = {k: v for k, v in headers("push", body).items() if k != "X-Hub-Signature-256"}
    assert httpx.post(f"{inbox.url}/hooks/github", content=body, headers=unsigned).status_code == 401
    assert len(inbox.refusals()) == 4
    inbox.close()
    assert [reason for reason in inbox.refusals() if "49 times more" in reason]
    assert inbox.deliveries() == []


def test_what_is_no_json_object_is_kept_as_failed(inbox: Receiving) -> None:
    deep = b"[" * 200_000
    for body in (b"", b"[]", b"null", b"{", b"\xff\xfe", deep):
        assert inbox.post("push", body).status_code == 202
    assert set(inbox.states()) == {"failed"}
    assert inbox.post("never_heard_of", {"repository": {"id": 1}}).status_code == 202
    assert inbox.deliveries()[-1].state == "ignored"
