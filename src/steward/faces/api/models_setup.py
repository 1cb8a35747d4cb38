"""The shapes of what is answered of taking in: checklists, scans, what was found of many."""

from __future__ import annotations

from pydantic import BaseModel, Field

from steward.faces.api.models_base import Time


class SetupProject(BaseModel):
    """The project that is being set up, in short."""

    id: str
    slug: str
    title: str
    status: str
    owner: str | None
    version: int


class Evidence(BaseModel):
    """Where something was found, and what read it there. Lines count from 1."""

    path: str
    line: int
    reader: str


class Need(BaseModel):
    """One name that a repository reads of its environment."""

    name: str
    demand: str = Field(description="required, optional or builtin")
    sort: str = Field(description="secret or variable")
    origin: str
    purposes: list[str]
    default: bool
    help: str
    times: int
    evidence: list[Evidence]


class Skipped(BaseModel):
    """A file that was not read, and why."""

    path: str
    why: str


class ScanState(BaseModel):
    """How a scan stands. All is null where none was ever asked for."""

    state: str | None = Field(description="queued, running, done or failed")
    reason: str | None
    advice: str | None
    commit: str | None
    asked_by: str | None = None
    asked_at: Time | None
    done_at: Time | None
    colour: str | None = Field(default=None, description="What the checks of that commit came to")
    languages: dict[str, int] = {}
    files: int = 0
    skipped: list[Skipped] = []
    cut: bool = False


class Scan(ScanState):
    """What a scan found, every name with where it is read."""

    project: SetupProject
    needs: list[Need]


class SetupFix(BaseModel):
    """How to put a line right."""

    action: str
    words: str
    command: str | None


class SetupLine(BaseModel):
    """One line of a checklist. `stands`: it keeps the project from being adopted."""

    code: str
    state: str
    stands: bool
    words: str
    name: str
    about: str
    sort: str
    times: int
    evidence: list[Evidence]
    fix: SetupFix | None


class Candidate(BaseModel):
    """One entry status, with what speaks for it or what it lacks."""

    status: str
    supported: bool
    words: str


class Checklist(BaseModel):
    """What a project lacks before it can be adopted, and where it may enter."""

    project: SetupProject
    scan: ScanState
    lines: list[SetupLine]
    missing: int
    candidates: list[Candidate]
    proposed: str | None


class TakenIn(BaseModel):
    """What became of one project: queued, taken_in, already or refused, with the reason in `words`."""

    slug: str
    state: str
    words: str


class TakenInAll(BaseModel):
    """What became of each."""

    items: list[TakenIn]


class SetupRow(SetupProject):
    """What was found of one project that is discovered or being set up; null where nothing is known."""

    organisation: str | None
    management: str
    scan: str | None
    reason: str | None
    languages: list[str]
    files: int | None
    ci: bool | None
    deploys: bool | None
    self_deploys: bool | None
    required: int | None
    names_missing: list[str]
    missing: int | None
    proposed: str | None


class ScanProgress(BaseModel):
    """How far the scans are, and until when they wait for the rate limit."""

    queued: int
    running: int
    done: int
    failed: int
    of: int
    waits_until: Time | None


class SetupTable(BaseModel):
    """A part of what was found of many; `next` is the slug that the part after it begins behind."""

    items: list[SetupRow]
    next: str | None
    progress: ScanProgress
