"""What a message is rendered and routed from: one fresh read of everything that stands behind its row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from handlers.offer_facts import NOTHING, TELLS_OF_GUEST, Beside, Guest, Purse, read_beside, read_guest
from handlers.packages import left
from handlers.reading import Key, Reading
from handlers.settings import Place, Settings, in_force, place
from handlers.staff import hears
from handlers.turn import Desk, Links
from storage.records import (
    ANSWERS_LANE,
    REACHED,
    WAITING,
    Address,
    Booking,
    Business,
    Client,
    ContentTemplate,
    Master,
    Message,
    Millis,
    Review,
    Salon,
    Service,
    StaffChat,
)
from storage.store import OneOf, Store

RINGING: Final = frozenset({"booking_created", "booking_changed", "booking_cancelled", "reminder"})
"""Messages about a visit that ring: they take the place of the older ones about it."""
REVIEWED: Final = frozenset(
    {
        "review_words",
        "review_added",
        "review_noted",
        "thanks",
        "staff_review",
        "staff_review_words",
        "staff_review_photo",
        "staff_answer_ask",
    }
)
"""Messages that speak of the review of their visit."""
LATE: Final[Millis] = 60_000
"""A reminder that goes so long after it was due may have been overtaken by another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One booking with the records it names, for messages that list several."""

    booking: Booking
    salon: Salon | None = None
    client: Client | None = None
    master: Master | None = None
    services: tuple[Service, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that stands behind one message row at this moment.

    ``salon``, ``master`` and ``services`` are the booking's, in the order of the booking; ``client`` is the recipient, or
    whom a staff row is about. ``language`` is the recipient's (``uk``, ``tr``, ``ru`` or ``en``).
    """

    now: Millis
    links: Links
    business: Business
    place: Place
    settings: Settings
    language: str
    salon: Salon | None = None
    booking: Booking | None = None
    client: Client | None = None
    master: Master | None = None
    services: tuple[Service, ...] = ()
    addresses: tuple[Address, ...] = ()
    """Where the recipient can be reached."""
    siblings: tuple[Client, ...] = ()
    """Other clients of the business with the recipient's phone: they read the same chat."""
    staff_chat: StaffChat | None = None
    staff_linked: bool = False
    """Somebody of the salon's staff hears in a chat what this client says."""
    edited: Message | None = None
    """The row that ``message.edits`` names."""
    subject: Message | None = None
    """The row that ``message.params["message"]`` names: what a card of the staff is about."""
    window_open: bool = True
    """The channel takes free text now; False only on WhatsApp, long after the person's last word."""
    visits: tuple[Visit, ...] = ()
    """The bookings whose ids ``message.params["bookings"]`` lists, in that order, those that no longer exist left out."""
    others: tuple[Message, ...] = ()
    """For a message that rings: the other messages to clients about the same visit that went; for a reminder that is late,
    also the other reminders, whatever they wait for."""
    hops: tuple[Message, ...] = ()
    """The other hops of the same message; read for hops after the first, and where the caller asked for them."""
    content: tuple[ContentTemplate, ...] = ()
    """The approved WhatsApp templates of this kind, in every language, the business's own and those that serve everybody;
    read for messages to clients that wait, where WhatsApp is on."""
    purse: Purse | None = None
    """The client's points; read for the kinds that may tell of them."""
    guest: Guest | None = None
    """Who is coming; read for the staff's cards of a visit."""
    ahead: bool = False
    """The client has a visit ahead; read for offers that make no sense then."""
    offers: tuple[Message, ...] = ()
    """For an offer that waits: the other offers to the same client that went of late, or are due."""
    review: Review | None = None
    """What was said of the visit; read for :data:`REVIEWED` kinds."""
    last_review: Review | None = None
    """The client's newest review of any visit; read for what staff read of a visit."""
    used_up: frozenset[str] = frozenset()
    """Channels whose prepaid messages are used up; read for messages to clients that wait."""


