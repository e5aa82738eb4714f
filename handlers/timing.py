"""When messages about a visit are due and until when they are worth sending, quiet hours taken into account."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

from handlers import durations, quiet
from handlers.durations import HOUR, MINUTE, Duration
from handlers.quiet import Hours
from handlers.reasons import Reason
from handlers.settings_schema import KINDS
from storage.records import Booking, Millis

NOTICES: Final = ("booking_created", "booking_changed", "booking_cancelled")
SOON_AFTER_QUIET: Final = 3 * HOUR
"""Notices of visits that start before the quiet hours' end and this are not held back."""
LEFT_AFTER_QUIET: Final = HOUR
"""A reminder goes at the end of the quiet hours if this much is left before the start."""
BEFORE_QUIET: Final = 30 * MINUTE
"""Else it goes this long before the quiet hours begin."""
APART: Final = 2 * HOUR
"""A reminder that is moved before the quiet hours keeps this distance from the others of its booking."""
JUST_TOLD: Final = 30 * MINUTE
"""A reminder due within this after a notice says nothing new."""


def rings_at(kind: str, booking: Booking | None, at: Millis, hours: Hours | None, zone: ZoneInfo) -> Millis:
    """When a message that is ready at ``at`` may ring: ``at`` itself, or the end of the quiet hours.

    Answers and staff messages always go at once, and so do the notice of a booking that the client made, and notices,
    changes and cancellations of a visit whose old or new start is near.
    """
    if kind not in KINDS:
        return at
    span = quiet.span(at, hours, zone)
    if span is None or (kind in NOTICES and booking is not None and _goes_at_once(kind, booking, span.end)):
        return at
    return span.end


def _goes_at_once(kind: str, booking: Booking, quiet_end: Millis) -> bool:
    if kind == "booking_created" and booking.created_by == "client":
        return True
    start: Millis = min(booking.starts_at, booking.changed_from.get("starts_at", booking.starts_at))
    return start < quiet_end + SOON_AFTER_QUIET


class Slot(NamedTuple):
    """One reminder's time. ``reason``: why it is not to be sent; None: it is."""

    lead: Duration
    due: Millis
    not_after: Millis
    reason: Reason | None


class _Raw(NamedTuple):
    lead: Duration
    due: Millis
    moved: Literal["later", "earlier"] | None = None
    """Out of the quiet hours: to their end, or to before they begin."""


def reminder_slots(
    start: Millis,
    leads: Iterable[Duration],
    hours: Hours | None,
    zone: ZoneInfo,
    *,
    told: Sequence[Millis],
    known_at: Millis,
    now: Millis,
) -> list[Slot]:
    """When the reminders of a visit at ``start`` go, the longest lead first.

    ``told``: when the notices of the booking were due. ``known_at``: since when this start is known, so reminders due
    before that never went. A reminder whose moment has passed is not sent, one right after a notice neither.
    """
    raws = [_raw(start, lead, hours, zone) for lead in sorted(leads, key=durations.length, reverse=True)]
    taken = [
        raw.due for raw in raws if raw.moved != "earlier" and raw.due >= known_at and not _just_told(raw.due, told)
    ]
    slots = []
    for raw in raws:
        reason = _why_not(raw, raws, taken, hours, zone, told, now)
        if raw.moved == "earlier" and reason is None:
            taken.append(raw.due)
        slots.append(Slot(raw.lead, raw.due, _not_after(raw, start, hours, zone), reason))
    return slots


def _raw(start: Millis, lead: Duration, hours: Hours | None, zone: ZoneInfo) -> _Raw:
    due = durations.before(start, lead, zone)
    span = quiet.span(due, hours, zone)
    if span is None:
        return _Raw(lead, due)
    if span.end <= start - max(LEFT_AFTER_QUIET, durations.length(lead) // 8 + 1):
        return _Raw(lead, span.end, "later")
    return _Raw(lead, span.begin - BEFORE_QUIET, "earlier")


def _why_not(
    raw: _Raw,
    raws: Sequence[_Raw],
    taken: Sequence[Millis],
    hours: Hours | None,
    zone: ZoneInfo,
    told: Sequence[Millis],
    now: Millis,
) -> Reason | None:
    if _just_told(raw.due, told):
        return "just_told"
    if raw.moved == "earlier":
        near = any(abs(raw.due - other) < APART for other in taken)
        blocked = near or raw.due < now or quiet.span(raw.due, hours, zone) is not None
        return "quiet_hours" if blocked else None
    if any(other.due == raw.due for other in raws[: raws.index(raw)]):
        return "quiet_hours" if raw.moved else "grouped"
    return "too_late" if raw.due < now else None


def _just_told(due: Millis, told: Sequence[Millis]) -> bool:
    return any(at <= due <= at + JUST_TOLD for at in told)


def _not_after(raw: _Raw, start: Millis, hours: Hours | None, zone: ZoneInfo) -> Millis:
    """The earlier of a quarter of the lead after it was due, quiet hours not counted, and an eighth before the start."""
    long = durations.length(raw.lead)
    return quiet.awake_after(raw.due, long // 4, hours, zone, latest=start - long // 8)
