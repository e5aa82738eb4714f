"""The visits of a day as staff should see them: today's with the doubtful first, and whom nobody reached for tomorrow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from handlers.by_hand import waits
from handlers.durations import HOUR
from handlers.settings import in_force, place
from handlers.settings_schema import ABOUT_VISITS
from handlers.staff import staff_row
from handlers.statistics import reported
from handlers.turn import Desk
from storage.records import Booking, Business, Choice, Message, Millis, Salon, StaffChat
from storage.store import OneOf, Range

Reach = Literal["read", "delivered", "unread", "unreached"]
"""What became of the newest message that told of a visit; ``unread``: it arrived, where the provider says who has read."""

MOST_VISITS: Final = 60
MOST_MESSAGES: Final = 3000
READ_IS_TOLD: Final = frozenset({"whatsapp"})
"""Channels that tell whether a message was read."""
OUT_OF_REACH: Final = frozenset({"no_channel", "no_template", "not_by_sms", "opted_out"})
"""Reasons that kept a message from being sent although it should have been; others say that none was needed."""
TELLING: Final = tuple(kind for kind in ABOUT_VISITS if kind != "booking_cancelled")
WEIGHTS: Final[Mapping[str, int]] = {"moves": 4, "unconfirmed": 4, "unreached": 2, "unread": 1}
"""Doubt to how much it weighs; each earlier no-show weighs one, up to three."""
MOST_NO_SHOWS: Final = 3
LASTS: Final = 2 * HOUR
"""A card that could not go for so long is of no use any more."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a client may not come: ``words`` of :data:`WEIGHTS`, and how often the client did not come before."""

    words: tuple[str, ...] = ()
    no_shows: int = 0

    @property
    def weight(self) -> int:
        """The larger, the more doubtful."""
        return sum(WEIGHTS[word] for word in self.words) + min(self.no_shows, MOST_NO_SHOWS)


def day_of(business: Business, salon: Salon | None, now: Millis) -> date:
    """The calendar day of ``now`` where the salon is."""
    return datetime.fromtimestamp(now / 1000, place(business, salon).zone).date()


def start_of(day: date, zone: ZoneInfo, at: time = time(0)) -> Millis:
    """That time of that day."""
    return round(datetime.combine(day, at, zone).timestamp() * 1000)


def visits_of(chat: StaffChat, since: Millis, until: Millis | None) -> dict[str, Any]:
    """The where-value for the bookings that a chat hears of."""
    return {
        "business": chat.business,
        "starts_at": Range(since, until),
        **({"salon": chat.salon} if chat.salon else {}),
        **({"master": chat.master} if chat.master else {}),
    }


async def visits_on(desk: Desk, chat: StaffChat, day: date, zone: ZoneInfo) -> list[Booking]:
    """The visits of a day that were not cancelled, by start."""
    where = visits_of(chat, start_of(day, zone), start_of(day + timedelta(days=1), zone))
    found = await desk.store.find(Booking, where, order=("starts_at", "id"), limit=MOST_VISITS)
    return [booking for booking in found if booking.status != "cancelled"]


async def today(desk: Desk, chat: StaffChat, business: Business, salon: Salon | None) -> dict[str, Any]:
    """Parameters of the list of today's visits: ``bookings``, the doubtful first, and ``doubts`` by booking."""
    zone = place(business, salon).zone
    visits = await visits_on(desk, chat, day_of(business, salon, desk.now()), zone)
    told = await _messages_of(desk, business, visits)
    missed = await _no_shows(desk, business, visits)
    doubts = {
        booking.id: doubt_of(
            booking, told[booking.id], missed.get(booking.client or "", 0), business, salon, desk.now()
        )
        for booking in visits
    }
    visits.sort(key=lambda booking: (-doubts[booking.id].weight, booking.starts_at, booking.id))
    known = {id: {"words": list(one.words), "no_shows": one.no_shows} for id, one in doubts.items() if one.weight}
    return {"bookings": [booking.id for booking in visits], "doubts": known}


def doubt_of(
    booking: Booking, messages: Iterable[Message], no_shows: int, business: Business, salon: Salon | None, now: Millis
) -> Doubt:
    """Why the client of a visit to come may stay away; nothing of a visit that has begun."""
    if booking.starts_at <= now or booking.status not in ("booked", "confirmed"):
        return Doubt()
    if booking.status == "confirmed":
        return Doubt((), no_shows)
    settings = in_force(business, salon)
    asked = booking.notify.get("confirm", settings.kinds["reminder"].confirm)
    reach, _ = reach_of(booking, messages, now, settings.undelivered_after)
    words = ("moves" if booking.answer == "move_requested" else "unconfirmed" if asked else "", reach or "")
    return Doubt(tuple(word for word in words if word in WEIGHTS), no_shows)


