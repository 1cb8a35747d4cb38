"""What a command line says of a spec: its options, the files they name, and the questions that are asked for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from steward.faces.cli.base import option
from steward.faces.cli.session import Session
from steward.faces.words import _, printable

if TYPE_CHECKING:
    # For the type alone: importing it takes longer than the whole of `--help`.
    from steward.app.building import Wish

STARTER: Final = "starter"
NAMES: Final = ("template", "tag", "answers", "file", "brief", "criteria")
"""The options that say something of a spec."""
Json = dict[str, Any]


def spec_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a command that takes a spec."""
    for one in reversed(
        (
            option("--template", metavar="SOURCE", help="The built-in one (starter), or a git address"),
            option("--tag", metavar="TAG", help="The template's version"),
            option(
                "--answer",
                "answers",
                multiple=True,
                metavar="NAME=VALUE",
                help="An answer to a question of the template; repeatable",
            ),
            option(
                "--answers",
                "file",
                type=click.Path(dir_okay=False, exists=True),
                metavar="FILE",
                help="Answers as a JSON object; the place for secret ones",
            ),
            option("--brief", metavar="TEXT", help="The wish in words; @FILE reads it from a file"),
            option(
                "--criterion",
                "criteria",
                multiple=True,
                metavar="TEXT",
                help="What must hold at the end; repeatable",
            ),
        )
    ):
        command = one(command)
    return command


def says_something(given: Mapping[str, Any]) -> bool:
    """Whether any option of a spec was given."""
    return any(given[name] for name in NAMES)


def text_of(value: str) -> str:
    """A text as it was given, or the contents of the file that `@` names. Raises UsageError."""
    if not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or _("it is no text in UTF-8")
        raise click.UsageError(_("{file} cannot be read: {why}", file=value[1:], why=why)) from None


def answers_of(given: Mapping[str, Any]) -> Json:
    """All answers that were given; those of the options before those of the file. Raises UsageError."""
    odd = [text for text in given["answers"] if not text.partition("=")[0].strip() or "=" not in text]
    if odd:
        # Only what may be a name is repeated: the rest may hold a secret.
        raise click.UsageError(_("an answer is written as NAME=VALUE; {n} are not", n=len(odd)))
    pairs = (text.partition("=") for text in given["answers"])
    return {**_file(given["file"]), **{name.strip(): value for name, _sign, value in pairs}}


def _file(name: str | None) -> Json:
    if name is None:
        return {}
    try:
        found = json.loads(text_of(f"@{name}"))
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise click.UsageError(_("{file} holds no JSON object of answers", file=name))
    return found


def keep_secrets_out(given: Mapping[str, Any], template: Json) -> None:
    """Refuse a secret answer among the words of a command: others on the machine can read those."""
    secret = {question["name"] for question in template["questions"] if question["secret"]}
    told = sorted(secret & {text.partition("=")[0].strip() for text in given["answers"]})
    if told:
        names = ", ".join(told)
        raise click.UsageError(
            _(
                "{names}: a secret is not given on the command line; put it into the file of --answers",
                names=names,
            )
        )


def wish_of(given: Mapping[str, Any], answers: Json) -> Wish:
    """The spec that was wished for."""
    from steward.app.building import Wish

    return Wish(
        template=given["template"] or STARTER,
        tag=given["tag"] or "",
        answers=answers,
        brief=text_of(given["brief"] or ""),
        criteria=given["criteria"],
    )


def amended(spec: Json, given: Mapping[str, Any], answers: Json) -> Wish:
    """The spec that there is, changed by what was given. Another template begins with no answers."""
    from steward.app.building import Wish
    from steward.domain.answers import criteria_of

    same = given["template"] in (None, spec["template"]["source"])
    # Criteria that were made from the answers are made anew from the new ones.
    derived = list(criteria_of(spec["answers"])) == spec["criteria"]
    return Wish(
        template=given["template"] or spec["template"]["source"],
        tag=given["tag"] or (spec["template"]["tag"] if same else "") or "",
        answers={**spec["answers"], **answers} if same else answers,
        brief=text_of(given["brief"] or "") or spec["brief"],
        criteria=given["criteria"] or (() if derived else tuple(spec["criteria"])),
    )


def ask(session: Session, template: Json, answers: Json, defaults: Mapping[str, str]) -> Json:
    """Ask a person at a terminal for what was not answered; elsewhere nothing is asked."""
    if not session.interactive or session.options.yes:
        return answers
    open_ones = [question for question in template["questions"] if question["name"] not in answers]
    if open_ones:
        session.note(_("{title} asks:", title=template["title"]))
    asked = {q["name"]: _asked(q, defaults.get(q["name"])) for q in open_ones}
    # What is left blank is the template's to work out.
    return {**answers, **{name: value for name, value in asked.items() if value != ""}}


def _asked(question: Json, default: str | None) -> Any:
    lines = printable(question["help"] or question["name"]).strip().splitlines()
    text = f"{lines[0]} [{question['name']}]"
    offered = _default(question) if default is None else default
    if question["secret"]:
        hidden = _("{question}, not shown", question=text)
        return click.prompt(hidden, default="", show_default=False, hide_input=True, err=True)
    if question["kind"] == "bool":
        return click.confirm(text, default=str(offered).lower() in ("true", "yes", "1"), err=True)
    if question["choices"]:
        return _chosen(question, text, offered)
    if question["required"] and not offered:
        return click.prompt(text, err=True)
    return click.prompt(text, default=offered, show_default=bool(offered), err=True)


def _chosen(question: Json, text: str, offered: str) -> Any:
    choices: Sequence[str] = question["choices"]
    if question["multiselect"]:
        listed = _("{question}, of: {choices}; commas between", question=text, choices=", ".join(choices))
        return click.prompt(listed, default=offered, show_default=bool(offered), err=True)
    default = offered if offered in choices else None
    return click.prompt(text, type=click.Choice(choices), default=default, err=True)


def _default(question: Json) -> str:
    """The default as a person would type it; "" where the template works it out."""
    value = question["default"]
    if value is None or (isinstance(value, str) and ("{{" in value or "{%" in value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
