"""Reminders of several visits at one address: which go together, and what becomes of each when that goes wrong."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handlers.channel import SMS, SendError
from handlers.receipts import Verdict, receipt
from handlers.visits import Wanted, put_booking
from scheduler import sweeps
from storage.failpoints import armed
from storage.records import Address, Booking, Client, Message, address_id
from storage.store import OneOf
from tests.support.post import (
    BOOKING,
    BUSINESS,
    CLIENT,
    DAY,
    HOUR,
    MINUTE,
    NOON,
    START,
    WROTE,
    Post,
    message,
    opened,
)  # fmt: skip

CHILD = replace(CLIENT, id="kid", name="Марко")
THIRD = replace(CLIENT, id="tot", name="Мія")
HIS = replace(BOOKING, id="b2", client="kid", starts_at=START + HOUR, ends_at=START + 2 * HOUR)
HERS = replace(BOOKING, id="b3", client="tot", starts_at=START + 2 * HOUR, ends_at=START + 3 * HOUR)


def reminder(booking: Booking, **fields: Any) -> Message:
    """The reminder a day before, as the plan makes it."""
    due = booking.starts_at - DAY
    given: dict[str, Any] = {
        "key": f"booking:{booking.id}:reminder:P1D:r1:client:{booking.client}:0",
        "booking": booking.id,
        "client": booking.client,
        "due_at": due,
        "not_after": booking.starts_at - HOUR,
        "params": {"lead": "P1D", "asks": True},
    }
    return message(**{**given, **fields})


FIRST, SECOND, LAST = reminder(BOOKING), reminder(HIS), reminder(HERS)


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    async with opened(str(tmp_path / "vizit.db")) as post:
        await post.add(CHILD, HIS, THIRD, HERS)
        yield post


async def states(post: Post, *rows: Message) -> list[tuple[str, str | None]]:
    return [(row.status, row.reason) for row in [await post.read(row) for row in rows]]


TOLD = [("sent", None), ("skipped", "grouped"), ("skipped", "grouped")]
WAITING = ("planned", None)


async def test_those_due_within_two_hours_go_with_the_first(post: Post) -> None:
    await post.add(FIRST, SECOND, LAST)
    await post.send_all()
    assert len(post.telegram.calls) == 1
    assert await states(post, FIRST, SECOND, LAST) == TOLD
    leader = await post.read(FIRST)
    assert leader.params["bookings"] == ["b", "b2", "b3"]
    assert (await post.read(LAST)).params["grouped_with"] == leader.id


async def test_what_is_due_later_than_that_waits_for_its_time(post: Post) -> None:
    late = replace(LAST, due_at=NOON + 2 * HOUR + 1, next_at=NOON + 2 * HOUR + 1)
    await post.add(FIRST, late)
    await post.send_all()
    assert await states(post, FIRST, late) == [("sent", None), WAITING]


@pytest.mark.parametrize(
    "fields",
    [{"params": {"lead": "PT2H"}}, {"salon": "s2"}, {"held": True}, {"kind": "booking_changed"}, {"revision": 0}],
    ids=str,
)
async def test_what_is_no_such_reminder_stays_apart(post: Post, fields: dict[str, Any]) -> None:
    other = replace(SECOND, **fields)
    await post.add(FIRST, other)
    await post.send_all()
    assert await states(post, FIRST, other) == [("sent", None), WAITING]


@pytest.mark.parametrize(
    ("record", "fields"),
    [
        (HIS, {"starts_at": START + DAY}),
        (HIS, {"status": "cancelled"}),
        (HIS, {"client": "tot"}),
        (CHILD, {"silent": True}),
        (CHILD, {"phone": "+380670000009"}),
    ],
    ids=str,
)
async def test_who_is_elsewhere_by_now_or_may_not_be_told_is_left_out(
    post: Post, record: Any, fields: dict[str, Any]
) -> None:
    await post.add(FIRST, SECOND)
    await post.change(record, **fields)
    await post.send_all()
    assert await states(post, FIRST, SECOND) == [("sent", None), WAITING]


async def test_a_member_that_changes_before_the_guard_makes_everything_be_read_again(post: Post) -> None:
    await post.add(FIRST, SECOND, LAST)
    moved = post.before_guard(
        f"UPDATE message SET status = 'cancelled', reason = 'booking_moved' WHERE id = '{SECOND.id}'"
    )
    with armed("step.begin", moved):
        await post.send_all()
    assert await states(post, FIRST, SECOND, LAST) == [TOLD[0], ("cancelled", "booking_moved"), TOLD[2]]
    assert (await post.read(FIRST)).params["bookings"] == ["b", "b3"]
    assert len(post.telegram.calls) == 1


async def test_a_leader_that_is_cancelled_before_the_guard_takes_nobody_with_it(post: Post) -> None:
    await post.add(FIRST, SECOND, LAST)
    gone = post.before_guard(
        "UPDATE message SET status = 'cancelled', reason = 'booking_cancelled', token = NULL, lease_until = NULL "
        f"WHERE id = '{FIRST.id}'"
    )
    with armed("step.begin", gone):
        await post.send_all()
        post.clock = SECOND.due_at
        await post.send_all()
    assert await states(post, FIRST, SECOND, LAST) == [("cancelled", "booking_cancelled"), TOLD[0], TOLD[1]]


async def test_one_that_another_worker_has_leased_is_spoken_for_and_lost_there(post: Post) -> None:
    await post.add(FIRST)
    async with post.running() as outbox:
        await outbox.idle()
        await post.change(FIRST, status="planned", next_at=NOON, attempts=0)
        await post.add(replace(SECOND, status="leased", token="another", lease_until=NOON + HOUR))
        outbox.wake()
        await outbox.idle()
    assert (await post.read(SECOND)).params["grouped_with"] == FIRST.id
    assert (await post.read(SECOND)).token is None


async def test_what_was_surely_not_sent_waits_again_for_everybody_and_goes_as_one(post: Post) -> None:
    post.telegram.script.append(SendError("not_sent", "429", retry_after=MINUTE))
    await post.add(FIRST, SECOND, LAST)
    await post.send_all()
    assert await states(post, FIRST, SECOND, LAST) == [WAITING] * 3
    assert "group" not in (await post.read(FIRST)).params
    assert "grouped_with" not in (await post.read(SECOND)).params
    post.clock += 2 * MINUTE
    await post.send_all()
    rows = [await post.read(row) for row in (FIRST, SECOND, LAST)]
    assert sorted(row.status for row in rows) == ["sent", "skipped", "skipped"]
    assert len(post.telegram.calls) == 2


async def test_a_cancelled_leader_that_was_not_sent_sets_the_others_free(post: Post) -> None:
    post.telegram.script.append(SendError("not_sent", "500"))
    post.telegram.gate = asyncio.Event()
    await post.add(FIRST, SECOND)
    async with post.running() as outbox:
        await post.telegram.arrived.wait()
        business = await post.store.get(type(BUSINESS), "a", "a")
        assert business is not None
        wanted = Wanted(salon="s", client_id="c", master="m", starts_at=START, ends_at=START + HOUR, status="cancelled")
        placed = await put_booking(post.desk, business, "b", wanted)
        assert placed.in_flight == (FIRST.id,)
        post.telegram.gate.set()
        await outbox.idle()
    assert (await post.read(FIRST)).status == "failed"
    assert (await post.read(SECOND)).status in ("planned", "sent")
    post.clock = SECOND.due_at
    await post.send_all()
    assert (await post.read(SECOND)).status == "sent"


async def test_who_cancels_a_visit_that_is_told_just_now_hears_which_message_is_on_the_wire(post: Post) -> None:
    post.telegram.script.append(SendError("not_sent", "500"))
    post.telegram.gate = asyncio.Event()
    await post.add(FIRST, SECOND)
    async with post.running() as outbox:
        await post.telegram.arrived.wait()
        business = await post.store.get(type(BUSINESS), "a", "a")
        assert business is not None
        wanted = Wanted(
            salon="s", client_id="kid", master="m", starts_at=HIS.starts_at, ends_at=HIS.ends_at, status="cancelled"
        )
        placed = await put_booking(post.desk, business, "b2", wanted)
        assert placed.in_flight == (FIRST.id,)
        post.telegram.gate.set()
        await outbox.idle()
    post.clock += 10 * MINUTE
    await post.send_all()
    assert (await post.read(FIRST)).status == "sent"
    assert (await post.read(SECOND)).status == "skipped"


async def test_everybody_goes_on_by_the_next_channel_as_one(post: Post) -> None:
    post.telegram.script.append(SendError("permanent", "403", address_dead=True))
    await post.add(WROTE, FIRST, SECOND, LAST)
    await post.send_all()
    assert await states(post, FIRST, SECOND, LAST) == [("failed", None), TOLD[1], TOLD[2]]
    assert len(post.whatsapp.calls) == 1
    hops = await post.store.find(Message, {"business": "a", "hop": 1})
    assert sorted((row.status, row.reason) for row in hops) == sorted(TOLD, key=str)
    assert {row.booking for row in hops} == {"b", "b2", "b3"}


async def test_where_no_channel_is_left_each_has_failed_and_can_be_seen(post: Post) -> None:
    post.telegram.script.append(SendError("permanent", "400"))
    await post.change(BUSINESS, settings={"quiet_hours": False, "channels": ["telegram"]})
    await post.add(FIRST, SECOND)
    await post.send_all()
    assert [status for status, _ in await states(post, FIRST, SECOND)] == ["failed", "failed"]


async def test_after_a_crash_on_the_wire_all_of_them_get_one_more_try(post: Post) -> None:
    await post.add(FIRST, SECOND)
    await post.send_all()
    await post.change(FIRST, status="sending", token="dead", lease_until=1)
    await sweeps.recover(post.desk, post.means, everyone=True)
    assert await states(post, FIRST, SECOND) == [("planned", "perhaps_sent")] * 2
    post.clock += 10 * MINUTE
    await post.send_all()
    assert sorted(status for status, _ in await states(post, FIRST, SECOND)) == ["sent", "skipped"]


async def test_silence_on_whatsapp_lets_the_next_channel_take_over_for_all(post: Post) -> None:
    settings = {"quiet_hours": False, "channels": ["whatsapp", "telegram"]}
    await post.change(BUSINESS, settings=settings)
    rows = [replace(row, channel="whatsapp", address=CLIENT.phone) for row in (FIRST, SECOND)]
    await post.add(WROTE, *rows)
    await post.send_all()
    assert len(post.whatsapp.calls) == 1
    post.clock += 3 * HOUR
    await sweeps.run_timers(post.desk, post.means)
    await post.send_all()
    assert len(post.telegram.calls) == 1


async def test_a_late_word_of_delivery_spares_the_next_hop_of_everybody(post: Post) -> None:
    settings = {"quiet_hours": False, "channels": ["whatsapp", "telegram"]}
    await post.change(BUSINESS, settings=settings)
    rows = [replace(row, channel="whatsapp", address=CLIENT.phone) for row in (FIRST, SECOND)]
    await post.add(WROTE, *rows)
    await post.send_all()
    post.clock += 3 * HOUR
    await sweeps.run_timers(post.desk, post.means)
    leader = await post.read(FIRST)
    await post.store.commit(await receipt(post.desk, leader, Verdict("delivered"), post.means, id="1", raw={}))
    hops = await post.store.find(Message, {"business": "a", "hop": 1})
    assert {(row.status, row.reason) for row in hops} == {("cancelled", "reached_by_earlier_channel")}
    assert len(hops) == 2


async def test_an_answer_for_one_of_them_shows_that_the_message_was_seen(post: Post) -> None:
    settings = {"quiet_hours": False, "channels": ["whatsapp", "telegram"]}
    await post.change(BUSINESS, settings=settings)
    rows = [replace(row, channel="whatsapp", address=CLIENT.phone) for row in (FIRST, SECOND)]
    await post.add(WROTE, *rows)
    await post.send_all()
    post.clock += 3 * HOUR
    await post.change(HIS, answer="confirmed", answer_at=NOON + MINUTE)
    await sweeps.run_timers(post.desk, post.means)
    assert not await post.store.find(Message, {"business": "a", "hop": 1})


async def test_by_sms_too_everybody_is_told_in_one_message(post: Post) -> None:
    post.whatsapp.capabilities = SMS
    await post.change(BUSINESS, settings={"quiet_hours": False, "channels": ["whatsapp"]})
    rows = [replace(row, channel="whatsapp", address=CLIENT.phone) for row in (FIRST, SECOND)]
    await post.add(*rows)
    await post.send_all()
    assert len(post.whatsapp.calls) == 1
    assert await states(post, FIRST, SECOND) == TOLD[:2]


async def test_two_visits_of_one_person_are_told_in_one_message(post: Post) -> None:
    again = reminder(replace(HIS, client=CLIENT.id))
    await post.change(HIS, client=CLIENT.id)
    await post.change(CHILD, phone=None)
    await post.change(THIRD, phone=None)
    await post.add(FIRST, again)
    await post.send_all()
    assert await states(post, FIRST, again) == TOLD[:2]
    assert (await post.read(FIRST)).params["bookings"] == ["b", "b2"]


async def test_a_batch_of_clients_with_one_visit_each_costs_one_question() -> None:
    async with opened() as post:
        asked: list[object] = []
        find = post.store.find

        async def listening(record: type[Any], where: Any, **options: Any) -> Any:
            if record is Message and "due_at" in where:
                asked.append(where["client"])
            return await find(record, where, **options)

        post.store.find = listening  # type: ignore[method-assign]
        others = [replace(CHILD, phone=None), replace(THIRD, phone=None)]
        await post.add(*others, HIS, HERS, FIRST, *(replace(row, next_at=NOON) for row in (SECOND, LAST)))
        await post.send_all()
        assert asked == [OneOf(("c", "kid", "tot"))]


async def test_a_chat_that_links_tie_to_several_people_is_one_address() -> None:
    def tied(client: Client) -> Address:
        id = address_id("telegram", "7", client.id)
        return Address(business="a", id=id, channel="telegram", address="7", client=client.id, shared=True)

    async with opened() as post:
        other = replace(CHILD, phone=None)
        await post.add(other, HIS, tied(CLIENT), tied(other))
        await post.add(*(replace(row, address="7") for row in (FIRST, SECOND)))
        await post.send_all()
        assert await states(post, FIRST, SECOND) == TOLD[:2]
