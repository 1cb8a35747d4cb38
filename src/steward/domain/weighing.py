"""From readings to needs: what each name comes to when everything that reads it is put together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from steward.domain.needs import Demand, Evidence, Need, Origin, Purpose, Sort

EVIDENCE_MAX: Final = 10
"""Places of one name that are kept; the rest are counted."""
HELP_MAX: Final = 300
"""Characters of help that are kept."""


class Vote(StrEnum):
    """What one reading says of a name: it must be there, it may be absent, nothing (an example that lists it), or
    that this file sets it itself (`sets`: a Dockerfile's ENV), which is no reading at all.
    """

    MUST = "must"
    MAY = "may"
    SILENT = "silent"
    SETS = "sets"
    GIVEN = "given"


@dataclass(frozen=True, slots=True)
class Reading:
    """One place that reads a name, or lists it. `default`: something stands in there. `sort`: what the place says."""

    name: str
    path: str
    line: int
    reader: str
    vote: Vote
    default: bool = False
    sort: Sort | None = None
    origin: Origin = Origin.UNKNOWN
    purpose: Purpose = Purpose.RUN
    help: str = ""

    @property
    def evidence(self) -> Evidence:
        """Where it is."""
        return Evidence(self.path, self.line, self.reader)


_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_SECRET_WORDS = frozenset(
    {
        "KEY",
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "PASS",
        "PWD",
        "PRIVATE",
        "CREDENTIAL",
        "CREDENTIALS",
    }
    | {"DSN", "SALT", "APIKEY", "APITOKEN", "SECRETKEY", "PAT", "PW", "COOKIE", "SECRETS", "KEYS"}
)
_SECRET_ENDS = ("PASSWORD", "PASSWD", "SECRET", "APIKEY", "TOKEN")
_SECRET_PHRASES = re.compile(
    r"(?:^|_)(?:(?:DATABASE|DB|REDIS|MONGO|MONGODB|POSTGRES|POSTGRESQL|PG|MYSQL|AMQP|RABBITMQ|BROKER|CELERY_BROKER)"
    r"_(?:URL|URI)|CONNECTION_STRING|WEBHOOK_URL|BASIC_AUTH|AUTH_HEADER|SERVICE_ACCOUNT_JSON|CUSTOM_HEADERS)$"
)
_PLAIN_ENDS = frozenset(
    {
        "ID",
        "FILE",
        "PATH",
        "NAME",
        "DIR",
        "DIRECTORY",
        "TTL",
        "EXPIRY",
        "EXPIRES",
        "EXPIRATION",
        "LENGTH",
        "SIZE",
        "COUNT",
    }
    | {
        "MAX",
        "MIN",
        "ENABLED",
        "DISABLED",
        "TYPE",
        "PREFIX",
        "HEADER",
        "ALGORITHM",
        "TIMEOUT",
        "LIFETIME",
        "LIMIT",
        "URL",
    }
    | {
        "URI",
        "ENDPOINT",
        "ISSUER",
        "AUDIENCE",
        "MODE",
        "FORMAT",
        "PROVIDER",
        "DURATION",
        "VERSION",
        "USERNAME",
        "SECURE",
    }
    | {
        "DAYS",
        "HOURS",
        "MINUTES",
        "SECONDS",
        "AGE",
        "HOST",
        "PORT",
        "DOMAIN",
        "USER",
        "BYTES",
        "REGEX",
        "PATTERN",
        "SAMESITE",
    }
    | {"HTTPONLY", "COMMAND", "CMD", "STORE", "ROTATION", "INTERVAL", "ALIAS", "ARN"}
)
_PLAIN_STARTS = frozenset(
    {"MAX", "MIN", "ENABLE", "DISABLE", "USE", "ALLOW", "IS", "HAS", "NO", "SHOW", "SKIP"}
)


def sort_of(name: str) -> Sort:
    """Whether a name is one of a secret, by its words: TOKEN, KEY, PASSWORD, DATABASE_URL; not PUBLIC_KEY, KEY_ID."""
    upper = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()
    words = [word for word in upper.split("_") if word]
    if not words or "PUBLIC" in words or "PUBLISHABLE" in words or upper in {"PWD", "OLDPWD"}:
        return Sort.VARIABLE
    if _SECRET_PHRASES.search(upper) or upper.endswith("ACCESS_KEY_ID"):
        return Sort.SECRET
    if words[-1] in _PLAIN_ENDS or words[0] in _PLAIN_STARTS:
        return Sort.VARIABLE
    secret = not _SECRET_WORDS.isdisjoint(words) or any(
        word.endswith(_SECRET_ENDS) and not word.endswith("KEYBOARD") for word in words
    )
    return Sort.SECRET if secret else Sort.VARIABLE


_GIVEN_NAMES: Final = """
PATH HOME USER LOGNAME SHELL PWD OLDPWD TMPDIR TEMP TMP LANG LANGUAGE LC_ALL LC_CTYPE LC_MESSAGES TERM COLORTERM
TERM_PROGRAM TERM_PROGRAM_VERSION COLUMNS LINES NO_COLOR FORCE_COLOR CLICOLOR CLICOLOR_FORCE PY_COLORS DISPLAY
WAYLAND_DISPLAY EDITOR VISUAL PAGER BROWSER TZ HOSTNAME USERPROFILE USERDOMAIN APPDATA LOCALAPPDATA PROGRAMDATA
PROGRAMFILES SYSTEMROOT WINDIR COMSPEC PATHEXT OS OSTYPE ProgramFiles SystemRoot SSH_AUTH_SOCK SSH_CLIENT
SSH_CONNECTION SSH_TTY SUDO_USER SUDO_UID SUDO_GID CI CONTINUOUS_INTEGRATION NODE_ENV NODE_OPTIONS NODE_PATH
NODE_APP_INSTANCE PORT GOPATH GOROOT GOOS GOARCH CGO_ENABLED JAVA_HOME CARGO_HOME RUSTUP_HOME RUSTFLAGS VIRTUAL_ENV
CONDA_PREFIX CONDA_DEFAULT_ENV PYCHARM_HOSTED COLAB_RELEASE_TAG WSL_DISTRO_NAME WSL_INTEROP DYNO INVOCATION_ID
NOTIFY_SOCKET LISTEN_FDS LISTEN_PID LISTEN_FDNAMES WATCHDOG_USEC KUBERNETES_SERVICE_HOST KUBERNETES_SERVICE_PORT
BASH_VERSION ZSH_VERSION FISH_VERSION PS1 SHLVL MAKEFLAGS MAKELEVEL CC CXX CFLAGS LDFLAGS LD_LIBRARY_PATH
DYLD_LIBRARY_PATH ARCHFLAGS DESTDIR GITHUB_ACTION GITHUB_ACTION_PATH GITHUB_ACTION_REF GITHUB_ACTION_REPOSITORY
GITHUB_ACTIONS GITHUB_ACTOR GITHUB_ACTOR_ID GITHUB_API_URL GITHUB_BASE_REF GITHUB_ENV GITHUB_EVENT_NAME
GITHUB_EVENT_PATH GITHUB_GRAPHQL_URL GITHUB_HEAD_REF GITHUB_JOB GITHUB_OUTPUT GITHUB_PATH GITHUB_REF GITHUB_REF_NAME
GITHUB_REF_PROTECTED GITHUB_REF_TYPE GITHUB_REPOSITORY GITHUB_REPOSITORY_ID GITHUB_REPOSITORY_OWNER
GITHUB_REPOSITORY_OWNER_ID GITHUB_RETENTION_DAYS GITHUB_RUN_ATTEMPT GITHUB_RUN_ID GITHUB_RUN_NUMBER
GITHUB_SERVER_URL GITHUB_SHA GITHUB_STEP_SUMMARY GITHUB_TRIGGERING_ACTOR GITHUB_WORKFLOW GITHUB_WORKFLOW_REF
GITHUB_WORKFLOW_SHA GITHUB_WORKSPACE GITLAB_CI TRAVIS CIRCLECI BUILDKITE JENKINS_URL TEAMCITY_VERSION TF_BUILD
APPVEYOR DRONE NETLIFY VERCEL CODEBUILD_BUILD_ID BITBUCKET_BUILD_NUMBER AWS_LAMBDA_FUNCTION_NAME AWS_EXECUTION_ENV
K_SERVICE K_REVISION
"""
_BUILTIN: Final = frozenset(_GIVEN_NAMES.split())
_BUILTIN_STARTS = re.compile(
    r"(?:npm_|RUNNER_|PYTHON|XDG_|LC_|CARGO_(?:PKG_|MANIFEST_|BIN_|CFG_)|PYTEST_|PIP_|VERCEL_(?:ENV|URL|REGION|GIT_)|CI_|"
    r"TRAVIS_|CIRCLE_|BUILDKITE_|BITBUCKET_|APPVEYOR_|DRONE_|FLY_(?:APP_NAME|REGION|ALLOC_ID|MACHINE_ID)|"
    r"RENDER_(?:GIT_|SERVICE_|EXTERNAL_)|HEROKU_(?:APP_|SLUG_|RELEASE_|DYNO_)|RAILWAY_(?:GIT_|SERVICE_|ENVIRONMENT))"
)


def is_builtin(name: str) -> bool:
    """Whether whoever runs a program sets that name: the system, a runtime, a platform, a CI."""
    if name in _BUILTIN:
        return True
    return _BUILTIN_STARTS.match(name) is not None and sort_of(name) is Sort.VARIABLE


def weigh(readings: Iterable[Reading]) -> tuple[Need, ...]:
    """The needs that readings come to, by name. A name that is only set, and read nowhere, is none."""
    found: dict[str, list[Reading]] = {}
    for reading in readings:
        if _NAME.fullmatch(reading.name):
            found.setdefault(reading.name, []).append(reading)
    needs = (_need(name, those) for name, those in sorted(found.items()))
    return tuple(need for need in needs if need is not None)


def _need(name: str, readings: list[Reading]) -> Need | None:
    reads = [reading for reading in readings if reading.vote is not Vote.SETS]
    if not reads:
        return None
    said = [reading.sort for reading in reads if reading.sort is not None]
    sort = Sort.SECRET if Sort.SECRET in said else said[0] if said else sort_of(name)
    set_here = len(reads) < len(readings) and sort is Sort.VARIABLE
    origin = next((one.origin for one in reads if one.origin is not Origin.UNKNOWN), Origin.UNKNOWN)
    if name == "PORT":
        origin = Origin.ALLOCATION
    places = _places(reads)
    return Need(
        name,
        _demand(name, reads, set_here),
        sort,
        origin,
        frozenset(reading.purpose for reading in reads),
        set_here or any(reading.default for reading in reads),
        next((one.help[:HELP_MAX] for one in reads if one.help), ""),
        tuple(places)[:EVIDENCE_MAX],
        len(places),
    )


def _places(reads: list[Reading]) -> Mapping[Evidence, None]:
    """Every place once: a line that reads a name twice is one. First what demands it, then by path."""
    order = [Vote.GIVEN, Vote.MUST, Vote.MAY, Vote.SILENT]
    seen: dict[tuple[str, int], Evidence] = {}
    for reading in sorted(reads, key=lambda one: (order.index(one.vote), one.path, one.line)):
        seen.setdefault((reading.path, reading.line), reading.evidence)
    return dict.fromkeys(seen.values())


def _demand(name: str, reads: list[Reading], set_here: bool) -> Demand:
    votes = {reading.vote for reading in reads}
    in_checks_alone = all(reading.purpose is Purpose.CHECKS for reading in reads)
    if Vote.GIVEN in votes or is_builtin(name) or (name == "GITHUB_TOKEN" and in_checks_alone):
        return Demand.BUILTIN
    if set_here:
        return Demand.OPTIONAL
    if Vote.MUST in votes:
        return Demand.REQUIRED
    if Vote.MAY in votes or any(reading.default for reading in reads):
        return Demand.OPTIONAL
    return Demand.REQUIRED
