"""A project rendered from the built-in template: its own tests pass, it serves, and what it says is data."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steward.adapters.templates import CopierTemplates
from steward.adapters.templates.copier_templates import STARTER_FOLDER
from steward.domain.answers import check_answers
from steward.domain.spec import STARTER, TemplateRef

REF = TemplateRef(STARTER)
ANSWERS = {
    "title": 'Harbour "&" Pine',
    "tagline": "{{ 7 * 7 }} <b>rooms</b>",
    "accent": "teal",
    "language": "ru",
    "features": "Rooms: by the sea: all of them\n\n  </script>: {% raw %}  \nBare",
}
VOID = {"meta", "link", "br", "img", "input", "hr"}
ENV = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}


def rendered(root: Path, answers: dict[str, Any]) -> Path:
    """A project in a folder of its own."""
    into = root / "made"
    assert CopierTemplates(root / "state").render(REF, answers, into, previous=False) == []
    return into


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rendered(tmp_path_factory.mktemp("starter"), ANSWERS)


@contextmanager
def served(project: Path, **env: str) -> Iterator[int]:
    """The project's server as a process of its own; its port. It must end by itself when it is asked to."""
    command = tomllib.loads((project / "deploy.toml").read_text())["service"]["command"]
    process = subprocess.Popen(
        [sys.executable, *command[1:]],
        cwd=project,
        env={**ENV, "PORT": "0", **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        found = re.search(r":(\d+)$", process.stdout.readline().strip())
        assert found, process.stderr
        yield int(found[1])
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    finally:
        process.kill()
        _out, said = process.communicate()
    assert said == ""


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[http.client.HTTPResponse, str]:
    """One answer and its body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        return response, response.read().decode()
    finally:
        connection.close()


class Page(HTMLParser):
    """Finds what is obviously wrong with a page, and the texts in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()
        self.faults += [f"{tag} is not closed" for tag in self.open]
        self.faults += [f"{one} is there twice" for one in set(self.ids) if self.ids.count(one) > 1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        if len(found) != len(attrs):
            self.faults.append(f"{tag} names an attribute twice")
        if any(name.startswith("on") or name == "style" for name in found):
            self.faults.append(f"{tag} holds code or style")
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        self.links += [value for name, value in attrs if name in {"href", "src", "aria-labelledby"} and value]

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"{tag} ends where it did not begin")

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_its_own_checks_pass_as_both_of_their_files_name_them(project: Path) -> None:
    check = tomllib.loads((project / ".localhub/checks.toml").read_text())["checks"]["test"]
    workflow = yaml.safe_load((project / ".github/workflows/checks.yml").read_text())
    assert workflow["jobs"]["test"]["steps"][-1]["run"] == " ".join(check["command"])
    done = subprocess.run(
        [sys.executable, *check["command"][1:]],
        cwd=project,
        env=ENV,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Ran 7 tests" in done.stderr


def test_what_it_says_of_itself_agrees(project: Path) -> None:
    template = CopierTemplates(project.parent / "state").read(REF)
    deploy = tomllib.loads((project / "deploy.toml").read_text())
    contract = yaml.safe_load((project / "env.contract.yaml").read_text())["entries"]
    assert {name: about["source"] for name, about in contract.items()} == template.environment
    assert {deploy["service"][name] for name in ("port_variable", "host_variable")} == set(contract)
    proof = template.proof
    assert deploy["proof"] == {"kind": proof.kind, "path": proof.path, "version_path": proof.version_path}
    assert template.checks == tuple(tomllib.loads((project / ".localhub/checks.toml").read_text())["checks"])


def test_the_answers_are_in_the_content_as_they_were_given(project: Path) -> None:
    content = json.loads((project / "content.json").read_text())
    assert content == {
        "title": ANSWERS["title"],
        "tagline": ANSWERS["tagline"],
        "accent": "teal",
        "language": "ru",
        "features": [
            {"title": "Rooms", "text": "by the sea: all of them"},
            {"title": "</script>", "text": "{% raw %}"},
            {"title": "Bare", "text": ""},
        ],
        "news": [],
    }
    kept = yaml.safe_load((project / ".copier-answers.yml").read_text())
    assert kept["_src_path"] == STARTER
    assert {name: kept[name] for name in ANSWERS} == ANSWERS
    assert "/" not in kept["_commit"]


def test_it_serves_its_commit_and_ends_when_it_is_asked_to(project: Path) -> None:
    with served(project, STEWARD_COMMIT="abc123") as port:
        assert ask(port, "/up")[1] == "ok"
        assert json.loads(ask(port, "/version")[1])["commit"] == "abc123"
    (project / "RELEASE").write_text("f00d\n")
    try:
        with served(project, STEWARD_COMMIT="abc123") as port:
            assert json.loads(ask(port, "/version")[1])["commit"] == "f00d"
            assert "<code>f00d</code>" in ask(port, "/")[1]
    finally:
        (project / "RELEASE").unlink()


def test_its_pages_have_no_obvious_faults_and_their_links_lead_somewhere(project: Path) -> None:
    content = json.loads((project / "content.json").read_text())
    content["news"] = [{"number": 1, "text": "<i>one</i>"}, {"number": 2, "text": "two"}]
    whole = (project / "content.json").read_text()
    (project / "content.json").write_text(json.dumps(content))
    try:
        with served(project) as port:
            front, lost = Page(ask(port, "/")[1]), Page(ask(port, "/lost")[1])
            for page in (front, lost):
                assert page.faults == []
                assert [page.tags.count(tag) for tag in ("h1", "main", "title", "header", "footer")] == [
                    1
                ] * 5
                assert {"script", "b", "i"}.isdisjoint(page.tags)
                for link in page.links:
                    assert link.lstrip("#") in page.ids or ask(port, link)[0].status == 200, link
    finally:
        (project / "content.json").write_text(whole)
    texts = [text.strip() for text in front.texts]
    assert {"{{ 7 * 7 }} <b>rooms</b>", "</script>", "{% raw %}", "<i>one</i>"} <= set(texts)
    assert texts.index("two") < texts.index("<i>one</i>")


def test_odd_requests_get_an_answer_and_do_no_harm(project: Path) -> None:
    with served(project) as port:
        for path in (
            "/up/",
            "/static/",
            "/static/..%2f..%2fcontent.json",
            "/%00",
            "/[",
            "//[x/",
        ):
            response, body = ask(port, path)
            assert response.status == 404, path
            assert "default-src 'none'" in response.headers["Content-Security-Policy"]
        assert ask(port, "/up?x=1")[1] == "ok"
        response, body = ask(port, "/up", Host="evil.example\tx")
        assert (response.status, body) == (200, "ok")
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH"):
            assert ask(port, "/", method)[0].status == 405
        response, body = ask(port, "/static/style.css", "HEAD")
        assert (response.status, body) == (200, "")
        with socket.create_connection(("127.0.0.1", port), timeout=20) as raw:
            raw.sendall(b"nonsense\r\n\r\n")
            answer = raw.recv(65536)
        assert b"400" in answer
        assert ask(port, "/" + "x" * 70_000)[0].status == 414
        assert ask(port, "/up")[1] == "ok"


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"PORT": "http"}, "PORT must be"),
        ({"PORT": "70000"}, "PORT must be"),
        ({"HOST": "203.0.113.1"}, "cannot serve"),
    ],
)
def test_it_says_why_it_cannot_start(project: Path, env: dict[str, str], words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "app"],
        cwd=project,
        env=ENV | env,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert done.returncode in {1, 2}
    assert words in done.stderr
    assert "Traceback" not in done.stderr


TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\t\"'{}%<>&:#-"), max_size=60
)


@settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TEXTS.filter(str.strip), TEXTS, TEXTS)
def test_any_answer_comes_out_as_data(
    tmp_path_factory: pytest.TempPathFactory, title: str, tagline: str, features: str
) -> None:
    root = tmp_path_factory.mktemp("any")
    asked = CopierTemplates(root / "state").read(REF)
    checked = check_answers(asked, {"title": title, "tagline": tagline, "features": features})
    assert checked.ok
    project = rendered(root, dict(checked.answers))
    content = json.loads((project / "content.json").read_text())
    assert content["title"].split() == title.split()
    assert content["tagline"].split() == tagline.split()
    lines = [line.strip() for line in features.splitlines() if line.strip()]
    assert [one["title"] for one in content["features"]] == [line.partition(":")[0].strip() for line in lines]
    kept = yaml.safe_load((project / ".copier-answers.yml").read_text())
    assert kept["title"] == title
    shown = "import sys, pathlib; from app.page import *; print(page(Content.read(pathlib.Path('content.json')), ''))"
    done = subprocess.run(
        [sys.executable, "-c", shown],
        cwd=project,
        env=ENV | {"PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        check=True,
    )
    page = Page(done.stdout.decode())
    assert page.faults == []
    assert content["title"].strip() in {text.strip() for text in page.texts}


def luminance(colour: str) -> float:
    """Relative luminance, as WCAG defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_accent_can_be_read_in_light_and_in_dark(scheme: str) -> None:
    style = (STARTER_FOLDER / "template/app/static/style.css").read_text()
    light, _, dark = style.partition("@media (prefers-color-scheme: dark)")
    colours = dict(
        re.findall(r"--(ground|raised|ink|soft|on-accent): (#\w{6})", dark if scheme == "dark" else light)
    )
    accents = dict(re.findall(rf'\[data-accent="(\w+)"\].*?--accent-{scheme}: (#\w{{6}})', style))
    asked = yaml.safe_load((STARTER_FOLDER / "copier.yml").read_text())["accent"]["choices"]
    assert list(accents) == asked
    for accent in accents.values():
        assert contrast(accent, colours["on-accent"]) >= 4.5
        assert contrast(accent, colours["ground"]) >= 4.5
        assert contrast(accent, colours["raised"]) >= 4.5
    assert contrast(colours["soft"], colours["ground"]) >= 4.5
    assert contrast(colours["ink"], colours["ground"]) >= 7
