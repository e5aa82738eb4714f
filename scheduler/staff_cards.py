"""The cards that staff get at a time of day: whom nobody reached for tomorrow, and today's visits.

Their keys hold the chat and its local day, so that a card is sent once, whoever makes it and however often.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Final

from handlers.day_cards import LASTS, card, day_of, start_of, visits_of
from handlers.settings import in_force, place
from handlers.turn import Desk
from storage.records import Booking, Business, Message, Millis, Salon, StaffChat
from storage.store import Changes, OneOf

PAGE: Final = 200
LOOK: Final = 50
"""Visits among which the next one that was not cancelled is sought."""
SHOWS: Final[Mapping[str, timedelta]] = {"evening": timedelta(days=1), "morning": timedelta(0)}
"""Card to how far off the day is that it speaks of."""


@dataclass(frozen=True, slots=True)
class _Listener:
    """A living chat, and whose it is."""

    chat: StaffChat
    business: Business
    salon: Salon | None

    def times(self) -> dict[str, time]:
        """The cards that it gets, and when."""
        times, events = in_force(self.business, self.salon).staff_cards, self.chat.events
        return {name: at for name, at in times.items() if at is not None and (events is None or name in events)}

    def moment(self, day: date, at: time) -> Millis:
        """That time on that day, on the salon's wall."""
        return start_of(day, place(self.business, self.salon).zone, at)


async def make_cards(desk: Desk) -> int:
    """Make every card whose time has come, and that is not there yet; how many were new."""
    made = 0
    async for listeners in _listeners(desk):
        due = {key: wanted for one in listeners for key, wanted in _due(one, desk.now()).items()}
        for key, (listener, name) in (await _missing(desk, due)).items():
            row = await card(desk, listener.chat, listener.business, listener.salon, name, key)
            if row is not None:
                made += sum((await desk.store.commit(Changes(inserts=(row,)))).inserted)
            # Many salons have the same hours: others must get a word in between.
            await asyncio.sleep(0)
    return made


def _due(listener: _Listener, now: Millis) -> dict[str, tuple[_Listener, str]]:
    """Key to card, of those whose time has come and is not long past."""
    day = day_of(listener.business, listener.salon, now)
    return {
        f"staff_{name}:{listener.chat.id}:{day.isoformat()}": (listener, name)
        for name, at in listener.times().items()
        if 0 <= now - listener.moment(day, at) < LASTS
    }


async def _missing(desk: Desk, due: Mapping[str, tuple[_Listener, str]]) -> dict[str, tuple[_Listener, str]]:
    """Those that have not been made yet."""
    known: set[tuple[str, str]] = set()
    for business in sorted({listener.chat.business for listener, _ in due.values()}):
        keys = tuple(key for key, (listener, _) in due.items() if listener.chat.business == business)
        rows = await desk.store.find(
            Message, {"business": business, "key": OneOf(keys)}, order=("key",), limit=len(keys)
        )
        known |= {(row.business, row.key) for row in rows}
    return {key: wanted for key, wanted in due.items() if (wanted[0].chat.business, key) not in known}


async def _listeners(desk: Desk) -> AsyncIterator[Sequence[_Listener]]:
    """Every living chat of every business, a page at a time."""
    after: tuple[str, str] | None = None
    while True:
        chats = await desk.store.find(StaffChat, {}, order=("business", "id"), after=after, limit=PAGE)
        names = {chat.business for chat in chats}
        businesses = await desk.store.get_many(Business, [(name, name) for name in sorted(names)])
        wanted = {(chat.business, chat.salon) for chat in chats if chat.salon}
        salons = await desk.store.get_many(Salon, sorted(wanted))
        yield [
            _Listener(chat, business, salons.get((chat.business, chat.salon or "")))
            for chat in chats
            if chat.dead_reason is None and (business := businesses.get((chat.business, chat.business))) is not None
        ]
        if len(chats) < PAGE:
            return
        after = (chats[-1].business, chats[-1].id)


async def next_card(desk: Desk) -> Millis | None:
    """When the next card is to be made that has a visit to speak of."""
    moments = []
    async for listeners in _listeners(desk):
        for listener in listeners:
            moments += [await _next(desk, listener, name, at) for name, at in listener.times().items()]
    return min((moment for moment in moments if moment is not None), default=None)


async def _next(desk: Desk, listener: _Listener, name: str, at: time) -> Millis | None:
    now, zone = desk.now(), place(listener.business, listener.salon).zone
    first = day_of(listener.business, listener.salon, now)
    if listener.moment(first, at) <= now:
        first += timedelta(days=1)
    where = visits_of(listener.chat, start_of(first + SHOWS[name], zone), None)
    ahead = await desk.store.find(Booking, where, order=("starts_at", "id"), limit=LOOK)
    visit = next((booking for booking in ahead if booking.status != "cancelled"), None)
    if visit is None:
        return None
    day = day_of(listener.business, listener.salon, visit.starts_at)
    return listener.moment(day - SHOWS[name], at)
