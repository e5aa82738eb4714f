"""Lists in parts: a cursor is the place of the last thing shown, in the order of the list."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

from bot.api.requests import Page
from handlers.invalid import Invalid
from storage.store import Store

R = TypeVar("R")

BY_ID: Final = ("id",)
BY_START: Final = ("starts_at", "id")
BY_DUE: Final = ("due_at", "id")
BY_AT: Final = ("at", "id")
LARGEST: Final = 2**62
"""Numbers of a cursor are moments; a database refuses what no integer of 64 bits holds."""


class Part(NamedTuple):
    """A part of a list, and the cursor of the next one (None at the end)."""

    records: list[Any]
    next: str | None


async def part(
    store: Store, record: type[R], where: Mapping[str, Any], page: Page, order: Sequence[str] = BY_ID
) -> Part:
    """Read the part that ``page`` asks for. Raises :class:`Invalid` for a cursor that was not made here."""
    after = decode(page.cursor, order) if page.cursor is not None else None
    found = await store.find(record, where, order=order, after=after, limit=page.limit + 1)
    shown = found[: page.limit]
    return Part(shown, encode(shown[-1], order) if len(found) > page.limit else None)


def page_of(ids: Sequence[str], page: Page) -> tuple[list[str], str | None]:
    """The part of sorted ``ids`` that ``page`` asks for, and the cursor of the next one. Raises :class:`Invalid`."""
    (after,) = decode(page.cursor, BY_ID) if page.cursor is not None else ("",)
    rest = ids[bisect_right(ids, after) :]
    shown = list(rest[: page.limit])
    return shown, _cursor([shown[-1]]) if len(rest) > page.limit else None


def encode(record: object, order: Sequence[str]) -> str:
    """The cursor behind ``record``."""
    values = [getattr(record, name.lstrip("-")) for name in order]
    return _cursor(values)


def _cursor(values: Sequence[object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def decode(cursor: str, order: Sequence[str]) -> tuple[Any, ...]:
    """The place that ``cursor`` names, in this order."""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        values = json.loads(base64.b64decode(padded, b"-_", validate=True))
    except (ValueError, RecursionError, binascii.Error):
        raise _not_ours() from None
    kinds = [str if name.lstrip("-") == "id" else int for name in order]
    if not isinstance(values, list) or [type(value) for value in values] != kinds:
        raise _not_ours()
    if not all(value.isascii() if isinstance(value, str) else abs(value) < LARGEST for value in values):
        raise _not_ours()
    return tuple(values)


def _not_ours() -> Invalid:
    return Invalid([("/cursor", "is not the `next` of an answer to this call")])
