"""Rendering: in a process of its own, as data, with secrets left out, and nothing written where it fails."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from steward.adapters.templates import CopierTemplates
from steward.domain.spec import STARTER, TemplateRef
from steward.ports.errors import Permanent, Transient
from tests.contract.templates.conftest import ANSWERS, ANSWERS_FILE, SERVICE, Origin

Release = Callable[..., TemplateRef]
SECRET = "tok-4f1c-secret"


def files(folder: Path) -> set[str]:
    """Everything below a folder, without git's own."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return {path for path in found if not path.startswith(".git/")}


def test_modules_are_rendered_as_they_are_chosen(
    templates: CopierTemplates, origin: Origin, project: Path
) -> None:
    ref = origin.release("v1.0.0", SERVICE)
    answers = {"project_name": "tea-shop", "modules": "backend,tg_bot", "bot_token": SECRET}
    here = Path.cwd()
    assert templates.render(ref, answers, project, previous=False) == []
    assert Path.cwd() == here
    assert files(project) == {
        ".copier-answers.yml",
        "README.md",
        "services/backend/main.py",
        "services/backend/env.contract.yaml",
        "services/tg_bot/main.py",
        "infra/env.contract.yaml",
    }
    assert (project / "README.md").read_text().startswith("# tea_shop\n")
    kept = (project / ".copier-answers.yml").read_text()
    assert "_commit: v1.0.0" in kept
    assert f"_src_path: git+{origin.address}\n" in kept
    assert SECRET not in kept
    assert "bot_token" not in kept
    assert SECRET not in "".join(
        path.read_text() for path in project.rglob("*") if path.suffix in {".py", ".yml"}
    )


def test_nothing_of_a_rendering_is_left_over(
    tmp_path: Path, templates: CopierTemplates, simple: Release
) -> None:
    templates.render(simple(), {}, tmp_path / "made", previous=False)
    assert list((tmp_path / "state" / "jobs").iterdir()) == []


def test_answers_are_data(templates: CopierTemplates, origin: Origin, tmp_path: Path) -> None:
    values = ['"quotes"', "{{ 7 * 7 }}", "{% raw %}", "a\nb: c", "ё 🎉 \u2028", "'' ' \"\"\"", "#}", "\\"]
    answers = {f"q{number}": value for number, value in enumerate(values)}
    config = "".join(f"{name}: {{type: str}}\n" for name in answers)
    listed = ", ".join(answers)
    made_of = {"copier.yml": config, "n.json.jinja": f"{{{{ [{listed}] | to_json }}}}", ANSWERS_FILE: ANSWERS}
    made = tmp_path / "made"
    templates.render(origin.release("v1", made_of), answers, made, previous=False)
    assert json.loads((made / "n.json").read_text()) == values
    kept = yaml.safe_load((made / ".copier-answers.yml").read_text())
    assert {name: kept[name] for name in answers} == answers


def test_a_refusal_by_the_template_is_told_without_secrets(
    templates: CopierTemplates, origin: Origin, project: Path
) -> None:
    ref = origin.release("v1.0.0", SERVICE)
    with pytest.raises(Permanent, match="Lowercase letters, digits, hyphens"):
        templates.render(ref, {"project_name": "Tea Shop"}, project, previous=False)
    config = "key: {type: str, secret: true, default: '', validator: \"{{ 'bad ' ~ key if key }}\"}\n"
    ref = origin.release("v2", {"copier.yml": config})
    with pytest.raises(Permanent, match=r"bad \*\*\*") as refused:
        templates.render(ref, {"key": SECRET}, project, previous=False)
    assert SECRET not in repr(refused.value)
    assert files(project) == {"README.md"}


def test_a_question_without_an_answer_is_told(
    templates: CopierTemplates, origin: Origin, project: Path
) -> None:
    with pytest.raises(Permanent, match='"project_name" is required'):
        templates.render(origin.release("v1", SERVICE), {}, project, previous=False)


def test_an_answers_file_with_a_secret_in_it_is_refused(
    templates: CopierTemplates, origin: Origin, project: Path
) -> None:
    config = "key: {type: str, secret: true, default: ''}\n"
    ref = origin.release("v1", {"copier.yml": config, ANSWERS_FILE: "key: {{ key }}\n"})
    with pytest.raises(Permanent, match="writes the secret key into its answers file"):
        templates.render(ref, {"key": SECRET}, project, previous=False)
    assert files(project) == {"README.md"}


@pytest.mark.parametrize(
    "name",
    [
        "{{ '..' }}/out.txt",
        "{{ '.git' }}/hooks/pre-commit",
        "deep/{{ '.git' }}/config",
        "{{ '.gi' ~ 't' }}",
    ],
)
def test_files_outside_of_the_project_are_refused(
    name: str, templates: CopierTemplates, simple: Release, project: Path
) -> None:
    ref = simple(config="_exclude: []\n", **{name: "x"})
    with pytest.raises(Permanent):
        templates.render(ref, {}, project, previous=False)
    assert files(project) == {"README.md"}


