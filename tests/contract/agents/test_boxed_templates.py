"""Templates of others in the real box: what they render comes out, and nothing else of them gets anywhere."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

import steward
from steward.adapters.box import Bubblewrap, completed
from steward.adapters.templates import CopierTemplates
from steward.domain.spec import TemplateRef
from steward.ports import Permanent

PACKAGE = Path(steward.__file__).parent


def a_template(folder: Path, config: str = "") -> TemplateRef:
    """A template in a git repository of its own, at one tag."""
    (folder / "template").mkdir(parents=True)
    (folder / "copier.yml").write_text(f"_subdirectory: template\nname: {{type: str}}\n{config}")
    (folder / "template" / "README.md.jinja").write_text("# {{ name }}\n")
    who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com")
    for words in (("init", "-q"), ("add", "."), (*who, "commit", "-qm", "one"), ("tag", "v1")):
        subprocess.run(["git", *words], cwd=folder, check=True)
    return TemplateRef(f"file://{folder}", "v1")


def in_a_box(argv: list[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    """As an installation runs them."""
    return completed(Bubblewrap(), argv, folder, readable=(PACKAGE,), timeout_s=60.0)


def test_a_template_is_rendered_in_the_box(tmp_path: Path) -> None:
    boxed = CopierTemplates(tmp_path / "state", runner=in_a_box, require_box=True, allow_files=True)
    ref = boxed.read(a_template(tmp_path / "theirs")).ref
    assert boxed.render(ref, {"name": "Shop"}, tmp_path / "made", previous=False) == []
    assert (tmp_path / "made" / "README.md").read_text() == "# Shop\n"


def test_its_programs_reach_neither_files_nor_network(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    outside.write_text("ours")
    look = f"cat {outside} > seen.txt; ls /root >> seen.txt; touch {outside.parent}/left.txt; echo done >> seen.txt"
    ref = a_template(tmp_path / "theirs", f"_tasks: [{look!r}]\n")
    boxed = CopierTemplates(
        tmp_path / "state", runner=in_a_box, require_box=True, allow_code=True, allow_files=True
    )
    boxed.render(boxed.read(ref).ref, {"name": "Shop"}, tmp_path / "made", previous=False)
    assert (tmp_path / "made" / "seen.txt").read_text() == "done\n"
    assert not (tmp_path / "left.txt").exists()


def test_a_template_that_needs_programs_is_refused_where_none_may_run(tmp_path: Path) -> None:
    careful = CopierTemplates(tmp_path / "state", runner=in_a_box, require_box=True, allow_files=True)
    with pytest.raises(Permanent):
        careful.read(a_template(tmp_path / "theirs", "_tasks: ['echo hello']\n"))
