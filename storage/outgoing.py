"""The frozen records of what the booking systems are told, and of who must not come back; see :mod:`storage.records`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from storage.basics import Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An address of a booking system that wants to hear what happens."""

    JSON: ClassVar[tuple[str, ...]] = ("events",)
    business: str
    id: str
    url: str
    events: tuple[str, ...] | None = None
    """What it wants to hear; None: everything."""
    secret: str = field(repr=False)
    """``whsec_`` and the key in base64, as Standard Webhooks writes it."""
    previous_secret: str | None = field(default=None, repr=False)
    """The secret before the last change, with which everything is signed too until ``previous_until``."""
    previous_until: Millis | None = None
    created_at: Millis = 0
    disabled_at: Millis | None = None
    """When the receiver said that it is gone (410); nothing is sent until it is PUT anew."""
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event on its way to one webhook. ``id`` is its ``webhook-id``, the same at every try; ids of one process sort in
    the order in which they were made."""

    JSON: ClassVar[tuple[str, ...]] = ()
    business: str
    id: str
    webhook: str
    stream: str
    """Deliveries of one stream go out one after the other: ``booking:b-1``, ``client:c1``."""
    type: str
    body: str
    """The JSON that is sent, the same at every try."""
    client: str | None = None
    """Whom it is about."""
    created_at: Millis
    status: Literal["pending", "delivered", "failed"] = "pending"
    attempts: int = 0
    next_at: Millis
    give_up_at: Millis
    token: str | None = None
    """Of the worker that is at it; ``next_at`` is then when another one may take it up."""
    tried_at: Millis | None = None
    response: int | None = None
    """The HTTP status of the last answer."""
    error: str | None = None
    """Why there was no answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tombstone:
    """A person was erased. ``id`` is a keyed hash, so that the row tells nobody who it was; see :mod:`handlers.privacy`."""

    JSON: ClassVar[tuple[str, ...]] = ()
    business: str
    id: str
    at: Millis
