"""The frozen records of who is served here: businesses, their keys, salons, masters and services; see
:mod:`storage.records`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from storage.basics import Millis


@dataclass(frozen=True, slots=True, kw_only=True)
class Business:
    """A customer of this service: owns salons, masters, services, clients. ``id`` equals ``business``."""

    JSON: ClassVar[tuple[str, ...]] = ("settings",)
    business: str
    id: str
    name: str
    country: str | None = None
    language: str = "uk"
    timezone: str = "Europe/Kyiv"
    currency: str = "UAH"
    settings: Mapping[str, Any] = field(default_factory=dict)
    """Its own settings, as a merge patch over the defaults."""
    created_at: Millis = 0
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A business's API key; only its SHA-256 is kept."""

    JSON: ClassVar[tuple[str, ...]] = ()
    business: str
    id: str
    digest: str
    created_at: Millis
    revoked_at: Millis | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Salon:
    """One location. ``country``, ``timezone``, ``language``, ``currency`` are None where the business's hold."""

    JSON: ClassVar[tuple[str, ...]] = ("settings", "review_urls")
    business: str
    id: str
    name: str
    legal_name: str | None = None
    short_name: str | None = None
    country: str | None = None
    timezone: str | None = None
    language: str | None = None
    currency: str | None = None
    address: str | None = None
    phone: str | None = None
    booking_url: str | None = None
    map_url: str | None = None
    review_urls: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Master:
    """A person who serves clients, in one salon."""

    JSON: ClassVar[tuple[str, ...]] = ()
    business: str
    id: str
    salon: str
    name: str
    phone: str | None = None
    tip_url: str | None = None
    language: str | None = None
    revision: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Something that is sold. ``duration`` and ``rebook_after`` are ISO 8601 durations as given; ``price`` in hundredths."""

    JSON: ClassVar[tuple[str, ...]] = ("note",)
    business: str
    id: str
    name: str
    duration: str | None = None
    price: int | None = None
    currency: str | None = None
    rebook_after: str | None = None
    note: Mapping[str, str] = field(default_factory=dict)
    """A line for notice and reminder by language: ``{"uk": "…"}``."""
    revision: int = 0
