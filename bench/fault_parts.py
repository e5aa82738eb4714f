"""What is broken on purpose: each part takes a database, the folder of a run and an amount, and says what came of it."""

from __future__ import annotations

import asyncio
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from storage.opening import open_store
from storage.records import MAILING_LANE, Message
from tests.faults import cancels as racing
from tests.faults import salon
from tests.faults.harness import Kills, Worker, is_final, rows_of, stopped, working
from tests.faults.primaries import kill_primaries
from tests.faults.proxy import FAULTS, Proxy, telegram_refusal, twilio_refusal
from tests.faults.sink import Sink, most_within
from tests.faults.worker import Orders
from tests.support.mongod import find_mongod, running_set

MESSAGES: Final = 10_000
MAILINGS: Final = 0.1
"""The share of messages that are mailings, which must never come twice."""
WORKERS: Final = 8
RATE: Final = 28
ALLOWED: Final = 30
"""Telegram's messages in any one second (core.telegram.org/bots/faq)."""
SHARE: Final = 0.05
EACH_SECOND: Final = 5
"""Bookings made every second while wires fail."""
STEPS: Final = 50
WIRES: Final = 30
"""Connections that are open for sends come and go."""


class Came(NamedTuple):
    """What came of a part, in words, and whether every promise was kept."""

    told: str
    kept: bool


async def _furnish(database: str, notices: int, mailings: int) -> None:
    store = await open_store(database)
    await salon.furnish(store, range(notices + mailings))
    await salon.book(store, range(notices))
    await salon.advertise(store, range(notices, notices + mailings))
    await store.close()


