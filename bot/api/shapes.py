"""What callers are answered: the JSON of records. The same types make the OpenAPI document."""

from __future__ import annotations

from functools import lru_cache
from typing import Generic, Literal, TypeVar

from typing_extensions import TypedDict

from handlers.moments import moment_text
from handlers.settings_schema import SettingsPatch
from storage.records import ApiKey, Business, Client, Master, Millis, Salon, Service, StaffChat

T = TypeVar("T")
Moment = str


class ListOut(TypedDict, Generic[T]):
    """A part of a list. ``next``: the cursor of the next part, null at the end."""

    items: list[T]
    next: str | None


@lru_cache(maxsize=8192)
def utc(moment: Millis) -> Moment:
    """RFC 3339 in UTC, always with three digits of milliseconds."""
    text = moment_text(moment)
    return text if "." in text else text.removesuffix("Z") + ".000Z"


def when(moment: Millis | None) -> Moment | None:
    """:func:`utc`, or None where there is no moment."""
    return None if moment is None else utc(moment)


class MoneyOut(TypedDict):
    """An amount with its currency."""

    amount: str
    currency: str


def money(hundredths: int | None, currency: str | None) -> MoneyOut | None:
    """An amount of hundredths."""
    if hundredths is None or currency is None:
        return None
    return {"amount": f"{hundredths // 100}.{hundredths % 100:02}", "currency": currency}


class BusinessOut(TypedDict):
    """A business."""

    id: str
    name: str
    country: str | None
    language: str
    timezone: str
    currency: str
    created_at: Moment
    revision: int


def business_out(record: Business) -> BusinessOut:
    """The JSON of a business."""
    return {
        "id": record.id,
        "name": record.name,
        "country": record.country,
        "language": record.language,
        "timezone": record.timezone,
        "currency": record.currency,
        "created_at": utc(record.created_at),
        "revision": record.revision,
    }


class NewKeyOut(TypedDict):
    """A fresh key, shown this once."""

    id: str
    key: str


class KeyOut(TypedDict):
    """A key without its secret."""

    id: str
    created_at: Moment
    revoked_at: Moment | None


def key_out(record: ApiKey) -> KeyOut:
    """The JSON of a key."""
    return {"id": record.id, "created_at": utc(record.created_at), "revoked_at": when(record.revoked_at)}


class SalonOut(TypedDict):
    """A salon; null where the business's value holds."""

    id: str
    name: str
    legal_name: str | None
    short_name: str | None
    country: str | None
    timezone: str | None
    language: str | None
    currency: str | None
    address: str | None
    phone: str | None
    booking_url: str | None
    map_url: str | None
    review_urls: list[str]
    revision: int


def salon_out(record: Salon) -> SalonOut:
    """The JSON of a salon."""
    return {
        "id": record.id,
        "name": record.name,
        "legal_name": record.legal_name,
        "short_name": record.short_name,
        "country": record.country,
        "timezone": record.timezone,
        "language": record.language,
        "currency": record.currency,
        "address": record.address,
        "phone": record.phone,
        "booking_url": record.booking_url,
        "map_url": record.map_url,
        "review_urls": list(record.review_urls),
        "revision": record.revision,
    }


class SettingsOut(SettingsPatch):
    """What is in force."""

    own: SettingsPatch
    """What is set at this level."""


class MasterOut(TypedDict):
    """A master."""

    id: str
    salon: str
    name: str
    phone: str | None
    tip_url: str | None
    language: str | None
    revision: int


def master_out(record: Master) -> MasterOut:
    """The JSON of a master."""
    return {
        "id": record.id,
        "salon": record.salon,
        "name": record.name,
        "phone": record.phone,
        "tip_url": record.tip_url,
        "language": record.language,
        "revision": record.revision,
    }


class ServiceOut(TypedDict):
    """A service."""

    id: str
    name: str
    duration: str | None
    price: MoneyOut | None
    rebook_after: str | None
    note: dict[str, str]
    revision: int


def service_out(record: Service) -> ServiceOut:
    """The JSON of a service."""
    return {
        "id": record.id,
        "name": record.name,
        "duration": record.duration,
        "price": money(record.price, record.currency),
        "rebook_after": record.rebook_after,
        "note": dict(record.note),
        "revision": record.revision,
    }


class ClientOut(TypedDict):
    """A client. ``silent``: the person asked for nothing at all."""

    id: str
    name: str
    first_name: str | None
    phone: str | None
    language: str | None
    birthday: str | None
    source: str | None
    marketing_consent: bool | None
    consent_at: Moment | None
    silent: bool
    created_at: Moment
    revision: int


def client_out(record: Client) -> ClientOut:
    """The JSON of a client."""
    return {
        "id": record.id,
        "name": record.name,
        "first_name": record.first_name,
        "phone": record.phone,
        "language": record.language,
        "birthday": record.birthday,
        "source": record.source,
        "marketing_consent": record.marketing_consent,
        "consent_at": when(record.consent_at),
        "silent": record.silent,
        "created_at": utc(record.created_at),
        "revision": record.revision,
    }


class ClientLinkOut(TypedDict):
    """A one-time link: whoever opens it in Telegram is that client."""

    url: str
    expires_at: Moment


class StaffCodeOut(TypedDict):
    """``/link CODE`` in a chat, or the link that opens or adds the bot; once, for 30 minutes, five tries."""

    code: str
    url: str | None
    expires_at: Moment


class StaffChatOut(TypedDict):
    """A linked chat of the staff. ``events`` null: all that the settings allow; ``dead_reason``: why it is not reachable,
    ``removed``, ``muted``, or the code of a refusal."""

    id: str
    title: str | None
    salon: str | None
    master: str | None
    role: Literal["staff", "master", "administrator", "owner"]
    language: str
    events: list[str] | None
    private: bool
    reachable: bool
    dead_reason: str | None
    linked_at: Moment
    revision: int


def staff_chat_out(record: StaffChat) -> StaffChatOut:
    """The JSON of a staff chat."""
    return {
        "id": record.id,
        "title": record.title,
        "salon": record.salon,
        "master": record.master,
        "role": record.role,
        "language": record.language,
        "events": None if record.events is None else list(record.events),
        "private": record.user is not None,
        "reachable": record.dead_reason is None,
        "dead_reason": record.dead_reason,
        "linked_at": utc(record.linked_at),
        "revision": record.revision,
    }
