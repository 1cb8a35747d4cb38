"""The ledger, holds, watches, patches, scans and scores: rows into values and back; see `rows`."""

from __future__ import annotations

from typing import Any

from steward.adapters.store.rows import Fields
from steward.adapters.store.values import (
    clean,
    clean_or_none,
    code,
    json_text,
    json_value,
    maybe,
    readable,
    stamp,
    stamp_or_none,
    time_from,
)
from steward.domain.hands import Entry, EntryKind, Hold, Reason, Watch
from steward.ports.hands import PATCH_MAX, Patch, ScanRecord, Score


def entry_row(entry: Entry) -> dict[str, Any]:
    """The columns of an entry but the key, in order."""
    return {
        "repository_id": entry.repository_id,
        "branch": clean(entry.branch),
        "kind": str(entry.kind),
        "before": clean_or_none(entry.before),
        "after": clean_or_none(entry.after),
        "at": stamp(entry.at),
        "by": clean(entry.by),
        "made": entry.made,
        "head": clean_or_none(entry.head),
        "pull": entry.pull,
        "operation_id": entry.operation_id,
    }


def entry_from(row: Fields) -> Entry:
    """Read a row of `ledger`. A kind of a newer Steward is kept as its text: the move is accounted for."""
    key, repository_id, branch, kind, before, after, at, by, made, head, pull, operation_id = row
    with readable("the entry of the ledger", key):
        return Entry(
            repository_id,
            branch,
            code(EntryKind, kind),
            before,
            after,
            time_from(at),
            by,
            bool(made),
            head,
            pull,
            operation_id,
            key,
        )


def hold_row(hold: Hold) -> dict[str, Any]:
    """The columns of a hold but the key, in order."""
    return {
        "project_id": hold.project_id,
        "organisation_id": hold.organisation_id,
        "reason": str(hold.reason),
        "words": clean(hold.words),
        "since": stamp(hold.since),
        "by": clean(hold.by),
        "evidence": json_text(hold.evidence),
        "until_green": hold.until_green,
        "lifted_at": stamp_or_none(hold.lifted_at),
        "lifted_by": clean(hold.lifted_by),
        "exit": clean(hold.exit),
    }


def hold_from(row: Fields) -> Hold:
    """Read a row of `holds`. A reason of a newer Steward is kept as its text: what holds, holds."""
    key, project_id, organisation_id, reason, words, since, by, evidence, *rest = row
    until_green, lifted_at, lifted_by, left_by = rest
    with readable("the hold", key):
        return Hold(
            project_id,
            organisation_id,
            code(Reason, reason),
            words,
            time_from(since),
            by,
            json_value(evidence),
            bool(until_green),
            maybe(time_from, lifted_at),
            lifted_by,
            left_by,
            key,
        )


def watch_row(watch: Watch) -> tuple[Any, ...]:
    """The columns of a watch, in order."""
    return (
        watch.repository_id,
        watch.project_id,
        clean(watch.branch),
        json_text(watch.tips),
        stamp_or_none(watch.pushed_at),
        stamp_or_none(watch.read_at),
        json_text(list(watch.topics)),
        watch.marked,
        json_text(watch.wanted),
        json_text(watch.shown),
    )


def watch_from(row: Fields) -> Watch:
    """Read a row of `watches`."""
    repository_id, project_id, branch, tips, pushed_at, read_at, topics, marked, wanted, shown = row
    with readable("what is watched of the repository", repository_id):
        return Watch(
            repository_id,
            project_id,
            branch,
            json_value(tips),
            maybe(time_from, pushed_at),
            maybe(time_from, read_at),
            tuple(json_value(topics)),
            bool(marked),
            json_value(wanted),
            json_value(shown),
        )


def patch_row(patch: Patch) -> dict[str, Any]:
    """The columns of a patch but the key, in order; one that is too long is cut at a line."""
    text = clean(patch.text)
    cut = len(text) > PATCH_MAX
    if cut:
        text = text[: text.rfind("\n", 0, PATCH_MAX) + 1]
    return {
        "project_id": patch.project_id,
        "operation_id": clean(patch.operation_id),
        "attempt": patch.attempt,
        "base": clean(patch.base),
        "text": text,
        "at": stamp(patch.at),
        "why": clean(patch.why),
        "cut": patch.cut or cut,
    }


def patch_from(row: Fields) -> Patch:
    """Read a row of `patches`."""
    key, project_id, operation_id, attempt, base, text, at, why, cut = row
    with readable("the patch", key):
        return Patch(project_id, operation_id, attempt, base, text, time_from(at), why, bool(cut), key)


def scan_row(scan: ScanRecord) -> tuple[Any, ...]:
    """The columns of a scan, in order."""
    return (
        scan.project_id,
        scan.organisation_id,
        clean(scan.state),
        clean(scan.asked_by),
        stamp(scan.asked_at),
        clean(scan.reason),
        clean(scan.advice),
        clean(scan.commit),
        stamp_or_none(scan.done_at),
        scan.attempts,
        None if scan.result is None else json_text(scan.result),
    )


def scan_from(row: Fields) -> ScanRecord:
    """Read a row of `scans`, with its result or without that column."""
    project_id, organisation_id, state, asked_by, asked_at, reason, advice, sha, done_at, attempts, *rest = (
        row
    )
    with readable("the scan of the project", project_id):
        return ScanRecord(
            project_id,
            organisation_id,
            state,
            asked_by,
            time_from(asked_at),
            reason,
            advice,
            sha,
            maybe(time_from, done_at),
            maybe(json_value, rest[0]) if rest else None,
            attempts,
        )


def score_row(score: Score) -> tuple[Any, ...]:
    """The columns of a score, in order."""
    return (score.project_id, score.percent, json_text(list(score.unmet)), stamp(score.at))


def score_from(row: Fields) -> Score:
    """Read a row of `scores`."""
    project_id, percent, unmet, at = row
    with readable("the score of the project", project_id):
        return Score(project_id, percent, tuple(json_value(unmet)), time_from(at))
