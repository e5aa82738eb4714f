"""Words that no rule understands are for people to read: the staff chats get them."""

from __future__ import annotations

from handlers import staff
from handlers.turn import Desk, Turn
from storage.records import Booking, Business, Client, Message, Salon
from storage.store import Changes, Range


async def told_to_staff(desk: Desk, turn: Turn, client: Client, row: Message | None) -> Changes:
    """The client's words as rows to the staff chats that hear of such; nothing where there is none.

    ``row`` is the message that the words may be about, if any.
    """
    business = await desk.store.get(Business, client.business, client.business)
    if business is None or not turn.text:
        return Changes()
    booking = await _booking_in_question(desk, client, row)
    salon = await desk.store.get(Salon, client.business, booking.salon) if booking else None
    chats = await staff.chats_for(desk, business, salon, booking.master if booking else None, "client_message")
    params = {"text": turn.text, "channel": turn.channel, "address": turn.address}
    told = tuple(
        staff.staff_row(
            business,
            chat,
            "staff_client_message",
            key=f"said:{turn.channel}:{turn.event}:staff:{chat.id}:0",
            now=desk.now(),
            salon=salon,
            booking=booking,
            client=client,
            params=params,
        )
        for chat in chats
    )
    return Changes(inserts=told)


async def _booking_in_question(desk: Desk, client: Client, row: Message | None) -> Booking | None:
    """The visit that words are most likely about: the one last written of, else the next one."""
    if row is not None and row.booking is not None:
        return await desk.store.get(Booking, client.business, row.booking)
    ahead = await desk.store.find(
        Booking,
        {"business": client.business, "client": client.id, "starts_at": Range(desk.now(), None)},
        order=("starts_at", "id"),
        limit=1,
    )
    return ahead[0] if ahead else None
