"""An example for each sentence of docs/scan.md, and laws over hostile trees."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steward.adapters.scan import TreeScanner
from steward.domain.needs import Demand, Need, Origin, Purpose, Scan, Sort, touches
from steward.domain.weighing import EVIDENCE_MAX, sort_of
from steward.ports.scan import Bounds


def scan(tree: Path, bounds: Bounds = Bounds()) -> Scan:  # noqa: B008 - a frozen value
    return TreeScanner().scan(tree, "0" * 40, bounds)


def needs(tree: Path, path: str, text: str) -> dict[str, Need]:
    """What one file of a tree comes to."""
    (tree / path).parent.mkdir(parents=True, exist_ok=True)
    (tree / path).write_text(text)
    return {need.name: need for need in scan(tree).needs}


EXAMPLES = [
    ("a.py", "import os\nos.environ['A']", "A required"),
    ("a.py", "import os as o\no.environ.get('A')", "A optional"),
    ("a.py", "from os import getenv as g\ng('A', 'x')", "A optional default"),
    ("a.py", "import os\nif 'A' in os.environ:\n    os.environ['A']", "A optional"),
    ("a.py", "import os\nif 'A' not in os.environ:\n    raise SystemExit", "A required"),
    ("a.py", "import os\nx = os.getenv('A')\nif not x:\n    raise ValueError", "A required"),
    ("a.py", "import os\ntry:\n    os.environ['A']\nexcept KeyError:\n    pass", "A optional"),
    ("a.py", "import os\nK = 'A'\nos.environ[K]", "A required"),
    ("a.py", "import os\nfor k in ('A', 'B'):\n    os.environ[k]", "A required, B required"),
    ("a.py", "import os\nos.environ['A'] = '1'\ndel os.environ['B']", ""),
    ("a.py", "import os\ndef f(n):\n    return os.environ.get(n)\nf('A')", "A optional"),
    ("a.py", "import os\ndef app(environ):\n    return environ['A']", ""),
    ("a.py", "from decouple import config\nconfig('A')\nconfig('B', default=1)", "A required, B optional default"),
    ("a.py", "from environs import Env\nenv = Env()\nenv.str('A')\nenv.int('B', 1)", "A required, B optional default"),
    ("a.py", "import environ\nenv = environ.Env(B=(bool, False))\nenv('A')\nenv('B')", "A required, B optional default"),
    ("a.py", "import click\n@click.option('--a', envvar='A')\ndef f(a): ...", "A optional"),
    ("a.py", "class S(BaseSettings):\n    a: str\n    b: int = 1\n    model_config = {'env_prefix': 'P_'}", "P_A required, P_B optional default"),
    ("a.py", "class S(BaseSettings):\n    a: str = Field(validation_alias='A_B')", "A_B required"),
    ("a.js", "x = process.env.A; y = process.env['B'] || 'x'", "A optional, B optional default"),
    ("a.ts", "const x = process.env.A!", "A required"),
    ("a.js", "if (!process.env.A) { throw new Error('no') }", "A required"),
    ("a.js", "const { A, B = 1 } = process.env", "A optional, B optional default"),
    ("a.js", "process.env.A = '1'; delete process.env.B; // process.env.C", ""),
    ("a.ts", "import.meta.env.VITE_A; Deno.env.get('B')", "VITE_A optional, B optional"),
    ("a.go", 'x := os.Getenv("A"); y, ok := os.LookupEnv("B")', "A optional, B optional"),
    ("a.rb", "ENV['A']; ENV.fetch('B'); ENV.fetch('C', 1)", "A optional, B required, C optional default"),
    ("a.rs", 'env::var("A").unwrap(); env::var("B").ok(); env!("C")', "A required, B optional, C required"),
    ("a.php", "<?php getenv('A'); $_ENV['B'] ?? 'x';", "A optional, B optional default"),
    ("A.java", 'System.getenv("A");', "A optional"),
    ("a.sh", ": ${A:?no}\necho ${B:-x}\nC=1\necho ${C:-2}", "A required, B optional default"),
    ("compose.yaml", "services: {a: {image: '${A:?no}', x: '${B:-d}', y: '${C}', z: '$${D}'}}", "A required, B optional default, C required"),
    ("compose.yaml", "services:\n  a:\n    environment:\n      - A\n      - B=1\n", "A optional"),
    (".github/workflows/a.yml", "on: push\nenv:\n  A: ${{ secrets.A }}\n  B: ${{ vars.B || 'x' }}\n  C: ${{ secrets.GITHUB_TOKEN }}", "A required, B optional default, GITHUB_TOKEN builtin"),
    (".github/workflows/a.yml", "on:\n  workflow_call:\n    secrets:\n      A: {required: false}\nenv:\n  A: ${{ secrets.A }}", "A optional"),
    (".env.example", "# The key\nA=\nB=x\n# C=1\nD=changeme\n# optional\nE=", "A required, B optional default, C optional default, D required, E optional"),
    ("env.contract.yaml", "entries:\n  A: {source: user_secret, required: true}\n  B: {source: allocation}\n  C: {source: derived}", "A required, B builtin, C builtin default?"),
    ("deploy.toml", "[service]\nport_variable = 'A'\nhost_variable = 'B'", "A builtin, B builtin"),
    ("deploy.toml", "service = 1", ""),
    ("copier.yml", "a:\n  secret: true\nb:\n  type: str", "a required"),
    ("app.json", '{"env": {"A": {"required": true}, "B": "x", "C": {"generator": "secret"}}}', "A required, B optional default, C required"),
    ("render.yaml", "services:\n- envVars:\n  - {key: A, sync: false}\n  - {key: B, value: x}", "A required"),
    ("tests/a.py", "import os\nos.environ['A']", ""),
    ("node_modules/a.js", "process.env.A", ""),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text", "said"), EXAMPLES)
def test_a_reader_reads(tmp_path: Path, path: str, text: str, said: str) -> None:
    found = needs(tmp_path, path, text)
    told = [f"{need.name} {need.demand}{' default' if need.default else ''}" for need in found.values()]
    assert told == sorted(one.replace(" default?", "") for one in said.split(", ") if one)
    assert all(one.path == path for need in found.values() for one in need.evidence)


def test_sources_are_put_together(tmp_path: Path) -> None:
    (tmp_path / ".env.example").write_text("# From the bank\nBANK_TOKEN=\nNAME=\n")
    (tmp_path / "Dockerfile").write_text("FROM x\nENV NAME=me OTHER=1\n")
    found = needs(tmp_path, "a.py", "import os\nos.environ['NAME']\nos.environ.get('BANK_TOKEN')")
    assert found.keys() == {"BANK_TOKEN", "NAME"}, "what an image sets and nobody reads is no need"
    assert (found["NAME"].demand, found["NAME"].default) == (Demand.OPTIONAL, True)
    bank = found["BANK_TOKEN"]
    assert (bank.demand, bank.sort, bank.help, bank.times) == (
        Demand.OPTIONAL,
        Sort.SECRET,
        "From the bank",
        2,
    )


def test_checks_are_another_purpose(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import os\nos.environ.get('A')\nos.environ['PORT']")
    found = needs(tmp_path, ".github/workflows/a.yml", "on: push\nenv: {x: '${{ secrets.A }}'}")
    assert found["A"].purposes == {Purpose.RUN, Purpose.CHECKS}
    assert found["A"].sort is Sort.SECRET
    assert found["PORT"].origin is Origin.ALLOCATION


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("API_KEY", 1),
        ("DATABASE_URL", 1),
        ("SENTRY_DSN", 1),
        ("DB_PASSWORD", 1),
        ("SLACK_WEBHOOK_URL", 1),
        ("KEYBOARD", 0),
        ("PUBLIC_KEY", 0),
        ("TOKEN_TTL", 0),
        ("MAX_TOKENS", 0),
        ("BASE_URL", 0),
        ("KEY_FILE", 0),
    ],
)
def test_words_tell_secrets(name: str, secret: int) -> None:
    assert (sort_of(name) is Sort.SECRET) == bool(secret)


def test_what_puts_itself_live_is_seen(tmp_path: Path) -> None:
    steps = "jobs:\n  a:\n    steps:\n      - uses: peaceiris/actions-gh-pages@v4\n"
    needs(tmp_path, ".github/workflows/a.yml", "on: {push: {branches: [main]}}\n" + steps)
    needs(tmp_path, ".github/workflows/b.yml", "on: pull_request\n" + steps)
    needs(tmp_path, ".github/workflows/c.yml", "on: push\njobs:\n  test:\n    steps:\n      - run: make\n")
    (tmp_path / "fly.toml").write_text("")
    got = scan(tmp_path)
    assert [(one.path, one.line) for one in got.self_deploys] == [(".github/workflows/a.yml", 5)]
    assert got.deploys == (".github/workflows/a.yml", "fly.toml")
    assert len(got.workflows) == 3


def test_a_readme_alone_is_no_code(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("x")
    (tmp_path / "IMPLEMENTATION.md").write_text("x")
    got = scan(tmp_path)
    assert (got.code, got.implementation, got.files) == (False, True, 2)


def test_what_is_not_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "big.py").write_text("import os\nos.environ['A']\n" * 100)
    (tmp_path / "bin.py").write_bytes(b"os.environ\0")
    (tmp_path / "bad.py").write_text("os.environ[")
    (tmp_path / "link.py").symlink_to("/etc/passwd")
    (tmp_path / "deep.py").write_text("os.environ" + "(" * 5000)
    (tmp_path / "compose.yaml").write_text("a: &a [x]\n" + "b: [" + "*a, " * 600 + "]\n")
    os.mkfifo(tmp_path / "pipe.py")
    got = scan(tmp_path, Bounds(file_bytes=2_500 * 3))
    assert {one.path for one in scan(tmp_path, Bounds(file_bytes=2_000)).skipped} >= {"big.py"}
    assert {one.path for one in got.skipped} >= {
        "bin.py",
        "bad.py",
        "link.py",
        "deep.py",
        "compose.yaml",
        "pipe.py",
    }
    assert [(need.name, need.times, len(need.evidence)) for need in got.needs] == [("A", 100, EVIDENCE_MAX)]


def test_bounds_cut_and_say_so(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.py").write_text(f"import os\nos.environ['A{number}']")
    sizes = [len(scan(tmp_path, Bounds(files=most)).needs) for most in range(7)]
    assert sizes == [0, 1, 2, 3, 4, 5, 5]
    assert (scan(tmp_path, Bounds(files=4)).cut, scan(tmp_path).cut) == (True, False)
    assert scan(tmp_path, Bounds(seconds=-1)).cut


def test_which_paths_ask_for_a_new_scan() -> None:
    asking = [
        "src/a.py",
        ".env.example",
        "x/compose.prod.yml",
        ".github/workflows/a.yml",
        "Dockerfile",
        "deploy/x",
    ]
    silent = ["README.md", "tests/a.py", "a.png", "docs/x.md", "node_modules/a.js", "a.css"]
    assert [path for path in asking if not touches(path)] == []
    assert [path for path in silent if touches(path)] == []


PATHS = ["a.py", "a.ts", "a.go", "a.rs", "a.sh", ".env.example", "compose.yaml", ".github/workflows/a.yml"]
PATHS += [
    "copier.yml",
    "env.contract.yaml",
    "app.json",
    "render.yaml",
    "fly.toml",
    "Dockerfile",
    "application.yml",
]
SCRAPS = [
    b"os.environ['X']",
    b"${X:?",
    b"process.env.X",
    b"secrets.X }}",
    b"${{",
    b"\r\n",
    b"\xff",
    b"\0",
    b"X=",
    b"#",
]
SCRAPS += [
    b"&a ",
    b"*a",
    b"- ",
    b": ",
    b"{",
    b"[",
    b"on: push\n",
    b"services:\n",
    b"'",
    b'"',
    b"(" * 300,
    b"\xe2\x80\xa8",
]


@settings(max_examples=60, deadline=None)
@given(
    path=st.sampled_from(PATHS),
    name=st.binary(min_size=1, max_size=40).filter(
        lambda one: not set(one) & {0, 47} and one not in {b".", b".."}
    ),
    parts=st.lists(st.one_of(st.sampled_from(SCRAPS), st.binary(max_size=12)), max_size=30),
)
def test_whatever_files_hold_there_is_an_answer(path: str, name: bytes, parts: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / os.fsdecode(name) / path
        file.parent.mkdir(parents=True)
        file.write_bytes(b"".join(parts))
        got = scan(Path(folder))
        lines = file.read_bytes().decode("utf-8", "replace").split("\n")
        for need in got.needs:
            for one in need.evidence:
                one.path.encode()
                assert need.name.lower() in lines[one.line - 1].lower()
