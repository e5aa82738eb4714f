"""Several workers on one database: each message goes once, at one pace, and who dies is taken over."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from aiohttp import ClientError, ClientSession

from handlers.channel import TELEGRAM, WHATSAPP
from handlers.delivery import Means
from scheduler import sweeps
from scheduler.outbox import LEASE, WIRE_LEASE
from storage.opening import open_store
from storage.records import MAILING_LANE, Message
from storage.store import Changes, Patch, Store
from tests.faults import salon
from tests.faults.harness import rows_of, stopped, working
from tests.faults.sink import Sink
from tests.faults.test_kills import free_port
from tests.faults.worker import ADMIN_KEY, Orders
from tests.store_contract.test_races import side_by_side

SEVERAL = 4
RATE = 28
ALLOWED = 30
"""Telegram's messages in any one second (core.telegram.org/bots/faq)."""


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    """Both platforms; nobody has blocked the bot."""
    async with Sink() as sink:
        yield sink


@pytest.fixture
def orders(database: str, sink: Sink) -> Orders:
    """To work on this database until told to stop."""
    return Orders(database=database, sink=sink.url, stays=True)


async def advertised(database: str, clients: int, **how: int) -> None:
    """Mailings to so many clients."""
    store = await open_store(database)
    await salon.furnish(store, range(clients))
    await salon.advertise(store, range(clients), **how)
    await store.close()


async def mailings(database: str) -> list[Message]:
    return [row for row in await rows_of(database) if row.lane == MAILING_LANE]


async def test_several_workers_claim_nothing_twice(database: str, sink: Sink, orders: Orders) -> None:
    await advertised(database, 2000)
    async with working([orders] * SEVERAL) as workers:
        await sink.taken(2000)
        await stopped(workers)
    assert Counter((row.status, row.attempts) for row in await mailings(database)) == {("sent", 1): 2000}
    assert set(sink.copies().values()) == {1}


async def test_several_workers_send_to_a_chat_one_at_a_time(database: str, sink: Sink, orders: Orders) -> None:
    await advertised(database, 40, times=5)
    sink.latency = 0.005
    async with working([orders] * SEVERAL) as workers:
        await sink.taken(200)
        await stopped(workers)
    assert set(Counter(arrival.to for arrival in sink.arrivals).values()) == {5}
    assert sink.most_at_once == 1


async def test_one_worker_takes_the_place_of_another_without_a_gap(database: str, sink: Sink, orders: Orders) -> None:
    await advertised(database, 300)
    async with working([orders]) as old:
        await sink.taken(60)
        async with working([orders]) as new:
            await sink.taken(120)
            await stopped(old)
            await sink.taken(300)
            await stopped(new)
    assert Counter((row.status, row.attempts) for row in await mailings(database)) == {("sent", 1): 300}
    assert set(sink.copies().values()) == {1}


async def test_what_a_dead_worker_held_is_free_when_its_lease_is_over_by_the_clock_of_the_store(
    database: str, sink: Sink, orders: Orders
) -> None:
    store = await open_store(database)
    await salon.furnish(store, range(60))
    await salon.book(store, range(60))
    briefly = replace(orders, stays=False)

    async def after(ahead: int) -> Counter[str]:
        async with working([replace(briefly, ahead=ahead)]) as (worker,):
            assert await worker.ended() == 0
        return Counter(row.status for row in await store.find(Message, {"business": "b"}, limit=1000))

    async with working([replace(briefly, dies_at=("wire.begin", 1))]) as (worker,):
        await worker.ended()
    assert await after(0) == {"leased": 30, "sending": 30}
    assert await after(LEASE + 5_000) == {"sent": 30, "sending": 30}
    assert await after(WIRE_LEASE + 5_000) == {"sent": 30, "planned": 30}
    assert await after(2 * WIRE_LEASE) == {"sent": 60}
    assert set(sink.copies().values()) == {1}
    await store.close()


@pytest.mark.parametrize("database", ["mongodb"], indirect=True)
@pytest.mark.parametrize("skew", [-300.0, 300.0], ids=["behind", "before"])
async def test_a_worker_whose_clock_is_five_minutes_off_sends_nothing_early_or_late(
    database: str, sink: Sink, orders: Orders, skew: float
) -> None:
    await advertised(database, 1)
    async with working([replace(orders, skew=skew)]) as workers:
        # It is at work: from here on what it sends has its own time.
        await sink.taken(1)
        store = await open_store(database)
        await salon.furnish(store, range(1, 41))
        await salon.advertise(store, range(1, 41), after=1_000, apart=25)
        server_is_ahead = store.clock() / 1000 - asyncio.get_running_loop().time()
        await store.close()
        await sink.taken(41)
        await stopped(workers)
    came = {arrival.to: arrival.at + server_is_ahead for arrival in sink.arrivals[1:]}
    rows = [row for row in await mailings(database) if row.address in came]
    late = [came[row.address or ""] - row.due_at / 1000 for row in rows]
    assert len(late) == 40
    assert -5 < min(late) <= max(late) < 5


async def test_a_sweep_that_all_workers_do_at_once_is_done_once(database: str) -> None:
    numbers = range(40)
    store = await open_store(database)
    await salon.furnish(store, numbers)
    await salon.book(store, numbers)
    sent = {"status": "sent", "attempts": 1, "channel": "whatsapp", "fallback_at": store.clock() - 1}
    rows = await store.find(Message, {"business": "b"}, limit=1000)
    await store.commit(Changes(patches=tuple(Patch(Message, "b", row.id, sent) for row in rows)))
    await store.close()

    async def sweep(handle: Store, _: int) -> int:
        return await sweeps.run_timers(
            salon.desk_of(handle), Means(channels={"telegram": TELEGRAM, "whatsapp": WHATSAPP})
        )

    await asyncio.to_thread(side_by_side, database, [sweep] * SEVERAL, 2)
    hops = Counter(row.fallback_of for row in await rows_of(database) if row.hop)
    assert hops == {row.id: 1 for row in rows}


async def test_one_process_takes_bookings_while_others_send(database: str, sink: Sink, orders: Orders) -> None:
    store = await open_store(database)
    await salon.furnish(store, range(20))
    await store.close()
    web = replace(orders, role="web", port=free_port())
    headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Vizit-Business": "b"}
    visit = {
        "salon": "s",
        "created_by": "client",
        "starts_at": "2030-01-10T15:00:00+02:00",
        "notify": {"reminders": []},
    }

    async def put(http: ClientSession, number: int) -> int:
        url = f"http://127.0.0.1:{web.port}/api/v1/bookings/n{number}"
        while True:
            try:
                async with http.put(url, json={**visit, "client": {"id": f"c{number}"}}, headers=headers) as answer:
                    return answer.status
            except ClientError:
                await asyncio.sleep(0.01)

    async with working([web, orders, orders]) as workers, ClientSession() as http:
        assert {await put(http, number) for number in range(20)} == {201}
        await sink.taken(20)
        await stopped(workers)
    assert set(sink.copies().values()) == {1}
    assert {row.status for row in await rows_of(database)} == {"sent"}
