"""The settings themselves: names, defaults, ranges and meanings. What reads them is `loading`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from steward.settings.policies import PolicySection
from steward.settings.readiness import ReadinessSection
from steward.settings.section import Section, split
from steward.settings.talking import TalkSection, TelegramSection

PREFIX: Final = "STEWARD_"
FILE_NAME: Final = "steward.toml"
SECRET_LENGTH_MIN: Final = 16
HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?")
LOGIN: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,38})")


def _http(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ValueError("it must be an address such as https://github.example.com/api/v3")
    if parts.username or parts.password:
        raise ValueError("a credential does not belong in it; use the token settings")
    return url.rstrip("/")


def _ping(url: SecretStr) -> SecretStr:
    parts = urlsplit(url.get_secret_value())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("it must be an address that begins with http:// or https://")
    return url


def _origin(url: str) -> str:
    parts = urlsplit(_http(url))
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("it must end after the host's name or port: Steward is served at its root")
    return f"{parts.scheme}://{parts.netloc}"


def _names(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not HOST.fullmatch(name):
            raise ValueError(f"'{name}' is no host name: give it without scheme and port")
    return tuple(name.lower() for name in names)


def _networks(networks: tuple[str, ...]) -> tuple[str, ...]:
    found = []
    for network in networks:
        try:
            parsed = ip_network(network, strict=False)
        except ValueError:
            raise ValueError(f"'{network}' is neither an address nor a network such as 10.0.0.0/8") from None
        if parsed.prefixlen == 0:
            raise ValueError(f"'{network}' is every address: anybody could then say where they come from")
        found.append(str(parsed) if "/" in network else network)
    return tuple(found)


def _logins(logins: tuple[str, ...]) -> tuple[str, ...]:
    for login in logins:
        if not LOGIN.fullmatch(login):
            raise ValueError(f"'{login}' is no organisation's login: letters, digits and hyphens only")
    if len({login.lower() for login in logins}) != len(logins):
        raise ValueError("an organisation is named twice")
    return logins


def _database(url: SecretStr) -> SecretStr:
    scheme = urlsplit(url.get_secret_value()).scheme.partition("+")[0]
    if scheme not in ("sqlite", "postgresql", "postgres"):
        raise ValueError("it must begin with sqlite:/// or postgresql://")
    return url


def _webhook_secret(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value()) < SECRET_LENGTH_MIN:
        raise ValueError(f"it must have at least {SECRET_LENGTH_MIN} characters, since it proves who sends")
    return secret


class GitHub(Section):
    """The GitHub server, the credential and the organisations."""

    url: Annotated[str, AfterValidator(_http)] = Field(
        default="https://api.github.com",
        description="Address of GitHub's API; for GitHub Enterprise Server it ends in /api/v3",
    )
    token: SecretStr | None = Field(default=None, description="Access token; a token file is safer")
    token_file: Path | None = Field(default=None, description="File that holds the access token")
    builder_token_file: Path | None = Field(
        default=None,
        description="File that holds the token for driving projects, apart from the one that reads; not used to look",
    )
    app_id: int | None = Field(default=None, ge=1, description="Id of the GitHub App, instead of a token")
    app_key_file: Path | None = Field(
        default=None, description="File with the GitHub App's private key (PEM)"
    )
    app_installation_id: int | None = Field(
        default=None,
        ge=1,
        description="Installation of the GitHub App; found by the organisation where not set",
    )
    webhook_secret: Annotated[SecretStr, AfterValidator(_webhook_secret)] | None = Field(
        default=None,
        description="What webhooks are signed with; where not set, a secret of Steward's own in the data directory",
    )
    webhook_secret_file: Path | None = Field(
        default=None, description="File that holds the webhook secret, instead"
    )
    orgs: Annotated[tuple[str, ...], BeforeValidator(split), AfterValidator(_logins)] = Field(
        default=(), description="Organisations to keep in step, by login; none: the sample organisation"
    )


class SyncSection(Section):
    """The numbers that the heartbeat goes by."""

    interval_s: float = Field(default=300, ge=1, le=86_400, description="Seconds between two looks")
    jitter: float = Field(default=0.1, ge=0, le=0.5, description="Random part of the interval")
    confirmations: int = Field(
        default=3, ge=1, le=20, description="Reads by id that must agree before a loss is concluded"
    )
    confirm_spacing_s: float = Field(default=20, ge=1, le=3600, description="Seconds between two such reads")
    grace_s: float = Field(
        default=120,
        ge=0,
        le=86_400,
        description="Age in seconds below which a repository is not called absent",
    )
    loss_window_s: float = Field(
        default=3600, ge=60, le=604_800, description="Seconds over which the mass-loss guard counts"
    )
    loss_count_max: int = Field(default=3, ge=0, le=1000, description="Losses in that time that pass unheld")
    loss_share_max: float = Field(
        default=0.1, ge=0, le=1, description="Share of an organisation's repositories that passes unheld"
    )
    reads_per_round: int = Field(default=50, ge=1, le=1000, description="Most reads by id in one round")
    page_cap: int = Field(
        default=2000, ge=1, le=100_000, description="Most pages of one listing; more is an error"
    )
    budget_reserve: float = Field(
        default=0.1, ge=0, le=0.9, description="Share of the rate limit kept for people and webhooks"
    )


class NotifySection(Section):
    """Where notices go besides the log."""

    urls: Annotated[tuple[SecretStr, ...], BeforeValidator(split)] = Field(
        default=(), description="Apprise addresses (mail, chat and the like)"
    )
    alive_url: Annotated[SecretStr, AfterValidator(_ping)] | None = Field(
        default=None,
        description="Address that is called while Steward truly works; what watches it raises the alarm",
    )
    alive_every_s: float = Field(
        default=60, ge=5, le=86_400, description="Seconds between two calls of that address"
    )


class WebSection(Section):
    """Where the web face listens, and whom it believes."""

    host: str = Field(default="127.0.0.1", min_length=1, description="Address that the web face listens at")
    port: int = Field(default=8484, ge=0, le=65_535, description="Port that the web face listens at; 0: any")
    public_url: Annotated[str, AfterValidator(_origin)] | None = Field(
        default=None,
        description="Address that people and GitHub reach it at, such as `https://steward.example.com`",
    )
    names: Annotated[tuple[str, ...], BeforeValidator(split), AfterValidator(_names)] = Field(
        default=(), description="More host names that it answers to, besides the public one and addresses"
    )
    proxies: Annotated[tuple[str, ...], BeforeValidator(split), AfterValidator(_networks)] = Field(
        default=(), description="Proxies whose X-Forwarded-For and -Proto are believed: addresses or networks"
    )
    hooks_host: str | None = Field(
        default=None,
        min_length=1,
        description="Address at which webhooks alone are taken; where not set, that of the web face",
    )
    hooks_port: int | None = Field(
        default=None,
        ge=0,
        le=65_535,
        description="Port at which webhooks alone are taken; where not set, with the rest",
    )
    metrics_public: bool = Field(
        default=False, description="Whether `/metrics` is for anybody, without a token"
    )


Agent = Literal["starter", "claude", "codex", "opencode", "command"]


class BuildSection(Section):
    """What projects are built with. Nothing is built without a credential for driving."""

    agent: Agent = Field(
        default="starter", description="Agent for every role; starter is built in and needs no model"
    )
    architect: Agent | None = Field(default=None, description="Another agent for the architect's role")
    developer: Agent | None = Field(default=None, description="Another agent for the developer's role")
    tester: Agent | None = Field(default=None, description="Another agent for the tester's role")
    command: Annotated[tuple[str, ...], BeforeValidator(split)] = Field(
        default=(), description="Program of the agent `command` with its arguments"
    )
    template_code: bool = Field(
        default=False, description="Whether outside templates may run programs of their own, in a box"
    )
    model: str = Field(default="", max_length=200, description="Model that agents are told to use")
    model_kind: Literal["anthropic", "openai", "google"] | None = Field(
        default=None, description="Protocol of the model's server; where not set, agents reach no model"
    )
    model_url: Annotated[str, AfterValidator(_http)] | None = Field(
        default=None, description="Address of the model's server"
    )
    model_key_file: Path | None = Field(
        default=None, description="File that holds the model's key; agents never see it"
    )
    wall_s: float = Field(
        default=3600, ge=10, le=86_400, description="Seconds that one run of an agent may take"
    )
    silence_s: float = Field(default=600, ge=5, le=86_400, description="Seconds of silence that end a run")
    visibility: Literal["private", "public", "internal"] = Field(
        default="private", description="Visibility of new repositories"
    )
    at_once: int = Field(default=2, ge=1, le=64, description="Operations of one kind that run at once")
    checks_deadline_s: float = Field(
        default=3600,
        ge=10,
        le=604_800,
        description="Seconds after which checks that still run are called stuck",
    )
    checks_grace_s: float = Field(
        default=600,
        ge=1,
        le=86_400,
        description="Seconds after which a commit without any check is said to have none",
    )
    hour_usd: float = Field(
        default=0, ge=0, description="What an hour of a person's review costs, for estimates"
    )
    model_hour_usd: float = Field(
        default=0, ge=0, description="What an hour of an agent costs, for estimates"
    )


class DeploySection(Section):
    """Where projects go live."""

    kind: Literal["local", "ssh"] = Field(default="local", description="This machine, or a host over SSH")
    address: str = Field(default="", max_length=253, description="Name or address of the host")
    user: str = Field(default="", max_length=32, description="Unprivileged user on the host")
    ssh_port: int = Field(default=22, ge=1, le=65_535, description="Port of its SSH server")
    key_file: Path | None = Field(default=None, description="File with the private key for this host alone")
    host_key: str = Field(
        default="", max_length=2000, description="The host's public key, pinned: ssh-ed25519 AAAA..."
    )
    base: str = Field(default="/srv/steward", description="Folder of releases on the host")
    domain_pattern: str = Field(
        default="", max_length=200, description="Domain of a project, such as {slug}.example.com"
    )
    first_port: int = Field(default=18100, ge=1024, le=65_535, description="First port that sites listen on")
    last_port: int = Field(default=18199, ge=1024, le=65_535, description="Last port that sites listen on")


class DemoSection(Section):
    """The sample organisation."""

    port: int = Field(default=8485, ge=0, le=65_535, description="Port of the sample organisation; 0: any")


class VaultSection(Section):
    """The master key that the secrets of projects are kept under."""

    key: SecretStr | None = Field(
        default=None,
        description="Master key of the secrets, 32 random bytes in base64url; a key file is safer. Earlier keys may follow it",
    )
    key_file: Path | None = Field(
        default=None,
        description="File that holds the master key; where not set, master.key in the data directory, made at the first start",
    )


class Settings(BaseSettings):
    """All settings, checked. Made by `load`; constructing it directly takes only what it is given."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_ignore_empty=True,
        enable_decoding=False,
        extra="forbid",
        frozen=True,
    )

    database_url: Annotated[SecretStr, AfterValidator(_database)] | None = Field(
        default=None, description="Database; where not set, steward.db (SQLite) in the data directory"
    )
    database_password_file: Path | None = Field(
        default=None, description="File that holds the password for a database whose address names none"
    )
    data_dir: Path = Field(default=Path(".steward"), description="Directory that holds Steward's own data")
    lang: Literal["en", "ru"] | None = Field(
        default=None, description="Language of the faces; where not set, that of the environment"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="warning", description="Least serious log line that is shown"
    )
    log_format: Literal["text", "json"] | None = Field(
        default=None,
        description="Form of log lines; where not set, json for a service without a terminal, else text",
    )
    server: Annotated[str, AfterValidator(_origin)] | None = Field(
        default=None,
        description="Address of the Steward that commands ask; where not set, this machine's database",
    )
    token: SecretStr | None = Field(default=None, description="API token for it; a token file is safer")
    token_file: Path | None = Field(default=None, description="File that holds the API token for it")
    server_plain_http: bool = Field(
        default=False, description="Whether that token may go over plain HTTP beyond this machine"
    )
    github: GitHub = GitHub()
    sync: SyncSection = SyncSection()
    notify: NotifySection = NotifySection()
    web: WebSection = WebSection()
    policy: PolicySection = PolicySection()
    build: BuildSection = BuildSection()
    deploy: DeploySection = DeploySection()
    readiness: ReadinessSection = ReadinessSection()
    vault: VaultSection = VaultSection()
    telegram: TelegramSection = TelegramSection()
    talk: TalkSection = TalkSection()
    demo: DemoSection = DemoSection()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is the library's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `load` hands over and nothing else, so that each value's source is known."""
        return (init_settings,)


def known() -> Iterator[tuple[str, str, FieldInfo]]:
    """Every setting as (section, name, field); the section of a top-level one is ""."""
    sections = []
    for name, info in Settings.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, Section):
            sections.append((name, info.annotation))
        else:
            yield "", name, info
    for section, model in sections:
        for name, info in model.model_fields.items():
            yield section, name, info


def variable(path: str) -> str:
    """The environment variable of "section.name"."""
    return PREFIX + path.replace(".", "_").upper()


def toml_name(path: str) -> str:
    """The name of "section.name" as it stands in `steward.toml`."""
    section, _, name = path.rpartition(".")
    return f"[{section}] {name}" if section else name
