"""The built-in agent: deterministic, without a model. It knows projects of the built-in starter template alone.

Run as a script in a clone, by a bare interpreter: standard library, and nothing of Steward. It reads the contract
that STEWARD_CONTRACT names, and prints what it does as lines of JSON.
"""

from __future__ import annotations

import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CONTENT, PLAN, TESTS = Path("content.json"), Path("IMPLEMENTATION.md"), Path("tests/test_criteria.py")
NEEDED = (CONTENT, Path("app/page.py"), Path("app/server.py"), Path("tests"))
PAGE = (
    "from pathlib import Path; from app.page import Content, page;"
    "print(page(Content.read(Path('content.json')), 'unknown'))"
)
TESTS_S = 300
HEAD = '''"""One test for each acceptance criterion, asked of a real server. Written by Steward's built-in agent."""

from __future__ import annotations

import html
import http.client
import threading
import unittest

from app.server import Server, make_server


class Criteria(unittest.TestCase):
    """Each test asks the same server."""

    server: Server
    thread: threading.Thread

    @classmethod
    def setUpClass(cls) -> None:
        """Serve on a free port."""
        cls.server = make_server("127.0.0.1", 0)
        cls.thread = threading.Thread(target=cls.server.serve_forever, args=(0.02,))
        cls.thread.start()

    @classmethod
    def tearDownClass(cls) -> None:
        """Stop, and wait for what is under way."""
        cls.server.shutdown()
        cls.thread.join()
        cls.server.server_close()

    def holds(self, path: str, texts: list[str], criterion: str) -> None:
        """An address answers 200 and shows those texts."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.server_address[1], timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read().decode()
        finally:
            connection.close()
        self.assertEqual(response.status, 200, criterion)
        for text in texts:
            self.assertIn(html.escape(text), body, criterion)
'''


class Refused(Exception):
    """This is no work for the built-in agent; the text says why."""


def main() -> int:
    """Do the work of a role; 0 unless something broke."""
    contract = json.loads(Path(os.environ["STEWARD_CONTRACT"]).read_text(encoding="utf-8"))
    try:
        return work(contract)
    except Refused as refusal:
        advice = "Configure a coding agent (claude, codex, acp or command) for projects of other kinds."
        return say("finished", f"{refusal}. {advice}", outcome="refused", reason=f"{refusal}. {advice}")


def work(contract: Mapping[str, Any]) -> int:
    """Do what the role asks for. Raises Refused."""
    check_place()
    wish = Wish(contract)
    role = contract.get("role")
    if role == "architect":
        design(wish)
    elif role == "developer":
        develop(wish)
    elif role == "tester":
        return say("finished", "judged", verdict=judge(wish))
    else:
        raise Refused(f"the built-in agent cannot be {role!r}")
    return say("finished", "done")


def say(kind: str, text: str, **more: Any) -> int:
    """Print one event."""
    sys.stdout.write(json.dumps({"kind": kind, "text": text, **more}, ensure_ascii=False) + "\n")
    sys.stdout.flush()
    return 0


def check_place() -> None:
    """Raise Refused where this is no project of the starter template."""
    missing = [str(path) for path in NEEDED if not path.exists()]
    if missing:
        raise Refused(
            f"the built-in agent knows the starter template alone, and there is no {missing[0]} here"
        )
    if any(path.is_symlink() for path in (*NEEDED, PLAN, TESTS, Path("app"))):
        raise Refused("the built-in agent follows no links")


class Wish:
    """What a contract asks for, in the terms of the template."""

    def __init__(self, contract: Mapping[str, Any]) -> None:
        spec = contract.get("spec") or {}
        self.answers: dict[str, Any] = dict(spec.get("answers") or {})
        self.project: dict[str, Any] = dict(contract.get("project") or {})
        self.brief = str(spec.get("brief") or "").strip()
        self.criteria = [" ".join(str(text).split()) for text in spec.get("criteria") or ()]
        self.environment = dict(spec.get("environment") or {})
        self.features = features(self.answers.get("features"))
        update = contract.get("update")
        self.update = None
        if update:
            self.update = {"number": update["number"], "text": " ".join(str(update["text"]).split())}

    def content(self, held: Mapping[str, Any]) -> dict[str, Any]:
        """content.json as it is to be: what people answered, merged into what is there."""
        new = dict(held)
        for name in ("title", "tagline", "accent", "language"):
            if self.answers.get(name):
                new[name] = " ".join(str(self.answers[name]).split())
        listed = [dict(feature) for feature in held.get("features") or ()]
        for feature in self.features:
            same = [one for one in listed if one.get("title") == feature["title"]]
            if same:
                same[0]["text"] = feature["text"]
            else:
                listed.append(feature)
        new["features"] = listed
        news = [dict(entry) for entry in held.get("news") or ()]
        if self.update and all(entry.get("number") != self.update["number"] for entry in news):
            news.append(self.update)
        new["news"] = news
        return new


