"""What a template asks and says of itself, read without running anything of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from localhub.testing import Hub
from steward.adapters.templates import CopierTemplates
from steward.domain.spec import STARTER, Proof, Question, QuestionKind, Template, TemplateRef
from steward.ports.building import Templates
from steward.ports.errors import Permanent, Transient
from tests.contract.templates.conftest import SERVICE, Origin, git
from tests.localhub import git_kit

Release = Callable[..., TemplateRef]


def asked(template: Template) -> dict[str, Question]:
    """Questions by name."""
    return {question.name: question for question in template.questions}


def test_it_is_the_port(templates: CopierTemplates) -> None:
    port: Templates = templates
    assert port.read(TemplateRef(STARTER)).title


def test_the_built_in_template_is_read_whole(templates: CopierTemplates) -> None:
    template = templates.read(TemplateRef(STARTER))
    assert [one.name for one in template.questions] == ["title", "tagline", "accent", "language", "features"]
    assert asked(template)["title"].required
    assert len(asked(template)["accent"].choices) == 6
    assert asked(template)["language"].choices == ("en", "ru")
    assert template.checks == ("test",)
    assert template.environment == {"PORT": "allocation", "HOST": "literal"}
    assert template.proof == Proof("http", "/up", "/version")
    assert len(template.ref.commit) == 40
    assert templates.read(template.ref) == template


def test_a_template_in_the_manner_of_service_template_is_read(
    templates: CopierTemplates, origin: Origin
) -> None:
    template = templates.read(origin.release("v0.1.0", SERVICE, annotated=True))
    assert template.ref.commit == origin.tip()
    questions = asked(template)
    assert questions["project_name"].required
    assert questions["project_slug"].computed
    assert questions["modules"].several
    assert questions["modules"].choices == ("backend", "tg_bot", "notifications", "frontend")
    assert questions["modules"].default == "backend"
    assert questions["python_version"].choices == ("3.11", "3.12")
    assert not questions["python_version"].several
    assert not questions["node_version"].required
    assert not questions["node_version"].computed
    assert questions["bot_token"].secret
    assert template.environment == {
        "APP_SECRET_KEY": "generated_secret",
        "BOT_TOKEN": "user_secret",
        "PORT": "allocation",
    }


QUESTIONS = """
_secret_questions: [key]
plain: text
count: 3
ratio: 0.5
wanted: true
data: [1, 2]
key: ""
pairs: {type: int, choices: [[One, 1], [Two, 2]]}
labels: {type: str, choices: {Small: s, Large: {value: l, validator: "{{ 'no' if count > 3 }}"}}}
flags: {type: bool, choices: {On: true, Off: false}}
templated: {type: str, choices: "{{ data }}"}
many: {type: str, multiselect: true, choices: [a, b], default: [a]}
kind: {type: "{{ plain }}"}
hidden: {type: str, default: x, when: "false"}
parts:
  type: str
  default: web
  validator: "{% for one in parts.split(',') if one not in ['web', 'worker'] %}no{{ one }}{% endfor %}"
tags: {type: str, help: Tags with commas between, default: ""}
"""


def test_every_way_to_write_a_question_is_understood(templates: CopierTemplates, simple: Release) -> None:
    questions = asked(templates.read(simple(config=QUESTIONS)))
    kinds = {name: questions[name].kind for name in ("plain", "count", "ratio", "wanted", "data", "kind")}
    assert kinds == {
        "plain": QuestionKind.TEXT,
        "count": QuestionKind.INTEGER,
        "ratio": QuestionKind.NUMBER,
        "wanted": QuestionKind.FLAG,
        "data": QuestionKind.DATA,
        "kind": QuestionKind.DATA,
    }
    assert questions["key"].secret
    assert questions["pairs"].choices == ("1", "2")
    assert questions["labels"].choices == ("s", "l")
    assert questions["flags"].choices == ("true", "false")
    assert questions["templated"].choices == ()
    assert questions["many"].multiselect
    assert questions["hidden"].computed
    assert questions["parts"].choices == ("web", "worker")
    assert questions["parts"].several
    assert not questions["tags"].several


def test_a_template_may_say_more_of_itself(templates: CopierTemplates, simple: Release) -> None:
    about = """
