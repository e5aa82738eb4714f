"""What the client's pages show, and what a press on them means. No HTTP here; the same decisions as in a chat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Final, Literal

from handlers import page_links
from handlers.bonuses import read_ledger
from handlers.consent import word_given
from handlers.decisions import Decision, carried_out, decide, is_over
from handlers.durations import local_day, moment_of
from handlers.i18n import language_of
from handlers.presence import PEOPLE_AT_ONE_PHONE
from handlers.settings import Place, place
from handlers.staff import chats_for
from handlers.turn import Desk
from handlers.wording_choices import waits_for_word
from storage.records import Booking, Business, Client, Master, Millis, PageLink, Salon, Service
from storage.store import Changes, Conflict, OneOf, Range, StoreBusy

TRIES: Final = 5
MIDNIGHT: Final = time(0)
MOST_OTHERS: Final = 20
PAGE: Final = "page"
"""The channel of an answer, and the place of a word on messages, given on a page."""
PRESSES: Final = ("confirm", "move", "cancel_yes")
"""What can be pressed about a visit; the verbs of :mod:`handlers.decisions`."""
WORDS: Final = ("offers", "stop", "all_on", "all_off")
"""What can be pressed about messages; the commands of :mod:`handlers.consent`."""
BETWEEN: Final = "~"
"""Parts a business's id from a salon's in the address of the salon's page; no id can hold it."""

State = Literal["asked", "confirmed", "move_requested", "cancelled_by_client", "cancelled_by_salon", "past"]


@dataclass(frozen=True, slots=True)
class Person:
    """A client, as a page speaks to them. ``salon`` is None where no visit is spoken of."""

    business: Business
    client: Client
    salon: Salon | None

    @property
    def place(self) -> Place:
        """Where the salon is, or the business as a whole."""
        return place(self.business, self.salon)

    @property
    def language(self) -> str:
        """The language to speak where no other is asked for."""
        return language_of(self.client.language, language_of(self.place.language, "uk"))


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit as its page shows it. ``services`` are in the order of the booking."""

    person: Person
    booking: Booking
    master: Master | None
    services: tuple[Service, ...]
    state: State
    staffed: bool
    """The staff hear in a chat of who asks to move."""
    points: int = 0
    """The client's bonus points."""
    others: tuple[Other, ...] = ()
    """What else is ahead on this day in this salon for whoever has the client's phone: one phone is one reader."""


@dataclass(frozen=True, slots=True)
class Other:
    """Another visit, as the page of the first one lists it."""

    booking: Booking
    client: Client
    services: tuple[Service, ...]
    state: State


async def visit_behind(desk: Desk, token: str) -> Visit | None:
    """The visit that ``token`` opens, None where it opens nothing: unknown, or the booking is somebody else's by now."""
    link = await page_links.find(desk, "visit", token)
    booking = await _booking_of(desk, link) if link else None
    person = await _person(desk, link, booking.salon) if link and booking else None
    if booking is None or person is None:
        return None
    owner = person.business.id
    master = await desk.store.get(Master, owner, booking.master) if booking.master else None
    others = await _others(desk, person, booking)
    named = dict.fromkeys(id for visit in (booking, *(other for other, _ in others)) for id in visit.services)
    known = await desk.store.get_many(Service, [(owner, id) for id in named])
    chats = await chats_for(desk, person.business, person.salon, booking.master, "move_requested")
    return Visit(
        person,
        booking,
        master,
        _services(booking, known),
        _state(booking, desk.now()),
        bool(chats),
        (await read_ledger(desk, owner, person.client.id)).balance,
        tuple(Other(other, client, _services(other, known), _state(other, desk.now())) for other, client in others),
    )


def _services(booking: Booking, known: Mapping[tuple[str, str], Service]) -> tuple[Service, ...]:
    named = ((booking.business, id) for id in booking.services)
    return tuple(known[key] for key in named if key in known)


async def _others(desk: Desk, person: Person, booking: Booking) -> list[tuple[Booking, Client]]:
    """The other visits of the same day, salon and phone that are still ahead, and whose each is."""
    zone = person.place.zone
    day = local_day(booking.starts_at, zone)
    since = max(moment_of(day, MIDNIGHT, zone), desk.now() + 1)
    until = moment_of(day + timedelta(days=1), MIDNIGHT, zone)
    if since >= until:
        return []
    people = {client.id: client for client in await _readers(desk, person.client)}
    where = {"business": booking.business, "client": OneOf(tuple(sorted(people))), "starts_at": Range(since, until)}
    found = await desk.store.find(Booking, where, order=("starts_at", "id"), limit=MOST_OTHERS)
    return [
        (visit, people[visit.client])
        for visit in found
        if visit.client is not None and visit.salon == booking.salon and visit.id != booking.id
        if visit.status in ("booked", "confirmed")
    ]


