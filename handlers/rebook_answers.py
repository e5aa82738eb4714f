"""What a client says to an invitation: not now, later, or not about this service again."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from handlers import rebook
from handlers.attention import way_of, ways_for
from handlers.durations import local_day, moment_of
from handlers.offers import offer_row
from handlers.replan import addresses_of
from handlers.replies import answer
from handlers.settings import in_force, place
from handlers.timing import rings_at
from handlers.turn import Desk, Turn
from storage.records import WAITING, Booking, Business, Choice, Client, Message, Salon, Unwanted, unwanted_id
from storage.store import Changes, OneOf, Patch

ANSWERS: Final = {
    "rebook_not_now": "rebook_closed",
    "rebook_later": "rebook_postponed",
    "rebook_never": "rebook_dropped",
}
"""Verb to the kind of its answer."""
LATER: Final = timedelta(days=7)


async def answered(desk: Desk, turn: Turn, row: Message, choice: Choice, *, pressed: bool) -> Changes:
    """Carry out one of :data:`ANSWERS` under the invitation ``row``."""
    business = await desk.store.get(Business, row.business, row.business)
    client = await desk.store.get(Client, row.business, row.client or "")
    booking = await desk.store.get(Booking, row.business, row.booking or "")
    said = answer(
        turn,
        ANSWERS[choice.verb],
        business=row.business,
        now=desk.now(),
        client=row.client,
        booking=booking,
        edits=row.id if pressed else None,
        choices=(Choice("book"),) if choice.verb == "rebook_not_now" else (),
    )
    changes = Changes(inserts=(said,))
    if business is None or client is None or booking is None:
        return changes
    if choice.verb == "rebook_later":
        return changes + await _later(desk, business, client, booking, row)
    if choice.verb == "rebook_never":
        return changes + await _never(desk, client, booking)
    return changes


async def _later(desk: Desk, business: Business, client: Client, booking: Booking, row: Message) -> Changes:
    """One more invitation, in a week; a second press of the same button asks for no second one."""
    salon = await desk.store.get(Salon, business.id, booking.salon)
    settings, here = in_force(business, salon), place(business, salon)
    day = local_day(desk.now(), here.zone) + LATER
    at = moment_of(day, settings.kinds[rebook.KIND].at, here.zone)
    due = rings_at(rebook.KIND, None, at, settings.quiet_hours, here.zone)
    addresses = await addresses_of(desk, client)
    again = offer_row(
        desk,
        business,
        salon,
        client,
        rebook.KIND,
        key=rebook.key_of(booking.id, client.id, f"later:{row.id}"),
        due=due,
        not_after=due + rebook.LASTS,
        way=way_of(ways_for(rebook.KIND, client, addresses, settings, desk.channels, desk.now())),
        choices=rebook.CHOICES,
        booking=booking,
    )
    return Changes(inserts=(again,))


async def _never(desk: Desk, client: Client, booking: Booking) -> Changes:
    """These services are remembered, and what waits about them is taken back."""
    kept = tuple(
        Unwanted(
            business=client.business,
            id=unwanted_id(client.id, service),
            client=client.id,
            service=service,
            at=desk.now(),
        )
        for service in booking.services
    )
    where = {"business": client.business, "client": client.id, "kind": rebook.KIND, "status": OneOf(WAITING)}
    waiting = await desk.store.find(Message, where, order=("-due_at", "-id"), limit=rebook.ROWS)
    gone = {"status": "cancelled", "reason": "unwanted", "token": None, "lease_until": None}
    patches = tuple(
        Patch(Message, row.business, row.id, gone, {"status": OneOf(WAITING)})
        for row in waiting
        if row.booking == booking.id
    )
    return Changes(inserts=kept, patches=patches)
