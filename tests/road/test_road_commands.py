"""The whole road by the command line: ordered with one command, waited for, shown; nothing to roll back to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from steward.app.sync import LEASE
from tests.faces.remote_kit import Line
from tests.road.kit import Road, road

TICK_S = 0.1


@contextmanager
def led(own: Road) -> Iterator[None]:
    """Let the leader's loop run beside, up to the end of the block."""
    over = threading.Event()

    def lead() -> None:
        while not over.wait(TICK_S):
            own.driver.tick()

    lease = own.app.store.acquire(LEASE, "test")
    assert lease is not None
    with ThreadPoolExecutor(1) as pool:
        loop = pool.submit(lead)
        try:
            yield
        finally:
            over.set()
            loop.result()
            own.app.store.release(lease)


def test_one_command_orders_a_site_and_another_waits_for_it(clean: None, tmp_path: Path) -> None:
    with road(tmp_path, f"sqlite:///{tmp_path}/steward.db", ports=(18720, 18739)) as own, led(own):
        run = Line(own.app)
        options = ("--title", "Corner shop", "--answer", "features=Cart: adds up", "--yes")
        ordered = run("project", "order", "shop", *options)
        assert ordered.code == 0, ordered.stderr
        assert "Estimate: " in ordered.stderr
        waited = run("wait", "shop", "--timeout", "120", "--for", "status=active", "--for", "operation=idle")
        assert waited.code == 0, waited.stdout + waited.stderr
        assert "step " in waited.stderr
        shown = run("project", "show", "shop", "--json").json
        assert (shown["status"], shown["operation"], shown["live"]["health"]) == ("active", None, "healthy")
        url = run("project", "open", "shop").stdout.strip()
        assert httpx.get(f"{url}/version").json()["commit"] == shown["live"]["commit"]
        kinds = [row["kind"] for row in run("project", "operations", "shop", "--json").json]
        assert kinds == ["deploy", "verify", "implement", "design", "provision", "specify"]
        assert run("project", "logs", "shop").stdout.count("\n") > 1
        refused = run("project", "rollback", "shop", "--yes")
        assert (refused.code, "no such earlier release" in refused.stderr) == (1, True)
