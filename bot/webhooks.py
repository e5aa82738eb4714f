"""What all webhooks share: bodies that anybody on the internet may send, and a database that may be busy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict

from storage.store import Conflict, StoreBusy

MOST_FIELDS = 200
"""Fields of a form. Twilio sends about thirty, and adds to them without notice."""


async def read_body(request: web.Request, limit: int) -> bytes:
    """The body. HTTPRequestEntityTooLarge (413) as soon as it is longer than ``limit`` bytes, whatever its header says."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > limit:
            raise web.HTTPRequestEntityTooLarge(max_size=limit, actual_size=len(body))
    return bytes(body)


async def read_json(request: web.Request, limit: int) -> dict[str, Any]:
    """The JSON object in the body. HTTPBadRequest (400) when it holds anything else, 413 when it is too long."""
    try:
        value = json.loads(await read_body(request, limit))
    except (ValueError, RecursionError):
        raise web.HTTPBadRequest(text="not JSON") from None
    if not isinstance(value, dict):
        raise web.HTTPBadRequest(text="not a JSON object")
    return value


async def read_form(request: web.Request, limit: int) -> MultiDict[str]:
    """The form in the body, empty values kept, since a signature covers them. 400 or 413 as :func:`read_json`."""
    body = await read_body(request, limit)
    try:
        return MultiDict(parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise web.HTTPBadRequest(text="not a form") from None


@contextmanager
def storing() -> Iterator[None]:
    """Answer 503 when nothing could be stored just now, so that the provider calls again."""
    try:
        yield
    except (Conflict, StoreBusy):
        raise web.HTTPServiceUnavailable(headers={"Retry-After": "1"}) from None
