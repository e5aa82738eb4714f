"""The clock calls sweeps and remembers nothing but when each last went well."""

from __future__ import annotations

import asyncio
import logging

import pytest

from scheduler.clock import Clock, Tick
from scheduler.time import Now
from storage.store import StoreBusy


class Hands:
    """The time that ticks are stamped with."""

    def __init__(self) -> None:
        self.time = 1_000

    def __call__(self) -> int:
        return self.time


async def test_a_started_clock_ticks_again_and_again() -> None:
    ticked = asyncio.Event()
    times: list[int] = []

    async def tick() -> None:
        times.append(len(times))
        if len(times) == 3:
            ticked.set()

    clock = Clock([Tick("sweep", tick, every=0.01)], Hands())
    clock.start()
    await ticked.wait()
    await clock.stop()
    assert clock.last == {"sweep": 1_000}


async def test_a_tick_is_fresh_only_while_it_goes_well(caplog: pytest.LogCaptureFixture) -> None:
    hands, errors = Hands(), [None, StoreBusy("full"), RuntimeError("a mistake")]

    async def tick() -> None:
        error = errors.pop(0)
        if error is not None:
            raise error

    clock = Clock([Tick("sweep", tick)], hands)
    assert not clock.fresh("sweep", 500)
    with caplog.at_level(logging.CRITICAL):
        for _ in range(3):
            await clock.tick("sweep")
            hands.time += 400
    assert clock.last["sweep"] == 1_000
    assert clock.fresh("sweep", 1_200) and not clock.fresh("sweep", 1_199)


async def test_a_stopping_clock_lets_a_running_tick_finish() -> None:
    began, done = asyncio.Event(), []

    async def tick() -> None:
        began.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        done.append(True)

    clock = Clock([Tick("sweep", tick, every=0.01)], Hands())
    clock.start()
    await began.wait()
    await clock.stop()
    assert done


async def test_ticks_are_never_dropped_and_late_ones_run_once() -> None:
    async def tick() -> None: ...

    clock = Clock([Tick("sweep", tick, every=30), Tick("nightly", tick, at="03:30")], Hands())
    clock.start()
    jobs = {job.id: job for job in clock._scheduler.get_jobs()}  # type: ignore[union-attr]
    assert {(job.misfire_grace_time, job.coalesce, job.max_instances) for job in jobs.values()} == {(None, True, 1)}
    assert str(jobs["nightly"].trigger) == "cron[hour='3', minute='30']"
    await clock.stop()
    await clock.stop()


def test_the_time_follows_the_store_and_a_shift_only_forward() -> None:
    hands = Hands()
    now = Now(hands)
    now.move_to(5_000)
    assert now() == 5_000
    now.move_to(4_000)
    hands.time += 10
    assert now() == 5_010
