"""Who comes back: of the clients of one period, how many came again in another, with an interval beside each rate.

A visit counts once it is ``arrived``; no-shows and cancelled visits never do, and a booking yet to come counts as
returning. Nothing is kept for it: every number is a grouping of bookings.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from math import sqrt
from typing import Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from handlers.invalid import Invalid
from handlers.turn import Desk
from storage.records import Booking, Business, Client, Master, Millis, Salon, Service
from storage.store import Not, OneOf, Range, Where

GroupBy = Literal["salon", "master", "service", "source"]
Fate = Literal["returned", "other_master", "lost"]

Z95: Final = 1.959964
"""The normal quantile of a two-sided 95 % interval."""
ENOUGH: Final = 20
"""Of fewer clients no rate is worth a judgement: its interval is wider than forty percentage points."""
EVER: Final = float("inf")
NEVER: Final = -EVER
CLIENTS_AT_ONCE: Final = 5000
PORTION: Final = 31 * 24 * 3600 * 1000
"""So much time is read at once."""
CLIENT: Final = ("client",)
SALON: Final = ("client", "salon")
MASTER: Final = ("client", "salon", "master")
SCOPES: Final[Mapping[GroupBy | None, tuple[tuple[str, ...], ...]]] = {
    "salon": (CLIENT, SALON),
    "master": (CLIENT, SALON, MASTER),
}
"""Whose last visits a report asks for, narrower and narrower."""
NAMED: Final[Mapping[GroupBy, type[Any]]] = {"salon": Salon, "master": Master, "service": Service}
"""What a group's key is the id of; a source has no more than its word."""


class Periods(NamedTuple):
    """When clients were seen, and when they may have come again; moments, the ends not included."""

    visit: Range
    back: Range


class Tally(NamedTuple):
    """How many clients, and how many of them were new: their first visit of all lies in the visit period."""

    total: int = 0
    new: int = 0


class Rate(NamedTuple):
    """A share in percent with the 95 % interval after Wilson; of nobody it is between 0 and 100."""

    percent: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Group:
    """One line of the report. The three tallies after ``clients`` add up to it."""

    key: str | None
    name: str | None
    clients: Tally
    returned: Tally
    lost: Tally
    other_master: Tally
    """Did not come back to this master, but to another one of the same salon. Nobody, unless the report is by master."""
    like_for_like: float | None = None
    """The percent that returned if the mix of new and known clients were that of the whole; None: it had none of one kind."""

    @property
    def rate(self) -> Rate:
        """The share that returned."""
        return wilson(self.returned.total, self.clients.total)

    @property
    def enough(self) -> bool:
        """Whether there are enough clients for a judgement."""
        return self.clients.total >= ENOUGH


@dataclass(frozen=True, slots=True)
class Retention:
    """The whole report; groups with the most clients first."""

    total: Group
    groups: tuple[Group, ...] = ()


class First(NamedTuple):
    """The first visit of a client to a group in the visit period."""

    at: Millis
    salon: str


Row = tuple[Any, ...]
"""The values of some fields of one booking."""
Scope = tuple[str | None, ...]
"""Whom a later visit was to: a client; with a salon; with a salon and a master."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the bookings say. ``firsts``: by group, then client."""

    by: GroupBy | None
    everybody: Mapping[str, First]
    firsts: Mapping[str | None, Mapping[str, First]]
    last: Mapping[Scope, float]
    """The last visit in the return period, :data:`EVER` for a booking to come; for every scope that is asked about."""
    known: frozenset[str]
    """Those of everybody who had visited before the visit period."""

    def clients(self, key: str | None) -> Mapping[str, First]:
        """The clients of one group, with the first visit of each; of the whole, where there are no groups."""
        return self.everybody if self.by is None else self.firsts.get(key, {})

    def fate(self, key: str | None, client: str, first: First) -> Fate:
        """What became of one client of one group."""
        if self.by == "salon":
            return "returned" if self.last.get((client, key), NEVER) > first.at else "lost"
        if self.by != "master":
            return "returned" if self.last.get((client,), NEVER) > first.at else "lost"
        if self.last.get((client, first.salon, key), NEVER) > first.at:
            return "returned"
        return "other_master" if self.last.get((client, first.salon), NEVER) > first.at else "lost"


