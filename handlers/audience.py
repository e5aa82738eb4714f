"""Whom a mailing is for: clients found by how they came, what they spent, and who they are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from handlers.invalid import Invalid, from_pydantic
from handlers.retention import GroupBy, Row, lost_clients, midnight, periods, visits_of
from handlers.settings import place
from handlers.turn import Desk
from storage.records import Booking, Business, Client, Millis
from storage.store import Not, Range

MOST_NAMED: Final = 10_000
MOST_KEYS: Final = 100
GROUPS: Final[tuple[GroupBy, ...]] = ("salon", "master", "service", "source")


def _day(text: str) -> str:
    date.fromisoformat(text)
    return text


def _amount(text: str) -> str:
    value = Decimal(text)
    if not 0 <= value < 10**10 or value != round(value, 2):
        raise ValueError("must be an amount like 450.00")
    return text


Day = Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", examples=["2026-09-01"]), AfterValidator(_day)]
Amount = Annotated[str, Field(pattern=r"^[0-9]{1,10}(\.[0-9]{1,2})?$", examples=["450.00"]), AfterValidator(_amount)]
Id = Annotated[str, Field(min_length=1, max_length=200)]
Ids = Annotated[list[Id], Field(min_length=1, max_length=MOST_KEYS)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")


class Count(_Part):
    """A number from ``min`` to ``max``, both included; what is left out is open."""

    min: Annotated[int, Field(ge=0)] | None = None
    max: Annotated[int, Field(ge=0)] | None = None


class Sum(_Part):
    """An amount of the business's money from ``min`` to ``max``, both included; what is left out is open."""

    min: Amount | None = None
    max: Amount | None = None


class Days(_Part):
    """Days in the business's zone, both ends included; what is left out is open."""

    from_: Day | None = Field(None, alias="from")
    to: Day | None = None


class Lost(_Part):
    """The lost of a retention report: of all, or of one group."""

    visit_from: Day
    visit_to: Day
    return_from: Day
    return_to: Day
    salon: Id | None = None
    master: Id | None = None
    service: Id | None = None
    source: Id | None = None


class Audience(_Part):
    """Filters, all of which must hold; none: every client. ``masters``: who served the client at least once."""

    clients: Annotated[list[Id], Field(min_length=1, max_length=MOST_NAMED)] | None = None
    lost: Lost | None = None
    visits: Count | None = None
    spent: Sum | None = None
    average_bill: Sum | None = None
    last_visit: Days | None = None
    birthday_month: Annotated[int, Field(ge=1, le=12)] | None = None
    salons: Ids | None = None
    masters: Ids | None = None
    services: Ids | None = None
    sources: Ids | None = None

    def asks_history(self) -> bool:
        """Whether the visits must be read."""
        names = ("visits", "spent", "average_bill", "last_visit", "salons", "masters", "services")
        return any(getattr(self, name) is not None for name in names)


def audience_of(given: Mapping[str, Any]) -> Audience:
    """The filters of what a caller gave. Raises :class:`Invalid`."""
    try:
        return Audience.model_validate(dict(given))
    except ValidationError as error:
        raise from_pydantic(error, given) from None


@dataclass(slots=True)
class _History:
    """What a client's visits come to. ``spent``: hundredths of the business's currency; ``priced``: visits with a price."""

    visits: int = 0
    spent: int = 0
    priced: int = 0
    last: Millis = 0
    met: set[str] = field(default_factory=set)
    """``salon:``, ``master:`` and ``service:`` ids, as far as the filters name them."""


async def matching(desk: Desk, business: Business, audience: Audience) -> list[str]:
    """The ids of all clients whom the filters hold for, in their order."""
    rows = await desk.store.rows(Client, {"business": business.id}, ("id", "birthday", "source"))
    found = {id for id, birthday, source in rows if _is_meant(audience, birthday, source)}
    if audience.clients is not None:
        found &= set(audience.clients)
    if audience.lost is not None:
        found &= await _lost(desk, business, audience.lost)
    if audience.asks_history():
        zone = place(business, None).zone
        histories = await _histories(desk, business, audience)
        none = _History()
        found = {id for id in found if _came(audience, histories.get(id, none), zone)}
    return sorted(found)


