"""What callers send: bodies and queries. These types check it and describe it in the OpenAPI document.

Null means the same as leaving a field out, except where the field itself says more.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SkipValidation

from bot.api.fields import (
    Amount,
    Birthday,
    Country,
    Currency,
    Id,
    Instant,
    Language,
    Lasting,
    Line,
    Name,
    Phone,
    QueryBool,
    QueryInstant,
    QueryInt,
    QueryPhone,
    RebookAfter,
    Timezone,
    Url,
    Word,
)
from handlers.costs import CostsBy
from handlers.settings_schema import STAFF_CARDS, STAFF_EVENTS, Notify, one_of
from handlers.statistics import GroupBy
from storage.records import BookingStatus

MOST_SERVICES = 50
MOST_URLS = 10
MOST_IN_BATCH = 500
MOST_IN_LIST = 200
USUAL_IN_LIST = 50
SAFE_INTEGER = 2**53 - 1
"""The largest number that every JSON reader keeps exactly."""


class Body(BaseModel):
    """Unknown fields are refused, and nothing is converted silently."""

    model_config = ConfigDict(strict=True, extra="forbid", defer_build=True)

    def given(self) -> dict[str, Any]:
        """The fields that say something, by name."""
        return {name: value for name, value in self.__dict__.items() if value is not None}


class Query(BaseModel):
    """Parameters of a query; unknown ones are refused."""

    model_config = ConfigDict(extra="forbid", defer_build=True)


class Money(Body):
    """An amount with its currency, at most two decimals."""

    amount: Amount
    currency: Currency

    @property
    def hundredths(self) -> int:
        """The amount in hundredths."""
        whole, _, rest = self.amount.partition(".")
        return int(whole) * 100 + int((rest + "00")[:2])


class BusinessIn(Body):
    """A business. What is left out is ``uk``, ``Europe/Kyiv``, ``UAH``, and no country."""

    name: Name
    country: Country | None = Field(None, description="For phones that are written without +.")
    language: Language | None = None
    timezone: Timezone | None = None
    currency: Currency | None = None


class SalonIn(Body):
    """One location. ``country, timezone, language, currency`` are the business's where they are left out."""

    name: Name
    legal_name: Name | None = None
    short_name: Name | None = None
    country: Country | None = None
    timezone: Timezone | None = None
    language: Language | None = None
    currency: Currency | None = None
    address: Line | None = None
    phone: Phone | None = None
    booking_url: Url | None = None
    map_url: Url | None = None
    review_urls: Annotated[list[Url], Field(max_length=MOST_URLS)] | None = None


class MasterIn(Body):
    """A person who serves clients, in one salon."""

    salon: Id
    name: Name
    phone: Phone | None = None
    tip_url: Url | None = None
    language: Language | None = None


class NoteIn(Body):
    """A line for notice and reminder, by language."""

    uk: Line | None = None
    tr: Line | None = None
    ru: Line | None = None
    en: Line | None = None


class ServiceIn(Body):
    """Something that is sold."""

    name: Name
    duration: Lasting | None = None
    price: Money | None = None
    rebook_after: RebookAfter | None = Field(None, description="After a visit, when an invitation to the next may go.")
    note: NoteIn | None = None


class ClientIn(Body):
    """A person who is served. A PUT replaces: what is left out is no longer known, but for the person's own word in a chat
    (language, offers), which only a newer ``consent_at`` outranks."""

    name: Name
    first_name: Name | None = None
    phone: Phone | None = None
    language: Language | None = None
    birthday: Birthday | None = None
    source: Name | None = None
    marketing_consent: bool | None = Field(None, description="Offers: yes, no, or null: not asked.")
    consent_at: Instant | None = Field(None, description="When that was said; left out: now.")


class BookingClientIn(Body):
    """The client of a booking: ``id`` alone for a known one; fields that are given are merged into the client, and null gives
    nothing (a PUT of the client takes a value away)."""

    id: Id
    name: Name | None = Field(None, description="Required for a new client.")
    first_name: Name | None = None
    phone: Phone | None = None
    language: Language | None = None
    birthday: Birthday | None = None
    source: Name | None = None
    marketing_consent: bool | None = None
    consent_at: Instant | None = None


