"""Answers to a message about the visits of several people who read one chat: for one of them, or, where that was said,
for all. The message is shown anew with what is true then, in place where the channel can."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from handlers.answers import open_choices
from handlers.decisions import carried_out, decide, is_over
from handlers.grouping import BOOKINGS, SEEN, choices_of_several, seen_of
from handlers.presence import Here
from handlers.replies import answer
from handlers.turn import Desk, Turn
from handlers.wording_choices import waits_for_word
from storage.records import Booking, Business, Choice, Message
from storage.store import Changes

LISTS: Final = frozenset({"one_by_one", "change"})
VERBS: Final = frozenset({"tick", "confirm_all", *LISTS})
BOARD: Final = "group_board"


async def answer_for_several(
    desk: Desk, turn: Turn, here: Here, row: Message, choice: Choice, *, pressed: bool
) -> Changes:
    """Carry out one of :data:`VERBS` that stands on ``row``, for those of its visits whose people are behind this chat."""
    business = await desk.store.get(Business, row.business, row.business)
    visits = await _visits(desk, here, row)
    if business is None or not visits:
        return Changes(inserts=(answer(turn, "visit_gone", business=row.business, now=desk.now(), client=row.client),))
    if choice.verb in LISTS:
        return Changes(inserts=(_list(desk, turn, row, visits),))
    seen = row.params.get(SEEN, {})
    changes, after = Changes(), {visit.id: visit for visit in visits}
    for booking in _asked(visits, choice, desk):
        decision = decide(booking, "confirm", seen=seen.get(booking.id, 0), now=desk.now(), channel=turn.channel)
        after[booking.id] = decision.booking
        changes += await carried_out(desk, business, decision)
        if decision.kind != "visit_confirmed":
            changes += Changes(inserts=(_overtaken(desk, turn, decision.kind, decision.booking),))
    return changes + Changes(inserts=(_board(desk, turn, row, tuple(after.values()), pressed),))


async def _visits(desk: Desk, here: Here, row: Message) -> tuple[Booking, ...]:
    """The visits of ``row`` in its order, but those that belong to nobody here any more."""
    people = {client.id for client in here.of(row.business)} | {row.client}
    ids = row.params.get(BOOKINGS, ())
    found = await desk.store.get_many(Booking, [(row.business, id) for id in ids])
    visits = (found[row.business, id] for id in ids if (row.business, id) in found)
    return tuple(visit for visit in visits if visit.client in people)


def _asked(visits: Sequence[Booking], choice: Choice, desk: Desk) -> list[Booking]:
    """The one that was ticked; "all" are those that still wait for a word."""
    if choice.verb == "tick":
        return [visit for visit in visits if visit.id == choice.args["booking"]]
    return [visit for visit in visits if waits_for_word(visit, desk.now())]


def _overtaken(desk: Desk, turn: Turn, kind: str, booking: Booking) -> Message:
    """What a visit has become since it was shown."""
    return answer(
        turn,
        kind,
        business=booking.business,
        now=desk.now(),
        client=booking.client,
        booking=booking,
        choices=open_choices(booking) if kind == "visit_moved" else (),
        tag=f":{booking.id}",
    )


def _board(desk: Desk, turn: Turn, row: Message, visits: Sequence[Booking], pressed: bool) -> Message:
    asked = [visit.id for visit in visits if waits_for_word(visit, desk.now())]
    late = tuple(choice for choice in row.choices if choice.verb == "late")
    return answer(
        turn,
        BOARD,
        business=row.business,
        now=desk.now(),
        client=row.client,
        booking=next((visit for visit in visits if visit.id == row.booking), visits[0]),
        edits=row.id if pressed else None,
        choices=(*choices_of_several(asked, ticks=turn.channel == "telegram"), *late),
        params={BOOKINGS: [visit.id for visit in visits], SEEN: seen_of(visits)},
    )


def _list(desk: Desk, turn: Turn, row: Message, visits: Sequence[Booking]) -> Message:
    """The visits that can still be moved or cancelled, to choose one."""
    ahead = [visit for visit in visits if visit.status in ("booked", "confirmed") and not is_over(visit, desk.now())]
    return answer(
        turn,
        "bookings",
        business=row.business,
        now=desk.now(),
        client=row.client,
        choices=tuple(Choice("visit", {"booking": visit.id}) for visit in ahead),
        params={BOOKINGS: [visit.id for visit in ahead]},
    )
