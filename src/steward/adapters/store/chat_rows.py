"""Chats, posts, talks, what was said and calls of models: rows into domain values and back; see `rows`."""

from __future__ import annotations

from typing import Any

from steward.adapters.store.rows import Fields
from steward.adapters.store.values import (
    clean,
    json_text,
    json_value,
    maybe,
    readable,
    stamp,
    stamp_or_none,
    time_from,
)
from steward.domain.brief import Brief
from steward.domain.chats import Chat, ChatKind, Post, PostState
from steward.domain.spending import MindCall, Usage
from steward.domain.talks import Purpose, Said, Talk, TalkState


def chat_row(chat: Chat) -> tuple[Any, ...]:
    """The columns of a chat, in order."""
    return (
        chat.id,
        str(chat.kind),
        clean(chat.user),
        stamp(chat.joined_at),
        chat.lang,
        clean(chat.title),
        chat.thread_id,
        chat.organisation_id,
        chat.quiet,
        chat.zone,
        stamp_or_none(chat.muted_until),
        stamp_or_none(chat.blocked_at),
        stamp_or_none(chat.flood_until),
    )


def chat_from(row: Fields) -> Chat:
    """Read a row of `chats`."""
    key, kind, user, joined, lang, title, thread_id, organisation_id, quiet, zone, *times = row
    with readable("the chat", key):
        muted, blocked, flood = (maybe(time_from, text) for text in times)
        return Chat(
            key,
            ChatKind(kind),
            user,
            time_from(joined),
            lang,
            title,
            thread_id,
            organisation_id,
            quiet,
            zone,
            muted,
            blocked,
            flood,
        )


def post_row(post: Post) -> tuple[Any, ...]:
    """The columns of a post, in order."""
    return (
        post.chat_id,
        clean(post.key),
        post.kind,
        stamp(post.wanted_at),
        json_text(post.data),
        str(post.state),
        post.thread_id,
        post.reply_to,
        post.urgent,
        post.message_id,
        post.old_id,
        post.shown,
        post.version,
        post.attempts,
        stamp_or_none(post.next_at),
        clean(post.error),
    )


def post_from(row: Fields) -> Post:
    """Read a row of `posts`."""
    chat_id, key, kind, wanted_at, data, state, thread_id, reply_to, urgent, *rest = row
    message_id, old_id, shown, version, attempts, next_at, error = rest
    with readable(f"the post {key} of the chat", chat_id):
        return Post(
            chat_id,
            key,
            kind,
            time_from(wanted_at),
            dict(json_value(data)),
            PostState(state),
            thread_id,
            reply_to,
            bool(urgent),
            message_id,
            old_id,
            shown,
            version,
            attempts,
            maybe(time_from, next_at),
            error,
        )


def talk_row(talk: Talk) -> dict[str, Any]:
    """A talk's columns but the id."""
    return {
        "key": clean(talk.key),
        "user_name": clean(talk.user),
        "opened_at": stamp(talk.opened_at),
        "changed_at": stamp(talk.changed_at),
        "purpose": str(talk.purpose),
        "state": str(talk.state),
        "brief": json_text(_brief(talk.brief)),
        "asked": json_text(list(talk.asked)),
        "project_id": talk.project_id,
        "chat_id": talk.chat_id,
        "thread_id": talk.thread_id,
        "version": talk.version,
    }


def _brief(brief: Brief) -> dict[str, Any]:
    return {
        "title": brief.title,
        "goal": brief.goal,
        "users": brief.users,
        "features": list(brief.features),
        "out_of_scope": list(brief.out_of_scope),
        "questions": list(brief.questions),
        "template": brief.template,
        "answers": dict(brief.answers),
    }


def _brief_from(text: str) -> Brief:
    value = json_value(text)
    lists = {name: tuple(value[name]) for name in ("features", "out_of_scope", "questions")}
    return Brief(**{**value, **lists})


def talk_from(row: Fields) -> Talk:
    """Read a row of `talks`."""
    key_id, key, user, opened, changed, purpose, state, brief, asked, *rest = row
    project_id, chat_id, thread_id, version = rest
    with readable("the talk", key_id):
        return Talk(
            key_id,
            key,
            user,
            time_from(opened),
            time_from(changed),
            Purpose(purpose),
            TalkState(state),
            _brief_from(brief),
            tuple(json_value(asked)),
            project_id,
            chat_id,
            thread_id,
            version,
        )


def said_row(said: Said) -> dict[str, Any]:
    """The columns of what was said, but the id."""
    return {
        "talk_id": said.talk_id,
        "key": clean(said.key),
        "at": stamp(said.at),
        "text": clean(said.text),
        "forwarded": said.forwarded,
        "answers": clean(said.answers),
        "folded": said.folded,
        "edited_at": stamp_or_none(said.edited_at),
    }


def said_from(row: Fields) -> Said:
    """Read a row of `said`."""
    key_id, talk_id, key, at, text, forwarded, answers, folded, edited = row
    with readable("the message", key_id):
        moment, edited_at = time_from(at), maybe(time_from, edited)
        return Said(talk_id, key, moment, text, bool(forwarded), answers, bool(folded), edited_at, key_id)


def call_row(call: MindCall) -> tuple[Any, ...]:
    """The columns of a call of a model but the id, in order."""
    used = call.usage
    return (
        stamp(call.at),
        clean(call.user),
        call.talk_id,
        call.project_id,
        clean(used.model),
        used.input_tokens,
        used.output_tokens,
        None if used.cost_usd is None else float(used.cost_usd),
        used.source,
        clean(call.outcome),
    )


def call_from(row: Fields) -> MindCall:
    """Read a row of `mind_calls`."""
    key_id, at, user, talk_id, project_id, model, taken, given, cost_usd, source, outcome = row
    with readable("the call of a model", key_id):
        usage = Usage(model, taken, given, cost_usd, source)
        return MindCall(time_from(at), user, talk_id, usage, project_id, outcome, key_id)