@dataclass(slots=True)
class _Batch:
    """The records behind a batch of messages."""

    businesses: Mapping[Key, Business] = field(default_factory=dict)
    salons: Mapping[Key, Salon] = field(default_factory=dict)
    masters: Mapping[Key, Master] = field(default_factory=dict)
    services: Mapping[Key, Service] = field(default_factory=dict)
    bookings: Mapping[Key, Booking] = field(default_factory=dict)
    clients: dict[Key, Client] = field(default_factory=dict)
    named: Mapping[Key, Message] = field(default_factory=dict)
    """Rows that these are about: those that they rewrite, and those that a card shows."""
    chats: Mapping[Key, StaffChat] = field(default_factory=dict)
    staff: Mapping[Key, list[StaffChat]] = field(default_factory=dict)
    """By business, twice."""
    went: Mapping[Key, list[Message]] = field(default_factory=dict)
    """By business and booking."""
    going: Mapping[Key, list[Message]] = field(default_factory=dict)
    """Reminders by business and booking, where one of them is late."""
    roots: Mapping[Key, Message] = field(default_factory=dict)
    """The first hops of later ones."""
    hops: Mapping[str, list[Message]] = field(default_factory=dict)
    """The later hops by the id of the first one."""
    own: Mapping[Key, list[Address]] = field(default_factory=dict)
    """By business and client."""
    shared: Mapping[Key, list[Address]] = field(default_factory=dict)
    """By business and phone."""
    people: Mapping[Key, list[Client]] = field(default_factory=dict)
    """By business and phone."""
    rules: dict[Key, tuple[Place, Settings]] = field(default_factory=dict)
    """By business and salon."""
    reviews: Mapping[Key, Review] = field(default_factory=dict)
    """By business and booking."""
    said: Mapping[Key, list[Review]] = field(default_factory=dict)
    """By business and client."""
    content: Mapping[Key, list[ContentTemplate]] = field(default_factory=dict)
    """By business (empty: everybody's) and kind."""
    used_up: dict[str, frozenset[str]] = field(default_factory=dict)
    """By business."""
    beside: Mapping[str, Beside] = field(default_factory=dict)
    """By message."""
    guests: dict[str, Guest] = field(default_factory=dict)
    """By message."""


async def load_facts(desk: Desk, messages: Sequence[Message], *, hops: bool = False) -> dict[str, Facts]:
    """What stands behind each of these rows now, by the id of the row; a few queries for all of them.

    ``hops``: read the other hops of every message, not only of those that are a later hop. A row whose business is not
    known (an answer to a stranger) gets a business without a name.
    """
    batch, reading = _Batch(), Reading()
    _name_visits(reading, messages, batch)
    _name_people(reading, messages, batch)
    _name_messages(reading, messages, batch, hops, desk.now())
    _name_reviews(reading, messages, batch)
    if "whatsapp" in desk.channels:
        _name_content(reading, messages, batch)
    await reading.read(desk.store)
    await _read_what_they_name(desk.store, messages, batch)
    await _read_packages(desk.store, messages, batch)
    batch.beside = await read_beside(desk.store, messages, desk.now())
    await _read_guests(desk.store, messages, batch)
    return {message.id: _facts_of(desk, message, batch) for message in messages}


def _name_visits(reading: Reading, messages: Sequence[Message], batch: _Batch) -> None:
    """Bookings, and the businesses."""
    batch.bookings = reading.by_id(Booking, ((row.business, id) for row in messages for id in _bookings_of(row)))
    batch.businesses = reading.by_id(Business, ((row.business, row.business) for row in messages))


def _bookings_of(message: Message) -> tuple[str | None, ...]:
    return (message.booking, *message.params.get("bookings", ()))


def _name_people(reading: Reading, messages: Sequence[Message], batch: _Batch) -> None:
    """Clients and the chats that are tied to them, and the staff."""
    batch.clients = reading.by_id(Client, ((row.business, row.client) for row in messages))
    batch.chats = reading.by_id(StaffChat, ((row.business, row.staff_chat) for row in messages))
    told = _told(messages)
    batch.own = reading.by(Address, "client", told)
    batch.staff = reading.by(StaffChat, "business", {(business, business) for business, _ in told})


def _told(messages: Sequence[Message]) -> set[Key]:
    """The clients that are written to."""
    return {(row.business, row.client) for row in messages if row.client and not row.staff_chat}


