"""The scanner: walks a tree within bounds, gives each file to its reader, and weighs what they found."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from steward.adapters.scan import compose, contracts, examples, plain, python, script, walking, workflows
from steward.adapters.scan.source import Source, Unreadable
from steward.domain import sources
from steward.domain.needs import IMPLEMENTATION, Evidence, Scan
from steward.domain.sources import Form
from steward.domain.weighing import Reading, weigh
from steward.ports.scan import Bounds

_TOLD_EVERY = 2_000
_READINGS_MAX = 100_000
_LIST_MAX = 200
_Read = Callable[[Source], Iterator[Reading]]

_FORMS: dict[Form, _Read] = {
    Form.EXAMPLE: examples.read_example,
    Form.COMPOSE: compose.read_compose,
    Form.WORKFLOW: workflows.read_workflow,
    Form.CONTRACT: contracts.read_contract,
    Form.COPIER: contracts.read_copier,
    Form.APP_JSON: contracts.read_app_json,
    Form.RENDER: contracts.read_render,
    Form.FLY: contracts.read_fly,
    Form.DOCKERFILE: plain.read_dockerfile,
    Form.SPRING: contracts.read_spring,
    Form.SERVICE: contracts.read_service,
}
_WORDS = (
    b"env",
    b"Env",
    b"ENV",
    b"BaseSettings",
    b"decouple",
    b"starlette.config",
    b"var(",
    b"var_os(",
    b"${",
)
_SCRIPTS = frozenset({"JavaScript", "TypeScript", "Vue", "Svelte", "Astro"})


@dataclass(slots=True)
class _Found:
    """What was found so far."""

    readings: list[Reading] = field(default_factory=list)
    workflows: list[str] = field(default_factory=list)
    deploys: list[str] = field(default_factory=list)
    self_deploys: list[Evidence] = field(default_factory=list)
    languages: Counter[str] = field(default_factory=Counter)
    env_files: list[str] = field(default_factory=list)
    passed: walking.Passed = field(default_factory=walking.Passed)
    files: int = 0
    read_bytes: int = 0
    code: bool = False
    implementation: bool = False
    cut: bool = False


class TreeScanner:
    """`ports.scan.Scanner` over files on this machine. `clock` tells seconds, for the bound on the whole."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock

    def scan(
        self, tree: Path, commit: str, bounds: Bounds, told: Callable[[str], None] = lambda _text: None
    ) -> Scan:
        """Read the files of a tree. Whatever they hold there is an answer; what was not read is in it."""
        found, until = _Found(), self._clock() + bounds.seconds
        plain_files: dict[str, os.DirEntry[str]] = {}
        for path, entry in walking.files_of(tree, found.passed):
            if found.files >= bounds.files or found.read_bytes >= bounds.tree_bytes or self._clock() > until:
                found.cut = True
                break
            found.files += 1
            _note(found, path)
            if path.endswith(".env"):
                plain_files[path] = entry
            self._read_one(found, path, entry, bounds)
            if found.files % _TOLD_EVERY == 0:
                told(f"{found.files} files read")
        for path in sorted({one for one in found.env_files if one in plain_files}):
            text = partial(examples.read_example, reader="compose env_file")
            self._give(found, path, plain_files[path], text, None, bounds)
        told(
            f"{found.files} files read, all of them"
            if not found.cut
            else f"{found.files} files read, then a bound"
        )
        return _scan(commit, found)

    def _read_one(self, found: _Found, path: str, entry: os.DirEntry[str], bounds: Bounds) -> None:
        if sources.is_aside(path):
            return
        form = sources.form_of(path)
        if form is not None:
            self._give(found, path, entry, _FORMS[form], None, bounds)
            return
        language = sources.language_of(path)
        if language in sources.READ and language is not None:
            read, hit = _reader_of(language)
            self._give(found, path, entry, read, hit, bounds)

    def _give(
        self,
        found: _Found,
        path: str,
        entry: os.DirEntry[str],
        read: _Read,
        hit: re.Pattern[bytes] | None,
        bounds: Bounds,
    ) -> None:
        """Read one file, if it can be read and may hold a name at all."""
        try:
            held = walking.content(entry, bounds.file_bytes)
        except OSError as error:
            found.passed.add(path, f"it cannot be read: {error.strerror or error}")
            return
        if held is None:
            found.passed.add(path, f"larger than {bounds.file_bytes} bytes")
            return
        found.read_bytes += len(held)
        if hit is not None and not _may_read(held, hit):
            return
        if b"\0" in held[:8000]:
            found.passed.add(path, "binary")
            return
        source = Source(walking.shown(path), held.decode("utf-8", "replace"))
        try:
            for reading in read(source):
                found.readings.append(reading)
            _beside(found, path, source)
        except Unreadable as error:
            found.passed.add(path, str(error))
        if len(found.readings) > _READINGS_MAX:
            found.readings = found.readings[:_READINGS_MAX]
            found.cut = True


def _may_read(held: bytes, hit: re.Pattern[bytes]) -> bool:
    """Whether a file may read a name at all. Looking for plain words is many times faster than the pattern, and
    leaves it few files.
    """
    return any(word in held for word in _WORDS) and hit.search(held) is not None


def _reader_of(language: str) -> tuple[_Read, re.Pattern[bytes]]:
    """How files of a language are read, and what their bytes must hold to be read at all."""
    if language == "Python":
        return python.read_python, python.HIT
    if language in _SCRIPTS:
        return script.read_script, script.HIT
    if language == "Shell":
        return plain.read_shell, plain.SHELL_HIT
    return partial(plain.read_plain, language=language), plain.HIT


def _note(found: _Found, path: str) -> None:
    """What a path alone tells."""
    if language := sources.language_of(path):
        found.languages[language] += 1
    found.implementation |= path == IMPLEMENTATION
    found.code |= not sources.is_paper(path)
    if sources.form_of(path) is Form.WORKFLOW and path.startswith(".github/workflows/"):
        found.workflows.append(walking.shown(path))
    if sources.is_deploy(path) and not sources.is_aside(path) and len(found.deploys) < _LIST_MAX:
        found.deploys.append(walking.shown(path))


def _beside(found: _Found, path: str, source: Source) -> None:
    """What some files tell besides names."""
    form = sources.form_of(path)
    if form is Form.WORKFLOW and path.startswith(".github/workflows/"):
        evidence = workflows.self_deploys(source)
        found.self_deploys += evidence
        if evidence and source.path not in found.deploys:
            found.deploys.append(source.path)
    elif form is Form.COMPOSE:
        folder = path.rpartition("/")[0]
        found.env_files += [f"{folder}/{one}" if folder else one for one in compose.env_files(source)]


def _scan(commit: str, found: _Found) -> Scan:
    return Scan(
        commit=commit,
        needs=weigh(found.readings),
        workflows=tuple(sorted(found.workflows)[:_LIST_MAX]),
        deploys=tuple(sorted(found.deploys)),
        self_deploys=tuple(found.self_deploys[:_LIST_MAX]),
        code=found.code,
        implementation=found.implementation,
        languages=dict(sorted(found.languages.items())),
        files=found.files,
        skipped=tuple(found.passed.those),
        cut=found.cut,
    )
