"""A client who runs late: the staff hear of it, and what they answer goes back to where it was said."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Final

from handlers import answers, events, staff
from handlers.by_hand import edit_of
from handlers.decisions import overtaken
from handlers.durations import HOUR, MINUTE
from handlers.grouping import BOOKINGS, SEEN
from handlers.keys import encoded
from handlers.presence import Here
from handlers.replies import answer
from handlers.settings import place
from handlers.turn import Desk, Turn
from storage.records import ANSWERS_LANE, REACHED, Booking, Business, Choice, Client, Message, Millis, Salon, StaffChat
from storage.store import Changes, Range

EVENT: Final = "running_late"
CARD: Final = "staff_running_late"
DELAY: Final[Millis] = 10 * MINUTE
ANSWERS: Final = ("late_wait", "late_call")
"""What the staff may answer: the verb of the button, and the kind of message that the client gets."""
VERBS: Final = frozenset(ANSWERS)
ANSWER_LASTS: Final = HOUR
MOST_NEXT: Final = 20


async def told(desk: Desk, turn: Turn, here: Here, row: Message, choice: Choice) -> Changes:
    """Tell the staff that the client will be late; said twice, it is told once.

    Of the visits of a message about several, it is said of those that such a delay touches: of the first that is still
    ahead or going on, and of what begins with it.
    """
    business = await desk.store.get(Business, row.business, row.business)
    visits = await _visits(desk, here, row, choice)
    if business is None or not visits:
        return answers.say_gone(desk, turn, row)
    seen = row.params.get(SEEN, {})
    stale = {visit.id: overtaken(visit, seen.get(visit.id, row.revision), over=_over(visit, desk)) for visit in visits}
    live = [visit for visit in visits if stale[visit.id] is None]
    if not live:
        return _say(desk, turn, visits[0], stale[visits[0].id] or "")
    first = min(visit.starts_at for visit in live)
    touched = [visit for visit in live if visit.starts_at < first + DELAY]
    cards = [card for visit in touched for card in await _cards(desk, turn, business, visit)]
    whose = {BOOKINGS: [visit.id for visit in touched]} if len({visit.client for visit in visits}) > 1 else {}
    heard = Changes()
    for visit in touched:
        heard += await events.of_booking(desk, visit, "visit.running_late", channel=turn.channel)
    return _say(desk, turn, touched[0], "late_told", told=bool(cards), **whose) + Changes(inserts=tuple(cards)) + heard


async def _visits(desk: Desk, here: Here, row: Message, choice: Choice) -> list[Booking]:
    """What ``row`` tells of, in its order, but what belongs to nobody here any more."""
    several = row.params.get(BOOKINGS)
    ids = several or [str(choice.args.get("booking", row.booking))]
    people = {row.client, *(client.id for client in here.of(row.business) if several)}
    found = await desk.store.get_many(Booking, [(row.business, id) for id in ids])
    visits = (found[row.business, id] for id in ids if (row.business, id) in found)
    return [visit for visit in visits if visit.client is not None and visit.client in people]


def _over(booking: Booking, desk: Desk) -> bool:
    return booking.ends_at <= desk.now() or booking.status in ("arrived", "no_show")


async def _cards(desk: Desk, turn: Turn, business: Business, booking: Booking) -> list[Message]:
    salon = await desk.store.get(Salon, business.id, booking.salon)
    following = await _next_of_master(desk, business, salon, booking)
    params = {
        "channel": turn.channel,
        "address": turn.address,
        BOOKINGS: [following.id] if following else [],
        "spare": following.starts_at - booking.ends_at if following else None,
    }
    news = await staff.announce(desk, business, salon, booking, EVENT, params=params)
    return [replace(card, choices=_choices(booking)) for card in news.inserts if isinstance(card, Message)]


def _say(desk: Desk, turn: Turn, booking: Booking, kind: str, **params: object) -> Changes:
    said = answer(
        turn, kind, business=booking.business, now=desk.now(), client=booking.client, booking=booking, params=params
    )
    return Changes(inserts=(said,))


def _choices(booking: Booking) -> tuple[Choice, ...]:
    return tuple(Choice(verb, {"booking": booking.id}) for verb in ANSWERS)


async def _next_of_master(desk: Desk, business: Business, salon: Salon | None, booking: Booking) -> Booking | None:
    """The next visit of the same master on the same day."""
    if booking.master is None:
        return None
    zone = place(business, salon).zone
    day = datetime.fromtimestamp(booking.starts_at / 1000, zone).date()
    midnight = datetime.combine(day + timedelta(days=1), time(0), zone)
    where = {
        "business": business.id,
        "master": booking.master,
        "starts_at": Range(booking.starts_at + 1, round(midnight.timestamp() * 1000)),
    }
    later = await desk.store.find(Booking, where, order=("starts_at", "id"), limit=MOST_NEXT)
    return next((visit for visit in later if visit.status in ("booked", "confirmed")), None)


async def answered(desk: Desk, turn: Turn, chat: StaffChat, card: Message, choice: Choice) -> Changes:
    """Tell the client what the staff say, once: the first answer counts, and every card shows whose it was."""
    key = f"late:{encoded(card.booking or '')}:r{card.revision}"
    # Named by its key, so that of two who answer at once both know the id of the answer that counts.
    id = hashlib.sha256(f"{card.business}:{key}".encode()).hexdigest()[:32]
    client = await desk.store.get(Client, card.business, card.client or "")
    said: tuple[Message, ...] = ()
    if client is not None and await desk.store.get(Message, card.business, id) is None:
        said = (_answer(desk, turn, card, choice.verb, key, id),)
    where = {"business": card.business, "booking": card.booking, "kind": CARD}
    rows = await desk.store.find(Message, where, limit=MOST_NEXT)
    same = [row for row in rows if row.revision == card.revision and row.edits is None]
    shown = [row for row in same if row.provider_id and row.status in REACHED]
    edits = (replace(edit_of(row, desk.now()), params={**row.params, "message": id}) for row in shown)
    return Changes(inserts=(*said, *edits))


def _answer(desk: Desk, turn: Turn, card: Message, verb: str, key: str, id: str) -> Message:
    now = desk.now()
    return Message(
        business=card.business,
        id=id,
        key=key,
        kind=verb,
        lane=ANSWERS_LANE,
        booking=card.booking,
        client=card.client,
        salon=card.salon,
        master=card.master,
        day=card.day,
        channel=str(card.params["channel"]),
        address=str(card.params["address"]),
        due_at=now,
        next_at=now,
        not_after=now + ANSWER_LASTS,
        params={"by": turn.name} if turn.name else {},
        created_at=now,
    )