class BookingIn(Body):
    """A booking as it is to be."""

    salon: Id
    client: BookingClientIn
    master: Id | None = None
    services: Annotated[list[Id], Field(max_length=MOST_SERVICES)] | None = None
    starts_at: Instant
    ends_at: Instant | None = Field(None, description="Left out: the start plus the services' durations, else an hour.")
    price: Money | None = None
    status: BookingStatus = "booked"
    created_by: Literal["staff", "client"] = "staff"
    created_at: Instant | None = Field(None, description="When the client booked; left out: the first PUT.")
    source: Name | None = None
    version: Annotated[int, Field(ge=0, le=SAFE_INTEGER)] | None = Field(
        None, description="The caller's own count. A PUT with an older one is answered with what is stored."
    )
    notify: Notify | None = None
    reopen: bool = Field(False, description="True: the client's answer, a cancellation too, does not stand any more.")


class BookingItem(BookingIn):
    """A booking of a batch."""

    id: Id


class BatchIn(Body):
    """Up to 500 bookings, each by itself: one that is wrong does not keep the others from being stored."""

    items: Annotated[list[SkipValidation[BookingItem]], Field(max_length=MOST_IN_BATCH)]


CHAT_EVENTS = (*STAFF_EVENTS, *STAFF_CARDS)
StaffEvent = Annotated[str, one_of(CHAT_EVENTS), Field(json_schema_extra={"enum": list(CHAT_EVENTS)})]


class StaffLinkIn(Body):
    """What the chat is to be that the code links."""

    salon: Id | None = Field(None, description="Required but for an owner.")
    master: Id | None = None
    role: Literal["staff", "master", "administrator", "owner"] | None = Field(
        None, description="Left out: master where one is named, else staff. All but staff link a private chat only."
    )
    language: Language | None = Field(None, description="Left out: the salon's, else the business's.")
    events: Annotated[list[StaffEvent], Field(max_length=len(CHAT_EVENTS))] | None = Field(
        None, description="Left out: all that the settings allow."
    )


class StaffChatIn(Body):
    """What a linked chat hears."""

    salon: Id | None = Field(None, description="Required but for an owner.")
    master: Id | None = None
    language: Language | None = None
    events: Annotated[list[StaffEvent], Field(max_length=len(CHAT_EVENTS))] | None = None


class NoQuery(Query):
    """No parameters."""


class Page(Query):
    """A part of a list."""

    limit: QueryInt = Field(USUAL_IN_LIST, ge=1, le=MOST_IN_LIST)
    cursor: str | None = Field(None, max_length=512, description="`next` of the answer before.")


class ClientsQuery(Page):
    """Which clients."""

    phone: QueryPhone | None = None


class BookingsQuery(Page):
    """Which bookings; ``from`` ≤ start < ``to``."""

    salon: Id | None = None
    master: Id | None = None
    client: Id | None = None
    status: BookingStatus | None = None
    from_: QueryInstant | None = Field(None, alias="from")
    to: QueryInstant | None = None


ShownStatus = Literal[
    "planned", "sending", "sent", "delivered", "read", "skipped", "cancelled", "expired", "failed", "unknown"
]


class MessageFilters(Query):
    """Which messages; ``since`` ≤ due < ``until``."""

    phone: QueryPhone | None = None
    client: Id | None = None
    kind: Word | None = None
    channel: Literal["telegram", "whatsapp", "sms", "manual"] | None = None
    status: ShownStatus | None = None
    since: QueryInstant | None = None
    until: QueryInstant | None = None


class MessagesQuery(Page, MessageFilters):
    """Which messages, and which part of the list."""


class StatsQuery(MessageFilters):
    """Which messages are counted, and how."""

    group_by: GroupBy | None = None
    notices: QueryBool = Field(False, description="Count notices, each by its best hop, in place of hops.")
    language: Language | None = Field(None, description="Of the reasons; left out: the business's.")


class CostsQuery(Query):
    """The costs of which messages, and how they are grouped; ``since`` ≤ due < ``until``."""

    since: QueryInstant | None = None
    until: QueryInstant | None = None
    group_by: CostsBy | None = None