def wilson(hits: int, of: int) -> Rate:
    """The share ``hits / of`` in percent, with the interval of E. B. Wilson (1927) at 95 %, to one decimal."""
    if not of:
        return Rate(0.0, 0.0, 100.0)
    share, square = hits / of, Z95 * Z95
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = Z95 / (1 + square / of) * sqrt(share * (1 - share) / of + square / (4 * of * of))
    return Rate(_percent(share), _percent(max(0.0, middle - half)), _percent(min(1.0, middle + half)))


def _percent(share: float) -> float:
    return round(share * 100, 1)


def periods(visit: tuple[date, date], back: tuple[date, date], zone: ZoneInfo) -> Periods:
    """The moments of two pairs of days, both ends included. Raises :class:`Invalid` where a pair ends before it begins, or
    clients would have to return before they came."""
    faults = [
        (f"/{name}_to", f"must not lie before {name}_from")
        for name, (since, until) in (("visit", visit), ("return", back))
        if until < since
    ]
    if not faults and back[1] < visit[0]:
        faults = [("/return_to", "must not lie before visit_from: nobody returns before the first visit")]
    if faults:
        raise Invalid(faults)
    return Periods(_days(*visit, zone), _days(*back, zone))


def _days(since: date, until: date, zone: ZoneInfo) -> Range:
    return Range(midnight(since, zone), midnight(until + timedelta(days=1), zone))


def midnight(day: date, zone: ZoneInfo) -> Millis:
    """The moment at which ``day`` begins in ``zone``."""
    return round(datetime.combine(day, time(0), zone).timestamp() * 1000)


async def retention(desk: Desk, business: Business, asked: Periods, by: GroupBy | None = None) -> Retention:
    """The report of one business."""
    seen = await look(desk, business, asked, by)
    names = await _names(desk, business, by, seen.firsts) if by is not None else {}
    return await asyncio.to_thread(_report, seen, names)


def _report(seen: Seen, names: Mapping[str | None, str | None]) -> Retention:
    total = _line(replace(seen, by=None), None)
    groups = [_line(seen, key, names.get(key), total) for key in seen.firsts]
    groups.sort(key=lambda group: (-group.clients.total, group.name or "", group.key or ""))
    return Retention(total, tuple(groups))


async def lost_clients(
    desk: Desk, business: Business, asked: Periods, by: GroupBy | None = None, key: str | None = None
) -> list[str]:
    """The ids of those who are lost, of all or of one group, in their order."""
    seen = await look(desk, business, asked, by)
    clients = seen.clients(key)
    return sorted(client for client, first in clients.items() if seen.fate(key, client, first) == "lost")


async def look(desk: Desk, business: Business, asked: Periods, by: GroupBy | None) -> Seen:
    """Read what the report is made from. Rows are folded beside the event loop, a portion at a time."""
    where = {"business": business.id, "status": "arrived", "client": Not(None)}
    fields = ("client", "salon", "starts_at", "master", *(("services",) if by == "service" else ()))
    everybody: dict[str, First] = {}
    firsts: dict[str | None, dict[str, First]] = {}
    async for visits in visits_of(desk, where, asked.visit, fields):
        await asyncio.to_thread(_fold_firsts, visits, by, everybody, firsts)
    if by == "source":
        sources = await _sources(desk, business, everybody)
        for client, first in everybody.items():
            firsts.setdefault(sources.get(client), {})[client] = first
    last = await _last(desk, business, asked, everybody, by)
    return Seen(by, everybody, firsts, last, await visited_before(desk, business, everybody, asked.visit.since))


async def visits_of(desk: Desk, where: Where, period: Range, fields: tuple[str, ...]) -> AsyncIterator[list[Row]]:
    """Some fields of all bookings that begin in a period, in portions."""
    since, until = period
    while since < until:
        portion = Range(since, min(until, since + PORTION))
        yield await desk.store.rows(Booking, {**where, "starts_at": portion}, fields)
        since = portion.until


def _fold_firsts(
    visits: list[Row], by: GroupBy | None, everybody: dict[str, First], firsts: dict[str | None, dict[str, First]]
) -> None:
    for client, salon, at, master, *services in visits:
        first = First(at, salon)
        _keep_earlier(everybody, client, first)
        if by == "service":
            for service in dict.fromkeys(services[0]) or (None,):
                _keep_earlier(firsts.setdefault(service, {}), client, first)
        elif by == "salon" or by == "master":
            _keep_earlier(firsts.setdefault(salon if by == "salon" else master, {}), client, first)


