"""The whole service as strangers meet it: every route and middleware, on a real file, without a network beyond loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.app import App, build
from bot.config import Config
from storage.records import RECORDS, Task

Client = TestClient[web.Request, web.Application]

PUBLIC = "https://salon.example/vizit"
TELEGRAM_SECRET = "hush-hush-4711"
TWILIO_TOKEN = "5a" * 16
ADMIN_KEY = "an-admin-key-that-is-long-enough-4711"


@asynccontextmanager
async def service(folder: Path, **settings: Any) -> AsyncIterator[tuple[App, Client]]:
    """A process that takes everything in and sends nothing, and somebody who calls it."""
    config = Config.of(
        admin_key=ADMIN_KEY,
        secret="a-secret-of-tests-that-is-long-enough-4711",
        database=f"sqlite:///{folder / 'vizit.db'}",
        public_url=PUBLIC,
        telegram_token="123456:test-token",
        telegram_mode="webhook",
        telegram_secret=TELEGRAM_SECRET,
        telegram_api="http://127.0.0.1:1",
        twilio_account_sid="AC" + "5a" * 16,
        twilio_auth_token=TWILIO_TOKEN,
        twilio_whatsapp_from="+14155550100",
        twilio_api="http://127.0.0.1:1",
        twilio_content_api="http://127.0.0.1:1",
        **settings,
    )
    app = await build(config, only="web")
    async with TestClient(TestServer(app.site)) as client:
        try:
            yield app, client
        finally:
            await app.inbox.idle()
    await app.close()


async def everything(app: App) -> dict[str, list[Any]]:
    """All records that there are, by kind; tasks but for the service's own."""
    return {
        kind.__name__: rows
        for kind in RECORDS
        if (rows := [row for row in await app.store.find(kind, {}, limit=1000) if kind is not Task or row.business])
    }
