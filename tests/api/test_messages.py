"""Messages over the API: search, the owner's five words, dead letters, and what people send by hand."""

from dataclasses import replace
from typing import Any, get_args

import pytest

from handlers.statistics import STATUS_REPORTED
from storage.records import Message, MessageStatus, new_id
from storage.store import Changes, Put
from tests.api.hands import BUSINESS, Hands

HOUR = 3_600_000
DAY = 24 * HOUR
WORDS = {"processing": 0, "waiting": 0, "delivered": 0, "not_delivered": 0, "cancelled": 0}


def row(hands: Hands, **fields: Any) -> Message:
    """A message to c1, due now."""
    id = new_id()
    usual: dict[str, Any] = {
        "business": BUSINESS,
        "id": id,
        "key": f"test:{id}:0",
        "kind": "reminder",
        "lane": 1,
        "client": "c1",
        "salon": "s1",
        "day": "2026-11-20",
        "channel": "telegram",
        "due_at": hands.now,
        "next_at": hands.now,
        "not_after": hands.now + DAY,
    }
    return Message(**{**usual, **fields})


async def stored(hands: Hands, *rows: Message) -> tuple[Message, ...]:
    await hands.store.commit(Changes(inserts=rows))
    return rows


@pytest.mark.parametrize(
    ("status", "channel", "age", "word"),
    [
        ("planned", "telegram", 0, "processing"),
        ("leased", "telegram", 0, "processing"),
        ("sending", "telegram", 0, "processing"),
        ("sent", "telegram", 48 * HOUR, "delivered"),
        ("sent", "manual", 48 * HOUR, "delivered"),
        ("sent", "whatsapp", 24 * HOUR, "waiting"),
        ("sent", "whatsapp", 24 * HOUR + 1, "not_delivered"),
        ("sent", "sms", 1, "waiting"),
        ("unknown", "telegram", 1, "waiting"),
        ("unknown", "whatsapp", 25 * HOUR, "not_delivered"),
        ("delivered", "whatsapp", 48 * HOUR, "delivered"),
        ("read", "whatsapp", 0, "delivered"),
        ("failed", "whatsapp", 0, "not_delivered"),
        ("expired", "telegram", 0, "not_delivered"),
        ("cancelled", "telegram", 0, "cancelled"),
        ("skipped", "telegram", 0, None),
    ],
)
async def test_each_status_has_the_owners_word_in_the_message_and_in_the_counts(
    salon: Hands, status: MessageStatus, channel: str, age: int, word: str | None
) -> None:
    sent_at = salon.now - age if status in ("sent", "delivered", "read") else None
    await stored(salon, row(salon, status=status, channel=channel, sent_at=sent_at, due_at=salon.now - age))
    (shown,) = (await salon.get("/messages")).json["items"]
    assert shown["status_reported"] == word
    assert shown["status"] == ("planned" if status == "leased" else status)
    counted = (await salon.get("/messages/stats")).json
    assert counted["status_reported"] == {**WORDS, **({word: 1} if word else {})}
    assert counted["total"] == (1 if word else 0)


def test_every_status_has_its_place_in_the_table() -> None:
    assert set(STATUS_REPORTED) == set(get_args(MessageStatus))


async def test_a_message_is_shown_with_everything_that_is_known_of_it(salon: Hands) -> None:
    (failed,) = await stored(
        salon,
        row(
            salon,
            status="failed",
            text="Чекаємо вас",
            language="uk",
            segments=1,
            error_code="63016",
            error_text="outside window",
            provider_id="SM1",
            attempts=2,
        ),
    )
    (shown,) = (await salon.get("/messages")).json["items"]
    assert shown == {
        "id": failed.id,
        "booking": None,
        "client": "c1",
        "staff_chat": None,
        "kind": "reminder",
        "channel": "telegram",
        "hop": 0,
        "fallback_of": None,
        "status": "failed",
        "status_reported": "not_delivered",
        "due_at": "2026-11-20T10:00:00.000Z",
        "not_after": "2026-11-21T10:00:00.000Z",
        "sent_at": None,
        "delivered_at": None,
        "read_at": None,
        "text": "Чекаємо вас",
        "language": "uk",
        "segments": 1,
        "error": {"code": "63016", "text": "outside window"},
        "reason": None,
        "grouped_with": None,
        "why": "клієнт не писав понад добу",
        "provider_id": "SM1",
        "attempts": 2,
    }


