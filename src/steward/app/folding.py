"""Makes briefs of what was said in talks: a loop, with a model within its allowance or with the plain dialog.

What was said is stored before, so nothing is lost here; the answer of a model is kept only where what it was made of
still stands. Talks are shared out among a few loops by their numbers, so that a slow answer delays few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from steward.app.parts import Parts
from steward.app.plain import PlainMind
from steward.app.spending import reached
from steward.app.talking import by_hand, lang_of, skipped, template_of, want_card, with_hand
from steward.domain.answers import check_answers
from steward.domain.brief import ASKED_MAX, LINE_MAX, Brief, bounded
from steward.domain.spending import MindCall, Usage
from steward.domain.talks import Said, Talk, TalkState
from steward.ports import Conflict, Lease, Permanent, RateLimited, Transient, Writes
from steward.ports.mind import Folded, Heard, Mind

QUIET: Final = timedelta(seconds=1)
"""How long nothing was said before it is made sense of: several messages in a row are one."""
AT_ONCE: Final = 3
TICK_S: Final = 0.3
BATCH: Final = 100
BACKOFF_S: Final = (3.0, 10.0, 30.0)
"""Seconds until the model is asked again, after each failure in a row. After the last it rests."""
REST: Final = timedelta(minutes=5)
"""How long the plain dialog stands in for a model that rests."""
TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class _Failed:
    times: int
    until: datetime


@dataclass(frozen=True, slots=True)
class _Due:
    """One talk to be folded: all that was said in it, and what of it is new."""

    talk: Talk
    rows: Sequence[Said]
    heard: Heard


@dataclass(slots=True)
class Folding:
    """One of `of` loops, the one that has the talks whose number leaves `share`."""

    parts: Parts
    lease: Lease | None = None
    share: int = 0
    of: int = 1
    _failed: dict[int, _Failed] = field(default_factory=dict)
    _rests: datetime | None = None
    _model: Mind | None = None

    def tick(self) -> float:
        """Fold what is due; return the seconds until the next tick."""
        at = self._now
        with self.parts.store.reading() as view:
            due = view.talks_to_fold(at - QUIET, BATCH)
        for talk in due:
            failed = self._failed.get(talk.id)
            if talk.id % self.of == self.share and (failed is None or failed.until <= at):
                self._fold(talk)
        return TICK_S

    @property
    def _now(self) -> datetime:
        return self.parts.clock.now().at

    def _fold(self, talk: Talk) -> None:
        with self.parts.store.reading() as view:
            rows = view.said(talk.id)
            lang = lang_of(view, talk)
            limit = reached(view, self.parts.allowance, talk, self._now)
        heard = Heard(
            purpose=talk.purpose,
            brief=with_hand(talk.brief, by_hand(rows)) if talk.brief.is_empty else talk.brief,
            said=[row for row in rows if not row.folded],
            asked=(*skipped([row for row in rows if row.folded]), *talk.asked),
            template=template_of(self.parts, talk.brief.template),
            lang=lang,
        )
        due = _Due(talk, rows, heard)
        if self.parts.mind is None:
            self._plain(due)
        elif limit is not None:
            self._plain(due, limit.value)
        elif self._rests is not None and self._now < self._rests:
            self._plain(due, "unreachable")
        else:
            self._ask(self.parts.mind, due)

    def _plain(self, due: _Due, note: str = "", call: MindCall | None = None) -> None:
        self._keep(due, PlainMind().fold(due.heard), note, call)

    def _ask(self, make: Callable[[], Mind], due: _Due) -> None:
        """Have the model fold. Where it fails for now it is asked again; where for good, the plain dialog does it."""
        try:
            self._model = self._model or make()
            folded = self._model.fold(due.heard)
        except Transient as error:
            self._later(due, error)
        except Permanent:
            self._plain(due, "refused", self._call(due.talk, None, "refused"))
        else:
            self._keep(due, folded, "", self._call(due.talk, folded.usage, "ok"))

    def _later(self, due: _Due, error: Transient) -> None:
        """Ask again after a while; where that is longer than anybody waits in a chat, let the model rest."""
        at, talk = self._now, due.talk
        outcome = "limited" if isinstance(error, RateLimited) else "unreachable"
        times = self._failed[talk.id].times + 1 if talk.id in self._failed else 1
        wait = timedelta(seconds=BACKOFF_S[min(times, len(BACKOFF_S)) - 1])
        until = max(at + wait, error.retry_at or at)
        call = self._call(talk, None, outcome)
        if times > len(BACKOFF_S) or until > at + timedelta(seconds=BACKOFF_S[-1]):
            self._rests = max(at + REST, error.retry_at or at)
            self._failed.pop(talk.id, None)
            self._plain(due, outcome, call)
            return
        self._failed[talk.id] = _Failed(times, until)
        with self.parts.store.writing(self.lease) as tx:
            tx.add_mind_call(call)
            now = tx.talk(talk.id)
            if now is not None and now.state is TalkState.OPEN:
                want_card(tx, now, at, note=outcome)

    def _call(self, talk: Talk, usage: Usage | None, outcome: str) -> MindCall:
        name = self._model.name if self._model else ""
        return MindCall(self._now, talk.user, talk.id, usage or Usage(name), talk.project_id, outcome)

    def _keep(self, due: _Due, folded: Folded, note: str, call: MindCall | None) -> None:
        """Keep what came of it, where what it was made of still stands; the call was made in any case."""
        for _ in range(TRIES):
            try:
                with self.parts.store.writing(self.lease) as tx:
                    kept = self._save(tx, due, folded, note)
                    if call is not None:
                        late = not kept and call.outcome == "ok"
                        tx.add_mind_call(replace(call, outcome="late") if late else call)
                break
            except Conflict:
                continue  # Somebody said something at that moment; what is kept does not depend on it.
        self._failed.pop(due.talk.id, None)

    def _save(self, tx: Writes, due: _Due, folded: Folded, note: str) -> bool:
        now, new = tx.talk(due.talk.id), due.heard.said
        if now is None or not _stands(due.talk, now, new, tx.said(due.talk.id)):
            return False
        for row in new:
            tx.say(replace(row, folded=True))
        asked = tuple(name[:LINE_MAX] for name in folded.asked[:ASKED_MAX])
        saved = tx.save_talk(
            replace(now, brief=self._bounded(due, folded.brief), asked=asked, changed_at=self._now)
        )
        want_card(tx, saved, self._now, note=note)
        return True

    def _bounded(self, due: _Due, brief: Brief) -> Brief:
        """The brief within its bounds, with answers that fit the template alone.

        Made anew from all that was said, what was set by hand lies over it.
        """
        was, template = due.talk.brief, due.heard.template
        if brief.template not in self.parts.talk_templates:
            brief = replace(brief, template=was.template)
        if brief.template == was.template:
            # A template that cannot be read just now asks nothing; what was answered is not lost for that.
            fit = check_answers(template, brief.answers).answers if template.questions else was.answers
            brief = replace(brief, answers=fit)
        return bounded(with_hand(brief, by_hand(due.rows)) if was.is_empty else brief)


def _stands(was: Talk, now: Talk, new: Sequence[Said], rows: Sequence[Said]) -> bool:
    """Whether a brief may be kept: the talk is open, its brief and what was heard are as they were.

    What was said since does not matter: it is heard next.
    """
    there = {row.id: row for row in rows}
    same = was.brief == now.brief and was.asked == now.asked
    return now.state is TalkState.OPEN and same and all(there.get(row.id) == row for row in new)
