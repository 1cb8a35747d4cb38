"""What a person may say of what a project is to be: orders with a spec, and new versions of it.

The answers are checked against the template at once, so that nothing is stored that could not be rendered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from steward.app.commands import Commands
from steward.app.errors import Invalid, Undriven
from steward.app.filing import told
from steward.app.keeping import keep_answers
from steward.app.queries import find_project, one_project, the_project
from steward.app.views import Json
from steward.app.works import read_template
from steward.domain.answers import check_answers, criteria_of
from steward.domain.journal import Event, Kind
from steward.domain.lifecycle import Refused
from steward.domain.people import Right
from steward.domain.project import Project
from steward.domain.spec import ADOPTED, STARTER, Spec, Template, TemplateRef
from steward.domain.status import Status, Trigger
from steward.ports import Writes

TEXT_MAX: Final = 10_000
"""Characters of a brief or of an update's text."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What an order says of the spec. `answers` are as they were given: texts do."""

    template: str = STARTER
    tag: str = ""
    answers: Mapping[str, Any] | None = None
    brief: str = ""
    criteria: Sequence[str] = ()


class Describing(Commands):
    """Orders and specs of one principal. Each call may raise Forbidden, Refused, Invalid, Stale, Unknown, Undriven."""

    def read_template(self, wish: Wish) -> Template:
        """The template that is wished for. Raises Invalid where it cannot be used, Undriven where none can be."""
        return read_template(self.templates, TemplateRef(wish.template, wish.tag))

    def driven(self) -> None:
        """Raise Undriven where this installation drives nothing: what is asked for would never run."""
        if self.templates is None:
            raise Undriven

    def draft(self, slug: str, *, organisation: str | None = None, title: str = "", wish: Wish) -> Json:
        """Order a project together with its spec: both are stored, or neither. Raises Invalid."""
        template = self.read_template(wish)
        with told(self.store) as tx:
            project = self.place(tx, slug, organisation, title)
            self.store_spec(tx, project, template, wish)
            return self.shown(tx, project.id)

    def shown(self, tx: Writes, project_id: str) -> Json:
        """The project as it is now."""
        return one_project(tx, find_project(tx, project_id, self.by))

    def describe(self, reference: str, wish: Wish, reason: str = "") -> Json:
        """Give a draft (or one in maintenance) a spec: checked against its template now. Raises Invalid.

        An estimate goes back to a draft for it, in the same transaction.
        """
        template = None if self._is_adopted(reference) else self.read_template(wish)
        with told(self.store) as tx:
            _, project = self.found(tx, reference, Right.WRITE)
            if project.status is Status.ESTIMATED:
                _, who = self.mine(tx, reference, Trigger.REVISED)
                seen = self.seen(tx, project.organisation_id)
                project = self.move(tx, project, Trigger.REVISED, frozenset(), reason, seen, who)
            if project.status not in (Status.DRAFT, Status.MAINTENANCE):
                raise Refused(
                    "edge",
                    f"a spec is given to a draft or an update, not to a project that is {project.status}",
                )
            self.only_one(tx, project)
            if template is None:
                self._reword(tx, project, wish)
            else:
                self.store_spec(tx, project, template, wish)
            return self.shown(tx, project.id)

    def amend(self, reference: str, words: str, reason: str = "") -> Json:
        """Add words to the brief of a draft or an estimate, which is a draft again for it; the same words once.

        Raises Refused for any other project, and for a draft that nobody described.
        """
        with told(self.store) as tx:
            _, project = self.found(tx, reference, Right.WRITE)
            last, words = tx.spec(project.id), words.strip()
            if project.status not in (Status.DRAFT, Status.ESTIMATED) or last is None:
                raise Refused("edge", f"nothing is added to a brief while a project is {project.status}")
            if last.brief.endswith(f"\n\n{words}"):
                return self.shown(tx, project.id)
            brief = f"{last.brief}\n\n{words}"
            if len(brief) > TEXT_MAX:
                raise Invalid(f"a brief has at most {TEXT_MAX} characters", "Shorten it.")
            if project.status is Status.ESTIMATED:
                _, who = self.mine(tx, reference, Trigger.REVISED)
                seen = self.seen(tx, project.organisation_id)
                project = self.move(tx, project, Trigger.REVISED, frozenset(), reason, seen, who)
            self.only_one(tx, project)
            now = self.clock.now().at
            spec = replace(last, version=last.version + 1, brief=brief, made_by=self.actor, made_at=now)
            self._add_spec(tx, project, spec)
            return self.shown(tx, project.id)

    def _is_adopted(self, reference: str) -> bool:
        """Whether the project was made without a template: then none is asked."""
        with self.store.reading() as view:
            spec = view.spec(the_project(find_project(view, reference, self.by)).id)
        return spec is not None and spec.template.source == ADOPTED

    def _reword(self, tx: Writes, project: Project, wish: Wish) -> None:
        """The next version of an adopted project's spec: its words alone. Raises Invalid."""
        last = tx.spec(project.id)
        if last is None or wish.answers or wish.template not in (STARTER, ADOPTED):
            raise Invalid(
                "an adopted project has no template, and no questions to answer",
                "Say in the brief and the criteria what it is to be.",
            )
        if len(wish.brief) > TEXT_MAX:
            raise Invalid(f"a brief has at most {TEXT_MAX} characters", "Shorten it.")
        spec = replace(
            last,
            version=last.version + 1,
            brief=wish.brief or last.brief,
            criteria=tuple(wish.criteria) or last.criteria,
            made_by=self.actor,
            made_at=self.clock.now().at,
        )
        self._add_spec(tx, project, spec)

    def _add_spec(self, tx: Writes, project: Project, spec: Spec) -> None:
        tx.add_spec(spec)
        data = {"version": spec.version}
        at, home = spec.made_at, project.organisation_id
        tx.append([Event(Kind.SPEC_STORED, at, self.actor, project.id, home, "", data)])

    def store_spec(self, tx: Writes, project: Project, template: Template, wish: Wish) -> Spec:
        """The next version of the spec, with its event. Raises Invalid with all that is wrong with the answers."""
        if len(wish.brief) > TEXT_MAX:
            raise Invalid(f"a brief has at most {TEXT_MAX} characters", "Shorten it.")
        last = tx.spec(project.id)
        given = dict(wish.answers or {})
        if "title" in {question.name for question in template.questions}:
            given.setdefault("title", project.title or project.slug)
        checked = check_answers(template, given)
        if checked.problems:
            words = "; ".join(
                f"{one.name or 'answers'}: {one.words}"
                + (f" (possible: {', '.join(one.allowed[:12])})" if one.allowed else "")
                for one in checked.problems
            )
            problems = [
                {"name": one.name, "words": one.words, "allowed": list(one.allowed)}
                for one in checked.problems
            ]
            raise Invalid(f"the answers do not fit the template {template.title}", words, problems)
        if checked.secrets:
            keep_answers(self, tx, project, template, checked.secrets)
        at = self.clock.now().at
        spec = Spec(
            project_id=project.id,
            version=last.version + 1 if last else 1,
            template=template.ref,
            answers=checked.answers,
            brief=wish.brief or project.title,
            criteria=tuple(wish.criteria) or criteria_of(checked.answers),
            environment=template.environment,
            proof=template.proof,
            made_by=self.actor,
            made_at=at,
        )
        self._add_spec(tx, project, spec)
        return spec

    def only_one(self, tx: Writes, project: Project) -> None:
        """Raise Refused while something runs for the project."""
        running = tx.open_operation(project.id)
        if running is not None:
            raise Refused("guard", f"{running.kind} runs for it already; cancel that first, or wait for it")
