"""The documents say what the code does: generated pages, links, commands, names, numbers, words."""

from __future__ import annotations

import re
import runpy
import shlex
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import get_args

import click
import pytest

from localhub.main import cli as localhub
from steward.app import health
from steward.app.operations import deploy, runner, writing
from steward.domain import life, verdict
from steward.domain.agents import Outcome
from steward.domain.hands import GUARDED
from steward.domain.incidents import PERSON_MAY_CLOSE, Cause
from steward.domain.lifecycle import settled
from steward.domain.operations import STEPS, Fault, OperationState, Work
from steward.domain.rules import Rules
from steward.domain.status import OPERATION_OF
from steward.faces.cli.root import hoist, steward
from steward.settings.model import Agent, known, variable

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
PROGRAMS: dict[str, click.Group] = {"steward": steward, "localhub": localhub}
COMMAND = r"(?:\.venv/bin/)?(steward|localhub)( [^`]*)"


def name_of(path: Path) -> str:
    """A page, as pytest shows it."""
    return str(path.relative_to(ROOT))


@cache
def text_of(page: Path) -> str:
    """A page's text."""
    return page.read_text()


def blocks(page: Path) -> list[str]:
    """The contents of a page's code blocks."""
    return re.findall(r"^```\w*\n(.*?)^```$", text_of(page), flags=re.DOTALL | re.MULTILINE)


def prose(page: Path) -> str:
    """A page without its code blocks, its white space evened out."""
    bare = re.sub(r"^```\w*\n.*?^```$", "", text_of(page), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"\s+", " ", bare)


# Generated pages ---------------------------------------------------------------------------------------


def generated() -> dict[str, Callable[[], str]]:
    """What `make docs` writes: the file's name, and what makes its text."""
    pages: dict[str, Callable[[], str]] = runpy.run_path(str(DOCS / "generate.py"))["PAGES"]
    return pages


@pytest.mark.parametrize("page", sorted(generated()))
def test_a_generated_page_is_as_the_code_makes_it(page: str) -> None:
    assert (DOCS / page).read_text() == generated()[page](), "run `make docs` and commit the page"


