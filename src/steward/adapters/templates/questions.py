"""Reads copier.yml without Copier: its settings, and its questions as values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import yaml

from steward.adapters.templates.trees import LINK, Tree
from steward.domain.spec import Question, QuestionKind
from steward.ports.errors import Permanent

CONFIG_BYTES_MAX: Final = 256_000
VALUES_MAX: Final = 20_000
"""Values in copier.yml, each counted as often as it is referred to."""

_KINDS: Final = {
    "str": QuestionKind.TEXT,
    "path": QuestionKind.TEXT,
    "int": QuestionKind.INTEGER,
    "float": QuestionKind.NUMBER,
    "bool": QuestionKind.FLAG,
    "yaml": QuestionKind.DATA,
    "json": QuestionKind.DATA,
}
_MISSING: Final = object()
_HELP_MAX: Final = 2_000
_NO: Final = {"false", "no", "off", "n", "f", "0", ""}
_QUOTED_LIST: Final = re.compile(r"""[\[(]\s*((?:['"][\w.-]+['"]\s*,?\s*)+)[\])]""")
_NAMED_LIST: Final = re.compile(
    r"\b(?:available|allowed|choices|options|possible|supported|one of|any of|some of|choose from)\b"
    r"[^:\n,]{0,30}?[:\s(]\s*([\w.-]*\w(?:\s*,\s*(?:and |or )?[\w.-]*\w)+)",
    re.IGNORECASE,
)


class _Include(Exception):
    """copier.yml takes in another file."""


class _Loader(yaml.SafeLoader):  # type: ignore[misc] # yaml comes without types
    """YAML of plain values. Files cannot be taken in: they may lie anywhere."""


def _include(_loader: yaml.SafeLoader, _node: yaml.Node) -> Any:
    raise _Include


_Loader.add_constructor("!include", _include)


def read_config(tree: Tree) -> tuple[dict[str, Any], dict[str, Any]]:
    """The settings (their names start with "_") and the questions of copier.yml, as they stand there.

    Raises Permanent: there is none, or it is not as it must be.
    """
    names = [name for name in ("copier.yml", "copier.yaml") if name in tree.entries]
    if not names:
        raise Permanent("there is no copier.yml in it, so it is no template", "Name a Copier template")
    if len(names) > 1:
        raise Permanent("the template has both a copier.yml and a copier.yaml", "Take one of them out")
    entry = tree.entries[names[0]]
    if entry.mode == LINK or entry.size > CONFIG_BYTES_MAX:
        raise Permanent(
            f"{names[0]} is a link, or larger than {CONFIG_BYTES_MAX:,} bytes", "Make it a plain file"
        )
    merged = _merge(_documents(tree.read(names[0]), names[0]), names[0])
    settings = {name: value for name, value in merged.items() if name.startswith("_")}
    return settings, {name: value for name, value in merged.items() if not name.startswith("_")}


def _documents(text: bytes, name: str) -> list[Any]:
    try:
        # The loader derives from SafeLoader: it makes plain values alone.
        documents = [one for one in yaml.load_all(text, Loader=_Loader) if one is not None]
    except _Include:
        raise Permanent(
            f"{name} takes in other files with !include", "Write its questions in the one file"
        ) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", at line {mark.line + 1}" if mark else ""
        raise Permanent(f"{name} is no valid YAML{where}", "Correct it") from None
    left, waiting = VALUES_MAX, list(documents)
    while waiting:
        value = waiting.pop()
        inner = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
        left -= 1 + len(inner)
        if left < 0:
            raise Permanent(f"{name} holds more than {VALUES_MAX:,} values", "Shorten it")
        waiting += inner
    return documents


def _merge(documents: list[Any], name: str) -> dict[str, Any]:
    """All documents as one, the later winning; secret questions are those of each."""
    merged: dict[str, Any] = {}
    secret: list[str] = []
    for document in documents:
        if not isinstance(document, dict) or not all(isinstance(key, str) for key in document):
            raise Permanent(f"{name} is no mapping of names", "Correct it")
        named = document.get("_secret_questions")
        secret += [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
        merged |= document
    if secret:
        merged["_secret_questions"] = secret
    return merged


def read_questions(
    settings: Mapping[str, Any], questions: Mapping[str, Any], several: Mapping[str, tuple[str, ...]]
) -> tuple[Question, ...]:
    """The questions as values, in their order. `several`: the names that texts with commas may hold, per question."""
    secret = set(settings.get("_secret_questions") or ())
    return tuple(
        _question(name, held if isinstance(held, dict) else {"default": held}, secret, several.get(name))
        for name, held in questions.items()
    )


def _question(
    name: str, held: Mapping[str, Any], secret: set[Any], several: tuple[str, ...] | None
) -> Question:
    default = held.get("default", _MISSING)
    kind = _kind(held.get("type"), default)
    choices = _choices(held.get("choices"))
    multiselect = held.get("multiselect") is True
    if several is None and kind is QuestionKind.TEXT and not held.get("choices") and not multiselect:
        several = _parts(held)
    when = held.get("when", True)
    computed = str(when).strip().lower() in _NO
    asked_always = not isinstance(when, str) or when.strip().lower() in {"true", "yes", "on", "y", "1"}
    return Question(
        name=name,
        kind=kind,
        help=str(held.get("help") or "").strip()[:_HELP_MAX],
        default=None if default is _MISSING else default,
        choices=several or choices,
        multiselect=multiselect,
        secret=bool(held.get("secret")) or name in secret,
        computed=computed,
        required=default is _MISSING and asked_always and not computed,
        several=bool(several),
        multiline=held.get("multiline") is True,
    )


def _kind(named: Any, default: Any) -> QuestionKind:
    """The kind that is named, else that of the default, as Copier guesses it."""
    if isinstance(named, str) and named:
        return _KINDS.get(named, QuestionKind.DATA)
    return _KINDS.get(type(default).__name__, QuestionKind.DATA)


def _choices(held: Any) -> tuple[str, ...]:
    """What may be answered, as a person spells it; nothing where the template works that out itself.

    Copier takes a list of values, a list of pairs, or a mapping; a value may be one with a condition.
    """
    if not isinstance(held, list | dict):
        return ()
    found = []
    for one in list(held.items()) if isinstance(held, dict) else held:
        value = one[1] if isinstance(one, list | tuple) and len(one) == 2 else one
        value = value.get("value") if isinstance(value, dict) else value
        if isinstance(value, list | dict) or (isinstance(value, str) and "{{" in value):
            return ()
        found.append(str(value).lower() if isinstance(value, bool) else str(value))
    return tuple(found)


def _parts(held: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The names that a text with commas may hold, where the question's own words say so.

    A condition that splits at commas and compares with a written list is surest; else a help text that speaks of
    commas and lists the names.
    """
    validator, told = str(held.get("validator") or ""), str(held.get("help") or "")
    if "split" in validator and (found := _QUOTED_LIST.search(validator)):
        return tuple(re.findall(r"[\w.-]+", found[1]))
    if "comma" in told.lower() and (found := _NAMED_LIST.search(told)):
        names = (re.sub(r"^(and|or)\s+", "", part.strip()) for part in found[1].split(","))
        return tuple(dict.fromkeys(names))
    return None
