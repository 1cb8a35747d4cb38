"""Writes the pages that are derived from the code: docs/cli.md, lifecycle.md, rights.md, settings.md. `make docs` runs it.

It draws nothing of its own: the words, the table and the diagram come from the modules that the product runs
on. tests/repo/test_docs.py holds the committed pages to it.
"""  # noqa: INP001 - a script beside the pages that it writes, not a package

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import click

from localhub.main import cli as localhub
from steward.domain.lifecycle import TABLE, Row, mermaid, settled
from steward.domain.people import INSTALLATION_WIDE, Right, Role
from steward.domain.status import ALIASES, INTERRUPTIONS, OPERATION_OF, Phase, Status
from steward.faces.api import router as api
from steward.faces.cli.root import steward
from steward.faces.http import meters
from steward.faces.http.app import ROUTERS
from steward.faces.http.guard import GuardedRoute, right_of
from steward.faces.words import label, speaking
from steward.settings import reference

HERE: Final = Path(__file__).parent

LIFECYCLE_HEAD: Final = """\
# The lifecycle

Generated from `src/steward/domain/lifecycle.py` by `make docs`; edit the table there, never this page.

Every project stands in exactly one of {statuses} statuses, and {rows} rows say how it may move from one to another.
Whatever shows or permits a move is derived from these rows: the actions in `steward project show`, the reason
in a refusal, the diagram below. A move that no row allows cannot be stored.

The heartbeat makes the moves of what is seen on GitHub (discovered, found archived, gone, returned), people's commands
those of people, and operations the rest ([delivery.md](delivery.md)). Not made yet, though the rows are settled, so
that a history written today stays valid: `foreign change accepted`. What adopting takes is in [setup.md](setup.md).
"""

ROAD_HEAD: Final = """\
## The main road

The rows with one origin and one fixed destination. Errors, losses, cancels and archiving are in the table.
"""

MOVES_HEAD: Final = """\
## The moves

*Who* makes the move; where another may ask for it in a face, that one stands in brackets. Every condition
must be proven by whoever makes the move; what nobody proved is refused, in these very words.

- "what it interrupted": `error`, `missing` and `archived` remember the status that they interrupted, as a
  stack. A project in `error` whose repository vanishes goes to `missing`, and back to `error` first.
- "the settled status before it": a status with a running operation is never returned to as if that operation
  still ran; the project lands on the settled status before it: {transient};
  within an update, a stopped design lands on `maintenance`. A resolved error is the
  one exception: it starts the operation again, unless a person chooses the settled status.
- A reopened project returns to what `archived` interrupted, with three exceptions: to `draft` where nothing was
  created, to `discovered` where it was imported and never adopted, to `verified` where its release was taken down.
- "the entry status that the evidence supports": named by the person who adopts the project, one of
  `initialized`, `designed`, `implemented`, `verified`, `active`.
"""

DIAGRAM_HEAD: Final = """\
## Every edge

The same text as `steward lifecycle show --format mermaid`.
"""


RIGHTS_HEAD: Final = """\
# Who may do what over HTTP

Generated from the routes by `make docs`; what an address needs is named beside it in the code, never here. A
test sends every request of this table as every role and as nobody, and holds the answers to it.

An address that names no right is refused to everybody. *Anybody* means without signing in; webhooks prove
themselves by their signature. A role that is given in one organisation counts there alone, and it never gives
{wide} there; what is not in one's organisations is as if it did not exist. An API token allows what its user
may, or less. Beneath every address the application checks the right once more, where the organisation is
known, and the lifecycle's table says who may make which [move](lifecycle.md#the-moves).

## Rights
"""


def lifecycle_page() -> str:
    """The whole of docs/lifecycle.md."""
    transient = ", ".join(f"`{status}` on `{settled(status)}`" for status in OPERATION_OF)
    parts = [
        LIFECYCLE_HEAD.format(statuses=len(Status), rows=len(TABLE)),
        "## Statuses and phases\n",
        _statuses(),
        ROAD_HEAD,
        _fenced(_road()),
        MOVES_HEAD.format(transient=transient),
        _moves(),
        DIAGRAM_HEAD,
        _fenced(mermaid()),
    ]
    return "\n".join(parts)


def _statuses() -> str:
    lines = ["| phase | status | Russian label | its operation |", "| --- | --- | --- | --- |"]
    for phase in Phase:
        for status in (s for s in Status if s.phase is phase):
            with speaking("ru"):
                russian = label("status", status.label)
            aliases = "".join(f" (also `{alias}`)" for alias, of in ALIASES.items() if of == status)
            operation = OPERATION_OF.get(status, "")
            lines.append(f"| {phase.label} | `{status}`{aliases} | {russian} | {operation} |")
    return "\n".join(lines) + "\n"


def _moves() -> str:
    lines = ["| from | move | to | who | conditions |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {' | '.join(_cells(row))} |" for row in TABLE]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> list[str]:
    target = f"`{row.target}`" if isinstance(row.target, Status) else row.target.value
    who = ", ".join(sorted(row.who))
    asks = f" ({', '.join(sorted(row.asks))})" if row.asks else ""
    guards = "; ".join(guard.words for guard in row.guards)
    return [_sources(row), row.trigger.value, target, who + asks, guards]