def _is_meant(audience: Audience, birthday: str | None, source: str | None) -> bool:
    if audience.birthday_month is not None and (birthday is None or int(birthday[-5:-3]) != audience.birthday_month):
        return False
    return audience.sources is None or source in audience.sources


async def _lost(desk: Desk, business: Business, lost: Lost) -> set[str]:
    named = [(by, key) for by in GROUPS if (key := getattr(lost, by)) is not None]
    if len(named) > 1:
        raise Invalid([(f"/lost/{named[1][0]}", f"can't be given together with {named[0][0]}: ask for one group")])
    by, key = named[0] if named else (None, None)
    days = [date.fromisoformat(day) for day in (lost.visit_from, lost.visit_to, lost.return_from, lost.return_to)]
    try:
        asked = periods((days[0], days[1]), (days[2], days[3]), place(business, None).zone)
    except Invalid as error:
        raise error.under("/lost") from None
    return set(await lost_clients(desk, business, asked, by, key))


async def _histories(desk: Desk, business: Business, audience: Audience) -> dict[str, _History]:
    where = {"business": business.id, "status": "arrived", "client": Not(None)}
    first = await desk.store.find(
        Booking, {"business": business.id, "status": "arrived"}, order=("starts_at", "id"), limit=1
    )
    found: dict[str, _History] = {}
    if not first:
        return found
    named = {
        f"{word}:{id}"
        for word, ids in (("salon", audience.salons), ("master", audience.masters), ("service", audience.services))
        for id in ids or ()
    }
    fields = ("client", "salon", "master", "services", "starts_at", "price", "currency")
    async for rows in visits_of(desk, where, Range(first[0].starts_at, desk.now() + 1), fields):
        await asyncio.to_thread(_fold, rows, business.currency, named, found)
    return found


def _fold(rows: list[Row], currency: str, named: set[str], found: dict[str, _History]) -> None:
    for client, salon, master, services, at, price, paid_in in rows:
        history = found.setdefault(client, _History())
        history.visits += 1
        history.last = max(history.last, at)
        if price is not None and paid_in == currency:
            history.spent += price
            history.priced += 1
        if named:
            history.met |= named & {f"salon:{salon}", f"master:{master}", *(f"service:{one}" for one in services)}


def _came(audience: Audience, history: _History, zone: ZoneInfo) -> bool:
    average = history.spent / history.priced if history.priced else 0
    met = ((audience.salons, "salon"), (audience.masters, "master"), (audience.services, "service"))
    return (
        _between(audience.visits, history.visits)
        and _worth(audience.spent, history.spent)
        and _worth(audience.average_bill, average)
        and _within(audience.last_visit, history.last, zone)
        and all(ids is None or any(f"{word}:{id}" in history.met for id in ids) for ids, word in met)
    )


def _between(asked: Count | None, value: int) -> bool:
    if asked is None:
        return True
    return (asked.min is None or value >= asked.min) and (asked.max is None or value <= asked.max)


def _worth(asked: Sum | None, hundredths: float) -> bool:
    if asked is None:
        return True
    least, most = (None if side is None else Decimal(side) * 100 for side in (asked.min, asked.max))
    return (least is None or hundredths >= least) and (most is None or hundredths <= most)


def _within(asked: Days | None, last: Millis, zone: ZoneInfo) -> bool:
    if asked is None:
        return True
    if not last:
        return False
    since = midnight(date.fromisoformat(asked.from_), zone) if asked.from_ else None
    until = midnight(date.fromisoformat(asked.to), zone) + 24 * 3600 * 1000 if asked.to else None
    return (since is None or last >= since) and (until is None or last < until)
