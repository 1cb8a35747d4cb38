"""What a failed look does to an organisation, and what a whole one heals. State is kept, always."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from steward.app.filing import file_reports
from steward.domain.consequences import ACTOR
from steward.domain.incidents import Cause, Report, Severity
from steward.domain.journal import Event, Kind
from steward.domain.project import Freeze, Organisation, OrgState
from steward.domain.reports import Seen, cleared
from steward.ports import BadSettings, NoSuchOrganisation, Permanent, Transient, Uninstalled, Writes

GUARD_CONFIGURATION = "guard:configuration"
FAILURES = 3
"""How many looks in a row must fail, for a reason that may pass, before it is an incident."""


def fail_look(
    tx: Writes, organisation_id: int, error: Transient | Permanent, seen: Seen, channels: Sequence[str]
) -> Organisation:
    """Record that a look brought nothing whole; return the organisation as it is now."""
    organisation = tx.organisation(organisation_id)
    wrong = isinstance(error, NoSuchOrganisation | BadSettings | Uninstalled)
    state = OrgState.MISCONFIGURED if wrong else OrgState.DEGRADED
    after = _with_state(tx, organisation, state, error.reason, seen)
    if wrong and after.frozen is None:
        freeze = Freeze(seen.at, GUARD_CONFIGURATION, error.reason)
        tx.append([Event(Kind.ORGANISATION_FROZEN, seen.at, ACTOR, None, organisation_id, error.reason)])
        after = replace(after, frozen=freeze)
    if after != organisation:
        tx.save_organisation(after)
    if isinstance(error, Permanent) or _keeps_failing(tx, organisation_id):
        file_reports(tx, [_report(after, error, seen, wrong=wrong)], seen.at, ACTOR, channels)
    return after


def _with_state(
    tx: Writes, organisation: Organisation, state: OrgState, reason: str, seen: Seen
) -> Organisation:
    if organisation.state is not state:
        data = {"from": organisation.state.value, "to": state.value}
        kind = Kind.ORGANISATION_STATE
        tx.append([Event(kind, seen.at, ACTOR, None, organisation.id, reason, data)])
    return replace(organisation, state=state, reason=reason)


def _keeps_failing(tx: Writes, organisation_id: int) -> bool:
    full = [look for look in tx.looks(organisation_id, 20) if look.kind == "full"][:FAILURES]
    return len(full) == FAILURES and all(look.outcome != "whole" for look in full)


def _report(organisation: Organisation, error: Transient | Permanent, seen: Seen, *, wrong: bool) -> Report:
    login, reason = organisation.login, error.reason
    title = f"{login} cannot be looked at: {reason}"
    if wrong:
        title = f"{login} is not where the settings say: {reason}"
    return Report(
        key=f"{'misconfigured' if wrong else 'look_failed'}:{organisation.id}",
        cause=Cause.MISCONFIGURED if wrong else Cause.LOOK_FAILED,
        look=seen.look,
        stands=True,
        severity=Severity.ERROR,
        title=title,
        organisation_id=organisation.id,
        evidence={
            "reason": error.reason,
            "advice": error.advice if isinstance(error, Permanent) else "it is tried again by itself",
        },
    )


def heal(tx: Writes, organisation: Organisation, seen: Seen, channels: Sequence[str]) -> Organisation:
    """Take back what a failed look did, now that one was whole. The caller saves the organisation."""
    if organisation.state is OrgState.OK:
        return organisation
    organisation = _with_state(tx, organisation, OrgState.OK, "", seen)
    keys = (f"look_failed:{organisation.id}", f"misconfigured:{organisation.id}")
    reports = [cleared(key, seen, "the organisation was listed whole") for key in keys]
    file_reports(tx, reports, seen.at, ACTOR, channels)
    if organisation.frozen is not None and organisation.frozen.by == GUARD_CONFIGURATION:
        why = "the organisation answers again"
        tx.append([Event(Kind.ORGANISATION_UNFROZEN, seen.at, ACTOR, None, organisation.id, why)])
        organisation = replace(organisation, frozen=None)
    return organisation
