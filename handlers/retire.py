"""Buttons that have become old: once a newer message about a visit has rung, those of the older ones are taken off."""

from __future__ import annotations

from typing import Final

from handlers.facts import RINGING, Facts
from handlers.wording import RETIRE
from storage.records import ANSWERS_LANE, REACHED, Message, Millis, new_id

LASTS: Final[Millis] = 10 * 60_000


def retired_by(message: Message, facts: Facts, channel: str, address: str) -> tuple[Message, ...]:
    """A row for every older message about the visit of ``message`` that still shows buttons at this address.

    ``message`` has just been sent there, on a channel that can rewrite messages. What was rewritten is one message with
    one provider's id: its newest row says which buttons it shows now.
    """
    if message.kind not in RINGING or message.staff_chat is not None:
        return ()
    told = {message.booking, *(visit.booking.id for visit in facts.visits)}
    shown: dict[str, Message] = {}
    for row in facts.others:
        here = (row.channel, row.address) == (channel, address)
        if here and row.status in REACHED and row.provider_id is not None:
            before = shown.get(row.provider_id)
            if before is None or (before.sent_at or 0, before.created_at) <= (row.sent_at or 0, row.created_at):
                shown[row.provider_id] = row
    # What also speaks of other visits keeps its buttons: they are the way to answer for those.
    gone = (old for old in shown.values() if old.choices and told.issuperset(old.params.get("bookings", ())))
    return tuple(_row(message, old, facts) for old in gone)


def _row(message: Message, old: Message, facts: Facts) -> Message:
    return Message(
        business=message.business,
        id=new_id(),
        key=f"retire:{old.id}:{message.id}",
        kind=RETIRE,
        lane=ANSWERS_LANE,
        booking=old.booking,
        client=old.client,
        salon=message.salon,
        master=message.master,
        day=message.day,
        channel=old.channel,
        address=old.address,
        due_at=facts.now,
        next_at=facts.now,
        not_after=facts.now + LASTS,
        edits=old.id,
        created_at=facts.now,
    )
