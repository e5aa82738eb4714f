"""People of a retention report, with what an owner asks before writing to them: when they came last, to whom, what they
spent, and whether they may be written to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from handlers.offers import standing
from handlers.reach import Way
from handlers.reasons import Reason
from handlers.turn import Desk
from storage.records import Booking, Business, Client, Salon
from storage.store import OneOf

MOST_VISITS: Final = 20_000
KIND: Final = "campaign"


@dataclass(frozen=True, slots=True)
class Person:
    """One of the clients of a report. ``spent``: hundredths by currency, of the visits that have a price."""

    client: Client
    last: Booking
    visits: int
    spent: Mapping[str, int]
    why_not: Reason | None
    """Why the client may not be written to; None: may."""


async def people_of(desk: Desk, business: Business, ids: Sequence[str]) -> list[Person]:
    """What is to be told of these clients (a page of a list), in their order; who never came or was erased is left out."""
    clients = await desk.store.get_many(Client, [(business.id, id) for id in ids])
    where = {"business": business.id, "client": OneOf(tuple(ids)), "status": "arrived"}
    rows = await desk.store.find(Booking, where, order=("client", "starts_at", "id"), limit=MOST_VISITS)
    visits: dict[str, list[Booking]] = {}
    for row in rows:
        visits.setdefault(row.client or "", []).append(row)
    names = {row.salon for row in rows}
    salons = await desk.store.get_many(Salon, [(business.id, name) for name in names])
    found = []
    for id in ids:
        client, own = clients.get((business.id, id)), visits.get(id)
        if client is not None and own:
            salon = salons.get((business.id, own[-1].salon))
            way = await standing(desk, business, salon, client, KIND)
            found.append(Person(client, own[-1], len(own), spent(own), None if isinstance(way, Way) else way))
    return found


def spent(visits: Sequence[Booking]) -> dict[str, int]:
    """What visits cost, in hundredths by currency."""
    sums: Counter[str] = Counter()
    for visit in visits:
        if visit.price is not None and visit.currency is not None:
            sums[visit.currency] += visit.price
    return dict(sums)
