"""What follows a visit that took place: when its client is asked for a review, and why not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from handlers import durations
from handlers.durations import DAY
from handlers.reasons import Reason
from handlers.settings import Place, Settings
from handlers.timing import rings_at
from storage.records import Booking, Choice, Millis

REVIEW: Final = "review_request"
RATES: Final = ("rate_1", "rate_2", "rate_3", "rate_4", "rate_5")
"""The verbs of the stars; their order is that of the numbers."""
APART: Final[Millis] = 30 * DAY
"""Nobody is asked for two reviews within this."""


class Request(NamedTuple):
    """A request for a review. ``reason``: why it is not to be sent; None: it is."""

    due: Millis
    not_after: Millis
    reason: Reason | None


def review_request(
    booking: Booking, settings: Settings, place: Place, asked: Sequence[Millis], now: Millis
) -> Request | None:
    """When the client of ``booking`` is asked for a review; None while the client has not come.

    ``asked``: when this client is, or was, asked about other visits, or reviewed them. Who came is often marked late, so
    the visit itself must not be longer ago than ``max_age`` either.
    """
    if booking.status != "arrived" or booking.arrived_at is None:
        return None
    kind, zone = settings.kinds[REVIEW], place.zone
    ready = durations.after(booking.arrived_at, kind.after, zone)
    due = rings_at(REVIEW, booking, ready, settings.quiet_hours, zone)
    not_after = durations.after(booking.arrived_at, kind.max_age, zone)
    reason: Reason | None = None
    if any(abs(due - other) < APART for other in asked):
        reason = "asked_lately"
    elif booking.arrived_at > durations.after(booking.starts_at, kind.max_age, zone) or max(due, now) >= not_after:
        reason = "too_late"
    return Request(due, not_after, reason)


def rates(booking: Booking) -> tuple[Choice, ...]:
    """One to five stars for this visit."""
    return tuple(Choice(verb, {"booking": booking.id}) for verb in RATES)