def reach_of(
    booking: Booking, messages: Iterable[Message], now: Millis, undelivered_after: Millis
) -> tuple[Reach | None, Message | None]:
    """How the newest message that told of the visit as it is arrived, and the hop that says so; None: none was due yet.

    Whoever has answered has read.
    """
    if booking.answer is not None:
        return "read", None
    chains: dict[str, list[Message]] = defaultdict(list)
    for row in messages:
        if row.kind in TELLING and row.client == booking.client and row.due_at <= now:
            chains[row.fallback_of or row.id].append(row)
    current = [hops for hops in chains.values() if max(hop.revision for hop in hops) >= booking.moved_revision]
    for hops in sorted(current, key=lambda hops: min(hop.due_at for hop in hops), reverse=True):
        found = _reach(sorted(hops, key=lambda hop: hop.hop), now, undelivered_after)
        if found is not None:
            return found
    return None, None


def _reach(hops: Sequence[Message], now: Millis, undelivered_after: Millis) -> tuple[Reach, Message] | None:
    """What became of one message by its hops; None where it was not needed."""
    for hop in hops:
        if hop.status == "read":
            return "read", hop
    for hop in hops:
        if reported(hop, now, undelivered_after) == "delivered":
            return ("unread" if hop.channel in READ_IS_TOLD else "delivered"), hop
    last = hops[-1]
    failed = reported(last, now, undelivered_after) in ("not_delivered", "waiting")
    return ("unreached", last) if failed or waits(last) or last.reason in OUT_OF_REACH else None


async def tomorrow(
    desk: Desk, chat: StaffChat, business: Business, salon: Salon | None
) -> tuple[dict[str, Any], tuple[Choice, ...]]:
    """Parameters and choices of the card of those whom nobody reached for tomorrow: ``bookings``, ``reasons`` by booking,
    and ``visits``, how many there are in all. What waits for a person has a button that shows it."""
    zone, settings = place(business, salon).zone, in_force(business, salon)
    visits = await visits_on(desk, chat, day_of(business, salon, desk.now()) + timedelta(days=1), zone)
    told = await _messages_of(desk, business, visits)
    missed: dict[str, Message] = {}
    for booking in visits:
        reach, row = reach_of(booking, told[booking.id], desk.now(), settings.undelivered_after)
        if reach == "unreached" and row is not None and booking.status == "booked":
            missed[booking.id] = row
    reasons = {id: why_missed(row, told[id]) for id, row in missed.items()}
    held = [row for row in missed.values() if waits(row)]
    choices = tuple(
        Choice("hand", {"message": row.id, "booking": row.booking, "number": number})
        for number, row in enumerate(held, 1)
    )
    return {"bookings": list(missed), "reasons": reasons, "visits": len(visits)}, choices


def why_missed(row: Message, messages: Sequence[Message]) -> str:
    """The provider's code or our own word for why a message did not arrive; of what people are to send, why they are."""
    if waits(row):
        root = row.fallback_of or row.id
        before = [hop for hop in messages if root in (hop.id, hop.fallback_of) and hop.hop < row.hop]
        if not before:
            return "no_channel"
        row = max(before, key=lambda hop: hop.hop)
    return row.error_code or row.reason or "no_receipt"


async def card(
    desk: Desk, chat: StaffChat, business: Business, salon: Salon | None, name: str, key: str
) -> Message | None:
    """The card ``name`` (``evening``, ``morning``) for one chat as of now; None on days without visits."""
    params: dict[str, Any]
    if name == "evening":
        params, choices = await tomorrow(desk, chat, business, salon)
    else:
        params, choices = await today(desk, chat, business, salon), ()
    if not (params["bookings"] or params.get("visits")):
        return None
    kind = f"staff_{name}"
    row = staff_row(business, chat, kind, key=key, now=desk.now(), salon=salon, params=params, lasts=LASTS)
    return replace(row, choices=choices)


async def _messages_of(desk: Desk, business: Business, visits: Sequence[Booking]) -> Mapping[str, list[Message]]:
    """The messages to clients about these visits, by booking."""
    rows: dict[str, list[Message]] = defaultdict(list)
    if visits:
        ids = OneOf(tuple(booking.id for booking in visits))
        where = {"business": business.id, "booking": ids, "staff_chat": None}
        for row in await desk.store.find(Message, where, order=("booking",), limit=MOST_MESSAGES):
            rows[row.booking or ""].append(row)
    return rows


async def _no_shows(desk: Desk, business: Business, visits: Sequence[Booking]) -> Mapping[str, int]:
    """How often the clients of these visits did not come before."""
    clients = tuple(sorted({booking.client for booking in visits if booking.client}))
    if not clients:
        return {}
    where = {"business": business.id, "client": OneOf(clients), "status": "no_show"}
    counted = await desk.store.count(Booking, where, ("client",))
    return {str(client): n for (client,), n in counted.items()}
