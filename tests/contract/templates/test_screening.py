"""What is refused in a template before anything of it is rendered."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from steward.adapters.templates import CopierTemplates, screening
from steward.domain.spec import TemplateRef
from steward.ports.errors import Permanent
from tests.contract.templates.conftest import Origin, git

Release = Callable[..., TemplateRef]


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("_tasks: [touch /tmp/x]\n", "programs of its own .*_tasks"),
        ("_migrations: [touch /tmp/x]\n", "programs of its own .*_migrations"),
        ("_jinja_extensions: [os.system]\n", "programs of its own .*_jinja_extensions"),
        ("_subdirectory: ../up\n", "_subdirectory"),
        ("_subdirectory: /etc\n", "_subdirectory"),
        ("_subdirectory: [a]\n", "_subdirectory"),
        ("_subdirectory: nowhere\n", "nowhere, which is not there"),
        ("_answers_file: ../../a.yml\n", "_answers_file"),
        ("_external_data: {a: /etc/passwd}\n", "_external_data.a"),
        ("_external_data: {a: x/../../y}\n", "_external_data.a"),
        ("_external_data: [a]\n", "_external_data"),
        ("more: !include more.yml\n", "!include"),
        ("x: !!python/object/apply:os.system [id]\n", "no valid YAML"),
        ("x: [\n", "no valid YAML, at line"),
        ("1: x\n", "no mapping"),
        ("---\n- a\n", "no mapping"),
        ("x: &x [*x]\n", "more than 20,000 values"),
    ],
)
def test_a_trap_in_copier_yml_is_refused(
    config: str, words: str, templates: CopierTemplates, simple: Release, tmp_path: Path
) -> None:
    ref = simple(config=config)
    with pytest.raises(Permanent, match=words) as refused:
        templates.read(ref)
    assert refused.value.advice
    with pytest.raises(Permanent, match=words):
        templates.render(ref, {}, tmp_path / "made", previous=False)
    assert not (tmp_path / "made").exists()


def test_values_that_refer_to_each_other_do_not_grow_without_end(
    templates: CopierTemplates, simple: Release
) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(Permanent, match="more than 20,000 values"):
        templates.read(simple(config="\n".join(lines) + "\n"))


def test_what_has_no_copier_yml_is_no_template(templates: CopierTemplates, origin: Origin) -> None:
    with pytest.raises(Permanent, match=r"no copier\.yml"):
        templates.read(origin.release("v1", {"README.md": "x"}))


def test_two_lists_of_questions_are_one_too_many(templates: CopierTemplates, simple: Release) -> None:
    with pytest.raises(Permanent, match="both"):
        templates.read(simple(**{"copier.yaml": "a: b\n"}))


@pytest.mark.parametrize("target", ["/etc/passwd", "../../etc/passwd", ".git/config", "deep/../../out"])
def test_a_link_out_of_the_template_is_refused(
    target: str, templates: CopierTemplates, simple: Release, origin: Origin
) -> None:
    simple("v1")
    (origin.folder / "link").symlink_to(target)
    with pytest.raises(Permanent, match="the link link leads out"):
        templates.read(origin.tag("v2"))


def test_a_link_within_the_template_is_kept_to_what_it_shows(
    templates: CopierTemplates, simple: Release, origin: Origin, tmp_path: Path
) -> None:
    simple("v1", plain="shown\n")
    (origin.folder / "link").symlink_to("plain")
    made = tmp_path / "made"
    assert templates.render(origin.tag("v2"), {}, made, previous=False) == []
    assert (made / "link").read_text() == "shown\n"
    assert not (made / "link").is_symlink()


def test_copier_yml_may_not_be_a_link(templates: CopierTemplates, origin: Origin) -> None:
    origin.release("v1", {"real.yml": "a: b\n"})
    (origin.folder / "copier.yml").symlink_to("real.yml")
    with pytest.raises(Permanent, match="is a link"):
        templates.read(origin.tag("v2"))


def test_submodules_are_refused(templates: CopierTemplates, simple: Release, origin: Origin) -> None:
    simple("v1")
    git("update-index", "--add", "--cacheinfo", f"160000,{origin.tip()},sub", cwd=origin.folder)
    git("commit", "--quiet", "--message", "sub", cwd=origin.folder)
    git("tag", "v2", cwd=origin.folder)
    with pytest.raises(Permanent, match="submodule at sub"):
        templates.read(TemplateRef(origin.address, "v2"))


def test_a_huge_template_is_refused(
    templates: CopierTemplates, simple: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = simple(**{"big.bin": "x" * 3_000})
    monkeypatch.setattr(screening, "BYTES_MAX", 2_000)
    with pytest.raises(Permanent, match="are the most"):
        templates.read(ref)
    monkeypatch.setattr(screening, "FILES_MAX", 2)
    with pytest.raises(Permanent, match="4 files; 2 are the most"):
        templates.read(ref)


def test_a_fetch_that_does_not_end_is_cut_by_its_size(
    templates: CopierTemplates, origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    origin.folder.joinpath("noise.bin").write_bytes(os.urandom(300_000))
    ref = origin.release("v1", {"copier.yml": "a: b\n"})
    monkeypatch.setattr("steward.adapters.templates.git.PACK_BYTES_MAX", 100_000)
    with pytest.raises(Permanent, match="larger than"):
        templates.read(ref)


def test_a_long_list_of_questions_is_refused(templates: CopierTemplates, simple: Release) -> None:
    with pytest.raises(Permanent, match="256,000 bytes"):
        templates.read(simple(config="# " + "x" * 300_000 + "\n"))
