"""The ledger of bonus points over the store: what a caller enters, what visits bring, and what the client hears of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from handlers import bonus_news, events
from handlers.invalid import Invalid
from handlers.ledger import MOST_POINTS, Ledger, Overdrawn, cashback, entered, expires_after, lapsed, opened, written
from handlers.offers import home_of
from handlers.settings import in_force, place
from handlers.turn import Desk
from storage.records import BonusAccount, BonusEntry, BonusReason, Booking, Business, Client, Millis, Salon
from storage.store import Changes, Conflict, Patch, Range, StoreBusy

TRIES: Final = 5
MOST_LOTS: Final = 5000
"""Nobody has more lots with points left."""


class Clash(Exception):
    """There is an entry under this id already, and it says something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Points to be entered. ``amount`` above zero: they come, below zero: they go.

    ``expires_at`` None: as the settings say, where they come. ``announce``: the client is to hear of it.
    """

    id: str
    amount: int
    reason: BonusReason
    expires_at: Millis | None = None
    booking: str | None = None
    announce: bool = True

    def digest(self, client: str) -> str:
        """Of all that is asked for, so that a repetition is told from another entry under the same id."""
        said = [client, self.amount, self.reason, self.expires_at, self.booking, self.announce]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Entered:
    """An entry as stored. ``new``: it was not there before. ``balance``: after it, or as it is now."""

    entry: BonusEntry
    balance: int
    new: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """A client's balance now, and entries of the ledger, oldest first."""

    balance: int
    entries: tuple[BonusEntry, ...]
    more: bool = False
    """Later entries follow."""


async def read_ledger(desk: Desk, business: str, client: str) -> Ledger:
    """The client's ledger as of now: what has expired is entered as such, to be stored with whatever is entered next."""
    account = await desk.store.get(BonusAccount, business, client)
    lots = await desk.store.find(
        BonusEntry,
        {"business": business, "client": client, "remaining": Range(1, None)},
        order=("remaining",),
        limit=MOST_LOTS,
    )
    known = account or BonusAccount(business=business, id=client)
    return lapsed(opened(known, lots), desk.now())


async def post(desk: Desk, business: Business, client: Client, points: Points) -> Entered:
    """Enter ``points`` once, however often it is asked for. Raises :class:`Clash`, :class:`Invalid` (below zero, too many,
    or an end that has passed) and :class:`StoreBusy`."""
    for _ in range(TRIES):
        stored = await desk.store.get(BonusEntry, business.id, points.id)
        if stored is not None:
            if stored.digest != points.digest(client.id):
                raise Clash(points.id)
            return Entered(stored, (await read_ledger(desk, business.id, client.id)).balance)
        if points.expires_at is not None and points.expires_at <= desk.now():
            raise Invalid([("/expires_at", "has passed already")])
        ledger, changes = await _posted(desk, business, client, points)
        same = {"revision": client.revision}
        there = Patch(Client, business.id, client.id, same, same)
        try:
            await desk.store.commit(changes + Changes(patches=(there,)))
        except Conflict:
            client = await desk.store.get(Client, business.id, client.id) or client
            continue
        return Entered(next(entry for entry in ledger.entered if entry.id == points.id), ledger.balance, new=True)
    raise StoreBusy(f"the bonus points of client {client.id} kept changing")


async def _posted(desk: Desk, business: Business, client: Client, points: Points) -> tuple[Ledger, Changes]:
    try:
        ledger, changes = await _entries(desk, business, client, (points,), await home_of(desk, client))
    except Overdrawn as error:
        raise Invalid([("/amount", f"the balance is {error.balance}, and it can't fall below zero")]) from None
    if ledger.balance > MOST_POINTS:
        raise Invalid([("/amount", f"would make the balance larger than {MOST_POINTS}")])
    return ledger, changes


async def given(
    desk: Desk, business: Business, client: Client, points: Sequence[Points], salon: Salon | None
) -> Changes:
    """What to commit so that ``points`` are in the ledger of ``client``, with the news for the client. The caller makes sure
    that they are not there yet; where somebody else was faster, the commit is a Conflict. Raises :class:`Overdrawn`.

    One commit holds at most one such change for each client.
    """
    _, changes = await _entries(desk, business, client, points, salon)
    return changes


