"""What can be asked of projects at a Steward elsewhere; see `app.commands`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from steward.adapters.remote.shapes import Json, Project
from steward.adapters.remote.wire import Wire, project_path
from steward.domain.status import Status, Trigger

if TYPE_CHECKING:
    # For the type alone: what is asked through a server needs nothing of the road here.
    from steward.app.describing import Wish


@dataclass(frozen=True, slots=True)
class RemoteCommands:
    """What can be asked of projects; see `app.commands`. `expecting`: the version one must still have."""

    wire: Wire
    expecting: int | None = None

    def order(self, slug: str, *, organisation: str | None = None, title: str = "") -> Json:
        """Record a new project as a draft."""
        body: Json = {"slug": slug, "organisation": organisation, "title": title}
        return self.wire.send(Project, "POST", "/projects", body).json()

    def ask(self, reference: str, trigger: Trigger, reason: str = "") -> Json:
        """Ask for a move of the table by its trigger."""
        body: Json = {"trigger": trigger.value, "reason": reason}
        return self._changed("POST", project_path(reference, "transitions"), body)

    def archive(self, reference: str, reason: str = "") -> Json:
        """Shut a project down in Steward."""
        return self.ask(reference, Trigger.ARCHIVED, reason)

    def reopen(self, reference: str, reason: str = "") -> Json:
        """Take an archived project back to what it interrupted."""
        return self.ask(reference, Trigger.REOPENED, reason)

    def own(self, reference: str, owner: str | None) -> Json:
        """Say who looks after a project."""
        return self._changed("PATCH", project_path(reference), {"owner": owner})

    def manage(self, reference: str, management: str) -> Json:
        """Set how far Steward goes."""
        return self._changed("PATCH", project_path(reference), {"management": management})

    def relink(self, reference: str, repository: str) -> Json:
        """Give a missing project another repository."""
        return self._changed("POST", project_path(reference, "relink"), {"repository": repository})

    def draft(self, slug: str, *, organisation: str | None = None, title: str = "", wish: Wish) -> Json:
        """Order a project together with its spec."""
        body: Json = {"slug": slug, "organisation": organisation, "title": title, "spec": _wished(wish)}
        return self.wire.send(Project, "POST", "/projects", body).json()

    def describe(self, reference: str, wish: Wish, reason: str = "") -> Json:
        """Give a draft, an estimate or an update a spec."""
        body = {**_wished(wish), "reason": reason}
        return self._changed("PUT", project_path(reference, "spec"), body)

    def confirm(self, reference: str, reason: str = "", budget_usd: float | None = None) -> Json:
        """Confirm the estimate, within a budget."""
        body: Json = {"trigger": Trigger.CONFIRMED.value, "reason": reason, "budget_usd": budget_usd}
        return self._changed("POST", project_path(reference, "transitions"), body)

    def retry(self, reference: str, reason: str = "") -> Json:
        """Once more what failed or was cancelled."""
        return self._changed("POST", project_path(reference, "retry"), {"reason": reason})

    def resolve(self, reference: str, reason: str = "", to: Status | None = None) -> Json:
        """Say that the cause of an error is gone."""
        body: Json = {"reason": reason, "to": to.value if to else None}
        return self._changed("POST", project_path(reference, "resolve"), body)

    def update(self, reference: str, text: str = "") -> Json:
        """Ask for a change of what is live."""
        return self._changed("POST", project_path(reference, "updates"), {"text": text})

    def rollback(self, reference: str, release: int | None = None) -> Json:
        """Put an earlier release live again."""
        return self._changed("POST", project_path(reference, "rollback"), {"release": release})

    def budget(self, reference: str, usd: float) -> Json:
        """Let the project's agents cost so much in all."""
        return self._changed("PUT", project_path(reference, "budget"), {"usd": usd})

    def _changed(self, method: str, at: str, body: Json) -> Json:
        return self.wire.send(Project, method, at, body, self.expecting).json()


def _wished(wish: Wish) -> Json:
    """What an order says of the spec, as the API takes it."""
    return {
        "template": wish.template,
        "tag": wish.tag,
        "answers": dict(wish.answers or {}),
        "brief": wish.brief,
        "criteria": list(wish.criteria),
    }
