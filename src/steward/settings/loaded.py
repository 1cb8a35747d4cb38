"""The settings as they hold now: where each came from, what follows from them, and how they are shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import SecretStr

from steward.domain.own_rules import Tuning, tuning
from steward.domain.rules import Rules
from steward.ports.errors import BadSettings
from steward.settings.model import FILE_NAME, Settings, known, toml_name, variable
from steward.settings.talking import TOKEN, TelegramSection

DEFAULT, FILE, ENVIRONMENT = "default", FILE_NAME, "environment"
MASK: Final = "********"


@dataclass(frozen=True, slots=True)
class Entry:
    """One setting as `config show` lists it. `value` is JSON-able and masked; `source` says who set it."""

    name: str
    variable: str
    value: Any
    source: str
    meaning: str


@dataclass(frozen=True)
class Loaded:
    """The settings, and where each came from: `origins` maps "section.name" to a source."""

    settings: Settings
    origins: Mapping[str, str]
    file: Path | None

    @property
    def demo(self) -> bool:
        """Whether Steward runs on the sample organisation, because none is configured."""
        return not self.settings.github.orgs

    @property
    def state_dir(self) -> Path:
        """Where the state lives; that of the sample organisation never mixes with a real one's."""
        base = self.settings.data_dir.expanduser().absolute()
        return base / "demo" if self.demo else base

    @property
    def database_url(self) -> str:
        """The database, with its password: never print it, print `masked` of it.

        Raises BadSettings where the password is to be read from a file and cannot.
        """
        given, file = self.settings.database_url, self.settings.database_password_file
        if file is not None:
            return _with_password(given.get_secret_value() if given else "", file)
        if given is not None:
            return given.get_secret_value()
        return f"sqlite:///{self.state_dir / 'steward.db'}"

    @property
    def telegram(self) -> TelegramSection:
        """The bot's settings with its token, read from its file where it stands in one; without one there is no bot.

        Raises BadSettings for a file that cannot be read, or that holds no token.
        """
        section = self.settings.telegram
        if section.token_file is None:
            return section
        name = variable("telegram.token_file")
        token = _secret_in(section.token_file, name)
        if not TOKEN.fullmatch(token):
            raise BadSettings(
                f"{name}: {section.token_file} holds no bot's token",
                "It looks like 123456:ABC...; BotFather gives it",
            )
        return section.model_copy(update={"token": SecretStr(token)})

    @property
    def rules(self) -> Rules:
        """The heartbeat's numbers; on the sample organisation quicker ones, unless they were set."""
        values = {field.name: getattr(self.settings.sync, field.name) for field in fields(Rules)}
        if self.demo:
            quick = {"interval_s": 5.0, "confirm_spacing_s": 5.0, "grace_s": 5.0}
            values |= {name: v for name, v in quick.items() if f"sync.{name}" not in self.origins}
        return Rules(**values)

    @property
    def tuning(self) -> Tuning:
        """What is changed of the rules of readiness. Raises BadSettings, which names the rule that is wrong."""
        given = self.settings.readiness
        try:
            return tuning(given.off, given.weights, given.rules)
        except ValueError as error:
            sources = {src for path, src in self.origins.items() if path.startswith("readiness.")}
            name = f"[readiness] in {self.file}" if FILE in sources else "STEWARD_READINESS_*"
            raise BadSettings(
                f"{name} is not usable: {error}", "Mend that rule; docs/readiness.md tells what it may hold"
            ) from None

    def entries(self) -> list[Entry]:
        """List each setting with its value (masked), source and meaning, in the order of the file."""
        listed = []
        for section, name, info in known():
            path = f"{section}.{name}" if section else name
            holder = getattr(self.settings, section) if section else self.settings
            value = _shown(getattr(holder, name))
            source = self.origins.get(path, DEFAULT)
            listed.append(Entry(path, variable(path), value, source, info.description or ""))
        return listed

    def require_whole(self) -> None:
        """Raise BadSettings where the GitHub settings are half made."""
        github = self.settings.github
        app = github.app_id is not None or github.app_key_file is not None
        token = github.token is not None or github.token_file is not None
        made = sorted(variable(path) for path in self.origins if path.startswith("github."))
        if not github.orgs and made:
            raise BadSettings(
                f"{', '.join(made)} is set, but no organisation is named",
                "Name it in STEWARD_GITHUB_ORGS, or unset the rest to use the sample organisation",
            )
        if self.demo and self.settings.database_url is not None:
            raise BadSettings(
                "a database is set, but no organisation: the sample organisation keeps to a database of its own",
                "Name your organisation in STEWARD_GITHUB_ORGS, or unset STEWARD_DATABASE_URL",
            )
        if github.orgs and not (token or app):
            raise BadSettings(
                f"no credential for {', '.join(github.orgs)}",
                "Set STEWARD_GITHUB_TOKEN_FILE, or STEWARD_GITHUB_APP_ID and STEWARD_GITHUB_APP_KEY_FILE",
            )
        if token and app:
            raise BadSettings("both a token and a GitHub App are configured", "Keep one of the two")
        if github.token is not None and github.token_file is not None:
            raise BadSettings(
                "both STEWARD_GITHUB_TOKEN and STEWARD_GITHUB_TOKEN_FILE are set", "Keep one of the two"
            )
        if github.webhook_secret is not None and github.webhook_secret_file is not None:
            raise BadSettings(
                "both STEWARD_GITHUB_WEBHOOK_SECRET and STEWARD_GITHUB_WEBHOOK_SECRET_FILE are set",
                "Keep one of the two",
            )
        if self.settings.telegram.token is not None and self.settings.telegram.token_file is not None:
            raise BadSettings(
                "both STEWARD_TELEGRAM_TOKEN and STEWARD_TELEGRAM_TOKEN_FILE are set", "Keep one of the two"
            )
        if self.settings.vault.key is not None and self.settings.vault.key_file is not None:
            raise BadSettings(
                "both STEWARD_VAULT_KEY and STEWARD_VAULT_KEY_FILE are set", "Keep one of the two"
            )
        if app and (github.app_id is None or github.app_key_file is None):
            missing = "APP_ID" if github.app_id is None else "APP_KEY_FILE"
            raise BadSettings(
                "the GitHub App is only half configured", f"Set STEWARD_GITHUB_{missing} as well"
            )


