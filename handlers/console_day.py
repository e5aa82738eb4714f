"""A day as the console shows it: every visit with its state, and what needs a person now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal, TypeVar

from handlers.by_hand import HELD
from handlers.console import Visitor
from handlers.day_cards import reach_of, start_of, why_missed
from handlers.dead_letters import RESENDABLE
from handlers.durations import DAY
from handlers.settings import in_force, place
from handlers.turn import Desk
from storage.records import Booking, Business, Client, Master, Message, Millis, Salon, Service
from storage.store import OneOf, Range

R = TypeVar("R")
State = Literal[
    "arrived", "no_show", "declined", "cancelled", "moves", "confirmed", "read", "told", "unreached", "untold"
]
"""What is known of a visit, the most telling word first; ``untold``: no message about it was due yet."""

MOST_VISITS: Final = 400
MOST_MESSAGES: Final = 5000
AHEAD: Final = 14
"""Days ahead in which requests to move are looked for."""


@dataclass(frozen=True, slots=True)
class Line:
    """One visit of the day. ``why``: the code or word that says why nobody was reached."""

    booking: Booking
    state: State
    salon: Salon | None
    client: Client | None
    master: Master | None
    services: tuple[Service, ...]
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Needs:
    """What waits for a person: messages to send by hand, visits whose clients ask to move, clients of today and tomorrow
    whom nobody reached, and messages of the last day that did not arrive."""

    by_hand: int
    moves: tuple[Line, ...]
    unreached: tuple[Line, ...]
    dead: int

    def __bool__(self) -> bool:
        """Whether anything does."""
        return bool(self.by_hand or self.moves or self.unreached or self.dead)


async def lines_of(desk: Desk, visitor: Visitor, day: date) -> list[Line]:
    """The visits of a day in the business's zone, by start."""
    zone = place(visitor.business, None).zone
    span = Range(start_of(day, zone), start_of(day + timedelta(days=1), zone))
    where = {**visitor.own, "starts_at": span}
    found = await desk.store.find(Booking, where, order=("starts_at", "id"), limit=MOST_VISITS)
    return await lines(desk, visitor.business, found)


async def needs_of(desk: Desk, visitor: Visitor, day: date) -> Needs:
    """What needs a person as of now, ``day`` being today."""
    now, zone = desk.now(), place(visitor.business, None).zone
    ahead = Range(now, start_of(day + timedelta(days=AHEAD), zone))
    where = {**visitor.own, "starts_at": ahead, "status": OneOf(("booked", "confirmed"))}
    coming = await desk.store.find(Booking, where, order=("starts_at", "id"), limit=MOST_VISITS)
    soon = start_of(day + timedelta(days=2), zone)
    asked = [booking for booking in coming if booking.answer == "move_requested" or booking.starts_at < soon]
    told = await lines(desk, visitor.business, asked)
    held = {**visitor.own, **HELD, "next_at": Range(None, now + 1)}
    late = {**visitor.own, "staff_chat": None, "status": OneOf(RESENDABLE), "due_at": Range(now - DAY, now + 1)}
    return Needs(
        sum((await desk.store.count(Message, held)).values()),
        tuple(line for line in told if line.state == "moves"),
        tuple(line for line in told if line.state == "unreached"),
        sum((await desk.store.count(Message, late)).values()),
    )


async def lines(desk: Desk, business: Business, visits: Sequence[Booking]) -> list[Line]:
    """Visits of one business with all that is shown of them, in their order; a few queries for all."""
    told = await _messages_of(desk, business, visits)
    clients = await _many(desk, Client, business, {visit.client for visit in visits})
    masters = await _many(desk, Master, business, {visit.master for visit in visits})
    salons = await _many(desk, Salon, business, {visit.salon for visit in visits})
    services = await _many(desk, Service, business, {id for visit in visits for id in visit.services})
    made = []
    for visit in visits:
        salon = salons.get(visit.salon)
        state, row = state_of(visit, told[visit.id], business, salon, desk.now())
        made.append(
            Line(
                visit,
                state,
                salon,
                clients.get(visit.client or ""),
                masters.get(visit.master or ""),
                tuple(services[id] for id in visit.services if id in services),
                why_missed(row, told[visit.id]) if row is not None else None,
            )
        )
    return made


def state_of(
    visit: Booking, messages: Sequence[Message], business: Business, salon: Salon | None, now: Millis
) -> tuple[State, Message | None]:
    """The state of a visit, and where nobody was reached, the message that says why."""
    if visit.status == "arrived":
        return "arrived", None
    if visit.status == "no_show":
        return "no_show", None
    if visit.status == "cancelled":
        return ("declined" if visit.cancelled_by == "client" else "cancelled"), None
    if visit.answer == "move_requested":
        return "moves", None
    if visit.status == "confirmed":
        return "confirmed", None
    reach, row = reach_of(visit, messages, now, in_force(business, salon).undelivered_after)
    if reach is None:
        return "untold", None
    return ("read", None) if reach == "read" else ("unreached", row) if reach == "unreached" else ("told", None)


async def _messages_of(desk: Desk, business: Business, visits: Sequence[Booking]) -> Mapping[str, list[Message]]:
    rows: dict[str, list[Message]] = defaultdict(list)
    if visits:
        ids = OneOf(tuple(visit.id for visit in visits))
        where = {"business": business.id, "booking": ids, "staff_chat": None}
        for row in await desk.store.find(Message, where, order=("booking",), limit=MOST_MESSAGES):
            rows[row.booking or ""].append(row)
    return rows


async def _many(desk: Desk, record: type[R], business: Business, ids: set[str | None]) -> dict[str, R]:
    wanted = [(business.id, id) for id in sorted(filter(None, ids))]
    return {id: row for (_, id), row in (await desk.store.get_many(record, wanted)).items()} if wanted else {}
