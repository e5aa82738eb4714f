"""Words that no rule understands are for people to read: the staff chats get them."""

from __future__ import annotations

from handlers import events, staff
from handlers.settings import in_force
from handlers.turn import Desk, Turn
from storage.records import Booking, Business, Client, Message, Salon, StaffChat
from storage.store import Changes, Range


async def told_to_staff(desk: Desk, turn: Turn, client: Client, row: Message | None) -> Changes:
    """The client's words as rows to the staff chats that hear of such, and to the booking system; nothing where there is
    none of them.

    ``row`` is the message that the words may be about, if any.
    """
    business = await desk.store.get(Business, client.business, client.business)
    if business is None or not turn.text:
        return Changes()
    booking = await _booking_in_question(desk, client, row)
    at = booking.salon if booking else (row and row.salon) or await _last_salon(desk, client)
    salon = await desk.store.get(Salon, client.business, at) if at else None
    chats = await staff.chats_for(desk, business, salon, booking.master if booking else None, "client_message")
    if not chats and salon is None:
        chats = await _any_chat(desk, business)
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
    heard = await events.of_client(
        desk, client, "client.message", text=turn.text, channel=turn.channel, booking=booking and booking.id
    )
    return Changes(inserts=told) + heard


async def _booking_in_question(desk: Desk, client: Client, row: Message | None) -> Booking | None:
    """The visit that words are most likely about: the one last written of, else the next one."""
    if row is not None and row.booking is not None:
        return await desk.store.get(Booking, client.business, row.booking)
    ahead = await _visits(desk, client, Range(desk.now(), None), "starts_at")
    return ahead[0] if ahead else None


async def _last_salon(desk: Desk, client: Client) -> str | None:
    """Where the client was last."""
    past = await _visits(desk, client, Range(None, desk.now()), "-starts_at")
    return past[0].salon if past else None


async def _visits(desk: Desk, client: Client, when: Range, order: str) -> list[Booking]:
    where = {"business": client.business, "client": client.id, "starts_at": when}
    return await desk.store.find(Booking, where, order=(order, order.replace("starts_at", "id")), limit=1)


async def _any_chat(desk: Desk, business: Business) -> list[StaffChat]:
    """Every salon's chats, for words of somebody who has never been at any; not those of single masters."""
    if not in_force(business, None).staff.get("client_message", False):
        return []
    chats = await desk.store.find(StaffChat, {"business": business.id})
    return [chat for chat in chats if staff.hears(chat, chat.salon, None, "client_message")]
