"""Examines what must hold for Steward to work, and says how to mend what does not."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from steward.app.chats import BOT
from steward.app.connecting import connect
from steward.app.credentials import examined
from steward.app.errors import Invalid
from steward.app.parts import Parts
from steward.app.secret_files import BACKED_UP
from steward.app.views import ALIVE, alive_view
from steward.domain.chats import PostState
from steward.domain.credentials import Purpose
from steward.domain.incidents import Cause
from steward.domain.repository import Access
from steward.ports import ForgeRead, ForgeRights, Permanent, Store, Transient
from steward.ports.vault import Vault

ALIVE_LATE: Final = 3.0
"""How many times the pause between two pings the last one may be old."""
CALLS_SEEN: Final = timedelta(days=7)
ANSWERED: Final = {"ok", "late"}
"""Outcomes of calls that were answered; a late answer came when the talk had gone on."""
AGAIN: Final = "Try again; it may pass."
FAILED_SHOWN: Final = timedelta(days=7)
"""How long a message that could not be sent is complained of."""
UNRESOLVED: Final = ("open", "acknowledged")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing examined; `fix` says what to do where it is not well."""

    name: str
    ok: bool
    detail: str
    fix: str = ""


def examine(parts: Parts) -> list[Check]:
    """Run every check; none of them changes anything on GitHub."""
    checks = [_git(), _running(parts.store), _outbox(parts.store)]
    if parts.pulse is not None:
        checks.append(_alive(parts))
    if parts.messenger is not None:
        checks.append(_bot(parts))
    if parts.templates is not None:
        checks.append(_box(parts))
    if parts.vault is not None:
        checks.append(_vault(parts.store, parts.vault))
    if parts.mind is not None:
        checks.append(_mind(parts))
    if not parts.logins:
        fix = "Set STEWARD_GITHUB_ORGS and STEWARD_GITHUB_TOKEN, or run: steward init"
        return [*checks, Check("organisations", ok=False, detail="none is configured", fix=fix)]
    return [*checks, *_github(parts)]


def _github(parts: Parts) -> list[Check]:
    """What the server says of the organisations, as far as it answers."""
    checks: list[Check] = []
    try:
        connect(parts.store, parts.logins, parts.server, parts.clock.now().at)
        forge = parts.forge()
        for login in parts.logins:
            checks.append(_organisation(forge, login))
            if checks[-1].ok:
                checks.append(
                    _declared(f"credential in {login}", forge, login, Purpose.OBSERVE, Purpose.WEBHOOKS)
                )
            if parts.builder is not None:
                checks.append(_declared(f"builder in {login}", parts.builder(), login, Purpose.BUILD))
        checks.append(_budget(forge))
    except Permanent as error:
        checks.append(Check("github", ok=False, detail=error.reason, fix=error.advice))
    except Invalid as error:
        checks.append(Check("github", ok=False, detail=error.what, fix=error.advice))
    except Transient as error:
        checks.append(Check("github", ok=False, detail=error.reason, fix=AGAIN))
    return checks


def _git() -> Check:
    found = shutil.which("git")
    return Check("git", found is not None, found or "not on PATH", "" if found else "Install git.")


def _box(parts: Parts) -> Check:
    """Agents of models and outside templates run in a box alone; the built-in ones do without."""
    missing = parts.boxless()
    if missing is None:
        return Check("sandbox", ok=True, detail="agents and templates run in a box of bubblewrap")
    detail = "there is none: only the built-in agent and template can be used"
    return Check("sandbox", ok=False, detail=detail, fix=missing)


def _vault(store: Store, vault: Vault) -> Check:
    """Whether what is kept can be read, and whether a copy of the master key is said to be kept elsewhere."""
    try:
        with store.reading() as view:
            used = view.vault_masters()
            if used:
                vault.begin(view)
            name, where = vault.master()
            copied = not vault.is_own_file() or view.setting(BACKED_UP) == name
    except Permanent as error:
        return Check("secrets", ok=False, detail=error.reason, fix=error.advice)
    if not used:
        return Check("secrets", ok=True, detail="none is kept")
    if not copied:
        fix = "Copy that file to a safe place, then say so: steward secret key --backed-up"
        detail = f"the master key {where} is the only one: if it is lost, so are all secrets"
        return Check("secrets", ok=False, detail=detail, fix=fix)
    return Check("secrets", ok=True, detail=f"kept for {sum(used.values())} projects; master key {name}")