async def _read_what_they_name(store: Store, messages: Sequence[Message], batch: _Batch) -> None:
    """What the bookings name, and who else can be reached by the clients' phones."""
    reading, visits = Reading(), batch.bookings.values()
    salons = [(visit.business, visit.salon) for visit in visits]
    batch.salons = reading.by_id(Salon, [*salons, *((row.business, row.salon) for row in messages)])
    batch.masters = reading.by_id(Master, ((visit.business, visit.master) for visit in visits))
    batch.services = reading.by_id(Service, ((visit.business, id) for visit in visits for id in visit.services))
    guests = [(visit.business, visit.client) for visit in visits]
    others = reading.by_id(Client, (key for key in guests if key not in batch.clients))
    phones = {(key[0], client.phone) for key in _told(messages) if (client := batch.clients.get(key)) and client.phone}
    batch.shared = reading.by(Address, "phone", phones)
    batch.people = reading.by(Client, "phone", phones)
    await reading.read(store)
    batch.clients |= others


def _name_messages(reading: Reading, messages: Sequence[Message], batch: _Batch, hops: bool, now: Millis) -> None:
    """Other messages that these have to do with."""
    named = ((row.business, id) for row in messages for id in (row.edits, row.params.get("message")))
    batch.named = reading.by_id(Message, named)
    ringing = [row for row in messages if row.kind in RINGING and row.booking and not row.staff_chat]
    went = {"staff_chat": None, "status": OneOf(REACHED)}
    batch.went = reading.by(Message, "booking", _visits_of(ringing), **went)
    late = [row for row in ringing if row.kind == "reminder" and row.due_at < now - LATE]
    going = {"kind": "reminder", "staff_chat": None, "status": OneOf(("planned", "leased", "sending"))}
    batch.going = reading.by(Message, "booking", _visits_of(late), **going)
    later = [row for row in messages if hops or row.fallback_of]
    batch.roots = reading.by_id(Message, ((row.business, row.fallback_of) for row in later))
    batch.hops = reading.of(Message, "fallback_of", {row.fallback_of or row.id for row in later})


def _name_reviews(reading: Reading, messages: Sequence[Message], batch: _Batch) -> None:
    """What clients have said of these visits, and, for the staff, of earlier ones."""
    spoken = [row for row in messages if row.kind in REVIEWED]
    batch.reviews = reading.by_id(Review, ((row.business, row.booking) for row in spoken))
    cards = {(row.business, row.client) for row in messages if row.staff_chat and row.booking and row.client}
    batch.said = reading.by(Review, "client", cards)


def _name_content(reading: Reading, messages: Sequence[Message], batch: _Batch) -> None:
    """What those that wait may read as on WhatsApp."""
    asked = {(business, row.kind) for row in _waiting(messages) for business in (row.business, "")}
    batch.content = reading.by(ContentTemplate, "kind", asked, status="approved")


async def _read_packages(store: Store, messages: Sequence[Message], batch: _Batch) -> None:
    """Which channels those that wait can't take since nothing is left of what was paid for."""
    for id in {row.business for row in _waiting(messages)}:
        business = batch.businesses.get((id, id))
        if business is not None and in_force(business, None).packages:
            whats_left = await left(store, business)
            batch.used_up[id] = frozenset(channel for channel, one in whats_left.items() if one.used_up)


async def _read_guests(store: Store, messages: Sequence[Message], batch: _Batch) -> None:
    """Who comes, for the cards of visits."""
    for row in messages:
        visit = _visit(batch, row.business, row.booking) if row.kind in TELLS_OF_GUEST else None
        business = batch.businesses.get((row.business, row.business))
        if visit is not None and visit.client is not None and business is not None:
            here = place(business, visit.salon)
            batch.guests[row.id] = await read_guest(store, visit.client, visit.booking, here)


def _waiting(messages: Sequence[Message]) -> list[Message]:
    """Those to clients that wait, but for answers."""
    return [row for row in messages if row.status in WAITING and row.lane != ANSWERS_LANE and not row.staff_chat]


def _visits_of(messages: Sequence[Message]) -> set[Key]:
    return {(message.business, message.booking or "") for message in messages}


