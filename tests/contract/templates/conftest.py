"""Templates in git repositories on this disk, made and released by tests."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from steward.adapters.templates import CopierTemplates
from steward.domain.spec import TemplateRef

ENV = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    **{
        f"GIT_{who}_{what}": "anna@example.org"
        for who in ("AUTHOR", "COMMITTER")
        for what in ("NAME", "EMAIL")
    },
}
ANSWERS_FILE = "{{_copier_conf.answers_file}}.jinja"
ANSWERS = "{{ _copier_answers|to_nice_yaml -}}\n"


def git(*arguments: str, cwd: Path) -> str:
    """What git says."""
    done = subprocess.run(["git", *arguments], cwd=cwd, env=ENV, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Origin:
    """A template's repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        git("init", "--quiet", "--initial-branch", "main", cwd=folder)

    @property
    def address(self) -> str:
        """Where git clones it from."""
        return f"file://{self.folder}"

    def release(self, tag: str, files: Mapping[str, str], *, annotated: bool = False) -> TemplateRef:
        """Commit these files and tag them."""
        for path, content in files.items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_text(content)
        return self.tag(tag, annotated=annotated)

    def tag(self, tag: str, *, annotated: bool = False) -> TemplateRef:
        """Commit what lies there and tag it."""
        git("add", "--all", cwd=self.folder)
        git("commit", "--quiet", "--allow-empty", "--message", tag, cwd=self.folder)
        git("tag", *(["-a", "-m", tag] if annotated else []), tag, cwd=self.folder)
        return TemplateRef(self.address, tag)

    def tip(self) -> str:
        """Its newest commit."""
        return git("rev-parse", "HEAD", cwd=self.folder)


@pytest.fixture
def origin(tmp_path: Path) -> Origin:
    return Origin(tmp_path / "origin")


@pytest.fixture
def templates(tmp_path: Path) -> CopierTemplates:
    return CopierTemplates(tmp_path / "state", allow_files=True)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project's clone, with one commit as it is born."""
    folder = tmp_path / "project"
    folder.mkdir()
    git("init", "--quiet", "--initial-branch", "main", cwd=folder)
    (folder / "README.md").write_text("steward:p1\n")
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    """Commit all that lies in a clone."""
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--message", "work", cwd=folder)


@pytest.fixture
def simple(origin: Origin) -> Callable[..., TemplateRef]:
    """Releases a template of one file, with further lines of copier.yml and further files."""

    def release(tag: str = "v1.0.0", config: str = "", **files: str) -> TemplateRef:
        base = {
            "copier.yml": "name:\n  type: str\n  default: shop\n" + config,
            "hello.txt.jinja": "hello {{ name }}\n",
            ANSWERS_FILE: ANSWERS,
        }
        return origin.release(tag, base | files)

    return release


SERVICE = {
    "copier.yml": """\
_min_copier_version: "9.0.0"
_answers_file: .copier-answers.yml
_subdirectory: template
_exclude: ["*.pyc"]

project_name:
  type: str
  help: Lowercase, hyphens allowed
  validator: "{% if not project_name | regex_search('^[a-z][a-z0-9-]*$') %}Lowercase letters, digits, hyphens{% endif %}"

project_slug:
  type: str
  default: "{{ project_name | replace('-', '_') }}"
  when: false

modules:
  type: str
  help: |
    Parts to include (comma-separated).
    Available: backend, tg_bot, notifications, frontend
    Example: backend,tg_bot
  default: backend

python_version:
  type: str
  default: "3.12"
  choices: ["3.11", "3.12"]

node_version:
  type: str
  when: "{{ 'frontend' in modules }}"

bot_token:
  type: str
  secret: true
  default: ""
""",
    f"template/{ANSWERS_FILE}": ANSWERS,
    "template/README.md.jinja": "# {{ project_slug }}\n\nfirst\nsecond\nthird\n",
    "template/services/{% if 'backend' in modules.split(',') %}backend{% endif %}/main.py.jinja": (
        "NAME = {{ project_name | to_json }}\n"
    ),
    "template/services/{% if 'tg_bot' in modules.split(',') %}tg_bot{% endif %}/main.py": "BOT = True\n",
    "template/services/backend/env.contract.yaml.jinja": """\
version: "1"
owner: backend
entries:
  APP_SECRET_KEY:
    source: generated_secret
    environments: [local, production]
    required: true
  DEBUG:
    source: literal
    environments: [local]
    required: true
    value: true
  OPTIONAL_URL:
    source: user_secret
    environments: [local, production]
    required: false
{% if 'tg_bot' in modules %}
  BOT_TOKEN:
    source: user_secret
    environments: [production]
    consumers: [{{ modules }}]
    required: true
{% endif %}
""",
    "template/infra/env.contract.yaml": "entries:\n  PORT:\n    source: allocation\n",
}
"""A template in the manner of service-template: modules in one text, a contract of the environment per service."""
