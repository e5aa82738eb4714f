"""What a client answers about a visit: confirm, ask to move, cancel. A press is a claim; the stored booking decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from handlers import staff
from handlers.replan import replanned, rows_of, surroundings
from handlers.replies import answer
from handlers.turn import Desk, Turn
from storage.records import AnswerValue, Booking, Business, Choice, Client, Message, Salon
from storage.store import Changes, Put

VISIT_VERBS = frozenset({"confirm", "move", "cancel", "cancel_yes", "cancel_keep", "visit"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A choice about a visit: the turn, the row it stands on, and who speaks."""

    turn: Turn
    row: Message
    client: Client
    business: Business
    booking: Booking
    edit: bool
    """The row stands in this chat with its buttons: the answer may be written into it."""


async def answer_visit(desk: Desk, turn: Turn, row: Message, choice: Choice, *, pressed: bool) -> Changes:
    """Carry out ``choice`` of the row, or answer with today's truth where it no longer fits.

    ``pressed``: a button of the very message was pressed, so the answer may be written into it.
    """
    business = await desk.store.get(Business, row.business, row.business)
    client = await desk.store.get(Client, row.business, row.client or "")
    booking = await desk.store.get(Booking, row.business, str(choice.args.get("booking", row.booking)))
    if business is None or client is None or booking is None or booking.client != client.id:
        return _say_gone(desk, turn, row)
    asked = Asked(turn, row, client, business, booking, pressed)
    stale = _stale(desk, asked)
    if stale is not None:
        return Changes(inserts=(stale,))
    if choice.verb == "cancel":
        return _say(desk, asked, "cancel_ask", (_of("cancel_yes", booking), _of("cancel_keep", booking)))
    if choice.verb == "visit":
        return Changes(inserts=(_row(desk, replace(asked, edit=False), "visit_card", open_choices(booking)),))
    if choice.verb == "cancel_keep":
        return _say(desk, asked, "cancel_kept", open_choices(booking))
    if choice.verb == "cancel_yes":
        return await _declined(desk, asked)
    if choice.verb == "move":
        return await _move_requested(desk, asked)
    return await _confirmed(desk, asked)


def open_choices(booking: Booking) -> tuple[Choice, ...]:
    """What a client can still do about a visit to come."""
    verbs = ("move", "cancel") if booking.answer == "confirmed" else ("confirm", "move", "cancel")
    return tuple(_of(verb, booking) for verb in verbs)


def _of(verb: str, booking: Booking) -> Choice:
    return Choice(verb, {"booking": booking.id})


def _stale(desk: Desk, asked: Asked) -> Message | None:
    """The answer to a button that has been overtaken, or None where it still fits."""
    booking = asked.booking
    if booking.status == "cancelled":
        return _row(desk, asked, "visit_cancelled")
    if booking.starts_at <= desk.now() or booking.status in ("arrived", "no_show"):
        return _row(desk, asked, "visit_past")
    if booking.moved_revision > asked.row.revision and asked.row.kind != "bookings":
        return _row(desk, asked, "visit_moved", open_choices(booking))
    return None


def _row(desk: Desk, asked: Asked, kind: str, choices: Sequence[Choice] = (), **params: object) -> Message:
    return answer(
        asked.turn,
        kind,
        business=asked.business.id,
        now=desk.now(),
        client=asked.client.id,
        booking=asked.booking,
        edits=asked.row.id if asked.edit else None,
        choices=choices,
        params=params,
    )


def _say(desk: Desk, asked: Asked, kind: str, choices: Sequence[Choice] = (), **params: object) -> Changes:
    return Changes(inserts=(_row(desk, asked, kind, choices, **params),))


def _say_gone(desk: Desk, turn: Turn, row: Message) -> Changes:
    """The booking is no longer this person's; nothing of it is told."""
    said = answer(turn, "visit_gone", business=row.business, now=desk.now(), client=row.client, edits=row.id)
    return Changes(inserts=(said,))


async def _confirmed(desk: Desk, asked: Asked) -> Changes:
    """Two fast taps: one write wins, the other finds it done and only thanks."""
    if asked.booking.answer == "confirmed":
        return _say(desk, asked, "visit_confirmed", open_choices(asked.booking), again=True)
    booking = replace(_answered(desk, asked, "confirmed"), status="confirmed")
    done = replace(asked, booking=booking)
    return await _with_plan(desk, done, "visit_confirmed") + _say(desk, done, "visit_confirmed", open_choices(booking))


async def _move_requested(desk: Desk, asked: Asked) -> Changes:
    if asked.booking.answer == "move_requested":
        return _say(desk, asked, "move_requested", (_of("cancel", asked.booking),), again=True)
    booking = _answered(desk, asked, "move_requested")
    done = replace(asked, booking=booking)
    return await _with_plan(desk, done, "move_requested") + _say(
        desk, done, "move_requested", (_of("cancel", booking),)
    )


async def _declined(desk: Desk, asked: Asked) -> Changes:
    booking = replace(
        _answered(desk, asked, "declined"),
        status="cancelled",
        cancelled_by="client",
        cancelled_at=desk.now(),
        cancelled_revision=asked.booking.revision + 1,
    )
    done = replace(asked, booking=booking)
    return await _with_plan(desk, done, "visit_declined") + _say(desk, done, "visit_declined")


def _answered(desk: Desk, asked: Asked, value: AnswerValue) -> Booking:
    return replace(
        asked.booking,
        answer=value,
        answer_at=desk.now(),
        answer_channel=asked.turn.channel,
        revision=asked.booking.revision + 1,
        updated_at=desk.now(),
    )


async def _with_plan(desk: Desk, asked: Asked, event: str) -> Changes:
    """The booking's new state, its messages planned anew, and the news for the staff."""
    booking = asked.booking
    around = await surroundings(desk, asked.business, booking)
    rows = await rows_of(desk, booking)
    changes = Changes(puts=(Put(booking, expect=booking.revision - 1),))
    changes += replanned(desk, booking, around, rows).changes
    salon = await desk.store.get(Salon, booking.business, booking.salon)
    return changes + await staff.announce(desk, asked.business, salon, booking, event)
