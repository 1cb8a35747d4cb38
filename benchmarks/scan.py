"""What a scan of a tree costs against searching the same tree for the words that readings hold."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from benchmarks.measure import Result, compare
from steward.adapters.scan import TreeScanner
from steward.ports.scan import Bounds

FILES = 5_000
WORDS = r"environ|getenv|process\.env|secrets\.|\$\{"
LIMIT = 25.0
"""Searching is a program in C on both cores; reading parses every file that holds such a word, in Python."""

_PLAIN = {
    "py": "def work(n: int) -> int:\n    total = 0\n    for one in range(n):\n        total += one\n    return total\n",
    "ts": "export function work(n: number): number {\n  return [...Array(n).keys()].reduce((a, b) => a + b, 0);\n}\n",
    "go": "package work\n\nfunc Work(n int) int {\n\ttotal := 0\n\treturn total + n\n}\n",
}
_READING = {
    "py": 'import os\n\nONE = os.environ["NEED_%d"]\nTWO = os.environ.get("WISH_%d", "x")\n',
    "ts": "export const one = process.env.NEED_%d;\nexport const two = process.env.WISH_%d ?? 'x';\n",
    "go": 'package work\n\nimport "os"\n\nvar one = os.Getenv("NEED_%d") + os.Getenv("WISH_%d")\n',
}
_WORKFLOW = "on: push\njobs:\n  test:\n    steps:\n      - run: make\n        env:\n          A: ${{ secrets.NEED_%d }}\n"


def plant(tree: Path, count: int) -> None:
    """A tree of so many files in three languages, one in twenty of which reads the environment, and workflows."""
    for number in range(count):
        ending = ("py", "ts", "go")[number % 3]
        text = _PLAIN[ending] * 20
        if number % 20 == 0:
            text = _READING[ending] % (number, number) + text
        folder = tree / f"part{number % 50}"
        folder.mkdir(exist_ok=True)
        (folder / f"file{number}.{ending}").write_text(text)
    workflows = tree / ".github" / "workflows"
    workflows.mkdir(parents=True)
    for number in range(20):
        (workflows / f"check{number}.yml").write_text(_WORKFLOW % number)
    subprocess.run(["git", "init", "-q", str(tree)], check=True)
    subprocess.run(["git", "-C", str(tree), "add", "-A"], check=True)


def scanning(count: int = FILES) -> Result:
    """A whole scan against `git grep` for the words alone."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        plant(tree, count)

        def scan() -> None:
            found = TreeScanner().scan(tree, "0" * 40, Bounds())
            assert len(found.needs) >= count // 10, len(found.needs)

        def search() -> None:
            subprocess.run(
                ["git", "-C", folder, "grep", "-n", "-I", "-E", WORDS], capture_output=True, check=True
            )

        return compare(f"scan of {count:,} files against git grep", scan, search, LIMIT)
