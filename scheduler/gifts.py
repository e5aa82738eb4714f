"""What time brings to clients' points: gifts on birthdays, the word that points expire, and their end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from handlers import birthdays, bonus_news, bonuses
from handlers.turn import Desk
from storage.records import BonusEntry, Business, Millis
from storage.store import Range

PAGE: Final = 200


async def sweep(desk: Desk) -> int:
    """Do what is due, a part of each; how much that was. Keys and revisions make twice the same as once."""
    done = await bonuses.expire(desk)
    async for business in _businesses(desk):
        done += await birthdays.give(desk, business) + await bonus_news.warn(desk, business)
        # Many businesses have gifts at the same hour: others must get a word in between.
        await asyncio.sleep(0)
    return done


async def next_moment(desk: Desk) -> Millis | None:
    """When there is next something to do."""
    first = await desk.store.find(
        BonusEntry, {"lapses_at": Range(desk.now() + 1, None)}, order=("lapses_at", "business", "id"), limit=1
    )
    moments = [lot.lapses_at for lot in first]
    async for business in _businesses(desk):
        moments += [await birthdays.next_gift(desk, business), await bonus_news.next_warning(desk, business)]
    return min((moment for moment in moments if moment is not None), default=None)


async def _businesses(desk: Desk) -> AsyncIterator[Business]:
    after: tuple[str, ...] | None = None
    while True:
        page = await desk.store.find(Business, {}, order=("business", "id"), after=after, limit=PAGE)
        for business in page:
            yield business
        if len(page) < PAGE:
            return
        after = (page[-1].business, page[-1].id)
