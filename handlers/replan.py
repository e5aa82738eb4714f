"""Planning a booking anew against what is stored: the one way in which rows to clients come to be or cease to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from handlers.by_hand import edits_of
from handlers.durations import DAY
from handlers.plan import Case, plan
from handlers.plan_after import APART, REVIEW
from handlers.reconcile import Reconciled, reconcile
from handlers.settings import in_force, place
from handlers.turn import Desk
from storage.records import Address, Booking, Business, Client, Message, Millis, Review, Salon, Task
from storage.store import Changes, Conflict, Range

BOOKINGS_AT_ONCE = 100
"""How many bookings of one client are planned anew in one go; nobody has more visits ahead."""
REPLAN: Final = "replan"
"""Kind of the task that plans all visits ahead anew, after a setting changed. Parameter ``salon``: only that salon's."""
PART: Final = 50
"""Bookings that one part of that task plans anew: well under 50 ms."""
BEHIND: Final[Millis] = 7 * DAY
"""Visits that took place so long ago may still be waiting for their request for a review."""
UNASKED: Final = ("skipped", "cancelled", "expired", "failed")
"""States of a request for a review that never reached the client."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a plan is made from beside the booking itself."""

    business: Business
    salon: Salon | None
    client: Client | None
    addresses: tuple[Address, ...]
    asked: tuple[Millis, ...] = ()
    """See :class:`handlers.plan.Case`."""


async def addresses_of(desk: Desk, client: Client) -> tuple[Address, ...]:
    """Every chat at which ``client`` can be reached: linked to the client, or to the client's phone."""
    # In the order of the indexes that serve them: by id, SQLite would rather read all that the business has.
    own = await desk.store.find(Address, {"business": client.business, "client": client.id}, order=("client",))
    if client.phone is None:
        return tuple(own)
    shared = await desk.store.find(Address, {"business": client.business, "phone": client.phone}, order=("phone",))
    found = {row.id: row for row in (*own, *(row for row in shared if row.client in (None, client.id)))}
    return tuple(found[id] for id in sorted(found))


async def surroundings(desk: Desk, business: Business, booking: Booking) -> Surroundings:
    """Read what the plan of ``booking`` depends on."""
    salon = await desk.store.get(Salon, business.id, booking.salon)
    client = await desk.store.get(Client, business.id, booking.client) if booking.client else None
    if client is None:
        return Surroundings(business, salon, None, ())
    return Surroundings(
        business, salon, client, await addresses_of(desk, client), await asked_of(desk, client, booking)
    )


async def asked_of(desk: Desk, client: Client, booking: Booking) -> tuple[Millis, ...]:
    """When ``client`` is, or was, asked about other visits than ``booking``, or reviewed them; nothing is read, and nothing
    said, before the visit has taken place."""
    if booking.status != "arrived":
        return ()
    named = {"business": client.business, "client": client.id}
    since = desk.now() - 2 * APART
    rows = await desk.store.find(
        Message, {**named, "kind": REVIEW, "due_at": Range(since, None)}, order=("-due_at", "-id")
    )
    given = await desk.store.find(Review, {**named, "at": Range(since, None)}, order=("-at", "-id"))
    asked = (row.due_at for row in rows if row.booking != booking.id and row.status not in UNASKED)
    return (*asked, *(review.at for review in given if review.id != booking.id))


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
        asked=around.asked,
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
    """Plan all visits ahead of ``client`` anew, and those just past that may wait for their request for a review, except
    ``but``, for ``addresses`` as they will be after the commit."""
    ahead = await desk.store.find(
        Booking,
        {"business": business.id, "client": client.id, "starts_at": Range(desk.now() - BEHIND, None)},
        order=("starts_at", "id"),
        limit=BOOKINGS_AT_ONCE,
    )
    changes = Changes()
    for booking in ahead:
        if booking.id == but or not _plans(booking, desk.now()):
            continue
        salon = await desk.store.get(Salon, business.id, booking.salon)
        around = Surroundings(business, salon, client, addresses, await asked_of(desk, client, booking))
        changes += replanned(desk, booking, around, await rows_of(desk, booking)).changes
    return changes


def _plans(booking: Booking, now: Millis) -> bool:
    """Whether anything about a visit can still be to come."""
    return booking.starts_at >= now or booking.status == "arrived"


async def replan_part(desk: Desk, task: Task) -> Task | None:
    """Plan the next visits of a :data:`REPLAN` task anew; None when it is through.

    The cursor is ``start:id`` of the last booking that was planned. A booking that changes meanwhile plans itself.
    """
    business = await desk.store.get(Business, task.business, task.business)
    if business is None:
        return None
    start, _, last = (task.cursor or "").partition(":")
    since = desk.now() - BEHIND
    salon = task.params.get("salon")
    where = {"business": task.business, "starts_at": Range(since, None), **({"salon": salon} if salon else {})}
    after = (int(start), last) if start else None
    bookings = await desk.store.find(Booking, where, order=("starts_at", "id"), after=after, limit=PART)
    for booking in bookings:
        if not _plans(booking, desk.now()):
            continue
        try:
            await desk.store.commit(await replan_booking(desk, business, booking))
        except Conflict:
            continue
    if len(bookings) < PART:
        return None
    return replace(task, cursor=f"{bookings[-1].starts_at}:{bookings[-1].id}")
