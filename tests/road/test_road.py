"""The whole road on a laptop: an order, a live site, updates of it, one that is given up, and back again."""

from __future__ import annotations

import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Self

import httpx
import pytest

from steward.adapters.log import encodings
from steward.app.describing import Wish
from tests.road.kit import Road, road


class Hammer:
    """Asks a site for its health and its commit without a pause, and keeps every answer."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self.failures: list[str] = []
        self.commits: list[str] = []
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def _ask(self) -> None:
        with httpx.Client(timeout=10.0) as client:
            while not self._stop.wait(0.02):
                try:
                    client.get(f"{self._url}/up").raise_for_status()
                    self.commits.append(
                        client.get(f"{self._url}/version").raise_for_status().json()["commit"]
                    )
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def turns(self) -> list[str]:
        """The commits in the order they were first answered, each change a turn."""
        return [c for at, c in enumerate(self.commits) if at == 0 or self.commits[at - 1] != c]


def page(own: Road) -> str:
    """What visitors see."""
    return httpx.get(own.project("shop")["live"]["url"]).text


def leaks(folder: Path, secrets: list[str]) -> list[str]:
    """Where any of these lies, in any form: files of the installation, environments of what runs there."""
    forms = [form.encode() for secret in secrets for form in encodings(secret)]
    places = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if str(folder).encode() in (process / "cmdline").read_bytes():
                places += [process / "environ", process / "cmdline"]
    found = []
    for place in places:
        with suppress(OSError):
            held = place.read_bytes()
            found += [str(place) for form in forms if form in held]
    return found


def test_an_order_becomes_a_live_site_and_an_update_ships_without_a_gap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = "planted-model-key-4711"
    monkeypatch.setenv("STEWARD_MODEL_KEY", key)
    monkeypatch.setenv("OPENAI_API_KEY", key)
    with road(tmp_path, f"sqlite:///{tmp_path}/steward.db", ports=(18700, 18709)) as own:
        own.ordered()
        live = own.until("shop", "active")["live"]
        assert "Corner shop" in page(own)
        assert "Cart" in page(own)
        with Hammer(live["url"]) as hammer:
            own.building().update("shop", "Open on Sundays")
            own.building().rebuild("shop")
            shown = own.until("shop", "active")
            asked = len(hammer.commits)
            while len(hammer.commits) < asked + 3:
                time.sleep(0.02)
        assert hammer.failures == []
        assert hammer.turns == [live["commit"], shown["live"]["commit"]]
        assert "Open on Sundays" in page(own)
        print(f"{len(hammer.commits)} answers while it was updated, none failed")
        own.judge_once()
        assert leaks(tmp_path, [key, own.hub.token]) == []


@pytest.mark.soak
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_updates_in_line_a_given_up_one_and_back_again(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/steward.db"
    if kind == "postgresql":
        url = request.getfixturevalue("postgres_only")
    with road(tmp_path, url, ports=(18710, 18719)) as own:
        own.ordered()
        first = own.until("shop", "active")["live"]
        own.building().update("shop", "Open on Sundays")
        own.building().update("shop", "Closed on Mondays")
        own.building().update("shop", "Free coffee")
        features = "Cart: adds up\nSearch: finds\nGifts: wraps"
        own.building().describe("shop", Wish(answers={"features": features}))
        with Hammer(first["url"]) as hammer:
            own.building().redesign("shop")
            # The second opens by itself as soon as the first has shipped.
            second = own.until("shop", "maintenance")["live"]
            assert own.project("shop")["update"]["number"] == 2
            assert "Gifts" in page(own)
            tree = own.tree()
            own.building().rebuild("shop")
            own.until("shop", "verifying")
            own.building().abandon("shop")
            # It is taken back, and then the third opens.
            own.until("shop", "maintenance")
        assert hammer.failures == []
        assert hammer.turns == [first["commit"], second["commit"]]
        assert own.tree() == tree
        assert own.project("shop")["live"]["commit"] == second["commit"]
        own.building().rebuild("shop")
        third = own.until("shop", "active")["live"]
        assert "Free coffee" in page(own)
        assert "Closed on Mondays" not in page(own)
        for number, commit in ((1, first["commit"]), (3, third["commit"])):
            own.building().rollback("shop", number)
            back_to(own, commit)
        states = Counter(release["state"] for release in own.app.works(own.anna).releases("shop"))
        assert states == {"live": 1, "superseded": 2}
        own.judge_once()


def back_to(own: Road, commit: str) -> None:
    """Drive until that commit is what serves."""
    deadline = time.monotonic() + 60
    while own.project("shop")["operation"] is not None and time.monotonic() < deadline:
        own.driver.tick()
        time.sleep(0.05)
    live = own.project("shop")["live"]
    assert live["commit"] == commit
    assert httpx.get(live["url"] + "/version").json()["commit"] == commit
