"""Sending paused: no worker sends anything until a person lets it go on, and everything else goes on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession

from scheduler import pause
from storage.opening import open_store
from storage.records import Message
from storage.store import Store, StoreError
from tests.support.post import DAY, HOUR, MINUTE, NOON, Post, message, opened
from tests.support.process import serving
from tests.support.waiting import until


def due(number: int, kind: str = "reminder", **fields: object) -> Message:
    return message(kind, key=f"k{number}", **{"due_at": NOON - HOUR, "next_at": NOON - HOUR, **fields})


@asynccontextmanager
async def paused(*rows: Message) -> AsyncIterator[Post]:
    """A salon whose sending was paused at noon, with these rows."""
    async with opened() as post:
        await post.add(*rows)
        await pause.pause(post.store, "restored")
        yield post


async def one_round(post: Post) -> None:
    """Let an outbox look at the store once, and end it."""
    async with post.running() as outbox:
        await until(lambda: outbox.last_round > 0)


async def test_nothing_is_sent_while_sending_is_paused_and_all_of_it_afterwards() -> None:
    async with paused(due(1), due(2, "booking_created")) as post:
        await one_round(post)
        assert (post.telegram.calls, set((await post.statuses()).values())) == ([], {"planned"})
        await pause.let_go(post.store)
        await post.send_all()
        assert set((await post.statuses()).values()) == {"sent"}


async def test_a_worker_that_is_at_work_hears_of_a_pause_and_of_its_end_within_a_second() -> None:
    async with opened() as post, post.running() as outbox:
        await outbox.idle()
        await pause.pause(post.store, "asked")
        post.clock += pause.LOOK_EVERY
        before = outbox.last_round
        await post.add(due(1))
        await until(lambda: outbox.last_round > before)
        assert post.telegram.calls == []
        await pause.let_go(post.store)
        post.clock += pause.LOOK_EVERY
        outbox.wake()
        await post.telegram.arrived.wait()


async def test_what_was_due_when_the_pause_began_is_counted_by_kind_and_salon() -> None:
    later = due(4, next_at=NOON + MINUTE)
    async with paused(due(1), due(2, due_at=NOON - DAY), due(3, "booking_created"), later) as post:
        since = (await pause.pause_of(post.store)).since  # type: ignore[union-attr]
        told = [(row.kind, row.number, row.oldest) for row in await pause.overdue(post.store, since)]
        assert told == [("booking_created", 1, NOON - HOUR), ("reminder", 2, NOON - DAY)]


async def test_what_is_dropped_ends_for_everybody_to_see_and_what_came_due_later_goes_out() -> None:
    async with paused(due(1), due(2, next_at=NOON + MINUTE)) as post:
        assert await pause.drop_overdue(post.store, NOON) == 1
        await pause.let_go(post.store)
        post.clock += 2 * MINUTE
        await post.send_all()
        first, second = await post.read("k1"), await post.read("k2")
        assert (first.status, first.reason, second.status) == ("expired", "restored", "sent")


async def test_a_database_that_was_brought_back_sends_nothing_again_that_was_under_way() -> None:
    rows = (
        due(1, status="leased", token="t", lease_until=NOON + MINUTE),
        due(2, status="sending", token="u", lease_until=NOON + MINUTE, address="7"),
        due(3, status="sent", sent_at=NOON - DAY, fallback_at=NOON - HOUR),
        due(4, status="sent", sent_at=NOON - MINUTE, fallback_at=NOON + HOUR),
    )
    async with opened() as post:
        await post.add(*rows)
        await pause.settle_wires(post.store)
        found = [await post.read(f"k{number}") for number in (1, 2, 3, 4)]
        assert [row.status for row in found] == ["planned", "unknown", "sent", "sent"]
        assert [row.fallback_at for row in found] == [None, None, None, NOON + HOUR]
        assert [row.token for row in found] == [None] * 4


@pytest.mark.parametrize("why", sorted(pause.NOT_TO_RUN))
async def test_no_service_runs_on_a_database_that_is_half_filled_or_was_moved(why: pause.Why) -> None:
    async with opened() as post:
        await pause.may_run(post.store)
        await pause.pause(post.store, why)
        with pytest.raises(StoreError, match="this database"):
            await pause.may_run(post.store)


async def test_a_paused_service_takes_bookings_and_says_that_it_is_paused(tmp_path: Path) -> None:
    async with serving(tmp_path) as service:
        await service.ready()
        await service.furnish()
        store = await pause_here(tmp_path)
        assert (await service.book("b-1"))["messages"]
        async with ClientSession() as http, http.get(f"{service.url}/readyz") as answer:
            said = await answer.json()
        assert (answer.status, said["status"], said["sending"], said["why"]) == (200, "ready", "paused", "asked")
        async with ClientSession() as http, http.get(f"{service.url}/metrics") as answer:
            assert "vizit_sending_paused 1.0" in await answer.text()
        await store.close()


async def pause_here(folder: Path) -> Store:
    store = await open_store(f"sqlite:///{folder / 'vizit.db'}")
    await pause.pause(store, "asked")
    return store
