"""How clients come over time: month by month after the first visit, and who is later than the own rhythm would have it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from handlers.durations import DAY, local_day
from handlers.rebook import rhythm
from handlers.retention import Rate, Row, midnight, visited_before, visits_of, wilson
from handlers.settings import place
from handlers.turn import Desk
from storage.records import Booking, Business, Millis
from storage.store import Not, Range

LONGEST: Final = 24
"""Months of a cohort report."""
LOOK_BACK: Final[Millis] = 400 * DAY
"""A rhythm is that of the last thirteen months: who is gone for longer is lost, not late."""
LATE: Final = 1.5
"""Overdue: so many times the rhythm since the last visit, and at least :data:`GRACE` more than it."""
GRACE: Final[Millis] = 7 * DAY


@dataclass(frozen=True, slots=True)
class Cohort:
    """The new clients of one month. ``came``: how many of them came in that month (all of them), the month after, …"""

    month: str
    """``YYYY-MM``."""
    clients: int
    came: tuple[int, ...]

    def rate(self, months: int) -> Rate:
        """The share that came ``months`` later."""
        return wilson(self.came[months], self.clients)


class Overdue(NamedTuple):
    """A client who comes every ``rhythm`` as a rule and was here last at ``last``."""

    client: str
    last: Millis
    rhythm: Millis
    visits: int


def months_from(first: date, count: int) -> list[date]:
    """The first days of ``count`` months."""
    number = first.year * 12 + first.month - 1
    return [date((number + index) // 12, (number + index) % 12 + 1, 1) for index in range(count)]


async def cohorts(
    desk: Desk, business: Business, first: date, count: int, zone: ZoneInfo, salon: str | None = None
) -> tuple[Cohort, ...]:
    """Of the clients whose first visit of all (to ``salon``, where one is named) fell into each month, who came in that month
    and in each one after, up to the last of ``count`` months."""
    where = {"business": business.id, "status": "arrived", "client": Not(None), **({"salon": salon} if salon else {})}
    months = months_from(first, count)
    ends = [midnight(day, zone) for day in (*months[1:], *months_from(months[-1], 2)[1:])]
    seen: list[set[str]] = []
    for month, end in zip(months, ends, strict=True):
        period, here = Range(midnight(month, zone), end), set[str]()
        async for rows in visits_of(desk, where, period, ("client",)):
            here.update(client for (client,) in rows)
        seen.append(here)
    everybody = set[str]().union(*seen)
    known = set(await visited_before(desk, business, everybody, midnight(first, zone), salon))
    lines = []
    for index, month in enumerate(months):
        new = seen[index] - known
        known |= new
        lines.append(Cohort(f"{month:%Y-%m}", len(new), tuple(len(new & later) for later in seen[index:])))
    return tuple(lines)


async def overdue(desk: Desk, business: Business) -> tuple[Overdue, ...]:
    """Clients with a steady rhythm (:func:`handlers.rebook.rhythm`) who are late by it and have no visit ahead; the latest by
    their own measure first."""
    now, zone = desk.now(), place(business, None).zone
    where = {"business": business.id, "client": Not(None)}
    visits: dict[str, list[Millis]] = {}
    arrived = {**where, "status": "arrived"}
    async for rows in visits_of(desk, arrived, Range(now - LOOK_BACK, now), ("client", "starts_at")):
        await asyncio.to_thread(_fold, rows, visits)
    ahead: set[str] = set()
    for status in ("booked", "confirmed"):
        to_come = {**where, "status": status, "starts_at": Range(now)}
        ahead.update(client for (client,) in await desk.store.rows(Booking, to_come, ("client",)))
    return await asyncio.to_thread(_late, visits, ahead, now, zone)


def _fold(rows: list[Row], visits: dict[str, list[Millis]]) -> None:
    for client, at in rows:
        visits.setdefault(client, []).append(at)


def _late(visits: Mapping[str, list[Millis]], ahead: set[str], now: Millis, zone: ZoneInfo) -> tuple[Overdue, ...]:
    found = []
    for client, moments in visits.items():
        last = max(moments)
        if client in ahead or now - last <= GRACE:
            continue
        usual = (rhythm(local_day(moment, zone) for moment in moments) or 0) * DAY
        if usual and now - last > max(LATE * usual, usual + GRACE):
            found.append(Overdue(client, last, usual, len(moments)))
    return tuple(sorted(found, key=lambda row: (-(now - row.last) / row.rhythm, row.client)))
