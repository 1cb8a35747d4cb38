"""Cards about the chat itself: plain sentences, help, language, mute, and the form for a secret."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from steward.domain.chats import Button, ChatKind, Post, Rendered
from steward.faces.telegram.desk import Desk, Row, card, press
from steward.faces.telegram.markup import Page, bold, esc, is_public, is_web, link, prose
from steward.faces.telegram.sentences import SENTENCES
from steward.faces.words import _

SPANS: Final[tuple[tuple[int, Callable[[], str]], ...]] = (
    (3600, lambda: _("1 hour")),
    (8 * 3600, lambda: _("8 hours")),
    (7 * 86400, lambda: _("1 week")),
)
"""How long a chat can be muted by a button."""
LANGUAGE: Final = {"en": "English", "ru": "Русский"}
"""Each in its own words."""


def said_words(post: Post) -> Rendered | None:
    """A plain sentence; None for one that is not known."""
    words = SENTENCES.get(str(post.data.get("text_key")))
    if words is None:
        return None
    text = words(**dict(post.data.get("values") or {}))
    return card(Page().lines(prose(text, 3_000))) if text else None


def said_card(desk: Desk) -> Rendered | None:
    """A plain sentence."""
    return said_words(desk.post)


def help_card(desk: Desk) -> Rendered:
    """What it can do, and by which words."""
    page = Page().lines(
        bold(_("I build software for you, and look after it.")),
        esc(
            _(
                "Write in your own words what you would like to have. I ask what is missing, show what it will cost, "
                "and begin only after your yes."
            )
        ),
    )
    page.listed(
        bold(_("Projects")),
        (
            f"/new – {esc(_('begin something new'))}",
            f"/cancel – {esc(_('put away what we are talking about'))}",
            f"/projects – {esc(_('all projects; /projects shop finds some'))}",
            f"/project – {esc(_('one project, by its short name'))}",
            f"/waiting – {esc(_('what waits for your word'))}",
        ),
    )
    page.listed(
        bold(_("Looking after")),
        (
            f"/incidents – {esc(_('what is wrong'))}",
            f"/status – {esc(_('how Steward itself is'))}",
        ),
    )
    page.listed(bold(_("This chat")), _about_chat(desk))
    page.lines(
        esc(_("You can also ask: «what is the shop doing now?», or write «add payments to the shop»."))
    )
    return card(page)


def _about_chat(desk: Desk) -> tuple[str, ...]:
    own = (
        f"/lang – {esc(_('language'))}",
        f"/mute – {esc(_('silence for a while'))}",
        f"/quiet – {esc(_('quiet hours, such as /quiet 22:00-08:00'))}",
    )
    if desk.chat.kind is ChatKind.GROUP:
        return (
            *own,
            f"/follow – {esc(_('which organisation this chat follows'))}",
            f"/unfollow – {esc(_('follow nothing any more'))}",
        )
    return (*own, f"/unlink – {esc(_('disconnect this chat'))}")


def lang_card(desk: Desk) -> Rendered:
    """Which language is spoken here, and the others."""
    now = LANGUAGE.get(desk.chat.lang, desk.chat.lang)
    page = Page().lines(f"🌐 {esc(_('I speak {language} here.', language=now))}")
    others = [press(words, "c", "lang", desk.chat.id, 0, code) for code, words in LANGUAGE.items()]
    return card(page, tuple(others))


def mute_card(desk: Desk) -> Rendered:
    """Whether the chat is muted, and for how long it could be."""
    until = desk.chat.muted_until
    muted = until is not None and until > desk.now
    page = Page()
    if muted:
        page.lines(f"🔕 {esc(_('Muted until {when}.', when=desk.when(until)))}")
    else:
        page.lines(f"🔔 {esc(_('I tell here of everything that matters.'))}")
    if desk.chat.quiet:
        hours = _("Quiet hours: {quiet} ({zone}).", quiet=desk.chat.quiet, zone=desk.chat.zone)
        page.lines(f"🌙 {esc(hours)}")
    page.lines(esc(_("What is critical comes through in any case. What you miss is shown afterwards.")))
    ref = desk.chat.id
    spans: Row = tuple(press(words(), "c", "mute", ref, 0, str(for_s)) for for_s, words in SPANS)
    off: Row = (press(_("🔔 Speak again"), "c", "mute", ref, 0, "0"),) if muted else ()
    return card(page, spans, off)


def form_card(desk: Desk) -> Rendered | None:
    """The one-time form for a value that does not belong into a chat."""
    url = str(desk.data.get("url") or "")
    if url.startswith("/"):
        url = desk.public_url.rstrip("/") + url
    if not is_web(url):
        return None
    ends = desk.post.wanted_at + FORM_LASTS
    page = Page().lines(
        f"🔐 {bold(_('A form for what is secret'))}",
        esc(_("What you give there is kept encrypted and goes to your project alone. I never see it here.")),
    )
    page.lines(esc(_("It works once, until {when}.", when=desk.when(ends))))
    if is_public(url):
        return card(page, (Button(_("🔐 Open the form"), url=url),))
    return card(page.lines(link(url, url)))


FORM_LASTS: Final = timedelta(minutes=30)
