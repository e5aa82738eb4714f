"""Primaries of a replica set that are killed under load: what was acknowledged must be there, whoever is primary then."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Final
from urllib.parse import urlsplit

from storage.opening import open_store
from storage.records import Booking, Message
from storage.store import Conflict, Store, StoreBusy
from tests.faults import salon
from tests.faults.harness import ROWS, Kills, is_final, rows_of, stopped, working
from tests.faults.sink import Sink
from tests.faults.worker import Orders
from tests.support.mongod import ReplicaSet

CALLERS: Final = 4
BETWEEN: Final = 40
"""How many bookings are acknowledged before a primary is killed, and again after it."""


@dataclass
class Acknowledged:
    """Bookings that were made while primaries died."""

    ids: set[str] = field(default_factory=set)
    refused: int = 0
    """How often a store said that it could not be used."""
    over: bool = False
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def add(self, id: str) -> None:
        self.ids.add(id)
        self._more.set()

    async def reach(self, number: int) -> None:
        """Wait for so many in all."""
        while len(self.ids) < number:
            self._more.clear()
            await self._more.wait()


@dataclass(frozen=True)
class Fallen:
    """What is left after primaries were killed."""

    kills: int
    acknowledged: int
    refused: int
    lost: list[str]
    """Bookings that were acknowledged and are not there, or of whose notices nobody knows."""
    unsent: list[str]
    """Keys of messages that are not final, or that count as sent and never came."""
    twice: int


async def _book(store: Store, numbers: Iterable[int], acknowledged: Acknowledged) -> None:
    """One booking after the other; each again until it is acknowledged."""
    for number in numbers:
        if acknowledged.over:
            return
        while True:
            try:
                await salon.furnish(store, [number])
                await salon.book(store, [number])
            except StoreBusy:
                acknowledged.refused += 1
                continue
            except Conflict:
                # It had been written after all, which is what whoever tries again gets to know.
                pass
            acknowledged.add(f"v{number}")
            break


async def kill_primaries(cluster: ReplicaSet, sink: Sink, kills: int) -> Fallen:
    """Kill the primary so many times while bookings come in and two workers send; then hold what is left to account."""
    database = urlsplit(cluster.url)._replace(path="/vizit_primaries").geturl()
    await asyncio.to_thread(cluster.await_all)
    stores = [await open_store(database) for _ in range(CALLERS)]
    acknowledged = Acknowledged()
    async with working([Orders(database=database, sink=sink.url, stays=True)] * 2) as workers:
        calling = [
            asyncio.create_task(_book(store, count(first, CALLERS), acknowledged)) for first, store in enumerate(stores)
        ]
        for _ in range(kills):
            await acknowledged.reach(len(acknowledged.ids) + BETWEEN)
            fallen = await asyncio.to_thread(cluster.primary)
            await asyncio.to_thread(fallen.kill)
            await acknowledged.reach(len(acknowledged.ids) + BETWEEN)
            fallen.start()
            await asyncio.to_thread(cluster.await_all)
        acknowledged.over = True
        await asyncio.gather(*calling)
        await stopped(workers)
    kept = {booking.id for booking in await stores[0].find(Booking, {"business": "b"}, limit=ROWS)}
    for store in stores:
        await store.close()
    await Kills(sink, database).finish()
    return _judged(kills, acknowledged, kept, await rows_of(database), sink)


def _judged(kills: int, acknowledged: Acknowledged, kept: set[str], rows: list[Message], sink: Sink) -> Fallen:
    told = {row.booking for row in rows if row.kind == "booking_created"}
    copies = sink.copies()
    came = {row.id: copies[(row.address or "", row.text or "")] for row in rows}
    return Fallen(
        kills=kills,
        acknowledged=len(acknowledged.ids),
        refused=acknowledged.refused,
        lost=sorted(acknowledged.ids - kept | acknowledged.ids - told),
        unsent=[row.key for row in rows if not is_final(row) or (row.status == "sent" and not came[row.id])],
        twice=sum(count > 1 for count in came.values()),
    )
