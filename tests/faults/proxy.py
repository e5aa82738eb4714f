"""A wire that fails on purpose: stands between the service and a platform, and breaks what passes, by chance or by script."""

from __future__ import annotations

import asyncio
import random
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, Self

from aiohttp import ClientSession, web

HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date", "server"}
)
PAGE: Final = "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class Fault(NamedTuple):
    """What happens to a request. ``passes``: the platform gets it. ``ends``: what the service gets to see."""

    passes: bool
    ends: Literal["answer", "reset", "silence", "slow_down", "broken", "page"]
    late: bool = False


FAULTS: Final[Mapping[str, Fault]] = {
    "latency": Fault(True, "answer", late=True),
    "reset_before": Fault(False, "reset"),
    "reset_after": Fault(True, "reset"),
    "slow_down": Fault(False, "slow_down"),
    "broken": Fault(False, "broken"),
    "broken_after": Fault(True, "broken"),
    "page": Fault(False, "page"),
    "page_after": Fault(True, "page"),
    "silence": Fault(False, "silence"),
    "silence_after": Fault(True, "silence"),
}
WELL: Final = Fault(True, "answer")
Refusal = Callable[[int], tuple[Mapping[str, Any], Mapping[str, str]]]


def telegram_refusal(status: int) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Telegram's error body and headers (core.telegram.org/bots/api#making-requests)."""
    words = "Too Many Requests: retry after 1" if status == 429 else "Internal Server Error"
    waits = {"parameters": {"retry_after": 1}} if status == 429 else {}
    return {"ok": False, "error_code": status, "description": words, **waits}, {}


def twilio_refusal(status: int) -> tuple[Mapping[str, Any], Mapping[str, str]]:
    """Twilio's error body and headers (twilio.com/docs/api/errors)."""
    code, words = (20429, "Too Many Requests") if status == 429 else (20500, "Internal Server Error")
    return {"code": code, "message": words, "status": status, "more_info": ""}, {}


@dataclass
class Proxy:
    """An HTTP proxy on a free loopback port in front of ``upstream``, a base URL.

    ``script``: names of :data:`FAULTS`, or ``well``, for the next requests; then each of ``shares`` strikes with its
    probability, drawn from ``chance``. ``refusal`` is how the platform puts errors. ``latency`` is in seconds.
    """

    upstream: str
    refusal: Refusal
    shares: Mapping[str, float] = field(default_factory=dict)
    script: deque[str] = field(default_factory=deque)
    chance: random.Random = field(default_factory=lambda: random.Random(0))
    latency: float = 0.05
    spared: Iterable[str] = ()
    """Endings of paths to which nothing happens."""
    struck: Counter[str] = field(default_factory=Counter)
    """How often each fault struck, and how often all went ``well``."""
    passed: int = 0
    """How many requests the platform got."""
    silent: int = 0
    """How many requests are kept waiting at this moment, until the service hangs up."""
    url: str = ""
    _closing: asyncio.Event = field(default_factory=asyncio.Event)
    _runner: web.AppRunner | None = None
    _session: ClientSession | None = None

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._session = ClientSession(auto_decompress=False)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.05)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self._closing.set()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    def _next(self, path: str) -> str:
        if any(path.endswith(end) for end in self.spared):
            return "well"
        if self.script:
            return self.script.popleft()
        drawn = self.chance.random()
        for name, share in self.shares.items():
            drawn -= share
            if drawn < 0:
                return name
        return "well"

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        name = self._next(request.path)
        self.struck[name] += 1
        fault = FAULTS.get(name, WELL)
        answer = await self._pass(request, body) if fault.passes else None
        if fault.late:
            await asyncio.sleep(self.latency)
        if fault.ends == "answer" and answer is not None:
            return answer
        return await self._break(request, fault)

    async def _pass(self, request: web.Request, body: bytes) -> web.Response:
        assert self._session is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        self.passed += 1
        target = self.upstream + request.raw_path
        async with self._session.request(request.method, target, data=body, headers=headers) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)

    async def _break(self, request: web.Request, fault: Fault) -> web.Response:
        if fault.ends in ("slow_down", "broken"):
            status = 429 if fault.ends == "slow_down" else 500
            body, headers = self.refusal(status)
            return web.json_response(body, status=status, headers=headers)
        if fault.ends == "page":
            return web.Response(status=502, text=PAGE, content_type="text/html")
        if fault.ends == "silence":
            self.silent += 1
            try:
                # Ends when the service hangs up, which cancels this, or with the proxy.
                await self._closing.wait()
            finally:
                self.silent -= 1
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
