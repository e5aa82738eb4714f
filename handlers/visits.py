"""Bookings as the booking system tells them: what a PUT means for the visit, for its messages, and for the staff."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from handlers import client_words, durations, loyalty, page_links, staff
from handlers.consent import offers_taken_back
from handlers.events import of_booking
from handlers.invalid import Invalid
from handlers.people import consent_entry, merge_client
from handlers.plan import cancellation_for
from handlers.privacy import admitted
from handlers.replan import Surroundings, addresses_of, asked_of, replan_client, replanned, rows_of
from handlers.settings import in_force, place
from handlers.turn import Desk
from storage.records import (
    REACHED,
    WAITING,
    Booking,
    BookingStatus,
    Business,
    Client,
    Master,
    Message,
    Millis,
    Salon,
    Service,
)
from storage.store import Changes, Conflict, Put, StoreBusy

TRIES = 5
"""How often a decision is made anew after a conflict before the caller is told to come again."""
HOUR: Millis = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A booking as the caller wants it, normalised: times in milliseconds, money in hundredths, phones in E.164."""

    salon: str
    client_id: str
    client_fields: Mapping[str, Any] = field(default_factory=dict)
    """The client's fields that were given, to be merged into the client."""
    master: str | None = None
    services: tuple[str, ...] = ()
    starts_at: Millis
    ends_at: Millis | None = None
    price: int | None = None
    currency: str | None = None
    status: BookingStatus = "booked"
    created_by: Literal["staff", "client"] = "staff"
    created_at: Millis | None = None
    source: str | None = None
    version: int | None = None
    notify: Mapping[str, Any] = field(default_factory=dict)
    reopen: bool = False
    news: bool = True
    """False: it is brought along from elsewhere, where everybody knew of it. The staff do not hear of it, and if it has
    begun already, nothing follows from it."""


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a PUT. ``in_flight``: ids of messages that were on the wire when they became untrue."""

    booking: Booking
    created: bool = False
    changed: bool = False
    in_flight: tuple[str, ...] = ()


async def put_booking(desk: Desk, business: Business, id: str, wanted: Wanted) -> Placed:
    """Store ``wanted`` as the booking ``id``, with all messages that follow from it, in one commit.

    Raises :class:`Invalid` with pointers for what is unknown or missing, :class:`StoreBusy` when others kept changing
    the same booking.
    """
    for _ in range(TRIES):
        placed, changes = await decide(desk, business, id, wanted)
        if not changes:
            return placed
        try:
            await desk.store.commit(changes)
        except Conflict:
            continue
        return placed
    raise StoreBusy(f"booking {id} kept changing")


async def decide(desk: Desk, business: Business, id: str, wanted: Wanted) -> tuple[Placed, Changes]:
    """What a PUT makes of the booking ``id``, and what must be committed for it to be so. Raises :class:`Invalid`."""
    stored = await desk.store.get(Booking, business.id, id)
    if stored and stored.version is not None and wanted.version is not None and wanted.version < stored.version:
        return Placed(stored), Changes()
    salon, services = await _known(desk, business, wanted)
    before = await desk.store.get(Client, business.id, wanted.client_id)
    said = wanted.client_fields
    if before is None:
        said = await admitted(
            desk, business.id, wanted.client_id, said, _made_at(stored, wanted, desk.now()), "/client"
        )
    client = merge_client(before, business.id, wanted.client_id, said, desk.now())
    fresh = _booking(desk, business, id, wanted, services)
    if stored and wanted.created_at is None:
        fresh = replace(fresh, created_at=stored.created_at)
    if stored is None:
        return await _made(desk, business, salon, before, client, fresh, wanted.news)
    rows = await rows_of(desk, stored)
    booking = _after(stored, fresh, rows, wanted.reopen, desk.now())
    if booking == stored and client == before:
        return Placed(stored), Changes()
    return await _changed(desk, business, salon, before, client, stored, booking, rows)


def _made_at(stored: Booking | None, wanted: Wanted, now: Millis) -> Millis:
    """When the client booked, as far as anybody knows: what was never told of before its start is as old as that."""
    if wanted.created_at is not None:
        return wanted.created_at
    return stored.created_at if stored is not None else min(now, wanted.starts_at)


async def _known(desk: Desk, business: Business, wanted: Wanted) -> tuple[Salon, list[Service]]:
    """The salon and services that are named, or every pointer at which something unknown is named."""
    errors = []
    salon = await desk.store.get(Salon, business.id, wanted.salon)
    if salon is None:
        errors.append(("/salon", f"there is no salon {wanted.salon!r}: PUT it first"))
    if wanted.master is not None and await desk.store.get(Master, business.id, wanted.master) is None:
        errors.append(("/master", f"there is no master {wanted.master!r}: PUT it first"))
    found = await desk.store.get_many(Service, [(business.id, service) for service in wanted.services])
    for index, service in enumerate(wanted.services):
        if (business.id, service) not in found:
            errors.append((f"/services/{index}", f"there is no service {service!r}: PUT it first"))
    if errors or salon is None:
        raise Invalid(errors)
    return salon, [found[(business.id, service)] for service in wanted.services]


def _booking(desk: Desk, business: Business, id: str, wanted: Wanted, services: list[Service]) -> Booking:
    """``wanted`` as a new record of revision 1."""
    now = desk.now()
    lasts = sum(durations.length(durations.parse(service.duration)) for service in services if service.duration)
    return Booking(
        business=business.id,
        id=id,
        salon=wanted.salon,
        client=wanted.client_id,
        master=wanted.master,
        services=wanted.services,
        starts_at=wanted.starts_at,
        ends_at=wanted.ends_at if wanted.ends_at is not None else wanted.starts_at + (lasts or HOUR),
        price=wanted.price,
        currency=wanted.currency,
        status=wanted.status,
        created_by=wanted.created_by,
        created_at=wanted.created_at if wanted.created_at is not None else now,
        source=wanted.source,
        version=wanted.version,
        notify=wanted.notify,
        cancelled_by="staff" if wanted.status == "cancelled" else None,
        arrived_at=now if wanted.status == "arrived" else None,
        first_seen_at=now,
        updated_at=now,
        revision=1,
        booked_at=now,
        cancelled_revision=1 if wanted.status == "cancelled" else None,
        cancelled_at=now if wanted.status == "cancelled" else None,
    )


async def _made(
    desk: Desk, business: Business, salon: Salon, before: Client | None, client: Client, booking: Booking, news: bool
) -> tuple[Placed, Changes]:
    changes = await _client_put(desk, business, before, client, booking.id)
    changes += Changes(puts=(Put(booking, expect=0),))
    if not news and booking.starts_at <= desk.now():
        return Placed(booking, created=True, changed=True), changes
    around = await _around(desk, business, salon, client, booking)
    changes += _pages(desk, booking)
    changes += replanned(desk, booking, around, ()).changes
    if news and booking.starts_at > desk.now() and booking.status in ("booked", "confirmed"):
        changes += await staff.announce(desk, business, salon, booking, "booking_created")
    changes += await loyalty.followed(desk, business, salon, client, None, booking)
    return Placed(booking, created=True, changed=True), changes


async def _changed(
    desk: Desk,
    business: Business,
    salon: Salon,
    before: Client | None,
    client: Client,
    stored: Booking,
    booking: Booking,
    rows: list[Message],
) -> tuple[Placed, Changes]:
    changes = await _client_put(desk, business, before, client, booking.id)
    if booking != stored:
        changes += Changes(puts=(Put(booking, expect=stored.revision),)) + _pages(desk, booking)
    around = await _around(desk, business, salon, client, booking)
    reconciled = replanned(desk, booking, around, rows)
    changes += reconciled.changes
    changes += await loyalty.followed(desk, business, salon, client, stored, booking)
    if stored.client != booking.client and stored.client is not None and stored.starts_at > desk.now():
        changes += await _tell_former(desk, business, stored, booking, rows)
    tellers = await desk.store.get_many(Message, [(business.id, id) for id in reconciled.tellers])
    in_flight = (*reconciled.in_flight, *(row.id for row in tellers.values() if row.status == "sending"))
    event = _event(stored, booking)
    if event == "booking_cancelled":
        changes += await of_booking(desk, booking, "visit.cancelled", by=booking.cancelled_by)
    if event is not None and max(stored.starts_at, booking.starts_at) > desk.now():
        changes += await staff.announce(desk, business, salon, booking, event, was=stored)
    return Placed(booking, changed=True, in_flight=in_flight), changes


def _pages(desk: Desk, booking: Booking) -> Changes:
    return page_links.for_visit(desk, booking) + page_links.for_review(desk, booking)


async def _around(desk: Desk, business: Business, salon: Salon, client: Client, booking: Booking) -> Surroundings:
    """What the plan of a booking depends on, its client as it will be after the commit."""
    addresses, asked = await addresses_of(desk, client), await asked_of(desk, client, booking)
    return Surroundings(business, salon, client, addresses, asked)


async def _client_put(
    desk: Desk, business: Business, before: Client | None, client: Client, booking: str | None = None
) -> Changes:
    """The client as merged, the word on offers in the ledger, and the other visits planned anew for a new phone."""
    if client == before:
        return Changes()
    changes = Changes(puts=(Put(client, expect=before.revision if before else 0),))
    changes += consent_entry(before, client, desk.now()) + page_links.for_client(desk, client)
    changes += await offers_taken_back(desk, before, client)
    changes += client_words.rows_for(before, client)
    if before is not None and before.phone != client.phone:
        addresses = await addresses_of(desk, client)
        changes += await replan_client(desk, business, client, addresses, but=booking)
    return changes


async def _tell_former(
    desk: Desk, business: Business, stored: Booking, booking: Booking, rows: list[Message]
) -> Changes:
    """The cancellation for the client who had this booking before, if a notice of it ever went out or may have."""
    former = await desk.store.get(Client, business.id, stored.client or "")
    if former is None or stored.status == "cancelled" or _notice_waits(stored, rows):
        return Changes()
    salon = await desk.store.get(Salon, business.id, stored.salon)
    addresses = await addresses_of(desk, former)
    row = cancellation_for(
        stored,
        former,
        revision=booking.revision,
        settings=in_force(business, salon),
        place=place(business, salon),
        now=desk.now(),
        addresses=addresses,
        linked_channels=desk.channels,
    )
    return Changes(inserts=(row,))


def _notice_waits(booking: Booking, rows: list[Message]) -> bool:
    """True while the client has not been told of the booking at all and will be, with the truth of that moment."""
    return any(
        row.kind == "booking_created"
        and row.client == booking.client
        and row.revision >= booking.booked_revision
        and row.status in WAITING
        and row.attempts == 0
        for row in rows
    )


def _event(stored: Booking, booking: Booking) -> str | None:
    """What the staff hear of this change; None where nothing changed that concerns them."""
    if booking.status == "cancelled":
        return "booking_cancelled" if stored.status != "cancelled" else None
    if stored.status == "cancelled":
        return "booking_created"
    seen = ("starts_at", "salon", "client", "master", "services")
    return "booking_changed" if any(getattr(stored, name) != getattr(booking, name) for name in seen) else None


def _after(stored: Booking, fresh: Booking, rows: list[Message], reopen: bool, now: Millis) -> Booking:
    """The stored booking after the caller's ``fresh`` one; equal to ``stored`` where nothing changes."""
    same_visit = (stored.client, stored.starts_at, stored.salon) == (fresh.client, fresh.starts_at, fresh.salon)
    booking = replace(
        stored,
        salon=fresh.salon,
        client=fresh.client,
        master=fresh.master,
        services=fresh.services,
        starts_at=fresh.starts_at,
        ends_at=fresh.ends_at,
        price=fresh.price,
        currency=fresh.currency,
        created_by=fresh.created_by,
        created_at=fresh.created_at,
        source=fresh.source if fresh.source is not None else stored.source,
        version=fresh.version if fresh.version is not None else stored.version,
        notify=fresh.notify,
    )
    booking = _with_status(stored, booking, fresh.status, same_visit and not reopen, now)
    if booking == stored:
        return stored
    booking = replace(booking, revision=stored.revision + 1, updated_at=now)
    return _with_revisions(stored, booking, rows, now)


