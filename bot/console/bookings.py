"""Bookings: day and week by master; made, moved, cancelled and marked, always after a look at what the client will hear."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

from aiohttp import web

from bot.console import booking_form, words
from bot.console.booking_form import House, Wrong, house_of
from bot.console.message_rows import rows_of
from bot.console.site import Action, Call, Missing, Page
from bot.console.today import STATES
from handlers import replan, visits
from handlers.attendance import as_it_is
from handlers.console_bookings import Outlook, Verdict, foresee
from handlers.console_day import MOST_VISITS, Line, lines
from handlers.day_cards import day_of, start_of
from handlers.finding import find_clients
from handlers.formats import local, long_date, short_date
from handlers.i18n import mark
from handlers.invalid import Invalid
from handlers.visits import Wanted
from handlers.wording_reasons import in_words
from storage.records import Booking, BookingStatus, Client, Master, new_id
from storage.store import Range

VERDICTS: Final[Mapping[Verdict, tuple[str, str]]] = {
    "goes": (mark("Will be sent"), "told"),
    "moves": (mark("Moves to another time"), "wait"),
    "taken_back": (mark("Will not be sent any more"), "off"),
    "not_sent": (mark("Will not be sent"), "off"),
}
"""What becomes of a message to its word and its tone."""
STEPS: Final[Mapping[str, tuple[BookingStatus, str, str]]] = {
    "arrived": ("arrived", mark("The client came"), "came"),
    "no_show": ("no_show", mark("The client did not come"), "missed"),
    "cancelled": ("cancelled", mark("Cancel the visit"), "cancelled"),
    "booked": ("booked", mark("Book it again"), "saved"),
}
"""What can be done with a visit: the status that it gets, the button, and the notice when it is done."""
OPEN: Final = ("booked", "confirmed")
OURS: Final = re.compile("[0-9a-f]{32}")
"""An id that was made here."""
CHANGED_MEANWHILE: Final = mark("The visit has changed meanwhile. Please look again before you save.")


async def show(call: Call) -> web.StreamResponse:
    """The day or week of ``?day=``, of one master or of all."""
    today = day_of(call.business, None, call.now)
    day, week = _asked(call.query.get("day", ""), today), call.query.get("view") == "week"
    first, days = (day - timedelta(days=day.weekday()), 7) if week else (day, 1)
    house = await house_of(call)
    master = next((one for one in house.masters if one.id == call.query.get("master")), None)
    span = Range(start_of(first, call.zone), start_of(first + timedelta(days=days), call.zone))
    where = {**call.visitor.own, "starts_at": span, **({"master": master.id} if master else {})}
    found = await call.desk.store.find(Booking, where, order=("starts_at", "id"), limit=MOST_VISITS)
    read = await lines(call.desk, call.business, found)
    return call.render(
        "bookings.html",
        view="week" if week else "day",
        day=day,
        today=today,
        heading=long_date(first, call.language, today.year),
        before=(day - timedelta(days=days)).isoformat(),
        after=(day + timedelta(days=days)).isoformat(),
        columns=_days(call, first, read) if week else _masters(call, day, house, master, read),
        master=master.id if master else "",
        masters=[(one.id, one.name) for one in sorted(house.masters, key=lambda one: one.name)],
        states=_states(call),
        full=len(found) == MOST_VISITS,
    )


def _asked(text: str, today: date) -> date:
    """The day that is asked for, within the centuries that have one before and after."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return today
    return day if 1971 <= day.year < 2190 else today


def _states(call: Call) -> dict[str, tuple[str, str]]:
    return {state: (call.t(word), tone) for state, (word, tone) in STATES.items()}


def _days(call: Call, first: date, read: Sequence[Line]) -> list[dict[str, Any]]:
    """The seven days of a week."""
    made = []
    for day in (first + timedelta(days=ahead) for ahead in range(7)):
        since, until = start_of(day, call.zone), start_of(day + timedelta(days=1), call.zone)
        there = [line for line in read if since <= line.booking.starts_at < until]
        name = short_date(day, call.language)
        made.append({"name": name, "day": day.isoformat(), "lines": there, "place": ""})
    return made


