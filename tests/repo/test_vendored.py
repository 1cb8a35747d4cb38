"""What others made and the pages ship: every file is listed with its licence and checksum, and is unchanged."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest

from steward.faces.web.assets import address, assets, icon_names

STATIC = Path(__file__).parents[2] / "src" / "steward" / "faces" / "web" / "static"
VENDOR = STATIC / "vendor"
PACKAGES = tomllib.loads((VENDOR / "VENDORED.toml").read_text())


@pytest.mark.parametrize("folder", sorted(PACKAGES))
def test_a_vendored_package_is_whole_and_unchanged(folder: str) -> None:
    told = PACKAGES[folder]
    found = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in (VENDOR / folder).iterdir()}
    assert found == told["sha256"]
    assert "LICENSE" in found
    assert all(told[name] for name in ("package", "version", "licence", "home"))


def test_nothing_is_vendored_without_being_listed() -> None:
    assert {entry.name for entry in VENDOR.iterdir()} == {*PACKAGES, "VENDORED.toml"}


def test_every_icon_that_is_vendored_is_used() -> None:
    """A template or a route names it in quotes: what nobody draws is not shipped."""
    web = STATIC.parent
    sources = "".join(
        file.read_text() for pattern in ("*.py", "templates/*.html") for file in web.glob(pattern)
    )
    assert sorted(name for name in icon_names() if f'"{name}"' not in sources) == []


def test_style_sheets_name_only_files_that_are_there() -> None:
    tokens = assets()["tokens.css"].body.decode()
    named = [part.partition('")')[0] for part in tokens.split('url("')[1:]]
    assert len(named) == 4
    assert all(address(name) for name in named)
