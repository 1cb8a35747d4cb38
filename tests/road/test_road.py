"""The whole road on a laptop: one order, no account and no model, and a site that answers."""

from __future__ import annotations

import json
from pathlib import Path

import httpx

from steward.app.describing import Wish
from tests.road.kit import road


def test_one_order_becomes_a_live_site(tmp_path: Path) -> None:
    with road(tmp_path, f"sqlite:///{tmp_path}/steward.db", ports=(18700, 18719)) as own:
        own.building().draft(
            "shop", title="Corner shop", wish=Wish(answers={"features": "Cart: adds up\nSearch: finds"})
        )
        own.building().approve("shop")
        own.until("shop", "estimated")
        own.building().confirm("shop")
        shown = own.until("shop", "active")
        live = shown["live"]
        page = httpx.get(live["url"]).text
        assert "Corner shop" in page
        assert "Cart" in page
        assert httpx.get(live["url"] + "/version").json()["commit"] == live["commit"]
        print(json.dumps(shown, indent=1, default=str)[:3000])
