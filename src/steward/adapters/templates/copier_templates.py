"""Templates for operations: the built-in one, and any other Copier template in a public git repository."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml

import steward
from steward.adapters.templates.about import read_about, read_contracts
from steward.adapters.templates.git import Cache, Git, GitFailed, check_address, same_address, spellings
from steward.adapters.templates.merging import merge
from steward.adapters.templates.questions import read_config, read_questions
from steward.adapters.templates.rendering import (
    Job,
    Order,
    Render,
    Runner,
    job,
    listed,
    marked,
    render,
    take_over,
)
from steward.adapters.templates.screening import screen_settings, screen_tree
from steward.adapters.templates.trees import FolderTree, GitTree, Tree
from steward.domain.answers import check_answers
from steward.domain.spec import STARTER, Template, TemplateRef
from steward.ports.errors import Permanent

STARTER_FOLDER: Final = Path(steward.__file__).parent / "starter"
_ANSWERS: Final = ".copier-answers.yml"
_ANSWERS_BYTES_MAX: Final = 500_000


@dataclass(frozen=True, slots=True)
class _Pinned:
    """A template of a git repository at one commit, screened."""

    repository: Path
    commit: str
    settings: Mapping[str, Any]
    template: Template

    @property
    def answers_file(self) -> str:
        return str(self.settings.get("_answers_file") or _ANSWERS)


class CopierTemplates:
    """The port `Templates`. It keeps a cache of commits, and folders of renderings under way, below `root`.

    `runner` puts the rendering of other templates than the built-in one into a box; `require_box` refuses them
    where there is none. `allow_code`: templates may run programs of their own, in the box alone. `allow_files`:
    addresses may be file:// ones. It may be used by several threads and processes at once.
    """

    def __init__(
        self,
        root: Path,
        *,
        runner: Runner | None = None,
        require_box: bool = False,
        allow_code: bool = False,
        allow_files: bool = False,
        timeout_s: float = 120.0,
    ) -> None:
        if allow_code and runner is None:
            raise ValueError("template code runs in a box only: give a runner")
        self._root = root.absolute()
        self._runner = runner
        self._require_box = require_box
        self._code = allow_code
        self._files = allow_files
        self._timeout_s = timeout_s
        self._home = self._root / "home"
        self._home.mkdir(parents=True, exist_ok=True)
        self._remote = Git("https:http:file" if allow_files else "https:http", self._home, timeout_s)
        self._local = Git("file", self._home, timeout_s)
        self._cache = Cache(self._root / "cache", self._remote)

    def read(self, ref: TemplateRef) -> Template:
        """What it is and asks, pinned to a commit; of the built-in one, to the package's version and content."""
        return self._starter() if ref.source == STARTER else self._pin(ref).template

    def render(
        self, ref: TemplateRef, answers: Mapping[str, Any], into: Path, previous: bool
    ) -> Sequence[str]:
        """Render into a working clone; with `previous` as an update of what was rendered into it before.

        `answers` holds the secret ones too. An update needs a clone with nothing uncommitted, whose answers file
        names this same template. The paths of files that are left in conflict, sorted; such a file is not to be
        committed. Nothing is written into the clone where anything fails.
        """
        if ref.source == STARTER:
            return self._render_starter(answers, into, previous)
        pinned = self._pin(ref)
        if self._require_box and self._runner is None:
            raise Permanent(
                "there is no box on this machine to render a template in",
                "Install bubblewrap (apt-get install bubblewrap), or allow rendering without a box in the settings",
            )
        hidden = _hidden(pinned.template, answers)
        with job(self._root / "jobs") as one:
            self._bring(one, pinned.repository, pinned.commit, ref.tag)
            if previous:
                return self._update(one, ref, pinned, answers, into, hidden)
            address = ref.source if ref.source.endswith(".git") else f"git+{ref.source}"
            order = Order(
                address,
                (Render(one.project, answers),),
                ref=pinned.commit,
                addresses=spellings(ref.source),
                code=self._code,
            )
            self._run(one, order, hidden)
            rendered = listed(one.project)
            # Programs of a template may well run "git init"; that repository is left behind with the job.
            if (one.project / ".git").exists() and not self._code:
                raise Permanent("the template renders a .git folder", "Take it out of the template")
            _keep_secrets_out(rendered.get(pinned.answers_file), pinned.template)
            take_over(rendered, into)
            return sorted(marked(rendered))

    def _run(self, one: Job, order: Order, hidden: Sequence[str]) -> list[str]:
        return render(one, order, runner=self._runner, timeout_s=self._timeout_s, hidden=hidden)

    # The built-in template --------------------------------------------------------------------------

    def _starter(self) -> Template:
        tree = FolderTree(STARTER_FOLDER)
        ref = TemplateRef(STARTER, tag=importlib.metadata.version("steward"), commit=tree.digest())
        return _template(ref, tree, *read_config(tree))

    def _render_starter(self, answers: Mapping[str, Any], into: Path, previous: bool) -> list[str]:
        template = self._starter()
        known = {"starter_version": template.ref.tag}
        old: Mapping[str, Any] = {}
        if previous:
            old = check_answers(template, _answers_of(into, _ANSWERS, STARTER)).answers
        with job(self._root / "jobs") as one:
            renders = [Render(one.project, {**old, **answers, **known})]
            if previous:
                needed = {
                    each.name: renders[0].data.get(each.name) for each in template.questions if each.required
                }
                renders.append(Render(one.folder / "before", {**needed, **old, **known}))
            order = Order(str(STARTER_FOLDER), tuple(renders))
            render(one, order, runner=None, timeout_s=self._timeout_s, hidden=())
            new = listed(one.project)
            if not previous:
                take_over(new, into)
                return []
            changed, conflicts = merge(listed(renders[1].into), new, into, _ANSWERS, self._local)
            for relative, content in changed.items():
                new[relative].write_bytes(content)
            take_over({relative: new[relative] for relative in changed}, into)
            return sorted(conflicts)

    # Templates in git repositories ------------------------------------------------------------------

    def _pin(self, ref: TemplateRef) -> _Pinned:
        """Fetch the commit where it is not here yet, and screen it."""
        check_address(ref.source, files=self._files)
        repository, commit = self._cache.pin(ref.source, ref.tag, ref.commit)
        tree = GitTree(self._local, repository, commit)
        screen_tree(tree)
        settings, questions = read_config(tree)
        screen_settings(settings, tree, code=self._code)
        template = _template(replace(ref, commit=commit), tree, settings, questions)
        return _Pinned(repository, commit, settings, template)

    def _bring(self, one: Job, repository: Path, commit: str, tag: str) -> None:
        """Copy one commit into the job's own repository, under its tag."""
        if not one.template.is_dir():
            self._local.run("init", "--quiet", "--bare", "--", str(one.template), cwd=one.folder)
        names = f"+refs/pins/{commit}:refs/tags/{tag}"
        fetch = ("fetch", "--quiet", "--depth", "1", "--no-tags", "--", f"file://{repository}", names)
        self._local.run(*fetch, cwd=one.template)

    def _update(
        self,
        one: Job,
        ref: TemplateRef,
        pinned: _Pinned,
        answers: Mapping[str, Any],
        into: Path,
        hidden: Sequence[str],
    ) -> list[str]:
        """Update a copy of the clone, then take over what became of it."""
        last = _answers_of(into, pinned.answers_file, ref.source)
        tag = str(last.get("_commit", ""))
        if tag != ref.tag:
            # What the project was rendered from is rendered again to see what changed: it is screened as well.
            before = self._pin(TemplateRef(ref.source, tag))
            self._bring(one, before.repository, before.commit, tag)
        try:
            if self._local.run("status", "--porcelain", cwd=into).strip():
                raise Permanent("the clone to update has uncommitted changes", "Commit them first")
            clone = (
                "clone",
                "--quiet",
                "--no-local",
                "--depth",
                "1",
                "--no-tags",
                "--",
                str(into.absolute()),
            )
            self._local.run(*clone, str(one.project), cwd=one.folder)
        except GitFailed as failed:
            raise Permanent(
                f"only a git clone can be updated: {failed.said[-200:]}", "Clone the project"
            ) from None
        had = set(listed(one.project))
        order = Order(
            ref.source,
            (Render(one.project, answers),),
            ref=pinned.commit,
            addresses=tuple(dict.fromkeys([*spellings(ref.source), _asked(str(last["_src_path"]))])),
            update=True,
            answers_file=pinned.answers_file,
            code=self._code,
        )
        unmerged = self._run(one, order, hidden)
        rendered = listed(one.project)
        _keep_secrets_out(rendered.get(pinned.answers_file), pinned.template)
        take_over(rendered, into, sorted(had - set(rendered)))
        return sorted(marked(rendered) | {path for path in unmerged if path in rendered})


