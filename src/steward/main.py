"""Builds the adapters, hands the application to the command line, and runs it. The only module that does so.

Adapters are imported where they are built: most commands need few of them, and `--help` none.
"""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from steward.faces.cli.root import steward

if TYPE_CHECKING:
    # For the types alone; see above.
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from steward.adapters.clock import SystemClock
    from steward.adapters.github import Credential
    from steward.app.application import Application
    from steward.app.driving import Drive
    from steward.domain.credentials import Purpose
    from steward.faces.cli.asking import Answering
    from steward.ports import ForgeHooks, ForgeRead, ForgeRights, Notifier, Store
    from steward.ports.building import ForgeWrite
    from steward.ports.vault import Vault
    from steward.settings import Loaded
    from steward.settings.model import GitHub

SAMPLE_SERVER: Final = "localhub"
"""What stands in the database as the sample organisation's server: its address may change, its data do not."""
LOG_BYTES_MAX: Final = 5_000_000
SERVICE_WAIT_S: Final = 30.0
PERSON_WAIT_S: Final = 5.0
"""How long a locked database is waited for: a person would rather be told."""


class Wiring:
    """What the faces may have built. See `steward.faces.cli.session.Wiring`."""

    def __init__(self) -> None:
        self._clock: SystemClock | None = None

    @property
    def clock(self) -> SystemClock:
        """The clock of this process."""
        from steward.adapters.clock import SystemClock

        if self._clock is None:
            self._clock = SystemClock()
        return self._clock

    def remote(self, loaded: Loaded, server: str, token_file: Path | None, closing: ExitStack) -> Answering:
        """A Steward elsewhere, asked over its API."""
        from steward.adapters.remote import connect
        from steward.app.errors import NotSignedIn

        settings = loaded.settings
        file = token_file or settings.token_file
        if file is not None:
            token = _secret(file, "--token-file" if token_file else "STEWARD_TOKEN_FILE")
        elif settings.token is not None:
            token = settings.token.get_secret_value()
        else:
            raise NotSignedIn(f"no token for the Steward at {server}")
        remote = connect(server, token, plain=settings.server_plain_http)
        closing.callback(remote.close)
        return remote

    def wait(self, timeout_s: float) -> bool:
        """Let that time pass; True where the process is to end."""
        return self.clock.wait(timeout_s)

    def stop(self) -> None:
        """End every wait of this process's clock."""
        self.clock.stop()

    def application(
        self, loaded: Loaded, closing: ExitStack, command: str, *, upgrade: bool = False
    ) -> Application:
        """Build the application. The database is opened now, the connection to GitHub when it is needed."""
        from datetime import timedelta
        from socket import gethostname

        from steward import assembling
        from steward.app.application import Application
        from steward.assembling import talking
        from steward.faces.cli.demo import LOGIN

        loaded.require_whole()
        _start_log(loaded, closing, service=command != "steward")
        store = _open_store(loaded, upgrade=upgrade)
        closing.callback(store.close)
        vault = assembling.vault(loaded, self.clock)
        if upgrade:
            _begin_vault(store, vault)
        writing = cache(lambda: self._writing(loaded, closing))
        drive = self._drive(loaded, command, writing, vault) if _drives(loaded) else None
        signs = assembling.signs(loaded, self.clock, lambda: _address(loaded), closing)
        return Application(
            store=store,
            clock=self.clock,
            rules=loaded.rules,
            forge=cache(lambda: self._connect(loaded, closing)),
            logins=[LOGIN] if loaded.demo else loaded.settings.github.orgs,
            server=SAMPLE_SERVER if loaded.demo else loaded.settings.github.url,
            notifiers=_notifiers(loaded),
            holder=f"{command}, process {os.getpid()} on {gethostname()}",
            policy=assembling.policy(loaded),
            audit_kept=timedelta(days=loaded.settings.policy.audit_days),
            forge_hooks=cache(lambda: self._connect_hooks(loaded, closing)),
            webhook_secret=assembling.webhook_secret(loaded),
            builder=self._builder(loaded, closing),
            templates=assembling.templates(loaded) if _drives(loaded) else None,
            drive=drive,
            boxless=_boxless,
            tuning=loaded.tuning,
            vault=vault,
            writing=writing if _drives(loaded) else None,
            surveying=cache(lambda: assembling.surveying(loaded, self.clock, signs["watching"], drive)),
            **signs,
            **talking.talks(loaded, self.clock),
            **talking.chats(loaded, self.clock, closing),
        )

    def _writing(self, loaded: Loaded, closing: ExitStack) -> ForgeWrite:
        from steward.adapters.github.write import connect_write

        url, credential = _building(loaded)
        forge = connect_write(url, credential=credential, clock=self.clock)
        closing.callback(forge.close)
        return forge

    def _drive(
        self, loaded: Loaded, command: str, writing: Callable[[], ForgeWrite], vault: Vault
    ) -> Callable[[], Drive]:
        """What makes the tools of a process that drives projects; nothing is built before it is asked for."""
        from steward import assembling

        def made() -> Drive:
            from steward.adapters.log import Redaction

            holder = f"{command}, process {os.getpid()}"
            redact = Redaction(assembling.secrets(loaded))
            return assembling.drive(loaded, self.clock, holder, writing, redact, vault)

        return cache(made)

    def _connect(self, loaded: Loaded, closing: ExitStack) -> ForgeRead:
        from steward.adapters.github import connect

        url, credential = _address(loaded)
        sync = loaded.settings.sync
        forge = connect(
            url,
            credential=credential,
            clock=self.clock,
            budget_reserve=sync.budget_reserve,
            page_cap=sync.page_cap,
        )
        closing.callback(forge.close)
        return forge

    def _builder(self, loaded: Loaded, closing: ExitStack) -> Callable[[], ForgeRights] | None:
        file = loaded.settings.github.builder_token_file
        if file is None or loaded.demo:
            return None

        def connected() -> ForgeRights:
            from steward.adapters.github import Token, connect

            token = Token(_secret(file, "STEWARD_GITHUB_BUILDER_TOKEN_FILE"))
            forge = connect(loaded.settings.github.url, credential=token, clock=self.clock)
            closing.callback(forge.close)
            return forge

        return cache(connected)

    def _connect_hooks(self, loaded: Loaded, closing: ExitStack) -> ForgeHooks:
        from steward.adapters.github import connect_hooks

        url, credential = _address(loaded)
        hooks = connect_hooks(url, credential=credential, clock=self.clock)
        closing.callback(hooks.close)
        return hooks

    def credential(self, loaded: Loaded) -> str:
        """Say which credential the settings come to. Raises BadSettings for a file that cannot be read."""
        if loaded.demo:
            return "the sample organisation's own"
        github = loaded.settings.github
        _credential(github)
        if github.app_id is not None:
            return f"GitHub App {github.app_id}, key in {github.app_key_file}"
        return f"token in {github.token_file}" if github.token_file else "token in the settings"

    def channels(self, loaded: Loaded) -> list[str]:
        """Name the notifiers. Raises BadSettings for an address that cannot be used."""
        from steward.adapters.notify import AppriseNotifier

        notifiers = _notifiers(loaded)
        for notifier in notifiers:
            if isinstance(notifier, AppriseNotifier):
                notifier.check()
        return [notifier.channel for notifier in notifiers]

    def mind(self, loaded: Loaded) -> str | None:
        """Name the model that writes briefs; None: a plain dialog. Raises BadSettings where it cannot be used."""
        from steward.assembling import talking

        if not loaded.settings.talk.model:
            return None
        talking.mind(loaded, self.clock).check()
        return loaded.settings.talk.model

    def organisation(self, github: GitHub, login: str, purposes: Sequence[Purpose]) -> dict[str, Any]:
        """Read one organisation, and what the credential declares there."""
        from steward.adapters.github import connect
        from steward.app.credentials import examined

        with connect(github.url, credential=_credential(github), clock=self.clock) as forge:
            facts = forge.organisation(login, None)
            ok, declared, _fix = examined(forge, login, *purposes)
        return {"id": facts.id, "login": facts.login, "ok": ok, "declared": declared}

    @property
    def database(self) -> Database:
        """What can be done to a database."""
        return Database()


