"""How fast messages go: no channel, chat or group gets more than its platform takes, whoever sends."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Sequence
from itertools import count, pairwise
from math import ceil
from pathlib import Path
from random import Random

import pytest

from scheduler.pace import GRACE, NEAR, TELEGRAM_GROUP, Pacer, Permits, Way
from scheduler.ready import Job, Ready
from storage.records import Message
from storage.store import Granted, Permit, StoreBusy
from tests.support.post import NOON, Post, another, answer, message, opened

CHAT = Way("telegram", "100")
GROUP = Way("telegram", "-500")


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with opened(stage=False) as post:
        yield post


async def sends(post: Post, pacer: Pacer, way: Way, seconds: int, step: int = 10) -> list[int]:
    """The moments at which somebody who asks every `step` milliseconds may send, counted from now."""
    given: Permits = {}
    moments = []
    for moment in range(0, seconds * 1000, step):
        post.clock = NOON + moment
        (wait,) = await pacer.ask([(way, given)])
        if not wait:
            moments.append(moment)
            given = {}
    return moments


def most_within(moments: list[int], span: int) -> int:
    return max(sum(start <= moment < start + span for moment in moments) for start in moments)


async def test_a_chat_gets_one_message_a_second(post: Post) -> None:
    moments = await sends(post, Pacer(post.store, {"telegram": 28}), CHAT, 10)
    assert min(later - earlier for earlier, later in pairwise(moments)) > 1000
    assert len(moments) >= 9


async def test_a_group_gets_twenty_in_any_minute_of_which_a_few_may_come_together(post: Post) -> None:
    moments = await sends(post, Pacer(post.store, {"telegram": 28}), GROUP, 150, step=200)
    assert most_within(moments, 60_000) <= 20
    assert len([moment for moment in moments if moment < 10_000]) >= TELEGRAM_GROUP.burst


async def test_a_channel_gets_no_more_than_its_rate_in_any_second_over_two_workers(tmp_path: Path) -> None:
    async with opened(tmp_path / "v.db", stage=False) as one, opened(tmp_path / "v.db", stage=False) as two:
        pacers = [Pacer(post.store, {"telegram": 28}) for post in (one, two)]
        moments = []
        for moment in range(0, 3000, 10):
            one.clock = two.clock = NOON + moment
            for number, pacer in enumerate(pacers):
                wishes = [(Way("telegram", f"{moment}{number}{n}"), Permits()) for n in range(5)]
                moments += [moment for wait in await pacer.ask(wishes) if not wait]
    assert most_within(moments, 1000) <= 30
    assert len(moments) >= 3 * 28


async def test_who_comes_too_late_for_a_permit_takes_another_and_its_place_stays_empty(post: Post) -> None:
    pacer = Pacer(post.store, {"telegram": 25})
    given: Permits = {}
    assert await pacer.ask([(CHAT, given)]) == [0] and given["telegram"] == NOON
    post.clock += GRACE
    await pacer.on_time("telegram", given["telegram"])
    post.clock += 1
    await pacer.on_time("telegram", given["telegram"])
    assert await pacer.ask([(Way("telegram", "101"), {})]) == [NOON + GRACE + 1 + 40]


async def test_who_is_late_while_the_store_is_busy_asks_again(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    pacer, really, busy = Pacer(post.store, {"telegram": 25}), post.store.reserve, [StoreBusy("locked")]

    async def reserve(permits: Sequence[Permit]) -> list[Granted]:
        if busy:
            raise busy.pop()
        return await really(permits)

    monkeypatch.setattr(post.store, "reserve", reserve)
    await pacer.on_time("telegram", NOON - GRACE - 1)
    monkeypatch.undo()
    assert await pacer.ask([(CHAT, {})]) == [NOON + 40]


class Sleepers:
    """Time that passes only when all who are at work sleep, and then at once."""

    def __init__(self, post: Post) -> None:
        self.post = post
        self.wakes: list[tuple[int, int, asyncio.Future[None]]] = []
        self.order = count()

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self.wakes, (self.post.clock + ceil(seconds * 1000), next(self.order), woken))
        await woken

    async def let_pass(self, work: Sequence[asyncio.Task[None]]) -> None:
        while not all(task.done() for task in work):
            for _ in range(10):
                await asyncio.sleep(0)
            if self.wakes:
                self.post.clock, _, woken = heapq.heappop(self.wakes)
                woken.set_result(None)


async def test_however_long_messages_are_held_up_after_their_permits_no_second_sees_more_than_thirty_start(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    time, chance, starts = Sleepers(post), Random(7), list[int]()
    monkeypatch.setattr("scheduler.pace.sleep", time.sleep)
    pacers = [Pacer(post.store, {"telegram": 28}) for _ in range(4)]

    async def send(number: int) -> None:
        pacer, given, way = pacers[number % len(pacers)], Permits(), Way("telegram", str(number))
        while until := (await pacer.ask([(way, given)]))[0]:
            await time.sleep((until - post.clock) / 1000)
        # Words, facts and the guard, all of which may have to wait for the store.
        await time.sleep(chance.choice((0.001, 0.002, 0.02, 0.4)))
        await pacer.on_time("telegram", given["telegram"])
        starts.append(post.clock)

    await time.let_pass([asyncio.create_task(send(number)) for number in range(200)])
    assert len(starts) == 200
    assert most_within(starts, 1000) <= 30


async def test_without_a_rate_nothing_is_slowed_down(post: Post) -> None:
    pacer = Pacer(post.store, {"telegram": 0})
    assert await pacer.ask([(CHAT, {}) for _ in range(100)]) == [0] * 100


async def test_a_permit_that_was_given_is_not_asked_for_again(post: Post) -> None:
    pacer = Pacer(post.store, {"telegram": 1})
    given: Permits = {}
    waits = await pacer.ask([(Way("telegram", "1"), {}), (CHAT, given)])
    assert waits == [0, NOON + 1000] and set(given) == {"telegram:100"}
    post.clock += 1000
    assert await pacer.ask([(CHAT, given)]) == [0]


async def test_a_pause_of_a_chat_holds_for_all_workers_and_for_no_other_chat(post: Post) -> None:
    first, second = Pacer(post.store, {"telegram": 28}), Pacer(post.store, {"telegram": 28})
    await first.forbid(CHAT, "chat", 30_000)
    assert await second.ask([(CHAT, {}), (Way("telegram", "101"), {})]) == [NOON + 30_000, 0]


async def test_a_pause_of_a_channel_leaves_no_room_until_it_ends(post: Post) -> None:
    pacer = Pacer(post.store, {})
    await pacer.forbid(CHAT, "channel", NEAR + 1)
    assert (pacer.room("telegram"), pacer.room("whatsapp") > 0) == (0, True)
    assert (pacer.long_pauses(), pacer.next_room()) == ({"telegram": NOON + NEAR + 1}, NOON + NEAR + 1)
    post.clock += NEAR + 1
    assert pacer.room("telegram") > 0 and pacer.next_room() is None


async def test_messages_that_wait_for_a_permit_all_go_in_the_end_each_at_its_pace(post: Post) -> None:
    await post.add(*(record for number in range(3) for record in another(number)))
    await post.add(*(answer(f"h{n}", client=f"c{n % 3}", address=f"{1000 + n % 3}") for n in range(6)))
    moments: list[int] = []

    def observe(what: str, row: Message) -> None:
        if what == "sent":
            moments.append(post.clock)

    async with post.running(rates={"telegram": 20}, observe=observe) as outbox:
        while len(moments) < 6:
            post.clock += 10
            outbox.wake()
            # The loop goes round and the wires answer; nothing here takes time.
            for _ in range(20):
                await asyncio.sleep(0)
    assert sorted(call.to for call in post.telegram.calls) == ["1000", "1000", "1001", "1001", "1002", "1002"]
    assert moments[2] - NOON < 500 and moments[3] - moments[0] >= 1000


def everywhere(channel: str | None) -> int:
    return 1000


def test_the_oldest_of_a_lane_goes_first_whatever_its_channel() -> None:
    ready = Ready()
    rows = [message(channel=channel, due_at=NOON + n) for n, channel in enumerate(["whatsapp", "telegram", "whatsapp"])]
    for row in rows:
        ready.add(Job(row))
    assert [job.message for job in ready.draw(3, everywhere)] == rows


def test_a_channel_without_room_does_not_hold_up_another() -> None:
    ready = Ready()
    for channel in ("telegram", "telegram", "whatsapp"):
        ready.add(Job(message(channel=channel)))
    drawn = ready.draw(3, lambda channel: 1 if channel == "telegram" else 10)
    assert [job.message.channel for job in drawn] == ["telegram", "whatsapp"]
    assert (len(ready), ready.held(1)) == (1, 1)


def test_whoever_waits_for_an_address_comes_one_at_a_time_and_in_order() -> None:
    ready, jobs = Ready(), [Job(message(due_at=NOON + n)) for n in range(3)]
    for job in jobs:
        ready.park(job, CHAT)
    for job in jobs:
        assert ready.draw(3, everywhere) == []
        ready.release(CHAT)
        assert ready.draw(3, everywhere) == [job]
    assert len(ready) == 0


def test_whoever_waits_for_time_comes_back_in_order() -> None:
    ready, jobs = Ready(), [Job(message()) for _ in range(3)]
    for job, until in zip(jobs, (20, 10, 30), strict=True):
        ready.hold(job, until)
    ready.wake(25)
    assert (ready.draw(3, everywhere), ready.next_wake()) == ([jobs[1], jobs[0]], 30)


async def test_a_channel_without_a_pace_for_each_chat_is_held_up_by_a_pause_of_its_own_alone(post: Post) -> None:
    pacer, texts = Pacer(post.store, {}), Way("sms", "+380671110000")
    await pacer.forbid(CHAT, "channel", 30_000)
    assert await pacer.ask([(texts, set())]) == [0]
    await pacer.forbid(texts, "channel", 20_000)
    assert await pacer.ask([(texts, set())]) == [NOON + 20_000]
