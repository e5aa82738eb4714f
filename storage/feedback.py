"""The frozen records of what clients think of a visit and give for it; see :mod:`storage.records`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from storage.basics import Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What a client thinks of one visit. ``id`` is the booking's: a visit has one review."""

    JSON: ClassVar[tuple[str, ...]] = ()
    business: str
    id: str
    client: str | None = None
    """None after the person was erased; text and photo are gone then too, the stars stay for the averages."""
    master: str | None = None
    salon: str
    services: str = ""
    """The ids of the visit's services with a space between them, which no id holds: counts are grouped by the whole."""
    rating: int
    """Stars, 1 to 5."""
    text: str | None = None
    photo: str | None = None
    """Where the photo lies: the channel, a colon, and the provider's id of it."""
    month: str = ""
    """The month of ``at`` in the salon's zone, ``YYYY-MM``: averages are counted by it."""
    channel: str
    """Where the stars were given: ``telegram``, ``whatsapp``, ``page``."""
    at: Millis
    """When they were given first."""
    updated_at: Millis
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """Money for a master, through an invoice. ``id`` is that of the message that carried the invoice; a payment that came
    in beside the first one is named after its charge."""

    JSON: ClassVar[tuple[str, ...]] = ()
    business: str
    id: str
    booking: str
    client: str | None = None
    master: str | None = None
    salon: str
    amount: int
    """In hundredths of ``currency``."""
    currency: str
    provider: str
    """Who took the money: ``telegram``."""
    invoice: str
    """The id of the message that carried the invoice."""
    checkout: str | None = None
    """The provider's id of the question by which a payer was let through."""
    charge: str | None = None
    """The provider's id of the payment; one payment is counted once, however often it is told."""
    status: Literal["checking", "paid"] = "checking"
    """``checking``: somebody was let through and has not paid yet, and others wait meanwhile."""
    at: Millis
    """When it was paid; before that, when the payer was let through."""
    revision: int = 0
