"""What clients hear of their bonus points: that they came or went, and that they are about to expire."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Final

from handlers import durations
from handlers.durations import DAY, local_day
from handlers.keys import encoded
from handlers.ledger import Ledger
from handlers.offer_facts import ENTRIES
from handlers.offers import home_of, offer_row, standing
from handlers.reach import Way
from handlers.reasons import Reason
from handlers.settings import Place, in_force, place
from handlers.timing import rings_at
from handlers.turn import Desk
from storage.records import WAITING, BonusEntry, Booking, Business, Choice, Client, Message, Millis, Salon
from storage.store import Changes, Conflict, OneOf, Patch, Range

ACCRUED: Final = "bonus_accrued"
EXPIRING: Final = "bonus_expiring"
LASTS: Final[Millis] = DAY
GATHERS: Final[Millis] = 10_000
"""News waits so long for what is entered with it: what is used and what is earned at one visit is one message."""
LAST_DAY: Final = "last_day"
"""Parameter of the word that points expire: the last day on which they can be spent, ``YYYY-MM-DD``."""
BOOK: Final = Choice("book")
MOST_ROWS: Final = 50


async def told(desk: Desk, business: Business, salon: Salon | None, client: Client, ledger: Ledger) -> Changes:
    """The news of what was entered in ``ledger`` since it was read; waiting words that it makes untrue are taken back.

    News that still waits takes the new one in: there is one message, and a row for each entry that says so.
    """
    news = [entry for entry in ledger.entered if entry.announce]
    gone = any(lot.warned and id not in ledger.lots for id, lot in ledger.read.items())
    if not news and not gone:
        return Changes()
    waiting = await _waiting(desk, client)
    changes = _taken_back(waiting, ledger, place(business, salon)) if gone else Changes()
    if not news:
        return changes
    teller = next((row for row in waiting if row.kind == ACCRUED and not row.attempts and not row.held), None)
    way = await standing(desk, business, salon, client, ACCRUED)
    if teller is not None and isinstance(way, Way):
        changes += _taken_in(teller, news)
    return changes + await _rows(desk, business, salon, client, news, teller, way)


async def _waiting(desk: Desk, client: Client) -> list[Message]:
    where = {"business": client.business, "client": client.id, "status": OneOf(WAITING)}
    rows = await desk.store.find(Message, where, order=("-due_at", "-id"), limit=MOST_ROWS)
    return [row for row in rows if row.kind in (ACCRUED, EXPIRING) and row.status == "planned"]


def _taken_in(teller: Message, news: Sequence[BonusEntry]) -> Changes:
    entries = [*teller.params.get(ENTRIES, ()), *(entry.id for entry in news)]
    where = {"status": "planned", "attempts": 0, "held": False}
    more = Patch(Message, teller.business, teller.id, {"params": {**teller.params, ENTRIES: entries}}, where)
    return Changes(patches=(more,))


async def _rows(
    desk: Desk,
    business: Business,
    salon: Salon | None,
    client: Client,
    news: Sequence[BonusEntry],
    teller: Message | None,
    way: Way | Reason,
) -> Changes:
    settings, here, now = in_force(business, salon), place(business, salon), desk.now()
    due = rings_at(ACCRUED, None, now + GATHERS, settings.quiet_hours, here.zone)
    rows = []
    for number, entry in enumerate(news):
        booking = await desk.store.get(Booking, business.id, entry.booking) if entry.booking else None
        taken_in = isinstance(way, Way) and (teller is not None or number > 0)
        rows.append(
            offer_row(
                desk,
                business,
                salon,
                client,
                ACCRUED,
                key=f"bonus:{encoded(entry.id)}",
                due=due,
                not_after=due + LASTS,
                way="grouped" if taken_in else way,
                params={ENTRIES: [entry.id] if number else [one.id for one in news]},
                choices=(BOOK,),
                booking=booking,
            )
        )
    return Changes(inserts=tuple(rows))


def _taken_back(waiting: Sequence[Message], ledger: Ledger, here: Place) -> Changes:
    """The word that points expire, where none of them are left."""
    days = {last_day(lot.lapses_at, here).isoformat() for lot in ledger.lots.values() if lot.lapses_at is not None}
    spent = {"status": "cancelled", "reason": "spent"}
    return Changes(
        patches=tuple(
            Patch(Message, row.business, row.id, spent, {"status": "planned"}, must=False)
            for row in waiting
            if row.kind == EXPIRING and row.params[LAST_DAY] not in days
        )
    )


def last_day(lapses_at: Millis, here: Place) -> date:
    """The last day, by the salon's calendar, on which points that expire at ``lapses_at`` can be spent."""
    return local_day(lapses_at - 1, here.zone)


def expiring_row(
    desk: Desk, business: Business, salon: Salon | None, client: Client, lots: Sequence[BonusEntry], way: Way | Reason
) -> Message:
    """The word that what is left of ``lots``, whose last day is the same, expires."""
    settings, here, now = in_force(business, salon), place(business, salon), desk.now()
    day = last_day(min(lot.lapses_at or now for lot in lots), here)
    due = rings_at(EXPIRING, None, now, settings.quiet_hours, here.zone)
    return offer_row(
        desk,
        business,
        salon,
        client,
        EXPIRING,
        key=f"bonus_expiring:{encoded(client.id)}:{day.isoformat()}",
        due=due,
        not_after=min(due + LASTS, min(lot.lapses_at or due + LASTS for lot in lots)),
        way=way,
        params={LAST_DAY: day.isoformat(), ENTRIES: [lot.id for lot in lots]},
        choices=(BOOK,),
    )


async def warn(desk: Desk, business: Business, chunk: int = 100) -> int:
    """Plan the word that points expire for those about to; how many lots that concerned.

    What expires on one day is told in one message.
    """
    settings, here, now = in_force(business, None), place(business, None), desk.now()
    if not settings.kinds[EXPIRING].enabled:
        return 0
    until = durations.after(now, settings.kinds[EXPIRING].before[0], here.zone)
    where = {"business": business.id, "warned": False, "lapses_at": Range(now + 1, until + 1)}
    lots = await desk.store.find(BonusEntry, where, order=("lapses_at", "id"), limit=chunk)
    days: dict[tuple[str, date], list[BonusEntry]] = {}
    for lot in lots:
        days.setdefault((lot.client, last_day(lot.lapses_at or now, here)), []).append(lot)
    done = 0
    for (id, _), together in days.items():
        client = await desk.store.get(Client, business.id, id)
        known = {"warned": True}
        changes = Changes(
            patches=tuple(Patch(BonusEntry, lot.business, lot.id, known, {"warned": False}) for lot in together)
        )
        if client is not None:
            salon = await home_of(desk, client)
            way = await standing(desk, business, salon, client, EXPIRING)
            changes += Changes(inserts=(expiring_row(desk, business, salon, client, together, way),))
        try:
            await desk.store.commit(changes)
        except Conflict:
            continue
        done += len(together)
    return done


async def next_warning(desk: Desk, business: Business) -> Millis | None:
    """When points of this business will next be about to expire."""
    settings, here, now = in_force(business, None), place(business, None), desk.now()
    where = {"business": business.id, "warned": False, "lapses_at": Range(now + 1, None)}
    lots = await desk.store.find(BonusEntry, where, order=("lapses_at", "id"), limit=1)
    if not lots or not settings.kinds[EXPIRING].enabled:
        return None
    moment = durations.before(lots[0].lapses_at or now, settings.kinds[EXPIRING].before[0], here.zone)
    return moment if moment > now else None
