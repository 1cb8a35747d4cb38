"""`steward webhook`: status, register, ping, sweep, deliveries, retry."""

from __future__ import annotations

from typing import Any, Final

import click

from steward.domain.deliveries import State
from steward.faces.cli.base import group, option
from steward.faces.cli.session import Session
from steward.faces.words import _, counted, label, said

webhook: Final = group("webhook", "See to webhooks: register, ping, sweep, look at deliveries.")
COMMANDS: Final = {"webhook": webhook}
LIMIT: Final = 20


@webhook.command("status", help="Show each webhook: whether deliveries arrive, and what is wrong.")
@click.pass_obj
def status(session: Session) -> None:
    """Show the webhooks."""
    result = session.webhooks.status()
    session.payload(result, lambda: _status_lines(result))


def _status_lines(result: dict[str, Any]) -> list[str]:
    from rich.markup import escape

    lines = [line for hook in result["hooks"] for line in _hook_lines(hook)]
    lines += [
        _(
            "{login}: no webhook; changes are seen by polling. Make one: steward webhook register",
            login=escape(login),
        )
        for login in result["without"]
    ]
    counts = ", ".join(f"{label('delivery', name)} {n}" for name, n in result["deliveries"].items() if n)
    lines.append(_("deliveries: {counts}", counts=counts or "0"))
    if not result["secret"]:
        lines.append(_("no secret: every delivery is refused until a webhook is registered"))
    return lines


def _hook_lines(hook: dict[str, Any]) -> list[str]:
    from rich.markup import escape

    from steward.faces.lines import moment

    tones = {"ok": "green", "failing": "red"}
    state = label("webhook", hook["state"].capitalize())
    tone = tones.get(hook["state"], "yellow")
    lines = [
        f"[bold]{escape(hook['organisation'] or '')}[/]  [{tone}]{state}[/]  [dim]{escape(hook['url'])}[/]"
    ]
    if hook["reason"]:
        lines.append("  " + escape(said(hook["reason"])))
    last = moment(hook["last_delivery_at"], date=True) or _("none yet")
    lines.append("  " + _("last delivery: {at}", at=last))
    swept = moment(hook["swept_at"], date=True)
    if swept:
        lines.append("  " + _("last sweep: {at}", at=swept))
    return lines


@webhook.command("register", help="Have GitHub deliver here; what is there already is set right.")
@click.argument("logins", metavar="[ORG]...", nargs=-1)
@option("--url", metavar="URL", help="Address that GitHub reaches; STEWARD_WEB_PUBLIC_URL where not given")
@click.pass_obj
def register(session: Session, logins: tuple[str, ...], url: str | None) -> None:
    """Make the webhooks, or set them right."""
    url = url or _own_address(session)
    names = ", ".join(logins) or _("every organisation")
    if session.rehearse(_("have GitHub deliver webhooks of {names} to {url}", names=names, url=url), url=url):
        return
    hooks = session.webhooks.register(url, logins)
    session.payload(hooks, lambda: [line for hook in hooks for line in _hook_lines(hook)])
    session.note(_("GitHub was asked for a ping; see whether it arrives: steward webhook status"))


def _own_address(session: Session) -> str:
    """The public address; on the sample, which runs on this machine as well, that of the running Steward."""
    from steward.faces.cli import runtime

    public = session.server or session.loaded.settings.web.public_url
    if public:
        return public
    running = runtime.find(session.loaded.state_dir) if session.loaded.demo else None
    if running is not None and running.web:
        return running.web
    raise click.UsageError(
        _(
            "name the address that GitHub reaches: --url https://steward.example.com, or STEWARD_WEB_PUBLIC_URL. "
            "On a machine without one nothing is needed: polling finds every change, webhooks only make it quicker"
        )
    )


@webhook.command("ping", help="Have GitHub send a ping, to see whether deliveries arrive.")
@click.argument("logins", metavar="[ORG]...", nargs=-1)
@click.pass_obj
def ping(session: Session, logins: tuple[str, ...]) -> None:
    """Ping the webhooks."""
    if session.rehearse(_("have GitHub ping the webhooks")):
        return
    hooks = session.webhooks.ping(logins)
    session.payload(hooks, lambda: [line for hook in hooks for line in _hook_lines(hook)])
    session.note(_("GitHub was asked for a ping; see whether it arrives: steward webhook status"))


@webhook.command(
    "sweep", help="Take in what GitHub could not deliver. Exit code 1 where it could not be asked."
)
@click.argument("logins", metavar="[ORG]...", nargs=-1)
@click.pass_obj
def sweep(session: Session, logins: tuple[str, ...]) -> int:
    """Sweep the webhooks."""
    if session.rehearse(_("take in the deliveries that were missed")):
        return 0
    hooks = session.webhooks.sweep(logins)

    def people() -> list[str]:
        from rich.markup import escape

        lines = []
        for hook in hooks:
            lines += _hook_lines(hook)
            if hook["problem"]:
                lines.append("  " + escape(said(hook["problem"])))
            else:
                text = counted(
                    "{n} missed delivery taken in", "{n} missed deliveries taken in", hook["healed"]
                )
                lines.append(f"  {text}")
        return lines

    session.payload(hooks, people)
    return 1 if any(hook["problem"] for hook in hooks) else 0


@webhook.command("deliveries", help="List what arrived, newest first.")
@option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([state.value for state in State]),
    help="Only those in this state",
)
@option("--before", type=int, metavar="ID", help="Only those older than this one")
@option("--limit", type=click.IntRange(1, 1000), default=LIMIT, help="At most so many")
@click.pass_obj
def deliveries(session: Session, states: tuple[str, ...], before: int | None, limit: int) -> None:
    """List deliveries."""
    rows = session.webhooks.deliveries(states=states, before=before, limit=limit)

    def people() -> Any:
        from rich.markup import escape

        from steward.faces.cli.tables import table
        from steward.faces.lines import moment

        if not rows:
            return _("No delivery has arrived")
        shown = table(
            _("id"), _("received"), _("event"), _("organisation"), _("repository"), _("state"), _("reason")
        )
        for row in rows:
            event = ".".join(filter(None, [row["event"], row["action"]]))
            number = str(row["repository_id"] or "")
            state = label("delivery", row["state"])
            cells = (event, row["organisation"] or "", number, state, said(row["reason"] or ""))
            shown.add_row(str(row["id"]), moment(row["received_at"], date=True), *map(escape, cells))
        return shown

    session.payload(rows, people)


@webhook.command("retry", help="Have one delivery worked on anew.")
@click.argument("number", metavar="ID", type=int)
@click.pass_obj
def retry(session: Session, number: int) -> None:
    """Work on a delivery anew."""
    if session.rehearse(_("work on delivery {number} anew", number=number)):
        return
    row = session.webhooks.retry(number)
    session.payload(row, lambda: _("delivery {number} waits again", number=number))
