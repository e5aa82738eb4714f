"""A choice about a visit that was tapped or typed in a chat: carried out, and answered there."""

from __future__ import annotations

from handlers import whys
from handlers.decisions import VISIT_VERBS, Decision, carried_out, choice_of, decide, open_choices
from handlers.presence import Here
from handlers.replies import answer
from handlers.turn import Desk, Turn
from storage.records import Booking, Business, Choice, Client, Message
from storage.store import Changes

__all__ = ["VISIT_VERBS", "answer_visit", "open_choices"]


async def answer_visit(desk: Desk, turn: Turn, here: Here, row: Message, choice: Choice, *, pressed: bool) -> Changes:
    """Carry out ``choice`` of the row, or answer with today's truth where it no longer fits.

    ``pressed``: a button of the very message was pressed, so the answer may be written into it.
    """
    business = await desk.store.get(Business, row.business, row.business)
    booking = await desk.store.get(Booking, row.business, str(choice.args.get("booking", row.booking)))
    # A list holds the visits of everybody who reads this chat.
    people = {row.client, *(client.id for client in here.of(row.business) if row.kind == "bookings")}
    client = await desk.store.get(Client, row.business, (booking and booking.client) or "")
    if business is None or booking is None or client is None or client.id not in people:
        return say_gone(desk, turn, row)
    # A list says of each visit what is true when it is read, whatever the revision of the one it is filed under.
    seen = None if row.kind == "bookings" else row.revision
    decision = decide(booking, choice.verb, seen=seen, now=desk.now(), channel=turn.channel)
    said = answer(
        turn,
        decision.kind,
        business=business.id,
        now=desk.now(),
        client=client.id,
        booking=decision.booking,
        edits=row.id if pressed and decision.kind != "visit_card" else None,
        choices=(*_next(decision), *_still_late(decision, row)),
        params={"again": True} if decision.again else {},
    )
    return await carried_out(desk, business, decision) + Changes(inserts=(said,))


def _next(decision: Decision) -> tuple[Choice, ...]:
    """What can be chosen under the answer."""
    booking = decision.booking
    if decision.kind == "cancel_ask":
        return (choice_of("cancel_yes", booking), choice_of("cancel_keep", booking))
    if decision.kind == "visit_declined":
        return () if decision.again else whys.CHOICES
    if decision.kind == "move_requested":
        return (choice_of("cancel", booking),)
    return () if decision.kind in ("visit_cancelled", "visit_past") else open_choices(booking)


def _still_late(decision: Decision, row: Message) -> tuple[Choice, ...]:
    """Whoever says yes on the last reminder may still be late."""
    kept = decision.kind in ("visit_confirmed", "cancel_kept")
    return tuple(choice for choice in row.choices if kept and choice.verb == "late")


def say_gone(desk: Desk, turn: Turn, row: Message) -> Changes:
    """The booking is no longer this person's; nothing of it is told."""
    said = answer(turn, "visit_gone", business=row.business, now=desk.now(), client=row.client, edits=row.id)
    return Changes(inserts=(said,))
