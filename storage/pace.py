"""The generic cell rate algorithm, on two numbers that every store keeps per pace.

The theoretical arrival time is the moment at which the next send would be exactly on time. Sends may run ahead of it by
``(burst - 1) * every``, so never more than ``burst`` go at once and one every ``every`` milliseconds in the long run.
The algorithm: ITU-T I.371, annex A.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from storage.records import Millis
from storage.store import Granted, Permit


class Pace(NamedTuple):
    """The state of one pace: theoretical arrival time, and the moment before which nothing goes (both store's clock)."""

    arrival: float = 0.0
    held_until: Millis = 0


def take(pace: Pace, permit: Permit, now: Millis) -> tuple[Granted, Pace]:
    """As many of ``permit`` as may go at ``now``, and the state from then on."""
    if now < pace.held_until:
        return Granted(0, pace.held_until), pace
    ahead = (permit.burst - 1) * permit.every
    first = arrival = max(pace.arrival, float(now))
    room = math.floor((now + ahead - arrival) / permit.every) + 1 if permit.every > 0 else permit.n
    granted = max(0, min(permit.n, room))
    arrival += granted * permit.every
    next_at = max(now, math.ceil(arrival - ahead))
    return Granted(granted, next_at, first if granted else 0.0), Pace(arrival, pace.held_until)
