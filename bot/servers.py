"""The HTTP side of the process: what holds for every request and answer, whatever room behind it answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from bot.config import Listen

LARGEST_BODY: Final = 1024 * 1024
BODY_S: Final = 30.0
"""Seconds in which a request's body must have arrived."""
IDLE_S: Final = 75.0
"""Seconds after which a connection is closed on which no whole request head came: longer than reverse proxies keep one."""
DRAIN_S: Final = 10.0
"""Seconds that requests under way have to finish once the server stops."""
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
"""On every answer that does not say otherwise. `no-referrer`: addresses of pages hold the tokens that open them."""


@web.middleware
async def in_time(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer 408 when a body takes too long to arrive; once it has, the handler takes its time."""
    if not request.can_read_body:
        return await handler(request)
    answered = False
    try:
        async with asyncio.timeout(BODY_S) as limit:
            request.content.on_eof(lambda: None if answered else limit.reschedule(None))
            return await handler(request)
    except TimeoutError:
        if not limit.expired():
            raise
        raise web.HTTPRequestTimeout(text="the body took too long") from None
    finally:
        answered = True


async def protect(_: web.Request, response: web.StreamResponse) -> None:
    """Put the headers on that protect who reads an answer, and take off the one that names the server's software."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.popall("Server", None)


def application(middlewares: Iterable[Middleware] = ()) -> web.Application:
    """An empty application with what every request and answer goes through; `middlewares` come first."""
    app = web.Application(client_max_size=LARGEST_BODY, middlewares=(*middlewares, in_time))
    app.on_response_prepare.append(protect)
    return app


async def serve(app: web.Application, listen: Listen) -> web.AppRunner:
    """Listen; answers with the runner, whose `cleanup` stops it. OSError where the address can't be had.

    No access log: requests are measured, and their paths hold tokens.
    """
    settings: dict[str, Any] = {"access_log": None, "keepalive_timeout": IDLE_S, "shutdown_timeout": DRAIN_S}
    runner = web.AppRunner(app, handle_signals=False, **settings)
    await runner.setup()
    try:
        await web.TCPSite(runner, listen.host, listen.port).start()
    except OSError:
        await runner.cleanup()
        raise
    return runner


def address(runner: web.AppRunner) -> str:
    """Where a runner listens, as an address."""
    host, port = runner.addresses[0][:2]
    return f"http://{Listen(host, port)}"
