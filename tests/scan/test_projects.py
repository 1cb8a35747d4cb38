"""The scanner judged on real projects: what it finds against what a person found with grep.

The projects are fetched by name and version from PyPI and npm, with pip and npm, as the test runs: it needs the
network, and fails in words where there is none. None of their files are in this repository. A truth file says, for
each name, its demand, its sort and the places that read it; "a:1/2" means that either line will do.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from steward.adapters.scan import TreeScanner
from steward.domain.needs import Need, Scan
from steward.ports.scan import Bounds

TRUTH = sorted((Path(__file__).parent / "truth").glob("*.toml"))
NAMES_FLOOR = 0.92
PLACES_FLOOR = 0.92
JUDGED_FLOOR = 0.92
"""Floors over all projects together; docs/scan.md has what was measured."""
LEAST = 0.75
"""The floor of each project alone: some read a handful of names, so that one miss weighs much."""


@dataclass
class Tally:
    """What was found, rightly and wrongly, and what was not."""

    right: int = 0
    found: int = 0
    true: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.right + other.right, self.found + other.found, self.true + other.true)

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        return self.right / self.true if self.true else 1.0


def fetch(truth: dict[str, str], into: Path) -> Path:
    """The unpacked source package, its checksum compared."""
    package, version = truth["package"], truth["version"]
    if truth["index"] == "pip":
        words = [
            sys.executable,
            "-m",
            "pip",
            "--disable-pip-version-check",
            "download",
            "--quiet",
            "--no-deps",
        ]
        words += ["--no-binary", package, f"{package}=={version}"]
    else:
        words = ["npm", "pack", "--silent", "--ignore-scripts", f"{package}@{version}"]
    ran = subprocess.run(words, cwd=into, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, (
        f"{package} {version} cannot be fetched; this test needs the network:\n{ran.stderr[-600:]}"
    )
    (archive,) = [one for one in into.iterdir() if one.name.endswith(("gz", "tgz"))]
    assert hashlib.sha256(archive.read_bytes()).hexdigest() == truth["sha256"], (
        f"{package} is another archive"
    )
    with tarfile.open(archive) as packed:
        packed.extractall(into / "tree", filter="data")
    (root,) = (into / "tree").iterdir()
    return root


def places(said: str) -> list[set[str]]:
    """The places of one name, each as the set of its alternatives."""
    every = []
    for one in said.split()[2:]:
        path, _, lines = one.rpartition(":")
        every.append({f"{path}:{line}" for line in lines.split("/")})
    return every


def judge(names: dict[str, str], scan: Scan) -> tuple[Tally, Tally, Tally, list[str]]:
    """Names, places, demands with sorts; and what is wrong, in words."""
    needs: dict[str, Need] = {need.name: need for need in scan.needs}
    both = needs.keys() & names.keys()
    wrong = [f"not found: {name}" for name in sorted(names.keys() - both)]
    wrong += [f"too much: {name} {needs[name].evidence[0]}" for name in sorted(needs.keys() - both)]
    where, judged = Tally(), Tally()
    for name, said in names.items():
        true = places(said)
        where.true += min(len(true), 10)
        if name in both:
            got = {f"{one.path}:{one.line}" for one in needs[name].evidence}
            where.found += len(got)
            where.right += sum(bool(one & got) for one in true[:10] if one)
            missed = [min(one) for one in true if not one & got]
            more = got - set().union(*true)
            wrong += [f"{name}: missed {missed}, more {sorted(more)}"] if missed or more else []
            verdict = f"{needs[name].demand} {needs[name].sort}"
            judged += Tally(verdict == " ".join(said.split()[:2]), 1, 1)
            if verdict != " ".join(said.split()[:2]):
                wrong.append(f"{name}: {verdict}, in truth {' '.join(said.split()[:2])}")
    where.found += sum(len(need.evidence) for name, need in needs.items() if name not in both)
    return Tally(len(both), len(needs), len(names)), where, judged, wrong


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_real_projects_are_read_as_a_person_reads_them(tmp_path: Path) -> None:
    assert len(TRUTH) >= 12
    names, where, judged = Tally(), Tally(), Tally()
    weak = []
    print(
        f"\n{'project':30} {'names':>5} {'precision':>9} {'recall':>6} {'places: p':>9} {'r':>6} {'judged':>6}"
    )
    for file in TRUTH:
        truth = tomllib.loads(file.read_text())
        folder = tmp_path / file.stem
        folder.mkdir()
        root = fetch(truth, folder)
        for name, said in truth["names"].items():
            for one in places(said):
                path, line = min(one).rpartition(":")[::2]
                assert len((root / path).read_text().splitlines()) >= int(line), f"{file.stem}: {name} {one}"
        scan = TreeScanner().scan(root, "0" * 40, Bounds())
        got, at, verdicts, wrong = judge(truth["names"], scan)
        print(
            f"{file.stem:30} {got.true:5} {got.precision:9.2f} {got.recall:6.2f} {at.precision:9.2f}"
            f" {at.recall:6.2f} {verdicts.precision:6.2f}"
        )
        print("".join(f"    {one}\n" for one in wrong), end="")
        weak += [file.stem] if min(got.precision, got.recall) < LEAST else []
        names += got
        where += at
        judged += verdicts
    print(
        f"{'all':30} {names.true:5} {names.precision:9.2f} {names.recall:6.2f} {where.precision:9.2f}"
        f" {where.recall:6.2f} {judged.precision:6.2f}"
    )
    assert weak == []
    assert min(names.precision, names.recall) >= NAMES_FLOOR
    assert min(where.precision, where.recall) >= PLACES_FLOOR
    assert judged.precision >= JUDGED_FLOOR
