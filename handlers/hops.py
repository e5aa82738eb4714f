"""The cascade: the next hop of a message that did not reach its client, and when there must be none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from handlers.channel import Capabilities
from handlers.durations import local_day
from handlers.facts import RINGING, Facts
from handlers.plan_after import REVIEW
from handlers.quiet import AT_NIGHT
from handlers.routing import AGAIN, AS_TEMPLATE, route, tried
from handlers.timing import rings_at
from storage.records import ANSWERS_LANE, MAILING_LANE, Booking, Message, Millis, new_id
from storage.store import Changes, Patch

TRUE_SINCE: Final[Mapping[str, tuple[str, ...]]] = {
    "booking_created": ("booked_revision", "changed_revision"),
    "booking_changed": ("booked_revision", "changed_revision"),
    "reminder": ("booked_revision", "moved_revision"),
}
"""Kind to the fields of the booking that hold the revision at which what it tells last became true."""


def next_hop(
    message: Message,
    facts: Facts,
    channels: Mapping[str, Capabilities],
    *,
    again: bool = False,
    as_template: bool = False,
    wait: Millis = 0,
) -> Message | None:
    """The row that takes over from ``message``; None where nothing is left to try, or nothing may be.

    ``facts`` must hold the hops. ``again``: on the same channel once more, ``wait`` milliseconds later.
    """
    if not cascades(message) or message.void or not still_true(message, facts):
        return None
    if any(reached(hop, channels) for hop in facts.hops):
        return None
    params = {name: value for name, value in message.params.items() if name not in (AGAIN, AS_TEMPLATE)}
    if again:
        params |= {AGAIN: message.channel, **({AS_TEMPLATE: True} if as_template else {})}
    due = awake(message, facts, facts.now + wait)
    hop = _row(message, facts, due, params)
    way = route(hop, facts, channels, tried(hop, replace(facts, hops=(*facts.hops, message))))
    if isinstance(way, str) or due >= message.not_after:
        return None
    return replace(hop, channel=way.channel, address=way.address or None)


def cascades(message: Message) -> bool:
    """Whether other channels are tried for a message of this sort: neither for answers nor for staff."""
    return message.lane != ANSWERS_LANE and message.staff_chat is None


def reached(message: Message, channels: Mapping[str, Capabilities]) -> bool:
    """Whether this row reached its person, as far as its channel can tell."""
    if message.status in ("delivered", "read"):
        return True
    known = channels.get(message.channel or "")
    return message.status == "sent" and not (known is not None and known.receipts)


def still_true(message: Message, facts: Facts) -> bool:
    """Whether the visit is still as this row tells it, and still ahead."""
    booking = facts.booking
    if message.kind == REVIEW:
        return booking is not None and booking.status == "arrived" and booking.client == message.client
    if message.kind not in RINGING:
        return True
    if booking is None:
        return False
    if message.kind == "booking_cancelled":
        return booking.status == "cancelled" or booking.client != message.client
    if booking.client != message.client or booking.status not in ("booked", "confirmed"):
        return False
    since: list[int] = [getattr(booking, name) or 0 for name in TRUE_SINCE[message.kind]]
    return booking.starts_at > facts.now and message.revision >= max(since)


def awake(message: Message, facts: Facts, moment: Millis) -> Millis:
    """``moment``, or the end of the quiet hours that it lies in, unless this message may go at any hour."""
    if not cascades(message):
        return moment
    hours = facts.settings.quiet_hours
    if message.lane == MAILING_LANE and hours is None:
        hours = AT_NIGHT
    return rings_at(message.kind, facts.booking, moment, hours, facts.place.zone)


def expected(message: Message, facts: Facts) -> Changes:
    """That the booking and the other hops are still as ``facts`` has them; else the commit is a Conflict."""
    booking = facts.booking
    hops = tuple(
        Patch(Message, hop.business, hop.id, {"status": hop.status}, {"status": hop.status}) for hop in facts.hops
    )
    if booking is None or message.booking is None:
        return Changes(patches=hops)
    same = {"revision": booking.revision}
    return Changes(patches=(*hops, Patch(Booking, booking.business, booking.id, same, same)))


def _row(message: Message, facts: Facts, due: Millis, params: Mapping[str, object]) -> Message:
    number = message.hop + 1
    return Message(
        business=message.business,
        id=new_id(),
        key=_key(message, number),
        kind=message.kind,
        lane=message.lane,
        booking=message.booking,
        client=message.client,
        salon=message.salon,
        master=message.master,
        day=local_day(due, facts.place.zone).isoformat(),
        hop=number,
        fallback_of=message.fallback_of or message.id,
        revision=facts.booking.revision if facts.booking and message.booking else message.revision,
        due_at=due,
        next_at=due,
        not_after=message.not_after,
        params=params,
        choices=message.choices,
        created_at=facts.now,
    )


def _key(message: Message, number: int) -> str:
    """The key of hop ``number``: that of a booking's message ends in its hop, to others it is added."""
    head, _, last = message.key.rpartition(":")
    numbered = last == str(message.hop) and (message.hop > 0 or message.key.startswith("booking:"))
    return f"{head}:{number}" if numbered else f"{message.key}:{number}"