async def _entries(
    desk: Desk, business: Business, client: Client, points: Sequence[Points], salon: Salon | None
) -> tuple[Ledger, Changes]:
    ledger = await read_ledger(desk, business.id, client.id)
    settings, here, now = in_force(business, salon), place(business, salon), desk.now()
    for one in points:
        ends = one.expires_at
        if ends is None and one.amount > 0:
            ends = expires_after(now, settings.bonus_expires_after, here.zone)
        entry = BonusEntry(
            business=business.id,
            id=one.id,
            client=client.id,
            amount=one.amount,
            reason=one.reason,
            booking=one.booking,
            at=now,
            expires_at=ends if one.amount > 0 else None,
            announce=one.announce,
            digest=one.digest(client.id),
        )
        ledger = entered(ledger, entry)
    changes = written(ledger) + await bonus_news.told(desk, business, salon, client, ledger)
    for entry in ledger.entered:
        said = {"entry": entry.id, "amount": entry.amount, "reason": entry.reason, "booking": entry.booking}
        changes += await events.of_client(desk, client, "bonus.entered", **said, balance=ledger.balance)
    return ledger, changes


async def statement(desk: Desk, business: str, client: str, after: tuple[Millis, str] | None, limit: int) -> Statement:
    """Entries after ``after`` (time and id of the last one seen), at most ``limit``, and the balance.

    What has expired is told though it may not be stored yet.
    """
    entries = await desk.store.find(
        BonusEntry, {"business": business, "client": client}, order=("at", "id"), after=after, limit=limit + 1
    )
    ledger = await read_ledger(desk, business, client)
    if len(entries) > limit:
        return Statement(ledger.balance, tuple(entries[:limit]), more=True)
    unstored = [entry for entry in ledger.entered if after is None or (entry.at, entry.id) > after]
    return Statement(ledger.balance, tuple(sorted((*entries, *unstored), key=lambda entry: (entry.at, entry.id))))


async def for_visit(
    desk: Desk, business: Business, salon: Salon | None, client: Client | None, stored: Booking | None, booking: Booking
) -> Changes:
    """The cashback that a PUT of ``booking`` brings or takes back: percent of the price once the client has arrived.

    A visit that was first heard of after its start (an import) brings none. Points that were spent meanwhile can't be
    taken back: the balance never falls below zero.
    """
    if not _bears_on_cashback(stored, booking) or (stored is None and not _due(business, salon, booking)):
        return Changes()
    changes = Changes()
    if stored is not None and stored.client is not None and stored.client != booking.client:
        changes += await _settled(desk, business, salon, stored.client, booking, 0)
    if client is None or booking.client is None:
        return changes
    due = _due(business, salon, booking)
    return changes + await _settled(desk, business, salon, client.id, booking, due, client)


def _bears_on_cashback(stored: Booking | None, booking: Booking) -> bool:
    if stored is None:
        return booking.status == "arrived"
    arrived = "arrived" in (stored.status, booking.status)
    return arrived and any(
        getattr(stored, name) != getattr(booking, name) for name in ("status", "price", "currency", "client")
    )


def _due(business: Business, salon: Salon | None, booking: Booking) -> int:
    settings = in_force(business, salon)
    known_before = booking.first_seen_at < booking.starts_at and booking.created_at >= settings.enabled_since
    if booking.status != "arrived" or booking.price is None or settings.cashback_percent is None or not known_before:
        return 0
    here = place(business, salon)
    return cashback(booking.price, settings.cashback_percent) if booking.currency in (None, here.currency) else 0


async def _settled(
    desk: Desk,
    business: Business,
    salon: Salon | None,
    id: str,
    booking: Booking,
    due: int,
    client: Client | None = None,
) -> Changes:
    """What brings the points of one client for one visit to ``due``."""
    rows = await desk.store.find(
        BonusEntry, {"business": business.id, "booking": booking.id}, order=("booking",), limit=MOST_LOTS
    )
    had = sum(row.amount for row in rows if row.client == id)
    client = client or await desk.store.get(Client, business.id, id)
    ledger = await read_ledger(desk, business.id, id)
    points = max(due - had, -ledger.balance)
    if client is None or points == 0:
        return Changes()
    entry = Points(
        id=f"cashback~{booking.id}~{booking.revision}" + ("" if client.id == booking.client else "~back"),
        amount=points,
        reason="accrual" if points > 0 and had == 0 else "correction",
        booking=booking.id,
        announce=points > 0,
    )
    return await given(desk, business, client, (entry,), salon)


async def expire(desk: Desk, chunk: int = 100) -> int:
    """Enter as expired what is left of points whose time is over; how many clients that concerned."""
    lots = await desk.store.find(
        BonusEntry, {"lapses_at": Range(None, desk.now() + 1)}, order=("lapses_at", "business", "id"), limit=chunk
    )
    done = 0
    for business, client in dict.fromkeys((lot.business, lot.client) for lot in lots):
        try:
            await desk.store.commit(written(await read_ledger(desk, business, client)))
        except Conflict:
            continue
        done += 1
    return done
