"""A store with a million messages ahead and a million behind: claims, and what a start costs."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing

from bench.measuring import Figures, answer_for, percentile, resident_mb
from bench.ours import AN_HOUR, BEGINNING, at_rest
from bot.loops import complete
from storage.opening import open_store
from storage.records import SERVICE_LANE, Millis, new_id
from storage.store import Claim

LIMIT = 100
LEASE: Millis = 60_000
SETTLES_S = 2.0
"""After a start the webhook and the commands are still being told to Telegram."""

PAST = {
    "status": "'sent'",
    "due_at": "due_at - 86400000 * (n + 1)",
    "next_at": "next_at - 86400000 * (n + 1)",
    "not_after": "not_after - 86400000 * (n + 1)",
    "sent_at": "due_at - 86400000 * (n + 1)",
    "provider_id": "address || ':' || n",
    "text": "'Ви записані: четвер, 31 грудня, 15:00, Стрижка, майстер Тарас, Салон «Мрія», вул. Хрещатик, 1.'",
    "attempts": "1",
}
STRANGERS = ("key", "booking", "client", "address")
"""The visits and people of the crowd are others than those who are measured."""
FUTURE = {name: f"{name} + 86400000 * (n + 1)" for name in ("due_at", "next_at", "not_after")}


def _crowd(file: str, rows: int) -> Figures:
    """Put so many messages ahead of those that the file holds, and as many behind them, each a copy of one of them."""
    start = time.perf_counter()
    with closing(sqlite3.connect(file)) as connection, connection:
        # A file that breaks here is made anew: no log, no sync, and room to sort in.
        for setting in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-200000", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {setting}")
        (seeds,) = connection.execute("SELECT count(*) FROM message").fetchone()
        indexes = "SELECT name, sql FROM sqlite_master WHERE tbl_name='message' AND type='index' AND sql IS NOT NULL"
        kept = connection.execute(indexes).fetchall()
        for name, _ in kept:
            connection.execute(f"DROP INDEX {name}")
        columns = [row[1] for row in connection.execute("PRAGMA table_info(message)")]
        connection.execute("CREATE TEMP TABLE seed AS SELECT * FROM message")
        for word, changed in (("future", FUTURE), ("past", PAST)):
            given = {
                **{name: name for name in columns},
                "id": "printf('%012x', created_at) || lower(hex(randomblob(10)))",
                **{name: f"{name} || ':{word}:' || n" for name in STRANGERS},
                **changed,
            }
            connection.execute(
                "WITH RECURSIVE times(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM times WHERE n + 1 < ?)"
                f" INSERT INTO message ({','.join(given)}) SELECT {','.join(given.values())} FROM times, seed LIMIT ?",
                (-(-rows // seeds), rows),
            )
        for _, text in kept:
            connection.execute(text)
        connection.execute("ANALYZE message")
    return {"seconds": time.perf_counter() - start, "rows": 2 * rows}


async def _claims(database: str, number: int) -> Figures:
    """Claim what is due by hundreds, and give all of it back."""
    store = await open_store(database)
    took, got = [], 0
    for _ in range(number // LIMIT):
        claim = Claim(SERVICE_LANE, LIMIT, BEGINNING, new_id(), store.clock() + LEASE)
        start = time.perf_counter()
        stepped = await store.step(claims=[claim])
        took.append(1000 * (time.perf_counter() - start))
        got += len(stepped.claimed)
    rest = resident_mb()
    await store.close()
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection, connection:
        connection.execute(
            "UPDATE message SET status='planned', token=NULL, lease_until=NULL WHERE status='leased' OR status='sending'"
        )
    return {"claimed": got, "p50_ms": percentile(took, 0.5), "p99_ms": percentile(took, 0.99), "mb": rest}


async def _start(database: str, sink: str, spawned: float, seconds: float) -> Figures:
    """From the start of the process until it is ready; then what it costs while there is nothing to do."""
    app = await at_rest(database, sink, role=None, starts_at=BEGINNING - AN_HOUR)
    ready, rest = time.time() - spawned, resident_mb()
    await asyncio.sleep(SETTLES_S)
    cpu = time.process_time()
    await asyncio.sleep(seconds)
    idle = 100 * (time.process_time() - cpu) / seconds
    await app.close()
    return {"ready_s": ready, "rest_mb": rest, "idle_percent": idle}


if __name__ == "__main__":
    answer_for(
        {
            "crowd": _crowd,
            "claims": lambda database, number: complete(_claims(database, number)),
            "start": lambda database, sink, spawned, seconds_at_rest: complete(
                _start(database, sink, spawned, seconds_at_rest)
            ),
        }
    )
