"""The shapes of the API's answers about talks: what `app.talking` gives."""

from __future__ import annotations

from pydantic import BaseModel, Field

from steward.domain.talks import Purpose, TalkState
from steward.faces.api.models_base import Object, Time


class Brief(BaseModel):
    """What is wanted so far. `answers` are to the questions of the template, by name."""

    title: str
    goal: str
    users: str
    features: list[str]
    out_of_scope: list[str]
    questions: list[str]
    template: str
    answers: Object


class AskedQuestion(BaseModel):
    """A question that is asked, with its choices, if it has any."""

    name: str
    words: str
    choices: list[str]


class SaidMessage(BaseModel):
    """One message. `folded`: the brief has it. `answers` names the question that it answers."""

    key: str
    at: Time
    text: str
    forwarded: bool
    answers: str
    folded: bool
    edited_at: Time | None


class Talk(BaseModel):
    """A talk: what was said, the brief so far, what is asked next."""

    id: int
    key: str
    purpose: Purpose
    state: TalkState
    version: int
    user: str
    brief: Brief
    asked: list[AskedQuestion]
    lacks: list[str] = Field(description="The parts of the brief without which it cannot be asked for")
    waiting: int = Field(description="Messages that are not in the brief yet")
    problem: str = Field(description="Why no model is at it: a limit, or how its last call ended; else empty")
    project: str | None = Field(description="The id of the project that it became, or is to change")
    organisation: str | None
    chat: int | None = Field(description="The Telegram chat in which it goes on, too")
    thread: int
    opened_at: Time
    changed_at: Time
    said: list[SaidMessage]
    mind: bool = Field(description="Whether a model writes the brief; else plain questions do")
