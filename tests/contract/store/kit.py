"""Values for the store's contract: small, complete, with every optional field filled where it matters."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from steward.adapters.store.store import SqlStore
from steward.domain.brief import Brief
from steward.domain.chats import Chat, ChatKind, Post
from steward.domain.hands import Entry, EntryKind, Hold, Reason, Watch
from steward.domain.incidents import Incident
from steward.domain.instant import Instant
from steward.domain.journal import Event, Notice
from steward.domain.operations import Operation, OperationState, Work
from steward.domain.project import Look, Organisation, Project, Tracked
from steward.domain.repository import Presence, Repo, Repository
from steward.domain.spec import Estimate, Proof, Release, Spec, TemplateRef, Update
from steward.domain.spending import MindCall, Usage
from steward.domain.status import Status
from steward.domain.talks import Said, Talk
from steward.ports import AgentRun, Writes
from steward.ports.hands import Patch, ScanRecord, Score

NOW = datetime(2026, 11, 24, 9, 30, 0, 123456, tzinfo=UTC)
BOOT = "boot-1"


def after(seconds: float) -> datetime:
    """A time that much later."""
    return NOW + timedelta(seconds=seconds)


def moment(seconds: float = 0) -> Instant:
    """The same on both clocks."""
    return Instant(after(seconds), BOOT, 100.0 + seconds)


def repo(number: int, name: str = "", **more: Any) -> Repo:
    """A repository as GitHub shows it."""
    name = name or f"repo-{number}"
    return Repo(
        id=number,
        name=name,
        owner_id=7,
        owner_login=more.pop("owner_login", "Acme"),
        digest=more.pop("digest", (1 << 62) + number),
        node_id=f"R_{number}",
        created_at=NOW,
        **more,
    )


def row(number: int, organisation_id: int = 1, name: str = "", **more: Any) -> Repository:
    """A recorded repository."""
    facts = {key: more.pop(key) for key in ("digest", "visibility", "owner_login") if key in more}
    project_id = more.pop("project_id", None)
    return Repository(repo(number, name, **facts), organisation_id, project_id, **more)


def project(slug: str, **more: Any) -> Project:
    """A project that was just discovered."""
    return replace(Project(f"id-{slug}", slug, 1, Status.DISCOVERED, NOW, NOW, NOW), **more)


def look(kind: str = "full", **more: Any) -> Look:
    """A look that begins now."""
    return Look(0, more.pop("organisation_id", 1), kind, moment(), **more)


def incident(key: str, **more: Any) -> Incident:
    """A new incident."""
    fields: dict[str, Any] = {"cause": "missing", "severity": "warning", "title": f"about {key}"}
    return Incident(0, key, first_at=NOW, last_at=NOW, **{**fields, **more})


def happened(why: str, **more: Any) -> Event:
    """An event."""
    return Event("project.changed", NOW, "heartbeat", why=why, **more)


def notice(key: str, seconds: float = 0) -> Notice:
    """A notice."""
    return Notice(key, after(seconds), f"title of {key}", "body", "error", 3, "id-shop")


def connect(store: SqlStore, login: str = "Acme") -> Organisation:
    """Connect an organisation."""
    with store.writing() as tx:
        return tx.add_organisation(login, "https://api.github.test")


def record(store: SqlStore, *rows: Repository, seconds: float = 0) -> int:
    """Save repositories in a transaction of their own."""
    with store.writing() as tx:
        return tx.save_repositories(rows, after(seconds))


def adopt(store: SqlStore, slug: str, number: int, **more: Any) -> Tracked:
    """Record a repository of the first organisation together with its project."""
    made = project(slug, repository_id=number, **more)
    kept = row(number, name=slug, project_id=made.id)
    with store.writing() as tx:
        tx.add_projects([made])
        tx.save_repositories([kept], NOW)
    return Tracked(kept, made)


def lost(number: int, seconds: float, **more: Any) -> Repository:
    """A repository whose loss was concluded that much later."""
    return row(number, presence=Presence.ABSENT, lost_at=moment(seconds), absences=3, **more)


def operation(name: str, project_id: str = "id-shop", **more: Any) -> Operation:
    """An operation of the first organisation that waits for its turn."""
    made = Operation(name, project_id, 1, Work.DESIGN, OperationState.QUEUED, "user:anna", NOW)
    return replace(made, **more)


def spec(version: int = 1, project_id: str = "id-shop", **more: Any) -> Spec:
    """A version of a spec."""
    made = Spec(
        project_id,
        version,
        TemplateRef("starter", "v1", "c0ffee"),
        {"name": "лавка", "modules": ["a", "b"], "size": None},
        "a shop",
        ("it answers", "it sells"),
        {"SECRET_KEY": "generated_secret"},
        Proof("http", "/healthy", "/which"),
        "user:anna",
        after(version),
    )
    return replace(made, **more)


def estimate(version: int = 1, project_id: str = "id-shop", **more: Any) -> Estimate:
    """The estimate of that version."""
    made = Estimate(
        project_id, version, 8.0, 4.5, 16.1, 12.34, 2.5, ("the template says so",), after(version)
    )
    return replace(made, **more)


def release(commit: str, project_id: str = "id-shop", **more: Any) -> Release:
    """A live release of that commit, without a number yet."""
    made = Release(project_id, 0, commit, "https://shop.test", "live", after(60), "op-1")
    return replace(made, **more)


def wanted(text: str, project_id: str = "id-shop", **more: Any) -> Update:
    """A queued update, without a number yet."""
    return replace(Update(project_id, 0, text, "queued", "user:anna", NOW), **more)


def run(name: str, project_id: str = "id-shop", **more: Any) -> AgentRun:
    """An agent's run that cost a little."""
    made = AgentRun(
        name, project_id, "op-1", "developer", "starter", "completed", NOW, after(30), 0.25, "agent"
    )
    return replace(made, **more)


