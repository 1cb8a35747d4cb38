"""Works the keeper of a site: starts a candidate and has it prove itself, switches to it, gives it up, tidies.

Playbooks call it, `python -m steward.adapters.deploy.hand place|env|start|switch SITE COMMIT [...]`; it prints
{"changed": bool} and ends with 1, and words on the error output, where it could not. Standard library only.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tarfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

from steward.adapters.deploy.files import locked, read_json, write_json, write_whole
from steward.adapters.deploy.release import HOST, env_file

KEPT: Final = 5
ROUND_S: Final = 0.05
SWITCH_S: Final = 15.0
SETTLE_S: Final = 2.0
"""How long a process without an address must have run to be taken for started."""
BODY_MAX: Final = 64 * 1024


def pause() -> None:
    """Wait the moment between two looks at a file."""
    threading.Event().wait(ROUND_S)


class Failed(Exception):
    """It could not be done; the message says why, `tail` what the release printed."""

    def __init__(self, why: str, tail: Sequence[str] = ()) -> None:
        super().__init__(why)
        self.tail = list(tail)


def want(site: Path, **changes: Any) -> int:
    """Change what is wanted of a site, as the next order; the order's number."""
    with locked(site / "wanted.lock"):
        wanted = read_json(site / "wanted.json")
        order = int(wanted.get("order", 0)) + 1
        write_json(site / "wanted.json", {**wanted, **changes, "order": order})
    return order


def start(site: Path, commit: str, *, kind: str, path: str, version_path: str, wait_s: float) -> bool:
    """Start a commit beside the one that serves and see it prove itself; False where it serves already.

    Raises Failed.
    """
    if _serves(site, commit) and (kind != "http" or not _fault(_status(site, "serving"), path, version_path)):
        return False
    serving = read_json(site / "wanted.json").get("serving")
    order = want(
        site,
        serving=serving,
        candidate=commit,
        exclusive=kind != "http",
        lease_s=wait_s + SWITCH_S * 2,
        promote=None,
    )
    until, fault = time.monotonic() + wait_s, "the keeper of the site does not answer"
    while time.monotonic() < until:
        candidate = _status(site, "candidate")
        if candidate.get("order") == order:
            if not candidate["alive"]:
                raise Failed(_ended(candidate), candidate["tail"])
            fault = _fault(candidate, path, version_path) if kind == "http" else _unsettled(candidate)
            if not fault:
                return True
            if fault.startswith(WRONG):
                raise Failed(fault)
        pause()
    raise Failed(f"the new release did not prove itself within {wait_s:g} s: {fault}")


WRONG: Final = "it serves another commit"


def switch(site: Path, commit: str) -> bool:
    """Have the proven candidate serve; False where that commit serves already. Raises Failed."""
    candidate = _status(site, "candidate")
    if candidate.get("commit") != commit:
        if _serves(site, commit):
            return False
        raise Failed("the new release is gone before it could take over")
    before = read_json(site / "wanted.json").get("serving")
    want(site, serving=commit, candidate=None, exclusive=False, promote=candidate["order"])
    until = time.monotonic() + SWITCH_S
    while time.monotonic() < until:
        serving = _status(site, "serving")
        if serving.get("order") == candidate["order"] and serving["alive"]:
            return True
        pause()
    want(site, serving=before, candidate=None, promote=None)
    raise Failed("the new release ended before it could take over")


def abandon(site: Path, commit: str) -> None:
    """Give a deployment up: its candidate is stopped, its files and secrets go, unless it serves."""
    if read_json(site / "wanted.json").get("candidate"):
        want(site, candidate=None, exclusive=False)
        until = time.monotonic() + SWITCH_S
        while time.monotonic() < until and _status(site, "candidate"):
            pause()
    if read_json(site / "wanted.json").get("serving") != commit:
        _remove(site, commit)


def place(site: Path, commit: str, archive: Path) -> bool:
    """Unpack the files of a commit: whole under its name, or not at all; False where they lie there already."""
    whole, partial = site / "releases" / commit, site / "releases" / f".{commit}.partial"
    if whole.exists():
        return False
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o755)
    with tarfile.open(archive) as packed:
        if hasattr(tarfile, "data_filter"):
            packed.extractall(partial, filter="data")
        else:
            packed.extractall(partial)  # noqa: S202 - `parcel.pack` made it, and refuses what leads outside
    partial.rename(whole)
    return True


def write_env(site: Path, commit: str, text: str) -> bool:
    """Write what a release runs with, its owner's alone; False where it is the same, and then it is not touched."""
    path = env_file(site, commit)
    if path.exists() and path.read_text() == text:
        return False
    write_whole(path, text)
    return True


