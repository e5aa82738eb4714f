"""`python -m bench faults [KILLS [MESSAGES]]`: workers killed at random moments, on each store, until all is sent.

Prints what was lost, what came twice, and how much of that was on the wire or unsettled at a kill. Exit status 1 where a
promise was broken.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

from storage.opening import open_store
from tests.faults import salon
from tests.faults.harness import Kills, Verdict
from tests.faults.sink import Sink
from tests.support.mongod import find_mongod, running_mongod

KILLS: Final = 300
MESSAGES: Final = 10_000
MAILINGS: Final = 0.1
"""The share of messages that are mailings, which must never come twice."""


def main(words: Sequence[str]) -> int:
    """Run the kills on both stores; answers with the exit status."""
    kills, messages = [*map(int, words), *(KILLS, MESSAGES)[len(words) :]][:2]
    kept = True
    with tempfile.TemporaryDirectory(prefix="vizit-faults-") as folder:
        kept = asyncio.run(_on_store("SQLite", f"sqlite:///{folder}/vizit.db", kills, messages))
    binary = find_mongod()
    if binary is None:
        sys.stdout.write("MongoDB: left out, there is no server here\n")
    else:
        with running_mongod(binary) as url:
            address = urlsplit(url)._replace(path="/vizit_faults").geturl()
            kept = asyncio.run(_on_store("MongoDB", address, kills, messages)) and kept
    return 0 if kept else 1


async def _on_store(name: str, database: str, kills: int, messages: int) -> bool:
    mailings = int(messages * MAILINGS)
    async with _sink() as sink:
        await _furnish(database, messages - mailings, mailings)
        dying, chance = Kills(sink, database), random.Random(17)
        for _ in range(kills):
            await dying.at_random(chance, max(1, 2 * messages // kills))
        await dying.finish()
        verdict = await dying.verdict()
    sys.stdout.write(f"{name}: {_told(verdict, dying)}\n")
    return verdict.kept


@asynccontextmanager
async def _sink() -> AsyncIterator[Sink]:
    async with Sink(blocked=lambda chat: False) as sink:
        yield sink


async def _furnish(database: str, notices: int, mailings: int) -> None:
    store = await open_store(database)
    await salon.furnish(store, range(notices + mailings))
    await salon.book(store, range(notices))
    await salon.advertise(store, range(notices, notices + mailings))
    await store.close()


def _told(verdict: Verdict, dying: Kills) -> str:
    return (
        f"{dying.number} kills over {verdict.messages} messages: {len(verdict.lost)} lost, {len(verdict.twice)} came twice "
        f"({dying.excused.total()} were on the wire or unsettled at a kill, at most {dying.most_at_once} at one), "
        f"{len(verdict.unexcused)} without excuse, {len(verdict.mailings_twice)} mailings twice"
    )
