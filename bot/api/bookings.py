"""Calls about bookings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from bot.api.paging import BY_START, part
from bot.api.problems import Problem, problem_of
from bot.api.reading import check
from bot.api.requests import BatchIn, BookingIn, BookingItem, BookingsQuery, NoQuery
from bot.api.serving import Answer, Call, found
from bot.api.tenants import put_status
from bot.api.visit_shapes import BatchResult, BookingOut, booking_out, messages_out
from handlers.batches import Item, put_bookings
from handlers.invalid import Invalid
from handlers.people import normal_phone, phone_or_invalid
from handlers.settings import place
from handlers.turn import Desk
from handlers.visits import Placed, Wanted, put_booking
from storage.records import Booking, Business, Client, Message, Salon
from storage.store import OneOf, Range

MOST_MESSAGES = 100_000
"""More than a batch of bookings can have."""


async def place_booking(call: Call[BookingIn, NoQuery]) -> Answer:
    """Create or replace a booking."""
    wanted = await _wanted(call.desk, call.business, call.body)
    placed = await put_booking(call.desk, call.business, call.id, wanted)
    (shown,) = await shown_bookings(call.desk, call.business, [placed.booking])
    return Answer(put_status(placed.created), _with_in_flight(shown, placed))


async def place_batch(call: Call[BatchIn, NoQuery]) -> Answer:
    """Create or replace several bookings, each by itself."""
    read = [await _item(call.desk, call.business, item) for item in call.body.items]
    placed = iter(await put_bookings(call.desk, call.business, [item for item in read if isinstance(item, Item)]))
    done = [next(placed) if isinstance(item, Item) else item for item in read]
    bookings = [one.booking for one in done if isinstance(one, Placed)]
    shown = iter(await shown_bookings(call.desk, call.business, bookings))
    results = [
        _result(item, one, next(shown) if isinstance(one, Placed) else None)
        for item, one in zip(call.body.items, done, strict=True)
    ]
    return Answer(200, {"items": results})


async def _item(desk: Desk, business: Business, item: Any) -> Item | Exception:
    """An item of a batch, checked; whatever is wrong with it is its own answer."""
    try:
        body = check(BookingItem, item)
        return Item(body.id, await _wanted(desk, business, body))
    except Exception as error:
        return error


def _result(item: Any, done: Placed | Exception, shown: BookingOut | None) -> BatchResult:
    id = item.get("id") if isinstance(item, dict) else None
    named = id if isinstance(id, str) else None
    if isinstance(done, Placed) and shown is not None:
        return {"id": named, "status": put_status(done.created), "booking": _with_in_flight(shown, done)}
    problem = problem_of(done) if isinstance(done, Exception) else Problem("internal")
    return {"id": named, "status": problem.kind.status, "problem": problem.body()}


async def _wanted(desk: Desk, business: Business, body: BookingIn) -> Wanted:
    """What the body says, with phones, money and times as they are stored."""
    if body.ends_at is not None and body.ends_at < body.starts_at:
        raise Invalid([("/ends_at", "must not lie before the start")])
    fields = body.client.given()
    del fields["id"]
    if "phone" in fields:
        fields["phone"] = await _phone(desk, business, body.salon, fields["phone"])
    return Wanted(
        salon=body.salon,
        client_id=body.client.id,
        client_fields=fields,
        master=body.master,
        services=tuple(body.services or ()),
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        price=body.price.hundredths if body.price else None,
        currency=body.price.currency if body.price else None,
        status=body.status,
        created_by=body.created_by,
        created_at=body.created_at,
        source=body.source,
        version=body.version,
        notify=body.notify.model_dump(exclude_none=True) if body.notify else {},
        reopen=body.reopen,
    )


async def _phone(desk: Desk, business: Business, salon: str, written: str) -> str:
    """E.164; the salon is read only for a phone that says nothing of its country."""
    phone = normal_phone(written, None)
    if phone is not None:
        return phone
    country = place(business, await desk.store.get(Salon, business.id, salon)).country
    return phone_or_invalid(written, country, "/client/phone")


def _with_in_flight(shown: BookingOut, placed: Placed) -> BookingOut:
    if placed.booking.status == "cancelled" or placed.in_flight:
        shown["in_flight"] = list(placed.in_flight)
    return shown


async def get_booking(call: Call[None, NoQuery]) -> Answer:
    """One booking."""
    booking = found(await call.desk.store.get(Booking, call.business.id, call.id))
    (shown,) = await shown_bookings(call.desk, call.business, [booking])
    return Answer(200, shown)


async def get_bookings(call: Call[None, BookingsQuery]) -> Answer:
    """Bookings by start."""
    query = call.query
    where: dict[str, Any] = {"business": call.business.id}
    for name in ("salon", "master", "client", "status"):
        if getattr(query, name) is not None:
            where[name] = getattr(query, name)
    if query.from_ is not None or query.to is not None:
        where["starts_at"] = Range(query.from_, query.to)
    bookings = await part(call.desk.store, Booking, where, query, BY_START)
    items = await shown_bookings(call.desk, call.business, bookings.records, messages=False)
    return Answer(200, {"items": items, "next": bookings.next})


async def get_timeline(call: Call[None, NoQuery]) -> Answer:
    """Every message about a booking."""
    booking = found(await call.desk.store.get(Booking, call.business.id, call.id))
    rows = (await _messages(call.desk, call.business, [booking]))[booking.id]
    salons = await salons_of(call.desk, call.business, (row.salon for row in rows))
    return Answer(200, {"items": messages_out(rows, call.business, salons, call.desk.now())})


async def shown_bookings(
    desk: Desk, business: Business, bookings: Sequence[Booking], *, messages: bool = True
) -> list[BookingOut]:
    """The JSON of bookings, in their order, with their messages; a few queries for all of them."""
    salons = await salons_of(desk, business, (booking.salon for booking in bookings))
    keys = {(business.id, booking.client) for booking in bookings if booking.client is not None}
    clients = await desk.store.get_many(Client, sorted(keys))
    rows = await _messages(desk, business, bookings) if messages else {}
    now = desk.now()
    shown = []
    for booking in bookings:
        client = clients.get((business.id, booking.client or ""))
        one = booking_out(booking, business, salons.get(booking.salon), client)
        if messages:
            one["messages"] = messages_out(rows[booking.id], business, salons, now)
        shown.append(one)
    return shown


async def salons_of(desk: Desk, business: Business, ids: Iterable[str | None]) -> dict[str, Salon]:
    """The salons with these ids, by id."""
    keys = [(business.id, id) for id in sorted({id for id in ids if id is not None})]
    return {id: salon for (_, id), salon in (await desk.store.get_many(Salon, keys)).items()} if keys else {}


async def _messages(desk: Desk, business: Business, bookings: Sequence[Booking]) -> dict[str, list[Message]]:
    """All messages about these bookings, by due time."""
    found: defaultdict[str, list[Message]] = defaultdict(list)
    if not bookings:
        return found
    ids = {booking.id for booking in bookings}
    about = {"business": business.id, "booking": OneOf(tuple(sorted(ids))) if len(ids) > 1 else bookings[0].id}
    limit = MOST_MESSAGES if len(ids) > 1 else 1000
    for row in await desk.store.find(Message, about, limit=limit):
        found[row.booking or ""].append(row)
    for rows in found.values():
        rows.sort(key=lambda row: (row.due_at, row.hop, row.kind, row.id))
    return found