def _with_password(url: str, file: Path) -> str:
    """A database's address, with the password of that file."""
    name = variable("database_password_file")
    parts = urlsplit(url)
    if not parts.username or parts.password is not None:
        raise BadSettings(
            f"{name} is set, but STEWARD_DATABASE_URL does not name a user without a password",
            "Let it read like postgresql://steward@db.example.com/steward, or unset the file",
        )
    password = _secret_in(file, name)
    user, _at, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))


def _secret_in(file: Path, name: str) -> str:
    try:
        secret = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{name}: {file} cannot be read: {error}", "Name a readable file") from None
    if not secret:
        raise BadSettings(f"{name}: {file} is empty", "Put the secret into it")
    return secret


def _shown(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return masked(value.get_secret_value())
    if isinstance(value, tuple):
        return [_shown(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def masked(secret: str) -> str:
    """Hide a secret: of a database's address the password, of any other address all but the scheme."""
    parts = urlsplit(secret)
    if not parts.scheme or "://" not in secret:
        return MASK
    if parts.scheme.partition("+")[0] not in ("sqlite", "postgresql", "postgres"):
        return f"{parts.scheme}://{MASK}"
    if parts.password is None and "password=" not in parts.query:
        return secret
    user, host = parts.username or "", parts.netloc.rpartition("@")[2]
    query = re.sub(r"(password=)[^&]*", rf"\g<1>{MASK}", parts.query)
    netloc = f"{user}:{MASK}@{host}" if parts.password is not None else parts.netloc
    return urlunsplit((parts.scheme, netloc, parts.path, query, parts.fragment))


def reference() -> str:
    """The settings reference as Markdown; docs/settings.md holds exactly this text."""
    lines = [
        "# Settings",
        "",
        "The environment wins over `steward.toml` (in the working directory, or named by `--config` or",
        "`STEWARD_CONFIG`). An empty variable counts as unset. `steward config show` lists what holds now.",
        "",
        "| variable | steward.toml | default | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for section, name, info in known():
        path = f"{section}.{name}" if section else name
        default = info.get_default(call_default_factory=True, validated_data={})
        text = f"`{default}`" if default not in (None, ()) else ""
        lines.append(f"| `{variable(path)}` | `{toml_name(path)}` | {text} | {info.description} |")
    return "\n".join(lines) + "\n"
