"""A booking system that takes webhooks: a real server on loopback that keeps what it is sent and answers as it is told."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook as Verifier


@dataclass
class Heard:
    """One request."""

    headers: dict[str, str]
    body: str
    path: str

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> Any:
        return json.loads(self.body)

    def verified(self, secret: str) -> Any:
        """What was signed, by the published library; raises where the signature is not good."""
        return Verifier(secret).verify(self.body, self.headers)


@dataclass
class Receiver:
    """``script``: the statuses of the next answers, then 204. With ``gate`` set, answers wait until it is opened."""

    url: str = ""
    heard: list[Heard] = field(default_factory=list)
    script: deque[int] = field(default_factory=deque)
    headers: dict[str, str] = field(default_factory=dict)
    gate: asyncio.Event | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.heard.append(Heard(headers, await request.text(), request.path))
        self.arrived.set()
        if self.gate is not None:
            await self.gate.wait()
        return web.Response(status=self.script.popleft() if self.script else 204, headers=self.headers)

    @property
    def types(self) -> list[str]:
        return [one.event["type"] for one in self.heard]


@asynccontextmanager
async def receiving(host: str = "127.0.0.1") -> AsyncIterator[Receiver]:
    """A receiver that listens, as long as it is needed."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, host, 0).start()
    port = runner.addresses[0][1]
    receiver.url = f"http://[{host}]:{port}/hook" if ":" in host else f"http://{host}:{port}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()