def features(answer: Any) -> list[dict[str, str]]:
    """The features of an answer: lines of "Title: text", or a list of such lines or of objects."""
    lines = answer.splitlines() if isinstance(answer, str) else answer if isinstance(answer, list) else []
    found = []
    for line in lines:
        if isinstance(line, Mapping):
            title, text = str(line.get("title") or ""), str(line.get("text") or "")
        else:
            title, _, text = str(line).partition(":")
        if title.strip():
            found.append({"title": title.strip(), "text": text.strip()})
    return found


def design(wish: Wish) -> None:
    """Write the plan."""
    tests = TESTS.read_text(encoding="utf-8") if TESTS.exists() else ""
    write(PLAN, plan(wish, read_content(), tests))
    commit(f"Plan update {wish.update['number']}" if wish.update else "Plan the implementation")


def develop(wish: Wish) -> None:
    """Bring content and tests to what is wished for, and tick that off in the plan."""
    held = read_content()
    content = wish.content(held)
    if content != held:
        write(CONTENT, json.dumps(content, ensure_ascii=False, indent=2) + "\n")
    tests = criteria_tests(wish, content)
    write(TESTS, tests)
    if not PLAN.exists():
        write(PLAN, plan(wish, content, tests))
    done = {f"- [ ] {item}": f"- [x] {item}" for item, _ in checklist(wish, content, tests)}
    lines = PLAN.read_text(encoding="utf-8").splitlines()
    write(PLAN, "\n".join(done.get(line, line) for line in lines) + "\n")
    commit(f"Update {wish.update['number']}" if wish.update else "Implement the plan")


def judge(wish: Wish) -> dict[str, Any]:
    """Run the tests and look at the page."""
    reasons = []
    say("tool_start", "python3 -m unittest")
    ran = run([sys.executable, "-m", "unittest", "discover", "-s", "tests", "-t", "."])
    say("tool_end", ran.stderr[-2000:])
    if ran.returncode != 0:
        failed = re.findall(r"^(?:FAIL|ERROR): (.+)$", ran.stderr, flags=re.MULTILINE)
        reasons += [f"a test fails: {name}" for name in failed[:20]] or ["the tests do not run"]
    content = read_content()
    shown = run([sys.executable, "-c", PAGE])
    for kind, text in expected(wish):
        if not any(text in one for one in strings(content)):
            reasons.append(f"content.json lacks the {kind} {text!r}")
        elif html.escape(text) not in shown.stdout:
            reasons.append(f"the page does not show the {kind} {text!r}")
    if reasons:
        return {"approved": False, "reasons": reasons}
    open_ones = [text for text in wish.criteria if not subject(text, content)[2]]
    return {"approved": True, "reasons": [f"left to a person to judge: {text}" for text in open_ones]}


