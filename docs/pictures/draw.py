"""Draws the pictures beside it from what the programs really print: `python docs/pictures/draw.py`.

It starts `steward up` on the sample organisation in a directory of its own, plays with localhub as a newcomer
would, and writes up.svg and incident.svg. It takes about a minute, needs the sample's port to be free, and
leaves nothing else behind.
"""  # noqa: INP001 - a script beside the pictures that it draws, not a package

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

HERE: Final = Path(__file__).parent
COLUMNS: Final = 132
PATIENCE_S: Final = 90.0
# Rich's own frame, without the font that it would load from another host.
FRAME: Final = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL).replace(
    "Fira Code", "monospace"
)


class Terminal:
    """A program on a terminal of its own, so that it prints as it would for a person."""

    def __init__(self, words: list[str], folder: Path, environment: Mapping[str, str]) -> None:
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, COLUMNS, 0, 0))
        self._program = subprocess.Popen(
            words, cwd=folder, env=dict(environment), stdin=slave, stdout=slave, stderr=slave
        )
        os.close(slave)
        self.shown = ""

    def until(self, text: str) -> None:
        """Read until `text` has been printed. Raises TimeoutError with what came instead."""
        seen, end = len(self.shown), time.monotonic() + PATIENCE_S
        while text not in self.shown[seen:]:
            if time.monotonic() > end or not self._read():
                raise TimeoutError(f"'{text}' did not come; this did:\n{self.shown}")

    def _read(self) -> bool:
        """Read what is there; False once the program has ended."""
        if not select.select([self._master], [], [], 1.0)[0]:
            return True
        try:
            new = os.read(self._master, 65_536)
        except OSError:
            # Linux answers so when nobody holds the other end any more.
            return False
        self.shown += new.decode().replace("\r\n", "\n")
        return bool(new)

    def end(self) -> str:
        """Wait for the end; return all that was printed."""
        while self._read():
            pass
        self._program.wait()
        os.close(self._master)
        return self.shown

    def interrupt(self) -> str:
        """Press Ctrl-C; return all that was printed."""
        self._program.send_signal(signal.SIGINT)
        return self.end()


def draw(name: str, title: str, text: str) -> None:
    """Write what was printed as a picture of a terminal."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    # The link signed in to an installation that is gone; a picture is no place for one all the same.
    console.print(Text.from_ansi(re.sub(r"(token=)[\w-]+", r"\1...", text.strip("\n"))))
    svg = console.export_svg(title=title, code_format=FRAME, unique_id=Path(name).stem)
    (HERE / name).write_text("\n".join(line.rstrip() for line in svg.splitlines()) + "\n")


def main() -> None:
    """Play, and draw."""
    programs = Path(sys.executable).parent
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("STEWARD_", "LOCALHUB_"))}
    environment = clean | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
    }

    with tempfile.TemporaryDirectory(prefix="steward-") as made:
        folder = Path(made)

        def type_in(line: str) -> str:
            return f"$ {line}\n" + Terminal(line.split(), folder, environment).end()

        up = Terminal(["steward", "up"], folder, environment)
        up.until("first look")
        type_in("localhub repo create my-idea")
        up.until("my-idea")
        type_in("localhub repo rename company-site company-site-2")
        up.until("company-site-2")
        deleted = type_in("localhub repo delete my-idea")
        up.until("incident 1")
        shown = type_in("steward incident show 1")
        listed = type_in("steward project list --status missing")
        restored = type_in("localhub repo restore my-idea")
        up.until("resolved")
        draw("incident.svg", "another terminal", f"{deleted}\n{shown}\n{listed}\n{restored}")
        draw("up.svg", "steward up", "$ steward up\n" + up.interrupt())


if __name__ == "__main__":
    main()