def _masters(call: Call, day: date, house: House, only: Master | None, read: Sequence[Line]) -> list[dict[str, Any]]:
    """Every master who may be booked, by name, and at the end the visits of nobody else."""
    listed = [only] if only else sorted(house.masters, key=lambda one: one.name)
    at = {"day": day.isoformat()}
    made = [
        {"name": one.name, "place": f"{one.salon}~{one.id}", **at}
        | {"lines": [line for line in read if line.booking.master == one.id]}
        for one in listed
    ]
    known = {one.id for one in listed}
    rest = [line for line in read if line.booking.master not in known]
    if rest or not made:
        made.append({"name": call.t(mark("No specialist named")), "place": "", "lines": rest, **at})
    return made


async def new(call: Call) -> web.StreamResponse:
    """An empty form. Its id is made here, so that pressing twice books once."""
    _may_book(call)
    at = booking_form.next_hour(call)
    values: dict[str, Any] = {"place": call.query.get("place", ""), "services": [], "minutes": "", "price": ""}
    values |= {"day": call.query.get("day") or at.date().isoformat(), "time": at.strftime("%H:%M")}
    values |= {"q": "", "client": call.query.get("client", ""), "name": "", "phone": ""}
    found = await call.desk.store.get_many(Client, [(call.business.id, values["client"])]) if values["client"] else {}
    return await _form(call, new_id(), values, await house_of(call), found=list(found.values()))


async def edit(call: Call) -> web.StreamResponse:
    """The form of a booking."""
    _may_book(call)
    booking = await _booking(call)
    house = await house_of(call)
    return await _form(call, booking.id, booking_form.values_of(call, booking, house), house, stored=booking)


async def _form(
    call: Call,
    id: str,
    values: Mapping[str, Any],
    house: House,
    *,
    stored: Booking | None = None,
    faults: Sequence[str] = (),
    found: Sequence[Client] = (),
) -> web.Response:
    client = await call.desk.store.get(Client, call.business.id, stored.client) if stored and stored.client else None
    return call.render(
        "booking_form.html",
        status=422 if faults else 200,
        id=id,
        stored=stored,
        client=client,
        values=values,
        places=house.places(call),
        services=house.services,
        found=found,
        faults=[call.t(fault) for fault in faults],
    )


async def put(call: Call) -> web.StreamResponse:
    """What the form's buttons do: find a client, look at what would be sent, go back to the form, save."""
    _may_book(call)
    id, values, house = call.path("id"), booking_form.typed(call.form), await house_of(call)
    stored = await call.desk.store.get(Booking, call.business.id, id)
    if stored is not None and not call.visitor.sees(stored):
        raise Missing
    fresh = call.form.get("revision", "") == "0"
    if stored is None and not (fresh and OURS.fullmatch(id)):
        raise Missing
    if stored is not None and fresh:
        # The form of a new booking that was sent twice: it is booked.
        return call.go(f"bookings/{id}", "booked")
    if call.form.get("do") == "find":
        found = await find_clients(call.desk, call.business, values["q"], booking_form.FOUND)
        return await _form(call, id, values | {"client": ""}, house, stored=stored, found=found)
    try:
        wanted = await booking_form.wanted_of(call, id, values, house, stored)
    except Wrong as wrong:
        return await _form(call, id, values, house, stored=stored, faults=wrong.faults, found=wrong.found)
    if call.form.get("do") == "change":
        found = [await call.record(Client, wanted.client_id)] if stored is None and not wanted.client_fields else []
        return await _form(call, id, values, house, stored=stored, found=found)
    values = values | ({"client": wanted.client_id} if stored is None and not wanted.client_fields else {})
    hidden = [(name, one) for name, value in values.items() for one in (value if name == "services" else [value])]
    return await _settle(call, id, wanted, stored, f"bookings/{id}", hidden, "booked" if stored is None else "saved")


async def _settle(
    call: Call,
    id: str,
    wanted: Wanted,
    stored: Booking | None,
    below: str,
    hidden: Sequence[tuple[str, str]],
    done: str,
) -> web.StreamResponse:
    """Save, or show first what saving would do: also when the booking has changed since that was shown."""
    revision = str(stored.revision if stored else 0)
    same = call.form.get("revision", "") == revision
    if call.form.get("do") == "save" and same:
        try:
            await visits.put_booking(call.desk, call.business, id, wanted)
        except Invalid:
            return call.render("plain.html", status=409, line=call.t(CHANGED_MEANWHILE))
        return call.go(f"bookings/{id}", done)
    outlook = await foresee(call.desk, call.business, id, wanted)
    return call.render(
        "booking_look.html",
        outlook=outlook,
        line=await _line(call, outlook, wanted),
        beside=await lines(call.desk, call.business, outlook.beside),
        below=below,
        hidden=[*hidden, ("revision", revision)],
        messages=_shown(call, outlook),
        form=below == f"bookings/{id}",
        past=outlook.placed.booking.starts_at < call.now and stored is None,
        fault="" if same or call.form.get("do") != "save" else call.t(CHANGED_MEANWHILE),
        states=_states(call),
    )


