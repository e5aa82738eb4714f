"""The frozen record of why clients say they don't come; see :mod:`storage.records`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

WhyReason = Literal["moved", "price", "time", "unhappy", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """One answer to "why not", of which nothing tells whose it is: no client, no visit, no moment but the month.

    ``id`` is drawn from the random id of the message that asked, so one question is answered once; when that message is
    gone, nothing leads back to it.
    """

    JSON: ClassVar[tuple[str, ...]] = ()
    business: str
    id: str
    salon: str | None = None
    master: str | None = None
    reason: WhyReason
    month: str
    """``YYYY-MM`` in the salon's zone."""
