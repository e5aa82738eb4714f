"""The arithmetic of bonus points: a client's open lots, what is entered, spent and expires. Pure.

Points come in lots, one for each entry that brings some. Whatever takes points away takes them from the lot that expires
first; those that never expire go last. A lot whose time is over is entered as expired before anything else is decided.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final
from zoneinfo import ZoneInfo

from handlers import durations
from handlers.durations import Duration, local_day, moment_of
from storage.records import BonusAccount, BonusEntry, Millis
from storage.store import Changes, Patch, Put

NEVER: Final[Millis] = 1 << 62
MIDNIGHT: Final = time(0)
MOST_POINTS: Final = 999_999_999
"""No balance and no entry is larger."""


class Overdrawn(Exception):
    """More points would be taken than there are. ``balance``: how many there are."""

    def __init__(self, balance: int) -> None:
        super().__init__(f"the balance is {balance}")
        self.balance = balance


@dataclass(frozen=True, slots=True)
class Ledger:
    """The points of one client: the account, the lots with points left by their ids, what was entered since they were
    read, and both as they were then."""

    account: BonusAccount
    lots: Mapping[str, BonusEntry]
    read: Mapping[str, BonusEntry]
    entered: tuple[BonusEntry, ...] = ()

    @property
    def balance(self) -> int:
        """Points that can be spent."""
        return self.account.balance

    def in_order(self) -> list[BonusEntry]:
        """The lots in the order in which they are spent."""
        return sorted(self.lots.values(), key=lambda lot: (expiry(lot), lot.at, lot.id))


def opened(account: BonusAccount, lots: list[BonusEntry]) -> Ledger:
    """A ledger as it was read."""
    known = {lot.id: lot for lot in lots}
    return Ledger(account, known, known)


def expiry(lot: BonusEntry) -> Millis:
    """When a lot expires; :data:`NEVER` where it does not."""
    return NEVER if lot.expires_at is None else lot.expires_at


def expiry_id(lot: str) -> str:
    """The id of the entry by which what was left of a lot expired."""
    return f"expiry~{lot}"


def lapsed(ledger: Ledger, now: Millis) -> Ledger:
    """The ledger after all that has expired by ``now`` was entered, each at its own moment."""
    for lot in ledger.in_order():
        if expiry(lot) <= now:
            gone = BonusEntry(
                business=lot.business,
                id=expiry_id(lot.id),
                client=lot.client,
                amount=-lot.remaining,
                reason="expiry",
                at=expiry(lot),
                announce=False,
            )
            ledger = _booked(ledger, gone, {lot.id: lot.remaining})
    return ledger


def entered(ledger: Ledger, entry: BonusEntry) -> Ledger:
    """The ledger with one more entry, made at ``entry.at``. Raises :class:`Overdrawn`."""
    ledger = lapsed(ledger, entry.at)
    if entry.amount > 0:
        lot = replace(entry, remaining=entry.amount, lapses_at=entry.expires_at)
        ledger = _booked(ledger, lot, {})
        return replace(ledger, lots={**ledger.lots, lot.id: lot})
    if ledger.balance + entry.amount < 0:
        raise Overdrawn(ledger.balance)
    return _booked(ledger, entry, _taken(ledger, -entry.amount))


def _taken(ledger: Ledger, points: int) -> dict[str, int]:
    """How many points each lot gives."""
    given: dict[str, int] = {}
    for lot in ledger.in_order():
        if points:
            given[lot.id] = min(points, lot.remaining)
            points -= given[lot.id]
    return given


def _booked(ledger: Ledger, entry: BonusEntry, given: Mapping[str, int]) -> Ledger:
    lots = {}
    for id, lot in ledger.lots.items():
        left = lot.remaining - given.get(id, 0)
        if left:
            lots[id] = replace(lot, remaining=left)
    account = replace(ledger.account, balance=ledger.balance + entry.amount)
    return replace(ledger, account=account, lots=lots, entered=(*ledger.entered, entry))


def written(ledger: Ledger) -> Changes:
    """What to commit so that the ledger is stored; a Conflict where another entry came first."""
    if not ledger.entered:
        return Changes()
    account = replace(ledger.account, revision=ledger.account.revision + 1)
    puts = [Put(account, expect=ledger.account.revision)]
    puts += [Put(_as_left(ledger, entry), expect=0) for entry in ledger.entered]
    patches = [
        Patch(BonusEntry, lot.business, id, _left(ledger, id), {"remaining": lot.remaining})
        for id, lot in ledger.read.items()
        if ledger.lots.get(id) != lot
    ]
    return Changes(puts=tuple(puts), patches=tuple(patches))


def _as_left(ledger: Ledger, entry: BonusEntry) -> BonusEntry:
    """A new entry with what later ones of the same commit left of it."""
    if entry.amount < 0:
        return entry
    return ledger.lots.get(entry.id) or replace(entry, remaining=0, lapses_at=None)


def _left(ledger: Ledger, id: str) -> dict[str, int | None]:
    lot = ledger.lots.get(id)
    return {"remaining": lot.remaining if lot else 0, "lapses_at": lot.expires_at if lot else None}


def whole(points: Decimal) -> int:
    """Points are whole, rounded half up (away from zero, so that a correction takes back just what was given)."""
    return int(points.quantize(Decimal(1), ROUND_HALF_UP))


def cashback(price: int, percent: Decimal) -> int:
    """The points that a visit brings: ``percent`` of its price (hundredths), a point for each whole unit of money."""
    return whole(Decimal(price) * percent / 10_000)


def expires_after(at: Millis, lasting: Duration | None, zone: ZoneInfo) -> Millis | None:
    """When points that come at ``at`` expire: at the end of the day on which ``lasting`` is over; None: never."""
    return None if lasting is None else end_of_day(durations.after(at, lasting, zone), zone)


def end_of_day(moment: Millis, zone: ZoneInfo) -> Millis:
    """The midnight that ends the day of ``moment``."""
    return moment_of(local_day(moment, zone) + timedelta(days=1), MIDNIGHT, zone)
