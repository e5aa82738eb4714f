"""Reading a request: JSON without its traps, and queries, checked by the models that describe them."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from bot.api.problems import Problem
from bot.webhooks import read_body
from handlers.invalid import Invalid, from_pydantic

M = TypeVar("M", bound=BaseModel)

LARGEST_BODY: Final = 1024 * 1024
BODY_S: Final = 20.0
"""Seconds in which the body must have arrived."""
JSON_TYPES: Final = ("application/json", "application/merge-patch+json")


async def read_json(request: web.Request) -> Any:
    """The JSON value of the body. Raises :class:`Problem`: 400, 408, 413, 415."""
    if request.content_type not in JSON_TYPES or (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise Problem("media-type")
    if (request.content_length or 0) > LARGEST_BODY:
        raise Problem("too-large")
    try:
        async with asyncio.timeout(BODY_S):
            raw = await read_body(request, LARGEST_BODY)
    except TimeoutError:
        raise Problem("too-slow") from None
    except (web.RequestPayloadError, zlib.error) as error:
        raise Problem("not-json", f"The body can't be read: {error}.") from None
    return parse(raw)


def parse(raw: bytes) -> Any:
    """The one JSON value in ``raw``. Raises :class:`Problem` (400) for what readers of JSON disagree about, too: repeated
    names, NaN, lone surrogates, and nesting that no reader follows."""
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
        if b"\\ud" in raw.lower():
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise Problem("not-json", "The body holds half of a surrogate pair.") from None
    except UnicodeDecodeError:
        raise Problem("not-json", "The body is not UTF-8.") from None
    except RecursionError:
        raise Problem("not-json", "The body is nested too deeply.") from None
    except ValueError as error:
        raise Problem("not-json", f"The body is not JSON: {error}.") from None
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has the same name twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no value of JSON")


def check(model: type[M], content: Any) -> M:
    """``content`` as ``model``. Raises :class:`Invalid` with a pointer for every fault."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise from_pydantic(error, content) from None


def read_query(request: web.Request, model: type[M]) -> M:
    """The parameters of the query as ``model``. Raises :class:`Invalid`, the name of a parameter as its pointer."""
    return check(model, _once_each(request.query))


def _once_each(query: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in query.items():
        if name in found:
            raise Invalid([(f"/{name}", "must be given once")])
        if not _is_text(name + value):
            raise Invalid([("", "the query must be UTF-8, without U+0000")])
        found[name] = value
    return found


def _is_text(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return "\x00" not in value
