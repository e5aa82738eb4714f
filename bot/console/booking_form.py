"""The form of a booking: what stands in it, and the booking that comes of what was posted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any, Final

from multidict import MultiDict

from bot.console.site import Call
from handlers import formats
from handlers.attendance import as_it_is
from handlers.console_bookings import HOUR, costs, lasts
from handlers.day_cards import start_of
from handlers.finding import find_clients
from handlers.i18n import mark
from handlers.people import normal_phone
from handlers.settings import place
from handlers.visits import Wanted
from storage.records import Booking, Client, Master, Salon, Service

MOST: Final = 500
FOUND: Final = 10
LONGEST_TEXT: Final = 200
MINUTE: Final = 60_000
MOST_MINUTES: Final = 960
MOST_MONEY: Final = 10**9
NO_CLIENT: Final = mark("Choose a client, or write the name of a new one.")
WHICH_CLIENT: Final = mark("Choose one of the clients who were found, or a new one.")
NOBODY: Final = mark("Nobody is found. Write the name of a new client.")
KNOWN: Final = mark("A client with this phone is known already: choose that one.")
NO_PLACE: Final = mark("Choose the specialist or the location.")
NO_START: Final = mark("Choose the day and the time.")
NO_SERVICE: Final = mark("Choose a service, or write how long the visit lasts.")
WRONG_MINUTES: Final = mark("Write how long the visit lasts as whole minutes.")
WRONG_PRICE: Final = mark("Write the price as a number.")
WRONG_PHONE: Final = mark("Check the phone: write it with + and the country code.")


class Wrong(Exception):
    """What was typed is no booking yet. ``found``: the clients to choose from."""

    def __init__(self, faults: Sequence[str], found: Sequence[Client] = ()) -> None:
        super().__init__(*faults)
        self.faults, self.found = list(faults), list(found)


@dataclass(frozen=True, slots=True)
class Person:
    """Who comes: the id, the fields of a new client, or what is wrong; and whom to choose from."""

    id: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    fault: str | None = None
    found: tuple[Client, ...] = ()


@dataclass(frozen=True, slots=True)
class House:
    """What a booking may name: the salons that the person sees, their masters, and the services of the business."""

    salons: tuple[Salon, ...]
    masters: tuple[Master, ...]
    services: tuple[Service, ...]

    def places(self, call: Call) -> list[tuple[str, str]]:
        """Each master and each salon, as ``salon~master`` and the words for it. No id holds a tilde."""
        names = {salon.id: salon.name for salon in self.salons}
        many = len(names) > 1
        masters = [
            (f"{one.salon}~{one.id}", f"{one.name} · {names[one.salon]}" if many else one.name)
            for one in sorted(self.masters, key=lambda one: (names[one.salon], one.name))
        ]
        nobody = call.t(mark("No specialist named"))
        return masters + [(f"{id}~", f"{nobody} · {name}" if many else nobody) for id, name in names.items()]


async def house_of(call: Call) -> House:
    """Read what the person may book."""
    salons = await call.salons()
    everybody = {"business": call.business.id}
    masters = await call.desk.store.find(Master, everybody, limit=MOST)
    services = await call.desk.store.find(Service, everybody, limit=MOST)
    seen = {salon.id for salon in salons}
    here = [one for one in masters if one.salon in seen and call.visitor.master in (None, one.id)]
    return House(tuple(salons), tuple(here), tuple(sorted(services, key=lambda one: one.name)))


def values_of(call: Call, booking: Booking, house: House) -> dict[str, Any]:
    """What stands in the form of a stored booking; length and price only where the services say otherwise."""
    start, services = formats.local(booking.starts_at, call.zone), _services(house, booking.services)
    currency = booking.currency or call.business.currency
    usual = booking.ends_at - booking.starts_at == (lasts(services) or HOUR)
    priced = booking.price is None or booking.price == costs(services, currency)
    return {
        "place": f"{booking.salon}~{booking.master or ''}",
        "services": list(booking.services),
        "day": start.date().isoformat(),
        "time": start.strftime("%H:%M"),
        "minutes": "" if usual else str((booking.ends_at - booking.starts_at) // MINUTE),
        "price": "" if priced or booking.price is None else f"{booking.price / 100:.2f}",
    }


def typed(form: MultiDict[str]) -> dict[str, Any]:
    """What was posted, as it was."""
    names = ("place", "day", "time", "minutes", "price", "q", "client", "name", "phone")
    return {name: form.get(name, "").strip()[:LONGEST_TEXT] for name in names} | {
        "services": form.getall("services", [])
    }


async def wanted_of(call: Call, id: str, values: Mapping[str, Any], house: House, stored: Booking | None) -> Wanted:
    """The booking that ``values`` describe; a new client has the booking's id. Raises :class:`Wrong`."""
    salon_id, _, master = values["place"].partition("~")
    salon = next((one for one in house.salons if one.id == salon_id), None)
    services = _ordered(_services(house, values["services"]), stored)
    start, length = _start(call, values), _length(values["minutes"], services)
    priced = _price(values["price"]) if values["price"] else 0
    person = await _client(call, id, values, salon) if stored is None else Person(stored.client or "")
    checks = (
        (values["place"] in dict(house.places(call)), NO_PLACE),
        (start is not None, NO_START),
        (length is not None, WRONG_MINUTES if values["minutes"] else NO_SERVICE),
        (priced is not None, WRONG_PRICE),
        (person.fault is None, person.fault or ""),
    )
    faults = [fault for sound, fault in checks if not sound]
    if faults or start is None or length is None:
        raise Wrong(faults, person.found)
    price, currency = _cost(call, values, salon, services, stored)
    told = Wanted(
        salon=salon_id,
        client_id=person.id,
        client_fields=person.fields,
        master=master or None,
        services=tuple(one.id for one in services),
        starts_at=start,
        ends_at=start + length,
        price=price,
        currency=currency,
    )
    return told if stored is None else _changed(stored, told)


