"""What a person does about a message that did not go by itself: send it once more, or say that it was sent by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from handlers.by_hand import done, waits
from handlers.durations import DAY, local_day
from handlers.facts import RINGING, Facts, load_facts
from handlers.grouping import alone
from handlers.hops import still_true
from handlers.keys import AGAIN
from handlers.routing import AGAIN as ON_SAME_CHANNEL
from handlers.routing import AS_TEMPLATE
from handlers.turn import Desk
from storage.records import WAITING, Booking, Message, Millis, new_id
from storage.store import Changes, Conflict, Patch

RESENDABLE: Final = ("failed", "expired", "unknown")
MOST_REPEATS: Final = 100


class Refused(Exception):
    """What was asked does not fit the state that things are in (409); nothing was stored."""


async def resend(desk: Desk, message: Message) -> Message:
    """A new row that says what ``message`` says, due now; answers with it.

    Guard and consent hold for it as for any other. Raises :class:`Refused` unless ``message`` failed, expired or is
    unknown and is still true, an expired one only while its visit is ahead; and while an earlier repetition is on its way.
    """
    if message.status not in RESENDABLE:
        raise Refused(f"the message is {message.status}: only one that failed, expired or is unknown can be sent again")
    facts = (await load_facts(desk, [message]))[message.id]
    not_after = _not_after(message, facts)
    for n in range(1, MOST_REPEATS + 1):
        key = f"{message.key.partition(AGAIN)[0]}{AGAIN}{n}"
        earlier = await desk.store.find(Message, {"business": message.business, "key": key}, limit=1)
        if any(row.status in (*WAITING, "sending") for row in earlier):
            raise Refused(f"it is being sent again already: {earlier[0].id}")
        if not earlier:
            return await _repeated(desk, message, facts, key, not_after)
    raise Refused(f"it was sent again {MOST_REPEATS} times")


def _not_after(message: Message, facts: Facts) -> Millis:
    """Until when the repetition makes sense."""
    if message.kind not in RINGING:
        if message.status == "expired":
            raise Refused("it expired, and no visit lies ahead that it would be about")
        return max(message.not_after, facts.now + DAY)
    if not still_true(message, facts) or facts.booking is None:
        raise Refused("the visit is over, or no longer as this message tells it")
    not_after = message.not_after if message.kind == "booking_cancelled" else facts.booking.starts_at
    if not_after <= facts.now:
        raise Refused("the visit is over")
    return not_after


async def _repeated(desk: Desk, message: Message, facts: Facts, key: str, not_after: Millis) -> Message:
    booking = facts.booking if message.booking else None
    message = alone(message, facts, desk.channels)
    row = Message(
        business=message.business,
        id=new_id(),
        key=key,
        kind=message.kind,
        lane=message.lane,
        booking=message.booking,
        client=message.client,
        staff_chat=message.staff_chat,
        salon=message.salon,
        master=message.master,
        day=local_day(facts.now, facts.place.zone).isoformat(),
        channel=message.channel,
        address=message.address,
        revision=booking.revision if booking else message.revision,
        due_at=facts.now,
        next_at=facts.now,
        not_after=not_after,
        params={name: value for name, value in message.params.items() if name not in (ON_SAME_CHANNEL, AS_TEMPLATE)},
        choices=message.choices,
        created_at=facts.now,
    )
    same = {"revision": booking.revision} if booking else {}
    expected = (Patch(Booking, booking.business, booking.id, same, same),) if booking else ()
    try:
        done = await desk.store.commit(Changes(inserts=(row,), patches=expected))
    except Conflict:
        raise Refused("the visit is being changed just now") from None
    if not done.inserted[0]:
        raise Refused("it is being sent again already")
    return row


async def sent_by_hand(desk: Desk, message: Message) -> Message:
    """A person sent a held message; answers with it as it is now. Raises :class:`Refused` where it is not held."""
    row: Message | None = message
    while row is not None and waits(row):
        try:
            await desk.store.commit(await done(desk, row, "hand_sent", by=None))
        except Conflict:
            row = await desk.store.get(Message, message.business, message.id)
            continue
        return replace(row, status="sent", held=False, sent_at=desk.now())
    raise Refused("the message does not wait to be sent by hand")
