"""The nightly clean-up: what has been kept for long enough goes, a chunk at a time.

How long a business keeps its messages is its own setting; what booking systems were told is kept for a month, and a
one-time code for a day after its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from handlers.durations import DAY
from handlers.settings import in_force
from handlers.turn import Desk
from storage.records import Business, Delivery, LinkCode, Message, Millis, Receipt
from storage.store import Changes, Delete, OneOf, Range

CHUNK: Final = 100
DELIVERIES: Final[Millis] = 30 * DAY
CODES: Final[Millis] = DAY
ENDED: Final = ("sent", "delivered", "read", "skipped", "cancelled", "expired", "failed", "unknown")


async def clean(desk: Desk) -> int:
    """Remove everything that is past its time; answers with how many rows."""
    gone = await _old(desk, Delivery, "created_at", desk.now() - DELIVERIES)
    gone += await _old(desk, LinkCode, "expires_at", desk.now() - CODES)
    after: tuple[Any, ...] | None = None
    while businesses := await desk.store.find(Business, {}, order=("business", "id"), after=after, limit=CHUNK):
        for business in businesses:
            kept = in_force(business, None).messages_kept_for
            if kept is not None:
                gone += await _old_messages(desk, business.id, desk.now() - kept)
        after = businesses[-1].business, businesses[-1].id
    return gone


async def _old(desk: Desk, record: type[Delivery] | type[LinkCode], field: str, before: Millis) -> int:
    gone = 0
    while rows := await desk.store.find(record, {field: Range(None, before)}, order=(field, "id"), limit=CHUNK):
        gone += await _removed(desk, rows)
    return gone


async def _old_messages(desk: Desk, business: str, before: Millis) -> int:
    """Messages whose time is over, with what providers said of them. What is about a visit to come stays, or it would be
    planned once more."""
    where = {
        "business": business,
        "due_at": Range(None, before),
        "not_after": Range(None, before),
        "status": OneOf(ENDED),
    }
    gone, after = 0, None
    while rows := await desk.store.find(Message, where, order=("due_at", "id"), after=after, limit=CHUNK):
        words = {"business": business, "message": OneOf(tuple(row.id for row in rows))}
        receipts = await desk.store.find(Receipt, words, limit=10 * CHUNK)
        gone += await _removed(desk, [*rows, *receipts])
        after = rows[-1].due_at, rows[-1].id
    return gone


async def _removed(desk: Desk, rows: Sequence[Delivery | LinkCode | Message | Receipt]) -> int:
    deletes = tuple(Delete(type(row), row.business, row.id) for row in rows)
    await desk.store.commit(Changes(deletes=deletes))
    # Other work goes on between two chunks.
    await asyncio.sleep(0)
    return len(rows)