def _with_status(stored: Booking, booking: Booking, status: BookingStatus, keep: bool, now: Millis) -> Booking:
    """The client's word stands: ``booked`` for the same visit keeps what the client confirmed or cancelled."""
    if status == "booked" and keep:
        if stored.answer == "confirmed" and stored.status == "confirmed":
            return booking
        if stored.status == "cancelled" and stored.cancelled_by == "client":
            return booking
    if status == stored.status:
        return booking if keep or status == "cancelled" else _answerless(booking)
    booking = replace(booking, status=status, arrived_at=None)
    if status == "cancelled":
        return replace(booking, cancelled_by="staff", cancelled_at=now, cancelled_revision=stored.revision + 1)
    booking = replace(booking, cancelled_by=None, cancelled_at=None, cancelled_revision=None)
    if status == "arrived":
        return replace(booking, arrived_at=now)
    return booking if keep and stored.status != "cancelled" else _answerless(booking)


def _answerless(booking: Booking) -> Booking:
    return replace(booking, answer=None, answer_at=None, answer_channel=None)


def _with_revisions(stored: Booking, booking: Booking, rows: list[Message], now: Millis) -> Booking:
    """Which revision each kind of message was last made true by, and what the client believes."""
    revision = booking.revision
    if booking.status == "cancelled":
        return booking
    if stored.status == "cancelled" or stored.client != booking.client:
        return replace(
            booking,
            booked_revision=revision,
            booked_at=now,
            moved_revision=revision,
            changed_revision=None,
            changed_at=None,
            changed_from={},
        )
    if (stored.starts_at, stored.salon) != (booking.starts_at, booking.salon):
        booking = replace(booking, moved_revision=revision)
    if (_told(stored)) == _told(booking) or _notice_waits(stored, rows):
        return booking
    believed = _believed(stored, rows)
    if believed == _told(booking):
        return replace(booking, changed_revision=None, changed_at=None, changed_from={})
    return replace(booking, changed_revision=revision, changed_at=now, changed_from=believed)


def _told(booking: Booking) -> dict[str, Any]:
    """What a client is told of a booking and remembers."""
    return {
        "starts_at": booking.starts_at,
        "salon": booking.salon,
        "master": booking.master,
        "services": list(booking.services),
    }


def _believed(stored: Booking, rows: list[Message]) -> dict[str, Any]:
    """What the client believes: the stored booking, unless the news of its last change has not gone out."""
    if stored.changed_revision is None:
        return _told(stored)
    suffix = f":r{stored.changed_revision}:"
    news = [row for row in rows if row.kind == "booking_changed" and suffix in row.key]
    if any(row.status in (*REACHED, "sending", "unknown") for row in news):
        return _told(stored)
    return dict(stored.changed_from)
