"""Permits under paces that all workers share."""

import asyncio
from itertools import pairwise

import pytest

from storage.pace import Pace, take
from storage.store import Granted, Permit, Store
from tests.store_contract.conftest import OpenAnother

HOUR = 3_600_000


async def test_as_many_go_at_once_as_the_burst_allows_and_the_next_one_interval_later(store: Store) -> None:
    before = store.clock()
    first, second = await store.reserve([Permit("chat:1", n=5, every=HOUR, burst=3), Permit("chat:2", n=1, every=HOUR)])
    assert (first.n, second.n) == (3, 1)
    for granted in (first, second):
        assert before + HOUR <= granted.next_at <= store.clock() + HOUR
    (again,) = await store.reserve([Permit("chat:1", n=1, every=HOUR, burst=3)])
    assert again == Granted(0, first.next_at)


async def test_what_was_not_asked_for_stays(store: Store) -> None:
    permit = Permit("all", n=1, every=HOUR, burst=2)
    assert [(await store.reserve([permit]))[0].n for _ in range(3)] == [1, 1, 0]


async def test_the_same_pace_twice_in_one_call_is_one_pace(store: Store) -> None:
    permit = Permit("all", n=2, every=HOUR, burst=3)
    assert [granted.n for granted in await store.reserve([permit, permit])] == [2, 1]


async def test_asking_for_nothing_takes_nothing(store: Store) -> None:
    assert await store.reserve([]) == []
    (granted,) = await store.reserve([Permit("all", n=0, every=HOUR)])
    assert granted.n == 0
    assert granted.next_at <= store.clock()
    assert (await store.reserve([Permit("all", n=1, every=HOUR)]))[0].n == 1


async def test_nothing_goes_while_a_pace_is_held_for_any_worker(store: Store, another: OpenAnother) -> None:
    until = store.clock() + HOUR
    await store.hold("all", until)
    await store.hold("all", until - 1000)
    (held, free) = await (await another()).reserve([Permit("all", 1, 1.0), Permit("chat", 1, 1.0)])
    assert held == Granted(0, until)
    assert free.n == 1


async def test_a_hold_of_a_pace_that_ran_keeps_what_was_taken(store: Store) -> None:
    permit = Permit("all", n=1, every=HOUR)
    (taken,) = await store.reserve([permit])
    await store.hold("all", store.clock() - 1)
    assert await store.reserve([permit]) == [Granted(0, taken.next_at)]


async def test_two_workers_together_never_exceed_the_pace(store: Store, another: OpenAnother) -> None:
    handles = [store, await another()]
    every, burst = 20.0, 4
    start = store.clock()

    async def work(handle: Store) -> int:
        taken = 0
        for _ in range(60):
            (granted,) = await handle.reserve([Permit("all", n=3, every=every, burst=burst)])
            taken += granted.n
            await asyncio.sleep(0)
        return taken

    taken = sum(await asyncio.gather(*map(work, handles * 2)))
    assert burst <= taken <= burst + (store.clock() - start) / every


async def test_the_moments_that_workers_are_given_lie_an_interval_apart(store: Store, another: OpenAnother) -> None:
    permit = Permit("all", n=2, every=10.0, burst=3)
    moments: list[float] = []

    async def work(handle: Store) -> None:
        for _ in range(30):
            (granted,) = await handle.reserve([permit])
            moments.extend(granted.first + number * permit.every for number in range(granted.n))
            await asyncio.sleep(0)

    before = store.clock()
    await asyncio.gather(*map(work, [store, await another()] * 2))
    moments.sort()
    assert moments[0] >= before and len(moments) >= 3
    assert all(later - earlier >= permit.every - 0.001 for earlier, later in pairwise(moments))


@pytest.mark.parametrize("every", [33.4, 1000.0, 0.25])
@pytest.mark.parametrize("burst", [1, 3, 30])
def test_over_any_span_no_more_go_than_the_burst_and_one_per_interval(every: float, burst: int) -> None:
    pace, sent = Pace(), []
    now = 1_800_000_000_000
    for _ in range(200):
        granted, pace = take(pace, Permit("p", 7, every, burst), now)
        sent += [now] * granted.n
        assert granted.next_at >= now
        now = max(now + 1, granted.next_at)
    for first in range(0, len(sent), 17):
        for last in range(first, len(sent), 13):
            assert last - first + 1 <= burst + (sent[last] - sent[first]) / every + 1e-3


def test_a_permit_may_be_asked_for_again_at_the_time_that_was_told() -> None:
    pace = Pace()
    _, pace = take(pace, Permit("p", 9, 33.4, 2), 1000)
    refused, pace = take(pace, Permit("p", 1, 33.4, 2), 1001)
    assert refused.n == 0
    early, _ = take(pace, Permit("p", 1, 33.4, 2), refused.next_at - 1)
    in_time, _ = take(pace, Permit("p", 1, 33.4, 2), refused.next_at)
    assert (early.n, in_time.n) == (0, 1)


def test_a_clock_that_goes_back_gives_no_second_burst() -> None:
    granted, pace = take(Pace(), Permit("p", 5, 100.0, 5), 10_000)
    assert granted.n == 5
    again, _ = take(pace, Permit("p", 5, 100.0, 5), 9_000)
    assert again.n == 0