async def test_messages_are_found_by_what_is_asked(salon: Hands) -> None:
    await salon.put("/clients/c1", {"name": "Олена", "phone": "+380671234567"})
    await stored(
        salon,
        row(salon, key="a", due_at=salon.now + 3 * HOUR),
        row(salon, key="b", kind="booking_created", status="sent", channel="whatsapp"),
        row(salon, key="c", client="c2", status="leased", due_at=salon.now + HOUR),
        row(salon, key="d", kind="staff_booking_created", staff_chat="chat", due_at=salon.now + 2 * HOUR),
    )

    async def kinds(query: str) -> list[tuple[str, str]]:
        return [(item["kind"], item["client"]) for item in (await salon.get(f"/messages?{query}")).json["items"]]

    assert await kinds("") == [
        ("booking_created", "c1"),
        ("reminder", "c2"),
        ("staff_booking_created", "c1"),
        ("reminder", "c1"),
    ]
    assert await kinds("client=c2") == [("reminder", "c2")]
    assert await kinds("phone=%2B380671234567&kind=reminder") == [("reminder", "c1")]
    assert await kinds("phone=0671234567&client=c2") == []
    assert await kinds("phone=%2B380501234567") == []
    assert await kinds("channel=whatsapp") == [("booking_created", "c1")]
    assert await kinds("status=planned&kind=reminder") == [("reminder", "c2"), ("reminder", "c1")]
    assert await kinds("since=2026-11-20T11:00:00Z&until=2026-11-20T13:00:00Z") == [
        ("reminder", "c2"),
        ("staff_booking_created", "c1"),
    ]
    first = (await salon.get("/messages?limit=3")).json
    assert await kinds(f"limit=3&cursor={first['next']}") == [("reminder", "c1")]


@pytest.mark.parametrize(
    ("query", "at"),
    [
        ("status=leased", "/status"),
        ("channel=fax", "/channel"),
        ("since=now", "/since"),
        ("phone=12", "/phone"),
        ("group_by=day", "/group_by"),
    ],
)
async def test_a_wrong_filter_is_422(salon: Hands, query: str, at: str) -> None:
    assert (await salon.get(f"/messages?{query}")).faults == [at]


async def test_counts_are_grouped_and_add_up(salon: Hands) -> None:
    await stored(
        salon,
        row(salon, status="delivered", channel="whatsapp", master="m1"),
        row(salon, status="sent", master="m1", day="2026-11-21"),
        row(salon, status="failed", kind="booking_created"),
        row(salon, status="skipped", kind="booking_changed"),
        row(salon, kind="staff_booking_created", staff_chat="chat"),
    )
    for group_by, totals in (
        ("kind", {"booking_created": 1, "reminder": 2}),
        ("channel", {"telegram": 2, "whatsapp": 1}),
        ("salon", {"s1": 3}),
        ("master", {None: 1, "m1": 2}),
        ("day", {"2026-11-20": 2, "2026-11-21": 1}),
    ):
        counted = (await salon.get(f"/messages/stats?group_by={group_by}")).json
        assert {group["key"]: group["total"] for group in counted["groups"]} == totals
        assert counted["total"] == 3
        assert counted["status_reported"] == {**WORDS, "delivered": 2, "not_delivered": 1}
        assert sum(sum(group["status_reported"].values()) for group in counted["groups"]) == 3


async def test_messages_to_staff_are_counted_only_where_the_kind_names_them(salon: Hands) -> None:
    await stored(salon, row(salon, kind="staff_booking_created", staff_chat="chat"))
    assert (await salon.get("/messages/stats")).json["total"] == 0
    assert (await salon.get("/messages/stats?kind=staff_booking_created")).json["total"] == 1
    assert (await salon.get("/messages/stats?kind=reminder")).json["total"] == 0


async def test_each_salons_own_patience_decides_what_is_not_delivered(salon: Hands) -> None:
    await salon.put("/salons/s2", {"name": "x"})
    await salon.call("PATCH", "/salons/s2/settings", {"undelivered_after": "PT1H"})
    sent = {"status": "sent", "channel": "whatsapp", "sent_at": salon.now - 2 * HOUR}
    await stored(salon, row(salon, **sent), row(salon, salon="s2", **sent))
    counted = (await salon.get("/messages/stats?group_by=salon")).json
    assert [(group["key"], group["status_reported"]) for group in counted["groups"]] == [
        ("s1", {**WORDS, "waiting": 1}),
        ("s2", {**WORDS, "not_delivered": 1}),
    ]


async def test_notices_count_once_by_their_best_hop(salon: Hands) -> None:
    first = row(salon, key="x:0", status="failed", channel="whatsapp", kind="booking_created")
    later = row(
        salon,
        key="x:1",
        hop=1,
        fallback_of=first.id,
        status="sent",
        kind="booking_created",
        due_at=salon.now + 2 * HOUR,
    )
    lost = row(salon, key="y:0", status="failed", channel="whatsapp")
    also = row(salon, key="y:1", hop=1, fallback_of=lost.id, status="failed", due_at=salon.now + 2 * HOUR)
    alone = row(salon, key="z:0", status="delivered", channel="whatsapp")
    await stored(salon, first, later, lost, also, alone)
    hops = (await salon.get("/messages/stats")).json
    assert hops["status_reported"] == {**WORDS, "delivered": 2, "not_delivered": 3}
    notices = (await salon.get("/messages/stats?notices=true&group_by=channel")).json
    assert notices["status_reported"] == {**WORDS, "delivered": 2, "not_delivered": 1}
    assert {group["key"]: group["total"] for group in notices["groups"]} == {"telegram": 1, "whatsapp": 2}
    due = "since=2026-11-20T10:00:00Z&until=2026-11-20T11:00:00Z"
    assert (await salon.get(f"/messages/stats?notices=true&{due}")).json == {**notices, "groups": []}
    assert (await salon.get("/messages/stats?notices=true&channel=telegram")).json["total"] == 1
    assert (await salon.get("/messages/stats?notices=true&kind=reminder")).json["total"] == 2


