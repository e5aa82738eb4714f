"""What every record is made of."""

from __future__ import annotations

import uuid

Millis = int
"""A moment, or a length of time, in whole milliseconds."""


def new_id() -> str:
    """A fresh id: 32 hex digits, 122 random bits."""
    return uuid.uuid4().hex
