"""What a client's word about a visit comes to, whether it was tapped in a chat, typed, or pressed on the visit page.

A press is a claim; the stored booking decides. :func:`decide` is pure, :func:`carried_out` makes a decision true.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from handlers import events, rebook, staff
from handlers.replan import replanned, rows_of, surroundings
from handlers.turn import Desk
from storage.records import AnswerValue, Booking, Business, Choice, Millis, Salon
from storage.store import Changes, Put

VISIT_VERBS: Final = frozenset({"confirm", "move", "cancel", "cancel_yes", "cancel_keep", "visit"})
ANSWERS: Final[Mapping[str, tuple[AnswerValue, str]]] = {
    "confirm": ("confirmed", "visit_confirmed"),
    "move": ("move_requested", "move_requested"),
    "cancel_yes": ("declined", "visit_declined"),
}
"""Verb to the answer that it is, and to the kind of message that thanks for it; staff hear of it under the same name."""
TOLD: Final[Mapping[str, str]] = {
    "visit_confirmed": "visit.confirmed",
    "move_requested": "visit.move_requested",
    "visit_declined": "visit.cancelled",
}
"""The same to the event that booking systems hear."""
SAYINGS: Final[Mapping[str, str]] = {"cancel": "cancel_ask", "cancel_keep": "cancel_kept", "visit": "visit_card"}
"""Verbs that change nothing, to what is said then."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a press: ``kind`` is what the client is told, ``booking`` is as it stands then."""

    kind: str
    booking: Booking
    event: str | None = None
    """What the staff hear; None where nothing has changed."""
    again: bool = False
    """It had been said before."""


def decide(booking: Booking, verb: str, *, seen: int | None, now: Millis, channel: str) -> Decision:
    """What ``verb`` (one of :data:`VISIT_VERBS`) comes to.

    ``seen`` is the revision of the booking that the client had in view: what was moved since is shown, not answered;
    None where it is sure to be today's.
    """
    stale = overtaken(booking, seen, over=is_over(booking, now))
    if stale is not None:
        return Decision(stale, booking)
    if verb in SAYINGS:
        return Decision(SAYINGS[verb], booking)
    value, kind = ANSWERS[verb]
    if booking.answer == value:
        return Decision(kind, booking, again=True)
    return Decision(kind, _answered(booking, value, now, channel), event=kind)


def overtaken(booking: Booking, seen: int | None, *, over: bool) -> str | None:
    """What to say where a press has been overtaken (``over``: by the visit itself), or None where it still fits."""
    if booking.status == "cancelled":
        return "visit_cancelled"
    if over:
        return "visit_past"
    if seen is not None and booking.moved_revision > seen:
        return "visit_moved"
    return None


def is_over(booking: Booking, now: Millis) -> bool:
    """Whether the visit has begun, or is known to have taken place or not."""
    return booking.starts_at <= now or booking.status in ("arrived", "no_show")


def _answered(booking: Booking, value: AnswerValue, now: Millis, channel: str) -> Booking:
    revision = booking.revision + 1
    booking = replace(booking, answer=value, answer_at=now, answer_channel=channel, revision=revision, updated_at=now)
    if value == "confirmed":
        return replace(booking, status="confirmed")
    if value == "declined":
        return replace(
            booking, status="cancelled", cancelled_by="client", cancelled_at=now, cancelled_revision=revision
        )
    return booking


def open_choices(booking: Booking) -> tuple[Choice, ...]:
    """What a client can still do about a visit to come."""
    verbs = ("move", "cancel") if booking.answer == "confirmed" else ("confirm", "move", "cancel")
    return tuple(choice_of(verb, booking) for verb in verbs)


def choice_of(verb: str, booking: Booking) -> Choice:
    """The choice ``verb`` about this booking."""
    return Choice(verb, {"booking": booking.id})


async def carried_out(desk: Desk, business: Business, decision: Decision) -> Changes:
    """The booking's new state, its messages planned anew, and the news for the staff; nothing where nothing changed."""
    if decision.event is None:
        return Changes()
    booking = decision.booking
    around = await surroundings(desk, business, booking)
    rows = await rows_of(desk, booking)
    changes = Changes(puts=(Put(booking, expect=booking.revision - 1),))
    changes += replanned(desk, booking, around, rows).changes
    if around.client is not None:
        changes += await rebook.replanned(desk, business, around.client, booking)
    salon = await desk.store.get(Salon, booking.business, booking.salon)
    by = {"by": booking.cancelled_by} if booking.status == "cancelled" else {}
    changes += await events.of_booking(desk, booking, TOLD[decision.event], channel=booking.answer_channel, **by)
    return changes + await staff.announce(desk, business, salon, booking, decision.event)
