"""Finds English that was left on a Russian page."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from playwright.sync_api import Page

from steward.domain.deliveries import EVENTS
from steward.testing.showcase import AWAY, AWAY_REPOSITORIES, HOME, LIVES
from steward.testing.showcase_people import PEOPLE
from steward.testing.showcase_talks import TALKS

PROPER: Final = frozenset(
    """
    steward github webhook webhooks api json http https url id app ci ctrl cmd enter esc utc prometheus apprise
    english chromium linux git copier starter usd
    codeowners
    """.split()  # noqa: SIM905 - read as a text, not as a list
)
"""What is called the same in both languages."""
WORD: Final = re.compile(r"\b[A-Za-z][A-Za-z'-]*[A-Za-z]\b")
QUOTED: Final = "code, kbd, pre, samp, .mono, .written, .owner, [lang=en], script, style, svg title, textarea"
"""What is code, or is somebody's own words: it has no language of ours."""
COLLECT: Final = """
(quoted) => {
  const found = [];
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.textContent.trim() && !node.parentElement.closest(quoted)) found.push(node.textContent.trim());
  }
  for (const element of document.querySelectorAll("[title], [aria-label], [placeholder], [alt]")) {
    if (element.closest(quoted)) continue;
    for (const name of ["title", "aria-label", "placeholder", "alt"]) {
      if (element.getAttribute(name)) found.push(element.getAttribute(name));
    }
  }
  return found;
}
"""


@cache
def data_words() -> frozenset[str]:
    """Every Latin word that the furnished installation itself brings: names, titles, people, reasons."""
    texts = [f"{life.slug} {life.title} {life.owner}" for life in LIVES]
    texts += [f"{name} {full_name}" for name, full_name, _, _ in PEOPLE]
    texts += [
        HOME,
        AWAY,
        *AWAY_REPOSITORIES,
        "partner-api-2 company-site who we are umbrella-tools school img src",
    ]
    texts += [*TALKS, "Northwind & co Anna K telegram botfather link follow help acme_steward_bot"]
    texts += ["replaced by <b>what</b> we rent", "ci of the shop", "a dashboard", "an old script"]
    texts += [
        "Orders from partners, once more",
        "a claim under the DMCA",
        "the health check answered",
        "no-such-project none user grant NAME a-z approved read look attend",
        "the health check three times in a row no-such-template",
        "Prices with a comma, not with a dot Couriers leave a trail TASK site put release place Pull request",
        "Resellers download their price list as a spreadsheet The columns are those of the page",
        "main private public",
        "Prices are told by mail alone Errors go to the log",
        "the school is on holiday Twelve rows, not nine A hint <b>for</b> the usher",
    ]
    return frozenset(word.lower() for text in texts for word in WORD.findall(text))


def english_words(page: Page) -> list[str]:
    """Texts on the page that hold Latin words which are neither data nor proper names."""
    found: list[str] = page.evaluate(COLLECT, QUOTED)
    # GitHub's events are called by their codes.
    texts = [text for text in found if text not in EVENTS]
    known = data_words() | PROPER
    # A path or a name with a slash, a dot or a digit is nobody's sentence, and an actor is one of ours («token:ci»);
    # codes of an address stay as they are.
    plain = [re.sub(r"\S*[/_.@\d]\S*|\b[a-z]+:\S+|Возможно: .*", " ", text) for text in texts]
    return [text for text, rest in zip(texts, plain, strict=True) if _foreign(rest, known)]


def _foreign(text: str, known: frozenset[str]) -> list[str]:
    words = {part for word in WORD.findall(text) for part in (word.lower(),)}
    return sorted(word for word in words if word not in known and not set(word.split("-")) <= known)
