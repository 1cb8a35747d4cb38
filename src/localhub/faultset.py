"""The faults that are on, and where each applies. They live in memory: a restart ends them all.

What a kind of fault does is in faults.py.
"""

import random
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from localhub import checkfaults, faults
from localhub.access import View
from localhub.clock import Clock, stamp
from localhub.registry import Repo
from localhub.tokens import Caller
from localhub.wire import Call, Problem, not_found

if TYPE_CHECKING:
    from localhub.core import Core

_Kind = TypeVar("_Kind")
_Check = TypeVar("_Check", bound=checkfaults.CheckFault)
_MAX_DELAY_S = 86_400


class Off(RuntimeError):
    """Faults are not enabled in this localhub."""

    def __init__(self) -> None:
        super().__init__("faults are off: start localhub with --faults")


@dataclass
class Active:
    """A fault that is on: `seen` requests matched it so far, and it applied to `used` of them."""

    id: int
    fault: faults.Fault
    seen: int = 0
    used: int = 0
    draw: random.Random = field(default_factory=random.Random)

    def shape(self) -> dict[str, Any]:
        """Its JSON form: the parameters, its id, and how often it applied."""
        found: dict[str, Any] = msgspec.to_builtins(self.fault)
        return {"id": self.id, **found, "used": self.used}


@dataclass(frozen=True)
class Plan:
    """How one delivery is to be made: after `delay_s`, `copies` times; none when it is dropped.

    `hold_for` keeps it back until so many are there; `listed` is False where not even a trace is to be left.
    """

    delay_s: float = 0.0
    copies: int = 1
    hold_for: int = 1
    listed: bool = True