class Database:
    """What can be done to a database. See `steward.faces.cli.session.Database`."""

    def upgrade(self, url: str) -> str:
        """Bring the schema up to date."""
        from steward.adapters import store

        return store.upgrade(url)

    def check(self, url: str) -> list[str]:
        """Examine it; return what is wrong, in words."""
        from steward.adapters import store

        return [str(finding) for finding in store.check(url)]

    def backup(self, url: str, target: Path) -> None:
        """Copy it whole into a new file."""
        from steward.adapters import store

        store.backup(url, target)

    def restore(self, url: str, source: Path, *, force: bool) -> None:
        """Fill it from a backup."""
        from steward.adapters import store

        store.restore(url, source, force=force)


def _open_store(loaded: Loaded, *, upgrade: bool) -> Store:
    """Open the database. With `upgrade` an older SQLite one is backed up and upgraded; a server's never is."""
    from steward.adapters import store

    url = loaded.database_url
    loaded.state_dir.mkdir(parents=True, exist_ok=True)
    return store.open_store(
        url,
        upgrade=upgrade and url.startswith("sqlite"),
        busy_timeout_s=SERVICE_WAIT_S if upgrade else PERSON_WAIT_S,
    )


def _begin_vault(store: Store, vault: Vault) -> None:
    """Make the master key at the first start. A wrong or lost one stops nothing but what needs it."""
    import logging

    from steward.ports import Permanent

    try:
        with store.reading() as view:
            vault.begin(view)
    except Permanent as error:
        logging.getLogger(__name__).error("%s. %s", error.reason, error.advice)  # noqa: TRY400 - said in words


