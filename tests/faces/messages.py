"""Collects every message that the faces may say: what the Russian catalogue must hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from jinja2 import nodes

from steward.adapters.templates import CopierTemplates
from steward.app.accounts import SETTINGS
from steward.app.exits import exits
from steward.app.hands import MEANING
from steward.domain.chats import PostState
from steward.domain.credentials import NEEDS, CredentialKind
from steward.domain.deliveries import State
from steward.domain.dialog import WORDS
from steward.domain.drift import KINDS, NOTED
from steward.domain.guards import Guard
from steward.domain.hands import Exit, HandsOff
from steward.domain.incidents import Cause, Incident, Severity
from steward.domain.lifecycle import Back, Who
from steward.domain.needs import Demand, Sort
from steward.domain.operations import STEPS, Fault, OperationState, Work
from steward.domain.people import Right, Role
from steward.domain.project import Management, OrgState
from steward.domain.readiness_rules import RULES
from steward.domain.repository import Presence
from steward.domain.spec import STARTER, TemplateRef
from steward.domain.status import Phase, Status, Trigger
from steward.faces.cli.root import COMMANDS, steward
from steward.faces.lines import cause_label
from steward.faces.people import ACTS
from steward.faces.web.asking import LABELS
from steward.faces.web.render import environment
from steward.faces.web.times import MONTHS
from steward.settings.model import known

FACES = Path(__file__).parents[2] / "src" / "steward" / "faces"
TEMPLATES = FACES / "web" / "templates"
SAYING = ("_", "counted")

Key = tuple[str | None, str]
"""Context (None: none) and English text; of a plural the singular."""


def required() -> set[Key]:
    """Every key that must be in the catalogue."""
    return {*_spoken(), *_in_templates(), *_helps(steward), *_labels()}


def written() -> set[str]:
    """Every text in the sources outside the faces; what varies in it stands as `{}`."""
    texts = set()
    for file in FACES.parent.rglob("*.py"):
        if FACES in file.parents:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
                texts.add("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.add(re.sub(r"{\w+}", "{}", node.value))
    return texts


def _spoken() -> Iterator[Key]:
    """The first argument of every `_(...)` and `counted(...)`, inside f-strings too."""
    for file in FACES.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SAYING:
                text = node.args[0]
                if isinstance(text, ast.Constant):
                    yield None, str(text.value)


def _in_templates() -> Iterator[Key]:
    """The first argument of every `_(...)` and `counted(...)` of a template, and every `label(context, text)`."""
    for file in TEMPLATES.rglob("*.html"):
        for call in environment().parse(file.read_text()).find_all(nodes.Call):
            if not isinstance(call.node, nodes.Name):
                continue
            texts = [argument.value for argument in call.args if isinstance(argument, nodes.Const)]
            if call.node.name in SAYING and texts:
                yield None, str(texts[0])
            elif call.node.name == "label" and len(texts) == 2:
                yield str(texts[0]), str(texts[1])


def _helps(command: click.Command) -> Iterator[Key]:
    texts = [command.help, *(p.help for p in command.params if isinstance(p, click.Option))]
    yield from ((None, text) for text in texts if text)
    if command is steward:
        yield from ((None, text) for _module, text in COMMANDS.values())
        context = click.Context(command)
        for name in COMMANDS:
            found = steward.get_command(context, name)
            assert found is not None
            yield from _helps(found)
    elif isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from _helps(inner)


def _starter() -> Iterator[Key]:
    """What the built-in template says of itself and asks."""
    with TemporaryDirectory() as folder:
        template = CopierTemplates(Path(folder)).read(TemplateRef(STARTER))
    yield "question", template.description
    for question in template.questions:
        yield "question", question.name.replace("_", " ").capitalize()
        yield "question", question.help


def _setup() -> Iterator[Key]:
    """Every sentence of a checklist: the texts of its module that are no docstrings and no commands."""
    tree = ast.parse((FACES.parent / "domain" / "setup.py").read_text())
    apart = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in apart:
            text = node.value
            if " " in text and not text.startswith("steward ") and text.strip(", ") == text:
                yield "setup", text


def _labels() -> Iterator[Key]:
    yield from _setup()
    yield from (("scan", state) for state in ("queued", "running", "done", "failed"))
    yield from (("need", code.value) for kind in (Demand, Sort) for code in kind)
    yield from (("taking in", state) for state in ("queued", "taken in", "already", "refused"))
    yield from (("delivery", state.value) for state in State)
    yield from (("post", state.value) for state in PostState)
    yield from (("webhook", state) for state in ("Ok", "Waiting", "Failing"))
    yield from (("status", status.label) for status in Status)
    yield from (("phase", phase.label) for phase in Phase)
    yield from (("trigger", trigger.label) for trigger in Trigger)
    yield from (("guard", guard.words) for guard in Guard)
    yield from (("severity", severity.value.capitalize()) for severity in Severity)
    yield from (("cause", cause_label(cause)) for cause in Cause)
    yield from (("work", work.value.capitalize()) for work in Work)
    yield from (("operation step", step.replace("_", " ")) for steps in STEPS.values() for step in steps)
    yield from (("fault", fault.value) for fault in Fault)
    yield from (("operation state", state.value) for state in OperationState)
    yield from (("mark", state) for state in ("done", "current", "failed", "waiting", "stopped", "ahead"))
    yield from (("release state", state) for state in ("live", "superseded", "failed", "rolled back"))
    yield from (("update state", state) for state in ("queued", "open", "shipped", "abandoned"))
    yield from (("spec", what) for what in ("template", "brief", "criterion"))
    yield from _starter()
    yield from (("question", words) for words in WORDS.values())
    yield from (("health", health) for health in ("unknown", "healthy", "down"))
    yield from (("presence", presence.value.capitalize()) for presence in Presence)
    yield from (("management", management.value.capitalize()) for management in Management)
    yield from (("organisation", state.value.capitalize()) for state in OrgState)
    yield from (("incident", state.capitalize()) for state in ("open", "acknowledged", "resolved"))
    sent = ("pending", "sending", "uncertain", "sent", "failed")
    yield from ((context, state) for context in ("outbox", "notice") for state in sent)
    yield from (("who", who.value) for who in Who)
    for rule in RULES:
        yield from (("readiness", words) for words in (rule.met, rule.unmet, rule.fix.words))
    yield from (("fact", name.replace("_", " ")) for name in (*NOTED, "owner", "management"))
    yield from (("look", outcome) for outcome in ("whole", "partial", "failed", "interrupted", "running"))
    yield from (("visibility", visibility) for visibility in ("public", "private", "internal"))
    yield ("actor", "heartbeat")
    yield from (("ask", words) for words in LABELS.values())
    yield from (("destination", back.value) for back in Back)
    yield from (("step", state) for state in ("done", "skipped", "current", "interrupted", "ahead"))
    yield from (("short", phase.value.capitalize()) for phase in Phase)
    yield from (("month", month) for month in MONTHS)
    yield from (("change", kind.replace("_", " ")) for kind in (*KINDS, "suspected", "held"))
    yield from (("role", role.value) for role in Role)
    yield from (("right", right.meaning) for right in Right)
    yield from (("outcome", outcome) for outcome in ("done", "refused", "failed"))
    yield from (("pass", state) for state in ("valid", "ended", "expired", "used"))
    yield from (("credential", kind.value) for kind in CredentialKind)
    yield from (("need", need.why) for need in NEEDS)
    yield from (("came", source) for source in ("webhook", "sweep"))
    yield from (("call", outcome) for outcome in ("ok", "late", "limited", "unreachable", "refused"))
    yield from (("act", words) for words in ACTS.values())
    yield from (("source", source) for source in ("default", "environment"))
    yield from (("way out", way.value.replace("_", " ").capitalize()) for way in Exit)
    yield from (("exit", words) for words in MEANING.values())
    yield from (("hands off", policy.value.capitalize()) for policy in HandsOff)
    yield from (("checks", colour) for colour in ("green", "red", "pending", "unknown"))
    yield from (("file change", what) for what in ("added", "modified", "deleted", "renamed"))
    yield from (("repository setting", name.replace("_", " ")) for name in SETTINGS)
    yield from (("setting", info.description or "") for _section, _name, info in known())
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for cause in Cause:
        incident = Incident(1, "key", cause, "warning", "title", at, at)
        yield from (("exit", way["text"]) for way in exits(incident, None, None))