async def _line(call: Call, outlook: Outlook, wanted: Wanted) -> Line:
    """The booking as it would be, with a client who is not stored yet."""
    (line,) = await lines(call.desk, call.business, [outlook.placed.booking])
    fields = wanted.client_fields
    if line.client is None and "name" in fields:
        made = Client(business=call.business.id, id=wanted.client_id, name=fields["name"], phone=fields.get("phone"))
        return replace(line, client=made)
    return line


def _shown(call: Call, outlook: Outlook) -> list[dict[str, Any]]:
    return [
        {
            "kind": words.kind_name(one.message.kind, call.t),
            "channel": words.channel_name(one.message.channel, call.t),
            "due_at": max(one.message.due_at, call.now),
            "verdict": (call.t(VERDICTS[one.verdict][0]), VERDICTS[one.verdict][1]),
            "goes": one.verdict in ("goes", "moves"),
            "why": in_words(one.message.reason, call.language) if one.message.reason else "",
            "text": one.text if one.verdict in ("goes", "moves") else None,
        }
        for one in outlook.messages
    ]


async def show_one(call: Call) -> web.StreamResponse:
    """A booking with all its messages."""
    booking = await _booking(call)
    (line,) = await lines(call.desk, call.business, [booking])
    rows = [row for row in await replan.rows_of(call.desk, booking) if row.staff_chat is None]
    rows.sort(key=lambda row: (row.due_at, row.hop, row.kind, row.id))
    salons = {line.salon.id: line.salon} if line.salon else {}
    return call.render(
        "booking.html",
        line=line,
        states=_states(call),
        day=local(booking.starts_at, call.zone).date().isoformat(),
        rows=await rows_of(call, rows, salons),
        steps=[(step, call.t(STEPS[step][1])) for step in _steps(call, booking)],
        may_book=call.visitor.may("book") and booking.client is not None and booking.status != "cancelled",
    )


def _steps(call: Call, booking: Booking) -> list[str]:
    """What can be done with a booking now."""
    if booking.client is None:
        return []
    if booking.status == "cancelled":
        return ["booked"] if call.visitor.may("book") else []
    came = [step for step in ("arrived", "no_show") if step != booking.status and booking.starts_at <= call.now]
    undone = ["booked"] if booking.status not in OPEN and call.visitor.may("book") else []
    return [*came, *undone, *(["cancelled"] if booking.status in OPEN and call.visitor.may("book") else [])]


async def step(call: Call) -> web.StreamResponse:
    """Mark a visit, cancel it or book it again: first what follows is shown, then it is done."""
    booking = await _booking(call)
    name = call.path("step")
    if name not in _steps(call, booking):
        if name in STEPS and STEPS[name][0] == booking.status:
            return call.go(f"bookings/{booking.id}", STEPS[name][2])
        raise Missing
    status, _, done = STEPS[name]
    wanted = replace(as_it_is(booking, booking.client or "", status), reopen=booking.status == "cancelled")
    return await _settle(call, booking.id, wanted, booking, f"bookings/{booking.id}/{name}", [], done)


def _may_book(call: Call) -> None:
    if not call.visitor.may("book"):
        raise Missing


async def _booking(call: Call) -> Booking:
    """The booking of the path, if the person may see it. Raises :class:`Missing`."""
    booking = await call.record(Booking, call.path("id"))
    if not call.visitor.sees(booking):
        raise Missing
    return booking


PAGE: Final = Page(
    path="bookings",
    area="bookings",
    title=mark("Bookings"),
    notices={
        "booked": mark("The visit is booked."),
        "saved": mark("Saved."),
        "came": mark("Noted: the client came."),
        "missed": mark("Noted: the client did not come."),
        "cancelled": mark("The visit is cancelled."),
    },
    actions=(
        Action("GET", "", show),
        Action("GET", "/new", new),
        Action("GET", "/{id}", show_one),
        Action("POST", "/{id}", put),
        Action("GET", "/{id}/change", edit),
        Action("POST", "/{id}/{step}", step),
    ),
)
