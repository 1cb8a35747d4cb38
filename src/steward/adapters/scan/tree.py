"""YAML as a tree of texts with their lines, read from the parser's events: bounded, and without recursion.

Nothing is constructed: every scalar stays a text. An alias is the very node that it names, so that a document of a
thousand references to references is no larger than it is written; those who walk it visit each node once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from steward.adapters.scan.source import Unreadable

TEXT_MAX = 400_000
EVENTS_MAX = 100_000
ALIASES_MAX = 500
DEPTH_MAX = 60
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(eq=False, slots=True)
class Node:
    """A scalar (`text`), a list (`items`) or a map (`pairs`, key by key); `line` from 1."""

    line: int
    text: str | None = None
    plain: bool = True
    items: list[Node] = field(default_factory=list)
    pairs: list[tuple[Node, Node]] | None = None

    def get(self, key: str) -> Node | None:
        """What a map holds under a key; None where it is no map, or holds no such key."""
        return next((value for name, value in self.pairs or () if name.text == key), None)

    def said(self, key: str) -> str:
        """The text under a key; "" where there is none."""
        value = self.get(key)
        return (value.text or "") if value is not None else ""

    @property
    def empty(self) -> bool:
        """Whether it is no value at all: nothing, `~` or `null`."""
        return self.text is not None and self.plain and self.text in {"", "~", "null", "Null", "NULL"}

    def walk(self) -> Iterator[Node]:
        """Every node below and this one, each once."""
        seen: set[int] = set()
        left = [self]
        while left:
            node = left.pop()
            if id(node) in seen:
                continue
            seen.add(id(node))
            yield node
            left += node.items
            for key, value in node.pairs or ():
                left += [key, value]


def parse(text: str) -> list[Node]:
    """The documents of a text. Raises Unreadable: no YAML, too large, too many aliases, nested too deeply."""
    if len(text) > TEXT_MAX:
        raise Unreadable(f"it is YAML of more than {TEXT_MAX} characters")
    # libyaml counts no depth of its own in old versions: brackets that could nest are counted before.
    if text.count("[") + text.count("{") > 20_000:
        raise Unreadable("its YAML is nested too deeply")
    try:
        return _Builder().build(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unreadable("it is no YAML that can be parsed") from error


class _Builder:
    """Makes nodes of events."""

    def __init__(self) -> None:
        self._anchors: dict[str, Node] = {}
        self._open: list[tuple[Node, list[Node]]] = []
        self._roots: list[Node] = []
        self._aliases = 0

    def build(self, text: str) -> list[Node]:
        for count, event in enumerate(yaml.parse(text, Loader=_LOADER)):
            if count > EVENTS_MAX:
                raise Unreadable("its YAML has too many parts")
            self._take(event)
        return self._roots

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            plain = event.style in {None, ""}
            self._add(Node(event.start_mark.line + 1, str(event.value), plain), event.anchor)
        elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            node = Node(event.start_mark.line + 1)
            if isinstance(event, yaml.MappingStartEvent):
                node.pairs = []
            self._add(node, event.anchor)
            self._open.append((node, []))
            if len(self._open) > DEPTH_MAX:
                raise Unreadable("its YAML is nested too deeply")
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            node, held = self._open.pop()
            if node.pairs is None:
                node.items = held
            else:
                node.pairs += list(zip(held[::2], held[1::2], strict=True))
        elif isinstance(event, yaml.AliasEvent):
            self._aliases += 1
            if self._aliases > ALIASES_MAX:
                raise Unreadable("its YAML has too many aliases")
            self._add(self._anchors.get(event.anchor, Node(event.start_mark.line + 1, "")), None)

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor:
            self._anchors[anchor] = node
        if self._open:
            self._open[-1][1].append(node)
        else:
            self._roots.append(node)
