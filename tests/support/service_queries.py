"""Every kind of question that the service asks a store, for the tests of how each store goes about it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from storage.records import (
    REACHED,
    WAITING,
    Address,
    ApiKey,
    BonusEntry,
    Booking,
    Business,
    Client,
    Consent,
    ContentTemplate,
    Cost,
    Delivery,
    InboxEvent,
    LinkCode,
    Master,
    Message,
    PageLink,
    Receipt,
    Review,
    Salon,
    StaffChat,
    Task,
    Tip,
    Unwanted,
    Webhook,
)
from storage.store import Not, OneOf, Range

T = 1_800_000_000_000
B = {"business": "b"}


class Asked(NamedTuple):
    """A query of the service. ``sorts``: its few rows may be sorted after they were found."""

    record: type[Any]
    where: Mapping[str, Any]
    order: tuple[str, ...] = ("id",)
    after: tuple[Any, ...] | None = None
    sorts: bool = True


QUERIES: dict[str, Asked] = {
    "an address by chat": Asked(Address, {"channel": "telegram", "address": "7"}),
    "the addresses of a phone": Asked(Address, {**B, "phone": "+1"}),
    "the other addresses of a phone": Asked(Address, {**B, "phone": "+1", "channel": "telegram", "address": Not("7")}),
    "the addresses of a client": Asked(Address, {**B, "client": "c"}),
    "the addresses of many clients": Asked(Address, {**B, "client": OneOf(("c", "d"))}),
    "the addresses of many phones": Asked(Address, {**B, "phone": OneOf(("+1", "+2"))}),
    "a key by digest": Asked(ApiKey, {"digest": "d"}),
    "the keys of a business": Asked(ApiKey, B),
    "clients by phone anywhere": Asked(Client, {"phone": "+1"}, ("business", "id")),
    "clients by phone": Asked(Client, {**B, "phone": "+1"}, sorts=False),
    "clients by many phones": Asked(Client, {**B, "phone": OneOf(("+1", "+2"))}, ("phone", "id")),
    "the next page of clients": Asked(Client, B, after=("c",), sorts=False),
    "the next page of businesses": Asked(Business, {}, ("business", "id"), ("b", "b"), sorts=False),
    "the salons of a business": Asked(Salon, B, sorts=False),
    "the masters of a salon": Asked(Master, {**B, "salon": "s"}, sorts=False),
    "bookings of a client to come": Asked(
        Booking, {**B, "client": "c", "starts_at": Range(T)}, ("starts_at", "id"), sorts=False
    ),
    "bookings of many clients to come": Asked(
        Booking, {**B, "client": OneOf(("c", "d")), "starts_at": Range(T)}, ("starts_at", "id")
    ),
    "bookings of a day": Asked(Booking, {**B, "starts_at": Range(T, T + 1)}, ("starts_at", "id"), sorts=False),
    "bookings of a day in a salon": Asked(
        Booking, {**B, "starts_at": Range(T, T + 1), "salon": "s"}, ("starts_at", "id"), sorts=False
    ),
    "bookings of a day of a master": Asked(
        Booking, {**B, "starts_at": Range(T, T + 1), "master": "m"}, ("starts_at", "id"), sorts=False
    ),
    "bookings in a state": Asked(
        Booking, {**B, "status": "arrived", "starts_at": Range(T)}, ("starts_at", "id"), sorts=False
    ),
    "the next page of bookings": Asked(Booking, B, ("starts_at", "id"), (T, "b"), sorts=False),
    "the next page of bookings backwards": Asked(Booking, B, ("-starts_at", "-id"), (T, "b"), sorts=False),
    "a message by id alone": Asked(Message, {"id": "m"}),
    "a message by key": Asked(Message, {**B, "key": "k"}),
    "messages by keys": Asked(Message, {**B, "key": OneOf(("k", "l"))}),
    "messages of a booking": Asked(Message, {**B, "booking": "b"}),
    "messages of many bookings": Asked(Message, {**B, "booking": OneOf(("b", "d"))}),
    "waiting messages of a client": Asked(Message, {**B, "client": "c", "status": OneOf(WAITING), "lane": 2}),
    "reminders of many clients about now": Asked(
        Message,
        {
            "business": OneOf(("b", "d")),
            "client": OneOf(("c", "d")),
            "due_at": Range(T, T + 1),
            "kind": "reminder",
            "status": OneOf(WAITING),
            "held": False,
        },
        ("client",),
    ),
    "messages of a client": Asked(Message, {**B, "client": "c"}, ("-due_at", "-id"), sorts=False),
    "cards about a client": Asked(
        Message, {**B, "client": "c", "kind": "staff_manual"}, ("-due_at", "-id"), sorts=False
    ),
    "cards about a booking": Asked(Message, {**B, "booking": "b", "kind": "staff_manual"}, ("-due_at", "-id")),
    "held messages of a salon": Asked(
        Message, {**B, "status": "planned", "held": True, "salon": "s", "master": "m"}, ("due_at", "id"), sorts=False
    ),
    "messages of a day's visits": Asked(
        Message, {**B, "booking": OneOf(("b", "d")), "staff_chat": None}, ("booking",), sorts=False
    ),
    "which cards of a day were made": Asked(Message, {**B, "key": OneOf(("k", "l"))}, ("key",), sorts=False),
    "the next page of staff chats of all": Asked(StaffChat, {}, ("business", "id"), ("b", "s"), sorts=False),
    "the next visits of a master": Asked(
        Booking, {**B, "master": "m", "starts_at": Range(T, T + 1)}, ("starts_at", "id"), sorts=False
    ),
    "waiting messages of a staff chat": Asked(Message, {**B, "staff_chat": "s", "status": OneOf(WAITING)}),
    "a message by its provider's id": Asked(
        Message, {"provider_id": "p", "channel": "telegram", "address": "7"}, ("-sent_at",)
    ),
    "the newest message to an address": Asked(
        Message,
        {"channel": "telegram", "address": "7", "status": OneOf(REACHED), "sent_at": Range(T)},
        ("-sent_at",),
        sorts=False,
    ),
    "the hops of messages": Asked(Message, {"fallback_of": OneOf(("m", "n"))}),
    "the messages of a period": Asked(Message, {**B, "due_at": Range(T, T + 1)}, ("due_at", "id"), sorts=False),
    "the newest messages": Asked(Message, B, ("-due_at", "-id"), (T, "m"), sorts=False),
    "what was due when sending was paused": Asked(
        Message,
        {"status": "planned", "held": False, "lane": 1, "next_at": Range(None, T)},
        ("next_at", "id"),
        (T, "m"),
        sorts=False,
    ),
    "held messages": Asked(Message, {**B, "status": "planned", "held": True}, ("due_at", "id"), sorts=False),
    "lapsed leases": Asked(
        Message,
        {"status": OneOf(("leased", "sending")), "lease_until": Range(None, T)},
        ("lease_until", "id"),
        sorts=False,
    ),
    "lapsed leases that went out": Asked(
        Message, {"status": "sending", "lease_until": Range(None, T)}, ("lease_until", "id"), sorts=False
    ),
    "leases of any time": Asked(
        Message, {"status": OneOf(("leased", "sending")), "lease_until": Not(None)}, ("lease_until", "id"), sorts=False
    ),
    "what is too late": Asked(
        Message, {"status": OneOf(WAITING), "not_after": Range(None, T)}, ("not_after", "id"), sorts=False
    ),
    "what is planned and too late": Asked(
        Message, {"status": "planned", "not_after": Range(None, T)}, ("not_after", "id"), sorts=False
    ),
    "silent deliveries": Asked(
        Message, {"status": "sent", "fallback_at": Range(None, T)}, ("fallback_at", "id"), sorts=False
    ),
    "receipts of a message": Asked(Receipt, {**B, "message": "m"}, ("at", "id"), sorts=False),
    "pending events": Asked(
        InboxEvent, {"status": "pending", "lease_until": Range(None, T)}, ("lease_until", "id"), sorts=False
    ),
    "events that could not be worked on": Asked(InboxEvent, {"status": "failed"}, after=("e",), sorts=False),
    "the codes of a business": Asked(LinkCode, {"owner": "b"}, sorts=False),
    "old events": Asked(InboxEvent, {"received_at": Range(None, T)}, ("received_at", "id"), sorts=False),
    "old finished events": Asked(
        InboxEvent, {"status": "done", "received_at": Range(None, T)}, ("received_at", "id"), sorts=False
    ),
    "staff chats by chat": Asked(StaffChat, {"chat": "7"}, ("business", "id")),
    "staff chats of a business": Asked(StaffChat, B, sorts=False),
    "staff chats of many businesses": Asked(StaffChat, {"business": OneOf(("a", "b"))}),
    "a salon by its id alone": Asked(Salon, {"id": "s"}),
    "the links of a client's pages": Asked(PageLink, {"owner": "a", "client": "c"}, sorts=False),
    "old codes": Asked(LinkCode, {"expires_at": Range(None, T)}, ("expires_at", "id"), sorts=False),
    "the ledger of a client": Asked(Consent, {**B, "client": "c"}, ("at", "id"), sorts=False),
    "approved templates of kinds": Asked(
        ContentTemplate, {"business": OneOf(("", "b")), "kind": OneOf(("reminder",)), "status": "approved"}, ("kind",)
    ),
    "templates that WhatsApp may speak of": Asked(ContentTemplate, {"status": OneOf(("pending", "approved"))}),
    "templates of a business": Asked(ContentTemplate, B, sorts=False),
    "reviews of a business": Asked(Review, {**B, "at": Range(T, T + 1)}, ("at", "id"), (T, "b"), sorts=False),
    "reviews of a salon": Asked(Review, {**B, "salon": "s", "at": Range(T)}, ("at", "id"), sorts=False),
    "reviews of a master": Asked(Review, {**B, "master": "m", "at": Range(T)}, ("at", "id"), sorts=False),
    "reviews of so many stars": Asked(Review, {**B, "rating": 5, "at": Range(T)}, ("at", "id"), sorts=False),
    "the newest review of a client": Asked(Review, {**B, "client": "c", "at": Range(T)}, ("-at", "-id"), sorts=False),
    "tips of a business": Asked(Tip, {**B, "status": "paid", "at": Range(T)}, ("at", "id"), (T, "t"), sorts=False),
    "tips in a salon": Asked(Tip, {**B, "salon": "s", "status": "paid", "at": Range(T)}, ("at", "id"), sorts=False),
    "tips of a master": Asked(Tip, {**B, "master": "m", "status": "paid", "at": Range(T)}, ("at", "id"), sorts=False),
    "what a client gave": Asked(Tip, {**B, "client": "c"}, ("at", "id"), sorts=False),
    "the webhooks of a business": Asked(Webhook, B, sorts=False),
    "deliveries that are due": Asked(
        Delivery, {"status": "pending", "next_at": Range(None, T)}, ("next_at", "id"), (T, "d"), sorts=False
    ),
    "the oldest delivery of a stream": Asked(
        Delivery, {**B, "webhook": "w", "stream": "booking:b", "status": "pending"}, sorts=False
    ),
    "the log of a webhook": Asked(Delivery, {**B, "webhook": "w"}, ("-id",), ("d",), sorts=False),
    "what webhooks heard of a client": Asked(Delivery, {**B, "client": "c"}, sorts=False),
    "old deliveries": Asked(Delivery, {"created_at": Range(None, T)}, ("created_at", "id"), sorts=False),
    "the bonus entries of a client": Asked(BonusEntry, {**B, "client": "c"}, ("at", "id"), (T, "e"), sorts=False),
    "what is left of a client's bonus points": Asked(
        BonusEntry, {**B, "client": "c", "remaining": Range(1, None)}, ("remaining",), sorts=False
    ),
    "what is left of many clients' bonus points": Asked(
        BonusEntry,
        {"business": OneOf(("a", "b")), "client": OneOf(("c", "d")), "remaining": Range(1, None)},
        ("client",),
    ),
    "the bonus entries of a visit": Asked(BonusEntry, {**B, "booking": "b"}, ("booking",), sorts=False),
    "bonus points that have expired": Asked(
        BonusEntry, {"lapses_at": Range(None, T)}, ("lapses_at", "business", "id"), sorts=False
    ),
    "bonus points about to expire": Asked(
        BonusEntry, {**B, "warned": False, "lapses_at": Range(T, T + 1)}, ("lapses_at", "id"), sorts=False
    ),
    "services that a client isn't to be invited to": Asked(Unwanted, {**B, "client": "c"}, sorts=False),
    "clients whose birthday it is": Asked(Client, {**B, "birth_day": "02-29"}, sorts=False),
    "the next birthday": Asked(Client, {**B, "birth_day": Range("03-01")}, ("birth_day", "id"), sorts=False),
    "visits of a client, the newest first": Asked(
        Booking, {**B, "client": "c", "status": "arrived"}, ("-starts_at", "-id"), sorts=False
    ),
    "bookings that keep offers from being made": Asked(
        Booking,
        {"business": OneOf(("a", "b")), "client": OneOf(("c", "d")), "starts_at": Range(T), "status": "booked"},
        ("client",),
    ),
    "offers that some clients had lately": Asked(
        Message,
        {"business": OneOf(("a", "b")), "client": OneOf(("c", "d")), "due_at": Range(T), "lane": 2},
        ("client",),
    ),
    "tasks that are due": Asked(Task, {"next_at": Range(None, T)}, ("next_at", "id"), sorts=False),
}
TALLIES: dict[str, tuple[type[Any], Mapping[str, Any], tuple[str, ...]]] = {
    "statistics by kind": (Message, {**B, "day": Range("2026-11-01", "2026-12-01")}, ("kind", "status", "channel")),
    "statistics by day": (Message, {**B, "day": Range("2026-11-01", "2026-12-01")}, ("day", "status")),
    "the queue": (Message, {"status": "planned", "held": False, "lane": OneOf((0, 1, 2))}, ("kind", "channel")),
    "what channels cost": (Cost, {**B, "due_at": Range(T, T + 1)}, ("channel", "day", "currency", "amount")),
    "what is left of a package": (
        Message,
        {**B, "channel": "sms", "sent_at": Range(T), "segments": Not(None)},
        ("segments",),
    ),
    "averages by master": (Review, {**B, "at": Range(T, T + 1)}, ("master", "rating")),
    "averages by service": (Review, {**B, "salon": "s"}, ("services", "rating")),
    "earlier no-shows": (Booking, {**B, "client": OneOf(("c", "d")), "status": "no_show"}, ("client",)),
    "arrived visits": (Booking, {**B, "status": "arrived", "starts_at": Range(T, T + 1)}, ("client",)),
    "visits of some people before a moment": (
        Booking,
        {**B, "client": OneOf(("c", "d")), "status": "arrived", "starts_at": Range(None, T)},
        ("client",),
    ),
    "bookings to come": (
        Booking,
        {**B, "status": OneOf(("booked", "confirmed")), "starts_at": Range(T), "client": Not(None)},
        ("client", "salon", "master"),
    ),
    "where some people came from": (Booking, {**B, "client": OneOf(("c", "d"))}, ("client", "source")),
}
