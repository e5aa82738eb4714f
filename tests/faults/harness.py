"""Workers that are killed: forked from a process that has imported everything, and what must be true when all is over.

Importing aiogram takes seconds. `multiprocessing`'s fork server imports once, before it has threads or an event loop, and
forks every worker from there; connections are opened in the worker.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext, ForkServerProcess
from typing import Final

from storage.opening import open_store
from storage.records import MAILING_LANE, REACHED, Message, Millis
from tests.faults.sink import Sink
from tests.faults.worker import Orders, work

FINAL: Final = (*REACHED, "skipped", "cancelled", "expired", "failed", "unknown")
LEASES_END: Final[Millis] = 151_000
"""After so long every lease of a dead worker is over, and the pause before a second try or a look-up too."""
LAST_ROUNDS: Final = 12
ROWS: Final = 100_000

# The loop's own threads are few where cores are, and each worker takes one until it ends.
_waiting = ThreadPoolExecutor(32)
_nursery: ForkServerContext = multiprocessing.get_context("forkserver")
_nursery.set_forkserver_preload(["tests.faults.worker"])


@dataclass(frozen=True)
class Worker:
    """A running worker."""

    process: ForkServerProcess
    joined: asyncio.Task[None]

    def kill(self) -> None:
        """As `kill -9` does."""
        os.kill(self.process.pid or 0, signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to finish."""
        os.kill(self.process.pid or 0, signal.SIGTERM)

    async def ended(self) -> int:
        """Wait for its exit status: 0, or minus the signal that ended it."""
        await asyncio.shield(self.joined)
        return self.process.exitcode or 0


async def start(orders: Orders) -> Worker:
    """Fork a worker."""
    process = _nursery.Process(target=work, args=(orders,))
    await asyncio.to_thread(process.start)
    return Worker(process, asyncio.create_task(_joined(process)))


async def _joined(process: ForkServerProcess) -> None:
    await asyncio.get_running_loop().run_in_executor(_waiting, process.join)


@asynccontextmanager
async def working(orders: Sequence[Orders]) -> AsyncIterator[list[Worker]]:
    """Several workers at once; whoever still lives at the end is killed."""
    workers: list[Worker] = []
    try:
        for one in orders:
            workers.append(await start(one))
        yield workers
    finally:
        for worker in workers:
            if not worker.joined.done():
                worker.kill()
            await worker.ended()
            worker.process.close()


async def stopped(workers: Sequence[Worker]) -> None:
    """Ask workers to finish, and wait until they have; none may fail."""
    for worker in workers:
        worker.stop()
    statuses = [await worker.ended() for worker in workers]
    assert not any(statuses), f"workers failed: {statuses}"


async def rows_of(database: str, **where: str) -> list[Message]:
    """All messages, or those that match, read by a process that comes and goes, so that no worker finds itself in company."""
    store = await open_store(database)
    try:
        order = ("lease_until", "id") if where else ("business", "due_at", "id")
        return await store.find(Message, where or {"business": "b"}, order=order, limit=ROWS)
    finally:
        await store.close()