def strings(value: Any) -> list[str]:
    """Every text within a JSON value."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [text for one in value for text in strings(one)]
    return [value] if isinstance(value, str) else []


def expected(wish: Wish) -> list[tuple[str, str]]:
    """The texts that the page must show, with what they are."""
    found = [("feature", text) for feature in wish.features for text in feature.values() if text]
    found += [
        (name, " ".join(str(wish.answers[name]).split()))
        for name in ("title", "tagline")
        if wish.answers.get(name)
    ]
    return found + ([("news", wish.update["text"])] if wish.update else [])


def checklist(wish: Wish, content: Mapping[str, Any], tests: str) -> list[tuple[str, bool]]:
    """What is to be done, each with whether it is."""
    there = {(one.get("title"), one.get("text")) for one in content.get("features") or ()}
    found = [
        (
            f"{one['title']}: {one['text']}" if one["text"] else one["title"],
            (one["title"], one["text"]) in there and bool(tests),
        )
        for one in wish.features
    ]
    if wish.update:
        numbers = [entry.get("number") for entry in content.get("news") or ()]
        found.append(
            (f"Update {wish.update['number']}: {wish.update['text']}", wish.update["number"] in numbers)
        )
    found.append(
        ("A test for every acceptance criterion", tests == criteria_tests(wish, wish.content(content)))
    )
    return found


def plan(wish: Wish, content: Mapping[str, Any], tests: str) -> str:
    """IMPLEMENTATION.md."""
    title = wish.answers.get("title") or content.get("title") or wish.project.get("title") or ""
    goal = wish.brief or wish.answers.get("tagline") or content.get("tagline") or ""
    todo = [f"- [{'x' if done else ' '}] {item}" for item, done in checklist(wish, content, tests)]
    change = [f"Update {wish.update['number']}: {wish.update['text']}"] if wish.update else []
    parts = [
        ("Goal", [goal or f"A page about {title}."]),
        ("What this update changes", change),
        (
            "Pages",
            [
                "- `/`: the page, made from `content.json`",
                "- `/up`: health",
                "- `/version`: the commit that runs",
            ],
        ),
        ("Features", todo),
        ("Acceptance criteria", [f"{number}. {text}" for number, text in enumerate(wish.criteria, start=1)]),
        ("Environment", [f"- `{name}`: {source}" for name, source in sorted(wish.environment.items())]),
    ]
    written = [f"## {heading}\n\n" + "\n".join(lines) for heading, lines in parts if lines]
    return "\n\n".join([f"# {title}: how it is made", *written]) + "\n"


def criteria_tests(wish: Wish, content: Mapping[str, Any]) -> str:
    """tests/test_criteria.py: every text in it is data, written as Python writes strings."""
    asked = [(text, *subject(text, content)[:2]) for text in wish.criteria]
    asked += [
        (f"the page tells of update {entry['number']}", "/", [entry["text"]]) for entry in content["news"]
    ]
    methods = []
    for number, (criterion, path, texts) in enumerate(asked, start=1):
        words = re.findall(r"[a-z0-9]+", criterion.lower())[:8]
        methods.append(
            f"\n    def test_{'_'.join([f'{number:02}', *words])}(self) -> None:\n"
            f"        self.holds(\n            {path!r},\n            {texts!r},\n            {criterion!r},\n        )\n"
        )
    return HEAD + "".join(methods) + '\n\nif __name__ == "__main__":\n    unittest.main()\n'


def subject(criterion: str, content: Mapping[str, Any]) -> tuple[str, list[str], bool]:
    """What a criterion is about: an address, the texts it must show, and whether that is all of the criterion.

    One that speaks of nothing known is tested by the page showing its whole content.
    """
    low = criterion.casefold()
    for path, texts in (("/version", ['"commit"']), ("/up", ["ok"])):
        if re.search(rf"(?<![\w/]){path}\b", low):
            return path, [] if path == "/version" else texts, True
    listed = content.get("features") or []
    texts = [
        text
        for one in listed
        if one["title"].casefold() in low
        for text in (one["title"], one["text"])
        if text
    ]
    texts += [str(content[name]) for name in ("title", "tagline") if mentions(low, name, content)]
    quoted = re.findall(r"[\"“«]([^\"“”«»]{2,})[\"”»]", criterion)
    texts += [text for text in quoted if text not in texts and any(text in one for one in strings(content))]
    if texts:
        return "/", texts, True
    return "/", [str(content.get("title") or ""), *(one["title"] for one in listed)], False


def mentions(low: str, name: str, content: Mapping[str, Any]) -> bool:
    """Whether a criterion speaks of the title or the tagline, by that word or by its text."""
    text = str(content.get(name) or "")
    return bool(text) and (text.casefold() in low or re.search(rf"\b{name}\b", low) is not None)


def read_content() -> dict[str, Any]:
    """content.json. Raises Refused where it is no object."""
    try:
        held = json.loads(CONTENT.read_text(encoding="utf-8"))
    except ValueError as error:
        raise Refused(f"content.json cannot be read: {error}") from None
    if not isinstance(held, dict):
        raise Refused("content.json is no object")
    return held


def write(path: Path, text: str) -> None:
    """Write a file, unless it says that already."""
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    say("tool_start", f"write {path}")
    path.write_text(text, encoding="utf-8")


def commit(message: str) -> None:
    """Commit what was written; nothing where nothing was."""
    mine = [str(path) for path in (CONTENT, PLAN, TESTS) if path.exists()]
    git("add", "--", *mine)
    if git("status", "--porcelain", "--", *mine).strip():
        git("commit", "--quiet", "-m", message, "--", *mine)
        say("text", f"committed: {message}")


def git(*words: str) -> str:
    """What git says. Raises SystemExit where it refuses."""
    ran = run(["git", "-c", "core.hooksPath=/dev/null", *words])
    if ran.returncode != 0:
        say("error", ran.stderr[-1000:])
        raise SystemExit(1)
    return ran.stdout


def run(argv: Sequence[str]) -> subprocess.CompletedProcess[str]:
    """Run a program in the clone."""
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        argv,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
        timeout=TESTS_S,
        stdin=subprocess.DEVNULL,
    )


if __name__ == "__main__":
    sys.exit(main())
