"""Both platforms as far as sending goes: takes messages over HTTP, and writes down what arrived, when, and how often.

It knows no rules and is therefore fast; what the platforms forbid is specified in the tests of the emulators.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, NamedTuple, Self

from aiohttp import web

PROFILE = {
    "getMe": {"id": 42, "is_bot": True, "first_name": "Vizit", "username": "vizit_bot"},
    "getMyCommands": [],
    "getMyName": {"name": ""},
    "getMyDescription": {"description": ""},
    "getMyShortDescription": {"short_description": ""},
}
HAS_BLOCKED = {"ok": False, "error_code": 403, "description": "Forbidden: bot was blocked by the user"}


class Arrival(NamedTuple):
    """A message that was taken: ``at`` and ``until`` on this machine's steady clock, in seconds."""

    at: float
    to: str
    text: str
    sid: str
    callback: str = ""
    """Where Twilio is to say what becomes of it."""


@dataclass
class Sink:
    """One server for Telegram and Twilio on a free loopback port.

    ``blocked`` answers whether the person of a chat has blocked the bot. ``latency``: seconds until a request is answered.
    ``ahead``: how far, in milliseconds, the platforms' clock is before this machine's. ``watch`` is called at every arrival,
    before it is answered.
    """

    blocked: Callable[[str], bool] = lambda to: False
    latency: float = 0.0
    ahead: int = 0
    watch: Callable[[Arrival], None] = lambda arrival: None
    arrivals: list[Arrival] = field(default_factory=list)
    url: str = ""
    most_at_once: int = 0
    """The largest number of requests that were open to one address at once."""
    calls: Counter[str] = field(default_factory=Counter)
    """By method, those that are no messages too."""
    _open: Counter[str] = field(default_factory=Counter)
    _waiting: list[tuple[int, asyncio.Future[None]]] = field(default_factory=list)
    _runner: web.AppRunner | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.add_routes(
            [
                web.post("/bot{token}/{method}", self._telegram),
                web.post("/2010-04-01/Accounts/{account}/Messages.json", self._create),
                web.get("/2010-04-01/Accounts/{account}/Messages.json", self._list),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()

    def copies(self) -> Counter[tuple[str, str]]:
        """How often each message came, by address and text."""
        return Counter((arrival.to, arrival.text) for arrival in self.arrivals)

    async def taken(self, number: int) -> None:
        """Wait until so many messages have arrived in all."""
        if len(self.arrivals) < number:
            reached = asyncio.get_running_loop().create_future()
            self._waiting.append((number, reached))
            await reached

    async def _take(self, to: str, text: str, callback: str = "") -> Arrival:
        arrival = Arrival(time.monotonic(), to, text, f"SM{len(self.arrivals):032x}", callback)
        self.arrivals.append(arrival)
        self._open[to] += 1
        self.most_at_once = max(self.most_at_once, self._open[to])
        for number, reached in self._waiting:
            if number <= len(self.arrivals) and not reached.done():
                reached.set_result(None)
        self._waiting = [(number, reached) for number, reached in self._waiting if not reached.done()]
        self.watch(arrival)
        try:
            if self.latency:
                await asyncio.sleep(self.latency)
        finally:
            self._open[to] -= 1
        return arrival

    async def _telegram(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        form = await (request.json() if request.content_type == "application/json" else request.post())
        self.calls[method] += 1
        if method != "sendMessage":
            return web.json_response({"ok": True, "result": PROFILE.get(method, True)})
        to = str(form["chat_id"])
        if self.blocked(to):
            return web.json_response(HAS_BLOCKED, status=403)
        await self._take(to, str(form["text"]))
        sent = {"message_id": len(self.arrivals), "date": 0, "chat": {"id": int(to), "type": "private"}}
        return web.json_response({"ok": True, "result": sent})

    async def _create(self, request: web.Request) -> web.Response:
        self.calls["create_message"] += 1
        form = await request.post()
        to, text = str(form["To"]).removeprefix("whatsapp:"), str(form.get("Body", ""))
        arrival = await self._take(to, text, str(form.get("StatusCallback", "")))
        return web.json_response(self._message(arrival), status=201)

    async def _list(self, request: web.Request) -> web.Response:
        self.calls["list_messages"] += 1
        to = request.query["To"].removeprefix("whatsapp:")
        found = [self._message(arrival) for arrival in reversed(self.arrivals) if arrival.to == to]
        return web.json_response({"messages": found, "next_page_uri": None, "page_size": 50})

    def _message(self, arrival: Arrival) -> dict[str, Any]:
        moment = time.time() - time.monotonic() + arrival.at + self.ahead / 1000
        return {
            "sid": arrival.sid,
            "to": f"whatsapp:{arrival.to}",
            "body": arrival.text,
            "status": "queued",
            "date_created": format_datetime(datetime.fromtimestamp(moment, UTC)),
        }


def most_within(moments: Sequence[float], span: float) -> int:
    """The largest number of moments in any stretch of time of this length."""
    ordered = sorted(moments)
    most, first = 0, 0
    for last, moment in enumerate(ordered):
        while moment - ordered[first] >= span:
            first += 1
        most = max(most, last - first + 1)
    return most
