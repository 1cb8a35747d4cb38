"""Names that settings classes read: pydantic's BaseSettings, with prefixes and aliases."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from steward.adapters.scan.python_names import dotted
from steward.adapters.scan.source import Source
from steward.domain.weighing import Reading, Vote

_READER = "settings class"


def settings_of(source: Source, tree: ast.Module) -> Iterator[Reading]:
    """The fields of every settings class of a file; a class counts where it derives from BaseSettings in this file."""
    prefixes: dict[str, str] = {}
    for node in (one for one in ast.walk(tree) if isinstance(one, ast.ClassDef)):
        bases = [dotted(base).rpartition(".")[2] for base in node.bases]
        known = [base for base in bases if base == "BaseSettings" or base in prefixes]
        if not known:
            continue
        prefix = _prefix_of(node)
        prefixes[node.name] = prefixes.get(known[0], "") if prefix is None else prefix
        nested = {one.name for one in ast.walk(tree) if isinstance(one, ast.ClassDef)}
        for field in node.body:
            if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
                continue
            if ast.unparse(field.annotation).strip("'\"") not in nested:
                yield from _field(source, field, field.target.id, prefixes[node.name])


def _prefix_of(node: ast.ClassDef) -> str | None:
    """What the class puts before its fields' names; None where it says nothing."""
    for one in node.body:
        if isinstance(one, ast.ClassDef) and one.name == "Config":
            return _prefix_of(one)
        if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name):
            name, value = one.targets[0].id, one.value
        elif isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and one.value is not None:
            name, value = one.target.id, one.value
        else:
            continue
        if name == "env_prefix":
            return _text(value)
        if name == "model_config":
            return _configured(value)
    return None


def _configured(value: ast.expr) -> str | None:
    if isinstance(value, ast.Call):
        return next((_text(word.value) for word in value.keywords if word.arg == "env_prefix"), None)
    if isinstance(value, ast.Dict):
        pairs = zip(value.keys, value.values, strict=True)
        return next(
            (_text(held) for key, held in pairs if key is not None and _text(key) == "env_prefix"), None
        )
    return None


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _field(source: Source, field: ast.AnnAssign, name: str, prefix: str) -> Iterator[Reading]:
    if name.startswith("_") or name == "model_config" or "ClassVar" in ast.unparse(field.annotation):
        return
    value, call, default = field.value, None, False
    if isinstance(value, ast.Call) and dotted(value.func).rpartition(".")[2] in {"Field", "SettingsField"}:
        call = value
        first = value.args[0] if value.args else None
        words = {word.arg: word.value for word in value.keywords}
        stands = words.get("default", first)
        default = "default_factory" in words or (stands is not None and not _is_ellipsis(stands))
    elif value is not None:
        default = not _is_ellipsis(value)
    names = list(_aliases(call)) if call is not None else []
    described = (
        next((_text(word.value) for word in call.keywords if word.arg == "description"), "") if call else ""
    )
    lines = range(field.lineno, (field.end_lineno or field.lineno) + 1)
    for number, (one, lower) in enumerate(names or [(prefix + name, True)]):
        at = next((line for line in lines if one in source.lines[line - 1]), field.lineno)
        vote = Vote.MAY if default or number else Vote.MUST
        said = one.upper() if lower or one.islower() else one
        yield source.reading(said, at, _READER, vote, default=default, help=described or "")


def _is_ellipsis(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is Ellipsis


def _aliases(call: ast.Call) -> Iterator[tuple[str, bool]]:
    """The names that a field says it is read under; of several, the first is the one that is asked for."""
    words = {word.arg: word.value for word in call.keywords}
    said = words.get("validation_alias") or words.get("alias") or words.get("env")
    every = (
        said.args
        if isinstance(said, ast.Call)
        else said.elts
        if isinstance(said, ast.List | ast.Tuple)
        else [said]
    )
    for one in every:
        if one is not None and (text := _text(one)):
            yield text, False
