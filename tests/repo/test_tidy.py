"""The tree keeps its own rules: sizes, reasons beside exceptions to them, and words that do not belong."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FUNCTION_LINES_MAX = 50
FILE_LINES_MAX = 400
TEST_FILE_LINES_MAX = 600


def tracked(*suffixes: str) -> list[Path]:
    """Files of the tree, whether committed already or not, without what is ignored."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    paths = [ROOT / line for line in listed]
    return [path for path in paths if path.is_file() and (not suffixes or path.suffix in suffixes)]


def sources() -> list[Path]:
    """Every Python file."""
    return tracked(".py")


def is_test(path: Path) -> bool:
    """Whether it belongs to the tests."""
    return path.is_relative_to(ROOT / "tests")


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function in a file, nested ones too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_files_and_functions_stay_small() -> None:
    too_long = []
    for path in sources():
        lines = path.read_text().count("\n")
        limit = TEST_FILE_LINES_MAX if is_test(path) else FILE_LINES_MAX
        if lines > limit:
            too_long.append(f"{path.relative_to(ROOT)}: {lines} lines")
        if is_test(path):
            continue
        for function in functions(path):
            size = (function.end_lineno or function.lineno) - function.lineno + 1
            if size > FUNCTION_LINES_MAX:
                too_long.append(f"{path.relative_to(ROOT)}:{function.lineno} {function.name}: {size} lines")
    assert too_long == []


def test_every_module_and_public_class_says_what_it_is() -> None:
    silent = []
    for path in sources():
        if is_test(path):
            continue
        tree = ast.parse(path.read_text())
        if tree.body and ast.get_docstring(tree) is None:
            silent.append(str(path.relative_to(ROOT)))
        for node in tree.body:
            public = isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
            if (
                public
                and isinstance(node, ast.ClassDef | ast.FunctionDef)
                and ast.get_docstring(node) is None
            ):
                silent.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert silent == []


def test_every_exception_to_a_check_gives_its_reason() -> None:
    bare = []
    for path in sources():
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            found = re.search(r"#\s*(noqa|type: ignore)(?::?\s*[\w,\[\]-]+)?(.*)", line)
            if found and path != Path(__file__) and not re.search(r"\w{3}", found.group(2)):
                bare.append(f"{path.relative_to(ROOT)}:{number}")
    assert bare == []


def test_no_test_is_left_out_in_silence() -> None:
    left_out = []
    for path in sources():
        if is_test(path) and path != Path(__file__):
            for number, line in enumerate(path.read_text().splitlines(), start=1):
                if re.search(r"(?<![\w.])(pytest\.)?(mark\.)?(skip|skipif|xfail|importorskip)\(", line):
                    left_out.append(f"{path.relative_to(ROOT)}:{number}")
    assert left_out == []


def test_no_promise_stands_for_code() -> None:
    promises = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX"]) + r")\b")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in tracked(".py", ".toml", ".md", ".txt")
        if "requirements" not in path.parts
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if promises.search(line)
    ]
    assert found == []


FOREIGN = [
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry.npm" + "js.org",
    "../" + "shared/design",
    "/work" + "/",
]


@pytest.mark.parametrize("word", FOREIGN)
def test_the_project_stands_alone(word: str) -> None:
    found = [
        str(path.relative_to(ROOT))
        for path in tracked()
        if path.stat().st_size < 3_000_000 and word.encode() in path.read_bytes()
    ]
    assert found == []


def test_there_is_no_code_path_that_deletes_a_repository() -> None:
    """Steward never deletes. Its clients send GET, POST for App tokens, changes of webhooks through one door, and
    those of the builder through the doors of another. What the one door at a repository's own address lets through,
    and what it does not, tests/contract/forge/test_doors.py tries.
    """
    adapter = ROOT / "src" / "steward" / "adapters" / "github"
    changing = {}
    for path in adapter.rglob("*.py"):
        text = path.read_text()
        assert not re.search(r"[\"']DELETE[\"']|\.delete\(|\.put\(|\.patch\(", text), path
        if methods := set(re.findall(r"[\"'](POST|PATCH|PUT)[\"']", text)):
            changing[path.name] = methods
    assert changing == {
        "wire.py": {"POST"},
        "hooks.py": {"POST", "PATCH"},
        "write_wire.py": {"POST", "PATCH", "PUT"},
        "write_repos.py": {"POST"},
        "write_rules.py": {"POST", "PATCH", "PUT"},
        "write_pulls.py": {"POST", "PUT"},
        "write_settings.py": {"POST", "PATCH", "PUT"},
    }
    sending = [path.name for path in adapter.rglob("*.py") if "._send(" in path.read_text()]
    assert sorted(sending) == ["hooks.py", "wire.py", "write_wire.py"]
    changers = [path.name for path in adapter.rglob("*.py") if ".change(" in path.read_text()]
    assert not {"watch.py", "compare.py", "desk.py"} & set(changers), "who watches changes nothing"
    users = [path.name for path in adapter.rglob("*.py") if re.search(r"\.post\(", path.read_text())]
    assert users == ["app.py"]
