"""What a provider's later word about a message changes: its state only moves forward, and other hops follow from it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from handlers.receipts import ONCE_MORE_AFTER, Verdict, receipt
from storage.records import Address, Client, Message, Receipt
from storage.store import Conflict
from tests.support.post import BOOKING, CLIENT, HOUR, NOON, START, WROTE, Post, message, opened

FIRST = "booking:b:reminder:r1:client:c:0"
SECOND = "booking:b:reminder:r1:client:c:1"


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with opened() as post:
        await post.add(WROTE)
        yield post


def on_whatsapp(status: str = "sent", **fields: Any) -> Message:
    """A reminder that Twilio has taken, or is just taking."""
    given: dict[str, Any] = {
        "key": FIRST,
        "channel": "whatsapp",
        "address": WROTE.address,
        "status": status,
        "attempts": 1,
    }
    if status not in ("sending", "planned", "unknown"):
        given |= {"sent_at": NOON, "provider_id": "SM1", "fallback_at": NOON + HOUR}
    return message(**{**given, **fields})


async def hear(post: Post, row: Message, status: str, code: str = "", **verdict: Any) -> Message:
    """The provider says ``status`` about the row; the row afterwards."""
    changes = await receipt(
        post.desk, await post.read(row), Verdict(status, code, **verdict), post.means,
        id=f"{row.id}:{status}", raw={"MessageStatus": status}, provider_id="SM1",
    )  # fmt: skip
    await post.store.commit(changes)
    return await post.read(row)


@pytest.mark.parametrize(
    ("before", "word", "after"),
    [
        ("sending", "queued", "sent"),
        ("sending", "delivered", "delivered"),
        ("unknown", "accepted", "sent"),
        ("unknown", "delivered", "delivered"),
        ("sent", "sending", "sent"),
        ("sent", "delivered", "delivered"),
        ("sent", "read", "read"),
        ("delivered", "sent", "delivered"),
        ("delivered", "undelivered", "delivered"),
        ("read", "delivered", "read"),
        ("read", "failed", "read"),
        ("failed", "sent", "failed"),
        ("failed", "delivered", "delivered"),
        ("planned", "delivered", "delivered"),
        ("planned", "failed", "planned"),
        ("sent", "failed", "failed"),
        ("sent", "undelivered", "failed"),
        ("sending", "failed", "failed"),
        ("unknown", "failed", "failed"),
        ("sent", "a word of tomorrow", "sent"),
    ],
)
async def test_a_word_moves_the_state_forward_and_never_back(post: Post, before: str, word: str, after: str) -> None:
    row = on_whatsapp(before)
    await post.add(row)
    assert (await hear(post, row, word)).status == after


async def test_every_word_is_kept_once_with_its_raw_payload(post: Post) -> None:
    row = on_whatsapp()
    await post.add(row)
    for _ in range(3):
        await hear(post, row, "delivered")
    kept = await post.store.find(Receipt, {"business": "a", "message": row.id})
    assert [(word.status, word.raw, word.at) for word in kept] == [("delivered", {"MessageStatus": "delivered"}, NOON)]


async def test_reading_implies_delivery(post: Post) -> None:
    row = on_whatsapp()
    await post.add(row)
    read = await hear(post, row, "read")
    assert (read.delivered_at, read.read_at, read.fallback_at) == (NOON, NOON, None)


async def test_a_callback_that_beats_the_answer_leaves_the_row_to_nobody(post: Post) -> None:
    row = on_whatsapp("sending", token="t", lease_until=NOON + HOUR)
    await post.add(row)
    sent = await hear(post, row, "sent")
    assert (sent.status, sent.provider_id, sent.token, sent.sent_at) == ("sent", "SM1", None, NOON)
    assert sent.fallback_at == NOON + 2 * HOUR


async def test_a_failure_that_beats_the_answer_leaves_the_row_with_the_provider_s_id(post: Post) -> None:
    row = on_whatsapp("sending", token="t", lease_until=NOON + HOUR)
    await post.add(row)
    failed = await hear(post, row, "failed", "63005")
    assert (failed.status, failed.provider_id, failed.token, failed.sent_at) == ("failed", "SM1", None, NOON)


async def test_a_failure_by_callback_hands_over_to_the_next_channel_in_the_same_commit(post: Post) -> None:
    row = on_whatsapp()
    await post.add(row)
    failed = await hear(post, row, "undelivered", "63003", address_dead=True)
    assert (failed.status, failed.error_code, failed.fallback_at) == ("failed", "63003", None)
    hop = await post.read(SECOND)
    assert (hop.status, hop.channel, hop.address, hop.due_at) == ("planned", "telegram", "100", NOON)
    assert (hop.fallback_of, hop.hop, hop.revision, hop.choices, hop.not_after) == (
        row.id,
        1,
        1,
        row.choices,
        row.not_after,
    )
    dead = await post.store.get(Address, "a", WROTE.id)
    assert dead is not None and dead.dead_reason == "63003"


async def test_a_later_failure_without_a_code_keeps_the_code(post: Post) -> None:
    row = on_whatsapp(error_code="30008")
    await post.add(row)
    assert (await hear(post, row, "failed")).error_code == "30008"


async def test_a_closed_window_is_answered_with_a_template_once_and_then_with_the_next_channel(post: Post) -> None:
    row = on_whatsapp()
    await post.add(row)
    await hear(post, row, "failed", "63016", needs_template=True)
    again = await post.read(SECOND)
    assert (again.channel, again.params["as_template"]) == ("whatsapp", True)
    await post.send_all()
    assert ((await post.read(again)).status, (await post.read(again)).reason) == ("skipped", "no_template")
    assert post.telegram.texts == ["reminder Олена Оксана"]


async def test_a_passing_failure_is_tried_once_more_on_the_same_channel_and_then_on_the_next(post: Post) -> None:
    row = on_whatsapp()
    await post.add(row)
    await hear(post, row, "failed", "63018", permanent=False)
    again = await post.read(SECOND)
    assert (again.channel, again.due_at) == ("whatsapp", NOON + ONCE_MORE_AFTER)
    await post.change(again, status="sent", attempts=1, sent_at=NOON)
    await hear(post, again, "failed", "63018", permanent=False)
    assert (await post.read(FIRST[:-1] + "2")).channel == "telegram"


async def test_whoever_opted_out_gets_no_offer_on_another_channel_but_still_the_reminder(post: Post) -> None:
    await post.change(CLIENT, marketing_consent=True)
    offer = on_whatsapp(kind="campaign", lane=2, booking=None, key="campaign:x:c")
    reminder = on_whatsapp()
    await post.add(offer, reminder)
    for row in (offer, reminder):
        await hear(post, row, "failed", "63014", opted_out=True, address_dead=True)
    assert set(await post.statuses()) == {"campaign:x:c", FIRST, SECOND}


async def test_a_late_delivery_spares_the_hops_that_are_not_on_the_wire(post: Post) -> None:
    row = on_whatsapp()
    flying = message(key=SECOND, hop=1, fallback_of=row.id, status="sending", token="t", attempts=1)
    waiting = message(key=FIRST[:-1] + "2", hop=2, fallback_of=row.id, address="101", status="leased", token="t")
    await post.add(row, flying, waiting)
    await hear(post, row, "delivered")
    assert (await post.read(flying)).status == "sending"
    spared = await post.read(waiting)
    assert (spared.status, spared.reason, spared.token) == ("cancelled", "reached_by_earlier_channel", None)


@pytest.mark.parametrize(
    "change",
    [
        {"starts_at": START + HOUR, "moved_revision": 2, "revision": 2},
        {"status": "cancelled", "cancelled_revision": 2, "revision": 2},
        {"client": "other", "booked_revision": 2, "revision": 2},
        {"starts_at": NOON},
    ],
    ids=["moved", "cancelled", "another client's", "begun"],
)
async def test_a_message_that_is_no_longer_true_has_no_next_hop(post: Post, change: dict[str, Any]) -> None:
    row = on_whatsapp()
    await post.add(row, Client(business="a", id="other", name="Other"))
    await post.change(BOOKING, **change)
    await hear(post, row, "failed", "63003")
    assert set(await post.statuses()) == {FIRST}


async def test_a_change_that_the_message_does_not_tell_of_leaves_the_cascade_alone(post: Post) -> None:
    row = on_whatsapp()
    await post.add(row)
    await post.change(BOOKING, price=90_000, revision=7)
    await hear(post, row, "failed", "63003")
    assert (await post.read(SECOND)).revision == 7


async def test_nobody_is_told_on_a_third_channel_who_was_reached_on_the_second(post: Post) -> None:
    row = on_whatsapp()
    second = message(key=SECOND, hop=1, fallback_of=row.id, status="sent", attempts=1, sent_at=NOON)
    await post.add(row, second)
    await hear(post, row, "failed", "30008")
    assert set(await post.statuses()) == {FIRST, SECOND}


async def test_a_booking_that_moves_while_a_failure_is_judged_is_a_conflict_not_a_wrong_hop(post: Post) -> None:
    row = on_whatsapp()
    await post.add(row)
    verdict = Verdict("failed", "63003")
    changes = await receipt(post.desk, await post.read(row), verdict, post.means, id="x", raw={})
    await post.change(BOOKING, starts_at=START + HOUR, moved_revision=2, revision=2)
    with pytest.raises(Conflict):
        await post.store.commit(changes)
    assert (await post.read(row)).status == "sent"


async def test_a_word_about_a_message_that_never_passed_the_guard_is_only_kept(post: Post) -> None:
    row = on_whatsapp("planned", attempts=0)
    await post.add(row)
    assert (await hear(post, row, "delivered")).status == "planned"


async def test_hops_of_messages_without_a_booking_have_keys_of_their_own(post: Post) -> None:
    row = on_whatsapp(kind="bonus_accrued", booking=None, key="bonus:0")
    neighbour = on_whatsapp(kind="bonus_accrued", booking=None, key="bonus:1")
    await post.add(row, neighbour)
    await hear(post, row, "failed", "63003")
    hop = await post.read("bonus:0:1")
    assert (hop.hop, hop.fallback_of) == (1, row.id)
    assert await post.read(neighbour) == neighbour