def _keep_earlier(firsts: dict[str, First], client: str, first: First) -> None:
    known = firsts.get(client)
    if known is None or first.at < known.at:
        firsts[client] = first


async def _last(
    desk: Desk, business: Business, asked: Periods, everybody: Mapping[str, First], by: GroupBy | None
) -> dict[Scope, float]:
    """The last visits in the return period and bookings to come, of those who were seen in the visit period."""
    where = {"business": business.id, "client": Not(None)}
    scopes = SCOPES.get(by, (CLIENT,))
    widths = [len(scope) for scope in scopes]
    last: dict[Scope, float] = {}

    def fold(rows: list[Row]) -> None:
        for *scope, at in rows:
            if scope[0] in everybody:
                for width in widths:
                    within = tuple(scope[:width])
                    if at > last.get(within, NEVER):
                        last[within] = at

    async for visits in visits_of(desk, {**where, "status": "arrived"}, asked.back, (*scopes[-1], "starts_at")):
        await asyncio.to_thread(fold, visits)
    for status in ("booked", "confirmed"):
        to_come = {**where, "status": status, "starts_at": Range(desk.now())}
        rows = await desk.store.rows(Booking, to_come, scopes[-1])
        await asyncio.to_thread(fold, [(*row, EVER) for row in rows])
    return last


async def visited_before(
    desk: Desk, business: Business, clients: Iterable[str], moment: Millis, salon: str | None = None
) -> frozenset[str]:
    """Those of ``clients`` who had a visit (to ``salon``, where one is named) before ``moment``."""
    known: set[str] = set()
    for some in _portions(clients):
        where = {"business": business.id, "status": "arrived", "starts_at": Range(None, moment)}
        where |= {"salon": salon} if salon else {}
        known |= await desk.store.among(Booking, where, "client", some)
    return frozenset(known)


async def _sources(desk: Desk, business: Business, clients: Iterable[str]) -> dict[str, str | None]:
    """Where each client came from: the client's own source, else that of the first booking."""
    told = await desk.store.rows(Client, {"business": business.id, "source": Not(None)}, ("id", "source"))
    sources: dict[str, str | None] = dict(told)
    for some in _portions(client for client in clients if client not in sources):
        where = {"business": business.id, "client": OneOf(some)}
        firsts: dict[str, Millis] = {}
        for client, source, at in await desk.store.rows(Booking, where, ("client", "source", "starts_at")):
            if client not in firsts or at < firsts[client]:
                firsts[client], sources[client] = at, source
    return sources


def _portions(clients: Iterable[str]) -> Iterable[tuple[str, ...]]:
    listed = list(clients)
    return (tuple(listed[index : index + CLIENTS_AT_ONCE]) for index in range(0, len(listed), CLIENTS_AT_ONCE))


async def _names(
    desk: Desk, business: Business, by: GroupBy, keys: Iterable[str | None]
) -> dict[str | None, str | None]:
    if by not in NAMED:
        return {key: key for key in keys}
    wanted = [(business.id, key) for key in keys if key is not None]
    return {id: record.name for (_, id), record in (await desk.store.get_many(NAMED[by], wanted)).items()}


def _line(seen: Seen, key: str | None, name: str | None = None, whole: Group | None = None) -> Group:
    counts: dict[Fate, list[int]] = {"returned": [0, 0], "other_master": [0, 0], "lost": [0, 0]}
    for client, first in seen.clients(key).items():
        counts[seen.fate(key, client, first)][client in seen.known] += 1
    told = {fate: Tally(new + known, new) for fate, (new, known) in counts.items()}
    everybody = Tally(*(sum(tally[side] for tally in told.values()) for side in (0, 1)))
    alike = _like_for_like(everybody, told["returned"], whole.clients) if whole is not None else None
    return Group(key, name, everybody, told["returned"], told["lost"], told["other_master"], alike)


def _like_for_like(clients: Tally, returned: Tally, whole: Tally) -> float | None:
    """Direct standardisation: the rates of new and known clients, weighed as they are mixed in the whole."""
    known, known_back = clients.total - clients.new, returned.total - returned.new
    if not clients.new or not known or not whole.total:
        return None
    share = whole.new / whole.total
    return _percent(share * returned.new / clients.new + (1 - share) * known_back / known)