def _state(booking: Booking, now: Millis) -> State:
    if booking.status == "cancelled":
        return "cancelled_by_client" if booking.cancelled_by == "client" else "cancelled_by_salon"
    if is_over(booking, now):
        return "past"
    if booking.answer == "move_requested":
        return "move_requested"
    return "confirmed" if booking.status == "confirmed" else "asked"


async def person_behind(desk: Desk, token: str) -> Person | None:
    """The client whose page of messages ``token`` opens; None where it opens nothing."""
    link = await page_links.find(desk, "settings", token)
    return await _person(desk, link, None) if link else None


async def _booking_of(desk: Desk, link: PageLink) -> Booking | None:
    booking = await desk.store.get(Booking, link.owner, link.subject)
    return booking if booking is not None and booking.client == link.client else None


async def _person(desk: Desk, link: PageLink, salon: str | None) -> Person | None:
    business = await desk.store.get(Business, link.owner, link.owner)
    client = await desk.store.get(Client, link.owner, link.client or "")
    if business is None or client is None:
        return None
    return Person(business, client, await desk.store.get(Salon, link.owner, salon) if salon else None)


async def press_visit(desk: Desk, token: str, verb: str, seen: int) -> Decision | None:
    """Carry out ``verb`` (one of :data:`PRESSES`) on the visit that ``token`` opens, in view at revision ``seen``.

    None where the token opens nothing. Raises :class:`StoreBusy` when others kept changing the same booking.
    """
    for _ in range(TRIES):
        link = await page_links.find(desk, "visit", token)
        booking = await _booking_of(desk, link) if link else None
        business = await desk.store.get(Business, link.owner, link.owner) if link else None
        if booking is None or business is None:
            return None
        decision = decide(booking, verb, seen=seen, now=desk.now(), channel=PAGE)
        if await _committed(desk, await carried_out(desk, business, decision)):
            return decision
    raise StoreBusy("the booking kept changing")


async def press_all(desk: Desk, token: str, seen: Mapping[str, int]) -> bool:
    """Confirm those visits of a page that wait for a word, and that are still as they were shown: ``seen`` gives the
    revision of each booking in view. False where the token opens nothing. Raises :class:`StoreBusy`."""
    for _ in range(TRIES):
        visit = await visit_behind(desk, token)
        if visit is None:
            return False
        changes = Changes()
        for booking in (visit.booking, *(other.booking for other in visit.others)):
            if booking.id in seen and waits_for_word(booking, desk.now()):
                decision = decide(booking, "confirm", seen=seen[booking.id], now=desk.now(), channel=PAGE)
                changes += await carried_out(desk, visit.person.business, decision)
        if await _committed(desk, changes):
            return True
    raise StoreBusy("a booking kept changing")


async def press_messages(desk: Desk, purpose: Literal["visit", "settings"], token: str, word: str, said: str) -> bool:
    """Switch offers or all messages on or off (``word``: one of :data:`WORDS`) for the client behind ``token``.

    It holds for everybody of the business with that phone: one phone is one reader. ``said`` are the words on the button,
    for the ledger. False where the token opens nothing. Raises :class:`StoreBusy`.
    """
    for _ in range(TRIES):
        link = await page_links.find(desk, purpose, token)
        booking = await _booking_of(desk, link) if link and purpose == "visit" else None
        if link is None or (purpose == "visit" and booking is None):
            return False
        person = await _person(desk, link, None)
        if person is None:
            return False
        changes = Changes()
        for client in await _readers(desk, person.client):
            if not _says_already(client, word):
                changes += await word_given(desk, client, word, at=desk.now(), place=PAGE, words=said)
        if await _committed(desk, changes):
            return True
    raise StoreBusy("the client kept changing")


async def _readers(desk: Desk, client: Client) -> list[Client]:
    if client.phone is None:
        return [client]
    same = {"business": client.business, "phone": client.phone}
    return await desk.store.find(Client, same, limit=PEOPLE_AT_ONE_PHONE)


def _says_already(client: Client, word: str) -> bool:
    """A second press of the same button is no second word."""
    if word in ("all_on", "all_off"):
        return client.silent == (word == "all_off")
    return client.marketing_consent is (word == "offers")


async def _committed(desk: Desk, changes: Changes) -> bool:
    """True once they are stored, or where there is nothing to store; False where somebody else was faster."""
    if not changes:
        return True
    try:
        await desk.store.commit(changes)
    except Conflict:
        return False
    return True


async def salon_named(desk: Desk, name: str) -> tuple[Business, Salon] | None:
    """The salon of a public page: ``business~salon``, or the salon's id alone while only one business has such a one."""
    owner, parted, id = name.partition(BETWEEN)
    where = {"business": owner, "id": id} if parted else {"id": name}
    found = await desk.store.find(Salon, where, limit=2)
    if len(found) != 1:
        return None
    business = await desk.store.get(Business, found[0].business, found[0].business)
    return (business, found[0]) if business is not None else None
