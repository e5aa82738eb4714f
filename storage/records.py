"""The frozen records that both stores keep.

Every time is an ``int``: whole milliseconds since 1970-01-01T00:00:00Z. SQLite and MongoDB hold the same number, so no
store can round differently from the other. Money is an ``int`` of hundredths beside its ISO 4217 currency. A record is
named by ``(business, id)``; ``id`` is the caller's own reference or 32 hex digits made here by :func:`new_id`.

Scalar fields become columns (SQLite) and fields (MongoDB) under their own names; the fields named in a record's
``JSON`` class attribute hold mappings and tuples and are kept as JSON text (SQLite) or as sub-documents (MongoDB).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal, NamedTuple

from storage.basics import Millis as Millis
from storage.basics import new_id as new_id
from storage.campaigns import Campaign as Campaign
from storage.campaigns import CampaignMember as CampaignMember
from storage.console import ClientWord as ClientWord
from storage.console import ConsoleSession as ConsoleSession
from storage.console import TextVersion as TextVersion
from storage.feedback import Review as Review
from storage.feedback import Tip as Tip
from storage.loyalty import BonusAccount as BonusAccount
from storage.loyalty import BonusEntry as BonusEntry
from storage.loyalty import BonusReason as BonusReason
from storage.loyalty import Unwanted as Unwanted
from storage.loyalty import unwanted_id as unwanted_id
from storage.outgoing import Delivery as Delivery
from storage.outgoing import Tombstone as Tombstone
from storage.outgoing import Webhook as Webhook
from storage.remote import ContentTemplate as ContentTemplate
from storage.remote import Cost as Cost
from storage.tenancy import ApiKey as ApiKey
from storage.tenancy import Business as Business
from storage.tenancy import Master as Master
from storage.tenancy import Salon as Salon
from storage.tenancy import Service as Service
from storage.traces import Consent as Consent
from storage.traces import InboxEvent as InboxEvent
from storage.traces import LinkCode as LinkCode
from storage.traces import PageLink as PageLink
from storage.traces import Receipt as Receipt
from storage.traces import Task as Task
from storage.whys import Why as Why
from storage.whys import WhyReason as WhyReason

BookingStatus = Literal["booked", "confirmed", "arrived", "no_show", "cancelled"]
AnswerValue = Literal["confirmed", "declined", "move_requested"]
MessageStatus = Literal[
    "planned", "leased", "sending", "sent", "delivered", "read", "skipped", "cancelled", "expired", "failed", "unknown"
]

WAITING: Final = ("planned", "leased")
"""Message states in which nothing has touched the wire yet."""
REACHED: Final = ("sent", "delivered", "read")
"""States in which a provider has taken the message."""

ANSWERS_LANE: Final = 0
SERVICE_LANE: Final = 1
MAILING_LANE: Final = 2
LANES: Final = (ANSWERS_LANE, SERVICE_LANE, MAILING_LANE)


class Choice(NamedTuple):
    """What a button stands for: a verb and its arguments (``{"booking": "b-1"}``); the row it stands on knows the rest."""

    verb: str
    args: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A person who is served. ``phone`` is E.164; ``birthday`` is ``YYYY-MM-DD`` or ``--MM-DD``."""

    JSON: ClassVar[tuple[str, ...]] = ()
    business: str
    id: str
    name: str
    first_name: str | None = None
    phone: str | None = None
    language: str | None = None
    language_chosen: bool = False
    """True once the person chose the language in a chat: a later PUT does not change it."""
    birthday: str | None = None
    source: str | None = None
    marketing_consent: bool | None = None
    consent_at: Millis | None = None
    """When ``marketing_consent`` was last said; an older word never replaces a newer one."""
    consent_place: str | None = None
    """Where it was said: ``api`` by the booking system, else (``telegram``, ``page`` …) by the person, whose word stands
    against a later one of the API that carries no newer time."""
    silent: bool = False
    """The person asked for nothing at all: no message but answers."""
    created_at: Millis = 0
    revision: int = 0
    birth_day: str | None = None
    """``MM-DD`` of ``birthday``, by which birthdays are found; follows from it, whatever is given."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "birth_day", self.birthday[-5:] if self.birthday else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A chat at which people of one business can be reached. ``id`` is :func:`address_id`.

    A shared contact sets ``phone`` (it then serves every client of the business with that phone, now or later); a
    one-time link sets ``client`` (it then serves that one client, and survives a change of phone).
    """

    JSON: ClassVar[tuple[str, ...]] = ()
    business: str
    id: str
    channel: str
    address: str
    """Telegram: the chat id in decimal. WhatsApp: ``+E164``, or ``CC.alnum`` for a sender without a number."""
    phone: str | None = None
    client: str | None = None
    language: str | None = None
    """The language chosen here before any client was known."""
    linked_at: Millis = 0
    last_inbound_at: Millis | None = None
    dead_until: Millis | None = None
    """Not tried before this moment, unless the person writes first; None: alive."""
    dead_reason: str | None = None
    revision: int = 0
    shared: bool = False
    """Another row of the business stands for somebody else at this chat: what goes here is read for several people."""


