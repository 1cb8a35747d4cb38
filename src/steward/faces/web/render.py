"""Templates into pages: what every template may say and draw, and what surrounds each page.

What a template needs everywhere is a function here (`icon`, `status`, `ago`, `_`, ...); parts with more markup
are macros in `templates/macros.html`. Nothing here decides anything.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from secrets import token_urlsafe
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from steward.domain.people import Right
from steward.domain.status import Phase, Status
from steward.faces import held, lines, words
from steward.faces.http.failures import Failure
from steward.faces.http.site import COOKIE, THEME_COOKIE, context, csrf_token, signed_in, site
from steward.faces.web import asking, assets, cards, failing, frame, spec_form, timeline, times, working
from steward.faces.words import _

THEMES: Final = ("system", "light", "dark")
ZONE_COOKIE: Final = "steward-zone"
"""The reader's time zone, as the browser tells it (`live.js`)."""
_TONES: Final = {Status.ERROR: "incident", Status.MISSING: "incident", Status.ARCHIVED: "archived"}


def page(request: Request, template: str, *, status_code: int = 200, **values: Any) -> HTMLResponse:
    """Render a page; `values` are what the template names besides what every page has."""
    return HTMLResponse(_text(request, template, values), status_code)


def error_page(request: Request, failure: Failure) -> Response:
    """A failure as a page that says what to do next."""
    response = page(request, "error.html", status_code=failure.status, failure=failure)
    response.headers.update(failure.headers)
    return response


def _text(request: Request, template: str, values: dict[str, Any]) -> str:
    theme = request.cookies.get(THEME_COOKIE, "system")
    session = request.cookies.get(COOKIE)
    own = site(request)
    now = own.app.clock.now().at.astimezone(times.zone(request.cookies.get(ZONE_COOKIE, "UTC")))
    by = signed_in(request)
    shown = {
        "here": "",
        "now": now,
        "theme": theme if theme in THEMES else "system",
        "zone": request.cookies.get(ZONE_COOKIE, ""),
        "lang": words.language(),
        "csrf": csrf_token(session) if session else "",
        "shell": frame.shell(own.app, by) if by is not None and by.may_somewhere(Right.READ) else None,
        **values,
    }
    return environment().get_template(template).render(context(request, **shown))