@dataclass
class Kills:
    """One database and one sink through many deaths.

    On SQLite a worker that is alone takes up at once what a dead one left; elsewhere leases have to be waited for.
    """

    sink: Sink
    database: str
    ahead: Millis = 0
    number: int = 0
    excused: Counter[str] = field(default_factory=Counter)
    """By id, how often a message was on the wire or not settled when its worker died."""
    most_at_once: int = 0
    """The largest number of such messages at one death."""

    @property
    def leases(self) -> bool:
        """Whether the leases of the dead have to be waited for."""
        return not self.database.startswith("sqlite")

    def orders(self, dies_at: tuple[str, int] | None = None) -> Orders:
        return Orders(database=self.database, sink=self.sink.url, ahead=self.ahead, dies_at=dies_at)

    async def at_point(self, point: str, nth: int) -> bool:
        """A worker that dies at a failpoint; False where it never got there."""
        async with working([self.orders((point, nth))]) as (worker,):
            status = await worker.ended()
        return await self._buried(status)

    async def on_arrival(self, nth: int) -> bool:
        """A worker that dies when the sink has its n-th message and has not answered it."""
        left = nth
        async with working([self.orders()]) as (worker,):

            def watch(_: object) -> None:
                nonlocal left
                left -= 1
                if left == 0:
                    worker.kill()

            self.sink.watch = watch
            status = await worker.ended()
            self.sink.watch = lambda _: None
        return await self._buried(status)

    async def at_random(self, chance: random.Random, most: int) -> bool:
        """A worker that dies some time after it has sent up to ``most`` messages, or before it has sent any."""
        until, delay = chance.randint(0, most), chance.uniform(0, 0.02)
        async with working([self.orders()]) as (worker,):
            ended = asyncio.ensure_future(worker.ended())
            taken = asyncio.ensure_future(self.sink.taken(len(self.sink.arrivals) + until))
            await asyncio.wait((ended, taken), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.sleep(delay)
            if not ended.done():
                worker.kill()
            status = await ended
            taken.cancel()
        return await self._buried(status)

    async def _buried(self, status: int) -> bool:
        """Note what the dead worker left on its way."""
        assert status in (0, -signal.SIGKILL), f"a worker failed: {status}"
        died = status == -signal.SIGKILL
        if died:
            self.number += 1
            left = await rows_of(self.database, status="sending")
            self.excused.update(row.id for row in left)
            self.most_at_once = max(self.most_at_once, len(left))
        self.let_time_pass()
        return died

    async def rows(self) -> list[Message]:
        """All messages as they are stored now."""
        return await rows_of(self.database)

    def let_time_pass(self) -> None:
        """Put everybody's clock forward to where the leases of the dead have ended."""
        if self.leases:
            self._put_forward(LEASES_END)

    def _put_forward(self, by: Millis) -> None:
        self.ahead += by
        self.sink.ahead = self.ahead

    async def finish(self) -> None:
        """Let workers that nobody kills do what is left, pauses for second tries included."""
        for _ in range(LAST_ROUNDS):
            async with working([self.orders()]) as (worker,):
                status = await worker.ended()
            assert status == 0, f"a worker failed: {status}"
            if all(is_final(row) for row in await self.rows()):
                return
            self._put_forward(LEASES_END)

    async def verdict(self) -> Verdict:
        """What has become of all messages."""
        rows = await self.rows()
        copies = self.sink.copies()
        came = {row.id: copies[(row.address or "", row.text or "")] for row in rows}
        return Verdict(
            messages=len(rows),
            unheard=sum(row.status == "unknown" and not came[row.id] for row in rows),
            statuses=Counter(row.status for row in rows),
            lost=[row.key for row in rows if row.status not in FINAL or (row.status in REACHED and not came[row.id])],
            twice=[row.key for row in rows if came[row.id] == 2],
            unexcused=[row.key for row in rows if came[row.id] > 1 + min(1, self.excused[row.id])],
            mailings_twice=[row.key for row in rows if row.lane == MAILING_LANE and came[row.id] > 1],
        )


def is_final(row: Message) -> bool:
    """Whether nothing more will be done for a message; one that is to be looked up at its provider is not there yet."""
    return row.status in FINAL and not (row.status == "unknown" and row.fallback_at is not None)


@dataclass(frozen=True)
class Verdict:
    """Keys of messages with which something is the matter; only those of ``twice`` may be there at all."""

    messages: int
    statuses: Counter[str]
    unheard: int
    """How many never came and count as unknown: their workers died twice, and a person can see them."""
    lost: list[str]
    twice: list[str]
    unexcused: list[str]
    """More copies than one, with no death to excuse the second, or more than two."""
    mailings_twice: list[str]

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        return not (self.lost or self.unexcused or self.mailings_twice)
