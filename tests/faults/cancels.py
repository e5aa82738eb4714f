"""Cancellations against sends: who comes first, and whether anybody who hears of it is told the truth."""

from __future__ import annotations

import asyncio
import random
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from storage.opening import open_store
from storage.records import Message
from tests.faults import salon
from tests.faults.harness import Kills, rows_of, stopped, working
from tests.faults.sink import Arrival, Sink
from tests.faults.worker import Orders

LATENCY: Final = 0.15
"""Seconds of a send: with so many wires, about as many messages go in a second as can be cancelled in one."""
WIRES: Final = 30
AROUND: Final = (-45, 60)
"""Where the cancelled visit's notice stands, counted from the one that arrived last: settled, on the wire, held, waiting."""


@dataclass
class Races:
    """What came of cancelling visits while their notices were being sent."""

    kinds: Counter[str] = field(default_factory=Counter)
    """``gone``: the notice was out before; ``in_flight``: it was on the wire; ``stopped``: it never went."""
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Cancelled:
    """What the answer to a cancellation named, and when it was given (this machine's steady clock, seconds)."""

    in_flight: tuple[str, ...]
    at: float


async def race(database: str, sink: Sink, number: int, chance: random.Random) -> Races:
    """Cancel every one of so many visits at about the moment at which its notice goes."""
    sink.latency = LATENCY
    store = await open_store(database)
    await salon.furnish(store, range(number))
    await salon.book(store, range(number))
    notices = await store.find(Message, {"business": "b"}, limit=number + 1)
    waiting = sorted(notices, key=lambda row: (row.next_at, row.id))
    order = {row.address: place for place, row in enumerate(waiting)}
    places, front = list(range(number)), 0

    def watch(arrival: Arrival) -> None:
        nonlocal front
        front = max(front, order[arrival.to])

    sink.watch = watch
    cancelled: dict[str, Cancelled] = {}
    async with working([Orders(database=database, sink=sink.url, stays=True)]) as workers:
        await sink.taken(1)
        while places:
            nearest = bisect_left(places, front + chance.randint(*AROUND))
            row = waiting[places.pop(min(nearest, len(places) - 1))]
            await asyncio.sleep(chance.uniform(0, 2 * LATENCY / WIRES))
            placed = await salon.cancel(store, salon.number_of(row.address or ""))
            cancelled[row.id] = Cancelled(placed.in_flight, time.monotonic())
        await stopped(workers)
    await store.close()
    await Kills(sink, database).finish()
    return judged(await rows_of(database), sink, cancelled)


def judged(rows: Sequence[Message], sink: Sink, cancelled: Mapping[str, Cancelled]) -> Races:
    """Hold what arrived against what was answered."""
    races = Races(wrong=["two at once to one chat"] if sink.most_at_once > 1 else [])
    came: dict[str, list[Arrival]] = defaultdict(list)
    for arrival in sink.arrivals:
        came[arrival.to].append(arrival)
    chats: dict[str, dict[str, Message]] = defaultdict(dict)
    for row in rows:
        chats[row.address or ""][row.kind] = row
    for address, told in chats.items():
        notice, last_word = told["booking_created"], told["booking_cancelled"]
        kind, wrong = _judge(notice, cancelled[notice.id], came[address])
        races.kinds[kind] += 1
        if [arrival.text for arrival in came[address]].count(last_word.text or "") != 1:
            wrong = "the cancellation did not come once"
        elif came[address][-1].text != last_word.text:
            wrong = "the cancellation did not come last"
        races.wrong += [f"{notice.key}: {wrong}"] if wrong else []
    return races


def _judge(notice: Message, cancelled: Cancelled, came: Sequence[Arrival]) -> tuple[str, str | None]:
    """How a race ended, and what is wrong with that."""
    told = [arrival.at for arrival in came if arrival.text == notice.text]
    if notice.status == "cancelled":
        return "stopped", "it went all the same" if told or notice.attempts or cancelled.in_flight else None
    if cancelled.in_flight == (notice.id,):
        wrong = notice.void != "booking_cancelled" or notice.status != "sent" or len(told) != 1
        return "in flight", f"void: {notice.void}, {notice.status}, came {len(told)} times" if wrong else None
    late = not told or max(told) >= cancelled.at or notice.void is not None or bool(cancelled.in_flight)
    return "gone", "it began after its cancellation, or nobody was told that it was on its way" if late else None