def _asked(recorded: str) -> str:
    """What Copier asks git for, of an address as it recorded it."""
    return recorded.removeprefix("git+")


def _template(
    ref: TemplateRef, tree: Tree, settings: Mapping[str, Any], questions: Mapping[str, Any]
) -> Template:
    """A template as a value."""
    about = read_about(tree)
    within = str(settings.get("_subdirectory") or "")
    named = ref.source.rstrip("/").rsplit("/", 1)[-1].removesuffix(".git")
    return Template(
        ref=ref,
        title=about.title or named,
        description=about.description,
        questions=read_questions(settings, questions, about.several),
        environment=read_contracts(tree, "" if "{" in within else within) | dict(about.environment),
        proof=about.proof,
        base_hours=about.base_hours,
        checks=about.checks,
    )


def _answers_of(into: Path, name: str, source: str) -> dict[str, Any]:
    """What an answers file in a clone holds, if it is of this template. Raises Permanent."""
    file = into / name
    try:
        if file.is_symlink() or file.stat().st_size > _ANSWERS_BYTES_MAX:
            raise Permanent(f"{name} of the project is a link, or too large", "Restore it")
        held = yaml.safe_load(file.read_bytes())
    except FileNotFoundError:
        raise Permanent(
            f"the project has no {name}, so it cannot be updated",
            "Restore the file, or render the project anew",
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise Permanent(f"{name} of the project is no valid YAML", "Restore it") from None
    recorded = held.get("_src_path") if isinstance(held, dict) else None
    if not isinstance(recorded, str) or not same_address(recorded, source):
        raise Permanent(
            f"{name} of the project names another template", f"Restore it: the template is {source}"
        )
    return {str(key): value for key, value in held.items()}


def _hidden(template: Template, answers: Mapping[str, Any]) -> list[str]:
    """Secret answers, as texts that no error may show."""
    return [str(answers[one.name]) for one in template.questions if one.secret and one.name in answers]


def _keep_secrets_out(file: Path | None, template: Template) -> None:
    """Refuse an answers file that holds a secret answer. Raises Permanent."""
    if file is None or file.is_symlink():
        return
    try:
        held = yaml.safe_load(file.read_bytes())
    except (yaml.YAMLError, ValueError, RecursionError):
        raise Permanent(
            "the template writes an answers file that is no valid YAML", "Correct the template"
        ) from None
    names = [
        one.name for one in template.questions if one.secret and isinstance(held, dict) and one.name in held
    ]
    if names:
        raise Permanent(
            f"the template writes the secret {', '.join(names)} into its answers file",
            "Let its answers file hold _copier_answers and nothing else",
        )