async def test_what_waits_for_a_person_is_listed_and_marked_as_sent_once(salon: Hands) -> None:
    held, _ = await stored(salon, row(salon, held=True, channel="manual"), row(salon))
    listed = (await salon.get("/manual")).json
    assert [item["id"] for item in listed["items"]] == [held.id]
    salon.now += HOUR
    marked = await salon.call("POST", f"/messages/{held.id}/sent")
    assert (marked.status, marked.json["status"], marked.json["status_reported"]) == (200, "sent", "delivered")
    assert (marked.json["sent_at"], marked.json["delivered_at"]) == ("2026-11-20T11:00:00.000Z", None)
    assert (await salon.get("/messages?status=sent")).json["items"] == [marked.json]
    assert (await salon.call("POST", f"/messages/{held.id}/sent")).status == 409
    assert (await salon.get("/manual")).json["items"] == []


async def test_only_a_held_message_is_marked_as_sent(salon: Hands) -> None:
    (planned,) = await stored(salon, row(salon))
    assert (await salon.call("POST", f"/messages/{planned.id}/sent")).status == 409
    assert (await salon.call("POST", f"/messages/{new_id()}/sent")).status == 404


VISIT = {"salon": "s1", "client": {"id": "c1", "name": "Олена"}, "starts_at": "2026-11-27T15:00:00+02:00"}


async def failed_reminder(salon: Hands, status: MessageStatus = "failed") -> Message:
    """The first reminder of b-1, after it was tried in vain."""
    await salon.put("/bookings/b-1", VISIT)
    rows = await salon.store.find(Message, {"business": BUSINESS, "booking": "b-1", "kind": "reminder"})
    tried = replace(min(rows, key=lambda one: one.due_at), status=status, reason=None, attempts=1)
    await salon.store.commit(Changes(puts=(Put(tried),)))
    salon.now = tried.not_after
    return tried


@pytest.mark.parametrize("status", ["failed", "expired", "unknown"])
async def test_a_dead_letter_about_a_visit_ahead_is_sent_again_as_a_new_message(
    salon: Hands, status: MessageStatus
) -> None:
    dead = await failed_reminder(salon, status)
    again = await salon.call("POST", f"/messages/{dead.id}/resend")
    assert again.status == 201
    assert again.json["id"] != dead.id
    assert (again.json["status"], again.json["booking"], again.json["kind"]) == ("planned", "b-1", "reminder")
    assert again.json["not_after"] == "2026-11-27T13:00:00.000Z"
    fresh = await salon.store.get(Message, BUSINESS, again.json["id"])
    assert fresh is not None
    assert (fresh.key, fresh.due_at) == (f"{dead.key}:again:1", salon.now)
    assert (await salon.call("POST", f"/messages/{dead.id}/resend")).status == 409
    await salon.store.commit(Changes(puts=(Put(replace(fresh, status="failed")),)))
    third = await salon.call("POST", f"/messages/{fresh.id}/resend")
    assert third.status == 201
    kept = await salon.store.get(Message, BUSINESS, third.json["id"])
    assert kept is not None
    assert kept.key == f"{dead.key}:again:2"


async def test_a_dead_letter_is_not_sent_again_once_its_visit_is_over_moved_or_cancelled(salon: Hands) -> None:
    dead = await failed_reminder(salon)
    before = salon.now
    salon.now += 30 * DAY
    assert (await salon.call("POST", f"/messages/{dead.id}/resend")).status == 409
    salon.now = before
    await salon.put("/bookings/b-1", {**VISIT, "starts_at": "2026-11-28T15:00:00+02:00"})
    assert (await salon.call("POST", f"/messages/{dead.id}/resend")).status == 409
    await salon.put("/bookings/b-1", {**VISIT, "status": "cancelled"})
    assert (await salon.call("POST", f"/messages/{dead.id}/resend")).status == 409


async def test_a_dead_letter_without_a_visit_is_sent_again_unless_it_expired(salon: Hands) -> None:
    failed, expired = await stored(
        salon, row(salon, kind="thanks", status="failed"), row(salon, kind="thanks", status="expired")
    )
    assert (await salon.call("POST", f"/messages/{failed.id}/resend")).status == 201
    assert (await salon.call("POST", f"/messages/{expired.id}/resend")).status == 409


@pytest.mark.parametrize(
    "status", ["planned", "leased", "sending", "sent", "delivered", "read", "skipped", "cancelled"]
)
async def test_what_is_no_dead_letter_is_not_sent_again(salon: Hands, status: MessageStatus) -> None:
    (one,) = await stored(salon, row(salon, status=status))
    reply = await salon.call("POST", f"/messages/{one.id}/resend")
    assert (reply.status, reply.json["type"]) == (409, "/api/docs#conflict")