title = "Shop"
base_hours = 12
checks = ["lint", "test"]
environment = { API_KEY = "user_secret" }
proof = { kind = "process", path = "", version_path = "" }
questions.name.several = ["shop", "till"]
"""
    template = templates.read(simple(**{"steward-template.toml": about}))
    assert (template.title, template.base_hours, template.checks) == ("Shop", 12.0, ("lint", "test"))
    assert template.environment == {"API_KEY": "user_secret"}
    assert template.proof == Proof("process", "", "")
    assert asked(template)["name"].choices == ("shop", "till")


@pytest.mark.parametrize(
    "about",
    [
        "titel = 'x'",
        "title = ",
        "checks = 'test'",
        "base_hours = -1",
        "environment = { A = 'somewhere' }",
        "proof = { kind = 'luck' }",
        "proof = { path = 'up' }",
        "questions = { name = 3 }",
    ],
)
def test_what_a_template_says_wrongly_of_itself_is_refused(
    about: str, templates: CopierTemplates, simple: Release
) -> None:
    with pytest.raises(Permanent, match=r"steward-template\.toml"):
        templates.read(simple(**{"steward-template.toml": about}))


def test_a_commit_that_is_pinned_is_not_asked_for_again(
    templates: CopierTemplates, simple: Release, origin: Origin
) -> None:
    pinned = templates.read(simple()).ref
    origin.folder.rename(origin.folder.with_name("gone"))
    assert templates.read(pinned).ref == pinned
    with pytest.raises(Permanent, match="no template can be read"):
        templates.read(TemplateRef(pinned.source, pinned.tag))


def test_a_tag_that_moved_is_told(
    tmp_path: Path, templates: CopierTemplates, simple: Release, origin: Origin
) -> None:
    pinned = templates.read(simple()).ref
    git("commit", "--quiet", "--allow-empty", "--message", "more", cwd=origin.folder)
    git("tag", "--force", "v1.0.0", cwd=origin.folder)
    elsewhere = CopierTemplates(tmp_path / "other", allow_files=True)
    with pytest.raises(Permanent, match=r"tag v1\.0\.0 .* is at"):
        elsewhere.read(pinned)
    assert templates.read(TemplateRef(pinned.source, pinned.tag)).ref.commit == origin.tip()


def test_a_tag_that_is_not_there_is_told_with_those_that_are(
    templates: CopierTemplates, simple: Release
) -> None:
    ref = simple()
    with pytest.raises(Permanent, match=r"no tag v9.* It has: v1\.0\.0"):
        templates.read(TemplateRef(ref.source, "v9"))
    for tag in ("", "--upload-pack=x", "a..b", "a b", "../x"):
        with pytest.raises(Permanent):
            templates.read(TemplateRef(ref.source, tag))


@pytest.mark.parametrize(
    "source",
    [
        "startr",
        "",
        "ext::sh -c id",
        "git@example.org:a/b.git",
        "ssh://example.org/a",
        "https://anna:pw@example.org/a",
        "https://example.org/a b",
        "https://example.org/a?x",
        "https:///a",
        "https://[x/a",
        "--upload-pack=id",
        "/etc",
        "file://elsewhere/a",
        "https://example.org/" + "a" * 600,
    ],
)
def test_what_is_no_public_address_is_refused_before_git_sees_it(
    source: str, templates: CopierTemplates
) -> None:
    with pytest.raises(Permanent) as refused:
        templates.read(TemplateRef(source, "v1"))
    assert "pw" not in str(refused.value)


def test_files_of_this_machine_are_no_templates_unless_asked_for(tmp_path: Path, simple: Release) -> None:
    with pytest.raises(Permanent, match="no address of a template"):
        CopierTemplates(tmp_path / "state").read(simple())


def test_a_server_that_is_not_there_may_answer_later(templates: CopierTemplates) -> None:
    with pytest.raises(Transient, match="does not answer"):
        templates.read(TemplateRef("http://127.0.0.1:9/a/b", "v1"))


@pytest.fixture(scope="module")
def hub() -> Iterator[Hub]:
    with git_kit.running() as running:
        yield running


def test_a_template_is_read_and_rendered_over_http(
    hub: Hub, tmp_path: Path, simple: Release, origin: Origin
) -> None:
    tag = simple().tag
    hub.create("template", visibility="public")
    push_to = hub.url.replace("http://", f"http://x-access-token:{hub.token}@") + "/acme/template"
    git("push", "--quiet", push_to, "main", tag, cwd=origin.folder)
    ref = TemplateRef(f"{hub.url}/acme/template", tag)
    over_http = CopierTemplates(tmp_path / "http")
    assert over_http.read(ref).ref.commit == origin.tip()
    into = tmp_path / "made"
    assert over_http.render(ref, {"name": "tea"}, into, previous=False) == []
    assert (into / "hello.txt").read_text() == "hello tea\n"
    assert f"_src_path: git+{hub.url}/acme/template" in (into / ".copier-answers.yml").read_text()