def tidy(site: Path, commit: str) -> bool:
    """Remove what killed deployments left, and all releases but the last five; whether there was any."""
    releases = site / "releases"
    serving = read_json(site / "wanted.json").get("serving")
    whole = [path for path in releases.iterdir() if not path.name.startswith(".")]
    whole.sort(key=lambda path: (path.name in {commit, serving}, path.stat().st_ctime), reverse=True)
    gone = [path.name for path in whole[KEPT:]] + [
        path.name for path in releases.iterdir() if path.name.startswith(".")
    ]
    kept = {path.name for path in whole[:KEPT]}
    gone += [path.stem for path in (site / "env").iterdir() if path.stem not in kept]
    for name in gone:
        _remove(site, name)
    return bool(gone)


def _remove(site: Path, name: str) -> None:
    shutil.rmtree(site / "releases" / name, ignore_errors=True)
    shutil.rmtree(site / "releases" / f".{name}.partial", ignore_errors=True)
    env_file(site, name).unlink(missing_ok=True)


def _status(site: Path, part: str) -> dict[str, Any]:
    found = read_json(site / "status.json").get(part)
    return found if isinstance(found, dict) else {}


def _serves(site: Path, commit: str) -> bool:
    """Whether that commit serves, and with the environment that its file holds now."""
    serving = _status(site, "serving")
    try:
        info = env_file(site, commit).stat()
    except OSError:
        return False
    now = [info.st_ino, info.st_mtime_ns]
    return bool(serving.get("commit") == commit and serving.get("alive") and serving.get("stamp") == now)


def _ended(candidate: dict[str, Any]) -> str:
    last = next((line for line in reversed(candidate["tail"]) if line.strip()), "it printed nothing")
    return f"the new release ended by itself (code {candidate['code']}): {last}"


def _unsettled(candidate: dict[str, Any]) -> str:
    lived = time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) - candidate["since"]
    return "" if lived >= SETTLE_S else "it runs for a moment only"


class _Stay(urllib.request.HTTPRedirectHandler):
    """Redirects are answers here, not ways to somewhere else."""

    def redirect_request(self, *_args: Any, **_named: Any) -> None:
        """Follow none."""


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Stay)


def _fault(release: dict[str, Any], path: str, version_path: str) -> str:
    """What is wrong with a release that should answer; "" for nothing."""
    code, _body = _get(release["port"], path)
    if not 200 <= code < 300:
        return f"{path} answers {code}" if code else f"{path} does not answer"
    if not version_path:
        return ""
    code, body = _get(release["port"], version_path)
    try:
        found = json.loads(body).get("commit") if 200 <= code < 300 else None
    except (ValueError, AttributeError):
        found = None
    if found == release["commit"]:
        return ""
    return f"{WRONG}: {version_path} says {str(found)[:64]!r}"


def _get(port: int, path: str) -> tuple[int, bytes]:
    try:
        with _OPENER.open(f"http://{HOST}:{port}{path}", timeout=2.0) as answer:
            return int(answer.status), answer.read(BODY_MAX)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, b""
    except (OSError, ValueError, ArithmeticError):
        return 0, b""


def main(words: Sequence[str]) -> None:
    """Do what the command line asks."""
    parser = argparse.ArgumentParser(prog="hand")
    parser.add_argument("act", choices=("place", "env", "start", "switch"))
    parser.add_argument("site", type=Path)
    parser.add_argument("commit")
    parser.add_argument("archive", type=Path, nargs="?", default=Path())
    parser.add_argument("--kind", default="http")
    parser.add_argument("--path", default="/up")
    parser.add_argument("--version-path", default="")
    parser.add_argument("--wait", type=float, default=60.0)
    asked = parser.parse_args(words)
    try:
        changed = _act(asked)
    except Failed as failed:
        _end(failed)
    print(json.dumps({"changed": changed}))  # noqa: T201 - this is its answer


def _act(asked: argparse.Namespace) -> bool:
    site, commit = asked.site, asked.commit
    if asked.act == "place":
        return place(site, commit, asked.archive)
    if asked.act == "env":
        return write_env(site, commit, sys.stdin.read())
    if asked.act == "start":
        return start(
            site,
            commit,
            kind=asked.kind,
            path=asked.path,
            version_path=asked.version_path,
            wait_s=asked.wait,
        )
    switched = switch(site, commit)
    return tidy(site, commit) or switched


def _end(failed: Failed) -> NoReturn:
    print("\n".join([*failed.tail, str(failed)]), file=sys.stderr)  # noqa: T201 - this is its answer
    sys.exit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
