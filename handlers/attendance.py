"""Today's visits in a chat of the staff, and who of them came: said with one tap, and taken back with another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from handlers import visits
from handlers.day_cards import day_of, today, visits_on
from handlers.replies import answer_staff
from handlers.settings import place
from handlers.turn import Desk, Turn
from storage.records import Booking, BookingStatus, Business, Choice, Message, Millis, Salon, StaffChat
from storage.store import Changes

LIST: Final = "staff_today"
OUTCOMES: Final[Mapping[str, BookingStatus]] = {"came": "arrived", "missed": "no_show"}
"""Verb of a button to what it makes of a visit."""
MOST: Final = 12
"""Visits with buttons below them: the newest of those that have begun."""


async def listed(desk: Desk, turn: Turn, chat: StaffChat, *, edits: str | None = None) -> Changes:
    """The visits of the day that this chat hears of; ``edits``: in place of that row."""
    business = await desk.store.get(Business, chat.business, chat.business)
    if business is None:
        return Changes()
    salon = await desk.store.get(Salon, chat.business, chat.salon) if chat.salon else None
    of_today = await visits_on(desk, chat, day_of(business, salon, desk.now()), place(business, salon).zone)
    params = await today(desk, chat, business, salon)
    return answer_staff(
        turn, LIST, chat, now=desk.now(), params=params, choices=choices_of(of_today, desk.now()), edits=edits
    )


def choices_of(bookings: Iterable[Booking], now: Millis) -> tuple[Choice, ...]:
    """What can be said of the visits that have begun: of each what it is not marked as, the newest last."""
    begun = [one for one in bookings if one.starts_at <= now and one.client is not None and one.status != "cancelled"]
    return tuple(
        Choice(verb, {"booking": one.id})
        for one in begun[-MOST:]
        for verb, status in OUTCOMES.items()
        if one.status != status
    )


async def marked(desk: Desk, turn: Turn, chat: StaffChat, row: Message, choice: Choice) -> Changes:
    """Somebody of the staff says whether a client came; the list shows it in place."""
    business = await desk.store.get(Business, chat.business, chat.business)
    booking = await desk.store.get(Booking, chat.business, str(choice.args["booking"]))
    known = booking is not None and chat.salon in (None, booking.salon) and chat.master in (None, booking.master)
    if business is None or booking is None or not known:
        return Changes()
    changes = Changes()
    if booking.client is not None and booking.status != "cancelled" and booking.starts_at <= desk.now():
        wanted = as_it_is(booking, booking.client, OUTCOMES[choice.verb])
        placed, changes = await visits.decide(desk, business, booking.id, wanted)
        booking = placed.booking
    salon = await desk.store.get(Salon, chat.business, chat.salon) if chat.salon else None
    of_today = await visits_on(desk, chat, day_of(business, salon, desk.now()), place(business, salon).zone)
    after = [booking if one.id == booking.id else one for one in of_today]
    return changes + answer_staff(
        turn, LIST, chat, now=desk.now(), params=row.params, choices=choices_of(after, desk.now()), edits=row.id
    )


def as_it_is(booking: Booking, client: str, status: BookingStatus) -> visits.Wanted:
    """The booking with another status and nothing else changed."""
    return visits.Wanted(
        salon=booking.salon,
        client_id=client,
        master=booking.master,
        services=booking.services,
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        price=booking.price,
        currency=booking.currency,
        status=status,
        created_by=booking.created_by,
        created_at=booking.created_at,
        source=booking.source,
        notify=booking.notify,
    )