# Links -------------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives a page's headings."""
    found = re.findall(r"^#+ (.+)$", text_of(page), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    astray = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text_of(page)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            astray.append(target)
    assert astray == []


def test_every_page_is_linked_to() -> None:
    linked = {(page.parent / target).resolve() for page in PAGES for target in relative_targets(page)}
    assert [
        name_of(page) for page in PAGES if page.resolve() not in linked and page.name != "README.md"
    ] == []


def relative_targets(page: Path) -> list[str]:
    """The files that a page links to."""
    return [found.partition("#")[0] for found in re.findall(r"\]\(([^)\s:]+)\)", text_of(page))]


# Commands ----------------------------------------------------------------------------------------------


def typed(page: Path) -> Iterator[str]:
    """Every command line in a page's code blocks, typed at a prompt or printed to be typed."""
    for block in blocks(page):
        for line in block.replace("\\\n", " ").splitlines():
            if found := re.match(rf"\s*(?:\$ )?({COMMAND})$", line):
                yield found[1]


def in_prose(page: Path) -> Iterator[str]:
    """Every command line that stands between backticks in a page's prose."""
    for code in re.findall(r"`([^`]+)`", prose(page)):
        if re.fullmatch(COMMAND, code):
            yield code


def complaint(line: str, *, whole: bool) -> str:
    """Why the program would refuse a command line; "" if it would not.

    With `whole` its arguments must all be there and be of their kind, except that files need not exist.
    """
    program, *words = shlex.split(line, comments=True)
    root = PROGRAMS[Path(program).name]
    words = hoist(words) if root is steward else words
    try:
        return _refusal(root, words, whole=whole)
    except click.UsageError as error:
        return error.format_message()


def _refusal(command: click.Command, words: list[str], *, whole: bool) -> str:
    context = click.Context(command, info_name=command.name, ignore_unknown_options=False)
    context.allow_interspersed_args = command.allow_interspersed_args
    if "--help" in words[:1] or "--version" in words[:1]:
        return ""
    given, rest, _order = command.make_parser(context).parse_args(list(words))
    if isinstance(command, click.Group):
        if not rest:
            return "" if not whole else f"{command.name} needs a command"
        sub = command.get_command(context, rest[0])
        return _refusal(sub, rest[1:], whole=whole) if sub else f"{command.name} has no command {rest[0]}"
    if rest:
        return f"{command.name} takes no {' '.join(rest)}"
    for param in command.params:
        value = given.get(param.name or "")
        if whole and not isinstance(param.type, click.Path):
            param.process_value(context, value)
        elif whole and param.required and not value:
            return f"{command.name} needs {param.name}"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_is_shown_can_be_typed(page: Path) -> None:
    wrong = {line: complaint(line, whole=True) for line in typed(page)}
    wrong |= {line: complaint(line, whole=False) for line in in_prose(page)}
    assert {line: why for line, why in wrong.items() if why} == {}


def test_the_check_of_commands_refuses_what_the_programs_would() -> None:
    refused = [
        "steward synch",
        "steward sync run --fast",
        "steward project show",
        "steward project list --status gone",
        "steward freeze one two",
        "localhub repo rename shop",
        "localhub repo create --secret shop",
    ]
    assert [line for line in refused if not complaint(line, whole=True)] == []
    assert complaint(".venv/bin/steward --json incident show 1 --lang ru", whole=True) == ""


def test_every_page_of_commands_shows_some() -> None:
    shown = {page.name: len([*typed(page), *in_prose(page)]) for page in PAGES}
    assert min(shown["RUNBOOK.md"], shown["heartbeat.md"]) > 5
    assert len(list(typed(ROOT / "README.md"))) > 15


def test_every_target_of_make_that_is_shown_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    shown = {name for page in PAGES for name in re.findall(r"(?:`|\$ )make ([a-z]+)", text_of(page))}
    assert shown - targets == set()


# Names and numbers -------------------------------------------------------------------------------------


def test_every_module_named_exists() -> None:
    named = set(re.findall(r"`((?:steward|localhub)(?:\.[a-z_]+)+)`", text_of(DOCS / "ARCHITECTURE.md")))
    assert len(named) > 40
    assert [module for module in sorted(named) if find_spec(module) is None] == []


def test_every_module_of_the_inner_layers_is_named() -> None:
    named = text_of(DOCS / "ARCHITECTURE.md")
    rooms = [ROOT / "src" / "steward" / layer for layer in ("domain", "ports", "app")]
    modules = [f"steward.{room.name}.{path.stem}" for room in rooms for path in room.glob("[a-z]*.py")]
    assert [module for module in modules if f"`{module}`" not in named] == []


def test_the_layers_bear_the_names_of_their_contracts() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    page = prose(DOCS / "ARCHITECTURE.md")
    assert [c["name"] for c in settings["contracts"] if f"**{c['name']}**" not in page] == []


def test_every_place_that_the_glossary_names_exists() -> None:
    places = re.findall(r"`((?:domain|app|ports|testing)\.[\w.]+)`", text_of(DOCS / "GLOSSARY.md"))
    assert len(places) > 20
    assert [place for place in places if not exists(f"steward.{place}")] == []


def exists(place: str) -> bool:
    """Whether there is such a module, or such a name in one."""
    module, _, name = place.rpartition(".")
    if find_spec(module) is None:
        return False
    return hasattr(import_module(module), name) or bool(name.islower() and find_spec(place))


def test_every_term_of_the_glossary_is_used() -> None:
    glossary = DOCS / "GLOSSARY.md"
    heads = re.findall(r"^- \*\*(.+?)\*\*", text_of(glossary), flags=re.MULTILINE)
    terms = [term for head in heads for term in head.split(", ")]
    sources = [path.read_text() for path in (ROOT / "src").rglob("*.py")]
    elsewhere = " ".join([*sources, *(text_of(page) for page in PAGES if page != glossary)]).lower()
    assert len(terms) > 60
    assert [term for term in terms if term.lower() not in elsewhere] == []


def rows(page: Path) -> dict[str, list[str]]:
    """A page's table rows by their first cell, backticks taken off; the later one of two that begin alike."""
    lines = [line for line in text_of(page).splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {row[0].strip("` |"): row[1:] for row in cells}


def test_the_numbers_of_the_heartbeat_are_those_of_the_code() -> None:
    told = rows(DOCS / "heartbeat.md")
    for field in fields(Rules):
        assert float(told[field.name][0].removesuffix(" s")) == field.default, field.name


def test_every_cause_of_an_incident_has_its_instructions() -> None:
    told = rows(DOCS / "heartbeat.md")
    assert [cause.value for cause in Cause if cause.value not in told] == []
    by_hand = {cause for cause in Cause if "steward incident resolve" in " ".join(told[cause.value])}
    by_hand |= {cause for cause in Cause if "or accept it" in " ".join(told[cause.value])}
    assert by_hand == PERSON_MAY_CLOSE


def test_every_cause_of_building_has_its_line_in_the_runbook() -> None:
    told = rows(DOCS / "RUNBOOK.md")
    building = [cause for cause in Cause if "project retry" in " ".join(rows(DOCS / "heartbeat.md")[cause])]
    causes = {Cause.OPERATION_FAILED, Cause.OPERATION_STUCK, Cause.BUDGET_SPENT, Cause.NAME_TAKEN}
    assert [
        cause.value for cause in {*building, *causes, Cause.SITE_DOWN, Cause.TLS_EXPIRING} - set(told)
    ] == []


# The road ----------------------------------------------------------------------------------------------

DELIVERY = DOCS / "delivery.md"


def heads(page: Path) -> dict[str, str]:
    """What stands in backticks in the first cells of a page's tables, each with the rest of its row."""
    return {name: " | ".join(rest) for cell, rest in rows(page).items() for name in re.split(r"`?, `?", cell)}


def test_every_step_outcome_fault_and_colour_has_its_line() -> None:
    told = heads(DELIVERY)
    names = {step for steps in STEPS.values() for step in steps}
    names |= {str(one) for kind in (Outcome, Fault, verdict.Colour) for one in kind} | set(get_args(Agent))
    assert sorted(names - set(told)) == []


def test_every_kind_and_state_of_an_operation_is_named() -> None:
    named = set(re.findall(r"`(\w+)`", prose(DELIVERY)))
    assert sorted({*Work, *OperationState} - named) == []


def test_the_words_of_checks_are_those_of_the_verdict() -> None:
    told = {frozenset(re.split(r"`, `", cell)): rest[0] for cell, rest in rows(DELIVERY).items()}
    assert told[frozenset({"success"})].startswith("passed, and proof")
    assert told[verdict.PASSING - {"success"}].startswith("passed, and no proof")
    assert told[verdict.PRODUCT] == "red, the product's fault"
    assert told[verdict.INFRASTRUCTURE] == "red, the infrastructure's fault"


def test_the_settled_statuses_are_those_of_the_lifecycle() -> None:
    page = prose(DELIVERY)
    told = [f"`{settled(status)}` for `{status}`" for status in OPERATION_OF]
    assert [words for words in told if words not in page] == []


def test_what_agents_may_not_change_is_named() -> None:
    assert [path for path in GUARDED if f"`{path}`" not in prose(DELIVERY)] == []


def test_the_numbers_of_the_road_are_those_of_the_code() -> None:
    page = prose(DELIVERY)
    assert f"is tried {runner.TRIES_MAX} more times" in page
    assert f"tried {writing.BLOCKED_MAX} times more" in page
    assert (writing.ROUNDS_MAX, "is sent back twice in a row" in page) == (2, True)
    assert f"in {deploy.LOOKS_MAX} looks" in page
    assert f"looked at every {health.EVERY_S:.0f} s" in page
    assert (life.GOOD_IN_A_ROW, life.BAD_IN_A_ROW) == (3, 3)
    assert f"three times in a row within {life.PROOF_WITHIN.total_seconds():.0f} s" in page
    assert f"has for {life.STABLE_S:.0f} s" in page
    assert f"within {life.TLS_WARNING_DAYS:.0f} days" in page
    assert f"an error from {life.TLS_URGENT_DAYS:.0f}" in page


def test_every_setting_that_is_named_exists() -> None:
    variables = {variable(f"{section}.{name}" if section else name) for section, name, _field in known()}
    # The file of settings, a replay of the kill loops, and what an agent's program is told in its box.
    variables |= {"STEWARD_CONFIG", "STEWARD_TEST_SEED", "STEWARD_CONTRACT"}
    named = {name for page in PAGES for name in re.findall(r"STEWARD_[A-Z_]*[A-Z]\b", text_of(page))}
    shortened = {"STEWARD_SYNC"}
    assert named - shortened - variables == set()


def test_every_decision_is_listed_and_whole() -> None:
    listed = text_of(DOCS / "decisions" / "README.md")
    for page in sorted((DOCS / "decisions").glob("0*.md")):
        number, title = text_of(page).splitlines()[0].removeprefix("# ").split(" ", 1)
        assert f"| [{number}]({page.name}) | {title} |" in listed
        assert page.name.startswith(f"{number}-")
        parts = re.findall(r"^\*\*(.+?)\*\*", text_of(page), flags=re.MULTILINE)
        assert parts == ["To settle.", "Chosen.", "Instead of.", "It costs."], page.name
