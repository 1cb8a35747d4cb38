"""One rendering: a folder of its own with everything it needs, the process, and what is taken over of it."""

from __future__ import annotations

import json
import os
import posixpath
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from steward.adapters.templates import git, process
from steward.adapters.templates.screening import BYTES_MAX, FILES_MAX, escapes
from steward.ports.errors import Permanent, Transient

Runner = Callable[[list[str], Path], "subprocess.CompletedProcess[Any]"]
"""Runs a program in a box. The folder is the only one that it must write to, and bears the same path inside; the
interpreter and this package can be read there. No network is needed. Raises subprocess.TimeoutExpired."""

MEMORY_BYTES: Final = 2_000_000_000
FILE_BYTES: Final = 64_000_000
_SCRIPT: Final = Path(__file__).with_name("renderer.py")
_MARKS: Final = (b"<<<<<<< before updating", b">>>>>>> after updating")
_OUTCOME_MAX: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Render:
    """One project to render: the folder within the job, and the answers, secrets too."""

    into: Path
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Order:
    """What is rendered. `ref` is a commit, None for a folder; `addresses` are led to the job's own copy."""

    source: str
    renders: tuple[Render, ...]
    ref: str | None = None
    addresses: tuple[str, ...] = ()
    update: bool = False
    answers_file: str = ".copier-answers.yml"
    code: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """A folder for one rendering. `template` is where its copy of the template's commits lies."""

    folder: Path

    @property
    def template(self) -> Path:
        """A bare repository with the commits that are rendered."""
        return self.folder / "template.git"

    @property
    def project(self) -> Path:
        """What is rendered, before it is taken over."""
        return self.folder / "project"


@contextmanager
def job(root: Path) -> Iterator[Job]:
    """A folder that only this user reads, and that is gone afterwards."""
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="render-", dir=root, ignore_cleanup_errors=True) as folder:
        for name in ("home", "tmp"):
            (Path(folder) / name).mkdir()
        yield Job(Path(folder))


