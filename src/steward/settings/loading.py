"""Reads the settings: the environment over `steward.toml`, and what is wrong with either, in plain words."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource, TomlConfigSettingsSource

from steward.ports.errors import BadSettings
from steward.settings.loaded import ENVIRONMENT, FILE, Loaded
from steward.settings.model import FILE_NAME, PREFIX, Settings, known, toml_name, variable

FILE_VARIABLE: Final = "STEWARD_CONFIG"
RESERVED: Final = "STEWARD_TEST_"
APP: Final = frozenset({"github.app_id", "github.app_key_file", "github.app_installation_id"})
CREDENTIAL: Final = APP | {"github.token", "github.token_file"}
SECRETS: Final = ("token", "database_url", "github.token", "github.webhook_secret", "notify.urls")


def load(file: Path | None = None) -> Loaded:
    """Read the environment over `steward.toml`.

    `file` is that of `--config`, else STEWARD_CONFIG, else `steward.toml` of the working directory, where it
    exists. Relative paths in the file are meant from the file's own directory. Raises BadSettings.
    """
    names = {f"{section}.{name}" if section else name: info for section, name, info in known()}
    _refuse_unknown_variables({variable(path) for path in names})
    found = _find(file)
    from_file = _read(found, names) if found else {}
    from_environment = _flat(EnvSettingsSource(Settings)())
    beaten = _beaten(from_environment)
    from_file = {path: value for path, value in from_file.items() if path not in beaten}
    merged = from_file | from_environment
    origins = dict.fromkeys(from_file, FILE) | dict.fromkeys(from_environment, ENVIRONMENT)
    try:
        settings = Settings(**_nested(merged))
    except ValidationError as error:
        raise _bad_value(error, origins, found) from None
    loaded = Loaded(settings, origins, found)
    # Rules are wrong together or not at all: said now, not when the first project is judged.
    _ = loaded.tuning
    return loaded


def _beaten(from_environment: Mapping[str, Any]) -> frozenset[str]:
    """What of the file a credential in the environment takes the place of: those of another kind.

    The parts of an App belong together and may come from both.
    """
    if {"github.token", "github.token_file"}.intersection(from_environment):
        return CREDENTIAL
    return CREDENTIAL - APP if APP.intersection(from_environment) else frozenset()


def _find(file: Path | None) -> Path | None:
    named = file or (Path(os.environ[FILE_VARIABLE]) if os.environ.get(FILE_VARIABLE) else None)
    if named is None:
        default = Path(FILE_NAME)
        return default if default.is_file() else None
    if not named.is_file():
        raise BadSettings(f"no settings file at {named}", "Name an existing one, or make one: steward init")
    return named


def _read(file: Path, names: Mapping[str, FieldInfo]) -> dict[str, Any]:
    try:
        values = _flat(TomlConfigSettingsSource(Settings, toml_file=file)())
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(f"{file} is no valid TOML: {error}", "Mend that line") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{file} cannot be read: {error}", "Mend the file or its permissions") from None
    for path in values:
        if path not in names:
            raise BadSettings(f"unknown setting {toml_name(path)} in {file}", _near(path, names, toml_name))
    for path, value in values.items():
        if path.endswith(("_file", "_dir")) and isinstance(value, str):
            values[path] = str(file.absolute().parent / Path(value).expanduser())
    return values


def _refuse_unknown_variables(variables: set[str]) -> None:
    for name in sorted(os.environ):
        unknown = name not in variables and name != FILE_VARIABLE and not name.startswith(RESERVED)
        if name.startswith(PREFIX) and unknown:
            raise BadSettings(f"unknown setting {name} in the environment", _near(name, variables, str))


def _near(name: str, names: Mapping[str, Any] | set[str], shown: Any) -> str:
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)
    if close:
        return f"Did you mean {shown(close[0])}? `steward config show` lists every name"
    return f"Known are: {', '.join(shown(known_name) for known_name in sorted(names))}"


def _flat(nested: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in nested.items():
        if isinstance(value, Mapping):
            flat |= {f"{name}.{inner}": v for inner, v in value.items()}
        else:
            flat[name] = value
    return flat


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for path, value in flat.items():
        section, _, name = path.rpartition(".")
        (nested.setdefault(section, {}) if section else nested)[name] = value
    return nested


def _bad_value(error: ValidationError, origins: Mapping[str, str], file: Path | None) -> BadSettings:
    """Say which setting is wrong and why, without its value where that is a secret."""
    first = error.errors(include_url=False)[0]
    path = ".".join(str(part) for part in first["loc"][:2]) if first["loc"] else ""
    if path not in origins:
        path = str(first["loc"][0]) if first["loc"] else ""
    from_file = origins.get(path) == FILE
    name = f"{toml_name(path)} in {file}" if from_file else variable(path)
    given = "" if path in SECRETS else f" (it is '{first['input']}')"
    words = first["msg"].removeprefix("Value error, ")
    meant = next((info for section, field, info in known() if path in (f"{section}.{field}", field)), None)
    meaning = f"It means: {meant.description}. " if meant else ""
    return BadSettings(f"{name} is not usable: {words}{given}", f"{meaning}Mend it or unset it")
