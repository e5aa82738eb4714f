"""Who comes back: of the clients of one period, how many came again in another, with an interval beside each rate.

A visit counts once it is ``arrived``; no-shows and cancelled visits never do, and a booking yet to come counts as
returning. Nothing is kept for it: every number is a grouping of bookings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import sqrt
from typing import Any, Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from handlers.invalid import Invalid
from handlers.turn import Desk
from storage.records import Booking, Business, Client, Master, Millis, Salon, Service
from storage.store import Not, OneOf, Range

GroupBy = Literal["salon", "master", "service", "source"]

Z95: Final = 1.959964
"""The normal quantile of a two-sided 95 % interval."""
ENOUGH: Final = 20
"""Of fewer clients no rate is worth a judgement: its interval is wider than forty percentage points."""
EVER: Final = float("inf")
CLIENTS_AT_ONCE: Final = 5000
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


class Later(NamedTuple):
    """The last visit of a client to a master in the return period, or a booking to come (``at``: :data:`EVER`)."""

    at: float
    salon: str
    master: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """What the bookings say. ``firsts``: by group, then client; ``later``: by client."""

    by: GroupBy | None
    everybody: Mapping[str, First]
    firsts: Mapping[str | None, Mapping[str, First]]
    later: Mapping[str, tuple[Later, ...]]
    known: frozenset[str]
    """Those of everybody who had visited before the visit period."""

    def fate(self, by: GroupBy | None, key: str | None, client: str) -> Literal["returned", "other_master", "lost"]:
        """What became of one client of one group."""
        first = self.everybody[client] if by is None else self.firsts[key][client]
        after = [visit for visit in self.later.get(client, ()) if visit.at > first.at]
        if by == "salon":
            after = [visit for visit in after if visit.salon == key]
        elif by == "master":
            if any(visit.master == key and visit.salon == first.salon for visit in after):
                return "returned"
            return "other_master" if any(visit.salon == first.salon for visit in after) else "lost"
        return "returned" if after else "lost"


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
    total = _line(seen, None, None, seen.everybody)
    if by is None:
        return Retention(total)
    names = await _names(desk, business, by, seen.firsts)
    groups = [_line(seen, by, key, clients, names.get(key), total) for key, clients in seen.firsts.items()]
    groups.sort(key=lambda group: (-group.clients.total, group.name or "", group.key or ""))
    return Retention(total, tuple(groups))


async def lost_clients(
    desk: Desk, business: Business, asked: Periods, by: GroupBy | None = None, key: str | None = None
) -> list[str]:
    """The ids of those who are lost, of all or of one group, in their order."""
    seen = await look(desk, business, asked, by)
    clients = seen.everybody if by is None else seen.firsts.get(key, {})
    return sorted(client for client in clients if seen.fate(by, key, client) == "lost")


async def look(desk: Desk, business: Business, asked: Periods, by: GroupBy | None) -> Seen:
    """Read what the report is made from."""
    arrived = {"business": business.id, "status": "arrived", "client": Not(None)}
    grouped = ["client", "salon", "master", *(["services"] if by == "service" else [])]
    rows = await desk.store.spans(Booking, {**arrived, "starts_at": asked.visit}, grouped, "starts_at")
    everybody: dict[str, First] = {}
    for (client, salon, *_), span in rows.items():
        _earlier(everybody, client, First(span.least or 0, salon))
    sources = await _sources(desk, business, everybody) if by == "source" else {}
    firsts: dict[str | None, dict[str, First]] = {}
    if by is not None:
        for (client, salon, master, *services), span in rows.items():
            for key in _keys(by, salon, master, services, sources.get(client)):
                _earlier(firsts.setdefault(key, {}), client, First(span.least or 0, salon))
    later = await _later(desk, business, asked, everybody)
    known = await _visited_before(desk, business, everybody, asked.visit.since)
    return Seen(by, everybody, firsts, later, known)


def _earlier(firsts: dict[str, First], client: str, first: First) -> None:
    if client not in firsts or first.at < firsts[client].at:
        firsts[client] = first


def _keys(
    by: GroupBy, salon: str, master: str | None, services: list[tuple[str, ...]], source: str | None
) -> Iterable[str | None]:
    if by == "service":
        return dict.fromkeys(services[0]) or (None,)
    return ({"salon": salon, "master": master, "source": source}[by],)


async def _later(
    desk: Desk, business: Business, asked: Periods, everybody: Mapping[str, First]
) -> dict[str, tuple[Later, ...]]:
    """Visits in the return period and bookings to come, of those who were seen in the visit period."""
    where = {"business": business.id, "client": Not(None)}
    to_come = {**where, "status": OneOf(("booked", "confirmed")), "starts_at": Range(desk.now())}
    grouped = ("client", "salon", "master")
    later: dict[str, tuple[Later, ...]] = {}
    visits = await desk.store.spans(
        Booking, {**where, "status": "arrived", "starts_at": asked.back}, grouped, "starts_at"
    )
    for (client, salon, master), span in visits.items():
        if client in everybody:
            later[client] = (*later.get(client, ()), Later(span.most or 0, salon, master))
    for client, salon, master in await desk.store.count(Booking, to_come, grouped):
        if client in everybody:
            later[client] = (*later.get(client, ()), Later(EVER, salon, master))
    return later


async def _visited_before(desk: Desk, business: Business, clients: Iterable[str], moment: Millis) -> frozenset[str]:
    known: set[str] = set()
    for some in _portions(clients):
        where = {"business": business.id, "client": OneOf(some), "status": "arrived", "starts_at": Range(None, moment)}
        known.update(client for (client,) in await desk.store.count(Booking, where, ("client",)))
    return frozenset(known)


async def _sources(desk: Desk, business: Business, clients: Iterable[str]) -> dict[str, str | None]:
    """Where each client came from: the client's own source, else that of the first booking."""
    told = await desk.store.count(Client, {"business": business.id, "source": Not(None)}, ("id", "source"))
    sources: dict[str, str | None] = {id: source for id, source in told}
    for some in _portions(client for client in clients if client not in sources):
        where = {"business": business.id, "client": OneOf(some)}
        spans = await desk.store.spans(Booking, where, ("client", "source"), "starts_at")
        firsts: dict[str, Millis] = {}
        for (client, source), span in spans.items():
            if client not in firsts or (span.least or 0) < firsts[client]:
                firsts[client], sources[client] = span.least or 0, source
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


def _line(
    seen: Seen,
    by: GroupBy | None,
    key: str | None,
    clients: Iterable[str],
    name: str | None = None,
    whole: Group | None = None,
) -> Group:
    counts: dict[str, list[int]] = {"returned": [0, 0], "other_master": [0, 0], "lost": [0, 0]}
    for client in clients:
        counts[seen.fate(by, key, client)][client in seen.known] += 1
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
