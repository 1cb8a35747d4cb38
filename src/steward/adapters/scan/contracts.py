"""Names that files declare: `env.contract.yaml`, `deploy.toml`, Copier's questions, app.json, Render, Fly, Spring."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator

from steward.adapters.scan.source import Source, Unreadable
from steward.adapters.scan.tree import Node, parse
from steward.domain.needs import Origin, Sort
from steward.domain.weighing import Reading, Vote

_SECRETS = frozenset({Origin.USER_SECRET, Origin.GENERATED_SECRET})
_NOT_ASKED = frozenset({Origin.ALLOCATION, Origin.DERIVED, Origin.LITERAL})


def read_contract(source: Source) -> Iterator[Reading]:
    """The entries of a contract. What is allocated, derived or literal is given by whoever runs it."""
    for root in parse(source.text):
        for key, entry in (root.get("entries") or Node(0)).pairs or ():
            said = entry.said("source")
            origin = Origin(said) if said in set(Origin) else Origin.UNKNOWN
            must = entry.said("required") != "false"
            vote = Vote.GIVEN if origin in _NOT_ASKED else Vote.MUST if must else Vote.MAY
            sort = Sort.SECRET if origin in _SECRETS or entry.said("secret") == "true" else None
            if origin in _NOT_ASKED:
                sort = Sort.VARIABLE if sort is None and origin is not Origin.DERIVED else sort
            held = entry.get("default") is not None or origin is Origin.LITERAL
            help_text = entry.said("description")
            more = {"origin": origin, "sort": sort, "default": held, "help": help_text}
            yield source.reading(key.text or "", key.line, "contract", vote, **more)


def read_service(source: Source) -> Iterator[Reading]:
    """The names that our `deploy.toml` has an address given by: nobody is asked for them. Raises Unreadable."""
    try:
        service = tomllib.loads(source.text).get("service")
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is no TOML that can be parsed") from error
    for key in ("port_variable", "host_variable"):
        name = service.get(key) if isinstance(service, dict) else None
        if isinstance(name, str):
            more = {"origin": Origin.ALLOCATION, "sort": Sort.VARIABLE}
            yield source.reading(name, _line_with(source, key), "deploy.toml", Vote.GIVEN, **more)


def read_copier(source: Source) -> Iterator[Reading]:
    """The secret questions of a template, by their names."""
    for root in parse(source.text):
        for key, question in root.pairs or ():
            name = key.text or ""
            if not name.startswith("_") and question.said("secret").lower() in {"true", "yes"}:
                default = question.get("default")
                held = default is not None and not default.empty and default.text != ""
                vote = Vote.MAY if held else Vote.MUST
                more = {"sort": Sort.SECRET, "default": held, "help": question.said("help")}
                yield source.reading(name, key.line, "copier question", vote, **more)


def read_app_json(source: Source) -> Iterator[Reading]:
    """The `env` of Heroku's app.json. Raises Unreadable."""
    try:
        held = json.loads(source.text)
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is no JSON that can be parsed") from error
    env = held.get("env") if isinstance(held, dict) else None
    for name, said in env.items() if isinstance(env, dict) else ():
        entry = said if isinstance(said, dict) else {"value": said}
        made = entry.get("generator") == "secret"
        default = (
            entry.get("value") not in {None, ""} if not isinstance(entry.get("value"), list | dict) else True
        )
        vote = Vote.MAY if default or entry.get("required") is False else Vote.MUST
        origin = Origin.GENERATED_SECRET if made else Origin.UNKNOWN
        described = entry.get("description")
        yield source.reading(
            str(name), _line_with(source, f'"{name}"'), "app.json env", vote, default=bool(default),
            origin=origin, sort=Sort.SECRET if made else None, help=described if isinstance(described, str) else "",
        )  # fmt: skip


def read_render(source: Source) -> Iterator[Reading]:
    """`envVars` of Render's blueprint: `sync: false` is asked of a person, `generateValue` is made, a value is set."""
    for root in parse(source.text):
        for node in root.walk():
            every = node.get("envVars")
            for entry in every.items if every else ():
                key = entry.get("key")
                if key is None or not key.text:
                    continue
                if entry.said("sync") == "false":
                    yield source.reading(key.text, key.line, "render sync: false", Vote.MUST)
                elif entry.said("generateValue") == "true":
                    more = {"origin": Origin.GENERATED_SECRET, "sort": Sort.SECRET}
                    yield source.reading(key.text, key.line, "render generateValue", Vote.MUST, **more)
                elif entry.get("value") is not None:
                    yield source.reading(key.text, key.line, "render value", Vote.SETS, default=True)


def read_fly(source: Source) -> Iterator[Reading]:
    """The `[env]` of Fly: what is set there. Raises Unreadable."""
    try:
        env = tomllib.loads(source.text).get("env")
    except (ValueError, RecursionError) as error:
        raise Unreadable("it is no TOML that can be parsed") from error
    for name in env if isinstance(env, dict) else ():
        yield source.reading(name, _line_with(source, name), "fly.toml env", Vote.SETS, default=True)


_SPRING = re.compile(r"\$\{(?P<name>[A-Z][A-Z0-9_]*)(?P<default>:)?")


def read_spring(source: Source) -> Iterator[Reading]:
    """`${X}` and `${X:default}` of Spring's configuration, in capitals."""
    for number, line in enumerate(source.lines, start=1):
        for found in _SPRING.finditer("" if line.lstrip().startswith("#") else line[:4000]):
            vote = Vote.MAY if found["default"] else Vote.MUST
            yield source.reading(found["name"], number, "Spring ${}", vote, default=bool(found["default"]))


def _line_with(source: Source, text: str) -> int:
    return next((at for at, line in enumerate(source.lines, start=1) if text in line), 1)
