"""This service as it sends: the whole worker, with real words and facts, every message to a chat of its own, no pace."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from typing import Any

from bench.measuring import Cpu, Figures, Sink, answer_for, arrivals, peak_mb, resident_mb
from bench.salon import chat, fill
from bot.app import App, Role, build
from bot.config import Config, Listen
from bot.loops import complete, spare_the_collector
from storage.opening import open_store
from storage.records import SERVICE_LANE, Address, Booking, Business, Client, Master, Message, Millis, Salon, Service
from storage.store import Changes

KEY = "0d4f1c2b3a59687786958473625140ffeeddccbb"
ACCOUNT = "AC" + "0" * 32
TWILIO_TOKEN = "token-of-the-sink"
TELEGRAM_SECRET = "secret-of-the-sink"
BEGINNING: Millis = 1_800_000_000_000
"""When the first message is due, by the service's own time: a worker sets its clock once it is at rest."""
AHEAD: Millis = 1_000
AN_HOUR: Millis = 3_600_000
SECOND_TRY: Millis = 120_000
"""After this time whatever may have gone out was tried again."""
KINDS: tuple[type[Any], ...] = (Business, Salon, Master, Service, Client, Address, Booking, Message)
CHUNK = 500


def config(database: str, sink: str, port: int = 0) -> Config:
    """Both channels, which the sink plays, without pace."""
    return Config.of(
        admin_key=KEY,
        secret=KEY[::-1],
        database=database,
        listen=Listen("127.0.0.1", port),
        public_url=f"http://127.0.0.1:{port or 1}",
        telegram_token="42:token-of-the-sink",
        telegram_mode="webhook",
        telegram_secret=TELEGRAM_SECRET,
        telegram_api=sink,
        twilio_account_sid=ACCOUNT,
        twilio_auth_token=TWILIO_TOKEN,
        twilio_whatsapp_from="+14155238886",
        twilio_api=sink,
        telegram_rate=0,
        whatsapp_rate=0,
        api_rate=0,
    )


async def _load(database: str, number: int, spread: float) -> Figures:
    """Bookings of `number` people, their notices due over `spread` seconds from BEGINNING."""
    store = await open_store(database)
    start = time.perf_counter()
    await fill(store, range(number), lambda n: BEGINNING + int(1000 * spread * n / number))
    seconds = time.perf_counter() - start
    await store.close()
    return {"rate": number / seconds}


async def _move(source: str, database: str) -> Figures:
    """The same rows in another store: planning twenty thousand visits one by one is not what is measured here."""
    old, new = await open_store(source), await open_store(database)
    start, moved = time.perf_counter(), 0
    for kind in KINDS:
        after = None
        while rows := await old.find(kind, {}, after=after, limit=CHUNK):
            await new.commit(Changes(inserts=tuple(rows)))
            after, moved = (rows[-1].id,), moved + len(rows)
    seconds = time.perf_counter() - start
    await old.close()
    await new.close()
    return {"rate": moved / seconds}


async def at_rest(database: str, sink: str, *, role: Role | None = "worker", starts_at: Millis, port: int = 0) -> App:
    """The service, started as `vizit run` does it, and through with what it does at a start."""
    app = await build(config(database, sink, port), only=role, starts_at=starts_at)
    spare_the_collector()
    await app.start()
    await app.tick()
    return app


def _spread(database: str, number: int, spread: float) -> Figures:
    """Let what :func:`_load` stored be due over `spread` seconds, person by person."""
    later = f"(CAST(address AS INTEGER) - {chat(0)}) * {int(1000 * spread)} / {number}"
    moved = ", ".join(f"{name} = {name} + {later}" for name in ("due_at", "next_at", "not_after"))
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection, connection:
        rows = connection.execute(
            f"UPDATE message SET {moved} WHERE status = 'planned' AND lane = {SERVICE_LANE}"
        ).rowcount
    return {"rows": rows}


def _fewer(database: str, number: int) -> Figures:
    """Keep the visits of so many people."""
    with closing(sqlite3.connect(database.removeprefix("sqlite:///"))) as connection, connection:
        rows = connection.execute(f"DELETE FROM message WHERE CAST(address AS INTEGER) >= {chat(number)}").rowcount
        for table in ("booking", "client", "address"):
            connection.execute(f"DELETE FROM {table} WHERE rowid > {number}")
    return {"rows": rows}


async def _send(database: str, sink: str, number: int, spread: float, at: float | None = None) -> Figures:
    """Send what :func:`_load` stored, the first of it at the moment `at` (seconds since 1970), else in a second.

    CPU from the first due moment until all is settled. Several processes that are given the same moment share the work.
    """
    app = await at_rest(database, sink, starts_at=BEGINNING - AN_HOUR)
    rest = resident_mb()
    await asyncio.sleep(max(0.0, (at or 0) - AHEAD / 1000 - time.time()))
    app.now.move_to(BEGINNING - int(1000 * (at - time.time())) if at else BEGINNING - AHEAD)
    app.outbox.wake()
    due = time.time() + (BEGINNING - app.now()) / 1000
    await asyncio.sleep(max(0.0, due - time.time() - 0.1))
    cpu, server = Cpu(), Sink(sink)
    await asyncio.to_thread(server.wait, number)
    await app.outbox.idle()
    cost = cpu.per(number)
    states = {key[0]: n for key, n in (await app.store.count(Message, {}, ("status",))).items()}
    await app.close()
    figures = arrivals(server.tally(), lambda n: due + spread * n / number, number)
    return figures | {"cpu_us": cost, "rest_mb": rest, "peak_mb": peak_mb(), "states": states}


async def _resume(database: str, sink: str) -> Figures:
    """Go on where a worker was killed until nothing is left to do, also what may have gone out and is tried again later."""
    app = await at_rest(database, sink, starts_at=BEGINNING + AHEAD)
    await app.outbox.idle()
    app.now.move_to(app.now() + SECOND_TRY)
    await app.outbox.idle()
    states = {key[0]: n for key, n in (await app.store.count(Message, {}, ("status",))).items()}
    await app.close()
    return {"states": states}


if __name__ == "__main__":
    answer_for(
        {
            "spread": _spread,
            "fewer": _fewer,
            "resume": lambda **given: complete(_resume(**given)),
            "load": lambda database, number, spread: complete(_load(database, number, spread)),
            "move": lambda source, database: complete(_move(source, database)),
            "send": lambda **given: complete(_send(**given)),
        }
    )
