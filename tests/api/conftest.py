"""A served API over a real SQLite file, a business with a key, and a salon with a master and services."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from bot import servers
from bot.api import add_api, api_app
from handlers.moments import parse_moment
from handlers.turn import Desk, Links
from storage.sqlite import open_sqlite
from tests.api.hands import ADMIN_KEY, BUSINESS, Hands


@pytest.fixture
async def bare(tmp_path: Path) -> AsyncIterator[Hands]:
    """The API, and an empty database."""
    hands = Hands(now=parse_moment("2026-11-20T10:00:00Z"), file=tmp_path / "vizit.db")
    store = await open_sqlite(hands.file, patience_s=0.05)
    hands.desk = Desk(store, hands.clock, Links("https://vizit.example", b"s" * 32, bot="krasa_bot"))
    root = servers.application()
    add_api(
        root,
        api_app(hands.desk, admin_key=ADMIN_KEY, rate=100_000, clock=hands.monotonic, on_change=hands.changed),
    )
    runner = web.AppRunner(root)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    hands.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with ClientSession() as hands.session:
        yield hands
    await runner.cleanup()
    await store.close()


@pytest.fixture
async def api(bare: Hands) -> Hands:
    """The API with a business of a country, called with its key."""
    await bare.admin("PUT", f"/businesses/{BUSINESS}", {"name": "Краса", "country": "UA"})
    made = await bare.admin("POST", f"/businesses/{BUSINESS}/keys")
    bare.key = made.json["key"]
    return bare


@pytest.fixture
async def salon(api: Hands) -> Hands:
    """The same with a salon ``s1``, a master ``m1`` and the services ``haircut`` and ``brows``."""
    for path, body in (
        ("/salons/s1", {"name": "Краса на Подолі"}),
        ("/masters/m1", {"salon": "s1", "name": "Ірина"}),
        ("/services/haircut", {"name": "Стрижка", "duration": "PT1H"}),
        ("/services/brows", {"name": "Брови", "duration": "PT30M"}),
    ):
        assert (await api.put(path, body)).status == 201
    return api
