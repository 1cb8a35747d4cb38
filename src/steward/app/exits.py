"""The ways out of an incident, as data: each face draws them in its own manner, as a command, a form or a link."""

from __future__ import annotations

from typing import Any, Final

from steward.domain.incidents import PERSON_MAY_CLOSE, Incident
from steward.domain.project import Organisation

Json = dict[str, Any]

ACTIONS: Final = ("open_github", "relink", "archive", "release", "reject", "resolve", "holds", "command")
"""What a face can do about an incident. `command`: there is nothing but to type it on the command line. `holds`:
the ways out of a project's holds, with what stands behind each."""

_RESTORE: Final = "Restore the repository on GitHub (within 90 days); the incident then closes by itself"
_ELSEWHERE: Final = "The project lives in another repository now"
_RELINK: Final = ("relink", "steward project relink {slug} OWNER/NAME", _ELSEWHERE)
_ARCHIVE: Final = ("archive", "steward project archive {slug}", "The project is over")
_LOGS: Final = ("command", "steward project logs {slug}", "See what it did up to there")
_ABANDON: Final = ("command", "steward project abandon {slug}", "Give the open update up; what is live stays")

WAYS: Final[dict[str, tuple[tuple[str, str | None, str], ...]]] = {
    "missing": (("open_github", None, _RESTORE), _RELINK, _ARCHIVE),
    "transferred": (
        ("open_github", None, "Transfer the repository back; the incident then closes by itself"),
        _RELINK,
        ("archive", "steward project archive {slug}", "The project is over, or somebody else's"),
    ),
    "inaccessible": (
        ("open_github", None, "Give the credential access to the repositories again"),
        ("command", "steward sync release {login} --repository SLUG", "Say that one is truly deleted"),
    ),
    "blocked": (
        (
            "open_github",
            None,
            "Settle it with GitHub; the incident closes when the repository can be read again",
        ),
        _ARCHIVE,
    ),
    "mass_loss": (
        ("release", "steward sync release {login}", "They are truly gone: let the losses through"),
        ("reject", "steward sync reject {login}", "They are not gone: keep every status"),
    ),
    "look_failed": (("command", "steward doctor", "See what stands in the way"),),
    "misconfigured": (
        (
            "command",
            "steward config show",
            "Correct the organisation's name, or install the App there again",
        ),
    ),
    "webhook_failing": (
        ("command", "steward webhook status", "See what GitHub says of the webhook"),
        ("command", "steward webhook register", "Set it right, or make it anew"),
    ),
    "operation_failed": (
        _LOGS,
        ("command", "steward project retry {slug}", "What stood in the way is gone: run it again"),
        (
            "command",
            "steward project resolve {slug} --to STATUS",
            "Take the project out of the error without running it again",
        ),
        _ABANDON,
        _ARCHIVE,
    ),
    "operation_stuck": (
        _LOGS,
        ("command", "steward project retry {slug}", "Run it again, from the step that it stands at"),
        _ABANDON,
    ),
    "site_down": (
        ("command", "steward project logs {slug}", "See what the last deployment said"),
        ("command", "steward project rollback {slug}", "Deploy the last good release again"),
        _ARCHIVE,
    ),
    "tls_expiring": (
        (
            "command",
            "steward project logs {slug}",
            "See what the last deployment said, and renew the certificate where the site is served",
        ),
        _ARCHIVE,
    ),
    "budget_spent": (
        ("command", "steward project budget {slug} USD", "Let its agents cost more in all, then retry"),
        (
            "command",
            "steward project retry {slug}",
            "Once the project has a larger budget: go on where it stopped",
        ),
        _ABANDON,
        _ARCHIVE,
    ),
    "name_taken": (
        ("open_github", None, "Rename or move the repository that bears the name"),
        ("command", "steward project retry {slug}", "The name is free now: create the repository"),
        _ARCHIVE,
    ),
    "bot_failing": (
        ("command", "steward telegram status", "See what Telegram says of the bot, and what waits"),
        ("command", "steward doctor", "Once BotFather gave a new token and Steward runs with it: look again"),
    ),
    "foreign_change": (
        ("holds", "steward project holds {slug}", "See what they did, and choose how it goes on"),
        ("command", "steward project resume {slug}", "Take what they did as it is, and go on"),
        (
            "command",
            "steward project resume {slug} --by hand_over",
            "Leave the project to them: Steward watches, and touches nothing",
        ),
    ),
    "archived_on_github": (_ARCHIVE, ("open_github", None, "Unarchive the repository on GitHub")),
}
"""By cause: what a face can do, the command that does the same, and the way in words."""

_PLACES: Final = {
    "missing": "organizations/{login}/settings/deleted_repositories",
    "inaccessible": "organizations/{login}/settings/installations",
    "blocked": "{full_name}",
    "name_taken": "{full_name}",
    "archived_on_github": "{full_name}/settings",
}
"""By cause: where on GitHub it is put right."""


def exits(incident: Incident, slug: str | None, organisation: Organisation | None) -> list[Json]:
    """The ways out: `{action, command, text, url}`. `command` and `url` are None where there is none."""
    login = organisation.login if organisation else "ORG"
    ways = [
        {
            "action": action,
            "command": command.format(slug=slug or "SLUG", login=login) if command else None,
            "text": text,
            "url": _url(incident, organisation) if action == "open_github" else None,
        }
        for action, command, text in WAYS.get(incident.cause, ())
    ]
    if incident.cause in PERSON_MAY_CLOSE:
        accept = f"steward incident resolve {incident.id}"
        ways.append({"action": "resolve", "command": accept, "text": "It is as it should be", "url": None})
    return ways


def web_address(server: str) -> str | None:
    """Where people open what an API address serves to programs; None where that cannot be told."""
    server = server.rstrip("/")
    if server == "https://api.github.com":
        return "https://github.com"
    return server.removesuffix("/api/v3") if server.endswith("/api/v3") else None


def _url(incident: Incident, organisation: Organisation | None) -> str | None:
    moved = incident.evidence.get("new_place")
    if isinstance(moved, dict) and str(moved.get("url", "")).startswith("https://"):
        return str(moved["url"])
    base = web_address(organisation.server) if organisation else None
    full_name = str(incident.evidence.get("full_name") or "")
    place = _PLACES.get(incident.cause)
    if organisation is None or base is None or place is None or ("{full_name}" in place and not full_name):
        return None
    return f"{base}/{place.format(login=organisation.login, full_name=full_name)}"