def _length(minutes: str, services: Sequence[Service]) -> int | None:
    """How long the visit lasts; None where nobody says, or what is said is no length."""
    if not minutes:
        return (lasts(services) or HOUR) if services else None
    sound = minutes.isascii() and minutes.isdigit() and len(minutes) < 5 and 0 < int(minutes) <= MOST_MINUTES
    return int(minutes) * MINUTE if sound else None


def _cost(
    call: Call, values: Mapping[str, Any], salon: Salon | None, services: Sequence[Service], stored: Booking | None
) -> tuple[int | None, str | None]:
    """Price and currency: as typed, else what the services cost. A stored visit without a price keeps none."""
    currency = (stored and stored.currency) or place(call.business, salon).currency
    unpriced = stored is not None and stored.price is None and stored.services == tuple(one.id for one in services)
    price = _price(values["price"]) if values["price"] else None if unpriced else costs(services, currency)
    return price, currency if price is not None else stored.currency if stored else None


def _changed(stored: Booking, told: Wanted) -> Wanted:
    """The stored booking with what the form says of it. One that is moved waits for the client's word anew."""
    stays = (told.starts_at, told.salon) == (stored.starts_at, stored.salon)
    status = stored.status if stays or stored.status != "confirmed" else "booked"
    return replace(
        as_it_is(stored, stored.client or "", status),
        salon=told.salon,
        master=told.master,
        services=told.services,
        starts_at=told.starts_at,
        ends_at=told.ends_at,
        price=told.price,
        currency=told.currency,
    )


async def _client(call: Call, id: str, values: Mapping[str, Any], salon: Salon | None) -> Person:
    """The client who was chosen or is the only one found, or a new one."""
    if values["client"]:
        known = await call.desk.store.get(Client, call.business.id, values["client"])
        return Person(known.id, found=(known,)) if known else Person(fault=NO_CLIENT)
    if values["name"]:
        return await _new_client(call, id, values, salon)
    if not values["q"]:
        return Person(fault=NO_CLIENT)
    found = tuple(await find_clients(call.desk, call.business, values["q"], FOUND))
    if len(found) == 1:
        return Person(found[0].id, found=found)
    return Person(fault=WHICH_CLIENT if found else NOBODY, found=found)


async def _new_client(call: Call, id: str, values: Mapping[str, Any], salon: Salon | None) -> Person:
    fields: dict[str, Any] = {"name": values["name"]}
    if not values["phone"]:
        return Person(id, fields)
    phone = normal_phone(values["phone"], place(call.business, salon).country)
    if phone is None:
        return Person(fault=WRONG_PHONE)
    where = {"business": call.business.id, "phone": phone}
    same = tuple(await call.desk.store.find(Client, where, order=("phone", "id"), limit=FOUND))
    if any(one.id != id and one.name.casefold() == values["name"].casefold() for one in same):
        return Person(fault=KNOWN, found=same)
    return Person(id, fields | {"phone": phone})


def _services(house: House, ids: Sequence[str]) -> list[Service]:
    """The services with these ids, in the order of the ids; unknown ones are passed over."""
    known = {one.id: one for one in house.services}
    return [known[id] for id in dict.fromkeys(ids) if id in known]


def _ordered(services: list[Service], stored: Booking | None) -> list[Service]:
    """In the order of the stored booking as far as it goes: a form has an order of its own."""
    known = stored.services if stored else ()
    return sorted(services, key=lambda one: known.index(one.id) if one.id in known else len(known))


def _start(call: Call, values: Mapping[str, Any]) -> int | None:
    try:
        day, at = date.fromisoformat(values["day"]), time.fromisoformat(values["time"])
    except ValueError:
        return None
    if at.tzinfo is not None or not 1970 <= day.year < 2200:
        return None
    return start_of(day, call.zone, at.replace(second=0, microsecond=0))


def _price(text: str) -> int | None:
    """Hundredths; None where it is no sum."""
    plain = text.replace(",", ".").replace(" ", "").replace("\u00a0", "")
    whole, _, rest = plain.partition(".")
    if not (
        whole.isascii() and whole.isdigit() and len(rest) <= 2 and (not rest or (rest.isascii() and rest.isdigit()))
    ):
        return None
    sum_ = int(whole[:12]) * 100 + int((rest + "00")[:2])
    return sum_ if sum_ <= MOST_MONEY else None


def next_hour(call: Call) -> datetime:
    """The next full hour on the business's clock, for an empty form."""
    there = formats.local(call.now + HOUR, call.zone)
    return there.replace(minute=0, second=0, microsecond=0)
