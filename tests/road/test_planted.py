"""Secrets over the whole road: the program is given them, and nobody else; planted values are found nowhere."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from steward.adapters.agents import StarterAgent
from steward.adapters.box import Bubblewrap, NoBox
from steward.adapters.clock import SystemClock
from steward.adapters.store import backup
from steward.adapters.templates import CopierTemplates
from steward.app.access import digest, new_secret
from steward.app.describing import Wish
from steward.domain.agents import Role
from steward.domain.needs import Sort
from steward.domain.people import Grant, Pass, PassKind, User
from steward.domain.people import Role as Rank
from steward.domain.vault import Place
from steward.faces.http.app import ROUTERS, build
from steward.faces.http.live import Live
from steward.faces.http.server import address_of, bind, serving
from steward.faces.http.site import COOKIE, Site
from tests.road.kit import ANNA, Road, road
from tests.road.planted_kit import ListeningAgent, Places, Processes, listening, template

PLANTED = {
    "API_KEY": 'sk-planted/api+key=4711?"quoted"',
    "DOOR": "planted door 0815 \\ öffnen",
    "TOKEN": "planted-token-for-the-checks-2342",
}
NEWER = "sk-planted/newer&key=1147"


def mark(value: str) -> str:
    return sha256(value.encode()).hexdigest()[:12]


def given(own: Road) -> dict[str, str]:
    """What the program says that it was given, each value as its mark."""
    found: dict[str, str] = httpx.get(own.project("shop")["live"]["url"] + "/env").raise_for_status().json()
    return found


def rest(own: Road) -> None:
    """Drive until nothing is at work."""
    while own.project("shop")["operation"] is not None:
        own.driver.tick()


def generated(own: Road) -> str:
    """What was made up for the program, which nobody is ever shown."""
    vault, project_id = own.tools.vault, own.project("shop")["id"]
    assert vault is not None
    with own.app.store.reading() as view:
        return vault.values(view, project_id, Place.RUN, ["SIGNING"])["SIGNING"]


@contextmanager
def looking(own: Road) -> Iterator[tuple[str, httpx.Client]]:
    """Somebody who sees to everything, at the pages and the API."""
    now, held = (
        own.app.clock.now().at,
        {kind: new_secret(kind) for kind in (PassKind.SESSION, PassKind.TOKEN)},
    )
    with own.app.store.writing() as tx:
        user = tx.add_user(User(0, "olga", now, (Grant(Rank.ADMIN, None),)))
        for kind, secret in held.items():
            tx.add_pass(Pass(0, kind, user.id, digest(secret), now, now + timedelta(days=1), note="test"))
    bound = bind("127.0.0.1", 0)
    with (
        serving(build(Site(own.app, Live(own.app))), bound),
        httpx.Client(base_url=address_of(bound), trust_env=False, timeout=30) as client,
    ):
        client.cookies.set(COOKIE, held[PassKind.SESSION])
        yield held[PassKind.TOKEN], client


def filled(path: str, named: Mapping[str, str]) -> str:
    """An address with its parts put in."""
    return re.sub(r"\{(\w+)(:path)?\}", lambda found: named.get(found[1], "x"), path)


def ask_everything(own: Road, places: Places) -> int:
    """Ask every page and every route of the API that shows something; how many answered well."""
    operations = own.app.works(ANNA).operations("shop")
    numbers = {
        "number": "1",
        "reference": "shop",
        "slug": "shop",
        "rule": "backups",
        "trigger": "update-requested",
    }
    well = 0
    with looking(own) as (token, client):
        described = client.get("/api/v1/openapi.json", headers={"Authorization": f"Bearer {token}"}).json()
        paths = {path for path, known in described["paths"].items() if "get" in known}
        pages = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
        paths |= {route.path for route in pages if "GET" in (route.methods or ())}
        for path in sorted(paths):
            if "/live" in path or path.endswith("stream"):
                continue
            for one in operations[:3] if "{operation" in path else operations[:1]:
                named = {
                    **numbers,
                    "operation": one["id"],
                    "operation_id": one["id"],
                    "login": "acme",
                    "name": "olga",
                }
                address = filled(path, named)
                headers = {"Authorization": f"Bearer {token}"} if address.startswith("/api") else {}
                answer = client.get(address, headers=headers)
                places.add(f"the answer of {address}", answer.content + repr(answer.headers).encode())
                well += answer.is_success
    return well


@pytest.mark.soak
def test_the_program_is_given_its_secrets_and_planted_ones_are_found_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    places, state = Places(), tmp_path / "state"
    listening(places, monkeypatch)
    caplog.set_level("INFO")
    agent = ListeningAgent(StarterAgent(Bubblewrap(), NoBox(), SystemClock()), places)
    tools: Any = {
        "agents": dict.fromkeys(Role, agent),
        "templates": CopierTemplates(state / "templates", allow_files=True),
    }
    with (
        road(state, f"sqlite:///{state}/steward.db", ports=(18720, 18729), **tools) as own,
        Processes(places) as processes,
    ):
        answers = {"features": "Cart: adds up", "door": PLANTED["DOOR"]}
        own.building().draft(
            "shop", title="Shop", wish=Wish(template(tmp_path / "template"), "v1.0.0", answers=answers)
        )
        own.building().approve("shop")
        own.until("shop", "estimated")
        own.building().confirm("shop")
        secrets = own.app.secrets(ANNA)
        secrets.set("shop", "API_KEY", PLANTED["API_KEY"])
        secrets.set("shop", "MODE", "plain", Sort.VARIABLE)
        secrets.set("shop", "TOKEN", PLANTED["TOKEN"], places=[Place.CHECKS])
        own.until("shop", "active")
        first = {"API_KEY": mark(PLANTED["API_KEY"]), "DOOR": mark(PLANTED["DOOR"]), "MODE": mark("plain")}
        assert given(own) == {**first, "SIGNING": mark(generated(own))}
        assert secrets.send("shop") == {"project": "shop", "sent": ["TOKEN"], "failed": []}
        assert own.hub.open_secret("shop", "TOKEN") == PLANTED["TOKEN"]

        secrets.set("shop", "API_KEY", NEWER)
        secrets.unset("shop", "MODE")
        own.building().update("shop", "Open on Sundays")
        own.building().rebuild("shop")
        own.until("shop", "active")
        second = {"API_KEY": mark(NEWER), "DOOR": first["DOOR"], "SIGNING": mark(generated(own))}
        assert given(own) == second, "a changed value is in force, one that was unset is gone"
        own.building().rollback("shop", 1)
        rest(own)
        assert given(own) == second, "an earlier release runs with the values of now"

        serving = own.project("shop")["live"]["commit"]
        env = [
            path
            for path in state.rglob("env/*.json")
            if any(form in path.read_bytes() for form in [b"SIGNING"])
        ]
        lying = [(str(path), path.read_bytes()) for path in env]
        assert {path.parent for path in env} == {state / "sites" / "shop" / "env"}
        assert [stat.S_IMODE(path.stat().st_mode) for path in env] == [0o600] * len(env)
        assert serving in {path.stem for path in env}
        assert ask_everything(own, places) > 40
        own.app.store.publish()
        backup(f"sqlite:///{state}/steward.db", tmp_path / "backup.gz")
        places.packed(tmp_path / "backup.gz")
        for base in state.glob("*.db"):
            places.database(base)
        places.folder(state, lambda path: path in env)
        places.folder(own.hub.core.directory)
        planted = {**PLANTED, "NEWER": NEWER, "SIGNING": generated(own)}
        with closing(httpx.Client()):
            places.add("the log", caplog.text)
    assert agent.runs >= 4
    assert len(processes.environments) > 10
    assert places.found(planted) == []
    where = Places()
    where.held = lying
    assert len(where.found({"NEWER": NEWER, "DOOR": PLANTED["DOOR"]})) >= 2, "what is looked for can be found"
    told = [
        line
        for line, held in processes.environments.items()
        if any(v.encode() in held for v in planted.values())
    ]
    assert all(b"bwrap" in line or b"app" in line for line in told), told
