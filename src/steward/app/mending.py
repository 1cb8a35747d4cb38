"""Settings of a repository that somebody changed on GitHub: set right, or taken as they are now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from steward.app.accounts import SETTINGS
from steward.app.acting import Acts
from steward.app.errors import Invalid, Undriven, Unknown
from steward.app.filing import told
from steward.app.queries import find_project, one_project, the_project
from steward.app.views import Json
from steward.domain.hands import Watch
from steward.domain.journal import Kind
from steward.domain.people import Right
from steward.domain.project import Project, Tracked
from steward.domain.repository import Repository
from steward.ports import Permanent, Reads, Transient, Writes
from steward.ports.building import ForgeWrite

WEBHOOK: Final = "webhook"
"""A setting of the installation rather than of a repository: it is set right by a command of its own."""
Tell = Callable[[str], None]


def tell_nobody(_words: str) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class Drift:
    """A setting that is another now than what was set; `page` is where it stands on GitHub."""

    row: Repository
    watch: Watch
    setting: str
    wanted: Any
    shown: Any
    checks: tuple[str, ...]

    @property
    def page(self) -> str:
        """Where a person changes it."""
        return f"{self.row.repo.html_url}/settings" + ("/rules" if self.setting == "rule" else "")


@dataclass(frozen=True, slots=True)
class Mending(Acts):
    """What one principal may do about changed settings. Each call may raise Unknown, Forbidden, Stale, Invalid.

    `writing` is the client that changes things on GitHub; None where this installation drives nothing.
    """

    writing: Callable[[], ForgeWrite] | None = None

    def mend(self, reference: str, setting: str, *, tell: Tell = tell_nobody) -> Json:
        """Set one setting as it was; the project. Raises Undriven, Permanent and Transient of GitHub.

        Nothing is ever published, archived, or left without its rule from here: Invalid names the page on GitHub.
        """
        with self.store.reading() as view:
            project, drift = self._drift(view, reference, setting)
            home = view.organisation(project.organisation_id)
        if home.frozen is not None:
            raise Invalid(
                f"{home.login} is frozen: nothing is changed on GitHub",
                f"Let automation go on first: steward unfreeze {home.login}",
            )
        _must_be_mendable(drift)
        if self.writing is None:
            raise Undriven
        forge = self.writing()
        tell(f"asking GitHub to set {setting} to {drift.wanted}")
        try:
            self._set(forge, drift)
        except Permanent as error:
            raise Permanent(error.reason, f"{error.advice} On GitHub: {drift.page}".strip()) from None
        shown = _read_back(forge, drift)
        with told(self.store) as tx:
            project = self._mended(tx, project.id, drift, shown)
            made = one_project(tx, find_project(tx, project.id, self.by))
        if shown != drift.wanted:
            raise Permanent(
                f"GitHub was asked, and still shows {setting} as {shown}", f"Look there: {drift.page}"
            )
        return made

    def accept(self, reference: str, setting: str) -> Json:
        """Take a setting as it is now: what is shown is what is wanted from here on; the project."""
        with told(self.store) as tx:
            project, drift = self._drift(tx, reference, setting)
            seen = self.seen(tx, project.organisation_id)
            tx.save_watch(replace(drift.watch, wanted={**drift.watch.wanted, setting: drift.shown}))
            data = {"setting": setting, "wanted": drift.shown, "was": drift.wanted, "kept": True}
            tx.append([self.event(Kind.SETTING_MENDED, seen, project, **data)])
            return one_project(tx, find_project(tx, project.id, self.by))

    def _drift(self, view: Reads, reference: str, setting: str) -> tuple[Project, Drift]:
        found, project = self.found(view, reference, Right.WRITE)
        if setting == WEBHOOK:
            raise Invalid(
                "the webhook is no setting of one repository", "Set it right: steward webhook register"
            )
        if setting not in SETTINGS:
            raise Unknown("setting", setting, SETTINGS)
        row = found.repository if isinstance(found, Tracked) else None
        watch = view.watches([row.repo.id]).get(row.repo.id) if row is not None else None
        if row is None or watch is None or setting not in watch.wanted:
            raise Invalid(
                f"nothing is known of how {setting} of {project.slug} was set",
                "Settings are watched of projects that are driven, once their repository was read.",
            )
        wanted, shown = watch.wanted[setting], watch.shown.get(setting)
        if shown is None or shown == wanted:
            raise Invalid(
                f"{setting} of {project.slug} is as it was set",
                f"See what it lacks: steward project readiness {project.slug}",
            )
        facts = [one.facts for one in view.operations(project.id) if "checks" in one.facts]
        checks = tuple(str(name) for name in facts[0]["checks"]) if facts else ()
        return project, Drift(row, watch, setting, wanted, shown, checks)

    @staticmethod
    def _set(forge: ForgeWrite, drift: Drift) -> None:
        repo_id = drift.row.repo.id
        if drift.setting == "rule":
            ensured = forge.ensure_branch_rule(repo_id, drift.checks)
            if not ensured.made and ensured.detail:
                raise Permanent(ensured.detail, "Set a rule by hand, or leave it so.")
            return
        value = str(drift.wanted).lower() if isinstance(drift.wanted, bool) else str(drift.wanted)
        forge.mend(repo_id, drift.setting, value)

    def _mended(self, tx: Writes, project_id: str, drift: Drift, shown: Any) -> Project:
        project = the_project(find_project(tx, project_id, self.by))
        seen = self.seen(tx, project.organisation_id)
        watch = tx.watches([drift.row.repo.id]).get(drift.row.repo.id)
        if watch is not None:
            # Read again soon: what was seen meanwhile may be from before.
            tx.save_watch(replace(watch, shown={**watch.shown, drift.setting: shown}, pushed_at=None))
        data = {"setting": drift.setting, "wanted": drift.wanted, "was": drift.shown, "shown": shown}
        tx.append([self.event(Kind.SETTING_MENDED, seen, project, **data)])
        return project


def _must_be_mendable(drift: Drift) -> None:
    able = {
        "default_branch": True,
        "visibility": drift.wanted == "private",
        "archived": drift.wanted is False,
        "rule": drift.wanted is True,
    }
    if not able[drift.setting]:
        raise Invalid(
            f"Steward never sets {drift.setting} of a repository to {drift.wanted}",
            f"Set it by hand, or leave it so. On GitHub: {drift.page}",
        )


def _read_back(forge: ForgeWrite, drift: Drift) -> Any:
    """What GitHub shows of it now; what was asked for, where it does not tell."""
    branch = str(drift.wanted) if drift.setting == "default_branch" else drift.row.repo.default_branch
    try:
        shown = getattr(forge.shown(drift.row.repo.id, branch or "main"), drift.setting)
    except (Permanent, Transient):
        return drift.wanted
    return drift.wanted if shown is None else shown