def _address(loaded: Loaded) -> tuple[str, Credential]:
    """The server to speak to, and as whom. The sample organisation is where the running Steward says it is."""
    from steward.adapters.github import Token
    from steward.faces.cli import runtime
    from steward.ports import Permanent

    if not loaded.demo:
        return loaded.settings.github.url, _credential(loaded.settings.github)
    running = runtime.find(loaded.state_dir)
    if running is None:
        raise Permanent(
            "the sample organisation is served only while `steward up` runs",
            "Start `steward up` in another terminal, or connect an organisation of yours: steward init",
        )
    return running.server, Token(running.token)


def _boxless() -> str | None:
    from steward.adapters.box import Bubblewrap

    return Bubblewrap().available()


def _drives(loaded: Loaded) -> bool:
    """Whether projects are driven here: on the sample always, else where there is a credential for it."""
    github = loaded.settings.github
    return loaded.demo or github.builder_token_file is not None or github.app_id is not None


def _building(loaded: Loaded) -> tuple[str, Credential]:
    """The server to build on, and as whom: never with the token that only reads."""
    from steward.adapters.github import Token

    file = loaded.settings.github.builder_token_file
    if file is None or loaded.demo:
        return _address(loaded)
    return loaded.settings.github.url, Token(_secret(file, "STEWARD_GITHUB_BUILDER_TOKEN_FILE"))


def _credential(github: GitHub) -> Credential:
    from steward.adapters.github import App, Token

    if github.app_id is not None and github.app_key_file is not None:
        key = _secret(github.app_key_file, "STEWARD_GITHUB_APP_KEY_FILE")
        return App(str(github.app_id), key, github.app_installation_id)
    if github.token_file is not None:
        return Token(_secret(github.token_file, "STEWARD_GITHUB_TOKEN_FILE"))
    assert github.token is not None, "require_whole has seen to it"
    return Token(github.token.get_secret_value())


def _notifiers(loaded: Loaded) -> list[Notifier]:
    """The log, and one notifier per Apprise address."""
    from steward.adapters.notify import AppriseNotifier, LogNotifier

    urls = loaded.settings.notify.urls
    return [LogNotifier(), *(AppriseNotifier(url.get_secret_value()) for url in urls)]


def _secret(file: Path, name: str) -> str:
    from steward.ports import BadSettings

    try:
        secret = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{name}: {file} cannot be read: {error}", "Name a readable file") from None
    if not secret:
        raise BadSettings(f"{name}: {file} is empty", "Put the secret into it")
    return secret


def _start_log(loaded: Loaded, closing: ExitStack, *, service: bool) -> None:
    """Log to standard error, or, where a person reads that, to `steward.log` in the state directory."""
    import logging
    from logging.handlers import RotatingFileHandler

    from steward import assembling
    from steward.adapters.log import Lines, Redaction

    handler: logging.Handler = logging.StreamHandler()
    person = sys.stderr.isatty()
    if person:
        file = loaded.state_dir / "steward.log"
        handler = RotatingFileHandler(file, maxBytes=LOG_BYTES_MAX, backupCount=3, delay=True)
    form = loaded.settings.log_format or ("json" if service and not person else "text")
    handler.setFormatter(
        Lines(Redaction(assembling.secrets(loaded)), _request_number, as_json=form == "json")
    )
    root = logging.getLogger()
    root.setLevel(loaded.settings.log_level.upper())
    root.addHandler(handler)
    # These say on every request what they did, addresses with their queries included.
    for chatty in ("httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    closing.callback(handler.close)
    closing.callback(root.removeHandler, handler)


def _request_number() -> str:
    """The number of the request that is being answered; "" where the web face is not even loaded."""
    frame = sys.modules.get("steward.faces.http.frame")
    return str(frame.request_id.get()) if frame is not None else ""


def run() -> None:
    """The console script `steward`."""
    # Whatever is written, the log and the sample's data too, is its owner's alone, as the database is.
    os.umask(0o077)
    steward.main(obj=Wiring())
