"""The frozen records of what comes in, what was said, and what is still to be done; see :mod:`storage.records`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from storage.basics import Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A provider's word about a message, raw payload kept. ``id`` is unique per word, so a repeat is not stored twice."""

    JSON: ClassVar[tuple[str, ...]] = ("raw",)
    business: str
    id: str
    message: str
    status: str
    at: Millis
    raw: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxEvent:
    """An inbound event, verified and stored before it is answered. ``business`` is empty; ``id`` is ``source:event``."""

    JSON: ClassVar[tuple[str, ...]] = ()
    business: str = ""
    id: str
    source: str
    payload: str
    """The event as it came, JSON."""
    received_at: Millis
    status: Literal["pending", "done", "failed"] = "pending"
    attempts: int = 0
    lease_until: Millis = 0
    """Whoever took it works on it until then, by the store's clock."""
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkCode:
    """A one-time code. ``id`` is the SHA-256 of the code in hex; ``business`` is empty so that a code alone finds it."""

    JSON: ClassVar[tuple[str, ...]] = ("params",)
    business: str = ""
    id: str
    purpose: Literal["client", "staff", "console"]
    owner: str
    """The business it belongs to."""
    params: Mapping[str, Any] = field(default_factory=dict)
    created_at: Millis = 0
    expires_at: Millis
    tries: int = 0
    used_at: Millis | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageLink:
    """A page that a token in its address opens. ``id`` is the SHA-256 of the token in hex; ``business`` is empty so that
    a token alone finds it."""

    JSON: ClassVar[tuple[str, ...]] = ()
    business: str = ""
    id: str
    purpose: Literal["visit", "settings", "review", "join"]
    owner: str
    """The business it belongs to."""
    subject: str
    """The id of what it opens: a booking (``visit``, ``review``), a client (``settings``), a salon (``join``)."""
    client: str | None = None
    """For whom it was made: a booking that is somebody else's by now is not shown."""
    created_at: Millis = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One entry of the consent ledger: who said what, when, where, in answer to which words."""

    JSON: ClassVar[tuple[str, ...]] = ()
    business: str
    id: str
    client: str
    purpose: Literal["marketing", "everything"]
    given: bool
    at: Millis
    place: str
    """``telegram``, ``whatsapp``, ``api``, ``page`` …"""
    words: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Background work that survives a restart: planning anew after a change of settings, for example."""

    JSON: ClassVar[tuple[str, ...]] = ("params",)
    business: str
    id: str
    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)
    cursor: str | None = None
    next_at: Millis = 0
    token: str | None = None
    lease_until: Millis | None = None
    revision: int = 0
