"""Updates: changed answers and newer templates reach a project, and what was built on it stays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from steward.adapters.templates import CopierTemplates
from steward.domain.spec import STARTER, TemplateRef
from steward.ports.errors import Permanent
from tests.contract.templates.conftest import SERVICE, Origin, commit, git

README = "template/README.md.jinja"


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What v1.0.0 of the template renders, by path, with ORIGIN in the place of its address."""
    root = tmp_path_factory.mktemp("first")
    origin = Origin(root / "origin")
    made = root / "made"
    ref = origin.release("v1.0.0", SERVICE)
    answers = {"project_name": "tea", "bot_token": "s3cret-s3cret"}
    CopierTemplates(root / "state", allow_files=True).render(ref, answers, made, previous=False)
    files = (path for path in made.rglob("*") if path.is_file())
    return {
        path.relative_to(made).as_posix(): path.read_text().replace(origin.address, "ORIGIN")
        for path in files
    }


@pytest.fixture
def born(first: Mapping[str, str], origin: Origin, project: Path) -> Path:
    """A project as v1.0.0 of the template renders it, committed."""
    origin.release("v1.0.0", SERVICE)
    for path, content in first.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(content.replace("ORIGIN", origin.address))
    commit(project)
    return project


def test_a_newer_template_reaches_what_was_built_on_it(
    templates: CopierTemplates, origin: Origin, born: Path
) -> None:
    (born / "README.md").write_text((born / "README.md").read_text() + "our own line\n")
    (born / "own.py").write_text("OWN = 1\n")
    commit(born)
    newer = origin.release(
        "v1.1.0", {README: SERVICE[README].replace("first", "1st"), "template/new.txt": "new\n"}
    )
    assert templates.render(newer, {"project_name": "tea", "modules": "tg_bot"}, born, previous=True) == []
    assert (born / "README.md").read_text() == "# tea\n\n1st\nsecond\nthird\nour own line\n"
    assert (born / "new.txt").read_text() == "new\n"
    assert (born / "own.py").exists()
    assert (born / "services/tg_bot/main.py").exists()
    kept = (born / ".copier-answers.yml").read_text()
    assert "_commit: v1.1.0" in kept
    assert "modules: tg_bot" in kept
    assert "bot_token" not in kept
    assert git("rev-parse", "HEAD", cwd=born) == git("rev-parse", "main", cwd=born)


def test_changed_answers_alone_are_an_update_too(
    templates: CopierTemplates, origin: Origin, born: Path
) -> None:
    ref = TemplateRef(origin.address, "v1.0.0")
    assert templates.render(ref, {"project_name": "ink"}, born, previous=True) == []
    assert (born / "README.md").read_text().startswith("# ink\n")
    assert (born / "services/backend/main.py").read_text() == 'NAME = "ink"\n'


def test_files_left_in_conflict_are_named(templates: CopierTemplates, origin: Origin, born: Path) -> None:
    (born / "README.md").write_text("# tea\n\nours\nsecond\nthird\n")
    commit(born)
    newer = origin.release("v1.1.0", {README: SERVICE[README].replace("first", "theirs")})
    assert templates.render(newer, {"project_name": "tea"}, born, previous=True) == ["README.md"]
    assert "<<<<<<< before updating" in (born / "README.md").read_text()


def test_a_file_that_the_template_drops_goes(templates: CopierTemplates, origin: Origin, born: Path) -> None:
    (origin.folder / "template/infra/env.contract.yaml").unlink()
    assert templates.render(origin.tag("v1.1.0"), {"project_name": "tea"}, born, previous=True) == []
    assert not (born / "infra/env.contract.yaml").exists()


def test_an_answers_file_that_names_another_template_is_refused(
    templates: CopierTemplates, origin: Origin, born: Path
) -> None:
    answers = born / ".copier-answers.yml"
    ref = TemplateRef(origin.address, "v1.0.0")
    for content, words in (
        ("_src_path: https://example.org/evil.git\n_commit: v1\n", "names another template"),
        ("_src_path: [\n", "no valid YAML"),
        (f"_src_path: {origin.address}\n_commit: --upload-pack=id\n", "is no tag"),
        (f"_src_path: {origin.address}\n_commit: v0.0.9\n", "no tag v0.0.9"),
    ):
        answers.write_text(content)
        commit(born)
        with pytest.raises(Permanent, match=words):
            templates.render(ref, {"project_name": "tea"}, born, previous=True)
    answers.unlink()
    with pytest.raises(Permanent, match="cannot be updated"):
        templates.render(ref, {"project_name": "tea"}, born, previous=True)