class FaultSet:
    """All faults that are on."""

    def __init__(self, core: "Core", clock: Clock, *, enabled: bool) -> None:
        self._core = core
        self._clock = clock
        self.enabled = enabled
        self._active: list[Active] = []
        self._next_id = 1
        self._lock = threading.Lock()

    def add(self, document: object) -> Active:
        """Turn a fault on. Raises ValueError for one that is not valid, and Off."""
        if not self.enabled:
            raise Off
        fault = faults.parse(document)
        self._check(fault)
        with self._lock:
            draw = random.Random(fault.seed if isinstance(fault, faults.WebhookFault) else 0)  # noqa: S311 # to repeat
            active = Active(self._next_id, fault, draw=draw)
            self._next_id += 1
            self._active.append(active)
        return active

    def all(self) -> list[Active]:
        """The faults that are on, oldest first."""
        with self._lock:
            return list(self._active)

    def clear(self, fault_id: int | None = None) -> int:
        """Turn one fault or all off; return how many that were. Deliveries that one kept back go out."""
        with self._lock:
            kept = [one for one in self._active if fault_id is not None and one.id != fault_id]
            gone = len(self._active) - len(kept)
            self._active = kept
        self._core.webhooks.release()
        return gone

    def _check(self, fault: faults.Fault) -> None:
        """Refuse what could never apply, so that a misspelt name is not a test that passes for nothing."""
        if isinstance(fault, faults.Matched) and fault.path is not None:
            try:
                re.compile(fault.path)
            except re.error as error:
                raise ValueError(f"path is not a regular expression: {error}") from error
        if isinstance(fault, faults.Selection):
            for one in fault.repositories:
                self._core.resolve(one)
        if isinstance(fault, faults.Blocked):
            self._core.resolve(fault.repo)
        if isinstance(fault, checkfaults.CheckFault):
            self._check_of_checks(fault)
        if isinstance(fault, faults.AfterPage) and fault.action != "create":
            self._core.resolve(fault.repo)
        if isinstance(fault, faults.AfterPage) and fault.action in {"rename", "transfer"} and not fault.name:
            raise ValueError(f"after_page with the action {fault.action} needs `name`")
        if isinstance(fault, faults.AppUninstalled) and self._core.registry.owner(fault.org) is None:
            raise ValueError(f"there is no organisation {fault.org}")

    def _check_of_checks(self, fault: checkfaults.CheckFault) -> None:
        if fault.repo is not None:
            self._core.resolve(fault.repo)
        if isinstance(fault, checkfaults.SlowChecks) and not 0 <= fault.delay_s <= _MAX_DELAY_S:
            raise ValueError(f"delay_s must be from 0 to {_MAX_DELAY_S}")

    def _of(self, kind: type[_Kind]) -> Iterator[tuple[Active, _Kind]]:
        for active in self.all():
            if isinstance(active.fault, kind):
                yield active, active.fault

    def matching(self, call: Call) -> list[faults.Matched]:
        """The faults of single requests that apply to this one; each counts it."""
        found: list[faults.Matched] = []
        for active in self.all():
            fault = active.fault
            if isinstance(fault, faults.Matched) and _matches(fault, call) and self._take(active, fault):
                found.append(fault)
        return found

    def _take(self, active: Active, fault: faults.Matched) -> bool:
        with self._lock:
            active.seen += 1
            if active.seen <= fault.skip or (fault.times is not None and active.used >= fault.times):
                return False
            active.used += 1
            return True

    def narrowed(self, view: View, caller: Caller) -> View:
        """What is left of a caller's view under the faults that are on."""
        for active in self.all():
            fault = active.fault
            if isinstance(fault, faults.PrivateHidden):
                view = replace(view, private=False)
            elif isinstance(fault, faults.Selection):
                ids = frozenset(self._core.resolve(one).id for one in fault.repositories)
                view = replace(view, only=ids if view.only is None else view.only & ids)
            elif isinstance(fault, faults.AppUninstalled):
                owner = self._core.registry.owner(fault.org)
                view = replace(view, hidden_owners=view.hidden_owners | ({owner.id} if owner else set()))
            elif isinstance(fault, faults.ReplicaLag) and caller.kind != "anonymous":
                until = self._clock.now() - timedelta(seconds=fault.lag_s)
                view = replace(view, created_until=stamp(until))
        return view

    def check_repo(self, call: Call, repo: Repo | None) -> None:
        """Raise the Problem that a fault of one repository makes of this request."""
        for active, missing in self._of(faults.NotFound):
            by = "id" if "repository_id" in call.params else "name"
            if missing.by in {by, "any"} and _names(missing.repo, call, repo):
                with self._lock:
                    applies = missing.times is None or active.used < missing.times
                    active.used += int(applies)
                if applies:
                    raise not_found()
        for active, blocked in self._of(faults.Blocked):
            if _names(blocked.repo, call, repo):
                active.used += 1
                block = {"reason": "dmca", "created_at": stamp(self._clock.now()), "html_url": call.site}
                raise Problem(451, "Repository access blocked", more={"block": block})

    def checks(self, kind: type[_Check], repo: Repo) -> list[_Check]:
        """The faults of this kind that apply to the checks of a repository; each counts it."""
        found: list[_Check] = []
        for active, fault in self._of(kind):
            if fault.repo is None or _is(fault.repo, repo):
                with self._lock:
                    active.used += 1
                found.append(fault)
        return found

    def plan(self, event: str) -> Plan:
        """How to deliver one event to one hook."""
        plan = Plan()
        for active, fault in self._of(faults.WebhookFault):
            if fault.events and event not in fault.events:
                continue
            with self._lock:
                if active.draw.random() >= fault.rate:
                    continue
                active.used += 1
                plan = _planned(plan, fault, active.draw.random)
        return plan


def _planned(plan: Plan, fault: faults.WebhookFault, draw: Callable[[], float]) -> Plan:
    match fault:
        case faults.WebhookDelay():
            return replace(plan, delay_s=plan.delay_s + fault.delay_s + fault.jitter_s * draw())
        case faults.WebhookDouble():
            return replace(plan, copies=plan.copies * 2)
        case faults.WebhookDrop():
            return replace(plan, copies=0, listed=fault.listed)
        case faults.WebhookReorder():
            return replace(plan, hold_for=fault.window)
    raise AssertionError(f"{fault} is no known fault of deliveries")


def _matches(fault: faults.Matched, call: Call) -> bool:
    if fault.method is not None and fault.method.upper() != call.method:
        return False
    if fault.path is not None and not re.search(fault.path, call.path):
        return False
    return fault.page is None or fault.page == call.page().number


def _names(wanted: int | str, call: Call, repo: Repo | None) -> bool:
    """Whether a fault's `repo` is the one that a request is about."""
    if isinstance(wanted, int):
        return repo is not None and repo.id == wanted
    name = wanted.lower().rsplit("/", 1)[-1]
    asked = call.params.get("repo", "").lower().removesuffix(".git")
    return asked == name or (repo is not None and repo.name.lower() == name)


def _is(wanted: int | str, repo: Repo) -> bool:
    """Whether a fault names this repository: by id, by name, or as `owner/name`."""
    text = str(wanted).lower()
    return text in {str(repo.id), repo.name.lower(), repo.full_name.lower()}