def _sources(row: Row) -> str:
    if len(row.sources) > len(Status) // 2:
        lacking = ", ".join(f"`{status}`" for status in Status if status not in row.sources)
        return f"any but {lacking}"
    names = [f"`{status}`" for status in Status if status in row.sources]
    return ", ".join(names) if names else "(nothing)"


def _road() -> str:
    lines = ["stateDiagram-v2"]
    for row in TABLE:
        if len(row.sources) == 1 and isinstance(row.target, Status) and row.target not in INTERRUPTIONS:
            (source,) = row.sources
            lines.append(f"    {source or '[*]'} --> {row.target}: {row.trigger}")
    return "\n".join(lines) + "\n"


def _fenced(diagram: str) -> str:
    return f"```mermaid\n{diagram}```\n"


CLI_HEAD: Final = """\
# The commands

Generated from the programs' own help by `make docs`; edit the texts in `src/steward/faces/cli/` and `src/localhub/`.

The options of `steward` itself may stand before or after a command. Standard output holds what was asked for,
standard error all else. Exit codes: 0 well, 1 a failure, 2 a usage error or a bad setting, 4 a refused
credential, 130 cancelled. Without a terminal nothing is asked: the message names the option to give.
"""


def cli_page() -> str:
    """The whole of docs/cli.md."""
    return CLI_HEAD + "".join(
        text
        for name, program in (("steward", steward), ("localhub", localhub))
        for text in _command(name, program)
    )


def _command(path: str, command: click.Command, parent: click.Context | None = None) -> Iterator[str]:
    context = command.context_class(command, parent, info_name=path.rpartition(" ")[2])
    inner = command.list_commands(context) if isinstance(command, click.Group) else []
    arguments = (
        [] if inner else [piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]"]
    )
    heading = " ".join(["##" if parent is None else "###", path, *arguments])
    help_text = (command.help or "").replace("\b\n", "").strip().rstrip(".")
    yield f"\n{heading}\n\n{help_text}.\n"
    rows = [_option(param, context) for param in command.params if isinstance(param, click.Option)]
    if rows:
        yield "\n| option | |\n| --- | --- |\n" + "\n".join(rows) + "\n"
    for name in inner:
        found = command.get_command(context, name) if isinstance(command, click.Group) else None
        assert found is not None, f"{path} lists {name}"
        yield from _command(f"{path} {name}", found, context)


def _option(param: click.Option, context: click.Context) -> str:
    cells = [cell.replace("|", "\\|") for cell in param.get_help_record(context) or ()]
    return f"| `{cells[0]}` | {cells[1]} |"


def rights_page() -> str:
    """The whole of docs/rights.md."""
    wide = ", ".join(f"`{right}`" for right in Right if right in INSTALLATION_WIDE)
    parts = [RIGHTS_HEAD.format(wide=wide)]
    parts.append(f"| right | allows to | {' | '.join(Role)} |")
    parts.append(f"| --- | --- |{' --- |' * len(Role)}")
    parts += [f"| `{right}` | {right.meaning} | {_marks(right)} |" for right in Right]
    parts += ["", "## Addresses", "", f"| address | needs | {' | '.join(Role)} | nobody |"]
    parts.append(f"| --- | --- |{' --- |' * len(Role)} --- |")
    parts += [f"| {address} | {needed} |" for address, needed in sorted(_addresses())]
    return "\n".join(parts) + "\n"


def _marks(right: Right) -> str:
    return " | ".join("yes" if right in role.rights else "no" for role in Role)


def _addresses() -> Iterator[tuple[str, str]]:
    for path, route in _routes():
        right = right_of(route.endpoint)
        assert right is not None, f"{path} names no right"
        cells = (
            f"`{right}` | {_marks(right)} | no"
            if isinstance(right, Right)
            else f"anybody | {' | '.join('yes' for _role in Role)} | yes"
        )
        for method in sorted(route.methods or ()):
            yield f"`{method} {path}`", cells


def _routes() -> Iterator[tuple[str, GuardedRoute]]:
    """Every route that is served, with its whole path. The API's are in parts of their own."""
    for router in ROUTERS:
        apart = [route for route in router.routes if not isinstance(route, GuardedRoute)]
        assert len(apart) == (len(api.PARTS) if router is api.router else 0), "what else is served?"
        yield from ((route.path, route) for route in router.routes if isinstance(route, GuardedRoute))
    for part in api.PARTS:
        for route in part.routes:
            assert isinstance(route, GuardedRoute), "every address is behind the guard"
            yield f"{api.PREFIX}{route.path}", route


PAGES: Final[dict[str, Callable[[], str]]] = {
    "cli.md": cli_page,
    "lifecycle.md": lifecycle_page,
    "rights.md": rights_page,
    "metrics.md": meters.reference,
    "settings.md": reference,
}
"""What is generated: the file's name in docs/, and what makes its text."""


def main() -> None:
    """Write every generated page."""
    for name, text in PAGES.items():
        (HERE / name).write_text(text())


if __name__ == "__main__":
    main()
