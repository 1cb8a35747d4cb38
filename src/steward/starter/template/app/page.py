"""The page, put together from content.json. Every text of it is escaped: what it says is never markup."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

ACCENTS = ("indigo", "teal", "green", "amber", "rose", "slate")

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "skip": "Skip to the content",
        "features": "What it does",
        "news": "What is new",
        "update": "Update",
        "version": "Version",
        "health": "Status",
        "missing": "There is no such page",
        "missing_text": "The address may be mistyped, or the page has moved.",
        "home": "To the front page",
    },
    "ru": {
        "skip": "К содержанию",
        "features": "Что здесь есть",
        "news": "Что нового",
        "update": "Обновление",
        "version": "Версия",
        "health": "Состояние",
        "missing": "Такой страницы нет",
        "missing_text": "Возможно, адрес набран с ошибкой или страница переехала.",
        "home": "На главную",
    },
}


@dataclass(frozen=True)
class Content:
    """What content.json holds. `features` are pairs of title and text, `news` pairs of number and text."""

    title: str
    tagline: str
    accent: str
    language: str
    features: tuple[tuple[str, str], ...]
    news: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, path: Path) -> Content:
        """Read the file. Raises OSError, and ValueError where something in it is missing or of another kind."""
        try:
            held = json.loads(path.read_text(encoding="utf-8"))
            return cls(
                title=str(held["title"]),
                tagline=str(held["tagline"]),
                accent=held["accent"] if held["accent"] in ACCENTS else ACCENTS[0],
                language=held["language"] if held["language"] in WORDS else "en",
                features=tuple((str(one["title"]), str(one["text"])) for one in held["features"]),
                news=tuple((str(one["number"]), str(one["text"])) for one in held["news"]),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"{path.name} lacks something, or holds another kind: {error}") from error


def page(content: Content, commit: str) -> str:
    """The front page, as HTML."""
    words = WORDS[content.language]
    tagline = f'<p class="tagline">{escape(content.tagline)}</p>' if content.tagline else ""
    body = f"""<section class="hero" aria-labelledby="title">
<h1 id="title">{escape(content.title)}</h1>
{tagline}
</section>
{_features(content, words)}
{_news(content, words)}"""
    return _whole(content, content.title, body, commit)


def missing_page(content: Content) -> str:
    """The page for an address that does not exist."""
    words = WORDS[content.language]
    body = f"""<section class="hero" aria-labelledby="title">
<p class="code" aria-hidden="true">404</p>
<h1 id="title">{words["missing"]}</h1>
<p class="tagline">{words["missing_text"]}</p>
<p><a class="button" href="/">{words["home"]}</a></p>
</section>"""
    return _whole(content, f"{words['missing']} · {content.title}", body, "")


def _features(content: Content, words: Mapping[str, str]) -> str:
    """The features as cards; nothing where there are none."""
    cards = (
        f'<li class="card"><span class="number" aria-hidden="true">{number:02}</span>'
        f"<h3>{escape(title)}</h3>{f'<p>{escape(text)}</p>' if text else ''}</li>"
        for number, (title, text) in enumerate(content.features, start=1)
    )
    return _section("features", words["features"], "cards", cards)


def _news(content: Content, words: Mapping[str, str]) -> str:
    """The news, newest first; nothing where there are none."""
    entries = (
        f'<li><span class="tag">{words["update"]} {escape(number)}</span><p>{escape(text)}</p></li>'
        for number, text in reversed(content.news)
    )
    return _section("news", words["news"], "timeline", entries)


def _section(name: str, heading: str, look: str, items: Iterable[str]) -> str:
    """A headed list; nothing where it is empty."""
    listed = "\n".join(items)
    if not listed:
        return ""
    return f"""<section aria-labelledby="{name}">
<h2 id="{name}">{heading}</h2>
<ul class="{look}" role="list">
{listed}
</ul>
</section>"""


def _whole(content: Content, title: str, body: str, commit: str) -> str:
    """A whole document around a body."""
    words = WORDS[content.language]
    mark = escape((content.title.strip() or "·")[0].upper())
    short = escape(commit[:7]) if commit and commit != "unknown" else ""
    version = f'<a href="/version">{words["version"]}{f" <code>{short}</code>" if short else ""}</a>'
    return f"""<!doctype html>
<html lang="{content.language}" data-accent="{content.accent}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="description" content="{escape(content.tagline)}">
<title>{escape(title)}</title>
<link rel="icon" href="/static/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/static/style.css">
</head>
<body>
<a class="skip" href="#main">{words["skip"]}</a>
<header class="top">
<a class="brand" href="/"><span class="mark" aria-hidden="true">{mark}</span>{escape(content.title)}</a>
</header>
<main id="main">
{body}
</main>
<footer>
<p>{escape(content.title)}</p>
<p class="links"><a href="/up">{words["health"]}</a>{version}</p>
</footer>
</body>
</html>
"""