def render(
    one: Job, order: Order, *, runner: Runner | None, timeout_s: float, hidden: Sequence[str]
) -> list[str]:
    """Render; the files that are left in conflict. `hidden` are texts that no error may show.

    Raises Permanent where the template or the answers are at fault, Transient where it took too long.
    """
    order_file, outcome_file = one.folder / "order.json", one.folder / "outcome.json"
    with os.fdopen(os.open(order_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(_written(one, order, outcome_file), file)
    argv = [sys.executable, "-I", "-B", str(_SCRIPT), str(order_file)]
    try:
        if runner is not None:
            done = runner(argv, one.folder)
        else:
            env = {"PATH": process.PATH, "HOME": str(one.folder / "home"), "LC_ALL": "C.UTF-8"}
            done = process.run(argv, cwd=one.folder, env=env, timeout_s=timeout_s)
    except subprocess.TimeoutExpired:
        raise Transient(f"the template took longer to render than {timeout_s:.0f} seconds") from None
    finally:
        order_file.unlink(missing_ok=True)
    outcome = _read_outcome(outcome_file)
    if "failed" in outcome:
        raise _refused(str(outcome["failed"]), hidden)
    if done.returncode != 0 or not isinstance(outcome.get("unmerged"), list):
        said = (
            done.stderr.decode(errors="replace") if isinstance(done.stderr, bytes) else str(done.stderr or "")
        )
        raise _refused((said.strip().splitlines() or [f"it ended with {done.returncode}"])[-1], hidden)
    return [str(path) for path in outcome["unmerged"]]


def _refused(said: str, hidden: Sequence[str]) -> Permanent:
    """What the renderer said, without secrets."""
    for secret in sorted(hidden, key=len, reverse=True):
        if secret:
            said = said.replace(secret, "***")
    words = " ".join(said.split())[:500]
    return Permanent(f"the template cannot be rendered: {words}", "Correct the answers, or the template")


def _read_outcome(file: Path) -> dict[str, Any]:
    """What the renderer left; template code may have written it, so nothing in it is believed to be in order."""
    try:
        if file.is_symlink() or file.stat().st_size > _OUTCOME_MAX:
            return {}
        found = json.loads(file.read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _written(one: Job, order: Order, outcome: Path) -> dict[str, Any]:
    """The order as the renderer reads it."""
    led = tuple((f"url.file://{one.template}.insteadOf", address) for address in order.addresses)
    environment = git.environment("file", one.folder / "home", led)
    environment |= {
        "TMPDIR": str(one.folder / "tmp"),
        "COPIER_CACHE_DIR": str(one.folder / "copier"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return {
        "environment": environment,
        "folder": str(one.folder),
        "outcome": str(outcome),
        "source": order.source,
        "ref": order.ref,
        "update": order.update,
        "answers_file": order.answers_file,
        "code": order.code,
        "memory_bytes": MEMORY_BYTES,
        "file_bytes": FILE_BYTES,
        "renders": [{"into": str(render.into), "data": dict(render.data)} for render in order.renders],
    }


def listed(folder: Path) -> dict[str, Path]:
    """Every file and link in a folder by its path, without git's own folder at the top.

    Raises Permanent where something in it may not be taken over.
    """
    found: dict[str, Path] = {}
    size = 0
    for root, folders, files in os.walk(folder, followlinks=False):
        here = Path(root)
        if here == folder and ".git" in folders:
            folders.remove(".git")
        links = [name for name in folders if (here / name).is_symlink()]
        for name in [*files, *links]:
            path = here / name
            relative = path.relative_to(folder).as_posix()
            size += _taken(path, relative)
            found[relative] = path
        if ".git" in folders:
            raise _unfit(f"{here.relative_to(folder).as_posix()}/.git is git's own")
        if len(found) > FILES_MAX or size > BYTES_MAX:
            raise _unfit(f"it makes more than {FILES_MAX:,} files, or {BYTES_MAX // 1_000_000} MB")
    return found


def _taken(path: Path, relative: str) -> int:
    """The size of a file, if it may be taken over."""
    if path.name == ".git":
        raise _unfit(f"{relative} is git's own")
    about = path.lstat()
    if stat.S_ISLNK(about.st_mode):
        target = str(path.readlink())
        if escapes(
            posixpath.normpath(posixpath.join(posixpath.dirname(relative), target))
        ) or target.startswith("/"):
            raise _unfit(f"the link {relative} leads out of the project")
    elif not stat.S_ISREG(about.st_mode):
        raise _unfit(f"{relative} is no file")
    return about.st_size


def _unfit(why: str) -> Permanent:
    return Permanent(f"what the template renders cannot be taken over: {why}", "Correct the template")


def take_over(rendered: Mapping[str, Path], into: Path, gone: Sequence[str] = ()) -> None:
    """Copy what was rendered into a working clone, and delete there what is `gone` from it.

    Nothing is written through a link that lies in the clone.
    """
    for relative in gone:
        target = into / relative
        if target.is_symlink() or target.is_file():
            _clear_way(into, relative)
            target.unlink(missing_ok=True)
    for relative, source in rendered.items():
        target = into / relative
        _clear_way(into, relative)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.is_symlink() or target.is_file():
            target.unlink()
        elif target.is_dir():
            shutil.rmtree(target)
        shutil.copy2(source, target, follow_symlinks=False)


def _clear_way(into: Path, relative: str) -> None:
    """Take away links and files that stand where a folder on the way to a file must be."""
    for parent in reversed(Path(relative).parents[:-1]):
        way = into / parent
        if way.is_symlink() or way.is_file():
            way.unlink()


def marked(rendered: Mapping[str, Path]) -> set[str]:
    """Files that hold the marks of a conflict, whatever was said of them."""
    found = {relative for relative in rendered if relative.endswith(".rej")}
    for relative, path in rendered.items():
        if not path.is_symlink():
            lines = {line.rstrip() for line in path.read_bytes().splitlines()}
            if lines.issuperset(_MARKS):
                found.add(relative)
    return found
