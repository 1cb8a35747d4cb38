"""`steward telegram`: status, code, unlink, test."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Final

import click

from steward.faces.cli.base import group, option
from steward.faces.cli.session import Session
from steward.faces.cli.token import whose
from steward.faces.words import _, label, said

telegram: Final = group("telegram", "See to Telegram: connect chats, see whether messages arrive.")
COMMANDS: Final = {"telegram": telegram}
TEST_S: Final = 20.0
"""How long a test message is waited for."""
POLL_S: Final = 0.5
SETTLED: Final = ("shown", "failed")


@telegram.command("status", help="Show the bot, the chats, and the messages that could not be sent.")
@click.pass_obj
def status(session: Session) -> None:
    """Show how it does."""
    result = session.chats.status()
    session.payload(result, lambda: list(_status_lines(result)))


def _status_lines(result: dict[str, Any]) -> Iterator[Any]:
    from rich.markup import escape

    from steward.faces.cli.tables import table
    from steward.faces.lines import moment

    if result["bot"]:
        yield _("bot: @{name}", name=escape(result["bot"]))
    else:
        yield _("no bot has answered yet; without a token `steward bot` says how to get one")
    if result["chats"]:
        shown = table(_("chat"), _("user"), _("title"), _("organisation"), _("language"), _("state"))
        for chat in result["chats"]:
            cells = (chat["user"], chat["title"], chat["organisation"] or "", chat["lang"], _state(chat))
            shown.add_row(str(chat["id"]), *map(escape, cells))
        yield shown
    else:
        yield _("No chat is connected. Connect yours: steward telegram code")
    counts = ", ".join(f"{label('post', state)} {n}" for state, n in sorted(result["posts"].items()) if n)
    yield _("messages: {counts}", counts=counts or "0")
    for post in result["failed"]:
        at, why = moment(post["wanted_at"], date=True), said(post["error"])
        yield "  [red]✗[/] " + escape(f"{at}  {post['chat']}  {post['key']}: {why}")


def _state(chat: dict[str, Any]) -> str:
    from steward.faces.lines import moment

    if chat["blocked_at"]:
        return _("blocked since {at}", at=moment(chat["blocked_at"], date=True))
    if chat["muted_until"]:
        return _("muted until {at}", at=moment(chat["muted_until"], date=True))
    if chat["quiet"]:
        return _("quiet {hours} ({zone})", hours=chat["quiet"], zone=chat["zone"])
    return ""


@telegram.command(
    "code", help="Print a code that connects a Telegram account. It works once, for 15 minutes."
)
@click.argument("name", metavar="[USER]", required=False)
@click.pass_obj
def code(session: Session, name: str | None) -> None:
    """Make one, and print the link that opens the bot with it, or the words to send to the bot."""
    name = whose(session, name)
    if session.rehearse(_("make a code that connects a Telegram account with {name}", name=name), user=name):
        return
    made = session.chats.code(name)
    session.line(made, made["link"] or f"/start {made['code']}")
    if made["link"]:
        session.note(_("Open it on the phone and press Start. Whoever does is {name}", name=name))
    else:
        session.note(_("Send this to the bot. Whoever does is {name}", name=name))


@telegram.command("unlink", help="Disconnect the chats of a user, or one of them.")
@click.argument("name", metavar="[USER]", required=False)
@option("--chat", "chat_id", type=int, metavar="ID", help="Only this one")
@click.pass_obj
def unlink(session: Session, name: str | None, chat_id: int | None) -> None:
    """Forget them, after asking."""
    name = whose(session, name)
    if session.rehearse(_("disconnect chats of {name}", name=name), user=name, chat=chat_id):
        return
    session.confirm(_("Disconnect {name} from Telegram? Cards in the chats work no more.", name=name))
    left = session.chats.unlink(name, chat_id)
    session.payload(left, lambda: _("disconnected; chats that {name} still has: {n}", name=name, n=len(left)))


@telegram.command("test", help="Send a message to the chats of a user, and see whether it arrives.")
@click.argument("name", metavar="[USER]", required=False)
@click.pass_obj
def test(session: Session, name: str | None) -> int:
    """Send it and wait a little; exit code 1 where it did not arrive everywhere."""
    name = whose(session, name)
    if session.rehearse(_("send a test message to the chats of {name}", name=name), user=name):
        return 0
    result = session.chats.test(name)
    ends = time.monotonic() + TEST_S
    while _is_under_way(result) and time.monotonic() < ends and not session.wiring.wait(POLL_S):
        result = session.chats.tested(name)
    session.payload(result, lambda: list(_test_lines(result)))
    if _is_under_way(result):
        session.note(_("It waits to be sent. Does `steward up` run, and has it a bot? See: steward doctor"))
    arrived = [chat["state"] == "shown" for chat in result["chats"]]
    return 0 if arrived and all(arrived) else 1


def _is_under_way(result: dict[str, Any]) -> bool:
    return any(chat["state"] not in SETTLED and not chat["blocked_at"] for chat in result["chats"])


def _test_lines(result: dict[str, Any]) -> Iterator[str]:
    from rich.markup import escape

    if not result["chats"]:
        yield _("No chat is connected. Connect yours: steward telegram code")
    for chat in result["chats"]:
        sign = "[green]✓[/]" if chat["state"] == "shown" else "[red]✗[/]"
        words = _state(chat) if chat["blocked_at"] else label("post", chat["state"] or "")
        why = f" ({said(chat['error'])})" if chat["error"] else ""
        yield f"{sign} {escape(chat['title'] or str(chat['id']))}: {escape(words + why)}"
