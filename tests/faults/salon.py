"""A salon with as many clients as a test wants, each with a chat, a phone on WhatsApp, and a visit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, Final

from handlers.turn import Desk, Links
from handlers.visits import Placed, Wanted, decide, put_booking
from storage.records import (
    MAILING_LANE,
    SERVICE_LANE,
    Address,
    Booking,
    Business,
    Client,
    Message,
    Millis,
    Salon,
    address_id,
    new_id,
)
from storage.store import Changes, Store

DAY: Final[Millis] = 86_400_000
CHUNK: Final = 50
ON: Final = frozenset({"telegram", "whatsapp"})
BUSINESS: Final = Business(
    business="b",
    id="b",
    name="Мрія",
    # Mailings never go at night: a night of one minute, which lies far away wherever the salon is said to be.
    settings={
        "quiet_hours": {"from": "00:00", "to": "00:01"},
        "channels": ["telegram", "whatsapp"],
        "fallback_after": "P2D",
    },
)


def chat(number: int) -> str:
    """The Telegram chat of client ``number``."""
    return str(1_000_000 + number)


def phone(number: int) -> str:
    """The phone of client ``number``, where WhatsApp is too."""
    return f"+38067{number:07}"


def number_of(address: str) -> int:
    """Whose chat or phone this is."""
    return int(address[-7:]) if address.startswith("+") else int(address) - 1_000_000


def desk_of(store: Store) -> Desk:
    """A desk as the service has it; its time is the store's."""
    return Desk(store, store.clock, Links(None, b"s" * 32), ON)


async def furnish(store: Store, numbers: Iterable[int]) -> None:
    """The business, its salon, and these clients, who agreed to offers and wrote on WhatsApp just now."""
    await store.commit(
        Changes(inserts=(BUSINESS, Salon(business="b", id="s", name="Мрія", timezone=noon(store.clock()))))
    )
    for some in _chunks(numbers):
        people = (person for number in some for person in _person(number, store.clock()))
        await store.commit(Changes(inserts=tuple(people)))


def noon(now: Millis) -> str:
    """A time zone in which it is about noon."""
    east = 12 - now // 3_600_000 % 24
    # These names count westwards (IANA's file etcetera).
    return f"Etc/GMT{-east:+d}" if east else "Etc/GMT"


def _person(number: int, now: Millis) -> tuple[Client, Address, Address]:
    id = f"c{number}"
    client = Client(
        business="b", id=id, name=f"Олена {number}", phone=phone(number), language="uk", marketing_consent=True
    )
    here = Address(
        business="b",
        id=address_id("telegram", chat(number), id),
        channel="telegram",
        address=chat(number),
        client=id,
    )
    there = replace(here, id=address_id("whatsapp", phone(number)), channel="whatsapp", address=phone(number))
    return client, here, replace(there, client=None, phone=phone(number), last_inbound_at=now)


def visit(number: int, now: Millis, **fields: Any) -> Wanted:
    """A visit in three weeks, of which the client hears at once and never again."""
    given: dict[str, Any] = {"created_by": "client", "notify": {"reminders": []}, **fields}
    return Wanted(salon="s", client_id=f"c{number}", starts_at=now + 21 * DAY, **given)


async def book(store: Store, numbers: Iterable[int]) -> None:
    """A visit for each of these clients, planned as the API plans it, so that a notice of each is due now."""
    desk = desk_of(store)
    for some in _chunks(numbers):
        changes = Changes()
        for number in some:
            changes += (await decide(desk, BUSINESS, f"v{number}", visit(number, desk.now())))[1]
        await store.commit(changes)


async def cancel(store: Store, number: int) -> Placed:
    """The salon cancels the visit of a client."""
    desk = desk_of(store)
    return await put_booking(desk, BUSINESS, f"v{number}", visit(number, desk.now(), status="cancelled"))


async def advertise(
    store: Store, numbers: Iterable[int], *, times: int = 1, after: Millis = 0, apart: Millis = 0
) -> None:
    """A mailing to each of these clients, and nothing else: of their visits they are not told. Nobody gets several
    mailings at once, so with ``times`` each gets so many service messages in their place.

    They are due ``after`` milliseconds from now, those of each client ``apart`` milliseconds later than the one's before.
    """
    desk = desk_of(store)
    first = desk.now() + after
    for start, some in enumerate(_chunks(numbers)):
        records: list[Booking | Message] = []
        for place, number in enumerate(some):
            due = first + (start * CHUNK + place) * apart
            for which in range(times):
                lane = MAILING_LANE if times == 1 else SERVICE_LANE
                records += (_unannounced(number, which, first), _message(number, due, which, lane))
        await store.commit(Changes(inserts=tuple(records)))


def _unannounced(number: int, which: int, now: Millis) -> Booking:
    start = now + 21 * DAY
    return Booking(
        business="b",
        id=f"v{number}-{which}",
        salon="s",
        client=f"c{number}",
        starts_at=start,
        ends_at=start + DAY // 24,
        notify={"reminders": []},
        created_at=now,
        revision=1,
    )


def _message(number: int, due: Millis, which: int, lane: int) -> Message:
    # In the words of a notice: what a mailing says decides nothing about how it travels, and reminders would go together.
    return Message(
        business="b",
        id=new_id(),
        key=f"campaign:{which}:c{number}",
        kind="booking_created",
        lane=lane,
        booking=f"v{number}-{which}",
        client=f"c{number}",
        salon="s",
        revision=1,
        channel="telegram",
        address=chat(number),
        due_at=due,
        next_at=due,
        not_after=due + 21 * DAY,
        created_at=due,
    )


def _chunks(numbers: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(numbers)
    while some := list(islice(rest, CHUNK)):
        yield some
