"""The salon's own phone as a sender of SMS: the states in which people see it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from handlers.i18n import mark

PhoneState = Literal["ready", "daily_limit", "rebinding", "silent"]

STATES: Final[Mapping[str, str]] = {
    "ready": mark("the salon's phone is ready"),
    "daily_limit": mark("the salon's phone has reached its daily limit"),
    "rebinding": mark("the salon's phone is being linked again"),
    "silent": mark("the salon's phone has been out of reach for a long time"),
}
"""Each state in words; but for the first, they are also the codes of messages that the phone did not send."""
