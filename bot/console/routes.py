"""The table of the console's pages, and their routes."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from aiohttp import web

from bot.api.keys import Tries
from bot.console import (
    bookings,
    campaigns,
    channels,
    clients,
    importing,
    manual,
    messages,
    retention,
    reviews,
    settings,
    signin,
    team,
    texts,
    today,
)
from bot.console.site import Call, Console, Missing, Page, served
from bot.pages.forms import Forms
from handlers.turn import Desk

PAGES: Final[tuple[Page, ...]] = (
    today.PAGE,
    bookings.PAGE,
    messages.PAGE,
    manual.PAGE,
    clients.PAGE,
    reviews.PAGE,
    retention.PAGE,
    campaigns.PAGE,
    team.PAGE,
    importing.PAGE,
    channels.PAGE,
    settings.PAGE,
    texts.PAGE,
    signin.SESSIONS,
)
"""In the order of the menu. The page of :mod:`bot.console.today` is also the first one."""


async def nowhere(_: Call) -> web.StreamResponse:
    """Below the console's address where there is nothing."""
    raise Missing


def made(desk: Desk, *, tries: int = signin.TRIES, clock: Callable[[], float] = time.monotonic) -> Console:
    """The console of this process. ``tries``: failed sign-ins a minute of one peer; ``clock``: seconds for that limit."""
    secure = (desk.links.public_url or "").startswith("https:")
    return Console(desk, Forms(desk.links.secret, secure=secure), Tries(tries, clock), secure, PAGES)


def console_routes(
    desk: Desk, *, tries: int = signin.TRIES, clock: Callable[[], float] = time.monotonic
) -> list[web.RouteDef]:
    """The routes of ``/console/``."""
    console = made(desk, tries=tries, clock=clock)
    listed = [
        web.route(action.method, f"/console/{page.path}{action.below}".rstrip("/"), served(console, page, action.do))
        for page in PAGES
        for action in page.actions
    ]
    first = served(console, today.PAGE, today.show)

    async def home(_: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": console.root})

    return [
        *signin.routes(console),
        web.get("/console", home),
        web.get("/console/", first),
        *listed,
        web.route("*", "/console/{tail:.*}", served(console, signin.SESSIONS, nowhere)),
    ]