def entry(after: str | None = "b", **more: Any) -> Entry:
    """A push of ours to the default branch, from `a`."""
    return replace(Entry(1, "main", EntryKind.PUSH, "a", after, NOW, "operation:op-1"), **more)


def hold(project_id: str = "id-shop", **more: Any) -> Hold:
    """A hold for a foreign push."""
    made = Hold(
        project_id, 1, Reason.FOREIGN, "Eve pushed", NOW, "watch", {"tip": "c0ffee", "ветка": [1, None]}
    )
    return replace(made, **more)


def watch(repository_id: int = 1, project_id: str = "id-shop", **more: Any) -> Watch:
    """What is watched of a repository, every field filled."""
    made = Watch(
        repository_id,
        project_id,
        "main",
        {"main": "a", "steward/op-1": "b"},
        after(1),
        after(2),
        ("web", "do-not-touch"),
        True,
        {"visibility": "private", "rule": True},
        {"visibility": "public", "rule": None},
    )
    return replace(made, **more)


def patch(text: str = "+a line\n", project_id: str = "id-shop", **more: Any) -> Patch:
    """Unpushed work of an agent."""
    return replace(Patch(project_id, "op-1", 2, "c0ffee", text, NOW, "it was stopped"), **more)


def scan(project_id: str = "id-shop", **more: Any) -> ScanRecord:
    """A scan that was asked for."""
    return replace(ScanRecord(project_id, 1, "queued", "user:anna", NOW), **more)


def keep_hands(tx: Writes) -> None:
    """Something of hands off in each of its tables."""
    tx.enter(entry())
    tx.enter(entry(None, kind=EntryKind.MERGE, head="b", pull=7, made=False, operation_id="op-1"))
    tx.save_hold(hold())
    tx.save_hold(hold(reason=Reason.PAUSED, lifted_at=after(1), lifted_by="user:anna", exit="resume"))
    tx.save_watch(watch())
    tx.keep_patch(patch())
    tx.save_scan(scan(state="done", done_at=after(3), result={"needs": ["лавка"]}))
    tx.save_scores([Score("id-shop", 67, ("owner", "checks"), NOW)])


def chat(number: int = 7, **more: Any) -> Chat:
    """A private chat of Anna's."""
    return replace(Chat(number, ChatKind.PRIVATE, "anna", NOW), **more)


def post(key: str, chat_id: int = 7, seconds: float = 0, **more: Any) -> Post:
    """A post that is wanted since then."""
    return replace(Post(chat_id, key, "said", after(seconds)), **more)


def talk(key: str = "tg:7:1", **more: Any) -> Talk:
    """A talk of Anna's that was just opened."""
    return replace(Talk(0, key, "anna", NOW, NOW), **more)


def words(talk_id: int, key: str, seconds: float = 0, **more: Any) -> Said:
    """Something that was said in a talk then."""
    return replace(Said(talk_id, key, after(seconds), f"the words of {key}"), **more)


def call(talk_id: int, cost_usd: float | None = 0.25, seconds: float = 0, **more: Any) -> MindCall:
    """A call of a model for Anna then."""
    source = "unknown" if cost_usd is None else "computed"
    return replace(MindCall(after(seconds), "anna", talk_id, Usage("m", 3, 4, cost_usd, source)), **more)


def keep_talks(tx: Writes) -> None:
    """Something of talks in each of its tables."""
    tx.save_chat(chat())
    tx.save_post(post("project:id-shop", kind="project", data={"project": "id-shop"}))
    brief = Brief("Лавка", "sells", features=("a cart",), answers={"size": [1, None]})
    opened = tx.add_talk(talk(brief=brief, project_id="id-shop", chat_id=7))
    tx.say(words(opened.id, "tg:7:1"))
    tx.add_mind_call(call(opened.id))
    tx.follow_to(2)
