"""People in words, for every face: roles, rights, places, what was done. Nothing here decides anything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from steward.domain.people import Right, Role
from steward.faces.lines import actor_label
from steward.faces.words import _, label

Json = Mapping[str, Any]

ACTS: Final = {
    "user.add": "added the user",
    "user.change": "changed the user",
    "user.grant": "gave a role to",
    "user.ungrant": "took a role from",
    "user.disable": "disabled the user",
    "user.enable": "enabled the user",
    "link.create": "made a sign-in link for",
    "link.end": "ended a sign-in link of",
    "session.end": "ended a session of",
    "token.create": "made an API token for",
    "token.end": "ended an API token of",
    "chat.code": "made a code to connect Telegram for",
    "chat.link": "connected Telegram for",
    "chat.unlink": "disconnected chats of",
    "chat.change": "changed a chat of",
    "chat.connect": "connected a group for",
    "chat.disconnect": "disconnected a group of",
    "form.make": "made a form for a secret of",
    "form.give": "gave a secret by a form to",
    "sign.in": "signed in",
    "sign.out": "signed out",
}
"""What the lines of the audit log call the acts about people, in words; requests go by method and name."""


def role_label(role: str) -> str:
    """A role in the present language."""
    return label("role", role)


def right_words(right: str) -> str:
    """What a right allows, in the present language; the code itself of one that is not known."""
    return label("right", Right(right).meaning) if right in set(Right) else right


def outcome_label(outcome: str) -> str:
    """How an act ended, in the present language."""
    return label("outcome", outcome)


def pass_state_label(state: str) -> str:
    """Whether a session, token or link still proves anything, in the present language."""
    return label("pass", state)


def act_words(action: str) -> str:
    """What was done, in the present language; a request's method and name as they are."""
    return label("act", ACTS[action]) if action in ACTS else action


def grant_words(grant: Json) -> str:
    """A role with its place: operator in acme."""
    role = role_label(grant["role"])
    if grant["organisation"] is None:
        return role
    return _("{role} in {organisation}", role=role, organisation=grant["organisation"])


def grants_words(grants: Iterable[Json]) -> str:
    """All the roles of a user."""
    return ", ".join(map(grant_words, grants)) or _("no role")


def reach_words(token: Json) -> str:
    """How far a token reaches: its rights and its organisation."""
    rights = _("all rights of its user") if token["rights"] is None else ", ".join(token["rights"])
    if token["organisation"] is None:
        return rights
    return _("{rights} in {organisation}", rights=rights, organisation=token["organisation"])


def new_rights_words(role: Role) -> str:
    """What a role allows beyond the one before it; of the least one, all that it allows."""
    roles = list(Role)
    place = roles.index(role)
    before = roles[place - 1].rights if place else frozenset()
    words = "; ".join(right_words(right) for right in Right if right in role.rights - before)
    if not place:
        return words
    return _("as {role}, and also: {rights}", role=role_label(roles[place - 1]), rights=words)


def is_request(action: str) -> bool:
    """Whether a line of the audit log tells of a request rather than of an act that has words."""
    return action not in ACTS


def auditor(actor: str) -> str:
    """Who stands in a line of the audit log, in the present language."""
    return _("nobody") if actor == "nobody" else actor_label(actor)
