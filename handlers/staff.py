"""What the staff are told, and to which of their chats."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

from handlers.settings import in_force, place
from handlers.turn import Desk
from storage.records import (
    ANSWERS_LANE,
    SERVICE_LANE,
    Booking,
    Business,
    Client,
    Message,
    Millis,
    Salon,
    StaffChat,
    new_id,
)
from storage.store import Changes

DAY: Final[Millis] = 86_400_000
REPLY: Final = "staff_reply"
TOLD_BY: Final = "told_by"
"""Parameter of a :data:`REPLY`: the staff chat that it was written in."""


async def chats_for(
    desk: Desk, business: Business, salon: Salon | None, master: str | None, event: str
) -> list[StaffChat]:
    """The living chats that hear of ``event`` at this salon and master, in a stable order."""
    if not in_force(business, salon).staff.get(event, False):
        return []
    chats = await desk.store.find(StaffChat, {"business": business.id})
    return [chat for chat in chats if hears(chat, salon.id if salon else None, master, event)]


def hears(chat: StaffChat, salon: str | None, master: str | None, event: str) -> bool:
    """Whether ``chat`` is for this salon and master, lives, and chose this event."""
    return (
        chat.dead_reason is None
        and chat.salon in (None, salon)
        and chat.master in (None, master)
        and (chat.events is None or event in chat.events)
    )


async def announce(
    desk: Desk,
    business: Business,
    salon: Salon | None,
    booking: Booking,
    event: str,
    *,
    was: Booking | None = None,
    params: Mapping[str, Any] | None = None,
    tag: str | None = None,
) -> Changes:
    """A row for every chat that is to hear of ``event`` about ``booking``.

    ``was`` is the booking before a change; a chat of the former master or salon hears of it too. ``tag`` tells two
    events of one revision apart in the key.
    """
    chats = await chats_for(desk, business, salon, booking.master, event)
    if was is not None and (was.master, was.salon) != (booking.master, booking.salon):
        former = await desk.store.get(Salon, business.id, was.salon)
        known = {chat.id for chat in chats}
        chats += [chat for chat in await chats_for(desk, business, former, was.master, event) if chat.id not in known]
    told = {**(_before(was) if was else {}), **(params or {})}
    return Changes(inserts=tuple(_row(desk, business, salon, booking, chat, event, told, tag) for chat in chats))


def _before(was: Booking) -> dict[str, Any]:
    return {
        "starts_at": was.starts_at,
        "salon": was.salon,
        "master": was.master,
        "services": list(was.services),
        "client": was.client,
    }


def _row(
    desk: Desk,
    business: Business,
    salon: Salon | None,
    booking: Booking,
    chat: StaffChat,
    event: str,
    params: Mapping[str, Any],
    tag: str | None,
) -> Message:
    now = desk.now()
    name = f"staff_{event}" + (f":{tag}" if tag else "")
    return staff_row(
        business,
        chat,
        f"staff_{event}",
        key=f"booking:{quote(booking.id, safe='')}:{name}:r{booking.revision}:staff:{chat.id}:0",
        now=now,
        salon=salon,
        booking=booking,
        params=params,
    )


def staff_row(
    business: Business,
    chat: StaffChat,
    kind: str,
    *,
    key: str,
    now: Millis,
    salon: Salon | None = None,
    booking: Booking | None = None,
    client: Client | None = None,
    params: Mapping[str, Any] | None = None,
    lane: int = SERVICE_LANE,
    lasts: Millis = DAY,
) -> Message:
    """One message to one staff chat, due now."""
    return Message(
        business=business.id,
        id=new_id(),
        key=key,
        kind=kind,
        lane=lane,
        booking=booking.id if booking else None,
        client=booking.client if booking else client.id if client else None,
        staff_chat=chat.id,
        salon=booking.salon if booking else chat.salon,
        master=booking.master if booking else chat.master,
        day=local_day(now, business, salon),
        channel="telegram",
        address=chat.chat,
        revision=booking.revision if booking else 0,
        due_at=now,
        next_at=now,
        not_after=now + lasts,
        params=dict(params or {}),
        created_at=now,
    )


def local_day(moment: Millis, business: Business, salon: Salon | None) -> str:
    """The calendar day of ``moment`` in the salon's zone, ``YYYY-MM-DD``."""
    return datetime.fromtimestamp(moment / 1000, UTC).astimezone(place(business, salon).zone).date().isoformat()


async def not_reached(desk: Desk, message: Message, business: Business, salon: Salon | None) -> Changes:
    """The staff hear that a client could not be told; nothing is said of messages without a visit."""
    booking = await desk.store.get(Booking, message.business, message.booking) if message.booking else None
    if booking is None or message.staff_chat is not None:
        return Changes()
    params = {"kind": message.kind, "reason": message.reason or message.error_code or ""}
    return await announce(desk, business, salon, booking, "not_reached", params=params, tag=message.kind)


async def reply_lost(desk: Desk, message: Message, business: Business) -> Changes:
    """Whoever answered a client hears that the answer did not arrive, and why."""
    chat = await desk.store.get(StaffChat, business.id, str(message.params.get(TOLD_BY, "")))
    client = await desk.store.get(Client, business.id, message.client) if message.client else None
    if chat is None or chat.dead_reason is not None:
        return Changes()
    row = staff_row(
        business,
        chat,
        "staff_reply_lost",
        key=f"{message.key}:lost",
        now=desk.now(),
        client=client,
        params={"text": message.params.get("text"), "reason": message.reason or ""},
        lane=ANSWERS_LANE,
    )
    return Changes(inserts=(row,))
