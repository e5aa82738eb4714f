"""What stands behind messages about offers and points, and behind the staff's cards of a visit; read for a batch at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from handlers import attention
from handlers.durations import local_day
from handlers.ledger import expiry, lapsed, opened
from handlers.settings import Place
from storage.records import (
    MAILING_LANE,
    WAITING,
    BonusAccount,
    BonusEntry,
    Booking,
    Client,
    Message,
    Millis,
    Service,
)
from storage.store import OneOf, Range, Store

Key = tuple[str, str]

TELLS_OF_POINTS: Final = frozenset({*attention.RANK, "bonus_balance", "help"})
"""Kinds of messages to clients that may say how many points there are."""
TELLS_OF_GUEST: Final = frozenset({"staff_booking_created", "staff_booking_changed", "staff_visit_confirmed"})
"""Cards of a visit on which the staff see who is coming."""
ENTRIES: Final = "entries"
"""Parameter: the ids of the entries that a message tells of."""
BIRTHDAY_NEAR: Final = 7
"""Days before and after a visit in which a birthday is worth knowing of."""
ROWS: Final = 5000


@dataclass(frozen=True, slots=True)
class Purse:
    """A client's points: the lots that are open, in the order in which they are spent, the entries that the message tells
    of, and the price list."""

    balance: int = 0
    lots: tuple[BonusEntry, ...] = ()
    entries: tuple[BonusEntry, ...] = ()
    services: tuple[Service, ...] = ()


@dataclass(frozen=True, slots=True)
class Guest:
    """Who is coming: ``visits`` is how often the client came before, ``balance`` the points, ``birthday`` the day that is
    near."""

    visits: int = 0
    balance: int = 0
    birthday: date | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """What is read for one message. ``ahead``: the client has booked; ``offers``: the other offers to the same client that
    went of late, or are due."""

    ahead: bool = False
    offers: tuple[Message, ...] = ()
    purse: Purse | None = None


NOTHING: Final = Beside()


@dataclass(slots=True)
class _Read:
    ahead: set[Key] = field(default_factory=set)
    offers: Mapping[Key, list[Message]] = field(default_factory=dict)
    accounts: Mapping[Key, BonusAccount] = field(default_factory=dict)
    lots: Mapping[Key, list[BonusEntry]] = field(default_factory=dict)
    entries: Mapping[Key, BonusEntry] = field(default_factory=dict)
    services: Mapping[str, list[Service]] = field(default_factory=dict)


async def read_beside(store: Store, messages: Sequence[Message], now: Millis) -> dict[str, Beside]:
    """By the id of the message, for those that are offers or tell of points; a few queries for all of them."""
    told = [row for row in messages if row.client is not None and row.staff_chat is None]
    offers = [row for row in told if row.lane == MAILING_LANE and row.status in WAITING]
    points = [row for row in told if row.kind in TELLS_OF_POINTS]
    read = _Read()
    if offers:
        await _read_offers(store, offers, read, now)
    if points:
        await _read_points(store, points, read)
    about = {row.id: row for row in (*offers, *points)}
    return {id: _beside(row, read, now) for id, row in about.items()}


async def _read_offers(store: Store, offers: Sequence[Message], read: _Read, now: Millis) -> None:
    businesses, clients = _sides(offers)
    rows = await store.find(Message, attention.offers_where(businesses, clients, now), order=("client",), limit=ROWS)
    read.offers = _grouped(rows)
    unless = [row for row in offers if attention.asks_for_nothing_booked(row.kind, row.params)]
    if unless:
        booked = await store.find(Booking, attention.ahead_where(*_sides(unless), now), order=("client",), limit=ROWS)
        read.ahead = {(row.business, row.client or "") for row in booked}


async def _read_points(store: Store, messages: Sequence[Message], read: _Read) -> None:
    keys = [(row.business, row.client or "") for row in messages]
    read.accounts = await store.get_many(BonusAccount, list(dict.fromkeys(keys)))
    named = [(row.business, str(id)) for row in messages for id in row.params.get(ENTRIES, ())]
    read.entries = await store.get_many(BonusEntry, list(dict.fromkeys(named))) if named else {}
    businesses, clients = _sides(messages)
    if read.accounts:
        where = {"business": OneOf(businesses), "client": OneOf(clients), "remaining": Range(1, None)}
        read.lots = _grouped(await store.find(BonusEntry, where, order=("client",), limit=ROWS))
    prices: dict[str, list[Service]] = {}
    for business in businesses:
        prices[business] = await store.find(Service, {"business": business}, limit=ROWS)
    read.services = prices


def _sides(messages: Iterable[Message]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    keys = {(row.business, row.client or "") for row in messages}
    return tuple(sorted({key[0] for key in keys})), tuple(sorted({key[1] for key in keys}))


def _grouped(rows: Iterable[Any]) -> dict[Key, list[Any]]:
    """By business and client."""
    found: dict[Key, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.business, row.client or ""].append(row)
    return found


def _beside(row: Message, read: _Read, now: Millis) -> Beside:
    key = (row.business, row.client or "")
    return Beside(
        ahead=key in read.ahead,
        offers=tuple(other for other in read.offers.get(key, ()) if other.id != row.id),
        purse=_purse(row, key, read, now) if row.kind in TELLS_OF_POINTS else None,
    )


def _purse(row: Message, key: Key, read: _Read, now: Millis) -> Purse:
    account = read.accounts.get(key) or BonusAccount(business=key[0], id=key[1])
    ledger = lapsed(opened(account, read.lots.get(key, [])), now)
    entries = (read.entries.get((row.business, str(id))) for id in row.params.get(ENTRIES, ()))
    return Purse(
        ledger.balance,
        tuple(sorted(ledger.lots.values(), key=expiry)),
        tuple(entry for entry in entries if entry is not None and entry.client == row.client),
        tuple(read.services.get(row.business, ())),
    )


async def read_guest(store: Store, client: Client, booking: Booking, place: Place) -> Guest:
    """What the staff see of ``client`` on the card of ``booking``."""
    where = {
        "business": client.business,
        "client": OneOf((client.id,)),
        "status": "arrived",
        "starts_at": Range(None, booking.starts_at),
    }
    came = await store.count(Booking, where, group_by=("client",))
    account = await store.get(BonusAccount, client.business, client.id)
    return Guest(
        visits=sum(came.values()),
        balance=account.balance if account else 0,
        birthday=near_birthday(client.birth_day, local_day(booking.starts_at, place.zone)),
    )


def near_birthday(birth_day: str | None, day: date) -> date | None:
    """The birthday within a week of ``day``, before or after it; None where it is farther off."""
    if birth_day is None:
        return None
    days = (birthday_in(birth_day, year) for year in (day.year - 1, day.year, day.year + 1))
    return next((one for one in days if abs((one - day).days) <= BIRTHDAY_NEAR), None)


def birthday_in(birth_day: str, year: int) -> date:
    """The day on which ``MM-DD`` is celebrated in ``year``: who was born on 29 February is never wished a happy birthday
    early, so in other years that is 1 March."""
    month, day = map(int, birth_day.split("-"))
    try:
        return date(year, month, day)
    except ValueError:
        return date(year, 3, 1)
