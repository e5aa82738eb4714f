"""What a change of a visit means beside the visit itself: the points it brings, and the invitation to the next one."""

from __future__ import annotations

from handlers import bonuses, rebook
from handlers.turn import Desk
from storage.records import Booking, Business, Client, Salon
from storage.store import Changes


async def followed(
    desk: Desk,
    business: Business,
    salon: Salon | None,
    client: Client | None,
    stored: Booking | None,
    booking: Booking,
) -> Changes:
    """What to commit with ``booking``, which was ``stored`` before (None: it is new), and belongs to ``client``.

    Raises nothing of its own; the caller's commit is a Conflict where the points changed meanwhile.
    """
    changes = await bonuses.for_visit(desk, business, salon, client, stored, booking)
    if client is not None:
        changes += await rebook.replanned(desk, business, client, booking)
    if stored is not None and stored.client is not None and stored.client != booking.client:
        former = await desk.store.get(Client, business.id, stored.client)
        changes += await rebook.replanned(desk, business, former, booking) if former is not None else Changes()
    return changes