def address_id(channel: str, address: str, client: str | None = None) -> str:
    """The id of an address row: one per business and chat for the chat's phone, and one for each client that a one-time
    link ties to the chat (a mother opens the links of three children)."""
    return f"{channel}:{address}" if client is None else f"{channel}:{address}:{client}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """One visit, planned, past or cancelled."""

    JSON: ClassVar[tuple[str, ...]] = ("services", "notify", "changed_from")
    business: str
    id: str
    salon: str
    client: str | None
    """None after the person was erased."""
    master: str | None = None
    services: tuple[str, ...] = ()
    starts_at: Millis
    ends_at: Millis
    price: int | None = None
    currency: str | None = None
    status: BookingStatus = "booked"
    created_by: Literal["staff", "client"] = "staff"
    created_at: Millis
    """When the client booked, as the caller says; default: the first PUT."""
    source: str | None = None
    version: int | None = None
    notify: Mapping[str, Any] = field(default_factory=dict)
    """Overrides of the settings for this booking: ``created, reminders, confirm, review``."""
    answer: AnswerValue | None = None
    answer_at: Millis | None = None
    answer_channel: str | None = None
    cancelled_by: Literal["client", "staff"] | None = None
    arrived_at: Millis | None = None
    """When this service first heard that the client had arrived."""
    first_seen_at: Millis = 0
    updated_at: Millis = 0
    revision: int = 0
    """Counts every stored change; 1 after the first."""
    booked_revision: int = 1
    """The revision of the making or last reopening, or of the last change of client."""
    booked_at: Millis = 0
    """When that was stored here: the notice is due then."""
    moved_revision: int = 1
    """The revision of the last change of start, salon or client."""
    changed_revision: int | None = None
    """The revision of the last change that the client is to hear of, or has heard of."""
    changed_at: Millis | None = None
    changed_from: Mapping[str, Any] = field(default_factory=dict)
    """What the client believed before that change: ``starts_at, salon, master, services``."""
    cancelled_revision: int | None = None
    cancelled_at: Millis | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One outgoing message as meaning. A stored row before it is a request; see the life of a message in CONTRIBUTING.

    ``key`` is unique per business. ``channel`` and ``address`` are a forecast until the guard writes the true ones.
    ``next_at`` is when it may be claimed (``due_at`` never changes once leased). ``token`` and ``lease_until`` belong to
    the worker that holds it, by the store's own clock.
    """

    JSON: ClassVar[tuple[str, ...]] = ("params", "choices")
    business: str
    id: str
    key: str
    kind: str
    lane: int
    booking: str | None = None
    client: str | None = None
    """To whom, when it goes to a client; kept on staff rows as whom it is about."""
    staff_chat: str | None = None
    """The id of the StaffChat it goes to; None: it goes to the client."""
    salon: str | None = None
    master: str | None = None
    day: str = ""
    """The calendar day of ``due_at`` in the salon's zone, ``YYYY-MM-DD``: statistics group by it."""
    channel: str | None = None
    address: str | None = None
    hop: int = 0
    fallback_of: str | None = None
    """The id of hop 0 of the same message."""
    revision: int = 0
    """The booking's revision at which this row was last known to be true; 0 where no booking stands behind it."""
    status: MessageStatus = "planned"
    reason: str | None = None
    void: str | None = None
    """Set while ``sending`` when the message became untrue: its outcome is recorded, it is never tried again."""
    held: bool = False
    """True on the manual channel: the outbox never claims it."""
    due_at: Millis
    next_at: Millis
    not_after: Millis
    token: str | None = None
    lease_until: Millis | None = None
    attempts: int = 0
    """How often it passed the guard."""
    params: Mapping[str, Any] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    edits: str | None = None
    """The id of the message row that this one rewrites in place where the channel can."""
    created_at: Millis = 0
    sent_at: Millis | None = None
    delivered_at: Millis | None = None
    read_at: Millis | None = None
    fallback_at: Millis | None = None
    """When, with no word of delivery by then, the next channel takes over."""
    provider_id: str | None = None
    text: str | None = None
    language: str | None = None
    segments: int | None = None
    error_code: str | None = None
    error_text: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffChat:
    """A Telegram chat in which staff hear of the schedule and press buttons."""

    JSON: ClassVar[tuple[str, ...]] = ("events",)
    business: str
    id: str
    chat: str
    """The Telegram chat id in decimal."""
    thread: int | None = None
    title: str | None = None
    user: str | None = None
    """The user id of the person, for a private chat."""
    salon: str | None = None
    master: str | None = None
    role: Literal["staff", "master", "administrator", "owner"] = "staff"
    language: str = "uk"
    events: tuple[str, ...] | None = None
    """Which staff events it hears; None: all that the settings allow."""
    linked_at: Millis = 0
    dead_reason: str | None = None
    revision: int = 0


Record = (
    Business
    | ApiKey
    | Salon
    | Master
    | Service
    | Client
    | Address
    | Booking
    | Message
    | Receipt
    | InboxEvent
    | StaffChat
    | LinkCode
    | PageLink
    | Consent
    | Task
    | ContentTemplate
    | Cost
    | ConsoleSession
    | TextVersion
    | ClientWord
    | Review
    | Tip
    | BonusEntry
    | BonusAccount
    | Unwanted
    | Webhook
    | Delivery
    | Tombstone
    | Campaign
    | CampaignMember
    | Why
)
RECORDS: Final[tuple[type[Any], ...]] = (
    Business,
    ApiKey,
    Salon,
    Master,
    Service,
    Client,
    Address,
    Booking,
    Message,
    Receipt,
    InboxEvent,
    StaffChat,
    LinkCode,
    PageLink,
    Consent,
    Task,
    ContentTemplate,
    Cost,
    ConsoleSession,
    TextVersion,
    ClientWord,
    Review,
    Tip,
    BonusEntry,
    BonusAccount,
    Unwanted,
    Webhook,
    Delivery,
    Tombstone,
    Campaign,
    CampaignMember,
    Why,
)
