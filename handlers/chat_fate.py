"""Staff chats that the bot can no longer write to, that it can write to again, and that have another id."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handlers.replies import answer
from handlers.staff import local_day, staff_row
from handlers.turn import Desk, Turn
from storage.records import Business, Salon, StaffChat
from storage.store import Changes, Patch

REMOVED = "removed"
"""The bot was taken out of the group, or blocked by the person."""


async def chats_at(desk: Desk, turn: Turn) -> list[StaffChat]:
    """Every staff chat at the address of ``turn``, whatever its topic: one business may have linked several."""
    if turn.channel != "telegram":
        return []
    return await desk.store.find(StaffChat, {"chat": turn.address}, order=("business", "id"))


async def changed(desk: Desk, turn: Turn) -> Changes:
    """What becomes of the staff chats at an address when the bot is thrown out, muted, taken in again, or the chat moves."""
    chats = await chats_at(desk, turn)
    if turn.kind == "migrated":
        return Changes(patches=tuple(_patch(chat, chat=turn.text) for chat in chats))
    if turn.kind == "unblocked":
        return _back(desk, turn, [chat for chat in chats if chat.dead_reason is not None])
    changes = Changes()
    for chat in chats:
        if chat.dead_reason is None:
            changes += Changes(patches=(_patch(chat, dead_reason=turn.text or REMOVED),)) + await owners_told(
                desk, chat
            )
    return changes


def revived(chats: Sequence[StaffChat]) -> Changes:
    """Somebody speaks in these chats, so the bot is there: whether it may write, the next message will show."""
    return Changes(patches=tuple(_patch(chat, dead_reason=None) for chat in chats if chat.dead_reason is not None))


def _back(desk: Desk, turn: Turn, chats: Sequence[StaffChat]) -> Changes:
    changes = revived(chats)
    for chat in chats:
        said = answer(
            turn, "staff_linked", business=chat.business, now=desk.now(), staff_chat=chat.id, tag=f":{chat.id}"
        )
        changes += Changes(inserts=(replace(said, salon=chat.salon, master=chat.master),))
    return changes


def _patch(row: StaffChat, /, **fields: str | None) -> Patch:
    return Patch(StaffChat, row.business, row.id, fields, must=False)


async def owners_told(desk: Desk, lost: StaffChat) -> Changes:
    """The owners hear in their own chats, once a day, that nobody reads a staff chat any more."""
    business = await desk.store.get(Business, lost.business, lost.business)
    if business is None:
        return Changes()
    salon = await desk.store.get(Salon, lost.business, lost.salon) if lost.salon else None
    day = local_day(desk.now(), business, salon)
    chats = await desk.store.find(StaffChat, {"business": lost.business})
    owners = [
        chat
        for chat in chats
        if chat.role == "owner" and chat.dead_reason is None and chat.id != lost.id and chat.salon in (None, lost.salon)
    ]
    rows = (
        staff_row(
            business,
            chat,
            "staff_chat_lost",
            key=f"chat_lost:{lost.id}:{day}:staff:{chat.id}",
            now=desk.now(),
            salon=salon,
            params={"title": lost.title or ""},
        )
        for chat in owners
    )
    return Changes(inserts=tuple(replace(row, salon=lost.salon) for row in rows))
