"""The routes of the client's pages."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from aiohttp import web

from bot.api.keys import Tries
from bot.pages import join, messages, review, visit
from bot.pages.forms import Forms
from bot.pages.site import STYLE_NAME, Missing, Site, served, style
from handlers.turn import Desk

MISSES: Final = 60
"""Look-ups of one peer in a minute that may find nothing. With 128 random bits in a token this spares work, no more."""


async def nowhere(_: Site, __: web.Request) -> web.StreamResponse:
    """Below a page's address where there is none."""
    raise Missing


def page_routes(desk: Desk, *, misses: int = MISSES, clock: Callable[[], float] = time.monotonic) -> list[web.RouteDef]:
    """The routes of ``/v/``, ``/r/``, ``/s/`` and ``/join/``. ``misses``: look-ups a minute of one peer that may find
    nothing; ``clock``: seconds for that limit."""
    secure = (desk.links.public_url or "").startswith("https:")
    site = Site(desk, Forms(desk.links.secret, secure=secure), Tries(misses, clock))
    return [
        web.get("/v/{token}", served(site, visit.show)),
        web.post("/v/{token}", served(site, visit.press)),
        web.get("/v/{token}/cancel", served(site, visit.ask_cancel)),
        web.get("/v/{token}/visit.ics", served(site, visit.event)),
        web.get("/r/{token}", served(site, review.show)),
        web.post("/r/{token}", served(site, review.press)),
        web.get("/s/{token}", served(site, messages.show)),
        web.post("/s/{token}", served(site, messages.press)),
        web.get("/join/{salon}", served(site, join.show)),
        web.get("/join/{salon}/qr.png", served(site, join.picture)),
        *(web.get(f"/{kind}/{{tail:.*}}", served(site, nowhere)) for kind in ("v", "r", "s", "join")),
        web.get(f"/pages/{STYLE_NAME}", style),
    ]