def test_a_link_in_the_clone_leads_no_file_astray(
    tmp_path: Path, templates: CopierTemplates, simple: Release, project: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "hello.txt").write_text("mine\n")
    (project / "deep").symlink_to(outside)
    (project / "hello.txt").symlink_to(outside / "hello.txt")
    templates.render(simple(**{"deep/hello.txt": "new\n"}), {}, project, previous=False)
    assert (outside / "hello.txt").read_text() == "mine\n"
    assert (project / "deep" / "hello.txt").read_text() == "new\n"
    assert not (project / "hello.txt").is_symlink()


def test_a_template_that_never_ends_is_stopped(tmp_path: Path, origin: Origin) -> None:
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    ref = origin.release("v1", {"copier.yml": "a: b\n", "loop.txt.jinja": loop})
    hasty = CopierTemplates(tmp_path / "state", allow_files=True, timeout_s=3.0)
    with pytest.raises(Transient, match="longer to render than 3 seconds"):
        hasty.render(ref, {}, tmp_path / "made", previous=False)
    assert list((tmp_path / "state" / "jobs").iterdir()) == []


def test_two_renderings_at_once_do_not_meet(
    tmp_path: Path, templates: CopierTemplates, simple: Release
) -> None:
    ref = simple()

    def one(name: str) -> None:
        templates.render(ref, {"name": name}, tmp_path / name, previous=False)

    threads = [threading.Thread(target=one, args=(name,)) for name in ("tea", "ink")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in ("tea", "ink"):
        assert (tmp_path / name / "hello.txt").read_text() == f"hello {name}\n"


# Boxes --------------------------------------------------------------------------------------------------


class Box:
    """Stands in the place of a box: it runs what it is given, and remembers it."""

    def __init__(self) -> None:
        self.ran: list[tuple[list[str], Path]] = []

    def __call__(self, argv: list[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
        self.ran.append((argv, folder))
        return subprocess.run(argv, cwd=folder, capture_output=True, check=False, timeout=60)


def test_other_templates_are_rendered_in_the_box_and_the_built_in_one_needs_none(
    tmp_path: Path, simple: Release
) -> None:
    box = Box()
    boxed = CopierTemplates(tmp_path / "state", runner=box, require_box=True, allow_files=True)
    boxed.render(TemplateRef(STARTER), {"title": "Tea"}, tmp_path / "starter", previous=False)
    assert box.ran == []
    boxed.render(simple(), {"name": SECRET}, tmp_path / "made", previous=False)
    [(argv, folder)] = box.ran
    assert folder.is_relative_to(tmp_path / "state" / "jobs")
    assert SECRET not in " ".join(argv)


def test_without_a_box_other_templates_can_be_refused(tmp_path: Path, simple: Release) -> None:
    careful = CopierTemplates(tmp_path / "state", require_box=True, allow_files=True)
    ref = simple()
    assert careful.read(ref).questions
    with pytest.raises(Permanent, match=r"no box on this machine .*bubblewrap"):
        careful.render(ref, {}, tmp_path / "made", previous=False)
    with pytest.raises(ValueError, match="box"):
        CopierTemplates(tmp_path / "state", allow_code=True)


def test_code_of_a_template_runs_where_it_may(tmp_path: Path, simple: Release) -> None:
    ref = simple(config="_tasks: ['echo ran > task.txt', 'git init --quiet']\n")
    allowed = CopierTemplates(tmp_path / "state", runner=Box(), allow_code=True, allow_files=True)
    allowed.render(ref, {}, tmp_path / "made", previous=False)
    assert (tmp_path / "made" / "task.txt").read_text() == "ran\n"
    assert not (tmp_path / "made" / ".git").exists()


def test_a_box_that_runs_out_of_time_is_told(tmp_path: Path, simple: Release) -> None:
    def late(argv: list[str], _folder: Path) -> subprocess.CompletedProcess[bytes]:
        raise subprocess.TimeoutExpired(argv, 1.0)

    slow = CopierTemplates(tmp_path / "state", runner=late, allow_files=True)
    with pytest.raises(Transient):
        slow.render(simple(), {}, tmp_path / "made", previous=False)


def test_what_a_box_leaves_behind_is_not_believed(tmp_path: Path, simple: Release) -> None:
    def lying(argv: list[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
        (folder / "project").mkdir()
        (folder / "project" / "link").symlink_to("/etc/passwd")
        (folder / "outcome.json").write_text('{"unmerged": []}')
        return subprocess.CompletedProcess(argv, 0, b"", b"")

    def silent(argv: list[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
        return subprocess.CompletedProcess(argv, 3, b"", b"")

    ref = simple()
    for runner, words in ((lying, "leads out"), (silent, "ended with 3")):
        boxed = CopierTemplates(tmp_path / "state", runner=runner, allow_files=True)
        with pytest.raises(Permanent, match=words):
            boxed.render(ref, {}, tmp_path / "made", previous=False)