def _facts_of(desk: Desk, message: Message, batch: _Batch) -> Facts:
    business = batch.businesses.get((message.business, message.business)) or Business(
        business=message.business, id=message.business, name=""
    )
    visit = _visit(batch, message.business, message.booking)
    salon = visit.salon if visit else batch.salons.get((message.business, message.salon or ""))
    client = batch.clients.get((message.business, message.client or ""))
    chat = batch.chats.get((message.business, message.staff_chat or ""))
    addresses = _addresses(batch, message, client)
    rules = batch.rules.get((business.id, salon.id if salon else ""))
    if rules is None:
        rules = batch.rules[(business.id, salon.id if salon else "")] = (
            place(business, salon),
            in_force(business, salon),
        )
    spot, settings = rules
    beside = batch.beside.get(message.id, NOTHING)
    spoken = message.language or _language_of_chat(message, addresses) or spot.language
    return Facts(
        now=desk.now(),
        links=desk.links,
        business=business,
        place=spot,
        settings=settings,
        language=chat.language if chat else (client and client.language) or spoken,
        salon=salon,
        booking=visit.booking if visit else None,
        client=client,
        master=visit.master if visit else batch.masters.get((message.business, message.master or "")),
        services=visit.services if visit else (),
        addresses=addresses,
        siblings=_siblings(batch, client),
        staff_chat=chat,
        staff_linked=_staff_hears(batch, settings, message, visit),
        edited=batch.named.get((message.business, message.edits or "")),
        subject=batch.named.get((message.business, message.params.get("message", ""))),
        visits=tuple(
            found for id in message.params.get("bookings", ()) if (found := _visit(batch, message.business, id))
        ),
        others=tuple(row for row in _others(batch, message) if row.id != message.id),
        hops=tuple(row for row in _hops(batch, message) if row.id != message.id),
        content=tuple(
            row for business in (message.business, "") for row in batch.content.get((business, message.kind), ())
        ),
        purse=beside.purse,
        guest=batch.guests.get(message.id),
        ahead=beside.ahead,
        offers=beside.offers,
        review=batch.reviews.get((message.business, message.booking or "")),
        last_review=max(
            batch.said.get((message.business, message.client or ""), ()), key=lambda one: (one.at, one.id), default=None
        ),
        used_up=batch.used_up.get(message.business, frozenset()),
    )


def _visit(batch: _Batch, business: str, id: str | None) -> Visit | None:
    booking = batch.bookings.get((business, id)) if id else None
    if booking is None:
        return None
    return Visit(
        booking=booking,
        salon=batch.salons.get((business, booking.salon)),
        client=batch.clients.get((business, booking.client or "")),
        master=batch.masters.get((business, booking.master or "")),
        services=tuple(
            service for id in booking.services if (service := batch.services.get((business, id))) is not None
        ),
    )


def _addresses(batch: _Batch, message: Message, client: Client | None) -> tuple[Address, ...]:
    """The chats tied to the client, and those of the client's phone that are not tied to somebody else."""
    if client is None or message.staff_chat:
        return ()
    rows = {row.id: row for row in batch.own.get((client.business, client.id), ())}
    for row in batch.shared.get((client.business, client.phone or ""), ()):
        if row.client in (None, client.id):
            rows[row.id] = row
    return tuple(rows.values())


def _language_of_chat(message: Message, addresses: tuple[Address, ...]) -> str | None:
    return next((row.language for row in addresses if row.language and row.address == message.address), None)


def _siblings(batch: _Batch, client: Client | None) -> tuple[Client, ...]:
    if client is None or client.phone is None:
        return ()
    same = batch.people.get((client.business, client.phone), ())
    return tuple(person for person in same if person.id != client.id)


def _staff_hears(batch: _Batch, settings: Settings, message: Message, visit: Visit | None) -> bool:
    salon, master = (visit.booking.salon, visit.booking.master) if visit else (message.salon, message.master)
    if not settings.staff.get("client_message", False):
        return False
    return any(
        hears(chat, salon, master, "client_message")
        for chat in batch.staff.get((message.business, message.business), ())
    )


def _others(batch: _Batch, message: Message) -> Sequence[Message]:
    key = (message.business, message.booking or "")
    return (*batch.went.get(key, ()), *batch.going.get(key, ())) if message.kind in RINGING else ()


def _hops(batch: _Batch, message: Message) -> Sequence[Message]:
    """All hops of this message, the first one first."""
    root = batch.roots.get((message.business, message.fallback_of or ""))
    return (*([root] if root else ()), *batch.hops.get(message.fallback_of or message.id, ()))