async def kills(database: str, folder: Path, amount: int) -> Came:
    """Kill workers at random moments, so many of them, until all is sent."""
    mailings = int(MESSAGES * MAILINGS)
    async with Sink() as sink:
        await _furnish(database, MESSAGES - mailings, mailings)
        dying, chance = Kills(sink, database), random.Random(17)
        for _ in range(amount):
            await dying.at_random(chance, max(1, 2 * MESSAGES // amount))
        await dying.finish()
        verdict = await dying.verdict()
    told = (
        f"{dying.number} SIGKILLs at random moments over {verdict.messages:,} due messages: {len(verdict.lost)} lost; "
        f"{len(verdict.twice):,} came twice, {len(verdict.unexcused)} of them without having been on the wire or unsettled "
        f"at a kill, {len(verdict.mailings_twice)} of them mailings; {verdict.statuses['unknown']:,} stand as unknown, of "
        f"which {verdict.unheard:,} never came"
    )
    return Came(told, verdict.kept)


async def claims(database: str, folder: Path, amount: int) -> Came:
    """Let eight processes send so many messages that are all due."""
    async with Sink() as sink:
        await _furnish(database, 0, amount)
        async with working([Orders(database=database, sink=sink.url, stays=True)] * WORKERS) as workers:
            await sink.taken(amount)
            await stopped(workers)
        copies = Counter(sink.copies().values())
    rows = [row for row in await rows_of(database) if row.lane == MAILING_LANE]
    once = Counter((row.status, row.attempts) for row in rows) == {("sent", 1): amount}
    double = sum(row.attempts > 1 for row in rows)
    told = (
        f"{WORKERS} processes, {amount:,} due messages: {double} claimed twice, {sum(copies.values()) - copies[1]} came "
        f"twice; at most {sink.most_at_once} at a time to a chat"
    )
    return Came(told, once and set(copies) == {1} and sink.most_at_once == 1)


async def pace(database: str, folder: Path, amount: int) -> Came:
    """Let eight processes send so many messages at one rate, several to each chat."""
    starts = folder / "starts"
    chats = amount // 4
    async with Sink() as sink:
        store = await open_store(database)
        await salon.furnish(store, range(chats))
        await salon.advertise(store, range(chats), times=4)
        await store.close()
        orders = Orders(database=database, sink=sink.url, stays=True, rate=RATE, starts=str(starts))
        began = time.monotonic()
        async with working([orders] * WORKERS) as workers:
            await sink.taken(4 * chats)
            took = time.monotonic() - began
            await stopped(workers)
        arrivals = most_within([arrival.at for arrival in sink.arrivals], 1.0)
    started = most_within([float(line) for line in starts.read_text().split()], 1.0)
    told = (
        f"{WORKERS} processes, {4 * chats:,} messages at a rate of {RATE}: at most {started} started in any one second, "
        f"{4 * chats / took:.1f} a second in all; at most {arrivals} arrived in one, {sink.most_at_once} at a time in a chat"
    )
    return Came(told, started <= ALLOWED and sink.most_at_once == 1)


async def cancels(database: str, folder: Path, amount: int) -> Came:
    """Cancel so many visits at about the moment at which their notices go."""
    async with Sink() as sink:
        races = await racing.race(database, sink, amount, random.Random(3))
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(races.kinds.items()))
    told = (
        f"{races.kinds.total():,} cancellations while the notice goes ({kinds}): {len(races.wrong)} notices that began "
        f"after it, of which the answer said nothing, or that came after the word of it"
    )
    return Came(told, not races.wrong and races.kinds.total() == amount)


async def primaries(database: str, folder: Path, amount: int) -> Came:
    """Kill the primary of three servers so many times."""
    with running_set(find_mongod(), 3) as cluster:
        async with Sink() as sink:
            fallen = await kill_primaries(cluster, sink, amount)
    told = (
        f"the primary of three killed {fallen.kills} times while bookings come and two workers send: of "
        f"{fallen.acknowledged:,} acknowledged bookings {len(fallen.lost)} lost, {len(fallen.unsent)} messages unsent, "
        f"{fallen.twice} came twice; {fallen.refused} calls were told to try again"
    )
    return Came(told, not fallen.lost and not fallen.unsent)


async def promises(database: str, folder: Path, amount: int) -> Came:
    """Let the state machine of the tests look for a broken promise in so many histories."""
    name = "test_promises" if database.startswith("sqlite") else "test_promises_mongodb"
    environment = {**os.environ, "VIZIT_TEST_EXAMPLES": str(amount), "VIZIT_TEST_STEPS": str(STEPS)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", "-q", f"tests/{name}.py", env=environment, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    if process.returncode:
        sys.stdout.buffer.write(said)
    found = "a broken promise was found" if process.returncode else "no broken promise"
    return Came(f"state machine, {amount:,} examples of {STEPS} steps: {found}", process.returncode == 0)


class Held(NamedTuple):
    """What a process holds: memory in megabytes, and open files."""

    memory: float
    files: int


def held_by(worker: Worker) -> Held:
    """What a living worker holds now."""
    own = Path("/proc", str(worker.process.pid))
    resident = re.search(r"VmRSS:\s+(\d+)", (own / "status").read_text())
    assert resident is not None
    return Held(int(resident[1]) / 1024, len(list((own / "fd").iterdir())))


async def hour(database: str, folder: Path, amount: int) -> Came:
    """Book for so many seconds while every fault of both wires strikes one call in twenty."""
    shares = dict.fromkeys(FAULTS, SHARE)
    async with (
        Sink(blocked=lambda chat: salon.number_of(chat) % 5 == 0) as sink,
        Proxy(sink.url, telegram_refusal, shares=shares, chance=random.Random(5)) as telegram,
        Proxy(sink.url, twilio_refusal, shares=shares, chance=random.Random(6)) as twilio,
    ):
        orders = Orders(database=database, sink=telegram.url, twilio=twilio.url, stays=True)
        async with working([orders]) as (worker,):
            samples = await _book_for(amount, database, worker)
            await stopped([worker])
        await Kills(sink, database).finish()
    struck = sum(proxy.struck.total() - proxy.struck["well"] for proxy in (telegram, twilio))
    growth, files = _grown(samples)
    ended, kept = _ended(await rows_of(database), sink)
    told = (
        f"{amount / 60:.0f} minutes with {SHARE:.0%} of each of {len(FAULTS)} faults, {struck:,} of them: {ended}; "
        f"memory {growth:+.0%}, open files {files[0]} to {files[1]}"
    )
    return Came(told, kept and growth <= 0.1 and files[1] <= files[0] + WIRES)


async def _book_for(seconds: int, database: str, worker: Worker) -> list[Held]:
    """Make bookings, and a mailing for every few, and look at the worker every second."""
    samples: list[Held] = []
    store = await open_store(database)
    for second in range(seconds):
        new = range(second * EACH_SECOND, (second + 1) * EACH_SECOND)
        await salon.furnish(store, new)
        await salon.book(store, new[1:])
        await salon.advertise(store, new[:1])
        samples.append(held_by(worker))
        await asyncio.sleep(1)
    await store.close()
    return samples


def _ended(rows: Sequence[Message], sink: Sink) -> Came:
    """What became of all messages."""
    copies = sink.copies()
    came = {row.id: copies[(row.address or "", row.text or "")] for row in rows}
    between = sum(not is_final(row) and row.status != "planned" for row in rows)
    lost = sum(row.status == "sent" and not came[row.id] for row in rows)
    often = sum(came[row.id] > (1 if row.lane == MAILING_LANE else 2) for row in rows)
    told = f"of {len(rows):,} messages {between} neither final nor planned, {lost} lost, {often} sent too often"
    return Came(told, not (between or lost or often))


def _grown(samples: Sequence[Held]) -> tuple[float, tuple[int, int]]:
    """How much more memory the last sixth took than the second one, and the most files that each had open."""
    sixth = max(1, len(samples) // 6)
    early, late = samples[sixth : 2 * sixth] or samples[:1], samples[-sixth:]
    memory = median(held.memory for held in late) / median(held.memory for held in early) - 1
    return memory, (max(held.files for held in early), max(held.files for held in late))