def test_the_template_that_it_came_from_is_screened_as_well(
    templates: CopierTemplates, origin: Origin, born: Path
) -> None:
    origin.release("v0.9.0", {"copier.yml": SERVICE["copier.yml"] + "_tasks: [id]\n"})
    newer = origin.release("v1.1.0", SERVICE)
    answers = born / ".copier-answers.yml"
    answers.write_text(answers.read_text().replace("v1.0.0", "v0.9.0"))
    commit(born)
    with pytest.raises(Permanent, match="programs of its own"):
        templates.render(newer, {"project_name": "tea"}, born, previous=True)


def test_an_update_wants_a_clean_clone(
    tmp_path: Path, templates: CopierTemplates, origin: Origin, born: Path
) -> None:
    ref = TemplateRef(origin.address, "v1.0.0")
    (born / "own.py").write_text("OWN = 1\n")
    with pytest.raises(Permanent, match="uncommitted"):
        templates.render(ref, {"project_name": "ink"}, born, previous=True)
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / ".copier-answers.yml").write_text((born / ".copier-answers.yml").read_text())
    with pytest.raises(Permanent, match="only a git clone"):
        templates.render(ref, {"project_name": "ink"}, bare, previous=True)


def test_hooks_of_the_clone_do_not_run(
    tmp_path: Path, templates: CopierTemplates, origin: Origin, born: Path
) -> None:
    for name in ("post-checkout", "pre-commit", "post-merge"):
        hook = born / ".git" / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
        hook.chmod(0o755)
    git("config", "core.fsmonitor", f"touch {tmp_path}/hooked", cwd=born)
    templates.render(TemplateRef(origin.address, "v1.0.0"), {"project_name": "ink"}, born, previous=True)
    assert not (tmp_path / "hooked").exists()


# The built-in template ----------------------------------------------------------------------------------

FIRST = {"title": "Tea", "tagline": "Leaves", "features": "Hot: 95 degrees", "accent": "teal"}


@pytest.fixture
def started(templates: CopierTemplates, project: Path) -> Path:
    """A project of the built-in template, with something built on it."""
    assert templates.render(TemplateRef(STARTER), FIRST, project, previous=False) == []
    content = json.loads((project / "content.json").read_text())
    content["news"].append({"number": 1, "text": "We are open"})
    content["features"].append({"title": "Ours", "text": ""})
    (project / "content.json").write_text(json.dumps(content))
    (project / "app" / "page.py").write_text("# ours\n")
    (project / "tests" / "test_criteria.py").write_text("# ours\n")
    commit(project)
    return project


def test_changed_answers_reach_a_starter_and_its_own_work_stays(
    templates: CopierTemplates, started: Path
) -> None:
    answers = {**FIRST, "title": "Tea & Ink", "features": "Hot: 95 degrees\nDark: very"}
    assert templates.render(TemplateRef(STARTER), answers, started, previous=True) == []
    content = json.loads((started / "content.json").read_text())
    assert content["title"] == "Tea & Ink"
    assert [one["title"] for one in content["features"]] == ["Hot", "Dark", "Ours"]
    assert content["news"] == [{"number": 1, "text": "We are open"}]
    assert (started / "app" / "page.py").read_text() == "# ours\n"
    assert (started / "tests" / "test_criteria.py").exists()
    assert (started / "README.md").read_text().startswith("# Tea & Ink\n")
    assert "title: Tea & Ink" in (started / ".copier-answers.yml").read_text()


def test_an_update_with_the_same_answers_changes_nothing(templates: CopierTemplates, started: Path) -> None:
    assert templates.render(TemplateRef(STARTER), FIRST, started, previous=True) == []
    assert git("status", "--porcelain", cwd=started) == ""


def test_what_cannot_be_joined_is_named_and_left_as_it_was(templates: CopierTemplates, started: Path) -> None:
    (started / "README.md").write_text("# Our tea\n\nby us\n")
    (started / "content.json").write_text("{broken")
    conflicts = templates.render(TemplateRef(STARTER), {**FIRST, "title": "Ink"}, started, previous=True)
    assert conflicts == ["README.md", "content.json"]
    assert (started / "README.md").read_text() == "# Our tea\n\nby us\n"
    assert (started / "content.json").read_text() == "{broken"


def test_a_starter_that_lost_its_answers_cannot_be_updated(templates: CopierTemplates, started: Path) -> None:
    (started / ".copier-answers.yml").unlink()
    with pytest.raises(Permanent, match=r"no \.copier-answers\.yml"):
        templates.render(TemplateRef(STARTER), FIRST, started, previous=True)
