"""Planning a booking anew against what is stored: the one way in which rows to clients come to be or cease to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from handlers.by_hand import edits_of
from handlers.plan import Case, plan
from handlers.reconcile import Reconciled, reconcile
from handlers.settings import in_force, place
from handlers.turn import Desk
from storage.records import Address, Booking, Business, Client, Message, Salon, Task
from storage.store import Changes, Conflict, Range

BOOKINGS_AT_ONCE = 100
"""How many bookings of one client are planned anew in one go; nobody has more visits ahead."""
REPLAN: Final = "replan"
"""Kind of the task that plans all visits ahead anew, after a setting changed. Parameter ``salon``: only that salon's."""
PART: Final = 50
"""Bookings that one part of that task plans anew: well under 50 ms."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a plan is made from beside the booking itself."""

    business: Business
    salon: Salon | None
    client: Client | None
    addresses: tuple[Address, ...]


async def addresses_of(desk: Desk, client: Client) -> tuple[Address, ...]:
    """Every chat at which ``client`` can be reached: linked to the client, or to the client's phone."""
    own = await desk.store.find(Address, {"business": client.business, "client": client.id})
    if client.phone is None:
        return tuple(own)
    shared = await desk.store.find(Address, {"business": client.business, "phone": client.phone})
    return tuple({row.id: row for row in (*own, *(row for row in shared if row.client in (None, client.id)))}.values())


async def surroundings(desk: Desk, business: Business, booking: Booking) -> Surroundings:
    """Read what the plan of ``booking`` depends on."""
    salon = await desk.store.get(Salon, business.id, booking.salon)
    client = await desk.store.get(Client, business.id, booking.client) if booking.client else None
    return Surroundings(business, salon, client, await addresses_of(desk, client) if client else ())


async def rows_of(desk: Desk, booking: Booking) -> list[Message]:
    """Every stored message about ``booking``, to clients and to staff."""
    return await desk.store.find(Message, {"business": booking.business, "booking": booking.id}, limit=1000)


def replanned(desk: Desk, booking: Booking, around: Surroundings, existing: Sequence[Message]) -> Reconciled:
    """What must change in ``existing`` so that it is the plan of ``booking`` as of now."""
    case = Case(
        booking=booking,
        client=around.client,
        settings=in_force(around.business, around.salon),
        place=place(around.business, around.salon),
        now=desk.now(),
        addresses=around.addresses,
        linked_channels=desk.channels,
    )
    reconciled = reconcile(booking, existing, plan(case), desk.now())
    taken_back = {
        patch.id for patch in reconciled.changes.patches if patch.set.get("status") in ("cancelled", "skipped")
    }
    needless = {row.id for row in existing if row.held and row.id in taken_back}
    cards = Changes(inserts=edits_of(existing, needless, desk.now()))
    return replace(reconciled, changes=reconciled.changes + cards)


async def replan_booking(desk: Desk, business: Business, booking: Booking) -> Changes:
    """The changes that bring the stored messages of ``booking`` to today's settings, client and addresses."""
    around = await surroundings(desk, business, booking)
    return replanned(desk, booking, around, await rows_of(desk, booking)).changes


async def replan_client(
    desk: Desk, business: Business, client: Client, addresses: tuple[Address, ...], *, but: str | None = None
) -> Changes:
    """Plan all visits ahead of ``client`` anew, except ``but``, for ``addresses`` as they will be after the commit."""
    ahead = await desk.store.find(
        Booking,
        {"business": business.id, "client": client.id, "starts_at": Range(desk.now(), None)},
        order=("starts_at", "id"),
        limit=BOOKINGS_AT_ONCE,
    )
    changes = Changes()
    for booking in ahead:
        if booking.id == but:
            continue
        salon = await desk.store.get(Salon, business.id, booking.salon)
        around = Surroundings(business, salon, client, addresses)
        changes += replanned(desk, booking, around, await rows_of(desk, booking)).changes
    return changes


async def replan_part(desk: Desk, task: Task) -> Task | None:
    """Plan the next visits of a :data:`REPLAN` task anew; None when it is through.

    The cursor is ``start:id`` of the last booking that was planned. A booking that changes meanwhile plans itself.
    """
    business = await desk.store.get(Business, task.business, task.business)
    if business is None:
        return None
    start, _, last = (task.cursor or "").partition(":")
    salon = task.params.get("salon")
    where = {"business": task.business, "starts_at": Range(desk.now(), None), **({"salon": salon} if salon else {})}
    after = (int(start), last) if start else None
    bookings = await desk.store.find(Booking, where, order=("starts_at", "id"), after=after, limit=PART)
    for booking in bookings:
        try:
            await desk.store.commit(await replan_booking(desk, business, booking))
        except Conflict:
            continue
    if len(bookings) < PART:
        return None
    return replace(task, cursor=f"{bookings[-1].starts_at}:{bookings[-1].id}")
