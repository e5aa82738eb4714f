"""A salon with as many visits as are wanted: real records, each with a person and a chat of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from handlers.turn import Desk, Links
from handlers.visits import Wanted, decide
from storage.records import Address, Business, Client, Master, Millis, Salon, Service, address_id
from storage.store import Changes, Store

DAY: Final[Millis] = 86_400_000
CHUNK: Final = 200
MASTERS: Final = ("Ірина", "Тарас", "Соломія", "Марко", "Дарина")
SERVICES: Final = (("cut", "Стрижка"), ("colour", "Фарбування"), ("nails", "Манікюр"))
NAMES: Final = ("Олена", "Андрій", "Надія", "Юрій", "Катерина", "Богдан", "Леся")
BUSINESS: Final = Business(
    business="b",
    id="b",
    name="Мрія",
    country="UA",
    settings={"quiet_hours": False, "channels": ["telegram", "whatsapp"]},
)


def chat(number: int) -> str:
    """The Telegram chat of person `number`."""
    return str(1_000_000 + number)


def phone(number: int) -> str:
    """The phone of person `number`."""
    return f"+38067{number:07}"


def furniture() -> Changes:
    """The business, its salon, masters and services."""
    salon = Salon(business="b", id="s", name="Салон «Мрія»", address="вул. Хрещатик, 1, Київ", phone="+380441234567")
    masters = tuple(Master(business="b", id=f"m{n}", salon="s", name=name) for n, name in enumerate(MASTERS))
    services = tuple(
        Service(business="b", id=id, name=name, duration="PT1H", price=65_000, currency="UAH") for id, name in SERVICES
    )
    return Changes(inserts=(BUSINESS, salon, *masters, *services))


def person(number: int) -> tuple[Client, Address]:
    """A client, and the chat that a one-time link tied to them."""
    id = f"c{number}"
    client = Client(business="b", id=id, name=NAMES[number % len(NAMES)], phone=phone(number), language="uk")
    here = Address(
        business="b",
        id=address_id("telegram", chat(number), id),
        channel="telegram",
        address=chat(number),
        client=id,
    )
    return client, here


def visit(number: int, starts_at: Millis, **fields: Any) -> Wanted:
    """A visit that the client booked."""
    given: dict[str, Any] = {"created_by": "client", "notify": {"reminders": []}, **fields}
    return Wanted(
        salon="s",
        client_id=f"c{number}",
        master=f"m{number % len(MASTERS)}",
        services=(SERVICES[number % len(SERVICES)][0],),
        starts_at=starts_at,
        **given,
    )


async def fill(store: Store, numbers: range, due: Callable[[int], Millis]) -> None:
    """The salon, and a visit for each of these people whose notice is due at `due(number)`, planned as the API does."""
    await store.commit(furniture())
    for some in _chunks(numbers):
        await store.commit(Changes(inserts=tuple(row for number in some for row in person(number))))
        changes = Changes()
        for number in some:
            desk = desk_at(store, due(number))
            changes += (await decide(desk, BUSINESS, f"v{number}", visit(number, due(number) + 21 * DAY)))[1]
        await store.commit(changes)


def desk_at(store: Store, now: Millis) -> Desk:
    """A desk at which it is always `now`."""
    return Desk(store, lambda: now, Links(None, b"s" * 32), frozenset({"telegram"}))


def _chunks(numbers: range) -> Iterator[range]:
    for start in range(0, len(numbers), CHUNK):
        yield numbers[start : start + CHUNK]
