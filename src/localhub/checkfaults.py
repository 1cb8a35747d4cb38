"""Faults of the checks that localhub runs: what can go wrong with GitHub Actions, on demand.

Each applies to the checks of `repo` (id or name), or of all repositories without it. Whether a run is reported at
all, or fails to start, is decided when it would be queued; the others are looked at when a check's turn comes.
"""

import msgspec


class CheckFault(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """A fault of checks."""

    repo: int | str | None = None


class Failing(CheckFault, kw_only=True, tag="checks_failing"):
    """Checks fail, without being run."""


class SlowChecks(CheckFault, kw_only=True, tag="checks_slow"):
    """Checks stay `in_progress` for `delay_s` more before they are run."""

    delay_s: float


class Flaky(CheckFault, kw_only=True, tag="checks_flaky"):
    """The first `attempts` attempts on a commit fail, without being run; later ones are real."""

    attempts: int = 1


class Absent(CheckFault, kw_only=True, tag="checks_absent"):
    """Nothing is run and nothing is ever reported."""


class Stuck(CheckFault, kw_only=True, tag="checks_stuck"):
    """Checks stay `in_progress` until they are cancelled, or localhub is started again."""


class Infrastructure(CheckFault, kw_only=True, tag="checks_infrastructure"):
    """The workflow run ends as `startup_failure`, without a check run."""