@cache
def environment() -> Environment:
    """The templates, with everything they may call."""
    made = Environment(
        loader=PackageLoader("steward.faces.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(_globals())
    return made


def _globals() -> dict[str, Any]:
    return {
        "_": _,
        "counted": words.counted,
        "said": words.said,
        "label": words.label,
        "languages": words.LANGUAGES,
        "themes": THEMES,
        "Right": Right,
        "asset": assets.address,
        "icon": icon,
        "glyph": glyph,
        "status": status,
        "status_tone": status_tone,
        "phase_dot": phase_dot,
        "severity": severity,
        "next_words": asking.next_words,
        "effect": asking.effect,
        "destination": asking.destination,
        "note": cards.note,
        "is_paused": cards.is_paused,
        "is_held": cards.is_held,
        "pauses": cards.pauses,
        "hold_text": held.hold_words,
        **{name: getattr(held, name) for name in _HELD},
        "hold_words": cards.hold_words,
        "hold_reason": cards.hold_reason,
        "who_words": cards.who_words,
        "incident_title": cards.incident_title,
        "failure_title": failing.title,
        "failure_detail": failing.detail,
        "failure_advice": failing.advice,
        **{name: getattr(working, name) for name in _WORKING},
        "answer_text": spec_form.answer_text,
        "money": money,
        "initials": initials,
        "fresh_key": fresh_key,
        "ago": ago,
        "since": since,
        "time": time,
        "clock": clock,
        "line": lines.line,
        "event_icon": timeline.event_icon,
        "by_day": by_day,
        "actor_label": lines.actor_label,
        **{name: getattr(lines, name) for name in _LABELS},
        "lasted": times.lasted,
        "lasted_finely": times.lasted_finely,
    }


_LABELS: Final = (
    "status_label",
    "phase_label",
    "trigger_label",
    "severity_label",
    "cause_label",
    "presence_label",
    "management_label",
    "incident_state_label",
    "organisation_state_label",
    "guard_words",
    "work_label",
    "step_label",
    "health_label",
)
_HELD: Final = (
    "always_words",
    "checks_label",
    "exit_label",
    "exit_words",
    "file_label",
    "policy_label",
    "policy_words",
    "setting_label",
    "setting_value",
)
_WORKING: Final = (
    "is_open",
    "marks",
    "work_tone",
    "state_tone",
    "state_sign",
    "health_tone",
    "live_words",
    "short_line",
    "may_retry",
    "plain",
    "basis_words",
)


@cache
def icon(name: str, size: int = 16) -> Markup:
    """A Lucide icon, 16 px unless told; it says nothing to a screen reader, the words beside it do."""
    assert name in assets.icon_names(), f"the icon '{name}' is not vendored: static/vendor/VENDORED.toml"
    return _use(f"{assets.ICONS}#{name}", size)


@cache
def glyph(name: str, size: int = 14) -> Markup:
    """One of our own signs: a status, `severity-<code>`, or `mark`."""
    return _use(f"glyphs.svg#{name}", size)


def _use(path: str, size: int) -> Markup:
    address = assets.address(path)
    return Markup('<svg width="{0}" height="{0}" aria-hidden="true"><use href="{1}"/></svg>').format(
        size, address
    )


def status_tone(code: str) -> str:
    """The class that gives a status its colour: its phase's, red in trouble, grey in the archive."""
    if code not in set(Status):
        return "tone-quiet"
    known = Status(code)
    return f"phase-{_TONES.get(known, known.phase.value)}"


def status(code: str, *, pill: bool = False, paused: bool = False) -> Markup:
    """A status: its own sign, its label, its colour. `paused`: something holds it, so that it must not look busy."""
    return _status(code, "status pill" if pill else "status", paused, words.language())


@lru_cache(maxsize=512)
def _status(code: str, css: str, paused: bool, _lang: str) -> Markup:
    """Drawn once per language: a board shows the same few many times."""
    known = code if code in set(Status) else "unknown"
    tone, sign = ("tone-quiet", icon("pause", 14)) if paused else (status_tone(code), glyph(known))
    return Markup('<span class="{} {}">{}{}</span>').format(css, tone, sign, lines.status_label(code))


def phase_dot(code: str) -> Markup:
    """The square in a phase's colour."""
    known = code if code in set(Phase) else "archived"
    return Markup('<span class="dot phase-{}"></span>').format(known)


def severity(code: str, *, words_too: bool = False) -> Markup:
    """A severity by shape and colour; its word beside it, or for a screen reader alone."""
    return _severity(code, "" if words_too else "hidden-visually", words.language())


@lru_cache(maxsize=64)
def _severity(code: str, css: str, _lang: str) -> Markup:
    known = code if code in ("critical", "error", "warning", "info") else "warning"
    said = lines.severity_label(code)
    return Markup('<span class="severity severity-{}">{}<span class="{}">{}</span></span>').format(
        known, glyph(f"severity-{known}", 16), css, said
    )


def initials(name: str) -> str:
    """At most two letters that stand for a person."""
    parts = re.findall(r"[^\W_]+", name)
    letters = parts[0][:2] if len(parts) == 1 else "".join(part[0] for part in parts[:2])
    return letters.upper() or "?"


def money(dollars: float) -> str:
    """An amount of dollars: $0, $12.50."""
    return f"${dollars:,.0f}" if dollars == int(dollars) else f"${dollars:,.2f}"


def fresh_key() -> str:
    """A key that makes one sending of a form count once."""
    return token_urlsafe(12)


@pass_context
def ago(context: Context, stamp: str | None, *, words_too: bool = False) -> Markup:
    """How long ago that was, the moment itself in its title: 6 min, or 6 min ago."""
    if stamp is None:
        return Markup("")
    at, now = _moment(context, stamp), context["now"]
    age = times.lasted((now - at).total_seconds())
    shown = _("{age} ago", age=age) if words_too else age
    return _time_element(stamp, at, shown)


@pass_context
def since(context: Context, stamp: str | None, stale_s: float = 0) -> Markup:
    """How long something has been so; with a clock in amber from `stale_s` on (0: never)."""
    if stamp is None:
        return Markup("")
    stale = 0 < stale_s <= (context["now"] - _moment(context, stamp)).total_seconds()
    sign = f'{icon("clock", 14)}<span class="hidden-visually">{escape(_("stale:"))}</span>' if stale else ""
    text = f'<span class="age{" stale" if stale else ""}">{sign}{ago(context, stamp)}</span>'
    return Markup(text)  # noqa: S704 - every part is escaped


@pass_context
def time(context: Context, stamp: str | None) -> Markup:
    """A moment with its day: 24 Nov, 14:32; the year where it is another."""
    if stamp is None:
        return Markup("")
    at = _moment(context, stamp)
    year = "" if at.year == context["now"].year else f" {at.year}"
    return _time_element(stamp, at, f"{times.day(at)}{year}, {at:%H:%M}")


@pass_context
def clock(context: Context, stamp: str) -> Markup:
    """The time of day: 14:32."""
    at = _moment(context, stamp)
    return _time_element(stamp, at, f"{at:%H:%M}")


@pass_context
def by_day(
    context: Context, events: Sequence[Mapping[str, Any]]
) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Events, newest first, in groups by the reader's day, each with its title."""
    return timeline.by_day(events, context["now"])


def _moment(context: Context, stamp: str) -> datetime:
    now: datetime = context["now"]
    return times.parsed(stamp).astimezone(now.tzinfo)


def _time_element(stamp: str, at: datetime, shown: str) -> Markup:
    # Markup.format costs more than all the rest of it, and there are hundreds on a page.
    text = f'<time datetime="{escape(stamp)}" title="{escape(times.whole(at))}">{escape(shown)}</time>'
    return Markup(text)  # noqa: S704 - every part is escaped
