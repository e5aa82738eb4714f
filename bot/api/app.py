"""The API as an application of its own, and the page that documents it."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from typing import Final

from aiohttp import web
from pydantic_core import to_json

from bot.api.docs import CONTENT_SECURITY_POLICY, page
from bot.api.openapi import document
from bot.api.serving import application
from bot.api.table import ROUTES
from bot.outbound import Networks
from handlers.turn import Desk

PREFIX: Final = "/api/v1"
DOCS: Final = "/api/docs"


def api_app(
    desk: Desk,
    *,
    admin_key: str,
    rate: float = 1000,
    tries: int = 10,
    clock: Callable[[], float] = time.monotonic,
    on_change: Callable[[], None] | None = None,
    allow: Networks = (),
) -> web.Application:
    """The API, to be mounted at :data:`PREFIX`.

    ``rate``: calls a second for one key (0: no limit). ``tries``: wrong keys a minute from one peer. ``clock``: seconds,
    for both. ``on_change`` is called after every call that may have changed something, tasks included. ``allow``: private
    networks that webhooks may reach.
    """
    app = application(
        desk, ROUTES, admin_key=admin_key, rate=rate, tries=tries, clock=clock, on_change=on_change, allow=allow
    )
    app.router.add_get("/openapi.json", show_document)
    return app


def add_api(root: web.Application, app: web.Application) -> None:
    """Mount ``app`` (of :func:`api_app`) in ``root``, and its page beside it."""
    root.router.add_get(DOCS, show_docs)
    root.add_subapp(PREFIX, app)


@cache
def _document() -> bytes:
    return to_json(document())


async def show_document(_: web.Request) -> web.Response:
    """``/api/v1/openapi.json``, for everybody."""
    return web.Response(body=_document(), content_type="application/json")


async def show_docs(_: web.Request) -> web.Response:
    """``/api/docs``, for everybody."""
    headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
    return web.Response(text=page(), content_type="text/html", headers=headers)
