"""Draws cards of the bot as a chat shows them, from the golden files: what README shows of Telegram."""

from __future__ import annotations

import base64
import html
import os
import re
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser

GOLDEN: Final = Path(__file__).parents[1] / "faces" / "telegram" / "golden"
PICTURE: Final = Path(__file__).parents[2] / "docs" / "pictures" / "telegram.png"
SHOWN: Final = (
    ("en", ("> Patients should book a visit themselves, at night too", "< brief-asking")),
    ("ru", ("> что сейчас с билетами?", "< now-running", "< live-serves")),
)
"""By column: what a person writes (">"), and the cards that answer ("<")."""
SIGNS: Final = "U+2300-23FF, U+2600-27BF, U+2934-2B55, U+FE0F, U+1F000-1FAFF, U+21A9, U+200D"
_BUTTON: Final = re.compile(r"\[([^\]]+)\]\((\S[^)]*)\)")
STYLE: Final = """
* { box-sizing: border-box; margin: 0 }
body { font: 14px/1.36 Signs, "Noto Sans", "DejaVu Sans", "Liberation Sans", sans-serif; background: #dfe7ee; color: #10202c;
       width: 940px; padding: 22px; display: flex; gap: 22px }
.chat { flex: 1; display: flex; flex-direction: column; gap: 10px }
.own { align-self: flex-end; max-width: 80%; background: #d7f5c8; border-radius: 14px 14px 4px 14px; padding: 8px 12px }
.card { max-width: 100% }
.text { background: #fff; border-radius: 14px 14px 14px 4px; padding: 9px 13px; white-space: pre-wrap; overflow-wrap: anywhere }
.row { display: flex; gap: 4px; margin-top: 4px }
.row span { flex: 1; text-align: center; background: #7f9db4; color: #fff; border-radius: 8px; padding: 6px 8px;
            font-size: 13px }
code, pre { font: 12px/1.4 "DejaVu Sans Mono", monospace; color: #14608a }
pre { background: #f0f4f7; border-radius: 6px; padding: 6px 8px; margin: 4px 0; white-space: pre-wrap }
a { color: #1d72ad; text-decoration: none }
"""


def card(lang: str, name: str) -> str:
    """One card as HTML: its bubble, and rows of buttons beneath."""
    text, _line, buttons = (GOLDEN / lang / f"{name}.txt").read_text().partition("\n---\n")
    text = text.strip().replace("\n<pre>", "<pre>").replace("</pre>\n", "</pre>")
    rows = [_BUTTON.findall(line) for line in buttons.splitlines()]
    drawn = (
        "".join(
            f"<span>{html.escape(words)}{' ↗' if data.startswith('http') else ''}</span>"
            for words, data in row
        )
        for row in rows
    )
    beneath = "".join(f'<div class="row">{row}</div>' for row in drawn if row)
    return f'<div class="card"><div class="text">{text}</div>{beneath}</div>'


def _font() -> str:
    """A font for the signs, where the machine has none of its own: the file that STEWARD_EMOJI_FONT names."""
    file = os.environ.get("STEWARD_EMOJI_FONT")
    if not file:
        return ""
    data = base64.b64encode(Path(file).read_bytes()).decode()
    return (
        f"@font-face {{ font-family: Signs; src: url(data:font/ttf;base64,{data}); unicode-range: {SIGNS} }}"
    )


def page() -> str:
    """All of it."""
    columns = []
    for lang, lines in SHOWN:
        said = (
            f'<div class="own">{html.escape(line[2:])}</div>'
            if line.startswith(">")
            else card(lang, line[2:])
            for line in lines
        )
        columns.append(f'<div class="chat" lang="{lang}">{"".join(said)}</div>')
    return (
        f'<!doctype html><meta charset="utf-8"><style>{_font()}{STYLE}</style><body>{"".join(columns)}</body>'
    )


def draw(browser: Browser, to: Path = PICTURE) -> None:
    """Write the picture."""
    context = browser.new_context(viewport={"width": 940, "height": 400}, device_scale_factor=1.5)
    shown = context.new_page()
    shown.set_content(page())
    shown.evaluate("document.fonts.load('16px Signs', '✅').then(() => document.fonts.ready)")
    shown.wait_for_timeout(300)
    shown.locator("body").screenshot(path=to)
    context.close()
