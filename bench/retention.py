"""How long the report of who comes back takes over 200,000 clients and 2,000,000 visits, and what memory it needs."""

from __future__ import annotations

import asyncio
import random
import resource
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pymongo import MongoClient

from handlers.retention import GroupBy, midnight, periods, retention
from handlers.turn import Desk, Links
from storage.codec import layout
from storage.mongo_documents import documents
from storage.opening import open_store
from storage.records import Booking, Business, Client
from storage.store import Changes, Put, Store
from tests.support.mongod import NoServer, find_mongod, running_mongod

CLIENTS: Final = 200_000
VISITS: Final = 2_000_000
ZONE: Final = ZoneInfo("Europe/Kyiv")
TODAY: Final = date(2026, 11, 1)
DAYS: Final = 3 * 365
VISIT: Final = (date(2026, 4, 1), date(2026, 6, 30))
BACK: Final = (date(2026, 7, 1), date(2026, 9, 30))
DAY_MS: Final = 24 * 3600 * 1000
AT_ONCE: Final = 20_000
RUNS: Final = 3
MOST_S: Final = 2.0
MOST_MB: Final = 200.0
GROUPINGS: Final[tuple[GroupBy | None, ...]] = (None, "salon", "master", "service", "source")


class Took(NamedTuple):
    """Seconds of the slowest kind of report, the median of each kind, and by how many MB the process grew."""

    worst: float
    medians: dict[str, float]
    grew_mb: float


def history(clients: int, visits: int) -> Iterator[Booking]:
    """Visits over three years, nine in ten arrived, the same on every run."""
    draw = random.Random(7)
    end = midnight(TODAY, ZONE)
    for number in range(visits):
        day, salon = draw.randrange(DAYS + 30), draw.randrange(10)
        starts = end - (DAYS - day) * DAY_MS + draw.randrange(9 * 3600, 20 * 3600) * 1000
        status = "booked" if day >= DAYS else "arrived" if draw.random() < 0.9 else "no_show"
        yield Booking(
            business="b", id=f"v{number}", client=f"c{draw.randrange(clients)}", salon=f"s{salon}",
            master=f"m{salon}-{draw.randrange(8)}", services=(f"service{draw.randrange(20)}",), starts_at=starts,
            ends_at=starts + 3_600_000, status=status, created_at=starts - DAY_MS, source=f"source{draw.randrange(5)}",
        )  # fmt: skip


def people(clients: int) -> Iterator[Client]:
    """Clients, half of them with a source."""
    for number in range(clients):
        yield Client(
            business="b", id=f"c{number}", name=f"c{number}", source=f"source{number % 5}" if number % 2 else None
        )


async def prepare(url: str, clients: int, visits: int) -> Store:
    """A database with the history in it."""
    store = await open_store(url)
    await store.commit(Changes(puts=(Put(Business(business="b", id="b", name="B", timezone=ZONE.key)),)))
    for record, rows in ((Client, people(clients)), (Booking, history(clients, visits))):
        if url.startswith("sqlite"):
            _fill_sqlite(url.removeprefix("sqlite:///"), record, rows)
        else:
            _fill_mongo(url, record, rows)
    return store


def _fill_sqlite(path: str, record: type[Any], rows: Iterator[Any]) -> None:
    known = layout(record)
    marks = ", ".join("?" * len(known.names))
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA cache_size = -200000")
    with connection:
        text = f"INSERT INTO {known.table} ({', '.join(known.names)}) VALUES ({marks})"
        connection.executemany(text, map(known.to_row, rows))
    connection.close()


def _fill_mongo(url: str, record: type[Any], rows: Iterator[Any]) -> None:
    kind = documents(record)
    with MongoClient[dict[str, Any]](url, w=1, journal=False) as server:
        collection = server.get_default_database()[kind.collection]
        while portion := [kind.to_document(row) for row in islice(rows, AT_ONCE)]:
            collection.insert_many(portion, ordered=False)


async def measure(url: str, clients: int = CLIENTS, visits: int = VISITS) -> Took:
    """Make the history, and ask for every kind of report."""
    store = await prepare(url, clients, visits)
    now = midnight(TODAY, ZONE)
    desk = Desk(store, lambda: now, Links(None, b"s" * 32))
    owner = await store.get(Business, "b", "b")
    assert owner is not None
    asked = periods(VISIT, BACK, ZONE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    medians = {}
    for by in GROUPINGS:
        took = []
        for _ in range(RUNS):
            began = time.perf_counter()
            await retention(desk, owner, asked, by)
            took.append(time.perf_counter() - began)
        medians[by or "all"] = statistics.median(took)
    grew = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    await store.close()
    return Took(max(medians.values()), medians, grew)


def _told(store: str, took: Took) -> None:
    lines = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in took.medians.items())
    sys.stdout.write(f"{store}: {lines}; {took.grew_mb:.0f} MB\n")
    sys.stdout.flush()


def main(_: list[str]) -> int:
    """Measure on both stores and print the figures; 1 where a report took too long or too much."""
    found: list[Took] = []
    with tempfile.TemporaryDirectory() as folder:
        found.append(asyncio.run(measure(f"sqlite:///{Path(folder) / 'vizit.db'}")))
        _told("SQLite", found[-1])
    try:
        with running_mongod(find_mongod()) as server:
            url = urlsplit(server)._replace(path="/vizit_bench").geturl()
            found.append(asyncio.run(measure(url)))
            _told("MongoDB", found[-1])
    except NoServer as why:
        sys.stdout.write(f"MongoDB: left out, {why}\n")
    return int(any(took.worst > MOST_S or took.grew_mb > MOST_MB for took in found))
