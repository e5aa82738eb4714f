"""Bodies that the documentation shows; a test sends each of them."""

from __future__ import annotations

from typing import Any, Final

BUSINESS: Final[dict[str, Any]] = {
    "name": "Краса",
    "country": "UA",
    "language": "uk",
    "timezone": "Europe/Kyiv",
    "currency": "UAH",
}
SALON: Final[dict[str, Any]] = {
    "name": "Краса на Подолі",
    "address": "вул. Сагайдачного, 12, Київ",
    "phone": "+380441234567",
    "booking_url": "https://salon.example/book",
}
MASTER: Final[dict[str, Any]] = {"salon": "s1", "name": "Ірина", "tip_url": "https://salon.example/tips/iryna"}
SERVICE: Final[dict[str, Any]] = {
    "name": "Стрижка",
    "duration": "PT1H",
    "price": {"amount": "450.00", "currency": "UAH"},
    "rebook_after": "P6W",
    "note": {"uk": "Приходьте, будь ласка, з чистим волоссям"},
}
CLIENT: Final[dict[str, Any]] = {
    "name": "Олена Коваль",
    "first_name": "Олена",
    "phone": "+380671234567",
    "language": "uk",
    "birthday": "--03-14",
}
BOOKING: Final[dict[str, Any]] = {
    "salon": "s1",
    "client": {"id": "c1", "name": "Олена Коваль", "phone": "+380671234567", "language": "uk"},
    "master": "m1",
    "services": ["haircut"],
    "starts_at": "2026-11-27T15:00:00+02:00",
    "ends_at": "2026-11-27T16:30:00+02:00",
    "price": {"amount": "900.00", "currency": "UAH"},
    "created_by": "client",
    "version": 3,
    "notify": {"reminders": ["P1D", "PT2H"], "confirm": True},
}
BATCH: Final[dict[str, Any]] = {
    "items": [
        {"id": "b-1", "salon": "s1", "client": {"id": "c1"}, "starts_at": "2026-11-27T15:00:00+02:00"},
        {"id": "b-2", "salon": "s1", "client": {"id": "c1"}, "starts_at": "2026-12-04T15:00:00+02:00"},
    ]
}
SETTINGS: Final[dict[str, Any]] = {
    "quiet_hours": {"from": "21:30", "to": "09:00"},
    "kinds": {"reminder": {"before": ["P1D", "PT2H"]}, "booking_changed": {"ignore_shift_under": None}},
    "staff": {"visit_confirmed": False},
}
STAFF_LINK: Final[dict[str, Any]] = {"salon": "s1", "language": "uk"}
STAFF_CHAT: Final[dict[str, Any]] = {"salon": "s1", "language": "uk", "events": ["booking_created", "visit_confirmed"]}
IDS: Final = {"id": "b-1", "key": "7f3c0c2f4a5d4e0f9b1a2c3d4e5f6071"}
"""Values for the ids of paths, where :data:`NAMES` has none."""
NAMES: Final = {
    "businesses": "krasa",
    "salons": "s1",
    "masters": "m1",
    "services": "haircut",
    "clients": "c1",
    "bookings": "b-1",
    "campaigns": "spring",
    "messages": "0e4d1f6b8a5c4c3e9f2b7a6d5c4e3f21",
    "staff-chats": "4b0f6f0c4e3f4a6d8a0c5f1e2d3c4b5a",
}
"""First part of a path to an id that could stand in it."""
