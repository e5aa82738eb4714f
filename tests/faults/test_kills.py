"""Workers die at every step of a message's life: nothing is lost, and nothing comes twice that need not."""

import asyncio
import random
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from functools import partial

import pytest
from aiohttp import ClientError, ClientSession
from twilio.request_validator import RequestValidator

from storage import failpoints
from storage.opening import open_store
from storage.records import Message, Receipt
from tests.faults import salon
from tests.faults.harness import Kills, working
from tests.faults.sink import Sink
from tests.faults.worker import ADMIN_KEY, TWILIO_TOKEN, Orders

Call = Callable[[], Awaitable[int]]
EACH = ("rendered", "wire.begin", "wire.end", "step.statement")
"""Points that every message passes: the death comes at one of the first twelve. The others are passed by many at once."""
ON_THE_WAY = [point for point in failpoints.LIFE if not point.startswith("receipt.")]


async def furnished(database: str, notices: int, mailings: int) -> None:
    """Clients with a notice due, the first of them, and with a mailing due, the others."""
    store = await open_store(database)
    await salon.furnish(store, range(notices + mailings))
    await salon.book(store, range(notices))
    await salon.advertise(store, range(notices, notices + mailings))
    await store.close()


async def test_whatever_a_worker_is_killed_at_nothing_is_lost_and_no_mailing_comes_twice(
    database: str, sink: Sink
) -> None:
    await furnished(database, 260, 40)
    kills, chance = Kills(sink, database), random.Random(17)
    for point in (*ON_THE_WAY, "commit.statement", "step.statement"):
        assert await kills.at_point(point, chance.randint(1, 12 if point in EACH else 1)), f"{point} was never passed"
    assert await kills.on_arrival(chance.randint(1, 12))
    await kills.finish()
    verdict = await kills.verdict()
    assert verdict.kept, verdict
    assert verdict.statuses["sent"] > 200
    assert len(verdict.twice) <= kills.excused.total()


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


async def outlived(orders: Orders, call: Call) -> int:
    """The status of a call to a worker, which is repeated until it answers; 0 where it died of the call."""
    async with working([orders]) as (worker,):
        ended = asyncio.ensure_future(worker.ended())
        while not ended.done():
            try:
                return await call()
            except ClientError:
                await asyncio.sleep(0.01)
    return 0


async def test_a_providers_word_is_said_again_until_it_is_stored_and_counts_once(
    database: str, sink: Sink, http: ClientSession
) -> None:
    await furnished(database, 1, 0)
    kills = Kills(sink, database)
    await kills.finish()
    (arrival,) = sink.arrivals
    form = {"MessageSid": arrival.sid, "MessageStatus": "delivered", "To": f"whatsapp:{arrival.to}"}
    (row,) = [row for row in await kills.rows() if row.channel == "whatsapp"]
    assert row.status == "sent"

    async def call(url: str) -> int:
        signature = RequestValidator(TWILIO_TOKEN).compute_signature(url, form)
        async with http.post(url, data=form, headers={"X-Twilio-Signature": signature}) as answer:
            return answer.status

    for dies_at in (("receipt.begin", 1), ("commit.end", 1), ("receipt.end", 1), None):
        orders = replace(kills.orders(dies_at), role="web", port=free_port(), stays=True)
        url = f"http://127.0.0.1:{orders.port}/twilio/status/{row.id}"
        assert await outlived(orders, partial(call, url)) == (0 if dies_at else 200)
        kills.let_time_pass()
    store = await open_store(database)
    (row,) = await store.find(Message, {"id": row.id})
    assert (row.status, await store.count(Receipt, {})) == ("delivered", {(): 1})
    await store.close()


async def test_a_booking_that_was_acknowledged_is_there_and_is_told_of_whenever_its_worker_dies(
    database: str, sink: Sink, http: ClientSession
) -> None:
    await furnished(database, 0, 6)
    kills = Kills(sink, database)
    visit = {
        "salon": "s",
        "created_by": "client",
        "starts_at": "2030-01-10T15:00:00+02:00",
        "notify": {"reminders": []},
    }
    headers = {"Authorization": f"Bearer {ADMIN_KEY}", "Vizit-Business": "b"}

    async def put(number: int, port: int) -> int:
        url = f"http://127.0.0.1:{port}/api/v1/bookings/n{number}"
        async with http.put(url, json={**visit, "client": {"id": f"c{number}"}}, headers=headers) as answer:
            return answer.status

    for number, point in enumerate(failpoints.COMMIT, start=1):
        status = 0
        for dies_at in ((point, 1), None):
            orders = replace(kills.orders(dies_at), role="web", port=free_port(), stays=True)
            status = await outlived(orders, partial(put, number, orders.port))
            assert bool(dies_at) is not bool(status)
            kills.let_time_pass()
        assert status == (200 if point == "commit.done" else 201)
    await kills.finish()
    put_here = [row for row in await kills.rows() if str(row.booking).startswith("n")]
    told = Counter(row.booking for row in put_here if row.kind == "booking_created" and row.status == "sent")
    assert told == {f"n{number}": 1 for number in range(1, 5)}
    assert (await kills.verdict()).kept
