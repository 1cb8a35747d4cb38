"""Taking in what we did not make: scanned first, shown with what it lacks, adopted where the evidence supports it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from steward.adapters.store import open_store
from steward.app.adopting import Wanted
from steward.app.describing import Wish
from steward.app.errors import Invalid
from steward.app.scanning import ask_scan
from steward.domain.hands import EntryKind
from steward.domain.lifecycle import Refused
from steward.domain.operations import Work
from steward.domain.people import Principal, Role, local
from steward.domain.repository import Budget
from steward.domain.status import Status
from steward.domain.verdict import CommitChecks
from steward.ports import Permanent, RateLimited, Unreachable
from tests.app.setup_kit import PLAIN, WORKFLOW, Surveyed


@pytest.fixture
def surveyed(tmp_path: Path) -> Iterator[Surveyed]:
    """One without repositories."""
    store = open_store("sqlite://")
    yield Surveyed(store, tmp_path)
    store.close()


def take_in(surveyed: Surveyed, files: Mapping[str, bytes | None] | None = None) -> int:
    """A repository that is asked to be driven, and scanned."""
    repo_id = surveyed.repository("shop", {**PLAIN, **(files or {})})
    surveyed.beat()
    surveyed.setting_up().take_in(["shop"])
    surveyed.scan_all()
    return repo_id


def state(surveyed: Surveyed, slug: str = "shop") -> str | None:
    found = surveyed.checklist(slug)["scan"]["state"]
    return None if found is None else str(found)


# Taking in ---------------------------------------------------------------------------------------------


def test_what_lacks_something_is_taken_in_by_its_scan_with_each_name_and_where_it_is_read(
    surveyed: Surveyed,
) -> None:
    surveyed.repository("shop", {**PLAIN, ".env.example": b"MAIL_KEY=\nCOLOUR=red\n"})
    surveyed.beat()
    rows = surveyed.setting_up().take_in(["shop"])
    assert rows == [{"slug": "shop", "state": "queued", "words": ""}]
    assert surveyed.project().status is Status.DISCOVERED
    surveyed.scan_all()
    assert surveyed.project().status is Status.SETUP_REQUIRED
    lines = {line["name"] or line["code"]: line for line in surveyed.checklist("shop")["lines"]}
    assert lines["MAIL_KEY"]["state"] == "missing"
    assert lines["MAIL_KEY"]["evidence"] == [{"path": ".env.example", "line": 1, "reader": "env example"}]
    assert lines["MAIL_KEY"]["fix"]["command"] == "steward secret set shop MAIL_KEY"
    assert "COLOUR" not in lines
    assert lines["owner"]["state"] == "missing"
    assert [event.kind for event in surveyed.events()][-2:] == ["project.scanned", "project.moved"]


def test_what_lacks_nothing_stays_discovered_and_offers_to_be_adopted(surveyed: Surveyed) -> None:
    surveyed.repository("shop", PLAIN)
    surveyed.beat()
    surveyed.commands().own("shop", "anna")
    surveyed.commands().manage("shop", "drive")
    surveyed.scan_all()
    assert surveyed.project().status is Status.DISCOVERED
    actions = surveyed.app.queries(local("local:anna")).project("shop")["actions"]
    assert next(one for one in actions if one["trigger"] == "adopted")["refused"] is None


def test_without_a_scanner_a_discovered_project_is_taken_in_at_once(surveyed: Surveyed) -> None:
    from dataclasses import replace

    surveyed.repository("shop", PLAIN)
    surveyed.beat()
    surveyed.app = replace(surveyed.app, surveying=None)
    assert surveyed.setting_up().take_in(["shop"])[0]["state"] == "taken_in"
    assert surveyed.project().status is Status.SETUP_REQUIRED
    with pytest.raises(Invalid, match="reads no repositories"):
        surveyed.setting_up().ask("shop")
    with pytest.raises(Invalid, match="cannot read the repository"):
        surveyed.setting_up().adopt("shop")


def test_each_of_many_is_answered_for_itself(surveyed: Surveyed) -> None:
    surveyed.repository("shop", PLAIN)
    surveyed.beat()
    surveyed.order("own")
    rows = surveyed.setting_up().take_in(["shop", "nothing", "own", "shop"])
    assert [(row["slug"], row["state"]) for row in rows] == [
        ("shop", "queued"),
        ("nothing", "refused"),
        ("own", "refused"),
    ]
    assert surveyed.setting_up().take_in(["shop"])[0]["state"] == "already"


def test_fifty_at_once_stay_within_the_rate_budget_and_tell_how_far_they_are(surveyed: Surveyed) -> None:
    for number in range(50):
        surveyed.repository(f"r{number}", PLAIN)
    surveyed.beat()
    rows = surveyed.setting_up().take_in()
    assert [row["state"] for row in rows] == ["queued"] * 50
    reset = surveyed.clock.now().at + timedelta(seconds=100)
    for number in range(30):
        surveyed.forge.budget_now = Budget(100, 40 - number, reset)
        assert surveyed.scans.tick() == 0.0
    surveyed.forge.budget_now = Budget(100, 10, reset)
    asked = len(surveyed.trees.asked)
    assert surveyed.scans.tick() == 60.0
    progress = surveyed.setting_up().progress()
    assert (progress["queued"], progress["done"], progress["of"]) == (20, 30, 50)
    assert progress["waits_until"] == reset.isoformat()
    surveyed.clock.advance(101)
    surveyed.scan_all()
    assert len(surveyed.trees.asked) == asked + 20
    assert surveyed.setting_up().progress()["waits_until"] is None
    assert surveyed.setting_up().progress()["done"] == 50
    assert not list((surveyed.folder / "trees").glob("*"))


def test_a_scan_that_a_dead_process_left_is_taken_up(surveyed: Surveyed) -> None:
    surveyed.repository("shop", PLAIN)
    surveyed.beat()
    surveyed.setting_up().take_in(["shop"])
    surveyed.trees.raises = [KeyboardInterrupt()]  # type: ignore[list-item]  # a death, which is no Exception
    with pytest.raises(KeyboardInterrupt):
        surveyed.scans.tick()
    assert state(surveyed) == "running"
    surveyed.start_scans()
    surveyed.scan_all()
    assert state(surveyed) == "done"


def test_what_may_work_later_is_tried_again_and_then_given_to_a_person(surveyed: Surveyed) -> None:
    surveyed.repository("shop", PLAIN)
    surveyed.beat()
    surveyed.setting_up().take_in(["shop"])
    surveyed.trees.raises = [Unreachable("no answer") for _ in range(3)]
    for _ in range(3):
        surveyed.scan_all()
        surveyed.clock.advance(200)
    found = surveyed.checklist("shop")["scan"]
    assert (found["state"], found["reason"]) == ("failed", "no answer")
    surveyed.setting_up().ask("shop")
    surveyed.scan_all()
    assert state(surveyed) == "done"


def test_a_rate_limit_in_the_middle_is_waited_for_and_costs_no_try(surveyed: Surveyed) -> None:
    surveyed.repository("shop", PLAIN)
    surveyed.beat()
    surveyed.setting_up().take_in(["shop"])
    for _ in range(5):
        retry_at = surveyed.clock.now().at + timedelta(seconds=60)
        surveyed.trees.raises = [RateLimited("slow down", retry_at)]
        surveyed.scan_all()
        assert state(surveyed) == "queued"
        surveyed.clock.advance(61)
    surveyed.scan_all()
    assert state(surveyed) == "done"


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (Permanent("the repository is too large to be read", "Raise the bounds."), "too large"),
        (RecursionError(), "the scan broke off (RecursionError)"),
    ],
)
def test_one_bad_repository_is_told_of_and_ends_no_other_scan(
    surveyed: Surveyed, raised: Exception, words: str
) -> None:
    for name in ("bad", "good"):
        surveyed.repository(name, PLAIN)
    surveyed.beat()
    surveyed.setting_up().take_in(["bad", "good"])
    surveyed.trees.raises = [raised]
    surveyed.scan_all()
    states = {row["slug"]: (row["scan"], row["reason"] or "") for row in surveyed.setting_up().table()}
    failed = next(slug for slug, (found, _) in states.items() if found == "failed")
    assert words in states[failed][1]
    assert sorted(found for found, _ in states.values()) == ["done", "failed"]
    assert surveyed.project(failed).status is Status.DISCOVERED


def test_a_repository_that_vanishes_in_the_middle_fails_with_words(surveyed: Surveyed) -> None:
    surveyed.neighbours()
    repo_id = surveyed.repository("shop", PLAIN)
    surveyed.beat()
    surveyed.setting_up().take_in(["shop"])
    surveyed.vanish("shop")
    surveyed.scan_all()
    assert surveyed.checklist("shop")["scan"]["state"] == "failed"
    assert surveyed.status(repo_id) == "missing"


def test_what_is_asked_for_during_a_scan_is_scanned_once_more(surveyed: Surveyed) -> None:
    surveyed.repository("shop", PLAIN)
    surveyed.beat()
    surveyed.setting_up().take_in(["shop"])

    project = surveyed.project()

    def push() -> None:
        surveyed.trees.meanwhile = lambda: None
        surveyed.clock.advance(1)
        with surveyed.store.writing() as tx:
            ask_scan(tx, project, "watch", surveyed.clock.now().at)

    surveyed.trees.meanwhile = push
    assert surveyed.scans.tick() == 0.0
    assert state(surveyed) == "queued"
    surveyed.scan_all()
    assert (state(surveyed), len(surveyed.trees.asked)) == ("done", 2)


def test_who_may_not_change_an_organisation_takes_nothing_in_there(surveyed: Surveyed) -> None:
    surveyed.repository("shop", PLAIN)
    surveyed.beat()
    viewer = Principal("user:eve", {None: Role.VIEWER.rights})
    assert surveyed.app.setup(viewer).take_in(["shop"])[0]["state"] == "refused"
    assert surveyed.app.setup(viewer).take_in() == []
    assert state(surveyed) is None


# Adopting ----------------------------------------------------------------------------------------------


def test_adopting_enters_at_the_highest_status_that_the_evidence_supports_and_the_road_goes_on(
    surveyed: Surveyed,
) -> None:
    repo_id = take_in(surveyed)
    tip = surveyed.build.tip(repo_id, "main")
    surveyed.setting_up().adopt("shop", Wanted(owner="anna"))
    project = surveyed.project()
    assert (project.status, project.management.value, project.owner) == (Status.VERIFIED, "drive", "anna")
    with surveyed.store.reading() as view:
        spec, watch = view.spec(project.id), view.watches([repo_id])[repo_id]
        (entry,) = view.ledger(repo_id)
    assert spec is not None
    assert (spec.version, spec.template.source, dict(spec.answers)) == (1, "none", {})
    assert watch.tips == {"main": tip}
    assert watch.wanted["default_branch"] == "main"
    assert (entry.kind, entry.before, entry.after) == (EntryKind.BASELINE, None, tip)
    (adopted,) = surveyed.operations()
    assert (adopted.kind, adopted.state.value, adopted.facts["checks"]) == (Work.ADOPT, "succeeded", ["test"])
    surveyed.drive()
    assert surveyed.project().status is Status.ACTIVE
    assert surveyed.project().live is not None
    assert surveyed.project().live["commit"] == tip  # type: ignore[index]  # it is live, as asserted above


def test_an_adopted_project_is_updated_without_any_template(surveyed: Surveyed) -> None:
    take_in(surveyed)
    surveyed.setting_up().adopt("shop", Wanted(owner="anna", entry=Status.IMPLEMENTED))
    surveyed.drive()
    surveyed.templates.refuses = Permanent("no template may be asked", "")
    surveyed.building().update("shop", "a cart")
    with pytest.raises(Invalid, match="has no template"):
        surveyed.building().describe("shop", Wish(answers={"title": "x"}))
    surveyed.building().describe("shop", Wish(brief="a shop with a cart", criteria=["it adds up"]))
    surveyed.building().redesign("shop")
    surveyed.drive()
    project = surveyed.project()
    assert project.status is Status.ACTIVE
    with surveyed.store.reading() as view:
        spec = view.spec(project.id)
    assert spec is not None
    assert (spec.version, spec.brief, spec.template.source) == (2, "a shop with a cart", "none")
    assert [one.state for one in surveyed.updates()] == ["shipped"]


def test_an_empty_repository_enters_as_initialized_and_is_designed(surveyed: Surveyed) -> None:
    surveyed.repository("shop")
    surveyed.beat()
    surveyed.setting_up().take_in(["shop"])
    surveyed.scan_all()
    found = surveyed.checklist("shop")
    assert found["proposed"] == "initialized"
    shown = surveyed.setting_up().adopt("shop", Wanted(owner="anna"))
    assert shown["status"] == "initialized"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Wanted(entry=Status.DESIGNED, owner="anna"), "there is no IMPLEMENTATION.md"),
        (Wanted(entry=Status.ACTIVE, owner="anna"), "give its address"),
        (Wanted(), "an owner must be set"),
    ],
)
def test_an_entry_that_the_evidence_does_not_support_is_refused_and_changes_nothing(
    surveyed: Surveyed, wanted: Wanted, words: str
) -> None:
    take_in(surveyed)
    before, events = surveyed.project(), len(surveyed.events())
    with pytest.raises(Refused, match=words):
        surveyed.setting_up().adopt("shop", wanted)
    assert surveyed.project() == before
    assert len(surveyed.events()) == events


def test_red_checks_of_the_tip_and_a_tip_that_moved_on_do_not_support_verified(surveyed: Surveyed) -> None:
    repo_id = take_in(surveyed)
    surveyed.build.conclude = lambda _files: "failure"
    wanted = Wanted(entry=Status.VERIFIED, owner="anna")
    with pytest.raises(Refused, match="are red"):
        surveyed.setting_up().adopt("shop", wanted)
    surveyed.build.conclude = lambda _files: "success"
    surveyed.build.commit(repo_id, "main", {"more.py": b"2"})
    with pytest.raises(Refused, match="has moved on since"):
        surveyed.setting_up().adopt("shop", wanted)
    assert surveyed.setting_up().adopt("shop", Wanted(owner="anna"))["status"] == "implemented"


def test_required_names_are_set_or_waived_with_a_reason_first(surveyed: Surveyed) -> None:
    take_in(surveyed, {".env.example": b"MAIL_KEY=\nMAP_KEY=\n"})
    with pytest.raises(Refused, match="MAIL_KEY, MAP_KEY"):
        surveyed.setting_up().adopt("shop", Wanted(owner="anna"))
    surveyed.keep("shop", "MAIL_KEY")
    with pytest.raises(Invalid, match="needs a reason"):
        surveyed.setting_up().adopt("shop", Wanted(owner="anna", waive={"MAP_KEY": " "}))
    with pytest.raises(Invalid, match="nothing asks for OTHER"):
        surveyed.setting_up().adopt("shop", Wanted(owner="anna", waive={"OTHER": "why not"}))
    surveyed.setting_up().adopt("shop", Wanted(owner="anna", waive={"MAP_KEY": "no map is shown"}))
    states = {line["name"]: line["state"] for line in surveyed.checklist("shop")["lines"] if line["name"]}
    assert states == {"MAIL_KEY": "set", "MAP_KEY": "waived"}
    assert "secret.waived" in surveyed.kinds()
    assert "hunter2" not in repr(surveyed.events()) + repr(surveyed.checklist("shop"))


def test_what_has_neither_checks_nor_a_deploy_file_is_adopted_without_for_a_reason(
    surveyed: Surveyed,
) -> None:
    surveyed.build.conclude = lambda _files: None
    take_in(surveyed, {WORKFLOW: None, "compose.yaml": None})
    codes = [line["code"] for line in surveyed.checklist("shop")["lines"] if line["stands"]]
    assert codes == ["owner", "ci", "deploy"]
    waive = {"ci": "a toy", "deploy": "people do that"}
    shown = surveyed.setting_up().adopt("shop", Wanted(owner="anna", waive=waive))
    assert shown["status"] == "verified"


def test_one_that_deploys_by_itself_is_shown_and_must_be_accepted(surveyed: Surveyed) -> None:
    take_in(surveyed, {WORKFLOW: b"on: push\njobs: deploy"})
    line = next(one for one in surveyed.checklist("shop")["lines"] if one["code"] == "self_deploy")
    assert (line["state"], line["evidence"][0]["path"]) == ("missing", WORKFLOW)
    with pytest.raises(Refused, match="puts it live by itself"):
        surveyed.setting_up().adopt("shop", Wanted(owner="anna"))
    surveyed.setting_up().adopt("shop", Wanted(owner="anna", accept_self_deploy=True))
    assert surveyed.project().status is Status.VERIFIED


def test_a_site_that_tells_the_tips_commit_is_adopted_as_live(surveyed: Surveyed) -> None:
    repo_id = take_in(surveyed)
    tip = surveyed.build.tip(repo_id, "main") or ""
    surveyed.deployer.serving["elsewhere"] = tip
    shown = surveyed.setting_up().adopt("shop", Wanted(owner="anna", url="https://shop.test"))
    assert (shown["status"], shown["live"]["url"], shown["live"]["commit"]) == (
        "active",
        "https://shop.test",
        tip,
    )
    (release,) = surveyed.releases()
    assert (release.state, release.proof, release.number) == ("live", "http", 1)


def test_a_site_that_tells_another_commit_or_nothing_is_not_live(surveyed: Surveyed) -> None:
    take_in(surveyed)
    surveyed.deployer.serving["elsewhere"] = "d" * 40
    wanted = Wanted(owner="anna", url="https://shop.test", entry=Status.ACTIVE)
    with pytest.raises(Refused, match="give its address"):
        surveyed.setting_up().adopt("shop", wanted)
    surveyed.probe.down = True
    with pytest.raises(Refused, match="give its address"):
        surveyed.setting_up().adopt("shop", wanted)
    with pytest.raises(Invalid, match="needs a reason"):
        surveyed.setting_up().adopt("shop", Wanted(owner="anna", proof="attested"))
    wanted = Wanted(owner="anna", proof="attested", reason="I use it daily")
    assert surveyed.setting_up().adopt("shop", wanted)["status"] == "active"
    assert surveyed.releases()[0].proof == "attested"


@pytest.mark.parametrize(
    "url", ["ftp://x", "https://a:b@x", "javascript:1", "https://", "https://x y", "http://[x"]
)
def test_an_address_that_is_none_is_refused_before_anything_is_read(surveyed: Surveyed, url: str) -> None:
    take_in(surveyed)
    with pytest.raises(Invalid, match="no address of a site"):
        surveyed.setting_up().adopt("shop", Wanted(owner="anna", url=url))


def test_checks_that_the_rules_require_are_those_that_the_road_waits_for(surveyed: Surveyed) -> None:
    repo_id = take_in(surveyed)
    surveyed.build.ensure_branch_rule(repo_id, ["lint"])
    tip = surveyed.build.tip(repo_id, "main") or ""
    surveyed.build.say(CommitChecks(tip))
    surveyed.setting_up().adopt("shop", Wanted(owner="anna", entry=Status.IMPLEMENTED))
    assert surveyed.operations()[0].facts["checks"] == ["lint"]
