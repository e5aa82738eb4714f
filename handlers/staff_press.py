"""Buttons that staff press in a linked chat. A button is good for whoever reads the chat that its message went to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final
from zoneinfo import ZoneInfo

from handlers import attendance, by_hand, late, reviews_staff, staff_settings
from handlers.replies import answer
from handlers.settings import place
from handlers.turn import Desk, Turn
from storage.records import Business, Choice, Message, Salon, StaffChat
from storage.store import Changes

Deed = Callable[[Desk, Turn, StaffChat, Message, Choice], Awaitable[Changes]]


async def pressed(desk: Desk, turn: Turn, chats: Sequence[StaffChat]) -> Changes | None:
    """What a press in one of these chats changes; None where the button stands on no message to them."""
    press = turn.press
    assert press is not None
    found = await desk.store.find(Message, {"id": press.message}, limit=1)
    row = found[0] if found else None
    chat = next((chat for chat in chats if row and (chat.business, chat.id) == (row.business, row.staff_chat)), None)
    if row is None or chat is None:
        return None
    if press.index >= len(row.choices) or row.choices[press.index].verb != press.verb:
        return Changes()
    deed = DEEDS.get(press.verb)
    return await deed(desk, turn, chat, row, row.choices[press.index]) if deed else Changes()


async def _marked(desk: Desk, turn: Turn, chat: StaffChat, card: Message, choice: Choice) -> Changes:
    """What became of a message that a person was to send. Whoever is too late sees whose word it was."""
    row = await desk.store.get(Message, chat.business, str(choice.args["message"]))
    if row is None:
        return Changes()
    zone = await _zone(desk, row)
    changes = Changes()
    if by_hand.waits(row) and choice.verb in by_hand.DONE:
        changes = await by_hand.done(desk, row, choice.verb, turn.name)
    elif by_hand.waits(row):
        changes = await by_hand.put_off(desk, row, choice.verb, turn.name, zone)
    return changes or await by_hand.shown_anew(desk, row, by_hand.card_choices(row, desk.now(), zone))


async def _shown(desk: Desk, turn: Turn, chat: StaffChat, listed: Message, choice: Choice) -> Changes:
    """The card of one message of the list."""
    row = await desk.store.get(Message, chat.business, str(choice.args["message"]))
    if row is None:
        return Changes()
    card = answer(
        turn,
        by_hand.CARD,
        business=chat.business,
        now=desk.now(),
        client=row.client,
        staff_chat=chat.id,
        choices=by_hand.card_choices(row, desk.now(), await _zone(desk, row)),
        params={"message": row.id, "kind": row.kind},
    )
    card = replace(card, booking=row.booking, salon=row.salon, master=row.master)
    if not by_hand.waits(row) or by_hand.fits_a_button(row):
        return Changes(inserts=(card,))
    text = answer(
        turn,
        by_hand.TEXT,
        business=chat.business,
        now=desk.now(),
        client=row.client,
        staff_chat=chat.id,
        params={"message": row.id},
    )
    return Changes(inserts=(card, replace(text, next_at=text.next_at + 1)))


async def _zone(desk: Desk, row: Message) -> ZoneInfo:
    business = await desk.store.get(Business, row.business, row.business)
    salon = await desk.store.get(Salon, row.business, row.salon) if row.salon else None
    assert business is not None, "a message outlived its business"
    return place(business, salon).zone


DEEDS: Final[Mapping[str, Deed]] = {
    **dict.fromkeys(by_hand.VERBS, _marked),
    **dict.fromkeys(late.VERBS, late.answered),
    "hand": _shown,
    **dict.fromkeys(attendance.OUTCOMES, attendance.marked),
    reviews_staff.ANSWER: reviews_staff.asked_to_answer,
    staff_settings.STATS: staff_settings.counted_anew,
    staff_settings.SWITCH: staff_settings.switched,
}
"""Verb of a button to what it does."""
