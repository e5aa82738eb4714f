"""Who plays in the playground: one salon, three clients in three languages, two masters and the staff's group."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

ZONE: Final = "Europe/Kyiv"
SALON: Final = "s1"


class Role(NamedTuple):
    """A client: the id in the API, the platform, and how the platform knows the person."""

    id: str
    name: str
    first_name: str
    phone: str
    language: str
    platform: str
    birthday: str
    account: int = 0


OLENA: Final = Role("c1", "Олена Коваль", "Олена", "+380671234567", "uk", "telegram", "1990-03-14", 1001)
AYSE: Final = Role("c2", "Ayşe Yılmaz", "Ayşe", "+905321234567", "tr", "whatsapp", "1992-02-29")
IRINA: Final = Role("c3", "Ирина Соколова", "Ирина", "+77011234567", "ru", "telegram", "--07-21", 1003)
CLIENTS: Final = (OLENA, AYSE, IRINA)
STAFF_ACCOUNT: Final = 2001
STAFF_NAME: Final = "Марія"
GROUP_TITLE: Final = "Салон «Мрія»: робочий чат"

SETTINGS: Final[dict[str, Any]] = {"cashback_percent": 5, "birthday_bonus": 200}
"""What the salon gives: points for every visit, and a gift on birthdays."""
BUSINESS: Final[dict[str, Any]] = {
    "name": "Мрія",
    "country": "UA",
    "language": "uk",
    "timezone": ZONE,
    "currency": "UAH",
}
SALON_BODY: Final[dict[str, Any]] = {
    "name": "Салон «Мрія»",
    "short_name": "Мрія",
    "address": "вул. Хрещатик, 10",
    "phone": "+380441234567",
    "booking_url": "https://example.com/booking",
    "map_url": "https://example.com/map",
    "review_urls": ["https://example.com/reviews"],
}
MASTERS: Final[dict[str, dict[str, Any]]] = {
    "m1": {"salon": SALON, "name": "Наталія", "tip_url": "https://example.com/tips/natalia"},
    "m2": {"salon": SALON, "name": "Оксана"},
}
SERVICES: Final[dict[str, dict[str, Any]]] = {
    "haircut": {
        "name": "Стрижка",
        "duration": "PT1H",
        "rebook_after": "P1M",
        "price": {"amount": "600.00", "currency": "UAH"},
    },
    "brows": {
        "name": "Брови",
        "duration": "PT30M",
        "rebook_after": "P2W",
        "price": {"amount": "300.00", "currency": "UAH"},
        "note": {
            "uk": "Приходьте, будь ласка, без макіяжу.",
            "tr": "Lütfen makyajsız gelin.",
            "ru": "Приходите, пожалуйста, без макияжа.",
        },
    },
    "manicure": {
        "name": "Манікюр",
        "duration": "PT1H30M",
        "rebook_after": "P3W",
        "price": {"amount": "700.00", "currency": "UAH"},
    },
}


def person(role: Role) -> dict[str, Any]:
    """The client of ``role`` as the API takes it."""
    return {
        "name": role.name,
        "first_name": role.first_name,
        "phone": role.phone,
        "language": role.language,
        "birthday": role.birthday,
    }
