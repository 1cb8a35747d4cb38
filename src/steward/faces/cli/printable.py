"""Keeps control characters off the terminal: nothing that Rich prints holds one that Rich did not make itself.

Rich takes ESC in a text for a letter and passes it on. Colour and cursor movements of its own travel beside
the text, so that the text can be cleaned when all else is decided.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderableType, RenderHook, RenderResult
from rich.segment import Segment

from steward.faces.words import printable


class Printable(RenderHook):
    """A render hook that cleans the text of whatever is printed."""

    def process_renderables(self, renderables: Sequence[RenderableType]) -> list[ConsoleRenderable]:
        """Wrap each."""
        return [_Cleaned(renderable) for renderable in renderables]


class _Cleaned:
    def __init__(self, renderable: RenderableType) -> None:
        self._renderable = renderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)
