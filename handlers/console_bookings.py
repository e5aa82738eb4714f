"""What saving a booking would do, asked before it is saved: its messages word for word, and who else comes then."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from handlers import durations
from handlers.channel import Text
from handlers.console_texts import CHANNELS
from handlers.facts import Facts
from handlers.replan import Surroundings, rows_of, surroundings
from handlers.settings import in_force, place
from handlers.turn import Desk
from handlers.visits import Placed, Wanted, decide
from handlers.wording import in_full, render
from storage.records import WAITING, Booking, Business, Client, Master, Message, Millis, Service
from storage.store import Changes, Not, Range

Verdict = Literal["goes", "moves", "taken_back", "not_sent"]
ORDER: Final[tuple[Verdict, ...]] = ("goes", "moves", "taken_back", "not_sent")
HOUR: Final[Millis] = 3_600_000
"""How long a visit lasts of which nobody says."""
LONGEST: Final[Millis] = 16 * HOUR
"""No visit lasts longer: so far back are visits looked for that are still going on."""
MOST: Final = 50
NEVER_SENT: Final = ("skipped", "cancelled")


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What becomes of one message to the client. ``text``: as it would read now; None where nothing can be told."""

    message: Message
    verdict: Verdict
    text: str | None


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a booking would be, which messages follow, how many chats of the staff hear of it, and the visits of the same
    master that it overlaps."""

    placed: Placed
    messages: tuple[Foreseen, ...]
    staff: int
    beside: tuple[Booking, ...]


async def foresee(desk: Desk, business: Business, id: str, wanted: Wanted) -> Outlook:
    """What :func:`handlers.visits.put_booking` would do with ``wanted``; nothing is stored. Raises :class:`Invalid`."""
    placed, changes = await decide(desk, business, id, wanted)
    booking = placed.booking
    rows = await rows_of(desk, booking)
    around = await _around(desk, business, booking, changes)
    facts = await _facts(desk, business, booking, around)
    seen = [Foreseen(row, verdict, _text(row, facts)) for row, verdict in _effects(booking, changes, rows)]
    seen.sort(key=lambda one: (ORDER.index(one.verdict), one.message.due_at, one.message.kind))
    staff = {row.staff_chat for row in changes.inserts if isinstance(row, Message) and row.staff_chat}
    return Outlook(placed, tuple(seen), len(staff), tuple(await overlapped(desk, booking)))


async def overlapped(desk: Desk, booking: Booking) -> list[Booking]:
    """Other visits of the same master at the same time."""
    if booking.master is None or booking.status == "cancelled":
        return []
    where = {
        "business": booking.business,
        "master": booking.master,
        "starts_at": Range(booking.starts_at - LONGEST, booking.ends_at),
        "status": Not("cancelled"),
    }
    found = await desk.store.find(Booking, where, order=("starts_at", "id"), limit=MOST)
    return [one for one in found if one.id != booking.id and one.ends_at > booking.starts_at]


def lasts(services: Iterable[Service]) -> Millis:
    """How long these services take together; 0 where none says."""
    return sum(durations.length(durations.parse(one.duration)) for one in services if one.duration)


def costs(services: Iterable[Service], currency: str) -> int | None:
    """What these services cost together, in hundredths; None where one of them has no price in this currency."""
    prices = [one.price if one.currency in (None, currency) else None for one in services]
    known = [price for price in prices if price is not None]
    return sum(known) if known and len(known) == len(prices) else None


def _effects(booking: Booking, changes: Changes, rows: Sequence[Message]) -> Iterator[tuple[Message, Verdict]]:
    known = {row.id: row for row in rows}
    for row in changes.inserts:
        if isinstance(row, Message) and row.booking == booking.id and row.staff_chat is None and row.edits is None:
            yield row, "not_sent" if row.status in NEVER_SENT else "goes"
    for patch in changes.patches:
        before = known.get(patch.id) if patch.record is Message else None
        if before is not None and before.staff_chat is None:
            yield from _changed(before, patch.set)


def _changed(before: Message, fields: Mapping[str, Any]) -> Iterator[tuple[Message, Verdict]]:
    after = replace(before, **fields)
    if before.status in WAITING and after.status in NEVER_SENT:
        yield after, "taken_back"
    elif before.status in NEVER_SENT and after.status in WAITING:
        yield after, "goes"
    elif after.status in WAITING and after.due_at != before.due_at:
        yield after, "moves"


async def _around(desk: Desk, business: Business, booking: Booking, changes: Changes) -> Surroundings:
    """What is known around the booking, its client as it would be."""
    around = await surroundings(desk, business, booking)
    made = [put.record for put in changes.puts if isinstance(put.record, Client) and put.record.id == booking.client]
    return replace(around, client=made[0]) if made else around


async def _facts(desk: Desk, business: Business, booking: Booking, around: Surroundings) -> Facts:
    spot = place(business, around.salon)
    master = await desk.store.get(Master, business.id, booking.master) if booking.master else None
    services = await desk.store.get_many(Service, [(business.id, id) for id in booking.services])
    spoken = next((row.language for row in around.addresses if row.language), None)
    return Facts(
        now=desk.now(),
        links=desk.links,
        business=business,
        place=spot,
        settings=in_force(business, around.salon),
        language=(around.client and around.client.language) or spoken or spot.language,
        salon=around.salon,
        booking=booking,
        client=around.client,
        master=master,
        services=tuple(services[business.id, id] for id in booking.services if (business.id, id) in services),
        addresses=around.addresses,
    )


def _text(row: Message, facts: Facts) -> str | None:
    """The message as its channel would show it at its moment; None where it can't be put into words yet."""
    facts = replace(facts, now=max(facts.now, row.due_at))
    capabilities = CHANNELS.get(row.channel or "")
    if capabilities is None:
        return in_full(row, facts)[0]
    shown = render(row, capabilities, facts)
    return shown.body if isinstance(shown, Text) else None
