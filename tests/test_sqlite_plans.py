"""Every query that the service runs is served by an index, however many rows there are."""

import sqlite3
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest

from storage import schema, sqlite_files, statements
from storage.records import (
    REACHED,
    RECORDS,
    WAITING,
    Address,
    ApiKey,
    Booking,
    Client,
    Consent,
    InboxEvent,
    LinkCode,
    Master,
    Message,
    Receipt,
    Salon,
    StaffChat,
    Task,
)
from storage.store import Not, OneOf, Patch, Range
from tests.support.query_plans import plan_of, recorded, scans

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
    "the next page of clients": Asked(Client, B, after=("c",), sorts=False),
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
    "messages of a client": Asked(Message, {**B, "client": "c"}, ("-due_at", "-id"), sorts=False),
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
    "old events": Asked(InboxEvent, {"received_at": Range(None, T)}, ("received_at", "id"), sorts=False),
    "old finished events": Asked(
        InboxEvent, {"status": "done", "received_at": Range(None, T)}, ("received_at", "id"), sorts=False
    ),
    "staff chats by chat": Asked(StaffChat, {"chat": "7"}, ("business", "id")),
    "staff chats of a business": Asked(StaffChat, B, sorts=False),
    "staff chats of many businesses": Asked(StaffChat, {"business": OneOf(("a", "b"))}),
    "old codes": Asked(LinkCode, {"expires_at": Range(None, T)}, ("expires_at", "id"), sorts=False),
    "the ledger of a client": Asked(Consent, {**B, "client": "c"}, ("at", "id"), sorts=False),
    "tasks that are due": Asked(Task, {"next_at": Range(None, T)}, ("next_at", "id"), sorts=False),
}
TALLIES: dict[str, tuple[type[Any], Mapping[str, Any], tuple[str, ...]]] = {
    "statistics by kind": (Message, {**B, "day": Range("2026-11-01", "2026-12-01")}, ("kind", "status", "channel")),
    "statistics by day": (Message, {**B, "day": Range("2026-11-01", "2026-12-01")}, ("day", "status")),
    "the queue": (Message, {"status": "planned", "held": False, "lane": OneOf((0, 1, 2))}, ("kind", "channel")),
    "arrived visits": (Booking, {**B, "status": "arrived", "starts_at": Range(T, T + 1)}, ("client",)),
}
OWN_STATEMENTS = [
    (statements.CLAIM, ("t", T, 1, T, 100)),
    (statements.GUARD, (T, "c", "a", None, None, None, "m", "t", 1, T)),
    (statements.GUARD_STATE, ("m", "t", T)),
    (statements.SETTLE, ("p", T, None, "m", "t")),
    (statements.NEXT_DUE, (1,)),
    (statements.PACE, ("p",)),
]


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    """An empty database with the schema."""
    opened = sqlite_files.connect(sqlite_files.MEMORY)
    schema.migrate(opened)
    yield opened
    opened.close()


@pytest.mark.parametrize("case", QUERIES)
def test_a_query_is_an_index_search(connection: sqlite3.Connection, case: str) -> None:
    asked = QUERIES[case]
    sql = statements.select(asked.record, asked.where, asked.order, asked.after, 200)
    plan = plan_of(connection, *sql)
    assert not scans(plan), plan
    if not asked.sorts:
        assert not [step for step in plan if "TEMP B-TREE" in step], plan


@pytest.mark.parametrize("case", TALLIES)
def test_a_report_is_an_index_search(connection: sqlite3.Connection, case: str) -> None:
    plan = plan_of(connection, *statements.tally(*TALLIES[case]))
    assert not scans(plan), plan


@pytest.mark.parametrize(("text", "values"), OWN_STATEMENTS, ids=lambda part: str(part)[:40])
def test_a_statement_of_the_outbox_is_an_index_search(
    connection: sqlite3.Connection, text: str, values: tuple[Any, ...]
) -> None:
    plan = plan_of(connection, text, values)
    assert not scans(plan), plan
    assert not [step for step in plan if "TEMP B-TREE" in step], plan


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.__name__)
def test_getting_and_changing_one_record_is_an_index_search(connection: sqlite3.Connection, record: type[Any]) -> None:
    fixed = statements.FIXED[record]
    for text in (fixed.get, fixed.get_several, fixed.delete):
        assert not scans(plan_of(connection, text, ("b", "[]" if text == fixed.get_several else "i")))


def test_a_patch_is_an_index_search(connection: sqlite3.Connection) -> None:
    for business in ("b", None):
        patch = Patch(Message, business, "m", {"status": "cancelled"}, {"status": OneOf(WAITING), "booking": "b"})
        plan = plan_of(connection, *statements.update(patch))
        assert any("sqlite_autoindex_message_1 (id=?)" in step for step in plan), plan


def test_a_scan_would_be_noticed(connection: sqlite3.Connection) -> None:
    with recorded(connection) as seen:
        connection.execute("SELECT id FROM message WHERE error_text = ?", ("x",)).fetchall()
    assert seen == ["SELECT id FROM message WHERE error_text = 'x'"]
    assert scans(plan_of(connection, seen[0]))
