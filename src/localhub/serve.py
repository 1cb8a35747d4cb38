"""Starts a localhub from settings and runs it until it is asked to stop; `opened` is the same for tests.

While it runs, `localhub.json` in its data directory tells the other commands where it is. It is readable by its
owner alone, as it holds the token.
"""

import fcntl
import json
import os
import secrets
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from localhub import app, gitstore, hooks, world
from localhub.actions import DEFAULT_WORKERS
from localhub.clock import Clock
from localhub.core import Core, Options
from localhub.limits import DEFAULT_POINTS_PER_HOUR
from localhub.registry import BadName, NameTaken, Owner
from localhub.server import PortTaken, Server
from localhub.store import NewerData
from localhub.tokens import AppSettings

PLAYER = "player"
"""The user whom the first token stands for."""

PLACE_FILE = "localhub.json"
UNBOXED = (
    "localhub: bubblewrap (bwrap) is not there or may not make namespaces: checks run without a box, with all "
    "that this user may do"
)
"""Said at the start, after the line with the address."""
_PARENT_CHECK_S = 0.5


class CannotServe(RuntimeError):
    """It cannot be started; the message says what to do."""


@dataclass(frozen=True)
class Settings:
    """What to serve, and where. Without `data_dir` everything is gone at the end."""

    host: str = "127.0.0.1"
    port: int = 0
    orgs: tuple[str, ...] = ()
    repos: int = 0
    token: str | None = None
    load: Path | None = None
    sample: bool = False
    data_dir: Path | None = None
    webhook: str | None = None
    webhook_secret: str | None = None
    faults: bool = False
    points_per_hour: int = DEFAULT_POINTS_PER_HOUR
    app_id: int | None = None
    app_key: Path | None = None
    check_workers: int = DEFAULT_WORKERS


@dataclass(frozen=True)
class Running:
    """A localhub that listens: its world, its address, its token, its organisations in the order asked for."""

    core: Core
    url: str
    token: str
    orgs: list[Owner]


def run(settings: Settings, announce: Callable[[str], object], *, end_with_parent: bool = False) -> None:
    """Serve until SIGINT or SIGTERM; `announce` is given a line once it listens, and UNBOXED where that is so.

    Raises CannotServe.

    `end_with_parent` also ends it when the starting process is gone, however that ended.
    """
    stop = threading.Event()

    def asked_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, asked_to_stop)
    with opened(settings) as running:
        logins = ",".join(owner.login for owner in running.orgs)
        announce(f"localhub: {running.url} org={logins}")
        if running.core.actions.box.bwrap is None:
            announce(UNBOXED)
        parent = os.getppid()
        while not stop.wait(_PARENT_CHECK_S):
            if end_with_parent and os.getppid() != parent:
                return


@contextmanager
def opened(settings: Settings, clock: Clock | None = None) -> Iterator[Running]:
    """A localhub that listens for as long as the context lasts. Raises CannotServe."""
    try:
        gitstore.require_git()
    except gitstore.GitMissing as error:
        raise CannotServe(str(error)) from error
    with _directory(settings.data_dir) as directory, _core(directory, settings, clock) as core:
        token = settings.token or _kept_token(directory) or f"lhp_{secrets.token_urlsafe(24)}"
        core.tokens.add(token, login=PLAYER)
        owners = _filled(core, settings)
        try:
            server = Server(settings.host, settings.port)
        except PortTaken as error:
            raise CannotServe(f"{error}; name another with --port, or 0 for a free one") from error
        try:
            core.public_url = server.url
            if settings.webhook is not None:
                for owner in owners:
                    hooks.ensure(core, f"org:{owner.id}", settings.webhook, settings.webhook_secret)
            core.webhooks.start()
            core.actions.start()
            server.start(app.build(core))
            place = _write_place(directory, server.url, token, owners)
            yield Running(core, server.url, token, owners)
            place.unlink(missing_ok=True)
        finally:
            server.stop()


@contextmanager
def _directory(wanted: Path | None) -> Iterator[Path]:
    """The data directory, which no other localhub may use; a temporary one when none is named."""
    if wanted is None:
        with tempfile.TemporaryDirectory(prefix="localhub-") as made:
            yield Path(made)
        return
    try:
        wanted.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (wanted / "lock").open("w")
    except OSError as error:
        raise CannotServe(f"the data directory {wanted} cannot be used: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotServe(
                f"another localhub uses {wanted}; end it, or name another --data-dir"
            ) from error
        yield wanted


@contextmanager
def _core(directory: Path, settings: Settings, clock: Clock | None) -> Iterator[Core]:
    application = None
    if settings.app_id is not None:
        try:
            key = None if settings.app_key is None else settings.app_key.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise CannotServe(f"the key {settings.app_key} cannot be read: {error}") from error
        application = AppSettings(settings.app_id, key)
    options = Options(settings.faults, settings.points_per_hour, application, settings.check_workers)
    try:
        core = Core(directory, options, clock)
    except NewerData as error:
        raise CannotServe(str(error)) from error
    try:
        yield core
    finally:
        core.close()


def _filled(core: Core, settings: Settings) -> list[Owner]:
    """The organisations that are asked for, with what is to be in them."""
    try:
        recorded = None if settings.load is None else world.load_recording(core, settings.load)
        owners = [world.ensure_org(core, login) for login in settings.orgs]
        for owner in owners:
            world.add_generated(core, owner, settings.repos)
        if recorded is not None and recorded.id not in {owner.id for owner in owners}:
            owners.append(recorded)
        if settings.sample:
            world.add_sample(core, owners[0])
    except (world.BadRecording, BadName, NameTaken) as error:
        raise CannotServe(str(error)) from error
    return owners


def _kept_token(directory: Path) -> str | None:
    path = directory / "token"
    return path.read_text().strip() if path.exists() else None


def _write_place(directory: Path, url: str, token: str, owners: list[Owner]) -> Path:
    """Tell the other commands where this localhub is; keep the token for the next start."""
    facts = {"url": url, "token": token, "orgs": [owner.login for owner in owners], "pid": os.getpid()}
    path = directory / PLACE_FILE
    for target, text in ((path, json.dumps(facts, indent=2)), (directory / "token", token)):
        draft = target.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text(text + "\n")
        draft.replace(target)
    return path
