"""What is done from time to time: lost leases, late messages, silent deliveries, doubts, dead addresses, long work."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from handlers.channel import SendError
from handlers.delivery import LOOK_AFTER, means_of
from handlers.turn import Desk
from scheduler import sweeps
from storage.records import Address, Message, Task
from storage.store import Changes, Patch, Put
from tests.support.post import (
    BOOKING,
    BUSINESS,
    CHAT,
    DAY,
    HOUR,
    MINUTE,
    NOON,
    WROTE,
    Post,
    Scripted,
    message,
    opened,
)  # fmt: skip


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with opened() as post:
        await post.add(WROTE)
        yield post


def held(status: str, until: int, **fields: Any) -> Message:
    return message(status=status, token="t", lease_until=until, attempts=int(status == "sending"), **fields)


def on_whatsapp(**fields: Any) -> Message:
    given = {"channel": "whatsapp", "address": WROTE.address, "status": "sent", "attempts": 1, "sent_at": NOON}
    return message(**{**given, "fallback_at": NOON + HOUR, "provider_id": "SM1", **fields})


async def test_a_lapsed_lease_frees_the_row_and_a_living_one_does_not(post: Post) -> None:
    lapsed, living = held("leased", NOON - 1), held("leased", NOON + 1, due_at=NOON - HOUR)
    await post.add(lapsed, living)
    assert await sweeps.recover(post.desk, post.means) == 1
    freed = await post.read(lapsed)
    assert (freed.status, freed.token, freed.lease_until, freed.attempts) == ("planned", None, None, 0)
    assert (await post.read(living)).status == "leased"


async def test_leases_live_by_the_stores_clock_whatever_the_playground_shows(post: Post) -> None:
    row = held("leased", NOON + 1)
    await post.add(row)
    post.now.move_to(NOON + DAY)
    assert await sweeps.recover(post.desk, post.means) == 0


async def test_what_a_dead_worker_was_sending_has_an_unknown_outcome(post: Post) -> None:
    service = held("sending", NOON - 1)
    offer = held("sending", NOON - 1, kind="campaign", lane=2, address="101")
    await post.add(service, offer)
    assert await sweeps.recover(post.desk, post.means) == 2
    assert ((await post.read(service)).status, (await post.read(service)).reason) == ("planned", "perhaps_sent")
    assert ((await post.read(offer)).status, (await post.read(offer)).error_code) == ("unknown", sweeps.LOST)


async def test_a_lone_process_takes_up_everything_at_its_start_without_waiting(post: Post) -> None:
    rows = [held("leased", NOON + HOUR), held("sending", NOON + HOUR, address="101")]
    await post.add(*rows)
    await post.send_all()
    assert [(await post.read(row)).status for row in rows] == ["sent", "planned"]


async def test_what_waits_past_its_time_expires_held_or_not(post: Post) -> None:
    late, held_back = message(not_after=NOON), message(not_after=NOON, held=True, channel="manual")
    ahead, leased = message(not_after=NOON + 1), held("leased", NOON + MINUTE, not_after=NOON)
    await post.add(late, held_back, ahead, leased)
    assert await sweeps.expire(post.desk) == 2
    assert [(await post.read(row)).status for row in (late, held_back, ahead, leased)] == [
        "expired", "expired", "planned", "leased",
    ]  # fmt: skip


async def test_silence_lets_the_next_channel_take_over_once(post: Post) -> None:
    row = on_whatsapp(key="booking:b:reminder:r1:client:c:0")
    await post.add(row)
    assert await sweeps.next_timer(post.desk) == NOON + HOUR
    post.clock = NOON + HOUR - 1
    assert await sweeps.run_timers(post.desk, post.means) == 0
    post.clock += 1
    assert await sweeps.run_timers(post.desk, post.means) == 1
    assert await sweeps.run_timers(post.desk, post.means) == 0
    hop = await post.read("booking:b:reminder:r1:client:c:1")
    assert (hop.channel, hop.status, hop.due_at) == ("telegram", "planned", post.clock)
    assert ((await post.read(row)).status, await sweeps.next_timer(post.desk)) == ("sent", None)


@pytest.mark.parametrize(
    "change",
    [
        (BOOKING, {"answer": "confirmed", "answer_at": NOON + 1, "status": "confirmed", "revision": 2}),
        (BOOKING, {"status": "cancelled", "cancelled_revision": 2, "revision": 2}),
        (CHAT, {"dead_until": NOON + DAY}),
    ],
    ids=["answered", "cancelled", "nowhere else"],
)
async def test_silence_is_no_reason_where_the_client_was_heard_or_nothing_is_left_to_say(
    post: Post, change: tuple[Any, dict[str, Any]]
) -> None:
    row = on_whatsapp()
    await post.add(row)
    await post.change(change[0], **change[1])
    post.clock = NOON + HOUR
    assert await sweeps.run_timers(post.desk, post.means) == 1
    assert (len(await post.statuses()), (await post.read(row)).fallback_at) == (1, None)


async def test_a_hop_waits_for_the_end_of_quiet_hours(post: Post) -> None:
    await post.change(BUSINESS, settings={})
    row = on_whatsapp(key="booking:b:reminder:r1:client:c:0", fallback_at=NOON + 9 * HOUR)
    await post.add(row)
    post.clock = NOON + 9 * HOUR
    await sweeps.run_timers(post.desk, post.means)
    assert (await post.read("booking:b:reminder:r1:client:c:1")).due_at == NOON + 20 * HOUR


@dataclass
class Findable(Scripted):
    """A channel whose provider can be asked."""

    answers: list[str | SendError | None] = field(default_factory=list)

    async def look_up(self, row: Message) -> str | None:
        answer = self.answers.pop(0)
        if isinstance(answer, SendError):
            raise answer
        return answer


@pytest.fixture
def provider(post: Post) -> Findable:
    findable = Findable("whatsapp", post.whatsapp.capabilities)
    post.whatsapp = findable
    return findable


async def test_a_provider_that_has_the_message_settles_the_doubt(post: Post, provider: Findable) -> None:
    row = on_whatsapp(status="unknown", sent_at=None, provider_id=None, fallback_at=NOON)
    await post.add(row)
    provider.answers = ["SM9"]
    assert await sweeps.look_up(post.desk, post.channels, means_of(post.channels)) == 1
    found = await post.read(row)
    assert (found.status, found.provider_id, found.fallback_at) == ("sent", "SM9", NOON + 2 * HOUR)


async def test_a_message_that_the_provider_twice_does_not_know_is_sent_once_more(
    post: Post, provider: Findable
) -> None:
    row = on_whatsapp(status="unknown", sent_at=None, provider_id=None, fallback_at=NOON)
    await post.add(row)
    provider.answers = [None, SendError("not_sent", "network"), None]
    means = means_of(post.channels)
    for _ in range(2):
        await sweeps.look_up(post.desk, post.channels, means)
        assert ((await post.read(row)).status, (await post.read(row)).fallback_at) == (
            "unknown",
            post.clock + LOOK_AFTER,
        )
        post.clock += LOOK_AFTER
    await sweeps.look_up(post.desk, post.channels, means)
    assert ((await post.read(row)).status, (await post.read(row)).reason) == ("planned", "perhaps_sent")


async def test_where_the_provider_can_be_asked_nothing_is_repeated_before_that(post: Post, provider: Findable) -> None:
    await post.store.commit(Changes(patches=(Patch(Address, "a", CHAT.id, {"dead_until": NOON + DAY}),)))
    row = message(channel="whatsapp", address=WROTE.address)
    await post.add(row)
    provider.script.append(SendError("unknown", "timeout"))
    await post.send_all()
    doubtful = await post.read(row)
    assert (doubtful.status, doubtful.fallback_at) == ("unknown", NOON + LOOK_AFTER)
    post.clock += LOOK_AFTER
    assert await sweeps.run_timers(post.desk, post.means) == 0


async def test_an_address_lives_again_when_its_time_is_over(post: Post) -> None:
    await post.change(CHAT, dead_until=NOON, dead_reason="blocked")
    await post.change(WROTE, dead_until=NOON + 1, dead_reason="63003")
    assert await sweeps.revive_addresses(post.desk) == 1
    alive, dead = [await post.store.get(Address, "a", row.id) for row in (CHAT, WROTE)]
    assert alive is not None and (alive.dead_until, alive.dead_reason) == (None, None)
    assert dead is not None and dead.dead_reason == "63003"


TASK = Task(business="a", id="t", kind="count", params={"left": 3}, next_at=NOON)


async def count(desk: Desk, task: Task) -> Task | None:
    """Counts down, one at a time."""
    left = task.params["left"] - 1
    return replace(task, params={"left": left}, cursor=str(left)) if left else None


async def test_a_task_goes_on_part_by_part_until_it_is_done(post: Post) -> None:
    await post.add(TASK, replace(TASK, id="later", next_at=NOON + 1), replace(TASK, id="unknown", kind="other"))
    assert await sweeps.run_tasks(post.desk, {"count": count}) == 1
    task = await post.store.get(Task, "a", "t")
    assert task is not None and (task.cursor, task.token, task.lease_until) == ("2", None, None)
    assert [await sweeps.run_tasks(post.desk, {"count": count}) for _ in range(3)] == [1, 1, 0]
    assert await post.store.get(Task, "a", "t") is None


async def test_a_task_that_another_worker_is_at_is_left_alone_until_its_lease_ends(post: Post) -> None:
    await post.add(replace(TASK, token="w", lease_until=NOON + 1))
    assert await sweeps.run_tasks(post.desk, {"count": count}) == 0
    post.clock += 1
    assert await sweeps.run_tasks(post.desk, {"count": count}) == 1


async def test_a_task_that_was_set_anew_while_it_ran_is_not_deleted(post: Post) -> None:
    async def overtaken(desk: Desk, task: Task) -> Task | None:
        await desk.store.commit(Changes(puts=(Put(replace(TASK, revision=1)),)))
        return None

    await post.add(TASK)
    assert await sweeps.run_tasks(post.desk, {"count": overtaken}) == 0
    assert await post.store.get(Task, "a", "t") == replace(TASK, revision=1)


async def test_one_row_that_can_not_be_judged_does_not_stop_the_others(
    post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = on_whatsapp(fallback_at=NOON - 1), on_whatsapp(fallback_at=NOON)
    await post.add(bad, good)
    await post.change(CHAT, dead_until=NOON + DAY)

    async def broken(desk: Desk, row: Message, *rest: object) -> Changes:
        if row.id == bad.id:
            raise KeyError(row.id)
        return Changes()

    post.not_reached = broken
    assert await sweeps.run_timers(post.desk, post.means) == 1
    assert (await post.read(good)).fallback_at is None
    assert [record.levelname for record in caplog.records] == ["ERROR"]
