"""Holds the plan of a booking against its stored messages: what must change so that no waiting row is untrue.

Rows that were never on the wire belong to the plan: planned, skipped and cancelled replace one another. A row that once
was only moves forward: it may be cancelled while it waits, and is never brought back. What is on the wire right now can't
be called back; it is marked void, so that it is not tried again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from handlers.keys import first_hop
from handlers.plan import PLANNED_KINDS, WEAK
from handlers.plan_after import REVIEW
from handlers.reasons import Reason
from storage.records import WAITING, Booking, Message, Millis
from storage.store import Changes, OneOf, Patch

LAST_WORDS: Final[tuple[Reason, ...]] = ("by_staff", "erased")
"""Reasons that no planning overrules."""
SPOKEN_FOR_BY: Final = "grouped_with"
"""Parameter of a reminder that another message tells: the id of that row. That it was told so is a last word too."""
FROM_PLAN: Final = (
    "lane",
    "salon",
    "master",
    "day",
    "channel",
    "address",
    "revision",
    "status",
    "reason",
    "due_at",
    "next_at",
    "not_after",
    "params",
    "choices",
)
"""Fields that a row takes over from the plan when it is planned anew."""
ALWAYS_FRESH: Final = ("salon", "master", "choices")
"""Fields that every waiting row takes over, whatever its state."""


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What to commit, the ids of messages that were on the wire when they became untrue, and of those that tell of
    this booking beside their own and may be on the wire."""

    changes: Changes
    in_flight: tuple[str, ...] = ()
    tellers: tuple[str, ...] = ()


def reconcile(booking: Booking, existing: Sequence[Message], desired: Sequence[Message], now: Millis) -> Reconciled:
    """The changes that turn ``existing``, all stored rows about ``booking``, into the plan ``desired``.

    Rows of kinds that the plan does not own, and those to staff, are left alone. A patch that takes a row back expects it
    to wait still: a commit that meets it on the wire is a Conflict, and the decision is made anew.
    """
    wanted = {message.key: message for message in desired}
    patches: list[Patch] = []
    in_flight: list[str] = []
    tellers: list[str] = []
    for row in existing:
        if row.kind not in PLANNED_KINDS or row.staff_chat is not None:
            continue
        target = wanted.get(first_hop(row.key))
        untrue = _untrue(booking, row, target, now)
        if spoken_for(row):
            # The message that tells it may still come back unsent, and the row with it.
            patches.append(_patch(row, {"status": "skipped"}, {"status": "skipped"}))
            tellers += [row.params[SPOKEN_FOR_BY]] if untrue is not None else []
        elif row.status == "sending":
            if untrue is not None:
                in_flight.append(row.id)
                patches += _voided(row, untrue)
        elif row.status in WAITING:
            patches += _kept(booking, row, target) if untrue is None else _taken_back(row, target, untrue)
        elif target is not None and row.key == target.key:
            patches += _planned_anew(row, target, now)
    stored = {row.key for row in existing}
    inserts = tuple(_first(message) for message in desired if message.key not in stored)
    return Reconciled(Changes(inserts=inserts, patches=tuple(patches)), tuple(in_flight), tuple(tellers))


def spoken_for(row: Message) -> bool:
    """Whether another message tells, or has told, what this row was to tell."""
    return row.status == "skipped" and SPOKEN_FOR_BY in row.params


def _untrue(booking: Booking, row: Message, target: Message | None, now: Millis) -> str | None:
    """Why ``row`` should not go out; None where it should."""
    if target is not None:
        return None if target.reason is None or _of_time_alone(row, target, now) else target.reason
    if booking.client is None:
        return "no_client"
    if row.client != booking.client:
        return None if row.kind == "booking_cancelled" else "other_client"
    if booking.status == "cancelled":
        return "booking_cancelled"
    if row.kind == REVIEW:
        return "not_arrived"
    if row.kind != "reminder":
        return "superseded"
    return "switched_off" if f":r{booking.moved_revision}:" in row.key else "booking_moved"


def _of_time_alone(row: Message, target: Message, now: Millis) -> bool:
    """The plan would not make ``row`` now, only because it is late to: a row that is there already goes on."""
    return target.reason in WEAK or (target.reason == "quiet_hours" and row.due_at <= now)


def _voided(row: Message, why: str) -> list[Patch]:
    return [] if row.void else [_patch(row, {"void": why}, {"status": "sending"})]


def _taken_back(row: Message, target: Message | None, why: str) -> list[Patch]:
    status = target.status if target is not None and not row.attempts else "cancelled"
    gone = {"status": status, "reason": why, "token": None, "lease_until": None, "held": False}
    return [_patch(row, gone, {"status": OneOf(WAITING)})]


def _kept(booking: Booking, row: Message, target: Message | None) -> list[Patch]:
    """Carry a waiting row on to the booking's revision, with today's choices; its time changes only before any lease."""
    fresh: dict[str, Any] = {"revision": booking.revision}
    where: Mapping[str, Any] = {"status": OneOf(WAITING)}
    if target is not None:
        fresh |= {name: getattr(target, name) for name in ALWAYS_FRESH}
        fresh["params"] = {**row.params, **target.params}
        untouched = row.status == "planned" and not row.attempts and not row.held and row.key == target.key
        if untouched and target.reason is None:
            fresh |= {name: getattr(target, name) for name in ("channel", "address", "not_after")}
            if row.due_at != target.due_at:
                fresh |= {name: getattr(target, name) for name in ("due_at", "next_at", "day")}
                where = {"status": "planned", "attempts": 0}
        elif row.kind != "reminder" or row.due_at == target.due_at:
            fresh["not_after"] = target.not_after
    if row.held and row.revision != booking.revision:
        # What it tells may read otherwise now: it falls due again, to be put into words anew and shown anew.
        fresh |= {"held": False, "next_at": row.due_at}
    changed = {name: value for name, value in fresh.items() if getattr(row, name) != value}
    return [_patch(row, changed, where, must="due_at" in changed)] if changed else []


def _planned_anew(row: Message, target: Message, now: Millis) -> list[Patch]:
    """A skipped or cancelled row that was never on the wire follows the plan; what is over stays as it is."""
    if row.status not in ("skipped", "cancelled") or row.attempts or row.reason in LAST_WORDS:
        return []
    if target.reason is not None:
        same = (row.status, row.reason) == (target.status, target.reason)
        if same or target.status == "cancelled" or _of_time_alone(row, target, now):
            return []
    fresh = {name: getattr(target, name) for name in FROM_PLAN}
    return [_patch(row, {**fresh, "held": False}, {"status": row.status, "attempts": 0})]


def _first(message: Message) -> Message:
    """What was never planned can't be cancelled: it is skipped from the start."""
    return replace(message, status="skipped") if message.status == "cancelled" else message


def _patch(row: Message, fields: Mapping[str, Any], where: Mapping[str, Any], *, must: bool = True) -> Patch:
    return Patch(Message, row.business, row.id, dict(fields), where, must=must)
