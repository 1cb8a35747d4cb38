"""A box: where a program runs that nobody vouches for. It sees what it is given, and nothing of it outlives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

TUNNEL_PORT: Final = 8300
"""Where a program in the box finds its tunnel, on a loopback that is the box's own."""


@dataclass(frozen=True, slots=True)
class Tunnel:
    """The one way out of a box: 127.0.0.1:`port` inside leads to the unix `socket` outside."""

    socket: Path
    port: int = TUNNEL_PORT


@dataclass(frozen=True, slots=True)
class BoxOrder:
    """What to run, and what it may see and take.

    Paths are the same inside and outside. `environment` is all of the environment; PATH, HOME and the like are
    added where they are missing. `readable` and `writable` paths must exist; nothing else of the machine but its
    programs is in sight. `network` None: no way out at all. Sizes are bytes, of all processes together;
    `file_bytes` bounds each file that is written. A line of output longer than `line_bytes` is cut.
    """

    argv: tuple[str, ...]
    cwd: Path
    writable: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    stdin: str | None = field(default=None, repr=False)
    network: Tunnel | None = None
    memory_bytes: int = 4_000_000_000
    processes_max: int = 512
    file_bytes: int = 1_000_000_000
    output_bytes: int = 50_000_000
    line_bytes: int = 1_000_000
    wall_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line that came, without its end; `error`: on the second stream. `cut`: it was longer."""

    text: bytes
    error: bool = False
    cut: bool = False


class Why(StrEnum):
    """Why it ended: by itself, by our `kill`, or by reaching a bound."""

    EXITED = "exited"
    KILLED = "killed"
    WALL = "wall"
    OUTPUT = "output"
    MEMORY = "memory"
    PROCESSES = "processes"


@dataclass(frozen=True, slots=True)
class BoxEnd:
    """How a command ended. `exit_code` is 128 + n after signal n, and None where it was killed from outside."""

    why: Why
    exit_code: int | None = None


class Running(Protocol):
    """A command that runs. It belongs to the thread that started it, and is looked after only within `line`,
    so that is to be called at least once a second until `over`.
    """

    @property
    def over(self) -> bool:
        """Everything it said was read, and nothing of it is alive."""
        ...

    def line(self, timeout_s: float) -> Line | None:
        """The next line; None where none came in that time, or it is over."""
        ...

    def kill(self, why: Why = Why.KILLED) -> None:
        """End all of it at once. What it had said can still be read."""
        ...

    def end(self) -> BoxEnd:
        """How it ended, once it is over; until then it is waited for. Raises Permanent: no box could be built."""
        ...


class Box(Protocol):
    """A place to run commands in."""

    def available(self) -> str | None:
        """Why there can be no box on this machine, with what a person can do; None where there can."""
        ...

    def start(self, order: BoxOrder) -> Running:
        """Start a command. Raises Permanent where there can be no box."""
        ...
