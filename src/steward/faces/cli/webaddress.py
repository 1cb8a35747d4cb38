"""Where people reach the web face: what a command prints that is to be opened in a browser."""

from __future__ import annotations

import click

from steward.faces.cli.session import Session
from steward.faces.words import _


def web_address(session: Session) -> str:
    """The public address, else that of the Steward that runs here. Raises UsageError where there is neither."""
    from steward.faces.cli import runtime

    public = session.server or session.loaded.settings.web.public_url
    if public:
        return public.rstrip("/")
    running = runtime.find(session.loaded.state_dir)
    if running is None or not running.web:
        raise click.UsageError(
            _(
                "no Steward runs here that the link could lead to: start `steward up`, or set STEWARD_WEB_PUBLIC_URL"
            )
        )
    return running.web


def sign_in_address(session: Session) -> str:
    """The page that a sign-in link opens, without its secret."""
    return f"{web_address(session)}/login"
