"""What every record is made of."""

from __future__ import annotations

import os
import time

Millis = int
"""A moment, or a length of time, in whole milliseconds."""


def new_id() -> str:
    """A fresh id: 32 hex digits, of which the first twelve are a clock's and the last twenty random.

    So rows that are made one after the other lie side by side in every index, and what was planned together is claimed
    and settled together: a step of the outbox writes a third of the pages that it would touch at random.
    """
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}"
