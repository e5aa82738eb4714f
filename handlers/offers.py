"""Offers on their way to be made: whether a client may get one, the row that carries it, and the salon that makes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from handlers import quiet
from handlers.attention import (
    UNLESS_BOOKED,
    Verdict,
    ahead_where,
    asks_for_nothing_booked,
    barred,
    crowded,
    offers_where,
    way_of,
    ways_for,
)
from handlers.durations import local_day
from handlers.reach import Way
from handlers.reasons import Reason
from handlers.replan import addresses_of
from handlers.settings import in_force, place
from handlers.turn import Desk
from storage.records import MAILING_LANE, Booking, Business, Choice, Client, Message, Millis, Salon, new_id

MOST: Final = 200
OFF: Final = Choice("offers_off")
"""Stands under every offer: one tap ends them all."""


async def has_visit_ahead(desk: Desk, client: Client) -> bool:
    """Whether the client has booked a visit that is still to come."""
    where = ahead_where((client.business,), (client.id,), desk.now())
    return bool(await desk.store.find(Booking, where, order=("client",), limit=1))


async def may_advertise(
    desk: Desk,
    business: Business,
    salon: Salon | None,
    client: Client,
    kind: str,
    *,
    unless_booked: bool = False,
    channel: str | None = None,
) -> Verdict:
    """Whether ``client`` may get an offer of ``kind`` now (on ``channel`` alone, where it is given), and if not, why.

    With ``until``, the offer may be made from then on: quiet hours, the limit of the week, a better offer. Who plans an
    offer for later asks :func:`barred` and :func:`way_of`, since the rest is only known when its time has come.
    """
    settings, now = in_force(business, salon), desk.now()
    asks = asks_for_nothing_booked(kind, {UNLESS_BOOKED: unless_booked})
    reason = barred(kind, client, settings, ahead=asks and await has_visit_ahead(desk, client))
    if reason is not None:
        return Verdict(reason)
    open_ways = ways_for(kind, client, await addresses_of(desk, client), settings, desk.channels, now)
    way = way_of([one for one in open_ways if channel in (None, one.channel)])
    if isinstance(way, str):
        return Verdict(way)
    awake = quiet.end_of(now, settings.quiet_hours, place(business, salon).zone)
    if awake > now:
        return Verdict("quiet_hours", awake)
    others = await desk.store.find(
        Message, offers_where((business.id,), (client.id,), now), order=("client",), limit=MOST
    )
    imagined = Message(
        business=business.id, id="", key="", kind=kind, lane=MAILING_LANE, due_at=now, next_at=now, not_after=now,
        created_at=now,
    )  # fmt: skip
    return crowded(imagined, others, settings, now)


async def standing(desk: Desk, business: Business, salon: Salon | None, client: Client, kind: str) -> Way | Reason:
    """The way on which an offer of ``kind`` would go to ``client`` later, or why there will be none as things stand."""
    settings = in_force(business, salon)
    reason = barred(kind, client, settings)
    if reason is not None:
        return reason
    return way_of(ways_for(kind, client, await addresses_of(desk, client), settings, desk.channels, desk.now()))


def offer_row(
    desk: Desk,
    business: Business,
    salon: Salon | None,
    client: Client,
    kind: str,
    *,
    key: str,
    due: Millis,
    not_after: Millis,
    way: Way | Reason | None,
    params: Mapping[str, Any] | None = None,
    choices: tuple[Choice, ...] = (),
    booking: Booking | None = None,
) -> Message:
    """An offer as a row: planned, or, where ``way`` is a reason, skipped with it. ``way`` None: there is none yet, and there
    may be one when its time has come."""
    reason = way if isinstance(way, str) else None
    return Message(
        business=business.id,
        id=new_id(),
        key=key,
        kind=kind,
        lane=MAILING_LANE,
        booking=booking.id if booking else None,
        client=client.id,
        salon=salon.id if salon else None,
        master=booking.master if booking else None,
        day=local_day(due, place(business, salon).zone).isoformat(),
        channel=way.channel if isinstance(way, Way) else None,
        address=way.address if isinstance(way, Way) else None,
        revision=booking.revision if booking else 0,
        status="skipped" if reason else "planned",
        reason=reason,
        due_at=due,
        next_at=due,
        not_after=not_after,
        params=dict(params or {}),
        choices=(*choices, OFF),
        created_at=desk.now(),
    )


async def home_of(desk: Desk, client: Client) -> Salon | None:
    """The salon that speaks to ``client``: that of the newest booking, else the only one there is."""
    owner = client.business
    newest = await desk.store.find(
        Booking, {"business": owner, "client": client.id}, order=("-starts_at", "-id"), limit=1
    )
    if newest:
        return await desk.store.get(Salon, owner, newest[0].salon)
    salons = await desk.store.find(Salon, {"business": owner}, limit=2)
    return salons[0] if len(salons) == 1 else None