def _mind(parts: Parts) -> Check:
    """Whether the model that writes briefs is set up, and what became of its last call. It is not asked: that costs."""
    try:
        parts.mind_check()
    except Permanent as error:
        return Check("model for talks", ok=False, detail=error.reason, fix=error.advice)
    with parts.store.reading() as view:
        calls = view.mind_calls(since=parts.clock.now().at - CALLS_SEEN)
    if not calls:
        return Check("model for talks", ok=True, detail="set up; it was not asked of late")
    last = calls[0]
    answered = last.outcome in ANSWERED
    outcome = "answered" if answered else f"came to nothing: {last.outcome}"
    detail = f"{last.usage.model}, asked last {last.at:%Y-%m-%d %H:%M} UTC, {outcome}"
    fix = "" if answered else "Say something in a talk to try again; a plain dialog goes on meanwhile."
    return Check("model for talks", ok=answered, detail=detail, fix=fix)


def _running(store: Store) -> Check:
    holder = store.holder("heartbeat")
    if holder:
        return Check("service", ok=True, detail=f"running: {holder}")
    return Check("service", ok=False, detail="nothing keeps the heartbeat", fix="Start it: steward up")


def _outbox(store: Store) -> Check:
    with store.reading() as view:
        counts = view.outbox_counts()
    failed = counts.get("failed", 0)
    waiting = counts.get("pending", 0) + counts.get("uncertain", 0)
    fix = "See the log for why; check STEWARD_NOTIFY_URLS with: steward config check" if failed else ""
    return Check("notifications", failed == 0, f"{waiting} waiting, {failed} given up", fix)


def _alive(parts: Parts) -> Check:
    """Whether the dead-man ping was sent of late."""
    name, now = "dead-man ping", parts.clock.now().at
    with parts.store.reading() as view:
        told = alive_view(view.setting(ALIVE))
    if told is None:
        return Check(name, ok=False, detail="none was tried yet", fix="Start it: steward up")
    sent = datetime.fromisoformat(told["sent_at"]) if told["sent_at"] else None
    if sent is not None and (now - sent).total_seconds() <= ALIVE_LATE * parts.pulse_every_s:
        return Check(name, ok=True, detail=f"last sent {told['sent_at']}")
    why = told["silent"] or told["failure"] or "nothing sends it: no Steward runs"
    detail = f"last sent {told['sent_at'] or 'never'}; {why}"
    return Check(name, ok=False, detail=detail, fix="Mend what it says, or look at STEWARD_NOTIFY_ALIVE_URL.")


def _bot(parts: Parts) -> Check:
    """Whether the bot can be asked, whether messages arrive, and who has blocked it; nothing is asked of Telegram."""
    since = parts.clock.now().at - FAILED_SHOWN
    with parts.store.reading() as view:
        wrong = [one for one in view.incidents(states=UNRESOLVED) if one.cause == Cause.BOT_FAILING]
        name, chats, counts = view.setting(BOT), view.chats(), view.post_counts()
        failed = [post for post in view.posts([PostState.FAILED]) if post.wanted_at >= since]
    if wrong:
        why = str(wrong[0].evidence.get("reason") or wrong[0].title)
        return Check(
            "bot", ok=False, detail=why, fix="Look at its incident, and at STEWARD_TELEGRAM_TOKEN_FILE."
        )
    if not chats:
        return Check("bot", ok=True, detail="no chat is connected; connect one: steward telegram code")
    waiting = sum(
        counts.get(state, 0) for state in (PostState.WANTED, PostState.SENDING, PostState.UNCERTAIN)
    )
    blocked = sum(chat.blocked_at is not None for chat in chats)
    known = f"@{name}" if name else "not asked yet"
    detail = f"{known}; {len(chats)} chats, {blocked} have blocked it; {waiting} messages waiting, {len(failed)} given up"
    fix = "Read why: steward telegram status" if failed else ""
    return Check("bot", not failed, detail, fix)


def _organisation(forge: ForgeRead, login: str) -> Check:
    name = f"organisation {login}"
    try:
        facts = forge.organisation(login, None)
        access = forge.access(login)
    except Permanent as error:
        return Check(name, ok=False, detail=error.reason, fix=error.advice)
    except Transient as error:
        return Check(name, ok=False, detail=error.reason, fix=AGAIN)
    words = {
        Access.ALL: "every repository is in our sight",
        Access.SELECTED: "the App sees selected repositories: a loss needs more than a 404 to be believed",
        Access.UNKNOWN: "the token may be limited: a loss is believed only where the counts agree",
    }
    return Check(name, ok=True, detail=f"id {facts.id}; {words[access]}")


def _declared(name: str, forge: ForgeRights, login: str, *purposes: Purpose) -> Check:
    try:
        ok, detail, fix = examined(forge, login, *purposes)
    except Permanent as error:
        return Check(name, ok=False, detail=error.reason, fix=error.advice)
    except Transient as error:
        return Check(name, ok=False, detail=error.reason, fix=AGAIN)
    return Check(name, ok, detail, fix)


def _budget(forge: ForgeRead) -> Check:
    budget = forge.budget()
    if budget.remaining is None:
        return Check("rate limit", ok=True, detail="the server sets none")
    return Check("rate limit", ok=True, detail=f"{budget.remaining} of {budget.limit} left")
