"""What becomes of messages that providers refuse, that nobody knows the fate of, or whose worker dies."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handlers.channel import SendError, Text
from handlers.delivery import DEAD_FOR
from handlers.turn import Desk
from storage.failpoints import STEP, armed
from storage.records import Address, Business, Message, Salon, StaffChat
from storage.store import Changes, Delete, Patch, StoreBusy
from tests.support.post import (
    BOOKING,
    CHAT,
    CLIENT,
    HOUR,
    MINUTE,
    NOON,
    STAFF,
    WROTE,
    Post,
    another,
    answer,
    message,
    opened,
    plain,
    to_staff,
)  # fmt: skip

BLOCKED = SendError("permanent", "blocked", "Forbidden: bot was blocked by the user", address_dead=True)
REFUSED = SendError("permanent", "400", "Bad Request")
TIMEOUT = SendError("unknown", "timeout")
NO_NETWORK = SendError("not_sent", "network")


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with opened() as post:
        yield post


async def told(desk: Desk, row: Message, business: Business, salon: Salon | None) -> Changes:
    """A staff row that says who was not reached, and why."""
    why = {"kind": row.kind, "reason": row.reason}
    return Changes(inserts=(to_staff("staff_not_reached", key="not_reached", params=why),))


async def test_what_was_surely_not_sent_is_tried_again_with_growing_pauses(post: Post) -> None:
    row = message()
    await post.add(row)
    waits = []
    for _ in range(4):
        post.telegram.script.append(NO_NETWORK)
        await post.send_all()
        back = await post.read(row)
        assert (back.status, back.error_code, back.due_at) == ("planned", "network", NOON)
        waits.append(back.next_at - post.clock)
        post.clock = back.next_at
    assert waits == [3_000, 6_000, 12_000, 24_000]
    await post.send_all()
    assert ((await post.read(row)).status, (await post.read(row)).attempts) == ("sent", 5)


async def test_a_provider_that_asks_for_a_pause_gets_it(post: Post) -> None:
    row = message()
    await post.add(row)
    post.telegram.script.append(SendError("not_sent", "429", retry_after=30_000))
    await post.send_all(rates={"telegram": 28})
    assert 30_000 <= (await post.read(row)).next_at - NOON <= 31_000
    post.clock += 20_000
    await post.change(row, next_at=post.clock)
    await post.send_all(rates={"telegram": 28})
    assert len(post.telegram.calls) == 1, "another worker keeps to the pause too"
    post.clock += 12_000
    await post.send_all(rates={"telegram": 28})
    assert (await post.read(row)).status == "sent"


async def test_a_pause_of_the_whole_channel_leaves_other_channels_alone(post: Post) -> None:
    people = [another(number) for number in range(40)]
    for client, chat in people:
        await post.add(client, chat)
    await post.add(replace(WROTE, phone=None, client="w"), replace(CLIENT, id="w", phone=None))
    await post.add(*(answer(f"h{n}", client=f"c{n}", address=f"{1000 + n}") for n in range(40)))
    post.telegram.script.append(SendError("not_sent", "429", retry_after=60_000, scope="channel"))
    async with post.running(wires=1) as outbox:
        await outbox.idle()
        await post.add(message("bonus_accrued", client="w", booking=None, channel="whatsapp", address=WROTE.address))
        await outbox.idle()
    assert (len(post.telegram.calls), len(post.whatsapp.calls)) == (1, 1)
    assert list((await post.statuses()).values()).count("planned") == 40


async def test_retries_end_when_the_message_would_be_too_late_and_the_next_channel_takes_over(post: Post) -> None:
    await post.add(WROTE)
    row = message(not_after=NOON + 2_000)
    await post.add(row)
    post.telegram.script.append(NO_NETWORK)
    await post.send_all()
    assert (await post.read(row)).status == "failed"
    assert [call.to for call in post.whatsapp.calls] == [WROTE.address]


async def test_a_blocked_bot_marks_the_address_and_the_next_channel_takes_over_at_once(post: Post) -> None:
    await post.add(WROTE)
    row = message()
    await post.add(row)
    post.telegram.script.append(BLOCKED)
    await post.send_all()
    failed, hop = await post.read(row), await post.read(row.key.removesuffix("0") + "1")
    assert (failed.status, failed.error_code) == ("failed", "blocked")
    assert (hop.status, hop.channel, hop.hop, hop.fallback_of, hop.due_at) == ("sent", "whatsapp", 1, row.id, NOON)
    chat = await post.store.get(Address, "a", CHAT.id)
    assert chat is not None and (chat.dead_until, chat.dead_reason) == (NOON + DEAD_FOR, "blocked")


async def test_a_number_that_is_not_on_whatsapp_is_remembered_though_it_never_wrote(post: Post) -> None:
    await post.store.commit(Changes(deletes=(Delete(Address, "a", CHAT.id),)))
    row = message(channel="whatsapp", params={"template": True})
    await post.add(row)
    post.whatsapp.script.append(SendError("permanent", "63003", address_dead=True))
    await post.send_all()
    dead = await post.store.get(Address, "a", f"whatsapp:{CLIENT.phone}")
    assert dead is not None and dead.dead_until == NOON + DEAD_FOR
    again = message(key="next", params={"template": True})
    await post.add(again)
    await post.send_all()
    assert ((await post.read(again)).status, (await post.read(again)).reason) == ("skipped", "no_channel")


async def test_the_staff_hear_when_no_channel_is_left(post: Post) -> None:
    await post.add(WROTE, STAFF)
    await post.add(message())
    post.not_reached = told
    post.telegram.script.append(BLOCKED)
    post.whatsapp.script.append(SendError("permanent", "63003", address_dead=True))
    await post.send_all()
    row = await post.read("not_reached")
    assert (row.status, row.params["reason"]) == ("sent", "63003")


async def test_the_staff_are_not_told_of_offers_or_of_visits_that_changed(post: Post) -> None:
    await post.add(STAFF)
    await post.add(message("bonus_accrued"), message("reminder", key="moved"))
    await post.change(BOOKING, moved_revision=2, revision=2)
    post.not_reached = told
    post.telegram.script.extend([BLOCKED])
    await post.send_all()
    assert all(not key.startswith("not_reached") for key in await post.statuses())


async def test_a_message_that_became_untrue_on_the_wire_has_no_next_hop_and_no_second_try(post: Post) -> None:
    await post.add(WROTE)
    rows = {"not_sent": NO_NETWORK, "permanent": BLOCKED, "unknown": TIMEOUT}
    for outcome, error in rows.items():
        row = message(key=outcome)
        await post.add(row)
        await post.change(CHAT, dead_until=None)
        post.telegram.gate, post.telegram.arrived = asyncio.Event(), asyncio.Event()
        post.telegram.script.append(error)
        async with post.running() as outbox:
            await post.telegram.arrived.wait()
            await post.change(row, void="booking_moved")
            post.telegram.gate.set()
            await outbox.idle()
        found = await post.read(row)
        assert (found.status, found.reason) == ("unknown" if outcome == "unknown" else "failed", "booking_moved")
    assert post.whatsapp.calls == []


async def test_a_void_message_that_arrived_all_the_same_says_so(post: Post) -> None:
    row = message()
    await post.add(row)
    post.telegram.gate = asyncio.Event()
    async with post.running() as outbox:
        await post.telegram.arrived.wait()
        await post.change(row, void="booking_cancelled")
        post.telegram.gate.set()
        await outbox.idle()
    assert ((await post.read(row)).status, (await post.read(row)).void) == ("sent", "booking_cancelled")


async def test_an_unknown_outcome_gets_one_more_try_and_no_third(post: Post) -> None:
    row = message()
    await post.add(row)
    post.telegram.script.extend([TIMEOUT, TIMEOUT])
    await post.send_all()
    again = await post.read(row)
    assert (again.status, again.reason, again.error_code) == ("planned", "perhaps_sent", "timeout")
    post.clock = again.next_at
    await post.send_all()
    parked = await post.read(row)
    assert (parked.status, parked.attempts, len(post.telegram.calls)) == ("unknown", 2, 2)


@pytest.mark.parametrize("error", [TIMEOUT, RuntimeError("a mistake in the channel")])
async def test_an_offer_of_unknown_fate_is_never_repeated(post: Post, error: Exception) -> None:
    await post.change(CLIENT, marketing_consent=True)
    row = message("campaign", lane=2)
    await post.add(row)
    post.telegram.script.append(error)
    await post.send_all()
    assert (await post.read(row)).status == "unknown"


async def test_shortly_before_the_visit_an_unknown_outcome_is_left_alone(post: Post) -> None:
    row = message()
    await post.add(row)
    await post.change(BOOKING, starts_at=NOON + 29 * MINUTE)
    post.telegram.script.append(TIMEOUT)
    await post.send_all()
    assert (await post.read(row)).status == "unknown"


async def test_a_group_that_became_a_supergroup_is_followed_once(post: Post) -> None:
    await post.add(STAFF)
    row = to_staff()
    await post.add(row)
    post.telegram.script.append(SendError("permanent", "migrated", moved_to="-100500"))
    await post.send_all()
    assert [call.to for call in post.telegram.calls] == ["-500", "-100500"]
    chat = await post.store.get(StaffChat, "a", "chat")
    assert chat is not None and chat.chat == "-100500"
    assert ((await post.read(row)).status, (await post.read(row)).address) == ("sent", "-100500")


async def test_a_group_that_threw_the_bot_out_hears_nothing_more(post: Post) -> None:
    await post.add(STAFF)
    await post.add(to_staff())
    post.telegram.script.append(SendError("permanent", "kicked", address_dead=True))
    await post.send_all()
    later = to_staff(key="later")
    await post.add(later)
    await post.send_all()
    assert ((await post.read(later)).reason, len(post.telegram.calls)) == ("no_channel", 1)


async def test_an_answer_whose_message_was_deleted_comes_as_a_message_of_its_own(post: Post) -> None:
    old = message("booking_created", status="sent", provider_id="100:7", sent_at=NOON)
    said = answer("visit_confirmed", edits=old.id)
    await post.add(old, said)
    post.telegram.script.append(SendError("permanent", "400", "message to edit not found"))
    await post.send_all()
    assert post.telegram.calls[1].rendered == Text("visit_confirmed Олена")
    assert (await post.read(said)).status == "sent"


async def test_a_message_that_can_not_be_put_into_words_never_stops_the_others(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = message("bonus_accrued", due_at=NOON - 1), message()
    await post.add(bad, good)

    def render(row: Message, *rest: Any) -> Any:
        if row.id == bad.id:
            raise KeyError("no such words")
        return plain(row, *rest)

    with caplog.at_level(logging.CRITICAL):
        await post.send_all(render=render)
        assert (await post.read(good)).status == "sent"
        tries = 0
        while (row := await post.read(bad)).status == "planned":
            post.clock, tries = row.next_at, tries + 1
            await post.send_all(render=render)
    assert (row.status, row.error_code) == ("failed", "internal")
    assert 5 < tries < 400


async def test_an_outbox_lives_through_a_busy_store(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    def busy() -> None:
        if len(refused) < 3:
            refused.append(True)
            raise StoreBusy("the disk is full")

    async with opened(tmp_path / "vizit.db") as post:
        rows = [message(due_at=NOON - n, key=f"k{n}", kind="bonus_accrued") for n in range(5)]
        await post.add(*rows)
        for point in STEP[:3]:
            refused: list[bool] = []
            with armed(point, busy), caplog.at_level(logging.CRITICAL):
                await post.send_all()
            assert refused == [True] * 3
            for row in rows:
                assert (await post.read(row)).status == "sent"
                await post.change(row, status="planned", provider_id=None)
        assert len(post.telegram.calls) == 15


@pytest.mark.parametrize("point", STEP)
async def test_whatever_dies_at_any_point_of_a_step_is_finished_after_the_next_start(
    tmp_path: Path, point: str
) -> None:
    """A service message may come twice where its send was under way; none is lost, and no offer comes twice."""
    for nth in itertools.count(1):
        path, people = tmp_path / f"{nth}.db", [another(number) for number in range(4)]
        lanes = [1, 1, 2, 2]
        rows = [
            message(
                ["", "bonus_accrued", "campaign"][lane], lane=lane, client=client.id, address=chat.address, booking=None
            )
            for lane, (client, chat) in zip(lanes, people, strict=True)
        ]
        async with opened(path) as post:
            await post.add(
                *(replace(client, marketing_consent=True) for client, _ in people), *(c for _, c in people), *rows
            )
            died = await _die_at(post, point, nth)
        async with opened(path, stage=False) as reborn:
            reborn.telegram.calls = post.telegram.calls
            for _ in range(2):
                await reborn.send_all()
                reborn.clock += HOUR
            ends = [(await reborn.read(row)).status for row in rows]
            counts = [sum(call.message == row.id for call in reborn.telegram.calls) for row in rows]
        assert ends[:2] == ["sent", "sent"] and set(ends[2:]) <= {"sent", "unknown"}
        assert all(1 <= count <= 2 for count in counts[:2]) and all(count <= 1 for count in counts[2:])
        if not died:
            assert nth > 2
            break


async def _die_at(post: Post, point: str, nth: int) -> bool:
    """Let an outbox run until it reaches a point for the ``nth`` time, and is no more; False where it got through."""
    reached: list[str] = []

    def die() -> None:
        reached.append(point)
        if len(reached) == nth:
            raise asyncio.CancelledError

    outbox = post.outbox()
    running, through = asyncio.create_task(outbox.run()), asyncio.create_task(outbox.idle())
    with armed(point, die):
        await asyncio.wait({running, through}, return_when=asyncio.FIRST_COMPLETED)
    for task in (running, through):
        task.cancel()
    await asyncio.gather(running, through, return_exceptions=True)
    return len(reached) >= nth


async def test_a_worker_that_comes_back_after_its_lease_writes_nothing(post: Post) -> None:
    row = message()
    await post.add(row)
    post.telegram.gate = asyncio.Event()
    async with post.running() as outbox:
        await post.telegram.arrived.wait()
        taken = Patch(Message, "a", row.id, {"token": "another worker"})
        await post.store.commit(Changes(patches=(taken,)))
        post.telegram.gate.set()
        await outbox.idle()
    found = await post.read(row)
    assert (found.status, found.token, found.provider_id) == ("sending", "another worker", None)


async def test_a_send_that_never_ends_is_cut_off_and_its_outcome_unknown(post: Post) -> None:
    row = message()
    await post.add(row)
    post.telegram.gate = asyncio.Event()
    async with post.running() as outbox:
        await post.telegram.arrived.wait()
        post.clock += 61_000
        await outbox.idle()
        found = await post.read(row)
        assert (found.status, found.reason, found.error_code) == ("planned", "perhaps_sent", "timeout")
